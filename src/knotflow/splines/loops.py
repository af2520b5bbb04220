"""Compiled loops over samples: one pass for what would be dozens of NumPy temporaries, or a recursion.

Imported by the functions that need it, so that `import knotflow.splines` compiles nothing.
"""

from __future__ import annotations

import numpy as np

from knotflow._typing import AnyArray as Array
from knotflow.engine.compiled import kernel


@kernel(error_model="numpy")
def weighted_pieces(u: Array, y: Array, breaks: Array, first: Array, nu: Array) -> Array:
    """(degree + 4, pieces) coefficients of the spline with f'' = nu s, s continuous and straight between the u.

    breaks (pieces + 1,) refine u (s,): those of interval j start at first[j]. nu is (pieces, degree + 1), the
    ascending coefficients of the density on each piece in the local variable from 0 to 1.
    """
    s, pieces, order = len(u), nu.shape[0], nu.shape[1]
    part = 1 / np.arange(1.0, order + 4)
    gram = np.empty((3, s - 1))  # per interval: int L^2 nu, int L R nu, int R^2 nu for the hats L + R = 1
    for j in range(s - 1):
        share = 1 / (u[j + 1] - u[j])
        ll = lr = rr = 0.0
        for p in range(first[j], first[j + 1]):
            w = breaks[p + 1] - breaks[p]
            left, right, step = (u[j + 1] - breaks[p]) * share, (breaks[p] - u[j]) * share, w * share
            m0 = m1 = m2 = 0.0  # int nu t^k dt over the piece; L = left - step t, R = right + step t
            for k in range(order):
                m0 += nu[p, k] * part[k]
                m1 += nu[p, k] * part[k + 1]
                m2 += nu[p, k] * part[k + 2]
            ll += w * (left * left * m0 - 2 * left * step * m1 + step * step * m2)
            lr += w * (left * right * m0 + (left - right) * step * m1 - step * step * m2)
            rr += w * (right * right * m0 + 2 * right * step * m1 + step * step * m2)
        gram[0, j], gram[1, j], gram[2, j] = ll, lr, rr
    _complement(u, breaks, first, nu, gram)
    bend = _bends(u, y, gram)
    out = np.empty((order + 3, pieces))
    for j in range(s - 1):
        share = 1 / (u[j + 1] - u[j])
        value = y[j]
        slope = (y[j + 1] - y[j]) * share - (bend[j] * gram[0, j] + bend[j + 1] * gram[1, j])
        for p in range(first[j], first[j + 1]):
            w = breaks[p + 1] - breaks[p]
            s0 = (bend[j] * (u[j + 1] - breaks[p]) + bend[j + 1] * (breaks[p] - u[j])) * share
            s1 = (bend[j + 1] - bend[j]) * (w * share)
            out[order + 2, p], out[order + 1, p] = value, slope
            rise, turn, power, last, inverse = 0.0, 0.0, 1.0, 0.0, 1 / w
            for k in range(order + 1):
                now = nu[p, k] if k < order else 0.0
                g = (s0 * now + s1 * last) * part[k]
                turn += g
                g *= part[k + 1]
                rise += g
                out[order - k, p] = g * power
                power *= inverse
                last = now
            value += w * slope + w * w * rise
            slope += w * turn
    return out


@kernel(error_model="numpy")
def _complement(u: Array, breaks: Array, first: Array, nu: Array, gram: Array) -> None:
    """Put int (R - c L)^2 nu in the place of int R^2 nu, with the c for which it is least.

    It may be much smaller, where nu is large in one place of the interval, and keeps its digits as an integral.
    """
    for j in range(len(u) - 1):
        share = 1 / (u[j + 1] - u[j])
        slant = gram[1, j] / gram[0, j] if gram[0, j] > 0 else 0.0
        gram[2, j] = 0.0
        for p in range(first[j], first[j + 1]):
            w = breaks[p + 1] - breaks[p]
            start = (breaks[p] - u[j]) * share - slant * (u[j + 1] - breaks[p]) * share
            step, m0, m1, m2 = w * share * (1 + slant), 0.0, 0.0, 0.0
            for k in range(nu.shape[1]):
                m0 += nu[p, k] / (k + 1)
                m1 += nu[p, k] / (k + 2)
                m2 += nu[p, k] / (k + 3)
            gram[2, j] += w * (start * start * m0 + 2 * start * step * m1 + step * step * m2)


