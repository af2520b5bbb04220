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

from knotflow.engine.arcs import border_sample
from knotflow.engine.codes import ARRIVED, FULL, PAUSED, STALLED, STICK
from knotflow.engine.compiled import inner, kernel
from knotflow.engine.flow.filippov import NONE
from knotflow.engine.flow.radau import ERROR, ERROR_ROOT, LATE, NODES, PLAIN, correct, growth, refresh, shrinkage
from knotflow.engine.flow.state import DT, EPS, EVENTS, FRESH, HELD, RATE, REJECTED, STEPS, STIFF, TIME
from knotflow.engine.particles.carry import log
from knotflow.engine.particles.field import (
    carry_all,
    drives,
    fill_derivatives,
    fill_residuals,
    hold,
    kernel_matrix,
    rate,
)
from knotflow.engine.particles.rest import end
from knotflow.engine.particles.rules import LOWER, UPPER, border, place, side, sign_of
from knotflow.engine.particles.state import WINDOW, Log, Problem, Run, Work, bind
from knotflow.engine.sums import predict

# In Run.real: the length of the next step, if not 0; in its place the flow has nothing.
CUT = 2
# A step is long with this dt times the largest eigenvalue.
LONG = 10.0
# The iteration for the residuals ends when the particles return them up to this fraction of the tolerance.
DEFECT = 0.05
# With no more events than this in a rejected step it may end at the first of them.
FEW = 16
# Iterations for the residuals of a step; with more than SLOW the next step is no longer.
MAX_ITERATIONS, SLOW = 16, 10


def enter(run: Run, prob: Problem, work: Work) -> None:
    """Settle which particles stand on a sample at the start: they slide along its border or choose a side."""
    _enter(*bind(prob, run, work))


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
    hold(prob, run, work)
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


@kernel
def _correct(basis, eigen, weight, dt, delta, spare):
    correct(basis, eigen, weight, dt, delta, spare)


def _first_guess(run: Run, prob: Problem, dt: float, stiff: bool, work: Work) -> None:
    """Residuals at the nodes if the kernel stayed as it is (to first order in dt where that is small).

    In a long step under a penalty each mode tends to where its velocity leads it, not to 0.
    """
    if not stiff:
        for k in range(3):
            work.nodes[k] = run.r + (dt * NODES[k]) * work.slope
        return
    root = np.sqrt(prob.weight)
    if prob.lam == 0.0 or dt * run.real[RATE] < LONG:
        inner = run.basis.T @ (root * run.r)
        for k in range(3):
            work.nodes[k] = (run.basis @ (inner * np.exp(-dt * NODES[k] * run.eigen))) / root
        return
    inner, slow = run.basis.T @ (root * work.slope), run.eigen * dt < 1e-8
    for k in range(3):
        lasts = np.where(slow, dt * NODES[k], -np.expm1(-dt * NODES[k] * run.eigen) / np.where(slow, 1.0, run.eigen))
        work.nodes[k] = run.r + (run.basis @ (inner * lasts)) / root


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
            _correct(run.basis, run.eigen, prob.weight, dt, work.delta, work.spare)
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
    most = np.abs(work.nodes - run.r).max() if dt * run.real[RATE] > LATE else np.inf  # no more than f moves by
    if not stiff:
        return min(np.abs(spare).max() * dt / ERROR_ROOT, most)
    root = np.sqrt(prob.weight)
    inner = run.basis.T @ (root * spare)
    inner /= ERROR_ROOT / dt + run.eigen
    return min(np.abs((run.basis @ inner) / root).max(), most)


def _accept(run: Run, dt: float, work: Work, bound: tuple[Any, Any, Any]) -> bool:
    """Take the particles to the end of the step; False, and nothing is changed, if the events find no room."""
    first, events, now = run.counts[EVENTS], work.events, run.real[TIME]
    if events.size[0] > events.times.size:
        return False
    carry_all(*bound, dt, first, True)
    new = events.times[first : events.size[0]]
    new[:] = now + dt * new
    run.counts[EVENTS] = events.size[0]
    fill_residuals(*bound)
    return True


def _first_kink(events: Log, first: int) -> float:
    """The fraction of a rejected step up to which there are no events, if few events are what is wrong; or else 0."""
    if not 0 < events.size[0] - first <= FEW:
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
        falls = fill_derivatives(*bound)
        real[RATE] = rate(run, prob, work)
        if real[DT] == 0.0:
            real[DT] = 0.01 / max(real[RATE], 1e-300)
        code = end(falls, left, flat, prob, run, work)
        if code == ARRIVED:
            real[TIME] = until
        if code != PAUSED:
            return code
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
    if iterations > SLOW and prob.lam > 0.0:  # a longer step would not find its residuals
        grow = min(grow, 1.0)
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
