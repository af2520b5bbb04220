"""The linear spline: what networks come close to in the adaptive regime."""

from __future__ import annotations

import numpy as np

from knotflow.data import Samples
from knotflow.splines.spline import Spline, extended, points_of


def linear(data: Samples) -> Spline:
    """The polygon through the data: straight between neighbouring distinct x; the end pieces go on outside.

    It goes through the distinct x and, where there are ties, the weighted mean of y. Of all interpolants it
    has the least int f'(x)^2 dx between the data and the least total variation of f', though not alone in
    the latter.

    Parameters
    ----------
    data : Samples
        s distinct x.

    Returns
    -------
    Spline
        Of degree 1, with its knots at the distinct x. O(s).

    Raises
    ------
    InputError
        If `data` is not Samples, or has two x closer than 1e-50 of the span.

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.splines.linear(kf.Samples([0, 1, 3], [0, 2, 2]))([-1.0, 0.5, 2.0])
    array([-2.,  1.,  2.])
    """
    points = points_of(data)
    return extended(points, np.stack([np.diff(points.y) / np.diff(points.u), points.y[:-1]]))
