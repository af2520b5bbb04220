from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from helpers.nets import exact, nets, numbers, points
from knotflow.errors import InputError
from knotflow.network import CPWL, ReLUNet
from knotflow.network.cpwl import values_from_zero

ZIGZAG = CPWL([-1.0, 0.5, 2.0], [2.0, -1.0, 0.5], [3.0, -2.0, 1.0, -4.0])


@st.composite
def cpwls(draw):
    """Functions through lopsided points, also without any knot."""
    gaps = draw(st.lists(st.floats(1e-3, 1e3), max_size=6))
    start, value, left, right = (draw(numbers(50)) for _ in range(4))
    if not gaps:
        return CPWL([], [], [left], value)
    knots = start + np.cumsum(gaps)
    values = np.array([draw(numbers(50)) for _ in gaps])
    return CPWL(knots, values, [left, *(np.diff(values) / np.diff(knots)), right])


def around(view):
    knots = view.knots
    return np.concatenate([[-1e8, -3.0, 0.0, 4.0, 1e8], knots, knots + 0.1, (knots[1:] + knots[:-1]) / 2])


def by_interpolation(view, x):
    """Inside numpy.interp, outside two lines."""
    first, last = view.knots[[0, -1]]
    left = view.values[0] + view.slopes[0] * (x - first)
    right = view.values[-1] + view.slopes[-1] * (x - last)
    inside = np.interp(x, view.knots, view.values)
    return np.where(x < first, left, np.where(x > last, right, inside))


# -- from a network --------------------------------------------------------------------------------------


@given(nets())
def test_the_function_is_that_of_the_network(net):
    x, view = points(net), net.cpwl()
    f, scale = exact(net, x)
    assert np.all(np.abs(view(x) - f) <= 2e-14 * scale)
    assert np.all(np.diff(view.knots) > 0)
    assert np.all(view.jumps != 0)


@given(st.lists(st.tuples(st.integers(-8, 8), st.sampled_from([1, -1]), st.integers(-4, 4)), min_size=1))
def test_coinciding_knots_are_merged_and_cancelling_jumps_dropped(neurons):
    knots, facing, slopes = np.array(neurons, dtype=float).T
    view = ReLUNet(facing, facing * knots / 4, slopes * facing, bias=2.0).cpwl()
    jumps = {}
    for knot, s, mu in neurons:
        jumps[knot / 4] = jumps.get(knot / 4, 0) + s * mu
    expected = {knot: jump for knot, jump in sorted(jumps.items()) if jump}
    assert_array_equal(view.knots, list(expected))
    assert_array_equal(view.jumps, list(expected.values()))
    assert view.slopes[0] == sum(mu for _, s, mu in neurons if s < 0)
    assert view.roughness == sum(jump**2 for jump in expected.values())
    assert view.total_variation == sum(map(abs, expected.values()))


@given(st.lists(st.floats(1e-4, 1e4), min_size=2, max_size=9), st.sampled_from([1, -1]))
def test_rescaled_copies_of_a_neuron_are_one_knot(factors, side):
    k = np.array(factors)
    net = ReLUNet(side * k * 0.7, side * k * 0.3, 1.1 / k)
    view = net.cpwl()
    assert len(view.knots) == 1
    assert view.knots[0] == pytest.approx(0.3 / 0.7, rel=1e-15)
    assert view.jumps[0] == pytest.approx(0.77 * len(k), rel=4e-15)
    opposite = ReLUNet(np.append(net.a, net.a[::-1]), np.append(net.b, net.b[::-1]), np.append(net.c, -1.1 / k[::-1]))
    assert len(opposite.cpwl().knots) == 0


def test_knots_that_only_look_alike_stay_apart():
    assert_array_equal(ReLUNet([1, 1], [1, 1 + 1e-14], [1, 1]).cpwl().knots, [1, 1 + 1e-14])
    assert_array_equal(ReLUNet([1, 1], [0, 1e-300], [1, 1]).cpwl().knots, [0, 1e-300])


