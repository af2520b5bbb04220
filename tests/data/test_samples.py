"""Samples: what is taken, what is refused and in which words, ties, standard units, files, targets."""

from __future__ import annotations

import csv
import dataclasses
import io
import time
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from knotflow.data import Samples, Scaling, datasets, targets
from knotflow.errors import InputError
from knotflow.network import ReLUNet

numbers = st.floats(-1e6, 1e6, allow_subnormal=False)
positive = st.floats(1e-3, 1e3)


@st.composite
def points(draw: st.DrawFn) -> list[tuple[float, float, float]]:
    """(x, y, weight) with ties likely and at least two distinct x."""
    x = st.one_of(numbers, st.integers(-3, 3).map(float))
    rows = draw(st.lists(st.tuples(x, numbers, positive), min_size=2, max_size=30))
    assume(max(row[0] for row in rows) - min(row[0] for row in rows) > 1e-9)
    return rows


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


@pytest.mark.parametrize("x", [[3, 1, 2], (3, 1, 2), range(3), np.array([3, 1, 2], "f4"), [True, False, True]])
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
        ([1, 2, np.longdouble("1e4000")], [1, 2, 3], None, r"^x\[2\] is inf"),
        ([], [], None, r"^x is empty: at least two samples with distinct x are needed$"),
        ([1, 2], [], None, r"^y is empty"),
        ([1], [1], None, r"^there is only one x: at least two distinct x are needed$"),
        ([2, 2, 2], [1, 2, 3], None, r"^all 3 x are equal to 2\.0: at least two distinct x are needed$"),
        ([1, 2, 3], [1, 2], None, r"^y has length 2 and x has length 3: they must be equal$"),
        ([1, 2], [1, 2], [1, 1, 1], r"^weights has length 3 and x has length 2: they must be equal$"),
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
        (np.array(["2020", "2021"], "M8[Y]"), [1, 2], None, r"^x has dtype datetime64\[Y\]"),
        ([[1, 2], [3]], [1, 2], None, r"^x is not an array of numbers: "),
        (np.ma.array([1, 2], mask=[0, 1]), [1, 2], None, r"^x has masked values: .*x\.compressed\(\)$"),
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


# -- standard units --------------------------------------------------------------------------------------


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
    with pytest.warns(DeprecationWarning, match=r"net_to_user\(net\) is now net\.in_units\(scaling\)"):
        old = scaling.net_to_user(net)
    np.testing.assert_array_equal(old.b, user.b)


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
        (np.square, 0.1, r"^noise is 0\.1 but rng is None: pass rng=numpy\.random\.default_rng\(seed\)$"),
        (np.square, -1.0, r"^noise is -1\.0: it is a standard deviation and must be finite and at least 0$"),
        (np.square, np.nan, r"^noise is nan: "),
        (lambda x: 1.0, 0.0, r"^f\(x\) has shape \(\): it must be one-dimensional"),
        (lambda x: x[1:], 0.0, r"^y has length 2 and x has length 3"),
    ],
)
def test_functions_that_cannot_be_sampled(f, noise, message):
    with pytest.raises(InputError, match=message):
        Samples.from_function(f, [1, 2, 3], noise)


def test_targets_are_named_and_fixed():
    assert list(targets) == [
        *("square_wave", "sine", "quadratic", "cubic", "arctan", "exponential", "sawtooth"),
        *("smooth_gap", "sharp_gap"),
    ]
    assert len(targets) == 9
    assert targets["sine"] is targets.sine
    assert targets.sine.__name__ == "sine"
    assert repr(datasets) == "Catalogue(motorcycle, nile)"
    with pytest.raises(AttributeError, match="cannot set 'sine'"):
        targets.sine = np.sin
    with pytest.raises(AttributeError, match="no attribute 'sin'"):
        _ = targets.sin


