"""Where a neuron meets the borders of its arc: the first meeting of a step, located by its own propagator.

A neuron that is farther from its borders than the step can take it is passed over with two comparisons.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from knotflow.engine.arcs import active_arc, border_sample
from knotflow.engine.compiled import inner
from knotflow.engine.flow.magnus import applied, kept, propagator
from knotflow.engine.flow.origin import Neuron, fades, margin, velocity
from knotflow.engine.flow.radau import NODES
from knotflow.engine.flow.state import EPS


class Span(NamedTuple):
    """A part of a step: fractions of it, and its length dt."""

    start: float
    end: float
    dt: float


class Meeting(NamedTuple):
    """The next border that a neuron meets: ``when`` as a fraction of the step, 2 and border -1 for none in it."""

    when: float
    border: int | np.int64


@inner
def position(neuron, start, end, dt, prob, work):
    """The neuron at ``end``, given what it is at ``start``."""
    step = propagator(start, end, dt, neuron.mode, work.coef, prob)
    a, b, c = applied(step, neuron.a, neuron.b, neuron.c)
    return Neuron(a, b, c, neuron.mode)


@inner
def clear_of(neuron, span, k, sign, prob, work):
    """(low, its margin, high): times of the span before and after the neuron passes border k, known to be passed at
    its end. At its start it may stand on the border: find a time when it is clear of it."""
    low, high, f_low = span.start, span.end, margin(neuron, k, sign, prob)
    rounding = 8.0 * EPS * (abs(neuron.a * prob.x[-1]) + abs(neuron.a * prob.x[0]) + abs(neuron.b))
    for _ in range(40):
        if (f_low > 0.0 and low > span.start) or f_low > rounding:
            break
        middle = 0.5 * (span.start + high)
        f_middle = margin(position(neuron, span.start, middle, span.dt, prob, work), k, sign, prob)
        if f_middle > 0.0:
            low, f_low = middle, f_middle
        else:
            high = middle
    return low, f_low, high


@inner
def locate(neuron, span, k, sign, prob, work):
    """When the neuron passes border k, known to be passed at the span's end; its start if it never leaves it."""
    low, left, high = clear_of(neuron, span, k, sign, prob, work)
    if low == span.start and left <= 0.0:
        return span.start
    f_high = margin(position(neuron, span.start, high, span.dt, prob, work), k, sign, prob)
    rounding = EPS * (abs(neuron.c) if neuron.mode >= 2 * prob.x.size else abs(neuron.b))
    right, stayed = f_high, 0  # the Illinois method: an end that stays twice counts half
    for n in range(80):
        if high - low <= 4.0 * EPS * high or f_high >= -rounding:
            break
        middle = (low * right - high * left) / (right - left)
        if n > 20 or not low < middle < high:
            middle = 0.5 * (low + high)
        f_middle = margin(position(neuron, span.start, middle, span.dt, prob, work), k, sign, prob)
        if f_middle > 0.0:
            low, left = middle, f_middle
            right *= 0.5 if stayed == 1 else 1.0
            stayed = 1
        else:
            high, f_high, right = middle, f_middle, f_middle
            left *= 0.5 if stayed == -1 else 1.0
            stayed = -1
    return high


@inner
def leaves(neuron, k, theta, prob, work):
    """Whether a neuron at border k of its arc is driven over it."""
    j = border_sample(k, prob.x.size)
    va, vb = velocity(neuron.mode, neuron.c, theta, prob, work)
    inward = va * prob.x[j] - vb
    if active_arc(k, prob.x.size) != neuron.mode:
        inward = vb - va * prob.x[j]
    return inward < -abs(neuron.c) * prob.noise[j]


