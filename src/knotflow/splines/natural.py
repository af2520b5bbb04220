"""The natural cubic spline: what wide networks come close to in the kernel regime."""

from __future__ import annotations

from scipy.interpolate import CubicSpline

from knotflow.data import Samples
from knotflow.splines.spline import Points, Spline, extended, points_of


def natural(data: Samples) -> Spline:
    """The interpolant of least int f''(x)^2 dx: cubic between the distinct x, linear outside, C2 everywhere.

    It goes through the distinct x and, where there are ties, the weighted mean of y. With two distinct x it
    is the line through both.

    Parameters
    ----------
    data : Samples
        s distinct x.

    Returns
    -------
    Spline
        Of degree 3, with its knots at the distinct x.

    Raises
    ------
    InputError
        If `data` is not Samples, or has two x closer than 1e-50 of the span.

    Notes
    -----
    O(s), a tridiagonal solve. Networks tend to it in the kernel regime only if the density of knots times
    E[a^2 | knot] is constant over the data, and an affine part is free; both papers leave that out. Else the limit
    is `weighted`.

    References
    ----------
    Green and Silverman 1994, Nonparametric Regression and Generalized Linear Models, theorem 2.2. As a limit of
    networks: Williams et al. 2019, theorem 5; Sahs et al. 2022, corollary 4.

    Examples
    --------
    >>> import knotflow as kf
    >>> f = kf.splines.natural(kf.Samples([0, 1, 2], [0, 1, 0]))
    >>> f([0.5, 3.0])
    array([ 0.6875, -1.5   ])
    """
    return interpolant(points_of(data))


def interpolant(points: Points) -> Spline:
    """The natural cubic spline through the points."""
    return extended(points, CubicSpline(points.u, points.y, bc_type="natural").c)
