"""The rules by which a particle sticks to a sample, is let go, rests at r = 0 and leaves; `particle` applies them.

Within a step (q1, q0) of every group are quadratics in time; times are fractions of the step. A knot at a sample moves
with h' = -c <q, x~> on either side of the border: it sticks if both push it back (Filippov), until one does not. At
r = 0 the subgradient rule decides.

Source: Williams et al. 2019, eqs. (8) to (12), Lemma 2 and eq. (16) of the arXiv version, mended.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from knotflow.engine.arcs import active_arc, border_sample, inactive_arc
from knotflow.engine.compiled import kernel
from knotflow.engine.flow import EPS, NODES

Array = NDArray[Any]

CYLINDER, PLANE = range(2)
# Events besides those of the flow: r = 0 (or a = b = 0) is reached and kept, and r = 0 is left again.
REST, LEAVE = 4, 5

# What a substep may run into: the arc's lower border, its upper border, c = 0, a = b = 0.
LOWER, UPPER, SIGN, ORIGIN = range(4)


class Problem(NamedTuple):
    """What stays the same."""

    x: Array  # (s,) distinct
    y: Array  # (s,)
    weight: Array  # (s,)
    train: Array  # (4,) zeros: the bias is not trained
    noise: Array  # (s,) rounding level of <q, x~_j>
    loud: float  # the largest of them
    metric: int
    lam: float  # times pace
    pace: float
    reach: float  # largest |x~_j|
    tiny: float  # |(a, b)| that counts as 0 under a penalty in the plane
    bias: float
    tol: float  # allowed error of f at the samples in a step
    size: float  # of y and of f at the start


@kernel
def poly(coef, t):
    """A quadratic given by its powers."""
    return coef[0] + t * (coef[1] + t * coef[2])


@kernel
def border(what, group, s):
    """The border of an arc above it or below it."""
    return group if what == UPPER else (group + 2 * s - 1) % (2 * s)


@kernel
def _rises(c0, c1, c2, start, level):
    """When c0 + c1 t + c2 t^2 first exceeds the level in [start, 1]; 2 if it does not."""
    if c0 + start * (c1 + start * c2) > level:
        return start
    turn = -0.5 * c1 / c2 if c2 != 0.0 else 2.0
    low = start
    for n in range(2):
        high = turn if n == 0 else 1.0
        if not low < high <= 1.0:
            continue
        if c0 + high * (c1 + high * c2) > level:
            while True:
                middle = 0.5 * (low + high)
                if not low < middle < high:
                    return high
                if c0 + middle * (c1 + middle * c2) > level:
                    high = middle
                else:
                    low = middle
        low = high
    return 2.0


@kernel
def _push(coef, x, factor):
    """factor times <q, x~> of an arc, as a quadratic."""
    return (
        factor * (x * coef[0, 0] + coef[1, 0]),
        factor * (x * coef[0, 1] + coef[1, 1]),
        factor * (x * coef[0, 2] + coef[1, 2]),
    )


@kernel
def release(k, sign, now, coefs, prob):
    """(time, arc): when, from now on, a side of border k stops pushing back, and the arc that is left to."""
    s = prob.x.size
    j = border_sample(k, s)
    x, noise = prob.x[j], prob.noise[j]
    to, away = active_arc(k, s), inactive_arc(k, s)
    first = _rises(*_push(coefs[to], x, -sign), now, noise)
    when = _rises(*_push(coefs[away], x, sign), now, noise)
    return (when, away) if when < first else (first, to)


@kernel
def may_rest(y, prob):
    """Whether the particle is at r = 0 and the penalty can keep it there."""
    return prob.lam > 0.0 and prob.metric == CYLINDER and y[0] == 0.0


@kernel
def still(group, prob):
    """Whether nothing can move the particle any more: it is on the dead arc, and no penalty pulls it in."""
    return group == 0 and prob.lam == 0.0


@kernel
def wakes(now, coef, y, prob):
    """When a particle at rest at r = 0 is driven off: |G| exceeds lam; 2 if it is not."""
    c0 = y[1] * coef[0, 0] - y[2] * coef[1, 0]
    c1 = y[1] * coef[0, 1] - y[2] * coef[1, 1]
    c2 = y[1] * coef[0, 2] - y[2] * coef[1, 2]
    level = prob.lam + prob.loud
    return min(_rises(c0, c1, c2, now, level), _rises(-c0, -c1, -c2, now, level))


@kernel
def deepest(sign, now, coefs, prob):
    """(depth, group, a, b) of the direction in which sign G falls most: inside an arc, or the ray of a border."""
    s, best, group, a, b = prob.x.size, 0.0, -1, 0.0, 0.0
    for g in range(1, 2 * s):
        q1, q0 = sign * poly(coefs[g, 0], now), sign * poly(coefs[g, 1], now)
        size, inside = np.hypot(q1, q0), True
        for k in (border(LOWER, g, s), border(UPPER, g, s)):
            inside &= (q1 * prob.x[border_sample(k, s)] + q0 < 0.0) == (active_arc(k, s) == g)
        if inside and size > best:
            best, group, a, b = size, g, -q1 / size, q0 / size
    for k in range(2 * s):
        x, g = prob.x[border_sample(k, s)], inactive_arc(k, s)
        along = (1.0 if k < s else -1.0) / np.hypot(1.0, x)
        depth = -sign * along * (poly(coefs[g, 0], now) - x * poly(coefs[g, 1], now))
        if depth > best:
            best, group, a, b = depth, 2 * s + k, along, along * x
    return best, group, a, b


@kernel
def departs(now, y, coefs, prob):
    """When, at the nodes' resolution, a direction comes to descend from the origin by more than lam; 2 if none does."""
    level, low = prob.lam + prob.loud, now
    if deepest(y[0], now, coefs, prob)[0] > level:
        return now
    for high in NODES:
        if high > now and deepest(y[0], high, coefs, prob)[0] > level:
            while high - low > 4.0 * EPS * high:
                middle = 0.5 * (low + high)
                if deepest(y[0], middle, coefs, prob)[0] > level:
                    high = middle
                else:
                    low = middle
            return high
        low = max(high, now)
    return 2.0


