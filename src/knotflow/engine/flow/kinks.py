"""Kinks in the residuals of a step: where a neuron changes its mode, its share of f has a new slope.

Radau IIA takes the residuals for quadratics in time. A kink is none: with the slope v from the time theta on, both in
units of the step, the residual gains v (t - theta)_+. The drive of a neuron is the integral of the residuals. So the
quadratic that stands for them takes at the nodes not v (t_k - theta)_+ but

    v E_k,     sum_l A_kl E_l = (t_k - theta)_+^2 / 2

for which its integrals up to the three nodes are those of the kink. The order is kept, whatever the number of events in
a step. What remains is of the second order in the kinks, and of the order of their curvature.
"""

from __future__ import annotations

import numpy as np

from knotflow.engine.compiled import inner, leaf
from knotflow.engine.flow.events import value
from knotflow.engine.flow.filippov import home_arc
from knotflow.engine.flow.radau import NODES, STAGES
from knotflow.engine.sums import predict

INVERSE = np.linalg.inv(STAGES)
# Places in a row of Work.kinks: the values of the kinks in c a and c b at the nodes, and those of the quadratics with
# the same integrals. So all that an event adds to an arc lies side by side.
CORNER, ROUND = np.int64(0), np.int64(6)


@leaf
def rates(neuron, theta, field):
    """d(a, b, c) of a neuron in its mode, for the time in units of the step."""
    coef, g, dt = field.coef, neuron.mode, field.dt
    q1 = dt * value(coef[0, 0, g], coef[0, 1, g], coef[0, 2, g], theta)
    q0 = dt * value(coef[1, 0, g], coef[1, 1, g], coef[1, 2, g], theta)
    return -field.ta * neuron.c * q1, field.tb * neuron.c * q0, field.tc * (q0 * neuron.b - q1 * neuron.a)


@leaf
def slopes(neuron, theta, field):
    """d(c a) and d(c b), for the time in units of the step."""
    va, vb, vc = rates(neuron, theta, field)
    return vc * neuron.a + neuron.c * va, vc * neuron.b + neuron.c * vb


@leaf
def add_kink(before, after, theta, kinks, field):
    """Add the change of the slopes of c a and c b at theta to the kinks of the neuron's arcs."""
    s = field.x.size
    a0, b0 = slopes(before, theta, field)
    a1, b1 = slopes(after, theta, field)
    old, new = kinks[home_arc(before.mode, s)], kinks[home_arc(after.mode, s)]
    l0, l1, l2 = max(NODES[0] - theta, 0.0), max(NODES[1] - theta, 0.0), max(NODES[2] - theta, 0.0)
    h0, h1, h2 = 0.5 * l0 * l0, 0.5 * l1 * l1, 0.5 * l2 * l2
    for k in range(3):
        corner = l0 if k == 0 else l1 if k == 1 else l2
        even = INVERSE[k, 0] * h0 + INVERSE[k, 1] * h1 + INVERSE[k, 2] * h2
        old[CORNER + 2 * k] -= a0 * corner
        old[CORNER + 2 * k + 1] -= b0 * corner
        old[ROUND + 2 * k] -= a0 * even
        old[ROUND + 2 * k + 1] -= b0 * even
        new[CORNER + 2 * k] += a1 * corner
        new[CORNER + 2 * k + 1] += b1 * corner
        new[ROUND + 2 * k] += a1 * even
        new[ROUND + 2 * k + 1] += b1 * even


@inner
def kinks_at(place, k, prob, work, out):
    """out = the kinks' values in f at node k, or those of the quadratics, from the rows of their arcs. O(s)."""
    kinks, ca, cb = work.kinks, work.ca, work.cb
    for g in range(ca.size):
        ca[g], cb[g] = kinks[g, place + 2 * k], kinks[g, place + 2 * k + 1]
    predict(ca, cb, prob.x, 0.0, prob.inv_norm, out)
