"""Weighted particles that follow -grad V: collocation in the residuals, every particle taken through its own events.

A particle is a neuron (c, a, b) with a weight, f(x) = bias + sum_i weight_i c_i max(a_i x - b_i, 0), and moves with
pace times minus the gradient of V = c G, G = q1 a - q0 b, (q1, q0) = sum of w_j r_j (x_j, 1) over its active samples:

    CYLINDER  a^2 + b^2 = 1, c = r:       c' = -G,   (a, -b)' = -c (q . t) t,   t = (b, a)
    PLANE     c = +-1, (a, -b) = (u, v):  c' = 0,    (a, -b)' = -c q

The weight does not enter a particle's velocity, only its share in f. A penalty lam sum weight_i |r_i| adds -lam sign(r)
to r'; a particle of the cylinder that reaches r = 0 rests there while |G| <= lam, one that reaches the origin of the
plane while c G >= -lam in all directions (a, b) / |(a, b)|.

A step of length dt has the residuals at the three Radau IIA nodes as its only unknowns, as in `flow`. They give every
arc's (q1, q0) as quadratics in time, under which each particle moves on its own (`particle`). Nothing waits for
anything else, so a step may hold any number of events; Newton's method sees the residuals that they lead to.

Sources: Williams et al. 2019, eqs. (7) to (12), (16) and (47) with their signs and factors mended; Hairer & Wanner
1996, IV.8 (Radau IIA and its error estimate).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from knotflow.engine import flow
from knotflow.engine.arcs import arc_sums, border_sample, find_arcs, inactive_arc, predict
from knotflow.engine.compiled import kernel
from knotflow.engine.flow import (  # why `advance` came back
    ARRIVED,
    BATCH,
    CONVERGED,
    DT,
    EPS,
    ERROR,
    ERROR_ROOT,
    EVENTS,
    FRESH,
    FULL,
    HELD,
    NODES,
    PAUSED,
    PLAIN,
    POWERS,
    RATE,
    REFRESHED,
    REJECTED,
    STALLED,
    STEPS,
    STICK,
    STIFF,
    TIME,
    home_arc,
    kernel_matrix,
    slide,
)
from knotflow.engine.flow import SCALE as CUT  # in Run.real: the length of the next step, if not 0
from knotflow.engine.particle import Log, Path, carry, log, note, velocity
from knotflow.engine.rules import (
    LOWER,
    UPPER,
    Problem,
    border,
    depart,
    departs,
    may_rest,
    place,
    side,
    sign_of,
    still,
    wakes,
)

Array = NDArray[Any]

_correct = flow._correct

# The iteration for the residuals ends when the particles return them up to this fraction of the tolerance.
DEFECT = 0.05
# So many corrections back are remembered in it, and so many are made at most.
WINDOW, MAX_ITERATIONS = 5, 16


class Run(NamedTuple):
    """What moves. The arrays are the engine's own."""

    z: Array  # (3, m) c, a, b
    group: Array  # (m,) int32
    share: Array  # (m,) the weights
    r: Array  # (s,) f - y
    basis: Array  # (s, s) eigenvectors of the kernel that Newton uses; (s,) eigenvalues
    eigen: Array
    power: Array  # (s,) power iteration for the largest eigenvalue
    counts: Array  # (8,) int64, places as in `flow`
    real: Array  # (4,)


class Work(NamedTuple):
    """Scratch of a step."""

    coefs: Array  # (4s + 1, 2, 3) q1(t) and q0(t) of every group as powers of the fraction of the step
    nodes: Array  # (3, s) residuals at the nodes
    delta: Array  # (3, s)
    spare: Array  # (3, s)
    slope: Array  # (s,) dr/dt at the start of the step
    sums: Array  # (3, 2, 2s) the arcs' sums of weight c a and weight c b at the nodes
    s11: Array  # (2s,) the tangent kernel's sums per arc
    s12: Array
    s22: Array
    tried: Array  # (6, 3s) the last guesses of the nodes, and their corrections
    gained: Array
    path: Path
    events: Log


def problem(
    x: Array, y: Array, weight: Array, metric: int, lam: float, pace: float, bias: float, tol: float, size: float
) -> Problem:
    """The constants of a run."""
    noise = 64 * EPS * pace * size * (np.abs(x) * np.sum(weight * np.abs(x)) + np.sum(weight))
    reach = float(np.hypot(1.0, x).max())
    return Problem(
        x, y, weight, np.zeros(4), noise, float(noise.max()), metric, lam * pace, pace, reach, 0.1 * tol / reach, bias,
        tol, size,
    )  # fmt: skip


