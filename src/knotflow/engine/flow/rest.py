"""When nothing more happens: by how much the loss can still fall, and whether anything still moves.

Both are asked of the parameters' velocity, whose square is a sum of squares over the arcs. As the product of residuals
and their velocities the same number would hold the rounding error of a sum; as a sum of squares it holds its square.

A stiff step leaves a little noise in the fast modes of the tangent kernel. At the fast modes' rate this noise seems to
fall quickly. Yet a mode can lose no more than it holds: in the eigenbasis of Newton's Jacobian each mode is given the
time that it takes to die out.
"""

from __future__ import annotations

import numpy as np

from knotflow.engine.compiled import inner
from knotflow.engine.flow.modes import ROUNDING, weigh
from knotflow.engine.flow.state import REJECTED, STEPS
from knotflow.engine.sums import arc_sums

# The eigenbasis is asked once in this number of steps.
EVERY = 8


@inner
def _square(q1, q0, work):
    """The sum of q S q over the arcs."""
    s11, s12, s22, total = work.s11, work.s12, work.s22, 0.0
    for g in range(q0.size):
        total += max(q1[g] * (s11[g] * q1[g] + 2.0 * s12[g] * q0[g]) + s22[g] * q0[g] * q0[g], 0.0)
    return total


@inner
def fall(v, prob, work):
    """|J^T W v|^2 with J = df/dz; O(s). Needs the kernel's sums."""
    q0, q1 = work.extra[0, 0], work.extra[0, 1]
    shift = prob.tbias * weigh(v, prob.weight, work.weighted)
    arc_sums(work.weighted, prob.x, 1.0, q0, q1)
    return shift * shift + _square(q1, q0, work)


@inner
def present_fall(prob, run, work):
    """|J^T W r|^2, the rate at which the loss falls, from the anchored sums; O(s)."""
    shift = prob.tbias * weigh(run.r, prob.weight, work.weighted)
    return shift * shift + _square(work.from1, work.from0, work) / (prob.inv_norm * prob.inv_norm)


@inner
def due(run):
    """Whether it is the turn of the eigenbasis to be asked."""
    return (run.counts[STEPS] + run.counts[REJECTED]) % EVERY == 0


@inner
def weighted_squares(prob, run):
    """sum w r^2."""
    total = 0.0
    for j in range(run.r.size):
        total += prob.weight[j] * run.r[j] * run.r[j]
    return total


@inner
def by_modes(prob, run, work):
    """Fill work.spare[1] with the residuals in the eigenbasis."""
    for j in range(run.r.size):
        work.spare[0, j] = np.sqrt(prob.weight[j]) * run.r[j]
    np.dot(run.basis.T, work.spare[0], work.spare[1])


@inner
def from_modes(prob, run, work):
    """Fill work.spare[2] from the modes in work.spare[1]."""
    np.dot(run.basis, work.spare[1], work.spare[2])
    for j in range(run.r.size):
        work.spare[2, j] /= np.sqrt(prob.weight[j])


@inner
def still_falls(span, prob, run, work):
    """A bound for what the loss falls by in the time span, at the modes' present rates; O(s^2)."""
    modes, fast = work.spare[1], 0.0
    by_modes(prob, run, work)
    for j in range(modes.size):
        if run.eigen[j] * span > 1.0:
            fast += 0.5 * modes[j] * modes[j]
            modes[j] = 0.0
    from_modes(prob, run, work)
    return fast + span * fall(work.spare[2], prob, work)


@inner
def floor(span, rate, prob, run):
    """What the loss may fall by in the time span unseen: through f within the tolerance, or by rounding. O(s)."""
    total = 0.0
    for j in range(run.r.size):
        total += prob.weight[j]
    return 0.5 * prob.tol * prob.tol * total + span * rate * ROUNDING * ROUNDING * weighted_squares(prob, run)


@inner
def at_rest(span, rate, prob, run, work):
    """Whether f moves by less than the tolerance in the time span; O(s^2).

    The parameters move by J^T W times the integral of the residuals, and f at a sample by at most sqrt(rate) times
    that. The integral is span r, whose sums are anchored, and what the modes take off it as they die out.
    """
    q0, q1 = work.extra[0, 0], work.extra[0, 1]
    modes, eigen, lightest = work.spare[1], run.eigen, np.inf
    by_modes(prob, run, work)
    for j in range(modes.size):
        lasts = eigen[j] * span
        modes[j] *= 0.0 if lasts < 1e-8 else -np.expm1(-lasts) / eigen[j] - span
        lightest = min(lightest, prob.weight[j])
    from_modes(prob, run, work)
    shift = weigh(work.spare[2], prob.weight, work.weighted)
    arc_sums(work.weighted, prob.x, 1.0, q0, q1)
    for g in range(q0.size):
        q0[g] += span * work.from0[g] / prob.inv_norm
        q1[g] += span * work.from1[g] / prob.inv_norm
    shift = prob.tbias * (shift + span * weigh(run.r, prob.weight, work.weighted))
    return rate * (shift * shift + _square(q1, q0, work)) <= (0.1 * prob.tol) ** 2 * lightest
