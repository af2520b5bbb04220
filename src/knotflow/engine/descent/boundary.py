"""The neurons near a sample, stepped one by one: LANES borders at a time, a neuron of each.

A border's neurons are one lane of its slice, from the first layer on; slices hold borders with about as many neurons,
so few places are empty. An empty place has a = b = c = 0, which adds nothing. A neuron that leaves both arcs of its
border goes to the border that is nearest to it then (``move_on``), in the last place of whose lane there is room.
"""

from __future__ import annotations

import numpy as np

from knotflow.engine import table as fields
from knotflow.engine.arcs import active_arc, follow, inactive_arc
from knotflow.engine.compiled import kernel
from knotflow.engine.lanes import LANES, above, bits, load, only, peek, poke, spread, store
from knotflow.engine.table import SLICE, next_border

EXTRAS = 0  # the place of their number in State.counts
BLOCK = 3 * LANES  # a layer: LANES each of a, b, c
LEAST_PART = 16  # neurons of one border that are not worth another part
SPARE_SHARE = 8  # room for one more neuron in so many, and for a few besides:
FEWEST_SPARE, MOST_SPARE = 1, 8  # few lie closer in the cache, many last longer where knots travel
RESERVE, LEAST_RESERVE = 1024, 64  # room for this share of the neurons, or these, in a part that a crowd gets later


