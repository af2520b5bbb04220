from __future__ import annotations

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import brentq

from helpers.nets import dense, exact, nets, numbers, points
from knotflow.data import Samples
from knotflow.errors import InputError
from knotflow.network import ReLUNet

LOPSIDED = ReLUNet([2.0, -1.0, 0.5, 0.0, 0.0, -4.0], [1, 3, -2, -1, 1, 0], [1, -2, 3, 0.5, 7, 0], 1.6, 0.3)


def wide(m: int, norm: float = 1.0) -> ReLUNet:
    rng = np.random.default_rng(m)
    a, b, c = rng.standard_normal(m), 3 + rng.standard_normal(m), rng.exponential(size=m)
    return ReLUNet(a, b, c, norm, -0.2)


# -- evaluation ------------------------------------------------------------------------------------------


@given(nets())
def test_evaluation_agrees_with_rational_arithmetic(net):
    x = points(net)
    f, scale = exact(net, x)
    assert np.all(np.abs(net(x) - f) <= 2e-15 * scale)


@pytest.mark.parametrize(("m", "n"), [(1, 1), (1, 300), (2000, 3), (2000, 500)])
def test_evaluation_agrees_with_the_dense_twin(m, n):
    net = wide(m, norm=m**0.5)
    x = np.random.default_rng(n).normal(1, 5, n)
    assert_allclose(net(x), dense(net, x), rtol=1e-12, atol=1e-12)


def test_a_million_neurons():
    net, x = wide(1_000_000, norm=1e6), np.array([1.0, -7.0, 0.0, 2.5])
    assert_allclose(net(x), dense(net, x), rtol=1e-12)


def test_a_neuron_is_not_active_at_its_knot():
    net = ReLUNet([2.0, -2.0], [1.0, -1.0], [1.0, 5.0])  # both knots at 1/2, facing away
    assert_array_equal(net([0.5, 0.75, 0.25]), [0.0, 0.5, 2.5])


@pytest.mark.parametrize("shape", [(), (0,), (7,), (2, 3), (2, 0, 3)])
def test_evaluation_keeps_the_shape(shape):
    x = np.random.default_rng(0).normal(size=shape)
    f = LOPSIDED(x)
    assert f.shape == shape
    assert_allclose(f, dense(LOPSIDED, x), rtol=1e-14)


def test_evaluation_at_tied_and_unsorted_x():
    x = np.array([3.0, -1.0, 3.0, 0.5, -1.0])
    assert_allclose(LOPSIDED(x), dense(LOPSIDED, x), rtol=1e-14)


def test_inactive_neurons_do_not_disturb():
    net = ReLUNet([1.0, 1.0, -1.0], [0.0, 5.0, 5.0], [1.0, 1e17, 1e17])
    assert net(4.0) == 4.0


@given(nets(), st.permutations(range(4)))
def test_the_order_of_neurons_does_not_matter(net, order):
    order = [i for i in order if i < len(net)] + list(range(4, len(net)))
    x = points(net)
    other = net.replace(a=net.a[order], b=net.b[order], c=net.c[order])
    assert np.all(np.abs(other(x) - net(x)) <= 4e-15 * exact(net, x)[1])


@given(nets())
def test_reflection_and_scaling_of_x(net):
    x = points(net)
    assert np.all(np.abs(net.replace(a=-net.a)(-x) - net(x)) <= 4e-15 * exact(net, x)[1])
    assert_array_equal(net.replace(a=4 * net.a)(x / 4), net(x))


@pytest.mark.parametrize("size", [1e-150, 1e150])
def test_products_of_huge_and_tiny_parameters(size):
    small = wide(20)
    x = np.array([-2.0, 0.0, 1.0, 3.0])
    net = small.replace(a=size * small.a, b=size * small.b, c=small.c / size)
    assert_allclose(net(x), small(x), rtol=1e-13)
    assert_allclose(net.with_delta(small.delta).a, small.a, rtol=1e-13)
    net = small.replace(a=size * small.a, b=size * small.b, c=size * small.c, bias=0.0)
    assert_allclose(net(x) / size / size, small.replace(bias=0.0)(x), rtol=1e-13)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([1.0, np.nan], r"x\[1\] is nan: every value must be finite"),
        (np.inf, r"x is inf: every value must be finite"),
        ([[0.0, 1.0], [-np.inf, 0.0]], r"x\[1, 0\] is -inf"),
        (["a"], "x has dtype <U1: it must hold real numbers"),
        ([1j], "x has dtype complex128"),
        ([[1.0], [1.0, 2.0]], "x is not an array of numbers"),
    ],
)
def test_x_must_be_finite_numbers(x, message):
    with pytest.raises(InputError, match=message):
        LOPSIDED(x)


# -- properties ------------------------------------------------------------------------------------------