@inner
def next_meeting(neuron, span, sign, skip, prob, work):
    """The first border that a neuron passes in the span.

    ``skip``: a border that it stands on. If its arc drives it over it, it passes at once, as the one of several alike
    that was placed there did; if not, leaving it by less than rounding error is no meeting.
    """
    s, g = prob.x.size, neuron.mode
    for n in range(4):
        node = min(NODES[n], span.end) if n < 3 else span.end
        if node <= span.start:
            continue
        there, part = position(neuron, span.start, node, span.dt, prob, work), Span(span.start, node, span.dt)
        best, border = 2.0, -1
        for side in range(2 if g < 2 * s else 1):
            k = g - 2 * s if g >= 2 * s else (g if side == 0 else (g + 2 * s - 1) % (2 * s))
            if (g >= 2 * s and sign == 0.0) or not margin(there, k, sign, prob) < 0.0:
                continue
            when = locate(neuron, part, k, sign, prob, work)
            if g < 2 * s and when == span.start and k == skip and not leaves(neuron, k, span.start, prob, work):
                continue
            if when < best:
                best, border = when, k
        if border >= 0:
            return Meeting(best, border)
        if node >= span.end:
            break
    return Meeting(2.0, -1)


@inner
def find_reach(prob, work):
    """How far the step moves the coefficients of h at the arc's borders (of c for sliding neurons), with a margin."""
    s, lam, reach = prob.x.size, work.lam, work.reach
    for g in range(4 * s):
        most_c = most_ab = 0.0
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
        reach[g, 0] = 2.0 * most_c
        reach[g, 1] = 2.0 * most_ab


@inner
def passes(neuron, sign, prob, lam):
    """Whether the neuron has passed a border of its arc (if it slides: has lost c or (a, b)) at one of the nodes."""
    s, g = prob.x.size, neuron.mode
    for n in range(3):
        a, b, c = applied(kept(lam, n, g), neuron.a, neuron.b, neuron.c)
        there = Neuron(a, b, c, g)
        if margin(there, g - 2 * s if g >= 2 * s else g, sign, prob) < 0.0:
            return True
        if g < 2 * s and margin(there, (g + 2 * s - 1) % (2 * s), sign, prob) < 0.0:
            return True
    return False


@inner
def standing(neuron, xs):
    """The border of its arc that a neuron stands on up to rounding, or -1."""
    s, a, b = xs.size, neuron.a, neuron.b
    if neuron.mode >= 2 * s:
        return -1
    for side in range(2):
        k = neuron.mode if side == 0 else (neuron.mode + 2 * s - 1) % (2 * s)
        x = xs[border_sample(k, s)]
        if abs(a * x - b) <= 8.0 * EPS * (abs(a * x) + abs(b)) and (a > 0.0) == (k < s):
            return k
    return -1


@inner
def find_meetings(dt, prob, run, work):
    """Find every neuron's first meeting in the step; their number. O(m), most neurons with two comparisons."""
    s, z, group, lower, upper = prob.x.size, run.z, run.group, prob.lower, prob.upper
    reach, lam, ids, times, borders, signs = work.reach, work.lam, work.ids, work.when, work.border, run.sign
    find_reach(prob, work)
    found = 0
    for i in range(group.size):
        g = np.int64(group[i])
        if g == 0:
            continue
        neuron = Neuron(z[0, i], z[1, i], z[2, i], g)
        sign, near = 0.0, abs(neuron.c)
        if g < 2 * s:
            near = min(abs(neuron.a * lower[g] - neuron.b), abs(neuron.a * upper[g] - neuron.b))
        else:
            sign = signs[g - 2 * s]
            if fades(neuron, prob):
                near = 0.0
        if near > reach[g, 0] * abs(neuron.c) + reach[g, 1] * (abs(neuron.a) + abs(neuron.b)):
            continue
        if not passes(neuron, sign, prob, lam):
            continue
        meeting = next_meeting(neuron, Span(0.0, 1.0, dt), sign, standing(neuron, prob.x), prob, work)
        if meeting.border >= 0:
            ids[found], times[found], borders[found] = i, meeting.when, meeting.border
            found += 1
    return found
