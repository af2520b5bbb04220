"""Columns of numbers out of a delimited text file, whose form is found, not asked for.

text      bytes as text without comments, text as rows of cells
layout    separator, header, units, index
notation  cells as numbers: decimal marks, marks of thousands, what has two readings
dates     cells as dates
pick      which columns are meant
cells     the columns from every cell
body      the columns of a long file at once, by pandas

A short file is read cell by cell. The body of a long one is given to pandas, if its first and last rows say how; that
counts only where every cell was a plain number, else the file is read cell by cell as well.

The messages leave out which file they are about: `Samples.from_csv` puts it in front.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from os import PathLike

from knotflow.data.body import ENDS, at_once, offset
from knotflow.data.cells import Columns, columns_of
from knotflow.data.layout import Layout, layout_of, separator_of
from knotflow.data.notation import possible
from knotflow.data.options import Options, Wanted
from knotflow.data.pick import pick
from knotflow.data.text import Row, read_text, split
from knotflow.errors import InputError

__all__ = ["read_columns"]

_SHORT = 2000  # lines: files up to here are read cell by cell


def read_columns(path: str | PathLike[str], wanted: Wanted, options: Options) -> Columns:
    """See `Samples.from_csv`. Cost: linear in the size of the file."""
    file = read_text(path, options.encoding, options.comment)
    begins = file.text[: offset(file.text, ENDS)]
    if not any(split(begins, ",")) and not any(split(file.text, ",")):
        what = "holds comments only" if file.remarks else "is empty"
        raise InputError(f"the file {what}: it must hold two columns of numbers")
    notations = possible(options.decimal, options.thousands)
    separator = (
        options.sep
        or file.separator
        or separator_of(lambda mark: list(islice(split(begins, mark), ENDS)), notations, '"' in begins)
    )

    def remark(line: int) -> list[str]:
        words = file.remarks.get(line - 1, "")
        return next((row.cells for row in split(words, separator)), [])

    def layout(rows: Sequence[Row]) -> Layout:
        return layout_of(rows, notations, options.header, remark)

    if file.text.count("\n") > _SHORT:
        columns = at_once(file.text, separator, notations, layout, wanted, options.missing)
        if columns is not None:
            return columns
    whole = layout(list(split(file.text, separator)))
    return columns_of(whole, pick(whole, wanted), notations, separator, options.missing)
