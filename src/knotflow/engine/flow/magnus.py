"""Propagators of an arc: exp of the generator in closed form, and a Magnus series of order 6 where q moves.

On an arc with q = sum of w_j r_j (x_j, 1) / norm over its active samples every neuron obeys

    d/dt (a, b, c) = M(q) (a, b, c),      M = [[0, 0, -q1], [0, 0, q0], [-q1, q0, 0]]

M generates a Lorentz boost and so conserves c^2 - a^2 - b^2. A propagator is a 3 x 3 matrix: a tuple of nine numbers.

The functions without a branch take numbers, or vectors of `simd` that hold one number for each of LANES modes.

Source: Blanes et al. 2009, The Magnus expansion and some of its applications, eq. (257) (order 6).
"""

from __future__ import annotations

import numpy as np

from knotflow.engine.compiled import leaf
from knotflow.engine.simd import LANES, absolute, greater, load, load_scalar, movemask, splat, store, store_scalar

# Places in Work.lam: the first node, and the end of the step. NumPy integers, as numba compiles a function that takes a
# plain one once more for each.
START, END = np.int64(0), np.int64(2)
# Up to this |k|, exp(Omega) with Omega^3 = k Omega is a power series of eight terms, to rounding.
SERIES = 0.5


@leaf
def series(k):
    """sinh(sqrt k) / sqrt k and (cosh(sqrt k) - 1) / k by their power series, for |k| <= SERIES."""
    first = k * (1.0 / 272.0) + 1.0
    second = k * (1.0 / 306.0) + 1.0
    first = k * first * (1.0 / 210.0) + 1.0
    second = k * second * (1.0 / 240.0) + 1.0
    first = k * first * (1.0 / 156.0) + 1.0
    second = k * second * (1.0 / 182.0) + 1.0
    first = k * first * (1.0 / 110.0) + 1.0
    second = k * second * (1.0 / 132.0) + 1.0
    first = k * first * (1.0 / 72.0) + 1.0
    second = k * second * (1.0 / 90.0) + 1.0
    first = k * first * (1.0 / 42.0) + 1.0
    second = k * second * (1.0 / 56.0) + 1.0
    first = k * first * (1.0 / 20.0) + 1.0
    second = k * second * (1.0 / 30.0) + 1.0
    return k * first * (1.0 / 6.0) + 1.0, (k * second * (1.0 / 12.0) + 1.0) * 0.5


@leaf
def shares(k):
    """The same two functions for a number of any size."""
    if abs(k) <= SERIES:
        return series(k)
    size = np.sqrt(abs(k))
    if k > 0:
        half = np.sinh(0.5 * size)
        return np.sinh(size) / size, 2.0 * half * half / k
    half = np.sin(0.5 * size)
    return np.sin(size) / size, -2.0 * half * half / k


@leaf
def square(p1, p0, turn, ta, tb, tc):
    """The k with Omega^3 = k Omega."""
    return ta * tc * p1 * p1 + tb * tc * p0 * p0 - ta * tb * turn * turn


@leaf
def matrix(p1, p0, turn, shared, train):
    """1 + first Omega + second Omega^2, Omega = [[0, ta turn, -ta p1], [-tb turn, 0, tb p0], [-tc p1, tc p0, 0]]."""
    first, second = shared
    ta, tb, tc = train
    u1, u0, v1, v0, wa, wb = -ta * p1, tb * p0, -tc * p1, tc * p0, ta * turn, tb * turn
    return (
        second * (u1 * v1 - wa * wb) + 1.0,
        first * wa + second * (u1 * v0),
        first * u1 + second * (wa * u0),
        second * (u0 * v1) - first * wb,
        second * (u0 * v0 - wa * wb) + 1.0,
        first * u0 - second * (wb * u1),
        first * v1 - second * (v0 * wb),
        first * v0 + second * (v1 * wa),
        second * (u1 * v1 + u0 * v0) + 1.0,
    )


@leaf
def exponential(p1, p0, turn, ta, tb, tc):
    """exp of Omega = [[0, ta turn, -ta p1], [-tb turn, 0, tb p0], [-tc p1, tc p0, 0]]."""
    return matrix(p1, p0, turn, shares(square(p1, p0, turn, ta, tb, tc)), (ta, tb, tc))


@leaf
def commutator(p1, p0, w, r1, r0, v, ta, tb):
    """The commutator of two generators (q1, q0, turn) as in ``exponential``, with c trained."""
    return tb * (v * p0 - w * r0), ta * (w * r1 - v * p1), r1 * p0 - p1 * r0


