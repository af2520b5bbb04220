"""Dates, durations and integers beyond 2^53 as x: what is counted, from where and in which unit."""

from __future__ import annotations

import datetime as dt
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from knotflow._checks import choice, extent
from knotflow._typing import Array
from knotflow._values import immutable
from knotflow.errors import InputError

__all__ = ["UNITS", "Origin", "counted", "floats", "times_of"]

UNITS: dict[str, Any] = {
    "weeks": np.timedelta64(7, "D"),
    "days": np.timedelta64(1, "D"),
    "hours": np.timedelta64(1, "h"),
    "minutes": np.timedelta64(1, "m"),
    "seconds": np.timedelta64(1, "s"),
    "milliseconds": np.timedelta64(1, "ms"),
    "microseconds": np.timedelta64(1, "us"),
    "nanoseconds": np.timedelta64(1, "ns"),
}
_LONGEST = 2e11  # seconds: over 6000 years
_EXACT = 2**53  # integers up to here are float64


@dataclass(frozen=True)
@immutable
class Origin:
    """What x counts: x = (t - at) / unit for a date or a duration t, x = t - at for an integer.

    float64 holds sixteen digits, too few for a date to the nanosecond; the difference from the first one needs fewer.

    Parameters
    ----------
    at : numpy.datetime64, int or None
        The date or the integer at x = 0; None for durations.
    unit : str or None
        "weeks", "days", "hours", "minutes", "seconds", "milliseconds", "microseconds" or "nanoseconds"; None for
        integers.

    Examples
    --------
    >>> import numpy as np, knotflow as kf
    >>> origin = kf.data.Origin(np.datetime64("2024-01-01T00:00:00"), "days")
    >>> origin.to_x(["2024-01-02", "2024-01-03T12:00"])
    array([1. , 2.5])
    >>> origin.from_x([1.0, 2.5]).astype("M8[h]")
    array(['2024-01-02T00', '2024-01-03T12'], dtype='datetime64[h]')
    """

    at: Any
    unit: str | None

    def __post_init__(self) -> None:
        if self.unit is not None:
            choice("unit", self.unit, UNITS)

    def to_settings(self) -> dict[str, Any]:
        """The origin as a file keeps it, in JSON's types."""
        return {"at": str(self.at) if self.kind == "date" else self.at, "unit": self.unit}

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Origin:
        """The origin whose `settings` a file has kept."""
        at = settings["at"]
        return cls(np.datetime64(at) if isinstance(at, str) else at, settings["unit"])

    @property
    def kind(self) -> Literal["date", "duration", "integer"]:
        """What t is."""
        if self.unit is None:
            return "integer"
        return "duration" if self.at is None else "date"

    def to_x(self, values: ArrayLike) -> Array:
        """Any `values` (dates, durations, integers) as x; floats are x already. Texts are dates as 2024-12-31T12:00."""
        array = np.asarray(values)
        if self.kind == "date" and array.dtype.kind in "UT":
            try:
                values = array.astype("M8")
            except ValueError as error:
                raise InputError(f"x is not an array of dates: {error}") from None
        times = times_of("x", values)
        if times is None:
            if self.kind == "integer" and array.dtype.kind in "iu":
                return _difference(array, self.at).astype(float)
            return floats(values)
        if self.kind != {"M": "date", "m": "duration"}[times.dtype.kind]:
            raise InputError(f"x has dtype {times.dtype}: it must hold {self.kind}s, as the samples do")
        with np.errstate(invalid="ignore"):
            return np.asarray((times if self.at is None else times - self.at) / UNITS[str(self.unit)])

    def from_x(self, x: ArrayLike) -> NDArray[Any]:
        """x as dates or durations, to the nanosecond where these reach so far; as integers, to the nearest one.

        What is more than 6000 years away is NaT.
        """
        values = np.asarray(x, dtype=float)
        if self.kind == "integer":
            return np.asarray([self.at + int(v) for v in np.rint(values).ravel()], dtype=object).reshape(values.shape)
        unit = float(UNITS[str(self.unit)] / np.timedelta64(1, "ns"))
        near = np.abs(values) < _LONGEST * 1e9 / unit
        kept = np.where(near, values, 0.0)
        name, scale = ("ns", 1.0) if np.abs(kept).max(initial=0.0) * unit < 2**62 else ("s", 1e9)
        steps = np.rint(kept * (unit / scale)).astype("int64").astype(f"m8[{name}]")
        found = steps if self.at is None else _added(self.at, steps)
        return np.where(near, found, np.array("NaT", found.dtype))

    def label(self, name: str) -> str:
        """The name of x with what it counts: "when (days since 2024-01-01)"."""
        if self.kind == "integer":
            return f"{name} - {self.at}"
        return f"{name} ({self.unit})" if self.at is None else f"{name} ({self.unit} since {shown(self.at)})"

    def extent(self, x: Array) -> str:
        """The interval of x in dates, durations or integers, for a repr."""
        if self.kind == "duration":
            return f"{extent(x)} {self.unit}"
        ends = self.from_x([float(np.min(x)), float(np.max(x))])
        return f"[{', '.join(map(shown, ends))}]"


