"""Gradient flow, one step after the other: the residuals solved for, the crossings in the step found, all taken to its
end.

A step of length dt has the residuals at the three Radau IIA nodes as its only unknowns: they give q(t) as a quadratic,
q(t) gives every arc's propagator, and the propagators give the residuals back. The fixed point is found by Newton's
method with the tangent kernel as the Jacobian: order 5, L-stable, O(s) whatever the width. Neurons that change their
mode within the step are part of the iteration, so that a step may hold any number of events. `docs/engine.md` explains
the whole.

Sources: Williams et al. 2019, eqs. (2), (8)-(11), with the attractor rule corrected; see `radau`, `magnus`, `filippov`.
"""

from __future__ import annotations

import numpy as np

from knotflow.engine.arcs import find_arc
from knotflow.engine.codes import ARRIVED, CONVERGED, FLOOR, FULL, PAUSED, STALLED, STICK, UNDECIDED
from knotflow.engine.compiled import inner, kernel
from knotflow.engine.flow.crossings import standing
from knotflow.engine.flow.filippov import NONE, mode_from, put_on_border
from knotflow.engine.flow.magnus import END
from knotflow.engine.flow.modes import (
    anchor,
    bias_at,
    derivative,
    fastest,
    gather,
    kernel_sums,
    kernel_times,
    present_residuals,
    propagate,
    rate,
    residuals_at,
)
from knotflow.engine.flow.newton import correct, factor, fade
from knotflow.engine.flow.origin import Neuron
from knotflow.engine.flow.radau import ERROR, ERROR_ROOT, LATE, NODES, STAGES, growth, largest
from knotflow.engine.flow.rest import at_rest, due, floor, present_fall, still_falls
from knotflow.engine.flow.state import (
    CUT,
    DT,
    EPS,
    EVENTS,
    HELD,
    LISTED,
    RATE,
    REJECTED,
    SOLVES,
    STEPS,
    TIME,
    Array,
    Problem,
    Run,
    Work,
    bind,
    field_of,
)
from knotflow.engine.flow.tracing import first_halt, list_near, log_of, move, note, trace_all, within_reach

# Iterations for the residuals of a step.
MAX_ITERATIONS = 16
# The iteration for the residuals ends when the neurons return those that drive them up to this part of the tolerance: a
# stiff step that is accepted with a defect would leave the slow manifold by it. It also ends at rounding errors.
DEFECT = 0.02
# Neurons are traced again when the residuals are so many times closer to what the last tracing leads to.
CALM = 0.1
# A step in which a neuron halts before this part of it is taken again up to there; but no shorter one than a part
# SHORTEST of what is planned, in which all is small that the neuron does.
HALT, SHORTEST = 1.0 - 1e-5, 1e-9
# The effect of kinks on the residuals that a step may have, in units of the tolerance; `kinks` makes up for most of it.
KINKS = 10.0


def enter(run: Run, prob: Problem, work: Work, times: Array, rows: Array) -> None:
    """Find every neuron's mode at the start; those that stand on a sample slide along its border or choose a side."""
    _enter(*bind(prob, run, work._replace(times=times, rows=rows)))


def advance(
    run: Run, prob: Problem, until: float, steps: int, flat: float, work: Work, times: Array, rows: Array
) -> int:
    """Take up to ``steps`` steps towards the time ``until``; why it came back, see `codes`. After UNDECIDED it must be
    decided where the neurons go that have halted, see `undecided`.

    ``flat``: stop once the loss, at its present rate, would fall by at most this in as long again as the run has taken;
    negative for never (but a gradient of zero always ends it). ``times`` and ``rows`` take the events.
    """
    records = bind(prob, run, work._replace(times=times, rows=rows))
    return _advance(*records, float(until), steps, float(flat))


@kernel
def _enter(prob, run, work):
    x, z, group = prob.x, run.z, run.group
    s = x.size
    for i in range(group.size):
        group[i] = find_arc(z[0, i], z[1, i], x)
    gather(prob, run)
    present_residuals(prob, run, work)
    anchor(prob, run, work)
    work.nodes[:] = 0.0
    work.bend[:] = 0.0
    propagate(0.0, prob, run, work)
    field, log = field_of(0.0, prob, work), log_of(run, work)
    for i in range(group.size):
        neuron = Neuron(z[0, i], z[1, i], z[2, i], np.int64(group[i]))
        k = standing(neuron, x)
        if k < 0 or neuron.a == 0.0:
            continue
        z[0, i], z[1, i] = put_on_border(neuron.a, neuron.b, k, field)
        to = mode_from(k, neuron.c, 0.0, NONE, field)
        group[i] = to
        if to >= 2 * s:
            note(0.0, i, k, STICK, log)
    gather(prob, run)
    present_residuals(prob, run, work)