@kernel(error_model="numpy")
def _bends(u: Array, y: Array, gram: Array) -> Array:
    """(s,) s at the samples, 0 at both ends: a tridiagonal system, eliminated from the left by sums that do not cancel.

    gram    per interval int L^2 nu, int L R nu, and int R^2 nu less the square of the second over the first
    """
    s = len(u)
    bend, pivot = np.zeros(s), np.ones(s)
    left = np.inf  # what the intervals before add to the pivot; no bend at the first sample
    for j in range(1, s - 1):
        chord, next_chord = (y[j] - y[j - 1]) / (u[j] - u[j - 1]), (y[j + 1] - y[j]) / (u[j + 1] - u[j])
        ll, lr = gram[0, j - 1], gram[1, j - 1]
        square = lr * (lr / ll) if ll > 0 else 0.0
        share = 1 / (1 + ll / left) if left > 0 else 0.0
        left = gram[2, j - 1] + square * share
        pivot[j] = left + gram[0, j]
        bend[j] = next_chord - chord - (lr / pivot[j - 1] * bend[j - 1] if j > 1 else 0.0)
    for j in range(s - 2, 0, -1):
        bend[j] = (bend[j] - gram[1, j] * bend[j + 1]) / pivot[j]
    return bend


@kernel(error_model="numpy")
def _rotate(rows: Array, columns: int) -> None:
    """Zeros below the diagonal of the first `columns` columns, by Givens rotations."""
    for c in range(columns):
        for r in range(c + 1, rows.shape[0]):
            if rows[r, c] != 0.0:
                size = np.sqrt(rows[c, c] * rows[c, c] + rows[r, c] * rows[r, c])
                cosine, sine = rows[c, c] / size, rows[r, c] / size
                for k in range(c, rows.shape[1]):
                    upper, lower = rows[c, k], rows[r, k]
                    rows[c, k], rows[r, k] = cosine * upper + sine * lower, cosine * lower - sine * upper


@kernel(error_model="numpy")
def smoothed(h: Array, y: Array, weight: Array, penalty: float) -> tuple[Array, Array]:
    """The smoothing spline as a state (f, f') with kicks, and its leverages: least squares by rotations.

    Over the interval j the state is (f + h f' + kick, f' + turn) where int f''^2 = 3/h^3 kick^2 +
    4/h (turn - 3/2 kick/h)^2. Rows of these squares are rotated against what the samples before say of the state
    at j, then solved backwards: no square of the least-squares matrix is ever formed.

    Returns (4, s): f, f', kick and turn (0 at the last sample); and (s,), the leverage of each sample.
    """
    kept, known = _forwards(h, y, weight, penalty)
    return _backwards(h, weight, kept, known)


@kernel(error_model="numpy")
def covariances(h: Array, weight: Array, penalty: float) -> tuple[Array, Array]:
    """(s, 3) and (s - 1, 2, 2) covariances of the state: at each sample, and between each and the next.

    The smoothing spline is the mean of a process: f'' is white noise of the density 1 / penalty, nothing is known of
    the line, and the noise of a sample has the variance 1 / weight. The three are var f, cov (f, f') and var f'; of
    the others entry (i, k) is the covariance of the i-th part of the state here with the k-th part there.
    """
    s = len(weight)
    kept, known = _forwards(h, np.zeros(s), weight, penalty)
    own, between = np.empty((s, 3)), np.empty((s - 1, 2, 2))
    a, b, d = known[0, 0], known[0, 1], known[1, 1]
    v22 = 1 / (d * d)
    v12, v11 = -b / a * v22, 1 / (a * a) + (b / a) ** 2 * v22
    own[s - 1, 0], own[s - 1, 1], own[s - 1, 2] = v11, v12, v22
    for j in range(s - 2, -1, -1):
        n11, n12, n22, m11, m12, m21, m22 = _one_back(kept[j], h[j])
        p11, p12 = m11 * v11 + m12 * v12, m11 * v12 + m12 * v22
        p21, p22 = m21 * v11 + m22 * v12, m21 * v12 + m22 * v22
        between[j, 0, 0], between[j, 0, 1], between[j, 1, 0], between[j, 1, 1] = p11, p12, p21, p22
        v11 = p11 * m11 + p12 * m12 + n11 * n11 + n12 * n12
        v12 = p11 * m21 + p12 * m22 + n12 * n22
        v22 = p21 * m21 + p22 * m22 + n22 * n22
        own[j, 0], own[j, 1], own[j, 2] = v11, v12, v22
    return own, between