def start(a: Array, b: Array, c: Array, share: Array, x: Array) -> tuple[Run, Work]:
    """A run at its start; ``enter`` must settle who stands on a sample."""
    m, s = a.size, x.size
    group = np.empty(m, np.int32)
    find_arcs(a, b, x, group)
    run = Run(
        np.stack([c, a, b]), group, share, np.zeros(s), np.eye(s), np.zeros(s), np.ones(s), np.zeros(8, np.int64),
        np.zeros(4),
    )  # fmt: skip
    path = Path(np.zeros((7, 3)), np.zeros(3), np.zeros(3), np.zeros((5, 3)), np.zeros(3), np.zeros(3))
    room = 8 * m + 8192
    work = Work(
        np.zeros((4 * s + 1, 2, 3)), np.zeros((3, s)), np.zeros((3, s)), np.zeros((3, s)), np.zeros(s),
        np.zeros((3, 2, 2 * s)), np.zeros(2 * s), np.zeros(2 * s), np.zeros(2 * s),
        np.zeros((WINDOW + 1, 3 * s)), np.zeros((WINDOW + 1, 3 * s)), path,
        Log(np.zeros(room), np.zeros((room, 3), np.int64), np.zeros(1, np.int64)),
    )  # fmt: skip
    return run, work


@kernel
def present_residuals(run, prob, work):
    """Fill run.r from the particles as they are; O(m + s)."""
    s = prob.x.size
    sums = work.sums[0]
    sums[:] = 0.0
    for i in range(run.group.size):
        note(sums, np.int64(run.group[i]), run.share[i], run.z[:, i], s)
    predict(sums[0], sums[1], prob.x, prob.bias, 1.0, run.r)
    for j in range(s):
        run.r[j] -= prob.y[j]


@kernel
def drives(nodes, prob, coefs):
    """Fill ``coefs`` with every group's (q1, q0) as quadratics, from the residuals at the nodes; O(s)."""
    s = prob.x.size
    q0, q1 = np.empty(2 * s), np.empty(2 * s)
    coefs[:] = 0.0
    for k in range(3):
        arc_sums(nodes[k] * prob.weight, prob.x, prob.pace, q0, q1)
        for g in range(2 * s):
            for p in range(3):
                coefs[g, 0, p] += POWERS[p, k] * q1[g]
                coefs[g, 1, p] += POWERS[p, k] * q0[g]
    for k in range(2 * s):
        home, x = inactive_arc(k, s), prob.x[border_sample(k, s)]
        for p in range(3):
            coefs[2 * s + k, 0, p], coefs[2 * s + k, 1, p] = slide(coefs[home, 0, p], coefs[home, 1, p], x, 1.0, 1.0)


@kernel
def _hold(run, prob, work):
    """Take the residuals as they are for the whole step."""
    for k in range(3):
        work.nodes[k] = run.r
    drives(work.nodes, prob, work.coefs)


@kernel
def carry_all(run, prob, dt, work, first, keep):
    """Take all particles through a step and note them at the nodes; O(m). False if the step is too long.

    ``keep`` decides whether they stay where the step takes them. Events are logged from place ``first`` on.
    """
    path = work.path
    work.sums[:] = 0.0
    work.events.size[0] = first
    for i in range(run.group.size):
        path.value[:] = run.z[:, i]
        group = carry(
            i, np.int64(run.group[i]), run.share[i], dt, work.coefs, prob, path, work.events, work.sums
        )  # fmt: skip
        if group < 0:
            return False
        if keep:
            run.z[:, i] = path.value
            run.group[i] = group
    return True


@kernel
def look(run, prob, work):
    """How things move now; O(m + s). Returns the rate at which the energy falls.

    Fills work.slope with dr/dt and s11, s12, s22 with the tangent kernel's sums per arc: S with
    K(x, x') = x~^T (sum of S over the arcs active at both) x~', without the penalty's share.
    """
    _hold(run, prob, work)
    s, y, v, sums = prob.x.size, work.path.value, work.path.spot, work.sums[0]
    sums[:] = 0.0
    work.s11[:] = 0.0
    work.s12[:] = 0.0
    work.s22[:] = 0.0
    falls = 0.0
    for i in range(run.group.size):
        group, share = np.int64(run.group[i]), run.share[i]
        y[:] = run.z[:, i]
        if group == 4 * s:
            if departs(0.0, y, work.coefs, prob) > 0.0:
                continue
            group = depart(0.0, y, work.coefs, prob)
        coef = work.coefs[group]
        if still(group, prob) or (may_rest(y, prob) and wakes(0.0, coef, y, prob) > 0.0):
            continue
        home = home_arc(group, s)
        velocity(coef[0, 0], coef[1, 0], sign_of(0.0, coef, y), y, prob, v)
        sums[0, home] += share * (v[0] * y[1] + y[0] * v[1])
        sums[1, home] += share * (v[0] * y[2] + y[0] * v[2])
        falls += share * (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]) / prob.pace
        n = np.hypot(y[1], y[2])
        d1, d0 = y[1] / n, -y[2] / n
        along, across = 1.0, 0.0 if group >= 2 * s else y[0] * y[0]  # of S in the directions d and t
        scale = prob.pace * share
        work.s11[home] += scale * (along * d1 * d1 + across * d0 * d0)
        work.s12[home] += scale * (along - across) * d1 * d0
        work.s22[home] += scale * (along * d0 * d0 + across * d1 * d1)
    predict(sums[0], sums[1], prob.x, 0.0, 1.0, work.slope)
    return falls


