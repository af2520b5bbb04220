"""Two columns of numbers out of a delimited text file, whose delimiter and header are found, not asked for.

The messages leave out which file they are about: `Samples.from_csv` puts it in front.
"""

from __future__ import annotations

import csv
import difflib
import io
import math
import operator
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from os import PathLike
from pathlib import Path
from typing import Literal

import numpy as np

from knotflow._checks import choice, shown
from knotflow._typing import Array
from knotflow.errors import InputError

__all__ = ["Columns", "read_columns"]

_SEPARATORS = ("\t", ";", "|", ",", " ")  # the first of equals wins; " " stands for any run of blanks
_MISSING = frozenset(("", "na", "nan", "null", "none", "."))
_SAMPLE = 100  # rows from which the separator is judged

Kind = Literal["number", "missing", "text"]


@dataclass(frozen=True)
class Columns:
    """Two columns (n,) and the names they have in the file, "" where there is none."""

    x: Array
    y: Array
    x_name: str
    y_name: str


@dataclass(frozen=True)
class _Table:
    """The cells of a file without its header and its index column."""

    names: tuple[str, ...]  # one for each column, or () without a header
    rows: tuple[list[str], ...]
    lines: tuple[int, ...]  # where each row starts in the file, from 1
    decimal_comma: bool

    @property
    def width(self) -> int:
        return len(self.rows[0])

    def kind(self, cell: str) -> Kind:
        return _kind(cell, self.decimal_comma)

    def name(self, column: int) -> str:
        return self.names[column] if self.names else ""

    def label(self, column: int) -> str:
        """What messages call a column."""
        return f"column {self.name(column)!r}" if self.name(column) else f"column {column}"

    def columns(self) -> str:
        """What messages say about all of them."""
        if self.names:
            return f"its columns are {', '.join(map(repr, self.names))}"
        return f"it has no header and {self.width} columns, 0 to {self.width - 1}"


def read_columns(
    path: str | PathLike[str], x: str | int | None, y: str | int | None, missing: Literal["error", "drop"]
) -> Columns:
    """See `Samples.from_csv`. Cost: linear in the size of the file."""
    choice("missing", missing, ("error", "drop"))
    table = _read_table(path)
    first, second = _find(table, "x", x), _find(table, "y", y)
    if first == second:
        raise InputError(f"x and y are both {table.label(first)}: name two columns; {table.columns()}")
    numbers = np.array([_read_column(table, column, missing) for column in (first, second)])
    present = ~np.isnan(numbers).any(axis=0)
    if not present.any():
        what = f"{table.label(first)} and {table.label(second)}"
        raise InputError(f"no row has both {what}: nothing is left with missing='drop'")
    return Columns(numbers[0, present], numbers[1, present], table.name(first), table.name(second))


# -- the file as cells -----------------------------------------------------------------------------------


def _read_table(path: str | PathLike[str]) -> _Table:
    text = _read_text(path)
    separator = max(_SEPARATORS, key=lambda candidate: _fitness(text, candidate))
    lines, rows = zip(*_split(text, separator), strict=True)
    _check_width(lines, rows)
    decimal_comma = separator == ";"
    names: tuple[str, ...] = ()
    if _has_header(rows, decimal_comma):
        names, lines, rows = tuple(rows[0]), lines[1:], rows[1:]
    if not rows:
        raise InputError("the file has a header but no rows of data")
    if names and _counts_rows(names, rows):
        names, rows = names[1:], tuple(cells[1:] for cells in rows)
    if len(rows[0]) < 2:
        raise InputError("the file has only one column: two, x and y, are needed")
    return _Table(names, rows, lines, decimal_comma)


def _read_text(path: str | PathLike[str]) -> str:
    try:
        text = _decode(Path(path).read_bytes())
    except FileNotFoundError:
        raise InputError(f"there is no such file; relative paths start at {Path.cwd()}") from None
    except IsADirectoryError:
        raise InputError("it is a directory: give the path of a file") from None
    except OSError as error:
        raise InputError(f"it cannot be read: {error.strerror}") from None
    if next(_split(text, ","), None) is None:
        raise InputError("the file is empty: it must hold two columns of numbers")
    return text


def _decode(raw: bytes) -> str:
    bad = raw.find(b"\0")  # UTF-16, or no text at all
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        bad = error.start
    if bad >= 0:
        line = raw.count(b"\n", 0, bad) + 1
        raise InputError(f"line {line}: not UTF-8 text; save the file as UTF-8")
    return text


def _split(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """(line on which it starts, stripped cells) of every row that is not blank."""
    lines: Iterable[str] = io.StringIO(text, newline="")
    if separator == " ":
        lines = (line.strip().replace("\t", " ") for line in lines)
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True)
    line = 1
    try:
        for cells in reader:
            stripped = [cell.strip() for cell in cells]
            if stripped not in ([], [""]):
                yield line, stripped
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"line {line}: {error}; is a quote left open?") from None


