"""What the command line shows: tables, bars where something can move, elsewhere now and then a line; exit codes."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any

from knotflow.errors import DivergenceWarning, StabilityWarning

if TYPE_CHECKING:
    from rich.console import Console

    from knotflow.dynamics import Progress
    from knotflow.fitting import Fit

__all__ = [
    "BAD_INPUT",
    "DIVERGED",
    "INTERRUPTED",
    "NOT_REPRODUCED",
    "compiling",
    "counting",
    "one_line_warnings",
    "print_fits",
    "print_rows",
    "training",
]

DIVERGED, NOT_REPRODUCED, BAD_INPUT, INTERRUPTED = 1, 1, 2, 130  # exit codes

COMPILING = 10  # seconds that a core takes for what a fit needs
QUIET = 5.0  # seconds between two lines of progress where nothing can be animated


def compiling() -> None:
    """Say why nothing seems to happen when a fit first has to compile."""
    words = f"compiling the engine, once: about {COMPILING} s (knotflow warm-up compiles all there is)"
    print(words, file=sys.stderr, flush=True)


def _stderr() -> Console:
    from rich.console import Console

    return Console(stderr=True)


# -- progress --------------------------------------------------------------------------------------------


@contextmanager
def training(console: Console | None = None) -> Iterator[Callable[[str], Callable[[Progress], None]]]:
    """For each regime what shows its progress: a bar, or now and then a line where nothing can move."""
    console = console or _stderr()
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
def counting(what: str, console: Console | None = None) -> Iterator[Callable[[int, int, str], None]]:
    """What shows that `done` of `total` units are done and, at the end of the line, what is going on."""
    console = console or _stderr()
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


# -- tables ----------------------------------------------------------------------------------------------


def print_rows(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table of words."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*map(escape, row))
    Console().print(table)


def print_fits(fits: Sequence[Fit]) -> None:
    """The data, the numbers that tell the fits apart, and how far each came."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    print(data := fits[0].data)
    even = fits[0].summary["fraction_expected"]
    table = Table(
        title=Text(f"{data.y_name} against {data.x_name}"),  # names may hold brackets
        caption="Bends: places that hold 95% of the change of slope. Knots at samples: within 1% of the range"
        f" ({even:.0%} if spread evenly).",
        title_justify="left",
        caption_justify="left",
    )
    table.add_column("regime")
    for heading in ("RMS\nresidual", "bends", "knots at\nsamples", "max distance to\nnatural cubic"):
        table.add_column(heading, justify="right")
    table.add_column("max distance\nto linear", justify="right")
    for fit in fits:
        s = fit.summary
        table.add_row(
            fit.regime,
            f"{s['rms_residual']:.4g}",
            f"{s['bends']}",
            f"{s['fraction_near_samples']:.0%}",
            f"{s['cubic_distance']:.4g}",
            f"{s['linear_distance']:.4g}",
        )
    Console().print(table)
    for fit in fits:
        print(f"{fit.regime}: {fit.summary['verdict']}")


# -- warnings --------------------------------------------------------------------------------------------


@contextmanager
def one_line_warnings() -> Iterator[None]:
    """Warnings of knotflow as one line each, without the place in the source."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        print("warning:", " ".join(str(message).split()), file=sys.stderr)

    with warnings.catch_warnings():
        for category in (StabilityWarning, DivergenceWarning):
            warnings.simplefilter("always", category)
        warnings.filterwarnings("always", "--", DeprecationWarning)  # of an option
        warnings.showwarning = show
        yield
