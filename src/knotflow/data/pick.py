"""Which columns of a file are meant."""

from __future__ import annotations

import difflib
import operator
from typing import NamedTuple

from knotflow.data.layout import Layout
from knotflow.data.options import Column, Wanted
from knotflow.errors import InputError

__all__ = ["Picked", "pick"]


class Picked(NamedTuple):
    """The numbers of the columns, from 0, an index left out."""

    x: int
    y: int
    weights: int | None

    @property
    def all(self) -> list[int]:
        return [column for column in self if column is not None]


def pick(layout: Layout, wanted: Wanted) -> Picked:
    """The columns that are meant, or the usual ones.

    Usual are the first two that hold numbers or dates; if one of the two holds dates, it is x, and y is the next one of
    numbers. Without a header, more than two such columns have no usual ones: the first may be an index, and what
    separates the numbers may be their decimal mark.
    """
    weights = None if wanted.weights is None else _find(layout, "weights", wanted.weights)
    x = None if wanted.x is None else _find(layout, "x", wanted.x)
    y = None if wanted.y is None else _find(layout, "y", wanted.y)
    if x is None or y is None:
        usual = _usual(layout, weights)
        x, y = usual[0] if x is None else x, usual[1] if y is None else y
    picked = Picked(x, y, weights)
    pairs = ((x, y, "x and y"), (x, weights, "x and weights"), (y, weights, "y and weights"))
    for one, other, names in pairs:
        if one == other:
            raise InputError(f"{names} are both {layout.label(one)}: name two columns; {layout.described()}")
    for column in picked.all[1:]:
        if layout.kinds[column] == "date":
            raise InputError(f"{layout.label(column)} holds dates: only x can be one of dates; {layout.described()}")
    return picked


def _usual(layout: Layout, weights: int | None) -> tuple[int, int]:
    held = [c for c, kind in enumerate(layout.kinds) if kind in ("number", "date") and c != weights]
    if len(held) > 2 and not (layout.names and layout.names[held[0]]) and layout.kinds[held[0]] == "number":
        what = "the first has no name and may be an index" if layout.names else "it has no header"
        raise InputError(
            f"{what}, and {len(held)} of its columns hold numbers: say which are x and y, "
            "for example x=0, y=1 (--x 0 --y 1)" + _joined(layout)
        )
    x = next((c for c in held[:2] if layout.kinds[c] == "date"), next(iter(held), None))
    numbers = [c for c in held if layout.kinds[c] == "number" and c != x]
    if x is None or not numbers:
        raise InputError(f"fewer than two columns hold numbers: name x and y; {layout.described()}{_other(layout)}")
    return x, next((c for c in numbers if c > x), numbers[0])


def _other(layout: Layout) -> str:
    """What stands in a column that holds no numbers, for those who thought that it does."""
    column = next((c for c, kind in reversed([*enumerate(layout.kinds)]) if kind == "text"), None)
    if column is None or not layout.rows:
        return ""
    cell = next(cell for cell in layout.cells(column) if cell)
    return f"; {cell[:40]!r} in {layout.label(column)} is neither a number nor a date as 2024-12-31"


def _joined(layout: Layout) -> str:
    """What to do where the separating commas may be decimal marks."""
    whole = all(cell.lstrip("+-").isdecimal() for row in layout.rows[:9] for cell in row.cells)
    return "; if commas are decimal marks, write points or separate columns by semicolons" if whole else ""


def _find(layout: Layout, argument: str, wanted: Column) -> int:
    """The position of the column that the user means by `wanted`."""
    if isinstance(wanted, str):
        matches = [c for c, name in enumerate(layout.names) if name == " ".join(wanted.split())]
        matches = matches or [c for c, parts in enumerate(layout.parts) if wanted.strip() in parts]
        if len(matches) > 1:
            raise InputError(f"{len(matches)} columns are called {wanted!r}: give {argument} by number")
        if matches:
            return matches[0]
        if not wanted.isdecimal():
            raise InputError(f"{argument} is {wanted!r}: no such column; {_suggest(layout, wanted)}")
    return _position(layout, argument, wanted)


def _suggest(layout: Layout, wanted: str) -> str:
    by_lower = {name.casefold(): name for name in layout.names}
    close = difflib.get_close_matches(wanted.casefold(), by_lower, n=1)
    return layout.described() + (f"; did you mean {by_lower[close[0]]!r}?" if close else "")


def _position(layout: Layout, argument: str, wanted: Column) -> int:
    try:
        column = int(wanted) if isinstance(wanted, str) else operator.index(wanted)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise InputError(f"{argument} is {wanted!r}: it must be a column's name or its number from 0") from None
    if not 0 <= column < layout.columns:
        what = f"there is no column {column}, they are numbered 0 to {layout.columns - 1}"
        raise InputError(f"{argument} is {wanted!r}: {what}; {layout.described()}")
    return column
