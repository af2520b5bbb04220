"""Standard units, and the way back."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import example, given

from helpers.strategies import points
from knotflow.data import Samples, Scaling
from knotflow.network import ReLUNet


@given(points())
@example([(1e6, 5.0, 1.0), (1e6 + 1e-6, 5.0, 1.0), (1e6 + 3e-6, 5.0, 7.0)])
def test_standardised_samples_have_mean_zero_and_deviation_one(rows):
    data = Samples(*zip(*rows, strict=True))
    standard, scaling = data.standardised()
    p = data.weights / data.weights.sum()
    x_error = 4e-16 * (1 + np.abs(data.x).max() / scaling.x_scale)
    assert p @ standard.x == pytest.approx(0, abs=4 * x_error)
    assert p @ standard.x**2 == pytest.approx(1, abs=1e-12 + 4 * x_error)
    y_error = 4e-16 * (1 + np.abs(data.y).max() / scaling.y_scale)
    assert p @ standard.y == pytest.approx(0, abs=4 * y_error)
    constant = np.ptp(data.y) == 0
    assert p @ standard.y**2 == pytest.approx(0 if constant else 1, abs=1e-12 + 4 * y_error)
    if constant:
        assert (scaling.y_shift, scaling.y_scale) == (data.y[0], 1.0)
        assert not standard.y.any()


@given(points())
def test_standard_units_lead_back(rows):
    data = Samples(*zip(*rows, strict=True), x_name="time", y_name="volts")
    standard, scaling = data.standardised()
    np.testing.assert_allclose(
        scaling.x_to_user(standard.x), data.x, rtol=0, atol=1e-15 * (np.abs(data.x).max() + data.span)
    )
    np.testing.assert_allclose(
        scaling.y_to_user(standard.y), data.y, rtol=0, atol=1e-15 * (np.abs(data.y).max() + np.ptp(data.y))
    )
    np.testing.assert_array_equal(scaling.x_to_standard(data.x), standard.x)
    np.testing.assert_array_equal(scaling.y_to_standard(data.y), standard.y)
    np.testing.assert_array_equal(standard.weights, data.weights)
    assert (standard.x_name, standard.y_name) == ("time", "volts")


def test_standard_units_treat_weights_as_repeats():
    weighted, scaling = Samples([0, 1, 5], [2, 3, 9], [1, 3, 2]).standardised()
    repeated, expected = Samples([0, 1, 1, 1, 5, 5], [2, 3, 3, 3, 9, 9]).standardised()
    assert dataclasses.astuple(scaling) == pytest.approx(dataclasses.astuple(expected), rel=1e-14)
    np.testing.assert_allclose(weighted.distinct.x, repeated.distinct.x, rtol=1e-14)


def test_hopelessly_uneven_weights_are_scaled_by_the_width():
    _, scaling = Samples([0, 4], [1, 3], [1e-200, 1e200]).standardised()
    assert (scaling.x_scale, scaling.y_scale) == (4.0, 2.0)


def test_a_network_in_standard_units_is_the_same_function_in_the_users():
    rng = np.random.default_rng(2)
    net = ReLUNet(*rng.standard_normal((3, 20)), norm=4.0, bias=0.3)
    scaling = Scaling(x_shift=31.0, x_scale=0.25, y_shift=-7.0, y_scale=12.0)
    u = np.linspace(-3, 3, 101)
    user = net.in_units(scaling)
    np.testing.assert_allclose(user(scaling.x_to_user(u)), scaling.y_to_user(net(u)), rtol=1e-12)
    assert user.norm == net.norm
    with pytest.warns(DeprecationWarning, match=r"net_to_user\(net\) is deprecated: use net\.in_units\(scaling\)"):
        old = scaling.net_to_user(net)
    np.testing.assert_array_equal(old.b, user.b)
