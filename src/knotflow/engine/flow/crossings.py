"""What one neuron meets in a step: the first border that it reaches or that releases it, and when, to rounding."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from knotflow.engine.arcs import active_arc, border_sample, inactive_arc
from knotflow.engine.compiled import leaf
from knotflow.engine.flow.events import first_above, value
from knotflow.engine.flow.filippov import NONE
from knotflow.engine.flow.kinks import rates
from knotflow.engine.flow.magnus import carried
from knotflow.engine.flow.origin import Neuron, fades, margin, velocity
from knotflow.engine.flow.radau import NODES
from knotflow.engine.flow.state import EPS


class Meeting(NamedTuple):
    """What comes next: ``when`` as a fraction of the step, 2 for nothing; the border; the neuron there, still in the
    mode that it was in; and the arc that the border releases it to, -1 if it is no release."""

    when: float
    border: int | np.int64
    neuron: Neuron
    arc: int | np.int64


@leaf
def position(neuron, start, end, field):
    """The neuron at ``end``, given what it is at ``start``."""
    a, b, c = carried(neuron.a, neuron.b, neuron.c, start, end, neuron.mode, field)
    return Neuron(a, b, c, neuron.mode)


@leaf
def upper_border(g, s):
    """The upper border of arc g, or the border along which mode g slides."""
    return g - 2 * s if g >= 2 * s else g


@leaf
def lower_border(g, s):
    """The lower border of arc g."""
    return g - 1 if g > 0 else 2 * s - 1


@leaf
def clear_of(neuron, start, end, k, sign, field):
    """(low, high): times before and after the neuron passes border k, known to be passed at the end.

    At the start it may stand on the border: find a time when it is clear of it; low is the start if there is none.
    """
    low, high, f_low = start, end, margin(neuron, k, sign, field)
    rounding = 8.0 * EPS * (abs(neuron.a * field.x[-1]) + abs(neuron.a * field.x[0]) + abs(neuron.b))
    for _ in range(40):
        if (f_low > 0.0 and low > start) or f_low > rounding:
            break
        middle = 0.5 * (start + high)
        f_middle = margin(position(neuron, start, middle, field), k, sign, field)
        if f_middle > 0.0:
            low, f_low = middle, f_middle
        else:
            high = middle
    return low, high


@leaf
def closing(there, k, sign, theta, field):
    """How fast the margin of ``there`` to border k falls, for the time in units of the step."""
    va, vb, vc = rates(there, theta, field)
    return -margin(Neuron(va, vb, vc, there.mode), k, sign, field)


@leaf
def locate(neuron, start, end, k, sign, guess, field):
    """(when, the neuron then): when it passes border k, known to be passed at the end; the start if it never leaves it.

    Newton's method between times before and after; ``guess`` is where it begins.
    """
    low, high = clear_of(neuron, start, end, k, sign, field)
    if low == start and margin(neuron, k, sign, field) <= 0.0:
        return start, neuron
    s, along = field.x.size, neuron.mode >= 2 * field.x.size and not fades(neuron, field)
    rounding = EPS * (abs(neuron.c) if along else abs(neuron.b) + abs(neuron.a * field.x[border_sample(k, s)]))
    when = guess
    there = neuron
    for n in range(80):
        if n > 40 or not low < when < high:
            when = 0.5 * (low + high)
        there = position(neuron, start, when, field)
        left = margin(there, k, sign, field)
        if left > 0.0:
            low = when
        else:
            high = when
        if abs(left) <= rounding or high - low <= 4.0 * EPS * high:
            break
        falls = closing(there, k, sign, when, field)
        when = when + left / falls if falls > 0.0 else 2.0
    return when, there


@leaf
def leaves(neuron, k, theta, field):
    """Whether a neuron at border k of its arc is driven over it."""
    j = border_sample(k, field.x.size)
    va, vb = velocity(neuron.mode, neuron.c, theta, field)
    inward = va * field.x[j] - vb
    if active_arc(k, field.x.size) != neuron.mode:
        inward = vb - va * field.x[j]
    return inward < -abs(neuron.c) * field.noise[j]


@leaf
def push(k, side, sign, theta, field):
    """How strongly the arc on a side of border k pushes neurons that slide along it away; > 0 releases them.

    Side 0 is the active arc; ``sign`` that of c. Per unit of |c|.
    """
    s, coef = field.x.size, field.coef
    g = active_arc(k, s) if side == 0 else inactive_arc(k, s)
    x, f = field.x[border_sample(k, s)], -sign if side == 0 else sign
    return f * (
        field.ta * x * value(coef[0, 0, g], coef[0, 1, g], coef[0, 2, g], theta)
        + field.tb * value(coef[1, 0, g], coef[1, 1, g], coef[1, 2, g], theta)
    )


@leaf
def release_of(k, sign, start, end, field):
    """(when, arc): the first time after ``start`` at which border k releases its neurons, 2 if not up to ``end``.

    To the resolution of the nodes: the push is a quadratic in time, looked at where the span starts and ends.
    """
    s, coef, first, arc = field.x.size, field.coef, 2.0, NONE
    if sign == 0.0:
        return first, arc
    x, noise = field.x[border_sample(k, s)], field.noise[border_sample(k, s)]
    for side in range(2):
        if push(k, side, sign, end, field) > noise:
            g, f = (active_arc(k, s), -sign) if side == 0 else (inactive_arc(k, s), sign)
            when = start
            if push(k, side, sign, start, field) <= noise:
                when = first_above(
                    f * (field.ta * x * coef[0, 0, g] + field.tb * coef[1, 0, g]),
                    f * (field.ta * x * coef[0, 1, g] + field.tb * coef[1, 1, g]),
                    f * (field.ta * x * coef[0, 2, g] + field.tb * coef[1, 2, g]),
                    start,
                    end,
                    noise,
                )
            if when < first:
                first, arc = when, g
    return first, arc


@leaf
def first_release(k, sign, field):
    """When border k releases neurons that slide along it from the start of the step on; 2 if not in it."""
    start = 0.0
    for n in range(3):
        when, _ = release_of(k, sign, start, NODES[n], field)
        if when <= 1.0:
            return when
        start = NODES[n]
    return 2.0


@leaf
def passes(there, sign, field):
    """Whether the neuron has passed a border of its arc; if it slides, whether it has lost c or (a, b)."""
    s, g = field.x.size, there.mode
    if margin(there, upper_border(g, s), sign, field) < 0.0:
        return True
    return g < 2 * s and margin(there, lower_border(g, s), sign, field) < 0.0


@leaf
def next_meeting(neuron, there, span, skip, guess, field):
    """What the neuron meets first in the span (start, end), at whose end it is ``there`` if it meets nothing.

    ``skip``: a border that it stands on. If its arc drives it over it, it passes at once, as the one of several alike
    that was placed there did; if not, leaving it by less than rounding error is no meeting. ``guess``: when, perhaps.
    """
    s, g, (start, end) = field.x.size, neuron.mode, span
    sign = np.sign(neuron.c)
    best = Meeting(2.0, NONE, neuron, NONE)
    if g == 0 or (g >= 2 * s and sign == 0.0):
        return best
    for side in range(2 if g < 2 * s else 1):
        k = upper_border(g, s) if side == 0 else lower_border(g, s)
        left = margin(there, k, sign, field)
        if not left < 0.0:
            continue
        if guess > 1.0:
            before = max(margin(neuron, k, sign, field), 0.0)
            guess = start + (end - start) * before / (before - left)
        when, at = locate(neuron, start, end, k, sign, guess, field)
        guess = 2.0
        if g < 2 * s and when == start and k == skip and not leaves(neuron, k, start, field):
            continue
        if when < best.when:
            best = Meeting(when, k, at, NONE)
    if g >= 2 * s:
        when, arc = release_of(g - 2 * s, sign, start, end, field)
        if when < best.when:
            best = Meeting(when, g - 2 * s, position(neuron, start, when, field), arc)
    return best


@leaf
def standing(neuron, xs):
    """The border of its arc that a neuron stands on up to rounding, or -1."""
    s, a, b = xs.size, neuron.a, neuron.b
    if neuron.mode >= 2 * s:
        return NONE
    for side in range(2):
        k = upper_border(neuron.mode, s) if side == 0 else lower_border(neuron.mode, s)
        x = xs[border_sample(k, s)]
        if abs(a * x - b) <= 8.0 * EPS * (abs(a * x) + abs(b)) and (a > 0.0) == (k < s):
            return k
    return NONE
