"""Gradient descent in O(s) a step plus O(1) for each neuron near a sample: the others sleep.

One step multiplies every neuron of arc g by one matrix (with E = lr/norm times the arc's residual sums)

    (a, b, c) -> L_g (a, b, c),      L_g = [[1, 0, -E1], [0, 1, E0], [-E1, E0, 1]]

so a neuron that stays on its arc needs no work of its own: ``asleep`` moves the arc instead. The neurons near a sample
are stepped four at a time, those of a border together, so that hopping across its sample costs nothing: ``awake``.
``table`` holds what both need and what they add up to.

A sleeper cannot reach a border while its arc has moved less than its reach. Then all are moved at once and looked at
anew (``_resettle``); those near a border, within the next reach, stay awake. How far to reach balances the costs
(``_best_horizon``); on arcs with few neurons, or where all are near a border, nobody sleeps. The result is that of
ordinary gradient descent up to rounding.

Weight decay scales the diagonal of L_g; an untrained parameter's row of L_g is that of the identity; a minibatch only
changes the sums E. The slow twin is ``dense.py``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from knotflow.engine import asleep, awake, small
from knotflow.engine import table as fields
from knotflow.engine.arcs import borders, find_arc, find_arcs, on_arc, step_over
from knotflow.engine.compiled import kernel
from knotflow.engine.lanes import LANES, aligned, peek
from knotflow.engine.sums import residuals

Array = NDArray[Any]

# Nanoseconds, of which only the ratios matter: a step of one awake neuron, settling any neuron, a step of an arc.
AWAKE_COST, SETTLE_COST, ARC_COST = 1.0, 28.0, 4.0
LEAST_SLEEPERS = 5  # on an arc with fewer, stepping them is cheaper
# The motion slows down as the loss falls: at first a horizon is taken to last this many times as long as it says. After
# that a smaller reach would let more neurons sleep: a look is worth its cost if this share of the awake fall asleep.
SLOWED, GAIN = 4, 0.1
LONGEST = 20  # log2 of the longest horizon
ASKED = 1024  # so many neurons tell which horizon is best
MAX_PATIENCE = 1 << 10
AWAKE = -1

# Places in State.counts, after awake.EXTRAS.
N_AWAKE, HORIZON, AGE, PATIENCE, WAIT, BERTHS, SPARE = range(1, 8)
COUNTS = 8
# What ``run`` returns.
DONE, REACHED, DIVERGED = range(3)


class State(NamedTuple):
    """All that the next step needs; the arrays are the engine's own. m neurons, s distinct samples, 2s arcs."""

    a: Array  # (m,) as they were when they lay down; of the awake, see pack
    b: Array
    c: Array
    bias: Array  # (1,)
    home: Array  # (m,) int32, the arc that a neuron sleeps on, or AWAKE
    berth: Array  # (2s,) int32, where the arc's sleepers are in bulk; -1: nowhere, they do not move
    bulk: Array  # the sleeping arcs' fields (``asleep``)
    sources: Array  # (2s and some,) where each of them has its fields in the table
    table: Array  # the borders' fields (``table``)
    at: Array  # where each part has its fields
    rows: Array  # each part's row
    of: Array  # the border of each share of a crowd
    border: Array  # each row's border
    taken: Array  # each row's number of neurons
    beside: Array  # (2 slices,) bit k: whether the slice's row k is active at the border before it; and after it
    first: Array  # (slices,) each slice's first layer
    layers: Array  # likewise how many have been in use
    room: Array  # likewise how many there are
    pack: Array  # a, b, c of the awake neurons (``awake``)
    held: Array  # bit k of a layer: whether there is a neuron in its k-th place
    who: Array  # int32, which neurons those are
    gone: Array  # int64 scratch
    counts: Array  # (COUNTS,) int64


class Problem(NamedTuple):
    """What stays the same from step to step."""

    x: Array  # (s,) distinct, ascending
    y: Array  # (s,) weighted means
    weight: Array  # (s,)
    lower: Array  # (2s,) border abscissae
    upper: Array
    train: Array  # (4,) 1 where a, b, c, bias are trained, else 0
    keep: Array  # (4,) 1 - lr * weight decay for a, b, c, bias; 1 where not trained
    lr: float
    inv_norm: float
    point: Array  # (n,) for each sample the number of its distinct x; the three are only for minibatches
    sample_y: Array  # (n,)
    sample_weight: Array  # (n,)


