"""Minibatches: epochs of fresh permutations of the samples, cut into batches."""

from __future__ import annotations

import json

import numpy as np

from knotflow._typing import AnyArray, Ints
from knotflow.dynamics import archive
from knotflow.errors import InputError

__all__ = ["Batches"]


class Batches:
    """The samples of each step: ``size`` of the ``n`` samples, drawn without replacement within an epoch.

    The last batch of an epoch may be short. The generator is the batches' own.
    """

    def __init__(self, n: int, size: int, rng: np.random.Generator) -> None:
        if size > n:
            raise InputError(f"batch is {size}: it must be at most the number of samples, {n}")
        self.n, self.size, self.rng = n, size, rng
        self.left = np.empty(0, np.int64)

    def next(self, steps: int) -> tuple[Ints, Ints]:
        """The samples of the next steps, end to end, and where each step's begin and end, (steps + 1,)."""
        picks, ends = [], [0]
        for _ in range(steps):
            if self.left.size == 0:
                self.left = self.rng.permutation(self.n)
            picks.append(self.left[: self.size])
            ends.append(ends[-1] + picks[-1].size)
            self.left = self.left[self.size :]
        return np.concatenate(picks) if picks else self.left[:0], np.array(ends)

    def snapshot(self) -> dict[str, AnyArray]:
        """The rest of this epoch and the generator, as arrays."""
        return {
            "batches_left": self.left.copy(),
            "batches_rng": np.array(archive.as_text(self.rng.bit_generator.state)),
        }

    def restore(self, snapshot: dict[str, AnyArray]) -> None:
        """Go on from a snapshot."""
        self.left = snapshot["batches_left"]
        self.rng = archive.generator(json.loads(str(snapshot["batches_rng"])))
