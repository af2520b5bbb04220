"""The canonical TV spline: its certificate on a dense grid of directions, known norms, linear programs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, nnls

from knotflow import splines
from knotflow.data import Samples
from knotflow.errors import KnotflowError

RNG = np.random.default_rng(11)
X = np.sort(RNG.uniform(-2, 2, 25))
NOISY = Samples(X, np.sin(3 * X) + 0.2 * RNG.normal(size=25), RNG.uniform(0.3, 3, 25))


def features(x: np.ndarray, angles: np.ndarray) -> np.ndarray:
    return np.maximum(x[:, None] * np.cos(angles) + np.sin(angles), 0)


def knots_at(x: np.ndarray) -> np.ndarray:
    """The directions whose knots are at x, right-facing and left-facing."""
    return np.concatenate([np.arctan2(-x, 1), np.arctan2(x, -1)])


def on_a_grid(data: Samples, lam: float, angles: np.ndarray) -> float:
    """The least objective with neurons at these angles only: non-negative least squares with a linear cost.

    1/2 |A r - t|^2 + lam sum r is |[A; k 1'] r - [t; -lam/k]|^2 / 2 less k^2 (sum r)^2 / 2 and a constant; k -> 0
    would spoil the numbers, so that the least over lam' = lam + k^2 sum r is found by fixed-point steps in k^2 sum r.
    """
    root = np.sqrt(data.weights)
    a, t = features(data.x, angles) * root[:, None], data.y * root
    a, k, total = np.hstack([a, -a]), 0.3, 0.0
    for _ in range(300):
        r, _ = nnls(np.vstack([a, np.full(a.shape[1], k)]), np.append(t, total * k - lam / k))
        if abs(r.sum() - total) <= 1e-13 * (1 + total):
            break
        total = float(r.sum())
    return 0.5 * float(np.sum((a @ r - t) ** 2)) + lam * float(r.sum())


@pytest.mark.parametrize("lam", [1e-3, 0.03, 0.3, 2.0, 8.0])
def test_no_direction_could_lower_the_objective(lam):
    """The dual point lam-feasible on a fine grid, and its value equal to the objective: both from the definition."""
    f = splines.tv(NOISY, lam, weight="canonical")
    pull = NOISY.weights * (NOISY.y - f(NOISY.x))
    height = np.abs(pull @ features(NOISY.x, np.linspace(-np.pi, np.pi, 200_001))).max()
    assert height <= lam * (1 + 1e-8)
    dual = pull @ NOISY.y - 0.5 * np.sum(pull**2 / NOISY.weights)
    assert dual == pytest.approx(f.objective, rel=1e-9)
    assert 0 <= f.gap <= 1e-9 * f.objective
    squares = 0.5 * np.sum(NOISY.weights * (f(NOISY.x) - NOISY.y) ** 2)
    assert f.objective == pytest.approx(squares + lam * f.norm, rel=1e-10)


def test_a_grid_of_directions_comes_close_from_above():
    f = splines.tv(NOISY, 0.3, weight="canonical")
    angles = np.append(np.linspace(-np.pi, np.pi, 400, endpoint=False), knots_at(NOISY.x))
    coarse = on_a_grid(NOISY, 0.3, angles)
    assert f.objective * (1 - 1e-9) <= coarse <= f.objective * 1.0003


@given(st.integers(2, 9), st.integers(0, 2**32 - 1), st.sampled_from([1e-4, 0.01, 0.2, 1.0]))
@settings(max_examples=25)
def test_the_certificate_on_random_data(s, seed, lam):
    rng = np.random.default_rng(seed)
    data = Samples(np.cumsum(rng.uniform(0.05, 1, s)) - 1.5, rng.normal(size=s), rng.uniform(0.3, 3, s))
    f = splines.tv(data, lam, weight="canonical")
    pull = data.weights * (data.y - f(data.x))
    assert np.abs(pull @ features(data.x, np.linspace(-np.pi, np.pi, 5001))).max() <= lam * (1 + 1e-7)
    dual = pull @ data.y - 0.5 * np.sum(pull**2 / data.weights)
    assert dual == pytest.approx(f.objective, rel=1e-7)


def test_the_norm_of_a_hat_and_of_three_kinks():
    """sum sqrt(1 + u^2) |jump| where the kinks make the affine part themselves (Williams sheet: 2 sqrt 3.25)."""
    x = np.linspace(-3, 3, 13)
    f = splines.tv(Samples(x, np.abs(x - 1.5)), 0, weight="canonical")
    assert f.norm == pytest.approx(2 * np.sqrt(3.25), rel=1e-8)
    np.testing.assert_allclose(f(x), np.abs(x - 1.5), rtol=0, atol=1e-9)


@pytest.mark.parametrize(("slope", "constant"), [(1.0, 0.0), (0.0, 1.0), (4.0, 3.0), (-1.0, 2.0)])
def test_the_norm_of_an_affine_function(slope, constant):
    """max {beta p + gamma q : p^2 + q^2 <= 4, |q| <= 1} for data dense enough and wide enough to see the whole line."""
    x = np.concatenate([-np.geomspace(1e4, 1e-3, 60), [0.0], np.geomspace(1e-3, 1e4, 60)])
    q = np.linspace(-1, 1, 200_001)
    expected = (np.abs(slope) * np.sqrt(4 - q**2) + constant * q).max()
    f = splines.tv(Samples(x, slope * x + constant), 0, weight="canonical")
    assert f.norm == pytest.approx(expected, rel=2e-3)
    assert f.norm <= expected * (1 + 1e-8)


def test_interpolation_against_a_linear_program_on_a_grid():
    x, y = X[:8], np.asarray(NOISY.y)[:8]
    angles = np.append(np.linspace(-np.pi, np.pi, 10_000, endpoint=False), knots_at(x))
    a = features(x, angles)
    grid = linprog(np.ones(2 * len(angles)), A_eq=np.hstack([a, -a]), b_eq=y).fun
    f = splines.tv(Samples(x, y), 0, weight="canonical")
    np.testing.assert_allclose(f(x), y, rtol=0, atol=1e-9)
    assert f.norm * (1 - 1e-7) <= grid <= f.norm * (1 + 1e-4)
    small = splines.tv(Samples(x, y), 1e-5, weight="canonical")
    assert 0.8 * f.norm < small.norm < f.norm


def test_the_largest_penalty_leaves_nothing_and_reflections_are_reflected():
    f = splines.tv(NOISY, 1e3, weight="canonical")
    np.testing.assert_array_equal(f(NOISY.x), 0.0)
    assert (f.norm, len(f.knots)) == (0.0, 0)
    at = np.linspace(-4, 4, 33)
    for lam in (0.05, 0.5):
        one = splines.tv(NOISY, lam, weight="canonical")
        other = splines.tv(Samples(-NOISY.x, -3 * NOISY.y, NOISY.weights), 3 * lam, weight="canonical")
        np.testing.assert_allclose(other(-NOISY.x), -3 * one(NOISY.x), rtol=0, atol=1e-6)
        np.testing.assert_allclose(other(-at), -3 * one(at), rtol=0, atol=1e-4)


def test_knots_lie_between_samples_and_ties_count_as_their_mean():
    f = splines.tv(NOISY, 0.05, weight="canonical")
    assert len(np.setdiff1d(np.round(f.knots, 9), np.round(NOISY.x, 9))) >= 1
    tied = Samples(np.append(NOISY.x, NOISY.x[3]), np.append(NOISY.y, 7.0), np.append(NOISY.weights, 0.5))
    d = tied.distinct
    g = splines.tv(tied, 0.05, weight="canonical")
    h = splines.tv(Samples(d.x, d.y, d.weight), 0.05, weight="canonical")
    np.testing.assert_allclose(g(X), h(X), rtol=0, atol=1e-12)
    assert g.objective == pytest.approx(h.objective + d.within, rel=1e-12)


@pytest.mark.parametrize("offset", [0.0, -100.0, 1e3])
def test_the_interpolant_far_from_0_is_the_limit_of_small_penalties(offset):
    """objective(lam) / lam is at most the least norm of an interpolant and tends to it."""
    for seed in range(3):
        rng = np.random.default_rng(seed)
        data = Samples(np.sort(rng.uniform(-1, 1, 9)) + offset, rng.normal(size=9))
        through = splines.tv(data, 0.0, weight="canonical")
        np.testing.assert_allclose(through(data.x), data.y, rtol=0, atol=1e-8)
        lam = 1e-2 / through.norm
        near = splines.tv(data, lam, weight="canonical")
        assert near.objective / lam == pytest.approx(through.norm, rel=5e-2)
        assert near.objective / lam <= through.norm * (1 + 1e-6)


@pytest.mark.parametrize("offset", [1e6, 1e9, -1e12])
@pytest.mark.parametrize("lam", [0.0, 0.1])
def test_what_rounding_hides_is_an_error_in_words(offset, lam):
    """Directions of samples far from 0 cannot be told apart: either the answer is right or it is refused."""
    rng = np.random.default_rng(4)
    data = Samples(offset + np.arange(8.0), rng.normal(size=8))
    try:
        f = splines.tv(data, lam, weight="canonical")
    except KnotflowError as error:
        assert "standardise x" in str(error)  # noqa: PT017
    else:
        assert f.gap <= 1e-6 * f.objective or lam == 0.0


def test_an_interpolant_at_ten_thousand_spans_from_0():
    for seed in range(8):
        rng = np.random.default_rng(seed)
        data = Samples(np.sort(rng.uniform(-1, 1, 12)) + 1e4, rng.normal(size=12))
        f = splines.tv(data, 0.0, weight="canonical")
        np.testing.assert_allclose(f(data.x), data.y, rtol=0, atol=1e-6)
        assert f.norm >= np.hypot(1, data.x[0]) * np.abs(np.diff(np.diff(data.y) / np.diff(data.x))).max() / 2
