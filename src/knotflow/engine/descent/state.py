"""What descent keeps from step to step, as records by which file reads them, and what stays the same.

m neurons, s distinct samples, 2s arcs, and a border between any two neighbouring arcs (``engine/arcs.py``). The arrays
are the engine's own and change in place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from knotflow.engine.arcs import borders
from knotflow.engine.descent import layout
from knotflow.engine.simd import LANES, aligned

Array = NDArray[Any]

BOUNDARY = -1  # the place of a boundary neuron

# Registers: places in State.registers. numba cannot change a scalar in a record.
OVERFLOW = 0  # number of overflow buckets
N_BOUNDARY = 1  # number of boundary neurons at the last rebuild
INTERVAL = 2  # the rebuild interval for which the skins were chosen, in steps; 0: nothing that moves is interior
AGE = 3  # steps since the last rebuild; NEW before the first one
BACK_OFF = 4  # the next wait if a rebuild finds nothing to gain; doubles each time, in steps
WAIT = 5  # rebuild after this many steps at the latest
SLOTS = 6  # number of arcs with interior neurons that move
SPARE = 7  # levels that every group of lanes gets beyond its share
REGISTERS = 8

NEW = -1  # the age of a state whose stores are still empty

FIRST_BACK_OFF = 8
LONGEST = 20  # log2 of the longest rebuild interval


class Batch(NamedTuple):
    """The n samples one by one, for minibatches; of size 0 where all samples are used at every step."""

    point: Array  # (n,) int64, for each sample the number of its distinct x
    y: Array  # (n,)
    weight: Array  # (n,)


class Problem(NamedTuple):
    """What stays the same from step to step."""

    x: Array  # (s,) distinct, ascending
    y: Array  # (s,) weighted means
    weight: Array  # (s,)
    lower: Array  # (2s,) abscissa of each arc's lower border
    upper: Array  # (2s,) and of its upper border
    train: tuple[float, float, float, float]  # 1 where a, b, c, bias are trained, else 0
    keep: tuple[float, float, float, float]  # 1 - lr * weight decay for a, b, c, bias; 1 where not trained
    lr: float
    inv_norm: float
    batch: Batch


class Neurons(NamedTuple):
    """The neurons one by one, as they were at the last rebuild."""

    a: Array  # (m,)
    b: Array
    c: Array
    bias: Array  # (1,), at present
    place: Array  # (m,) int32, the arc of an interior neuron, BOUNDARY for a boundary one


class Interior(NamedTuple):
    """The interior neurons, arc by arc (``interior``)."""

    slot: Array  # (2s,) int32, each arc's slot; -1 for none: its neurons do not move, or there are none
    block: Array  # the slots' fields, LANES slots side by side
    source: Array  # (slots,) where each slot finds its driving sums in Buckets.table


class Buckets(NamedTuple):
    """One bucket a border, one for the arc that is active everywhere, and the overflow buckets (``layout``)."""

    table: Array  # the fields of the buckets, LANES side by side
    address: Array  # (buckets,) where each bucket's fields begin
    lane: Array  # (buckets,) each bucket's lane
    of: Array  # (OVERFLOW_BUCKETS,) the border of each overflow bucket
    border: Array  # (lanes,) each lane's border
    number: Array  # (lanes,) each lane's number of neurons
    neighbour: Array  # (2 groups,) bit k: whether lane k's neurons are active at the border before it; and after it


class Lanes(NamedTuple):
    """The boundary neurons: a bucket is a lane of a group, a neuron is one place of the lane (``boundary``)."""

    offset: Array  # (groups,) each group's first level
    depth: Array  # (groups,) how many of its levels have been in use
    capacity: Array  # (groups,) how many levels it has
    store: Array  # a, b, c of every level, LANES of each
    mask: Array  # (levels,) bit k: whether lane k's place is taken
    ids: Array  # (levels * LANES,) int32, which neurons these are
    crossings: Array  # scratch: level, group and lanes of the neurons that have left their border


class Plan(NamedTuple):
    """Scratch of a rebuild; means nothing between two of them."""

    skin_c: Array  # (2s,) how far the coefficient of c of a border's pre-activation may move
    skin_ab: Array  # (2s,) and those of a and b
    numbers: Array  # (4s,) the interior neurons of each arc, then the boundary neurons of each border
    share: Array  # (buckets,) neurons of each bucket
    first_overflow: Array  # (2s,) each border's first overflow bucket
    filling: Array  # (2s,) the bucket of each border that is being filled
    larger: Array  # counts, to sort buckets by size
    lasts: Array  # (LONGEST + 2,) counts of neurons by how long they stay on their arcs


class Forward(NamedTuple):
    """Scratch of a step."""

    f: Array  # (s,) the function at the samples
    r: Array  # (s,) weighted residuals
    right: Array  # (s,) the part of the right-facing neurons


class State(NamedTuple):
    """All that the next step needs."""

    neurons: Neurons
    interior: Interior
    buckets: Buckets
    lanes: Lanes
    registers: Array  # (REGISTERS,) int64
    plan: Plan
    forward: Forward


def problem(
    x: Array, y: Array, weight: Array, norm: float, lr: float, train: frozenset[str], weight_decay: float, batch: Batch
) -> Problem:
    """The constants of gradient descent with the step lr on distinct x, and on ``batch.y.size`` samples one by one."""
    lower, upper = borders(x)
    on = tuple(float(p in train) for p in ("a", "b", "c", "bias"))
    keep = tuple(1.0 - lr * weight_decay * p for p in on)
    return Problem(x, y, weight, lower, upper, on, keep, float(lr), 1.0 / norm, batch)  # type: ignore[arg-type]


def empty(m: int, s: int) -> State:
    """A state for m neurons on s distinct samples, all of it zero but the registers: the first run fills its stores."""
    groups, buckets = layout.groups(s), 2 * s + 1 + layout.OVERFLOW_BUCKETS
    levels, slots = layout.most_levels(m, groups), LANES * -(-2 * s // LANES)
    registers = np.zeros(REGISTERS, np.int64)
    registers[AGE], registers[BACK_OFF], registers[WAIT] = NEW, FIRST_BACK_OFF, 1
    registers[SPARE] = layout.FEWEST_SPARE
    floats, ints = np.zeros, lambda size: np.zeros(size, np.int64)
    return State(
        Neurons(floats(m), floats(m), floats(m), floats(1), np.zeros(m, np.int32)),
        Interior(np.full(2 * s, -1, np.int32), aligned(slots // LANES * layout.BLOCK), ints(slots)),
        Buckets(
            aligned(groups * layout.GROUP), ints(buckets), ints(buckets), ints(layout.OVERFLOW_BUCKETS),
            ints(groups * LANES), ints(groups * LANES), ints(2 * groups),
        ),
        Lanes(
            ints(groups), ints(groups), ints(groups), aligned(levels * layout.LEVEL), ints(levels),
            np.zeros(levels * LANES, np.int32), ints(3 * (64 + m // 16)),
        ),
        registers,
        Plan(
            floats(2 * s), floats(2 * s), ints(4 * s), ints(buckets), ints(2 * s), ints(2 * s),
            ints(layout.most_in_bucket(m) + 2), ints(LONGEST + 2),
        ),
        Forward(floats(s), floats(s), floats(s)),
    )  # fmt: skip


# The names in files, which do not change when those of the engine do: record, field, name, name in format 2.
_IN_FILES = (
    ("neurons", "a", "a", "a"),
    ("neurons", "b", "b", "b"),
    ("neurons", "c", "c", "c"),
    ("neurons", "bias", "bias", "bias"),
    ("neurons", "place", "place", "home"),
    ("interior", "slot", "slot", "berth"),
    ("interior", "block", "interior", "bulk"),
    ("interior", "source", "source", "sources"),
    ("buckets", "table", "buckets", "table"),
    ("buckets", "address", "bucket_address", "at"),
    ("buckets", "lane", "bucket_lane", "rows"),
    ("buckets", "of", "overflow_of", "of"),
    ("buckets", "border", "lane_border", "border"),
    ("buckets", "number", "lane_count", "taken"),
    ("buckets", "neighbour", "neighbour_activity", "beside"),
    ("lanes", "offset", "group_offset", "first"),
    ("lanes", "depth", "group_depth", "layers"),
    ("lanes", "capacity", "group_capacity", "room"),
    ("lanes", "store", "boundary", "pack"),
    ("lanes", "mask", "occupancy", "held"),
    ("lanes", "ids", "ids", "who"),
)


def saved(state: State) -> dict[str, Array]:
    """The state as named arrays, for a file; they are the engine's own."""
    arrays = {name: getattr(getattr(state, record), field) for record, field, name, _ in _IN_FILES}
    return arrays | {"registers": state.registers}


def restored(arrays: Mapping[str, Array], prob: Problem) -> State:
    """A state of its own from saved arrays, under the names of now or of format 2."""
    state = empty(arrays["a"].size, prob.x.size)
    old = "home" in arrays
    for record, field, name, former in _IN_FILES:
        getattr(getattr(state, record), field)[:] = arrays[former if old else name]
    registers = arrays["counts" if old else "registers"]
    state.registers[: registers.size] = registers  # the oldest files lack the last one
    return state
