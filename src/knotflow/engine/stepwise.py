"""Momentum and Adam: every parameter keeps a history of its own, so every neuron is stepped; O(m + s) a step.

The update rules are those of torch.optim.SGD (momentum mu, dampening 0: v <- mu v + g, p <- p - lr v, first v = g)
and torch.optim.Adam (Kingma & Ba 2015, algorithm 1), both with weight decay added to the gradient.

LANES neurons are stepped at a time; those left over in a copy, beside neurons with a = b = c = 0, which add nothing.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from knotflow.engine.arcs import borders, find_arc, find_arcs
from knotflow.engine.compiled import kernel
from knotflow.engine.descent import DIVERGED, DONE, REACHED
from knotflow.engine.lanes import (
    LANES,
    above,
    add_pairs,
    bits,
    gather,
    load,
    load_pairs,
    magnitude,
    only,
    peek,
    poke,
    reach,
    root,
    scatter,
    spread,
    store,
)  # fmt: skip
from knotflow.engine.sums import add_moments, arc_sums, predict, residuals

Array = NDArray[Any]

CROWD = 32  # neurons to a sample from which on each lane has sums of its own, so that none waits for the one before
BLOCK = 1024  # neurons that are moved before the first of them is followed; a whole number of vectors
MOST_HOPS = 8  # arcs that a neuron is followed across, one by one
TINY = float(np.finfo(float).tiny)  # below it numbers are subnormal, and slow


class State(NamedTuple):
    """All that the next step needs; the arrays are the engine's own. Row p of the histories is that of parameter p."""

    params: Array  # (3, m): a, b, c
    bias: Array  # (1,)
    first: Array  # (3, m): the momentum, or Adam's first moment
    second: Array  # (3, m): Adam's second moment; (3, 0) for momentum
    bias_history: Array  # (2,): the bias's first and second moment
    arc: Array  # (m,) int32
    ca: Array  # (2s,)
    cb: Array  # (2s,)
    taken: Array  # (1,) int64, steps taken so far


class Problem(NamedTuple):
    """What stays the same from step to step."""

    x: Array
    y: Array
    weight: Array
    lower: Array
    upper: Array
    train: Array  # (4,) 1 where a, b, c, bias are trained, else 0
    inv_norm: float
    lr: float
    decay: float
    beta1: float  # the momentum, or Adam's beta_1
    beta2: float
    eps: float


def problem(
    x: Array, y: Array, weight: Array, norm: float, train: frozenset[str],
    lr: float, decay: float, beta1: float, beta2: float = 0.0, eps: float = 0.0,
) -> Problem:  # fmt: skip
    """The constants of a run on the distinct samples; parameters not in ``train`` stay as they are."""
    on = np.array([float(p in train) for p in ("a", "b", "c", "bias")])
    return Problem(x, y, weight, *borders(x), on, 1.0 / norm, lr, decay, beta1, beta2, eps)


def start(a: Array, b: Array, c: Array, bias: float, x: Array, adam: bool) -> State:
    """A state with no history; O(m log s)."""
    m, arcs = a.size, 2 * x.size
    arc = np.empty(m, np.int32)
    find_arcs(a, b, x, arc)
    ca, cb = np.empty(arcs), np.empty(arcs)
    add_moments(a, b, c, arc, ca, cb)
    second = np.zeros((3, m if adam else 0))
    params, level = np.stack([a, b, c]), np.array([float(bias)])
    return State(params, level, np.zeros((3, m)), second, np.zeros(2), arc, ca, cb, np.zeros(1, np.int64))


class _Rule(NamedTuple):
    """What the neurons' parameters are moved by in one step."""

    train_a: bool
    train_b: bool
    train_c: bool
    adam: bool
    lr: float  # of Adam, divided by the correction 1 - beta1^t
    decay: float
    beta1: float
    beta2: float
    eps: float
    swell: float  # 1 / (1 - beta2^t)


@kernel
def _rule(prob, adam, t):
    """The rule of step t, the first being 1."""
    train, lr, swell = prob.train, prob.lr, 1.0
    if adam:
        lr, swell = lr / (1.0 - prob.beta1**t), 1.0 / (1.0 - prob.beta2**t)
    return _Rule(
        train[0] != 0.0, train[1] != 0.0, train[2] != 0.0, adam,
        lr, prob.decay, prob.beta1, prob.beta2, prob.eps, swell,
    )  # fmt: skip


# The inlined helpers have no branches: where there are some, numba counts references of the arrays at every call.
@kernel(forceinline=True)
def _fading(history):
    """The history with 0 for subnormal numbers, at which those of dead neurons would stay for ever."""
    return history - only(above(spread(TINY), magnitude(history)), history)  # keeps nan