@pytest.mark.parametrize(
    ("name", "x", "y"),
    [
        ("square_wave", [-1, -0.1, 0.4, 0.5, 1.0], [1, -1, 1, -1, 1]),
        ("sine", [-2, -0.5, 0, 0.5, 1 / 6], [0, -1, 0, 1, 0.5]),
        ("quadratic", [-2, 0, 3], [2, 0, 4.5]),
        ("cubic", [-2, -1, 0, 1, 2], [8 * -1 / 3 + 3, 2 / 3, 0, 1 / 3, 8 / 3 + 1]),
        ("arctan", [-1, 0, 1], [-np.pi / 4, 0, np.pi / 4]),
        ("exponential", [0, 2 * np.log(3)], [1, 3]),
        ("sawtooth", [-2, -1.75, -1.5, -0.5, 0, 0.5, 1.5, 1.75, 2], [-1, 0, 1, 1, -1, 1, 1, 0, -1]),
        ("smooth_gap", [-2, -0.5, 0, 0.5, 2], [-1.5, -0.75, 0, 0.75, 1.5]),
        ("sharp_gap", [-2, -0.5, 0, 0.5, 2], [-0.5, -1.25, 0, 1.25, 0.5]),
    ],
)
def test_targets_take_the_papers_values(name, x, y):
    np.testing.assert_allclose(targets[name](x), y, rtol=0, atol=1e-15)


def test_the_sawtooth_is_as_far_from_flat_as_the_paper_has_it():
    assert np.sum(targets.sawtooth(np.linspace(-2, 2, 401)) ** 2) == pytest.approx(134, abs=0.5)


def test_shipped_data():
    motorcycle, nile = datasets.motorcycle(), datasets.nile()
    assert repr(motorcycle) == (
        "Samples(133 points, time (ms) in [2.4, 57.6], acceleration (g) in [-134, 75]; 94 distinct x)"
    )
    assert motorcycle.y[0] == 0.0
    assert (len(nile), nile.range, nile.y[0], nile.y[-1]) == (100, (1871.0, 1970.0), 1120.0, 740.0)
    assert (nile.x_name, nile.y_name) == ("year", "flow (1e8 m³)")
    assert nile.y.sum() == 91_935


# -- files -----------------------------------------------------------------------------------------------


@pytest.fixture
def write(tmp_path):
    def write(content: str | bytes) -> Path:
        path = tmp_path / "data.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def rows_of(data: Samples) -> list[tuple[float, float]]:
    return list(zip(data.x.tolist(), data.y.tolist(), strict=True))


READ_ALIKE = {
    "comma": "t,v\n1,1.5\n2,-2.5\n3,0.5\n",
    "semicolon": "t;v\n1;1.5\n2;-2.5\n3;0.5\n",
    "tab": "t\tv\n1\t1.5\n2\t-2.5\n3\t0.5\n",
    "pipe": "t|v\n1|1.5\n2|-2.5\n3|0.5\n",
    "space": "t v\n1 1.5\n2 -2.5\n3 0.5\n",
    "aligned": "  t     v  \n  1   1.5\n  2  -2.5  \n 3 \t 0.5\n",
    "padded commas": "t, v\n1, 1.5\n2, -2.5\n3, 0.5\n",
    "padded pipes": "t | v\n1 | 1.5\n2 | -2.5\n3 | 0.5\n",
    "decimal commas": "t;v\n1;1,5\n2,0;-2,5\n3;0,5\n",
    "Windows": "t,v\r\n1,1.5\r\n2,-2.5\r\n3,0.5\r\n",
    "old Mac": "t,v\r1,1.5\r2,-2.5\r3,0.5\r",
    "mark": "\ufefft,v\n1,1.5\n2,-2.5\n3,0.5\n",
    "marked and quoted": '\ufeff"t","v"\n1,1.5\n2,-2.5\n3,0.5\n',
    "no last newline": "t,v\n1,1.5\n2,-2.5\n3,0.5",
    "blank lines": "\n\nt,v\n1,1.5\n\n2,-2.5\n   \n3,0.5\n\n",
    "all quoted": '"t","v"\n"1","1.5"\n"2","-2.5"\n"3","0.5"\n',
    "quotes after spaces": 't, "v"\n1, "1.5"\n2, "-2.5"\n3, "0.5"\n',
    "other order": "t,v\n3,0.5\n1,1.5\n2,-2.5\n",
    "exponents": "t,v\n1e0,15E-1\n+2,-.25e1\n3.,0.5\n",
    "R": '"","t","v"\n"1",1,1.5\n"2",2,-2.5\n"3",3,0.5\n',
    "pandas": ",t,v\n0,1,1.5\n1,2,-2.5\n2,3,0.5\n",
    "R in Europe": '"";"t";"v"\n"1";1;1,5\n"2";2;-2,5\n"3";3;0,5\n',
    "labels first": "who,t,v\nann,1,1.5\nbob,2,-2.5\ncyd,3,0.5\n",
    "labels between": "t,who,v\n1,ann,1.5\n2,bob,-2.5\n3,cyd,0.5\n",
    "labels with every delimiter": 't,v,note\n1,1.5,"a;b, c|d"\n2,-2.5,"a;b, c|d"\n3,0.5,"a;b, c|d"\n',
    "labels with bare delimiters": "t,v,note;more\n1,1.5,a;b\n2,-2.5,a;b\n3,0.5,a;b\n",
    "spaces in names": "t\tv\tthe note\n1\t1.5\tno note\n2\t-2.5\ta note\n3\t0.5\tno note\n",
    "an empty column": "t,none,v\n1,,1.5\n2,,-2.5\n3,,0.5\n",
    "a line break in a cell": 't,v,note\n1,1.5,"two\nlines"\n2,-2.5,\n3,0.5,one\n',
}


