"""What drives each mode, and the residuals that follow from the modes' second moments; O(s), whatever the width.

The residuals at the nodes give every arc's q(t) as a quadratic, q(t) every mode's propagator, and the propagators with
the sums of aa, ab, ..., cc over a mode's neurons give the residuals back.
"""

from __future__ import annotations

import numpy as np

from knotflow.engine import tangent
from knotflow.engine.arcs import border_sample, inactive_arc
from knotflow.engine.compiled import inner
from knotflow.engine.flow.filippov import home_arc, slide
from knotflow.engine.flow.magnus import END, LAST, compose, keep, kept, propagator
from knotflow.engine.flow.radau import NODES, POWERS, STAGES, correct, largest
from knotflow.engine.flow.state import EPS
from knotflow.engine.sums import arc_sums, predict

# What the power iteration may be below the largest w_j K_jj by before it begins again.
LEAST = 0.5
# Iterations for the residuals of a step.
MAX_ITERATIONS = 12
# They may differ from those of the parameters that they move by this part of the tolerance.
DEFECT = 0.1
# A sum of residuals is taken for 0 within this part of its terms.
ROUNDING = 16.0 * EPS


@inner
def gather(prob, run):
    """The modes' second moments from the neurons. O(m + s)."""
    z, moments, sign, group = run.z, run.moments, run.sign, run.group
    s2 = 2 * prob.x.size
    moments[:] = 0.0
    sign[:] = 0.0
    for i in range(group.size):
        a, b, c, g = z[0, i], z[1, i], z[2, i], group[i]
        moments[g, 0] += a * a
        moments[g, 1] += a * b
        moments[g, 2] += b * b
        moments[g, 3] += a * c
        moments[g, 4] += b * c
        moments[g, 5] += c * c
        if g >= s2 and c != 0.0:
            sign[g - s2] = np.sign(c)


@inner
def occupied(g, moments):
    """Whether a neuron that is not zero is in the mode."""
    return moments[g, 0] + moments[g, 2] + moments[g, 5] != 0.0


@inner
def residuals_at(k, bias, prob, run, work):
    """Fill work.delta[k] with f - y at node k, by the propagators in work.lam[k] and the batch's extra sums."""
    moments, lam, extra, ca, cb, r = run.moments, work.lam, work.extra, work.ca, work.cb, work.delta[k]
    s, y = prob.x.size, prob.y
    for g in range(2 * s):
        ca[g], cb[g] = extra[k, 0, g], extra[k, 1, g]
    for g in range(4 * s):
        aa, ab, bb = moments[g, 0], moments[g, 1], moments[g, 2]
        ac, bc, cc = moments[g, 3], moments[g, 4], moments[g, 5]
        if aa + bb + cc == 0.0:
            continue
        p, home = kept(lam, k, g), home_arc(g, s)
        za = aa * p[6] + ab * p[7] + ac * p[8]
        zb = ab * p[6] + bb * p[7] + bc * p[8]
        zc = ac * p[6] + bc * p[7] + cc * p[8]
        ca[home] += p[0] * za + p[1] * zb + p[2] * zc
        cb[home] += p[3] * za + p[4] * zb + p[5] * zc
    predict(ca, cb, prob.x, bias, prob.inv_norm, r)
    for j in range(s):
        r[j] -= y[j]


@inner
def present_residuals(prob, run, work):
    """Fill run.r from the moments as they are."""
    moments, ca, cb, r, y = run.moments, work.ca, work.cb, run.r, prob.y
    s = y.size
    ca[:] = 0.0
    cb[:] = 0.0
    for g in range(4 * s):
        home = home_arc(g, s)
        ca[home] += moments[g, 3]
        cb[home] += moments[g, 4]
    predict(ca, cb, prob.x, run.bias[0], prob.inv_norm, r)
    for j in range(s):
        r[j] -= y[j]


@inner
def weigh(v, weight, out):
    """out = W v; the sum of it."""
    total = 0.0
    for j in range(v.size):
        out[j] = v[j] * weight[j]
        total += out[j]
    return total


@inner
def anchor(prob, run, work):
    """Fill the arcs' sums at the start of the step; O(s).

    One that is no more than the rounding of its terms is 0: a long step at rest would make a drift of it. The terms
    are r = f - y, with f known to EPS times ``size``.
    """
    x, weight, inv_norm, terms0, terms1 = prob.x, prob.weight, prob.inv_norm, work.extra[0, 0], work.extra[0, 1]
    for j in range(x.size):
        work.spare[0, j] = weight[j] * (abs(run.r[j]) + prob.size)
        work.spare[1, j] = abs(x[j])
    arc_sums(work.spare[0], work.spare[1], inv_norm, terms0, terms1)
    weigh(run.r, weight, work.weighted)
    arc_sums(work.weighted, x, inv_norm, work.from0, work.from1)
    for g in range(terms0.size):
        if abs(work.from0[g]) <= ROUNDING * terms0[g]:
            work.from0[g] = 0.0
        if abs(work.from1[g]) <= ROUNDING * terms1[g]:
            work.from1[g] = 0.0