@kernel
def _advance(prob, run, work, until, steps, flat):
    count, real = run.counts, run.real
    for _ in range(steps):
        left = until - real[TIME]
        if left <= 4.0 * EPS * until:
            real[TIME] = until
            return ARRIVED
        if count[EVENTS] > work.times.size // 2 and count[EVENTS] + run.group.size > work.times.size:
            return FULL
        look(prob, run, work)
        real[RATE] = rate(prob, work)
        quickest = max(real[RATE], fastest(prob, run, work))
        if real[DT] == 0.0:
            real[DT] = 0.01 / max(quickest, 1e-300)
        end = _end(left, flat, prob, run, work)
        if end == ARRIVED:
            real[TIME] = until
        if end != PAUSED:
            return end
        dt = min(real[DT], left)
        if real[CUT] > 0.0:
            dt, real[CUT] = min(dt, real[CUT]), 0.0
        taken = _step(dt, prob, run, work)
        if taken and work.halts[0] > 0:
            return UNDECIDED
        if not taken and (real[DT] < 16.0 * EPS * real[TIME] or real[DT] * quickest < EPS):
            return STALLED
    return PAUSED


@inner
def look(prob, run, work):
    """Fill the tangent kernel's sums and dr/dt."""
    anchor(prob, run, work)
    kernel_sums(prob, run, work)
    derivative(prob, run, work, work.slope)


@inner(inline="always")
def _end(left, flat, prob, run, work):
    """ARRIVED if nothing moves until the time asked for; CONVERGED or FLOOR, see `codes`; else PAUSED.

    ``flat`` < 0: the time asked for is wanted.
    """
    now, top = run.real[TIME], run.real[RATE]
    falls = present_fall(prob, run, work)
    if flat < 0.0:
        stiff = left * top > 1.0 / EPS**0.25
        return ARRIVED if falls == 0.0 or (stiff and due(run) and at_rest(left, prob, run, work)) else PAUSED
    if falls == 0.0:
        return CONVERGED
    if now == 0.0:
        return PAUSED
    falls *= now
    unseen = floor(now, top, prob, run)
    if falls > flat and due(run):
        falls = still_falls(now, top, max(flat, unseen), prob, run, work)
    if falls <= flat:
        return CONVERGED
    hidden = now * top * EPS > 1.0  # a mode that is slow even then is no more than rounding beside the fastest
    return FLOOR if hidden or falls <= unseen else PAUSED


@inner(inline="always")
def _first_guess(dt, run, prob, work):
    """The nodes if the kernel stayed as it is and no neuron changed its mode."""
    work.bend[:] = 0.0
    work.extra[:] = 0.0
    for k in range(3):
        for j in range(run.r.size):
            work.delta[k, j] = dt * NODES[k] * work.slope[j]
    correct(prob, work)
    for k in range(3):
        for j in range(run.r.size):
            work.nodes[k, j] = work.delta[k, j]


@inner(inline="always")
def _solve(dt, prob, run, work):
    """Find the residuals at the nodes, and what neurons meet in the step; (iterations, or 0 if they did not converge,
    neurons listed).

    Many neurons are traced only when the iteration has come close to its end with what they did last.
    """
    nodes, delta, begun, listed = work.nodes, work.delta, run.counts[EVENTS], -1
    floor = 8.0 * EPS * (largest(prob.y) + largest(run.r))
    goal, last, many = max(DEFECT * prob.tol, floor), np.inf, run.counts[LISTED] > 2 * prob.x.size
    calm = 0.0 if many else np.inf
    for n in range(1, MAX_ITERATIONS + 1):
        propagate(dt, prob, run, work)
        trace, size = last <= calm, 0.0
        if trace:
            if listed < 0 or not within_reach(prob, run, work):
                listed = run.counts[LISTED] = list_near(prob, run, work)
            run.counts[EVENTS] = begun
            traced, size = trace_all(listed, dt, prob, run, work)
            if not traced:
                return 0, listed
        for k in range(3):
            residuals_at(k, bias_at(k, dt, prob, run, work), prob, run, work)
            for j in range(nodes.shape[1]):
                delta[k, j] -= run.r[j] + nodes[k, j]
            defect = largest(delta[k])
            size = max(size, defect) if defect == defect else np.inf
        if trace and size <= goal:
            return n, listed
        if not size < np.inf or (n > 3 and not (many and trace) and size > 2.0 * last):
            return 0, listed
        correct(prob, work)
        change = max(largest(delta[0]), largest(delta[1]), largest(delta[2]))
        for k in range(3):
            for j in range(nodes.shape[1]):
                nodes[k, j] += delta[k, j]
        if change <= floor:
            if trace:
                return n, listed
            size = 0.0
        if many and (trace or n == 1):
            calm = max(goal, CALM * size)
        last = size
    return 0, listed


