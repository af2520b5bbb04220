"""The kernels of one network: of finite width, as it stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from knotflow._checks import freeze, numbers
from knotflow.dynamics.tangent import DEFAULT_TRAIN, TangentKernel, trained
from knotflow.errors import InputError
from knotflow.kernels.limit import Terms, pairs
from knotflow.network import ReLUNet

if TYPE_CHECKING:
    from scipy.sparse.linalg import LinearOperator

Array = NDArray[np.float64]


@dataclass(frozen=True)
class EmpiricalKernel:
    """K(x, x') = sum over the trained parameters of (df(x)/dz) (df(x')/dz), of one network.

        K = 1/norm^2 sum_i 1_i(x) 1_i(x') [(a_i x - b_i)(a_i x' - b_i) + c_i^2 (1 + x x')]   (+ 1 if bias is trained)

    Called as the limits are: kernel(x, x2) has all pairs. O(m log n + n n2) for n distinct x. `operator(x)` multiplies
    by the Gram matrix in O(n) once it is set up, in O(m log n). Activity is strict: a_i x > b_i. 1/norm^2 is in it, so
    that its time is that of the gradient flow, t = lr * steps.

    Source: Williams et al. 2019, eq. (3) and arXiv eq. (27).
    """

    net: ReLUNet
    train: frozenset[str] = DEFAULT_TRAIN

    def __post_init__(self) -> None:
        if not isinstance(self.net, ReLUNet):
            raise InputError(f"net is of type {type(self.net).__name__}: it must be a ReLUNet")
        freeze(self, train=trained(self.train))

    def __call__(self, x: ArrayLike, x2: ArrayLike | None = None) -> Array:
        x, x2 = pairs(x, x2)
        points = np.unique(np.concatenate([x.ravel(), x2.ravel()]))
        if points.size == 0:
            return np.zeros(np.broadcast_shapes(x.shape, x2.shape))
        kernel = TangentKernel(self.net, points, self.train)
        place, place2 = np.searchsorted(points, x), np.searchsorted(points, x2)
        first, mixed, second = kernel.both_active(np.minimum(place, place2), np.maximum(place, place2))
        return (first * (x * x2) + mixed * (x + x2) + second + kernel.bias)[()]

    def terms(self, x: ArrayLike, x2: ArrayLike | None = None) -> Terms:
        """The parts that belong to a, to b and to c, whatever is trained."""
        return Terms(*(EmpiricalKernel(self.net, frozenset(name))(x, x2) for name in "abc"))

    def operator(self, x: ArrayLike) -> LinearOperator:
        """The Gram matrix of x, (n,) in any order and with repeats, as a SciPy LinearOperator. O(n) per product."""
        from scipy.sparse.linalg import LinearOperator

        x = numbers("x", x)
        if x.ndim != 1 or x.size == 0:
            raise InputError(f"x has shape {x.shape}: it must be one-dimensional and not empty")
        points, place = np.unique(x, return_inverse=True)
        kernel = TangentKernel(self.net, points, self.train)
        if np.array_equal(points, x):
            return LinearOperator((x.size, x.size), matvec=lambda v: kernel @ v.ravel(),
                                  rmatvec=lambda v: kernel @ v.ravel(), dtype=np.float64)  # fmt: skip

        def product(v: Array) -> Array:
            return (kernel @ np.bincount(place, np.asarray(v, float).ravel(), points.size).astype(float))[place]

        return LinearOperator((x.size, x.size), matvec=product, rmatvec=product, dtype=np.float64)


def empirical_ntk(net: ReLUNet, train: Iterable[str] = DEFAULT_TRAIN) -> EmpiricalKernel:
    """The tangent kernel of a network, of the parameters in ``train``: see `EmpiricalKernel`."""
    return EmpiricalKernel(net, trained(train))


def empirical_rf(net: ReLUNet) -> EmpiricalKernel:
    """The random-feature kernel of a network, its tangent kernel for c alone: see `EmpiricalKernel`."""
    return EmpiricalKernel(net, frozenset({"c"}))