def rate(run: Run, prob: Problem, work: Work) -> float:
    """The largest eigenvalue of K W, by two rounds of a power iteration that goes on from step to step; O(s^2)."""
    kernel, value = kernel_matrix(prob, work), 0.0
    for _ in range(2):
        out = kernel @ run.power
        value = np.sqrt((out * out).sum()) / max(np.sqrt((run.power * run.power).sum()), 1e-300)
        if value > 0.0:
            run.power[:] = out / np.sqrt((out * out).sum())
    return value


@kernel
def _standing(g, a, b, prob):
    """The border of its arc that a particle stands on up to rounding, or -1."""
    s = prob.x.size
    if a == 0.0:
        return -1
    for what in (UPPER, LOWER):
        k = border(what, g, s)
        x = prob.x[border_sample(k, s)]
        if (k < s) == (a > 0.0) and abs(a * x - b) <= 8.0 * EPS * (abs(a * x) + abs(b)):
            return k
    return -1


@kernel
def enter(run, prob, work):
    """Settle who stands on a sample at the start: it sticks there or chooses a side."""
    _hold(run, prob, work)
    s, y = prob.x.size, work.path.value
    for i in range(run.group.size):
        y[:] = run.z[:, i]
        if y[1] == 0.0 and y[2] == 0.0:
            run.group[i] = 4 * s
            continue
        g = np.int64(run.group[i])
        k = _standing(g, y[1], y[2], prob)
        if k < 0:
            continue
        place(y, k, prob)
        to = side(k, sign_of(0.0, work.coefs[g], y), 0.0, -1, work.coefs, prob)
        run.z[:, i] = y
        run.group[i] = to
        if to >= 2 * s:
            log(0.0, i, k, STICK, work.events)
    run.counts[EVENTS] = work.events.size[0]


# --- steps ------------------------------------------------------------------------------------------------------


def _first_guess(run: Run, prob: Problem, dt: float, stiff: bool, work: Work) -> None:
    """Residuals at the nodes if the kernel stayed as it is (to first order in dt where that is small)."""
    if not stiff:
        for k in range(3):
            work.nodes[k] = run.r + (dt * NODES[k]) * work.slope
        return
    root = np.sqrt(prob.weight)
    inner = run.basis.T @ (root * run.r)
    for k in range(3):
        work.nodes[k] = (run.basis @ (inner * np.exp(-dt * NODES[k] * run.eigen))) / root


def solve(run: Run, prob: Problem, dt: float, stiff: bool, work: Work) -> int:
    """Find the residuals at the nodes; the number of iterations, or 0 if they did not converge.

    They have when the particles that they drive return them, before Newton's correction: a stiff step that is accepted
    with a defect would leave the slow manifold by it, and the next one would have to begin anew.
    """
    aim = max(DEFECT * prob.tol, 8.0 * EPS * (np.abs(prob.y).max() + np.abs(run.r).max()))
    last, first = np.inf, run.counts[EVENTS]
    for n in range(1, MAX_ITERATIONS + 1):
        drives(work.nodes, prob, work.coefs)
        if not carry_all(run, prob, dt, work, first, False):
            return 0
        for k in range(3):
            predict(work.sums[k, 0], work.sums[k, 1], prob.x, prob.bias, 1.0, work.delta[k])
            work.delta[k] -= prob.y
        work.delta[:] -= work.nodes
        size = np.abs(work.delta).max()
        if not np.isfinite(size):
            return 0
        if size <= aim:
            return n
        _correct(run, prob, dt, stiff, work.delta, work.spare)
        size = np.abs(work.delta).max()
        if n > WINDOW and size > 2.0 * last:
            return 0
        _mix(n - 1, work)
        last = size
    return 0


def _mix(n: int, work: Work) -> None:
    """Add the correction to the nodes, less what the last few corrections teach: Anderson's acceleration.

    Newton's matrix is the tangent kernel's; how the kernel itself changes with the residuals is found out in this way.
    """
    nodes, delta, tried, gained = work.nodes.ravel(), work.delta.ravel(), work.tried, work.gained
    last = n % (WINDOW + 1)
    tried[last], gained[last] = nodes, delta
    nodes += delta
    if n == 0:
        return
    earlier = (n - 1 - np.arange(min(n, WINDOW))) % (WINDOW + 1)
    change = delta - gained[earlier]
    share = np.linalg.lstsq(change.T, delta, 1e-8)[0]
    nodes -= share @ (tried[last] - tried[earlier] + change)


