"""The directions in which the loss does not curve, sorted by why."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from knotflow._typing import Array
from knotflow.data import Samples
from knotflow.errors import InputError
from knotflow.landscape.hessian import hessian
from knotflow.landscape.shared import checked
from knotflow.network import ReLUNet


@dataclass(frozen=True, eq=False)
class NullSpace:
    """An orthonormal basis of the null space of the Hessian, in three parts; columns of (P, k), P = 3m + 1.

    scaling      (a_i, b_i, -c_i) of one neuron: rescaling it. Null only where the gradient of the neuron is 0
    zero         further directions within one neuron, its c_i or a_i being 0: nothing that depends on it moves f
    functional   the others: neurons trade against each other, against the bias, or where no sample sees it
    """

    scaling: Array
    zero: Array
    functional: Array

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many of each."""
        return self.scaling.shape[1], self.zero.shape[1], self.functional.shape[1]


@checked
def null_space(net: ReLUNet, data: Samples, rtol: float = 1e-10) -> NullSpace:
    """The null space of the Hessian of all 3m + 1 parameters, rows in the order a, b, c, bias. O(m^3).

    rtol   eigenvalues below rtol times the largest are zero, and so is H v of a unit vector v

    At a critical point with every c_i != 0 the first part has m directions; with b = bias trained, s distinct samples
    and a lonely partition there are 3m + 1 - s in all (corollary 3).

    Source: Sahs et al. 2022, remark 2, mended: scaling directions are null only where the neuron's gradient is 0, a
    neuron with a = 0 and b < 0 does change f, and of a neuron with c = 0 two directions are null, scaling included.
    Raises InputError if no neuron is active at a sample, and unless 0 < rtol < 1.
    """
    if not 0 < rtol < 1:
        raise InputError(f"rtol is {rtol!r}: it must be in (0, 1)")
    matrix = hessian(net, data)
    values, vectors = np.linalg.eigh(matrix)
    bound = rtol * np.max(np.abs(values))
    curved = vectors[:, np.abs(values) > bound]
    scaling, zero = _single_neuron(net, matrix, bound)
    known = np.hstack([curved, scaling, zero])
    functional = np.linalg.qr(known, mode="complete")[0][:, known.shape[1] :]
    return NullSpace(scaling, zero, functional)


def _single_neuron(net: ReLUNet, matrix: Array, bound: float) -> tuple[Array, Array]:
    """Scaling directions that are null, and the null directions within neurons with c = 0 or a = 0 besides."""
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


def _columns(entries: list[tuple[np.ndarray, Array]], rows: int) -> Array:
    out = np.zeros((rows, len(entries)))
    for k, (place, values) in enumerate(entries):
        out[place, k] = values
    return out
