"""The spectrum of the Hessian by rank, at any network; sharpness and the largest stable learning rate."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from knotflow._lanczos import largest_eigenvalue
from knotflow._typing import Array, Ints
from knotflow._values import derived, immutable
from knotflow.data import Samples
from knotflow.dynamics.tangent import TangentKernel, writable
from knotflow.landscape.hessian import ALL, HessianProduct, parts, size
from knotflow.landscape.places import settled
from knotflow.network import ReLUNet
from knotflow.network.subject import checked, nothing_active, residuals

__all__ = ["Spectrum", "hessian_spectrum", "sharpness", "stable_learning_rate"]

# Residual terms this much smaller than the largest eigenvalue are left out: by Weyl they move none by more.
_INTERPOLATES = 1e-12
# Up to this order the reduced matrix is diagonalised for the sharpness; beyond, Lanczos is quicker.
_DENSE = 400


@dataclass(frozen=True, eq=False, repr=False)
@immutable
class Spectrum:
    """All P eigenvalues of a Hessian: `np.asarray(spectrum)` is `eigenvalues`.

    Attributes
    ----------
    coupled : (d,) ndarray
        The eigenvalues of the reduced matrix, ascending, d <= min(P, 10 s).
    uncoupled : (u,) ndarray
        The values that directions which do not change f at the samples have: 0 and +-hypot(Q0, Q1) of an arc.
    counts : (u,) ndarray of int
        How often each of them occurs.

    Examples
    --------
    >>> import knotflow as kf
    >>> net, data = kf.ReLUNet([1], [0.5], [2]), kf.Samples([-1, 0, 1], [0, -1, 1])
    >>> spectrum = kf.landscape.hessian_spectrum(net, data)
    >>> spectrum
    Spectrum(4 eigenvalues, 2 not zero; largest 9.5161)
    >>> spectrum.nonzero.round(4), len(spectrum)
    (array([1.7339, 9.5161]), 4)
    """

    coupled: Array
    uncoupled: Array
    counts: Ints

    def __repr__(self) -> str:
        return f"Spectrum({self.size} eigenvalues, {self.rank} not zero; largest {self.sharpness:.6g})"

    def __len__(self) -> int:
        return self.size

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.eigenvalues, dtype)

    @property
    def size(self) -> int:
        """P, the number of parameters."""
        return len(self.coupled) + int(self.counts.sum())

    @derived
    def eigenvalues(self) -> Array:
        """(P,) ascending, read-only."""
        values = np.sort(np.concatenate([self.coupled, np.repeat(self.uncoupled, self.counts)]))
        values.setflags(write=False)
        return values

    @property
    def sharpness(self) -> float:
        """The largest eigenvalue."""
        return float(max(self.coupled[-1], np.max(self.uncoupled, initial=-np.inf)))

    @property
    def stable_learning_rate(self) -> float:
        """2 / sharpness, above which gradient descent leaves a minimum; infinite if nothing curves upwards."""
        return 2 / self.sharpness if self.sharpness > 0 else np.inf

    @property
    def rank(self) -> int:
        """How many eigenvalues are not zero: above rounding, 10 d eps times the largest size."""
        values = np.concatenate([self.coupled, self.uncoupled])
        counts = np.concatenate([np.ones(len(self.coupled), np.int64), self.counts])
        largest = np.max(np.abs(values))
        return int(np.sum(counts[np.abs(values) > 10 * len(self.coupled) * np.finfo(float).eps * largest]))

    @property
    def nonzero(self) -> Array:
        """(rank,) ascending: those that are not zero."""
        values = self.eigenvalues
        return np.sort(values[np.argsort(-np.abs(values), kind="stable")[: self.rank]])


@checked
def hessian_spectrum(net: ReLUNet, data: Samples, train: Iterable[str] = ALL) -> Spectrum:
    """All eigenvalues of `hessian(net, data, train)`, without the matrix.

    Parameters
    ----------
    net : ReLUNet
        m neurons.
    data : Samples
        s distinct x.
    train : iterable of str
        The parameters that count, all four of {"a", "b", "c", "bias"} by default.

    Returns
    -------
    Spectrum
        P eigenvalues, P = 3m + 1 by default.

    Raises
    ------
    InputError
        For an unknown name in `train`, and if no neuron is active at a sample.

    Notes
    -----
    At an interpolating network the Hessian is J^T W J: at most s eigenvalues are not zero, those of the s x s matrix
    W^(1/2) J J^T W^(1/2), the tangent kernel. O(m log s + s^3). A network counts as interpolating where
    hypot(Q0, Q1) is below 1e-12 of the largest eigenvalue on every arc with neurons; by Weyl no eigenvalue moves by
    more.

    Elsewhere the residual terms are one 3 x 3 matrix per arc, with the eigenvalues 0 and +-hypot(Q0, Q1), and the
    neurons of an arc change f at the samples through two sums. In each of an arc's three eigenspaces all directions
    but two keep their eigenvalue; the others and the bias make a matrix of order d <= min(P, 10 s) with the other
    eigenvalues. O(m log s + d^3).

    References
    ----------
    Sahs et al. 2022, theorem 5 and corollary 3, corrected; the reduction is ours.

    Examples
    --------
    >>> import knotflow as kf
    >>> data = kf.Samples([0, 1, 2], [1, 0, 4])
    >>> net = kf.landscape.lonely_minimum(data, [0.5, 1.5])
    >>> kf.landscape.hessian_spectrum(net, data).eigenvalues.round(3) + 0.0
    array([  0.   ,   0.   ,   0.   ,   0.   ,   0.88 ,   9.111, 743.759])
    """
    names, points, net = parts(train), data.distinct, settled(net, data)
    arcs = _Arcs(net, data, names)
    root = np.sqrt(points.weight)
    top = np.linalg.eigvalsh(root[:, None] * TangentKernel(net, points.x, names).matrix() * root)
    total = size(names, len(net))
    if arcs.largest_residual_term <= _INTERPOLATES * top[-1]:
        count = min(len(top), total)
        return Spectrum(np.sort(top)[-count:], np.zeros(1), np.array([total - count]))
    return arcs.spectrum(total)


class _Arcs:
    """The neurons by arc, and the sums Q0, Q1 of each arc (zero where an entry of the residual term is not trained)."""

    def __init__(self, net: ReLUNet, data: Samples, names: tuple[str, ...]) -> None:
        from knotflow.engine import arcs, sums

        self.net, self.names, self.points = net, names, data.distinct
        x, a, b = writable(self.points.x, net.a, net.b)
        self.arc = np.empty(len(net), np.int32)
        arcs.find_arcs(a, b, x, self.arc)
        if not self.arc.any():
            raise nothing_active(data)
        self.order = 2 * len(x)
        q0, q1 = np.empty(self.order), np.empty(self.order)
        sums.arc_sums(self.points.weight * residuals(net, data), x, 1 / net.norm, q0, q1)
        on = [float(p in names) for p in "abc"]
        self.ta, self.tb, self.tc = on
        self.ac, self.bc = q1 * self.ta * self.tc, -q0 * self.tb * self.tc

    @property
    def largest_residual_term(self) -> float:
        """max hypot(Q0, Q1) over the arcs that have neurons: how far the Hessian is from J^T W J."""
        return float(np.max(np.hypot(self.ac, self.bc)[self.arc]))

    def spectrum(self, total: int) -> Spectrum:
        """Eigenvalues from the reduced matrix and from the directions that it leaves out."""
        root = np.sqrt(self.points.weight)
        values, columns, uncoupled, counts = [], [], [], []
        for g, members in self._members():
            window = np.zeros(len(root))
            s = len(root)
            window[max(0, s - g) : min(s, 2 * s - g)] = 1.0  # the samples at which arc g is active
            for value, dim, pairs in self._eigenspaces(g, members):
                kept = pairs[: dim if window.any() else 0]
                values += [value] * len(kept)
                columns += [root * window * (self.points.x * p - q) / self.net.norm for p, q in kept]
                uncoupled.append(value)
                counts.append(dim - len(kept))
        if "bias" in self.names:
            values.append(0.0)
            columns.append(root)
        scaled = np.stack(columns, axis=1)
        matrix = scaled.T @ scaled
        matrix[np.diag_indices_from(matrix)] += values
        assert len(values) + sum(counts) == total
        return Spectrum(np.linalg.eigvalsh(matrix), np.array(uncoupled), np.array(counts, dtype=np.int64))

    def _members(self) -> list[tuple[int, Ints]]:
        """(arc, its neurons) for each arc that has any."""
        order = np.argsort(self.arc, kind="stable")
        present, first = np.unique(self.arc[order], return_index=True)
        return list(zip(present.tolist(), np.split(order, first[1:]), strict=True))

    def _eigenspaces(self, g: int, members: Ints) -> list[tuple[float, int, Array]]:
        """Eigenspaces of the arc's residual term: eigenvalue, dimension, and the (p, q) of the directions that count.

        Along a direction of the space df(x_j) = (x_j p - q) / norm: an orthonormal basis can be chosen in which all
        but two directions, for which see QR, have p = q = 0. With n = (Q1, -Q0) / hypot, the spaces are (n, +-1) /
        sqrt 2 and, for 0, the normal of n in the plane of a and b, where p and q are multiples of c.
        """
        a, b, c = (values[members] for values in (self.net.a, self.net.b, self.net.c))
        m, rho = len(members), float(np.hypot(self.ac[g], self.bc[g]))
        ta, tb, tc = self.ta, self.tb, self.tc
        zero = np.zeros(m)
        if rho == 0:
            p, q = np.concatenate([ta * c, zero, tc * a]), np.concatenate([zero, tb * c, tc * b])
            return [(0.0, int(ta + tb + tc) * m, _corner(p, q))]
        na, nb, half = self.ac[g] / rho, self.bc[g] / rho, np.sqrt(0.5)
        turning = np.linalg.norm(c) * np.array([[-nb * ta, na * tb]])
        return [
            (rho, m, _corner(half * (na * c + a), half * (nb * c + b))),
            (-rho, m, _corner(half * (na * c - a), half * (nb * c - b))),
            (0.0, int(ta + tb - 1) * m, turning),
        ]


def _corner(p: Array, q: Array) -> Array:
    """(min(2, n), 2) coordinates of p and q in an orthonormal basis of their span."""
    return np.asarray(np.linalg.qr(np.stack([p, q], axis=1), mode="r"))


@checked
def sharpness(net: ReLUNet, data: Samples, train: Iterable[str] = ALL) -> float:
    """The largest eigenvalue of the Hessian.

    Parameters
    ----------
    net : ReLUNet
        m neurons.
    data : Samples
        s distinct x.
    train : iterable of str
        The parameters that count, all four of {"a", "b", "c", "bias"} by default.

    Returns
    -------
    float

    Raises
    ------
    InputError
        For an unknown name in `train`, and if no neuron is active at a sample.

    Notes
    -----
    As `hessian_spectrum` for small problems, else O(m log s) and O(m + s) per Lanczos iteration, to 1e-10.

    Examples
    --------
    >>> import knotflow as kf
    >>> net, data = kf.ReLUNet([1], [0.5], [2]), kf.Samples([-1, 0, 1], [0, -1, 1])
    >>> round(kf.landscape.sharpness(net, data), 4)
    9.5161
    """
    if min(10 * len(data.distinct.x), 3 * len(net)) <= _DENSE:
        return hessian_spectrum(net, data, train).sharpness
    product = HessianProduct(net, data, train)
    return largest_eigenvalue(product.__matmul__, 1.0 + 0.01 * np.cos(np.arange(product.shape[0])))


@checked
def stable_learning_rate(net: ReLUNet, data: Samples, train: Iterable[str] = ALL) -> float:
    """2 / sharpness: the learning rate above which gradient descent on L leaves this network, if it is a minimum.

    `kf.stability_limit` is the same number without the residual terms of the Hessian, and by default for the
    parameters {"a", "b", "c"} that the methods train. With one `train` the two agree where f goes through the samples,
    and there alone. This one is about L, a function of all parameters, so that all four count by default.

    Parameters
    ----------
    net : ReLUNet
        m neurons.
    data : Samples
        s distinct x.
    train : iterable of str
        The parameters that descent trains, all four of {"a", "b", "c", "bias"} by default.

    Returns
    -------
    float
        Infinite if nothing curves upwards.

    Raises
    ------
    InputError
        For an unknown name in `train`, and if no neuron is active at a sample.

    Notes
    -----
    The cost is that of `sharpness`.

    Examples
    --------
    >>> import knotflow as kf
    >>> data = kf.Samples([0, 1, 2], [1, 0, 4])
    >>> net, train = kf.landscape.lonely_minimum(data, [0.5, 1.5]), {"a", "b", "c"}
    >>> round(kf.landscape.stable_learning_rate(net, data, train), 6), round(kf.stability_limit(net, data, train), 6)
    (0.002693, 0.002693)
    """
    largest = sharpness(net, data, train)
    return 2 / largest if largest > 0 else np.inf
