"""The columns of a file from every cell, with the line and the column of what cannot be read."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np

from knotflow._typing import Array
from knotflow.data.dates import dates_of
from knotflow.data.layout import Layout, some
from knotflow.data.notation import MISSING, Cell, Notation, notation_of, numbers_of, symbol_of, without_symbol
from knotflow.data.pick import Picked
from knotflow.errors import InputError

__all__ = ["Columns", "column_names", "columns_of", "notation_for"]


@dataclass(frozen=True)
class Columns:
    """Columns (n,) and the names that they have in the file, "" where there is none; x may be moments."""

    x: Any
    y: Array
    weights: Array | None
    x_name: str
    y_name: str


def columns_of(layout: Layout, picked: Picked, notations: Sequence[Notation], separator: str, missing: str) -> Columns:
    """The columns that are picked."""
    columns = {column: _Column(layout, column) for column in picked.all}
    notation, _ = notation_for(layout, picked, notations, separator)
    values = {
        c: column.dates(missing) if column.dated else column.numbers(notation, missing) for c, column in columns.items()
    }
    there = np.logical_and.reduce([~(np.isnat(v) if v.dtype.kind == "M" else np.isnan(v)) for v in values.values()])
    if not there.any():
        what = " and ".join(layout.label(column) for column in columns)
        raise InputError(f"no row has {'both ' * (len(columns) == 2)}{what}: nothing is left with missing='drop'")
    if picked.weights is not None:
        columns[picked.weights].check_positive(values[picked.weights])
    kept = [values[column][there] for column in picked.all]
    return Columns(kept[0], kept[1], kept[2] if len(kept) > 2 else None, *column_names(layout, picked))


def column_names(layout: Layout, picked: Picked) -> tuple[str, str]:
    """The names of x and y, with the sign of the unit that stands in every cell."""
    x, y = (_Column(layout, column) for column in picked[:2])
    return x.name, y.name


def notation_for(
    layout: Layout, picked: Picked, notations: Sequence[Notation], separator: str
) -> tuple[Notation, bool]:
    """The notation of the numbers in these columns, and whether its decimal mark is the only one possible."""
    chosen = [_Column(layout, column) for column in picked.all]
    for column in range(layout.columns):
        if layout.kinds[column] == "number" and column not in picked.all:
            notations = _those_that_read(_Column(layout, column), notations)
    return _notation([column for column in chosen if not column.dated], notations, separator)


def _those_that_read(column: _Column, notations: Sequence[Notation]) -> Sequence[Notation]:
    """The notations in which the cells of another column, the first and the last ones, are numbers; all if none is."""
    cells = [cell for cell in some(column.raw) if cell.casefold() not in MISSING]
    symbol = symbol_of(cells)
    bare = [without_symbol(cell, symbol) for cell in cells]
    return [each for each in notations if all(map(each.reads, bare))] or notations


def _notation(columns: Sequence[_Column], notations: Sequence[Notation], separator: str) -> tuple[Notation, bool]:
    texts = set(chain.from_iterable(column.texts for column in columns))
    cells: Callable[[], Iterator[Cell]] = lambda: chain.from_iterable(column.cells() for column in columns)  # noqa: E731
    return notation_of(cells, texts, notations, points=separator == "," and not any(map(_grouped, columns)))


def _grouped(column: _Column) -> bool:
    """Whether a column between commas may have another mark than the point before decimals: next to 1.500 stands 150.

    Who writes a fixed number of decimals writes them in every cell, and who does not writes 1.5.
    """
    present = [text for text in column.texts if text.casefold() not in MISSING]
    bare = any(text.lstrip("+-").isdecimal() for text in present)
    return any("," in text for text in present) or (bare and any("." in text for text in present))


@dataclass(frozen=True)
class _Column:
    layout: Layout
    column: int

    @property
    def dated(self) -> bool:
        return self.layout.kinds[self.column] == "date"

    @cached_property
    def raw(self) -> list[str]:
        return self.layout.cells(self.column)

    @cached_property
    def symbol(self) -> str:
        return symbol_of(self.raw)

    @cached_property
    def texts(self) -> list[str]:
        """The cells without the sign of their unit."""
        return [without_symbol(cell, self.symbol) for cell in self.raw] if self.symbol else self.raw

    @property
    def name(self) -> str:
        """That of the header, with the sign of the unit unless it is there."""
        name = self.layout.name(self.column)
        return name if not self.symbol or self.symbol in name else f"{name} ({self.symbol})".strip()

    def cells(self) -> Iterator[Cell]:
        for row, text in zip(self.layout.rows, self.texts, strict=True):
            yield Cell(row.line, text, self.layout.label(self.column))

    def numbers(self, notation: Notation, missing: str) -> Any:
        """(n,) int64 where all are integers, else float64; nan where the value is missing."""
        values = numbers_of(set(self.texts), notation)
        wrong = {text for text, value in values.items() if value is None or math.isinf(value)}
        self._refuse(wrong, missing, "number")
        found = [values[text] for text in self.texts]
        return np.array(found, np.int64 if all(type(value) is int for value in found) else np.float64)

    def dates(self, missing: str) -> Any:
        """(n,) datetime64, NaT where the value is missing."""
        try:
            values = dates_of([text for text in dict.fromkeys(self.texts) if text.casefold() not in MISSING])
        except InputError as error:
            raise InputError(f"{self.layout.label(self.column)}: {error}") from None
        self._refuse({text for text, value in values.items() if value is None}, missing, "date")
        fine = max((value.dtype for value in values.values() if value is not None), key=_fineness)
        return np.array([values.get(text, np.datetime64("NaT")) for text in self.texts], fine)

    def _refuse(self, wrong: set[str], missing: str, what: str) -> None:
        """InputError for the first cell that is wrong, or missing where that is an error."""
        for row, cell, text in zip(self.layout.rows, self.raw, self.texts, strict=True):
            absent = missing == "error" and text.casefold() in MISSING
            if text in wrong or absent:
                raise InputError(f"line {row.line}, {self.layout.label(self.column)}: {_fault(cell, absent, what)}")

    def check_positive(self, weights: Array) -> None:
        bad = np.flatnonzero(weights <= 0)
        if bad.size:
            row, cell = self.layout.rows[bad[0]], self.raw[bad[0]]
            where = f"line {row.line}, {self.layout.label(self.column)}"
            raise InputError(f"{where}: the weight is {cell}: every weight must be > 0; leave the row out instead")


def _fineness(unit: np.dtype[Any]) -> int:
    return ["s", "us", "ns"].index(np.datetime_data(unit)[0])


def _fault(cell: str, absent: bool, what: str) -> str:
    if absent:
        said = f"the value is missing ({cell!r})" if cell else "the cell is empty"
        return f"{said}; fill it, or leave such rows out with missing='drop' (--missing drop)"
    if what == "number" and _infinite(cell):
        return f"{cell!r} is infinite: every value must be finite"
    hint = "; all decimals must have the same mark" if what == "number" and re.search(r"\d[.,]\d", cell) else ""
    return f"{cell[:40]!r} is not a {what}{hint}"


def _infinite(cell: str) -> bool:
    """Whether a cell spells infinity, or a number that no float64 is."""
    try:
        return math.isinf(float(cell.replace(",", ".").replace("∞", "inf")))
    except ValueError:
        return False
