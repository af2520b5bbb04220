"""The dynamic programmes against brute force over all partitions, and what optima must satisfy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import knotflow as kf
from helpers import brute

KINDS = [(continuous, monotone) for continuous in (False, True) for monotone in (None, "increasing", "decreasing")]
kinds = pytest.mark.parametrize(("continuous", "monotone"), KINDS)


@st.composite
def samples(draw: st.DrawFn) -> kf.Samples:
    """3 to 9 samples with ties, weights, equal y, lopsided spacing, or an exact polygon."""
    n = draw(st.integers(3, 9))
    position = st.one_of(st.integers(0, 6).map(float), st.floats(-3, 3).map(lambda v: round(v, 3)))
    x = np.array(draw(st.lists(position, min_size=n, max_size=n)))
    x[:2] = [7.5, -4.25]
    value = st.one_of(st.sampled_from([0.0, 1.0, -2.0]), st.floats(-5, 5).map(lambda v: round(v, 3)))
    y = np.array(draw(st.lists(value, min_size=n, max_size=n)))
    if draw(st.booleans()):
        y = np.abs(x - 1)
    weights = draw(st.lists(st.sampled_from([1.0, 2.0, 0.01, 7.0]), min_size=n, max_size=n))
    return kf.Samples(x, y, weights)


def room_for(data: kf.Samples, continuous: bool, min_length: int) -> int:
    s = len(data.distinct.x)
    return (s - 1) // max(min_length - 1, 1) if continuous else s // min_length


def check_shape(fit, data, continuous, monotone):
    """The function that is handed out has the error, continuity and monotonicity that are claimed."""
    misfit = np.sum(data.weights * (fit(data.x) - data.y) ** 2)
    assert fit.error == pytest.approx(misfit, rel=1e-12, abs=1e-26)
    assert np.all(np.diff(fit.knots) > 0)
    assert len(fit.knots) == len(fit.values) == len(fit.slopes) - 1 == fit.pieces - 1
    if continuous:
        assert fit.continuous
        assert np.isin(fit.knots, data.x).all()
    if monotone:
        sign = 1 if monotone == "increasing" else -1
        outside = np.array([data.x[0] - 1, data.x[-1] + 1])
        everywhere = [fit.knots, np.linspace(-6, 9, 301)] if continuous else []
        steps = sign * np.diff(fit(np.sort(np.concatenate([data.x, outside, *everywhere]))))
        assert steps.min() > -1e-12
        assert np.all(sign * fit.slopes >= 0)


@kinds
@settings(max_examples=40)
@given(data=samples(), pieces=st.integers(1, 5), min_length=st.integers(1, 3))
def test_optimum_is_that_of_brute_force(data, pieces, min_length, continuous, monotone):
    most = room_for(data, continuous, min_length)
    if most == 0:
        with pytest.raises(kf.InputError, match="at most 0 pieces"):
            kf.segmented.optimal(data, 1, continuous=continuous, min_length=min_length, monotone=monotone)
        return
    pieces = min(pieces, most)
    best = brute.least_error(data, pieces, continuous, min_length, monotone)
    fit = kf.segmented.optimal(data, pieces, continuous=continuous, min_length=min_length, monotone=monotone)
    assert fit.pieces == pieces
    assert fit.error == pytest.approx(best, rel=1e-9, abs=1e-12)
    check_shape(fit, data, continuous, monotone)


@kinds
def test_optimum_of_ten_noisy_samples(continuous, monotone):
    rng = np.random.default_rng(5)
    for _ in range(3):
        data = kf.Samples(rng.uniform(1000, 1001, 10), rng.standard_normal(10), rng.uniform(0.1, 3, 10))
        for pieces in (2, 3, 4):
            fit = kf.segmented.optimal(data, pieces, continuous=continuous, monotone=monotone)
            best = brute.least_error(data, pieces, continuous, 1, monotone)
            assert fit.error == pytest.approx(best, rel=1e-9, abs=1e-12)


@kinds
def test_path_is_the_optima_one_by_one(continuous, monotone):
    rng = np.random.default_rng(6)
    x = np.sort(rng.standard_normal(60))
    data = kf.Samples(x, np.sin(2 * x) + 0.1 * rng.standard_normal(60))
    fits = kf.segmented.path(data, 6, continuous=continuous, min_length=3, monotone=monotone)
    alone = [kf.segmented.optimal(data, k, continuous=continuous, min_length=3, monotone=monotone) for k in range(1, 7)]
    assert [fit.pieces for fit in fits] == list(range(1, 7))
    np.testing.assert_allclose([fit.error for fit in fits], [fit.error for fit in alone], rtol=1e-9)


def test_more_samples_than_a_tile():
    rng = np.random.default_rng(7)
    x = np.sort(rng.uniform(-2, 2, 290))
    y = np.sin(3 * x) + 0.2 * rng.standard_normal(290)
    fit = kf.segmented.optimal(kf.Samples(x, y), 5)
    assert fit.error == pytest.approx(by_recursion(x, y, 5), rel=1e-9)


def by_recursion(x, y, pieces):
    """Bellman's recursion on whole arrays, with prefix sums in extended precision."""
    sums = [np.append(0, np.cumsum(v.astype(np.longdouble))) for v in (x**0, x, y, x * x, x * y, y * y)]
    n = len(x)
    i, j = np.meshgrid(np.arange(n), np.arange(1, n + 1), indexing="ij")
    w, sx, sy, sxx, sxy, syy = (s[j] - s[i] for s in sums)
    with np.errstate(all="ignore"):
        spread, lean, size = sxx - sx * sx / w, sxy - sx * sy / w, syy - sy * sy / w
        cost = np.where(w > 1, size - lean**2 / spread, 0.0)
    cost = np.where(j > i, cost, np.inf)
    least = np.append(0.0, np.full(n, np.inf))
    for _ in range(pieces):
        least = np.append(np.inf, np.min(least[:-1, None] + cost, axis=0))
    return float(least[-1])