@kernel(forceinline=True)
def _momentum(values, first, k, value, grad, rule):
    """Move the parameters at k, which have this value and gradient, and their histories."""
    mean = _fading(spread(rule.beta1) * load(first, k) + (grad + spread(rule.decay) * value))
    store(first, k, mean)
    store(values, k, value - spread(rule.lr) * mean)


@kernel(forceinline=True)
def _adam(values, first, second, k, value, grad, rule):
    """The same by Adam's rule."""
    grad += spread(rule.decay) * value
    mean = _fading(spread(rule.beta1) * load(first, k) + spread(1.0 - rule.beta1) * grad)
    square = spread(rule.beta2) * load(second, k) + spread(1.0 - rule.beta2) * grad * grad
    store(first, k, mean)
    store(second, k, square)
    store(values, k, value - spread(rule.lr) * mean / (root(square * spread(rule.swell)) + spread(rule.eps)))


@kernel
def _move(values, first, second, arc, e0, e1, begin, end, rule):
    """Move the neurons from ``begin`` to ``end`` by their gradients c e1, -c e0, a e1 - b e0, LANES at a time."""
    m, zero = arc.size, spread(0.0)
    for i in range(begin, end, LANES):
        g0, g1, g2, g3 = peek(arc, i), peek(arc, i + 1), peek(arc, i + 2), peek(arc, i + 3)
        pull0 = gather(peek(e0, g0), peek(e0, g1), peek(e0, g2), peek(e0, g3))
        pull1 = gather(peek(e1, g0), peek(e1, g1), peek(e1, g2), peek(e1, g3))
        at_a, at_b, at_c = i, m + i, 2 * m + i
        a, b, c = load(values, at_a), load(values, at_b), load(values, at_c)
        grad_a, grad_b, grad_c = c * pull1, zero - c * pull0, a * pull1 - b * pull0
        if rule.adam:
            if rule.train_a:
                _adam(values, first, second, at_a, a, grad_a, rule)
            if rule.train_b:
                _adam(values, first, second, at_b, b, grad_b, rule)
            if rule.train_c:
                _adam(values, first, second, at_c, c, grad_c, rule)
        else:
            if rule.train_a:
                _momentum(values, first, at_a, a, grad_a, rule)
            if rule.train_b:
                _momentum(values, first, at_b, b, grad_b, rule)
            if rule.train_c:
                _momentum(values, first, at_c, c, grad_c, rule)


@kernel(forceinline=True)
def _left(ends, g0, g1, g2, g3, a, b, s):
    """Which neurons have left their arcs by the lower border, and which by the upper one: bits of two numbers."""
    low, high = load_pairs(ends, 2 * g0, 2 * g1, 2 * g2, 2 * g3)
    on_low, on_high = reach(g0, g1, g2, g3, 1) ^ reach(g0, g1, g2, g3, s + 1), reach(g0, g1, g2, g3, s)
    return bits(above(a * low, b) ^ on_low), bits(above(a * high, b) ^ on_high)


@kernel(forceinline=True)
def _beside(g, lane, down, up, s):
    """The next arc in the direction in which the lane's neuron has left."""
    g += (up >> lane & 1) - (down >> lane & 1)
    return g + 2 * s * (np.int64(g < 0) - np.int64(g >= 2 * s))


@kernel
def _add_up(values, arc, ends, sums, apart, begin, end, x):
    """Follow the neurons from ``begin`` to ``end`` to their arcs, and add them to these arcs' sums."""
    m, s = arc.size, x.size
    for i in range(begin, end, LANES):
        a, b, c = load(values, i), load(values, m + i), load(values, 2 * m + i)
        g0, g1 = np.int64(peek(arc, i)), np.int64(peek(arc, i + 1))
        g2, g3 = np.int64(peek(arc, i + 2)), np.int64(peek(arc, i + 3))
        down, up = _left(ends, g0, g1, g2, g3, a, b, s)
        if (down | up) != 0:
            hops = 0
            while (down | up) != 0 and hops < MOST_HOPS:
                g0, g1 = _beside(g0, 0, down, up, s), _beside(g1, 1, down, up, s)
                g2, g3 = _beside(g2, 2, down, up, s), _beside(g3, 3, down, up, s)
                down, up = _left(ends, g0, g1, g2, g3, a, b, s)
                hops += 1
            if (down | up) != 0:
                (a0, a1, a2, a3), (b0, b1, b2, b3) = scatter(a), scatter(b)
                g0, g1, g2, g3 = find_arc(a0, b0, x), find_arc(a1, b1, x), find_arc(a2, b2, x), find_arc(a3, b3, x)
            poke(arc, i, g0)
            poke(arc, i + 1, g1)
            poke(arc, i + 2, g2)
            poke(arc, i + 3, g3)
        add_pairs(sums, 2 * g0, 2 * g1 + apart, 2 * g2 + 2 * apart, 2 * g3 + 3 * apart, c * a, c * b)


