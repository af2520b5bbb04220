"""The gradient, the tangent kernel on the samples, and the largest stable learning rate; all through the arcs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from knotflow.dynamics.checks import subject
from knotflow.errors import InputError

if TYPE_CHECKING:
    from knotflow.network import ReLUNet
    from knotflow.samples import Samples

Array = NDArray[np.float64]
PARAMETERS = ("a", "b", "c", "bias")
DEFAULT_TRAIN = frozenset({"a", "b", "c"})

# Up to this many distinct samples the s x s matrix and all its eigenvalues are the quickest way to the largest one.
_DENSE = 256


class Gradient(NamedTuple):
    """dL/da, dL/db, dL/dc, each (m,), and dL/dbias; zero for what is not trained."""

    a: Array
    b: Array
    c: Array
    bias: float


def trained(train: Iterable[str]) -> frozenset[str]:
    """``train`` as a set, checked: a non-empty subset of {"a", "b", "c", "bias"}."""
    names = [train] if isinstance(train, str) or not isinstance(train, Iterable) else list(train)
    if not names or not all(name in PARAMETERS for name in names):
        was = ", ".join(sorted(map(repr, names))) or "nothing"
        raise InputError(f'train is {{{was}}}; it must be a non-empty subset of {{"a", "b", "c", "bias"}}')
    return frozenset(names)


def writable(*arrays: Array) -> list[Array]:
    """Copies that may be written to: numba compiles anew for each mixture of read-only and other arguments."""
    return [np.array(array, dtype=np.float64) for array in arrays]


def gradient(net: ReLUNet, data: Samples, train: Iterable[str] = DEFAULT_TRAIN | {"bias"}) -> Gradient:
    """Gradient of L = 1/2 sum_j w_j (f(x_j) - y_j)^2 in the parameters, O(m log s + s).

    With rho_j = w_j (f(x_j) - y_j) and sums over the samples on which neuron i is active (a_i x_j > b_i),

        dL/da_i = (c_i/norm) sum rho_j x_j      dL/db_i = -(c_i/norm) sum rho_j
        dL/dc_i = (1/norm) sum (a_i x_j - b_i) rho_j      dL/dbias = sum over all j of rho_j

    Source: Williams et al. 2019, arXiv eq. (46), with the 1/norm and the sign of the b row that are missing there.
    Parameters not in ``train`` get zeros. Raises InputError for an unknown name in ``train``.
    """
    subject(net, data)
    from knotflow.engine import sums

    on = trained(train)
    x, y, weight = writable(data.distinct.x, data.distinct.y, data.distinct.weight)
    s, m = x.size, len(net)
    arc, ca, cb = _arcs_and_moments(net, x)
    f, r, q0, q1 = np.empty(s), np.empty(s), np.empty(2 * s), np.empty(2 * s)
    sums.predict(ca, cb, x, net.bias, 1.0 / net.norm, f)
    sums.residuals(f, y, weight, r)
    sums.arc_sums(r, x, 1.0 / net.norm, q0, q1)
    return Gradient(
        net.c * q1[arc] if "a" in on else np.zeros(m),
        -net.c * q0[arc] if "b" in on else np.zeros(m),
        net.a * q1[arc] - net.b * q0[arc] if "c" in on else np.zeros(m),
        float(r.sum()) if "bias" in on else 0.0,
    )


def _arcs(net: ReLUNet, x: Array) -> NDArray[np.int32]:
    from knotflow.engine import arcs

    arc = np.empty(len(net), np.int32)
    arcs.find_arcs(*writable(net.a, net.b), x, arc)
    return arc


def _arcs_and_moments(net: ReLUNet, x: Array) -> tuple[NDArray[np.int32], Array, Array]:
    from knotflow.engine import sums

    arc, ca, cb = _arcs(net, x), np.empty(2 * x.size), np.empty(2 * x.size)
    sums.add_moments(*writable(net.a, net.b, net.c), arc, ca, cb)
    return arc, ca, cb


class TangentKernel:
    """K(x, x') = sum over the trained parameters of df(x) df(x'), on the distinct samples, at a network.

    With w = (a, -b) and x~ = (x, 1) it is (1/norm^2) x~^T (sum over neurons active at both of S_i) x~', where
    S_i = c_i^2 I + w_i w_i^T (the first term from a and b, the second from c), plus 1 for a trained bias. The
    neurons of an arc enter only through the sum of their S_i: O(m log s) once, then O(s) for a product and O(s^2)
    for the matrix. Source: Williams et al. 2019, eq. (3) and arXiv eq. (27).
    """

    def __init__(self, net: ReLUNet, x: Array, train: Iterable[str] = DEFAULT_TRAIN) -> None:
        on = trained(train)
        self.x = writable(x)[0]
        self.bias = float("bias" in on)
        arc = _arcs(net, self.x)
        ta, tb, tc = (float(p in on) for p in "abc")
        c2 = net.c * net.c

        def sums(values: Array) -> Array:
            return np.bincount(arc, weights=values, minlength=2 * self.x.size) / net.norm**2

        # S = [[s11, s12], [s12, s22]] in the basis (x, 1), one per arc.
        self.s11 = sums(ta * c2 + tc * net.a**2)
        self.s12 = sums(-tc * net.a * net.b)
        self.s22 = sums(tb * c2 + tc * net.b**2)

    def __matmul__(self, v: Array) -> Array:
        """K v for v of shape (s,), O(s)."""
        from knotflow.engine import tangent

        scratch, out = np.empty((2, 2 * self.x.size)), np.empty(self.x.size)
        bias = float(self.bias * v.sum())
        tangent.product(self.s11, self.s12, self.s22, self.x, writable(v)[0], bias, scratch, out)
        return out

    def both_active(self, lower: NDArray[np.intp], upper: NDArray[np.intp]) -> tuple[Array, Array, Array]:
        """The sums of s11, s12 and s22 over the arcs active at both of two samples, given by their numbers."""
        from knotflow.engine import tangent

        terms = []
        for part in (self.s11, self.s12, self.s22):
            right, left = np.empty(self.x.size), np.empty(self.x.size)
            tangent.both_active(part, right, left)
            terms.append(right[lower] + left[upper])
        return terms[0], terms[1], terms[2]

    def matrix(self) -> Array:
        """The whole (s, s) matrix, O(s^2)."""
        x, place = self.x, np.arange(self.x.size)
        k11, k12, k22 = self.both_active(np.minimum.outer(place, place), np.maximum.outer(place, place))
        return k11 * np.multiply.outer(x, x) + k12 * np.add.outer(x, x) + k22 + self.bias


def stability_limit(net: ReLUNet, data: Samples, train: Iterable[str] = DEFAULT_TRAIN) -> float:
    """The learning rate 2 / lambda_max above which gradient descent on this loss is unstable at this network.

    lambda_max is the largest eigenvalue of W^(1/2) K W^(1/2), K the tangent kernel on the distinct samples and W
    their weights: that of the Hessian of L where the residuals vanish, and of the linearised training dynamics
    rho' = -K W rho anywhere. It changes as the network trains. Infinite if nothing reaches a sample.
    O(m log s + s^2 .. s^3) up to 256 distinct samples, O(m log s) + O(s) per Lanczos iteration beyond.
    Raises InputError for an unknown name in ``train``.
    """
    subject(net, data)
    points = data.distinct
    kernel = TangentKernel(net, points.x, train)
    root = np.sqrt(points.weight)
    if points.x.size <= _DENSE:
        top = float(np.linalg.eigvalsh(root[:, None] * kernel.matrix() * root)[-1])
    else:
        top = _lanczos(kernel, root)
    return 2.0 / top if top > 0.0 else np.inf


def _lanczos(kernel: TangentKernel, root: Array) -> float:
    from scipy.sparse.linalg import LinearOperator, eigsh

    s = root.size
    operator = LinearOperator((s, s), matvec=lambda v: root * (kernel @ (root * v.ravel())), dtype=np.float64)
    start = root * (1.0 + 0.01 * np.cos(np.arange(s)))
    if not np.any(operator @ start):
        return 0.0
    return float(eigsh(operator, k=1, which="LA", v0=start, tol=1e-10, return_eigenvectors=False)[0])