@inner
def fastest(prob, run, work):
    """The largest rate at which neurons grow by themselves at the start of the step, however small they are."""
    s, most = prob.x.size, 0.0
    for g in range(4 * s):
        if occupied(g, run.moments):
            home = home_arc(g, s)
            most = max(most, prob.ta * work.from1[home] ** 2 + prob.tb * work.from0[home] ** 2)
    return np.sqrt(prob.tc * most)


@inner
def drive(g, k, prob, work):
    """(q1, q0) that moves the mode g at node k, from the arcs' sums."""
    s, q1, q0 = prob.x.size, work.q1, work.q0
    if g < 2 * s:
        return q1[k, g], q0[k, g]
    home = inactive_arc(g - 2 * s, s)
    return slide(q1[k, home], q0[k, home], prob.x[border_sample(g - 2 * s, s)], prob.ta, prob.tb)


@inner
def propagate(dt, prob, run, work):
    """Every mode's q(t) from the residuals at the nodes, and its propagators to the nodes."""
    coef, lam, moments = work.coef, work.lam, run.moments
    for k in range(3):
        weigh(work.nodes[k], prob.weight, work.weighted)
        arc_sums(work.weighted, prob.x, prob.inv_norm, work.q0[k], work.q1[k])
        for g in range(work.from0.size):
            work.q0[k, g] += work.from0[g]
            work.q1[k, g] += work.from1[g]
    for g in range(coef.shape[0]):
        coef[g] = 0.0  # q(t) is needed where no neuron is, too: one may come within the step
        for k in range(3):
            v1, v0 = drive(g, k, prob, work)
            for p in range(3):
                coef[g, 0, p] += POWERS[p, k] * v1
                coef[g, 1, p] += POWERS[p, k] * v0
        if occupied(g, moments):
            start = 0.0
            for k in range(3):
                step = propagator(start, NODES[k], dt, g, coef, prob)
                if k > 0:
                    step = compose(step, kept(lam, k - 1, g))
                keep(step, lam, k, g)
                start = NODES[k]


@inner
def propagate_to(end, dt, prob, run, work):
    """Propagators from the start of the step to ``end``, in work.lam[3]."""
    coef, lam, moments = work.coef, work.lam, run.moments
    base = 2 if end >= 1.0 else 1 if end >= NODES[1] else 0 if end >= NODES[0] else -1
    for g in range(coef.shape[0]):
        if occupied(g, moments):
            if base == 2:
                whole = kept(lam, LAST, g)
            elif base == -1:
                whole = propagator(0.0, end, dt, g, coef, prob)
            else:
                whole = compose(propagator(NODES[base], end, dt, g, coef, prob), kept(lam, base, g))
            keep(whole, lam, END, g)


@inner
def weighted_sum(k, prob, run, work):
    """The sum of w r over the samples at node k."""
    nodes, weight, total = work.nodes, prob.weight, 0.0
    for j in range(weight.size):
        total += weight[j] * (run.r[j] + nodes[k, j])
    return total


@inner
def bias_at(k, dt, prob, run, work):
    """The bias at node k."""
    if prob.tbias == 0.0:
        return run.bias[0]
    total = 0.0
    for p in range(3):
        total += STAGES[k, p] * weighted_sum(p, prob, run, work)
    return run.bias[0] - dt * total


@inner
def solve(dt, stiff, prob, run, work):
    """Find the residuals at the nodes; the number of iterations, or 0 if they did not converge.

    They have when the correction is small, and the defect, too: a stiff step that is accepted with a defect would leave
    the slow manifold by it.
    """
    nodes, delta, r = work.nodes, work.delta, run.r
    goal = max(1e-3 * prob.tol, 8.0 * EPS * (largest(prob.y) + largest(run.r)))
    last = np.inf
    for n in range(1, MAX_ITERATIONS + 1):
        propagate(dt, prob, run, work)
        for k in range(3):
            residuals_at(k, bias_at(k, dt, prob, run, work), prob, run, work)
        for k in range(3):
            for j in range(nodes.shape[1]):
                delta[k, j] -= r[j] + nodes[k, j]
        gap = max(largest(delta[0]), largest(delta[1]), largest(delta[2]))
        if stiff:
            correct(run.basis, run.eigen, prob.weight, dt, delta, work.spare)
        d0, d1, d2 = largest(delta[0]), largest(delta[1]), largest(delta[2])
        size = max(d0, d1, d2)
        if not np.isfinite(d0 + d1 + d2) or (n > 2 and size > 2.0 * last):
            return 0
        for k in range(3):
            for j in range(nodes.shape[1]):
                nodes[k, j] += delta[k, j]
        if size <= goal and gap <= DEFECT * prob.tol:
            return n
        last = size
    return 0


