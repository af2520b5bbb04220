"""The neurons that change their mode within a step, one after the other, and what they add to f.

The residuals of a step are found by iteration. At each iteration the neurons that may meet a border are traced through
the step: through all their meetings, by the propagators of the modes that they are in. What they add to f at the nodes
beside their first mode's share is known exactly; the kinks between the nodes are what `kinks` says.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from knotflow.engine.arcs import border_sample
from knotflow.engine.codes import CROSS, FLIP, RELEASE, REST, STICK
from knotflow.engine.compiled import inner, leaf
from knotflow.engine.flow.crossings import first_release, next_meeting, passes, position, push, standing
from knotflow.engine.flow.events import write
from knotflow.engine.flow.filippov import home_arc, mode_from, put_on_border
from knotflow.engine.flow.kinks import CORNER, ROUND, add_kink, kinks_at
from knotflow.engine.flow.magnus import END, START, applied, kept
from knotflow.engine.flow.modes import occupied
from knotflow.engine.flow.origin import Neuron, fades
from knotflow.engine.flow.radau import NODES
from knotflow.engine.flow.state import EVENTS, TIME, Array, field_of

# Events of one neuron in a step.
MAX_EVENTS = 32
# The neurons that are traced are those that a step with so many times the effect could take to a border.
MARGIN = 1.25


class Listed(NamedTuple):
    """The neurons that are traced, and what comes of it; arrays of `Run` and `Work`."""

    z: Array
    group: Array
    near: Array
    first: Array
    last: Array
    into: Array
    extra: Array
    kinks: Array
    releases: Array


class Log(NamedTuple):
    """The event log: arrays of `Run` and `Work`, and the time at the start of the step."""

    times: Array
    rows: Array
    counts: Array
    halts: Array
    halted: Array
    halted_at: Array
    now: float


@inner
def log_of(run, work):
    """The event log of a step."""
    return Log(work.times, work.rows, run.counts, work.halts, work.halted, work.halted_at, run.real[TIME])


@leaf
def note(when, neuron, border, kind, log):
    """Write an event down; it is counted in any case."""
    log.counts[EVENTS] = write(log.times, log.rows, log.counts[EVENTS], when, neuron, border, kind)


@leaf
def meet(neuron, now, k, field):
    """What becomes of a neuron that is at the border k which it meets: (the neuron in its new mode, kind of event).

    One that has slid to where it may go on in several ways halts, as if dead, see `undecided`.
    """
    s, mode = field.x.size, neuron.mode
    if mode >= 2 * s and fades(neuron, field):
        return Neuron(0.0, 0.0, neuron.c, np.int64(0)), REST
    a, b = put_on_border(neuron.a, neuron.b, k, field)
    if mode >= 2 * s:
        return Neuron(a, b, neuron.c, np.int64(0)), FLIP
    to = mode_from(k, neuron.c, now, mode, field)
    return Neuron(a, b, neuron.c, to), STICK if to >= 2 * s else CROSS


@leaf
def halt(i, border, kind, when, dt, log):
    """Note that neuron i halts at the border, where its last event was, until it is decided where it goes."""
    n = log.halts[0]
    log.halted[n, 0], log.halted[n, 1], log.halted[n, 2], log.halted[n, 3] = i, border, kind, log.counts[EVENTS] - 1
    log.halted_at[n, 0], log.halted_at[n, 1], log.halted_at[n, 2] = when, 1.0, dt
    log.halts[0] = n + 1


@inner
def first_halt(work):
    """When the first neuron halts in the step; its end if none does."""
    first = 1.0
    for n in range(work.halts[0]):
        first = min(first, work.halted_at[n, 0])
    return first


@leaf
def change_mode(i, ahead, kinks, log, field):
    """Take neuron i through the meeting ahead: in its new mode, with the event and its kink written down."""
    when, k, before, s = ahead.when, ahead.border, ahead.neuron, field.x.size
    if ahead.arc >= 0:
        a, b = put_on_border(before.a, before.b, k, field)
        neuron, kind = Neuron(a, b, before.c, ahead.arc), RELEASE
    else:
        neuron, kind = meet(before, when, k, field)
    if neuron.mode != before.mode:
        note(log.now + when * field.dt, i, k, kind, log)
        if ahead.arc < 0 and before.mode >= 2 * s:
            halt(i, k, kind, when, field.dt, log)
        add_kink(before, neuron, when, kinks, field)
    return neuron


@leaf
def undisturbed(neuron, lam, releases, field):
    """Whether the neuron meets nothing in the step, as far as the nodes tell."""
    s, g = field.x.size, neuron.mode
    sign = np.sign(neuron.c)
    if g >= 2 * s and (sign == 0.0 or releases[g - 2 * s, 0 if sign > 0.0 else 1] <= 1.0):
        return sign == 0.0
    for k in range(3):
        a, b, c = applied(kept(lam, k, g), neuron.a, neuron.b, neuron.c)
        if passes(Neuron(a, b, c, g), sign, field):
            return False
    return True


@inner
def find_releases(field, run, work):
    """Fill work.releases: when each border at which neurons slide releases them first, for c > 0 and for c < 0."""
    s, moments, releases = field.x.size, run.moments, work.releases
    for k in range(2 * s):
        releases[k, 0] = releases[k, 1] = 2.0
        if occupied(2 * s + k, moments):
            for side in range(2):
                releases[k, side] = first_release(k, 1.0 - 2.0 * side, field)


@leaf
def trace(n, lam, listed, log, field):
    """Trace the neuron at place n of the list through the step; whether it came to the end.

    Its state there and the time of its first event go to the list; what it adds to ca and cb beside its first mode, to
    ``extra``.
    """
    s, z, extra, i = field.x.size, listed.z, listed.extra, np.int64(listed.near[n])
    first, guess = Neuron(z[0, i], z[1, i], z[2, i], np.int64(listed.group[i])), listed.first[n]
    listed.first[n] = 2.0
    if undisturbed(first, lam, listed.releases, field):
        return True
    neuron, now, events, skip = first, 0.0, 0, standing(first, field.x)
    k, home0 = START, home_arc(first.mode, s)
    while k < 3:
        a, b, c = applied(kept(lam, k, first.mode), first.a, first.b, first.c)
        there = Neuron(a, b, c, first.mode)
        if events > 0:
            there = position(neuron, now, NODES[k], field)
        if not now < guess < NODES[k]:
            guess = 2.0
        ahead = next_meeting(neuron, there, (now, NODES[k]), skip, guess, field)
        if ahead.border >= 0:
            if events == 0:
                listed.first[n] = ahead.when
            events += 1
            if events > MAX_EVENTS:
                return False
            neuron, now, skip = change_mode(i, ahead, listed.kinks, log, field), ahead.when, ahead.border
            continue
        if events > 0:
            home = home_arc(there.mode, s)
            extra[home, 2 * k] += there.c * there.a
            extra[home, 2 * k + 1] += there.c * there.b
            extra[home0, 2 * k] -= c * a
            extra[home0, 2 * k + 1] -= c * b
        neuron, now = there, NODES[k]
        k += 1
    if events > 0:
        last = listed.last
        last[n, 0], last[n, 1], last[n, 2], listed.into[n] = neuron.a, neuron.b, neuron.c, neuron.mode
    return True


@inner
def trace_all(listed, dt, prob, run, work):
    """Trace all neurons of the list and fill ``extra``, ``corner`` and ``bend``; whether it worked, and the change of
    ``bend``. Events are logged after the first ``count``."""
    work.extra[:] = 0.0
    work.kinks[:] = 0.0
    work.halts[0] = 0
    begun, lam, log, field = run.counts[EVENTS], work.lam, log_of(run, work), field_of(dt, prob, work)
    these = Listed(run.z, run.group, work.near, work.first, work.last, work.into, work.extra, work.kinks, work.releases)
    find_releases(field, run, work)
    for n in range(listed):
        if not trace(n, lam, these, log, field):
            return False, 0.0
    change = 0.0
    if run.counts[EVENTS] == begun:
        for k in range(3):
            for j in range(prob.x.size):
                change = max(change, abs(work.bend[k, j]))
                work.corner[k, j] = work.bend[k, j] = 0.0
        return True, change
    spare = work.spare
    for k in range(3):
        kinks_at(CORNER, k, prob, work, work.corner[k])
        kinks_at(ROUND, k, prob, work, spare)
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


@leaf
def may_release(k, sign, field):
    """Whether border k could release neurons in a step with twice the changes of this one."""
    for side in range(2):
        low = high = push(k, side, sign, 0.0, field)
        for n in range(3):
            at = push(k, side, sign, NODES[n], field)
            low, high = min(low, at), max(high, at)
        if high + (MARGIN - 1.0) * (high - low) > field.noise[border_sample(k, field.x.size)]:
            return True
    return False


@inner
def find_reach(scale, prob, run, work):
    """Fill work.reach with ``scale`` times the step's reach of every mode in which there are neurons."""
    s, moments, reach = prob.x.size, run.moments, work.reach
    for g in range(4 * s):
        if occupied(g, moments):
            most_c, most_ab = reach_of(g, prob, work.lam)
            reach[g, 0], reach[g, 1] = scale * most_c, scale * most_ab


