"""An axis along x: its name, and dates at its ticks where x counts dates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import dates
from matplotlib.axis import Axis
from matplotlib.ticker import Formatter, Locator

from knotflow._typing import Array
from knotflow.plots import style

if TYPE_CHECKING:
    from knotflow.data import Origin, Samples

__all__ = ["name_of_x"]

_ticks: Any = dates.AutoDateLocator
_date: Any = dates.num2date
_concise: Any = dates.ConciseDateFormatter
_DAY = np.timedelta64(1, "D")
_LEAST, _MOST = 1 / 86_400, 2e6  # days that an axis of dates may span: a second, and five thousand years


def name_of_x(axis: Axis, data: Samples) -> str:
    """What to call an axis along x, whose ticks become dates if x counts dates."""
    if data.origin is None or data.origin.kind != "date":
        return style.plain(data.x_label)
    days = _Days(data.origin)
    low, high = days.of(np.array(data.range))
    if not (_LEAST <= high - low <= _MOST):
        return style.plain(data.x_label)
    axis.set_major_locator(_Dates(days))
    axis.set_major_formatter(_Words(days))
    return style.plain(data.x_name)


class _Days:
    """x as days since 1970, which matplotlib counts, and back."""

    def __init__(self, origin: Origin) -> None:
        self.first = float((origin.at - np.datetime64("1970-01-01")) / _DAY)
        self.each = float((origin.to_x(origin.at + _DAY)) ** -1)
        self.locator: Any = _ticks()

    def of(self, x: Array) -> Array:
        return self.first + self.each * x

    def x(self, days: Array) -> Array:
        return (days - self.first) / self.each


class _Dates(Locator):
    """Ticks at round dates."""

    def __init__(self, days: _Days) -> None:
        self.days = days

    def __call__(self) -> Any:
        assert self.axis is not None
        return self.tick_values(*self.axis.get_view_interval())

    def tick_values(self, vmin: float, vmax: float) -> Any:
        low, high = (_date(float(self.days.of(np.asarray(end)))) for end in sorted((vmin, vmax)))
        return self.days.x(np.asarray(self.days.locator.tick_values(low, high)))


class _Words(Formatter):
    """What stands at them: the part of the date that changes; the rest is at the end of the axis."""

    def __init__(self, days: _Days) -> None:
        self.days = days
        self.words: Any = _concise(days.locator)

    def __call__(self, x: float, pos: int | None = None) -> str:
        return self.words(float(self.days.of(np.asarray(x))), pos)

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        return list(self.words.format_ticks(self.days.of(np.asarray(values, dtype=float))))

    def get_offset(self) -> str:
        return str(self.words.get_offset())
