"""Two-dimensional sections of the loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import SupportsIndex

import numpy as np
from numpy.typing import ArrayLike

from knotflow._checks import vector
from knotflow._typing import Array
from knotflow.data import Samples
from knotflow.errors import InputError
from knotflow.landscape.shared import checked, neuron_index, residuals
from knotflow.network import ReLUNet


@dataclass(frozen=True, eq=False)
class Section:
    """The loss on a grid: loss[p, q] is that at first[p] and second[q]."""

    first: Array
    second: Array
    loss: Array


@checked
def knot_section(net: ReLUNet, data: Samples, i: SupportsIndex, knots: ArrayLike, delta_slopes: ArrayLike) -> Section:
    """L over the knot and the delta-slope of neuron i, its orientation and all else held. O(m log s + k l s).

    In one of the two it is piecewise quadratic; jointly it is a polynomial of degree 4 between samples. Source: Sahs
    et al. 2022, theorem 3, with its first sentence mended. Raises InputError as `loss_slice` does.
    """
    i = neuron_index(net, i)
    knots, slopes = vector("knots", knots), vector("delta_slopes", delta_slopes)
    points, side = data.distinct, float(net.orientations[i])
    own = net.c[i] * np.maximum(net.a[i] * points.x - net.b[i], 0) / net.norm
    reach = side * np.maximum(side * np.subtract.outer(points.x, knots), 0)  # (s, k)
    off = (residuals(net, data) - own)[:, None, None] + reach[:, :, None] * slopes
    return Section(knots, slopes, points.within + 0.5 * np.tensordot(points.weight, off**2, 1))


@checked
def loss_section(
    net: ReLUNet, data: Samples, first: ArrayLike, second: ArrayLike, along: ArrayLike, across: ArrayLike
) -> Section:
    """L at the parameters moved by t first + u second, for t in `along` and u in `across`. O((m + s) k l).

    first, second   directions: (3m,) for a, b, c one after the other, or (3m + 1,) with the bias last
    along, across   (k,) and (l,) how far to go

    Raises InputError for other shapes.
    """
    along, across = vector("along", along), vector("across", across)
    u, v = (_direction(name, d, len(net)) for name, d in (("first", first), ("second", second)))
    start = np.concatenate([net.a, net.b, net.c, [net.bias]])
    loss = np.array([[_at(net, start + p * u + q * v).loss(data) for q in across] for p in along])
    return Section(along, across, loss.reshape(len(along), len(across)))


def _direction(name: str, values: ArrayLike, m: int) -> Array:
    direction = vector(name, values)
    if len(direction) not in (3 * m, 3 * m + 1):
        raise InputError(f"{name} has length {len(direction)}: it must be {3 * m} (a, b, c) or {3 * m + 1} (and bias)")
    return np.append(direction, 0.0)[: 3 * m + 1]


def _at(net: ReLUNet, values: Array) -> ReLUNet:
    a, b, c = values[:-1].reshape(3, -1)
    return net.replace(a=a, b=b, c=c, bias=float(values[-1]))
