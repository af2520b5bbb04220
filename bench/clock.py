"""Timing: cost per step by difference, interleaved rounds, medians."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import perf_counter, sleep

import numpy as np

PAUSE = 0.05  # seconds in which threads that PyTorch and JAX leave spinning come to rest
ENOUGH = 0.3  # seconds after which a stretch is not repeated: one of a few milliseconds may meet an interruption


@dataclass(frozen=True)
class Stretch:
    """The steps from `first` to `last` of a run that always begins at step 0; `run(steps)` does them all."""

    run: Callable[[int], object]
    first: int
    last: int

    def ns_per_step(self) -> float:
        """Time of `last` steps less that of `first` steps, over their number: set-up is not billed."""
        sleep(PAUSE)
        differences, until = [], perf_counter() + ENOUGH
        while not differences or perf_counter() < until:
            differences.append(self._seconds(self.last) - self._seconds(self.first))
        return 1e9 * median(differences) / (self.last - self.first)

    def _seconds(self, steps: int) -> float:
        start = perf_counter()
        self.run(steps)
        return perf_counter() - start


def ns_per_step(stretches: dict[str, Stretch], rounds: int) -> dict[str, float]:
    """Median nanoseconds of one step of each stretch.

    A round measures every stretch once, so that a slow spell of the machine falls on all of them; a
    round before the first is thrown away, so that compilation is not billed.
    """
    turns = [{name: stretch.ns_per_step() for name, stretch in stretches.items()} for _ in range(rounds + 1)]
    return {name: median(turn[name] for turn in turns[1:]) for name in stretches}


def exponent(sizes: list[int], costs: list[float]) -> float:
    """The p of cost ~ size^p, by least squares on logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])
