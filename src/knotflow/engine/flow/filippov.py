"""Modes at a border: which one a neuron takes, what drives it there, and when a border releases it.

A knot that reaches a sample crosses it or slides along its border (Filippov): with G = q . (x_j, 1) on either side the
velocity of h = a x_j - b is -c G. If both sides push towards the border, the neuron slides: q loses its component along
(x_j, 1). A border has the number of the arc below it; mode g < 2s is arc g, mode 2s + k slides along border k.

The first three functions are shared by the flow of parameters and the particles: each computes its own two velocities
and passes the numbers. The others are the flow's.

Sources: Filippov 1988, Differential Equations with Discontinuous Righthand Sides, section 4; Williams et al. 2019,
Lemma 2, corrected.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from knotflow.engine.arcs import active_arc, border_sample, inactive_arc
from knotflow.engine.compiled import leaf
from knotflow.engine.flow.events import value

# No arc, no border. Not the plain -1: in a loop numba would at first take a variable that begins with it for the
# constant, and compile each function that gets it twice.
NONE: Any = np.int64(-1)


@leaf
def home_arc(mode, s):
    """The arc whose active set the mode has: sliding neurons count as inactive at their sample."""
    return mode if mode < 2 * s else inactive_arc(mode - 2 * s, s)


@leaf
def slide(q1, q0, x, ta, tb):
    """q without the component that would move a x - b; written so that nothing cancels beside x = 0."""
    total = ta * x * x + tb
    if total == 0.0:  # nothing that is trained moves it
        return q1, q0
    along = (q1 - x * q0) / total
    return tb * along, -ta * x * along


@leaf
def mode_at_border(k, from_inactive, from_active, slack, came_from, s):
    """The mode of a neuron that stands on border k: one of its two arcs, or sliding, 2s + k.

    from_inactive, from_active   velocity towards the active side, seen from each side
    slack                        rounding error of both
    came_from                    the arc it came from, -1 at the start

    Both sides push towards the border: it slides. Both push one way: it crosses. Both push away, where the solution is
    not unique: it returns to where it came from, at the start to the inactive side. Nothing moves on the dead arc 0: a
    neuron stops at its border and is dead.
    """
    inactive, active = inactive_arc(k, s), active_arc(k, s)
    if inactive == 0:
        return active if from_active > slack and came_from > 0 else 0
    if from_active <= slack and from_inactive >= -slack:
        return 2 * s + k
    if from_active > 0.0 and from_inactive > 0.0:
        return active
    if from_active < 0.0 and from_inactive < 0.0:
        return inactive
    return active if came_from == active else inactive


@leaf
def drift(g, theta, field):
    """(ta q1, tb q0) of mode g: a neuron of it moves with (a, b)' = c (-ta q1, tb q0)."""
    coef = field.coef
    return (
        field.ta * value(coef[0, 0, g], coef[0, 1, g], coef[0, 2, g], theta),
        field.tb * value(coef[1, 0, g], coef[1, 1, g], coef[1, 2, g], theta),
    )


@leaf
def mode_from(k, c, theta, came_from, field):
    """The mode that a neuron on border k takes, see ``mode_at_border``."""
    s = field.x.size
    x, noise = field.x[border_sample(k, s)], field.noise[border_sample(k, s)]
    inactive, active = inactive_arc(k, s), active_arc(k, s)
    if inactive != 0 and field.ta * x * x + field.tb == 0.0:  # nothing that is trained moves it
        return active if came_from == active else inactive
    p1, p0 = drift(inactive, theta, field)
    q1, q0 = drift(active, theta, field)
    return mode_at_border(k, -c * (x * p1 + p0), -c * (x * q1 + q0), abs(c) * noise, came_from, s)


@leaf
def put_on_border(a, b, k, field):
    """Put a neuron exactly on border k: the ray of the line a x = b that faces the right way, at the same distance
    from the origin, so that c^2 - a^2 - b^2 stays."""
    s = field.x.size
    x = field.x[border_sample(k, s)]
    if field.ta * field.tb != 0.0:
        squares = a * a + b * b
        size = np.sqrt(squares / (1.0 + x * x)) if 1e-200 < squares < 1e200 else np.hypot(a, b) / np.hypot(1.0, x)
        return (size, size * x) if k < s else (-size, -size * x)
    if field.tb != 0.0:
        return a, a * x
    if field.ta != 0.0 and x != 0.0:
        return b / x, b
    return a, b