def shown(moment: Any) -> str:
    """A date without the digits that say nothing, or an integer."""
    if not isinstance(moment, np.datetime64):
        return str(moment)
    day, _, clock = str(moment).partition("T")
    clock = clock.rstrip("0").rstrip(".") if "." in clock else clock
    return day if clock in ("", "00:00:00", "00:00", "00") else f"{day}T{clock}"


def _added(at: np.datetime64, steps: NDArray[Any]) -> NDArray[Any]:
    """at + steps in the coarsest unit, from seconds on, that holds them; beyond the years of nanoseconds in seconds."""
    lowest, highest = (np.datetime64(f"{year}-01-01") for year in (1678, 2262))
    rough = at.astype("M8[s]") + steps.astype("m8[s]")
    if rough.size and (rough.min() < lowest or rough.max() > highest):
        return rough
    exact = at.astype("M8[ns]") + steps
    for unit in ("s", "ms", "us"):
        if np.all(exact.astype(f"M8[{unit}]") == exact):
            return exact.astype(f"M8[{unit}]")
    return exact


def floats(values: Any) -> Array:
    """`values` as float64 of any shape, nan and infinite ones included; InputError for what is no array of numbers."""
    try:
        return np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise InputError(f"x is not an array of numbers: {error}") from None


# -- arrays ----------------------------------------------------------------------------------------------


def counted(values: ArrayLike, unit: str | None, origin: Origin | None) -> tuple[ArrayLike, Origin | None]:
    """x as numbers, and what they count if `values` hold dates, durations, or integers that no float64 holds.

    A warning says how many distinct ones fall together.
    """
    if origin is not None and not isinstance(origin, Origin):
        raise InputError(f"origin is {origin!r}: it must be an Origin, such as that of other samples")
    times = times_of("x", values)
    if times is None:
        x, origin, exact = _integers(values, unit, origin)
        _warn_of_ties(exact, x)
        return x, origin
    if origin is None:
        at = times.min() if times.dtype.kind == "M" and times.size else None
        origin = Origin(at, "days" if unit is None else unit)
    elif unit not in (None, origin.unit):
        raise InputError(f"unit is {unit!r}, but origin has {origin.unit!r}: leave one out")
    x = origin.to_x(times)
    _warn_of_ties(times.astype("int64"), x)
    return x, origin


def _integers(
    values: ArrayLike, unit: str | None, origin: Origin | None
) -> tuple[ArrayLike, Origin | None, NDArray[Any] | None]:
    """As `counted`, and the integers if they needed an origin."""
    if unit is not None and (origin is None or unit != origin.unit):
        raise InputError(f"unit is {unit!r}, but x holds no dates: leave it out")
    if origin is not None:
        return origin.to_x(values), origin, None
    try:
        array = np.asarray([] if np.ma.is_masked(values) else values)
    except (TypeError, ValueError, RuntimeError):
        return values, None, None  # what is wrong is said where numbers are checked
    if array.dtype.kind not in "iu" or not array.size or _float_holds(array):
        return values, None, None
    origin = Origin(int(array.min()), None)
    return origin.to_x(array), origin, array


