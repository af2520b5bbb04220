"""Neurons through the borders that they meet in a step, and the effect of many such meetings on the residuals.

A step with few meetings ends where they would begin to matter. With many it would be too short: their effect is fed
back into the residuals, and the step solved again until both agree.
"""

from __future__ import annotations

import numpy as np

from knotflow.engine.arcs import border_sample
from knotflow.engine.codes import CROSS, FLIP, RELEASE, REST, STICK
from knotflow.engine.compiled import inner
from knotflow.engine.flow.crossings import Meeting, Span, find_meetings, next_meeting, position
from knotflow.engine.flow.events import write
from knotflow.engine.flow.filippov import home_arc, mode_from, put_on_border
from knotflow.engine.flow.magnus import END, applied, kept
from knotflow.engine.flow.modes import propagate_to, solve
from knotflow.engine.flow.origin import Neuron, fades
from knotflow.engine.flow.radau import NODES, copy, largest
from knotflow.engine.flow.state import EVENTS, TIME

# Rounds in which the events of a batch and the residuals come to agree.
MAX_ROUNDS = 6
# Events of one neuron in a step.
MAX_EVENTS = 32
# In place of a neuron's number: its events are not written down.
UNLOGGED = np.int64(-1)


@inner
def log(when, neuron, border, kind, run, work):
    """Write an event down; it is counted in any case."""
    run.counts[EVENTS] = write(work.times, work.rows, run.counts[EVENTS], when, neuron, border, kind)


@inner
def meet(neuron, now, k, prob, work):
    """What becomes of a neuron that is at the border k which it meets: (the neuron in its new mode, kind of event).

    One that has slid to where it may go on in several ways halts, as if dead, see `undecided`.
    """
    s, mode = prob.x.size, neuron.mode
    if mode >= 2 * s and fades(neuron, prob):
        return Neuron(0.0, 0.0, neuron.c, np.int64(0)), REST
    a, b = put_on_border(neuron.a, neuron.b, k, prob)
    if mode >= 2 * s:
        return Neuron(a, b, neuron.c, np.int64(0)), FLIP
    to = mode_from(k, neuron.c, now, mode, prob, work)
    return Neuron(a, b, neuron.c, to), STICK if to >= 2 * s else CROSS


@inner
def halt(i, border, kind, now, span, run, work):
    """Note that neuron i halts at the border, where its last event was, until it is decided where it goes."""
    n = work.halts[0]
    work.halted[n, 0], work.halted[n, 1], work.halted[n, 2] = i, border, kind
    work.halted[n, 3] = run.counts[EVENTS] - 1
    work.halted_at[n, 0], work.halted_at[n, 1], work.halted_at[n, 2] = now, span.end, span.dt
    work.halts[0] = n + 1


@inner
def travel(neuron, ahead, span, last, i, prob, run, work):
    """Take neuron i through the span and its meetings, the next of which is ``ahead``.

    Returns the neuron at the span's end and its next meeting, looked for up to ``last``. Events are logged if i >= 0.
    """
    s, now, dt = prob.x.size, span.start, span.dt
    for _ in range(MAX_EVENTS):
        if ahead.border < 0 or ahead.when > span.end:
            break
        before, k = neuron.mode, ahead.border
        neuron, kind = meet(position(neuron, now, ahead.when, dt, prob, work), ahead.when, k, prob, work)
        now = ahead.when
        if i >= 0 and neuron.mode != before:
            clock = run.real[TIME] + now * dt
            log(clock, i, k, kind, run, work)
        if before >= 2 * s:
            if i >= 0:
                halt(i, k, kind, now, span, run, work)
            return neuron, Meeting(2.0, -1)
        ahead = next_meeting(neuron, Span(now, last, dt), np.sign(neuron.c), k, prob, work)
    if now < span.end:
        neuron = position(neuron, now, span.end, dt, prob, work)
    return neuron, ahead


@inner(inline="always")
def feed_back(found, dt, prob, run, work):
    """What neurons with events in the step really add to ca and cb at the nodes, less what their modes would."""
    s, z, extra, lam = prob.x.size, run.z, work.extra, work.lam
    extra[:] = 0.0
    for n in range(found):
        i = work.ids[n]
        first = Neuron(z[0, i], z[1, i], z[2, i], np.int64(run.group[i]))
        neuron, ahead, now, home0 = first, Meeting(work.when[n], np.int64(work.border[n])), 0.0, home_arc(first.mode, s)
        for k in range(3):
            if ahead.when > NODES[k]:
                continue
            neuron, ahead = travel(neuron, ahead, Span(now, NODES[k], dt), 1.0, UNLOGGED, prob, run, work)
            now = NODES[k]
            home = home_arc(neuron.mode, s)
            extra[k, 0, home] += neuron.c * neuron.a
            extra[k, 1, home] += neuron.c * neuron.b
            a, b, c = applied(kept(lam, k, first.mode), first.a, first.b, first.c)
            extra[k, 0, home0] -= c * a
            extra[k, 1, home0] -= c * b


