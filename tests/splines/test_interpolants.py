"""The interpolating splines against SciPy, brute force and the equations that define them."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.interpolate import Akima1DInterpolator, CubicSpline, PchipInterpolator

from knotflow import splines
from knotflow.data import Samples, datasets
from knotflow.errors import InputError

FAMILY = [splines.natural, splines.linear]
LOPSIDED = Samples([-2.0, -1.7, 0.1, 0.4, 3.0, 9.0], [1.0, 4.0, -2.0, 0.5, 0.25, 7.0])


@st.composite
def samples(draw: st.DrawFn) -> Samples:
    """At least three distinct x with ties, and gaps that differ by up to a factor of 1,000."""
    gaps = draw(st.lists(st.floats(0.01, 10), min_size=2, max_size=12))
    knots = draw(st.floats(-20, 20)) + np.cumsum([0.0, *gaps])
    again = draw(st.lists(st.sampled_from(knots.tolist()), max_size=4))
    x = np.concatenate([knots, again])
    value = st.floats(-10, 10).map(lambda v: round(v, 6))
    y = draw(st.lists(value, min_size=len(x), max_size=len(x)))
    return Samples(x, y, draw(st.lists(st.floats(0.1, 10), min_size=len(x), max_size=len(x))))


def around(data: Samples, n: int = 400) -> np.ndarray:
    lo, hi = data.range
    return np.linspace(lo - data.span, hi + data.span, n)


def roughness(data: Samples, second) -> float:
    """int f''^2 between the data from f'', by Simpson's rule on each cubic piece (but 1e-9 of its ends)."""
    x = data.distinct.x
    h = np.diff(x)
    left, right = x[:-1] + 1e-9 * h, x[1:] - 1e-9 * h
    ends, middle = second(left) ** 2 + second(right) ** 2, second((left + right) / 2) ** 2
    return float(np.sum(h / 6 * (ends + 4 * middle)))


# -- every member ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("member", FAMILY)
@given(data=samples())
def test_it_goes_through_the_distinct_x_and_the_mean_y(member, data):
    f = member(data)
    np.testing.assert_array_equal(f(data.distinct.x), data.distinct.y)
    np.testing.assert_array_equal(f.knots, data.distinct.x)


@pytest.mark.parametrize("member", FAMILY)
@given(data=samples())
def test_it_is_continuous_and_straight_outside(member, data):
    f = member(data)
    x, size = data.distinct.x, np.abs(f(around(data, 2000))).max() + 1
    before = x - 1e-9 * np.diff(x).min()
    rise = (x - before) * f.derivative()(before)
    np.testing.assert_allclose(f(before) + rise, f(x), rtol=0, atol=1e-13 * size)
    for end, side in ((x[0], -1), (x[-1], 1)):
        inward, slope = end - side * 1e-9 * np.diff(x).min(), f.derivative()(end + side)
        assert f.derivative()(inward) == pytest.approx(slope, rel=1e-6, abs=1e-6 * size)
        far = end + side * np.array([0.5, 1, 10, 1e4]) * data.span
        line = f(end) + slope * (far - end)
        np.testing.assert_allclose(f(far), line, rtol=1e-12, atol=1e-12 * (size + abs(slope) * data.span))
        assert not f.derivative(2)(end + side * data.span).any()


@pytest.mark.parametrize("member", FAMILY)
def test_two_distinct_x_give_their_line(member):
    f = member(Samples([1, 3, 1], [2, 10, 4], [1, 1, 3]))
    x = np.array([-50, 1, 1.7, 3, 80])
    np.testing.assert_allclose(f(x), 3.5 + 3.25 * (x - 1), rtol=1e-14)
    np.testing.assert_allclose(f.derivative()(x), 3.25, rtol=1e-14)
    np.testing.assert_array_equal(f.derivative(2)(x), 0)


