"""The fits of knotflow as regressors of scikit-learn, for pipelines, searches and tables of pandas.

    KernelSplineRegressor     the smoothing spline: wide networks in the kernel regime, stopped early
    AdaptiveSplineRegressor   the total-variation spline: networks in the adaptive regime
    PiecewiseLinearRegressor  the piecewise linear fit of least error
    ReLUFlowRegressor         a network of m neurons, trained by the gradient flow to a time

Each takes one feature, as an array of shape (n,) or (n, 1), a Series or a DataFrame of one column. scikit-learn is
loaded with the first of them: ``pip install "knotflow[sklearn]"``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from knotflow._extras import needing_extras
from knotflow._lazy import lazy

if TYPE_CHECKING:
    from knotflow.estimators.adaptive import AdaptiveSplineRegressor
    from knotflow.estimators.flow import ReLUFlowRegressor
    from knotflow.estimators.kernel import KernelSplineRegressor
    from knotflow.estimators.piecewise import PiecewiseLinearRegressor

__all__ = ["AdaptiveSplineRegressor", "KernelSplineRegressor", "PiecewiseLinearRegressor", "ReLUFlowRegressor"]

_, _load, __dir__ = lazy(
    __name__,
    {
        "adaptive": ("AdaptiveSplineRegressor",),
        "flow": ("ReLUFlowRegressor",),
        "kernel": ("KernelSplineRegressor",),
        "piecewise": ("PiecewiseLinearRegressor",),
    },
)


def __getattr__(name: str) -> Any:
    with needing_extras():
        return _load(name)
