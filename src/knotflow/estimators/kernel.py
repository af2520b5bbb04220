"""The smoothing spline as a regressor."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from knotflow._typing import Array
from knotflow.data import Samples
from knotflow.estimators.base import Univariate
from knotflow.splines import SmoothingSpline, smoothing

__all__ = ["KernelSplineRegressor"]


class KernelSplineRegressor(Univariate):
    """The smoothing spline: where a wide network in the kernel regime is when its training is stopped.

    Minimises  sum_j w_j (f(x_j) - y_j)^2 + penalty * span^3 int f''(x)^2 dx.

    Parameters
    ----------
    penalty : float, optional
        A number without a unit: 0 gives the natural cubic spline through the data (where training ends), inf the
        line of least squares. None, the default: the one of least generalised cross-validation.

    Attributes
    ----------
    spline_ : SmoothingSpline
        The curve, see `kf.splines.smoothing`.
    penalty_ : float
        The penalty that was given or chosen.
    df_ : float
        Effective degrees of freedom, between 2 and the number of distinct x.
    n_features_in_ : int
        1.
    feature_names_in_ : ndarray of shape (1,)
        The name of the feature, if X had one.

    Notes
    -----
    O(n log n); about 150 times that if the penalty is chosen.

    References
    ----------
    Craven and Wahba 1979. Williams et al. 2019, Theorem 5.

    Examples
    --------
    >>> from knotflow.estimators import KernelSplineRegressor
    >>> model = KernelSplineRegressor(penalty=0.0).fit([0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 0.0, 1.0])
    >>> model.predict([1.0, 1.5]).round(12)
    array([1. , 0.5])
    >>> round(model.df_, 12)
    4.0
    """

    spline_: SmoothingSpline
    penalty_: float
    df_: float

    def __init__(self, penalty: float | None = None) -> None:
        self.penalty = penalty

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """The curve at X and, if `return_std` is True, how sure it is there.

        Parameters
        ----------
        X : array_like of shape (n,) or (n, 1)
            Named as the feature was, if it is a table.
        return_std : bool
            Whether to return the standard deviation of the curve as well, see `SmoothingSpline.sd`.

        Returns
        -------
        ndarray of shape (n,) or a pair of them; Series after ``set_output(predict="pandas")``
            The predictions, and their standard deviations.
        """
        places = self._places(X)
        curve = self._given_back(self.spline_(places), X)
        return (curve, self._given_back(self.spline_.sd(places), X)) if return_std else curve

    def _fit_curve(self, data: Samples) -> Callable[[Array], Array]:
        self.spline_ = smoothing(data, penalty=self.penalty)
        self.penalty_, self.df_ = self.spline_.penalty, self.spline_.df
        return self.spline_
