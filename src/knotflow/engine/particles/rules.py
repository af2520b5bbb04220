"""The rules by which a particle slides along a border, is released, rests at r = 0 and leaves; `carry` applies them.

Within a step (q1, q0) of every mode are quadratics in time; times are fractions of the step. A knot at a sample moves
with h' = -c <q, x~> on either side of the border: the rule is `flow.filippov`'s. At r = 0 the subgradient rule decides.

Source: Williams et al. 2019, eqs. (8) to (12), Lemma 2 and eq. (16) of the arXiv version, corrected.
"""

from __future__ import annotations

import numpy as np

from knotflow.engine.arcs import active_arc, border_sample, inactive_arc
from knotflow.engine.compiled import inner
from knotflow.engine.flow.events import first_above, value
from knotflow.engine.flow.filippov import mode_at_border
from knotflow.engine.flow.radau import NODES
from knotflow.engine.flow.state import EPS
from knotflow.engine.particles.state import CYLINDER

# What a substep may run into: the arc's lower border, its upper border, c = 0, a = b = 0.
LOWER, UPPER, SIGN, ORIGIN = np.arange(4)


@inner
def drive(group, now, coefs):
    """(q1, q0) of the mode."""
    return (
        value(coefs[group, 0, 0], coefs[group, 0, 1], coefs[group, 0, 2], now),
        value(coefs[group, 1, 0], coefs[group, 1, 1], coefs[group, 1, 2], now),
    )


@inner
def border(what, group, s):
    """The border of an arc above it or below it."""
    return group if what == UPPER else (group + 2 * s - 1) % (2 * s)


@inner
def rises(c0, c1, c2, start, level):
    """When c0 + c1 t + c2 t^2 first exceeds the level in [start, 1]; 2 if it does not."""
    if value(c0, c1, c2, start) > level:
        return start
    turn = -0.5 * c1 / c2 if c2 != 0.0 else 2.0
    low = start
    for n in range(2):
        high = turn if n == 0 else 1.0
        if not low < high <= 1.0:
            continue
        if value(c0, c1, c2, high) > level:
            return first_above(c0, c1, c2, low, high, level)
        low = high
    return 2.0


@inner
def _stops_pushing(arc, x, factor, now, noise, coefs):
    """When factor times <q, x~> of the arc first exceeds the noise."""
    return rises(
        factor * (x * coefs[arc, 0, 0] + coefs[arc, 1, 0]),
        factor * (x * coefs[arc, 0, 1] + coefs[arc, 1, 1]),
        factor * (x * coefs[arc, 0, 2] + coefs[arc, 1, 2]),
        now,
        noise,
    )


@inner
def release(k, sign, now, prob, coefs):
    """(time, arc): when, from now on, a side of border k stops pushing back, and the arc that is left to."""
    s = prob.x.size
    j = border_sample(k, s)
    to, away = active_arc(k, s), inactive_arc(k, s)
    first = _stops_pushing(to, prob.x[j], -sign, now, prob.noise[j], coefs)
    when = _stops_pushing(away, prob.x[j], sign, now, prob.noise[j], coefs)
    return (when, away) if when < first else (first, to)


@inner
def may_rest(y, prob):
    """Whether the particle is at r = 0 and the penalty can keep it there."""
    return prob.lam > 0.0 and prob.metric == CYLINDER and y[0] == 0.0


@inner
def still(group, prob):
    """Whether nothing can move the particle any more: it is on the dead arc, and no penalty pulls it in."""
    return group == 0 and prob.lam == 0.0


@inner
def wakes(now, group, y, prob, coefs):
    """When a particle at rest at r = 0 is driven off: |G| exceeds lam; 2 if it is not."""
    c0 = y[1] * coefs[group, 0, 0] - y[2] * coefs[group, 1, 0]
    c1 = y[1] * coefs[group, 0, 1] - y[2] * coefs[group, 1, 1]
    c2 = y[1] * coefs[group, 0, 2] - y[2] * coefs[group, 1, 2]
    level = prob.lam + prob.loud
    return min(rises(c0, c1, c2, now, level), rises(-c0, -c1, -c2, now, level))


@inner
def deepest(sign, now, prob, coefs):
    """(depth, mode, a, b) of the direction in which sign G falls most: inside an arc, or the ray of a border."""
    s, best, group, a, b = prob.x.size, 0.0, -1, 0.0, 0.0
    for g in range(1, 2 * s):
        q1, q0 = drive(g, now, coefs)
        q1, q0 = sign * q1, sign * q0
        size, inside = np.hypot(q1, q0), True
        for what in (LOWER, UPPER):
            k = border(what, g, s)
            inside &= (q1 * prob.x[border_sample(k, s)] + q0 < 0.0) == (active_arc(k, s) == g)
        if inside and size > best:
            best, group, a, b = size, g, -q1 / size, q0 / size
    for k in range(2 * s):
        x = prob.x[border_sample(k, s)]
        along = (1.0 if k < s else -1.0) / np.hypot(1.0, x)
        q1, q0 = drive(inactive_arc(k, s), now, coefs)
        depth = -sign * along * (q1 - x * q0)
        if depth > best:
            best, group, a, b = depth, 2 * s + k, along, along * x
    return best, group, a, b


@inner
def departs(now, y, prob, coefs):
    """When, at the nodes' resolution, a direction comes to descend from the origin by more than lam; 2 if none does."""
    level, low = prob.lam + prob.loud, now
    if deepest(y[0], now, prob, coefs)[0] > level:
        return now
    for k in range(3):
        high = NODES[k]
        if high > now and deepest(y[0], high, prob, coefs)[0] > level:
            while high - low > 4.0 * EPS * high:
                middle = 0.5 * (low + high)
                if deepest(y[0], middle, prob, coefs)[0] > level:
                    high = middle
                else:
                    low = middle
            return high
        low = max(high, now)
    return 2.0


@inner
def depart(now, y, prob, coefs):
    """Put a particle that leaves the origin a step too small to see in the direction of steepest descent; its mode."""
    _, group, a, b = deepest(y[0], now, prob, coefs)
    y[1], y[2] = 2.0 * prob.tiny * a, 2.0 * prob.tiny * b
    return group


@inner
def sign_of(now, group, y, coefs):
    """The sign of c, or if c = 0 the one that it is about to have."""
    if y[0] != 0.0:
        return np.sign(y[0])
    q1, q0 = drive(group, now, coefs)
    return -np.sign(y[1] * q1 - y[2] * q0)


@inner
def side(k, sign, now, came_from, prob, coefs):
    """The mode that a particle on border k takes, see `flow.filippov.mode_at_border`."""
    s = prob.x.size
    x, noise = prob.x[border_sample(k, s)], prob.noise[border_sample(k, s)]
    p1, p0 = drive(inactive_arc(k, s), now, coefs)
    q1, q0 = drive(active_arc(k, s), now, coefs)
    return mode_at_border(k, -sign * (x * p1 + p0), -sign * (x * q1 + q0), noise, came_from, s)


@inner
def place(y, k, prob):
    """Put the particle exactly on border k."""
    s = prob.x.size
    x = prob.x[border_sample(k, s)]
    if prob.metric == CYLINDER:
        along = 1.0 / np.hypot(1.0, x) if k < s else -1.0 / np.hypot(1.0, x)
    else:
        along = (y[1] + y[2] * x) / (1.0 + x * x)
    y[1], y[2] = along, along * x