@inner
def move_bias(end, dt, prob, run, work):
    """Take the bias to ``end``: less the integral of the sum of w r."""
    if prob.tbias == 0.0:
        return
    total = 0.0
    for k in range(3):
        value, power = weighted_sum(k, prob, run, work), 1.0
        for p in range(3):
            power *= end
            total += value * POWERS[p, k] * power / (p + 1)
    run.bias[0] -= dt * total


@inner
def kernel_sums(prob, run, work):
    """The tangent kernel's sums per arc, see `tangent`: c^2 T + w w^T, and for sliding neurons T without the border."""
    moments, s11, s12, s22, x = run.moments, work.s11, work.s12, work.s22, prob.x
    s, ta, tb, tc = x.size, prob.ta, prob.tb, prob.tc
    s11[:] = 0.0
    s12[:] = 0.0
    s22[:] = 0.0
    scale = prob.inv_norm * prob.inv_norm
    for g in range(4 * s):
        t11, t12, t22 = ta, 0.0, tb
        if g >= 2 * s:
            xk = x[border_sample(g - 2 * s, s)]
            total = ta * xk * xk + tb
            if total > 0.0:
                t11, t12, t22 = ta - ta * xk * xk * ta / total, -ta * xk * tb / total, tb - tb * tb / total
        home, cc = home_arc(g, s), moments[g, 5]
        s11[home] += scale * (cc * t11 + tc * moments[g, 0])
        s12[home] += scale * (cc * t12 - tc * moments[g, 1])
        s22[home] += scale * (cc * t22 + tc * moments[g, 2])


@inner
def derivative(prob, run, work, out):
    """out = dr/dt at the start of the step, from the anchored sums; O(s)."""
    u1, u0, norm = work.extra[0, 0], work.extra[0, 1], 1.0 / prob.inv_norm
    for g in range(u1.size):
        q1, q0 = norm * work.from1[g], norm * work.from0[g]
        u1[g] = -(work.s11[g] * q1 + work.s12[g] * q0)
        u0[g] = work.s12[g] * q1 + work.s22[g] * q0
    predict(u1, u0, prob.x, -prob.tbias * weigh(run.r, prob.weight, work.weighted), 1.0, out)


@inner
def kernel_times(v, prob, work, out):
    """out = K W v; O(s)."""
    bias = prob.tbias * weigh(v, prob.weight, work.weighted)
    tangent.product(work.s11, work.s12, work.s22, prob.x, work.weighted, bias, work.extra[0], out)


@inner
def largest_diagonal(prob, work):
    """(j, w_j K_jj) where that is largest; O(s)."""
    x, right, left, diagonal = prob.x, work.extra[0, 0], work.extra[0, 1], work.spare[0]
    s, place, most = x.size, 0, 0.0
    for p in range(3):
        part = work.s11 if p == 0 else work.s12 if p == 1 else work.s22
        tangent.both_active(part, right[:s], left[:s])
        for j in range(s):
            power = x[j] * x[j] if p == 0 else 2.0 * x[j] if p == 1 else 1.0
            diagonal[j] = (0.0 if p == 0 else diagonal[j]) + power * (right[j] + left[j])
    for j in range(s):
        value = prob.weight[j] * (diagonal[j] + prob.tbias)
        if value > most:
            place, most = j, value
    return place, most


@inner
def rate(prob, work):
    """The largest eigenvalue of K W, by two rounds of a power iteration that goes on from step to step.

    It is no less than the largest w_j K_jj. Where neurons come to be active at samples that none was active at, the
    iteration may have no part of these and stay where it has been: then it begins again, from the largest's sample.
    """
    v, out, value = work.power, work.spare[0], 0.0
    place, least = largest_diagonal(prob, work)
    for n in range(4):
        if n == 2:
            if value >= LEAST * least:
                break
            for k in range(v.size):
                v[k] = 1.0 if k == place else 0.0
        kernel_times(v, prob, work, out)
        before = after = 0.0
        for j in range(v.size):
            before += v[j] * v[j]
            after += out[j] * out[j]
        size = np.sqrt(after)
        value = size / max(np.sqrt(before), 1e-300)
        if size > 0.0:
            for j in range(v.size):
                v[j] = out[j] / size
    return value
