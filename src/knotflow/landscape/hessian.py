"""The Hessian of the loss: the whole matrix, and its product with a vector in O(m + s)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import ArrayLike

from knotflow._checks import numeric
from knotflow._typing import Array, Flags
from knotflow.data import Samples
from knotflow.dynamics.tangent import PARAMETERS, trained, writable
from knotflow.errors import InputError
from knotflow.landscape.places import settled
from knotflow.network import ReLUNet
from knotflow.network.subject import active, checked, nothing_active, residuals, subject

__all__ = ["ALL", "HessianProduct", "hessian", "jacobian", "parts", "size"]

ALL = frozenset(PARAMETERS)


def parts(train: Iterable[str]) -> tuple[str, ...]:
    """The trained parameters in the order in which vectors hold them: a, b, c, bias."""
    on = trained(train)
    return tuple(name for name in PARAMETERS if name in on)


def size(names: tuple[str, ...], m: int) -> int:
    """How many numbers those parameters are."""
    return sum(1 if name == "bias" else m for name in names)


@checked
def jacobian(net: ReLUNet, data: Samples, train: Iterable[str] = ALL) -> Array:
    """Derivatives df(x_j)/dp of f at the distinct samples, columns in the order a, b, c, bias.

    With A_ij = 1 where neuron i is active at x_j, the columns of neuron i are c_i x_j A_ij / norm, -c_i A_ij / norm
    and (a_i x_j - b_i) A_ij / norm; that of the bias is 1.

    Parameters
    ----------
    net : ReLUNet
        m neurons.
    data : Samples
        s distinct x.
    train : iterable of str
        The parameters that have columns, all four of {"a", "b", "c", "bias"} by default.

    Returns
    -------
    (s, P) ndarray
        P = 3m + 1 by default.

    Raises
    ------
    InputError
        For an unknown name in `train`, and if no neuron is active at a sample.

    Notes
    -----
    O(m s).

    References
    ----------
    Sahs et al. 2022, the set B of theorem 5.

    Examples
    --------
    >>> import knotflow as kf
    >>> net, data = kf.ReLUNet([1], [0.5], [2]), kf.Samples([-1, 0, 1], [0, -1, 1])
    >>> kf.landscape.jacobian(net, data) + 0.0
    array([[ 0. ,  0. ,  0. ,  1. ],
           [ 0. ,  0. ,  0. ,  1. ],
           [ 2. , -2. ,  0.5,  1. ]])
    """
    net = settled(net, data)
    return _jacobian(net, data, parts(train), active(net, data))


def _jacobian(net: ReLUNet, data: Samples, names: tuple[str, ...], on: Flags) -> Array:
    x, scaled = data.distinct.x, on.T / net.norm
    columns: dict[str, Callable[[], Array]] = {
        "a": lambda: scaled * x[:, None] * net.c,
        "b": lambda: -scaled * net.c,
        "c": lambda: scaled * (np.multiply.outer(x, net.a) - net.b),
        "bias": lambda: np.ones((len(x), 1)),
    }
    return np.hstack([columns[name]() for name in names])


@checked
def hessian(net: ReLUNet, data: Samples, train: Iterable[str] = ALL) -> Array:
    """Second derivatives of L at any network, rows and columns in the order a, b, c, bias.

    H = J^T W J + sum_j w_j r_j d2f(x_j), J the `jacobian`. f has second derivatives only within a neuron: with
    Q0 = sum w_j r_j / norm and Q1 = sum w_j r_j x_j / norm over its active samples, the second term is Q1 at (a, c)
    and -Q0 at (b, c).

    Parameters
    ----------
    net : ReLUNet
        m neurons.
    data : Samples
        s distinct x.
    train : iterable of str
        The parameters that count, all four of {"a", "b", "c", "bias"} by default: L is a function of all of them,
        whichever a method trains.

    Returns
    -------
    (P, P) ndarray
        P = 3m + 1 by default.

    Raises
    ------
    InputError
        For an unknown name in `train`, and if no neuron is active at a sample.

    Notes
    -----
    O(m^2 s). The Hessian is positive semi-definite at critical points with every c_i != 0, where Q0 = Q1 = 0, and
    never definite: rescaling a neuron leaves f as it is. The loss has a kink where a knot is at a sample (up to
    rounding); there this is the Hessian on the side on which the neuron is not active at it.

    References
    ----------
    Sahs et al. 2022, theorem 5, with what it says of critical points corrected.

    Examples
    --------
    >>> import knotflow as kf
    >>> net, data = kf.ReLUNet([1], [0.5], [2]), kf.Samples([-1, 0, 1], [0, -1, 1])
    >>> kf.landscape.hessian(net, data)
    array([[ 4.  , -4.  ,  1.  ,  2.  ],
           [-4.  ,  4.  , -1.  , -2.  ],
           [ 1.  , -1.  ,  0.25,  0.5 ],
           [ 2.  , -2.  ,  0.5 ,  3.  ]])
    """
    net = settled(net, data)
    names, m, on = parts(train), len(net), active(net, data)
    scaled = _jacobian(net, data, names, on) * np.sqrt(data.distinct.weight)[:, None]
    matrix = scaled.T @ scaled
    if "c" in names:
        pull = data.distinct.weight * residuals(net, data) / net.norm
        place = {name: k * m + np.arange(m) for k, name in enumerate(names)}
        for name, cross in (("a", on @ (pull * data.distinct.x)), ("b", -(on @ pull))):
            if name in names:
                matrix[place[name], place["c"]] += cross
                matrix[place["c"], place[name]] += cross
    return matrix


class HessianProduct:
    """The Hessian as an operator: `HessianProduct(net, data) @ v` is `hessian(net, data) @ v` in O(m + s).

    Parameters
    ----------
    net : ReLUNet
        m neurons.
    data : Samples
        s distinct x.
    train : iterable of str
        The parameters that count, all four of {"a", "b", "c", "bias"} by default.

    Attributes
    ----------
    shape : (int, int)
        (P, P). Vectors are ordered as in `hessian`.

    Raises
    ------
    InputError
        For an unknown name in `train`, a vector of another shape, and if no neuron is active at a sample.

    Notes
    -----
    Made in O(m log s + s). The derivative of f along v at the samples needs two sums per arc; its product with the
    transposed Jacobian needs two more, as the gradient does.

    Examples
    --------
    >>> import knotflow as kf
    >>> net, data = kf.ReLUNet([1], [0.5], [2]), kf.Samples([-1, 0, 1], [0, -1, 1])
    >>> product = kf.landscape.HessianProduct(net, data)
    >>> product
    HessianProduct(4 x 4)
    >>> product @ [1, 0, 0, 0]
    array([ 4., -4.,  1.,  2.])
    """

    def __init__(self, net: ReLUNet, data: Samples, train: Iterable[str] = ALL) -> None:
        from knotflow.engine import arcs, sums  # loaded here: the matrix needs no compiled code
        from knotflow.landscape import hessian_product

        data = subject(net, data)
        net = settled(net, data)
        names, m = parts(train), len(net)
        self.shape = (size(names, m),) * 2
        self._chosen = None if len(names) == 4 else np.repeat([p in names for p in PARAMETERS], [m, m, m, 1])
        x, weight = writable(data.distinct.x, data.distinct.weight)
        a, b, c = writable(net.a, net.b, net.c)
        arc = np.empty(len(net), np.int32)
        arcs.find_arcs(a, b, x, arc)
        if not arc.any():
            raise nothing_active(data)
        self._problem = hessian_product.Problem(a, b, c, 2 * arc.astype(np.int64), x, weight, 1 / net.norm)
        q0, q1 = np.empty(2 * len(x)), np.empty(2 * len(x))
        sums.arc_sums(weight * residuals(net, data), x, 1 / net.norm, q0, q1)
        self._pulls = np.stack([q0, q1], axis=1).ravel()

    def __matmul__(self, v: ArrayLike) -> Array:
        from knotflow.landscape import hessian_product

        given = numeric("v", v)
        if given.shape not in ((self.shape[1],), (self.shape[1], 1)):
            raise InputError(f"v has shape {given.shape}: it must be ({self.shape[1]},), one number per parameter")
        full = self._scattered(given.ravel())
        out = np.empty(len(full))
        hessian_product.multiply(self._problem, self._pulls, full, out)
        return (out if self._chosen is None else out[self._chosen]).reshape(given.shape)

    def __repr__(self) -> str:
        return f"HessianProduct({self.shape[0]} x {self.shape[1]})"

    def _scattered(self, v: Array) -> Array:
        """v with zeros for what is not trained; writable, for which the kernel is compiled."""
        if self._chosen is None:
            return np.require(v, np.float64, ["C", "W"])
        full = np.zeros(len(self._chosen))
        full[self._chosen] = v
        return full