@kernel(error_model="numpy")
def _forwards(h: Array, y: Array, weight: Array, penalty: float) -> tuple[Array, Array]:
    """The rows of `smoothed` that the backward pass needs, and what all samples say of the last state."""
    s = len(y)
    kept = np.empty((s - 1, 2, 5))  # for each interval two rows over (kick, turn, next f, next f' | right side)
    known, rows = np.zeros((3, 3)), np.empty((4, 5))  # known: rows over (f, f' | right side)
    for j in range(s):
        root = np.sqrt(weight[j])
        known[2, 0], known[2, 1], known[2, 2] = root, 0.0, root * y[j]
        _rotate(known, 2)
        if j == s - 1:
            break
        step = h[j]
        for column in range(5):
            rows[0, column] = rows[1, column] = 0.0
        rows[0, 0] = np.sqrt(3 * penalty / step) / step
        rows[1, 1] = 2 * np.sqrt(penalty / step)
        rows[1, 0] = -1.5 / step * rows[1, 1]
        for r in range(2):
            value, slope = known[r, 0], known[r, 1]
            rows[2 + r, 0], rows[2 + r, 1] = -value, step * value - slope
            rows[2 + r, 2], rows[2 + r, 3], rows[2 + r, 4] = value, slope - step * value, known[r, 2]
        _rotate(rows, 2)
        for r in range(2):
            for column in range(5):
                kept[j, r, column] = rows[r, column]
            for column in range(3):
                known[r, column] = rows[2 + r, 2 + column]
    return kept, known


@kernel(error_model="numpy")
def _one_back(u: Array, step: float) -> tuple[float, float, float, float, float, float, float]:
    """(f, f') here = M (f, f') there + N noise, noise of unit variance: n11, n12, n22 and m11, m12, m21, m22."""
    n11, n12, n22 = -1 / u[0, 0], (step + u[0, 1] / u[0, 0]) / u[1, 1], -1 / u[1, 1]
    m11, m12 = 1 - n11 * u[0, 2] - n12 * u[1, 2], -step - n11 * u[0, 3] - n12 * u[1, 3]
    return n11, n12, n22, m11, m12, -n22 * u[1, 2], 1 - n22 * u[1, 3]


@kernel(error_model="numpy")
def _backwards(h: Array, weight: Array, kept: Array, known: Array) -> tuple[Array, Array]:
    """From the last state to the first: the states and kicks, and the variances of f that make the leverages."""
    s = len(weight)
    out, leverage = np.zeros((4, s)), np.empty(s)
    a, b, d = known[0, 0], known[0, 1], known[1, 1]
    slope = known[1, 2] / d
    out[1, s - 1], out[0, s - 1] = slope, (known[0, 2] - b * slope) / a
    v22 = 1 / (d * d)  # covariance of (f, f')
    v12, v11 = -b / a * v22, 1 / (a * a) + (b / a) ** 2 * v22
    leverage[s - 1] = weight[s - 1] * v11
    for j in range(s - 2, -1, -1):
        u, step = kept[j], h[j]
        value, slope = out[0, j + 1], out[1, j + 1]
        turn = (u[1, 4] - u[1, 2] * value - u[1, 3] * slope) / u[1, 1]
        kick = (u[0, 4] - u[0, 1] * turn - u[0, 2] * value - u[0, 3] * slope) / u[0, 0]
        out[1, j] = slope - turn
        out[0, j] = value - kick - step * out[1, j]
        out[2, j], out[3, j] = kick, turn
        n11, n12, n22, m11, m12, m21, m22 = _one_back(u, step)
        p11, p12 = m11 * v11 + m12 * v12, m11 * v12 + m12 * v22
        p21, p22 = m21 * v11 + m22 * v12, m21 * v12 + m22 * v22
        v11 = p11 * m11 + p12 * m12 + n11 * n11 + n12 * n12
        v12 = p11 * m21 + p12 * m22 + n12 * n22
        v22 = p21 * m21 + p22 * m22 + n22 * n22
        leverage[j] = weight[j] * v11
    return out, leverage


