"""Gradient flow, one step after the other: the residuals solved for, the crossings in the step found, all taken to its
end.

A step of length dt has the residuals at the three Radau IIA nodes as its only unknowns: they give q(t) as a quadratic,
q(t) gives every arc's propagator, and the propagators give the residuals back. The fixed point is found by Newton's
method with the tangent kernel as the Jacobian: order 5, L-stable, O(s) unknowns whatever the width. Where dt times the
largest eigenvalue is small, plain iteration is enough. `docs/engine.md` explains the whole.

Sources: Williams et al. 2019, eqs. (2), (8)-(11), with the attractor rule corrected; see `radau`, `magnus`, `filippov`.
"""

from __future__ import annotations

import numpy as np

from knotflow.engine import tangent
from knotflow.engine.arcs import find_arc
from knotflow.engine.codes import ARRIVED, CONVERGED, FLOOR, FULL, PAUSED, STALLED, STICK
from knotflow.engine.compiled import inner, kernel
from knotflow.engine.flow.batch import log, move, release, settle, shorten, undo
from knotflow.engine.flow.crossings import find_meetings, standing
from knotflow.engine.flow.filippov import NONE, first_release, mode_from, put_on_border
from knotflow.engine.flow.modes import (
    anchor,
    derivative,
    fastest,
    gather,
    kernel_sums,
    move_bias,
    present_residuals,
    propagate,
    propagate_to,
    rate,
    solve,
)
from knotflow.engine.flow.origin import Neuron
from knotflow.engine.flow.radau import LATE, PLAIN, copy, error_of, first_guess, growth, largest, refresh, shrinkage
from knotflow.engine.flow.rest import at_rest, due, floor, present_fall, still_falls
from knotflow.engine.flow.state import (
    DT,
    EPS,
    EVENTS,
    FRESH,
    HELD,
    PATIENCE,
    RATE,
    REJECTED,
    SOLVES,
    STEPS,
    STIFF,
    TIME,
    WAIT,
    Array,
    Problem,
    Run,
    Work,
    bind,
)

# With more events than this in a step their effect on the residuals is fed back, and it need not end at the first.
BATCH = 16
# If that fails and there are more than this, the step is made shorter; with fewer it ends at the first of them, and the
# next WAIT steps do not try.
LARGE_BATCH = 64
# Once in this number of steps Newton's Jacobian is renewed if the next step is to grow by less than this.
RENEWED, SLOW = 16, 1.5
# Beside the reasons in `codes`: the kernel is wanted as Newton's Jacobian.
_REFRESH = -1


def enter(run: Run, prob: Problem, work: Work, times: Array, rows: Array) -> None:
    """Find every neuron's mode at the start; those that stand on a sample slide along its border or choose a side."""
    _enter(*bind(prob, run, work._replace(times=times, rows=rows)))


def advance(
    run: Run, prob: Problem, until: float, steps: int, flat: float, work: Work, times: Array, rows: Array
) -> int:
    """Take up to ``steps`` steps towards the time ``until``; why it came back, see `codes`.

    ``flat``: stop once the loss, at its present rate, would fall by at most this in as long again as the run has taken;
    negative for never (but a gradient of zero always ends it). ``times`` and ``rows`` take the events.
    """
    records, resumed, last = bind(prob, run, work._replace(times=times, rows=rows)), False, _tries(run) + steps
    while True:
        # Rejected steps count, too: each may ask for the kernel. What asked for it is tried before this comes back.
        code = _advance(*records, float(until), max(last - _tries(run), 1), float(flat), resumed)
        if code != _REFRESH:
            return code
        root = np.sqrt(prob.weight)
        refresh(run, tangent.matrix(work.s11, work.s12, work.s22, prob.x, root, prob.tbias))
        resumed = True


def _tries(run: Run) -> int:
    return int(run.counts[STEPS] + run.counts[REJECTED])


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
    propagate(0.0, prob, run, work)
    for i in range(group.size):
        neuron = Neuron(z[0, i], z[1, i], z[2, i], np.int64(group[i]))
        k = standing(neuron, x)
        if k < 0 or neuron.a == 0.0:
            continue
        z[0, i], z[1, i] = put_on_border(neuron.a, neuron.b, k, prob)
        to = mode_from(k, neuron.c, 0.0, NONE, prob, work)
        group[i] = to
        if to >= 2 * s:
            log(0.0, i, k, STICK, run, work)
    gather(prob, run)
    present_residuals(prob, run, work)


@kernel
def _advance(prob, run, work, until, steps, flat, resumed):
    count, real = run.counts, run.real
    for n in range(steps):
        left = until - real[TIME]
        if n > 0 or not resumed:
            if left <= 4.0 * EPS * until:
                real[TIME] = until
                return ARRIVED
            if count[EVENTS] > work.times.size // 2 and count[EVENTS] + run.group.size > work.times.size:
                return FULL
            _look(prob, run, work)
            real[RATE] = rate(prob, work)
            if real[DT] == 0.0:
                real[DT] = 0.01 / max(real[RATE], fastest(prob, run, work), 1e-300)
            end = _end(left, flat, prob, run, work)
            if end == ARRIVED:
                real[TIME] = until
            if end != PAUSED:
                return end
            work.extra[:] = 0.0
        dt = min(real[DT], left)
        stiff = dt * real[RATE] > PLAIN
        if stiff and count[FRESH] == 0:
            return _REFRESH
        error = _attempt(dt, stiff, prob, run, work)
        if not error <= prob.tol:
            if real[DT] < 16.0 * EPS * real[TIME] or real[DT] * max(real[RATE], fastest(prob, run, work)) < EPS:
                return STALLED
            continue
        _finish(error, dt, stiff, prob, run, work)
    return PAUSED