def error_of(run: Run, prob: Problem, dt: float, stiff: bool, work: Work) -> float:
    """Estimated error of f at the samples, after Hairer & Wanner: of third order, filtered so that stiff parts fade."""
    spare = work.spare[0]
    spare[:] = work.slope
    for k in range(3):
        spare += ERROR[k] / dt * (work.nodes[k] - run.r)
    if not stiff:
        return np.abs(spare).max() * dt / ERROR_ROOT
    root = np.sqrt(prob.weight)
    inner = run.basis.T @ (root * spare)
    inner /= ERROR_ROOT / dt + run.eigen
    return np.abs((run.basis @ inner) / root).max()


def _accept(run: Run, prob: Problem, dt: float, work: Work) -> bool:
    """Take the particles to the end of the step; False, and nothing is changed, if the events find no room."""
    first, events, now = run.counts[EVENTS], work.events, run.real[TIME]
    if events.size[0] > events.times.size:
        return False
    carry_all(run, prob, dt, work, first, True)
    new = events.times[first : events.size[0]]
    new[:] = now + dt * new
    run.counts[EVENTS] = events.size[0]
    present_residuals(run, prob, work)
    return True


def _first_kink(events: Log, first: int) -> float:
    """The fraction of a rejected step up to which there are no events, if few events are what is wrong; or else 0."""
    if not 0 < events.size[0] - first <= BATCH:
        return 0.0
    when = events.times[first : events.size[0]].min() * (1.0 + 1e-9)
    return when if 1e-3 < when < 1.0 else 0.0


def _refresh(run: Run, prob: Problem, work: Work) -> None:
    """Take the present tangent kernel as Newton's Jacobian."""
    eigen, basis = np.linalg.eigh(kernel_matrix(prob, work))
    run.eigen[:] = np.maximum(eigen, 0.0)
    run.basis[:] = basis
    run.counts[REFRESHED] += 1
    run.counts[FRESH] = 1


def advance(run: Run, prob: Problem, until: float, steps: int, flat: float, work: Work) -> int:
    """Take up to ``steps`` steps towards the time ``until``; why it came back. As `flow.advance`.

    Only what visits the particles is compiled: a step is long next to the few calls in it.
    """
    count, real = run.counts, run.real
    for _ in range(steps):
        left = until - real[TIME]
        if left <= 4.0 * EPS * until:
            real[TIME] = until
            return ARRIVED
        if 2 * count[EVENTS] > work.events.times.size:
            return FULL
        falls = look(run, prob, work)
        if falls == 0.0 or (real[TIME] > 0.0 and falls * real[TIME] <= flat):
            return CONVERGED
        real[RATE] = rate(run, prob, work)
        if real[DT] == 0.0:
            real[DT] = 0.01 / max(real[RATE], 1e-300)
        dt = min(real[DT], left)
        if real[CUT] > 0.0:
            dt, real[CUT] = min(dt, real[CUT]), 0.0
        stiff = dt * real[RATE] > PLAIN
        if stiff and count[FRESH] == 0:
            _refresh(run, prob, work)
        _first_guess(run, prob, dt, stiff, work)
        iterations = solve(run, prob, dt, stiff, work)
        error = error_of(run, prob, dt, stiff, work) if iterations > 0 else np.inf
        if not error <= prob.tol or not _accept(run, prob, dt, work):
            count[REJECTED] += 1
            factor = 0.3
            if iterations == 0:
                count[FRESH] = 0
            elif error > prob.tol:
                factor = max(0.2, 0.9 * (prob.tol / error) ** 0.25)
                kink = _first_kink(work.events, count[EVENTS])
                if kink > 0.0 and factor < 0.5:
                    real[CUT] = dt * kink
                    continue
            count[HELD] = 1
            real[DT] = dt * factor
            if real[DT] < 16.0 * EPS * max(real[TIME], 1e-300) or real[DT] < 1e-280:
                return STALLED
            continue
        if iterations > 8:
            count[FRESH] = 0
        grow = min(4.0, 0.9 * (prob.tol / max(error, 1e-300)) ** 0.25)
        if count[HELD]:  # the step after a rejected one is no longer than it
            grow = min(grow, 1.0)
            count[HELD] = 0
        if dt == real[DT] or grow < 1.0:
            real[DT] = dt * max(0.2, grow)
        real[TIME] += dt
        count[STEPS] += 1
        count[STIFF] += stiff
    return PAUSED
