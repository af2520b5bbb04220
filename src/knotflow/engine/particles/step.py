"""Weighted particles that follow -grad V: collocation in the residuals, every particle taken through its own events.

A particle is a neuron (c, a, b) with a weight, f(x) = bias + sum_i weight_i c_i max(a_i x - b_i, 0), and moves with
pace times minus the gradient of V = c G, G = q1 a - q0 b, (q1, q0) = sum of w_j r_j (x_j, 1) over its active samples:

    CYLINDER  a^2 + b^2 = 1, c = r:       c' = -G,   (a, -b)' = -c (q . t) t,   t = (b, a)
    PLANE     c = +-1, (a, -b) = (u, v):  c' = 0,    (a, -b)' = -c q

The weight does not enter a particle's velocity, only its share in f. A penalty lam sum weight_i |r_i| adds -lam sign(r)
to r'; a particle of the cylinder that reaches r = 0 rests there while |G| <= lam, one that reaches the origin of the
plane while c G >= -lam in all directions (a, b) / |(a, b)|.

A step of length dt has the residuals at the three Radau IIA nodes as its only unknowns, as in `flow`. They give every
arc's (q1, q0) as quadratics in time, under which each particle moves on its own (`carry`). Nothing waits for
anything else, so a step may hold any number of events; Newton's method sees the residuals that they lead to.

Sources: Williams et al. 2019, eqs. (7) to (12), (16) and (47) with their signs and factors corrected; `flow.radau`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from knotflow.engine import tangent
from knotflow.engine.arcs import border_sample, inactive_arc
from knotflow.engine.codes import ARRIVED, CONVERGED, FULL, PAUSED, STALLED, STICK
from knotflow.engine.compiled import inner, kernel
from knotflow.engine.flow.filippov import NONE, home_arc, slide
from knotflow.engine.flow.radau import ERROR, ERROR_ROOT, NODES, PLAIN, POWERS, correct, growth, refresh, shrinkage
from knotflow.engine.flow.state import (
    DT,
    EPS,
    EVENTS,
    FRESH,
    HELD,
    RATE,
    REJECTED,
    STEPS,
    STIFF,
    TIME,
    Array,
)
from knotflow.engine.flow.step import BATCH
from knotflow.engine.particles import carry as one
from knotflow.engine.particles.carry import log, note
from knotflow.engine.particles.rules import (
    LOWER,
    UPPER,
    border,
    depart,
    departs,
    drive,
    may_rest,
    place,
    side,
    sign_of,
    still,
    wakes,
)
from knotflow.engine.particles.state import WINDOW, Log, Problem, Run, Work, bind
from knotflow.engine.sums import arc_sums, predict

# In Run.real: the length of the next step, if not 0; in its place the flow has nothing.
CUT = 2
# The iteration for the residuals ends when the particles return them up to this fraction of the tolerance.
DEFECT = 0.05
# Iterations for the residuals of a step.
MAX_ITERATIONS = 16


def present_residuals(run: Run, prob: Problem, work: Work) -> None:
    """Fill run.r from the particles as they are; O(m + s)."""
    _present_residuals(*bind(prob, run, work))


def enter(run: Run, prob: Problem, work: Work) -> None:
    """Settle which particles stand on a sample at the start: they slide along its border or choose a side."""
    _enter(*bind(prob, run, work))


def look(run: Run, prob: Problem, work: Work) -> float:
    """How things move now; O(m + s). Returns the rate at which the energy falls.

    Fills work.slope with dr/dt, and s11, s12, s22 with the tangent kernel's sums per arc (see `tangent`), without the
    penalty's share.
    """
    return float(_look(*bind(prob, run, work)))


def kernel_matrix(prob: Problem, work: Work) -> Array:
    """W^(1/2) K W^(1/2) with the sums that `look` found; O(s^2)."""
    return np.asarray(tangent.matrix(work.s11, work.s12, work.s22, prob.x, np.sqrt(prob.weight), 0.0))


@kernel
def _present_residuals(prob, run, work):
    s, z, y = prob.x.size, run.z, work.spot
    sums = work.sums[0]
    sums[:] = 0.0
    for i in range(run.group.size):
        y[0], y[1], y[2] = z[0, i], z[1, i], z[2, i]
        note(sums, np.int64(run.group[i]), run.share[i], y, s)
    predict(sums[0], sums[1], prob.x, prob.bias, 1.0, run.r)
    for j in range(s):
        run.r[j] -= prob.y[j]


@kernel
def drives(prob, work):
    """Fill work.coefs with every mode's (q1, q0) as quadratics, from the residuals at the nodes; O(s)."""
    s, coefs, nodes = prob.x.size, work.coefs, work.nodes
    q0, q1, weighted = np.empty(2 * s), np.empty(2 * s), np.empty(s)
    coefs[:] = 0.0
    for k in range(3):
        for j in range(s):
            weighted[j] = nodes[k, j] * prob.weight[j]
        arc_sums(weighted, prob.x, prob.pace, q0, q1)
        for g in range(2 * s):
            for p in range(3):
                coefs[g, 0, p] += POWERS[p, k] * q1[g]
                coefs[g, 1, p] += POWERS[p, k] * q0[g]
    for k in range(2 * s):
        home, x = inactive_arc(k, s), prob.x[border_sample(k, s)]
        for p in range(3):
            coefs[2 * s + k, 0, p], coefs[2 * s + k, 1, p] = slide(coefs[home, 0, p], coefs[home, 1, p], x, 1.0, 1.0)


