"""Boundary neurons: near a border, stepped one by one, LANES borders at a time and a neuron of each.

The neurons of a bucket fill its lane from the first level on. Groups hold buckets of about the same size, so that few
places are empty. An empty place has a = b = c = 0, which adds nothing. A neuron that leaves both arcs of its border
migrates to the border that is nearest to it then, to the end of the lane of the first bucket with capacity.
"""

from __future__ import annotations

import numpy as np

from knotflow.engine.arcs import active_arc, follow, inactive_arc
from knotflow.engine.compiled import leaf
from knotflow.engine.descent.layout import (
    CA,
    CB,
    CR,
    E0,
    E1,
    GROUP,
    LEVEL,
    LOWER,
    OVERFLOW_BUCKETS,
    RHO,
    UPPER,
    X,
    address_of,
    describe,
    next_border,
)  # fmt: skip
from knotflow.engine.descent.state import OVERFLOW
from knotflow.engine.simd import LANES, greater, load, load_scalar, movemask, select, splat, store, store_scalar


@leaf
def step(buckets, lanes, groups, train, keep):
    """Step all boundary neurons, and add up each bucket's sums; at how many levels some have left their border.

    lanes.crossings is filled with each of these levels, its group, and which of its lanes (bits); what finds no place
    there is lost.
    """
    one = splat(1.0)
    if train == (1.0, 1.0, 1.0, 1.0) and keep == (1.0, 1.0, 1.0, 1.0):  # these factors then leave the loop
        return _step(buckets, lanes, groups, (one, one, one), (one, one, one))
    return _step(
        buckets, lanes, groups,
        (splat(train[0]), splat(train[1]), splat(train[2])), (splat(keep[0]), splat(keep[1]), splat(keep[2])),
    )  # fmt: skip


@leaf(forceinline=True)
def _step(buckets, lanes, groups, train, keep):
    """``step`` for factors in every lane: whether a, b, c move, and what is kept of them."""
    table, neighbour, offset, depth = buckets.table, buckets.neighbour, lanes.offset, lanes.depth
    xs, mask, crossings = lanes.store, lanes.mask, lanes.crossings
    (ma, mb, mc), (ka, kb, kc) = train, keep
    zero, found = splat(0.0), 0
    for q in range(groups):
        t, ca, cb, cr = q * GROUP, zero, zero, zero
        start, end = load_scalar(offset, q), load_scalar(offset, q) + load_scalar(depth, q)
        if start == end:  # a third of the groups, where there are as many knots as borders
            store(table, t + CA, zero)
            store(table, t + CB, zero)
            store(table, t + CR, zero)
            continue
        arc_e0, arc_e1, rho = load(table, t + E0), load(table, t + E1), load(table, t + RHO)
        x, lower, upper = load(table, t + X), load(table, t + LOWER), load(table, t + UPPER)
        on_lower, on_upper = load_scalar(neighbour, 2 * q), load_scalar(neighbour, 2 * q + 1)
        for level in range(start, end):
            o = level * LEVEL
            a0, b0, c0 = load(xs, o), load(xs, o + LANES), load(xs, o + 2 * LANES)
            own = select(greater(a0 * x, b0), rho)  # a fused a x - b may be positive for a knot on the sample
            e0, e1 = arc_e0 + own, arc_e1 + own * x
            b = kb * b0 + mb * c0 * e0
            a = ka * a0 - ma * c0 * e1
            c = kc * c0 - mc * (e1 * a0 - e0 * b0)
            store(xs, o, a)
            store(xs, o + LANES, b)
            store(xs, o + 2 * LANES, c)
            ca += c * a
            cb += c * b
            h = a * x - b
            cr += c * select(greater(h, zero), h)
            out = (movemask(greater(a * lower, b)) ^ on_lower) | (movemask(greater(a * upper, b)) ^ on_upper)
            out &= load_scalar(mask, level)
            if out != 0:
                if 3 * found < crossings.size:
                    store_scalar(crossings, 3 * found, level)
                    store_scalar(crossings, 3 * found + 1, q)
                    store_scalar(crossings, 3 * found + 2, out)
                found += 1
        store(table, t + CA, ca)
        store(table, t + CB, cb)
        store(table, t + CR, cr)
    return found


# The helpers below are inlined and have no branches: a call costs more than what most of them do.
@leaf(forceinline=True)
def insert(buckets, lanes, lane, i, a, b, c):
    """Put neuron i at the end of a lane, which must have capacity."""
    store, q, k, n = lanes.store, lane // LANES, lane % LANES, buckets.number[lane]
    level = lanes.offset[q] + n
    o = level * LEVEL + k
    store[o], store[o + LANES], store[o + 2 * LANES] = a, b, c
    lanes.mask[level] |= 1 << k
    lanes.ids[level * LANES + k] = i
    buckets.number[lane] = n + 1
    lanes.depth[q] = max(lanes.depth[q], n + 1)
    _add(buckets.table, address_of(lane), a, b, c, 1.0)


