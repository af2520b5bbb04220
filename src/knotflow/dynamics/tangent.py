"""The gradient, the tangent kernel on the samples, and the largest stable learning rate; all through the arcs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from knotflow._checks import in_range, indices, numeric, shown, vector
from knotflow._lanczos import largest_eigenvalue
from knotflow._typing import Array
from knotflow._values import immutable, read_only
from knotflow.errors import InputError
from knotflow.network.subject import network_of, subject

if TYPE_CHECKING:
    from knotflow.data import Samples
    from knotflow.network import ReLUNet

__all__ = [
    "DEFAULT_TRAIN",
    "PARAMETERS",
    "Gradient",
    "TangentKernel",
    "arcs_and_moments",
    "gradient",
    "stability_limit",
    "trained",
    "writable",
]

# The rule for ``train``: a method's is the default of whatever is computed for its run; a function that stands alone
# has DEFAULT_TRAIN, as the methods do. `gradient` is the exception: it has all derivatives.
PARAMETERS = ("a", "b", "c", "bias")
DEFAULT_TRAIN = frozenset({"a", "b", "c"})

# Up to this many distinct samples the s x s matrix and all its eigenvalues are the quickest way to the largest one.
_DENSE = 256


@immutable
class Gradient(NamedTuple):
    """The gradient of the loss, as `gradient` gives it; zero for what is not trained.

    Parameters
    ----------
    a, b, c : (m,)
        dL/da, dL/db and dL/dc.
    bias : float
        dL/dbias.

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.gradient(kf.ReLUNet([1.0], [-1.0], [1.0]), kf.Samples([0.0, 1.0], [0.0, 1.0])).bias
    2.0
    """

    a: Array
    b: Array
    c: Array
    bias: float

    def __repr__(self) -> str:
        norm = float(np.sqrt(sum(np.sum(np.square(part)) for part in self)))
        return f"Gradient({len(self.a)} neurons, Euclidean norm {norm:.6g})"


def trained(train: Iterable[str]) -> frozenset[str]:
    """``train`` as a set, checked: a non-empty subset of {"a", "b", "c", "bias"}."""
    names: list[Any] = list(train) if isinstance(train, Set | list | tuple | Iterator) else [train]
    if not names or not all(isinstance(name, str) and name in PARAMETERS for name in names):
        was = ", ".join(sorted(map(shown, names))) or "nothing"
        raise InputError(f'train is {{{was}}}: it must be a non-empty subset of {{"a", "b", "c", "bias"}}')
    return frozenset(names)


def writable(*arrays: Array) -> list[Array]:
    """Copies that may be written to: numba compiles once more for each mixture of read-only and other arguments."""
    return [np.array(array, dtype=np.float64) for array in arrays]


def gradient(net: ReLUNet, data: Samples, train: Iterable[str] = PARAMETERS) -> Gradient:
    """The gradient of L = 1/2 sum_j w_j (f(x_j) - y_j)^2 in the parameters.

    With rho_j = w_j (f(x_j) - y_j) and sums over the samples on which neuron i is active (a_i x_j > b_i),

        dL/da_i = (c_i/norm) sum rho_j x_j      dL/db_i = -(c_i/norm) sum rho_j
        dL/dc_i = (1/norm) sum (a_i x_j - b_i) rho_j      dL/dbias = sum over all j of rho_j

    Parameters
    ----------
    net : ReLUNet
        Where.
    data : Samples
        x, y and the weights w.
    train : set of {"a", "b", "c", "bias"}
        Parameters that are not in it get zeros. Unlike a method's, the default has all four: a derivative is there
        whether or not the parameter is trained.

    Returns
    -------
    Gradient
        With `a`, `b`, `c` and `bias`.

    Raises
    ------
    InputError
        For an unknown name in ``train``, and for what is no network or no samples.

    Notes
    -----
    O(m log s + s).

    References
    ----------
    Williams et al. (2019), arXiv equation (46), with the 1/norm and the sign of the b row that are missing there.

    Examples
    --------
    >>> import knotflow as kf
    >>> net, data = kf.ReLUNet([1.0], [-1.0], [1.0]), kf.Samples([0.0, 1.0], [0.0, 1.0])
    >>> grad = kf.gradient(net, data)
    >>> grad.a, grad.b, grad.c, grad.bias
    (array([1.]), array([-2.]), array([3.]), 2.0)
    """
    data = subject(net, data)
    from knotflow.engine import sums  # numba, which only this needs

    on = trained(train)
    x, y, weight = writable(data.distinct.x, data.distinct.y, data.distinct.weight)
    s, m = x.size, len(net)
    arc, ca, cb = arcs_and_moments(net, x)
    f, r, q0, q1 = np.empty(s), np.empty(s), np.empty(2 * s), np.empty(2 * s)
    sums.predict(ca, cb, x, net.bias, 1.0 / net.norm, f)
    sums.residuals(f, y, weight, r)
    sums.arc_sums(r, x, 1.0 / net.norm, q0, q1)
    a, b, c = read_only(
        net.c * q1[arc] if "a" in on else np.zeros(m),
        -net.c * q0[arc] if "b" in on else np.zeros(m),
        net.a * q1[arc] - net.b * q0[arc] if "c" in on else np.zeros(m),
    )
    return Gradient(a, b, c, float(r.sum()) if "bias" in on else 0.0)


def arcs_of(net: ReLUNet, x: Array) -> NDArray[np.int32]:
    """The arc of each neuron, (m,). O(m log s)."""
    from knotflow.engine import arcs  # numba, which only this needs

    arc = np.empty(len(net), np.int32)
    arcs.find_arcs(*writable(net.a, net.b), x, arc)
    return arc


def arcs_and_moments(net: ReLUNet, x: Array) -> tuple[NDArray[np.int32], Array, Array]:
    """The arc of each neuron, (m,), and the arcs' sums of c a and of c b, (2s,). O(m log s)."""
    from knotflow.engine import sums  # numba, which only this needs

    arc, ca, cb = arcs_of(net, x), np.empty(2 * x.size), np.empty(2 * x.size)
    sums.add_moments(*writable(net.a, net.b, net.c), arc, ca, cb)
    return arc, ca, cb


