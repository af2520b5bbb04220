"""Watching a run and stopping it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Progress:
    """Where a run is.

    step, steps  how many steps were taken, and of how many (None for a flow, which chooses its own)
    loss         L there
    seconds      since the start; ``remaining`` seconds are left, if known
    fraction     of the run that is done, 0 to 1, if known
    """

    step: int
    steps: int | None
    loss: float
    seconds: float
    remaining: float | None
    fraction: float | None


@contextmanager
def interruptible() -> Iterator[threading.Event]:
    """An event that Ctrl-C sets instead of raising, so that no array is left half-way. A second Ctrl-C raises."""
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
