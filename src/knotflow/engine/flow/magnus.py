"""Propagators of an arc: exp of the generator in closed form, and a Magnus series of order 6 where q moves.

On an arc with q = sum of w_j r_j (x_j, 1) / norm over its active samples every neuron obeys

    d/dt (a, b, c) = M(q) (a, b, c),      M = [[0, 0, -q1], [0, 0, q0], [-q1, q0, 0]]

M generates a Lorentz boost and so conserves c^2 - a^2 - b^2. A propagator is a 3 x 3 matrix: a tuple of nine numbers.

Source: Blanes et al. 2009, The Magnus expansion and some of its applications, eq. (257) (order 6).
"""

from __future__ import annotations

import numpy as np

from knotflow.engine.compiled import inner

# Place in Work.lam of the end of the step. A NumPy integer, as numba compiles a function that takes a plain one once more.
END = np.int64(2)


@inner
def exponential(p1, p0, turn, ta, tb, tc):
    """exp of Omega = [[0, ta turn, -ta p1], [-tb turn, 0, tb p0], [-tc p1, tc p0, 0]], from Omega^3 = k Omega."""
    u1, u0, v1, v0, wa, wb = -ta * p1, tb * p0, -tc * p1, tc * p0, ta * turn, tb * turn
    k = u1 * v1 + u0 * v0 - wa * wb
    size = np.sqrt(abs(k))
    if size < 1e-2:
        first = 1.0 + k / 6.0 * (1.0 + k / 20.0 * (1.0 + k / 42.0))
        second = 0.5 * (1.0 + k / 12.0 * (1.0 + k / 30.0 * (1.0 + k / 56.0)))
    elif k > 0:
        half = np.sinh(0.5 * size)
        first, second = np.sinh(size) / size, 2.0 * half * half / k
    else:
        half = np.sin(0.5 * size)
        first, second = np.sin(size) / size, -2.0 * half * half / k
    return (
        1.0 + second * (-wa * wb + u1 * v1),
        first * wa + second * (u1 * v0),
        first * u1 + second * (wa * u0),
        -first * wb + second * (u0 * v1),
        1.0 + second * (-wa * wb + u0 * v0),
        first * u0 + second * (-wb * u1),
        first * v1 + second * (-v0 * wb),
        first * v0 + second * (v1 * wa),
        1.0 + second * (u1 * v1 + u0 * v0),
    )


@inner
def commutator(p1, p0, w, r1, r0, v, ta, tb):
    """The commutator of two generators (q1, q0, turn) as in ``exponential``, with c trained."""
    return tb * (v * p0 - w * r0), ta * (w * r1 - v * p1), r1 * p0 - p1 * r0


@inner
def propagator(start, end, dt, mode, coef, prob):
    """Propagator from ``start`` to ``end`` (fractions of the step) under the mode's q(t), given by its powers."""
    ta, tb, tc = prob.ta, prob.tb, prob.tc
    h = (end - start) * dt
    mid, half = 0.5 * (start + end), 0.5 * (end - start) * 0.7745966692414834
    x0, x1, x2 = coef[mode, 0, 0], coef[mode, 0, 1], coef[mode, 0, 2]
    y0, y1, y2 = coef[mode, 1, 0], coef[mode, 1, 1], coef[mode, 1, 2]
    # q at the Gauss points is exact in terms of its value, slope and curvature at the middle.
    m1, m0 = x0 + mid * (x1 + mid * x2), y0 + mid * (y1 + mid * y2)
    d1, d0 = half * (x1 + 2.0 * mid * x2), half * (y1 + 2.0 * mid * y2)
    k1, k0 = half * half * x2, half * half * y2
    # a1 = h q(mid), a2 = sqrt(15)/3 h (q3 - q1), a3 = 10/3 h (q3 - 2 q2 + q1)
    a1, a0 = h * m1, h * m0
    b1, b0 = 2.581988897471611 * h * d1, 2.581988897471611 * h * d0
    e1, e0 = 20.0 / 3.0 * h * k1, 20.0 / 3.0 * h * k0
    p1, p0, turn = a1 + e1 / 12.0, a0 + e0 / 12.0, 0.0
    if tc * (ta + tb) != 0.0:  # else all the generators commute
        f1, f0, fw = commutator(a1, a0, 0.0, b1, b0, 0.0, ta, tb)
        g1, g0, gw = commutator(a1, a0, 0.0, 2.0 * e1 + f1, 2.0 * e0 + f0, fw, ta, tb)
        n1, n0, nw = commutator(
            -20.0 * a1 - e1 + f1, -20.0 * a0 - e0 + f0, fw, b1 - g1 / 60.0, b0 - g0 / 60.0, -gw / 60.0, ta, tb
        )
        p1, p0, turn = p1 + n1 / 240.0, p0 + n0 / 240.0, nw / 240.0
    return exponential(p1, p0, turn, ta, tb, tc)


@inner
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


@inner
def applied(p, a, b, c):
    """The matrix p times (a, b, c)."""
    return p[0] * a + p[1] * b + p[2] * c, p[3] * a + p[4] * b + p[5] * c, p[6] * a + p[7] * b + p[8] * c


@inner
def kept(lam, k, mode):
    """The propagator of the mode that ``lam`` holds at place k: node 0, 1 or 2."""
    return (
        lam[k, mode, 0], lam[k, mode, 1], lam[k, mode, 2], lam[k, mode, 3], lam[k, mode, 4], lam[k, mode, 5],
        lam[k, mode, 6], lam[k, mode, 7], lam[k, mode, 8],
    )  # fmt: skip


@inner
def keep(p, lam, k, mode):
    """Write the propagator p to its place in ``lam``."""
    for n in range(9):
        lam[k, mode, n] = p[n]
