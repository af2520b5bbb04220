"""Gradient descent in O(s) a step plus O(1) for each neuron near a sample: the others sleep.

One step multiplies every neuron of arc g by one matrix (with E = lr/norm times the arc's residual sums)

    (a, b, c) -> L_g (a, b, c),      L_g = [[1, 0, -E1], [0, 1, E0], [-E1, E0, 1]]

so a neuron that stays on its arc needs no work of its own: the arc keeps the product of its matrices ``lam`` and the
second moments ``z0`` of its sleepers, and its share of the function is a bilinear form in them. A sleeper cannot
reach a border while lam has moved less than the arc's ``reach`` since the sleepers lay down; then all are moved at
once (``_settle``), and those near a border (within the next reach) stay awake and are stepped one by one.
How far to reach balances the two costs. The result is that of ordinary gradient descent up to rounding.

Weight decay scales the diagonal of L_g; an untrained parameter's row of L_g is that of the identity; a minibatch only
changes the sums E. The slow twin is ``dense.py``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from knotflow.engine import small
from knotflow.engine.arcs import add_moments, arc_sums, borders, find_arcs, follow, predict, residuals

Array = NDArray[Any]

# Relative costs, measured: stepping an awake neuron, settling any neuron, stepping a sleeping arc.
AWAKE_COST, SETTLE_COST, ARC_COST = 6.0, 15.0, 7.0
# Sleepers are laid down for this many times the motion predicted from the current sums.
RESERVE = 1.25
LEAST_SHARE = 0.5
# After this many horizons the motion has slowed down, and a smaller reach would let more neurons sleep.
SLOWED = 4
BATCH = 32
MAX_HORIZON = 1 << 20
MAX_PATIENCE = 1 << 10

# Rows of State.bulk for each arc. One flat array with constant offsets is what lets the compiler use vector
# instructions: it can see that no row overlaps another.
LANES, ROWS = 16, 22
LAM = 0  # 9 rows: the propagator's rows for a, b, c since the sleepers lay down
Z0 = 9  # 6 rows: sums of aa, ab, bb, ac, bc, cc over the sleepers
LOWER, UPPER = 15, 16  # abscissae of the arc's borders
REACH_C, REACH_AB = 17, 18  # how far the coefficients of c, and of a or b, of a border's h may move
IN0, IN1 = 19, 20  # scratch: e0, e1 in; ca, cb out
LIVE = 21  # 1 if the arc has sleepers, else 0. Sums that move nobody can stay large for ever: lam would overflow

# Places in State.counts.
N_AWAKE, HORIZON, AGE, PATIENCE, WAIT, N_MARGIN = range(6)
# What ``run`` returns.
DONE, REACHED, DIVERGED = range(3)


class State(NamedTuple):
    """All that the next step needs; the arrays are the engine's own. m neurons, s distinct samples, 2s arcs."""

    a: Array  # (m,) as they were when they lay down, or for the awake when the others did
    b: Array
    c: Array
    bias: Array  # (1,)
    arc: Array  # (m,) int32
    asleep: Array  # (m,) uint8
    awake: Array  # (m,) int32, the first counts[N_AWAKE] are the awake neurons
    bulk: Array  # what the sleeping arcs carry: ROWS numbers an arc, LANES arcs side by side (see below)
    ca: Array  # (2s, rounded up to whole lanes) per arc, sum c a
    cb: Array  # likewise sum c b
    e0: Array  # likewise lr/norm sum r_j
    e1: Array  # likewise lr/norm sum r_j x_j
    pack: Array  # a, b, c of the awake neurons, BATCH of each at a time
    place: Array  # the awake neurons' arcs, and 1 where one has just left its own, BATCH of each at a time
    table: Array  # (4 * arcs,) for each arc e0, e1, and the abscissae of its borders, side by side
    fetched: Array  # (4 * BATCH,) scratch: the table's rows for a batch
    sums: Array  # (4 * arcs,) scratch: ca and cb of the awake, twice over
    counts: Array  # (6,) int64


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