@pytest.mark.parametrize("member", FAMILY)
@given(data=samples(), shift=st.floats(-50, 50), slope=st.floats(-50, 50))
def test_adding_a_line_to_the_data_adds_it_to_the_spline(member, data, shift, slope):
    d = data.distinct
    tilted = member(Samples(d.x, d.y + shift + slope * d.x))
    x = around(data)
    size = np.abs(tilted(x)).max() + np.abs(member(data)(x)).max() + 1e3
    np.testing.assert_allclose(tilted(x), member(data)(x) + shift + slope * x, rtol=0, atol=1e-12 * size)


@pytest.mark.parametrize("member", FAMILY)
@given(data=samples())
def test_reflecting_the_data_reflects_the_spline(member, data):
    x = around(data)
    f, mirrored = member(data), member(Samples(-data.x, data.y, data.weights))
    np.testing.assert_allclose(mirrored(-x), f(x), rtol=1e-11, atol=1e-12 * (1 + np.abs(f(x)).max()))


@pytest.mark.parametrize("member", FAMILY)
@pytest.mark.parametrize("power", [-990, -400, -60, 3, 400, 990])
def test_a_power_of_two_as_unit_of_x_changes_no_bit(member, power):
    f, scaled = member(LOPSIDED), member(Samples(np.ldexp(LOPSIDED.x, power), LOPSIDED.y))
    x = around(LOPSIDED)
    np.testing.assert_array_equal(scaled(np.ldexp(x, power)), f(x))
    np.testing.assert_array_equal(np.ldexp(scaled.derivative()(np.ldexp(x, power)), power), f.derivative()(x))
    assert np.ldexp(scaled.integral(*np.ldexp([-3.0, 5.0], power)), -power) == f.integral(-3, 5)


