"""When a run saves: the checked plan of a run in steps, or in time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from knotflow._checks import count, is_whole, items, number, numeric, shown
from knotflow._typing import Ints
from knotflow.dynamics.protocol import Asked, Stops
from knotflow.errors import InputError

__all__ = ["Plan", "plan_steps", "plan_times"]

# Default saves: at most this many, and at most this many numbers in all.
SAVES, SAVED_NUMBERS = 240, 30_000_000
# A run until "converged" looks no further than this time, whatever the unit of time.
LONGEST = 1e300


@dataclass(frozen=True)
class Plan:
    """What a run was asked for. Marks are steps for a run in steps, times for a flow; both count from the very start.

    start, end  where this run begins and ends; the end may be infinite
    saves       marks to save at, ascending, the end last; None: the default ones of a flow, see `spread`
    stops       where it ends before its end
    steps       the number of steps at the end; None for a flow, which chooses its own
    most        how many default saves there are at most
    """

    start: float
    end: float
    saves: Iterable[float] | None
    stops: Stops
    steps: int | None
    most: int

    def spread(self, first_time: Callable[[], float]) -> Plan:
        """With saves evenly spread on a logarithmic scale from ``first_time()`` on, unless they are given."""
        if self.saves is not None:
            return self
        return replace(self, saves=_spread(self, first_time()) if self.end > self.start else [self.end])

    def share(self, now: float) -> float | None:
        """The share of the run that is done, from 0 to 1; None if its end is unknown."""
        if self.end >= LONGEST and self.steps is None:
            return None
        return min((now - self.start) / (self.end - self.start), 1.0) if self.end > self.start else 1.0


def plan_steps(width: int, first: int, asked: Asked, name: str) -> Plan:
    """The plan of a run in steps of ``width`` neurons after ``first`` steps; ``name`` is the method's."""
    if asked.until is not None:
        raise InputError(f"until is given, but {name} takes steps: use steps=")
    if asked.steps is None:
        raise InputError(f"steps is missing: {name} takes a number of steps, such as steps=10_000")
    steps = count("steps", asked.steps)
    most = _most(width)
    marks = np.append(_step_saves(first, steps, asked, most), first + steps)
    stops = Stops(_threshold("stop_loss", asked.stop_loss), _threshold("stop_gradient", asked.stop_gradient))
    saves = np.unique(marks).astype(np.int64).tolist()
    return Plan(first, first + steps, saves, stops, first + steps, most)


def plan_times(width: int, first: float, asked: Asked, name: str) -> Plan:
    """The plan of a flow of ``width`` neurons after the time ``first``; ``name`` is the method's."""
    for argument in ("steps", "save_every", "stop_gradient"):
        if getattr(asked, argument) is not None:
            raise InputError(f"{argument} is given, but {name} takes no steps of its own: use until= and save_at=")
    end = _end(asked.until, first)
    saves = None if asked.save_at is None else _times(asked.save_at, first, end)
    stops = Stops(_threshold("stop_loss", asked.stop_loss), converged=asked.until == "converged")
    return Plan(first, end, saves, stops, None, _most(width))


def _most(width: int) -> int:
    return max(2, min(SAVES, SAVED_NUMBERS // (3 * width)))


def _threshold(name: str, value: object) -> float:
    return -np.inf if value is None else number(name, value, least=0.0)


# --- steps ------------------------------------------------------------------------------------------------------


def _step_saves(first: int, steps: int, asked: Asked, most: int) -> Ints:
    """Steps to save at, counted from the very start, after ``first`` steps; the end need not be among them."""
    if asked.save_every is not None and asked.save_at is not None:
        raise InputError("save_every and save_at are both given: give one of them")
    if asked.save_every is not None:
        every = count("save_every", asked.save_every, least=1)
        return np.arange(first // every * every, first + steps + 1, every)[1:]
    if asked.save_at is not None:
        listed = items("save_at", asked.save_at, "whole numbers, the steps to save")
        if not all(is_whole(k) for k in listed):
            what = "a sequence of whole numbers, the steps to save"
            raise InputError(f"save_at is {shown(asked.save_at)}: it must be {what}")
        outside = [k for k in listed if not 0 <= k <= first + steps]
        if outside:
            raise InputError(f"save_at has {shown(outside[0])}: it must lie within the run, 0 to {first + steps}")
        wanted = np.array(listed, np.int64)
        return wanted[wanted > first]
    spread = np.unique(np.round(np.geomspace(1, max(steps, 1), most))).astype(np.int64)
    return first + spread[: steps or 0]


# --- times ------------------------------------------------------------------------------------------------------


def _end(until: object, first: float) -> float:
    if isinstance(until, str):
        if until != "converged":
            raise InputError(f'until is {shown(until)}: it must be a time or "converged"')
        return np.inf
    if until is None:
        raise InputError('until is missing: a flow runs until a time, such as until=100.0, or until="converged"')
    end = number("until", until, least=0.0)
    if end < first:
        raise InputError(f"until is {end:g}: it must not lie before the time reached, {first:g}")
    return end


def _times(save_at: Iterable[float], first: float, end: float) -> list[float]:
    """The times to save at after ``first``, ascending, and the end."""
    times = np.unique(numeric("save_at", items("save_at", save_at, "times")))
    outside = times[~((times >= 0) & (times <= end))]
    if outside.size:
        raise InputError(f"save_at has {outside[0]:g}: it must lie within the run, 0 to {end:g}")
    last = [] if np.isinf(end) and times.size and times[-1] == end else [end if np.isfinite(end) else LONGEST]
    return [*times[(times > first) & (times < end)], *last]


def _spread(plan: Plan, first: float) -> Iterable[float]:
    """The default times, evenly spread on a logarithmic scale."""
    if np.isinf(plan.end):
        return _endless(max(plan.start, first), plan.most)
    times = np.geomspace(min(first, plan.end), plan.end, plan.most)
    return [*times[(times > plan.start) & (times < plan.end)], plan.end]


def _endless(first: float, most: int) -> Iterator[float]:
    """Times on a logarithmic scale, ``most`` of them for twelve decades."""
    factor, t = 10.0 ** (12.0 / most), first
    while t < LONGEST:
        t *= factor
        yield t
