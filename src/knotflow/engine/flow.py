"""Gradient flow: one propagator for each arc, collocation in the residuals, knots that cross samples or stick to them.

On an arc with q = sum of w_j r_j (x_j, 1) / norm over its active samples every neuron obeys

    d/dt (a, b, c) = M(q) (a, b, c),      M = [[0, 0, -q1], [0, 0, q0], [-q1, q0, 0]]

M generates a Lorentz boost and so conserves c^2 - a^2 - b^2. A step of length dt has the residuals at the three
Radau IIA nodes as its only unknowns: they give q(t) as a quadratic, q(t) gives every arc's propagator (a Magnus
series of order 6 between nodes), and the propagators give the residuals back. The fixed point is found by Newton's
method with the tangent kernel as the Jacobian, which makes it Radau IIA: order 5, L-stable, O(s) unknowns whatever
the width. Where dt times the largest eigenvalue is small, plain iteration is enough.

A knot that reaches a sample crosses it or sticks (Filippov): with G = q . (x_j, 1) on either side of the border the
velocity of h = a x_j - b is -c G. If both sides push towards the border, the neuron slides: q loses its component
along (x_j, 1). Borders are numbered as the arc below them; group 2s + k holds the neurons stuck at border k.

Sources: Williams et al. 2019, eqs. (2), (8)-(11), with the attractor rule mended; Hairer & Wanner 1996, IV.8 (Radau
IIA and its error estimate); Blanes et al. 2009, Magnus expansion, eq. (257) (order 6).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from knotflow.engine.arcs import active_arc, arc_sums, border_sample, borders, find_arc, inactive_arc, predict
from knotflow.engine.compiled import kernel

Array = NDArray[Any]

# Radau IIA with three stages.
_ROOT6 = 6.0**0.5
NODES = np.array([(4 - _ROOT6) / 10, (4 + _ROOT6) / 10, 1.0])
STAGES = np.array(
    [
        [(88 - 7 * _ROOT6) / 360, (296 - 169 * _ROOT6) / 1800, (-2 + 3 * _ROOT6) / 225],
        [(296 + 169 * _ROOT6) / 1800, (88 + 7 * _ROOT6) / 360, (-2 - 3 * _ROOT6) / 225],
        [(16 - _ROOT6) / 36, (16 + _ROOT6) / 36, 1 / 9],
    ]
)
ERROR = np.array([-13 - 7 * _ROOT6, -13 + 7 * _ROOT6, -1.0]) / 3
ERROR_ROOT = 3 + 3 ** (2 / 3) - 3 ** (1 / 3)
# The quadratic through the values at the nodes, as powers of the time within the step.
POWERS = np.linalg.inv(np.vander(NODES, 3, increasing=True))

# Kinds of events.
CROSS, STICK, RELEASE, FLIP, REST, LEAVE, TURN = range(7)
# Why ``advance`` came back.
ARRIVED, FULL, PAUSED, STALLED, CONVERGED, BROKEN = range(6)
# Places in Run.counts and Run.real.
STEPS, REJECTED, SOLVES, REFRESHED, EVENTS, STIFF, FRESH, HELD, WAIT, PATIENCE = range(10)
TIME, DT, SCALE, RATE = range(4)

MAX_ITERATIONS = 12
# Below this dt times the largest eigenvalue, plain iteration contracts fast enough.
PLAIN = 0.3
# With more events than this in a step their effect on the residuals is fed back, and it need not end at the first.
BATCH = 16
# If that fails and there are more than this, the step is made shorter; with fewer it ends at the first of them, and the
# next WAIT steps do not try.
CROWD = 64
EPS = 2.0**-52


class Problem(NamedTuple):
    """What stays the same: s distinct samples, their borders, what is trained."""

    x: Array  # (s,)
    y: Array  # (s,)
    weight: Array  # (s,)
    lower: Array  # (2s,) abscissae of each arc's lower and upper border
    upper: Array
    train: Array  # (4,) 1 where a, b, c, bias are trained, else 0
    inv_norm: float
    tol: float  # allowed error of f at the samples in a step
    size: float  # of y and of f at the start: what rounding errors are measured against


class Run(NamedTuple):
    """What moves. The arrays are the engine's own; m neurons, 4s groups."""

    z: Array  # (3, m) a, b, c
    bias: Array  # (1,)
    group: Array  # (m,) int32
    moments: Array  # (4s, 6) sums of aa, ab, bb, ac, bc, cc
    sign: Array  # (2s,) common sign of c of the neurons stuck at a border, 0 if there are none
    r: Array  # (s,) f - y
    basis: Array  # (s, s) eigenvectors of the kernel that Newton uses; (s,) eigenvalues
    eigen: Array
    counts: Array  # (10,) int64
    real: Array  # (4,)


def problem(x: Array, y: Array, weight: Array, norm: float, train: frozenset[str], tol: float, size: float) -> Problem:
    """The constants of a run."""
    on = np.array([float(p in train) for p in ("a", "b", "c", "bias")])
    return Problem(x, y, weight, *borders(x), on, 1.0 / norm, tol, size)


# --- geometry ---------------------------------------------------------------------------------------------------


@kernel
def home_arc(g, s):
    """The arc whose active set the group has: stuck neurons count as inactive at their sample."""
    return g if g < 2 * s else inactive_arc(g - 2 * s, s)


@kernel
def slide(q1, q0, x, ta, tb):
    """q without the component that would move a x - b."""
    total = ta * x * x + tb
    if total == 0.0:  # nothing that is trained moves it
        return q1, q0
    excess = (ta * x * q1 + tb * q0) / total
    return q1 - excess * x, q0 - excess


@kernel
def drive(g, q0, q1, prob):
    """(q1, q0) that moves the group g, from the arcs' sums."""
    s = prob.x.size
    if g < 2 * s:
        return q1[g], q0[g]
    k = g - 2 * s
    home = inactive_arc(k, s)
    return slide(q1[home], q0[home], prob.x[border_sample(k, s)], prob.train[0], prob.train[1])


# --- propagators ------------------------------------------------------------------------------------------------