@inner(inline="always")
def settle(found, dt, stiff, prob, run, work):
    """Solve the step again with the events' effect fed back; (whether both came to agree, events found)."""
    nodes, before = work.nodes, work.before
    for _ in range(MAX_ROUNDS):
        feed_back(found, dt, prob, run, work)
        copy(nodes, before)
        if solve(dt, stiff, prob, run, work) == 0:
            return False, found
        change = 0.0
        for k in range(3):
            for j in range(nodes.shape[1]):
                change = max(change, abs(nodes[k, j] - before[k, j]))
        found = find_meetings(dt, prob, run, work)
        if change <= 0.1 * prob.tol:
            return True, found
    return False, found


@inner(inline="always")
def undo(dt, stiff, prob, run, work):
    """Take the events' effect out of the step again; whether that works."""
    work.extra[:] = 0.0
    copy(work.smooth, work.nodes)
    return solve(dt, stiff, prob, run, work) > 0


@inner
def effect(found, end, prob, run, work):
    """Bound for what f at the samples would be wrong by if the neurons met so far had met nothing."""
    s, z, total = prob.x.size, run.z, work.spare[0]
    total[:] = 0.0
    for n in range(found):
        i = work.ids[n]
        g = np.int64(run.group[i])
        if work.when[n] < end and g < 2 * s:
            a, b, c = applied(kept(work.lam, END, g), z[0, i], z[1, i], z[2, i])
            j = border_sample(np.int64(work.border[n]), s)
            total[j] += prob.inv_norm * abs(c * (a * prob.x[j] - b))
    return largest(total)


@inner
def first_halt(found, dt, prob, run, work):
    """When the first neuron halts in the step, 2 if none does: the residuals of the step hold up to there only.

    A neuron that slides halts at its next meeting, and so does one that begins to slide in this step.
    """
    z, first = run.z, 2.0
    for n in range(found):
        i, when, k = np.int64(work.ids[n]), work.when[n], np.int64(work.border[n])
        if when >= first:
            continue
        neuron = Neuron(z[0, i], z[1, i], z[2, i], np.int64(run.group[i]))
        if neuron.mode < 2 * prob.x.size:
            neuron, kind = meet(position(neuron, 0.0, when, dt, prob, work), when, k, prob, work)
            if kind != STICK:
                continue
            ahead = next_meeting(neuron, Span(when, 1.0, dt), np.sign(neuron.c), k, prob, work)
            when = ahead.when
        first = min(first, when)
    return first


@inner(inline="always")
def shorten(found, end, dt, prob, run, work):
    """The latest end, by halving, up to which events matter less than the tolerance; the first event always may."""
    first = 2.0
    for n in range(found):
        first = min(first, work.when[n])
    propagate_to(end, dt, prob, run, work)
    while first < end and effect(found, end, prob, run, work) > 0.1 * prob.tol:
        end = first if end - first < 0.02 else 0.5 * (first + end)
        propagate_to(end, dt, prob, run, work)
    return end


@inner(inline="always")
def move(found, end, dt, prob, run, work):
    """Take every neuron to the end of the step. O(m)."""
    s, z, group, lam = prob.x.size, run.z, run.group, work.lam
    ids, when, border = work.ids, work.when, work.border  # outside the loop: to take one counts a reference
    met = 0
    for i in range(group.size):
        while met < found and ids[met] < i:
            met += 1
        g = np.int64(group[i])
        if met < found and ids[met] == i and when[met] <= end:
            neuron, ahead = Neuron(z[0, i], z[1, i], z[2, i], g), Meeting(when[met], np.int64(border[met]))
            neuron, _ = travel(neuron, ahead, Span(0.0, end, dt), end, i, prob, run, work)
            z[0, i], z[1, i], z[2, i], g = neuron.a, neuron.b, neuron.c, neuron.mode
            group[i] = g
        elif g != 0:
            z[0, i], z[1, i], z[2, i] = applied(kept(lam, END, g), z[0, i], z[1, i], z[2, i])
        if g >= 2 * s:
            z[0, i], z[1, i] = put_on_border(z[0, i], z[1, i], g - 2 * s, prob)


@inner
def release(border, arc, when, prob, run, work):
    """Move all neurons that slide along the border to the arc."""
    s, group = prob.x.size, run.group
    for i in range(group.size):
        if group[i] == 2 * s + border:
            group[i] = arc
            log(when, i, border, RELEASE, run, work)
