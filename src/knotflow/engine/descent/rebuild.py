"""Rebuild: tell interior from boundary neurons, choose the rebuild interval, fill both stores.

This is the neighbour list of molecular dynamics with 2s cells on a circle. A neuron is *interior* if, over a rebuild
interval at the present sums, it cannot come within the skin of a border of its arc. All others are *boundary* neurons.
"""

from __future__ import annotations

import math

import numpy as np

from knotflow.engine.arcs import find_arc, on_arc, step_over
from knotflow.engine.compiled import entry, leaf
from knotflow.engine.descent import boundary, interior
from knotflow.engine.descent.layout import (
    FEWEST_SPARE,
    LEAST_BUCKET,
    LEAST_RESERVE,
    LEVEL,
    MOST_SPARE,
    RESERVE,
    SHARES,
    SPARE_SHARE,
    add_overflow,
    bucket_of_arc,
    groups_in_use,
)  # fmt: skip
from knotflow.engine.descent.state import (
    AGE,
    BACK_OFF,
    BOUNDARY,
    FIRST_BACK_OFF,
    INTERVAL,
    LONGEST,
    N_BOUNDARY,
    NEW,
    OVERFLOW,
    SLOTS,
    SPARE,
    WAIT,
)  # fmt: skip
from knotflow.engine.simd import LANES, load_scalar

# Nanoseconds; only their ratios matter: a step of a boundary neuron, a rebuild per neuron, a step of a slot.
BOUNDARY_COST, REBUILD_COST, ARC_COST = 1.0, 28.0, 4.0
LEAST_INTERIOR = 5  # on an arc with fewer neurons, stepping them one by one is cheaper
# Motion slows as the loss falls, so a first skin lasts about SLOWED times the predicted interval. After that, an early
# rebuild pays only if at least the share GAIN of the boundary neurons becomes interior.
SLOWED, GAIN = 4, 0.1
FARTHEST = 2.0**LONGEST  # steps
MOST_ASKED = 1024  # number of neurons that are asked which interval is best
MOST_BACK_OFF = 1 << 10  # steps


@entry
def present(neurons, store, buckets, lanes, overflow, a, b, c, arc):
    """Write the present parameters into a, b, c and every neuron's arc into ``arc``; the state stays. O(m)."""
    slots, block = store.slot, store.block
    place, old_a, old_b, old_c = neurons.place, neurons.a, neurons.b, neurons.c
    for i in range(a.size):
        g = np.int64(place[i])
        slot = np.int64(slots[g]) if g != BOUNDARY else -1
        a[i], b[i], c[i] = old_a[i], old_b[i], old_c[i]
        arc[i] = g
        if slot >= 0:
            a[i], b[i], c[i] = interior.present(block, slot, a[i], b[i], c[i])
    boundary.read(buckets, lanes, overflow, a, b, c, arc)


@leaf
def update_reference(neurons, store, buckets, lanes, overflow, prob):
    """Make the present parameters the reference, and ``place`` every neuron's arc; O(m)."""
    a, b, place, lower, upper = neurons.a, neurons.b, neurons.place, prob.lower, prob.upper
    present(neurons, store, buckets, lanes, overflow, a, b, neurons.c, place)
    for i in range(place.size):
        g = step_over(max(place[i], 0), a[i], b[i], lower, upper)  # BOUNDARY: it found no capacity at a border
        if not on_arc(g, prob.x.size, a[i] * lower[g] - b[i], a[i] * upper[g] - b[i]):
            g = find_arc(a[i], b[i], prob.x)
        place[i] = g


@leaf
def _count(places, numbers):
    """Count the neurons at each place; in a loop of its own, which then need not wait for another's stores."""
    for k in range(numbers.size):
        numbers[k] = 0
    for i in range(places.size):
        numbers[places[i]] += 1


