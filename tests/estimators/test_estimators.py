"""The regressors: the curves of the rooms, in scikit-learn's and pandas' company."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn")
pd = pytest.importorskip("pandas")

from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import StackingRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import knotflow as kf
from knotflow.estimators import (
    AdaptiveSplineRegressor,
    KernelSplineRegressor,
    PiecewiseLinearRegressor,
    ReLUFlowRegressor,
)

RNG = np.random.default_rng(7)
X = RNG.uniform(2.0, 5.0, 40)
Y = np.sin(2 * X) + 0.2 * RNG.standard_normal(40)
AT = np.linspace(1.5, 5.5, 23)
ALL = {
    "kernel": KernelSplineRegressor(),
    "adaptive": AdaptiveSplineRegressor(),
    "piecewise": PiecewiseLinearRegressor(max_pieces=5),
    "flow": ReLUFlowRegressor(width=10, folds=3, rtol=1e-4),
}
NAMES = list(ALL)


def model(name: str) -> Any:
    return clone(ALL[name])


# -- the curves ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("penalty", [None, 0.0, 1e-3, np.inf])
def test_the_kernel_spline_is_the_smoothing_spline(penalty):
    fit = KernelSplineRegressor(penalty).fit(X, Y)
    spline = kf.splines.smoothing(kf.Samples(X, Y), penalty=penalty)
    assert np.array_equal(fit.predict(AT), spline(AT))
    assert (fit.penalty_, fit.df_) == (spline.penalty, spline.df)


def test_the_kernel_spline_says_how_sure_it_is():
    fit = KernelSplineRegressor().fit(X, Y)
    curve, deviation = fit.predict(AT[:, None], return_std=True)
    assert np.array_equal(curve, fit.predict(AT))
    assert np.array_equal(deviation, kf.splines.smoothing(kf.Samples(X, Y)).sd(AT))
    series = fit.set_output(predict="pandas").predict(pd.Series(AT, index=AT), return_std=True)
    assert [each.index.tolist() for each in series] == [AT.tolist()] * 2


@pytest.mark.parametrize("scale", [1.0, 1e-9, 3e7])
def test_from_penalty_1_on_the_adaptive_spline_is_a_line_and_not_before(scale):
    weight = RNG.uniform(0.5, 3.0, 40)
    line = AdaptiveSplineRegressor(1 + 1e-9).fit(X * scale, Y / scale, weight)
    assert len(line.knots_) == 0
    slope, constant = np.polyfit(X * scale, Y / scale, 1, w=np.sqrt(weight))
    np.testing.assert_allclose(line.predict(AT * scale), constant + slope * AT * scale, rtol=1e-7)
    assert len(AdaptiveSplineRegressor(1 - 1e-6).fit(X * scale, Y / scale, weight).knots_) > 0


def left_out(data: kf.Samples, folds: int):
    """A slow twin of the parts: (train, held-out, share of the weight)."""
    places = sorted(set(data.x.tolist()))
    for j in range(folds):
        out = np.array([places.index(x) % folds == j for x in data.x.tolist()])
        train = kf.Samples(data.x[~out], data.y[~out], data.weights[~out])
        yield train, out, data.weights[~out].sum() / data.weights.sum()


def test_the_penalty_of_the_adaptive_spline_has_the_least_error_on_what_is_left_out():
    data = kf.Samples(np.r_[X, X[:5]], np.r_[Y, Y[:5] + 0.3], RNG.uniform(0.5, 2.0, 45))
    fit = AdaptiveSplineRegressor(folds=4).fit(data.x, data.y, data.weights)
    largest = fit.lam_ / fit.penalty_
    penalties = np.geomspace(1.0, 1e-5, 26)
    errors = np.zeros(26)
    for train, out, share in left_out(data, 4):
        for k, penalty in enumerate(penalties):
            f = kf.splines.tv(train, penalty * largest * share)
            errors[k] += np.sum(data.weights[out] * (f(data.x[out]) - data.y[out]) ** 2)
    assert fit.penalty_ == pytest.approx(penalties[np.argmin(errors)])
    assert 1e-5 < fit.penalty_ < 1  # the least is within what is tried
    assert np.array_equal(fit.predict(AT), kf.splines.tv(data, fit.lam_)(AT))


def test_the_piecewise_fit_is_that_of_the_room():
    data = kf.Samples(X, Y)
    chosen = PiecewiseLinearRegressor(max_pieces=5).fit(X, Y)
    expected = kf.segmented.choose(data, 5, continuous=True)
    assert np.array_equal(chosen.predict(AT), expected(AT))
    assert chosen.n_pieces_ == expected.pieces > 1
    given = PiecewiseLinearRegressor(3, continuous=False, min_length=4).fit(X, Y)
    assert np.array_equal(given.predict(AT), kf.segmented.optimal(data, 3, min_length=4)(AT))
    assert np.array_equal(given.knots_, given.segments_.knots)


def test_the_pieces_that_are_tried_are_no_more_than_the_data_allow():
    assert PiecewiseLinearRegressor(max_pieces=10).fit([0, 1, 2], [0, 1, 0]).n_pieces_ <= 2


def test_the_stopping_time_has_the_least_error_on_what_is_left_out():
    weight = RNG.uniform(0.5, 2.0, 40)
    fit = ReLUFlowRegressor(width=10, folds=3, rtol=1e-8).fit(X, Y, weight)
    standard, scaling = kf.Samples(X, Y, weight).standardised()
    start = fit.trajectory_.start
    errors = np.zeros(51)
    for train, out, share in left_out(standard, 3):
        for k in range(0, 51, 10):  # a run for each time, in place of one for all
            net = kf.evolve(start, train, kf.GradientFlow(rtol=1e-8), until=fit.times_[k] / share).final
            errors[k] += np.sum(standard.weights[out] * (net(standard.x[out]) - standard.y[out]) ** 2)
    expected = errors[::10] / weight.sum() * scaling.y_scale**2
    np.testing.assert_allclose(fit.cv_errors_[::10], expected, rtol=1e-5)
    assert fit.time_ == fit.times_[np.argmin(fit.cv_errors_)]
    assert fit.times_[0] < fit.time_ < fit.times_[-1]  # it stops early


def test_a_network_is_trained_to_the_time_that_is_given():
    fit = ReLUFlowRegressor(time=3.0, width=10, regime="kernel").fit(X, Y)
    assert fit.trajectory_.times[-1] == fit.time_ == 3.0
    np.testing.assert_allclose(fit.trajectory_.start.delta, -1e4)
    assert np.array_equal(fit.predict(AT), fit.net_(AT))
    assert not hasattr(fit, "times_")


def test_two_draws_differ_and_one_repeats_itself():
    first, again, other = (ReLUFlowRegressor(1.0, width=5, random_state=k).fit(X, Y).predict(AT) for k in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.allclose(first, other)


# -- scikit-learn ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_x_may_have_any_of_its_shapes(name):
    expected = model(name).fit(X[:, None], Y).predict(AT[:, None])
    assert isinstance(expected, np.ndarray)
    assert expected.shape == (23,)
    for x, at in [(X, AT), (X.tolist(), AT.tolist()), (X[:, None].tolist(), AT), (pd.Series(X), pd.Series(AT))]:
        fit = model(name).fit(x, Y)
        assert np.array_equal(fit.predict(at), expected)
        assert fit.n_features_in_ == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_weight_counts_samples(name):
    weight = RNG.integers(0, 4, 40)
    weighted = model(name).fit(X, Y, sample_weight=weight).predict(AT)
    repeated = model(name).fit(np.repeat(X, weight), np.repeat(Y, weight)).predict(AT)
    np.testing.assert_allclose(weighted, repeated, atol=1e-4 if name == "flow" else 1e-8)


@pytest.mark.parametrize("name", NAMES)
def test_predictions_are_refused_before_a_fit_and_survive_a_pickle(name):
    with pytest.raises(NotFittedError):
        model(name).predict(AT)
    fit = model(name).fit(X, Y)
    assert np.array_equal(pickle.loads(pickle.dumps(fit)).predict(AT), fit.predict(AT))


@pytest.mark.parametrize("name", NAMES)
def test_two_samples_are_enough(name):
    np.testing.assert_allclose(model(name).fit([0.0, 1.0], [1.0, 3.0]).predict([0.0]), [1.0], atol=1.0)


@pytest.mark.parametrize("name", ["adaptive", "flow"])
@pytest.mark.parametrize("folds", [2, 3, 9])
def test_few_samples_leave_two_to_each_part(name, folds):
    for n in (2, 3, 4, 5):
        fit = model(name).set_params(folds=folds).fit(np.arange(n), np.arange(n) ** 2)
        assert np.isfinite(fit.predict(AT)).all()


def test_a_search_finds_the_penalty():
    grid = {"penalty": [1e-9, 1e-4, np.inf]}
    search = GridSearchCV(KernelSplineRegressor(), grid, cv=4).fit(X[:, None], Y)
    assert search.best_params_ == {"penalty": 1e-4}
    assert search.score(X[:, None], Y) > 0.8


def test_pipelines_scale_x_and_y():
    pipe = make_pipeline(
        StandardScaler(), TransformedTargetRegressor(KernelSplineRegressor(), transformer=StandardScaler())
    )
    expected = KernelSplineRegressor().fit(X, Y).predict(AT)
    np.testing.assert_allclose(pipe.fit(X[:, None], Y).predict(AT[:, None]), expected, rtol=1e-4)


def test_cross_validation_and_stacking_take_frames():
    frame = pd.DataFrame({"t": X})
    assert cross_val_predict(KernelSplineRegressor(), frame, Y, cv=3).shape == (40,)
    several = [(name, model(name)) for name in ("kernel", "adaptive", "piecewise")]
    stack = StackingRegressor(several, LinearRegression(), cv=3).fit(frame, pd.Series(Y))
    assert stack.score(frame, Y) > 0.8


# -- pandas ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("x", [pd.DataFrame({"t": X}), pd.Series(X, name="t")])
def test_the_name_of_the_feature_is_kept_and_asked_for(x):
    fit = KernelSplineRegressor().fit(x, Y)
    assert fit.feature_names_in_.tolist() == ["t"]
    assert fit.predict(x).shape == (40,)
    with pytest.raises(ValueError, match="feature names should match"):
        fit.predict(pd.DataFrame({"other": AT}))


def test_arrays_have_no_feature_names():
    assert not hasattr(KernelSplineRegressor().fit(X, Y), "feature_names_in_")


def test_predictions_are_series_where_that_is_asked_for():
    fit = clone(KernelSplineRegressor().set_output(predict="pandas")).fit(
        pd.DataFrame({"t": X}), pd.Series(Y, name="v")
    )
    at = pd.DataFrame({"t": AT}, index=pd.RangeIndex(100, 123))
    found = fit.predict(at)
    assert (found.name, found.index.tolist()) == ("v", list(range(100, 123)))
    assert np.array_equal(found.to_numpy(), fit.set_output(predict="default").predict(at))
    assert isinstance(fit.set_output().predict(at), np.ndarray)


# -- what is refused -------------------------------------------------------------------------------------


WRONG = {
    "several features": (KernelSplineRegressor(), {"X": np.ones((40, 2))}, "X has 2 features: it must have 1"),
    "one x": (KernelSplineRegressor(), {"X": np.ones(40)}, "at least two distinct x are needed"),
    "a negative weight": (
        AdaptiveSplineRegressor(),
        {"sample_weight": np.r_[1.0, -2.0, np.ones(38)]},
        r"sample_weight\[1\] is -2.0: it must be at least 0",
    ),
    "weights of another shape": (
        KernelSplineRegressor(),
        {"sample_weight": np.ones(39)},
        r"sample_weight has shape \(39,\): it must have shape \(40,\)",
    ),
    "no weight": (AdaptiveSplineRegressor(), {"sample_weight": np.zeros(40)}, "sample_weight is 0 everywhere"),
    "penalty": (KernelSplineRegressor(-1.0), {}, r"penalty is -1.0: it must be"),
    "penalty of TV": (AdaptiveSplineRegressor(-1.0), {}, r"penalty is -1.0: it must be"),
    "folds": (AdaptiveSplineRegressor(folds=1), {}, r"folds is 1: it must be"),
    "folds of the flow": (ReLUFlowRegressor(folds=0), {}, r"folds is 0: it must be"),
    "pieces": (PiecewiseLinearRegressor(0), {}, r"pieces is 0: it must be"),
    "max_pieces": (PiecewiseLinearRegressor(max_pieces=2.5), {}, r"max_pieces is 2.5: it must be"),
    "min_length": (PiecewiseLinearRegressor(min_length=0), {}, r"min_length is 0: it must be"),
    "rule": (PiecewiseLinearRegressor(rule="aic"), {}, r"rule is 'aic': it must be"),
    "time": (ReLUFlowRegressor(time=-1.0), {}, r"time is -1.0: it must be"),
    "regime": (ReLUFlowRegressor(regime="lazy"), {}, r"regime is 'lazy': it must be"),
    "width": (ReLUFlowRegressor(width=0), {}, r"width is 0: it must be"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_refused_by_name(case):
    estimator, changes, message = WRONG[case]
    with pytest.raises(kf.InputError, match=message):
        estimator.fit(**{"X": X, "y": Y, **changes})


def test_other_words_for_the_output_are_refused():
    with pytest.raises(kf.InputError, match="predict is 'polars': it must be one of"):
        KernelSplineRegressor().set_output(predict="polars")
