"""The choice of lam for total-variation splines, against refits on a grid; and its parameter without a unit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knotflow import splines
from knotflow.data import Samples, datasets
from knotflow.errors import InputError
from knotflow.splines.trend import trend
from knotflow.splines.trend_path import largest, trend_path


@st.composite
def samples(draw: st.DrawFn, least: int = 6, most: int = 24) -> Samples:
    """Uneven or even gaps and weights; y noisy, or from a few whole numbers, where many things happen at one lam."""
    s = draw(st.integers(least, most))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    even = draw(st.booleans())
    x = np.arange(float(s)) if even else np.cumsum(rng.uniform(0.1, 2, s))
    y = rng.integers(0, 3, s) if draw(st.booleans()) else np.sin(x) + 0.3 * rng.normal(size=s)
    return Samples(x, y, None if even else rng.uniform(0.3, 3, s))


def held_out(data: Samples, lam: float, folds: int) -> float:
    """The cross-validated error by refits."""
    fold, total = np.searchsorted(data.distinct.x, data.x) % folds, 0.0
    for j in range(folds):
        out = fold == j
        train = Samples(data.x[~out], data.y[~out], data.weights[~out])
        f = splines.tv(train, lam * train.weights.sum() / data.weights.sum())
        total += float(np.sum(data.weights[out] * (f(data.x[out]) - data.y[out]) ** 2))
    return total


@given(samples())
@settings(max_examples=60)
def test_the_path_is_the_minimiser_at_every_lam(data):
    u, y, w = (np.array(each) for each in (data.x, data.y, data.weights))
    path = trend_path(u, y, w)
    assert [stretch.lo for stretch in path[:-1]] == [stretch.hi for stretch in path[1:]]
    assert (path[0].hi, path[-1].lo) == (np.inf, 0.0) or not np.ptp(y)
    for stretch in path:
        for lam in (stretch.lo, 0.5 * (stretch.lo + min(stretch.hi, 2 * stretch.lo + 1))):
            if lam > 1e-6 * path[0].lo:
                right = trend(u, y, w, lam)
                mine = np.interp(u, u[stretch.knots], stretch.values - lam * stretch.pull)
                np.testing.assert_allclose(mine, np.interp(u, u[right.knots], right.values), rtol=0, atol=2e-6)


@given(samples(), st.sampled_from([2, 3]))
@settings(max_examples=25)
def test_cross_validation_is_at_least_as_good_as_a_grid_of_refits(data, folds):
    f = splines.tv(data, lam="cv", folds=folds)
    top = f.lam / f.penalty if f.penalty > 0 else 1.0
    grid = [0.0, *(top * np.geomspace(1e-5, 2, 60))]
    errors = [held_out(data, lam, folds) for lam in grid]
    assert held_out(data, f.lam, folds) <= min(errors) * (1 + 1e-9) + 1e-12


def test_the_choice_is_the_least_on_a_fine_grid():
    """Between the ends of stretches too: the chosen lam is no end, and its neighbours are worse."""
    rng = np.random.default_rng(5)
    x = np.linspace(0, 3, 40)
    data = Samples(x, np.abs(x - 1) + 0.2 * rng.normal(size=40))
    f = splines.tv(data)
    assert (f.lam, f.norm) == (splines.tv(data, "cv").lam, splines.tv(data, f.lam).norm)
    fine = f.lam * np.linspace(0.9, 1.1, 81)
    errors = np.array([held_out(data, lam, 5) for lam in fine])
    assert abs(fine[np.argmin(errors)] / f.lam - 1) <= 0.0026
    truth = np.abs(x - 1)
    assert np.sum((f(x) - truth) ** 2) < 0.5 * np.sum((splines.tv(data, 0.0)(x) - truth) ** 2)


def test_noise_on_a_line_gives_the_line_and_a_polygon_without_noise_itself():
    rng = np.random.default_rng(0)
    x = np.arange(40.0)
    lines = [splines.tv(Samples(x, 0.1 * x + rng.normal(size=40))) for _ in range(20)]
    assert sum(not len(f.knots) for f in lines) >= 10
    f = splines.tv(Samples(x, np.abs(x - 20)))
    assert f.penalty < 1e-3
    np.testing.assert_allclose(f(x), np.abs(x - 20), rtol=0, atol=0.05)
    assert splines.tv(Samples(x, 3 - 2 * x)).norm == 0


def test_the_penalty_is_in_units_of_the_least_lam_of_the_line():
    data = datasets.motorcycle()
    line = splines.tv(data, penalty=1.0)
    assert len(line.knots) == 0
    assert len(splines.tv(data, penalty=1 - 1e-6).knots) == 1
    assert splines.tv(data, line.lam).penalty == pytest.approx(1)
    assert largest(data.distinct.x, data.distinct.y, data.distinct.weight) == pytest.approx(line.lam, rel=1e-9)
    f = splines.tv(data, penalty=0.01)
    assert f.lam == pytest.approx(0.01 * line.lam)
    assert splines.tv(data, 0.0).penalty == 0


@given(samples(), st.sampled_from([1e-30, 1e-3, 20.0]), st.sampled_from([1e-30, 0.1, 1e6]), st.floats(-5, 5))
@settings(max_examples=30)
def test_neither_the_penalty_nor_the_choice_has_a_unit(data, x_unit, y_unit, shift):
    other = Samples(x_unit * data.x, y_unit * (data.y + shift), 7 * data.weights)
    size = 1 + np.abs(data.y).max()
    for options in ({"penalty": 0.1}, {"lam": "cv", "folds": 3}):
        f, g = splines.tv(data, **options), splines.tv(other, **options)
        assert g.penalty == pytest.approx(f.penalty, rel=1e-5, abs=1e-8)
        np.testing.assert_allclose(g(other.x) / y_unit - shift, f(data.x), rtol=0, atol=1e-4 * size)


def test_precisions_do_not_depend_on_their_unit():
    rng = np.random.default_rng(8)
    x, y, w = np.arange(20.0), rng.normal(size=20), rng.uniform(0.3, 3, 20)
    for options in ({"lam": 0.7}, {"penalty": 0.1}, {}, {"lam": 0.7, "weight": "canonical"}):
        right = splines.tv(Samples(x, y, w / w.mean()), **options)
        for unit in (1e-150, 1e-3, 1.0, 1e5, 1e150):
            f = splines.tv(Samples(x, y, unit * w), weights_are="precisions", **options)
            np.testing.assert_allclose(f(x), right(x), rtol=0, atol=1e-7)
            assert (f.lam, f.norm) == pytest.approx((right.lam, right.norm), rel=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lam": 0.1, "penalty": 0.1}, "lam is 0.1 and penalty is 0.1: at most one of them must be given"),
        ({"penalty": 0.1, "weight": "canonical"}, "penalty is 0.1: it must be None with weight="),
        ({"lam": "cv", "weight": "canonical"}, "lam is 'cv': it must be a finite number"),
        ({"lam": "gcv"}, "lam is 'gcv': it must be"),
        ({"folds": 4}, "folds is 4: it must be between 2 and half the number of distinct x, 3"),
        ({"lam": 0.1, "weights_are": "counts"}, "weights_are is 'counts': it must be one of"),
    ],
)
def test_input_errors(options, message):
    with pytest.raises(InputError, match=message):
        splines.tv(Samples(np.arange(6.0), np.arange(6.0) ** 2), **options)
