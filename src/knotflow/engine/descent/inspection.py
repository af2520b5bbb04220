"""For tests and for people: what a state holds, whether it is consistent, and a rebuild on demand."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from knotflow.engine.arcs import find_arcs
from knotflow.engine.compiled import entry
from knotflow.engine.descent.all_pairs import State as SmallState
from knotflow.engine.descent.layout import predict, set_sums
from knotflow.engine.descent.rebuild import fill, present, update_reference
from knotflow.engine.descent.state import AGE, BOUNDARY, INTERVAL, N_BOUNDARY, NEW, OVERFLOW, Problem, State
from knotflow.engine.sums import residuals

Array = NDArray[Any]


def describe(now: State | SmallState, prob: Problem) -> dict[str, Any]:
    """What a state holds.

    a, b, c, bias  the present parameters
    arc            (m,) every neuron's arc
    interior       (m,) bool, the neurons that their arc advances
    boundary       (m,) bool, the neurons that are stepped one by one; dead neurons at rest are neither, and before the
                   first run no neuron is either
    interval       the rebuild interval, in steps; 0 if nothing that moves is interior
    overflow       number of overflow buckets
    """
    if isinstance(now, SmallState):
        a, b, c = now.a[: now.m].copy(), now.b[: now.m].copy(), now.c[: now.m].copy()
        arc, none = np.empty(now.m, np.int32), np.zeros(now.m, bool)
        find_arcs(a, b, prob.x, arc)
        stores = {"interior": none, "boundary": ~none, "interval": 0, "overflow": 0}
        return {"a": a, "b": b, "c": c, "bias": float(now.bias[0]), "arc": arc, **stores}
    place, slot, registers = now.neurons.place, now.interior.slot, now.registers
    (a, b, c), arc = np.empty((3, place.size)), np.empty(place.size, np.int32)
    present(now.neurons, now.interior, now.buckets, now.lanes, int(registers[OVERFLOW]), a, b, c, arc)
    return {
        "a": a, "b": b, "c": c, "bias": float(now.neurons.bias[0]), "arc": arc,
        "interior": (place != BOUNDARY) & (slot[place] >= 0), "boundary": place == BOUNDARY,
        "interval": int(registers[INTERVAL]), "overflow": int(registers[OVERFLOW]),
    }  # fmt: skip


def check(now: State | SmallState, prob: Problem) -> list[str]:
    """What is inconsistent in a state, in words; nothing if all is well."""
    found = describe(now, prob)
    a, b, x, s = found["a"], found["b"], prob.x, prob.x.size
    g, j = found["arc"].astype(int)[:, None], np.arange(s)
    active = np.where(g <= s, j >= s - g, j < 2 * s - g)
    wrong = []
    if not np.array_equal(active, np.multiply.outer(a, x) - b[:, None] > 0):
        wrong.append("a neuron is not on the arc that it is stored on")
    if isinstance(now, SmallState):
        return wrong
    lanes, buckets = now.lanes, now.buckets
    if lanes.offset[-1] + lanes.capacity[-1] > lanes.mask.size:
        wrong.append("the groups have more levels than there are")
    if np.any(lanes.depth > lanes.capacity):
        wrong.append("a group is deeper than its capacity")
    in_use = buckets.lane[: 2 * s + 1 + found["overflow"]]
    if buckets.number[in_use].sum() != np.count_nonzero(found["boundary"]):
        wrong.append("the buckets do not hold the boundary neurons")
    if found["interval"] > 0 and now.registers[N_BOUNDARY] != np.count_nonzero(found["boundary"]):
        wrong.append("the number of boundary neurons is not that of the last rebuild")
    return wrong


def rebuild_for(now: State | SmallState, prob: Problem, interval: int) -> None:
    """Rebuild the stores, if there are any, for a rebuild interval of this many steps in place of the best one."""
    if isinstance(now, State):
        _rebuild_for(now, prob, interval)


@entry
def _rebuild_for(now, prob, interval):
    f, r = now.forward.f, now.forward.r
    if now.registers[AGE] == NEW:
        fill(now, prob, np.int64(0))
        now.registers[AGE] = 0
    predict(now.buckets, prob.x, now.neurons.bias[0], prob.inv_norm, now.forward.right, f)
    residuals(f, prob.y, prob.weight, r)
    set_sums(now.buckets, now.registers[OVERFLOW], prob.x, r, prob.lr * prob.inv_norm)
    update_reference(now.neurons, now.interior, now.buckets, now.lanes, now.registers[OVERFLOW], prob)
    fill(now, prob, np.int64(interval))
