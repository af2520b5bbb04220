"""The body of a long file at once, by pandas: only where every cell is certainly a plain number."""

from __future__ import annotations

import io
import math
import re
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from knotflow.data.cells import Columns, column_names, notation_for
from knotflow.data.layout import Layout
from knotflow.data.notation import MISSING, Notation, numbers_of
from knotflow.data.options import Wanted
from knotflow.data.pick import pick
from knotflow.data.text import SPACED_COMMA, Row, split
from knotflow.errors import InputError

__all__ = ["ENDS", "at_once"]

ENDS = 200  # lines of the beginning of a long file that stand for all, and about a tenth as many of its end
_TAIL = 1000  # characters
_MISSING = sorted({form(mark) for mark in MISSING for form in (str.lower, str.upper, str.title)})
_FORMS = tuple(
    (re.compile(re.sub("%[YmdHMSf]", "[0-9]+", form)), form)
    for form in ("%Y-%m-%d", *(f"%Y-%m-%d{t}{clock}" for t in " T" for clock in ("%H:%M", "%H:%M:%S", "%H:%M:%S.%f")))
)


def at_once(
    text: str,
    separator: str,
    notations: Sequence[Notation],
    layout_of: Callable[[Sequence[Row]], Layout],
    wanted: Wanted,
    missing: str,
) -> Columns | None:
    """The columns, or None where that needs all cells: where one is missing, quoted, no number or has two readings."""
    if separator == SPACED_COMMA:
        return None
    ends = [*split(text[: offset(text, ENDS)], separator), *split(text[-_TAIL:].partition("\n")[2], separator)]
    try:
        layout = layout_of(ends)
        picked = pick(layout, wanted)
        notation, sure = notation_for(layout, picked, notations, separator)
    except InputError:
        return None  # what is wrong is said of all cells
    unnamed = layout.names[:1] in ((), ("",), ("Unnamed: 0",))
    if "missing" in layout.kinds or (layout.names and unnamed):
        return None
    frame = _frame(text[offset(text, layout.rows[0].line - 1) :], separator, layout.width, notation.decimal)
    if frame is None:
        return None
    certain = notation if sure else None
    values = [
        _moments(frame[layout.first + c]) if layout.kinds[c] == "date" else _numbers(frame[layout.first + c], certain)
        for c in picked.all
    ]
    if any(each is None for each in values):
        return None
    # Integers are the same in every notation; with a comma between columns a point is the decimal mark.
    if not (sure or separator == "," or all(each.dtype.kind in "iuM" for each in values)):
        return None
    there = ~np.logical_or.reduce([each != each for each in values])  # not missing
    values = values if there.all() else [each[there] for each in values]
    if (missing == "error" and not there.all()) or not there.any() or not all((each > 0).all() for each in values[2:]):
        return None
    return Columns(values[0], values[1], values[2] if len(values) > 2 else None, *column_names(layout, picked))


def offset(text: str, lines: int) -> int:
    """Where in the text that many lines end."""
    end = 0
    for _ in range(lines):
        end = text.find("\n", end) + 1
        if not end:
            return len(text)
    return end


def _frame(body: str, separator: str, width: int, decimal: str) -> Any:
    """The cells as pandas reads them, (n, width); None if a row may be too short or too long."""
    import pandas as pd

    if decimal == "," and re.search(r",(?![0-9])", body):  # pandas reads 5, as 5
        return None
    exact = {} if tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1) else {"float_precision": "round_trip"}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)
            frame = pd.read_csv(
                io.StringIO(body),
                sep=r"\s+" if separator == " " else separator,
                header=None,
                names=range(width),
                index_col=False,
                decimal=decimal,
                keep_default_na=False,
                na_values=_MISSING,
                skipinitialspace=True,
                low_memory=False,
                **exact,
            )
    except (ValueError, pd.errors.ParserError, pd.errors.ParserWarning):
        return None
    # A row too short ends with cells that are missing.
    if '"' in body:
        return None if frame.isna().to_numpy().any() else frame
    if separator == " ":
        return None if frame[width - 1].isna().any() else frame
    return frame if body.count(separator) == len(frame) * (width - 1) else None


def _numbers(column: Any, notation: Notation | None) -> Any:
    """(n,) int64, uint64 or float64, nan where the value is missing; None unless the others are finite numbers.

    What pandas leaves as text is read in the notation, if that is certain.
    """
    values = column.to_numpy()
    if values.dtype.kind in "iuf":
        return None if np.isinf(values).any() else values
    if notation is None or values.dtype.kind == "b" or column.isna().any():
        return None
    texts = values.tolist()
    if not all(isinstance(text, str) for text in texts):
        return None
    read = numbers_of(set(texts), notation)
    if any(number is None or not math.isfinite(number) for number in read.values()):
        return None
    return np.array([float(read[text]) for text in texts])  # type: ignore[arg-type]


def _moments(column: Any) -> Any:
    """(n,) datetime64 where all cells are dates in the one form that the first has, of `_FORMS`; or None."""
    import pandas as pd

    if column.dtype.kind in "biuf":
        return None
    form = next((form for example, form in _FORMS if example.fullmatch(str(column.iloc[0]))), None)
    try:
        return None if form is None else pd.to_datetime(column, format=form).to_numpy()
    except ValueError:
        return None
