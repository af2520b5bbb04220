"""The loss in the delta-slopes alone: a quadratic bowl with flat directions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from knotflow._checks import numbers
from knotflow._typing import Array
from knotflow._values import derived, immutable
from knotflow.data import Samples
from knotflow.errors import InputError
from knotflow.landscape.places import placed_knots, settled
from knotflow.network import ReLUNet
from knotflow.network.subject import active, checked

__all__ = ["DeltaSlopeHessian", "delta_slope_hessian"]


@dataclass(frozen=True, eq=False, repr=False)
@immutable
class DeltaSlopeHessian:
    """d2L / d delta_slopes^2 = F^T W F, with knots and orientations held. It is the same everywhere.

    Attributes
    ----------
    features : (s, m) ndarray
        F_ji = (x_j - knot_i)_{s_i}: how f(x_j) moves with delta_slopes_i.
    weight : (s,) ndarray
        The weights W of the distinct samples.
    eigenvalues : (r,) ndarray
        Those that are not zero, descending: the squared singular values of W^(1/2) F.
    range : (m, r) ndarray
        Orthonormal: the directions that the samples see. The gradient is always in it.

    References
    ----------
    Sahs et al. 2022, section 2.4 and figure 6, whose "range of F" is its row space.

    Examples
    --------
    >>> import knotflow as kf
    >>> net, data = kf.ReLUNet([1, 1, -1], [0.5, -0.7, 0.4], [1, 1, 1]), kf.Samples([-1, 0, 1], [0, -1, 1])
    >>> bowl = kf.landscape.delta_slope_hessian(net, data)
    >>> bowl.matrix.round(2)
    array([[0.25, 0.85, 0.  ],
           [0.85, 3.38, 0.  ],
           [0.  , 0.  , 0.36]])
    >>> bowl.onto_range([1.0, 1.0, 1.0]).round(2)
    array([1., 1., 1.])
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

    @derived
    def null(self) -> Array:
        """(m, m - r) orthonormal: changes of the delta-slopes that leave f at the samples as it is. O(m^2 r)."""
        return np.linalg.qr(self.range, mode="complete")[0][:, self.rank :]

    def onto_range(self, v: ArrayLike) -> Array:
        """The part of v that gradient descent can change; the orthogonal part is conserved. O(m r)."""
        v = numbers("v", v)
        if v.ndim == 0 or len(v) != len(self.range):
            raise InputError(f"v has shape {v.shape}: it must have length {len(self.range)}, a number per delta-slope")
        return self.range @ (self.range.T @ v)


@checked
def delta_slope_hessian(net: ReLUNet, data: Samples) -> DeltaSlopeHessian:
    """The Hessian of L in the delta-slopes of the neurons that have a knot.

    Parameters
    ----------
    net : ReLUNet
        Its neurons with a knot are those of `net.bdso().live`, m in number.
    data : Samples
        s distinct x.

    Returns
    -------
    DeltaSlopeHessian
        The matrix by its features, eigenvalues and range.

    Raises
    ------
    InputError
        If no neuron is active at a sample.

    Notes
    -----
    O(m s^2).

    References
    ----------
    Sahs et al. 2022, section 2.4.

    Examples
    --------
    >>> import knotflow as kf
    >>> net, data = kf.ReLUNet([1, 1, -1], [0.5, 0.7, 0.4], [1, 1, 1]), kf.Samples([-1, 0, 1], [0, -1, 1])
    >>> kf.landscape.delta_slope_hessian(net, data)
    DeltaSlopeHessian(3 delta-slopes, rank 2)
    """
    active(settled(net, data), data)
    view, points = net.bdso(), data.distinct
    side, knots = view.orientations.astype(float), placed_knots(net, points.x)[view.live]
    features = side * np.maximum(side * np.subtract.outer(points.x, knots), 0)
    _, sizes, rows = np.linalg.svd(features * np.sqrt(points.weight)[:, None], full_matrices=False)
    kept = sizes > np.finfo(float).eps * max(features.shape) * np.max(sizes, initial=0.0)
    return DeltaSlopeHessian(features, points.weight, sizes[kept] ** 2, rows[kept].T)
