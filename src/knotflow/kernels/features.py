"""Minimum-norm solutions at finite width: what training c alone ends at, whatever the features."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from knotflow._checks import freeze, numbers, per_neuron, vector
from knotflow.data import Samples
from knotflow.errors import InputError
from knotflow.kernels.interpolation import points_of
from knotflow.network import ReLUNet

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FeatureMap:
    """Phi, the matrix of a linear model f = Phi mu on s samples with m features, and its spaces.

    matrix     (s, m); singular values up to max(s, m) * 2.2e-16 of the largest count as 0
    rank       of it
    range      (s, rank) orthonormal: what mu can reach, the y that can be interpolated
    row_space  (m, rank) orthonormal: where the gradient flow moves mu
    null_space (m, m - rank) orthonormal: what no sample sees, and no training changes
    """

    matrix: Array

    def __post_init__(self) -> None:
        matrix = numbers("matrix", self.matrix)
        if matrix.ndim != 2 or 0 in matrix.shape:
            raise InputError(f"matrix has shape {matrix.shape}: it must have two axes, samples and features")
        matrix.setflags(write=False)
        freeze(self, matrix=matrix)

    @cached_property
    def _svd(self) -> tuple[Array, Array, Array]:
        left, sizes, right = np.linalg.svd(self.matrix, full_matrices=False)
        kept = sizes > max(self.matrix.shape) * np.finfo(float).eps * sizes[0]
        return left[:, kept], sizes[kept], right[kept].T

    @property
    def rank(self) -> int:
        return len(self._svd[1])

    @property
    def range(self) -> Array:
        return self._svd[0]

    @property
    def row_space(self) -> Array:
        return self._svd[2]

    @property
    def null_space(self) -> Array:
        full = np.linalg.svd(self.matrix, full_matrices=True)[2]
        return full[self.rank :].T

    def least_norm(self, y: ArrayLike, start: ArrayLike = 0.0, d: ArrayLike = 1.0) -> Array:
        """(m,): where mu' = diag(d) Phi^T (y - Phi mu) ends from mu = start. O(s m min(s, m)).

            argmin sum_i (mu_i - start_i)^2 / d_i   over the mu of least |y - Phi mu|

        = start + D^(1/2) (Phi D^(1/2))^+ (y - Phi start), for any Phi: singular, and with y out of reach, too.

        Source: Sahs et al. 2022, Theorem 7, for any start and metric. Raises InputError unless every d > 0.
        """
        s, m = self.matrix.shape
        y, start, d = vector("y", y, s, "matrix"), per_neuron("start", start, m), per_neuron("d", d, m)
        if np.any(d <= 0):
            raise InputError(f"d[{int(np.argmax(d <= 0))}] is {d[np.argmax(d <= 0)]:g}: every d must be > 0")
        root = np.sqrt(d)
        scaled = self if np.all(d == 1) else FeatureMap(self.matrix * root)
        left, sizes, right = scaled._svd
        return start + root * (right @ ((left.T @ (y - self.matrix @ start)) / sizes))


def features(net: ReLUNet, x: ArrayLike) -> FeatureMap:
    """Phi_ji = (a_i x_j - b_i)_+ / norm: f - bias = Phi c on the samples. O(s m)."""
    x = numbers("x", x)
    if x.ndim != 1:
        raise InputError(f"x has shape {x.shape}: it must be one-dimensional")
    return FeatureMap(np.maximum(np.multiply.outer(x, net.a) - net.b, 0.0) / net.norm)


def minimum_norm(net: ReLUNet, data: Samples, d: ArrayLike | None = None) -> ReLUNet:
    """The network that training c alone ends at: of all c of least loss, the one nearest to that of `net`.

    d   None: the metric of training c, sum_i (c_i - c_i(0))^2. Or the metric of any flow of the delta-slopes mu_i =
        c_i a_i / norm, mu' = -diag(d) dL/dmu, as a number or (m,): sum_i (mu_i - mu_i(0))^2 / d_i; d = 1 is the flow
        of the second paper, and d = a^2 / norm^2 is None

    Works for samples that the features cannot fit as well, and for fewer neurons than samples. As the width grows
    it comes to `interpolate(rf(init), data)`, at the distance O(1/sqrt m) for a random start with c = 0.
    O(s m min(s, m)). Source: Sahs et al. 2022, Theorem 7; Williams et al. 2019, eq. (15).
    Raises InputError if d is given and some a = 0, or some d is not > 0.
    """
    points = points_of(data)
    root = np.sqrt(points.weight)
    phi = features(net, points.x).matrix
    target = root * (points.y - net.bias)
    if d is None:
        return net.replace(c=FeatureMap(root[:, None] * phi).least_norm(target, net.c))
    if np.any(net.a == 0):
        raise InputError(
            f"a[{int(np.argmin(np.abs(net.a)))}] is 0: a neuron without a knot has no delta-slope; leave d"
        )
    scale = net.a / net.norm  # mu = scale c
    mu = FeatureMap(root[:, None] * phi / scale).least_norm(target, net.delta_slopes, d)
    return net.replace(c=mu / scale)