@leaf
def _dead_rest(keep):
    """Whether dead neurons stay where they are: there is no weight decay."""
    return keep[0] == 1.0 and keep[1] == 1.0 and keep[2] == 1.0


@leaf
def _best_interval(neurons, prob, plan, stretch, longest):
    """The rebuild interval (a power of two, 0: no interior neurons) at which steps and rebuilds cost least together.

    A neuron is interior for n steps if it is further than n v + n^2 w from its arc's borders, by the present sums.
    Then an arc with interior neurons costs ARC_COST a step, every other neuron BOUNDARY_COST, and a rebuild costs
    REBUILD_COST a neuron every n * stretch steps, or every ``longest`` if that is less. Of many neurons only a sample
    is asked; O(s). plan.numbers has the number of neurons on each arc, and the skins are those of one step.
    """
    m, lasts, numbers = neurons.place.size, plan.lasts, plan.numbers
    linear = prob.keep[0] != 1.0 or prob.keep[1] != 1.0  # what decay moves in a and b grows with n, the rest with n^2
    every = 1 + m // MOST_ASKED
    for k in range(lasts.size):
        lasts[k] = 0  # at k: how many reach a border before 2^k steps, but not before 2^(k - 1)
    for i in range(0, m, every):
        g, a, b, c = neurons.place[i], neurons.a[i], neurons.b[i], neurons.c[i]
        if numbers[g] >= LEAST_INTERIOR:
            near = min(abs(a * prob.lower[g] - b), abs(a * prob.upper[g] - b))
            turn = plan.skin_ab[g] * (abs(a) + abs(b))
            v, w = plan.skin_c[g] * abs(c), 0.0
            if linear:
                v += turn
            else:
                w = turn
            slowest = v + math.sqrt(v * v + 4.0 * w * near)
            steps = 2.0 * near / slowest if slowest > 0.0 else np.inf
            lasts[max(math.frexp(steps)[1], 0) if steps < FARTHEST else LONGEST + 1] += every
    asked, slots = 0, 0
    for k in range(lasts.size):
        asked += lasts[k]
    for g in range(prob.lower.size):
        slots += 1 if numbers[g] >= LEAST_INTERIOR else 0
    best, least, outside, power = 0, BOUNDARY_COST * asked, lasts[0], 1.0
    for k in range(LONGEST + 1):
        cost = BOUNDARY_COST * outside + ARC_COST * slots + REBUILD_COST * m / min(stretch * power, longest)
        if cost < least:
            best, least = 1 << k, cost
        outside += lasts[k + 1]
        power *= 2.0
    return best