@kernel
def exponential(p1, p0, turn, ta, tb, tc, out):
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
    out[0] = 1.0 + second * (-wa * wb + u1 * v1)
    out[1] = first * wa + second * (u1 * v0)
    out[2] = first * u1 + second * (wa * u0)
    out[3] = -first * wb + second * (u0 * v1)
    out[4] = 1.0 + second * (-wa * wb + u0 * v0)
    out[5] = first * u0 + second * (-wb * u1)
    out[6] = first * v1 + second * (-v0 * wb)
    out[7] = first * v0 + second * (v1 * wa)
    out[8] = 1.0 + second * (u1 * v1 + u0 * v0)


@kernel
def _commute(p1, p0, w, r1, r0, v, ta, tb):
    """The commutator of two generators (q1, q0, turn) as in ``exponential``, with c trained."""
    return tb * (v * p0 - w * r0), ta * (w * r1 - v * p1), r1 * p0 - p1 * r0


@kernel
def propagator(start, end, dt, c1, c0, prob, out):
    """Propagator from ``start`` to ``end`` (fractions of the step) under q(t) with the power coefficients c1, c0."""
    ta, tb, tc = prob.train[0], prob.train[1], prob.train[2]
    h = (end - start) * dt
    mid, half = 0.5 * (start + end), 0.5 * (end - start) * 0.7745966692414834
    # q at the Gauss points is exact in terms of its value, slope and curvature at the middle.
    m1 = c1[0] + mid * (c1[1] + mid * c1[2])
    m0 = c0[0] + mid * (c0[1] + mid * c0[2])
    d1 = half * (c1[1] + 2.0 * mid * c1[2])
    d0 = half * (c0[1] + 2.0 * mid * c0[2])
    k1, k0 = half * half * c1[2], half * half * c0[2]
    # a1 = h q(mid), a2 = sqrt(15)/3 h (q3 - q1), a3 = 10/3 h (q3 - 2 q2 + q1)
    a1, a0 = h * m1, h * m0
    b1, b0 = 2.581988897471611 * h * d1, 2.581988897471611 * h * d0
    e1, e0 = 20.0 / 3.0 * h * k1, 20.0 / 3.0 * h * k0
    p1, p0, turn = a1 + e1 / 12.0, a0 + e0 / 12.0, 0.0
    if tc * (ta + tb) != 0.0:  # else all the generators commute
        f1, f0, fw = _commute(a1, a0, 0.0, b1, b0, 0.0, ta, tb)
        g1, g0, gw = _commute(a1, a0, 0.0, 2.0 * e1 + f1, 2.0 * e0 + f0, fw, ta, tb)
        n1, n0, nw = _commute(
            -20.0 * a1 - e1 + f1, -20.0 * a0 - e0 + f0, fw, b1 - g1 / 60.0, b0 - g0 / 60.0, -gw / 60.0, ta, tb
        )
        p1, p0, turn = p1 + n1 / 240.0, p0 + n0 / 240.0, nw / 240.0
    exponential(p1, p0, turn, ta, tb, tc, out)


# --- sums and residuals -----------------------------------------------------------------------------------------


class Work(NamedTuple):
    """Scratch of a step."""

    q0: Array  # (3, 2s) the arcs' sums at the nodes
    q1: Array
    coef: Array  # (4s, 2, 3) q1(t) and q0(t) of every group as powers of the fraction of the step
    lam: Array  # (4, 4s, 9) propagators from the start of the step to the nodes, and to its end
    nodes: Array  # (3, s) residuals at the nodes
    delta: Array  # (3, s)
    spare: Array  # (3, s)
    slope: Array  # (s,) dr/dt at the start of the step
    ca: Array  # (2s,)
    cb: Array
    s11: Array  # (2s,) the tangent kernel's sums per arc
    s12: Array
    s22: Array
    extra: Array  # (3, 2, 2s) at each node, what events in the step add to ca and cb
    power: Array  # (s,) power iteration for the largest eigenvalue
    reach: Array  # (4s, 2) how far a step moves the coefficients of c, and of a or b, of a border's h
    who: Array  # (m,) int32 neurons that meet a border in this step
    when: Array  # (m,) when, as a fraction of the step
    where: Array  # (m,) int32 at which border, or -1 - border for a change of sign of c there


def start(a: Array, b: Array, c: Array, bias: float, x: Array) -> tuple[Run, Work]:
    """A run at its start; ``enter`` must find the groups."""
    m, s = a.size, x.size
    run = Run(
        np.stack([a, b, c]), np.array([float(bias)]), np.zeros(m, np.int32), np.zeros((4 * s, 6)), np.zeros(2 * s),
        np.zeros(s), np.eye(s), np.zeros(s), np.zeros(10, np.int64), np.zeros(4),
    )  # fmt: skip
    return run, workspace(m, s)


def workspace(m: int, s: int) -> Work:
    """Scratch for m neurons and s distinct samples."""
    return Work(
        np.zeros((3, 2 * s)), np.zeros((3, 2 * s)), np.zeros((4 * s, 2, 3)), np.zeros((4, 4 * s, 9)),
        np.zeros((3, s)), np.zeros((3, s)), np.zeros((3, s)), np.zeros(s), np.zeros(2 * s), np.zeros(2 * s),
        np.zeros(2 * s), np.zeros(2 * s), np.zeros(2 * s), np.zeros((3, 2, 2 * s)), np.ones(s), np.zeros((4 * s, 2)),
        np.zeros(m, np.int32), np.zeros(m), np.zeros(m, np.int32),
    )  # fmt: skip


@kernel
def gather(run, prob):
    """The groups' second moments from the neurons."""
    z, moments, sign = run.z, run.moments, run.sign
    s2 = 2 * prob.x.size
    moments[:] = 0.0
    sign[:] = 0.0
    for i in range(z.shape[1]):
        a, b, c, g = z[0, i], z[1, i], z[2, i], run.group[i]
        moments[g, 0] += a * a
        moments[g, 1] += a * b
        moments[g, 2] += b * b
        moments[g, 3] += a * c
        moments[g, 4] += b * c
        moments[g, 5] += c * c
        if g >= s2 and c != 0.0:
            sign[g - s2] = np.sign(c)