@pytest.mark.parametrize("text", READ_ALIKE.values(), ids=READ_ALIKE)
def test_files_that_mean_the_same(write, text):
    data = Samples.from_csv(write(text))
    assert rows_of(data) == [(1, 1.5), (2, -2.5), (3, 0.5)]
    assert (data.x_name, data.y_name) == ("t", "v")


@pytest.mark.parametrize(
    "text",
    [
        "1,1.5\n2,-2.5\n3,0.5\n",
        "1 1.5\n2 -2.5\n3 0.5",
        "1;1,5\n2;-2,5\n3;0,5\n",
        "ann,1,1.5\nbob,2,-2.5\ncyd,3,0.5",
    ],
)
def test_files_without_a_header(write, text):
    data = Samples.from_csv(write(text))
    assert rows_of(data) == [(1, 1.5), (2, -2.5), (3, 0.5)]
    assert (data.x_name, data.y_name) == ("x", "y")


@given(
    st.lists(st.tuples(numbers, numbers), min_size=2, max_size=8, unique_by=lambda row: row[0]),
    st.sampled_from([",", ";", "\t", "|", " "]),
    st.booleans(),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_what_csv_writes_is_read_to_the_bit(tmp_path_factory, rows, delimiter, header, quoting):
    assume(max(rows)[0] - min(rows)[0] > 1e-300)
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting)
    writer.writerows(([("first column", "2nd, column")] if header else []) + rows)
    path = tmp_path_factory.mktemp("csv") / "data.csv"
    path.write_text(text.getvalue(), newline="")
    data = Samples.from_csv(path)
    assert rows_of(data) == sorted(rows)
    assert (data.x_name, data.y_name) == (("first column", "2nd, column") if header else ("x", "y"))


WIDE = "who,t,v,w,0\nann,1,10,100,7\nbob,2,30,300,8\ncyd,3,20,200,9\n"


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (None, None, ("t", "v")),
        ("v", "w", ("v", "w")),
        ("w", "v", ("w", "v")),
        (" v ", 1, ("v", "t")),
        (3, np.int64(2), ("w", "v")),
        ("3", "2", ("w", "v")),
        ("t", "0", ("t", "0")),  # the name goes before the number
        ("t", None, ("t", "v")),
        (None, "w", ("t", "w")),
    ],
)
def test_columns_by_name_and_by_number(write, x, y, expected):
    data = Samples.from_csv(write(WIDE), x, y)
    values = {"t": [1, 2, 3], "v": [10, 30, 20], "w": [100, 300, 200], "0": [7, 8, 9]}
    assert (data.x_name, data.y_name) == expected
    pairs = zip(values[expected[0]], values[expected[1]], strict=True)
    assert rows_of(data) == sorted(pairs)


def test_numbers_of_columns_leave_out_the_one_that_counts_the_rows(write):
    text = ",t,v\n1,1,1.5\n2,2,-2.5\n3,3,0.5\n"
    assert rows_of(Samples.from_csv(write(text), 0, 1)) == [(1, 1.5), (2, -2.5), (3, 0.5)]


@pytest.mark.parametrize(
    "text", [",v\n1871,5\n1872,7\n", "n,v\n1,5\n2,7\n", '"",v\n2,5\n1,7\n'], ids=["gap", "named", "unsorted"]
)
def test_a_first_column_that_is_no_index_is_kept(write, text):
    data = Samples.from_csv(write(text))
    assert sorted(data.y) == [5, 7]
    assert data.x_name == ("n" if text[0] == "n" else "x")


