"""Where the columns of a delimited text are, found from its first and last rows: separator, header, units, index."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from knotflow.data.dates import is_date
from knotflow.data.notation import Notation, kind_of
from knotflow.data.text import SPACED_COMMA, Row
from knotflow.errors import InputError

__all__ = ["Layout", "layout_of", "separator_of"]

SEPARATORS = ("\t", ";", "|", ",", " ", SPACED_COMMA)  # the first of equals wins; " " stands for any run of blanks
_SPELT = {"\t": "tab", " ": "space", SPACED_COMMA: "comma and space"}
_JUDGED = 100  # rows from which the separator is judged
_HEAD, _TAIL = 200, 20  # first and last rows from which it is judged what a column holds

Kind = Literal["number", "missing", "text", "date"]


@dataclass(frozen=True)
class Layout:
    """The columns of a file, without an index, and its rows of data.

    names    one for each column, or () without a header
    rows     those of data, all of them or some of a long file
    first    how many columns before the first are no columns of data: 1 with an index, else 0
    width    the number of cells in a row of the file, the index included
    header   the rows above the data, which logs repeat
    kinds    what each column holds
    parts    what the rows of the header say of each column
    """

    names: tuple[str, ...]
    rows: tuple[Row, ...]
    first: int
    width: int
    header: tuple[Row, ...]
    kinds: tuple[Kind, ...] = ()
    parts: tuple[tuple[str, ...], ...] = ()

    @property
    def columns(self) -> int:
        return self.width - self.first

    def name(self, column: int) -> str:
        return self.names[column] if self.names else ""

    def label(self, column: int) -> str:
        """What messages call a column."""
        return f"column {self.name(column)!r}" if self.name(column) else f"column {column}"

    def described(self) -> str:
        """What messages say about all columns."""
        if self.names:
            return f"its columns are {', '.join(map(repr, self.names))}"
        return f"it has no header and {self.columns} columns, 0 to {self.columns - 1}"

    def cells(self, column: int) -> list[str]:
        return [row.cells[self.first + column] for row in self.rows]


# -- separator -------------------------------------------------------------------------------------------


def separator_of(split: Callable[[str], Sequence[Row]], notations: Sequence[Notation], quoted: bool) -> str:
    """The separator that explains the first rows best: `split` gives these for each candidate.

    InputError where two explain all of them, as a comma and a blank do in "1,500 2,500".
    """
    candidates = [s for s in SEPARATORS if not (quoted and s == SPACED_COMMA)]
    first = {s: split(s)[:_JUDGED] for s in candidates}
    fitness = {s: _fitness(first[s], notations) for s in candidates}
    best = max(candidates, key=lambda candidate: fitness[candidate])
    if best in ",":
        widths = {s: len(first[s][-1].cells) for s in (best, " ", SPACED_COMMA) if fitness.get(s) == (1.0, 1.0)}
        for other, width in widths.items():
            if width != widths[best]:
                row = first[best][-1]
                ways = [f"{widths[s]} columns (sep={_SPELT.get(s, s)!r})" for s in (best, other)]
                flags = " or ".join(f"--sep {_SPELT.get(s, s)!r}" for s in (best, other))
                raise InputError(f"line {row.line} is {' or '.join(ways)}, with commas as decimal marks: say ({flags})")
    return best


def _fitness(rows: Sequence[Row], notations: Sequence[Notation]) -> tuple[float, float]:
    """How well a separator explains rows: the share of equally long ones, then of cells that are no other text."""
    if not rows:
        return 0.0, 0.0
    width, count = Counter(len(row.cells) for row in rows).most_common(1)[0]
    if width == 1:
        return 0.0, 0.0
    cells = [cell for row in rows[1:] for cell in row.cells]
    texts = sum(kind_of(cell, notations) == "text" and not is_date(cell) for cell in cells)
    return count / len(rows), 1 - texts / max(1, len(cells))


# -- header ----------------------------------------------------------------------------------------------


def layout_of(
    rows: Sequence[Row],
    notations: Sequence[Notation],
    header: int | None,
    remark: Callable[[int], list[str]],
) -> Layout:
    """The layout of these rows.

    Parameters
    ----------
    rows : sequence of Row
        All, or the first and the last ones.
    notations : sequence of Notation
        Those in which a cell may be a number.
    header : int, optional
        The line of the header, 0 for none; None to find out.
    remark : callable
        The cells of the comment above a line, [] if there is none: it may be the header.
    """
    if header:
        rows = [row for row in rows if row.line >= header]
        if not rows or rows[0].line != header:
            raise InputError(f"header is {header}: line {header} must hold the names of the columns, but it is blank")
    rows, width = _even(rows)
    if header:
        count = 1 + _is_units(rows[1:], notations)
    elif header == 0:
        count = 0
    else:
        rows, count = _without_preamble(rows, width, notations)
    above, body = tuple(rows[:count]), list(rows[count:])
    titles = [row.cells for row in above]
    if not count and header is None and body and len(named := remark(body[0].line)) == width:
        titles = [named]
    heads = [row.cells for row in above]
    body = [row for row in body if row.cells not in heads]
    if not body:
        raise InputError("the file has a header but no rows of data")
    _check_width(body, width, above)
    parts = tuple(zip(*titles, strict=True))
    layout = Layout(_named(parts), tuple(body), 0, width, above, parts=parts)
    layout = replace(layout, kinds=tuple(_kind(layout.cells(c), notations) for c in range(width)))
    layout = _without_index(layout)
    if layout.columns < 2:
        raise InputError("the file has only one column: two, x and y, are needed")
    return layout


def _even(rows: Sequence[Row]) -> tuple[list[Row], int]:
    """The rows without what trailing separators add, and the number of cells that most have."""
    width = Counter(len(row.cells) for row in rows).most_common(1)[0][0]
    full = [row.cells for row in rows if len(row.cells) == width]
    while width > 1 and not any(cells[width - 1] for cells in full):
        width -= 1
    return [_cut(row, width) for row in rows], width


def _cut(row: Row, width: int) -> Row:
    return row if len(row.cells) <= width or any(row.cells[width:]) else Row(row.line, row.cells[:width])


def _without_preamble(rows: list[Row], width: int, notations: Sequence[Notation]) -> tuple[list[Row], int]:
    """The rows from the header on, and how many they are that the header takes: 0, 1, or 2 with units."""
    k = next(i for i, row in enumerate(rows) if len(row.cells) == width)
    head = _has_header([row for row in rows[k:] if len(row.cells) == width], notations)
    # Titles above a header are words; a row of numbers that is too short or too long is a fault.
    titles = all(any(kind_of(cell, notations) == "text" for cell in row.cells) for row in rows[:k])
    if k and not (head and titles):
        _check_width(rows[k:] if len(rows[0].cells) == width else rows, len(rows[0].cells), ())
    return rows[k:], head and 1 + _is_units(rows[k + 1 :], notations)


def _has_header(rows: Sequence[Row], notations: Sequence[Notation]) -> int:
    """1 if there is one: text above numbers is a header; without numbers to go by, any text is."""
    first, body = rows[0].cells, [row.cells for row in rows[1:]]
    kinds = [_cell_kind(cell, notations) for cell in first]
    above = [
        kind
        for kind, column in zip(kinds, zip(*body, strict=True), strict=False)
        if _kind(column, notations) in ("number", "date")
    ]
    return int("text" in above or (not {"number", "date"} & set(above) and "text" in kinds))


def _is_units(rows: Sequence[Row], notations: Sequence[Notation]) -> int:
    """1 if the first row is one of units: no number in it, and text above numbers."""
    rows = [row for row in rows if len(row.cells) == len(rows[0].cells)]
    if len(rows) < 2 or not _has_header(rows, notations):
        return 0
    kinds = [_cell_kind(cell, notations) for cell in rows[0].cells]
    columns = zip(*(row.cells for row in rows[1:]), strict=True)
    above = {k for k, column in zip(kinds, columns, strict=True) if _kind(column, notations) in ("number", "date")}
    return int(above <= {"text", "missing"} and "text" in above)


def _check_width(rows: Sequence[Row], width: int, above: Sequence[Row]) -> None:
    first = above[0] if above else rows[0]
    for row in (*above, *rows):
        if len(row.cells) != width:
            raise InputError(
                f"line {row.line}: the number of cells is {len(row.cells)}, but {width} on line {first.line}: "
                "every row must have as many as the first" + _hint(row, width)
            )


def _hint(row: Row, width: int) -> str:
    """Where commas separate and twice as many numbers are found: what may have happened."""
    if len(row.cells) == 2 * width and all(re.fullmatch(r"[+-]?[0-9]+", cell) for cell in row.cells):
        return "; if commas are decimal marks here, write points or separate columns by semicolons"
    return ""


def _named(titles: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """A name for each column: that of the header, and in brackets what a second row says of it."""
    names = []
    for parts in titles:
        name, *more = (" ".join(part.split()) for part in parts)
        unit = more[0] if more else ""
        if unit and name:
            unit = unit if unit[0] in "[(" else f"({unit})"
        names.append(f"{name} {unit}".strip())
    return tuple(name.lstrip("# ") if name.startswith("#") else name for name in names)


# -- kinds of columns ------------------------------------------------------------------------------------


def _cell_kind(cell: str, notations: Sequence[Notation]) -> Kind:
    kind = kind_of(cell, notations)
    return "date" if kind == "text" and is_date(cell) else kind


def _kind(cells: Sequence[str], notations: Sequence[Notation]) -> Kind:
    """What most of the cells with a value are, of the first and the last ones unless these have none."""
    some = cells if len(cells) <= _HEAD + _TAIL else [*cells[:_HEAD], *cells[-_TAIL:]]
    counts: Counter[Kind] = Counter(_cell_kind(cell, notations) for cell in some)
    present: list[Kind] = [kind for kind in ("number", "date", "text") if counts[kind]]
    if not present and len(some) < len(cells):
        return next((kind for kind in (_cell_kind(cell, notations) for cell in cells) if kind != "missing"), "missing")
    return max(present, key=counts.__getitem__, default="missing")


def _without_index(layout: Layout) -> Layout:
    """Without the first column if it has no name and counts the rows, or if two others hold data."""
    if not layout.names or layout.names[0] not in ("", "Unnamed: 0"):
        return layout
    first = layout.cells(0)
    counts = any(first == [str(i + start) for i in range(len(first))] for start in (0, 1))
    if counts or sum(kind in ("number", "date") for kind in layout.kinds[1:]) >= 2:
        return replace(layout, names=layout.names[1:], kinds=layout.kinds[1:], parts=layout.parts[1:], first=1)
    return layout
