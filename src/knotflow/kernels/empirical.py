"""The kernels of one network: of finite width, as it stands."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from knotflow._checks import freeze, in_range, vector
from knotflow._typing import Array
from knotflow._values import immutable
from knotflow.dynamics.tangent import DEFAULT_TRAIN, TangentKernel, trained
from knotflow.errors import InputError
from knotflow.kernels.limit import Terms, pairs
from knotflow.network import ReLUNet

if TYPE_CHECKING:
    from scipy.sparse.linalg import LinearOperator

__all__ = ["EmpiricalKernel", "empirical_ntk", "empirical_rf"]


@dataclass(frozen=True, repr=False)
@immutable
class EmpiricalKernel:
    """K(x, x') = sum over the trained parameters z of (df(x)/dz) (df(x')/dz), of one network.

        K = 1/norm^2 sum_i 1_i(x) 1_i(x') [(a_i x - b_i)(a_i x' - b_i) + c_i^2 (1 + x x')]   (+ 1 if bias is trained)

    Activity is strict: a_i x > b_i.

    Parameters
    ----------
    net : ReLUNet
        m neurons.
    train : iterable of str
        The trained parameters, {"a", "b", "c"} by default as for the methods of `evolve`.

    Raises
    ------
    InputError
        If `net` is no ReLUNet, and for an unknown name in `train`.

    Notes
    -----
    Called as the limits are: kernel(x, x2) has all pairs. O(m log n + n n2) for n distinct x. `operator(x)` multiplies
    by the Gram matrix in O(n) once it is set up, in O(m log n). 1/norm^2 is in it, so that its time is that of the
    gradient flow, t = lr * steps.

    References
    ----------
    Williams et al. 2019, eq. (3) and arXiv eq. (27).

    Examples
    --------
    >>> import knotflow as kf
    >>> kernel = kf.kernels.EmpiricalKernel(kf.ReLUNet([1, -1], [0, 1], [1, 2]))
    >>> kernel
    EmpiricalKernel(2 neurons; train a, b, c)
    >>> kernel([1, 2], [1, -2])
    array([[3., 0.],
           [5., 0.]])
    """

    net: ReLUNet
    train: frozenset[str] = DEFAULT_TRAIN

    def __post_init__(self) -> None:
        if not isinstance(self.net, ReLUNet):
            raise InputError(f"net is of type {type(self.net).__name__}: it must be a ReLUNet")
        freeze(self, train=trained(self.train))

    def __repr__(self) -> str:
        return f"EmpiricalKernel({len(self.net)} neurons; train {', '.join(sorted(self.train))})"

    def __call__(self, x: ArrayLike, x2: ArrayLike | None = None) -> Array:
        """K(x, x2) of all pairs, in the shape x.shape + x2.shape; arrays of two or more axes broadcast."""
        x, x2 = pairs(x, x2)
        points = np.unique(np.concatenate([x.ravel(), x2.ravel()]))
        if points.size == 0:
            return np.zeros(np.broadcast_shapes(x.shape, x2.shape))
        kernel = TangentKernel(self.net, points, self.train)
        place, place2 = np.searchsorted(points, x), np.searchsorted(points, x2)
        first, mixed, second = kernel.both_active(np.minimum(place, place2), np.maximum(place, place2))
        return in_range("x", points, lambda: first * (x * x2) + mixed * (x + x2) + second + kernel.bias)[()]

    def terms(self, x: ArrayLike, x2: ArrayLike | None = None) -> Terms:
        """The parts of K(x, x2) that belong to a, to b and to c, whatever is trained."""
        return Terms(*(EmpiricalKernel(self.net, frozenset(name))(x, x2) for name in "abc"))

    def operator(self, x: ArrayLike) -> LinearOperator:
        """The Gram matrix of x, (n,) in any order and with repeats, as a SciPy LinearOperator. O(n) per product."""
        from scipy.sparse.linalg import LinearOperator  # loaded here: matrices need no SciPy

        x = vector("x", x)
        if x.size == 0:
            raise InputError("x is empty: it must hold at least one point")
        points, place = np.unique(x, return_inverse=True)
        kernel = TangentKernel(self.net, points, self.train)
        if np.array_equal(points, x):

            def product(v: Array) -> Array:
                return kernel @ v.ravel()
        else:

            def product(v: Array) -> Array:
                return (kernel @ np.bincount(place, np.asarray(v, float).ravel(), points.size).astype(float))[place]

        return LinearOperator((x.size, x.size), matvec=product, rmatvec=product, dtype=np.float64)


def empirical_ntk(net: ReLUNet, train: Iterable[str] = DEFAULT_TRAIN) -> EmpiricalKernel:
    """The tangent kernel of one network, of the parameters in `train`.

    Parameters
    ----------
    net : ReLUNet
        m neurons.
    train : iterable of str
        The trained parameters, {"a", "b", "c"} by default as for the methods of `evolve`.

    Returns
    -------
    EmpiricalKernel
        A callable: kernel(x, x2) has all pairs.

    Raises
    ------
    InputError
        If `net` is no ReLUNet, and for an unknown name in `train`.

    Notes
    -----
    O(m log n + n n2) for n distinct x. As m grows it approaches m / norm^2 times `ntk` of the initialiser.

    References
    ----------
    Williams et al. 2019, eq. (3) and arXiv eq. (27).

    Examples
    --------
    >>> import knotflow as kf
    >>> net = kf.ReLUNet([1, -1], [0, 1], [1, 2])
    >>> kf.kernels.empirical_ntk(net)([1, 2])
    array([[3., 5.],
           [5., 9.]])
    >>> kf.kernels.empirical_ntk(net, {"c", "bias"})([1, 2])
    array([[2., 3.],
           [3., 5.]])
    """
    return EmpiricalKernel(net, trained(train))


def empirical_rf(net: ReLUNet) -> EmpiricalKernel:
    """The random-feature kernel of one network: its tangent kernel for c alone.

    Parameters
    ----------
    net : ReLUNet
        m neurons; its c does not matter.

    Returns
    -------
    EmpiricalKernel
        A callable: kernel(x, x2) has all pairs.

    Raises
    ------
    InputError
        If `net` is no ReLUNet.

    Notes
    -----
    O(m log n + n n2) for n distinct x. As m grows it approaches m / norm^2 times `rf` of the initialiser.

    References
    ----------
    Williams et al. 2019, arXiv eq. (23).

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.kernels.empirical_rf(kf.ReLUNet([1, -1], [0, 1], [1, 2]))([1, 2])
    array([[1., 2.],
           [2., 4.]])
    """
    return EmpiricalKernel(net, frozenset({"c"}))