def test_a_kink_below_the_rounding_of_the_slopes_is_dropped():
    view = ReLUNet([1.0, 1.0], [0.0, 2.0], [1.0, 1e-20]).cpwl()
    assert_array_equal(view.knots, [0.0])
    assert_array_equal(view.slopes, [0.0, 1.0])


def test_a_steep_line_of_cancelling_neurons_and_a_distant_knot():
    # 1e6 x as an opposite pair, and a kink far away: the values there are large, those here must not suffer.
    net = ReLUNet([1e3, -1e3, 1.0], [-2e2, 2e2, 1e9], [1e3, -1e3, 1e-7])
    x = np.array([0.3, -0.2, 1e-9, 5.0])
    f, scale = exact(net, x)
    scale = scale - 1e-7 * 1e9  # what the distant neuron would excuse
    view = net.cpwl()
    assert_array_equal(view.knots, [1e9])
    assert np.all(np.abs(view(x) - f) <= 1e-14 * scale)
    assert np.all(np.abs(view.network()(x) - f) <= 1e-14 * scale)


def test_what_steep_neurons_leave_behind_does_not_break_continuity():
    # A steep neuron and its negative, rescaled: they cancel up to a rounding that is larger than f itself.
    a, b, k = 0.6732655185893088, 0.3428080423874833, 0.2188232194149646
    net = ReLUNet([a, k * a, 1, 1], [b, k * b, b / a - 1, b / a + 1], [1e6, -1e6 / k, 1e-6, -3e-6])
    view = net.cpwl()
    assert_array_equal(view.knots, net.knots[2:])
    assert_allclose(view.jumps, [1e-6, -3e-6], atol=1e6 * 2**-52)
    x = points(net)
    f, scale = exact(net, x)
    assert np.all(np.abs(view(x) - f) <= 1e-14 * scale)


@pytest.mark.parametrize(
    ("net", "slope", "intercept"),
    [
        (ReLUNet([0.0], [-2.0], [3.0], bias=0.5), 0.0, 6.5),
        (ReLUNet([0.0, 1.0], [2.0, 1.0], [3.0, 0.0], bias=0.5), 0.0, 0.5),
        (ReLUNet([2.0, -2.0], [1.0, -1.0], [3.0, -3.0], norm=2.0), 3.0, -1.5),
    ],
)
def test_functions_without_a_knot(net, slope, intercept):
    view = net.cpwl()
    assert (len(view.knots), len(view.values), len(view.jumps)) == (0, 0, 0)
    assert_array_equal(view.slopes, [slope])
    assert_array_equal(view([-1e8, 0.0, 1.0]), intercept + slope * np.array([-1e8, 0.0, 1.0]))
    assert (view.roughness, view.total_variation, view.pieces_in(-1, 1)) == (0, 0, 1)
    assert_allclose(view.to_ppoly(1, 2)([-5.0, 1.5]), view([-5.0, 1.5]), rtol=1e-15)
    assert_array_equal(view.network()([-1e8, 0.0, 1.0]), view([-1e8, 0.0, 1.0]))
    assert len(view.network()) == 2


@given(nets())
def test_slopes_are_those_of_the_network_in_rational_arithmetic(net):
    view = net.cpwl()
    neurons = [tuple(map(Fraction, map(float, neuron))) for neuron in zip(net.a, net.b, net.c, strict=True)]
    size = float(np.sum(np.abs(net.delta_slopes)))
    assume(np.all(np.diff(view.knots) > 1e-9 * (1 + np.abs(view.knots[1:]))))
    ends = np.concatenate([[-1e20], view.knots, [1e20]])
    for p, slope in enumerate(view.slopes):
        lo, hi = Fraction(float(ends[p])), Fraction(float(ends[p + 1]))
        middle = lo + (hi - lo) * Fraction(4142, 10000)  # not on a knot that was dropped
        true = sum((a * c for a, b, c in neurons if a * middle > b), Fraction(0)) / Fraction(net.norm)
        assert abs(slope - float(true)) <= 4e-15 * size


