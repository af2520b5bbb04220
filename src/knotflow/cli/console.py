"""Progress on the terminal: bars where something can move, now and then a line elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from knotflow.dynamics import Progress

QUIET = 5.0  # seconds between two lines of progress where nothing can be animated


@contextmanager
def training(console: Console) -> Iterator[Callable[[str], Callable[[Progress], None]]]:
    """For each regime what shows its progress: a bar, or now and then a line where nothing can move."""
    if not console.is_terminal:
        yield _lines
        return
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description:9}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %  loss {task.fields[loss]:<8.4g}  {task.fields[left]}"),
    )
    with Bars(*columns, console=console) as bars:
        yield lambda regime: _bar(bars, regime)


def _bar(bars: Any, regime: str) -> Callable[[Progress], None]:
    task = bars.add_task(regime, total=None, loss=float("nan"), left="starting")

    def show(now: Progress) -> None:
        left = f"{now.seconds:.0f} s" if now.fraction == 1.0 else f"{_left(now)} left"
        known = now.fraction is not None
        bars.update(task, total=1.0 if known else None, completed=now.fraction or 0.0, loss=now.loss, left=left)

    return show


def _lines(regime: str) -> Callable[[Progress], None]:
    due, done = monotonic() + QUIET, False

    def show(now: Progress) -> None:
        nonlocal due, done
        finished = now.fraction == 1.0
        if done or (not finished and monotonic() < due):
            return
        due, done = monotonic() + QUIET, finished
        of = "" if now.steps is None else f" of {now.steps:,}"
        state = f"{regime}: step {now.step:,}{of}, loss {now.loss:.4g}"
        end = f", {now.seconds:.1f} s" if finished else f", {_left(now)} left"
        print(state + end, file=sys.stderr)

    return show


def _left(now: Progress) -> str:
    return "? s" if now.remaining is None else f"{now.remaining:.0f} s"


@contextmanager
def counting(console: Console, what: str) -> Iterator[Callable[[int, int, str], None]]:
    """What shows that `done` of `total` units are done and, at the end of the line, what is going on."""
    if not console.is_terminal:
        yield _counted_lines(what)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("left  {task.fields[note]}"),
    )
    with Bars(*columns, console=console) as bars:
        task = bars.add_task(what, total=None, note="")
        yield lambda done, total, note: bars.update(task, completed=done, total=total, note=note)


def _counted_lines(what: str) -> Callable[[int, int, str], None]:
    began = due = monotonic()

    def show(done: int, total: int, note: str) -> None:
        nonlocal began, due
        now = monotonic()
        if not done:  # the work begins only now
            began = now
            return
        if now < due + QUIET and done < total:
            return
        due = now
        left = (now - began) * (total - done) / max(done, 1)
        end = f"{now - began:.1f} s" if done == total else f"{left:.0f} s left"
        print(f"{what}: {done} of {total}, {end}{f' ({note})' if note else ''}", file=sys.stderr)

    return show
