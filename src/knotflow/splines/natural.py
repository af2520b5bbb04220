"""The natural cubic spline: what wide networks come close to in the kernel regime."""

from __future__ import annotations

from scipy.interpolate import CubicSpline

from knotflow.data import Samples
from knotflow.splines.spline import Points, Spline, extended, points_of


def natural(data: Samples) -> Spline:
    """The interpolant of least int f''(x)^2 dx: cubic between the distinct x, linear outside, C2 everywhere.

    It goes through the distinct x and, where there are ties, the weighted mean of y. With two distinct x it
    is the line through both. Cost: O(s) for s distinct x, a tridiagonal solve. Raises InputError if `data` is
    not Samples, or has two x closer than 1e-50 of the span.

    Source: Green & Silverman 1994, Nonparametric Regression and Generalized Linear Models, theorem 2.2. As a
    limit of networks: Williams et al. 2019, theorem 5; Sahs et al. 2022, corollary 4. Both leave out what it
    takes: knots whose density times E[a^2 | knot] is constant over the data, and a free affine part.
    """
    return interpolant(points_of(data))


def interpolant(points: Points) -> Spline:
    """The natural cubic spline through the points."""
    return extended(points, CubicSpline(points.u, points.y, bc_type="natural").c)
