"""Undecided events of the gradient flow: what may follow, with which probability, and which way a run takes.

The n-th choice of a neuron depends on the setting, the neuron and n alone: a run that is carried on, from a file too,
makes the choices that it would have made in one piece.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np

from knotflow._checks import count, is_whole, shown
from knotflow._typing import AnyArray, Array, Ints
from knotflow.errors import InputError

__all__ = ["LIKELIEST", "OUTCOME", "Choices", "Undecided", "as_undecided", "outcomes", "sentence"]

LIKELIEST = "likeliest"
OUTCOME = np.dtype(
    [
        ("time", np.float64),
        ("neuron", np.int64),
        ("kind", "U7"),
        ("first", np.int64),
        ("stop", np.int64),
        ("sample", np.int64),
        ("probability", np.float64),
        ("taken", np.bool_),
    ]
)
# What `GradientFlow.undecided` holds: the word, a seed, or for some neurons the ranks of the ways to take.
Undecided = str | int | tuple[tuple[int, tuple[int, ...]], ...]


def as_undecided(value: object) -> Undecided:
    """The setting ``undecided`` in the form that methods hold, or InputError."""
    if isinstance(value, str) and value == LIKELIEST:
        return LIKELIEST
    if is_whole(value):
        return count("undecided", value)
    if isinstance(value, np.random.Generator):
        return int(value.integers(2**63))
    if isinstance(value, Mapping | tuple | list):  # a file holds pairs
        try:
            pairs = list(dict(value).items())
        except (TypeError, ValueError):
            pairs = None
        if pairs is not None:
            return tuple(sorted((count("undecided: a neuron", i), _ranks(ranks)) for i, ranks in pairs))
    raise InputError(
        f'undecided is {shown(value)}: it must be "likeliest", a seed, a random generator,'
        " or for some neurons the ranks of the ways to take, such as {17: [1, 0]}"
    )


def _ranks(value: object) -> tuple[int, ...]:
    listed = value if isinstance(value, Iterable) and not isinstance(value, str) else [value]
    return tuple(count("undecided: a rank", rank) for rank in listed)


class Choices:
    """The ways that neurons take; ``past`` is the table `OUTCOME` of the events so far."""

    def __init__(self, undecided: Undecided, m: int, past: AnyArray) -> None:
        self.undecided = undecided
        self.ranks: dict[int, tuple[int, ...]] = {}
        if isinstance(undecided, tuple):
            self.ranks = dict(undecided)
            for neuron in self.ranks:
                count("undecided: a neuron", neuron, most=m - 1)
        self.made = Counter(past["neuron"][past["taken"]].tolist())

    def next(self, neuron: int, odds: Array) -> int:
        """The mode that a neuron takes, given the probability of each; that is a choice if more than one has any."""
        ways: Ints = np.flatnonzero(odds)
        if ways.size == 1:
            return int(ways[0])
        n = self.made[neuron]
        self.made[neuron] += 1
        if isinstance(self.undecided, int):
            u = np.random.default_rng([self.undecided, neuron, n]).random()
            place = int(np.searchsorted(np.cumsum(odds[ways]), u, side="right"))
            return int(ways[min(place, ways.size - 1)])
        ranks = self.ranks.get(neuron, ())
        by_rank = ways[np.argsort(-odds[ways], kind="stable")]
        return int(by_rank[min(ranks[n] if n < len(ranks) else 0, ways.size - 1)])


def outcomes(time: float, neuron: int, kinds: tuple[str, str], odds: Array, taken: int) -> AnyArray:
    """The ways of an undecided event as a table `OUTCOME`, by the probability of each mode.

    ``kinds``: what the event is if it leads to the dead arc, and if not.
    """
    mode = np.flatnonzero(odds)
    s = odds.size // 4
    border = mode - 2 * s  # >= 0 for a neuron that slides: it has the arc on which the sample is not active
    arc = np.where(border < 0, mode, np.where(border < s, border, (border + 1) % (2 * s)))
    table = np.empty(mode.size, OUTCOME)
    table["time"], table["neuron"], table["kind"] = time, neuron, np.where(mode == 0, *kinds)
    table["first"] = np.where((arc > 0) & (arc <= s), s - arc, 0)
    table["stop"] = np.where(arc == 0, 0, np.where(arc <= s, s, 2 * s - arc))
    table["sample"] = np.where(border < 0, -1, np.where(border < s, s - 1 - border, 2 * s - 1 - border))
    table["probability"], table["taken"] = odds[mode], mode == taken
    return table


def sentence(times: Array) -> str:
    """What a run says of its undecided events, given their times; nothing if there are none."""
    if times.size == 0:
        return ""
    events = "one event" if times.size == 1 else f"{times.size} events"
    return (
        f". The flow is not unique from t = {times.min():.6g} on: at {events} descent takes one of several ways,"
        " by the phase of its steps (see `outcomes`)"
    )