def test_properties_of_a_lopsided_network():
    assert len(LOPSIDED) == 6
    assert_array_equal(LOPSIDED.knots, [0.5, -3, -4, -np.inf, np.inf, 0])
    assert_array_equal(LOPSIDED.orientations, [1, -1, 1, 0, 0, -1])
    assert_array_equal(LOPSIDED.delta, [-4, -6, 4.75, -0.75, 48, -16])
    assert_allclose(LOPSIDED.delta_slopes, np.array([2, 2, 1.5, 0, 0, 0]) / 1.6, rtol=1e-15)
    assert LOPSIDED.roughness == pytest.approx((4 + 4 + 2.25) / 1.6**2, rel=1e-15)


def test_knots_are_never_nan():
    net = ReLUNet([0.0, -0.0, 0.0, -0.0, 0.0, 1e-300, -1e-300], [1, 1, -1, -1, 0, 1e300, 1e300], np.ones(7))
    assert_array_equal(net.knots, [np.inf, np.inf, -np.inf, -np.inf, np.inf, np.inf, -np.inf])
    assert net(0.0) == 2.0  # the two that are active everywhere


def test_the_neuron_changes_the_slope_at_its_knot_by_orientation_times_delta_slope():
    for i in (0, 1, 2):
        knot, h = LOPSIDED.knots[i], 0.25
        left, here, right = LOPSIDED([knot - h, knot, knot + h])
        assert (right - 2 * here + left) / h == pytest.approx(LOPSIDED.orientations[i] * LOPSIDED.delta_slopes[i])


def test_loss_is_half_the_weighted_sum_of_squares():
    data = Samples([0.0, 2.0, -1.0, 2.0], [1.0, 0.5, 2.0, 0.0], weights=[1.0, 3.0, 2.0, 0.5])
    expected = 0.5 * sum(
        w * (dense(LOPSIDED, np.array([x]))[0] - y) ** 2 for x, y, w in zip(data.x, data.y, data.weights, strict=True)
    )
    assert LOPSIDED.loss(data) == pytest.approx(expected, rel=1e-14)


def test_repr_says_what_there_is():
    assert repr(LOPSIDED) == (
        "ReLUNet(6 neurons: 2 right-facing, 2 left-facing, 2 without a knot; knots in [-4, 0.5]; "
        "delta in [-16, 48]; norm=1.6, bias=0.3)"
    )
    assert repr(ReLUNet([0], [1], [2])) == "ReLUNet(1 neuron: 1 without a knot; delta in [3, 3]; norm=1, bias=0)"


# -- a value ---------------------------------------------------------------------------------------------


def test_a_network_does_not_change():
    a = np.array([1.0, 2.0])
    net = ReLUNet(a, [0, 1], (3, 4))
    a[0] = 9
    assert net.a[0] == 1
    for array in (net.a, net.b, net.c):
        assert array.dtype == np.float64
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5
    with pytest.raises(dataclasses.FrozenInstanceError):
        net.norm = 2.0


def test_replace_keeps_the_rest():
    net = LOPSIDED.replace(bias=5.0, c=2 * LOPSIDED.c)
    assert_array_equal(net.c, 2 * LOPSIDED.c)
    assert_array_equal(net.a, LOPSIDED.a)
    assert (net.norm, net.bias) == (1.6, 5.0)
    with pytest.raises(InputError, match="c has length 1: it must have length 6, as a has"):
        LOPSIDED.replace(c=[1.0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], [], []), "a is empty: a network has at least one neuron"),
        ((1.0, [1], [1]), r"a has shape \(\): it must be one-dimensional"),
        (([[1.0]], [1], [1]), r"a has shape \(1, 1\)"),
        (([1.0], [1, 2], [1]), "b has length 2: it must have length 1, as a has"),
        (([1.0], [1], [np.nan]), r"c\[0\] is nan: every value must be finite"),
        (([1.0], [None], [1]), "b has dtype object: it must hold real numbers"),
        (([1.0], [1], [1], 0.0), "norm is 0.0: it must be a finite number > 0"),
        (([1.0], [1], [1], -2), "norm is -2: it must be a finite number > 0"),
        (([1.0], [1], [1], "3"), "norm is '3': it must be a finite number > 0"),
        (([1.0], [1], [1], 1.0, np.inf), "bias is inf: it must be a finite number"),
        (([1.0], [1], [1], 1.0, None), "bias is None: it must be a finite number"),
    ],
)
def test_bad_parameters_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        ReLUNet(*arguments)


# -- other parameters, the same function -----------------------------------------------------------------


@given(nets(), st.floats(1e-5, 1e5))
def test_rescaling_keeps_the_function(net, k):
    x, other = points(net), net.rescaled(k)
    assert_allclose(other.a, k * net.a, rtol=1e-15)
    assert_allclose(other.b, k * net.b, rtol=1e-15)
    assert np.all(np.abs(other(x) - net(x)) <= 4e-15 * exact(net, x)[1])