@leaf
def exponent(start, end, dt, q, train):
    """Omega = (p1, p0, turn) from ``start`` to ``end`` (fractions of the step) for q(t) given by its powers.

    q: the powers of q1(t), then those of q0(t).
    """
    ta, tb, tc = train
    x0, x1, x2, y0, y1, y2 = q
    h = (end - start) * dt
    mid, half = 0.5 * (start + end), 0.5 * (end - start) * 0.7745966692414834
    # q at the Gauss points is exact in terms of its value, slope and curvature at the middle.
    # a1 = h q(mid), a2 = sqrt(15)/3 h (q3 - q1), a3 = 10/3 h (q3 - 2 q2 + q1)
    a1, a0 = h * (x0 + mid * (x1 + mid * x2)), h * (y0 + mid * (y1 + mid * y2))
    slope, curve = 2.581988897471611 * h * half, 20.0 / 3.0 * h * half * half
    b1, b0 = slope * (x1 + 2.0 * mid * x2), slope * (y1 + 2.0 * mid * y2)
    e1, e0 = curve * x2, curve * y2
    p1, p0, turn = a1 + e1 * (1.0 / 12.0), a0 + e0 * (1.0 / 12.0), 0.0 * a1
    if tc * (ta + tb) != 0.0:  # else all the generators commute
        f1, f0, fw = commutator(a1, a0, turn, b1, b0, turn, ta, tb)
        g1, g0, gw = commutator(a1, a0, turn, 2.0 * e1 + f1, 2.0 * e0 + f0, fw, ta, tb)
        n1, n0, nw = commutator(
            -20.0 * a1 - e1 + f1,
            -20.0 * a0 - e0 + f0,
            fw,
            b1 - g1 * (1.0 / 60.0),
            b0 - g0 * (1.0 / 60.0),
            gw * (-1.0 / 60.0),
            ta,
            tb,
        )
        p1, p0, turn = p1 + n1 * (1.0 / 240.0), p0 + n0 * (1.0 / 240.0), nw * (1.0 / 240.0)
    return p1, p0, turn


@leaf
def short_exponent(start, end, dt, q, train, slack):
    """The same for one mode, without the terms of order 6 where they are less than ``slack`` of it."""
    x0, x1, x2, y0, y1, y2 = q
    h = (end - start) * dt
    mid, half = 0.5 * (start + end), 0.5 * (end - start) * 0.7745966692414834
    a1, a0 = h * (x0 + mid * (x1 + mid * x2)), h * (y0 + mid * (y1 + mid * y2))
    slope, curve = 2.581988897471611 * h * half, 20.0 / 3.0 * h * half * half
    b1, b0 = slope * (x1 + 2.0 * mid * x2), slope * (y1 + 2.0 * mid * y2)
    e1, e0 = curve * x2, curve * y2
    a, b, e = abs(a1) + abs(a0), abs(b1) + abs(b0), abs(e1) + abs(e0)
    if a * (e * b + (b + e) * (a + b)) > 100.0 * slack * (a + e):
        return exponent(start, end, dt, q, train)
    # With tc = 0, or ta = tb = 0, all the generators commute and the turn has no effect.
    turn = (a0 * b1 - a1 * b0) * (1.0 / 12.0) * train[2]
    return a1 + e1 * (1.0 / 12.0), a0 + e0 * (1.0 / 12.0), turn


@leaf
def drive_of(mode, coef):
    """q(t) of one mode by its powers."""
    return (
        load_scalar(coef[0, 0], mode), load_scalar(coef[0, 1], mode), load_scalar(coef[0, 2], mode),
        load_scalar(coef[1, 0], mode), load_scalar(coef[1, 1], mode), load_scalar(coef[1, 2], mode),
    )  # fmt: skip


@leaf
def propagator(start, end, dt, mode, coef, train):
    """Propagator from ``start`` to ``end`` (fractions of the step) under the mode's q(t)."""
    p1, p0, turn = exponent(start, end, dt, drive_of(mode, coef), train)
    return exponential(p1, p0, turn, *train)


