"""DataFrames, Series, dates, durations and long integers as data."""

from __future__ import annotations

import dataclasses
import datetime as dt
import subprocess
import sys
import types

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import knotflow as kf
from knotflow.data import Origin, Samples
from knotflow.errors import InputError, MissingLibraryError

HOURS = pd.date_range("2024-02-28 12:00", periods=5, freq="h")
FRAME = pd.DataFrame({"who": list("abcde"), "t": [3, 1, 2, 5, 4], "v": [1.0, 4, 2, 3, 7], "w": [1, 2, 1, 2, 1]})


# -- DataFrames and Series -------------------------------------------------------------------------------


def test_a_frame_gives_its_first_two_columns_of_numbers_and_their_names():
    for data in (Samples(FRAME), Samples.from_frame(FRAME), Samples.from_frame(FRAME, "t", 2)):
        assert (data.x_name, data.y_name) == ("t", "v")
        np.testing.assert_array_equal(data.y, [4, 2, 1, 7, 3])


def test_columns_of_a_frame_by_name_with_weights():
    data = Samples.from_frame(FRAME, y="t", x="v", weights="w")
    np.testing.assert_array_equal(data.x, [1, 2, 3, 4, 7])
    np.testing.assert_array_equal(data.weights, [1, 1, 2, 2, 1])


def test_an_index_with_a_name_or_with_dates_is_a_column():
    assert Samples(FRAME.set_index("w")[["v"]].rename_axis("w2").assign(u=1)).x_name == "w2"
    data = Samples(pd.DataFrame({"v": [1, 2, 3, 4, 5]}, index=HOURS))
    assert (data.x_name, data.y_name, data.dated) == ("index", "v", True)
    assert Samples(FRAME.iloc[::2]).x_name == "t"


def test_a_series_is_its_values_over_its_index():
    data = Samples(pd.Series([3.0, 1, 2], index=[10, 30, 20], name="volt").rename_axis("ms"))
    assert (data.x_name, data.y_name) == ("ms", "volt")
    np.testing.assert_array_equal(data.y, [3, 2, 1])


def test_names_of_series_become_labels_unless_others_are_given():
    data = Samples(FRAME.t, FRAME.v, y_name="speed")
    assert (data.x_name, data.y_name) == ("t", "speed")
    assert Samples(FRAME.t.to_numpy(), FRAME.v.to_numpy()).x_name == "x"


@pytest.mark.parametrize("dtype", ["Int64", "Float32", "int8", "uint16", "boolean", "bool"])
def test_any_kind_of_numbers(dtype):
    frame = pd.DataFrame({"a": pd.array([0, 1, 0], dtype=dtype), "b": [1, 2, 3]})
    np.testing.assert_array_equal(Samples(frame).x, [0, 0, 1])
    np.testing.assert_array_equal(Samples(frame.a, frame.b).x, [0, 0, 1])


def test_missing_values_are_an_error_or_dropped():
    frame = pd.DataFrame({"a": pd.array([0, None, 3], dtype="Int64"), "b": [np.nan, 2, 3], "c": [1, 2, 3]})
    with pytest.raises(InputError, match=r"^column 'a' has no value in row 1: fill it, or leave such rows out with"):
        Samples(frame)
    with pytest.raises(InputError, match=r"there is only one x"):
        Samples.from_frame(frame, missing="drop")
    with pytest.raises(InputError, match=r"^y\[0\] is nan"):
        Samples(frame.c, frame.b)
    with pytest.raises(InputError, match=r"^x\[1\] is nan"):
        Samples(frame.a, frame.c)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Samples.from_frame(FRAME, "T"), r"^x is 'T': no such column; its columns are .* did you mean 't'\?$"),
        (lambda: Samples.from_frame(FRAME, "who", "v"), r"^column 'who' has dtype .*: it must hold numbers, or dates"),
        (lambda: Samples.from_frame([1, 2]), r"^frame is of type list: it must be a DataFrame of pandas$"),
        (lambda: Samples.from_frame(pd.DataFrame()), r"^frame has no columns"),
        (lambda: Samples.from_frame(FRAME[["who"]]), r"^fewer than two columns hold numbers"),
        (lambda: Samples.from_frame(FRAME, missing="skip"), r"^missing is 'skip'"),
        (
            lambda: Samples([1, 2]),
            r"^y is None: it must be given with x, unless x is a DataFrame or a Series, not list$",
        ),
        (lambda: Samples(FRAME, weights=[1]), r"^weights are given, but no y: name the columns"),
        (lambda: Samples(FRAME.t, HOURS), r"^y has dtype datetime64"),
        (lambda: kf.fit(FRAME.who), r"y has dtype"),
        (lambda: kf.splines.natural({"t": [1]}), r"^data is of type dict: it must be Samples"),
    ],
)
def test_what_is_refused_of_a_table(make, message):
    with pytest.raises(InputError, match=message):
        make()


