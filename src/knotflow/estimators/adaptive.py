"""The total-variation spline as a regressor, with a choice of its penalty."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from knotflow._checks import number
from knotflow._typing import Array
from knotflow.data import Samples
from knotflow.estimators.base import Univariate
from knotflow.estimators.folds import parts
from knotflow.splines import TVSpline, tv
from knotflow.splines.smoothing import least_squares_line

__all__ = ["AdaptiveSplineRegressor"]

_TRIED = np.geomspace(1.0, 1e-5, 26)  # penalties, the straightest first


class AdaptiveSplineRegressor(Univariate):
    """The total-variation spline, a polygon with few kinks: what networks come close to in the adaptive regime.

    Minimises  1/2 sum_j w_j (f(x_j) - y_j)^2 + penalty * lam_max int |f''(x)| dx,

    where lam_max is the least factor at which f is the line of least squares.

    Parameters
    ----------
    penalty : float, optional
        A number without a unit: 0 interpolates, from 1 on f is the line of least squares. None, the default: the
        one of least cross-validated error, of 26 between 1 and 1e-5.
    folds : int
        For the choice: the j-th distinct x is left out of part j mod folds. At least 2.

    Attributes
    ----------
    spline_ : TVSpline
        The curve, see `kf.splines.tv`.
    penalty_ : float
        The penalty that was given or chosen.
    lam_ : float
        penalty_ * lam_max, the `lam` of `kf.splines.tv`.
    knots_ : ndarray of shape (k,)
        Where it bends.
    n_features_in_ : int
        1.
    feature_names_in_ : ndarray of shape (1,)
        The name of the feature, if X had one.

    Notes
    -----
    O(n log n) and tens of rounds of O(s) for s distinct x; 26 folds times that if the penalty is chosen.

    References
    ----------
    Mammen and van de Geer 1997. Williams et al. 2019, equation (V-17).

    Examples
    --------
    >>> from knotflow.estimators import AdaptiveSplineRegressor
    >>> model = AdaptiveSplineRegressor(penalty=0.01).fit([0, 1, 2, 3, 4], [0, 0, 0, 1, 2])
    >>> model.knots_
    array([2.])
    >>> model.predict([5.0]).round(1)
    array([3.])
    """

    spline_: TVSpline
    penalty_: float
    lam_: float
    knots_: Array

    def __init__(self, penalty: float | None = None, folds: int = 5) -> None:
        self.penalty = penalty
        self.folds = folds

    def _fit_curve(self, data: Samples) -> Callable[[Array], Array]:
        largest = _largest(data)
        if self.penalty is None:
            self.penalty_ = _chosen(data, largest, self.folds)
        else:
            self.penalty_ = number("penalty", self.penalty, least=0.0)
        self.lam_ = self.penalty_ * largest
        self.spline_ = tv(data, self.lam_)
        self.knots_ = self.spline_.knots
        return self.spline_


def _largest(data: Samples) -> float:
    """lam_max: where no kink lowers the squares by more than it costs, max_k |sum_j w_j r_j (x_j - x_k)_+|."""
    points = data.distinct
    value, slope = least_squares_line(points.x, points.y, points.weight)
    pull = points.weight * (points.y - value - slope * (points.x - points.x[0]))
    beyond = np.cumsum(pull[::-1])[::-1][1:]  # of the samples on the right of each interval
    gain = np.cumsum((np.diff(points.x) * beyond)[::-1])
    return float(np.abs(gain).max())


def _chosen(data: Samples, largest: float, folds: object) -> float:
    """The penalty with the least error on what is left out; of equals the largest, which has the fewest kinks."""
    errors = np.zeros(len(_TRIED))
    for part in parts(data, folds):
        errors += [part.error(tv(part.train, share * largest * part.share)(part.x)) for share in _TRIED]
    return float(_TRIED[np.argmin(errors)])
