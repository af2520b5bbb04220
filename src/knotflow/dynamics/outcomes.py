"""Undecided events of the gradient flow: what may follow, with which probability, and which way a run takes.

The engine keeps a number for each neuron, which chooses among the ways of its next undecided event, and takes off the
number what it has used (`engine.flow.origin.decide`). The numbers follow from the method's setting and the outcomes so
far, so a run that is carried on goes on with the same ones.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from knotflow._checks import count, is_whole
from knotflow._typing import AnyArray, Array, Ints
from knotflow.engine import codes
from knotflow.errors import InputError

__all__ = ["LIKELIEST", "OUTCOME", "Undecided", "as_undecided", "numbers", "outcome_table", "sentence"]

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
# What `GradientFlow.undecided` holds: the word, a seed, or the ranks of the ways to take, by neuron.
Undecided = str | int | tuple[tuple[int, tuple[int, ...]], ...]

# The engine's packing of ranks into a number, see `engine.flow.origin`.
_RANKS, _MOST = 16, 12
# The least number: 0 would mean the likeliest way.
_LEAST = 2.0**-53


def as_undecided(value: object) -> Undecided:
    """The setting ``undecided`` in the form that methods hold, or InputError."""
    if isinstance(value, str) and value == LIKELIEST:
        return LIKELIEST
    if is_whole(value):
        return count("undecided", value)
    if isinstance(value, np.random.Generator):
        return int(value.integers(2**63))
    if isinstance(value, Mapping | tuple | list):
        try:
            return tuple((_neuron(neuron), _ranks(ranks)) for neuron, ranks in sorted(dict(value).items()))
        except (TypeError, ValueError):
            pass
    raise InputError(
        f'undecided is {value!r}: it must be "likeliest", a seed, a random generator,'
        " or for some neurons the ranks of the ways to take, such as {17: [1, 0]}"
    )


def _neuron(value: object) -> int:
    return count("undecided: a neuron", value)


def _ranks(value: object) -> tuple[int, ...]:
    listed = list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]
    if len(listed) > _MOST:
        raise InputError(f"undecided has {len(listed)} ranks for a neuron: it must have at most {_MOST}")
    return tuple(count("undecided: a rank", rank, most=_RANKS - 1) for rank in listed)


def numbers(undecided: Undecided, m: int, past: AnyArray) -> Array:
    """(m,) the number of each neuron after the outcomes in ``past``, a table `OUTCOME`."""
    start = np.zeros(m)
    if isinstance(undecided, int):
        start = 1.0 - np.random.default_rng(undecided).random(m)
    elif not isinstance(undecided, str):
        for neuron, ranks in undecided:
            if neuron >= m:
                raise InputError(f"undecided has neuron {neuron}: it must be one of {m} neurons, numbered from 0")
            start[neuron] = -sum(rank * _RANKS**place for place, rank in enumerate(ranks))
    low = 0.0
    for i, (neuron, p, taken) in enumerate(zip(past["neuron"], past["probability"], past["taken"], strict=True)):
        if taken:
            start[neuron] = _rest(start[neuron], low, p)
        ends = i + 1 == past.size or _apart(past[i], past[i + 1])
        low = 0.0 if ends else low + p
    return start


def _apart(one: Any, other: Any) -> bool:
    """Whether two rows are of two events: the probabilities of an event come one after the other."""
    return bool(one["time"] != other["time"] or one["neuron"] != other["neuron"])


def _rest(number: float, low: float, p: float) -> float:
    """What remains of a number after a way of probability p, the ways before which have ``low`` together."""
    if number <= 0.0:
        return -float(int(-number) // _RANKS)
    return min(max((number - low) / p, _LEAST), 1.0)


def outcome_table(times: Array, events: Ints, ways: Ints, odds: Array, s: int) -> AnyArray:
    """Ways of the engine, (event, mode, whether taken), as a table `OUTCOME`, ascending in time.

    ``times`` and ``events``, (neuron, border, kind), are the log that the ways refer to.
    """
    table, event, mode = np.empty(len(ways), OUTCOME), ways[:, 0], ways[:, 1]
    table["time"], table["neuron"] = times[event], events[event, 0]
    flips = events[event, 2] == codes.FLIP
    table["kind"] = np.where(flips, codes.KINDS[codes.FLIP], codes.KINDS[codes.TURN])
    table["kind"][~flips & (mode == 0)] = codes.KINDS[codes.REST]
    border = mode - 2 * s  # >= 0 for a neuron that slides: it has the arc on which the sample is not active
    arc = np.where(border < 0, mode, np.where(border < s, border, (border + 1) % (2 * s)))
    table["first"] = np.where(arc == 0, 0, np.where(arc <= s, s - arc, 0))
    table["stop"] = np.where(arc == 0, 0, np.where(arc <= s, s, 2 * s - arc))
    table["sample"] = np.where(border < 0, -1, np.where(border < s, s - 1 - border, 2 * s - 1 - border))
    table["probability"], table["taken"] = odds, ways[:, 2] != 0
    return table[np.argsort(table["time"], kind="stable")]


def sentence(times: Array) -> str:
    """What a run says of its undecided events, given their times; nothing if there are none."""
    if times.size == 0:
        return ""
    events = "one event" if times.size == 1 else f"{times.size} events"
    return (
        f". The flow is not unique from t = {times.min():.6g} on: at {events} descent takes one of several ways,"
        " by the phase of its steps (see `outcomes`)"
    )
