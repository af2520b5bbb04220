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

__all__ = ["MISSING", "Cell", "Notation", "kind_of", "notation_of", "possible", "symbol_of", "tidy", "without_symbol"]

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
_SYMBOLS = "%‰$€£¥°"  # one before or after every number of a column is the unit of the column
_MARKS = re.compile(r"[.,'\u2019 \u00a0\u2009\u202f]")
_TO_ASCII = str.maketrans({"\u2212": "-"})
_DIGITS = 18  # integers of so many digits fit into int64

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
        match = _pattern(self.decimal, self.thousands).fullmatch(cell)
        if match is None:
            raise ValueError(cell)
        whole = _MARKS.sub("", match["whole"]) if match["whole"] else ""
        text = (match["sign"] + whole).translate(_TO_ASCII)
        if match["rest"] is None and match["power"] is None and len(whole) <= _DIGITS:
            return int(text)
        return float(f"{text}.{match['rest'] or '0'}{match['power'] or ''}".translate(_TO_ASCII))

    def reads(self, cell: str) -> bool:
        """Whether a cell is a number in this notation."""
        return _pattern(self.decimal, self.thousands).fullmatch(cell) is not None


@cache
def _pattern(decimal: str, thousands: str) -> re.Pattern[str]:
    """Sign, digits alone or in groups, decimals, power of ten. Grouped digits begin with no 0 and take no power."""
    point, group = re.escape(decimal), THOUSANDS[thousands]
    plain = rf"(?P<whole>[0-9]+|(?={point}[0-9]))(?:{point}(?P<rest>[0-9]*))?(?P<power>[eE][+\-\u2212]?[0-9]+)?"
    if not group:
        return re.compile(rf"(?P<sign>[+\-\u2212]?){plain}")
    first = rf"[1-9][0-9]{{0,2}}(?P<mark>{group})[0-9]{{3}}(?:(?P=mark)[0-9]{{3}})*"
    plain = plain.replace("(?P<whole>[0-9]+|", f"(?P<whole>{first}(?!{point}?[0-9]*[eE])|[0-9]+|")
    return re.compile(rf"(?P<sign>[+\-\u2212]?){plain}")


def possible(decimal: str | None, thousands: str | None) -> list[Notation]:
    """All notations, or those that what the user says leaves; the plainest first."""
    pairs = (Notation(d, t) for t in THOUSANDS for d in ".," if d != t)
    return [n for n in pairs if decimal in (None, n.decimal) and thousands in (None, n.thousands)]


def tidy(cell: str) -> str:
    """A cell without the blanks around it, those that do not break a line included."""
    return cell.strip(" \t\r\n\u00a0\u2009\u202f\ufeff")


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


def symbol_of(cells: Iterable[str]) -> str:
    """The sign of a unit (%, $, €, ...) that every cell with a value has; "" if there is none, or if they differ."""
    found: set[str] = set()
    for cell in cells:
        if cell.casefold() in MISSING:
            continue
        found.add(next((s for s in _SYMBOLS if (s in cell[-1:]) or s in cell.lstrip("+-\u2212")[:1]), ""))
        if len(found) > 1:
            return ""
    return found.pop() if found else ""


def without_symbol(cell: str, symbol: str) -> str:
    """The cell without that sign and the blanks between it and the number."""
    return tidy(cell.replace(symbol, "", 1)).replace("- ", "-", 1) if symbol else cell


# -- which notation --------------------------------------------------------------------------------------


def notation_of(
    cells: Callable[[], Iterator[Cell]],
    texts: Iterable[str],
    candidates: Sequence[Notation],
    *,
    separator: str,
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
    separator : str
        Of the columns. In a file separated by commas a point is the decimal mark: it takes the comma as decimal
        mark only where a (quoted) cell cannot be read otherwise.

    Raises
    ------
    InputError
        Where two notations read every cell, and read some cell differently.
    """
    marked = [text for text in texts if _MARKS.search(text) and text.casefold() not in MISSING]
    used = set(chain.from_iterable(_MARKS.findall(text) for text in marked))
    candidates = [n for n in candidates if not n.thousands or used & set(THOUSANDS[n.thousands])] or list(candidates)
    misread = {n: sum(not n.reads(text) for text in marked) for n in candidates}
    best = [n for n in candidates if misread[n] == min(misread.values())]
    if separator == "," and not any("," in text for text in marked):
        best = [n for n in best if n.decimal == "."] or best
    chosen = best[0]
    if min(misread.values()) == 0:
        for other in best[1:]:
            differ = {text for text in marked if chosen(text) != other(text)}
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
    return {text: _value(text, notation) for text in texts}


def _value(text: str, notation: Notation) -> int | float | None:
    if text.casefold() in MISSING:
        return math.nan
    if is_infinite(text):
        return math.inf
    return notation(text) if notation.reads(text) else None
