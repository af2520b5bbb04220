"""When nothing more happens: by how much the loss can still fall, and whether anything still moves.

With the present tangent kernel K the residuals move in a time span by about

    -d,     (1 + span K W) d = span K W r

one implicit step: its fast modes die out, its slow ones move by what they move now. K W r comes from the anchored sums
and is 0 where nothing moves; as the product of residuals and velocities it would be rounding errors. All is O(s).
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


@inner
def present_fall(prob, run, work):
    """|J^T W r|^2 with J = df/dz, the rate at which the loss falls, from the anchored sums; O(s)."""
    s11, s12, s22 = work.s11, work.s12, work.s22
    shift, total = prob.tbias * weigh(run.r, prob.weight, work.weighted), 0.0
    for g in range(s11.size):
        q1, q0 = work.from1[g], work.from0[g]
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
    """Fill work.spare with d, by what the residuals fall in the time span."""
    generators(prob, work)
    factorise(complex(span, 0.0), work.factor[0], prob.weight, work)
    for j in range(work.spare.size):
        work.spare[j] = -span * work.slope[j]
    fade(work.spare, prob, work)


@inner
def still_falls(span, prob, run, work):
    """What the loss falls by in the time span, at the present kernel."""
    move_in(span, prob, work)
    d, total = work.spare, 0.0
    for j in range(d.size):
        total += prob.weight[j] * d[j] * (run.r[j] - 0.5 * d[j])
    return max(total, 0.0)


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

    A neuron turns by at most the integral of its arc's sums: span times what is left of them after d.
    """
    move_in(span, prob, work)
    if not largest(work.spare) <= 0.1 * prob.tol:
        return False
    s, q0, q1 = prob.x.size, work.sums[0], work.sums[1]
    weigh(work.spare, prob.weight, work.weighted)
    arc_sums(work.weighted, prob.x, prob.inv_norm, q0, q1)
    for g in range(4 * s):
        home = home_arc(g, s)
        turn = span * np.hypot(work.from1[home] - q1[home], work.from0[home] - q0[home])
        if occupied(g, run.moments) and not turn <= TURN:
            return False
    return True
