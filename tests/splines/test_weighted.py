"""Weighted natural splines against quadrature, a dense quadratic program and the kernel room."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.interpolate import CubicSpline

import knotflow as kf
from knotflow import splines
from knotflow.data import Samples
from knotflow.errors import InputError

X = np.array([-1.9, -1.1, -1.0, -0.2, 0.45, 0.5, 1.7])
Y = np.array([0.3, 1.0, -1.0, 0.4, 0.0, 2.0, 1.0])

DENSITIES = {
    "constant": (lambda u: 3.0 + 0 * u, ()),
    "gaussian initialiser": (lambda u: (1 + u**2) ** -2.0, ()),
    "uniform initialiser": (lambda u: np.minimum(1.0, (0.6 / np.maximum(np.abs(u), 0.6)) ** 4), (-0.6, 0.6)),
    "a jump": (lambda u: np.where(u < 0.3, 1.0, 1e-3), (0.3,)),
    "a hump": (lambda u: np.exp(-8 * (u - 0.1) ** 2), ()),
    "a gap": (lambda u: np.where((u > -0.9) & (u < -0.4), 0.0, 1 + u**2), (-0.9, -0.4)),
    "a zero": (lambda u: u**2, ()),
}


def hat(x, k, u):
    return np.interp(u, x, np.eye(len(x))[k])


def dense_bends(x, y, nu, cuts):
    """s at the samples from the quadratic program's equations, each entry by adaptive quadrature."""
    inner = range(1, len(x) - 1)
    gram = np.zeros((len(x), len(x)))
    for j in inner:
        for k in inner:
            places = sorted({*x, *(c for c in cuts if x[0] < c < x[-1])})
            for lo, hi in pairwise(places):
                value, _ = quad(lambda u, j=j, k=k: hat(x, j, u) * hat(x, k, u) * nu(u), lo, hi, epsabs=0, epsrel=1e-12)
                gram[j, k] += value
    kinks = np.diff(np.diff(y) / np.diff(x))
    return np.concatenate([[0], np.linalg.solve(gram[1:-1, 1:-1], kinks), [0]])


@pytest.mark.parametrize("name", DENSITIES)
def test_second_derivative_is_the_density_times_the_solution_of_the_dense_system(name):
    nu, cuts = DENSITIES[name]
    bends = dense_bends(X, Y, nu, cuts)
    f = splines.weighted(Samples(X, Y), nu)
    u = np.setdiff1d(np.linspace(X[0], X[-1], 501), [*X, *cuts])
    expected = nu(u) * np.interp(u, X, bends)
    np.testing.assert_allclose(f.derivative(2)(u), expected, rtol=0, atol=1e-9 * np.abs(expected).max())
    np.testing.assert_allclose(f(X), Y, rtol=0, atol=1e-14)
    np.testing.assert_array_equal(f.knots, X)


@pytest.mark.parametrize("name", ["gaussian initialiser", "uniform initialiser", "a jump"])
@pytest.mark.parametrize("slopes", [(1.0, 0.0), (0.0, 1.0), (-2.0, 3.0)])
def test_no_change_that_keeps_the_data_makes_it_cheaper(name, slopes):
    """The first-order condition int f'' g'' / nu = 0 for curves g that are 0 at the samples."""
    nu, cuts = DENSITIES[name]
    second = splines.weighted(Samples(X, Y), nu).derivative(2)
    change = CubicSpline(X, np.zeros(len(X)), bc_type=((1, slopes[0]), (1, slopes[1])))
    t, w = np.polynomial.legendre.leggauss(40)
    places = np.array(sorted({*X, *cuts}))
    h = np.diff(places)[:, None] / 2
    u = places[:-1, None] + h * (t + 1)
    product = second(u) * change(u, 2) / nu(u) * h * w
    assert abs(product.sum()) <= 1e-10 * np.abs(product).sum()