@pytest.mark.parametrize("marker", ["", "NA", "NaN", "nan", "null", "None", ".", "NULL", " ", '""', "-nan"])
def test_rows_with_a_missing_cell_are_an_error_or_dropped(write, marker):
    path = write(f"t,v,w\n1,1.5,\n2,{marker},\n{marker},3,\n3,0.5,\n")
    with pytest.raises(
        InputError,
        match=r"data\.csv: line 4, column 't': .*leave such rows out with missing='drop' \(--missing drop\)$",
    ):
        Samples.from_csv(path)
    assert rows_of(Samples.from_csv(path, missing="drop")) == [(1, 1.5), (3, 0.5)]


def test_a_missing_value_in_the_first_row_is_no_header(write):
    assert rows_of(Samples.from_csv(write("NA,1\n2,3\n4,5\n"), missing="drop")) == [(2, 3), (4, 5)]


BROKEN = {
    "text": ("t,v\n1,2\n2,abc\n", r"data\.csv: line 3, column 'v': 'abc' is not a number$"),
    "text in a blank name": ("t,\n1,2\n2,abc\n", r"line 3, column 1: 'abc' is not a number$"),
    "text without a header": ("1,2\n2,3\n3,abc\n", r"data\.csv: line 3, column 1: 'abc' is not a number$"),
    "text after blank lines": ("\nt,v\n\n1,2\n\n2,abc\n", r"line 6, column 'v': 'abc'"),
    "text after a long cell": ('t,v,c\n1,2,"a\nb\nc"\n2,abc,\n', r"line 5, column 'v': 'abc'"),
    "digits with underscores": ("t,v\n1,2\n2,1_000\n", r"'1_000' is not a number$"),
    "decimal comma": ('t,v\n1,2\n2,"1,5"\n', r"'1,5' is not a number; write decimals with a point$"),
    "decimal comma and tab": ("t\tv\n1\t2\n2\t1,5\n", r"'1,5' is not a number; write decimals with a point$"),
    "thousands": ("t;v\n1;2\n2;1.234,5\n", r"'1\.234,5' is not a number"),
    "infinity": ("t,v\n1,2\n-inf,3\n", r"line 3, column 't': '-inf' is infinite: every value must be"),
    "too large": ("t,v\n1,2\n2,1e999\n", r"line 3, column 'v': '1e999' is infinite"),
    "NA": ("t,v\n1,2\n2,NA\n", r"line 3, column 'v': the value is missing \('NA'\); fill it, or leave such"),
    "empty cell": ("t,v\n1,2\n,3\n", r"line 3, column 't': the cell is empty; fill it, or leave such"),
    "ragged": ("t,v\n1,2\n2\n3,4\n", r"line 3: the number of cells is 1, but 2 on line 1: every row must"),
    "ragged header": ("t v\n1 1 2\n2 2 3\n", r"line 2: the number of cells is 3, but 2 on line 1"),
    "title": ("The data\nt,v\n1,2\n2,3\n", r"line 2: the number of cells is 2, but 1 on line 1"),
    "open quote": ('t,v\n1,2\n"2,3\n3,4\n', r"line 3: the number of cells is 1, but 2 on line 1"),
    "endless quote": ('t,v\n1,2\n"2,' + "3\n" * 70_000, r"line 3: field larger .*; is a quote left open\?$"),
    "nothing": ("", r"data\.csv: the file is empty: it must hold two columns of numbers$"),
    "blank": ("\ufeff \n\t\n", r"the file is empty"),
    "empty quotes": ('""\n', r"the file is empty"),
    "header only": ("t,v\n", r"data\.csv: the file has a header but no rows of data$"),
    "one column": ("t\n1\n2\n", r"the file has only one column: two, x and y, are needed$"),
    "one column and its count": (",t\n1,5\n2,7\n", r"the file has only one column"),
    "words": ("t,v\na,b\nc,d\n", r"fewer than two columns hold numbers: name x and y; its columns are"),
    "no header and words": ("1,b\n2,d\n", r"fewer than two .*; it has no header and 2 columns, 0 to 1$"),
    "Latin-1": ("t,v\n1,2\n2,3°\n".encode("latin-1"), r"line 3: not UTF-8 text; save the file as UTF-8$"),
    "UTF-16": ("t,v\n1,2\n2,3\n".encode("utf-16"), r"line 1: not UTF-8 text"),
    "UTF-16 without a mark": ("t,v\n1,2\n2,3\n".encode("utf-16-le"), r"line 1: not UTF-8 text"),
    "one row": ("t,v\n1,2\n", r"data\.csv: there is only one x: at least two distinct x are needed$"),
    "equal x": ("t,v\n1,2\n1,3\n", r"data\.csv: all 2 x are equal to 1\.0"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "message"), BROKEN.values(), ids=BROKEN)
