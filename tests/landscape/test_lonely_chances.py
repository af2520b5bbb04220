"""Counts of partitions by enumeration, probabilities by simulation."""

from __future__ import annotations

import pickle
from itertools import combinations, pairwise

import numpy as np
import pytest
from scipy import stats

import knotflow as kf
from knotflow.landscape import (
    expected_lonely_share,
    lonely_partition_count,
    lonely_probability,
    lonely_samples,
    lonely_share,
    partition_count,
)


def enumerated(m, s):
    """All orders of m knots and s samples, and in how many every sample is alone in its piece."""
    lonely = total = 0
    for places in combinations(range(m + s), s):
        total += 1
        lonely += all(b - a > 1 for a, b in pairwise(places))
    return total, lonely


@pytest.mark.parametrize(("m", "s"), [(4, 3), (3, 4), (7, 3), (4, 6), (5, 1), (2, 5), (1, 2)])
def test_counts_by_enumeration(m, s):
    assert (partition_count(m, s), lonely_partition_count(m, s)) == enumerated(m, s)


def test_printed_counts():
    assert [partition_count(m, s) for m, s in ((4, 3), (3, 4), (7, 3), (4, 6))] == [35, 35, 120, 210]
    assert lonely_partition_count(4, 3) == 10
    assert lonely_partition_count(7, 3) == 56
    assert np.log(float(lonely_partition_count(80, 40))) == pytest.approx(53.7, abs=0.6)


@pytest.mark.parametrize(("m", "s"), [(20, 5), (60, 8), (5, 6), (3, 5)])
def test_probabilities_by_simulation(m, s):
    rng, n = np.random.default_rng(m), 20_000
    knots, x = np.sort(rng.normal(size=(n, m))), np.sort(rng.normal(size=(n, s)))
    piece = np.sum(knots[:, None, :] <= x[:, :, None], axis=2)
    alone = np.array([np.bincount(p)[p] == 1 for p in piece])
    even = np.sort(rng.integers(0, m - 1, (n, s)))
    alone_even = np.array([np.bincount(p)[p] == 1 for p in even])
    for layout, seen in (("random", alone), ("equispaced", alone_even)):
        exact, share = lonely_probability(m, s, layout).exact, lonely_share(m, s, layout)
        assert abs(seen.all(axis=1).mean() - exact) <= 4 * np.sqrt(exact * (1 - exact) / n)
        assert abs(seen.mean() - share) < 4 * seen.mean(axis=1).std() / np.sqrt(n)


def test_remark_1():
    """At H = d N^2: exp(-1/d) for random knots, exp(-1/(2d)) for equispaced ones."""
    assert lonely_probability(400, 20).exact == pytest.approx(0.388, abs=5e-4)
    assert lonely_probability(400, 20, "equispaced").exact == pytest.approx(0.616, abs=5e-4)
    assert lonely_probability(8000, 20).exact == pytest.approx(0.954, abs=5e-4)
    for d in (0.5, 1.0, 4.0):
        for layout, limit in (("random", np.exp(-1 / d)), ("equispaced", np.exp(-1 / (2 * d)))):
            chance = lonely_probability(int(d * 2000**2), 2000, layout)
            assert chance.exact == pytest.approx(limit, rel=2e-3)
            assert chance.approximation == pytest.approx(limit, rel=1e-3)
    assert lonely_share(100, 20) == pytest.approx(0.7073, abs=1e-4)
    assert lonely_share(100, 20, "equispaced") == pytest.approx(0.8246, abs=1e-4)
    assert lonely_probability(3, 5).exact == 0


def test_probabilities_and_shares_are_numbers_with_their_approximation():
    for chance in (lonely_probability(400, 20), lonely_share(400, 20), lonely_share(400, 20, "equispaced")):
        exact, approximation = chance
        assert chance == exact == chance.exact
        assert 1 - chance == 1 - exact
        assert approximation == chance.approximation != exact
        assert repr(chance) == f"Chance({exact:.6g}, approximately {approximation:.6g})"
        assert f"{chance:.2f}" == f"{exact:.2f}"
        again = pickle.loads(pickle.dumps(chance))
        assert (again.exact, again.approximation) == (exact, approximation)
        with pytest.raises(AttributeError):
            chance.approximation = 0.5


@pytest.mark.parametrize("layout", ["random", "equispaced"])
def test_shares_approach_their_approximation(layout):
    """The relative difference falls as 1/m at a fixed ratio of samples to knots."""
    off = []
    for m in (100, 1000, 10_000):
        share = lonely_share(m, m // 2, layout)
        off.append(abs(share.approximation / share.exact - 1))
    assert off[0] < 0.02
    np.testing.assert_allclose(np.log10(np.divide(off[:-1], off[1:])), 1, atol=0.02)


def test_share_of_given_data():
    """Figure 14: uniform and Cauchy knots, by the formula and by simulation."""
    rng, m = np.random.default_rng(4), 30
    data = kf.Samples(rng.uniform(-2, 2, 20), np.zeros(20))
    for knots in (stats.uniform(-2, 4), kf.initial.knot_density("he", m=m)):
        seen = np.empty(3000)
        for k in range(len(seen)):
            at = knots.rvs(m, random_state=rng)
            seen[k] = lonely_samples(kf.ReLUNet(np.ones(m), at, np.ones(m)), data).mean()
        expected = expected_lonely_share(data, m, knots)
        assert abs(seen.mean() - expected) < 4 * seen.std() / np.sqrt(len(seen))
        assert expected_lonely_share(data, m, knots.cdf) == expected
    wide = kf.Samples([0.0, 1.0], [0.0, 0.0])
    assert expected_lonely_share(wide, 1, stats.uniform(0, 1)) == pytest.approx(1.0)  # the knot is always in between


def test_bad_input_is_refused():
    data = kf.Samples([0.0, 1.0, 2.0], [1.0, 0.0, 4.0])
    with pytest.raises(kf.InputError, match=r"m is -1: it must be a whole number of at least 0"):
        partition_count(-1, 2)
    with pytest.raises(kf.InputError, match=r"s is 0\.5: it must be a whole number of at least 0"):
        lonely_partition_count(3, 0.5)
    with pytest.raises(kf.InputError, match=r"s is 0: it must be a whole number of at least 1"):
        lonely_probability(3, 0)
    with pytest.raises(kf.InputError, match="knots is 'even': it must be one of 'random', 'equispaced'"):
        lonely_share(3, 2, "even")
    with pytest.raises(kf.InputError, match=r"m is 1: it must be at least 2, as equispaced knots have m - 1 cells"):
        lonely_probability(1, 2, "equispaced")
    with pytest.raises(kf.InputError, match=r"knots is 3: it must be a function of an array, a cdf, or a distribution"):
        expected_lonely_share(data, 3, 3)
    with pytest.raises(kf.InputError, match="data is of type list: it must be Samples"):
        expected_lonely_share([1.0], 3, np.arctan)
