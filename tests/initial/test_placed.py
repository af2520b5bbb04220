from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats

from helpers.nets import numbers
from knotflow import initial
from knotflow.data import Samples
from knotflow.errors import InputError


def rng(seed=0):
    return np.random.default_rng(seed)


# -- uniform_knots ---------------------------------------------------------------------------------------


def test_tiles_on_an_interval():
    net = initial.uniform_knots(5, rng(), (-1.0, 4.0), norm=3.0)
    assert_allclose(net.knots, [-0.5, 0.5, 1.5, 2.5, 3.5], rtol=1e-15)
    assert_array_equal(np.abs(net.a), np.ones(5))
    assert_array_equal(net.c, np.zeros(5))
    assert (net.norm, net.bias) == (3.0, 0.0)
    assert_array_equal(net([-3.0, 0.0, 9.0]), np.zeros(3))


def test_tiles_on_the_range_of_samples():
    data = Samples([3.0, -2.0, 0.0], [1.0, 2.0, 3.0])
    assert_allclose(initial.uniform_knots(4, rng(), data).knots, [-1.375, -0.125, 1.125, 2.375], rtol=1e-15)


def test_random_knots_are_uniform_and_independent_of_the_facing():
    net = initial.uniform_knots(20_000, rng(2), (-3.0, 5.0), spacing="random")
    assert stats.kstest(net.knots, stats.uniform(-3, 8).cdf).pvalue > 0.01
    right = net.orientations > 0
    assert stats.binomtest(int(right.sum()), len(net)).pvalue > 0.01
    assert stats.ks_2samp(net.knots[right], net.knots[~right]).pvalue > 0.01


def test_tiles_face_either_way_at_random():
    net, again, other = (initial.uniform_knots(4000, rng(seed), (0, 1)) for seed in (1, 1, 2))
    assert stats.binomtest(int(np.sum(net.a > 0)), 4000).pvalue > 0.01
    assert_array_equal(net.a, again.a)
    assert np.any(net.a != other.a)


@pytest.mark.parametrize(("output", "c"), [("zero", [0, 0, 0]), (2.0, [2, 2, 2]), ([1, -2, 3], [1, -2, 3])])
def test_output_weights(output, c):
    assert_array_equal(initial.uniform_knots(3, rng(), (0, 1), output=output).c, c)


@pytest.mark.parametrize(
    ("where", "options", "message"),
    [
        ((1.0, 1.0), {}, r"the interval \(1, 1\) is empty: lo must be less than hi"),
        ((2.0, 1.0), {}, r"the interval \(2, 1\) is empty"),
        ((0.0, np.inf), {}, "hi is inf: it must be a finite number"),
        (("a", 1), {}, "lo is 'a': it must be a finite number"),
        (3.0, {}, r"where is 3.0: it must be an interval \(lo, hi\) or Samples"),
        ((1, 2, 3), {}, r"where is \(1, 2, 3\): it must be an interval"),
        ((0, 1), {"spacing": "even"}, "spacing is 'even': it must be one of 'tiled', 'random'"),
        ((0, 1), {"output": [1.0]}, r"output has shape \(1,\): it must be a number or have shape \(3,\)"),
        ((0, 1), {"output": "one"}, "output has dtype <U3: it must hold real numbers"),
        ((0, 1), {"norm": -1}, "norm is -1: it must be a finite number > 0"),
    ],
)
def test_bad_arguments_of_uniform_knots(where, options, message):
    with pytest.raises(InputError, match=message):
        initial.uniform_knots(3, rng(), where, **options)


def test_uniform_knots_checks_width_and_generator():
    with pytest.raises(InputError, match="m is 0: it must be a whole number of at least 1"):
        initial.uniform_knots(0, rng(), (0, 1))
    with pytest.raises(InputError, match="rng is 5: it must be a numpy Generator"):
        initial.uniform_knots(3, 5, (0, 1))


# -- spiky -----------------------------------------------------------------------------------------------

polylines = st.lists(st.tuples(st.floats(1e-3, 1e3), numbers(100)), min_size=2, max_size=8).map(
    lambda steps: (np.cumsum([gap for gap, _ in steps]) - 200.0, np.array([value for _, value in steps]))
)


@given(polylines, st.sampled_from(["unit", "equal", "balanced"]), st.sampled_from([1.0, 0.2, 30.0]))
def test_spiky_is_the_line_through_the_points(points, gauge, norm):
    knots, values = points
    net = initial.spiky(knots, values, gauge=gauge, norm=norm)
    assert len(net) == len(knots) - 1
    assert net.norm == norm
    x = np.concatenate([np.linspace(knots[0] - 5, knots[-1], 40), knots])
    steepest = np.max(np.abs(np.diff(values) / np.diff(knots)))
    size = 100 + steepest * (np.max(np.abs(knots)) + np.abs(x)) * len(knots)
    assert np.all(np.abs(net(x) - np.interp(x, knots, values)) <= 4e-15 * size)
    assert np.all(net.a > 0)


def test_spiky_outside_the_points():
    net = initial.spiky([0.0, 1.0, 3.0], [1.0, 2.0, 0.5])
    assert_array_equal(net.a, [1, 1])
    assert_array_equal(net.b, [0, 1])
    assert_array_equal(net.c, [1, -1.75])
    assert_array_equal(net([-9.0, 5.0]), [1.0, -1.0])


def test_spiky_gauges():
    points = [0.5, 1.0, 3.0], [1.0, 2.0, 0.5]
    equal, balanced = (initial.spiky(*points, gauge=gauge) for gauge in ("equal", "balanced"))
    assert_allclose(np.abs(equal.c), equal.a, rtol=1e-15)
    assert_allclose(balanced.delta, np.zeros(2), atol=1e-15)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.0], [1.0]), "knots has length 1: a piecewise linear function takes at least 2 points"),
        (([0.0, 1.0], [1.0]), "values has length 1: it must have length 2, as knots has"),
        (([0.0, 2.0, 1.0], [1, 2, 3]), r"knots\[2\] is 1 after 2: knots must ascend strictly"),
        (([0.0, np.nan], [1, 2]), r"knots\[1\] is nan"),
    ],
)
def test_bad_points_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        initial.spiky(*arguments)
    with pytest.raises(InputError, match="gauge is 'none': it must be one of"):
        initial.spiky([0, 1], [0, 1], gauge="none")


# -- init_scale ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [0.1, 1.0, 8.0])
def test_init_scale(alpha):
    net = initial.pytorch(30, rng(1))
    scaled, x = initial.init_scale(net, alpha), np.linspace(-3, 3, 11)
    assert_allclose([scaled.a, scaled.b], [alpha * net.a, alpha * net.b], rtol=1e-15)
    assert_allclose(scaled.c, net.c / alpha, rtol=1e-15)
    assert_allclose(scaled(x), net(x), rtol=1e-12)


@pytest.mark.parametrize("alpha", [0, -1.0, np.inf, [1.0, 2.0]])
def test_init_scale_must_be_positive(alpha):
    with pytest.raises(InputError, match=r"alpha is .*: it must be a finite number > 0"):
        initial.init_scale(initial.pytorch(2, rng()), alpha)
