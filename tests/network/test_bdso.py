from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from helpers.nets import exact, nets, points
from knotflow.errors import InputError
from knotflow.network import BDSO, ReLUNet

gauges = st.sampled_from(["unit", "equal", "balanced"])


def sum_of_terms(view, x):
    """bias + sum_i mu_i (x - beta_i)_{s_i}, term by term."""
    distance = np.subtract.outer(x, view.knots)
    term = np.where(view.orientations > 0, np.maximum(distance, 0), np.minimum(distance, 0))
    return view.bias + term @ view.delta_slopes


def test_the_definition_on_a_lopsided_network():
    net = ReLUNet([2.0, 0.0, -0.5, 0.0, 1.0], [1, -3, 2, 4, 0], [3, 0.5, -2, 9, 0], norm=2.0, bias=0.1)
    view = net.bdso()
    assert_array_equal(view.knots, [0.5, -4, 0])
    assert_array_equal(view.delta_slopes, [3, 0.5, 0])
    assert_array_equal(view.orientations, [1, -1, 1])
    assert_array_equal(view.jumps, [3, -0.5, 0])
    assert_array_equal(view.live, [0, 2, 4])
    assert_array_equal(view.constant, [1])
    assert_array_equal(view.dead, [3])
    assert view.bias == pytest.approx(0.1 + 0.5 * 3 / 2, rel=1e-15)
    assert view.norm == 2.0


@given(nets())
def test_the_terms_sum_to_the_function(net):
    x = points(net)
    f, scale = exact(net, x)
    assert np.all(np.abs(sum_of_terms(net.bdso(), x) - f) <= 4e-15 * scale)


@given(nets(), gauges)
def test_the_function_and_the_view_come_back(net, gauge):
    x, view = points(net), net.bdso()
    back = ReLUNet.from_bdso(view, gauge)
    f, scale = exact(net, x)
    assert np.all(np.abs(back(x) - f) <= 4e-15 * scale)
    again = back.bdso()
    if len(view.knots):
        assert_allclose(again.knots, view.knots, rtol=1e-15)
        assert_allclose(again.delta_slopes, view.delta_slopes, rtol=1e-15)
        assert_array_equal(again.orientations, view.orientations)
    assert (again.bias, again.norm) == (view.bias, net.norm)


@given(nets())
def test_the_gauges_are_what_they_say(net):
    view = net.bdso()
    moving = view.delta_slopes != 0
    for gauge in ("unit", "equal", "balanced"):
        back = view.network(gauge)
        if len(view.knots):
            assert_array_equal(back.a[~moving], view.orientations[~moving])
            assert_array_equal(back.c[~moving], 0)
        a, b, c = (values[: len(moving)][moving] for values in (back.a, back.b, back.c))
        if gauge == "unit":
            assert_array_equal(np.abs(a), 1)
        elif gauge == "equal":
            assert_allclose(np.abs(a), np.abs(c), rtol=1e-15)
        else:
            assert_allclose(np.hypot(a, b), np.abs(c), rtol=3e-15)


def test_a_quotient_beyond_float64_is_no_knot():
    net = ReLUNet([1e-300, -1e-300, 1e-300, -1e-300], [-1e300, -1e300, 1e300, 1e300], np.full(4, 1e-300))
    view = net.bdso()
    assert_array_equal(view.constant, [0, 1])
    assert_array_equal(view.dead, [2, 3])
    assert view.bias == pytest.approx(2.0, rel=1e-14)
    assert net(5.0) == pytest.approx(2.0, rel=1e-14)


@pytest.mark.parametrize(("b", "bias"), [(-2.0, 6.5), (2.0, 0.5), (0.0, 0.5)])
def test_a_network_without_knots(b, bias):
    view = ReLUNet([0.0], [b], [3.0], bias=0.5).bdso()
    assert (len(view.knots), len(view.constant), len(view.dead)) == (0, b < 0, b >= 0)
    assert view.bias == bias
    back = view.network()
    assert_array_equal([back.a, back.b, back.c], np.zeros((3, 1)))
    assert_array_equal(back([-7.0, 7.0]), [bias, bias])


def test_a_view_made_by_hand():
    view = BDSO([1.0, -2.0], [3.0, 4.0], [1, -1], bias=0.5, norm=10.0)
    assert_array_equal(view.live, [0, 1])
    assert len(view.constant) == len(view.dead) == 0
    assert_allclose(view.network()([2.0, 0.0, -3.0]), [3.5, 0.5, -3.5], rtol=1e-15)
    assert repr(view) == "BDSO(2 live, 0 constant, 0 dead neurons: knots in [-2, 1]; bias=0.5)"
    assert repr(BDSO([], [], [])) == "BDSO(0 live, 0 constant, 0 dead neurons; bias=0)"
    for array in (view.knots, view.delta_slopes, view.orientations, view.live):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([np.nan], [1.0], [1]), r"knots\[0\] is nan"),
        (([1.0], [1.0, 2.0], [1]), "delta_slopes has length 2: it must have length 1, as knots has"),
        (([1.0], [1.0], [1, 1]), "orientations has length 2: it must have length 1, as knots has"),
        (([1.0, 2.0], [1.0, 1.0], [1, 0]), r"orientations\[1\] is 0: it must be 1 \(right-facing\) or -1"),
        (([1.0], [1.0], [1], "x"), "bias is 'x': it must be a finite number"),
        (([1.0], [1.0], [1], 0.0, 0.0), "norm is 0.0: it must be a finite number > 0"),
        (([1.0], [1.0], [1], 0.0, 1.0, [0, 1]), "live has length 2: it must have length 1, as knots has"),
    ],
)
def test_bad_fields_are_named(arguments, message):
    with pytest.raises(InputError, match=message):
        BDSO(*arguments)


def test_another_gauge_is_refused():
    with pytest.raises(InputError, match="gauge is 'even': it must be one of 'unit', 'equal', 'balanced'"):
        BDSO([1.0], [1.0], [1]).network("even")