def test_rescaling_neuron_by_neuron():
    k = np.array([1.0, 2.0, 0.5, 4.0, 1.0, 8.0])
    other = LOPSIDED.rescaled(k)
    assert_array_equal(other.a, k * LOPSIDED.a)
    assert_array_equal(other.b, k * LOPSIDED.b)
    assert_array_equal(other.c, LOPSIDED.c / k)


@pytest.mark.parametrize(
    ("k", "message"),
    [
        (0.0, r"k\[0\] is 0: every k must be > 0"),
        ([1, 1, -1, 1, 1, 1], r"k\[2\] is -1: every k must be > 0"),
        ([1.0, 2.0], r"k has shape \(2,\): it must be a number or have shape \(6,\), one per neuron"),
        (1e308, r"a\[0\] is inf: every value must be finite"),
    ],
)
def test_bad_factors_are_named(k, message):
    with pytest.raises(InputError, match=message):
        LOPSIDED.rescaled(k)


live = st.floats(1e-3, 1e3).flatmap(lambda size: st.sampled_from([size, -size]))


@given(st.lists(st.tuples(live, live, live), min_size=1, max_size=5), numbers(1e6))
def test_delta_becomes_what_was_asked_for(neurons, delta):
    net = ReLUNet(*np.array(neurons).T, norm=2.0, bias=0.1)
    other, x = net.with_delta(delta), points(net)
    assert np.all(np.abs(other.delta - delta) <= 3e-15 * (other.c**2 + other.a**2 + other.b**2))
    assert np.all(np.abs(other(x) - net(x)) <= 8e-15 * exact(net, x)[1])
    assert_array_equal(np.sign(other.c), np.sign(net.c))
    assert_array_equal(other.orientations, net.orientations)


@pytest.mark.parametrize("delta", [-50.0, -1.0, 0.0, 1e-9, 2.0, 300.0])
def test_the_factor_solves_the_defining_equation(delta):
    net = wide(9)
    n2, c2 = net.a**2 + net.b**2, net.c**2
    k = net.with_delta(delta).a / net.a
    for i in range(len(net)):
        root = brentq(lambda s, i=i: c2[i] * np.exp(-2 * s) - n2[i] * np.exp(2 * s) - delta, -20, 20, xtol=1e-13)
        assert k[i] == pytest.approx(np.exp(root), rel=1e-11)


@pytest.mark.parametrize("delta", [-1e300, -1e12, 1e12, 1e300, -1e-300, 1e-300])
def test_extreme_delta(delta):
    net = wide(30)
    other = net.with_delta(delta)
    assert np.all(np.abs(other.delta - delta) <= 3e-15 * np.maximum(abs(delta), net.c**2 + net.a**2 + net.b**2))
    assert_allclose(np.abs(other.c) * np.hypot(other.a, other.b), net.c * np.hypot(net.a, net.b), rtol=1e-14)
    assert_allclose(other.a / other.b, net.a / net.b, rtol=1e-14)


def test_one_delta_per_neuron_and_the_present_delta():
    net = wide(3)
    assert_allclose(net.with_delta([1.0, -2.0, 0.0]).delta, [1.0, -2.0, 0.0], atol=1e-14)
    assert_allclose(net.with_delta(net.delta).a, net.a, rtol=1e-13)


def test_neurons_that_contribute_nothing():
    net = ReLUNet([3.0, 0.0, 0.0], [4.0, 0.0, 0.0], [0.0, -2.0, 0.0])
    other = net.with_delta([-1.0, 9.0, 0.0])
    assert_allclose([other.a, other.b, other.c], [[0.6, 0, 0], [0.8, 0, 0], [0, -3, 0]], rtol=1e-15)


@pytest.mark.parametrize(
    ("neuron", "delta"),
    [
        ((1, 1, 0), 1.0),
        ((1, 1, 0), 0.0),
        ((0, 0, 2), -1.0),
        ((0, 0, 2), 0.0),
        ((0, 0, 0), 1.0),
        ((0, 0, 0), -1.0),
    ],
)
def test_impossible_delta_names_the_neuron(neuron, delta):
    a, b, c = np.array([(1.0, 2.0, 3.0), neuron]).T
    with pytest.raises(InputError, match=f"delta is {delta:g} for neuron 1, which no rescaling can reach"):
        ReLUNet(a, b, c).with_delta([5.0, delta])


def test_delta_must_be_finite_and_fit():
    with pytest.raises(InputError, match="delta is inf: every value must be finite"):
        LOPSIDED.with_delta(np.inf)
    with pytest.raises(InputError, match=r"delta has shape \(2,\): it must be a number or have shape \(6,\)"):
        LOPSIDED.with_delta([1.0, 2.0])


# -- lightness -------------------------------------------------------------------------------------------


def test_networks_and_views_do_not_import_heavy_packages():
    code = (
        "import sys, knotflow as kf; kf.views, kf.initial; kf.ReLUNet([1], [0], [1]).cpwl()(2.0);"
        "print([name for name in ('scipy', 'numba', 'matplotlib', 'torch') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