@kernel
def residuals_at(run, prob, lam, bias, extra, work, r):
    """f - y after the groups were moved by ``lam``, with ``extra`` ca and cb; O(s)."""
    work.ca[:] = extra[0]
    work.cb[:] = extra[1]
    s = prob.x.size
    for g in range(4 * s):
        aa, ab, bb, ac, bc, cc = run.moments[g]
        if aa + bb + cc == 0.0:
            continue
        k = lam[g]
        za = aa * k[6] + ab * k[7] + ac * k[8]
        zb = ab * k[6] + bb * k[7] + bc * k[8]
        zc = ac * k[6] + bc * k[7] + cc * k[8]
        home = home_arc(g, s)
        work.ca[home] += k[0] * za + k[1] * zb + k[2] * zc
        work.cb[home] += k[3] * za + k[4] * zb + k[5] * zc
    predict(work.ca, work.cb, prob.x, bias, prob.inv_norm, r)
    for j in range(s):
        r[j] -= prob.y[j]


@kernel
def present_residuals(run, prob, work):
    """Fill run.r from the moments as they are."""
    for g in range(work.lam.shape[1]):
        work.lam[3, g] = 0.0
        work.lam[3, g, 0] = work.lam[3, g, 4] = work.lam[3, g, 8] = 1.0
    work.extra[:] = 0.0
    residuals_at(run, prob, work.lam[3], run.bias[0], work.extra[0], work, run.r)


@kernel
def sums_of(r, prob, q0, q1):
    """The arcs' q of the residuals r."""
    arc_sums(r * prob.weight, prob.x, prob.inv_norm, q0, q1)


@kernel
def kernel_sums(run, prob, work):
    """Per arc, S with K(x, x') = x~^T (sum of S over arcs active at both) x~': c^2 T + w w^T, slid for the stuck."""
    s = prob.x.size
    ta, tb, tc = prob.train[0], prob.train[1], prob.train[2]
    work.s11[:] = 0.0
    work.s12[:] = 0.0
    work.s22[:] = 0.0
    scale = prob.inv_norm * prob.inv_norm
    for g in range(4 * s):
        aa, ab, bb, _, _, cc = run.moments[g]
        t11, t12, t22 = ta, 0.0, tb
        x = prob.x[border_sample(g - 2 * s, s)] if g >= 2 * s else 0.0
        total = ta * x * x + tb
        if g >= 2 * s and total > 0.0:
            t11, t12, t22 = ta - ta * x * x * ta / total, -ta * x * tb / total, tb - tb * tb / total
        home = home_arc(g, s)
        work.s11[home] += scale * (cc * t11 + tc * aa)
        work.s12[home] += scale * (cc * t12 - tc * ab)
        work.s22[home] += scale * (cc * t22 + tc * bb)


@kernel
def kernel_times(v, prob, work, out):
    """out = K W v; O(s)."""
    q0, q1 = work.q0[0], work.q1[0]
    arc_sums(v * prob.weight, prob.x, 1.0, q0, q1)
    for g in range(q0.size):
        u1 = work.s11[g] * q1[g] + work.s12[g] * q0[g]
        u0 = work.s12[g] * q1[g] + work.s22[g] * q0[g]
        work.ca[g], work.cb[g] = u1, -u0
    predict(work.ca, work.cb, prob.x, prob.train[3] * (v * prob.weight).sum(), 1.0, out)


@kernel
def kernel_matrix(prob, work):
    """W^(1/2) K W^(1/2); O(s^2)."""
    s, x = prob.x.size, prob.x
    root = np.sqrt(prob.weight)
    out = np.empty((s, s))
    right = np.zeros((s, 3))  # row j: arcs s - j .. s, the right-facing ones active at x_j
    left = np.zeros((s, 3))  # row k: arcs s + 1 .. 2s - 1 - k
    for p, part in enumerate((work.s11, work.s12, work.s22)):
        total = 0.0
        for j in range(s):
            total += part[s - j]
            right[j, p] = total
        total = 0.0
        for k in range(s - 2, -1, -1):
            total += part[2 * s - 1 - k]
            left[k, p] = total
    for j in range(s):
        for k in range(j, s):
            k11, k12, k22 = right[j, 0] + left[k, 0], right[j, 1] + left[k, 1], right[j, 2] + left[k, 2]
            value = k11 * x[j] * x[k] + k12 * (x[j] + x[k]) + k22 + prob.train[3]
            out[j, k] = out[k, j] = root[j] * root[k] * value
    return out


@kernel
def rate(run, prob, work):
    """The largest eigenvalue of K W, by two rounds of a power iteration that goes on from step to step."""
    v, out = work.power, work.spare[0]
    value = 0.0
    for _ in range(2):
        kernel_times(v, prob, work, out)
        size = np.sqrt((out * out).sum())
        value = size / max(np.sqrt((v * v).sum()), 1e-300)
        if size > 0.0:
            v[:] = out / size
    return value


# --- one step ---------------------------------------------------------------------------------------------------


@kernel
def _correct(run, prob, dt, stiff, delta, spare):
    """Turn the defect into Newton's correction, in the eigenbasis of the kernel: (I + dt lambda A)^-1 for each."""
    if not stiff:
        return
    root = np.sqrt(prob.weight)
    for k in range(3):
        spare[k] = run.basis.T @ (root * delta[k])
    for j in range(run.eigen.size):
        t = dt * run.eigen[j]
        a00, a01, a02 = 1 + t * STAGES[0, 0], t * STAGES[0, 1], t * STAGES[0, 2]
        a10, a11, a12 = t * STAGES[1, 0], 1 + t * STAGES[1, 1], t * STAGES[1, 2]
        a20, a21, a22 = t * STAGES[2, 0], t * STAGES[2, 1], 1 + t * STAGES[2, 2]
        b0, b1, b2 = spare[0, j], spare[1, j], spare[2, j]
        c00, c01, c02 = a11 * a22 - a12 * a21, a12 * a20 - a10 * a22, a10 * a21 - a11 * a20
        det = a00 * c00 + a01 * c01 + a02 * c02
        spare[0, j] = (b0 * c00 + b1 * (a02 * a21 - a01 * a22) + b2 * (a01 * a12 - a02 * a11)) / det
        spare[1, j] = (b0 * c01 + b1 * (a00 * a22 - a02 * a20) + b2 * (a02 * a10 - a00 * a12)) / det
        spare[2, j] = (b0 * c02 + b1 * (a01 * a20 - a00 * a21) + b2 * (a00 * a11 - a01 * a10)) / det
    for k in range(3):
        delta[k] = (run.basis @ spare[k]) / root


@kernel
def _times(p, q, out):
    """out = p q for 3 x 3 matrices stored as nine numbers."""
    for r in range(0, 9, 3):
        for c in range(3):
            out[r + c] = p[r] * q[c] + p[r + 1] * q[3 + c] + p[r + 2] * q[6 + c]


