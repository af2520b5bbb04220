"""DataFrames and Series of pandas as columns; workbooks and Parquet files, which pandas reads."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from knotflow._extras import needing_extras
from knotflow.data.cells import Columns, columns_of
from knotflow.data.layout import Kind, Layout, layout_of
from knotflow.data.notation import possible
from knotflow.data.options import Options, Wanted
from knotflow.data.pick import pick
from knotflow.data.text import Row
from knotflow.errors import InputError

__all__ = ["frame_columns", "is_frame", "is_series", "name_of", "plain", "read_table", "table_columns"]

_WORKBOOKS = {".xlsx": "openpyxl", ".xlsm": "openpyxl"}


def is_frame(value: Any) -> bool:
    """Whether it is a DataFrame; pandas is not imported for that."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, pandas.DataFrame)


def is_series(value: Any) -> bool:
    """Whether it is a Series; pandas is not imported for that."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, pandas.Series)


# -- DataFrames and Series -------------------------------------------------------------------------------


def frame_columns(frame: Any, wanted: Wanted, missing: str) -> Columns:
    """Columns of a DataFrame. Its index is its first column if it has a name, or holds dates or durations."""
    if not is_frame(frame):
        raise InputError(f"frame is of type {type(frame).__name__}: it must be a DataFrame of pandas")
    index = frame.index
    held = [(index.name, index)] if index.name is not None or index.dtype.kind in "mM" else []
    columns = [*held, *((name, frame.iloc[:, i]) for i, name in enumerate(frame.columns))]
    if not columns:
        raise InputError("frame has no columns: two, x and y, are needed")
    names = tuple("index" if name is None else _label(name) for name, _ in columns)
    kinds = tuple(_kind(values) for _, values in columns)
    layout = Layout(names, (), 0, len(columns), (), kinds)
    picked = pick(layout, wanted)
    values = [_values(layout.label(c), columns[c][1]) for c in picked.all]
    there = ~np.logical_or.reduce([_absent(each) for each in values])
    if missing == "error" and not there.all():
        row, column = next(
            (np.flatnonzero(_absent(v))[0], c) for v, c in zip(values, picked.all, strict=True) if _absent(v).any()
        )
        how = "fill it, or leave such rows out with missing='drop'"
        raise InputError(f"{layout.label(column)} has no value in row {row}: {how}")
    if not there.any():
        what = " and ".join(layout.label(c) for c in picked.all)
        raise InputError(f"no row has {'both ' * (len(values) == 2)}{what}: nothing is left with missing='drop'")
    kept = [each[there] for each in values]
    return Columns(kept[0], kept[1], kept[2] if len(kept) > 2 else None, names[picked.x], names[picked.y])


def table_columns(table: Any, weights: Any) -> Columns:
    """The usual columns of a DataFrame, or the index of a Series as x and its values as y."""
    if is_frame(table):
        if weights is not None:
            raise InputError("weights are given, but no y: name the columns, Samples.from_frame(frame, x, y, weights=)")
        return frame_columns(table, Wanted(), "error")
    if is_series(table):
        name = table.index.name
        return Columns(table.index, table, weights, "" if name is None else _label(name), name_of(table))
    raise InputError(f"y is None: it must be given with x, unless x is a DataFrame or a Series, not {_type(table)}")


def _type(value: Any) -> str:
    return type(value).__name__


def name_of(values: Any) -> str:
    """The name of a Series or of an index of pandas, "" for anything else."""
    pandas = sys.modules.get("pandas")
    if pandas is None or not isinstance(values, pandas.Series | pandas.Index) or values.name is None:
        return ""
    return _label(values.name)


def plain(values: Any) -> Any:
    """A Series of numbers as an array, nan where one is missing; anything else as it is."""
    if (is_series(values) or is_index(values)) and _kind(values) == "number":
        return _values("the series", values)
    return values


def is_index(value: Any) -> bool:
    """Whether it is an index; pandas is not imported for that."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, pandas.Index)


def _label(name: Any) -> str:
    return " ".join(map(str, name)).strip() if isinstance(name, tuple) else str(name)


