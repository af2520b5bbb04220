"""Greedy merging against its guarantee."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import knotflow as kf


@given(
    seed=st.integers(0, 10_000),
    n=st.integers(2, 120),
    pieces=st.integers(1, 6),
    tau=st.sampled_from([0.3, 1.0, 4.0]),
    gamma=st.sampled_from([1.0, 2.5]),
    noise=st.sampled_from([0.0, 0.1, 3.0]),
)
def test_error_and_pieces_are_within_the_guarantee(seed, n, pieces, tau, gamma, noise):
    rng = np.random.default_rng(seed)
    x = np.round(rng.uniform(-1, 3, n), 2) + np.where(np.arange(n) == 0, 5, 0)  # with ties
    y = np.abs(x) + (x > 1) + noise * rng.standard_normal(n)
    data = kf.Samples(x, y, rng.uniform(0.1, 2, n))
    pieces = min(pieces, len(data.distinct.x))
    fit = kf.segmented.greedy(data, pieces, tau=tau, gamma=gamma)
    best = kf.segmented.optimal(data, pieces)
    assert fit.pieces <= (2 + 2 / tau) * pieces + gamma
    within = 2 * data.distinct.within
    assert fit.error - within <= (1 + tau) * (best.error - within) + 1e-12
    assert fit.error == pytest.approx(np.sum(data.weights * (fit(data.x) - data.y) ** 2), rel=1e-12, abs=1e-26)
    assert fit.error >= kf.segmented.optimal(data, fit.pieces).error * (1 - 1e-9) - 1e-20


def test_each_piece_is_the_regression_of_its_samples():
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, 500)
    data = kf.Samples(x, np.sin(9 * x) + 0.1 * rng.standard_normal(500))
    fit = kf.segmented.greedy(data, 3)
    piece = np.searchsorted(fit.knots, data.x, side="right")
    for p in range(fit.pieces):
        slope, level = np.polyfit(data.x[piece == p], data.y[piece == p], 1)
        np.testing.assert_allclose(fit.slopes[p], slope, rtol=1e-9)
        np.testing.assert_allclose(fit(data.x[piece == p]), level + slope * data.x[piece == p], rtol=1e-9)


def test_a_polygon_is_fitted_exactly():
    x = np.linspace(0, 1, 1000)
    data = kf.Samples(x, np.interp(x, [0, 0.2, 0.7, 1], [3, -1, 5, 5]))
    fit = kf.segmented.greedy(data, 3)
    assert fit.error < 1e-24
    assert fit.pieces <= 13


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda d: kf.segmented.greedy(d, 0), "pieces is 0: it must be a whole number of at least 1"),
        (lambda d: kf.segmented.greedy(d, 4), "pieces is 4: it must be at most 3, the number of distinct x"),
        (lambda d: kf.segmented.greedy(d, 2, tau=0.0), "tau is 0.0: it must be a finite number > 0"),
        (lambda d: kf.segmented.greedy(d, 2, gamma=0.5), "gamma is 0.5: it must be at least 1"),
        (lambda d: kf.segmented.greedy(None, 2), "data is of type NoneType: it must be Samples"),
    ],
)
def test_input_errors(call, message):
    with pytest.raises(kf.InputError, match=message):
        call(kf.Samples([0.0, 1.0, 2.0], [1.0, 2.0, 0.0]))