@kernel
def _propagate(run, prob, dt, work):
    """Every group's q(t) from the residuals at the nodes, and its propagators to the nodes."""
    part = np.empty(9)
    for k in range(3):
        sums_of(work.nodes[k], prob, work.q0[k], work.q1[k])
    for g in range(work.coef.shape[0]):
        coef, lam = work.coef[g], work.lam[:, g]
        occupied = run.moments[g, 0] + run.moments[g, 2] + run.moments[g, 5] > 0.0
        coef[:] = 0.0  # q(t) is needed where no neuron is, too: one may come within the step
        for k in range(3):
            v1, v0 = drive(g, work.q0[k], work.q1[k], prob)
            for p in range(3):
                coef[0, p] += POWERS[p, k] * v1
                coef[1, p] += POWERS[p, k] * v0
        if not occupied:
            continue
        propagator(0.0, NODES[0], dt, coef[0], coef[1], prob, lam[0])
        for k in range(1, 3):
            propagator(NODES[k - 1], NODES[k], dt, coef[0], coef[1], prob, part)
            _times(part, lam[k - 1], lam[k])


@kernel
def _bias_at(run, prob, dt, k, work):
    """The bias at node k."""
    if prob.train[3] == 0.0:
        return run.bias[0]
    total = 0.0
    for p in range(3):
        total += STAGES[k, p] * (prob.weight * work.nodes[p]).sum()
    return run.bias[0] - dt * total


@kernel
def solve(run, prob, dt, stiff, work):
    """Find the residuals at the nodes; the number of iterations, or 0 if they did not converge."""
    aim = 1e-3 * prob.tol
    floor = 8.0 * EPS * (np.abs(prob.y).max() + np.abs(run.r).max())
    last = np.inf
    for n in range(1, MAX_ITERATIONS + 1):
        _propagate(run, prob, dt, work)
        for k in range(3):
            bias = _bias_at(run, prob, dt, k, work)
            residuals_at(run, prob, work.lam[k], bias, work.extra[k], work, work.delta[k])
        work.delta[:] -= work.nodes
        _correct(run, prob, dt, stiff, work.delta, work.spare)
        size = np.abs(work.delta).max()
        if not np.isfinite(size) or (n > 2 and size > 2.0 * last):
            return 0
        work.nodes[:] += work.delta
        if size <= max(aim, floor):
            return n
        last = size
    return 0


@kernel
def error_of(run, prob, dt, stiff, work):
    """Estimated error of f at the samples, after Hairer & Wanner: of third order, filtered so that stiff parts fade."""
    spare = work.spare[0]
    for j in range(spare.size):
        total = work.slope[j]
        for k in range(3):
            total += ERROR[k] * (work.nodes[k, j] - run.r[j]) / dt
        spare[j] = total
    if not stiff:
        return np.abs(spare).max() * dt / ERROR_ROOT
    root = np.sqrt(prob.weight)
    inner = run.basis.T @ (root * spare)
    inner /= ERROR_ROOT / dt + run.eigen
    return np.abs((run.basis @ inner) / root).max()


# --- events -----------------------------------------------------------------------------------------------------


@kernel
def _value(coef, theta):
    """A quadratic given by its powers."""
    return coef[0] + theta * (coef[1] + theta * coef[2])


@kernel
def _pushes(k, theta, work, prob):
    """(G on the inactive side, G on the active side, rounding level) at border k: h moves with -c G."""
    s = prob.x.size
    x = prob.x[border_sample(k, s)]
    ta, tb = prob.train[0], prob.train[1]
    inside, outside = work.coef[active_arc(k, s)], work.coef[inactive_arc(k, s)]
    g_in = ta * x * _value(outside[0], theta) + tb * _value(outside[1], theta)
    g_act = ta * x * _value(inside[0], theta) + tb * _value(inside[1], theta)
    noise = 0.0
    for j in range(s):
        noise += prob.weight[j] * (abs(x * prob.x[j]) + 1.0)
    return g_in, g_act, 64.0 * EPS * prob.inv_norm * noise * prob.size


@kernel
def _side(k, c, theta, came_from, work, prob):
    """The group that a neuron at border k joins: an arc, or 2s + k if both sides push it back (Filippov).

    Where both sides push away it goes on to where it came from, or else (came_from < 0) to the inactive side.
    """
    s = prob.x.size
    inactive, active = inactive_arc(k, s), active_arc(k, s)
    g_in, g_act, noise = _pushes(k, theta, work, prob)
    from_inactive, from_active, slack = -c * g_in, -c * g_act, abs(c) * noise
    if inactive == 0:  # nothing moves on the dead arc: a neuron stops at its border and is dead
        return active if from_active > slack and came_from > 0 else 0
    x = prob.x[border_sample(k, s)]
    if prob.train[0] * x * x + prob.train[1] == 0.0:  # nothing that is trained moves it
        return active if came_from == active else inactive
    if from_active <= slack and from_inactive >= -slack:
        return 2 * s + k
    if from_active > 0.0 and from_inactive > 0.0:
        return active
    if from_active < 0.0 and from_inactive < 0.0:
        return inactive
    return active if came_from == active else inactive


@kernel
def _velocity(g, c, theta, work, prob):
    """(a', b') of a neuron of the group."""
    coef = work.coef[g]
    return -c * prob.train[0] * _value(coef[0], theta), c * prob.train[1] * _value(coef[1], theta)


@kernel
def _stays(g, c, theta, work, prob):
    """Whether a neuron that leaves a = b = 0 in the group stays in it: it moves out along the ray, or into the arc."""
    s = prob.x.size
    va, vb = _velocity(g, c, theta, work, prob)
    if g >= 2 * s:
        out = va + vb * prob.x[border_sample(g - 2 * s, s)]
        return out > 0.0 if g < 3 * s else out < 0.0
    return _miss(g, g, va, vb, c, 0.0, prob) > 0.0 and _miss(g, (g + 2 * s - 1) % (2 * s), va, vb, c, 0.0, prob) > 0.0


