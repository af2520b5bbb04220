"""Neurons that slide into a = b = 0, where they have no direction: they are dead, or turn into another mode."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from knotflow.engine.arcs import active_arc, border_sample, find_arc, inactive_arc
from knotflow.engine.compiled import leaf
from knotflow.engine.flow.filippov import NONE, drift, mode_from

# Steps of the walk that finds where a neuron leaves the origin.
WALK = 100_000


class Neuron(NamedTuple):
    """One neuron on its way. Scalars only: they stay in registers."""

    a: float
    b: float
    c: float
    mode: int | np.int64  # g for arc g, 2s + k for sliding along border k


@leaf
def fades(neuron, field):
    """Whether a sliding neuron can lose (a, b), along its ray, and not c: c^2 - a^2 - b^2 keeps one of them from 0."""
    return field.ta * field.tb != 0.0 and (field.tc == 0.0 or neuron.c * neuron.c > neuron.a**2 + neuron.b**2)


@leaf
def side_of(g, k, a, b, field):
    """> 0 as long as (a, b) of arc g has not passed its border k."""
    s = field.x.size
    h = a * field.x[border_sample(k, s)] - b
    return h if active_arc(k, s) == g else -h


@leaf
def margin(neuron, k, sign, field):
    """> 0 as long as the neuron has not passed border k of its arc; if it slides, as long as c keeps its sign or, where
    it is (a, b) that vanishes, as long as that has not happened."""
    s = field.x.size
    if neuron.mode < 2 * s:
        return side_of(neuron.mode, k, neuron.a, neuron.b, field)
    if not fades(neuron, field):
        return neuron.c * sign
    along = neuron.a + neuron.b * field.x[border_sample(k, s)]
    return along if k < s else -along


@leaf
def velocity(g, c, theta, field):
    """(a', b') of a neuron of the mode."""
    q1, q0 = drift(g, theta, field)
    return -c * q1, c * q0


@leaf
def stays(g, c, theta, field):
    """Whether a neuron that leaves a = b = 0 in the mode stays in it: it moves out along the ray, or into the arc."""
    s = field.x.size
    va, vb = velocity(g, c, theta, field)
    if g >= 2 * s:
        out = va + vb * field.x[border_sample(g - 2 * s, s)]
        return out > 0.0 if g < 3 * s else out < 0.0
    return side_of(g, g, va, vb, field) > 0.0 and side_of(g, (g + 2 * s - 1) % (2 * s), va, vb, field) > 0.0


@leaf
def mode_through_origin(k, c, theta, field):
    """The mode in which a neuron that slides into a = b = 0 along border k's ray leaves it again; 0: it does not.

    The flow alone does not say: near the origin c stands still and (a, b)' = -c q depends on the arc only, whatever the
    scale. Descent decides, and as its step goes to 0 by the same rule on the scale of that step: so take steps of 1,
    from afar, until it is dead or moves off for good.
    """
    s = field.x.size
    x, ray, jump = field.x[border_sample(k, s)], 1.0 if k < s else -1.0, 0.0
    for side in range(2):
        va, vb = velocity(inactive_arc(k, s) if side == 0 else active_arc(k, s), c, theta, field)
        jump = max(jump, np.hypot(va, vb))
    far = 100.0 * jump
    a, b, last = ray * far / np.hypot(1.0, x), ray * far * x / np.hypot(1.0, x), NONE
    for _ in range(WALK):
        g = find_arc(a, b, field.x)
        if g == 0:
            return 0
        if np.hypot(a, b) > 0.5 * far:
            if stays(g, c, theta, field):
                return g
            border = g if last == (g + 1) % (2 * s) else last
            if last >= 0 and last != g and (border == g or g == (last + 1) % (2 * s)):
                to = mode_from(border, c, theta, last, field)
                if to >= 2 * s and stays(to, c, theta, field):
                    return to
        va, vb = velocity(g, c, theta, field)
        a, b, last = a + va, b + vb, g
    return 0
