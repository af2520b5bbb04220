"""The neurons that change their mode within a step, one after the other, and what they add to f.

The residuals of a step are found by iteration. At each iteration the neurons that may meet a border are traced through
the step: through all their meetings, by the propagators of the modes that they are in. What they add to f at the nodes
beside their first mode's share is known exactly; the kinks between the nodes are what `kinks` says.
"""

from __future__ import annotations

import numpy as np

from knotflow.engine.arcs import active_arc, border_sample, inactive_arc
from knotflow.engine.codes import CROSS, FLIP, RELEASE, REST, STICK, TURN
from knotflow.engine.compiled import inner
from knotflow.engine.flow.crossings import next_meeting, passes, position, push, standing
from knotflow.engine.flow.events import write
from knotflow.engine.flow.filippov import home_arc, mode_from, put_on_border
from knotflow.engine.flow.kinks import CORNER, ROUND, add_slope
from knotflow.engine.flow.magnus import END, applied, kept
from knotflow.engine.flow.origin import Neuron, fades, mode_through_origin
from knotflow.engine.flow.radau import NODES
from knotflow.engine.flow.state import EVENTS, TIME
from knotflow.engine.sums import predict

# Events of one neuron in a step.
MAX_EVENTS = 32
# The neurons that are traced are those that a step with so many times the effect could take to a border.
MARGIN = 2.0


@inner
def log(when, neuron, border, kind, run, work):
    """Write an event down; it is counted in any case."""
    run.counts[EVENTS] = write(work.times, work.rows, run.counts[EVENTS], when, neuron, border, kind)


@inner
def meet(neuron, now, k, prob, work):
    """What becomes of a neuron that is at the border k which it meets: (the neuron in its new mode, kind of event)."""
    s, mode = prob.x.size, neuron.mode
    if mode >= 2 * s and fades(neuron, prob):
        to = mode_through_origin(k, neuron.c, now, prob, work)
        return Neuron(0.0, 0.0, neuron.c, to), TURN if to > 0 else REST
    a, b = put_on_border(neuron.a, neuron.b, k, prob)
    if mode >= 2 * s:
        return Neuron(a, b, neuron.c, inactive_arc(k, s)), FLIP
    to = mode_from(k, neuron.c, now, mode, prob, work)
    return Neuron(a, b, neuron.c, to), STICK if to >= 2 * s else CROSS


@inner
def change_mode(i, ahead, dt, prob, run, work):
    """Take neuron i through the meeting ahead: in its new mode, with the event and its kink written down."""
    when, k, before, s = ahead.when, ahead.border, ahead.neuron, prob.x.size
    if ahead.arc >= 0:
        a, b = put_on_border(before.a, before.b, k, prob)
        neuron, kind = Neuron(a, b, before.c, ahead.arc), RELEASE
    else:
        neuron, kind = meet(before, when, k, prob, work)
    if neuron.mode != before.mode:
        clock = run.real[TIME] + when * dt
        log(clock, i, k, kind, run, work)
        if kind == TURN and neuron.mode >= 2 * s:
            log(clock, i, neuron.mode - 2 * s, STICK, run, work)
        add_slope(before, -1.0, when, dt, prob, work)
        add_slope(neuron, 1.0, when, dt, prob, work)
    return neuron


@inner
def trace(n, dt, prob, run, work):
    """Trace the neuron at place n of the list through the step; whether it came to the end.

    Its state there and the time of its first event go to the list; what it adds to ca and cb beside its first mode, to
    ``extra``.
    """
    s, z, extra, lam, i = prob.x.size, run.z, work.extra, work.lam, np.int64(work.near[n])
    first = Neuron(z[0, i], z[1, i], z[2, i], np.int64(run.group[i]))
    neuron, now, events, skip, guess = first, 0.0, 0, standing(first, prob.x), work.first[n]
    k, home0 = 0, home_arc(first.mode, s)
    work.first[n] = 2.0
    while k < 3:
        a, b, c = applied(kept(lam, k, first.mode), first.a, first.b, first.c)
        there = Neuron(a, b, c, first.mode)
        if events > 0:
            there = position(neuron, now, NODES[k], dt, prob, work)
        if not now < guess < NODES[k]:
            guess = 2.0
        ahead = next_meeting(neuron, there, (now, NODES[k], dt), skip, guess, prob, work)
        if ahead.border >= 0:
            if events == 0:
                work.first[n] = ahead.when
            events += 1
            if events > MAX_EVENTS:
                return False
            neuron, now, skip = change_mode(i, ahead, dt, prob, run, work), ahead.when, ahead.border
            continue
        if events > 0:
            home = home_arc(there.mode, s)
            extra[k, 0, home] += there.c * there.a
            extra[k, 1, home] += there.c * there.b
            extra[k, 0, home0] -= c * a
            extra[k, 1, home0] -= c * b
        neuron, now = there, NODES[k]
        k += 1
    work.last[n, 0], work.last[n, 1], work.last[n, 2] = neuron.a, neuron.b, neuron.c
    work.into[n] = neuron.mode
    return True