# -- as a function ---------------------------------------------------------------------------------------


@given(cpwls())
def test_evaluation_agrees_with_interpolation(view):
    assume(len(view.knots) > 0)
    x = around(view)
    size = np.max(np.abs(view.values)) + np.max(np.abs(view.slopes)) * (np.max(np.abs(view.knots)) + np.abs(x))
    assert np.all(np.abs(view(x) - by_interpolation(view, x)) <= 2e-15 * size)
    assert_array_equal(view(view.knots), view.values)
    assert view(0.0) == view.intercept


def test_evaluation_far_from_zero_is_as_good_as_near_it():
    near = np.array([0.0, 0.5, 1.25, 2.0, 7.0])
    far = CPWL(1e6 + ZIGZAG.knots, ZIGZAG.values, ZIGZAG.slopes)
    assert_array_equal(far(1e6 + near), ZIGZAG(near))


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 4)])
def test_evaluation_keeps_the_shape(shape):
    x = np.random.default_rng(1).normal(size=shape)
    assert ZIGZAG(x).shape == shape
    assert_allclose(ZIGZAG(x), by_interpolation(ZIGZAG, x), rtol=1e-14)


def test_evaluation_needs_finite_x():
    with pytest.raises(InputError, match=r"x\[0\] is nan"):
        ZIGZAG([np.nan])


def test_measures_of_the_zigzag():
    assert_array_equal(ZIGZAG.jumps, [-5, 3, -5])
    assert (ZIGZAG.roughness, ZIGZAG.total_variation) == (59.0, 13.0)
    assert ZIGZAG.intercept == 0.0
    assert repr(ZIGZAG) == "CPWL(3 knots in [-1, 2], values in [-1, 2], slopes in [-4, 3])"
    assert repr(CPWL([], [], [2.0], 1.0)) == "CPWL(affine: 2 x + 1)"


@pytest.mark.parametrize(
    ("lo", "hi", "pieces"), [(-2, 3, 4), (-1, 2, 2), (-0.9, 0.4, 1), (0.5, 2.1, 2), (-np.inf, np.inf, 4)]
)
def test_pieces_are_those_inside_the_open_interval(lo, hi, pieces):
    assert ZIGZAG.pieces_in(lo, hi) == pieces


@given(cpwls(), numbers(100), st.floats(0.1, 100))
def test_ppoly_is_the_function_on_the_whole_line(view, lo, width):
    curve, x = view.to_ppoly(lo, lo + width), around(view)
    reach = np.max(np.abs(x)) if len(view.knots) == 0 else np.max(np.abs(view.knots)) + np.abs(x) + abs(lo) + 100
    size = abs(view.intercept) + np.max(np.abs(view.values), initial=0) + np.max(np.abs(view.slopes)) * reach
    assert np.all(np.abs(curve(x) - view(x)) <= 4e-15 * size)
    assert curve.x[0] <= lo
    assert curve.x[-1] >= lo + width
    assert set(view.knots) <= set(curve.x)
    assert len(curve.x) >= len(view.knots) + 2