@pytest.mark.parametrize(
    "call",
    [
        kf.splines.natural,
        kf.splines.linear,
        kf.splines.smoothing,
        lambda data: kf.splines.tv(data, lam=0.1),
        lambda data: kf.splines.weighted(data, lambda x: 1 + 0 * x),
        lambda data: kf.kernels.interpolate(kf.kernels.rf("gaussian"), data),
        lambda data: kf.segmented.optimal(data, 2),
        lambda data: kf.segmented.greedy(data, 2),
        lambda data: kf.evolve(NET, data, kf.GradientDescent(lr=1e-3), steps=5).final,
        lambda data: kf.fit(data, width=8, steps=5, lr=1e-3),
    ],
)
def test_whatever_takes_samples_takes_frames_and_series(call):
    frame = FRAME[["t", "v"]]
    expected = call(Samples(frame))([1.5, 3.0])
    np.testing.assert_array_equal(call(frame)([1.5, 3.0]), expected)
    np.testing.assert_array_equal(call(frame.set_index("t").v)([1.5, 3.0]), expected)


NET = kf.ReLUNet([1.0, -1.0, 2.0], [0.3, -1.5, 0.5], [1.0, 0.7, -0.4])


def test_pandas_is_not_imported_before_it_is_needed(tmp_path):
    path = tmp_path / "short.csv"
    path.write_text("t,y\n1,2\n2,3\n")
    code = f"""
import sys, knotflow as kf
data = kf.Samples.from_csv({str(path)!r})
kf.splines.natural(data)(1.5)
print(any(name in sys.modules for name in ("pandas", "openpyxl", "pyarrow")))
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


# -- dates and durations ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "x",
    [
        HOURS,
        pd.Series(HOURS),
        HOURS.to_numpy(),
        HOURS.to_pydatetime(),
        HOURS.to_pydatetime().tolist(),
        list(HOURS),
        HOURS.tz_localize("UTC"),
        pd.Series(HOURS.tz_localize("UTC").tz_convert("Asia/Tokyo")),
        [moment.replace(tzinfo=dt.timezone(dt.timedelta(hours=0))) for moment in HOURS.to_pydatetime()],
        HOURS.to_period("h"),
        HOURS.to_numpy().astype("M8[h]"),
        HOURS.to_numpy().astype("M8[ns]"),
    ],
)
def test_dates_of_every_kind_are_x(x):
    data = Samples(x, [1, 2, 3, 4, 5], unit="hours")
    np.testing.assert_array_equal(data.x, np.arange(5))
    np.testing.assert_array_equal(data.from_x(data.x), HOURS.to_numpy())
    assert data.origin == Origin(np.datetime64("2024-02-28T12:00"), "hours")
    assert data.x_label == "x (hours since 2024-02-28T12:00:00)".replace("x (", f"{data.x_name} (") or x is not HOURS


def test_dates_are_days_unless_said_otherwise_and_shown_as_dates():
    data = Samples(HOURS, range(5), x_name="when")
    np.testing.assert_allclose(data.x, np.arange(5) / 24, rtol=1e-15)
    assert repr(data) == "Samples(5 points, when in [2024-02-28T12:00:00, 2024-02-28T16:00:00], y in [0, 4])"
    assert data.x_label == "when (days since 2024-02-28T12:00:00)"


@pytest.mark.parametrize("x", [[dt.timedelta(hours=h) for h in (1, 5)], pd.to_timedelta(["1h", "5h"])])
def test_durations_keep_their_zero(x):
    data = Samples(x, [1, 2], unit="minutes", x_name="age")
    np.testing.assert_array_equal(data.x, [60, 300])
    assert (data.x_label, repr(data)) == ("age (minutes)", "Samples(2 points, age in [60, 300] minutes, y in [1, 2])")
    np.testing.assert_array_equal(data.from_x([60]), [np.timedelta64(1, "h")])


def test_other_samples_can_be_counted_from_the_same_date():
    train = Samples(HOURS, range(5), unit="minutes")
    later = Samples(HOURS[2:], range(3), origin=train.origin)
    np.testing.assert_array_equal(later.x, [120, 180, 240])
    assert dataclasses.replace(later, x_name="when").origin == train.origin


def test_a_fit_takes_dates():
    fit = kf.fit((HOURS, [1, 2, 4, 3, 5]), width=8, steps=5, lr=1e-3)
    at = fit(HOURS)
    np.testing.assert_array_equal(at, fit(fit.data.x))
    assert fit(dt.datetime(2024, 2, 28, 14)) == at[2] == fit("2024-02-28T14:00") == fit(np.datetime64("2024-02-28T14"))


@given(st.lists(st.integers(0, 2**40), min_size=2, max_size=9, unique=True), st.integers(0, 2**60))
def test_nanoseconds_lose_no_digit(steps, first):
    times = (first + np.array(steps)).astype("M8[ns]")
    data = Samples(times, steps, unit="nanoseconds")
    np.testing.assert_array_equal(data.from_x(data.x), np.sort(times))
    whole = Samples(times.astype("int64"), steps)
    np.testing.assert_array_equal(np.asarray(whole.from_x(whole.x), dtype=float), np.sort(times.astype(float)))
    assert [int(value) for value in whole.from_x(whole.x)] == sorted(first + step for step in steps)


def test_objects_of_pandas_keep_their_nanoseconds():
    moments = [pd.Timestamp(2**60 + step, tz=zone) for step, zone in ((5, "UTC"), (1, "Asia/Tokyo"))]
    np.testing.assert_array_equal(Samples(moments, [1, 2], unit="nanoseconds").x, [0, 4])
    spans = [pd.Timedelta(7, "ns"), dt.timedelta(microseconds=1)]
    np.testing.assert_array_equal(Samples(spans, [1, 2], unit="nanoseconds").x, [7, 1000])


def test_integers_that_a_float_holds_are_as_they_are():
    data = Samples(1_700_000_000_000_000_000 + np.arange(3) * 1_000_000_000, [1, 2, 3])
    assert data.origin is None
    assert data.x[0] == 1.7e18


@pytest.mark.parametrize("x", [np.array([0, 2**62, 2**62 + 1]), np.array([-(2**63), 2**63 - 1, 2**63 - 2])])
def test_what_falls_together_is_said(x):
    with pytest.warns(UserWarning, match=r"^1 value of x falls together with another: float64 does not tell them"):
        data = Samples(x, [1, 2, 3])
    assert len(data.distinct.x) == 2
    with pytest.warns(UserWarning, match=r"^1 value of x falls together"):
        Samples(np.array([0, 2**62, 2**62 + 1]).astype("M8[ns]"), [1, 2, 3])


def test_unsigned_integers_of_64_bits():
    data = Samples(np.array([2**64 - 1, 2**64 - 4], np.uint64), [1, 2])
    np.testing.assert_array_equal(data.x, [0, 3])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Samples([1, 2], [1, 2], unit="days"), r"^unit is 'days', but x holds no dates: leave it out$"),
        (lambda: Samples(HOURS, range(5), unit="years"), r"^unit is 'years': it must be one of 'weeks', 'days'"),
        (lambda: Samples(HOURS, range(5), origin=3), r"^origin is 3: it must be an Origin"),
        (lambda: Samples(pd.to_datetime(["2024-01-01", None]), [1, 2]), r"^x\[1\] is NaT: every value must be there"),
        (
            lambda: Samples(HOURS - HOURS[0], range(5), origin=Origin(HOURS.to_numpy()[0], "days")),
            r"it must hold dates",
        ),
        (lambda: Samples(HOURS, range(5)).to_x(["one"]), r"^x is not an array of dates"),
        (lambda: Samples([1, 2], [1, 2]).to_x("one"), r"^x is not an array of numbers: "),
        (lambda: kf.fit(([1, 2], [1, 2]), width=4, steps=0)(HOURS[0]), r"^x is not an array of numbers: "),
        (
            lambda: Samples([dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 2, tzinfo=dt.UTC)], [1, 2]),
            r"^some dates have a time zone and some have none",
        ),
    ],
)
def test_dates_that_are_refused(make, message):
    with pytest.raises(InputError, match=message):
        make()


def test_far_away_is_no_date():
    data = Samples(HOURS, range(5))
    assert np.isnat(data.from_x([1e12, -1e300, np.inf, np.nan])).all()


# -- workbooks and Parquet files -------------------------------------------------------------------------


class Book:
    """A workbook of one sheet, as openpyxl gives it."""

    def __init__(self, rows: list[tuple]) -> None:
        self.worksheets = [self]
        self.rows = rows

    def iter_rows(self, values_only: bool) -> list[tuple]:
        assert values_only
        return self.rows

    def close(self) -> None:
        pass


@pytest.fixture
def workbook(tmp_path, monkeypatch):
    """A file whose sheet holds these rows."""

    def make(*rows: tuple):
        path = tmp_path / "book.XLSX"
        path.write_bytes(b"PK\x03\x04")
        module = types.ModuleType("openpyxl")
        module.load_workbook = lambda *_, **__: Book(list(rows))
        monkeypatch.setitem(sys.modules, "openpyxl", module)
        return path

    return make


def test_a_workbook_has_the_digits_of_its_cells(workbook):
    path = workbook((None, None), ("A title", None), ("t", "y"), ("s", "mV"), (0.1, 1 / 3), (2, 1.234), (None, None))
    data = Samples.from_csv(path)
    np.testing.assert_array_equal(data.x, [0.1, 2])
    np.testing.assert_array_equal(data.y, [1 / 3, 1.234])
    assert (data.x_name, data.y_name) == ("t (s)", "y (mV)")


def test_a_workbook_with_dates_and_a_bad_cell(workbook):
    days = [dt.datetime(2024, 1, day) for day in (1, 2, 4)]
    np.testing.assert_array_equal(
        Samples.from_csv(workbook(("d", "y"), *zip(days, [1, 2, 3], strict=True))).x, [0, 1, 3]
    )
    with pytest.raises(InputError, match=r"book\.XLSX: line 3, column 'y': 'two' is not a number$"):
        Samples.from_csv(workbook(("t", "y"), (1, 1), (2, "two"), (3, 3)))
    with pytest.raises(InputError, match=r"sep is ';', but a workbook has none: leave it out$"):
        Samples.from_csv(workbook(("t", "y"), (1, 1), (2, 2)), sep=";")
    with pytest.raises(InputError, match=r"the first sheet is empty"):
        Samples.from_csv(workbook())


@pytest.mark.parametrize(
    ("ending", "library", "extra"), [("xlsx", "openpyxl", "excel"), ("parquet", "PyArrow", "parquet")]
)
def test_what_a_workbook_or_a_parquet_file_needs_is_named(tmp_path, monkeypatch, ending, library, extra):
    path = tmp_path / f"data.{ending}"
    path.write_bytes(b"PK")
    monkeypatch.setitem(sys.modules, library.lower(), None)
    with pytest.raises(MissingLibraryError, match=rf'^this needs {library}, .*pip install "knotflow\[{extra}\]"$'):
        Samples.from_csv(path)


def test_a_parquet_file_is_a_frame(tmp_path, monkeypatch):
    path = tmp_path / "data.parquet"
    path.write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", types.ModuleType("pyarrow"))
    monkeypatch.setattr(pd, "read_parquet", lambda _: FRAME)
    np.testing.assert_array_equal(Samples.from_csv(path, "v", "t").y, [3, 2, 5, 1, 4])
    with pytest.raises(InputError, match=r"data\.parquet: decimal is ',', but a Parquet file has none: leave it out$"):
        Samples.from_csv(path, decimal=",")


def test_a_file_that_is_not_what_its_name_says(tmp_path, monkeypatch):
    def broken(*_, **__):
        raise ValueError("File is not a zip file")

    module = types.ModuleType("openpyxl")
    module.load_workbook = broken
    monkeypatch.setitem(sys.modules, "openpyxl", module)
    path = tmp_path / "data.xlsx"
    path.write_text("t,y\n1,2\n")
    with pytest.raises(InputError, match=r"it cannot be read as a workbook: File is not a zip file$"):
        Samples.from_csv(path)
    with pytest.raises(InputError, match=r"there is no such file"):
        Samples.from_csv(tmp_path / "none.xlsx")


@pytest.mark.parametrize(
    "x",
    [HOURS.tz_localize("Asia/Tokyo"), HOURS - HOURS[0], 2**62 + np.arange(5), HOURS.to_numpy().astype("M8[ns]") + 1],
)
def test_a_saved_run_keeps_what_x_counts(tmp_path, x):
    data = Samples(x, [1, 2, 4, 3, 5])
    run = kf.evolve(NET, data, kf.GradientDescent(lr=1e-9), steps=2)
    found = kf.load_trajectory(run.save(tmp_path / "run.npz")).data
    assert found.origin == data.origin
    assert repr(found) == repr(data)
    np.testing.assert_array_equal(found.from_x(found.x), data.from_x(data.x))