def test_constant_density_is_the_natural_spline():
    x = np.linspace(-3, 3, 1001)
    for constant in (lambda u: 1.0, lambda u: 7e-200, lambda u: np.full_like(u, 3e150)):
        f = splines.weighted(Samples(X, Y), constant)
        np.testing.assert_allclose(f(x), splines.natural(Samples(X, Y))(x), rtol=0, atol=1e-12)


def test_an_initialiser_stands_for_its_nu():
    x = np.linspace(-3, 3, 301)
    expected = splines.weighted(Samples(X, Y), lambda u: (1 + u**2) ** -2.0)(x)
    for density in ("gaussian", kf.initial.gaussian, kf.initial.INITIALISERS["gaussian"]):
        np.testing.assert_allclose(splines.weighted(Samples(X, Y), density)(x), expected, rtol=0, atol=1e-10)


@given(
    st.lists(st.floats(0.05, 2), min_size=2, max_size=9),
    st.integers(0, 2**32 - 1),
    st.floats(-3, 3),
    st.sampled_from([0.01, 1.0, 300.0]),
)
@settings(max_examples=25)
def test_units_shift_and_reflection(gaps, seed, shift, scale):
    x = np.cumsum([0.0, *gaps])
    y = np.random.default_rng(seed).normal(size=len(x))
    nu = lambda u: 1 / (1 + (u - 1) ** 2)  # noqa: E731
    at = np.linspace(-1, x[-1] + 1, 57)
    f = splines.weighted(Samples(x, y), nu)(at)
    size = 1e-9 * np.abs(f).max() + 1e-12
    moved = splines.weighted(Samples(shift + scale * x, 5 * y), lambda u: 9 * nu((u - shift) / scale))
    np.testing.assert_allclose(moved(shift + scale * at), 5 * f, rtol=0, atol=5 * size)
    mirrored = splines.weighted(Samples(-x, y), lambda u: nu(-u))
    np.testing.assert_allclose(mirrored(-at), f, rtol=0, atol=size)
    tilted = splines.weighted(Samples(x, y + 2 + 3 * x), nu)
    np.testing.assert_allclose(tilted(at), f + 2 + 3 * at, rtol=0, atol=size)


def exact_second_derivative(x, y, jumps, levels, at):
    """f'' where the density is levels[i] from jumps[i - 1] to jumps[i], by the equations in rational numbers."""
    x, y, jumps, levels, at = ([Fraction(float(v)) for v in values] for values in (x, y, jumps, levels, at))
    n, nu = len(x), lambda u: levels[sum(jump <= u for jump in jumps)]
    gram = [[Fraction(0)] * n for _ in range(n)]
    for j, (lo, hi) in enumerate(pairwise(x)):
        for a, b in pairwise(sorted({lo, hi, *(jump for jump in jumps if lo < jump < hi)})):
            left, right = [(hi - u) / (hi - lo) for u in (a, b)], [(u - lo) / (hi - lo) for u in (a, b)]
            for p, one in ((j, left), (j + 1, right)):
                for q, other in ((j, left), (j + 1, right)):
                    product = 2 * one[0] * other[0] + one[0] * other[1] + one[1] * other[0] + 2 * one[1] * other[1]
                    gram[p][q] += (b - a) * nu(a) * product / 6
    kinks = [(y[j + 1] - y[j]) / (x[j + 1] - x[j]) - (y[j] - y[j - 1]) / (x[j] - x[j - 1]) for j in range(1, n - 1)]
    rows = [[*gram[j][1:-1], kink] for j, kink in enumerate(kinks, 1)]
    for p in range(len(rows)):
        for q in range(len(rows)):
            if q != p:
                rows[q] = [a - rows[q][p] / rows[p][p] * b for a, b in zip(rows[q], rows[p], strict=True)]
    bends = [Fraction(0), *(row[-1] / row[p] for p, row in enumerate(rows)), Fraction(0)]
    place = [max(j for j in range(n - 1) if x[j] <= u) for u in at]
    parts = [(u - x[j]) / (x[j + 1] - x[j]) for u, j in zip(at, place, strict=True)]
    return [float(nu(u) * (bends[j] * (1 - t) + bends[j + 1] * t)) for u, j, t in zip(at, place, parts, strict=True)]


