from __future__ import annotations

import cmath
import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from numpy.testing import assert_allclose, assert_array_equal

from helpers.nets import exact, nets, numbers, points
from knotflow.errors import InputError
from knotflow.network import Canonical, ReLUNet


def circle_scale(net, x):
    """|bias| + sum_i |c_i| hypot(a_i, b_i) hypot(1, x) / norm: the natural scale where neurons are directions."""
    return abs(net.bias) + np.hypot(1, x) * np.sum(np.abs(net.c) * np.hypot(net.a, net.b)) / net.norm


def test_the_definition_on_a_lopsided_network():
    net = ReLUNet([3.0, -2.0, -0.1], [4.0, 1.0, -5.0], [-2.0, 0.5, 1.5], norm=1.7, bias=0.4)
    view = net.canonical()
    for i, (a, b, c) in enumerate(zip(net.a, net.b, net.c, strict=True)):
        size, angle = cmath.polar(complex(a, -b))
        assert view.r[i] == pytest.approx(3 / 1.7 * c * size, rel=1e-15)
        assert view.theta[i] == pytest.approx(angle % (2 * math.pi), rel=1e-15)
        assert view.delta[i] == pytest.approx(c * c - size * size, rel=1e-15)
        assert view.u[i] + 1j * view.v[i] == pytest.approx(abs(view.r[i]) * complex(a, -b) / size, rel=1e-14)
    assert_array_equal(view.epsilon, [-1, 1, 1])
    assert (view.norm, view.bias) == (1.7, 0.4)
    assert_allclose(view.knots, -view.v / view.u, rtol=1e-14)
    assert_allclose(view.knots, net.knots, rtol=1e-14)


@given(nets())
def test_the_network_comes_back(net):
    back = ReLUNet.from_canonical(net.canonical())
    n = np.hypot(net.a, net.b)
    assert np.all(np.abs(back.c - net.c) <= 2e-15 * np.abs(net.c))
    assert np.all(np.hypot(back.a - net.a, back.b - net.b) <= 3e-15 * n)
    assert (back.norm, back.bias) == (net.norm, net.bias)
    x = points(net)
    assert np.all(np.abs(back(x) - exact(net, x)[0]) <= 1e-14 * circle_scale(net, x))


@given(nets())
def test_the_function_in_polar_coordinates(net):
    view, x = net.canonical(), points(net)
    direction = np.multiply.outer(x, np.cos(view.theta)) + np.sin(view.theta)
    f = view.bias + np.mean(view.r * np.maximum(direction, 0), axis=1)
    assert np.all(np.abs(f - net(x)) <= 1e-14 * circle_scale(net, x))


@given(nets(), numbers(1e6))
def test_delta_is_free_where_r_is_not_zero(net, delta):
    live = (net.c != 0) & (np.hypot(net.a, net.b) != 0)
    view = net.canonical()
    other = Canonical(view.r, view.theta, delta, view.norm, view.bias).network()
    size = other.c**2 + other.a**2 + other.b**2
    assert np.all(np.abs(other.delta - delta) <= 3e-15 * size)
    x = points(net)
    assert np.all(np.abs(other(x) - net(x)) <= 1e-14 * circle_scale(net, x))
    if live.any():
        expected = net.replace(a=net.a[live], b=net.b[live], c=net.c[live]).with_delta(delta)
        assert_allclose(other.c[live], expected.c, rtol=1e-14)


@pytest.mark.parametrize("delta", [1e300, -1e300, 1e-300, -1e-300, 1e16, -1e16, 0.0])
def test_the_lift_at_extreme_delta(delta):
    r = np.array([1e-3, -2.0, 5e4])
    net = Canonical(r, [0.3, 2.0, 4.0], delta, norm=3.0).network()
    n = np.hypot(net.a, net.b)
    assert_allclose(net.c * n, r, rtol=1e-14)  # (m / norm) c n = r with m = norm = 3
    assert np.all(np.abs((net.c - n) * (net.c + n) - delta) <= 3e-15 * np.maximum(abs(delta), np.abs(r)))


@pytest.mark.parametrize(
    ("delta", "neuron"), [(-9.0, (0.0, -3.0, 0.0)), (4.0, (0.0, 0.0, 2.0)), (0.0, (0.0, 0.0, 0.0))]
)
def test_a_particle_at_the_origin(delta, neuron):
    net = Canonical([0.0], [np.pi / 2], delta).network()
    assert (net.a[0], net.b[0], net.c[0]) == neuron


def test_a_neuron_without_direction_keeps_the_sign_of_c():
    net = ReLUNet([0.0, -0.0], [0.0, -0.0], [-2.0, 3.0], bias=1.0)
    view = net.canonical()
    assert_array_equal(view.theta, [0, 0])
    assert_array_equal(view.epsilon, [0, 0])
    back = view.network()
    assert_array_equal([back.a, back.b, back.c], [[0, 0], [0, 0], [-2, 3]])


def test_neurons_without_slope_or_offset_stay_so():
    net = ReLUNet([0.0, 0.0, 2.0, -2.0], [3.0, -3.0, 0.0, 0.0], [1.0, 1.0, 1.0, 1.0])
    view = net.canonical()
    assert_allclose(view.theta, np.array([3, 1, 0, 2]) * np.pi / 2, rtol=1e-16)
    back = view.network()
    assert_array_equal(back.a[:2], [0, 0])
    assert_array_equal(back.b[2:], [0, 0])
    assert_array_equal(back.knots, [np.inf, -np.inf, 0, 0])
    assert_array_equal(view.u[:2], [0, 0])
    assert_array_equal(view.v[2:], [0, 0])


def test_theta_is_reduced_to_one_turn():
    view = Canonical(np.ones(4), [-1e-20, 2 * np.pi, -np.pi / 2, 7.0], 0.0)
    assert_allclose(view.theta, [0, 0, 1.5 * np.pi, 7 - 2 * np.pi], rtol=1e-15)
    assert np.all(view.theta < 2 * np.pi)


def test_a_view_does_not_change():
    view = Canonical([1.0, 2.0], [0.0, 1.0], 0.5)
    assert_array_equal(view.delta, [0.5, 0.5])
    for array in (view.r, view.theta, view.delta):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 3.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        view.norm = 2.0
    assert repr(view) == "Canonical(2 neurons: r in [1, 2], delta in [0.5, 0.5])"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], [], 0.0), "r is empty: a network has at least one neuron"),
        (([1.0], [1.0, 2.0], 0.0), "theta has length 2: it must have length 1, as r has"),
        (([1.0], [np.inf], 0.0), r"theta\[0\] is inf"),
        (([1.0], [1.0], [0.0, 1.0]), r"delta has shape \(2,\): it must be a number or have shape \(1,\)"),
        (([1.0], [1.0], 0.0, -1.0), "norm is -1.0: it must be a finite number > 0"),
        (([1.0], [1.0], 0.0, 1.0, np.nan), "bias is nan: it must be a finite number"),
    ],
)
def test_bad_fields_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        Canonical(*arguments)
