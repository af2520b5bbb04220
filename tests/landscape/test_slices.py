"""Loss slices against the loss itself, evaluated by definition."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

import knotflow as kf
from helpers.landscapes import lopsided, loss, moved, problems
from knotflow.landscape import knot_types, loss_slice


def where(data):
    x = data.distinct.x
    return np.concatenate([x, (x[1:] + x[:-1]) / 2, x + 1e-9, [x[0] - 3, x[-1] + 3]])


@given(problems, st.integers(0, 7))
def test_slices_are_the_loss(problem, i):
    net, data = problem
    assume(i < len(net) and np.isfinite(net.knots[i]) and np.abs(net.knots[i]) < 1e10)
    cut = loss_slice(net, data, i)
    x = where(data)
    brute = [loss(moved(net, i, at), data) for at in x]
    largest = np.max(np.abs(net.c[i] * net.a[i]) * data.span / net.norm) + np.max(np.abs(net(data.x) - data.y))
    f_size = np.max(np.abs(net.c) * (np.abs(net.a) * np.max(np.abs(data.x)) + np.abs(net.b))) / net.norm
    np.testing.assert_allclose(cut(x), brute, rtol=1e-10, atol=1e-12 * (largest + f_size + abs(net.bias)) ** 2)
    np.testing.assert_array_equal(cut.types, knot_types(net, data)[i])


@pytest.mark.parametrize("seed", range(5))
def test_pieces_are_parabolas(seed):
    """Three points of the loss, by definition, give the curvature and the slope in the middle of each piece."""
    net, data = lopsided(10, 9, seed)
    for i in range(10):
        cut = loss_slice(net, data, i)
        ends = np.concatenate([[cut.knots[0] - 1], cut.knots, [cut.knots[-1] + 1]])
        for k, (lo, hi) in enumerate(pairwise(ends)):
            middle, h = (lo + hi) / 2, (hi - lo) / 2
            f = [loss(moved(net, i, at), data) for at in (lo, middle, hi)]
            assert cut.curvatures[k] == pytest.approx((f[0] - 2 * f[1] + f[2]) / h**2, abs=1e-13 * f[1] / h**2)
            slope = (f[2] - f[0]) / (2 * h)
            assert cut(middle, 1) == pytest.approx(slope, abs=1e-13 * f[1] / h)
            if cut.curvatures[k] > 0:
                assert cut.curvatures[k] * (middle - cut.vertices[k]) == pytest.approx(slope, abs=1e-13 * f[1] / h)
            else:
                assert np.isnan(cut.vertices[k])
        assert np.sum(cut.curvatures == 0) == 1


@pytest.mark.parametrize("seed", range(8))
def test_minima_are_all_local_minima(seed):
    net, data = lopsided(6, 8, seed)
    for i in range(6):
        cut = loss_slice(net, data, i)
        grid = np.unique(np.concatenate([np.linspace(-4, 4, 4001), cut.knots]))
        values = cut(grid)
        inner = np.flatnonzero((values[1:-1] < values[:-2]) & (values[1:-1] < values[2:])) + 1
        for k in inner:
            best = minimize_scalar(cut, bounds=(grid[k - 1], grid[k + 1]), method="bounded", options={"xatol": 1e-10})
            nearest = np.argmin(np.abs(cut.minima.x - grid[k]))
            assert abs(cut.minima.x[nearest] - grid[k]) < 0.005
            assert cut.minima.loss[nearest] <= best.fun + 1e-12
        assert cut.minimum <= values.min() + 1e-12
        for x, value in zip(*cut.minima, strict=True):
            assert value <= min(cut(x - 1e-6), cut(x + 1e-6)) + 1e-13


def test_the_other_way_to_move_a_knot_gives_the_same_slice():
    net, data = lopsided(5, 9, 3)
    for i in range(5):
        cut = loss_slice(net, data, i)
        for d in (-0.5, 0.3, 2.0):
            a, c = net.a.copy(), net.c.copy()
            a[i], c[i] = a[i] * (1 + d), c[i] / (1 + d)
            other = net.replace(a=a, c=c)
            assert cut(other.knots[i]) == pytest.approx(loss(other, data), rel=1e-12)


def test_degenerate_slices():
    two = kf.Samples([0.0, 1.0], [3.0, 3.0])
    dead = loss_slice(kf.ReLUNet([1.0, 1.0], [0.5, 0.2], [0.0, 1.0]), two, 0)
    assert dead.delta_slope == 0
    assert len(dead.minima.x) == 0
    assert dead.minimum == pytest.approx(loss(kf.ReLUNet([1.0], [0.2], [1.0]), two))
    assert list(dead.types) == ["flat", "flat"]
    # Two coincident knots that cancel: moving one of them away still is a slice of the loss.
    twins = kf.ReLUNet([1.0, 1.0], [0.5, 0.5], [1.0, -1.0], bias=3.0)
    cut = loss_slice(twins, two, -1)
    assert cut.neuron == 1
    assert cut.minimum == 0
    assert 0.5 in cut.minima.x
    assert "knot at 0.5" in repr(cut)
    # A kink is a minimum: f wants to bend at the sample at 0.
    kink = loss_slice(kf.ReLUNet([1.0], [0.3], [1.0]), kf.Samples([-1.0, 0.0, 1.0], [0.0, -1.0, 1.0]), 0)
    assert kink.types[1] == "repeller" or 0.0 in kink.minima.x


def test_bad_neurons_are_refused():
    net, data = kf.ReLUNet([1.0, 0.0], [0.0, 1.0], [1.0, 1.0]), kf.Samples([0, 1], [0, 1])
    with pytest.raises(kf.InputError, match=r"i is 2: net has 2 neurons, so it must be in 0\.\.1"):
        loss_slice(net, data, 2)
    with pytest.raises(kf.InputError, match=r"i is 0\.5: it must be the number of a neuron, an integer"):
        loss_slice(net, data, 0.5)
    with pytest.raises(kf.InputError, match=r"neuron 1 has a = 0: it has no knot that could move"):
        loss_slice(net, data, 1)
    with pytest.raises(kf.InputError, match=r"x\[1\] is nan: every value must be finite"):
        loss_slice(net, data, 0)([0.0, np.nan])


def test_derivatives_are_functions():
    cut = loss_slice(*lopsided(6, 9, 3), 2)
    x = np.linspace(-2, 2, 31)
    slope = cut.derivative()
    np.testing.assert_array_equal(slope(x), cut(x, nu=1))
    np.testing.assert_array_equal(slope.derivative()(x), cut(x, nu=2))
    np.testing.assert_array_equal(slope(x, nu=1), cut.derivative(2)(x))
    np.testing.assert_array_equal(cut.derivative(0)(x), cut(x))
    middle = (cut.knots[1:] + cut.knots[:-1]) / 2
    np.testing.assert_array_equal(cut(middle, 2), cut.curvatures[1:-1])
    assert repr(slope) == f"Derivative(order 1 of {cut!r})"
    for nu in (3, -1, 0.5):
        with pytest.raises(kf.InputError, match=rf"nu is {nu}: it must be a whole number from 0 to 2"):
            cut(0.0, nu)
    with pytest.raises(kf.InputError, match="nu is 3: it must be a whole number from 0 to 2"):
        slope(0.0, nu=2)
    with pytest.warns(DeprecationWarning, match=r"derivative\(x\) for values is now f\(x, nu=1\)") as seen:
        np.testing.assert_array_equal(cut.derivative(x), slope(x))
    assert seen[0].filename == __file__