@leaf
def fill(state, prob, interval):
    """Fill both stores for a rebuild interval of this many steps; a, b, c are kept. O(m + s).

    With interval 0 only those are interior that cannot move: dead neurons, if there is no weight decay.
    neurons.place has every neuron's arc.
    """
    neurons, buckets, lanes, registers, plan = state.neurons, state.buckets, state.lanes, state.registers, state.plan
    for g in range(prob.lower.size):
        plan.skin_c[g] = plan.skin_ab[g] = np.inf
    if interval > 0:
        interior.set_skins(buckets, prob, float(interval), plan)
    boundary_neurons = _classify(neurons, prob, plan)
    most = max(LEAST_BUCKET, -(-boundary_neurons // SHARES))
    registers[OVERFLOW] = order_buckets(plan, most, buckets.lane, buckets.of)
    _lay_out(buckets, lanes, registers, prob, plan, neurons.place.size)
    registers[SLOTS] = _open_slots(state.interior, buckets, prob, plan)
    _fill_stores(neurons, state.interior, buckets, lanes, plan)
    interior.add_sums(state.interior, registers[SLOTS], buckets.table)
    add_overflow(buckets, registers[OVERFLOW], prob.x.size)
    registers[N_BOUNDARY] = boundary_neurons
    registers[INTERVAL] = interval


@leaf
def _classify(neurons, prob, plan):
    """Classify the neurons: interior if neither border of their arc is within the skin, else boundary; their number.

    Then neurons.place has an interior neuron's arc g, or 2s + k for a boundary neuron at border k; plan.numbers counts
    them.
    """
    place, all_a, all_b, all_c, lower, upper = neurons.place, neurons.a, neurons.b, neurons.c, prob.lower, prob.upper
    numbers, skin_c, skin_ab = plan.numbers, plan.skin_c, plan.skin_ab
    dead_rest, arcs = _dead_rest(prob.keep), prob.lower.size
    for i in range(place.size):  # branch-free: which are interior is unpredictable, mispredictions would dominate
        g, a, b, c = np.int64(place[i]), all_a[i], all_b[i], all_c[i]
        to_lower, to_upper = abs(a * load_scalar(lower, g) - b), abs(a * load_scalar(upper, g) - b)
        move = load_scalar(skin_c, g) * abs(c) + load_scalar(skin_ab, g) * (abs(a) + abs(b))
        far = ((to_lower > move) & (to_upper > move)) | ((g == 0) & dead_rest)
        place[i] = g if far else arcs + boundary.nearest_border(g, to_lower, to_upper, arcs)
    _count(place, numbers)
    few = 0
    if dead_rest:
        numbers[0] = 0
    for arc in range(arcs):
        few += 1 if 0 < numbers[arc] < LEAST_INTERIOR else 0
    if few > 0:
        for i in range(place.size):
            g, a, b = np.int64(place[i]), all_a[i], all_b[i]
            if g < arcs and 0 < numbers[g] < LEAST_INTERIOR:
                k = boundary.nearest_border(g, abs(a * lower[g] - b), abs(a * upper[g] - b), arcs)
                numbers[arcs + k] += 1
                place[i] = arcs + k
    number = 0
    for k in range(arcs):
        number += numbers[arcs + k]
    return number


@leaf
def order_buckets(plan, most, lane, of):
    """Split borders with more than ``most`` neurons, put buckets of about the same size side by side.

    plan.share is filled with each bucket's number of neurons, plan.first_overflow with the bucket that takes the second
    share of a border, lane with each bucket's lane, the fullest first, and of with the border of each overflow bucket.
    Returns the number of overflow buckets.
    """
    numbers, share, larger, arcs = plan.numbers, plan.share, plan.larger, plan.first_overflow.size
    overflow = 0
    share[arcs] = 0
    for k in range(arcs):
        here = numbers[arcs + k]
        shares = max(1, -(-here // most))
        share[k] = -(-here // shares)
        plan.first_overflow[k] = arcs + 1 + overflow
        for _ in range(1, shares):
            of[overflow] = k
            share[arcs + 1 + overflow] = share[k]
            overflow += 1
    buckets, ahead = arcs + 1 + overflow, 0
    for n in range(most + 1):
        larger[n] = 0
    for bucket in range(buckets):
        larger[share[bucket]] += 1
    for n in range(most, -1, -1):  # from here on: how many buckets are larger
        larger[n], ahead = ahead, ahead + larger[n]
    for bucket in range(buckets):
        lane[bucket] = larger[share[bucket]]
        larger[share[bucket]] += 1
    return overflow


@leaf
def _lay_out(buckets, lanes, registers, prob, plan, m):
    """Describe the buckets, and give each group its levels. Then the stores are empty."""
    arcs, overflow, offset, depth, capacity = (
        prob.lower.size, registers[OVERFLOW], lanes.offset, lanes.depth, lanes.capacity
    )  # fmt: skip
    for k in range(buckets.table.size):
        buckets.table[k] = 0.0
    for q in range(depth.size):
        depth[q] = 0
    for bucket in range(arcs + 1 + overflow):
        lane, k = buckets.lane[bucket], bucket
        if bucket >= arcs:
            k = buckets.of[bucket - arcs - 1] if bucket > arcs else 0
        boundary.add_bucket(buckets, bucket, lane, k, prob)
        depth[lane // LANES] = max(depth[lane // LANES], plan.share[bucket])
    level, in_use = 0, groups_in_use(prob.x.size, overflow)
    for q in range(offset.size):
        offset[q] = level
        wanted = depth[q] + depth[q] // SPARE_SHARE + registers[SPARE]
        capacity[q] = wanted if q < in_use else max(LEAST_RESERVE, m // RESERVE)
        level += capacity[q]
        depth[q] = 0
    for k in range(level):
        lanes.mask[k] = 0
    for k in range(level * LEVEL):
        lanes.store[k] = 0.0


@leaf
def _open_slots(store, buckets, prob, plan):
    """Give every arc with interior neurons a slot; their number."""
    slots = np.int64(0)  # not the literal, for which numba compiles once more
    for g in range(prob.lower.size):
        store.slot[g] = -1
        if plan.numbers[g] >= LEAST_INTERIOR:
            store.slot[g] = slots
            interior.open_slot(store, slots, g, prob, plan, buckets.address[bucket_of_arc(g, prob.x.size)])
            slots += 1
    return slots


@leaf
def _fill_stores(neurons, store, buckets, lanes, plan):
    """Put every neuron into the store and at the place that neurons.place says (``_classify``)."""
    place, all_a, all_b, all_c, slots, block = neurons.place, neurons.a, neurons.b, neurons.c, store.slot, store.block
    filling, arcs = plan.filling, store.slot.size
    for k in range(arcs):
        filling[k] = k
    for i in range(place.size):
        g, a, b, c = np.int64(place[i]), all_a[i], all_b[i], all_c[i]
        if g >= arcs:
            k = g - arcs
            if buckets.number[buckets.lane[filling[k]]] == plan.share[k]:
                filling[k] = plan.first_overflow[k] if filling[k] == k else filling[k] + 1
            boundary.insert(buckets, lanes, buckets.lane[filling[k]], i, a, b, c)
            place[i] = BOUNDARY
        elif slots[g] >= 0:
            interior.add_neuron(block, np.int64(slots[g]), a, b, c)


@leaf
def choose_interval(state, prob, overflowed):
    """The rebuild interval that is best now, by the present parameters: they become the reference."""
    registers, plan = state.registers, state.plan
    age, before = registers[AGE], registers[INTERVAL]
    stretch = age / before if before > 0 and not overflowed else float(SLOWED)
    longest = 2.0 * age if overflowed else np.inf  # the next overflow will come as soon
    update_reference(state.neurons, state.interior, state.buckets, state.lanes, registers[OVERFLOW], prob)
    _count(state.neurons.place, plan.numbers)
    if _dead_rest(prob.keep):
        plan.numbers[0] = 0
    interior.set_skins(state.buckets, prob, 1.0, plan)
    registers[SPARE] = MOST_SPARE if overflowed else max(registers[SPARE] - 1, FEWEST_SPARE)
    return _best_interval(state.neurons, prob, plan, stretch, longest)


@leaf
def schedule(registers, m, overflowed):
    """After a rebuild: choose when to rebuild at the latest."""
    interval, age = registers[INTERVAL], registers[AGE]
    registers[AGE] = 0
    if age == NEW:
        return  # rebuild again after the first step, when the sums are known
    if interval == 0:
        registers[WAIT] = max(registers[BACK_OFF], 2 * age) if overflowed else registers[BACK_OFF]
        registers[BACK_OFF] = min(2 * registers[BACK_OFF], MOST_BACK_OFF)
    else:
        payback = REBUILD_COST * m / (GAIN * BOUNDARY_COST * max(registers[N_BOUNDARY], 1))
        registers[WAIT] = max(SLOWED * interval, np.int64(min(payback, FARTHEST)))
        registers[BACK_OFF] = FIRST_BACK_OFF
