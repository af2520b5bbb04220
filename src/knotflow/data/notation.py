"""Cells of a file as numbers: which marks separate decimals and thousands, and what the cells then mean.

A cell such as "1,500" is 1.5 or 1500. A notation says which; the cells of a file decide which notations are possible.
Where two are, and give different numbers, nothing is guessed: `notation_of` refuses and shows both.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Literal

from knotflow.errors import InputError

__all__ = ["MISSING", "Cell", "Notation", "kind_of", "notation_of", "possible", "symbol_of", "without_symbol"]

MISSING = frozenset(
    {
        *(
            "",
            ".",
            "-",
            "--",
            "–",
            "—",
            "?",
            "na",
            "n/a",
            "<na>",
            "nan",
            "-nan",
            "nat",
            "nil",
            "null",
            "none",
            "missing",
        ),
        *("#n/a", "#na", "#n/a n/a", "#div/0!", "#value!", "#ref!", "#num!", "#name?", "#null!"),
        *("1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan"),
    }
)  # in lower case
THOUSANDS = {"": "", ".": r"\.", ",": ",", "'": "['\u2019]", " ": "[ \u00a0\u2009\u202f]"}
_GROUPS = {"": "", ".": ".", ",": ",", "'": "'\u2019", " ": " \u00a0\u2009\u202f"}  # the same marks, one by one
_SYMBOLS = "%‰$€£¥°"  # one before or after every number of a column is the unit of the column
_MARKS = re.compile(r"[.,'\u2019 \u00a0\u2009\u202f]")
_FEW = 1000
_LONGEST = 20  # characters of the longest int64

Kind = Literal["number", "missing", "text"]


@dataclass(frozen=True)
class Cell:
    """What is in the file: the line, counted from 1 as an editor does, the text and the column as messages name it."""

    line: int
    text: str
    where: str


@dataclass(frozen=True)
class Notation:
    """The decimal mark, and the mark between groups of three digits or ""."""

    decimal: str
    thousands: str

    def __call__(self, cell: str) -> int | float:
        """The number in a cell; ValueError for any other text."""
        if not self.reads(cell):
            raise ValueError(cell)
        return self.value(cell)

    def value(self, cell: str) -> int | float:
        """The number in a cell that is one in this notation."""
        for mark in _GROUPS[self.thousands]:
            cell = cell.replace(mark, "")
        if self.decimal != ".":
            cell = cell.replace(self.decimal, ".")
        cell = cell.replace("\u2212", "-")
        if len(cell) <= _LONGEST and cell.lstrip("+-").isdigit() and -(2**63) <= (number := int(cell)) < 2**63:
            return number
        return float(cell)

    def reads(self, cell: str) -> bool:
        """Whether a cell is a number in this notation."""
        return _pattern(self.decimal, self.thousands).fullmatch(cell) is not None


@cache
def _pattern(decimal: str, thousands: str) -> re.Pattern[str]:
    """Sign, digits alone or in groups, decimals, power of ten. Grouped digits begin with no 0 and take no power."""
    point, group = re.escape(decimal), THOUSANDS[thousands]
    sign, rest = r"[+\-\u2212]?", rf"(?:{point}[0-9]{'*' if decimal == '.' else '+'})?"  # 5. but not 5,
    plain = rf"(?:[0-9]+|(?={point}[0-9])){rest}(?:[eE]{sign}[0-9]+)?"
    if not group:
        return re.compile(f"{sign}{plain}")
    grouped = rf"[1-9][0-9]{{0,2}}({group})[0-9]{{3}}(?:\1[0-9]{{3}})*{rest}"
    return re.compile(f"{sign}(?:{grouped}|{plain})")


def possible(decimal: str | None, thousands: str | None) -> list[Notation]:
    """All notations, or those that what the user says leaves; the plainest first."""
    pairs = (Notation(d, t) for t in THOUSANDS for d in ".," if d != t)
    return [n for n in pairs if decimal in (None, n.decimal) and thousands in (None, n.thousands)]


# -- what is in a cell -----------------------------------------------------------------------------------


def kind_of(cell: str, notations: Sequence[Notation]) -> Kind:
    """Whether a cell holds a number in any of the notations, says that there is none, or is another text."""
    if cell.casefold() in MISSING:
        return "missing"
    bare = without_symbol(cell, symbol_of([cell]))
    return "number" if is_infinite(bare) or any(n.reads(bare) for n in notations) else "text"


def is_infinite(cell: str) -> bool:
    """Whether a cell spells infinity."""
    return cell.lstrip("+-").casefold() in ("inf", "infinity", "∞")


def symbol_of(cells: Sequence[str]) -> str:
    """The sign of a unit (%, $, €, ...) that every cell with a value has; "" if there is none, or if they differ."""
    joined = "".join(cells)
    present = [symbol for symbol in _SYMBOLS if symbol in joined]
    if len(present) != 1:
        return ""
    symbol = present[0]
    values = (cell.lstrip("+-\u2212") for cell in cells if cell.casefold() not in MISSING)
    return symbol if all(symbol in (value[:1], value[-1:]) for value in values) else ""


def without_symbol(cell: str, symbol: str) -> str:
    """The cell without that sign and the blanks between it and the number."""
    return cell.replace(symbol, "", 1).strip().replace("- ", "-", 1) if symbol else cell


# -- which notation --------------------------------------------------------------------------------------


def notation_of(
    cells: Callable[[], Iterator[Cell]],
    texts: Iterable[str],
    candidates: Sequence[Notation],
    *,
    points: bool,
) -> tuple[Notation, bool]:
    """The notation of all the numbers of a file, and whether its decimal mark is the only one possible.

    Parameters
    ----------
    cells : callable
        Gives the cells in the order in which messages should speak of them.
    texts : iterable of str
        The distinct texts among them, without signs of units.
    candidates : sequence of Notation
        `possible`.
    points : bool
        Whether a point is the decimal mark if it can be.

    Raises
    ------
    InputError
        Where two notations read every cell, and read some cell differently.
    """
    marked = [text for text in texts if _MARKS.search(text) and text.casefold() not in MISSING]
    used = set(chain.from_iterable(_MARKS.findall(text) for text in marked))
    # A mark of thousands that occurs nowhere changes nothing, where the same notation without it is possible.
    plain = {n.decimal for n in candidates if not n.thousands}
    candidates = [
        n for n in candidates if not n.thousands or used & set(_GROUPS[n.thousands]) or n.decimal not in plain
    ]
    # Whatever reads all reads the first ones.
    candidates = [n for n in candidates if all(map(n.reads, marked[:_FEW]))] or candidates
    misread = {n: sum(not n.reads(text) for text in marked) for n in candidates}
    best = [n for n in candidates if misread[n] == min(misread.values())]
    if points:
        best = [n for n in best if n.decimal == "."] or best
    chosen = best[0]
    if min(misread.values()) == 0:
        for other in (each for each in best if each.decimal != chosen.decimal):
            differ = {text for text in marked if chosen.value(text) != other.value(text)}
            if differ:
                raise InputError(_both(next(c for c in cells() if c.text in differ), chosen, other))
    return chosen, len({n.decimal for n in best}) == 1


def _both(cell: Cell, one: Notation, other: Notation) -> str:
    """What is said of a cell that has two readings."""

    def option(notation: Notation) -> tuple[str, str]:
        by_group = notation.thousands and notation.thousands in cell.text
        return ("thousands", notation.thousands) if by_group else ("decimal", notation.decimal)

    readings = [(n(cell.text), *option(n)) for n in (one, other)]
    words = " or ".join(f"{value:.15g} ({name}={mark!r})" for value, name, mark in readings)
    flags = " or ".join(f"--{name} {mark!r}" for _, name, mark in readings)
    return f"line {cell.line}, {cell.where}: {cell.text!r} is {words}: say which ({flags})"


# -- numbers ---------------------------------------------------------------------------------------------


def numbers_of(texts: Iterable[str], notation: Notation) -> Mapping[str, int | float | None]:
    """The number in each distinct text: nan for one that says it is missing, None for one that is no number."""
    is_number, value = _pattern(notation.decimal, notation.thousands).fullmatch, notation.value
    return {text: value(text) if is_number(text) else _other(text) for text in texts}


def _other(text: str) -> float | None:
    if text.casefold() in MISSING:
        return math.nan
    return math.inf if is_infinite(text) else None