def test_quadratic_has_the_error_of_equal_pieces():
    """MSE = f''^2 h^4 / 720 for pieces of length h (Sahs et al. 2022, figure 9), less what 2000 samples cost."""
    x = np.linspace(-1, 1, 2000)
    fits = kf.segmented.path(kf.Samples(x, x * x), 16)
    for k in (2, 4, 8, 16):
        assert fits[k - 1].error / 2000 == pytest.approx(4 * (2 / k) ** 4 / 720, rel=0.02)


def test_exact_polygon_is_found_with_its_knots():
    x = np.linspace(-2, 3, 41)
    y = np.interp(x, [-2, -0.625, 1, 3], [1, -1, 4, 0])
    data = kf.Samples(x, y)
    for continuous in (False, True):
        fit = kf.segmented.optimal(data, 3, continuous=continuous)
        assert fit.error < 1e-25
        assert fit.continuous
        np.testing.assert_allclose(fit(x), y, atol=1e-12)
    np.testing.assert_allclose(kf.segmented.optimal(data, 3, continuous=True).knots, [-0.625, 1], atol=1e-12)


@kinds
def test_units_of_x_and_y_do_not_matter(continuous, monotone):
    rng = np.random.default_rng(8)
    x, y = rng.uniform(0, 1, 25), rng.standard_normal(25)
    fit = kf.segmented.optimal(kf.Samples(x, y), 4, continuous=continuous, monotone=monotone)
    large = kf.segmented.optimal(kf.Samples(1e6 + 1e3 * x, 1e100 * y), 4, continuous=continuous, monotone=monotone)
    np.testing.assert_allclose(large.knots, 1e6 + 1e3 * fit.knots, rtol=1e-12)
    assert large.error == pytest.approx(1e200 * fit.error, rel=1e-6)


@kinds
def test_x_that_are_close_together_beside_one_that_is_not(continuous, monotone):
    x = np.array([-32.0, 59049.0, -2.1e-6, 1.1e-5, -3.0e-3, 4.6e-2, 2.0e-4])
    data = kf.Samples(x, [0.6, 3.5, 2.0, 2.4, 1.2, 2.6, 2.3], [0.5, 0.1, 100.0, 15.0, 0.8, 0.007, 2.0])
    for pieces in (2, 3, 4):
        fit = kf.segmented.optimal(data, pieces, continuous=continuous, monotone=monotone)
        best = brute.least_error(data, pieces, continuous, 1, monotone)
        assert fit.error == pytest.approx(best, rel=1e-9, abs=1e-10)