@kernel
def depart(now, y, coefs, prob):
    """Put a particle that leaves the origin a step too small to see in the direction of steepest descent; its group."""
    _, group, a, b = deepest(y[0], now, coefs, prob)
    y[1], y[2] = 2.0 * prob.tiny * a, 2.0 * prob.tiny * b
    return group


@kernel
def sign_of(now, coef, y):
    """The sign of c, or if c = 0 the one that it is about to have."""
    if y[0] != 0.0:
        return np.sign(y[0])
    return -np.sign(y[1] * poly(coef[0], now) - y[2] * poly(coef[1], now))


@kernel
def side(k, sign, now, came_from, coefs, prob):
    """The group that a particle at border k joins: an arc, or 2s + k if both sides push it back (Filippov).

    Where both sides push away it goes on to where it came from, or else (came_from < 0) to the inactive side. Nothing
    moves on the dead arc: a particle stops at its border and is dead.
    """
    s = prob.x.size
    inactive, active, j = inactive_arc(k, s), active_arc(k, s), border_sample(k, s)
    on_inactive, on_active = coefs[inactive], coefs[active]
    from_inactive = -sign * (prob.x[j] * poly(on_inactive[0], now) + poly(on_inactive[1], now))
    from_active = -sign * (prob.x[j] * poly(on_active[0], now) + poly(on_active[1], now))
    noise = prob.noise[j]
    if inactive == 0:
        return active if from_active > noise and came_from > 0 else 0
    if from_active <= noise and from_inactive >= -noise:
        return 2 * s + k
    if from_active > 0.0 and from_inactive > 0.0:
        return active
    if from_active < 0.0 and from_inactive < 0.0:
        return inactive
    return active if came_from == active else inactive


@kernel
def place(y, k, prob):
    """Put the particle exactly on border k."""
    s = prob.x.size
    x = prob.x[border_sample(k, s)]
    if prob.metric == CYLINDER:
        along = 1.0 / np.hypot(1.0, x) if k < s else -1.0 / np.hypot(1.0, x)
    else:
        along = (y[1] + y[2] * x) / (1.0 + x * x)
    y[1], y[2] = along, along * x