@leaf(forceinline=True)
def remove_swap(buckets, lanes, level, lane):
    """Remove the neuron at a level of a lane; the lane's last neuron takes its place."""
    store, mask, ids, q, k, n = lanes.store, lanes.mask, lanes.ids, lane // LANES, lane % LANES, buckets.number[lane]
    last = lanes.offset[q] + n - 1
    o, z = level * LEVEL + k, last * LEVEL + k
    _add(buckets.table, address_of(lane), store[o], store[o + LANES], store[o + 2 * LANES], -1.0)
    store[o], store[o + LANES], store[o + 2 * LANES] = store[z], store[z + LANES], store[z + 2 * LANES]
    store[z] = store[z + LANES] = store[z + 2 * LANES] = 0.0
    mask[last] &= ~(1 << k)
    lanes.depth[q] -= np.int64(mask[last] == 0) & np.int64(n == lanes.depth[q])
    ids[level * LANES + k] = ids[last * LANES + k]
    buckets.number[lane] = n - 1


@leaf(forceinline=True)
def _add(table, t, a, b, c, sign):
    """Add sign times a neuron's terms to the sums at t."""
    table[t + CA] += sign * (c * a)
    table[t + CB] += sign * (c * b)
    table[t + CR] += sign * (c * max(a * table[t + X] - b, 0.0))


@leaf(forceinline=True)
def nearest_border(g, to_lower, to_upper, arcs):
    """The border of arc g that is nearer, of two at these distances."""
    k = g - np.int64(to_lower <= to_upper)
    return k + arcs * np.int64(k < 0)


@leaf
def add_bucket(buckets, bucket, lane, k, prob):
    """Give a bucket of border k its lane, without neurons."""
    t, s, bit, q = address_of(lane), prob.x.size, lane % LANES, 2 * (lane // LANES)
    neighbour = buckets.neighbour
    buckets.lane[bucket], buckets.address[bucket], buckets.border[lane], buckets.number[lane] = lane, t, k, 0
    describe(buckets.table, t, k, prob.lower, prob.upper)
    before, after = (k >= 1) & (k <= s), (k >= s - 1) & (k <= 2 * s - 2)  # active at the samples of the borders beside
    neighbour[q] = neighbour[q] & ~(1 << bit) | np.int64(before) << bit
    neighbour[q + 1] = neighbour[q + 1] & ~(1 << bit) | np.int64(after) << bit


@leaf
def _overflow_lane(buckets, lanes, registers, prob, k):
    """A lane with capacity of an overflow bucket of border k, there already or new; -1 if none is left.

    A new bucket's sums are set with the others' before the next step.
    """
    first = 2 * prob.x.size + 1
    for e in range(registers[OVERFLOW]):
        lane = buckets.lane[first + e]
        if buckets.of[e] == k and buckets.number[lane] < lanes.capacity[lane // LANES]:
            return lane
    if registers[OVERFLOW] == OVERFLOW_BUCKETS:
        return -1
    lane = first + registers[OVERFLOW]
    buckets.of[registers[OVERFLOW]] = k
    add_bucket(buckets, lane, lane, k, prob)
    registers[OVERFLOW] += 1
    return lane


@leaf
def migrate(neurons, buckets, lanes, registers, prob, crossings):
    """Move the neurons that have left their border to another; False if one of them finds no capacity there.

    Iterate from the deepest level down: remove_swap then never moves a neuron that has still to migrate.
    """
    x, lower, upper = prob.x, prob.lower, prob.upper
    if 3 * crossings > lanes.crossings.size:
        return False
    for n in range(crossings - 1, -1, -1):
        level, q, out = lanes.crossings[3 * n], lanes.crossings[3 * n + 1], lanes.crossings[3 * n + 2]
        for k in range(LANES):
            if out >> k & 1:
                lane, o = q * LANES + k, level * LEVEL + k
                i, a = np.int64(lanes.ids[level * LANES + k]), lanes.store[o]
                b, c = lanes.store[o + LANES], lanes.store[o + 2 * LANES]
                remove_swap(buckets, lanes, level, lane)
                above_upper = a * buckets.table[address_of(lane) + UPPER] - b > 0
                on_upper = buckets.neighbour[2 * q + 1] >> k & 1 != 0
                g = buckets.border[lane]  # the arc it has reached, if it went no further
                g = g if above_upper == on_upper else next_border(g, upper.size)
                g = follow(g, a, b, x, lower, upper)
                to = nearest_border(g, abs(a * lower[g] - b), abs(a * upper[g] - b), lower.size)
                lane = buckets.lane[to]
                if buckets.number[lane] == lanes.capacity[lane // LANES]:
                    lane = _overflow_lane(buckets, lanes, registers, prob, to)
                if lane < 0:
                    neurons.a[i], neurons.b[i], neurons.c[i] = a, b, c
                    return False
                insert(buckets, lanes, lane, i, a, b, c)
    return True


@leaf
def read(buckets, lanes, overflow, a, b, c, arc):
    """Write the boundary neurons' parameters and arcs to their places among all neurons."""
    s = buckets.address.size // 2 - OVERFLOW_BUCKETS // 2
    store, ids, table = lanes.store, lanes.ids, buckets.table
    for bucket in range(2 * s + 1 + overflow):
        lane = buckets.lane[bucket]
        k, x, first = buckets.border[lane], table[address_of(lane) + X], lanes.offset[lane // LANES]
        for level in range(first, first + buckets.number[lane]):
            i, o = ids[level * LANES + lane % LANES], level * LEVEL + lane % LANES
            a[i], b[i], c[i] = store[o], store[o + LANES], store[o + 2 * LANES]
            arc[i] = active_arc(k, s) if a[i] * x - b[i] > 0 else inactive_arc(k, s)
