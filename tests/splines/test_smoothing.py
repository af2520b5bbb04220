"""Smoothing splines against SciPy's, the dense equations of Green & Silverman, and brute force over the penalty."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import make_smoothing_spline
from scipy.linalg import eigh

from knotflow import splines
from knotflow.data import Samples, datasets
from knotflow.errors import InputError


@st.composite
def problems(draw: st.DrawFn) -> tuple[Samples, float]:
    gaps = draw(st.lists(st.floats(0.02, 3), min_size=2, max_size=25))
    x = draw(st.floats(-20, 20)) + np.cumsum([0.0, *gaps])
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    data = Samples(x, rng.normal(size=len(x)), rng.uniform(0.2, 5, len(x)))
    return data, 10.0 ** draw(st.floats(-9, 3))


def hat_matrix(data: Samples, lam: float) -> np.ndarray:
    """I - lam W^-1 Q (R + lam Q' W^-1 Q)^-1 Q', Green & Silverman 1994, section 2.3 (Reinsch's form)."""
    d, s = data.distinct, len(data.distinct.x)
    h = np.diff(d.x)
    q, r = np.zeros((s, s - 2)), np.zeros((s - 2, s - 2))
    for j in range(s - 2):
        q[j : j + 3, j] = 1 / h[j], -1 / h[j] - 1 / h[j + 1], 1 / h[j + 1]
        r[j, j] = (h[j] + h[j + 1]) / 3
        if j:
            r[j, j - 1] = r[j - 1, j] = h[j] / 6
    scaled = q / d.weight[:, None]
    return np.eye(s) - lam * scaled @ np.linalg.solve(r + lam * q.T @ scaled, q.T)


@given(problems())
def test_it_is_the_dense_solution_with_its_degrees_of_freedom(problem):
    data, penalty = problem
    f = splines.smoothing(data, penalty=penalty)
    matrix = hat_matrix(data, f.lam)
    np.testing.assert_allclose(f(data.x), matrix @ data.y, rtol=0, atol=2e-9 * np.abs(data.y).max())
    assert f.df == pytest.approx(np.trace(matrix), rel=1e-8)
    assert f.lam == pytest.approx(penalty * data.span**3, rel=1e-14)
    n, rss = data.weights.sum(), np.sum(data.weights * (f(data.x) - data.y) ** 2)
    if n > f.df + 1e-3:
        assert f.gcv == pytest.approx(n * rss / (n - f.df) ** 2, rel=1e-7, abs=1e-18)


@pytest.mark.parametrize("lam", [1e-7, 1e-3, 0.05, 4.0])
def test_it_is_scipys(lam):
    rng = np.random.default_rng(3)
    x = np.sort(rng.uniform(-3, 4, 60))
    y, w = np.sin(2 * x) + 0.3 * rng.normal(size=60), rng.uniform(0.2, 3, 60)
    expected = make_smoothing_spline(x, y, w, lam=lam)
    f = splines.smoothing(Samples(x, y, w), penalty=lam / np.ptp(x) ** 3)
    at = np.linspace(x[0], x[-1], 777)
    for order in range(3):
        wanted = expected.derivative(order)(at) if order else expected(at)
        np.testing.assert_allclose(f.derivative(order)(at), wanted, rtol=0, atol=1e-9 * np.abs(wanted).max())


def test_cross_validation_finds_what_scipy_finds_where_scipy_finds_the_minimum():
    rng = np.random.default_rng(0)
    x = np.sort(rng.uniform(-3, 4, 200))
    y = np.sin(2 * x) + 0.3 * rng.normal(size=200)
    f, expected = splines.smoothing(Samples(x, y)), make_smoothing_spline(x, y)
    np.testing.assert_allclose(f(x), expected(x), rtol=0, atol=1e-4)
    for factor in 10.0 ** np.linspace(-6, 6, 61):
        assert f.gcv <= splines.smoothing(Samples(x, y), penalty=f.penalty * factor).gcv * (1 + 1e-9)


def spectral_gcv(data: Samples, lams: np.ndarray) -> np.ndarray:
    """The criterion for many lam, from the dense generalised eigenvectors of Q' W^-1 Q and R."""
    d, s, n = data.distinct, len(data.distinct.x), data.weights.sum()
    h = np.diff(d.x)
    q = (
        np.eye(s)[:-2] / h[:-1, None]
        - np.eye(s)[1:-1] * (1 / h[:-1] + 1 / h[1:])[:, None]
        + np.eye(s)[2:] / h[1:, None]
    ).T
    r = np.diag((h[:-1] + h[1:]) / 3) + np.diag(h[1:-1] / 6, 1) + np.diag(h[1:-1] / 6, -1)
    size, vectors = eigh(q.T @ (q / d.weight[:, None]), r)
    share = lams[:, None] * size / (1 + lams[:, None] * size)
    squares = 2 * d.within + share**2 @ ((vectors.T @ (q.T @ d.y)) ** 2 / size)
    return n * squares / (np.sum(d.weight - 1) + share.sum(axis=1)) ** 2


@st.composite
def choices(draw: st.DrawFn) -> Samples:
    """Noise, signal and noise, smooth curves, steps; even or uneven; with ties and with weights above 1, or neither."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    s = draw(st.integers(4, 20))
    x = np.cumsum(10.0 ** rng.uniform(-draw(st.sampled_from([0, 1, 3])), 0, s))
    noise = rng.standard_normal(s)
    t = x / x[-1]
    y = draw(st.sampled_from([noise, np.sin(9 * t) + 0.1 * noise, np.exp(t) + 1e-4 * noise, np.round(3 * t) + noise]))
    if draw(st.booleans()):
        return Samples(np.append(x, x[:3]), np.append(y, y[:3] + rng.standard_normal(3)))
    return Samples(x, y, draw(st.sampled_from([np.ones(s), rng.permutation(np.linspace(0.1, 1.9, s)) + 1e-9])))


@given(choices())
def test_cross_validation_finds_the_least_of_all(data):
    d = data.distinct
    stiff, soft = 1 / (d.weight.min() * np.diff(d.x).min() ** 3), 1 / (d.weight.sum() * data.span**3)
    curve = spectral_gcv(data, np.geomspace(1e-8 / stiff, 1e8 / soft, 4000))
    f = splines.smoothing(data)
    assert f.gcv <= curve.min() * (1 + 1e-6) + 1e-28 * np.abs(data.y).max() ** 2
    if 0 < f.lam < np.inf:
        assert f.gcv == pytest.approx(spectral_gcv(data, np.array([f.lam]))[0], rel=1e-6)


def test_the_least_criterion_at_either_end_and_in_the_deeper_of_two_valleys():
    alternating = Samples(np.arange(9.0), (-1.0) ** np.arange(9))
    assert splines.smoothing(alternating).penalty == np.inf
    smooth = Samples(np.arange(9.0), np.exp(np.arange(9.0) / 9))
    f = splines.smoothing(smooth)
    lams = np.geomspace(1e-12, 1e9, 4000)
    curve = spectral_gcv(smooth, lams)
    assert np.argmin(curve) < 1000
    assert f.gcv == pytest.approx(curve.min(), rel=1e-7)
    repeated = Samples(np.arange(6.0), [0.0, 1.0, 0.0, 2.0, 1.0, 5.0], np.full(6, 3.0))
    assert splines.smoothing(repeated).df == pytest.approx(6)  # three times the same y: the curve goes through it
    two = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        data = Samples(np.sort(rng.uniform(0, 1, 10)), rng.standard_normal(10))
        curve = spectral_gcv(data, lams)
        valleys = np.flatnonzero((curve[1:-1] < curve[:-2]) & (curve[1:-1] < curve[2:]))
        two += len(valleys) > 1
        assert splines.smoothing(data).gcv <= curve.min() * (1 + 1e-6)
    assert two >= 5


@pytest.mark.parametrize("penalty", [1e-30, 1e-22, 1e-14, 1e-8])
def test_the_criterion_keeps_its_digits_where_it_is_a_quotient_of_tiny_numbers(penalty):
    rng = np.random.default_rng(8)
    data = Samples(np.cumsum(10.0 ** rng.uniform(-4, 0, 12)), rng.standard_normal(12))
    f = splines.smoothing(data, penalty=penalty)
    assert f.gcv == pytest.approx(spectral_gcv(data, np.array([f.lam]))[0], rel=1e-7)


@given(problems(), st.floats(0.01, 100), st.floats(0.01, 100), st.floats(-5, 5))
@settings(max_examples=25)
def test_the_penalty_has_no_unit(problem, x_unit, y_unit, shift):
    data, penalty = problem
    f = splines.smoothing(data, penalty=penalty)
    moved = splines.smoothing(
        Samples(shift + x_unit * data.x, y_unit * data.y + 7 * shift, data.weights), penalty=penalty
    )
    at = np.linspace(*data.range, 50)
    size = y_unit * np.abs(data.y).max() + 7 * abs(shift)
    np.testing.assert_allclose(moved(shift + x_unit * at), y_unit * f(at) + 7 * shift, rtol=0, atol=1e-8 * size)
    assert moved.df == pytest.approx(f.df, rel=1e-7)
    mirrored = splines.smoothing(Samples(-data.x, data.y, data.weights), penalty=penalty)
    np.testing.assert_allclose(mirrored(-at), f(at), rtol=0, atol=1e-8 * np.abs(data.y).max())


def test_a_weight_of_two_is_the_sample_twice_also_in_the_choice():
    rng = np.random.default_rng(5)
    x, y, w = np.sort(rng.uniform(0, 1, 40)), rng.normal(size=40), rng.integers(1, 4, 40)
    y += 5 * x**2
    weighted, repeated = Samples(x, y, w), Samples(np.repeat(x, w), np.repeat(y, w))
    for penalty in (1e-5, None):
        a, b = splines.smoothing(weighted, penalty=penalty), splines.smoothing(repeated, penalty=penalty)
        np.testing.assert_allclose(a(x), b(x), rtol=1e-9)
        assert a.df == pytest.approx(b.df, rel=1e-6)
        assert a.gcv == pytest.approx(b.gcv, rel=1e-9)


def test_the_criterion_of_ties_is_that_of_nearly_tied_samples():
    data = datasets.motorcycle()
    apart = data.x + 1e-7 * np.arange(len(data))
    f, g = splines.smoothing(data), splines.smoothing(Samples(apart, data.y))
    assert f.df == pytest.approx(g.df, rel=1e-3)
    assert f.gcv == pytest.approx(g.gcv, rel=1e-4)


def test_the_two_ends_of_the_penalty():
    data = datasets.motorcycle()
    at = np.linspace(-5, 70, 500)
    f = splines.smoothing(data, penalty=0)
    np.testing.assert_array_equal(f(at), splines.natural(data)(at))
    assert (f.df, f.lam) == (94.0, 0.0)
    line = splines.smoothing(data, penalty=np.inf)
    np.testing.assert_allclose(line(at), np.polyval(np.polyfit(data.x, data.y, 1), at), rtol=0, atol=1e-10)
    assert line.df == 2.0
    np.testing.assert_allclose(splines.smoothing(data, penalty=1e12)(at), line(at), rtol=0, atol=1e-7)
    np.testing.assert_allclose(
        splines.smoothing(data, penalty=1e-16)(data.x),
        data.distinct.y[np.searchsorted(data.distinct.x, data.x)],
        rtol=0,
        atol=1e-4,
    )


@pytest.mark.parametrize("y", [[3.0] * 9, 2 - 5 * np.arange(9.0), 1e9 + 0.25 * np.arange(9)])
def test_a_constant_and_a_line_stay_what_they_are(y):
    x = 1e6 + np.arange(9.0)
    f = splines.smoothing(Samples(x, y))
    np.testing.assert_allclose(f(x), y, rtol=1e-14)
    assert f.penalty == np.inf


def test_few_points():
    two = splines.smoothing(Samples([1, 2], [3, 5]))
    np.testing.assert_allclose(two([0, 1.5, 7]), [1, 4, 15], rtol=1e-13)
    assert two.df == 2
    assert np.isnan(two.gcv)
    three = Samples([0, 1, 3], [0, 2, 1])  # cross-validation says nothing about three points: the line
    assert splines.smoothing(three).penalty == np.inf
    np.testing.assert_allclose(
        splines.smoothing(three, penalty=0.01)(three.x), hat_matrix(three, 0.27) @ three.y, rtol=1e-12
    )


def test_a_huge_offset_costs_only_its_rounding():
    x, y = np.arange(12.0), np.sin(np.arange(12.0))
    near, far = (
        splines.smoothing(Samples(x, y), penalty=1e-4),
        splines.smoothing(Samples(x + 1e9, y + 1e6), penalty=1e-4),
    )
    np.testing.assert_allclose(far(x + 1e9) - 1e6, near(x), rtol=0, atol=1e-9)


def test_it_says_what_it_is():
    f = splines.smoothing(datasets.motorcycle(), penalty=1e-4)
    assert repr(f).startswith("SmoothingSpline(degree 3, 94 knots in [2.4, 57.6], penalty 0.0001, df ")
    np.testing.assert_array_equal(f.knots, datasets.motorcycle().distinct.x)
    jump = f.derivative(2)
    x = f.knots[1:-1]
    np.testing.assert_allclose(jump(x - 1e-9), jump(x), rtol=0, atol=1e-6 * np.abs(jump(x)).max())
    assert f.derivative().integral(10, 40) == pytest.approx(float(f(40) - f(10)), rel=1e-12)


@pytest.mark.parametrize("penalty", [-1.0, np.nan, "much"])
def test_penalties_that_are_refused(penalty):
    with pytest.raises(InputError, match=r"^penalty is .*: it must be a finite number >= 0$"):
        splines.smoothing(datasets.nile(), penalty=penalty)


def test_weights_that_count_less_than_the_samples():
    x = np.arange(9.0)
    with pytest.raises(
        InputError, match=r"^penalty is None, but the weights add up to 0\.9 for 9 distinct x: cross-val"
    ):
        splines.smoothing(Samples(x, x**2, np.full(9, 0.1)))
    with pytest.raises(InputError, match=r"^data is of type str"):
        splines.smoothing("data")


def test_lam_is_that_of_scipy():
    rng = np.random.default_rng(11)
    x = np.sort(rng.uniform(-3, 5, 30))
    y, w = np.sin(x) + 0.2 * rng.standard_normal(30), rng.uniform(0.2, 3, 30)
    at = np.linspace(-2, 4, 50)
    for lam in (1e-4, 0.03, 2.0):
        f, theirs = splines.smoothing(Samples(x, y, w), lam=lam), make_smoothing_spline(x, y, w, lam)
        assert f.lam == lam
        np.testing.assert_allclose(f(at), theirs(at), rtol=0, atol=1e-9)
        same = splines.smoothing(Samples(x, y, w), penalty=f.penalty)
        np.testing.assert_array_equal(same(at), f(at))
        assert same.lam == pytest.approx(lam, rel=1e-14)
    assert splines.smoothing(Samples(x, y, w), lam=0.0).penalty == 0
    assert splines.smoothing(Samples(x, y, w), lam=np.inf).penalty == np.inf


def test_lam_and_penalty_exclude_each_other():
    with pytest.raises(InputError, match=r"^lam is 1\.0 and penalty is 0\.5: at most one of them must be given$"):
        splines.smoothing(datasets.nile(), lam=1.0, penalty=0.5)
    with pytest.raises(InputError, match=r"^lam is -1: it must be a finite number >= 0$"):
        splines.smoothing(datasets.nile(), lam=-1)


def test_the_penalty_by_position_warns():
    data = datasets.nile()
    with pytest.warns(DeprecationWarning, match=r"smoothing .* by position is deprecated: use keywords: penalty="):
        assert splines.smoothing(data, 0.01).penalty == 0.01


def test_precisions_do_not_depend_on_their_unit():
    rng = np.random.default_rng(4)
    x, y, w = np.sort(rng.uniform(0, 9, 25)), rng.standard_normal(25), rng.uniform(0.2, 3, 25)
    x[5] = x[4]  # a tie is two samples
    at = np.linspace(0, 9, 40)
    for options in ({}, {"penalty": 1e-3}, {"lam": 0.2}):
        right = splines.smoothing(Samples(x, y, w / w.mean()), **options)
        for unit in (1e-180, 1e-4, 1.0, 1e5, 1e180):
            f = splines.smoothing(Samples(x, y, unit * w), weights_are="precisions", **options)
            np.testing.assert_allclose(f(at), right(at), rtol=0, atol=1e-9)
            assert (f.penalty, f.df, f.gcv) == pytest.approx((right.penalty, right.df, right.gcv), rel=1e-6)
    with pytest.raises(InputError, match="weights_are is None: it must be one of 'frequencies', 'precisions'"):
        splines.smoothing(Samples(x, y), weights_are=None)