@leaf
def carried(a, b, c, start, end, mode, field):
    """(a, b, c) of a neuron at ``end``, given what they are at ``start``."""
    ta, tb, tc = field.ta, field.tb, field.tc
    p1, p0, turn = short_exponent(start, end, field.dt, drive_of(mode, field.coef), (ta, tb, tc), field.slack)
    k = square(p1, p0, turn, ta, tb, tc)
    if abs(k) < 1e-3:  # k^4 / 9! is below rounding
        first, second = 1.0 + k / 6.0 * (1.0 + k / 20.0 * (1.0 + k / 42.0)), 0.5 + k / 24.0 * (1.0 + k / 30.0)
    else:
        first, second = shares(k)
    u, v, w = ta * (turn * b - p1 * c), tb * (p0 * c - turn * a), tc * (p0 * b - p1 * a)
    return (
        a + (first * u + second * (ta * (turn * v - p1 * w))),
        b + (first * v + second * (tb * (p0 * w - turn * u))),
        c + (first * w + second * (tc * (p0 * v - p1 * u))),
    )


@leaf
def compose(p, q):
    """The matrix p q."""
    return (
        p[0] * q[0] + p[1] * q[3] + p[2] * q[6],
        p[0] * q[1] + p[1] * q[4] + p[2] * q[7],
        p[0] * q[2] + p[1] * q[5] + p[2] * q[8],
        p[3] * q[0] + p[4] * q[3] + p[5] * q[6],
        p[3] * q[1] + p[4] * q[4] + p[5] * q[7],
        p[3] * q[2] + p[4] * q[5] + p[5] * q[8],
        p[6] * q[0] + p[7] * q[3] + p[8] * q[6],
        p[6] * q[1] + p[7] * q[4] + p[8] * q[7],
        p[6] * q[2] + p[7] * q[5] + p[8] * q[8],
    )


@leaf
def applied(p, a, b, c):
    """The matrix p times (a, b, c)."""
    return p[0] * a + p[1] * b + p[2] * c, p[3] * a + p[4] * b + p[5] * c, p[6] * a + p[7] * b + p[8] * c


@leaf
def kept(lam, k, mode):
    """The propagator of the mode to node k, that lies in ``lam`` with those of LANES modes side by side."""
    row, at = lam[k], 9 * LANES * (mode // LANES) + mode % LANES
    return (
        load_scalar(row, at), load_scalar(row, at + LANES), load_scalar(row, at + 2 * LANES),
        load_scalar(row, at + 3 * LANES), load_scalar(row, at + 4 * LANES), load_scalar(row, at + 5 * LANES),
        load_scalar(row, at + 6 * LANES), load_scalar(row, at + 7 * LANES), load_scalar(row, at + 8 * LANES),
    )  # fmt: skip


@leaf
def keep(p, lam, k, mode):
    """Write the propagator p to its place in ``lam``."""
    row, at = lam[k], 9 * LANES * (mode // LANES) + mode % LANES
    for n in range(9):
        store_scalar(row, at + LANES * n, p[n])


@leaf
def keep_block(before, nodes, dt, first, coef, lam, train):
    """Propagators of LANES modes from ``first`` on from the start of the step to all the nodes, side by side."""
    q = (
        load(coef[0, 0], first), load(coef[0, 1], first), load(coef[0, 2], first),
        load(coef[1, 0], first), load(coef[1, 1], first), load(coef[1, 2], first),
    )  # fmt: skip
    for k in range(3):
        start = nodes[k - 1] if k > 0 else 0.0
        p1, p0, turn = exponent(start, nodes[k], dt, q, train)
        size = square(p1, p0, turn, *train)
        if movemask(greater(absolute(size), splat(SERIES))) == 0:
            step = matrix(p1, p0, turn, series(size), train)
            if k > 0:
                step = compose(step, before)
            for n in range(9):
                store(lam[k], 9 * first + LANES * n, step[n])
            before = step
            continue
        for mode in range(first, first + LANES):
            one = propagator(start, nodes[k], dt, mode, coef, train)
            if k > 0:
                one = compose(one, kept(lam, k - 1, mode))
            keep(one, lam, k, mode)
        before = loaded(lam, k, first)
    return before


@leaf
def loaded(lam, k, first):
    """The propagators of LANES modes from ``first`` on."""
    row, at = lam[k], 9 * first
    return (
        load(row, at), load(row, at + LANES), load(row, at + 2 * LANES), load(row, at + 3 * LANES),
        load(row, at + 4 * LANES), load(row, at + 5 * LANES), load(row, at + 6 * LANES), load(row, at + 7 * LANES),
        load(row, at + 8 * LANES),
    )  # fmt: skip
