"""A particle's velocity, and a substep of it by Dormand and Prince's method of order 5, with dense output.

Within a step (q1, q0) of every mode are quadratics in time. Times are fractions of the step.

Source: Hairer, Norsett & Wanner 1993, Solving Ordinary Differential Equations I, II.5 and II.6.
"""

from __future__ import annotations

import numpy as np

from knotflow.engine.compiled import inner
from knotflow.engine.particles.rules import drive
from knotflow.engine.particles.state import CYLINDER

# Dormand and Prince's method of order 5(4): the last row of STEP is also the new value.
TIMES = np.array([0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1])
STEP = np.zeros((7, 6))
STEP[1, :1] = 1 / 5
STEP[2, :2] = 3 / 40, 9 / 40
STEP[3, :3] = 44 / 45, -56 / 15, 32 / 9
STEP[4, :4] = 19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729
STEP[5, :5] = 9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656
STEP[6, :6] = 35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84
WRONG = np.array([71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40])
DENSE = np.array(
    [-12715105075 / 11282082432, 0, 87487479700 / 32700410799, -10690763975 / 1880347072,
     701980252875 / 199316789632, -1453857185 / 822651844, 69997945 / 29380423]
)  # fmt: skip

# A particle may be wrong by this fraction of the tolerance.
SHARE = 1e-2


@inner
def velocity(q1, q0, sign, y, prob, out):
    """The velocity of the particle y = (c, a, b) under (q1, q0); ``sign`` is that of c, for the penalty."""
    c, a, b = y[0], y[1], y[2]
    if prob.metric == CYLINDER:
        turn = c * (q1 * b + q0 * a)
        out[0] = -(q1 * a - q0 * b) - prob.lam * sign
        out[1] = -turn * b
        out[2] = turn * a
        return
    shrink = prob.lam / max(np.hypot(a, b), prob.tiny) if prob.lam > 0.0 else 0.0
    out[0] = 0.0
    out[1] = -c * q1 - shrink * a
    out[2] = c * q0 - shrink * b


@inner
def _try(now, h, group, sign, dt, prob, work):
    """One substep from work.value to work.next; its estimated error, as an error of c (a x - b)."""
    stage, y, z = work.stage, work.value, work.next
    for i in range(7):
        for p in range(3):
            total = 0.0
            for k in range(i):
                total += STEP[i, k] * stage[k, p]
            z[p] = y[p] + h * dt * total
        t = now + TIMES[i] * h
        q1, q0 = drive(group, t, work.coefs)
        velocity(q1, q0, sign, z, prob, stage[i])
    ec = ea = eb = 0.0
    for i in range(7):
        ec += WRONG[i] * stage[i, 0]
        ea += WRONG[i] * stage[i, 1]
        eb += WRONG[i] * stage[i, 2]
    most = max(abs(y[0]), abs(z[0])) * np.hypot(ea, eb) + abs(ec) * np.hypot(z[1], z[2])
    return h * dt * most * prob.reach


@inner
def _make_dense(h, dt, work):
    """The polynomial of order 4 through the substep (Hairer, Norsett & Wanner 1993, II.6)."""
    d, stage, y, z = work.dense, work.stage, work.value, work.next
    for p in range(3):
        total = 0.0
        for i in range(7):
            total += DENSE[i] * stage[i, p]
        d[0, p] = y[p]
        d[1, p] = z[p] - y[p]
        d[2, p] = h * dt * stage[0, p] - d[1, p]
        d[3, p] = d[1, p] - h * dt * stage[6, p] - d[2, p]
        d[4, p] = h * dt * total


@inner
def substep(now, end, group, sign, dt, prob, work):
    """Take as long a substep towards ``end`` as the tolerance allows; its length."""
    h, aim = end - now, SHARE * prob.tol
    error = _try(now, h, group, sign, dt, prob, work)
    while not error <= aim and h > 1e-9:
        h *= max(0.2, 0.9 * (aim / error) ** 0.2) if np.isfinite(error) else 0.1
        error = _try(now, h, group, sign, dt, prob, work)
    _make_dense(h, dt, work)
    return h


@inner
def at(part, work, out):
    """Fill ``out`` with the particle at this fraction of the substep."""
    if part == 1.0:
        for p in range(3):
            out[p] = work.next[p]
        return
    d, rest = work.dense, 1.0 - part
    for p in range(3):
        out[p] = d[0, p] + part * (d[1, p] + rest * (d[2, p] + part * (d[3, p] + rest * d[4, p])))