@kernel
def most_in_part(awake):
    """How many neurons one part may have when so many are awake."""
    return max(LEAST_PART, -(-awake // fields.SHARES))


@kernel
def reserve(m):
    """How many layers to set aside for a slice without parts as yet."""
    return max(LEAST_RESERVE, m // RESERVE)


@kernel
def layers_for(layers, few):
    """How many layers to set aside for a slice of so many; ``few`` besides its share."""
    return layers + layers // SPARE_SHARE + few


def total_layers(m: int, slices: int) -> int:
    """Layers enough for m neurons, however they crowd: no slice has more than its predecessor's emptiest lane."""
    full = -(-m // LANES) + max(LEAST_PART, -(-m // fields.SHARES))
    reserved = (fields.EXTRA // LANES + 1) * max(LEAST_RESERVE, m // RESERVE)
    return full + full // SPARE_SHARE + MOST_SPARE * slices + reserved


@kernel
def step(pack, held, table, first, layers, beside, slices, gone, train, keep):
    """Step all of them, and add up each part's sums; in how many layers some have left their border.

    gone  filled with each of these layers, its slice, and which of its lanes (bits); those beyond its end are lost
    """
    one = spread(1.0)
    if train.min() == 1.0 and keep.min() == 1.0:  # numba leaves these factors out of the loop
        return _step(pack, held, table, first, layers, beside, slices, gone, one, one, one, one, one, one)
    ka, kb, kc = spread(keep[0]), spread(keep[1]), spread(keep[2])
    ma, mb, mc = spread(train[0]), spread(train[1]), spread(train[2])
    return _step(pack, held, table, first, layers, beside, slices, gone, ka, kb, kc, ma, mb, mc)


@kernel(forceinline=True)
def _step(pack, held, table, first, layers, beside, slices, gone, ka, kb, kc, ma, mb, mc):
    """``step`` for what is kept of each parameter and whether it moves, in every lane."""
    zero, leavers = spread(0.0), 0
    for q in range(slices):
        t, ca, cb, cr = q * SLICE, zero, zero, zero
        start, end = peek(first, q), peek(first, q) + peek(layers, q)
        if start == end:  # a third of them, where knots are as many as borders
            store(table, t + fields.CA, zero)
            store(table, t + fields.CB, zero)
            store(table, t + fields.CR, zero)
            continue
        arc_e0, arc_e1, rho = load(table, t + fields.E0), load(table, t + fields.E1), load(table, t + fields.RHO)
        x, lower, upper = load(table, t + fields.X), load(table, t + fields.LOWER), load(table, t + fields.UPPER)
        on_lower, on_upper = peek(beside, 2 * q), peek(beside, 2 * q + 1)
        for layer in range(start, end):
            o = layer * BLOCK
            a0, b0, c0 = load(pack, o), load(pack, o + LANES), load(pack, o + 2 * LANES)
            own = only(above(a0 * x, b0), rho)  # a fused a x - b may be positive for a knot on the sample
            e0, e1 = arc_e0 + own, arc_e1 + own * x
            b = kb * b0 + mb * c0 * e0
            a = ka * a0 - ma * c0 * e1
            c = kc * c0 - mc * (e1 * a0 - e0 * b0)
            store(pack, o, a)
            store(pack, o + LANES, b)
            store(pack, o + 2 * LANES, c)
            ca += c * a
            cb += c * b
            h = a * x - b
            cr += c * only(above(h, zero), h)
            out = (bits(above(a * lower, b)) ^ on_lower) | (bits(above(a * upper, b)) ^ on_upper)
            out &= peek(held, layer)
            if out != 0:
                if 3 * leavers < gone.size:
                    poke(gone, 3 * leavers, layer)
                    poke(gone, 3 * leavers + 1, q)
                    poke(gone, 3 * leavers + 2, out)
                leavers += 1
        store(table, t + fields.CA, ca)
        store(table, t + fields.CB, cb)
        store(table, t + fields.CR, cr)
    return leavers


# The helpers below take single arrays, are inlined, and have no branches: taking an array out of the state counts a
# reference, as does a call that numba cannot see through, and either costs more than what most of them do.
@kernel(forceinline=True)
def put(pack, held, who, first, layers, taken, table, row, i, a, b, c):
    """Put neuron i in the last place of a row, which must have room."""
    q, lane, n = row // LANES, row % LANES, taken[row]
    layer = first[q] + n
    o = layer * BLOCK + lane
    pack[o], pack[o + LANES], pack[o + 2 * LANES] = a, b, c
    held[layer] |= 1 << lane
    who[layer * LANES + lane] = i
    taken[row] = n + 1
    layers[q] = max(layers[q], n + 1)
    _add(table, fields.place(row), a, b, c, 1.0)


@kernel(forceinline=True)
def _take_out(pack, held, who, first, layers, taken, table, layer, row):
    """Remove a neuron from a row and let its last take its place."""
    q, lane, n = row // LANES, row % LANES, taken[row]
    last = first[q] + n - 1
    o, z = layer * BLOCK + lane, last * BLOCK + lane
    _add(table, fields.place(row), pack[o], pack[o + LANES], pack[o + 2 * LANES], -1.0)
    pack[o], pack[o + LANES], pack[o + 2 * LANES] = pack[z], pack[z + LANES], pack[z + 2 * LANES]
    pack[z] = pack[z + LANES] = pack[z + 2 * LANES] = 0.0
    held[last] &= ~(1 << lane)
    layers[q] -= np.int64(held[last] == 0) & np.int64(n == layers[q])
    who[layer * LANES + lane] = who[last * LANES + lane]
    taken[row] = n - 1


@kernel(forceinline=True)
def _add(table, t, a, b, c, sign):
    """Add sign times a neuron's share to the sums at t."""
    table[t + fields.CA] += sign * (c * a)
    table[t + fields.CB] += sign * (c * b)
    table[t + fields.CR] += sign * (c * max(a * table[t + fields.X] - b, 0.0))


@kernel(forceinline=True)
def nearest_border(g, to_lower, to_upper, arcs):
    """The border of arc g that is nearer, of two at these distances."""
    k = g - np.int64(to_lower <= to_upper)
    return k + arcs * np.int64(k < 0)


@kernel(forceinline=True)
def add_part(rows, at, border, taken, beside, table, part, row, k, lower, upper):
    """Give a part of border k its row."""
    lane, t = row % LANES, fields.place(row)
    rows[part], at[part], border[row], taken[row] = row, t, k, 0
    fields.describe(table, t, k, lower, upper)
    q, (before, after) = 2 * (row // LANES), fields.active_beside(k, lower.size // 2)
    beside[q] = beside[q] & ~(1 << lane) | np.int64(before) << lane
    beside[q + 1] = beside[q + 1] & ~(1 << lane) | np.int64(after) << lane


@kernel
def _overflow(state, lower, upper, k):
    """A row of border k with room besides its first: one that there is or a new one; -1 if none is left.

    A new part's sums are set with the others' before the next step.
    """
    counts, of, rows, taken, room = state.counts, state.of, state.rows, state.taken, state.room
    shares = state.berth.size + 1
    for e in range(counts[EXTRAS]):
        row = rows[shares + e]
        if of[e] == k and taken[row] < room[row // LANES]:
            return row
    if counts[EXTRAS] == fields.EXTRA:
        return -1
    row = shares + counts[EXTRAS]
    of[counts[EXTRAS]] = k
    add_part(rows, state.at, state.border, taken, state.beside, state.table, row, row, k, lower, upper)
    counts[EXTRAS] += 1
    return row


@kernel
def move_on(state, prob, leavers):
    """Take those who have left their border to another; False if one of them finds no room there.

    From the last layer to the first: whoever takes a leaver's place is then none that is still to leave.
    """
    pack, held, who, first, layers, room, taken, table = (
        state.pack, state.held, state.who, state.first, state.layers, state.room, state.taken, state.table
    )  # fmt: skip
    gone, rows, border, beside = state.gone, state.rows, state.border, state.beside
    x, lower, upper = prob.x, prob.lower, prob.upper
    if 3 * leavers > gone.size:
        return False
    for n in range(leavers - 1, -1, -1):
        layer, q, which = gone[3 * n], gone[3 * n + 1], gone[3 * n + 2]
        for lane in range(LANES):
            if which >> lane & 1:
                row, o = q * LANES + lane, layer * BLOCK + lane
                i, a, b, c = who[layer * LANES + lane], pack[o], pack[o + LANES], pack[o + 2 * LANES]
                _take_out(pack, held, who, first, layers, taken, table, layer, row)
                above_upper = a * table[fields.place(row) + fields.UPPER] - b > 0
                on_upper = beside[2 * q + 1] >> lane & 1 != 0
                g = (
                    border[row] if above_upper == on_upper else next_border(border[row], upper.size)
                )  # where it has left
                g = follow(g, a, b, x, lower, upper)
                k = nearest_border(g, abs(a * lower[g] - b), abs(a * upper[g] - b), lower.size)
                row = rows[k]
                if taken[row] == room[row // LANES]:
                    row = _overflow(state, lower, upper, k)
                if row < 0:
                    state.a[i], state.b[i], state.c[i] = a, b, c
                    return False
                put(pack, held, who, first, layers, taken, table, row, i, a, b, c)
    return True


@kernel
def read(state, a, b, c, arc):
    """Write everybody's parameters and arcs to their places among all neurons."""
    s, extras = state.berth.size // 2, state.counts[EXTRAS]
    pack, who, first, taken, rows, border, table = (
        state.pack, state.who, state.first, state.taken, state.rows, state.border, state.table
    )  # fmt: skip
    for part in range(2 * s + 1 + extras):
        row = rows[part]
        k, lane, x = border[row], row % LANES, table[fields.place(row) + fields.X]
        for layer in range(first[row // LANES], first[row // LANES] + taken[row]):
            i, o = who[layer * LANES + lane], layer * BLOCK + lane
            a[i], b[i], c[i] = pack[o], pack[o + LANES], pack[o + 2 * LANES]
            arc[i] = active_arc(k, s) if a[i] * x - b[i] > 0 else inactive_arc(k, s)
