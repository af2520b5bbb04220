"""When nothing more happens: by how much the loss can still fall, and whether anything still moves.

With the present tangent kernel K the residuals fall in a time span by about

    d,     (1 + span K W) d = span K W r

one implicit step: its fast modes die out, its slow ones move by what they move now. The arcs' sums q of r fall by those
of d. All is asked of K W r and of q, which are 0 where nothing moves; of r the same would be rounding errors. O(s).
"""

from __future__ import annotations

import numpy as np

from knotflow.engine.compiled import inner
from knotflow.engine.flow.filippov import home_arc
from knotflow.engine.flow.modes import occupied, weigh
from knotflow.engine.flow.newton import factorise, fade, generators
from knotflow.engine.flow.radau import largest
from knotflow.engine.flow.state import REJECTED, ROUNDING, STEPS
from knotflow.engine.sums import arc_sums

# The span is asked about once in this number of steps.
EVERY = 8
# The most by which a neuron at rest may still turn.
TURN = 1e-3
# The span is cut into parts, each as many times longer than all before it.
LONGER = 4.0


@inner
def present_fall(prob, run, work):
    """|J^T W r|^2 with J = df/dz, the rate at which the loss falls; O(s)."""
    work.sums[:] = 0.0
    return _fall(prob.tbias * weigh(run.r, prob.weight, work.weighted), prob, work)


@inner
def _fall(shift, prob, work):
    """The rate at which the loss falls when the arcs' sums have fallen by work.sums; a sum of squares."""
    s11, s12, s22, total = work.s11, work.s12, work.s22, 0.0
    for g in range(s11.size):
        q1, q0 = work.from1[g] - work.sums[1, g], work.from0[g] - work.sums[0, g]
        total += max(q1 * (s11[g] * q1 + 2.0 * s12[g] * q0) + s22[g] * q0 * q0, 0.0)
    return shift * shift + total / (prob.inv_norm * prob.inv_norm)


@inner
def due(run):
    """Whether it is the turn of the span to be asked about."""
    return (run.counts[STEPS] + run.counts[REJECTED]) % EVERY == 0


@inner
def weighted_squares(prob, run):
    """sum w r^2."""
    total = 0.0
    for j in range(run.r.size):
        total += prob.weight[j] * run.r[j] * run.r[j]
    return total


@inner
def move_in(span, prob, work):
    """Fill work.spare with d, by what the residuals fall in the time span, and work.sums with the arcs' sums of it;
    the sum of w d. Needs the kernel's generators."""
    factorise(complex(span, 0.0), work.factor[0], prob.weight, work)
    for j in range(work.spare.size):
        work.spare[j] = -span * work.slope[j]
    fade(work.spare, prob, work)
    shift = weigh(work.spare, prob.weight, work.weighted)
    arc_sums(work.weighted, prob.x, prob.inv_norm, work.sums[0], work.sums[1])
    return shift


@inner
def still_falls(span, rate, enough, prob, run, work):
    """A bound for what the loss falls by in the time span, at the present kernel; some number above ``enough`` if it
    is more than that. O(s) and the logarithm of span times rate.

    The rate of fall decreases: in each part of the span it is at most that at the part's start.
    """
    generators(prob, work)
    shift = prob.tbias * weigh(run.r, prob.weight, work.weighted)
    reached = min(span, 1.0 / max(rate, 1e-300))
    total = reached * present_fall(prob, run, work)
    while reached < span and total <= enough:
        length = min((LONGER - 1.0) * reached, span - reached)
        moved = prob.tbias * move_in(reached, prob, work)
        total += length * _fall(shift - moved, prob, work)
        reached += length
    return total


@inner
def floor(span, rate, prob, run):
    """What the loss may fall by in the time span unseen: through f within the tolerance, or by rounding. O(s)."""
    total = 0.0
    for j in range(run.r.size):
        total += prob.weight[j]
    return 0.5 * prob.tol * prob.tol * total + span * rate * ROUNDING * ROUNDING * weighted_squares(prob, run)


@inner
def at_rest(span, prob, run, work):
    """Whether f moves by less than the tolerance in the time span, and no neuron turns by much.

    A neuron turns by at most the integral of its arc's sums: span times what is left of them at its end.
    """
    generators(prob, work)
    move_in(span, prob, work)
    if not largest(work.spare) <= 0.1 * prob.tol:
        return False
    s, q0, q1 = prob.x.size, work.sums[0], work.sums[1]
    for g in range(4 * s):
        home = home_arc(g, s)
        turn = span * np.hypot(work.from1[home] - q1[home], work.from0[home] - q0[home])
        if occupied(g, run.moments) and not turn <= TURN:
            return False
    return True