def _fitness(text: str, separator: str) -> tuple[float, float]:
    """How well a separator explains the first rows: share of equally long ones, then of cells not text."""
    rows = [cells for _, cells in islice(_split(text, separator), _SAMPLE)]
    width, count = Counter(map(len, rows)).most_common(1)[0]
    if width == 1:
        return 0.0, 0.0
    cells = [cell for row in rows[1:] for cell in row]
    texts = sum(_kind(cell, separator == ";") == "text" for cell in cells)
    return count / len(rows), 1 - texts / max(1, len(cells))


def _check_width(lines: tuple[int, ...], rows: tuple[list[str], ...]) -> None:
    for line, cells in zip(lines, rows, strict=True):
        if len(cells) != len(rows[0]):
            raise InputError(
                f"line {line}: the number of cells is {len(cells)}, but {len(rows[0])} on line {lines[0]}: "
                "every row must have as many as the first"
            )


def _has_header(rows: tuple[list[str], ...], decimal_comma: bool) -> bool:
    """Text above numbers is a header; without numbers to go by, any text is."""
    first, body = rows[0], rows[1:]
    kinds = [_kind(cell, decimal_comma) for cell in first]
    above = [
        kind
        for kind, column in zip(kinds, zip(*body, strict=True), strict=False)
        if any(_kind(cell, decimal_comma) == "number" for cell in column)
    ]
    return "text" in above or ("number" not in above and "text" in kinds)


def _counts_rows(names: tuple[str, ...], rows: tuple[list[str], ...]) -> bool:
    """Whether the first column has no name and counts the rows, from 1 (R) or from 0 (pandas)."""
    first = [cells[0] for cells in rows]
    return names[0] == "" and any(first == [str(i + start) for i in range(len(rows))] for start in (0, 1))


# -- cells as numbers ------------------------------------------------------------------------------------


def _number(cell: str, decimal_comma: bool) -> float:
    """The number in a cell, nan where the cell says that it is missing; ValueError for any other text."""
    if cell.casefold() in _MISSING:
        return math.nan
    if "_" in cell:
        raise ValueError(cell)  # float() reads 1_000 as a number
    return float(cell.replace(",", ".") if decimal_comma else cell)


def _kind(cell: str, decimal_comma: bool) -> Kind:
    try:
        return "missing" if math.isnan(_number(cell, decimal_comma)) else "number"
    except ValueError:
        return "text"


def _find(table: _Table, argument: Literal["x", "y"], wanted: str | int | None) -> int:
    """The position of the column that the user means by `wanted`."""
    if wanted is None:
        return _default(table, argument)
    if isinstance(wanted, str):
        matches = [column for column, name in enumerate(table.names) if name == wanted.strip()]
        if len(matches) > 1:
            raise InputError(f"{len(matches)} columns are called {wanted!r}: give {argument} by number")
        if matches:
            return matches[0]
        if not wanted.isdecimal():
            raise InputError(f"{argument} is {shown(wanted)}: no such column; {_suggest(table, wanted)}")
    return _position(table, argument, wanted)


def _default(table: _Table, argument: Literal["x", "y"]) -> int:
    """The first (x) or second (y) column that holds any number."""
    numeric = (c for c in range(table.width) if any(table.kind(cells[c]) == "number" for cells in table.rows))
    column = next(islice(numeric, 0 if argument == "x" else 1, None), None)
    if column is None:
        raise InputError(f"fewer than two columns hold numbers: name x and y; {table.columns()}")
    return column


def _suggest(table: _Table, wanted: str) -> str:
    by_lower = {name.casefold(): name for name in table.names}
    close = difflib.get_close_matches(wanted.casefold(), by_lower, n=1)
    return table.columns() + (f"; did you mean {by_lower[close[0]]!r}?" if close else "")


def _position(table: _Table, argument: Literal["x", "y"], wanted: str | int) -> int:
    try:
        column = int(wanted) if isinstance(wanted, str) else operator.index(wanted)
    except TypeError:
        raise InputError(f"{argument} is {shown(wanted)}: it must be a column's name or its number from 0") from None
    if not 0 <= column < table.width:
        what = f"there is no column {column}, they are numbered 0 to {table.width - 1}"
        raise InputError(f"{argument} is {shown(wanted)}: {what}; {table.columns()}")
    return column


def _read_column(table: _Table, column: int, missing: Literal["error", "drop"]) -> list[float]:
    numbers = []
    for line, cells in zip(table.lines, table.rows, strict=True):
        try:
            numbers.append(_read_cell(cells[column], table.decimal_comma, missing))
        except InputError as error:
            raise InputError(f"line {line}, {table.label(column)}: {error}") from None
    return numbers


def _read_cell(cell: str, decimal_comma: bool, missing: Literal["error", "drop"]) -> float:
    try:
        number = _number(cell, decimal_comma)
    except ValueError:
        hint = "; write decimals with a point" if "," in cell else ""
        raise InputError(f"{cell[:40]!r} is not a number{hint}") from None
    if math.isinf(number):
        raise InputError(f"{cell!r} is infinite: every value must be finite")
    if math.isnan(number) and missing == "error":
        what = f"the value is missing ({cell!r})" if cell else "the cell is empty"
        raise InputError(f"{what}; fill it, or leave such rows out with missing='drop' (--missing drop)")
    return number