def _float_holds(array: NDArray[Any]) -> bool:
    """Whether every integer is a float64."""
    if max(abs(int(array.min())), abs(int(array.max()))) <= _EXACT:
        return True
    return all(int(float(value)) == value for value in array.ravel().tolist())


def _difference(array: NDArray[Any], at: int) -> NDArray[Any]:
    """array - at exactly: what is lost modulo 2^64 comes back where no difference is negative."""
    if array.size and int(array.min()) >= at and -(2**63) <= at < 2**64:
        wrapped = array.astype(np.uint64)
        return wrapped - np.uint64(at % 2**64)
    return np.array([int(value) - at for value in array.ravel().tolist()], dtype=object).reshape(array.shape)


def _warn_of_ties(exact: NDArray[Any] | None, x: ArrayLike) -> None:
    """Say how many distinct values are the same float64."""
    lost = 0 if exact is None else len(np.unique(exact)) - len(np.unique(x))
    if lost > 0:
        what = "value of x falls" if lost == 1 else "values of x fall"
        warnings.warn(f"{lost} {what} together with another: float64 does not tell them apart", stacklevel=4)


def times_of(name: str, values: Any) -> NDArray[Any] | None:
    """Dates (UTC where they have a zone) or durations as datetime64 or timedelta64, None for anything else."""
    if "pandas" in sys.modules and hasattr(values, "dtype"):
        values = _without_zone(values)
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError):
        return None
    if array.dtype.kind == "O" and array.size:
        array = _from_objects(array)
    if array.dtype.kind not in "mM":
        return None
    if np.datetime_data(array.dtype)[0] not in ("s", "ms", "us", "ns", "ps", "fs", "as"):
        array = array.astype(f"{array.dtype.kind}8[s]")
    if np.isnat(array).any():
        where = np.flatnonzero(np.isnat(array.ravel()))
        more = f" ({where.size} values are missing)" if where.size > 1 else ""
        raise InputError(f"{name}[{where[0]}] is NaT: every value must be there; drop or fill it{more}")
    return array


def _without_zone(values: Any) -> Any:
    """pandas' dates with a time zone as those of UTC without one; anything else as it is."""
    import pandas as pd

    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return pd.DatetimeIndex(values).tz_convert("UTC").tz_localize(None).to_numpy()
    if isinstance(values.dtype, pd.PeriodDtype):
        return pd.PeriodIndex(values).to_timestamp().to_numpy()
    return values


def _from_objects(array: NDArray[Any]) -> NDArray[Any]:
    """Python's dates, or durations, as NumPy's; other objects as they are."""
    flat = array.ravel().tolist()
    if all(isinstance(value, dt.timedelta) for value in flat):
        return _together(
            [value.to_timedelta64() if hasattr(value, "to_timedelta64") else value for value in flat], "m8"
        )
    if not all(isinstance(value, dt.date) for value in flat):
        return array
    aware = {getattr(value, "tzinfo", None) is not None for value in flat}
    if len(aware) > 1:
        raise InputError("some dates have a time zone and some have none: give all or none a zone")
    if aware == {True}:
        flat = [value.astimezone(dt.UTC).replace(tzinfo=None) for value in flat]
    moments = [value.to_datetime64() if hasattr(value, "to_datetime64") else value for value in flat]
    return _together(moments, "M8").reshape(array.shape)


def _together(values: list[Any], kind: str) -> NDArray[Any]:
    """NumPy's moments or durations (pandas' have nanoseconds) and Python's, in the finer unit of them."""
    fine = any(getattr(value, "dtype", None) == f"{kind}[ns]" for value in values)
    return np.array(values, dtype=f"{kind}[{'ns' if fine else 'us'}]")