@kinds
def test_a_weight_of_two_is_the_sample_twice(continuous, monotone):
    rng = np.random.default_rng(9)
    x, y = rng.uniform(0, 1, 12), rng.standard_normal(12)
    weighted = kf.Samples(x, y, np.where(np.arange(12) < 4, 2.0, 1.0))
    repeated = kf.Samples(np.append(x, x[:4]), np.append(y, y[:4]))
    options = {"continuous": continuous, "min_length": 2, "monotone": monotone}
    one, other = (kf.segmented.optimal(data, 3, **options) for data in (weighted, repeated))
    np.testing.assert_allclose(one.knots, other.knots)
    assert one.error == pytest.approx(other.error, rel=1e-12)


@kinds
def test_degenerate_data(continuous, monotone):
    two = kf.segmented.optimal(kf.Samples([0.0, 1.0], [2.0, 2.0]), 1, continuous=continuous, monotone=monotone)
    assert two.error == 0
    np.testing.assert_allclose(two([-1.0, 0.5, 9.0]), 2.0)
    flat = kf.segmented.optimal(
        kf.Samples(np.arange(9.0), np.full(9, 0.1)), 3, continuous=continuous, monotone=monotone
    )
    assert flat.error < 1e-30
    np.testing.assert_allclose(flat.slopes, 0, atol=1e-15)


