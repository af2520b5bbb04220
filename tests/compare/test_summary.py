"""The summary numbers against brute force, SciPy and arithmetic by hand."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.interpolate import CubicSpline
from scipy.optimize import minimize_scalar

from helpers.nets import dense, nets
from knotflow import GradientDescent, ReLUNet, Samples, evolve
from knotflow.compare import NUMBERS, summarise, sup_distance
from knotflow.network import CPWL
from knotflow.splines import linear, natural

LOPSIDED = Samples([0.0, 0.3, 0.35, 2.0, 2.0, 5.0], [1.0, -2.0, 0.5, 3.0, 5.0, -1.0])


def random_net(seed: int, m: int) -> ReLUNet:
    rng = np.random.default_rng(seed)
    a = rng.normal(size=m)
    return ReLUNet(a, a * rng.uniform(-1, 6, m), rng.normal(size=m), norm=math.sqrt(m), bias=0.2)


def brute_force_distance(net: ReLUNet, data: Samples) -> float:
    """max |f - cubic| by SciPy's bounded minimiser, several starts between all neighbouring knots of both."""
    spline = CubicSpline(data.distinct.x, data.distinct.y, bc_type="natural")
    low, high = data.range
    places = np.concatenate([net.knots[(net.knots > low) & (net.knots < high)], data.distinct.x])
    ends = np.unique(np.concatenate([places, np.linspace(low, high, 41)]))

    def gap(x):
        return np.abs(dense(net, np.atleast_1d(x)) - spline(np.atleast_1d(x)))

    best = gap(ends).max()
    for left, right in pairwise(ends):
        found = minimize_scalar(lambda x: -gap(x)[0], bounds=(left, right), options={"xatol": 1e-12})
        best = max(best, -found.fun)
    return float(best)


@pytest.mark.parametrize("seed", range(6))
def test_distance_to_the_cubic_spline_is_the_maximum_a_minimiser_finds(seed):
    net = random_net(seed, 2 + 3 * seed)
    assert_allclose(sup_distance(net, natural(LOPSIDED)), brute_force_distance(net, LOPSIDED), rtol=1e-11)


@given(nets(), st.integers(0, 10**6))
def test_no_point_of_a_dense_grid_is_farther_away(net, seed):
    rng = np.random.default_rng(seed)
    data = Samples(np.cumsum(rng.exponential(size=6)) - 2, rng.normal(size=6))
    x = np.linspace(*data.range, 3001)
    scale = np.abs(net.bias) + np.sum(np.abs(net.c) * (np.abs(net.a) * 20 + np.abs(net.b))) / net.norm + 10
    for spline in (natural(data), linear(data)):
        on_grid = np.max(np.abs(dense(net, x) - spline(x)))
        exact = sup_distance(net, spline)
        assert exact >= on_grid - 1e-13 * scale
        at_knots = np.concatenate([net.knots[(net.knots > x[0]) & (net.knots < x[-1])], data.x])
        bend = np.max(np.abs(spline.derivative(2)(x))) * (x[1] - x[0]) ** 2 / 8  # what a grid can miss of a cubic
        nearly = max(on_grid + bend, np.max(np.abs(dense(net, at_knots) - spline(at_knots))))
        assert exact <= nearly * (1 + 1e-9) + 1e-13 * scale + 1e-6 * bend


def test_distance_to_the_linear_interpolant_is_exact():
    for seed in range(20):
        net = random_net(seed, 12)
        x = np.concatenate([net.knots[(net.knots > 0) & (net.knots < 5)], LOPSIDED.distinct.x])
        by_hand = np.max(np.abs(dense(net, x) - np.interp(x, LOPSIDED.distinct.x, LOPSIDED.distinct.y)))
        assert_allclose(sup_distance(net, linear(LOPSIDED)), by_hand, rtol=1e-13)


def test_a_network_that_is_the_linear_interpolant_has_distance_zero():
    x, y = LOPSIDED.distinct.x, LOPSIDED.distinct.y
    slopes = np.diff(y) / np.diff(x)
    net = CPWL(x[1:-1], y[1:-1], slopes).network()
    summary = summarise(net, LOPSIDED)
    assert summary["linear_distance"] < 1e-13
    assert_allclose(summary["loss"], LOPSIDED.distinct.within, rtol=1e-14)
    assert summary["pieces"] == len(x) - 1


@pytest.mark.parametrize(("x_scale", "y_scale"), [(1e-120, 1.0), (1e120, 1e90), (1e-9, 1e-100), (-3.0, -7.0)])
def test_distances_scale_with_y_and_do_not_depend_on_the_unit_of_x(x_scale, y_scale):
    net = random_net(1, 9)
    scaled_net = net.replace(a=net.a / x_scale, c=net.c * y_scale, bias=net.bias * y_scale)
    scaled = Samples(LOPSIDED.x * x_scale, LOPSIDED.y * y_scale)
    for spline in (natural, linear):
        assert_allclose(
            sup_distance(scaled_net, spline(scaled)),
            abs(y_scale) * sup_distance(net, spline(LOPSIDED)),
            rtol=1e-12,
        )


# -- counts ----------------------------------------------------------------------------------------------


def with_knots(*knots: float, c: float = 1.0) -> ReLUNet:
    return ReLUNet(np.ones(len(knots)), knots, np.full(len(knots), c))


