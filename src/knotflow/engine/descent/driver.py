"""What a session calls. Small problems go to ``all_pairs``, all others to the stores and the ``loop``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knotflow.engine import arcs
from knotflow.engine.descent import all_pairs, state
from knotflow.engine.descent.all_pairs import State as SmallState
from knotflow.engine.descent.state import OVERFLOW, Problem, State

Array = NDArray[Any]


def start(a: Array, b: Array, c: Array, bias: float, prob: Problem) -> State | SmallState:
    """The state of a network before its first step; the first run fills its stores. O(m log s)."""
    if all_pairs.fits(a.size, prob):
        return all_pairs.start(a, b, c, bias, prob)
    new = state.empty(a.size, prob.x.size)
    neurons = new.neurons
    neurons.a[:], neurons.b[:], neurons.c[:], neurons.bias[0] = a, b, c, bias
    arcs.find_arcs(neurons.a, neurons.b, prob.x, neurons.place)
    return new


def run(
    now: State | SmallState, prob: Problem, steps: int, stop_loss: float, blow_up: float, picks: Array, ends: Array
) -> tuple[int, int, float]:
    """Take up to ``steps`` steps; (steps taken, why it ended, loss there).

    Step t uses the samples picks[ends[t]:ends[t + 1]]; all of them if ``ends`` is empty. The loss is that of all.
    """
    if isinstance(now, SmallState):
        return all_pairs.run(now, prob, steps, stop_loss, blow_up)
    from knotflow.engine.descent import loop  # compiled code that small problems need not load

    return loop.run(now, prob, picks, ends, steps, stop_loss, blow_up)


def parameters(now: State | SmallState, a: Array, b: Array, c: Array) -> float:
    """Write the present parameters into a, b, c, and return the bias; the state stays as it is. O(m)."""
    if isinstance(now, SmallState):
        a[:], b[:], c[:] = now.a[: now.m], now.b[: now.m], now.c[: now.m]
        return float(now.bias[0])
    from knotflow.engine.descent import rebuild

    overflow, arc = int(now.registers[OVERFLOW]), np.empty(a.size, np.int32)
    rebuild.present(now.neurons, now.interior, now.buckets, now.lanes, overflow, a, b, c, arc)
    return float(now.neurons.bias[0])


def saved(now: State | SmallState) -> dict[str, Array]:
    """All that the next step needs, as named arrays: the state's own."""
    return all_pairs.saved(now) if isinstance(now, SmallState) else state.saved(now)


def restored(arrays: Mapping[str, Array], prob: Problem) -> State | SmallState:
    """A state of its own from saved arrays, of this version or of files of format 2."""
    small = all_pairs.fits(arrays["a"].size, prob)
    return all_pairs.restored(arrays, prob) if small else state.restored(arrays, prob)