@kernel
def _through(k, c, theta, work, prob):
    """The group in which a neuron that slides into a = b = 0 along border k's ray leaves it again; 0: it does not.

    The flow alone does not say: near the origin c stands still and (a, b)' = -c q depends on the arc only, whatever the
    scale. Descent decides, and as its step goes to 0 by the same rule on the scale of that step: so take steps of 1,
    from afar, until it is dead or moves off for good.
    """
    s = prob.x.size
    x, side = prob.x[border_sample(k, s)], 1.0 if k < s else -1.0
    jump = 0.0
    for g in (inactive_arc(k, s), active_arc(k, s)):
        va, vb = _velocity(g, c, theta, work, prob)
        jump = max(jump, np.hypot(va, vb))
    far = 100.0 * jump
    a, b, last = side * far / np.hypot(1.0, x), side * far * x / np.hypot(1.0, x), -1
    for _ in range(100_000):
        g = find_arc(a, b, prob.x)
        if g == 0:
            return 0
        if np.hypot(a, b) > 0.5 * far:
            if _stays(g, c, theta, work, prob):
                return g
            border = g if last == (g + 1) % (2 * s) else last
            if last >= 0 and last != g and (border == g or g == (last + 1) % (2 * s)):
                to = _side(border, c, theta, last, work, prob)
                if to >= 2 * s and _stays(to, c, theta, work, prob):
                    return to
        va, vb = _velocity(g, c, theta, work, prob)
        a, b, last = a + va, b + vb, g
    return 0


@kernel
def _at(theta0, theta1, g, a, b, c, dt, prob, work, part):
    """Where a neuron of group g at theta0 is at theta1."""
    coef = work.coef[g]
    propagator(theta0, theta1, dt, coef[0], coef[1], prob, part)
    return (
        part[0] * a + part[1] * b + part[2] * c,
        part[3] * a + part[4] * b + part[5] * c,
        part[6] * a + part[7] * b + part[8] * c,
    )


@kernel
def _fades(a, b, c, prob):
    """Whether a stuck neuron can lose (a, b), along its ray, and not c: delta keeps one of them from 0."""
    return prob.train[0] * prob.train[1] != 0.0 and (prob.train[2] == 0.0 or c * c > a * a + b * b)


@kernel
def _miss(g, k, a, b, c, sign, prob):
    """> 0 as long as the neuron has not passed border k of its arc; if stuck, as long as c keeps its sign or, where it
    is (a, b) that vanishes, as long as that has not happened."""
    s = prob.x.size
    if g >= 2 * s:
        if not _fades(a, b, c, prob):
            return c * sign
        along = a + b * prob.x[border_sample(k, s)]
        return along if k < s else -along
    h = a * prob.x[border_sample(k, s)] - b
    return h if active_arc(k, s) == g else -h


@kernel
def _locate(theta0, theta1, g, k, a, b, c, sign, dt, prob, work, part):
    """When the neuron passes border k, known to be passed at theta1; theta0 if it never visibly leaves it."""
    low, high = theta0, theta1
    f_low = _miss(g, k, a, b, c, sign, prob)
    for _ in range(40):  # at its start it may stand on the border: find a time when it is clear of it
        if f_low > 0.0 and low > theta0:
            break
        if f_low > 8.0 * EPS * (abs(a * prob.x[-1]) + abs(a * prob.x[0]) + abs(b)):
            break
        middle = 0.5 * (theta0 + high)
        za, zb, zc = _at(theta0, middle, g, a, b, c, dt, prob, work, part)
        f_middle = _miss(g, k, za, zb, zc, sign, prob)
        if f_middle > 0.0:
            low, f_low = middle, f_middle
        else:
            high = middle
    if low == theta0 and f_low <= 0.0:
        return theta0
    za, zb, zc = _at(theta0, high, g, a, b, c, dt, prob, work, part)
    f_high = _miss(g, k, za, zb, zc, sign, prob)
    rounding = EPS * (abs(c) if g >= 2 * prob.x.size else abs(b))
    left, right, stayed = f_low, f_high, 0  # the Illinois method: an end that stays twice counts half
    for n in range(80):
        if high - low <= 4.0 * EPS * high or f_high >= -rounding:
            break
        middle = (low * right - high * left) / (right - left)
        if n > 20 or not low < middle < high:
            middle = 0.5 * (low + high)
        za, zb, zc = _at(theta0, middle, g, a, b, c, dt, prob, work, part)
        f_middle = _miss(g, k, za, zb, zc, sign, prob)
        if f_middle > 0.0:
            low, left = middle, f_middle
            right *= 0.5 if stayed == 1 else 1.0
            stayed = 1
        else:
            high, f_high, right = middle, f_middle, f_middle
            left *= 0.5 if stayed == -1 else 1.0
            stayed = -1
    return high


@kernel
def _leaves(g, k, c, theta, work, prob):
    """Whether a neuron of arc g at its border k is driven over it."""
    x = prob.x[border_sample(k, prob.x.size)]
    va, vb = _velocity(g, c, theta, work, prob)
    _, _, noise = _pushes(k, theta, work, prob)
    inward = va * x - vb if active_arc(k, prob.x.size) == g else vb - va * x
    return inward < -abs(c) * noise


@kernel
def _first_event(g, theta0, end, a, b, c, sign, skip, dt, prob, work, part):
    """(time, border) of the first border that a neuron passes in (theta0, end]; border -1 for none.

    ``skip`` is a border that it stands on. If its arc drives it over it, it passes at once, as the one of several alike
    that was placed there did; if not, an excursion too small to see is none.
    """
    s = prob.x.size
    for n in range(4):
        node = min(NODES[n], end) if n < 3 else end
        if node <= theta0:
            continue
        za, zb, zc = _at(theta0, node, g, a, b, c, dt, prob, work, part)
        best, border = 2.0, -1
        if g >= 2 * s:
            if sign != 0.0 and _miss(g, g - 2 * s, za, zb, zc, sign, prob) < 0.0:
                best = _locate(theta0, node, g, g - 2 * s, a, b, c, sign, dt, prob, work, part)
                border = g - 2 * s
        else:
            for side in range(2):
                k = g if side == 0 else (g + 2 * s - 1) % (2 * s)
                if _miss(g, k, za, zb, zc, sign, prob) < 0.0:
                    when = _locate(theta0, node, g, k, a, b, c, sign, dt, prob, work, part)
                    if when == theta0 and k == skip and not _leaves(g, k, c, theta0, work, prob):
                        continue
                    if when < best:
                        best, border = when, k
        if border >= 0:
            return best, border
        if node >= end:
            break
    return 2.0, -1


