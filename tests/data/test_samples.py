"""Samples: what is taken, what is refused and in which words, ties, standard units, files, targets."""

from __future__ import annotations

import dataclasses
import time
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.strategies import points
from knotflow.data import Samples
from knotflow.errors import InputError

# -- construction ----------------------------------------------------------------------------------------


@given(points())
def test_samples_are_the_rows_sorted_stably_by_x(rows):
    data = Samples(*zip(*rows, strict=True))
    assert list(zip(data.x, data.y, data.weights, strict=True)) == sorted(rows, key=lambda row: row[0])
    assert len(data) == len(rows)
    assert data.range == (data.x[0], data.x[-1])
    assert data.span == data.x[-1] - data.x[0]


def test_weights_are_one_when_left_out():
    np.testing.assert_array_equal(Samples([2, 1], [3, 4]).weights, [1.0, 1.0])


@pytest.mark.parametrize("x", [[3, 1, 2], (3, 1, 2), range(3), np.array([3, 1, 2], "f4")])
def test_anything_that_holds_numbers_is_taken(x):
    data = Samples(x, x)
    assert data.x.dtype == data.y.dtype == data.weights.dtype == np.float64
    np.testing.assert_array_equal(data.x, sorted(np.asarray(x, float)))


def test_samples_cannot_be_changed_and_do_not_follow_their_source():
    x = np.array([1.0, 2.0, 3.0])
    data = Samples(x, x, x)
    x[0] = 99.0
    np.testing.assert_array_equal(data.x, [1, 2, 3])
    assert x.flags.writeable
    arrays = [data.x, data.y, data.weights, data.distinct.x, data.distinct.y, data.distinct.weight]
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        data.x = x
    with pytest.raises(dataclasses.FrozenInstanceError):
        data.distinct.within = 0.0


def test_names_are_kept_and_can_be_replaced():
    data = Samples([1, 2], [3, 4], x_name="time", y_name="volts")
    assert (data.x_name, data.y_name) == ("time", "volts")
    renamed = dataclasses.replace(data, y_name="mV")
    assert (renamed.x_name, renamed.y_name) == ("time", "mV")
    np.testing.assert_array_equal(renamed.y, data.y)


def test_repr_says_what_there_is():
    data = Samples([2, 1, 2], [5, -1, 7], [1, 2, 1], x_name="time")
    assert repr(data) == "Samples(3 points, time in [1, 2], y in [-1, 7]; 2 distinct x; weighted)"
    assert repr(Samples([0, 1], [0, 1])) == "Samples(2 points, x in [0, 1], y in [0, 1])"


