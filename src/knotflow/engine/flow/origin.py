"""Neurons on their way, and when one that slides loses its direction, in a = b = 0, or the sign of c."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from knotflow.engine.arcs import active_arc, border_sample
from knotflow.engine.compiled import leaf
from knotflow.engine.flow.filippov import drift


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