def start(a: Array, b: Array, c: Array, bias: float, x: Array) -> State:
    """A state with everyone awake; O(m log s)."""
    m, blocks = a.size, -(-2 * x.size // LANES)
    arc = np.empty(m, np.int32)
    find_arcs(a, b, x, arc)
    count = np.zeros(6, np.int64)
    count[N_AWAKE], count[HORIZON], count[PATIENCE], count[WAIT] = m, 16, 8, 1
    bulk = np.zeros((blocks, ROWS, LANES))
    bulk[:, [LAM, LAM + 4, LAM + 8]] = 1.0
    for row, border in zip((LOWER, UPPER), borders(x), strict=True):
        bulk[:, row] = np.resize(border, (blocks, LANES))
    ca, cb, e0, e1 = (np.zeros(blocks * LANES) for _ in range(4))
    add_moments(a, b, c, arc, ca, cb)
    batches = -(-m // BATCH)
    table = np.zeros((blocks * LANES, 4))
    table[: 2 * x.size, 2], table[: 2 * x.size, 3] = borders(x)
    state = State(
        a.copy(), b.copy(), c.copy(), np.array([float(bias)]), arc,
        np.zeros(m, np.uint8), np.arange(m, dtype=np.int32), bulk.reshape(-1), ca, cb, e0, e1,
        np.zeros(3 * BATCH * batches), np.zeros(2 * BATCH * batches, np.int32),
        table.reshape(-1), np.zeros(4 * BATCH), np.zeros(table.size), count,
    )  # fmt: skip
    _pack(state)
    return state


@njit(cache=True)
def _place(g):
    """Where arc g's row 0 lies in the bulk; row k is k * LANES further on."""
    return (g // LANES) * (ROWS * LANES) + g % LANES


@njit(cache=True)
def _moved(bulk, g, a, b, c):
    """Where the sleeper that lay down at (a, b, c) is now."""
    o = _place(g)
    return (
        bulk[o] * a + bulk[o + LANES] * b + bulk[o + 2 * LANES] * c,
        bulk[o + 3 * LANES] * a + bulk[o + 4 * LANES] * b + bulk[o + 5 * LANES] * c,
        bulk[o + 6 * LANES] * a + bulk[o + 7 * LANES] * b + bulk[o + 8 * LANES] * c,
    )


@njit(cache=True)
def _pack(state):
    """Lay the awake neurons side by side for ``_step_awake``; the places left over belong to nobody and stay at 0."""
    n = state.counts[N_AWAKE]
    for k in range(BATCH * (-(-n // BATCH))):
        o, q = 3 * BATCH * (k // BATCH) + k % BATCH, 2 * BATCH * (k // BATCH) + k % BATCH
        if k < n:
            i = state.awake[k]
            state.pack[o], state.pack[o + BATCH], state.pack[o + 2 * BATCH] = state.a[i], state.b[i], state.c[i]
            state.place[q] = state.arc[i]
        else:
            state.pack[o] = state.pack[o + BATCH] = state.pack[o + 2 * BATCH] = 0.0
            state.place[q] = 0


@njit(cache=True)
def _unpack(state, a, b, c, arc):
    """Write the awake neurons' parameters and arcs to their places among all."""
    for k in range(state.counts[N_AWAKE]):
        i = state.awake[k]
        o, q = 3 * BATCH * (k // BATCH) + k % BATCH, 2 * BATCH * (k // BATCH) + k % BATCH
        a[i], b[i], c[i] = state.pack[o], state.pack[o + BATCH], state.pack[o + 2 * BATCH]
        arc[i] = state.place[q]


@njit(cache=True)
def arcs_of(state):
    """Every neuron's arc, (m,)."""
    arc = state.arc.copy()
    scratch = np.empty((3, arc.size))
    _unpack(state, scratch[0], scratch[1], scratch[2], arc)
    return arc


@njit(cache=True)
def parameters(state, a, b, c):
    """Write the present parameters into a, b, c; the state stays as it is. O(m)."""
    for i in range(a.size):
        a[i], b[i], c[i] = state.a[i], state.b[i], state.c[i]
        if state.asleep[i]:
            a[i], b[i], c[i] = _moved(state.bulk, state.arc[i], a[i], b[i], c[i])
    _unpack(state, a, b, c, np.empty_like(state.arc))


@njit(cache=True)
def _set_reach(state, prob):
    """Let each arc's propagator move by HORIZON steps' worth before its sleepers must be looked at; O(s).

    L_g = I + M with M^3 = w^2 M, w^2 = e0^2 + e1^2, so that n steps move a border's h = x a - b by about
    (x e1 + e0) sinh(n w)/w in the coefficient of c, and by (x e1 + e0) e (cosh(n w) - 1)/w^2 in those of a and b.
    Only the cost depends on this guess: ``_step_sleepers`` watches how far the propagator really goes.
    """
    bulk, arcs = state.bulk, 2 * prob.x.size
    n = float(state.counts[HORIZON])
    ta, tb, tc = prob.train[0], prob.train[1], prob.train[2]
    decay = 1.0 - min(prob.keep[0], prob.keep[1])
    sum_c = sum_ab = 0.0
    for g in range(arcs):
        o = _place(g)
        e0, e1 = abs(state.e0[g]), abs(state.e1[g])
        w = min(n * np.sqrt(e0 * e0 + e1 * e1), 700.0)
        sinh = np.sinh(w) / w if w > 1e-6 else 1.0
        cosh = (np.cosh(w) - 1.0) / (w * w) if w > 1e-3 else 0.5
        most_c = most_ab = 0.0
        for x in (bulk[o + LOWER * LANES], bulk[o + UPPER * LANES]):
            speed = n * abs(ta * x * state.e1[g] + tb * state.e0[g])
            most_c = max(most_c, RESERVE * speed * sinh)
            turn = tc * speed * n * max(e0, e1) * cosh
            most_ab = max(most_ab, RESERVE * (turn + n * decay * (abs(x) + 1.0)))
        bulk[o + REACH_C * LANES] = most_c
        bulk[o + REACH_AB * LANES] = most_ab
        if state.ca[g] != 0.0 or state.cb[g] != 0.0:  # not of arcs that nobody is on
            sum_c += most_c
            sum_ab += most_ab
    # An arc whose sums happen to vanish now will not stay at rest: give it a share of what the others get.
    share = LEAST_SHARE / (arcs - 1)
    for g in range(1, arcs):
        o = _place(g)
        bulk[o + REACH_C * LANES] = max(bulk[o + REACH_C * LANES], share * sum_c)
        bulk[o + REACH_AB * LANES] = max(bulk[o + REACH_AB * LANES], share * sum_ab)


@njit(cache=True)
def _clear(bulk, arcs):
    """Propagators to the identity, second moments to zero."""
    for g in range(arcs):
        o = _place(g)
        for row in range(LAM, Z0 + 6):
            bulk[o + row * LANES] = 0.0
        bulk[o + LIVE * LANES] = 0.0
        for row in (0, 4, 8):
            bulk[o + row * LANES] = 1.0


@njit(cache=True)
def _settle(state, prob):
    """Move every sleeper to where it is now, find who may sleep on, and rebuild all sums; O(m + s)."""
    bulk = state.bulk
    awake = margin = 0
    _unpack(state, state.a, state.b, state.c, state.arc)
    for i in range(state.a.size):
        if state.asleep[i]:
            moved = _moved(bulk, state.arc[i], state.a[i], state.b[i], state.c[i])
            state.a[i], state.b[i], state.c[i] = moved
    _clear(bulk, state.e0.size)
    state.ca[:] = 0.0
    state.cb[:] = 0.0
    for i in range(state.a.size):
        a, b, c = state.a[i], state.b[i], state.c[i]
        g = state.arc[i]
        g = follow(state.arc[i], a, b, prob.x, prob.lower, prob.upper)
        state.arc[i] = g
        state.ca[g] += c * a
        state.cb[g] += c * b
        o = _place(g)
        near = min(abs(a * prob.lower[g] - b), abs(a * prob.upper[g] - b))
        move = bulk[o + REACH_C * LANES] * abs(c) + bulk[o + REACH_AB * LANES] * (abs(a) + abs(b))
        if near > move or (g == 0 and near >= move):
            state.asleep[i] = 1
            bulk[o + LIVE * LANES] = 1.0
            bulk[o + Z0 * LANES] += a * a
            bulk[o + (Z0 + 1) * LANES] += a * b
            bulk[o + (Z0 + 2) * LANES] += b * b
            bulk[o + (Z0 + 3) * LANES] += a * c
            bulk[o + (Z0 + 4) * LANES] += b * c
            bulk[o + (Z0 + 5) * LANES] += c * c
        else:
            state.asleep[i] = 0
            state.awake[awake] = i
            awake += 1
            if near > 0.5 * move:
                margin += 1
    state.counts[N_AWAKE] = awake
    state.counts[N_MARGIN] = 2 * margin
    state.counts[AGE] = 0
    _pack(state)


@njit(cache=True)
def _rouse(state):
    """Everyone is awake, with the parameters in a, b, c."""
    for i in range(state.a.size):
        state.awake[i] = i
        state.asleep[i] = 0
    state.counts[N_AWAKE] = state.a.size
    _pack(state)


@njit(cache=True)
def _wake_all(state):
    """Give up sleeping for a while, just after all have settled: the arcs cost more than their few neurons."""
    _rouse(state)
    state.counts[WAIT] = state.counts[PATIENCE]
    state.counts[PATIENCE] = min(2 * state.counts[PATIENCE], MAX_PATIENCE)


@njit(cache=True)
def _resettle(state, prob):
    """Settle with a horizon that makes the awake neurons' steps cost about as much as settling itself."""
    count = state.counts
    m, arcs = state.a.size, state.e0.size
    lasted = max(count[AGE], 1)
    if count[N_AWAKE] < m:
        margin_cost = AWAKE_COST * count[N_MARGIN] * lasted
        if margin_cost > 2.0 * SETTLE_COST * m:
            count[HORIZON] = max(count[HORIZON] // 2, 1)
        elif margin_cost < 0.5 * SETTLE_COST * m:
            count[HORIZON] = min(2 * count[HORIZON], MAX_HORIZON)
        expected = 2 * lasted
    else:
        expected = count[HORIZON]
    _set_reach(state, prob)
    _settle(state, prob)
    expected = min(expected, count[HORIZON])
    saved = AWAKE_COST * (m - count[N_AWAKE]) - ARC_COST * arcs - SETTLE_COST * m / expected
    if saved <= 0.0:
        _wake_all(state)
    else:
        count[PATIENCE] = 8


@njit(cache=True)
def _step_sleepers(state, prob):
    """Advance every arc's propagator by one step and read off its sums; True if one has used up its reach."""
    bulk = state.bulk
    ma, mb, mc = prob.train[0], prob.train[1], prob.train[2]
    ka, kb, kc = prob.keep[0], prob.keep[1], prob.keep[2]
    spent = 0
    for block in range(state.e0.size // LANES):
        first = LANES * block
        start = ROWS * first
        for k in range(LANES):
            live = bulk[start + LIVE * LANES + k]
            bulk[start + IN0 * LANES + k] = live * state.e0[first + k]
            bulk[start + IN1 * LANES + k] = live * state.e1[first + k]
        for k in range(LANES):
            o = start + k
            e0, e1 = bulk[o + IN0 * LANES], bulk[o + IN1 * LANES]
            a0, a1, a2 = bulk[o], bulk[o + LANES], bulk[o + 2 * LANES]
            b0, b1, b2 = bulk[o + 3 * LANES], bulk[o + 4 * LANES], bulk[o + 5 * LANES]
            c0, c1, c2 = bulk[o + 6 * LANES], bulk[o + 7 * LANES], bulk[o + 8 * LANES]
            u, v, p, q = ma * e1, mb * e0, mc * e1, mc * e0
            na0, na1, na2 = ka * a0 - u * c0, ka * a1 - u * c1, ka * a2 - u * c2
            nb0, nb1, nb2 = kb * b0 + v * c0, kb * b1 + v * c1, kb * b2 + v * c2
            nc0 = kc * c0 - (p * a0 - q * b0)
            nc1 = kc * c1 - (p * a1 - q * b1)
            nc2 = kc * c2 - (p * a2 - q * b2)
            bulk[o], bulk[o + LANES], bulk[o + 2 * LANES] = na0, na1, na2
            bulk[o + 3 * LANES], bulk[o + 4 * LANES], bulk[o + 5 * LANES] = nb0, nb1, nb2
            bulk[o + 6 * LANES], bulk[o + 7 * LANES], bulk[o + 8 * LANES] = nc0, nc1, nc2
            aa, ab, bb = bulk[o + Z0 * LANES], bulk[o + (Z0 + 1) * LANES], bulk[o + (Z0 + 2) * LANES]
            ac, bc, cc = bulk[o + (Z0 + 3) * LANES], bulk[o + (Z0 + 4) * LANES], bulk[o + (Z0 + 5) * LANES]
            za = aa * nc0 + ab * nc1 + ac * nc2
            zb = ab * nc0 + bb * nc1 + bc * nc2
            zc = ac * nc0 + bc * nc1 + cc * nc2
            bulk[o + IN0 * LANES] = na0 * za + na1 * zb + na2 * zc
            bulk[o + IN1 * LANES] = nb0 * za + nb1 * zb + nb2 * zc
            x, z = bulk[o + LOWER * LANES], bulk[o + UPPER * LANES]
            reach_c, reach_ab = bulk[o + REACH_C * LANES], bulk[o + REACH_AB * LANES]
            da, db = na0 - 1.0, nb1 - 1.0
            spent |= (bulk[o + LIVE * LANES] != 0.0) & (
                (abs(x * na2 - nb2) > reach_c)
                | (abs(z * na2 - nb2) > reach_c)
                | (abs(x * da - nb0) > reach_ab)
                | (abs(z * da - nb0) > reach_ab)
                | (abs(x * na1 - db) > reach_ab)
                | (abs(z * na1 - db) > reach_ab)
            )
        for k in range(LANES):
            state.ca[first + k] = bulk[start + IN0 * LANES + k]
            state.cb[first + k] = bulk[start + IN1 * LANES + k]
    return spent != 0


@njit(cache=True)
def _step_awake(state, prob):
    """Step the awake neurons, follow them from arc to arc, and add them to the arcs' sums.

    Batch by batch, in four loops: fetch what the arcs say; step and see who has left its arc (vector instructions);
    follow those few; add up, the even and the odd ones apart, so that no sum waits for the one before.
    """
    s = prob.x.size
    pack, place, table, fetched, sums = state.pack, state.place, state.table, state.fetched, state.sums
    ma, mb, mc = prob.train[0], prob.train[1], prob.train[2]
    ka, kb, kc = prob.keep[0], prob.keep[1], prob.keep[2]
    for g in range(2 * s):
        table[4 * g], table[4 * g + 1] = state.e0[g], state.e1[g]
    sums[:] = 0.0
    for batch in range((state.counts[N_AWAKE] + BATCH - 1) // BATCH):
        o, q = 3 * BATCH * batch, 2 * BATCH * batch
        for k in range(BATCH):
            t = np.uint64(4 * place[q + k])
            fetched[k] = table[t]
            fetched[BATCH + k] = table[t + np.uint64(1)]
            fetched[2 * BATCH + k] = table[t + np.uint64(2)]
            fetched[3 * BATCH + k] = table[t + np.uint64(3)]
        for k in range(BATCH):
            g = place[q + k]
            e0, e1, lower, upper = (
                fetched[k], fetched[BATCH + k], fetched[2 * BATCH + k], fetched[3 * BATCH + k]
            )  # fmt: skip
            a0, b0, c0 = pack[o + k], pack[o + BATCH + k], pack[o + 2 * BATCH + k]
            a = ka * a0 - ma * e1 * c0
            b = kb * b0 + mb * e0 * c0
            pack[o + k], pack[o + BATCH + k] = a, b
            pack[o + 2 * BATCH + k] = kc * c0 - mc * (e1 * a0 - e0 * b0)
            left_up = (a * upper - b > 0) != (g >= s)
            left_down = (a * lower - b > 0) != ((g >= 1) & (g <= s))
            place[q + BATCH + k] = np.int64(left_up | left_down)
        for k in range(BATCH):
            if place[q + BATCH + k] != 0:
                a, b = pack[o + k], pack[o + BATCH + k]
                place[q + k] = follow(place[q + k], a, b, prob.x, prob.lower, prob.upper)
        for k in range(BATCH):
            t = np.uint64(4 * place[q + k] + 2 * (k & 1))
            c = pack[o + 2 * BATCH + k]
            sums[t] += c * pack[o + k]
            sums[t + np.uint64(1)] += c * pack[o + BATCH + k]
    for g in range(2 * s):
        state.ca[g] += sums[4 * g] + sums[4 * g + 2]
        state.cb[g] += sums[4 * g + 1] + sums[4 * g + 3]


@njit(cache=True)
def _batch_residuals(picks, prob, f, r):
    """Residual sums of a minibatch, times n / size: on average over batches they are those of all samples."""
    r[:] = 0.0
    scale = prob.sample_y.size / picks.size
    for k in picks:
        j = prob.point[k]
        r[j] += scale * prob.sample_weight[k] * (f[j] - prob.sample_y[k])


@njit(cache=True)
def _run_small(state, prob, steps, stop_loss, blow_up):
    """``run`` for a few neurons on a few samples: all of them awake, and no arcs in between."""
    parameters(state, state.a, state.b, state.c)
    taken, diverged, reached, loss = small.run(
        state.a, state.b, state.c, state.bias, prob, steps, stop_loss, blow_up
    )  # fmt: skip
    find_arcs(state.a, state.b, prob.x, state.arc)
    _clear(state.bulk, state.e0.size)
    _rouse(state)
    add_moments(state.a, state.b, state.c, state.arc, state.ca, state.cb)
    return taken, DIVERGED if diverged else REACHED if reached else DONE, loss


@njit(cache=True)
def run(state, prob, steps, stop_loss, blow_up, picks, ends):
    """Take up to ``steps`` steps; (steps taken, why it ended, loss there).

    Step t uses the samples picks[ends[t]:ends[t + 1]]; all of them if ``ends`` is empty. The loss is that of all.
    """
    m, s = state.a.size, prob.x.size
    if ends.size == 0 and small.fits(m, s):
        return _run_small(state, prob, steps, stop_loss, blow_up)
    f, r = np.empty(s), np.empty(s)
    loss = 0.0
    for t in range(steps + 1):
        predict(state.ca, state.cb, prob.x, state.bias[0], prob.inv_norm, f)
        loss = residuals(f, prob.y, prob.weight, r)
        if not loss <= blow_up:
            return t, DIVERGED, loss
        if loss <= stop_loss:
            return t, REACHED, loss
        if t == steps:
            break
        if ends.size > 0:
            _batch_residuals(picks[ends[t] : ends[t + 1]], prob, f, r)
        arc_sums(r, prob.x, prob.lr * prob.inv_norm, state.e0, state.e1)
        if prob.train[3] != 0.0:
            state.bias[0] = prob.keep[3] * state.bias[0] - prob.lr * r.sum()
        if state.counts[N_AWAKE] == m:
            state.ca[:] = 0.0
            state.cb[:] = 0.0
            _step_awake(state, prob)
            state.counts[WAIT] -= 1
            if state.counts[WAIT] <= 0:
                _resettle(state, prob)
        else:
            spent = _step_sleepers(state, prob)
            _step_awake(state, prob)
            state.counts[AGE] += 1
            if spent or state.counts[AGE] >= SLOWED * state.counts[HORIZON]:
                _resettle(state, prob)
    return steps, DONE, loss