@kernel(error_model="numpy")
def barely_smoothed(h: Array, y: Array, weight: Array, lam: float) -> tuple[float, float]:
    """sum w (f - y)^2 and the trace of I - A, f = A y, where both may be tiny: no digit is lost as lam goes to 0.

    I - A = lam W^-1 Q B^-1 Q',  B = R + lam Q' W^-1 Q (Reinsch 1967), and of B^-1 the five diagonals that the trace
    needs (Hutchinson & de Hoog 1985). Accurate while B is about R, which is diagonally dominant.
    """
    n = len(y) - 2
    g, low, inverse = np.zeros((3, n + 2)), np.zeros((3, n + 2)), np.zeros((3, n + 2))
    bend = np.zeros(n + 4)  # Q'y, then B^-1 Q'y; two zeros on each side
    for j in range(n):
        p, r = 1 / h[j], 1 / h[j + 1]
        g[0, j] = p * p / weight[j] + (p + r) * (p + r) / weight[j + 1] + r * r / weight[j + 2]
        bend[j + 2] = (y[j + 2] - y[j + 1]) * r - (y[j + 1] - y[j]) * p
        if j + 1 < n:
            q = 1 / h[j + 2]
            g[1, j] = -(p + r) * r / weight[j + 1] - r * (r + q) / weight[j + 2]
            g[2, j] = r * q / weight[j + 2]
    for j in range(n):  # B = L D L'
        low[0, j] = (h[j] + h[j + 1]) / 3 + lam * g[0, j]
        low[1, j] = lam * g[1, j] + (h[j + 1] / 6 if j + 1 < n else 0.0)
        low[2, j] = lam * g[2, j] if j + 2 < n else 0.0
        for k in range(1, min(j, 2) + 1):
            share = low[k, j - k] * low[0, j - k]
            low[0, j] -= low[k, j - k] * share
            if k == 1:
                low[1, j] -= low[2, j - 1] * share
            bend[j + 2] -= low[k, j - k] * bend[j + 2 - k]
        low[1, j] /= low[0, j]
        low[2, j] /= low[0, j]
    trace = rest = 0.0
    for j in range(n - 1, -1, -1):
        one, two = low[1, j], low[2, j]
        bend[j + 2] = bend[j + 2] / low[0, j] - one * bend[j + 3] - two * bend[j + 4]
        inverse[1, j] = -one * inverse[0, j + 1] - two * inverse[1, j + 1]
        inverse[2, j] = -one * inverse[1, j + 1] - two * inverse[0, j + 2]
        inverse[0, j] = 1 / low[0, j] - one * inverse[1, j] - two * inverse[2, j]
        trace += g[0, j] * inverse[0, j] + 2 * (g[1, j] * inverse[1, j] + g[2, j] * inverse[2, j])
    for j in range(n + 2):
        kick = 0.0
        if j < n + 1:
            kick += (bend[j + 2] - bend[j + 1]) / h[j]
        if j > 0:
            kick -= (bend[j + 1] - bend[j]) / h[j - 1]
        rest += (lam * kick) ** 2 / weight[j]
    return rest, lam * trace


@kernel(error_model="numpy")
def polygon_system(u: Array, y: Array, weight: Array, knots: Array) -> tuple[Array, Array, Array]:
    """The normal equations of the least-squares polygon with its knots at the samples `knots`, the ends included.

    Returns the diagonal and the subdiagonal of sum w hat_k hat_l, and sum w hat_k y.
    """
    k = len(knots)
    diagonal, beside, right = np.zeros(k), np.zeros(k - 1), np.zeros(k)
    for p in range(k - 1):
        lo, hi = knots[p], knots[p + 1]
        for j in range(lo, hi + (p == k - 2)):
            t = (u[j] - u[lo]) / (u[hi] - u[lo])
            w = weight[j]
            diagonal[p] += w * (1 - t) ** 2
            diagonal[p + 1] += w * t * t
            beside[p] += w * t * (1 - t)
            right[p] += w * (1 - t) * y[j]
            right[p + 1] += w * t * y[j]
    return diagonal, beside, right


@kernel(error_model="numpy")
def tension(u: Array, pull: Array, knots: Array, held: Array) -> tuple[Array, Array]:
    """(s,) z at the samples, `held` at the knots and bending by `pull` between them; and what bends at the knots.

    "Bends" is the change of the slope of z at a sample; beyond both ends z is 0. The second result is the change
    of slope at the knots less `pull` there: 0 up to rounding if the samples are in balance.
    """
    z, spare = np.empty(len(u)), np.empty(len(knots))
    before = 0.0
    for p in range(len(knots) - 1):
        lo, hi = knots[p], knots[p + 1]
        z[lo], rise = 0.0, 0.0
        for j in range(lo + 1, hi + 1):
            z[j] = z[j - 1] + rise * (u[j] - u[j - 1])
            if j < hi:
                rise += pull[j]
        tilt = (held[p + 1] - held[p] - z[hi]) / (u[hi] - u[lo])
        for j in range(lo, hi):
            z[j] += held[p] + tilt * (u[j] - u[lo])
        spare[p] = tilt - before - pull[lo]
        before = tilt + rise
    z[knots[-1]] = held[-1]
    spare[-1] = -before - pull[knots[-1]]
    return z, spare