def test_files_that_are_refused_and_why(write, content, message):
    with pytest.raises(InputError, match=message):
        Samples.from_csv(write(content))


@pytest.mark.parametrize("name", ["text", "infinity", "ragged", "decimal comma", "too large"])
def test_dropping_missing_cells_hides_no_other_fault(write, name):
    content, message = BROKEN[name]
    with pytest.raises(InputError, match=message):
        Samples.from_csv(write(content), missing="drop")


COLUMNS = r"its columns are 'who', 't', 'v', 'w', '0'"


@pytest.mark.parametrize(
    ("x", "y", "missing", "message"),
    [
        ("T", None, "error", rf"data\.csv: x is 'T': no such column; {COLUMNS}; did you mean 't'\?$"),
        (None, "whom", "error", rf"y is 'whom': no such column; {COLUMNS}; did you mean 'who'\?$"),
        (None, "acceleration", "error", rf"y is 'acceleration': no such column; {COLUMNS}$"),
        (5, None, "error", rf"x is 5: there is no column 5, they are numbered 0 to 4; {COLUMNS}$"),
        ("5", None, "error", r"x is '5': there is no column 5"),
        (-1, None, "error", r"x is -1: there is no column -1, they are numbered 0 to 4"),
        ("-1", None, "error", r"x is '-1': no such column"),
        (1.0, None, "error", r"x is 1\.0: it must be a column's name or its number from 0$"),
        ("v", None, "error", rf"x and y are both column 'v': name two columns; {COLUMNS}$"),
        ("t", 1, "error", r"x and y are both column 't'"),
        ("who", "v", "error", r"line 2, column 'who': 'ann' is not a number$"),
        (None, None, "skip", r"missing is 'skip': it must be 'error' or 'drop'$"),
    ],
)
def test_columns_that_are_not_there(write, x, y, missing, message):
    with pytest.raises(InputError, match=message):
        Samples.from_csv(write(WIDE), x, y, missing=missing)


def test_numbers_of_columns_without_a_header(write):
    with pytest.raises(InputError, match=r"x is 2: there is no column 2.*it has no header and 2 columns, 0 to 1$"):
        Samples.from_csv(write("1,2\n2,3\n"), 2)
    with pytest.raises(InputError, match=r"x is 't': no such column; it has no header and 2 columns, 0 to 1$"):
        Samples.from_csv(write("1,2\n2,3\n"), "t")


def test_two_columns_of_one_name_are_told_apart_by_number(write):
    path = write("t,v,v\n1,2,5\n2,3,7\n")
    with pytest.raises(InputError, match=r"2 columns are called 'v': give y by number$"):
        Samples.from_csv(path, "t", "v")
    assert rows_of(Samples.from_csv(path, "t", 2)) == [(1, 5), (2, 7)]


def test_nothing_left_after_dropping(write):
    with pytest.raises(InputError, match=r"no row has both column 't' and column 'v': nothing is left with"):
        Samples.from_csv(write("t,v\n1,\n,3\n"), missing="drop")


def test_paths_that_are_no_file(tmp_path):
    with pytest.raises(InputError, match=r"missing\.csv: there is no such file; relative paths start at /"):
        Samples.from_csv(tmp_path / "missing.csv")
    with pytest.raises(InputError, match=r": it is a directory: give the path of a file$"):
        Samples.from_csv(str(tmp_path))
    with pytest.raises(InputError, match=r"cannot be read: Not a directory$"):
        Samples.from_csv(Path(__file__) / "data.csv")
    with pytest.raises(InputError, match=r"path is of type StringIO: it must be a str or a path$"):
        Samples.from_csv(io.StringIO("1,2\n2,3\n"))


def test_a_hundred_thousand_rows_are_read_fast(tmp_path):
    x, y = np.random.default_rng(4).standard_normal((2, 100_000))
    path = tmp_path / "long.csv"
    np.savetxt(path, np.stack([x, y], axis=1), fmt="%.17g", delimiter=",", header="x,y", comments="")
    start = time.process_time()
    data = Samples.from_csv(path)
    assert time.process_time() - start < 3.0
    np.testing.assert_array_equal(data.x, np.sort(x))