@kernel
def _place(a, b, k, prob):
    """Put a neuron exactly on border k: the ray of the line a x = b that faces the right way, at the same distance
    from the origin, so that delta stays."""
    train, x = prob.train, prob.x[border_sample(k, prob.x.size)]
    if train[0] * train[1] != 0.0:
        size, root = np.hypot(a, b), np.hypot(1.0, x)
        side = 1.0 if k < prob.x.size else -1.0
        return side * size / root, side * size * x / root
    if train[1] != 0.0:
        return a, a * x
    if train[0] != 0.0 and x != 0.0:
        return b / x, b
    return a, b


@kernel
def _find_reach(run, prob, work):
    """How far the step moves the coefficients of h at the arc's borders (or of c, for the stuck), with a margin."""
    s = prob.x.size
    for g in range(4 * s):
        most_c = most_ab = 0.0
        for n in range(3):
            lam = work.lam[n, g]
            if g >= 2 * s:
                most_c = max(most_c, abs(lam[8] - 1.0))
                most_ab = max(most_ab, max(abs(lam[6]), abs(lam[7])))
                continue
            for x in (prob.lower[g], prob.upper[g]):
                most_c = max(most_c, abs(x * lam[2] - lam[5]))
                most_ab = max(most_ab, abs(x * (lam[0] - 1.0) - lam[3]))
                most_ab = max(most_ab, abs(x * lam[1] - (lam[4] - 1.0)))
        work.reach[g, 0] = 2.0 * most_c
        work.reach[g, 1] = 2.0 * most_ab


@kernel
def _passes(g, a, b, c, sign, prob, work):
    """Whether the neuron has passed a border of its arc (if stuck: has lost c or (a, b)) at one of the nodes."""
    s = prob.x.size
    for n in range(3):
        lam = work.lam[n, g]
        za = lam[0] * a + lam[1] * b + lam[2] * c
        zb = lam[3] * a + lam[4] * b + lam[5] * c
        zc = lam[6] * a + lam[7] * b + lam[8] * c
        if g >= 2 * s:
            if _miss(g, g - 2 * s, za, zb, zc, sign, prob) < 0.0:
                return True
        elif (
            _miss(g, g, za, zb, zc, sign, prob) < 0.0
            or _miss(g, (g + 2 * s - 1) % (2 * s), za, zb, zc, sign, prob) < 0.0
        ):
            return True
    return False


@kernel
def _meetings(run, prob, dt, work):
    """Find every neuron's first event in the step; their number. O(m), most neurons with two comparisons."""
    s, part = prob.x.size, np.empty(9)
    _find_reach(run, prob, work)
    found = 0
    for i in range(run.z.shape[1]):
        g = run.group[i]
        if g == 0:
            continue
        a, b, c = run.z[0, i], run.z[1, i], run.z[2, i]
        sign, near = 0.0, abs(c)
        if g < 2 * s:
            near = min(abs(a * prob.lower[g] - b), abs(a * prob.upper[g] - b))
        else:
            sign = run.sign[g - 2 * s]
            if _fades(a, b, c, prob):
                near = 0.0
        if near > work.reach[g, 0] * abs(c) + work.reach[g, 1] * (abs(a) + abs(b)):
            continue
        if not _passes(g, a, b, c, sign, prob, work):
            continue
        when, border = _first_event(g, 0.0, 1.0, a, b, c, sign, _standing(g, a, b, prob), dt, prob, work, part)
        if border >= 0:
            work.who[found], work.when[found], work.where[found] = i, when, border
            found += 1
    return found


@kernel
def _standing(g, a, b, prob):
    """The border of its arc that a neuron stands on up to rounding, or -1."""
    s = prob.x.size
    if g >= 2 * s:
        return -1
    for side in range(2):
        k = g if side == 0 else (g + 2 * s - 1) % (2 * s)
        x = prob.x[border_sample(k, s)]
        if abs(a * x - b) <= 8.0 * EPS * (abs(a * x) + abs(b)) and (a > 0.0) == (k < s):
            return k
    return -1


@kernel
def _release(run, prob, work):
    """(time, border, group) of the first cluster to be let go in the step: a side stops pushing it back."""
    s = prob.x.size
    first, border, group = 2.0, -1, -1
    for k in range(2 * s):
        sign = run.sign[k]
        if sign == 0.0:
            continue
        x = prob.x[border_sample(k, s)]
        _, _, noise = _pushes(k, 0.0, work, prob)
        for arc, towards in ((active_arc(k, s), 1.0), (inactive_arc(k, s), -1.0)):
            coef = work.coef[arc]
            g = prob.train[0] * x * coef[0] + prob.train[1] * coef[1]
            when = _rises(-sign * towards * g, noise)
            if when < first:
                first, border, group = when, k, arc
    return first, border, group


@kernel
def _rises(coef, level):
    """When the quadratic first exceeds the level in (0, 1], at the nodes' resolution; 2 if it does not."""
    low = 0.0
    for high in NODES:
        if _value(coef, high) > level:
            if _value(coef, low) > level:
                return low
            for _ in range(60):
                middle = 0.5 * (low + high)
                if _value(coef, middle) > level:
                    high = middle
                else:
                    low = middle
            return high
        low = high
    return 2.0


@kernel
def _end_at(run, prob, end, dt, work):
    """Propagators from the start of the step to ``end``, in work.lam[3]."""
    part = np.empty(9)
    base = 2 if end >= 1.0 else (1 if end >= NODES[1] else (0 if end >= NODES[0] else -1))
    for g in range(work.coef.shape[0]):
        if run.moments[g, 0] + run.moments[g, 2] + run.moments[g, 5] == 0.0:
            continue
        lam, coef = work.lam[:, g], work.coef[g]
        if base == 2:
            lam[3] = lam[2]
        elif base == -1:
            propagator(0.0, end, dt, coef[0], coef[1], prob, lam[3])
        else:
            propagator(NODES[base], end, dt, coef[0], coef[1], prob, part)
            _times(part, lam[base], lam[3])


