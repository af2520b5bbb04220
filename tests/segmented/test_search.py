"""The search for continuous fits: against the exact optimum, which does not rest on it, and linear least squares."""

from __future__ import annotations

import numpy as np
import pytest

import knotflow as kf
from knotflow.segmented import choice
from knotflow.segmented.lines import Standard, joined
from knotflow.segmented.optimum import searched
from knotflow.segmented.search import error_of, summed, with_a_pair, with_one_less, with_one_more
from knotflow.segmented.value_functions import Points, Rules, constrained_nodes


def wave(n: int, seed: int, noise: float = 0.3) -> kf.Samples:
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(-2, 2, n))
    return kf.Samples(x, np.sin(6 * x) + noise * rng.standard_normal(n), rng.uniform(0.5, 2, n))


def exact_errors(data: kf.Samples, pieces: int, length: int = 1) -> list[float]:
    """The optima without any bound: nothing is pruned."""
    points = Standard.of(data)
    caps = np.full((pieces + 1, len(points.u)), np.inf)
    every = constrained_nodes(Points(points.u, points.v, points.w), caps, Rules(length, True, False))
    nodes = [every[k - 1, : k + 1] for k in range(1, pieces + 1)]
    return [points.segments(data, each, joined(points, each, True, False), True).error for each in nodes]


@pytest.mark.parametrize("min_length", [1, 4])
def test_the_search_mostly_finds_the_optimum_and_is_never_far_from_it(min_length):
    ratios = []
    for seed in range(8):
        data = wave(60, seed)
        found = [fit.error for fit in searched(data, 6, min_length)]
        ratios += list(np.array(found) / exact_errors(data, 6, max(min_length - 1, 1)))
    assert min(ratios) >= 1 - 1e-9
    assert max(ratios) <= 1.05
    assert np.mean(np.array(ratios) <= 1 + 1e-9) >= 0.9


def test_the_optimum_with_bounds_from_the_search_is_that_without():
    for seed in range(6):
        data = wave(50, seed, noise=0.1)
        found = [fit.error for fit in kf.segmented.path(data, 6, continuous=True)]
        np.testing.assert_allclose(found, exact_errors(data, 6), rtol=1e-9)


@pytest.mark.parametrize("gap", [1.0, 1e-4, 1e-9])
def test_errors_are_those_of_least_squares_also_where_x_are_close(gap):
    rng = np.random.default_rng(0)
    x = np.sort(np.concatenate([rng.uniform(-1, 1, 20), 0.3 + gap * rng.uniform(0, 0.1, 20)]))
    points = Standard.of(kf.Samples(x, rng.standard_normal(40)))
    sums = summed(points.u, points.v, points.w)
    root = np.sqrt(points.w)
    for _ in range(20):
        nodes = np.concatenate([[0], np.sort(rng.choice(np.arange(1, 39), 4, replace=False)), [39]])
        hats = np.stack([np.interp(points.u, points.u[nodes], row) for row in np.eye(6)], axis=1)
        rest = root * (hats @ np.linalg.lstsq(root[:, None] * hats, root * points.v, rcond=None)[0] - points.v)
        assert error_of(sums, nodes) == pytest.approx(rest @ rest, rel=1e-7)


def test_one_or_two_knots_more_and_one_less_are_the_best_of_all():
    points = Standard.of(wave(25, 3))
    sums = summed(points.u, points.v, points.w)
    nodes = np.array([0, 9, 24])
    more = min(error_of(sums, np.sort(np.append(nodes, j))) for j in range(25) if j not in nodes)
    assert error_of(sums, with_one_more(sums, nodes, 1)) == more
    pair = with_a_pair(sums, nodes, 2)
    assert len(pair) == 5
    assert np.diff(pair).min() >= 2
    less = min(error_of(sums, np.delete(pair, p)) for p in (1, 2, 3))
    assert error_of(sums, with_one_less(sums, pair)) == less
    np.testing.assert_array_equal(with_one_more(sums, np.arange(25), 1), np.arange(25))


def test_cross_validation_by_the_search_is_that_by_the_optimum(monkeypatch):
    data = wave(90, 1)
    exact = kf.segmented.cross_validation(data, 6, continuous=True)
    monkeypatch.setattr(choice, "_SEARCHED", 10)
    np.testing.assert_allclose(kf.segmented.cross_validation(data, 6, continuous=True), exact, rtol=1e-9)
    assert kf.segmented.choose(data, 6, continuous=True, rule="cv").pieces == 1 + np.argmin(exact)


def test_what_the_data_do_not_allow_is_refused_by_both_rules():
    data = wave(8, 0)
    for rule in ("bic", "cv"):
        with pytest.raises(kf.InputError, match="pieces is 9: it must be at most 7"):
            kf.segmented.choose(data, 9, rule=rule, continuous=True, folds=2)
    assert len(searched(data, 7, 1)) == 7
