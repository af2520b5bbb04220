"""Events after which the flow goes on in more ways than one, and descent in one of them by the phase of its steps.

A neuron that slides into a = b = 0 has no direction there. A neuron whose c changes its sign while it slides is then
pushed away from both sides. Which way descent takes has probabilities (`docs/origin.md`); a run follows the likeliest
way, a given one, or one that a number chooses.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from knotflow.engine.arcs import active_arc, border_sample, inactive_arc
from knotflow.engine.compiled import inner
from knotflow.engine.flow.filippov import drift
from knotflow.engine.flow.phases import find_odds, side_of

# Ways with a smaller share than this are left out: the velocities at the event are not known better.
LEAST_ODDS = 1e-6
# c changes its sign while a neuron slides: so many phases, and steps before that.
FLIP_PHASES, FLIP_STEPS = 2048, 256
# Ranks that `choice_of` packs into a number.
RANKS = 16


class Neuron(NamedTuple):
    """One neuron on its way. Scalars only: they stay in registers."""

    a: float
    b: float
    c: float
    mode: int | np.int64  # g for arc g, 2s + k for sliding along border k


@inner
def fades(neuron, prob):
    """Whether a sliding neuron can lose (a, b), along its ray, and not c: c^2 - a^2 - b^2 keeps one of them from 0."""
    return prob.ta * prob.tb != 0.0 and (prob.tc == 0.0 or neuron.c * neuron.c > neuron.a**2 + neuron.b**2)


@inner
def margin(neuron, k, sign, prob):
    """> 0 as long as the neuron has not passed border k of its arc; if it slides, as long as c keeps its sign or, where
    it is (a, b) that vanishes, as long as that has not happened."""
    s = prob.x.size
    if neuron.mode < 2 * s:
        return side_of(neuron.mode, k, neuron.a, neuron.b, prob)
    if not fades(neuron, prob):
        return neuron.c * sign
    along = neuron.a + neuron.b * prob.x[border_sample(k, s)]
    return along if k < s else -along


@inner
def velocity(g, c, theta, prob, work):
    """(a', b') of a neuron of the mode."""
    q1, q0 = drift(g, theta, prob, work)
    return -c * q1, c * q0


@inner
def odds_at_origin(k, c, theta, prob, work):
    """Fill work.odds with the probability of each mode in which a neuron leaves a = b = 0, given that it slid there
    along border k; mode 0 is the dead arc."""
    largest = 0.0
    for g in range(2 * prob.x.size):
        work.move[g, 0], work.move[g, 1] = velocity(g, c, theta, prob, work)
        largest = max(largest, np.hypot(work.move[g, 0], work.move[g, 1]))
    if largest > 0.0:
        find_odds(k, largest, prob, work)
    else:
        work.odds[:] = 0.0
        work.odds[0] = 1.0


@inner
def active_share(u, w):
    """The share of phases in which descent is on the active side of a border when c changes its sign.

    Until then h goes round in a band that shrinks with c: in units of the step, |c| falls by 1 a step, and h rises by
    |c| u from the inactive side and falls by |c| w from the active one. The phases are h, uniform in the band of afar,
    and |c| modulo 1.
    """
    found, first, second = 0, 0.5, 0.5
    for _ in range(FLIP_PHASES):
        first, second = (first + 0.7548776662466927) % 1.0, (second + 0.5698402909980532) % 1.0
        c = FLIP_STEPS + first
        h = c * (second * (u + w) - w)
        while c > 0.0:
            h += -c * w if h > 0.0 else c * u
            c -= 1.0
        found += h > 0.0
    return found / FLIP_PHASES


@inner
def odds_of_flip(k, theta, prob, work):
    """Fill work.odds with the probability of either arc at border k, for a neuron whose c changes its sign there."""
    s = prob.x.size
    x, inactive, active = prob.x[border_sample(k, s)], inactive_arc(k, s), active_arc(k, s)
    p1, p0 = drift(inactive, theta, prob, work)
    q1, q0 = drift(active, theta, prob, work)
    u, w = abs(x * p1 + p0), abs(x * q1 + q0)
    work.odds[:] = 0.0
    share = active_share(u / (u + w), w / (u + w)) if u + w > 0.0 else 0.0
    work.odds[active], work.odds[inactive] = share, 1.0 - share


@inner
def tidy(odds):
    """Leave out what is too improbable to be known; the number of ways that remain."""
    total, ways = 0.0, 0
    for g in range(odds.size):
        if odds[g] < LEAST_ODDS:
            odds[g] = 0.0
        total += odds[g]
        ways += odds[g] > 0.0
    for g in range(odds.size):
        odds[g] = 1.0 if ways == 1 and odds[g] > 0.0 else odds[g] / total
    return ways


@inner
def ranked(rank, odds):
    """The mode with this rank by probability, 0 for the likeliest; the least probable if there are not so many."""
    best, last = -1, 2.0
    for _ in range(rank + 1):
        following = -1
        for g in range(odds.size):
            later = odds[g] < last or (odds[g] == last and g > best)
            if odds[g] > 0.0 and later and (following < 0 or odds[g] > odds[following]):
                following = g
        if following < 0:
            break
        best, last = following, odds[following]
    return best


@inner
def decide(number, odds):
    """(mode, what remains of the number) by the neuron's number.

    In (0, 1]: a uniform number, which chooses a mode with its probability; what remains is uniform again. At most 0:
    the ranks of the ways to take, one after the other, packed as -(r0 + 16 r1 + 256 r2 ...).
    """
    if number <= 0.0:
        packed = np.int64(-number)
        return ranked(packed % RANKS, odds), -np.float64(packed // RANKS)
    low, last = 0.0, 0
    for g in range(odds.size):
        if odds[g] > 0.0:
            last = g
            if number <= low + odds[g]:
                break
            low += odds[g]
    return last, min(max((number - low) / odds[last], 2.0**-53), 1.0)
