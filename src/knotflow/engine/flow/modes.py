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
from knotflow.engine.flow.magnus import START, keep_block, kept, loaded
from knotflow.engine.flow.radau import NODES, POWERS, STAGES
from knotflow.engine.flow.state import ROUNDING
from knotflow.engine.simd import LANES
from knotflow.engine.sums import arc_sums, predict

# What the power iteration may be below the largest w_j K_jj by before it begins again.
LEAST = 0.5


@inner
def gather(prob, run):
    """The modes' second moments from the neurons. O(m + s)."""
    z, moments, group = run.z, run.moments, run.group
    moments[:] = 0.0
    for i in range(group.size):
        a, b, c, g = z[0, i], z[1, i], z[2, i], group[i]
        moments[g, 0] += a * a
        moments[g, 1] += a * b
        moments[g, 2] += b * b
        moments[g, 3] += a * c
        moments[g, 4] += b * c
        moments[g, 5] += c * c


@inner
def occupied(g, moments):
    """Whether a neuron that is not zero is in the mode."""
    return moments[g, 0] + moments[g, 2] + moments[g, 5] != 0.0


@inner
def residuals_at(k, bias, prob, run, work):
    """Fill work.delta[k] with f - y at node k, by the propagators in work.lam[k] and what events add."""
    moments, lam, extra, ca, cb, r = run.moments, work.lam, work.extra, work.ca, work.cb, work.delta[k]
    s, y = prob.x.size, prob.y
    for g in range(2 * s):
        ca[g], cb[g] = extra[g, 2 * k], extra[g, 2 * k + 1]
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
    x, weight, inv_norm, terms0, terms1 = prob.x, prob.weight, prob.inv_norm, work.sums[0], work.sums[1]
    for j in range(x.size):
        work.weighted[j] = weight[j] * (abs(run.r[j]) + prob.size)
        work.spare[j] = abs(x[j])
    arc_sums(work.weighted, work.spare, inv_norm, terms0, terms1)
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
def fill_drives(prob, work):
    """Every mode's q(t), as powers of the fraction of the step, from the arcs' sums at the nodes. O(s)."""
    s, coef, q1, q0, x, ta, tb = prob.x.size, work.coef, work.q1, work.q0, prob.x, prob.ta, prob.tb
    for p in range(3):
        w0, w1, w2 = POWERS[p, 0], POWERS[p, 1], POWERS[p, 2]
        for g in range(2 * s):
            coef[0, p, g] = w0 * q1[0, g] + w1 * q1[1, g] + w2 * q1[2, g]
            coef[1, p, g] = w0 * q0[0, g] + w1 * q0[1, g] + w2 * q0[2, g]
        for k in range(2 * s):
            home = inactive_arc(k, s)
            v1, v0 = slide(coef[0, p, home], coef[1, p, home], x[border_sample(k, s)], ta, tb)
            coef[0, p, 2 * s + k], coef[1, p, 2 * s + k] = v1, v0


@inner
def propagate(dt, prob, run, work):
    """Every mode's q(t) from the residuals at the nodes, and its propagators to the nodes."""
    coef, lam, moments, train = work.coef, work.lam, run.moments, (prob.ta, prob.tb, prob.tc)
    for k in range(3):
        for j in range(prob.x.size):
            work.weighted[j] = prob.weight[j] * (work.nodes[k, j] + work.bend[k, j])
        arc_sums(work.weighted, prob.x, prob.inv_norm, work.q0[k], work.q1[k])
        for g in range(work.from0.size):
            work.q0[k, g] += work.from0[g]
            work.q1[k, g] += work.from1[g]
    fill_drives(prob, work)  # of all modes: a neuron may come into an empty one within the step
    for first in range(0, moments.shape[0], LANES):
        for g in range(first, first + LANES):
            if occupied(g, moments):
                keep_block(loaded(lam, START, first), NODES, dt, first, coef, lam, train)
                break


@inner
def bias_at(k, dt, prob, run, work):
    """The bias at node k: less the integral of the sum of w r."""
    if prob.tbias == 0.0:
        return run.bias[0]
    total = 0.0
    for p in range(3):
        for j in range(prob.x.size):
            total += STAGES[k, p] * prob.weight[j] * (run.r[j] + work.nodes[p, j] + work.bend[p, j])
    return run.bias[0] - dt * total


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
                t11 = ta * tb / total
                t12, t22 = -xk * t11, xk * xk * t11
        home, cc = home_arc(g, s), moments[g, 5]
        s11[home] += scale * (cc * t11 + tc * moments[g, 0])
        s12[home] += scale * (cc * t12 - tc * moments[g, 1])
        s22[home] += scale * (cc * t22 + tc * moments[g, 2])


@inner
def derivative(prob, run, work, out):
    """out = dr/dt at the start of the step, from the anchored sums; O(s)."""
    u1, u0, norm = work.sums[0], work.sums[1], 1.0 / prob.inv_norm
    for g in range(u1.size):
        q1, q0 = norm * work.from1[g], norm * work.from0[g]
        u1[g] = -(work.s11[g] * q1 + work.s12[g] * q0)
        u0[g] = work.s12[g] * q1 + work.s22[g] * q0
    predict(u1, u0, prob.x, -prob.tbias * weigh(run.r, prob.weight, work.weighted), 1.0, out)


@inner
def kernel_times(v, prob, work, out):
    """out = K W v; O(s)."""
    bias = prob.tbias * weigh(v, prob.weight, work.weighted)
    tangent.product(work.s11, work.s12, work.s22, prob.x, work.weighted, bias, work.sums, out)


@inner
def largest_diagonal(prob, work):
    """(j, w_j K_jj) where that is largest; O(s)."""
    x, right, left, diagonal = prob.x, work.right[0], work.left[0], work.delta[0]
    place, most = 0, 0.0
    for p in range(3):
        part = work.s11 if p == 0 else work.s12 if p == 1 else work.s22
        tangent.both_active(part, right, left)
        for j in range(x.size):
            power = x[j] * x[j] if p == 0 else 2.0 * x[j] if p == 1 else 1.0
            diagonal[j] = (0.0 if p == 0 else diagonal[j]) + power * (right[j] + left[j])
    for j in range(x.size):
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
    v, out, value = work.power, work.spare, 0.0
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
