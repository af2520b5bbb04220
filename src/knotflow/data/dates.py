"""Cells of a file as dates."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from knotflow.errors import InputError

__all__ = ["dates_of", "is_date"]

_CLOCK = r"(?:[T ]+\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?: ?(?:Z|UTC|[+-]\d{2}:?\d{2}))?)?"
# Each with the order of its parts; where a slash stands between them, a day above 12 tells which part is the day.
_ORDERS = (
    ("ymd", re.compile(rf"(\d{{4}})([-/.])(\d{{1,2}})\2(\d{{1,2}})({_CLOCK})")),
    ("dmy", re.compile(rf"(\d{{1,2}})(\.)(\d{{1,2}})\2(\d{{4}})({_CLOCK})")),
    ("slash", re.compile(rf"(\d{{1,2}})([/-])(\d{{1,2}})\2(\d{{4}})({_CLOCK})")),
)


def is_date(cell: str) -> bool:
    """Whether a cell is a date, perhaps with a time of day."""
    return cell[:1].isdecimal() and any(pattern.fullmatch(cell) for _, pattern in _ORDERS)


def dates_of(texts: Sequence[str]) -> dict[str, np.datetime64 | None]:
    """The moment (UTC where a zone is given) that each distinct text is, None for one that is no date.

    Raises
    ------
    InputError
        Where the day and the month could be either way round, or some of the texts have a zone and some have not.
    """
    day_first = _day_first(texts)
    found: dict[str, np.datetime64 | None] = {}
    zoned: dict[bool, str] = {}
    for text in texts:
        iso = _iso(text, day_first)
        found[text] = None if iso is None else _moment(iso, zoned, text)
    if len(zoned) > 1:
        raise InputError(f"{zoned[True]!r} has a time zone and {zoned[False]!r} has none: give all or none a zone")
    return found


def _day_first(texts: Sequence[str]) -> bool:
    """Whether 3/4/2024 is the third of April. InputError if no day above 12 tells."""
    pattern = dict(_ORDERS)["slash"]
    pairs = {text: (int(m[1]), int(m[3])) for text in texts if (m := pattern.fullmatch(text))}
    first, second = (any(pair[i] > 12 for pair in pairs.values()) for i in (0, 1))
    differ = [text for text, (a, b) in pairs.items() if a != b]
    if differ and first == second:
        a, b = pairs[differ[0]]
        raise InputError(
            f"the date {differ[0]!r} is day {a} of month {b} or day {b} of month {a}: write dates as 2024-12-31"
        )
    return first


def _iso(text: str, day_first: bool) -> tuple[int, int, int, str] | None:
    for order, pattern in _ORDERS:
        if m := pattern.fullmatch(text):
            a, b, c = int(m[1]), int(m[3]), int(m[4])
            if order == "ymd":
                return a, b, c, m[5]
            return (c, b, a, m[5]) if order == "dmy" or day_first else (c, a, b, m[5])
    return None


def _moment(iso: tuple[int, int, int, str], zoned: dict[bool, str], text: str) -> Any:
    year, month, day, clock = iso
    parts = re.fullmatch(r"[T ]*(\d{1,2}):(\d{2}):?(\d{2})?(?:[.,](\d+))? ?(Z|UTC|[+-]\d{2}:?\d{2})?", clock)
    hour, minute, second, fraction, zone = parts.groups() if parts else ("0", "0", None, None, None)
    zoned.setdefault(zone is not None, text)
    try:
        moment = np.datetime64(f"{year:04}-{month:02}-{day:02}T{int(hour):02}:{int(minute):02}:{int(second or 0):02}")
    except ValueError:  # a 30 February
        return None
    if zone and zone[0] in "+-":
        minutes = 60 * int(zone[1:3]) + int(zone[-2:])
        moment -= np.timedelta64(minutes if zone[0] == "+" else -minutes, "m")
    if fraction is None:
        return moment
    if len(fraction) <= 6:
        return moment.astype("M8[us]") + np.timedelta64(int(fraction.ljust(6, "0")), "us")
    return moment.astype("M8[ns]") + np.timedelta64(int(fraction.ljust(9, "0")), "ns")
