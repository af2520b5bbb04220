"""The data as any function of x sees it: one point for each distinct x."""

from __future__ import annotations

from dataclasses import dataclass

from knotflow._checks import extent
from knotflow._typing import Array
from knotflow._values import immutable

__all__ = ["Distinct"]


@dataclass(frozen=True, eq=False, repr=False)
@immutable
class Distinct:
    """One point per distinct x: the data as any function of x sees it.

    For every f, with n samples and s distinct x,

        1/2 sum_{j<n} w_j (f(x_j) - y_j)^2 = within + 1/2 sum_{k<s} weight_k (f(x_k) - y_k)^2

    Attributes
    ----------
    x : ndarray of shape (s,)
        Ascending, s >= 2.
    y : ndarray of shape (s,)
        Weighted mean of the y at each x.
    weight : ndarray of shape (s,)
        Summed weight at each x.
    within : float
        1/2 sum_j w_j (y_j - mean at x_j)^2, the part of the loss that no function of x can remove.

    Examples
    --------
    >>> import knotflow as kf
    >>> points = kf.Samples([0.0, 1.0, 1.0], [5.0, 2.0, 4.0]).distinct
    >>> points.x, points.y, points.weight, points.within
    (array([0., 1.]), array([5., 3.]), array([1., 2.]), 1.0)
    """

    x: Array
    y: Array
    weight: Array
    within: float

    def __repr__(self) -> str:
        return f"Distinct({len(self.x)} x in {extent(self.x)}, y in {extent(self.y)}, within={self.within:.6g})"