@inner
def _look(prob, run, work):
    """Fill the tangent kernel's sums and dr/dt."""
    anchor(prob, run, work)
    kernel_sums(prob, run, work)
    derivative(prob, run, work, work.slope)


@inner
def _end(left, flat, prob, run, work):
    """ARRIVED if nothing moves until the time asked for; CONVERGED or FLOOR, see `codes`; else PAUSED.

    ``flat`` < 0: the time asked for is wanted.
    """
    now, top = run.real[TIME], run.real[RATE]
    falls = present_fall(prob, run, work)
    if flat < 0.0:
        stiff = run.counts[FRESH] == 1 and left * top > 1.0 / EPS**0.25
        return ARRIVED if falls == 0.0 or (stiff and due(run) and at_rest(left, top, prob, run, work)) else PAUSED
    if falls == 0.0:
        return CONVERGED
    if now == 0.0:
        return PAUSED
    falls *= now
    if falls > flat and run.counts[FRESH] == 1 and due(run):
        falls = still_falls(now, prob, run, work)
    if falls <= flat:
        return CONVERGED
    hidden = now * top * EPS > 1.0  # a mode that is slow even then is no more than rounding beside the fastest
    return FLOOR if hidden or falls <= floor(now, top, prob, run) else PAUSED


@inner(inline="always")
def _attempt(dt, stiff, prob, run, work):
    """Solve for the residuals; their estimated error. If it is too large the next step is planned shorter."""
    count, r, basis, eigen = run.counts, run.r, run.basis, run.eigen
    first_guess(r, work.slope, basis, eigen, prob.weight, dt, stiff, work.nodes, work.spare)
    iterations, error = solve(dt, stiff, prob, run, work), np.inf
    count[SOLVES] += 1
    if iterations > 0:
        error = error_of(work.nodes, work.slope, basis, eigen, prob.weight, dt, stiff, work.spare)
        if dt * run.real[RATE] > LATE:  # no more than f moves by
            error = min(error, max(largest(work.nodes[0]), largest(work.nodes[1]), largest(work.nodes[2])))
    if not error <= prob.tol:
        if iterations == 0:
            count[FRESH] = 0
        _reject(dt * (shrinkage(error, prob.tol) if iterations > 0 else 0.3), run)
    elif iterations > 6:
        count[FRESH] = 0
    return error


@inner(inline="always")
def _reject(dt, run):
    """Plan a step of length dt in place of one that was not accepted."""
    run.counts[REJECTED] += 1
    run.counts[HELD] = 1
    run.real[DT] = dt


@inner(inline="always")
def _settled(dt, stiff, found, prob, run, work):
    """(whether many events in the step were fed back with success, whether to go on at all, events found)."""
    count = run.counts
    copy(work.nodes, work.smooth)
    settled, found = settle(found, dt, stiff, prob, run, work)
    if settled:
        error = error_of(
            work.nodes, work.slope, run.basis, run.eigen, prob.weight, dt, stiff, work.spare
        )  # fmt: skip
        settled = error <= prob.tol
    if settled:
        count[WAIT] = 0
    elif found > LARGE_BATCH or not undo(dt, stiff, prob, run, work):
        return False, False, found
    else:
        count[WAIT] = min(2 * count[WAIT] + 4, 256)
        count[PATIENCE] = count[WAIT]
        found = find_meetings(dt, prob, run, work)
    return settled, True, found


@inner(inline="always")
def _finish(error, dt, stiff, prob, run, work):
    """Take all neurons to the end of the step, or to where in it their crossings begin to matter."""
    count, real = run.counts, run.real
    found, settled = find_meetings(dt, prob, run, work), False
    many = found > BATCH
    grow = growth(error, prob.tol)
    if many and (found > LARGE_BATCH or count[PATIENCE] == 0):
        settled, agreed, found = _settled(dt, stiff, found, prob, run, work)
        if not agreed:
            _reject(0.4 * dt, run)
            return
    elif many:
        count[PATIENCE] -= 1
    free, border, arc = first_release(prob, run, work)
    end = min(free, 1.0)
    if settled:
        propagate_to(end, dt, prob, run, work)
    else:
        end = shorten(found, end, dt, prob, run, work)
    now = real[TIME] + end * dt
    move_bias(end, dt, prob, run, work)
    move(found, end, dt, prob, run, work)
    if free <= end:
        release(border, arc, now, prob, run, work)
    real[TIME] = now
    if count[HELD]:  # the step after a rejected one is no longer than it
        grow = min(grow, 1.0)
        count[HELD] = 0
    if many and not settled:  # about as many events in the next step as fitted into this one, and a few more
        grow = min(grow, max(0.1, 4.0 * end))
    if dt == real[DT] or grow < 1.0:
        real[DT] = dt * max(0.1, grow)
    if stiff and grow < SLOW and count[STEPS] % RENEWED == 0:  # an old kernel may be what the estimate sees
        count[FRESH] = 0
    count[STEPS] += 1
    count[STIFF] += stiff
    gather(prob, run)
    present_residuals(prob, run, work)
