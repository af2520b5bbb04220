"""The loss along one knot: a continuous, piecewise quadratic function whose knots are the samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray

from knotflow._checks import count, in_range, numbers
from knotflow._derivative import Derivative, derivative
from knotflow._typing import Array
from knotflow._values import immutable
from knotflow.data import Samples
from knotflow.landscape.knots import side_types
from knotflow.landscape.places import sizes, without_rounding
from knotflow.network import ReLUNet
from knotflow.network.subject import checked, neuron_index, residuals

__all__ = ["LossSlice", "Minima", "loss_slice"]


@immutable
class Minima(NamedTuple):
    """The local minima of a slice.

    Attributes
    ----------
    x : (k,) ndarray
        Where they are, ascending.
    loss : (k,) ndarray
        The loss at each.

    Examples
    --------
    >>> import knotflow as kf
    >>> data = kf.Samples([-1, 0, 1], [0, -1, 1])
    >>> cut = kf.landscape.loss_slice(kf.ReLUNet([1], [0.3], [1]), data, 0)
    >>> cut.minima.x.round(3), cut.minima.loss.round(3)
    (array([0.]), array([0.5]))
    """

    x: Array
    loss: Array


@dataclass(frozen=True, eq=False, repr=False)
@immutable
class LossSlice:
    """L as a function of the knot of one neuron, everything else held: `slice(x)`.

    With s distinct samples there are s + 1 pieces; piece k lies between knots[k - 1] and knots[k], and on it

        L = const + 1/2 delta_slope^2 sum_{j active} w_j (x - z_j)^2,   z_j = x_j + r_j / delta_slope,

    r_j the residual without the neuron.

    Attributes
    ----------
    neuron : int
        Its number.
    delta_slope : float
        Its delta-slope, which is held.
    orientation : int
        1 if it is active right of its knot, -1 if left of it; held.
    position : float
        Where its knot is now.
    knots : (s,) ndarray
        The distinct samples.
    values : (s,) ndarray
        L with the knot at each sample.
    left, right : (s,) ndarray
        dL/dx on the two sides of each sample.
    curvatures : (s + 1,) ndarray
        The second derivative on each piece: delta_slope^2 times the active weight. It is 0 on the outer piece on
        which the neuron is dead.

    Notes
    -----
    O(log s) for each x; `slice(x, nu)` is the derivative of order `nu`, up to 2.

    References
    ----------
    Sahs et al. 2022, theorem 3 and corollary 2, as functions of the knot. Jointly with the delta-slope the loss is a
    polynomial of degree 4, not quadratic as printed.

    Examples
    --------
    >>> import knotflow as kf
    >>> net, data = kf.ReLUNet([1], [0.3], [1]), kf.Samples([-1, 0, 1], [0, -1, 1])
    >>> cut = kf.landscape.loss_slice(net, data, 0)
    >>> cut
    LossSlice(neuron 0, knot at 0.3, 1 minima)
    >>> cut([-1.0, 0.0, 0.3]).tolist(), round(float(net.loss(data)), 3)
    ([2.5, 0.5, 0.545], 0.545)
    >>> cut([0.3], nu=1).round(3), cut.derivative()([0.3]).round(3)
    (array([0.3]), array([0.3]))
    """

    neuron: int
    delta_slope: float
    orientation: int
    position: float
    knots: Array
    values: Array
    left: Array
    right: Array
    curvatures: Array

    def __repr__(self) -> str:
        return f"LossSlice(neuron {self.neuron}, knot at {self.position:.6g}, {len(self.minima.x)} minima)"

    def __call__(self, x: ArrayLike, nu: int = 0) -> Array:
        """L with the knot at x, or its derivative of order `nu` <= 2, in the shape of x; at a sample, from the right.

        Raises InputError for an x that is not finite, and unless 0 <= nu <= 2.
        """
        x, nu = numbers("x", x), count("nu", nu, most=2)
        piece = np.searchsorted(self.knots, x, side="right")
        anchor = np.maximum(piece - 1, 0)
        curvature = self.curvatures[piece]
        if nu == 2:
            return curvature[()]
        slope = np.where(piece == 0, self.left[anchor], self.right[anchor])
        step = x - self.knots[anchor]
        if nu == 1:
            return in_range("x", x, lambda: slope + curvature * step)[()]
        return in_range("x", x, lambda: self.values[anchor] + step * (slope + 0.5 * curvature * step))[()]

    def derivative(self, nu: int = 1) -> Derivative:
        """The derivative of order `nu` as a function of the knot. Its values alone are `slice(x, nu)`."""
        return derivative(self, nu)

    @property
    def vertices(self) -> Array:
        """(s + 1,) where the parabola of each piece has its minimum, inside the piece or not; NaN if it is flat."""
        anchor, slope = self.knots[[0, *range(len(self.knots))]], np.concatenate([self.left[:1], self.right])
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.curvatures > 0, anchor - slope / self.curvatures, np.nan)

    @property
    def types(self) -> NDArray[np.str_]:
        """(s,) the type of each sample for this knot: see `knot_types`."""
        return side_types(-self.left, -self.right, (self.curvatures[:-1] > 0) & (self.curvatures[1:] > 0))

    @property
    def minima(self) -> Minima:
        """Local minima: vertices inside their own piece, and kinks; none if L is constant.

        Where L is constant beyond the outermost sample and lower than beside it, the minimum is the edge of that
        plateau.
        """
        vertices = self.vertices
        ends = np.concatenate([[-np.inf], self.knots, [np.inf]])
        inside = vertices[(vertices > ends[:-1]) & (vertices < ends[1:])]
        rises = (self.left < 0) | (self.right > 0) | (self.curvatures[:-1] > 0) | (self.curvatures[1:] > 0)
        kinks = self.knots[(self.left <= 0) & (self.right >= 0) & rises]
        x = np.sort(np.concatenate([inside, kinks]))
        return Minima(x, np.atleast_1d(self(x)))

    @property
    def minimum(self) -> float:
        """The smallest loss on the slice."""
        return float(min(np.min(self.values), np.min(self.minima.loss, initial=np.inf)))


@checked
def loss_slice(net: ReLUNet, data: Samples, i: SupportsIndex) -> LossSlice:
    """L as the knot of neuron i moves (b_i = a_i x) and all else is held, exactly.

    Parameters
    ----------
    net : ReLUNet
        The network.
    data : Samples
        s distinct x.
    i : int
        The number of a neuron that has a knot.

    Returns
    -------
    LossSlice
        A function of the knot's position, with its minima and its pieces.

    Raises
    ------
    InputError
        If there is no neuron i, or it has no knot.

    Notes
    -----
    O(m log s + s). Moving the knot by (w (1 + d), v / (1 + d)) as in corollary 2 (ii) gives the same function of the
    knot.

    References
    ----------
    Sahs et al. 2022, theorem 3.

    Examples
    --------
    >>> import knotflow as kf
    >>> net, data = kf.ReLUNet([1, -1], [0.3, 0.4], [1, 2]), kf.Samples([-1, 0, 1], [0, -1, 1])
    >>> kf.landscape.loss_slice(net, data, 0).minima.x.round(4)
    array([0.])
    """
    i = neuron_index(net, i)
    points, mu = data.distinct, float(net.delta_slopes[i])
    x, w = points.x, points.weight
    own = net.c[i] * np.maximum(net.a[i] * x - net.b[i], 0) / net.norm
    pull = -w * (residuals(net, data) - own) * mu  # what each sample adds to dL/dx when the knot has passed it
    rising = bool(net.a[i] < 0)  # pass the samples in the order in which the neuron becomes active
    order = slice(None) if rising else slice(None, None, -1)
    step = np.diff(x[order])
    curvature = mu**2 * np.cumsum(w[order])
    after = np.cumsum(pull[order]) + np.concatenate([[0.0], np.cumsum(curvature[:-1] * step)])
    size = w * sizes(net, data) * abs(mu)
    scale = np.cumsum(size[order]) + np.concatenate([[0.0], np.cumsum(curvature[:-1] * np.abs(step))])
    before, after = without_rounding(after - pull[order], scale), without_rounding(after, scale)
    dead = points.within + 0.5 * float(np.sum(w * (residuals(net, data) - own) ** 2))
    values = dead + np.concatenate([[0.0], np.cumsum(step * (after[:-1] + 0.5 * curvature[:-1] * step))])
    left, right = (before, after) if rising else (after[::-1], before[::-1])
    curvatures = np.concatenate([[0.0], curvature])[order]
    return LossSlice(i, mu, int(net.orientations[i]), float(net.knots[i]), x, values[order], left, right, curvatures)