@inner(inline="always")
def _error(dt, prob, run, work):
    """Estimated error of f at the samples, after Hairer & Wanner: of third order, filtered so that stiff parts fade."""
    v = work.spare
    for j in range(v.size):
        v[j] = dt * work.slope[j]
        for k in range(3):
            v[j] += ERROR[k] * (work.nodes[k, j] - work.corner[k, j])
        v[j] /= ERROR_ROOT
    fade(v, prob, work)
    error = largest(v)
    if error > prob.tol and run.counts[HELD]:  # what is off the slow manifold at the start would stop any step
        fade(v, prob, work)
        error = largest(v)
    if dt * run.real[RATE] > LATE:  # no more than f moves by: the estimate may be nothing but rounding
        error = min(error, max(largest(work.nodes[0]), largest(work.nodes[1]), largest(work.nodes[2])))
    return error


@inner(inline="always")
def _kink_error(dt, prob, work):
    """What f at the samples would be wrong by if kinks were taken for quadratics."""
    v, out = work.spare, work.ca[: work.spare.size]
    for j in range(v.size):
        v[j] = 0.0
        for k in range(3):
            v[j] += dt * STAGES[2, k] * work.bend[k, j]
    kernel_times(v, prob, work, out)
    fade(out, prob, work)
    return largest(out)


@inner(inline="always")
def attempt(dt, prob, run, work):
    """Find the residuals in a step of length dt after ``look``; (iterations, 0 for failed, neurons listed)."""
    factor(dt, prob, work)
    _first_guess(dt, run, prob, work)
    return _solve(dt, prob, run, work)


@inner(inline="always")
def _step(dt, prob, run, work):
    """Take a step of length dt, or plan a shorter one; whether it was taken."""
    count, real, begun, tol = run.counts, run.real, run.counts[EVENTS], prob.tol
    iterations, listed = attempt(dt, prob, run, work)
    count[SOLVES] += iterations
    factor_of = 0.3
    if iterations > 0:
        error, kinks = _error(dt, prob, run, work), _kink_error(dt, prob, work)
        factor_of = min(growth(error, tol), 0.9 * (KINKS * tol / max(kinks, 1e-300)) ** (1.0 / 3.0))
        if error <= tol and kinks <= KINKS * tol and count[EVENTS] <= work.times.size:
            halt = first_halt(work)
            if halt < HALT and dt > SHORTEST * real[DT]:  # try again with a step that ends there
                count[EVENTS], work.halts[0] = begun, 0
                real[CUT] = max(2.0 * dt * halt / (1.0 + HALT), 0.5 * SHORTEST * real[DT])
                return False
            finish(dt, listed, prob, run, work)
            if count[HELD]:  # the step after a rejected one is no longer than it
                factor_of = min(factor_of, 1.0)
                count[HELD] = 0
            factor_of = 0.95 * factor_of**0.6
            if dt == real[DT] or factor_of < 1.0:
                real[DT] = dt * max(0.1, factor_of)
            return True
    count[EVENTS], work.halts[0] = begun, 0
    count[REJECTED] += 1
    count[HELD] = 1
    real[DT] = dt * min(max(0.1, factor_of), 0.9)
    return False


@inner(inline="always")
def finish(dt, listed, prob, run, work):
    """Take everything to the end of the step."""
    run.bias[0] = bias_at(END, dt, prob, run, work)
    move(listed, prob, run, work)
    run.real[TIME] += dt
    run.counts[STEPS] += 1
    gather(prob, run)
    present_residuals(prob, run, work)