@kernel
def _effect(run, prob, found, end, work):
    """Bound for what f at the samples would be wrong by if the neurons met so far had met nothing."""
    s = prob.x.size
    total = np.zeros(s)
    for n in range(found):
        if work.when[n] < end:
            i = work.who[n]
            g = run.group[i]
            if g >= 2 * s:
                continue
            lam = work.lam[3, g]
            a, b, c = run.z[0, i], run.z[1, i], run.z[2, i]
            za = lam[0] * a + lam[1] * b + lam[2] * c
            zb = lam[3] * a + lam[4] * b + lam[5] * c
            zc = lam[6] * a + lam[7] * b + lam[8] * c
            j = border_sample(work.where[n], s)
            total[j] += prob.inv_norm * abs(zc * (za * prob.x[j] - zb))
    return total.max()


@kernel
def _shorten(run, prob, found, end, dt, work):
    """The latest end, by halving, up to which events matter less than the tolerance; the first event always may."""
    first = 2.0
    for n in range(found):
        first = min(first, work.when[n])
    _end_at(run, prob, end, dt, work)
    while first < end and _effect(run, prob, found, end, work) > 0.1 * prob.tol:
        end = first if end - first < 0.02 else 0.5 * (first + end)
        _end_at(run, prob, end, dt, work)
    return end


@kernel
def _log(run, when, i, k, kind, times, rows):
    n = run.counts[EVENTS]
    if n < times.size:
        times[n] = when
        rows[n, 0], rows[n, 1], rows[n, 2] = i, k, kind
    run.counts[EVENTS] = n + 1


@kernel
def _travel(a, b, c, g, now, when, border, end, last, dt, prob, work, part, i, clock, run, times, rows):
    """Take a neuron from ``now`` to ``end`` through its events, the next of which is at ``when``.

    Returns its state there and its next event, looked for up to ``last``. Events are logged if ``times`` has room.
    """
    s = prob.x.size
    for _ in range(32):
        if border < 0 or when > end:
            break
        a, b, c = _at(now, when, g, a, b, c, dt, prob, work, part)
        now = when
        fades = g >= 2 * s and _fades(a, b, c, prob)
        a, b = (0.0, 0.0) if fades else _place(a, b, border, prob)
        if fades:
            to = _through(border, c, now, work, prob)
            kind = TURN if to > 0 else REST
        elif g >= 2 * s:
            to, kind = inactive_arc(border, s), FLIP
        else:
            to = _side(border, c, now, g, work, prob)
            kind = STICK if to >= 2 * s else CROSS
        if to != g and times.size > 0:
            _log(run, clock + now * dt, i, border, kind, times, rows)
            if kind == TURN and to >= 2 * s:
                _log(run, clock + now * dt, i, to - 2 * s, STICK, times, rows)
        g = to
        when, border = _first_event(g, now, last, a, b, c, np.sign(c), border, dt, prob, work, part)
    if now < end:
        a, b, c = _at(now, end, g, a, b, c, dt, prob, work, part)
    return a, b, c, g, when, border


@kernel
def _feed_back(run, prob, found, dt, work):
    """What neurons with events in the step really add to ca and cb at the nodes, less what their groups would."""
    s, part = prob.x.size, np.empty(9)
    no_times, no_rows = np.empty(0), np.empty((0, 3), np.int64)
    work.extra[:] = 0.0
    for n in range(found):
        i = work.who[n]
        g0 = run.group[i]
        a0, b0, c0 = run.z[0, i], run.z[1, i], run.z[2, i]
        a, b, c, g, now, when, border = a0, b0, c0, g0, 0.0, work.when[n], work.where[n]
        home0 = home_arc(g0, s)
        for k in range(3):
            if when > NODES[k]:
                continue
            a, b, c, g, when, border = _travel(
                a, b, c, g, now, when, border, NODES[k], 1.0, dt, prob, work, part, i, 0.0, run, no_times, no_rows
            )
            now = NODES[k]
            home = home_arc(g, s)
            work.extra[k, 0, home] += c * a
            work.extra[k, 1, home] += c * b
            lam = work.lam[k, g0]
            za = lam[0] * a0 + lam[1] * b0 + lam[2] * c0
            zb = lam[3] * a0 + lam[4] * b0 + lam[5] * c0
            zc = lam[6] * a0 + lam[7] * b0 + lam[8] * c0
            work.extra[k, 0, home0] -= zc * za
            work.extra[k, 1, home0] -= zc * zb


@kernel
def _settle_batch(run, prob, found, dt, stiff, work):
    """Solve the step anew with the events' effect on the residuals fed back; (whether it settled, events found)."""
    before = np.empty_like(work.nodes)
    for _ in range(6):
        _feed_back(run, prob, found, dt, work)
        before[:] = work.nodes
        if solve(run, prob, dt, stiff, work) == 0:
            return False, found
        change = np.abs(work.nodes - before).max()
        found = _meetings(run, prob, dt, work)
        if change <= 0.1 * prob.tol:
            return True, found
    return False, found


@kernel
def _undo(run, prob, dt, stiff, smooth, work):
    """Take the events' effect out of the step again, given the residuals without it; whether that works."""
    work.extra[:] = 0.0
    work.nodes[:] = smooth
    return solve(run, prob, dt, stiff, work) > 0


@kernel
def _move(run, prob, found, end, dt, work, times, rows):
    """Take every neuron to the end of the step."""
    s, part = prob.x.size, np.empty(9)
    met = 0
    for i in range(run.z.shape[1]):
        while met < found and work.who[met] < i:
            met += 1
        if met < found and work.who[met] == i and work.when[met] <= end:
            a, b, c, g, _, _ = _travel(
                run.z[0, i], run.z[1, i], run.z[2, i], run.group[i], 0.0, work.when[met], work.where[met],
                end, end, dt, prob, work, part, i, run.real[TIME], run, times, rows,
            )  # fmt: skip
            run.z[0, i], run.z[1, i], run.z[2, i], run.group[i] = a, b, c, g
        else:
            g = run.group[i]
            if g == 0:
                continue
            lam = work.lam[3, g]
            a, b, c = run.z[0, i], run.z[1, i], run.z[2, i]
            run.z[0, i] = lam[0] * a + lam[1] * b + lam[2] * c
            run.z[1, i] = lam[3] * a + lam[4] * b + lam[5] * c
            run.z[2, i] = lam[6] * a + lam[7] * b + lam[8] * c
        g = run.group[i]
        if g >= 2 * s:
            run.z[0, i], run.z[1, i] = _place(run.z[0, i], run.z[1, i], g - 2 * s, prob)


@kernel
def _let_go(run, prob, border, group, now, times, rows):
    """Move the cluster at the border to the arc, all at once."""
    s = prob.x.size
    for i in range(run.group.size):
        if run.group[i] == 2 * s + border:
            run.group[i] = group
            _log(run, now, i, border, RELEASE, times, rows)