class TangentKernel:
    """K(x, x') = sum over the trained parameters of df(x) df(x'), on the distinct samples, at a network.

    With w = (a, -b) and x~ = (x, 1) it is (1/norm^2) x~^T (sum over neurons active at both of S_i) x~', where
    S_i = c_i^2 I + w_i w_i^T (the first term from a and b, the second from c), plus 1 for a trained bias.

    Parameters
    ----------
    net : ReLUNet
        Where it is taken.
    x : (s,)
        Distinct, ascending, as ``data.distinct.x``.
    train : set of {"a", "b", "c", "bias"}
        Which parameters move.

    Raises
    ------
    InputError
        For an unknown name in ``train``.

    Notes
    -----
    The neurons of an arc enter only through the sum of their S_i: O(m log s) once, then O(s) for a product and O(s^2)
    for the matrix.

    References
    ----------
    Williams et al. (2019), equation (3) and arXiv equation (27).

    Examples
    --------
    >>> import numpy as np
    >>> import knotflow as kf
    >>> kernel = kf.dynamics.TangentKernel(kf.ReLUNet([1.0], [-1.0], [1.0]), np.array([0.0, 1.0]))
    >>> kernel.matrix()
    array([[2., 3.],
           [3., 6.]])
    >>> kernel @ np.array([1.0, 0.0])
    array([2., 3.])
    """

    def __init__(self, net: ReLUNet, x: Array, train: Iterable[str] = DEFAULT_TRAIN) -> None:
        on, net = trained(train), network_of(net)
        self.x = writable(vector("x", x))[0]
        if self.x.size == 0 or np.any(self.x[1:] <= self.x[:-1]):
            raise InputError("x is empty or does not ascend strictly: it must be like data.distinct.x")
        self.bias = float("bias" in on)
        arc = arcs_of(net, self.x)
        ta, tb, tc = (float(p in on) for p in "abc")
        with np.errstate(over="ignore"):
            c2 = net.c * net.c

        def sums(values: Array) -> Array:
            total = np.bincount(arc, weights=values, minlength=2 * self.x.size)
            return in_range("1 / norm", 1 / net.norm, lambda: total / net.norm / net.norm)

        # S = [[s11, s12], [s12, s22]] in the basis (x, 1), one per arc.
        with np.errstate(over="ignore", invalid="ignore"):  # beyond float64 it is infinite
            self.s11 = sums(ta * c2 + tc * net.a**2)
            self.s12 = sums(-tc * net.a * net.b)
            self.s22 = sums(tb * c2 + tc * net.b**2)

    def __matmul__(self, v: Array) -> Array:
        """K v for v of shape (s,), O(s)."""
        from knotflow.engine import tangent  # numba, which only this needs

        v = numeric("v", v)
        if v.shape != self.x.shape:
            raise InputError(f"v has shape {v.shape}: it must have shape {self.x.shape}, as x has")
        scratch, out = np.empty((2, 2 * self.x.size)), np.empty(self.x.size)
        if not np.isfinite(v).all():
            raise InputError("v is not finite: every value must be")
        bias = float(self.bias * v.sum())
        tangent.product(self.s11, self.s12, self.s22, self.x, v, bias, scratch, out)
        return out

    def __repr__(self) -> str:
        return f"TangentKernel({self.x.size} samples)"

    def both_active(self, lower: NDArray[np.intp], upper: NDArray[np.intp]) -> tuple[Array, Array, Array]:
        """The sums of s11, s12 and s22 over the arcs active at two samples, whose numbers are `lower` and `upper`."""
        from knotflow.engine import tangent  # numba, which only this needs

        lower, upper = (indices(name, k, self.x.size) for name, k in (("lower", lower), ("upper", upper)))
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
    rho' = -K W rho anywhere.

    Parameters
    ----------
    net : ReLUNet
        Where; the limit changes as the network trains.
    data : Samples
        x and the weights.
    train : set of {"a", "b", "c", "bias"}
        Which parameters move.

    Returns
    -------
    float
        Infinite if nothing reaches a sample.

    Raises
    ------
    InputError
        For an unknown name in ``train``, and for what is no network or no samples.

    Notes
    -----
    O(m log s + s^2 .. s^3) up to 256 distinct samples, O(m log s) + O(s) per Lanczos iteration beyond.

    References
    ----------
    Williams et al. (2019), equation (3); Sahs et al. (2022), section 2.4.

    Examples
    --------
    >>> import knotflow as kf
    >>> net, data = kf.ReLUNet([1.0], [-1.0], [1.0]), kf.Samples([0.0, 1.0], [0.0, 1.0])
    >>> round(kf.stability_limit(net, data), 6)
    0.262966
    """
    data = subject(net, data)
    points = data.distinct
    kernel = TangentKernel(net, points.x, train)
    root = np.sqrt(points.weight)
    reach = max(1.0, float(np.abs(points.x).max())) ** 2 * float(points.weight.max())
    with np.errstate(over="ignore", invalid="ignore"):
        largest = sum(float(np.abs(part).sum()) for part in (kernel.s11, kernel.s12, kernel.s22)) * reach
    if not largest * points.x.size < np.finfo(float).max:
        return float(np.finfo(float).tiny)  # lambda_max is beyond float64
    if points.x.size <= _DENSE:
        top = float(np.linalg.eigvalsh(root[:, None] * kernel.matrix() * root)[-1])
    else:
        top = _lanczos(kernel, root)
    return 2.0 / top if top > 0.0 else np.inf


def _lanczos(kernel: TangentKernel, root: Array) -> float:
    start = root * (1.0 + 0.01 * np.cos(np.arange(root.size)))
    if not np.any(root * (kernel @ (root * start))):
        return 0.0
    return largest_eigenvalue(lambda v: root * (kernel @ (root * v)), start)
