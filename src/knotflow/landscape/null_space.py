"""The directions in which the loss does not curve, sorted by why."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from knotflow._checks import number
from knotflow._deprecated import keyword_only
from knotflow._typing import Array, Ints
from knotflow._values import immutable
from knotflow.data import Samples
from knotflow.landscape.hessian import hessian
from knotflow.landscape.places import settled
from knotflow.network import ReLUNet
from knotflow.network.subject import checked

__all__ = ["NullSpace", "null_space"]


@dataclass(frozen=True, eq=False, repr=False)
@immutable
class NullSpace:
    """An orthonormal basis of the null space of the Hessian, in three parts; columns of (P, k), P = 3m + 1.

    Attributes
    ----------
    scaling : (P, k) ndarray
        (a_i, b_i, -c_i) of one neuron: rescaling it. Null only where the gradient of the neuron is 0.
    zero : (P, k) ndarray
        Further directions within one neuron, its c_i or a_i being 0: nothing that depends on it changes f.
    functional : (P, k) ndarray
        All others: neurons compensate each other or the bias, or no sample sees them.

    Examples
    --------
    >>> import knotflow as kf
    >>> data = kf.Samples([0, 1, 2], [1, 0, 4])
    >>> kf.landscape.null_space(kf.landscape.lonely_minimum(data, [0.5, 1.5]), data)
    NullSpace(2 scaling, 0 zero and 2 functional of 7 directions)
    """

    scaling: Array
    zero: Array
    functional: Array

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many of each."""
        return self.scaling.shape[1], self.zero.shape[1], self.functional.shape[1]

    def __repr__(self) -> str:
        scaling, zero, functional = self.counts
        total = len(self.scaling)
        return f"NullSpace({scaling} scaling, {zero} zero and {functional} functional of {total} directions)"


@keyword_only("rtol")
@checked
def null_space(net: ReLUNet, data: Samples, *, rtol: float = 1e-10) -> NullSpace:
    """The null space of the Hessian of all 3m + 1 parameters, sorted by cause; rows in the order a, b, c, bias.

    Parameters
    ----------
    net : ReLUNet
        m neurons.
    data : Samples
        s distinct x.
    rtol : float
        Eigenvalues below rtol times the largest count as 0, and so does H v of a unit vector v.

    Returns
    -------
    NullSpace
        Three orthonormal bases.

    Raises
    ------
    InputError
        If no neuron is active at a sample, and unless 0 < rtol < 1.

    Notes
    -----
    O(m^3). At a critical point with every c_i != 0 the first part has m directions; with b = bias trained, s distinct
    samples and a lonely partition there are 3m + 1 - s in all (corollary 3).

    References
    ----------
    Sahs et al. 2022, remark 2, corrected: scaling directions are null only where the neuron's gradient is 0, a neuron
    with a = 0 and b < 0 does change f, and of a neuron with c = 0 two directions are null, scaling included.

    Examples
    --------
    >>> import knotflow as kf
    >>> data = kf.Samples([0, 1, 2], [1, 0, 4])
    >>> net = kf.landscape.lonely_minimum(data, [0.5, 1.5])
    >>> kf.landscape.null_space(net, data).counts
    (2, 0, 2)
    """
    rtol = number("rtol", rtol, above=0.0, below=1.0)
    net = settled(net, data)
    matrix = hessian(net, data)
    values, vectors = np.linalg.eigh(matrix)
    bound = rtol * np.max(np.abs(values))
    curved = vectors[:, np.abs(values) > bound]
    scaling, zero = _single_neuron(net, matrix, bound)
    known = np.hstack([curved, scaling, zero])
    functional = np.linalg.qr(known, mode="complete")[0][:, known.shape[1] :]
    return NullSpace(scaling, zero, functional)


def _single_neuron(net: ReLUNet, matrix: Array, bound: float) -> tuple[Array, Array]:
    """Scaling directions that are null, and the other null directions within neurons with c = 0 or a = 0."""
    m, scaling, zero = len(net), [], []
    for i in range(m):
        place = np.array([i, m + i, 2 * m + i])
        tangent = np.array([net.a[i], net.b[i], -net.c[i]])
        found = np.zeros((3, 0))
        length = np.linalg.norm(tangent)
        if length > 0 and np.linalg.norm(matrix[:, place] @ tangent) <= bound * length:
            found = tangent[:, None] / length
            scaling.append((place, found[:, 0]))
        if net.c[i] == 0 or net.a[i] == 0:
            _, sizes, basis = np.linalg.svd(matrix[:, place])
            null = basis[sizes <= bound].T
            rest = null - found @ (found.T @ null)
            u, left, _ = np.linalg.svd(rest, full_matrices=False)
            zero += [(place, u[:, k]) for k in np.flatnonzero(left > 0.5)]
    return _columns(scaling, 3 * m + 1), _columns(zero, 3 * m + 1)


def _columns(entries: list[tuple[Ints, Array]], rows: int) -> Array:
    out = np.zeros((rows, len(entries)))
    for k, (place, values) in enumerate(entries):
        out[place, k] = values
    return out