def _kind(values: Any) -> Kind:
    import pandas as pd

    kinds = pd.api.types
    if kinds.is_datetime64_any_dtype(values) or kinds.is_timedelta64_dtype(values):
        return "date"
    if isinstance(values.dtype, pd.PeriodDtype) or _python_dates(values):
        return "date"
    return "number" if kinds.is_numeric_dtype(values) and not kinds.is_complex_dtype(values) else "text"


def _python_dates(values: Any) -> bool:
    """Whether a column of objects holds dates or durations of Python, and nothing else but missing ones."""
    if values.dtype.kind != "O":
        return False
    present = values[~values.isna()]
    return len(present) > 0 and all(isinstance(value, dt.date | dt.timedelta) for value in present)


def _values(where: str, values: Any) -> Any:
    """A column as an array: float64 where a number may be missing."""
    kind = _kind(values)
    if kind == "text":
        words = "it must hold numbers, or dates for x; convert it with pandas.to_numeric or pandas.to_datetime"
        raise InputError(f"{where} has dtype {values.dtype}: {words}")
    if kind == "date":
        return values if values.dtype.kind != "O" else values.to_numpy()
    if values.dtype.kind in "iub" and not values.isna().any():
        return values.to_numpy(dtype=np.uint64 if values.dtype.kind == "u" else np.int64)
    return values.to_numpy(dtype=np.float64, na_value=np.nan)


def _absent(values: Any) -> Any:
    import pandas as pd

    return np.asarray(pd.isna(values))


# -- files -----------------------------------------------------------------------------------------------


def read_table(path: str | PathLike[str], wanted: Wanted, options: Options) -> Columns | None:
    """The columns of a workbook (its first sheet) or of a Parquet file, by the ending of its name; None for others."""
    try:
        ending = Path(path).suffix.lower()
    except TypeError:
        return None
    if ending not in (*_WORKBOOKS, ".parquet") or not Path(path).is_file():
        return None
    if ending == ".parquet":
        _refuse_options(options, ("sep", "decimal", "thousands", "header", "comment", "encoding"), "a Parquet file")
        return frame_columns(_parquet(path), wanted, options.missing)
    _refuse_options(options, ("sep", "comment", "encoding"), "a workbook")
    rows = _workbook(path)
    notations = possible(options.decimal or ".", options.thousands)
    if not rows:
        raise InputError("the first sheet is empty: it must hold two columns of numbers")
    layout = layout_of(rows, notations, options.header, lambda _: [])
    return columns_of(layout, pick(layout, wanted), notations, ",", options.missing)


def _refuse_options(options: Options, names: Sequence[str], what: str) -> None:
    for name in names:
        if getattr(options, name) is not None:
            raise InputError(f"{name} is {getattr(options, name)!r}, but {what} has none: leave it out")


def _parquet(path: str | PathLike[str]) -> Any:
    with needing_extras():
        import pyarrow  # noqa: F401
    import pandas as pd

    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:
        raise InputError(f"it cannot be read as a Parquet file: {error}") from None


def _workbook(path: str | PathLike[str]) -> list[Row]:
    """The rows of the first sheet that are not blank, as text; numbers have all their digits."""
    with needing_extras():
        import openpyxl

    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except Exception as error:  # whatever a zip archive or the XML within may raise
        raise InputError(f"it cannot be read as a workbook: {error}") from None
    try:
        sheet = book.worksheets[0]
        rows = [Row(i + 1, [_written(cell) for cell in row]) for i, row in enumerate(sheet.iter_rows(values_only=True))]
    finally:
        book.close()
    width = max((len(row.cells) for row in rows), default=0)
    return [Row(r.line, r.cells + [""] * (width - len(r.cells))) for r in rows if any(r.cells)]


def _written(cell: Any) -> str:
    """A cell as text."""
    if cell is None:
        return ""
    if isinstance(cell, dt.datetime):
        return cell.isoformat(" ")
    return repr(cell) if isinstance(cell, float) else str(cell).strip()
