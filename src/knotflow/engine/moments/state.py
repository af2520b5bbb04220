"""What momentum and Adam keep from step to step, and what stays the same."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from knotflow.engine.arcs import borders, find_arcs
from knotflow.engine.simd import LANES, aligned
from knotflow.engine.sums import add_moments

Array = NDArray[Any]


class State(NamedTuple):
    """All that the next step needs. Row p of the moments is that of parameter p.

    The engine's own states have neurons in whole vectors: ``padded`` adds some with a = b = c = 0, which add nothing to
    f and stay where they are, so that m is a multiple of LANES. ``trimmed`` takes them away.
    """

    params: Array  # (3, m): a, b, c
    bias: Array  # (1,)
    first: Array  # (3, m): the momentum, or Adam's first moment
    second: Array  # (3, m): Adam's second moment; (3, 0) for momentum
    bias_history: Array  # (2,): the bias's first and second moment
    arc: Array  # (m,) int32
    ca: Array  # (2s,) sums of c a over the neurons of each arc
    cb: Array  # (2s,) and of c b
    taken: Array  # (1,) int64, steps taken so far


class Settings(NamedTuple):
    """The numbers of the rule."""

    lr: float
    decay: float  # weight decay
    beta1: float  # the momentum, or Adam's beta_1
    beta2: float = 0.0
    eps: float = 0.0


class Problem(NamedTuple):
    """What stays the same from step to step."""

    x: Array  # (s,) distinct, ascending
    y: Array
    weight: Array
    lower: Array  # (2s,) abscissae of the arcs' borders
    upper: Array
    train: tuple[bool, bool, bool, bool]  # whether a, b, c, bias are trained
    inv_norm: float
    settings: Settings
    width: int  # m, without the neurons that `padded` adds


def problem(
    x: Array, y: Array, weight: Array, norm: float, train: frozenset[str], settings: Settings, width: int
) -> Problem:  # fmt: skip
    """The constants of a run of ``width`` neurons on the distinct samples; what is not in ``train`` stays as it is."""
    on = tuple(p in train for p in ("a", "b", "c", "bias"))
    numbers = Settings(*map(float, settings))
    return Problem(x, y, weight, *borders(x), on, 1.0 / norm, numbers, width)  # type: ignore[arg-type]


def start(a: Array, b: Array, c: Array, bias: float, x: Array, adam: bool) -> State:
    """A state whose moments are zero, in whole vectors; O(m log s)."""
    m, arcs = a.size, 2 * x.size
    arc = np.empty(m, np.int32)
    find_arcs(a, b, x, arc)
    ca, cb = np.empty(arcs), np.empty(arcs)
    add_moments(a, b, c, arc, ca, cb)
    first, second = np.zeros((3, m)), np.zeros((3, m if adam else 0))
    params, level, taken = np.stack([a, b, c]), np.array([float(bias)]), np.zeros(1, np.int64)
    return padded(State(params, level, first, second, np.zeros(2), arc, ca, cb, taken))


def padded(state: State) -> State:
    """A copy in whole vectors, none of which straddles two cache lines."""
    copies = State(*(part.copy() for part in state))
    arc = np.zeros(_whole(state.arc.size), np.int32)  # arc 0: active at no sample
    arc[: state.arc.size] = state.arc
    return copies._replace(
        params=_padded(state.params), first=_padded(state.first), second=_padded(state.second), arc=arc
    )


def trimmed(state: State, m: int) -> State:
    """The state of the first m neurons; not copied."""
    return state._replace(
        params=state.params[:, :m], first=state.first[:, :m], second=state.second[:, :m], arc=state.arc[:m]
    )


def _padded(rows: Array) -> Array:
    whole = _whole(rows.shape[1])
    out = aligned(rows.shape[0] * whole).reshape(-1, whole) if whole else np.zeros(rows.shape)
    out[:, : rows.shape[1]] = rows
    return out


def _whole(m: int) -> int:
    """m rounded up to whole vectors."""
    return LANES * -(-m // LANES)
