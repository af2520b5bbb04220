"""Continuous fits with knots anywhere, against a minimiser that knows nothing of gaps between samples."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

import knotflow as kf


def error_at(data: kf.Samples, knots: np.ndarray) -> float:
    """The least error of a polygon with these knots, by linear least squares."""
    columns = np.stack([np.ones(len(data)), data.x, *(np.maximum(data.x - t, 0) for t in knots)], axis=1)
    root = np.sqrt(data.weights)
    rest = root * (columns @ np.linalg.lstsq(root[:, None] * columns, root * data.y, rcond=None)[0] - data.y)
    return float(rest @ rest)


def by_brute_force(data: kf.Samples, knots: int, rng: np.random.Generator, tries: int = 40) -> float:
    lo, hi = data.range
    best = np.inf
    for _ in range(tries):
        start = np.sort(rng.uniform(lo, hi, knots))
        found = minimize(lambda t: error_at(data, np.clip(t, lo, hi)), start, method="Nelder-Mead", tol=1e-10)
        best = min(best, found.fun)
    return best


def noisy(rng: np.random.Generator, s: int, jump: float = 0.0) -> kf.Samples:
    x = np.cumsum(rng.uniform(0.2, 2, s))
    at = x[0] + np.ptp(x) * np.array([0.37, 0.68])
    y = np.abs(x - at[0]) - 1.5 * np.maximum(x - at[1], 0) + jump * (x > at[1])
    return kf.Samples(x, y + 0.3 * rng.standard_normal(s), rng.uniform(0.3, 3, s))


@pytest.mark.parametrize("seed", range(12))
def test_one_knot_is_the_best_of_all(seed):
    rng = np.random.default_rng(seed)
    data = noisy(rng, 15)
    fit = kf.segmented.optimal(data, 2, continuous=True, knots="free")
    lo, hi = data.range
    fine = min(error_at(data, [t]) for t in np.linspace(lo, hi, 4001)[1:-1])
    assert fit.error <= fine * (1 + 1e-9)
    assert fit.error == pytest.approx(fine, rel=1e-3)
    assert fit.error == pytest.approx(error_at(data, fit.knots), rel=1e-9)


@pytest.mark.parametrize("jump", [0.0, 6.0])
@pytest.mark.parametrize("seed", range(6))
def test_two_knots_are_no_worse_than_brute_force(seed, jump):
    rng = np.random.default_rng(seed)
    data = noisy(rng, 14, jump)
    fit = kf.segmented.optimal(data, 3, continuous=True, knots="free")
    assert fit.error <= by_brute_force(data, 2, rng) * (1 + 1e-6)
    assert fit.continuous
    assert fit.pieces == 3
    assert fit.error == pytest.approx(error_at(data, fit.knots), rel=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_more_knots_are_found_by_the_search(seed):
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(0, 10, 60))
    data = kf.Samples(x, np.interp(x, [0, 2.3, 5.1, 7.7, 10], [0, 4, -1, 3, 0]) + 0.2 * rng.standard_normal(60))
    fit = kf.segmented.optimal(data, 4, continuous=True, knots="free")
    assert fit.error <= kf.segmented.optimal(data, 4, continuous=True).error
    assert fit.error >= kf.segmented.optimal(data, 4).error * (1 - 1e-9)
    nearby = minimize(lambda t: error_at(data, t), fit.knots, method="Nelder-Mead", tol=1e-10).fun
    truth = minimize(lambda t: error_at(data, t), [2.3, 5.1, 7.7], method="Nelder-Mead", tol=1e-10).fun
    assert fit.error <= min(nearby, truth) * (1 + 1e-6)


def test_a_polygon_with_knots_between_samples_is_found():
    x = np.arange(30.0)
    knots = np.array([7.3, 15.6, 21.5])
    y = 2 + np.abs(x - knots[0]) - 2 * np.maximum(x - knots[1], 0) + 3 * np.maximum(x - knots[2], 0)
    fit = kf.segmented.optimal(kf.Samples(1e3 * x + 1e6, 1e-3 * y), 4, continuous=True, knots="free")
    np.testing.assert_allclose(fit.knots, 1e3 * knots + 1e6, rtol=1e-9)
    assert fit.error < 1e-20
    assert fit.network()(1e6) == pytest.approx(1e-3 * y[0])


def test_few_samples_and_what_is_refused():
    data = kf.Samples([0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 0.0, 1.0])
    for pieces in (1, 2, 3):
        fit = kf.segmented.optimal(data, pieces, continuous=True, knots="free")
        assert fit.pieces == pieces
        assert fit.error <= kf.segmented.optimal(data, pieces, continuous=True).error
    for options in ({}, {"continuous": True, "min_length": 2}, {"continuous": True, "monotone": "increasing"}):
        with pytest.raises(kf.InputError, match='knots is "free": it must be "samples" unless continuous=True'):
            kf.segmented.optimal(data, 1, knots="free", **options)
    with pytest.raises(kf.InputError, match="knots is 'any': it must be one of 'samples', 'free'"):
        kf.segmented.optimal(data, 2, continuous=True, knots="any")