@kernel
def _step_neurons(values, first, second, arc, e0, e1, ends, sums, apart, x, rule):
    """Step all whole vectors of neurons; those left over, fewer than LANES, are not touched.

    Moving and following are two loops: a neuron that leaves its arc is a branch mispredicted, which would throw away
    the divisions that have begun for those after it.
    """
    whole = arc.size - arc.size % LANES
    for begin in range(0, whole, BLOCK):
        end = min(begin + BLOCK, whole)
        _move(values, first, second, arc, e0, e1, begin, end, rule)
        _add_up(values, arc, ends, sums, apart, begin, end, x)


@kernel
def _step_bias(bias, history, grad, rule):
    """Step the bias."""
    grad += rule.decay * bias[0]
    if rule.adam:
        history[0] = rule.beta1 * history[0] + (1.0 - rule.beta1) * grad
        history[1] = rule.beta2 * history[1] + (1.0 - rule.beta2) * grad * grad
        bias[0] -= rule.lr * history[0] / (np.sqrt(history[1] * rule.swell) + rule.eps)
    else:
        history[0] = rule.beta1 * history[0] + grad
        bias[0] -= rule.lr * history[0]


@kernel
def _collect(sums, tables, ca, cb):
    """Add up the tables of sums, and empty them."""
    size = 2 * ca.size
    for k in range(0, ca.size, LANES):
        p, q = load_pairs(sums, 2 * k, 2 * k + 2, 2 * k + 4, 2 * k + 6)
        for table in range(1, tables):
            o = table * size + 2 * k
            more_p, more_q = load_pairs(sums, o, o + 2, o + 4, o + 6)
            p += more_p
            q += more_q
        store(ca, k, p)
        store(cb, k, q)
    sums[:] = 0.0


@kernel
def _whole(values):
    """A copy with zeros up to a whole number of vectors."""
    out = np.zeros(LANES * ((values.size + LANES - 1) // LANES), values.dtype)
    out[: values.size] = values
    return out


@kernel
def _padded(values):
    """(3 LANES,) the columns left over from whole vectors, and zeros; of (3, m)."""
    left = values.shape[1] % LANES
    out = np.zeros((3, LANES))
    out[:, :left] = values[:, values.shape[1] - left :]
    return out.reshape(-1)


@kernel
def _put_back(values, padded):
    """Write into the columns left over."""
    left = values.shape[1] % LANES
    values[:, values.shape[1] - left :] = padded.reshape(3, LANES)[:, :left]


@kernel
def run(state, prob, steps, stop_loss, blow_up):
    """Take up to ``steps`` steps; (steps taken, why it ended, loss there)."""
    # Named here: taking an array out of the state costs as much as several neurons' steps.
    x, y, weight, bias, history, count = prob.x, prob.y, prob.weight, state.bias, state.bias_history, state.taken
    values, first, second, arc = state.params.reshape(-1), state.first.reshape(-1), state.second.reshape(-1), state.arc
    m, s, adam, train_bias, left = arc.size, x.size, second.size > 0, prob.train[3] != 0.0, arc.size % LANES
    last_values, last_first, last_second = _padded(state.params), _padded(state.first), _padded(state.second)
    last_arc = _whole(arc[m - left :])
    f, r, e0, e1, ends = np.empty(s), np.empty(s), np.empty(2 * s), np.empty(2 * s), np.empty(4 * s)
    ends[::2], ends[1::2] = prob.lower, prob.upper
    ca, cb = _whole(state.ca), _whole(state.cb)
    tables = LANES if m >= CROWD * s else 1
    sums = np.zeros(tables * 2 * ca.size)
    apart = 2 * ca.size if tables > 1 else 0
    code, loss, taken = DONE, 0.0, 0
    while True:
        predict(ca, cb, x, bias[0], prob.inv_norm, f)
        loss = residuals(f, y, weight, r)
        if not loss <= blow_up:
            code = DIVERGED
        elif loss <= stop_loss:
            code = REACHED
        if code != DONE or taken == steps:
            break
        taken += 1
        count[0] += 1
        rule = _rule(prob, adam, count[0])
        arc_sums(r, x, prob.inv_norm, e0, e1)
        if train_bias:
            _step_bias(bias, history, r.sum(), rule)
        _step_neurons(values, first, second, arc, e0, e1, ends, sums, apart, x, rule)
        if left > 0:
            _step_neurons(last_values, last_first, last_second, last_arc, e0, e1, ends, sums, apart, x, rule)
        _collect(sums, tables, ca, cb)
    state.ca[:], state.cb[:], arc[m - left :] = ca[: 2 * s], cb[: 2 * s], last_arc[:left]
    _put_back(state.params, last_values)
    _put_back(state.first, last_first)
    _put_back(state.second, last_second)
    return taken, code, loss