@pytest.mark.parametrize(
    ("x", "y", "weights", "message"),
    [
        ([1, np.nan, 3], [1, 2, 3], None, r"^x\[1\] is nan: every value must be finite; drop or fill it$"),
        ([1, 2, 3], [np.inf, 2, -np.inf], None, r"^y\[0\] is inf: .*\(2 values are not finite\)$"),
        ([1, 2, 3], [1, 2, 3], [1, 1, np.nan], r"^weights\[2\] is nan: every value must be finite"),
        ([1, 2, np.longdouble("1e4000")], [1, 2, 3], None, r"^x(\[2\] is inf| has a float\d+ beyond float64)"),
        ([True, False, True], [1, 2, 3], None, r"^x has dtype bool: it must hold real numbers; write 1.0 and 0.0 if"),
        ([], [], None, r"^x is empty: at least two samples with distinct x are needed$"),
        ([1, 2], [], None, r"^y is empty"),
        ([1], [1], None, r"^there is only one x: at least two distinct x are needed$"),
        ([2, 2, 2], [1, 2, 3], None, r"^all 3 x are equal to 2\.0: at least two distinct x are needed$"),
        ([1, 2, 3], [1, 2], None, r"^y has length 2: it must have length 3, as x has$"),
        ([1, 2], [1, 2], [1, 1, 1], r"^weights has length 3: it must have length 2, as x has$"),
        ([[1], [2]], [1, 2], None, r"^x has shape \(2, 1\): it must be one-dimensional, .*x\.ravel\(\)$"),
        ([1, 2], 3.0, None, r"^y has shape \(\): it must be one-dimensional"),
        (
            ["1", "2"],
            [1, 2],
            None,
            r"^x has dtype <U1: it must hold real numbers; convert it to float first$",
        ),
        ([1, 2], [1, None], None, r"^y has dtype object: it must hold real numbers"),
        ([1, 2], [Decimal(1), Fraction(1, 2)], None, r"^y has dtype object"),
        ([1, 2], [1j, 2], None, r"^y has dtype complex128"),
        ([1, 2], np.array(["2020", "2021"], "M8[Y]"), None, r"^y has dtype datetime64\[Y\]"),
        ([[1, 2], [3]], [1, 2], None, r"^x is not an array of numbers: "),
        (np.ma.array([1, 2], mask=[0, 1]), [1, 2], None, r"^x has 1 masked value: .*x\.compressed\(\)$"),
        (
            [1, 2],
            [1, 2],
            [1, 0],
            r"^weights\[1\] is 0\.0: every weight must be > 0; drop the sample instead$",
        ),
        ([1, 2], [1, 2], [-1, 1], r"^weights\[0\] is -1\.0: every weight must be > 0"),
        ([-1e308, 1e308], [1, 2], None, r"^x spans inf: its span must be between 1e-300 and 1e\+300; change"),
        ([0, 1e-305], [1, 2], None, r"^x spans 1e-305: its span must be between"),
        (
            [0, 1],
            [1, 2],
            [1e308, 1e308],
            r"^the sum of weights overflows: divide the weights by their maximum$",
        ),
        ([0, 1], [1, 1e155], None, r"^the sum of weights \* y\^2 overflows: change the unit of y"),
    ],
)
def test_what_is_refused_and_why(x, y, weights, message):
    with pytest.raises(InputError, match=message):
        Samples(x, y, weights)


@pytest.mark.torch
def test_arrays_that_do_not_convert_are_refused():
    torch = pytest.importorskip("torch")
    with pytest.raises(InputError, match=r"^y is not an array of numbers: .*requires grad"):
        Samples([1, 2], torch.ones(2, requires_grad=True))
    assert len(Samples(torch.arange(2), torch.ones(2))) == 2


@pytest.mark.parametrize("unit", [1e-299, 1e-12, 1.0, 1e15, 1e299])
def test_any_unit_of_x_is_taken(unit):
    x = np.array([0.0, 1.0, 1.0, 5.0]) * unit
    data = Samples(x, [1, 2, 4, 3])
    np.testing.assert_array_equal(data.distinct.y, [1, 3, 3])
    standard, scaling = data.standardised()
    reference, _ = Samples([0, 1, 1, 5], [1, 2, 4, 3]).standardised()
    np.testing.assert_allclose(standard.x, reference.x, rtol=1e-14)
    np.testing.assert_allclose(scaling.x_to_user(standard.x), x, rtol=0, atol=4e-16 * 5 * unit)


def test_a_hundred_thousand_samples_are_fast():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 50_000, 100_000) / 7, rng.standard_normal(100_000)
    start = time.process_time()
    data = Samples(x, y)
    assert len(data.distinct.x) == len(np.unique(x))
    data.standardised()
    assert time.process_time() - start < 1.0


# -- ties ------------------------------------------------------------------------------------------------


@given(points())
def test_distinct_points_agree_with_a_plain_loop(rows):
    distinct = Samples(*zip(*rows, strict=True)).distinct
    groups: dict[float, list[tuple[Fraction, Fraction]]] = {}
    for x, y, w in rows:
        groups.setdefault(x, []).append((Fraction(y), Fraction(w)))
    weight = {x: sum(w for _, w in group) for x, group in groups.items()}
    mean = {x: sum(y * w for y, w in group) / weight[x] for x, group in groups.items()}
    within = sum(w * (y - mean[x]) ** 2 for x, group in groups.items() for y, w in group) / 2
    size = max(abs(row[1]) for row in rows)
    assert list(distinct.x) == sorted(groups)
    np.testing.assert_allclose(distinct.weight, [float(weight[x]) for x in distinct.x], rtol=1e-14)
    np.testing.assert_allclose(distinct.y, [float(mean[x]) for x in distinct.x], rtol=0, atol=1e-14 * size)
    assert distinct.within == pytest.approx(float(within), rel=1e-12, abs=1e-26 * size**2 * len(rows) * 1e3)