@st.composite
def jumping(draw):
    """Samples, and jumps anywhere: just beside samples, at samples, close together; levels over many decades."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    unit = 10.0 ** draw(st.sampled_from([-9, 0, 9]))
    x = unit * np.sort(rng.uniform(-1, 1, draw(st.integers(3, 7))))
    beside = rng.choice(x, 2) + np.ptp(x) * 10.0 ** rng.uniform(-12, -2, 2) * rng.choice([-1, 1], 2)
    jumps = draw(st.sampled_from([rng.uniform(x[0], x[-1], 3), beside, rng.choice(x[1:-1], 1)]))
    levels = 10.0 ** (draw(st.sampled_from([1, 3, 6])) * rng.uniform(-1, 1, len(jumps) + 1))
    return x, rng.standard_normal(len(x)), np.sort(jumps), levels


@given(jumping())
@settings(max_examples=60)
def test_jumps_anywhere_are_seen(problem):
    x, y, jumps, levels = problem
    f = splines.weighted(Samples(x, y), lambda u: levels[np.searchsorted(jumps, u, side="right")])
    at = x[0] + np.ptp(x) * np.linspace(0.01, 0.99, 41) ** 1.1
    expected = np.array(exact_second_derivative(x, y, jumps, levels, at))
    assert np.all(np.abs(f.derivative(2)(at) - expected) <= 1e-9 * (np.abs(expected) + 1e-3 * np.abs(expected).max()))


@pytest.mark.parametrize("jump", [0.1, 0.992, 0.995, 0.5 * 0.993, 0.25 * 0.993, 1 - 1e-7, 1e-7, 1.0, 1 + 1e-9])
@pytest.mark.parametrize("offset", [0.0, 2.0**20])
def test_a_jump_in_the_last_part_of_an_interval(jump, offset):
    x, y = np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.0, 1.0, -1.0, 2.0])
    jump = (jump + offset) - offset  # what is left of it there
    f = splines.weighted(Samples(x + offset, y), lambda u: np.where(u - offset < jump, 1.0, 1000.0))
    at = np.array([0.05, 0.75, 1.5, 2.5])
    expected = exact_second_derivative(x, y, [jump], [1.0, 1000.0], at)
    np.testing.assert_allclose(f.derivative(2)(at + offset), expected, rtol=1e-9)


def test_a_density_that_repeats_with_the_samples_is_seen_between_them():
    x, y = np.arange(6.0), np.array([0.0, 1.0, -1.0, 2.0, 0.0, 1.0])
    nu = lambda u: 1 + 50 * np.sin(2 * np.pi * u) ** 2  # noqa: E731
    bends = dense_bends(x, y, nu, ())
    u = np.linspace(0.1, 4.9, 97)
    np.testing.assert_allclose(
        splines.weighted(Samples(x, y), nu).derivative(2)(u), nu(u) * np.interp(u, x, bends), atol=1e-8
    )


def test_a_smooth_density_far_from_0():
    x, y = np.arange(5.0), np.array([0.0, 1.0, -1.0, 2.0, 0.0])
    nu = lambda u: 1 / (1 + u**2)  # noqa: E731
    u = np.linspace(0, 4, 33)
    near = splines.weighted(Samples(x, y), nu)(u)
    for offset in (2.0**20, 2.0**30):
        far = splines.weighted(Samples(x + offset, y), lambda v, offset=offset: nu(v - offset))
        np.testing.assert_allclose(far(u + offset), near, rtol=0, atol=1e-10)


def test_breaks_show_what_is_too_narrow_to_be_seen():
    x, y = np.array([0.0, 1.0, 2.0, 3.0]), np.array([0.0, 1.0, -1.0, 2.0])
    jumps = np.array([0.7, 0.7 + 1e-6])
    spike = lambda u: np.where((u >= jumps[0]) & (u < jumps[1]), 1e7, 1.0)  # noqa: E731
    at = np.array([0.3, 1.5, 2.5])
    expected = exact_second_derivative(x, y, jumps, [1.0, 1e7, 1.0], at)
    f = splines.weighted(Samples(x, y), spike, breaks=jumps[::-1])
    np.testing.assert_allclose(f.derivative(2)(at), expected, rtol=1e-9)
    unasked = splines.weighted(Samples(x, y), spike, breaks=[-7.0, 1.0, 5.5, *jumps, 0.2])
    np.testing.assert_allclose(unasked(at), f(at), rtol=1e-12)
    with pytest.raises(InputError, match=r"^breaks\[1\] is inf: every value must be finite$"):
        splines.weighted(Samples(x, y), spike, breaks=[0.0, np.inf])


def test_the_breaks_of_an_initialiser_are_known():
    law = kf.initial.law("uniform_knots", where=(0.4, 0.4003))
    wide = kf.splines.weighted(Samples([0.0, 1.0, 2.0], [0.0, 1.0, 0.0]), kf.kernels.nu(law))
    spread = (wide.derivative()(0.41) - wide.derivative()(0.39)) / (wide.derivative()(2.0) - wide.derivative()(0.0))
    assert spread == pytest.approx(1, rel=1e-9)  # it bends in the support alone


def test_ties_go_through_the_weighted_mean():
    f = splines.weighted(Samples([0, 1, 1, 2], [0, 1, 4, 0], [1, 2, 1, 1]), "gaussian")
    assert f(1) == 2.0
    twice = splines.weighted(Samples([0, 1, 1, 1, 2], [0, 1, 1, 4, 0]), "gaussian")
    np.testing.assert_allclose(twice(np.linspace(-1, 3, 9)), f(np.linspace(-1, 3, 9)), rtol=1e-14)


@pytest.mark.parametrize("s", [2, 3])
def test_few_points(s):
    f = splines.weighted(Samples(X[:s], Y[:s]), DENSITIES["gaussian initialiser"][0])
    np.testing.assert_allclose(f(X[:s]), Y[:s], atol=1e-15)
    if s == 2:
        assert not f.derivative(2)(np.linspace(-3, 3, 50)).any()


def test_many_points_agree_with_few_pieces_between_them():
    """On a fine grid the density is taken as parabolas; its second derivative must still be nu s."""
    x = np.linspace(-1, 1, 20_001)
    nu = DENSITIES["gaussian initialiser"][0]
    f = splines.weighted(Samples(x, np.sin(3 * x)), nu)
    assert len(f.pieces.x) == len(x) + 2
    knot, middle = x[1000:19_000:37], (x[:-1] + x[1:])[1000:19_000:37] / 2
    ratio = f.derivative(2)(middle) / nu(middle)
    ends = f.derivative(2)(knot) / nu(knot), f.derivative(2)(knot + 1e-4) / nu(knot + 1e-4)
    np.testing.assert_allclose(ratio, (ends[0] + ends[1]) / 2, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("density", "message"),
    [
        (3.0, r"^density is 3\.0: it must be a function of an array, nu\(x\), or an initialiser such as 'gaussian'$"),
        (lambda u: u, r"^density is -1\.9 at x = -1\.9: it must be finite and at least 0$"),
        (lambda u: 1 / np.where(u == X[1], np.nan, 1.0), r"^density is nan at x = -1\.1: it must be finite and at l"),
        (lambda u: np.ones(3), r"^density does not map an array of x to an array of that shape: "),
        (
            lambda u: 1.0 * (u > 0.45),
            r"^density is 0 from x = -1\.9 to -1, so no curve can bend at the sample x = -1\.1: ",
        ),
        (lambda u: np.random.default_rng(0).random(u.shape), r"^density is too rough to integrate, for example near x"),
    ],
)
def test_densities_that_are_refused(density, message):
    with pytest.raises(InputError, match=message):
        splines.weighted(Samples(X, Y), density)


def test_what_is_no_data_is_refused():
    with pytest.raises(InputError, match=r"^data is of type list"):
        splines.weighted([1, 2], lambda u: 1.0)
