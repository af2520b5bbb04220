"""scikit-learn's own checks of an estimator, each expected failure with its reason."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("sklearn")

from sklearn.utils.estimator_checks import check_estimator

from knotflow.estimators import (
    AdaptiveSplineRegressor,
    KernelSplineRegressor,
    PiecewiseLinearRegressor,
    ReLUFlowRegressor,
)

pytestmark = pytest.mark.slow

ONE_COLUMN = "x of shape (n,) is one feature here, not an error"
INDEXES = "the check makes X one-dimensional, as the tag asks, and then indexes two dimensions"
SEVERAL = "the check gives several features although the tag says one"
EXPECTED = {
    "check_fit1d": ONE_COLUMN,
    "check_fit2d_predict1d": ONE_COLUMN,
}
EXPECTED_OF_ONE_FEATURE = {
    "check_fit1d": ONE_COLUMN,
    "check_sample_weights_shape": SEVERAL,
    "check_sample_weights_not_overwritten": SEVERAL,
    "check_sample_weight_equivalence_on_dense_data": SEVERAL,
    "check_dont_overwrite_parameters": INDEXES,
    "check_n_features_in_after_fitting": INDEXES,
    "check_dtype_object": INDEXES,
    "check_estimator_sparse_array": INDEXES,
    "check_f_contiguous_array_estimator": INDEXES,
    "check_regressors_no_decision_function": INDEXES,
    "check_methods_sample_order_invariance": INDEXES,
    "check_methods_subset_invariance": INDEXES,
    "check_fit2d_1sample": INDEXES,
    "check_fit2d_1feature": INDEXES,
    "check_dict_unchanged": INDEXES,
    "check_n_features_in": INDEXES,
    "check_fit2d_predict1d": INDEXES,
}


class _First:
    """Takes the first of several columns: so that every check reaches the estimator, whose tag it takes back."""

    def _feature(self, X):
        return X[:, 0]

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = False
        return tags


class FirstKernel(_First, KernelSplineRegressor): ...


class FirstAdaptive(_First, AdaptiveSplineRegressor): ...


class FirstPiecewise(_First, PiecewiseLinearRegressor): ...


class FirstFlow(_First, ReLUFlowRegressor): ...


SMALL = {"width": 8, "folds": 2, "rtol": 1e-3}


def results(estimator: Any, expected: dict[str, str]) -> tuple[set[str], set[str]]:
    """The checks that failed as expected and those that failed otherwise."""
    found = check_estimator(estimator, expected_failed_checks=expected, on_fail=None, on_skip=None)
    assert sum(each["status"] == "passed" for each in found) >= 35
    by_status = {
        status: {each["check_name"] for each in found if each["status"] == status} for status in ("xfail", "failed")
    }
    return by_status["xfail"], by_status["failed"]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.parametrize(
    "estimator", [FirstKernel(), FirstAdaptive(), FirstPiecewise(), FirstFlow(**SMALL)], ids=lambda e: type(e).__name__
)
def test_every_check_passes_where_several_columns_are_no_obstacle(estimator: Any) -> None:
    assert results(estimator, EXPECTED) == ({*EXPECTED}, set())


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.parametrize(
    "estimator",
    [KernelSplineRegressor(), AdaptiveSplineRegressor(), PiecewiseLinearRegressor(), ReLUFlowRegressor(**SMALL)],
    ids=lambda e: type(e).__name__,
)
def test_the_checks_for_one_feature_pass(estimator: Any) -> None:
    assert results(estimator, EXPECTED_OF_ONE_FEATURE) == ({*EXPECTED_OF_ONE_FEATURE}, set())