@inner
def _hold(prob, run, work):
    """Take the residuals as they are for the whole step."""
    for k in range(3):
        for j in range(run.r.size):
            work.nodes[k, j] = run.r[j]
    drives(prob, work)


@kernel
def carry_all(prob, run, work, dt, first, keep):
    """Take all particles through a step and note them at the nodes; O(m). False if the step is too long.

    ``keep`` decides whether they stay where the step takes them. Events are logged from place ``first`` on.
    """
    z, y, group = run.z, work.value, run.group
    work.sums[:] = 0.0
    work.size[0] = first
    for i in range(group.size):
        y[0], y[1], y[2] = z[0, i], z[1, i], z[2, i]
        to = one.carry(i, np.int64(group[i]), run.share[i], dt, prob, work)
        if to < 0:
            return False
        if keep:
            z[0, i], z[1, i], z[2, i] = y[0], y[1], y[2]
            group[i] = to
    return True


@inner
def _moving(i, y, prob, run, work):
    """The mode of a particle, put into y, which moves now; -1 if it does not."""
    z, coefs, group = run.z, work.coefs, np.int64(run.group[i])
    y[0], y[1], y[2] = z[0, i], z[1, i], z[2, i]
    if group == 4 * prob.x.size:
        return -1 if departs(0.0, y, prob, coefs) > 0.0 else depart(0.0, y, prob, coefs)
    if still(group, prob) or (may_rest(y, prob) and wakes(0.0, group, y, prob, coefs) > 0.0):
        return -1
    return group


@kernel
def _look(prob, run, work):
    _hold(prob, run, work)
    s, y, v, sums = prob.x.size, work.value, work.spot, work.sums[0]
    s11, s12, s22, coefs = work.s11, work.s12, work.s22, work.coefs
    sums[:] = 0.0
    s11[:] = 0.0
    s12[:] = 0.0
    s22[:] = 0.0
    falls = 0.0
    for i in range(run.group.size):
        group, share = _moving(i, y, prob, run, work), run.share[i]
        if group < 0:
            continue
        home = home_arc(group, s)
        q1, q0 = drive(group, 0.0, coefs)
        one.velocity(q1, q0, sign_of(0.0, group, y, coefs), y, prob, v)
        sums[0, home] += share * (v[0] * y[1] + y[0] * v[1])
        sums[1, home] += share * (v[0] * y[2] + y[0] * v[2])
        falls += share * (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]) / prob.pace
        n = np.hypot(y[1], y[2])
        d1, d0 = y[1] / n, -y[2] / n
        along, across = 1.0, 0.0 if group >= 2 * s else y[0] * y[0]  # of S in the directions d and t
        scale = prob.pace * share
        s11[home] += scale * (along * d1 * d1 + across * d0 * d0)
        s12[home] += scale * (along - across) * d1 * d0
        s22[home] += scale * (along * d0 * d0 + across * d1 * d1)
    predict(sums[0], sums[1], prob.x, 0.0, 1.0, work.slope)
    return falls


def rate(run: Run, prob: Problem, work: Work) -> float:
    """The largest eigenvalue of K W, by two rounds of a power iteration that goes on from step to step; O(s^2)."""
    matrix, value = kernel_matrix(prob, work), 0.0
    for _ in range(2):
        out = matrix @ run.power
        value = np.sqrt((out * out).sum()) / max(np.sqrt((run.power * run.power).sum()), 1e-300)
        if value > 0.0:
            run.power[:] = out / np.sqrt((out * out).sum())
    return float(value)