@st.composite
def awkward(draw: st.DrawFn) -> kf.Samples:
    """5 to 8 samples that lie far from 0, or in close pairs or threes, or with one y or weight beyond all others."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    x = rng.uniform(0, 1, draw(st.integers(5, 8)))
    gap = 10.0 ** -draw(st.integers(6, 11))
    kind = draw(st.sampled_from(["far", "pairs", "threes", "far pairs"]))
    if "pairs" in kind:
        x = np.concatenate([x[:4], x[:4] + gap])
    if kind == "threes":
        x = np.concatenate([x[:2], x[:2] + gap, x[:2] + 2.7 * gap, [1.3]])
    offset = {"far": 10.0 ** draw(st.integers(6, 9)), "far pairs": 1e3}.get(kind, 0.0)
    x = np.unique(x + draw(st.sampled_from([1, -1])) * offset)
    y = rng.standard_normal(len(x))
    if draw(st.booleans()):
        y = np.sort(y)
    y[draw(st.integers(0, 4))] *= draw(st.sampled_from([1.0, 1e3, 1e6]))
    weights = 10.0 ** (draw(st.sampled_from([0, 3])) * rng.uniform(-1, 1, len(x)))
    unit = 10.0 ** draw(st.integers(-9, 9))
    return kf.Samples(x, unit * y, weights)


@kinds
@settings(max_examples=40)
@given(data=awkward(), pieces=st.integers(1, 4))
def test_optimum_of_close_and_far_samples_is_that_of_brute_force(data, pieces, continuous, monotone):
    x, y, w = data.distinct.x - data.distinct.x[0], data.distinct.y, data.distinct.weight
    best = brute.least_error(kf.Samples(x, y, w), pieces, continuous, 1, monotone)
    fit = kf.segmented.optimal(data, pieces, continuous=continuous, monotone=monotone)
    rounding = 1e-14 * np.abs(y).max() * np.sqrt(w.sum())
    assert fit.error <= best * (1 + 1e-8) + 2 * np.sqrt(best) * rounding + rounding**2
    assert fit.error == pytest.approx(np.sum(w * (fit(data.distinct.x) - y) ** 2), rel=1e-9)
    if continuous:
        assert fit.continuous
    if monotone:
        sign = 1 if monotone == "increasing" else -1
        assert np.diff(sign * fit(data.distinct.x)).min() >= -1e-14 * np.abs(y).max()
    f = fit.cpwl(ramp=0.5)
    steepest = np.abs(f.slopes).max()
    miss = np.abs(f(data.distinct.x) - fit(data.distinct.x)).max()
    assert miss <= 1e-13 * np.abs(y).max() + 4 * steepest * np.spacing(np.abs(data.x).max())


@pytest.mark.parametrize(("offset", "gap"), [(1e7, None), (1e8, None), (0.0, 1e-9)])
def test_continuous_fits_exist_far_from_0_and_with_close_pairs(offset, gap):
    for seed in range(50):
        rng = np.random.default_rng(seed)
        x = np.sort(rng.uniform(0, 1, 8 if gap is None else 4)) + offset
        x = np.unique(x if gap is None else np.concatenate([x, x + gap]))
        data = kf.Samples(x, rng.normal(size=len(x)))
        best = brute.least_error(kf.Samples(data.x - data.x[0], data.y), 2, True)
        assert kf.segmented.optimal(data, 2, continuous=True).error == pytest.approx(best, rel=1e-8, abs=1e-25)
        assert [fit.pieces for fit in kf.segmented.path(data, 3, continuous=True)] == [1, 2, 3]
        assert kf.segmented.choose(data, 3, monotone="increasing").pieces >= 1


@kinds
def test_nothing_depends_on_an_offset(continuous, monotone):
    """The same fit at 0 and at 2^30, where x is still exact: bit by bit the same, less the offset."""
    rng = np.random.default_rng(11)
    x = np.arange(1, 30) / 2**10
    data = kf.Samples(x, rng.standard_normal(29)), kf.Samples(x + 2**30, rng.standard_normal(29))
    near, far = (
        kf.segmented.optimal(kf.Samples(d.x, data[0].y), 4, continuous=continuous, monotone=monotone) for d in data
    )
    np.testing.assert_array_equal(far.slopes, near.slopes)
    np.testing.assert_array_equal(far(x + 2**30), near(x))
    assert far.error == near.error


def test_pieces_that_meet_where_f_is_0_up_to_rounding_have_no_gap():
    data = kf.Samples([-4.25, 0.0, 1.0, 2.0, 7.5], [0.0, -2.0, 0.0, 0.0, 0.0], [1.0, 7.0, 1.0, 1.0, 1.0])
    fit = kf.segmented.optimal(data, 4, continuous=True, monotone="increasing")
    assert fit.continuous
    np.testing.assert_allclose(fit.network()(data.x), fit(data.x), atol=1e-14)


def test_as_many_pieces_as_samples():
    data = kf.Samples([0.0, 1.0, 3.0], [1.0, 5.0, 2.0])
    alone = kf.segmented.optimal(data, 3)
    assert alone.error == 0
    np.testing.assert_allclose(alone.slopes, 0)
    assert kf.segmented.optimal(data, 2, continuous=True).error < 1e-28


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda d: kf.segmented.optimal(d, 0), "pieces is 0: it must be a whole number of at least 1"),
        (lambda d: kf.segmented.optimal(d, 2.5), "pieces is 2.5: it must be a whole number"),
        (
            lambda d: kf.segmented.optimal(d, 5),
            "pieces is 5: it must be at most 4, because a fit to 4 distinct x has at most 4 pieces",
        ),
        (
            lambda d: kf.segmented.optimal(d, 4, continuous=True),
            "a continuous fit to 4 distinct x has at most 3 pieces",
        ),
        (lambda d: kf.segmented.path(d, 3, min_length=2), "at most 2 pieces of at least 2"),
        (lambda d: kf.segmented.optimal(d, 2, min_length=0), "min_length is 0: it must be a whole number"),
        (
            lambda d: kf.segmented.optimal(d, 2, monotone="up"),
            "monotone is 'up': it must be one of 'increasing', 'decreasing'",
        ),
        (lambda d: kf.segmented.optimal([1, 2], 1), "data is of type list: it must be Samples"),
    ],
)
def test_input_errors(call, message):
    data = kf.Samples([0.0, 1.0, 1.0, 2.0, 5.0], [1.0, 2.0, 0.0, 4.0, 4.0])
    with pytest.raises(kf.InputError, match=message):
        call(data)
