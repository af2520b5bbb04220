"""The loss along one knot: a continuous, piecewise quadratic function whose knots are the samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray

from knotflow._checks import numbers
from knotflow._typing import Array
from knotflow.data import Samples
from knotflow.landscape.knots import side_types
from knotflow.landscape.shared import checked, neuron_index, residuals
from knotflow.network import ReLUNet


class Minima(NamedTuple):
    """The local minima of a slice: where, and the loss there, ascending in x; equally long."""

    x: Array
    loss: Array


@dataclass(frozen=True, eq=False, repr=False)
class LossSlice:
    """L as a function of the knot of one neuron, everything else held: `slice(x)`.

    With s distinct samples there are s + 1 pieces; piece k lies between knots[k - 1] and knots[k], and on it

        L = const + 1/2 delta_slope^2 sum_{j active} w_j (x - z_j)^2,   z_j = x_j + r_j / delta_slope,

    r_j the residual without the neuron.

    neuron        its number
    delta_slope, orientation, position   what is held, and where the knot is now
    knots         (s,) the distinct samples
    values        (s,) L with the knot at each
    left, right   (s,) dL/dx on the two sides of each
    curvatures    (s + 1,) delta_slope^2 times the active weight; 0 on the outer piece where the neuron is dead

    Source: Sahs et al. 2022, theorem 3 and corollary 2, as functions of the knot (jointly with the delta-slope the
    loss is a polynomial of degree 4, not quadratic as printed).
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

    def __call__(self, x: ArrayLike) -> Array:
        """L with the knot at x, an array of any shape. O(log s) each."""
        x = numbers("x", x)
        piece, anchor = self._piece(x)
        slope = np.where(piece == 0, self.left[anchor], self.right[anchor])
        step = x - self.knots[anchor]
        return (self.values[anchor] + step * (slope + 0.5 * self.curvatures[piece] * step))[()]

    def derivative(self, x: ArrayLike) -> Array:
        """dL/dx; at a sample, that on its right."""
        x = numbers("x", x)
        piece, anchor = self._piece(x)
        slope = np.where(piece == 0, self.left[anchor], self.right[anchor])
        return (slope + self.curvatures[piece] * (x - self.knots[anchor]))[()]

    def _piece(self, x: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        piece = np.searchsorted(self.knots, x, side="right")
        return piece, np.maximum(piece - 1, 0)

    @property
    def vertices(self) -> Array:
        """(s + 1,) where the parabola of each piece has its minimum, inside the piece or not; NaN if it is flat."""
        anchor, slope = self.knots[[0, *range(len(self.knots))]], np.concatenate([self.left[:1], self.right])
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.curvatures > 0, anchor - slope / self.curvatures, np.nan)

    @property
    def types(self) -> NDArray[np.str_]:
        """(s,) what each sample is to this knot: see `knot_types`."""
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
        kinks = self.knots[(self.left <= 0) & (self.right >= 0) & ((self.left < 0) | (self.right > 0))]
        x = np.sort(np.concatenate([inside, kinks]))
        return Minima(x, np.atleast_1d(self(x)))

    @property
    def minimum(self) -> float:
        """The smallest loss on the slice."""
        return float(min(np.min(self.values), np.min(self.minima.loss, initial=np.inf)))


@checked
def loss_slice(net: ReLUNet, data: Samples, i: SupportsIndex) -> LossSlice:
    """L as the knot of neuron i moves (b_i = a_i x) and all else is held, exactly. O(m log s + s).

    Moving the knot by (w (1 + d), v / (1 + d)) as in corollary 2 (ii) gives the same function of the knot.
    Source: Sahs et al. 2022, theorem 3. Raises InputError if there is no neuron i, or it has no knot.
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
    before = after - pull[order]
    dead = points.within + 0.5 * float(np.sum(w * (residuals(net, data) - own) ** 2))
    values = dead + np.concatenate([[0.0], np.cumsum(step * (after[:-1] + 0.5 * curvature[:-1] * step))])
    left, right = (before, after) if rising else (after[::-1], before[::-1])
    curvatures = np.concatenate([[0.0], curvature])[order]
    return LossSlice(i, mu, int(net.orientations[i]), float(net.knots[i]), x, values[order], left, right, curvatures)