@inner
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
def _enter(prob, run, work):
    _hold(prob, run, work)
    s, y, z, coefs = prob.x.size, work.value, run.z, work.coefs
    for i in range(run.group.size):
        y[0], y[1], y[2] = z[0, i], z[1, i], z[2, i]
        if y[1] == 0.0 and y[2] == 0.0:
            run.group[i] = 4 * s
            continue
        g = np.int64(run.group[i])
        k = _standing(g, y[1], y[2], prob)
        if k < 0:
            continue
        place(y, k, prob)
        to = side(k, sign_of(0.0, g, y, coefs), 0.0, NONE, prob, coefs)
        z[0, i], z[1, i], z[2, i] = y[0], y[1], y[2]
        run.group[i] = to
        if to >= 2 * s:
            log(0.0, i, k, STICK, work)
    run.counts[EVENTS] = work.size[0]


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


def solve(run: Run, prob: Problem, dt: float, stiff: bool, work: Work, bound: tuple[Any, Any, Any]) -> int:
    """Find the residuals at the nodes; the number of iterations, or 0 if they did not converge.

    They have when the particles that they drive return them, before Newton's correction: a stiff step that is accepted
    with a defect would leave the slow manifold by it, and the next one would have to begin again.
    """
    aim = max(DEFECT * prob.tol, 8.0 * EPS * (np.abs(prob.y).max() + np.abs(run.r).max()))
    last, first = np.inf, run.counts[EVENTS]
    for n in range(1, MAX_ITERATIONS + 1):
        drives(bound[0], bound[2])
        if not carry_all(*bound, dt, first, False):
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
        if stiff:
            correct(run.basis, run.eigen, prob.weight, dt, work.delta, work.spare)
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


def _accept(run: Run, dt: float, work: Work, bound: tuple[Any, Any, Any]) -> bool:
    """Take the particles to the end of the step; False, and nothing is changed, if the events find no room."""
    first, events, now = run.counts[EVENTS], work.events, run.real[TIME]
    if events.size[0] > events.times.size:
        return False
    carry_all(*bound, dt, first, True)
    new = events.times[first : events.size[0]]
    new[:] = now + dt * new
    run.counts[EVENTS] = events.size[0]
    _present_residuals(*bound)
    return True


def _first_kink(events: Log, first: int) -> float:
    """The fraction of a rejected step up to which there are no events, if few events are what is wrong; or else 0."""
    if not 0 < events.size[0] - first <= BATCH:
        return 0.0
    when = events.times[first : events.size[0]].min() * (1.0 + 1e-9)
    return when if 1e-3 < when < 1.0 else 0.0


def advance(run: Run, prob: Problem, until: float, steps: int, flat: float, work: Work) -> int:
    """Take up to ``steps`` steps towards the time ``until``; why it came back. As `flow.advance`.

    Only what visits the particles is compiled: a step is long next to the few calls in it.
    """
    count, real, bound = run.counts, run.real, bind(prob, run, work)
    for _ in range(steps):
        left = until - real[TIME]
        if left <= 4.0 * EPS * until:
            real[TIME] = until
            return ARRIVED
        if 2 * count[EVENTS] > work.events.times.size:
            return FULL
        falls = _look(*bound)
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
            refresh(run, kernel_matrix(prob, work))
        if not _step(run, prob, dt, stiff, work, bound) and (
            real[DT] < 16.0 * EPS * max(real[TIME], 1e-300) or real[DT] < 1e-280
        ):
            return STALLED
    return PAUSED


def _step(run: Run, prob: Problem, dt: float, stiff: bool, work: Work, bound: tuple[Any, Any, Any]) -> bool:
    """Take a step of length dt, or plan a shorter one; whether it was taken."""
    count, real = run.counts, run.real
    _first_guess(run, prob, dt, stiff, work)
    iterations = solve(run, prob, dt, stiff, work, bound)
    error = error_of(run, prob, dt, stiff, work) if iterations > 0 else np.inf
    if not error <= prob.tol or not _accept(run, dt, work, bound):
        _reject(run, prob, dt, error, iterations, work)
        return False
    if iterations > 8:
        count[FRESH] = 0
    grow = growth.py_func(error, prob.tol)
    if count[HELD]:  # the step after a rejected one is no longer than it
        grow = min(grow, 1.0)
        count[HELD] = 0
    if dt == real[DT] or grow < 1.0:
        real[DT] = dt * max(0.2, grow)
    real[TIME] += dt
    count[STEPS] += 1
    count[STIFF] += stiff
    return True


def _reject(run: Run, prob: Problem, dt: float, error: float, iterations: int, work: Work) -> None:
    """Plan a shorter step, or one that ends at the first kink if that is what is wrong."""
    count, real, factor = run.counts, run.real, 0.3
    count[REJECTED] += 1
    if iterations == 0:
        count[FRESH] = 0
    elif error > prob.tol:
        factor = shrinkage.py_func(error, prob.tol)
        kink = _first_kink(work.events, count[EVENTS])
        if kink > 0.0 and factor < 0.5:
            real[CUT] = dt * kink
            return
    count[HELD] = 1
    real[DT] = dt * factor
