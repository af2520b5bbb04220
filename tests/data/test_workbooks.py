"""Workbooks and Parquet files as openpyxl and PyArrow write them, read by `Samples.from_csv`."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from knotflow import InputError, Samples


def workbook(path: Path, *rows: tuple[Any, ...]) -> Path:
    book = pytest.importorskip("openpyxl").Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def parquet(path: Path, frame: pd.DataFrame) -> Path:
    pytest.importorskip("pyarrow")
    frame.to_parquet(path)
    return path


def test_a_workbook_keeps_every_digit(tmp_path: Path) -> None:
    rows = [("A title", None), ("t", "y"), ("s", "mV"), (0.1, 1 / 3), (2, 1.234), (None, None), (5, -1e-9)]
    data = Samples.from_csv(workbook(tmp_path / "a.xlsx", *rows))
    np.testing.assert_array_equal(data.x, [0.1, 2, 5])
    np.testing.assert_array_equal(data.y, [1 / 3, 1.234, -1e-9])
    assert (data.x_name, data.y_name) == ("t (s)", "y (mV)")


def test_dates_of_a_workbook_are_x(tmp_path: Path) -> None:
    days = [dt.datetime(2024, 1, 1), dt.date(2024, 1, 2), dt.datetime(2024, 1, 4, 12)]
    data = Samples.from_csv(workbook(tmp_path / "a.xlsx", ("y", "day"), *zip([1, 2, 4], days, strict=True)))
    np.testing.assert_array_equal(data.x, [0, 1, 3.5])
    np.testing.assert_array_equal(data.y, [1, 2, 4])
    assert data.dated


def test_flags_in_a_workbook_are_no_numbers(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", ("t", "y"), (1, True), (2, 2), (3, 3))
    with pytest.raises(InputError, match=r"a\.xlsx: line 2, column 'y': 'True' is not a number$"):
        Samples.from_csv(path)


def test_an_empty_workbook_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"the first sheet is empty"):
        Samples.from_csv(workbook(tmp_path / "a.xlsx"))


def test_a_parquet_file_keeps_dates_and_what_is_missing(tmp_path: Path) -> None:
    hours = pd.date_range("2024-01-01", periods=4, freq="12h")
    frame = pd.DataFrame({"ok": [True, False] * 2, "v": pd.array([1, None, 3, 2**53], dtype="Int64"), "t": hours})
    path = parquet(tmp_path / "a.parquet", frame)
    with pytest.raises(InputError, match=r"column 'v' has no value in row 1"):
        Samples.from_csv(path, "t", "v")
    data = Samples.from_csv(path, missing="drop")
    np.testing.assert_array_equal(data.x, [0, 1, 1.5])
    np.testing.assert_array_equal(data.y, [1, 3, 2**53])
    assert (data.x_name, data.y_name) == ("t", "v")


@pytest.mark.parametrize(
    ("name", "library", "what"), [("a.xlsx", "openpyxl", "a workbook"), ("a.parquet", "pyarrow", "a Parquet file")]
)
def test_a_text_under_another_name_is_refused(tmp_path: Path, name: str, library: str, what: str) -> None:
    pytest.importorskip(library)
    (tmp_path / name).write_text("t,y\n1,2\n2,3\n")
    with pytest.raises(InputError, match=rf"{name}: it cannot be read as {what}: "):
        Samples.from_csv(tmp_path / name)
