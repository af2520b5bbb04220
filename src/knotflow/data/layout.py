"""Where the columns of a delimited text are, found from its first and last rows: separator, header, units, index."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from knotflow.data.dates import is_date
from knotflow.data.notation import Notation, kind_of
from knotflow.data.text import SPACED_COMMA, Row
from knotflow.errors import InputError

__all__ = ["Layout", "layout_of", "separator_of"]

SEPARATORS = ("\t", ";", "|", ",", " ", SPACED_COMMA)  # the first of equals wins; " " stands for any run of blanks
_SPELT = {"\t": "tab", " ": "space", SPACED_COMMA: "comma and space"}
_GARBLED = re.compile(r"[0-9.,'\u2019\s()+-]*")  # no name: a number, written wrong
_JUDGED = 100  # rows from which the separator is judged
_UNIT = re.compile(
    r"%|\S*[/·^*²³µμ°Ω]\S*|[fpnumkMGT]?(?:s|sec|min|h|d|a|m|g|K|C|F|V|A|W|J|N|Pa|bar|Hz|mol|eV|B|Ohm|l|L)"
)
_WORDLESS = re.compile(r"[0-9.,'\u2019\s()+%‰$€£¥°-]*")
_DATA = ("number", "date")
_HEAD, _TAIL = 200, 20  # first and last rows from which it is judged what a column holds

T = TypeVar("T")
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
    if fitness[best][0] > 0:
        _check_rivals(best, first, fitness, notations)
    return best


def _check_rivals(
    best: str,
    first: Mapping[str, Sequence[Row]],
    fitness: Mapping[str, tuple[float, float]],
    notations: Sequence[Notation],
) -> None:
    """InputError if another separator than the best one of commas and blanks explains the rows as well."""
    loose = [s for s in (",", " ", SPACED_COMMA) if s in fitness and s != best]
    if best not in (",", " ", SPACED_COMMA):
        return
    cut = any(_is_cut(row, best, notations) for row in first[best])
    for other in loose:
        rows = [(one, two) for one, two in zip(first[best], first[other], strict=False) if one.cells != two.cells]
        if rows and (fitness[other] == fitness[best] or (cut and other != SPACED_COMMA)):
            line, ways = rows[-1][0].line, zip((best, other), rows[-1], strict=True)
            said = " or ".join(f"{row.cells} (sep={_SPELT.get(s, s)!r})" for s, row in ways)
            flags = " or ".join(f"--sep {_SPELT.get(s, s)!r}" for s in (best, other))
            raise InputError(f"line {line} is {said}: say which ({flags})")


def _is_cut(row: Row, separator: str, notations: Sequence[Notation]) -> bool:
    """Whether a row of digits and marks has a cell that is no number: its numbers were cut, or joined."""
    mark = "," if separator == " " else " "
    wordless = all(map(_WORDLESS.fullmatch, row.cells))
    return wordless and any(mark in cell and kind_of(cell, notations) == "text" for cell in row.cells)


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
        count = 1 + _is_names(rows[1:], notations)
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
    even = [row for row in some(rows[k:]) if len(row.cells) == width]
    words, numbers = _above(even, notations)
    while len(even) > 2 and _is_names(even[1:], notations) and _is_title(even, words, numbers):
        k, even = rows.index(even[1]), even[1:]
        words, numbers = _above(even, notations)
    head = _is_header(even, words, numbers, notations)
    # Titles above a header are words; a row of numbers that is too short or too long is a fault.
    titles = all(any(not _GARBLED.fullmatch(cell) for cell in row.cells) for row in rows[:k])
    if k and not (head and titles):
        _check_width(rows[k:] if len(rows[0].cells) == width else rows, len(rows[0].cells), ())
    return rows[k:], head + (head and _is_names(even[1:], notations))


def _is_header(rows: Sequence[Row], words: int, numbers: int, notations: Sequence[Notation]) -> int:
    """1 if the first row is one: words above numbers are; without numbers below, any words.

    InputError for a row that is as much of data as of a header.
    """
    line, first = rows[0].line, rows[0].cells
    kinds = [_named_kind(cell, notations) for cell in first]
    if words and words <= numbers:
        name, number = first[kinds.index("text")], next(c for c, k in zip(first, kinds, strict=True) if k in _DATA)
        ways = f"say header={line} or header='none' (--header {line} or --header none)"
        raise InputError(f"line {line} may be a header, because of {name!r}, or data, because of {number!r}: {ways}")
    return int(words > 0 or (not numbers and "text" in kinds))


def _is_title(rows: Sequence[Row], words: int, numbers: int) -> bool:
    """Whether a row above names is none of names: it has numbers, too, or one cell, where the names are complete."""
    alone = sum(map(bool, rows[0].cells)) == 1 and all(rows[1].cells)
    return alone or 0 < words <= numbers


def _above(rows: Sequence[Row], notations: Sequence[Notation]) -> tuple[int, int]:
    """How many words and how many numbers the first row has above columns of numbers."""
    columns = zip(*(row.cells for row in rows[1:]), strict=True)
    pairs = zip(rows[0].cells, columns, strict=False)
    kinds = [_named_kind(cell, notations) for cell, column in pairs if _kind(column, notations) in _DATA]
    return kinds.count("text"), sum(kind in _DATA for kind in kinds)


def _is_names(rows: Sequence[Row], notations: Sequence[Notation]) -> bool:
    """Whether the first row is one of names or units: words and no numbers above numbers."""
    even = [row for row in some(rows) if len(row.cells) == len(rows[0].cells)]
    words, numbers = _above(even, notations) if len(even) > 1 else (0, 0)
    return words > 0 and not numbers


def _named_kind(cell: str, notations: Sequence[Notation]) -> str:
    """As `_cell_kind`, but a text without a letter, such as a number written wrong, is no word."""
    kind = _cell_kind(cell, notations)
    return "garbled" if kind == "text" and _GARBLED.fullmatch(cell) else kind


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
    """A name for each column: that of the header, and what a second row says of it, a unit in brackets."""
    names = []
    for parts in titles:
        name, *more = (" ".join(part.split()) for part in parts)
        more = [f"({each})" if name and _UNIT.fullmatch(each) else each for each in more]
        names.append(" ".join([name, *more]).strip())
    return tuple(name.lstrip("# ") if name.startswith("#") else name for name in names)


def some(items: Sequence[T]) -> Sequence[T]:
    """The first and the last ones of many."""
    return items if len(items) <= _HEAD + _TAIL else [*items[:_HEAD], *items[-_TAIL:]]


# -- kinds of columns ------------------------------------------------------------------------------------


def _cell_kind(cell: str, notations: Sequence[Notation]) -> Kind:
    kind = kind_of(cell, notations)
    return "date" if kind == "text" and is_date(cell) else kind


def _kind(cells: Sequence[str], notations: Sequence[Notation]) -> Kind:
    """What most of the cells with a value are, of the first and the last ones unless these have none."""
    judged = some(cells)
    counts: Counter[Kind] = Counter(_cell_kind(cell, notations) for cell in judged)
    present: list[Kind] = [kind for kind in ("number", "date", "text") if counts[kind]]
    if not present and len(judged) < len(cells):
        return next((kind for kind in (_cell_kind(cell, notations) for cell in cells) if kind != "missing"), "missing")
    return max(present, key=counts.__getitem__, default="missing")


def _without_index(layout: Layout) -> Layout:
    """Without the first column if it has no name and counts the rows, or is whole where two others hold data."""
    if not layout.names or layout.names[0] not in ("", "Unnamed: 0"):
        return layout
    first = layout.cells(0)
    counts = any(first == [str(i + start) for i in range(len(first))] for start in (0, 1))
    whole = all(cell.isdecimal() for cell in first)
    if counts or (whole and sum(kind in _DATA for kind in layout.kinds[1:]) >= 2):
        return replace(layout, names=layout.names[1:], kinds=layout.kinds[1:], parts=layout.parts[1:], first=1)
    return layout