@inner
def trace_all(listed, dt, prob, run, work):
    """Trace all neurons of the list and fill ``extra``, ``corner`` and ``bend``; whether it worked, and the change of
    ``bend``. Events are logged after the first ``count``."""
    work.extra[:] = 0.0
    work.kinks[:] = 0.0
    begun = run.counts[EVENTS]
    for n in range(listed):
        if not trace(n, dt, prob, run, work):
            return False, 0.0
    change = 0.0
    if run.counts[EVENTS] == begun:
        for k in range(3):
            for j in range(prob.x.size):
                change = max(change, abs(work.bend[k, j]))
                work.corner[k, j] = work.bend[k, j] = 0.0
        return True, change
    kinks, spare = work.kinks, work.spare
    for k in range(3):
        predict(kinks[CORNER, k, 0], kinks[CORNER, k, 1], prob.x, 0.0, prob.inv_norm, work.corner[k])
        predict(kinks[ROUND, k, 0], kinks[ROUND, k, 1], prob.x, 0.0, prob.inv_norm, spare)
        for j in range(prob.x.size):
            bend = spare[j] - work.corner[k, j]
            change = max(change, abs(bend - work.bend[k, j]))
            work.bend[k, j] = bend
    return True, change


@inner
def reach_of(g, prob, lam):
    """How far the step moves the coefficients of h at the borders of arc g (of c for sliding neurons)."""
    s, most_c, most_ab = prob.x.size, 0.0, 0.0
    for n in range(3):
        p = kept(lam, n, g)
        if g >= 2 * s:
            most_c = max(most_c, abs(p[8] - 1.0))
            most_ab = max(most_ab, max(abs(p[6]), abs(p[7])))
            continue
        for side in range(2):
            x = prob.lower[g] if side == 0 else prob.upper[g]
            most_c = max(most_c, abs(x * p[2] - p[5]))
            most_ab = max(most_ab, abs(x * (p[0] - 1.0) - p[3]))
            most_ab = max(most_ab, abs(x * p[1] - (p[4] - 1.0)))
    return most_c, most_ab


@inner
def may_release(k, sign, prob, work):
    """Whether border k could release neurons in a step with twice the changes of this one."""
    for side in range(2):
        low = high = push(k, side, sign, 0.0, prob, work)
        for n in range(3):
            at = push(k, side, sign, NODES[n], prob, work)
            low, high = min(low, at), max(high, at)
        if high + (MARGIN - 1.0) * (high - low) > prob.noise[border_sample(k, prob.x.size)]:
            return True
    return False


@inner
def find_reach(scale, prob, run, work):
    """Fill work.reach with ``scale`` times the step's reach of every mode in which there are neurons."""
    s, moments, reach = prob.x.size, run.moments, work.reach
    for g in range(4 * s):
        if moments[g, 0] + moments[g, 2] + moments[g, 5] != 0.0:
            most_c, most_ab = reach_of(g, prob, work.lam)
            reach[g, 0], reach[g, 1] = scale * most_c, scale * most_ab


@inner
def within_reach(prob, run, work):
    """Whether the step, as it is now, keeps within the reach with which its neurons were listed."""
    s, moments, reach = prob.x.size, run.moments, work.reach
    for g in range(4 * s):
        if moments[g, 0] + moments[g, 2] + moments[g, 5] != 0.0:
            most_c, most_ab = reach_of(g, prob, work.lam)
            if most_c > reach[g, 0] or most_ab > reach[g, 1]:
                return False
    return True


@inner
def list_near(prob, run, work):
    """List the neurons that may meet something in the step; their number. O(m), most neurons with two comparisons."""
    s, z, group, lower, upper = prob.x.size, run.z, run.group, prob.lower, prob.upper
    reach, near, first = work.reach, work.near, work.first
    find_reach(MARGIN, prob, run, work)
    listed = 0
    for i in range(group.size):
        g = np.int64(group[i])
        if g == 0:
            continue
        a, b, c = z[0, i], z[1, i], z[2, i]
        if g < 2 * s:
            gap = min(abs(a * lower[g] - b), abs(a * upper[g] - b))
            if gap > reach[g, 0] * abs(c) + reach[g, 1] * (abs(a) + abs(b)):
                continue
        elif not fades(Neuron(a, b, c, g), prob) and not may_release(g - 2 * s, np.sign(c), prob, work):
            if abs(c) > reach[g, 0] * abs(c) + reach[g, 1] * (abs(a) + abs(b)):
                continue
        near[listed], first[listed] = i, 2.0
        listed += 1
    return listed


@inner
def move(listed, prob, run, work):
    """Take every neuron to the end of the step. O(m)."""
    s, z, group, lam = prob.x.size, run.z, run.group, work.lam
    near, first, last, into = work.near, work.first, work.last, work.into  # to take one counts a reference
    n = 0
    for i in range(group.size):
        g = np.int64(group[i])
        if n < listed and near[n] == i:
            n += 1
            if first[n - 1] <= 1.0:
                z[0, i], z[1, i], z[2, i], g = last[n - 1, 0], last[n - 1, 1], last[n - 1, 2], np.int64(into[n - 1])
                group[i] = g
                if g >= 2 * s:
                    z[0, i], z[1, i] = put_on_border(z[0, i], z[1, i], g - 2 * s, prob)
                continue
        if g != 0:
            z[0, i], z[1, i], z[2, i] = applied(kept(lam, END, g), z[0, i], z[1, i], z[2, i])
        if g >= 2 * s:
            z[0, i], z[1, i] = put_on_border(z[0, i], z[1, i], g - 2 * s, prob)
