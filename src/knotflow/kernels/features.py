"""Minimum-norm solutions at finite width: what training c alone ends at, whatever the features."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from knotflow._checks import freeze, in_range, numbers, per_neuron, vector
from knotflow._typing import Array
from knotflow._values import derived, immutable
from knotflow.data import Samples
from knotflow.data.samples import given
from knotflow.errors import InputError
from knotflow.network import ReLUNet
from knotflow.network.subject import network_of

__all__ = ["FeatureMap", "features", "minimum_norm"]


@dataclass(frozen=True, eq=False, repr=False)
@immutable
class FeatureMap:
    """Phi, the matrix of a linear model f = Phi mu on s samples with m features, and its spaces.

    Parameters
    ----------
    matrix : (s, m) array_like
        Phi.

    Attributes
    ----------
    matrix : (s, m) ndarray
        Phi, read-only.
    rank : int
        Its rank: singular values up to max(s, m) * 2.2e-16 of the largest count as 0.
    range : (s, rank) ndarray
        Orthonormal: what mu can reach, the y that can be interpolated.
    row_space : (m, rank) ndarray
        Orthonormal: where the gradient flow moves mu.
    null_space : (m, m - rank) ndarray
        Orthonormal: what no sample sees, and no training changes.

    Raises
    ------
    InputError
        For a matrix of another shape, and for entries that are not finite.

    Notes
    -----
    O(s m min(s, m)) once.

    Examples
    --------
    >>> import knotflow as kf
    >>> phi = kf.kernels.FeatureMap([[1, 0, 1], [0, 1, 1]])
    >>> phi, phi.rank
    (FeatureMap(2 samples, 3 features), 2)
    >>> phi.least_norm([3, 0]).round(3)
    array([ 2., -1.,  1.])
    """

    matrix: Array

    def __post_init__(self) -> None:
        matrix = numbers("matrix", self.matrix)
        if matrix.ndim != 2 or 0 in matrix.shape:
            raise InputError(f"matrix has shape {matrix.shape}: it must have two axes, samples and features")
        matrix.setflags(write=False)
        freeze(self, matrix=matrix)

    def __repr__(self) -> str:
        return f"FeatureMap({self.matrix.shape[0]} samples, {self.matrix.shape[1]} features)"

    @derived
    def _svd(self) -> tuple[Array, Array, Array]:
        left, sizes, right = np.linalg.svd(self.matrix, full_matrices=False)
        kept = sizes > max(self.matrix.shape) * np.finfo(float).eps * sizes[0]
        return left[:, kept], sizes[kept], right[kept].T

    @property
    def rank(self) -> int:
        """The number of singular values that are not 0."""
        return len(self._svd[1])

    @property
    def range(self) -> Array:
        """(s, rank) orthonormal: the y that can be interpolated."""
        return self._svd[0]

    @property
    def row_space(self) -> Array:
        """(m, rank) orthonormal: where the gradient flow moves mu."""
        return self._svd[2]

    @property
    def null_space(self) -> Array:
        """(m, m - rank) orthonormal: what no training changes."""
        full = np.linalg.svd(self.matrix, full_matrices=True)[2]
        return full[self.rank :].T

    def least_norm(self, y: ArrayLike, start: ArrayLike = 0.0, d: ArrayLike = 1.0) -> Array:
        """Where mu' = diag(d) Phi^T (y - Phi mu) ends from mu = start: of all mu of least error, the nearest one.

            argmin sum_i (mu_i - start_i)^2 / d_i   over the mu of least |y - Phi mu|

        = start + D^(1/2) (Phi D^(1/2))^+ (y - Phi start), for any Phi: singular, and with y out of reach, too.

        Parameters
        ----------
        y : (s,) array_like
            The values to fit.
        start : float or (m,) array_like
            Where the flow starts.
        d : float or (m,) array_like
            The metric of the flow, > 0.

        Returns
        -------
        (m,) ndarray
            mu at the end.

        Raises
        ------
        InputError
            Unless every d > 0, and for other shapes.

        Notes
        -----
        O(s m min(s, m)).

        References
        ----------
        Sahs et al. 2022, Theorem 7, for any start and metric.
        """
        s, m = self.matrix.shape
        y, start, d = vector("y", y, s, "matrix"), per_neuron("start", start, m), per_neuron("d", d, m)
        if np.any(d <= 0):
            raise InputError(f"d[{int(np.argmax(d <= 0))}] is {d[np.argmax(d <= 0)]:g}: it must be > 0")
        root = np.sqrt(d)
        scaled = self if np.all(d == 1) else FeatureMap(self.matrix * root)
        left, sizes, right = scaled._svd  # noqa: SLF001  (another one of this class)
        given = np.append(y, start)
        return in_range(
            "y or start", given, lambda: start + root * (right @ ((left.T @ (y - self.matrix @ start)) / sizes))
        )


def features(net: ReLUNet, x: ArrayLike) -> FeatureMap:
    """The features of a network on the points x: Phi_ji = (a_i x_j - b_i)_+ / norm, so that f - bias = Phi c.

    Parameters
    ----------
    net : ReLUNet
        m neurons; its c does not matter.
    x : (s,) array_like
        Points.

    Returns
    -------
    FeatureMap
        The (s, m) matrix and its spaces.

    Raises
    ------
    InputError
        If `net` is no ReLUNet, and unless x is one-dimensional and finite.

    Notes
    -----
    O(s m).

    References
    ----------
    Sahs et al. 2022, section 2.4.

    Examples
    --------
    >>> import knotflow as kf
    >>> net = kf.ReLUNet([1, -1], [0, 1], [1, 1])
    >>> kf.kernels.features(net, [-2, 0, 3]).matrix
    array([[0., 1.],
           [0., 0.],
           [3., 0.]])
    """
    net, x = network_of(net), vector("x", x)
    values = in_range("x", x, lambda: np.maximum(np.multiply.outer(x, net.a) - net.b, 0.0) / net.norm)
    return FeatureMap(values)


def minimum_norm(net: ReLUNet, data: Samples, d: ArrayLike | None = None) -> ReLUNet:
    """The network that training c alone ends at: of all c of least loss, the one nearest to that of `net`.

    Parameters
    ----------
    net : ReLUNet
        m neurons; the start.
    data : Samples
        s distinct x.
    d : float or (m,) array_like, optional
        None is the metric of training c, sum_i (c_i - c_i(0))^2. Else the metric of a flow of the delta-slopes
        mu_i = c_i a_i / norm, mu' = -diag(d) dL/dmu, which ends where sum_i (mu_i - mu_i(0))^2 / d_i is least. d = 1 is
        the flow of the second paper, and d = a^2 / norm^2 is None.

    Returns
    -------
    ReLUNet
        `net` with other c.

    Raises
    ------
    InputError
        If `data` is not Samples, d is given and some a = 0, or some d is not > 0.

    Notes
    -----
    O(s m min(s, m)). It works for samples that the features cannot fit, too, and for fewer neurons than samples. As
    the width grows it approaches `interpolate(rf(init), data)`, at the distance O(1/sqrt m) for a random start with
    c = 0.

    References
    ----------
    Sahs et al. 2022, Theorem 7; Williams et al. 2019, eq. (15).

    Examples
    --------
    >>> import knotflow as kf
    >>> data = kf.Samples([-1, 0, 1], [0, -1, 1])
    >>> net = kf.ReLUNet([1, 1, 1, -1], [-2, -0.5, 0.5, 0.4], [0, 0, 0, 0])
    >>> kf.kernels.minimum_norm(net, data)([-1, 0, 1]).round(9) + 0.0
    array([ 0., -1.,  1.])
    """
    net = network_of(net)
    points = given(data).distinct
    root = np.sqrt(points.weight)
    phi = features(net, points.x).matrix
    target = root * (points.y - net.bias)
    if d is None:
        return net.replace(c=FeatureMap(root[:, None] * phi).least_norm(target, net.c))
    if np.any(net.a == 0):
        i = int(np.argmin(np.abs(net.a)))
        raise InputError(f"a[{i}] is 0: it must not be 0 with d given, as a neuron without a knot has no delta-slope")
    scale = net.a / net.norm  # mu = scale c
    mu = FeatureMap(root[:, None] * phi / scale).least_norm(target, net.delta_slopes, d)
    return net.replace(c=mu / scale)
