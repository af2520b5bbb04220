"""The Hessian of the loss: the whole matrix, and its product with a vector in O(m + s)."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike

from knotflow._typing import Array
from knotflow.dynamics.checks import subject
from knotflow.dynamics.tangent import PARAMETERS, writable
from knotflow.errors import InputError
from knotflow.landscape.shared import ALL, Flags, active, checked, nothing_active, parts, residuals, size
from knotflow.network import ReLUNet
from knotflow.samples import Samples


@checked
def jacobian(net: ReLUNet, data: Samples, train: Iterable[str] = ALL) -> Array:
    """(s, P) df(x_j)/dp at the distinct samples, columns in the order a, b, c, bias. O(m s).

    With A_ij = 1 where neuron i is active at x_j, in the columns of neuron i: c_i x_j A_ij / norm, -c_i A_ij / norm
    and (a_i x_j - b_i) A_ij / norm; 1 for the bias. Source: Sahs et al. 2022, the set B of theorem 5.
    """
    return _jacobian(net, data, parts(train), active(net, data))


def _jacobian(net: ReLUNet, data: Samples, names: tuple[str, ...], on: Flags) -> Array:
    x, scaled = data.distinct.x, on.T / net.norm
    columns = {
        "a": lambda: scaled * x[:, None] * net.c,
        "b": lambda: -scaled * net.c,
        "c": lambda: scaled * (np.multiply.outer(x, net.a) - net.b),
        "bias": lambda: np.ones((len(x), 1)),
    }
    return np.hstack([columns[name]() for name in names])


@checked
def hessian(net: ReLUNet, data: Samples, train: Iterable[str] = ALL) -> Array:
    """(P, P) second derivatives of L, at any network, rows in the order a, b, c, bias: P = 3m + 1. O(m^2 s).

    H = J^T W J + sum_j w_j r_j d2f(x_j), J the `jacobian`. f has second derivatives only within a neuron: with
    Q0 = sum w_j r_j / norm and Q1 = sum w_j r_j x_j / norm over its active samples, the second term is Q1 at (a, c)
    and -Q0 at (b, c).

    It is positive semi-definite at critical points with every c_i != 0, where Q0 = Q1 = 0, and never definite
    (rescaling a neuron leaves f as it is). The loss has a kink where a knot is at a sample: there this is the
    Hessian on the side on which the neuron is not active at it.

    train   the parameters that count, {"a", "b", "c", "bias"} by default
    Source: Sahs et al. 2022, theorem 5, with what it says of critical points mended.
    Raises InputError for an unknown name in `train`, and if no neuron is active at a sample.
    """
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

    Made in O(m log s + s); `shape` is (P, P), and vectors are ordered as in `hessian`. The derivative of f along v
    at the samples needs two sums per arc; its product with the transposed Jacobian two more, as the gradient does.

    Raises InputError for an unknown name in `train`, a vector of another shape, and if no neuron is active at a
    sample.
    """

    def __init__(self, net: ReLUNet, data: Samples, train: Iterable[str] = ALL) -> None:
        from knotflow.engine import arcs, sums
        from knotflow.landscape import product

        subject(net, data)
        names, m = parts(train), len(net)
        self.shape = (size(names, m),) * 2
        self._chosen = None if len(names) == 4 else np.repeat([p in names for p in PARAMETERS], [m, m, m, 1])
        x, weight = writable(data.distinct.x, data.distinct.weight)
        a, b, c = writable(net.a, net.b, net.c)
        arc = np.empty(len(net), np.int32)
        arcs.find_arcs(a, b, x, arc)
        if not arc.any():
            raise nothing_active(data)
        self._problem = product.Problem(a, b, c, 2 * arc.astype(np.int64), x, weight, 1 / net.norm)
        q0, q1 = np.empty(2 * len(x)), np.empty(2 * len(x))
        sums.arc_sums(weight * residuals(net, data), x, 1 / net.norm, q0, q1)
        self._pulls = np.stack([q0, q1], axis=1).ravel()

    def __matmul__(self, v: ArrayLike) -> Array:
        from knotflow.landscape import product

        given = np.asarray(v)
        if given.shape not in ((self.shape[1],), (self.shape[1], 1)):
            raise InputError(f"v has shape {given.shape}: it must be ({self.shape[1]},), one number per parameter")
        full = self._scattered(given.ravel())
        out = np.empty(len(full))
        product.multiply(self._problem, self._pulls, full, out)
        return (out if self._chosen is None else out[self._chosen]).reshape(given.shape)

    def _scattered(self, v: Array) -> Array:
        """v with zeros for what is not trained; writable, for which the kernel is compiled."""
        if self._chosen is None:
            return np.require(v, np.float64, ["C", "W"])
        full = np.zeros(len(self._chosen))
        full[self._chosen] = v
        return full