@pytest.mark.parametrize("member", FAMILY)
@pytest.mark.parametrize("offset", [-1e9, 1e9])
def test_data_far_from_zero_lose_only_what_their_x_lose(member, offset):
    x = np.array([0, 1, 4, 6, 7.0]) / 1024
    y = [0, 1, -1, 2, 0.0]
    at = np.linspace(-7, 14, 22) / 1024
    near, far = member(Samples(x, y)), member(Samples(offset + x, y))
    moved = (offset + at) - offset
    np.testing.assert_allclose(far(offset + at), near(moved), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("member", FAMILY)
@pytest.mark.parametrize("start", [-1.0, 1.0])
def test_neighbouring_numbers_can_be_knots(member, start):
    x = [start, np.nextafter(start, 2), np.nextafter(np.nextafter(start, 2), 2), start + 1]
    y = [1.0, 2.0, 2.5, 2.0]
    np.testing.assert_array_equal(member(Samples(x, y))(x), y)
    np.testing.assert_array_equal(member(Samples(x[:2], y[:2]))(x[:2]), y[:2])


@pytest.mark.parametrize("member", FAMILY)
@pytest.mark.parametrize("order", [0, 1, 2, 3, 4])
def test_derivatives_are_the_slopes_of_the_one_below(member, order):
    f = member(LOPSIDED)
    x = np.array([-7.0, -1.9, -1.0, 0.2, 2.0, 5.0, 50.0])
    if order == 0:
        np.testing.assert_array_equal(f.derivative(0)(x), f(x))
        return
    below, step = f.derivative(order - 1), 1e-5
    slope = (below(x + step) - below(x - step)) / (2 * step)
    np.testing.assert_allclose(f.derivative(order)(x), slope, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(f.derivative(order).knots, f.knots)


@pytest.mark.parametrize("member", FAMILY)
def test_derivatives_repeat(member):
    x, f = around(LOPSIDED), member(LOPSIDED)
    np.testing.assert_allclose(f.derivative().derivative()(x), f.derivative(2)(x), rtol=1e-14)


@pytest.mark.parametrize("member", FAMILY)
@pytest.mark.parametrize(("a", "b"), [(-2, 9), (-1.8, 0.3), (-30, -3), (9.5, 40), (-20, 30), (4, 4)])
def test_integrals_against_quadrature(member, a, b):
    f = member(LOPSIDED)
    cuts = [a, *(k for k in LOPSIDED.x if a < k < b), b]
    parts = [quad(f, lo, hi, epsabs=0, epsrel=1e-13)[0] for lo, hi in pairwise(cuts)]
    assert f.integral(a, b) == pytest.approx(sum(parts), rel=1e-12)
    assert f.integral(b, a) == -f.integral(a, b)
    assert f.derivative().integral(a, b) == pytest.approx(float(f(b) - f(a)), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("member", FAMILY)
def test_values_have_the_shape_of_x(member):
    f = member(LOPSIDED)
    assert f(0.3).shape == ()
    assert f([[1, 2, 3], [4, 5, 6]]).shape == (2, 3)
    assert f([]).shape == (0,)
    with pytest.raises(InputError, match="x is nan: every value must be finite"):
        f(np.nan)


def test_a_spline_is_fixed_and_says_what_it_is():
    f = splines.natural(LOPSIDED)
    assert repr(f) == "Spline(degree 3, 6 knots in [-2, 9])"
    assert repr(splines.linear(LOPSIDED)) == "Spline(degree 1, 6 knots in [-2, 9])"
    with pytest.raises(dataclasses.FrozenInstanceError):
        f.exponent = 0
    with pytest.raises(ValueError, match="read-only"):
        f.knots[0] = 0.0


@pytest.mark.parametrize("member", FAMILY)
def test_what_is_no_data_is_refused(member):
    with pytest.raises(InputError, match=r"^data is of type list: it must be Samples, made by Samples\(x, y\)$"):
        member([1, 2, 3])
    close = r"^data has x 0\.0 and 1e-60, too close for a spline over a span of 1: merge them$"
    with pytest.raises(InputError, match=close):
        member(Samples([0, 1e-60, 1], [1, 2, 3]))


@pytest.mark.parametrize("order", [-1, 1.5, "1", None])
def test_orders_that_are_no_order(order):
    with pytest.raises(InputError, match=r"^nu is .*: it must be a whole number of at least 0$"):
        splines.linear(LOPSIDED).derivative(order)


@pytest.mark.parametrize(("a", "b", "name"), [(-np.inf, 0, "a is -inf"), (0, np.nan, "b is nan")])
def test_bounds_that_are_not_finite(a, b, name):
    with pytest.raises(InputError, match=rf"^{name}: it must be a finite number$"):
        splines.natural(LOPSIDED).integral(a, b)


# -- the natural cubic spline ----------------------------------------------------------------------------


@given(samples())
def test_natural_is_scipys_between_the_data(data):
    d = data.distinct
    x = np.linspace(*data.range, 300)
    expected = CubicSpline(d.x, d.y, bc_type="natural")
    f = splines.natural(data)
    np.testing.assert_allclose(f(x), expected(x), rtol=0, atol=1e-11 * np.abs(expected(x)).max() + 1e-300)
    slope = expected(x, 1)
    np.testing.assert_allclose(f.derivative()(x), slope, rtol=0, atol=1e-11 * np.abs(slope).max() + 1e-300)


@given(samples())
def test_natural_has_no_jump_in_two_derivatives_and_no_end_curvature(data):
    f = splines.natural(data)
    for order in (1, 2):
        g = f.derivative(order)
        pieces, knots = g.pieces.c, g.pieces.x
        from_left = np.array([np.polyval(pieces[:, j], knots[j + 1] - knots[j]) for j in range(pieces.shape[1])])
        scale = np.abs(g.pieces(knots)).max() + np.abs(from_left).max() + 1e-300
        np.testing.assert_allclose(from_left[:-1], pieces[-1, 1:], rtol=0, atol=1e-11 * scale)


@given(samples())
def test_natural_has_the_roughness_of_green_and_silverman(data):
    """int f''^2 = y' Q R^-1 Q' y with their banded matrices Q and R, here dense and from the definition."""
    d = data.distinct
    assume(np.ptp(d.y) > 1e-6)
    h, s = np.diff(d.x), len(d.x)
    q, r = np.zeros((s, s - 2)), np.zeros((s - 2, s - 2))
    for j in range(s - 2):
        q[j : j + 3, j] = 1 / h[j], -1 / h[j] - 1 / h[j + 1], 1 / h[j + 1]
        r[j, j] = (h[j] + h[j + 1]) / 3
        if j:
            r[j, j - 1] = r[j - 1, j] = h[j] / 6
    gamma = np.linalg.solve(r, q.T @ d.y)
    f = splines.natural(data)
    size = np.abs(gamma).max() + np.ptp(d.y) / data.span**2
    np.testing.assert_allclose(f.derivative(2)(d.x[1:-1]), gamma, rtol=0, atol=1e-10 * size)
    np.testing.assert_allclose(f.derivative(2)(d.x[[0, -1]]), 0, rtol=0, atol=1e-10 * size)
    rough = roughness(data, f.derivative(2))
    assert rough == pytest.approx(gamma @ r @ gamma, rel=1e-6, abs=1e-10 * size**2 * data.span)


@given(samples())
def test_no_other_interpolant_is_less_rough(data):
    d = data.distinct
    least = roughness(data, splines.natural(data).derivative(2))
    rivals = [
        CubicSpline(d.x, d.y, bc_type="clamped"),
        CubicSpline(d.x, d.y, bc_type="not-a-knot"),
        PchipInterpolator(d.x, d.y),
        Akima1DInterpolator(d.x, d.y),
    ]
    for rival in rivals:
        assert least <= roughness(data, rival.derivative(2)) * (1 + 1e-6) + 1e-12


# -- the linear spline -----------------------------------------------------------------------------------


@given(samples())
def test_linear_is_numpys_interpolation_between_the_data(data):
    d = data.distinct
    x = np.linspace(*data.range, 300)
    expected = np.interp(x, d.x, d.y)
    np.testing.assert_allclose(splines.linear(data)(x), expected, rtol=0, atol=1e-13 * (1 + np.abs(d.y).max()))


@given(samples())
def test_linear_has_the_slopes_of_the_chords(data):
    d = data.distinct
    chords = np.diff(d.y) / np.diff(d.x)
    slopes = splines.linear(data).derivative()
    np.testing.assert_allclose(slopes((d.x[:-1] + d.x[1:]) / 2), chords, rtol=1e-11, atol=1e-300)
    np.testing.assert_array_equal(slopes(d.x[:-1]), slopes((d.x[:-1] + d.x[1:]) / 2))  # from the right
    outer = slopes([d.x[0] - 1, d.x[-1] + 1])
    np.testing.assert_allclose(outer, chords[[0, -1]], rtol=1e-11, atol=1e-300)


def test_the_motorcycle_data_have_94_knots():
    data = datasets.motorcycle()
    for member in FAMILY:
        assert len(member(data).knots) == 94
        assert member(data)(14.6) == pytest.approx(np.mean(data.y[data.x == 14.6]), abs=1e-12)


@pytest.mark.parametrize("order", [0, 1, 2, 3])
def test_values_of_a_derivative_are_those_of_the_derivative(order):
    x = np.linspace(-5, 12, 41)
    for f in (splines.natural(LOPSIDED), splines.linear(LOPSIDED)):
        np.testing.assert_allclose(f(x, nu=order), f.derivative(order)(x), rtol=1e-14)
    with pytest.raises(InputError, match=r"^nu is 0\.5: it must be a whole number of at least 0$"):
        splines.linear(LOPSIDED)(x, nu=0.5)


def test_the_former_keyword_of_derivative_warns():
    f = splines.natural(LOPSIDED)
    with pytest.warns(DeprecationWarning, match="the keyword order of derivative is deprecated: use nu"):
        np.testing.assert_array_equal(f.derivative(order=2)(1.0), f.derivative(2)(1.0))