@given(points(), st.integers(0, 2**32))
def test_the_loss_of_any_function_splits_into_within_and_the_distinct_points(rows, seed):
    data = Samples(*zip(*rows, strict=True))
    f = dict(zip(data.distinct.x, np.random.default_rng(seed).normal(0, 1e3, len(data.distinct.x)), strict=True))
    loss = 0.5 * np.sum(data.weights * (np.array([f[x] for x in data.x]) - data.y) ** 2)
    d = data.distinct
    between = 0.5 * np.sum(d.weight * (np.array([f[x] for x in d.x]) - d.y) ** 2)
    assert d.within + between == pytest.approx(loss, rel=1e-11)


@given(points(), st.integers(2, 4))
def test_integer_weights_equal_repeats(rows, times):
    x, y, _ = (np.array(column) for column in zip(*rows, strict=True))
    weighted, repeated = Samples(x, y, np.full(len(x), times)), Samples(*np.tile([x, y], times))
    size = np.abs(y).max()
    np.testing.assert_array_equal(weighted.distinct.x, repeated.distinct.x)
    np.testing.assert_array_equal(weighted.distinct.weight, repeated.distinct.weight)
    np.testing.assert_allclose(weighted.distinct.y, repeated.distinct.y, rtol=0, atol=1e-14 * size)
    assert weighted.distinct.within == pytest.approx(repeated.distinct.within, rel=1e-11, abs=1e-24 * size**2)


def test_points_without_ties_are_kept_to_the_bit():
    x, y, w = np.random.default_rng(1).random((3, 200)) * np.array([[1], [1e9], [1e-300]])
    data = Samples(x, y, w)
    assert not data.has_ties
    np.testing.assert_array_equal(data.distinct.x, data.x)
    np.testing.assert_array_equal(data.distinct.y, data.y)
    np.testing.assert_array_equal(data.distinct.weight, data.weights)
    assert data.distinct.within == 0.0


def test_ties_that_agree_cost_nothing():
    data = Samples([1, 2, 1, 1], [0.1, 7, 0.1, 0.1], [0.3, 1, 0.7, 1e-320])
    assert data.has_ties
    assert data.distinct.y[0] == 0.1
    assert data.distinct.within == 0.0


def test_zero_and_minus_zero_are_one_x():
    assert len(Samples([0.0, -0.0, 1.0], [1, 3, 2]).distinct.x) == 2


def test_weights_that_underflow_still_weigh():
    data = Samples([0, 0, 1], [1, 4, 0], [2e-320, 1e-320, 1.0])
    assert data.distinct.y[0] == pytest.approx(2.0, rel=1e-3)  # such weights have three digits


# -- functions -------------------------------------------------------------------------------------------


def test_samples_of_a_function():
    data = Samples.from_function(np.square, [2, -1, 0])
    np.testing.assert_array_equal(data.x, [-1, 0, 2])
    np.testing.assert_array_equal(data.y, [1, 0, 4])


def test_noise_is_drawn_from_the_generator_in_the_order_of_x():
    x = [2.0, -1.0, 0.0]
    data = Samples.from_function(np.square, x, 0.5, np.random.default_rng(3))
    noise = 0.5 * np.random.default_rng(3).standard_normal(3)
    np.testing.assert_array_equal(data.y, (np.square(x) + noise)[[1, 2, 0]])


@pytest.mark.parametrize(
    ("f", "noise", "message"),
    [
        (
            np.square,
            0.1,
            r"^rng is None: it must be a numpy Generator; make one with numpy\.random\.default_rng\(seed\)$",
        ),
        (np.square, -1.0, r"^noise is -1\.0: it must be a finite number >= 0$"),
        (np.square, np.nan, r"^noise is nan: "),
        (lambda x: 1.0, 0.0, r"^f\(x\) has shape \(\): it must be one-dimensional"),
        (lambda x: x[1:], 0.0, r"^y has length 2: it must have length 3, as x has$"),
    ],
)
def test_functions_that_cannot_be_sampled(f, noise, message):
    with pytest.raises(InputError, match=message):
        Samples.from_function(f, [1, 2, 3], noise)