def problem(
    x: Array, y: Array, weight: Array, norm: float, lr: float, train: frozenset[str], weight_decay: float,
    point: Array, sample_y: Array, sample_weight: Array,
) -> Problem:  # fmt: skip
    """The constants of gradient descent with the step lr: s distinct x, n samples."""
    lower, upper = borders(x)
    on = np.array([float(p in train) for p in ("a", "b", "c", "bias")])
    keep = 1.0 - lr * weight_decay * on
    return Problem(
        x, y, weight, lower, upper, on, keep, float(lr), 1.0 / norm, point, sample_y, sample_weight
    )  # fmt: skip


def start(a: Array, b: Array, c: Array, bias: float, prob: Problem) -> State:
    """A state in which all that can move are awake; O(m log s)."""
    m, s = a.size, prob.x.size
    slices = fields.slices(s)
    layers, berths = awake.total_layers(m, slices), LANES * -(-2 * s // LANES)
    counts = np.zeros(COUNTS, np.int64)
    counts[PATIENCE], counts[WAIT], counts[SPARE] = 8, 1, awake.FEWEST_SPARE
    parts, rows = 2 * s + 1 + fields.EXTRA, slices * LANES
    state = State(
        a=a.copy(),
        b=b.copy(),
        c=c.copy(),
        bias=np.array([float(bias)]),
        home=np.full(m, AWAKE, np.int32),
        berth=np.full(2 * s, -1, np.int32),
        bulk=aligned(berths // LANES * asleep.BUNK),
        sources=np.zeros(berths, np.int64),
        table=aligned(slices * fields.SLICE),
        at=np.zeros(parts, np.int64),
        rows=np.zeros(parts, np.int64),
        of=np.zeros(fields.EXTRA, np.int64),
        border=np.zeros(rows, np.int64),
        taken=np.zeros(rows, np.int64),
        beside=np.zeros(2 * slices, np.int64),
        first=np.zeros(slices, np.int64),
        layers=np.zeros(slices, np.int64),
        room=np.zeros(slices, np.int64),
        pack=aligned(layers * awake.BLOCK),
        held=np.zeros(layers, np.int64),
        who=np.zeros(layers * LANES, np.int32),
        gone=np.zeros(3 * (64 + m // 16), np.int64),
        counts=counts,
    )
    find_arcs(state.a, state.b, prob.x, state.home)
    _arrange(state, prob, 0)
    return state


def restored(saved: Mapping[str, Array]) -> State:
    """A state of its own from saved arrays."""
    state = State(*(saved[name].copy() for name in State._fields))
    bulk, table, pack = aligned(state.bulk.size), aligned(state.table.size), aligned(state.pack.size)
    bulk[:], table[:], pack[:] = state.bulk, state.table, state.pack
    counts = np.full(COUNTS, awake.FEWEST_SPARE)
    counts[: state.counts.size] = state.counts  # a file may be older than its last
    return state._replace(bulk=bulk, table=table, pack=pack, counts=counts)


@kernel
def arcs_of(state):
    """Every neuron's arc, (m,)."""
    arc = state.home.copy()
    scratch = np.empty((3, arc.size))
    _write(state, scratch[0], scratch[1], scratch[2], arc)
    return arc


@kernel
def parameters(state, a, b, c):
    """Write the present parameters into a, b, c; the state stays as it is. O(m)."""
    _write(state, a, b, c, np.empty_like(state.home))


@kernel
def _write(state, a, b, c, arc):
    """Write the present parameters into a, b, c, and the arcs of the awake into arc."""
    home, berths, bulk, lain_a, lain_b, lain_c = state.home, state.berth, state.bulk, state.a, state.b, state.c
    for i in range(a.size):
        berth = berths[home[i]] if home[i] != AWAKE else -1
        a[i], b[i], c[i] = lain_a[i], lain_b[i], lain_c[i]
        if berth >= 0:
            a[i], b[i], c[i] = asleep.moved(bulk, berth, a[i], b[i], c[i])
    awake.read(state, a, b, c, arc)


@kernel
def _gather(state, prob, population):
    """Bring all parameters and everybody's arc up to date, in a, b, c and home, and count each arc's neurons; O(m)."""
    home, a, b, c, x, lower, upper = state.home, state.a, state.b, state.c, prob.x, prob.lower, prob.upper
    _write(state, a, b, c, home)
    for i in range(home.size):
        g = step_over(max(home[i], 0), a[i], b[i], lower, upper)  # who found no room at a border is AWAKE still
        if not on_arc(g, x.size, a[i] * lower[g] - b[i], a[i] * upper[g] - b[i]):
            g = find_arc(a[i], b[i], x)
        home[i] = g
    _count(home, population)
    if _dead_rest(prob):
        population[0] = 0


@kernel
def _count(places, numbers):
    """How many are at each place; in a loop of its own, which the processor need not run in step with another's."""
    for place in places:
        numbers[place] += 1


@kernel
def _dead_rest(prob):
    """Whether the dead stay where they are: they do not decay."""
    return prob.keep[0] == 1.0 and prob.keep[1] == 1.0 and prob.keep[2] == 1.0


@kernel
def _best_horizon(state, prob, population, stretch, longest):
    """The horizon (a power of two, 0: nobody is to sleep) at which steps and settling cost least together.

    A neuron sleeps through n steps if it is further than n v + n^2 w from its arc's borders, by the present sums. Then
    the sleepers of an arc cost a step ARC_COST, everyone else AWAKE_COST, and all SETTLE_COST every n * stretch steps,
    or ``longest`` if that is less. Of many neurons only a sample is asked; O(s).
    """
    arcs, m = state.berth.size, state.home.size
    reach_c, reach_ab = np.zeros(arcs), np.zeros(arcs)
    asleep.set_reach(state, prob, 1.0, reach_c, reach_ab)
    linear = prob.keep[0] != 1.0 or prob.keep[1] != 1.0  # what decay moves in a and b grows with n, the rest with n^2
    every = 1 + m // ASKED
    lasts = np.zeros(LONGEST + 2, np.int64)  # at k: how many reach a border before 2^k steps, but not 2^(k - 1)
    for i in range(0, m, every):
        g, a, b, c = state.home[i], state.a[i], state.b[i], state.c[i]
        if population[g] >= LEAST_SLEEPERS:
            near = min(abs(a * prob.lower[g] - b), abs(a * prob.upper[g] - b))
            turn = reach_ab[g] * (abs(a) + abs(b))
            v, w = reach_c[g] * abs(c), 0.0
            if linear:
                v += turn
            else:
                w = turn
            slowest = v + np.sqrt(v * v + 4.0 * w * near)
            steps = 2.0 * near / slowest if slowest > 0.0 else np.inf
            lasts[min(max(math.frexp(steps)[1], 0), LONGEST + 1) if steps < 2.0**LONGEST else LONGEST + 1] += every
    bed = ARC_COST * (population >= LEAST_SLEEPERS).sum()
    best, least = 0, AWAKE_COST * lasts.sum()
    awake_then = lasts[0]
    for k in range(LONGEST + 1):
        cost = AWAKE_COST * awake_then + bed + SETTLE_COST * m / min(stretch * 2.0**k, longest)
        if cost < least:
            best, least = 1 << k, cost
        awake_then += lasts[k + 1]
    return best


@kernel
def _arrange(state, prob, horizon):
    """Let those sleep who stay on their arcs for so many steps, and build all but a, b, c anew; O(m + s).

    With horizon 0 only those sleep that cannot move: the dead, if there is no weight decay. ``home`` has all arcs.
    """
    counts, arcs = state.counts, state.berth.size
    reach_c, reach_ab = np.full(arcs, np.inf), np.full(arcs, np.inf)
    if horizon > 0:
        asleep.set_reach(state, prob, float(horizon), reach_c, reach_ab)
    numbers = np.zeros(2 * arcs, np.int64)
    _divide(state, prob, reach_c, reach_ab, numbers)
    sleepers, crowd = numbers[:arcs], numbers[arcs:]
    share, first_extra = np.zeros(state.at.size, np.int64), np.zeros(arcs, np.int64)
    most = awake.most_in_part(crowd.sum())
    counts[awake.EXTRAS] = fields.order_parts(crowd, most, share, state.rows, first_extra, state.of)
    _lay_out(state, prob, share)
    _make_beds(state, prob, sleepers, reach_c, reach_ab)
    _place_all(state, share, first_extra)
    fields.gather_extras(state.table, state.at, state.of, counts[awake.EXTRAS], prob.x.size)
    counts[N_AWAKE] = crowd.sum()
    counts[HORIZON] = horizon


@kernel
def _divide(state, prob, reach_c, reach_ab, numbers):
    """Tell the sleepers, who are out of reach of their arc's borders, from those who are awake at the nearest border.

    Then ``home`` has the sleepers' arc g, or 2s + k for who is awake at border k; ``numbers``, (4s,), counts them.
    """
    home, all_a, all_b, all_c, lower, upper = state.home, state.a, state.b, state.c, prob.lower, prob.upper
    dead_rest, arcs = _dead_rest(prob), state.berth.size
    for i in range(home.size):  # who sleeps follows no pattern: a branch would be mispredicted
        g, a, b, c = np.int64(home[i]), all_a[i], all_b[i], all_c[i]
        to_lower, to_upper = abs(a * peek(lower, g) - b), abs(a * peek(upper, g) - b)
        move = peek(reach_c, g) * abs(c) + peek(reach_ab, g) * (abs(a) + abs(b))
        sleeps = ((to_lower > move) & (to_upper > move)) | ((g == 0) & dead_rest)
        home[i] = g if sleeps else arcs + awake.nearest_border(g, to_lower, to_upper, arcs)
    _count(home, numbers)
    sleepers, crowd = numbers[:arcs], numbers[arcs:]
    if dead_rest:
        sleepers[0] = 0
    lonely = (sleepers > 0) & (sleepers < LEAST_SLEEPERS)
    if np.any(lonely):
        for i in range(home.size):
            g, a, b = home[i], all_a[i], all_b[i]
            if g < arcs and lonely[g]:
                k = awake.nearest_border(g, abs(a * lower[g] - b), abs(a * upper[g] - b), arcs)
                crowd[k] += 1
                home[i] = arcs + k


@kernel
def _lay_out(state, prob, share):
    """Describe the parts, and give each slice its layers."""
    arcs, extras, of, lower, upper = state.berth.size, state.counts[awake.EXTRAS], state.of, prob.lower, prob.upper
    rows, at, border, taken, beside, table = (
        state.rows, state.at, state.border, state.taken, state.beside, state.table
    )  # fmt: skip
    first, layers, room = state.first, state.layers, state.room
    table[:] = 0.0
    layers[:] = 0
    for part in range(arcs + 1 + extras):
        row = rows[part]
        k = part if part < arcs else of[part - arcs - 1] if part > arcs else 0
        awake.add_part(rows, at, border, taken, beside, table, part, row, k, lower, upper)
        layers[row // LANES] = max(layers[row // LANES], share[part])
    layer, in_use = 0, fields.slices_in_use(prob.x.size, extras)
    for q in range(first.size):
        first[q] = layer
        room[q] = awake.layers_for(layers[q], state.counts[SPARE]) if q < in_use else awake.reserve(state.home.size)
        layer += room[q]
        layers[q] = 0
    state.held[:layer] = 0
    state.pack[: layer * awake.BLOCK] = 0.0


@kernel
def _make_beds(state, prob, sleepers, reach_c, reach_ab):
    """Give every arc with sleepers a berth."""
    s, counts, berths, at = prob.x.size, state.counts, state.berth, state.at
    counts[BERTHS] = 0
    for g in range(2 * s):
        berths[g] = -1
        if sleepers[g] >= LEAST_SLEEPERS:
            berths[g] = counts[BERTHS]
            source = at[fields.part_of_arc(g, s)]
            asleep.make(state.bulk, state.sources, counts[BERTHS], g, prob, reach_c[g], reach_ab[g], source)
            counts[BERTHS] += 1


@kernel
def _place_all(state, share, first_extra):
    """Put every neuron at the border that ``home`` says (``_divide``), or lay it down on its arc."""
    home, all_a, all_b, all_c, berths, bulk, arcs = (
        state.home, state.a, state.b, state.c, state.berth, state.bulk, state.berth.size
    )  # fmt: skip
    pack, held, who, first, layers, taken, table, rows = (
        state.pack, state.held, state.who, state.first, state.layers, state.taken, state.table, state.rows
    )  # fmt: skip
    filling = np.arange(arcs)
    for i in range(home.size):
        g, a, b, c = home[i], all_a[i], all_b[i], all_c[i]
        if g >= arcs:
            k = g - arcs
            if taken[rows[filling[k]]] == share[k]:
                filling[k] = first_extra[k] if filling[k] == k else filling[k] + 1
            awake.put(pack, held, who, first, layers, taken, table, rows[filling[k]], i, a, b, c)
            home[i] = AWAKE
        elif berths[g] >= 0:
            asleep.lie_down(bulk, berths[g], a, b, c)
    asleep.add_sums(bulk, state.sources, state.counts[BERTHS], table)


@kernel
def _resettle(state, prob, crowded):
    """Look at everybody, and choose how long they may sleep."""
    count = state.counts
    stretch = count[AGE] / count[HORIZON] if count[HORIZON] > 0 and not crowded else float(SLOWED)
    longest = 2.0 * count[AGE] if crowded else np.inf  # the next crowd will come as soon
    population = np.zeros(state.berth.size, np.int64)
    _gather(state, prob, population)
    horizon = _best_horizon(state, prob, population, stretch, longest)
    count[SPARE] = awake.MOST_SPARE if crowded else max(count[SPARE] - 1, awake.FEWEST_SPARE)
    _arrange(state, prob, horizon)
    age, count[AGE] = count[AGE], 0
    if horizon == 0:
        count[WAIT] = max(count[PATIENCE], 2 * age) if crowded else count[PATIENCE]
        count[PATIENCE] = min(2 * count[PATIENCE], MAX_PATIENCE)
    else:
        payback = SETTLE_COST * state.home.size / (GAIN * AWAKE_COST * max(count[N_AWAKE], 1))
        count[WAIT] = max(SLOWED * horizon, np.int64(min(payback, 2.0**LONGEST)))
        count[PATIENCE] = 8


@kernel
def _batch_residuals(picks, prob, f, r):
    """Residual sums of a minibatch, times n / size: on average over batches they are those of all samples."""
    r[:] = 0.0
    scale = prob.sample_y.size / picks.size
    for k in picks:
        j = prob.point[k]
        r[j] += scale * prob.sample_weight[k] * (f[j] - prob.sample_y[k])


@kernel
def _run_small(state, prob, steps, stop_loss, blow_up):
    """``run`` for a few neurons on a few samples: all of them awake, and no arcs in between."""
    parameters(state, state.a, state.b, state.c)
    taken, diverged, reached, loss = small.run(
        state.a, state.b, state.c, state.bias, prob, steps, stop_loss, blow_up
    )  # fmt: skip
    find_arcs(state.a, state.b, prob.x, state.home)
    state.counts[HORIZON] = 0
    _arrange(state, prob, state.counts[HORIZON])  # not the literal 0, for which numba would compile it once more
    return taken, DIVERGED if diverged else REACHED if reached else DONE, loss


def run(
    state: State, prob: Problem, steps: int, stop_loss: float, blow_up: float, picks: Array, ends: Array
) -> tuple[int, int, float]:
    """Take up to ``steps`` steps; (steps taken, why it ended, loss there).

    Step t uses the samples picks[ends[t]:ends[t + 1]]; all of them if ``ends`` is empty. The loss is that of all.
    """
    if ends.size == 0 and small.fits(state.a.size, prob.x.size):
        return _run_small(state, prob, steps, stop_loss, blow_up)
    return _run(state, prob, steps, stop_loss, blow_up, picks, ends)


@kernel
def _run(state, prob, steps, stop_loss, blow_up, picks, ends):
    """``run`` for any number of neurons and samples."""
    s = prob.x.size
    # Named here: taking an array out of the state costs as much as a neuron's step.
    table, at, of, count, bias = state.table, state.at, state.of, state.counts, state.bias
    pack, held, first, layers, beside, gone, bulk, sources = (
        state.pack, state.held, state.first, state.layers, state.beside, state.gone, state.bulk, state.sources
    )  # fmt: skip
    x, y, weight, train, keep = prob.x, prob.y, prob.weight, prob.train, prob.keep
    f, r, scratch = np.empty(s), np.empty(s), np.empty(s)
    loss = 0.0
    for t in range(steps + 1):
        fields.predict(table, at, x, bias[0], prob.inv_norm, scratch, f)
        loss = residuals(f, y, weight, r)
        if not loss <= blow_up:
            return t, DIVERGED, loss
        if loss <= stop_loss:
            return t, REACHED, loss
        if t == steps:
            break
        if ends.size > 0:
            _batch_residuals(picks[ends[t] : ends[t + 1]], prob, f, r)
        fields.set_sums(table, at, of, count[awake.EXTRAS], x, r, prob.lr * prob.inv_norm)
        if train[3] != 0.0:
            bias[0] = keep[3] * bias[0] - prob.lr * r.sum()
        slices = fields.slices_in_use(s, count[awake.EXTRAS])
        leavers = awake.step(pack, held, table, first, layers, beside, slices, gone, train, keep)
        crowded = leavers > 0 and not awake.move_on(state, prob, leavers)
        fields.gather_extras(table, at, of, count[awake.EXTRAS], s)
        spent = asleep.step(bulk, sources, count[BERTHS], table, train, keep)
        count[AGE] += 1
        if spent or crowded or count[AGE] >= count[WAIT]:
            _resettle(state, prob, crowded)
    return steps, DONE, loss