@kernel
def enter(run, prob, work, times, rows):
    """Find every neuron's group at the start; those that stand on a sample stick to it or choose a side."""
    s = prob.x.size
    for i in range(run.group.size):
        run.group[i] = find_arc(run.z[0, i], run.z[1, i], prob.x)
    gather(run, prob)
    present_residuals(run, prob, work)
    for k in range(3):
        work.nodes[k] = run.r
    _propagate(run, prob, 0.0, work)
    for i in range(run.group.size):
        g = run.group[i]
        a, b, c = run.z[0, i], run.z[1, i], run.z[2, i]
        k = _standing(g, a, b, prob)
        if k < 0 or a == 0.0:
            continue
        run.z[0, i], run.z[1, i] = _place(a, b, k, prob)
        to = _side(k, c, 0.0, -1, work, prob)
        run.group[i] = to
        if to >= 2 * s:
            _log(run, 0.0, i, k, STICK, times, rows)
    gather(run, prob)
    present_residuals(run, prob, work)


@kernel
def _refresh(run, prob, work):
    """Take the present tangent kernel as Newton's Jacobian."""
    kernel_sums(run, prob, work)
    eigen, basis = np.linalg.eigh(kernel_matrix(prob, work))
    run.eigen[:] = np.maximum(eigen, 0.0)
    run.basis[:] = basis
    run.counts[REFRESHED] += 1
    run.counts[FRESH] = 1


@kernel
def _first_guess(run, dt, stiff, prob, work):
    """Residuals at the nodes if the kernel stayed as it is (to first order in dt where that is small)."""
    if not stiff:
        for k in range(3):
            work.nodes[k] = run.r + (dt * NODES[k]) * work.slope
        return
    root = np.sqrt(prob.weight)
    inner = run.basis.T @ (root * run.r)
    for k in range(3):
        work.nodes[k] = (run.basis @ (inner * np.exp(-dt * NODES[k] * run.eigen))) / root


@kernel
def advance(run, prob, until, steps, flat, work, times, rows):
    """Take up to ``steps`` steps towards the time ``until``; why it came back.

    ``flat``: stop once the loss, at its present rate, would fall by at most this in as long again as the run has taken;
    negative for never (but a gradient of zero always ends it). ``times`` and ``rows`` take the events.
    """
    count, real = run.counts, run.real
    for _ in range(steps):
        left = until - real[TIME]
        if left <= 4.0 * EPS * until:
            real[TIME] = until
            return ARRIVED
        if count[EVENTS] > times.size // 2 and count[EVENTS] + run.group.size > times.size:
            return FULL
        work.extra[:] = 0.0
        kernel_sums(run, prob, work)
        kernel_times(run.r, prob, work, work.slope)
        work.slope[:] *= -1.0
        slope = -(prob.weight * run.r * work.slope).sum()
        if slope == 0.0 or (real[TIME] > 0.0 and slope * real[TIME] <= flat):
            return CONVERGED
        real[RATE] = rate(run, prob, work)
        if real[DT] == 0.0:
            real[DT] = 0.01 / max(real[RATE], 1e-300)
        dt = min(real[DT], left)
        stiff = dt * real[RATE] > PLAIN
        if stiff and count[FRESH] == 0:
            _refresh(run, prob, work)
        _first_guess(run, dt, stiff, prob, work)
        iterations = solve(run, prob, dt, stiff, work)
        count[SOLVES] += 1
        error = error_of(run, prob, dt, stiff, work) if iterations > 0 else np.inf
        if not error <= prob.tol:
            count[REJECTED] += 1
            count[HELD] = 1
            if iterations == 0:
                count[FRESH] = 0
            real[DT] = dt * (max(0.2, 0.9 * (prob.tol / error) ** 0.25) if iterations > 0 else 0.3)
            if real[DT] < 16.0 * EPS * real[TIME] or real[DT] * real[RATE] < EPS:
                return STALLED
            continue
        if iterations > 6:
            count[FRESH] = 0
        grow = min(4.0, 0.9 * (prob.tol / max(error, 1e-300)) ** 0.25)
        found, settled = _meetings(run, prob, dt, work), False
        many = found > BATCH
        if many and (found > CROWD or count[PATIENCE] == 0):
            smooth = work.nodes.copy()
            settled, found = _settle_batch(run, prob, found, dt, stiff, work)
            if settled:
                error = error_of(run, prob, dt, stiff, work)
                settled = error <= prob.tol
            if settled:
                count[WAIT] = 0
            elif found > CROWD or not _undo(run, prob, dt, stiff, smooth, work):
                count[REJECTED] += 1
                count[HELD] = 1
                real[DT] = 0.4 * dt
                continue
            else:
                count[WAIT] = min(2 * count[WAIT] + 4, 256)
                count[PATIENCE] = count[WAIT]
                found = _meetings(run, prob, dt, work)
        elif many:
            count[PATIENCE] -= 1
        free, border, group = _release(run, prob, work)
        end = min(free, 1.0)
        if settled:
            _end_at(run, prob, end, dt, work)
        else:
            end = _shorten(run, prob, found, end, dt, work)
        now = real[TIME] + end * dt
        if prob.train[3] != 0.0:
            run.bias[0] -= dt * _integral(prob, end, work)
        _move(run, prob, found, end, dt, work, times, rows)
        if free <= end:
            _let_go(run, prob, border, group, now, times, rows)
        real[TIME] = now
        if count[HELD]:  # the step after a rejected one is no longer than it
            grow = min(grow, 1.0)
            count[HELD] = 0
        if many and not settled:  # about as many events in the next step as fitted into this one, and a few more
            grow = min(grow, max(0.1, 4.0 * end))
        if dt == real[DT] or grow < 1.0:
            real[DT] = dt * max(0.1, grow)
        count[STEPS] += 1
        count[STIFF] += stiff
        gather(run, prob)
        present_residuals(run, prob, work)
    return PAUSED


@kernel
def _integral(prob, end, work):
    """Integral of sum w r over the step up to ``end``, in units of dt."""
    total = 0.0
    for k in range(3):
        value = (prob.weight * work.nodes[k]).sum()
        for p in range(3):
            total += value * POWERS[p, k] * end ** (p + 1) / (p + 1)
    return total
