"""What a network computes, from its parameters: where its neurons switch, and its values."""

from __future__ import annotations

import numpy as np

from knotflow._typing import Array
from knotflow.network.parameters import Parameters

__all__ = ["active_line", "evaluated", "knots_of"]


def knots_of(a: Array, b: Array) -> Array:
    """b / a in the shape of both, never NaN.

    A neuron with a = 0 has -inf if it is active everywhere (b < 0), else +inf. A quotient beyond float64 is infinite
    as well.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.where(a == 0, np.where(b < 0, -np.inf, np.inf), b / a)


def active_line(p: Parameters, x: Array) -> tuple[Array, Array]:
    """(n,) sums over the active neurons of c a / norm and of c b / norm, at n ascending x. O(m log n + n)."""
    knots = knots_of(p.a, p.b)
    right = p.a >= 0  # a neuron with a = 0 has its knot at -inf (active) or +inf (not active)
    first = np.searchsorted(x, knots[right], side="right")
    count = np.searchsorted(x, knots[~right], side="left")
    n = len(x)

    def active(term: Array) -> Array:
        entering = np.bincount(first, term[right], n + 1)[:n]  # right-facing: active from `first` on
        leaving = np.bincount(count, term[~right], n + 1)[1:]  # left-facing: active on the first `count`
        return np.cumsum(entering, dtype=float) + np.cumsum(leaving[::-1], dtype=float)[::-1]

    return active(p.c * p.a / p.norm), active(p.c * p.b / p.norm)


def evaluated(p: Parameters, x: Array) -> Array:
    """f(x) for x of any shape, in that shape. O(m log n + n log n) for n values.

    Only the neurons that are active at a value enter its sum, so the error is rounding of the
    sum over active i of |c_i| (|a_i x| + |b_i|) / norm.
    """
    order = np.argsort(x, axis=None, kind="stable")
    ascending = x.ravel()[order]
    slope, constant = active_line(p, ascending)
    f = np.empty(x.size)
    f[order] = p.bias + (slope * ascending - constant)
    return f.reshape(x.shape)[()]