@st.composite
def far_apart(draw: st.DrawFn) -> tuple[CPWL, float, float]:
    """Knots far from 0, or one far from all others, or over many decades; and a range of interest."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    knots, lo = rng.normal(size=draw(st.integers(1, 6))), rng.normal()
    kind, far = draw(st.sampled_from(["far", "one far", "decades"])), 10.0 ** draw(st.integers(6, 9))
    far *= draw(st.sampled_from([1, -1]))
    if kind == "decades":
        knots *= 10.0 ** rng.uniform(-9, 9, len(knots))
    knots = np.unique(knots + far * (1.0 if kind == "far" else np.eye(len(knots))[0]))
    lo += far * (kind == "far") * draw(st.booleans())
    slopes = rng.normal(size=len(knots) + 1)
    if kind == "far":
        return CPWL(knots, rng.normal() + np.append(0, np.cumsum(slopes[1:-1] * np.diff(knots))), slopes), lo, lo + 2
    start = rng.normal()
    return CPWL(knots, values_from_zero(knots, slopes, start), slopes, start), lo, lo + 2


@given(far_apart(), st.integers(0, 2**32 - 1))
def test_ppoly_loses_nothing_far_from_a_knot(problem, seed):
    """To roundings of f at the nearest of the knots and 0 and of its change to there, or over the range."""
    view, lo, hi = problem
    curve, rng = view.to_ppoly(lo, hi), np.random.default_rng(seed)
    step = rng.exponential(size=len(view.knots))
    x = np.concatenate([rng.uniform(lo, hi, 40), view.knots - step, view.knots + step, view.knots, [lo, hi]])
    near = np.append(view.knots, 0.0)[np.argmin(np.abs(x[:, None] - np.append(view.knots, 0.0)), axis=1)]
    slope = np.abs(view.slopes[np.searchsorted(view.knots, x)])
    size = np.abs(view(near)) + slope * (np.abs(x - near) + hi - lo)
    assert np.all(np.abs(curve(x) - view(x)) <= 3e-14 * size)
    assert len(curve.x) <= 40 * (len(view.knots) + 3)


def test_ppoly_integrates_and_differentiates():
    curve = ZIGZAG.to_ppoly(-2, 3)
    assert_array_equal(curve.x, [-2, -1, 0.5, 2, 3])
    assert curve.integrate(-1, 2) == pytest.approx(1.5 * (2 - 1) / 2 + 1.5 * (0.5 - 1) / 2, rel=1e-15)
    assert_array_equal(curve.derivative()([-5.0, 0.0, 1.0, 9.0]), [3, -2, 1, -4])


# -- back to a network -----------------------------------------------------------------------------------


@given(cpwls(), st.sampled_from([1.0, 0.3, 17.0]))
def test_the_network_of_a_function_is_that_function_everywhere(view, norm):
    net, x = ReLUNet.from_cpwl(view, norm), around(view)
    assert len(net) == len(view.knots) + 2
    assert net.norm == norm
    assert np.all(np.abs(net(x) - view(x)) <= 1e-14 * exact(net, x)[1])


@given(nets())
def test_network_to_function_to_network(net):
    x = points(net)
    f, scale = exact(net, x)
    back = net.cpwl().network()
    assert np.all(np.abs(back(x) - f) <= 2e-14 * scale)


# -- what is refused -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0], [1.0, 2.0], [0, 1]), "values has length 2: it must have length 1, as knots has"),
        (([1.0], [1.0], [1.0]), "slopes has length 1: 1 knots make 2 pieces, one slope for each"),
        (([1.0, 1.0], [1.0, 1.0], [0, 0, 1]), r"knots\[1\] is 1 after 1: knots must ascend strictly"),
        (([], [], [1.0]), "intercept is None: a function without knots needs its value at 0"),
        (([], [], [1.0], np.nan), "intercept is nan: it must be a finite number"),
        (
            ([1.0, 2.0], [0.0, 1.0], [0, 2.0, 0]),
            "from x = 1 to x = 2 the function goes from 0 to 1, which is not slope 2",
        ),
        (
            ([1.0], [0.0], [1.0, 2.0], 5.0),
            "from x = 0 to x = 1 the function goes from 5 to 0, which is not slope 1",
        ),
    ],
)
def test_bad_fields_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        CPWL(*arguments)


def test_empty_intervals_are_refused():
    with pytest.raises(InputError, match=r"the interval \(2, 1\) is empty: lo must be less than hi"):
        ZIGZAG.pieces_in(2, 1)
    with pytest.raises(InputError, match=r"lo is nan: it must be a number, finite or infinite"):
        ZIGZAG.pieces_in(np.nan, 1)
    with pytest.raises(InputError, match=r"the interval \(1, 1\) is empty: lo must be less than hi"):
        ZIGZAG.to_ppoly(1, 1)
    with pytest.raises(InputError, match="hi is inf: it must be a finite number"):
        ZIGZAG.to_ppoly(1, np.inf)
