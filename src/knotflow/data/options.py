"""What a user may say about a file, checked."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import Any

from knotflow._checks import choice, is_whole
from knotflow.data.notation import THOUSANDS
from knotflow.errors import InputError

__all__ = ["Options", "Wanted"]

_SEPARATORS = {"tab": "\t", "\\t": "\t", "space": " ", "comma and space": ", "}

Column = str | int | None


@dataclass(frozen=True)
class Wanted:
    """The columns of a file that the user means, by name or by number from 0; None for the usual ones."""

    x: Column = None
    y: Column = None
    weights: Column = None


@dataclass(frozen=True)
class Options:
    """How a file is read; None is for what is to be found out. See `Samples.from_csv`."""

    missing: str = "error"
    sep: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    header: int | None = None
    comment: str | None = None
    encoding: str | None = None

    @classmethod
    def of(cls, missing: str, header: Any, **marks: str | None) -> Options:
        """The options, or InputError for one that is not as in `Samples.from_csv`."""
        choice("missing", missing, ("error", "drop"))
        for name, mark in marks.items():
            if mark is not None and (not isinstance(mark, str) or not mark):
                raise InputError(f"{name} is {mark!r}: it must be a text that is not empty")
        sep, decimal, thousands = _separator(marks["sep"]), marks["decimal"], _thousands(marks["thousands"])
        if decimal is not None:
            choice("decimal", decimal, (".", ","))
        if decimal is not None and decimal == thousands:
            raise InputError(f"decimal and thousands are both {decimal!r}: they must differ")
        comment = "" if marks["comment"] == "none" else marks["comment"]
        return cls(missing, sep, decimal, thousands, _header(header), comment, _encoding(marks["encoding"]))


def _separator(sep: str | None) -> str | None:
    if sep is None:
        return None
    mark = _SEPARATORS.get(sep, sep)
    if mark not in _SEPARATORS.values() and (len(mark) > 1 or mark.isalnum() or mark in ".+-\"'\r\n"):
        raise InputError(f"sep is {sep!r}: it must be one character such as ',' or ';', or 'tab' or 'space'")
    return mark


def _thousands(thousands: str | None) -> str | None:
    words = {"none": "", "space": " ", "\u2019": "'", "\u00a0": " ", "\u202f": " ", "\u2009": " "}
    mark = thousands if thousands is None else words.get(thousands, thousands)
    if mark is not None and mark not in THOUSANDS:
        raise InputError(f"thousands is {thousands!r}: it must be ',', '.', \"'\", 'space' or 'none'")
    return mark


def _header(header: Any) -> int | None:
    """The line of the header, 0 for none, None to find out."""
    if header is None or header == "none":
        return None if header is None else 0
    if isinstance(header, str) and header.isdecimal():
        header = int(header)
    if not is_whole(header) or int(header) < 1:
        raise InputError(f"header is {header!r}: it must be the number of a line, counted from 1, or 'none'")
    return int(header)


def _encoding(encoding: str | None) -> str | None:
    if encoding is not None:
        try:
            "".encode(codecs.lookup(encoding).name)
        except (LookupError, ValueError):
            raise InputError(f"encoding is {encoding!r}: it must be the name of one, for example 'latin-1'") from None
    return encoding