@inner
def within_reach(prob, run, work):
    """Whether the step, as it is now, keeps within the reach with which its neurons were listed."""
    s, moments, reach = prob.x.size, run.moments, work.reach
    for g in range(4 * s):
        if occupied(g, moments):
            most_c, most_ab = reach_of(g, prob, work.lam)
            if most_c > reach[g, 0] or most_ab > reach[g, 1]:
                return False
    return True


@inner
def list_near(prob, run, work):
    """List the neurons that may meet something in the step; their number. O(m), most neurons with two comparisons."""
    s, z, group, lower, upper = prob.x.size, run.z, run.group, prob.lower, prob.upper
    reach, near, first, field = work.reach, work.near, work.first, field_of(0.0, prob, work)
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
        elif (
            abs(c) > reach[g, 0] * abs(c) + reach[g, 1] * (abs(a) + abs(b))
            and not fades(Neuron(a, b, c, g), field)
            and not may_release(g - 2 * s, np.sign(c), field)
        ):
            continue
        near[listed], first[listed] = i, 2.0
        listed += 1
    return listed


@inner
def move(listed, prob, run, work):
    """Take every neuron to the end of the step. O(m)."""
    s, z, group, lam = prob.x.size, run.z, run.group, work.lam
    near, first, last, into = work.near, work.first, work.last, work.into  # to take one counts a reference
    field = field_of(0.0, prob, work)
    n = 0
    for i in range(group.size):
        g = np.int64(group[i])
        if n < listed and near[n] == i:
            n += 1
            if first[n - 1] <= 1.0:
                z[0, i], z[1, i], z[2, i], g = last[n - 1, 0], last[n - 1, 1], last[n - 1, 2], np.int64(into[n - 1])
                group[i] = g
                if g >= 2 * s:
                    z[0, i], z[1, i] = put_on_border(z[0, i], z[1, i], g - 2 * s, field)
                continue
        if g != 0:
            z[0, i], z[1, i], z[2, i] = applied(kept(lam, END, g), z[0, i], z[1, i], z[2, i])
        if g >= 2 * s:
            z[0, i], z[1, i] = put_on_border(z[0, i], z[1, i], g - 2 * s, field)
