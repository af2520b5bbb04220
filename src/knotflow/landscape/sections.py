"""Two-dimensional sections of the loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import SupportsIndex

import numpy as np
from numpy.typing import ArrayLike

from knotflow._checks import extent, vector
from knotflow._typing import Array
from knotflow._values import immutable
from knotflow.data import Samples
from knotflow.errors import InputError
from knotflow.network import ReLUNet
from knotflow.network.subject import checked, neuron_index, residuals

__all__ = ["Section", "knot_section", "loss_section"]


@dataclass(frozen=True, eq=False, repr=False)
@immutable
class Section:
    """The loss on a grid: loss[p, q] is that at first[p] and second[q].

    Attributes
    ----------
    first : (k,) ndarray
        Values along the first axis.
    second : (l,) ndarray
        Values along the second axis.
    loss : (k, l) ndarray
        The loss at each pair.

    Examples
    --------
    >>> import knotflow as kf
    >>> net, data = kf.ReLUNet([1], [0.3], [1]), kf.Samples([-1, 0, 1], [0, -1, 1])
    >>> kf.landscape.knot_section(net, data, 0, [-0.5, 0, 0.5], [0, 1])
    Section(3 x 2, loss in [0.5, 1.25])
    """

    first: Array
    second: Array
    loss: Array

    def __repr__(self) -> str:
        where = f", loss in {extent(self.loss)}" if self.loss.size else ""
        return f"Section({len(self.first)} x {len(self.second)}{where})"


@checked
def knot_section(net: ReLUNet, data: Samples, i: SupportsIndex, knots: ArrayLike, delta_slopes: ArrayLike) -> Section:
    """L over the knot and the delta-slope of neuron i, its orientation and all else held.

    Parameters
    ----------
    net : ReLUNet
        m neurons.
    data : Samples
        s distinct x.
    i : int
        The number of a neuron that has a knot.
    knots : (k,) array_like
        Positions of its knot.
    delta_slopes : (l,) array_like
        Its delta-slopes c_i a_i / norm.

    Returns
    -------
    Section
        The loss, (k, l).

    Raises
    ------
    InputError
        If there is no neuron i, or it has no knot, and for values that are not finite.

    Notes
    -----
    O(m log s + k l s). In one of the two variables L is piecewise quadratic; jointly it is a polynomial of degree 4
    between samples.

    References
    ----------
    Sahs et al. 2022, theorem 3, with its first sentence corrected.

    Examples
    --------
    >>> import knotflow as kf
    >>> net, data = kf.ReLUNet([1], [0.3], [1]), kf.Samples([-1, 0, 1], [0, -1, 1])
    >>> kf.landscape.knot_section(net, data, 0, [-0.5, 0.3], [0, 1]).loss.round(3)
    array([[1.   , 1.25 ],
           [1.   , 0.545]])
    """
    i = neuron_index(net, i)
    knots, slopes = vector("knots", knots), vector("delta_slopes", delta_slopes)
    points, side = data.distinct, float(net.orientations[i])
    own = net.c[i] * np.maximum(net.a[i] * points.x - net.b[i], 0) / net.norm
    reach = side * np.maximum(side * np.subtract.outer(points.x, knots), 0)  # (s, k)
    with np.errstate(over="ignore", invalid="ignore"):  # refused by name
        off = (residuals(net, data) - own)[:, None, None] + reach[:, :, None] * slopes
        loss = points.within + 0.5 * np.tensordot(points.weight, off**2, 1)
    return Section(knots, slopes, _finite("knots and delta_slopes", loss))


@checked
def loss_section(
    net: ReLUNet, data: Samples, first: ArrayLike, second: ArrayLike, along: ArrayLike, across: ArrayLike
) -> Section:
    """L at the parameters moved by t first + u second, for t in `along` and u in `across`.

    Parameters
    ----------
    net : ReLUNet
        m neurons.
    data : Samples
        s distinct x.
    first, second : array_like
        Directions: (3m,) for a, b, c one after the other, or (3m + 1,) with the bias last.
    along : (k,) array_like
        How far to go along the first direction.
    across : (l,) array_like
        How far to go along the second.

    Returns
    -------
    Section
        The loss, (k, l).

    Raises
    ------
    InputError
        For other shapes, and for values that are not finite.

    Notes
    -----
    O((m + s) k l).

    Examples
    --------
    >>> import knotflow as kf
    >>> net, data = kf.ReLUNet([1], [0.3], [1]), kf.Samples([-1, 0, 1], [0, -1, 1])
    >>> kf.landscape.loss_section(net, data, [0, 1, 0], [0, 0, 0, 1], [0, 0.5], [-1, 0, 1]).loss.round(3)
    array([[1.345, 0.545, 2.745],
           [2.12 , 0.82 , 2.52 ]])
    """
    along, across = vector("along", along), vector("across", across)
    u, v = (_direction(name, d, len(net)) for name, d in (("first", first), ("second", second)))
    start = np.concatenate([net.a, net.b, net.c, [net.bias]])
    with np.errstate(over="ignore", invalid="ignore"):  # refused by name
        loss = np.array([[_at(net, start + p * u + q * v).loss(data) for q in across] for p in along])
    return Section(along, across, _finite("along and across", loss.reshape(len(along), len(across))))


def _finite(names: str, loss: Array) -> Array:
    if not np.isfinite(loss).all():
        raise InputError(f"{names} reach too far: they must be smaller, the loss there is beyond float64")
    return loss


def _direction(name: str, values: ArrayLike, m: int) -> Array:
    direction = vector(name, values)
    if len(direction) not in (3 * m, 3 * m + 1):
        raise InputError(
            f"{name} has length {len(direction)}: it must have length {3 * m} (a, b, c) or {3 * m + 1} (and bias)"
        )
    return np.append(direction, 0.0)[: 3 * m + 1]


def _at(net: ReLUNet, values: Array) -> ReLUNet:
    a, b, c = values[:-1].reshape(3, -1)
    return net.replace(a=a, b=b, c=c, bias=float(values[-1]))
