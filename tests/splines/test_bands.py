"""Bands of smoothing splines, against the formulas of a Gaussian process with a diffuse line, and by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import knotflow as kf
from knotflow.splines.bands import Evidence

RNG = np.random.default_rng(4)
X = np.sort(RNG.uniform(0.0, 7.0, 12))
Y = np.sin(X) + 0.2 * RNG.standard_normal(12)
W = RNG.uniform(0.7, 3.0, 12)
AT = np.concatenate([[-2.0], np.linspace(-1.0, 8.0, 40), X, [11.0]])
DATA = kf.Samples(X, Y, W)


def wiener(a: np.ndarray, b: np.ndarray, start: float) -> np.ndarray:
    """The covariance of twice integrated white noise that begins at `start`."""
    a, b = a[:, None] - start, b[None] - start
    least, most = np.minimum(a, b), np.maximum(a, b)
    return least**2 * (3 * most - least) / 6


def dense(x, y, w, lam, at):
    """Mean and covariance over sigma^2 at `at`, by matrices: universal kriging."""
    start = min(x.min(), at.min())
    inverse = np.linalg.inv(wiener(x, x, start) / lam + np.diag(1 / w))
    line, line_at = np.stack([np.ones(len(x)), x], 1), np.stack([np.ones(len(at)), at], 1)
    free = np.linalg.inv(line.T @ inverse @ line)
    gain = wiener(at, x, start) / lam @ inverse
    rest = line_at - gain @ line
    slope = free @ line.T @ inverse @ y
    mean = gain @ (y - line @ slope) + line_at @ slope
    return mean, wiener(at, at, start) / lam - gain @ wiener(x, at, start) / lam + rest @ free @ rest.T


@pytest.mark.parametrize("lam", [0.02, 0.3, 30.0])
def test_the_deviation_is_that_of_the_gaussian_process(lam):
    f = kf.splines.smoothing(DATA, lam=lam)
    mean, covariance = dense(X, Y, W, lam, AT)
    np.testing.assert_allclose(f(AT), mean, atol=1e-8)
    np.testing.assert_allclose(f.sd(AT, sigma=1.0), np.sqrt(np.diag(covariance)), rtol=1e-6)
    np.testing.assert_allclose(f.sd(AT, sigma=2.5), 2.5 * f.sd(AT, sigma=1.0))


@pytest.mark.parametrize("lam", [0.02, 0.3, 30.0])
def test_the_slope_varies_with_the_curve_as_in_the_gaussian_process(lam):
    evidence, start = kf.splines.smoothing(DATA, lam=lam)._evidence, -2.0
    a, b = AT[:, None] - start, X[None] - start
    inverse = np.linalg.inv(wiener(X, X, start) / lam + np.diag(1 / W))
    line = np.stack([np.ones(12), X], 1)
    free = np.linalg.inv(line.T @ inverse @ line)
    # Of f and of f' at `at`: the covariances with f at the samples, and what the line adds.
    gains = [wiener(AT, X, start) / lam @ inverse, np.where(a <= b, a * b - a**2 / 2, b**2 / 2) / lam @ inverse]
    bases = [np.stack([np.ones(54), AT], 1), np.stack([np.zeros(54), np.ones(54)], 1)]
    rests = [basis - gain @ line for basis, gain in zip(bases, gains, strict=True)]
    at = AT - start
    prior = {(0, 1): at**2 / 2 / lam, (1, 1): at / lam}
    unit = 2.0**evidence.exponent
    found = evidence.covariance(AT / unit)
    for (i, k), own in prior.items():
        kernel = gains[k] @ (wiener(X, X, start) / lam + np.diag(1 / W))
        expected = own - np.sum(gains[i] * kernel, axis=1) + np.sum(rests[i] @ free * rests[k], axis=1)
        np.testing.assert_allclose(found[i + k] / unit ** (i + k), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("lam", [1e-9, 1e-5, 1e-2, 1.0, 1e4])
def test_at_the_samples_the_variance_is_the_leverage_over_the_weight(lam):
    h = np.diff(X)
    q, r = np.zeros((12, 10)), np.zeros((10, 10))  # Green and Silverman 1994, section 2.3
    for j in range(10):
        q[j : j + 3, j] = 1 / h[j], -1 / h[j] - 1 / h[j + 1], 1 / h[j + 1]
        r[j, j] = (h[j] + h[j + 1]) / 3
        if j:
            r[j, j - 1] = r[j - 1, j] = h[j] / 6
    hat = np.eye(12) - lam * (q / W[:, None]) @ np.linalg.solve(r + lam * q.T @ (q / W[:, None]), q.T)
    found = kf.splines.smoothing(DATA, lam=lam).sd(X, sigma=1.0)
    np.testing.assert_allclose(W * found**2, np.diag(hat), rtol=1e-9)


def test_it_is_the_infinitely_wide_network_with_a_line_of_its_own():
    kernel, nugget = kf.kernels.rf("uniform"), 0.02
    x, at = (X - 3.5) / 4, np.linspace(-0.95, 0.95, 21)  # where the density nu of this law is constant
    data = kf.Samples(x, Y, W)
    f = kf.splines.smoothing(data, lam=nugget / float(kf.kernels.nu("uniform")(0.0)))
    np.testing.assert_allclose(f(at), kf.kernels.interpolate(kernel, data, nugget, affine=True)(at), rtol=1e-8)
    inverse = np.linalg.inv(kernel(x, x) + nugget * np.diag(1 / W))
    line, line_at = np.stack([np.ones(12), x], 1), np.stack([np.ones(21), at], 1)
    gain = kernel(at, x) @ inverse
    rest = line_at - gain @ line
    free = np.linalg.inv(line.T @ inverse @ line)
    variance = np.diag(kernel(at, at) - gain @ kernel(x, at) + rest @ free @ rest.T)
    np.testing.assert_allclose(f.sd(at, sigma=math.sqrt(nugget)), np.sqrt(variance), rtol=1e-6)


def test_ties_count_with_their_total_weight():
    f = kf.splines.smoothing(kf.Samples(np.r_[X, X[:6]], np.r_[Y, Y[:6] + 1], np.r_[W, W[:6]]), lam=0.3)
    total = W + np.r_[W[:6], np.zeros(6)]
    np.testing.assert_allclose(f.sd(AT, sigma=1.0) ** 2, np.diag(dense(X, Y, total, 0.3, AT)[1]), rtol=1e-6)


@given(st.floats(-7, 4), st.integers(0, 99), st.floats(-30, 30))
def test_the_unit_and_the_origin_of_x_do_not_matter(power, seed, shift):
    rng = np.random.default_rng(seed)
    x, y, unit = rng.uniform(0, 1, 9), rng.standard_normal(9), 10.0**power
    at = rng.uniform(-1, 2, 5)
    plain = kf.splines.smoothing(kf.Samples(x, y), penalty=1e-3)
    other = kf.splines.smoothing(kf.Samples((x + shift) * unit, 3 * y), penalty=1e-3)
    np.testing.assert_allclose(other.sd((at + shift) * unit), 3 * plain.sd(at), rtol=1e-6)


def test_the_line_of_least_squares_has_the_textbook_deviation():
    f = kf.splines.smoothing(DATA, penalty=math.inf)
    middle = np.average(X, weights=W)
    variance = 1 / W.sum() + (AT - middle) ** 2 / np.sum(W * (X - middle) ** 2)
    np.testing.assert_allclose(f.sd(AT, sigma=1.0), np.sqrt(variance), rtol=1e-10)
    residuals = np.sum(W * (f(X) - Y) ** 2)
    assert f.sigma == pytest.approx(math.sqrt(residuals / (W.sum() - 2)))
    stiff = kf.splines.smoothing(DATA, penalty=1e7)
    np.testing.assert_allclose(stiff.sd(AT), f.sd(AT), rtol=1e-3)


@pytest.mark.parametrize("lam", [1e-3, 0.3, 30.0])
def test_the_noise_is_estimated_from_the_residuals(lam):
    f = kf.splines.smoothing(DATA, lam=lam)
    assert f.sigma == pytest.approx(math.sqrt(np.sum(W * (f(X) - Y) ** 2) / (W.sum() - f.df)), rel=1e-9)


def test_a_band_is_so_many_deviations_wide():
    from scipy.stats import norm, t

    f = kf.splines.smoothing(DATA, lam=0.3)
    for level in (0.5, 0.9, 0.99):
        lower, upper = f.band(AT, level)
        np.testing.assert_allclose((lower + upper) / 2, f(AT), atol=1e-12)
        np.testing.assert_allclose(upper - lower, 2 * t.ppf((1 + level) / 2, W.sum() - f.df) * f.sd(AT))
        known = f.band(AT, level, sigma=0.3)
        np.testing.assert_allclose(known.upper - f(AT), norm.ppf((1 + level) / 2) * f.sd(AT, sigma=0.3))


def test_bands_have_the_shape_of_x():
    f = kf.splines.smoothing(DATA, lam=0.3)
    for simultaneous in (False, True):
        lower, upper = f.band(AT.reshape(2, 27), simultaneous=simultaneous)
        assert lower.shape == upper.shape == (2, 27)
        assert all(np.ndim(edge) == 0 for edge in f.band(1.0, simultaneous=simultaneous))
        assert f.band([], simultaneous=simultaneous).lower.shape == (0,)


@pytest.mark.parametrize("simultaneous", [False, True])
def test_at_one_x_both_bands_are_one(simultaneous):
    f = kf.splines.smoothing(DATA, lam=0.3)
    np.testing.assert_allclose(f.band(2.0, simultaneous=simultaneous), f.band(2.0), rtol=1e-8)


@pytest.mark.parametrize("free", [math.inf, 4.0])
@pytest.mark.parametrize(("lo", "hi"), [(X[0], X[-1]), (-2.0, 9.0), (X[3] + 0.01, X[4] - 0.01), (8.0, 9.0)])
def test_the_simultaneous_band_holds_the_whole_process(lo, hi, free):
    grid, level, count = np.linspace(lo, hi, 300), 0.9, 40_000
    f = kf.splines.smoothing(DATA, lam=0.02)
    unit = 2.0**f._evidence.exponent
    half = f._evidence.critical(lo / unit, hi / unit, level, free) * f.sd(grid, sigma=1.0)
    if math.isinf(free):
        np.testing.assert_allclose(f.band(grid, level, simultaneous=True, sigma=1.0).upper, f(grid) + half)
    _, covariance = dense(X, Y, W, 0.02, grid)
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    rng = np.random.default_rng(8)
    draws = root @ rng.standard_normal((300, count))
    estimate = 1.0 if math.isinf(free) else np.sqrt(rng.chisquare(free, count) / free)  # of sigma = 1
    inside = np.all(np.abs(draws) <= half[:, None] * estimate, axis=0).mean()
    error = 3 * math.sqrt(level * (1 - level) / count)
    # A bound, and a close one: less so where crossings come together, as sigma was estimated too small.
    assert level - error <= inside <= level + (0.02 if math.isinf(free) else 0.06) + error


def test_many_samples_are_as_sure_as_few_heavy_ones():
    x = np.linspace(0.0, 1.0, 200_001)
    y = np.sin(9 * x) + 0.1 * np.random.default_rng(0).standard_normal(len(x))
    many = kf.splines.smoothing(kf.Samples(x, y), penalty=0.1)
    assert many.sigma == pytest.approx(0.1, rel=0.01)
    few = kf.splines.smoothing(kf.Samples(x[::1000], y[::1000]), penalty=1e-4)
    for at in (0.3, 0.5):
        assert many.sd(at, sigma=math.sqrt(1000)) == pytest.approx(few.sd(at, sigma=1.0), rel=1e-3)


# -- what is refused -------------------------------------------------------------------------------------


def test_an_interpolant_has_no_band():
    with pytest.raises(kf.InputError, match="penalty is 0: it must be > 0 for a band"):
        kf.splines.smoothing(DATA, penalty=0.0).band(1.0)


def test_without_residuals_the_noise_must_be_given():
    f = kf.splines.smoothing(kf.Samples([0, 1], [0, 1]))
    assert math.isnan(f.sigma)
    with pytest.raises(kf.InputError, match="sigma is None: it must be given"):
        f.sd(0.5)
    assert f.sd(0.5, sigma=1.0) == pytest.approx(math.sqrt(0.5))
    near = kf.splines.smoothing(kf.Samples(X, Y), penalty=1e-12)
    with pytest.raises(kf.InputError, match=r"sigma is None: it must be given, as n - df is \S+, too little"):
        near.band(0.5)
    assert near.sd(X, sigma=0.3) == pytest.approx(0.3, rel=1e-3)


@given(st.integers(2, 30), st.floats(-12, 4), st.integers(0, 99))
def test_bands_are_finite_and_hold_the_curve(n, power, seed):
    rng = np.random.default_rng(seed)
    f = kf.splines.smoothing(kf.Samples(rng.uniform(0, 1, n), rng.standard_normal(n)), penalty=10.0**power)
    at = rng.uniform(-1, 2, 7)
    for simultaneous in (False, True):
        lower, upper = f.band(at, simultaneous=simultaneous, sigma=1.0)
        assert np.all(lower < f(at))
        assert np.all(f(at) < upper)
        assert np.isfinite(upper - lower).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": [np.nan]}, "x.0. is nan"),
        ({"level": 0.0}, "level is 0.0: it must be"),
        ({"level": 1.0}, "level is 1.0: it must be"),
        ({"level": "high"}, "level is 'high': it must be"),
        ({"simultaneous": 1}, "simultaneous is 1: it must be True or False"),
        ({"sigma": 0.0}, "sigma is 0.0: it must be"),
        ({"sigma": math.inf}, "sigma is inf: it must be"),
    ],
)
def test_wrong_arguments_are_refused_by_name(arguments, message):
    with pytest.raises(kf.InputError, match=message):
        kf.splines.smoothing(DATA, lam=0.3).band(**{"x": 1.0, **arguments})


def test_the_evidence_is_made_by_smoothing_alone():
    assert isinstance(kf.splines.smoothing(DATA, lam=0.3)._evidence, Evidence)


# -- coverage --------------------------------------------------------------------------------------------

SMOOTH = {
    "sine": lambda x: np.sin(2 * np.pi * x),
    "bump": lambda x: np.exp(-30 * (x - 0.5) ** 2),
    "two scales": lambda x: np.sin(2 * np.pi * x) + 0.5 * np.sin(6 * np.pi * x),
    "logistic": lambda x: 1 / (1 + np.exp(-12 * (x - 0.4))),
    "cubic": lambda x: 4 * x**3 - 3 * x**2 - x,
}


def coverage(target, n: int, repeats: int, seed: int) -> tuple[float, float, float]:
    """Of bands of 90%: pointwise on average over the samples, on the whole range at once, and at x = 1/2.

    Cross-validation takes the interpolant now and then, which has no band: in few of the repeats, which do not count.
    """
    rng = np.random.default_rng(seed)
    hits = []
    for _ in range(repeats):
        x = np.sort(rng.uniform(0.0, 1.0, n))
        f = kf.splines.smoothing(kf.Samples(x, target(x) + 0.2 * rng.standard_normal(n)))
        if n - f.df < 0.5:
            continue
        grid, found = np.linspace(x[0], x[-1], 301), []
        for at, together in [(x, False), (grid, True), (np.array([0.5]), False)]:
            lower, upper = f.band(at, 0.9, simultaneous=together)
            inside = (lower <= target(at)) & (target(at) <= upper)
            found.append(inside.all() if together else inside.mean())
        hits.append(found)
    assert len(hits) >= 0.95 * repeats
    return tuple(np.mean(hits, axis=0))


@pytest.mark.slow
@pytest.mark.parametrize("name", SMOOTH)
def test_bands_of_90_percent_hold_smooth_curves_so_often(name):
    pointwise, together, _ = coverage(SMOOTH[name], 200, 300, seed=200)
    assert 0.87 <= pointwise <= 0.93
    assert together >= 0.85


@pytest.mark.slow
def test_at_a_kink_the_curve_is_often_outside():
    pointwise, together, at_kink = coverage(lambda x: 2 * np.abs(x - 0.5), 200, 300, seed=3)
    assert pointwise > 0.85  # elsewhere it is inside
    assert at_kink < 0.5
    assert together < 0.75
