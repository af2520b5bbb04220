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

from knotflow.engine.compiled import leaf
from knotflow.engine.flow.events import value
from knotflow.engine.flow.filippov import home_arc
from knotflow.engine.flow.radau import NODES, STAGES

INVERSE = np.linalg.inv(STAGES)
# Places in Work.kinks: the values of the kinks at the nodes; and of the quadratics with the same integrals.
CORNER, ROUND = np.int64(0), np.int64(1)


@leaf
def rates(neuron, theta, field):
    """d(a, b, c) of a neuron in its mode, for the time in units of the step."""
    coef, g, dt = field.coef, neuron.mode, field.dt
    q1 = dt * value(coef[0, 0, g], coef[0, 1, g], coef[0, 2, g], theta)
    q0 = dt * value(coef[1, 0, g], coef[1, 1, g], coef[1, 2, g], theta)
    return -field.ta * neuron.c * q1, field.tb * neuron.c * q0, field.tc * (q0 * neuron.b - q1 * neuron.a)


@leaf
def add_slope(neuron, sign, theta, kinks, field):
    """Add the slopes of c a and c b of a neuron from theta on to its arc's kinks, or take them off (sign -1)."""
    va, vb, vc = rates(neuron, theta, field)
    home = home_arc(neuron.mode, field.x.size)
    pa, pb = sign * (vc * neuron.a + neuron.c * va), sign * (vc * neuron.b + neuron.c * vb)
    l0, l1, l2 = max(NODES[0] - theta, 0.0), max(NODES[1] - theta, 0.0), max(NODES[2] - theta, 0.0)
    for k in range(3):
        corner = max(NODES[k] - theta, 0.0)
        even = 0.5 * (INVERSE[k, 0] * l0 * l0 + INVERSE[k, 1] * l1 * l1 + INVERSE[k, 2] * l2 * l2)
        kinks[CORNER, k, 0, home] += pa * corner
        kinks[CORNER, k, 1, home] += pb * corner
        kinks[ROUND, k, 0, home] += pa * even
        kinks[ROUND, k, 1, home] += pb * even
