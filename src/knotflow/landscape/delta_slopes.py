"""The loss in the delta-slopes alone: a quadratic bowl with flat directions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from knotflow._typing import Array
from knotflow.data import Samples
from knotflow.landscape.shared import active, checked
from knotflow.network import ReLUNet


@dataclass(frozen=True, eq=False, repr=False)
class DeltaSlopeHessian:
    """d2L / d delta_slopes^2 = F^T W F, with knots and orientations held. It is the same everywhere.

    features      (s, m) F_ji = (x_j - knot_i)_{s_i}: how f(x_j) moves with delta_slopes_i
    eigenvalues   (r,) descending: those that are not zero, the squared singular values of W^(1/2) F
    range         (m, r) orthonormal: the directions that the samples see; the gradient is always in it

    Source: Sahs et al. 2022, section 2.4 and figure 6, whose "range of F" is its row space.
    """

    features: Array
    weight: Array
    eigenvalues: Array
    range: Array

    def __repr__(self) -> str:
        return f"DeltaSlopeHessian({self.range.shape[0]} delta-slopes, rank {self.rank})"

    @property
    def rank(self) -> int:
        """At most s."""
        return len(self.eigenvalues)

    @property
    def matrix(self) -> Array:
        """(m, m) the Hessian itself."""
        scaled = self.features * np.sqrt(self.weight)[:, None]
        return scaled.T @ scaled

    @cached_property
    def null(self) -> Array:
        """(m, m - r) orthonormal: changes of the delta-slopes that leave f at the samples as it is. O(m^2 r)."""
        return np.linalg.qr(self.range, mode="complete")[0][:, self.rank :]

    def onto_range(self, v: Array) -> Array:
        """The part of v that gradient descent can change; the rest of it is there for ever. O(m r)."""
        return self.range @ (self.range.T @ v)


@checked
def delta_slope_hessian(net: ReLUNet, data: Samples) -> DeltaSlopeHessian:
    """The Hessian of L in the delta-slopes of the neurons that have a knot (`net.bdso().live`). O(m s^2).

    Raises InputError if no neuron is active at a sample.
    """
    active(net, data)
    view, points = net.bdso(), data.distinct
    side = view.orientations.astype(float)
    features = side * np.maximum(side * np.subtract.outer(points.x, view.knots), 0)
    _, sizes, rows = np.linalg.svd(features * np.sqrt(points.weight)[:, None], full_matrices=False)
    kept = sizes > np.finfo(float).eps * max(features.shape) * np.max(sizes, initial=0.0)
    return DeltaSlopeHessian(features, points.weight, sizes[kept] ** 2, rows[kept].T)
