"""The bytes of a file as text without comments, and the text as rows of cells."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import NamedTuple

from knotflow.errors import InputError

__all__ = ["Row", "Text", "read_text", "split"]

_MAGIC = {
    b"PK\x03\x04": "a zip archive or a workbook",
    b"\xd0\xcf\x11\xe0": "a workbook of an old kind",
    b"\x1f\x8b": "a gzip archive",
    b"PAR1": "a Parquet file",
}
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_COMMENTS = ("#", "%", "//")  # what begins a line of comment, unless the user says
# What Excel writes into a cell that it cannot compute is no comment.
_NOT_ERROR = r"(?!(?:N/A|NA|DIV/0!|VALUE!|REF!|NAME\?|NUM!|NULL!)(?:[\s,;|\"]|$))"
SPACED_COMMA = ", "  # a separator where other commas are decimal marks: a comma with blanks behind it


class Row(NamedTuple):
    """A row that is not blank: the line on which it starts, from 1, and its stripped cells."""

    line: int
    cells: list[str]


@dataclass(frozen=True)
class Text:
    """The text of a file, its lines ended by a line feed and its comments made blank.

    separator  what the first line says, if it says so (sep=;)
    remarks    the lines of comment without their mark, by line number
    """

    text: str
    separator: str | None
    remarks: dict[int, str]


def read_text(path: str | PathLike[str], encoding: str | None, comment: str | None) -> Text:
    """The text of a file; `comment` begins a comment, "" where there are none, None to find out."""
    try:
        text = _decoded(Path(path).read_bytes(), encoding)
    except TypeError:
        raise InputError(f"path is of type {type(path).__name__}: it must be a str or a path") from None
    except FileNotFoundError:
        raise InputError(f"there is no such file; relative paths start at {Path.cwd()}") from None
    except IsADirectoryError:
        raise InputError("it is a directory: give the path of a file") from None
    except OSError as error:
        raise InputError(f"it cannot be read: {error.strerror}") from None
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"it cannot be read: {error}") from None  # a null character in the path
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    separator = None
    if said := re.match(r'"?sep=(\\t|[^"\n])"?[,;\t ]*(?:\n|$)', text, re.IGNORECASE):
        separator = "\t" if said[1] == "\\t" else said[1]
        text = text[said.end() - 1 :] if text[: said.end()].endswith("\n") else ""
    return _without_comments(text, separator, comment)


def _decoded(raw: bytes, encoding: str | None) -> str:
    for magic, what in _MAGIC.items():
        if raw.startswith(magic):
            raise InputError(f"it is {what}, not text: save or unpack it as text, .xlsx or .parquet")
    encoding = encoding or _encoding(raw)
    try:
        text = raw.decode(encoding)
    except (LookupError, AttributeError):
        raise InputError(f"encoding is {encoding!r}: it must be the name of one, for example 'latin-1'") from None
    except UnicodeError as error:
        line = raw.count(b"\n", 0, getattr(error, "start", None) or 0) + 1
        if encoding != "utf-8":
            raise InputError(f"line {line}: not {encoding} text; say which with encoding= (--encoding)") from None
        how = "or say what it is, for example encoding='latin-1' (--encoding latin-1)"
        raise InputError(f"line {line}: not UTF-8 text; save the file as UTF-8, {how}") from None
    if "\0" in text:
        raise InputError(f"line {text.count(chr(10), 0, text.find(chr(0))) + 1}: not text; give a delimited text file")
    return text.removeprefix("\ufeff")


def _encoding(raw: bytes) -> str:
    """That of the byte order mark; UTF-16 where every other byte is zero; else UTF-8."""
    for mark, name in _BOMS:
        if raw.startswith(mark):
            return name
    for first, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        part, other = raw[first:4096:2], raw[1 - first : 4096 : 2]
        if part.count(0) > 0.8 * len(part) and not other.count(0):
            return name
    return "utf-8"


# -- comments --------------------------------------------------------------------------------------------


def _without_comments(text: str, separator: str | None, comment: str | None) -> Text:
    """Blank lines in the place of comments, so that lines keep their numbers."""
    remarks: dict[int, str] = {}
    begins = _COMMENTS if comment is None else (comment,) if comment else ()
    if not any(mark in text for mark in begins):
        return Text(text, separator, remarks)
    whole = re.compile(rf"[ \t]*(?:{'|'.join(map(re.escape, begins))})+{_NOT_ERROR}(.*)")
    # Behind a row the mark must stand apart; one that the user names need not.
    apart, mark = (r"[ \t]+", "#") if comment is None else (r"[ \t]*", comment)
    behind = re.compile(rf'^([^"]*?){apart}{re.escape(mark)}{_NOT_ERROR}.*$')
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if not any(mark in line for mark in begins):
            continue
        if found := whole.fullmatch(line):
            remarks[number + 1] = found[1].strip()
            lines[number] = ""
        elif found := behind.match(line):
            lines[number] = found[1]
    return Text("\n".join(lines), separator, remarks)


# -- rows ------------------------------------------------------------------------------------------------


def split(text: str, separator: str) -> Iterator[Row]:
    """The rows that are not blank."""
    lines: Iterable[str] = io.StringIO(text, newline="")
    if separator == SPACED_COMMA:
        yield from _split_at_spaced_commas(lines)
        return
    if separator == " ":  # stands for any run of blanks
        lines = (line.strip().replace("\t", " ") for line in lines)
    reader = csv.reader(lines, delimiter=separator, skipinitialspace=True)
    line = 1
    try:
        for cells in reader:
            row = Row(line, list(map(str.strip, cells)))
            if any(row.cells):
                yield row
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"line {line}: {error}; is a quote left open?") from None


def _split_at_spaced_commas(lines: Iterable[str]) -> Iterator[Row]:
    for number, line in enumerate(lines):
        if line.strip():
            yield Row(number + 1, [cell.strip() for cell in re.split(r",[ \t]+", line.strip())])
