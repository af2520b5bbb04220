"""Watching a run and stopping it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from knotflow._checks import function

__all__ = ["Progress", "Watcher", "interruptible", "watcher"]


@dataclass(frozen=True)
class Progress:
    """Where a run is, as `evolve` tells it to its ``progress`` about ten times a second.

    Parameters
    ----------
    step : int
        How many steps were taken.
    steps : int or None
        Of how many; None for a flow, which chooses its own.
    loss : float
        L there.
    seconds : float
        Since the start of this run.
    remaining : float or None
        How many seconds are left, if that can be told.
    fraction : float or None
        The share of the run that is done, from 0 to 1; None for a run until "converged".

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.dynamics.Progress(step=50, steps=200, loss=0.1, seconds=2.0, remaining=6.0, fraction=0.25).fraction
    0.25
    """

    step: int
    steps: int | None
    loss: float
    seconds: float
    remaining: float | None
    fraction: float | None


Watcher = Callable[[Progress], Any]


def watcher(progress: Any) -> None:
    """InputError unless `progress` is None or a function of one argument."""
    if progress is not None:
        function("progress", progress, "a Progress")


@contextmanager
def interruptible() -> Iterator[threading.Event]:
    """An event that Ctrl-C sets instead of raising, so that no step is interrupted midway. A second Ctrl-C raises."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return

    def handle(signum: int, frame: Any) -> None:
        if event.is_set():
            raise KeyboardInterrupt
        event.set()

    previous = signal.signal(signal.SIGINT, handle)
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, previous)
