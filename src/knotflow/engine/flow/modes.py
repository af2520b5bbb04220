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
from knotflow.engine.flow.magnus import compose, keep, kept, propagator
from knotflow.engine.flow.radau import NODES, POWERS, STAGES
from knotflow.engine.sums import arc_sums, predict


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
        for j in range(prob.x.size):
            work.weighted[j] = prob.weight[j] * (work.nodes[k, j] + work.bend[k, j])
        arc_sums(work.weighted, prob.x, prob.inv_norm, work.q0[k], work.q1[k])
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
def bias_at(k, dt, prob, run, work):
    """The bias at node k: less the integral of the sum of w r."""
    if prob.tbias == 0.0:
        return run.bias[0]
    total = 0.0
    for p in range(3):
        for j in range(prob.x.size):
            total += STAGES[k, p] * prob.weight[j] * (work.nodes[p, j] + work.bend[p, j])
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
                t11, t12, t22 = ta - ta * xk * xk * ta / total, -ta * xk * tb / total, tb - tb * tb / total
        home, cc = home_arc(g, s), moments[g, 5]
        s11[home] += scale * (cc * t11 + tc * moments[g, 0])
        s12[home] += scale * (cc * t12 - tc * moments[g, 1])
        s22[home] += scale * (cc * t22 + tc * moments[g, 2])


@inner
def kernel_times(v, prob, work, out):
    """out = K W v; O(s)."""
    bias = prob.tbias * weigh(v, prob.weight, work.weighted)
    tangent.product(work.s11, work.s12, work.s22, prob.x, work.weighted, bias, work.sums, out)


@inner
def rate(prob, work):
    """The largest eigenvalue of K W, by two rounds of a power iteration that goes on from step to step."""
    v, out, value = work.power, work.spare, 0.0
    for _ in range(2):
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