def test_counts_of_knots_by_hand():
    data = Samples([0.0, 1.0, 10.0], [0.0, 1.0, 0.0])  # 1% of the range is 0.1
    net = with_knots(0.05, 0.2, 1.09, 5.0, 10.0, -0.01, 10.05, 7.0, 7.0)
    s = summarise(net, data)
    assert (s["knots_in_range"], s["knots_near_samples"]) == (7, 3)
    assert s["fraction_near_samples"] == pytest.approx(3 / 7)
    assert s["fraction_expected"] == pytest.approx(0.04)
    assert s["pieces"] == 6  # knots at 0.05, 0.2, 1.09, 5 and 7 inside; the one at 10 is on the border


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=30, unique=True))
def test_expected_fraction_is_the_covered_length(x):
    data = Samples(x, np.zeros(len(x)))
    cells = np.linspace(*data.range, 5001)
    middles = (cells[1:] + cells[:-1]) / 2
    covered = np.mean(np.abs(np.subtract.outer(middles, data.x)).min(axis=1) <= 0.01 * data.span)
    assert_allclose(summarise(with_knots(0.0), data)["fraction_expected"], covered, atol=2 * len(x) / 5000)


def test_evenly_spread_knots_show_the_expected_fraction():
    data = LOPSIDED
    knots = data.range[0] + data.span * (np.arange(40000) + 0.5) / 40000
    s = summarise(with_knots(*knots), data)
    assert s["knots_in_range"] == 40000
    assert_allclose(s["fraction_near_samples"], s["fraction_expected"], atol=10 / 40000)


def test_places_of_bending():
    data = Samples([0.0, 10.0], [0.0, 0.0])
    assert summarise(with_knots(*np.linspace(4.001, 4.02, 50)), data)["bends"] == 1
    assert summarise(with_knots(2.01, 4.01, 6.01), data)["bends"] == 3
    assert summarise(ReLUNet([1, 1, 1], [2.01, 4.01, 6.01], [1, 1, 0.01]), data)["bends"] == 2
    assert summarise(ReLUNet([1, 1], [4.01, 4.01], [1, -1]), data)["bends"] == 0
    assert summarise(with_knots(11.0), data)["bends"] == 0


def test_roughness_and_total_variation_by_hand():
    net = ReLUNet([1.0, -2.0, 1.0], [1.0, -2.0, 3.0], [3.0, 1.0, -4.0], norm=2.0)
    s = summarise(net, Samples([0.0, 4.0], [0.0, 0.0]))
    assert s["roughness"] == pytest.approx(1.5**2 + 1 + 2**2)
    assert s["total_variation"] == pytest.approx(1.5 + 1 + 2)  # right- and left-facing bends at 1 add up


def test_loss_floor_and_residual_with_ties_and_weights():
    data = Samples([0.0, 0.0, 1.0], [1.0, 4.0, 2.0], [2.0, 1.0, 3.0])
    s = summarise(ReLUNet([0.0], [1.0], [1.0], bias=2.0), data)  # f = 2
    assert s["loss"] == pytest.approx(0.5 * (2 * 1 + 1 * 4))
    assert s["floor"] == pytest.approx(0.5 * (2 * 1 + 1 * 4))  # the mean at 0 is 2
    assert s["rms_residual"] == pytest.approx(math.sqrt(6 / 6))


# -- degenerate networks, and the trajectory ----------------------------------------------------------------


@pytest.mark.parametrize(
    "net",
    [
        ReLUNet([0.0], [0.0], [0.0]),
        ReLUNet([0.0], [-1.0], [2.0]),
        ReLUNet([1.0], [100.0], [1.0]),
        ReLUNet([0.0, 0.0, -1.0], [1.0, -1.0, 50.0], [1.0, 0.0, 1.0]),
    ],
)
def test_without_a_knot_in_the_range_the_fraction_is_nan_and_the_rest_is_finite(net):
    s = summarise(net, Samples([0.0, 1.0], [0.0, 1.0]))
    assert math.isnan(s.pop("fraction_near_samples"))
    assert s["knots_in_range"] == s["knots_near_samples"] == s["bends"] == 0
    assert s["pieces"] == 1
    assert all(math.isfinite(value) for value in s.values())


def test_two_samples_have_one_spline():
    net = random_net(0, 5)
    data = Samples([0.0, 2.0], [1.0, -1.0])
    s = summarise(net, data)
    assert_allclose(s["cubic_distance"], s["linear_distance"], rtol=1e-13)


def test_delta_drift_and_keys():
    net, rng = random_net(3, 20), np.random.default_rng(0)
    data = Samples(rng.normal(size=8), rng.normal(size=8))
    run = evolve(net, data, GradientDescent(lr=1e-3), steps=50)
    s = summarise(run.final, data, run)
    start, end = net, run.final
    drifts = [
        abs((c1**2 - a1**2 - b1**2) - (c0**2 - a0**2 - b0**2)) / max(1, abs(c0**2 - a0**2 - b0**2))
        for a0, b0, c0, a1, b1, c1 in zip(start.a, start.b, start.c, end.a, end.b, end.c, strict=True)
    ]
    assert s["delta_drift"] == pytest.approx(max(drifts), rel=1e-9)
    assert 0 < s["delta_drift"] < 1e-3
    assert list(s) == [number.key for number in NUMBERS]
    assert list(summarise(run.final, data)) == [number.key for number in NUMBERS][:-1]
