"""What rounding hides: which knots are at samples, and which sums of residuals are 0. One rule for this room.

A knot b / a is at the sample x if |a x - b| is no more than some roundings of |a x| + |b|. The neuron is then not
active at x, as a knot that is there exactly makes it. Otherwise the sign of a x - b and the order of b / a and x
agree, so that what counts active neurons and what counts knots say the same. A sum of residuals is 0 if it is no
more than some roundings of what the residuals are made of.
"""

from __future__ import annotations

import numpy as np

from knotflow._typing import Array, Ints
from knotflow.data import Samples
from knotflow.network import ReLUNet
from knotflow.network.subject import preactivations

__all__ = ["at_samples", "placed", "placed_knots", "settled", "sizes", "without_rounding"]

_ROUNDING = 4 * np.finfo(np.float64).eps
_OF_SUMS = 32 * np.finfo(np.float64).eps


def at_samples(net: ReLUNet, x: Array) -> Ints:
    """(m,) the number of the distinct sample that each knot is at, -1 where it is at none. O(m log s)."""
    return _nearest(net.a, net.b, net.knots, x)


def _nearest(a: Array, b: Array, knots: Array, x: Array) -> Ints:
    after = np.searchsorted(x, knots).clip(0, len(x) - 1)
    candidates = np.stack([after, np.maximum(after - 1, 0)])
    reach = a * x[candidates]
    miss = np.abs(reach - b)
    near = np.isfinite(knots) & (miss <= _ROUNDING * (np.abs(reach) + np.abs(b)))
    which = np.argmin(np.where(near, miss, np.inf), axis=0)
    rows = np.arange(len(knots))
    return np.where(near[which, rows], candidates[which, rows], -1)


def settled(net: ReLUNet, data: Samples) -> ReLUNet:
    """The network with b = a x for the neurons whose knot is at a sample: not active there. O(m log s)."""
    x = data.distinct.x
    at = at_samples(net, x)
    b = np.where(at < 0, net.b, net.a * x[at])
    return net if np.array_equal(b, net.b) else net.replace(b=b)


def placed_knots(net: ReLUNet, x: Array) -> Array:
    """(m,) the knots, those at a sample put there."""
    at = at_samples(net, x)
    return np.where(at < 0, net.knots, x[at])


def placed(knots: Array, x: Array) -> Array:
    """Places in any shape, those at a sample put there."""
    flat = knots.ravel()
    at = _nearest(np.ones_like(flat), flat, flat, x)
    return np.where(at < 0, flat, x[at]).reshape(knots.shape)


def sizes(net: ReLUNet, data: Samples) -> Array:
    """(s,) |y_j| + |bias| + the sum over active i of |c_i| (|a_i x_j| + |b_i|) / norm, which bounds |r_j|. O(m s)."""
    points, on = data.distinct, preactivations(net, data.distinct.x) > 0
    line = np.abs(net.c * net.a) @ on * np.abs(points.x) + np.abs(net.c * net.b) @ on
    return np.abs(points.y) + abs(net.bias) + line / net.norm


def without_rounding(sums: Array, scale: Array) -> Array:
    """The sums, 0 where rounding of terms whose absolute values add up to `scale` may have made them."""
    return np.where(np.abs(sums) <= _OF_SUMS * scale, 0.0, sums)
