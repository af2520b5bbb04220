"""The steps of momentum and Adam, LANES neurons at a time.

What is done for every vector is inlined into one loop: a call that hands over the arrays of these records costs as much
as the steps of several vectors.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from knotflow.engine.arcs import find_arc
from knotflow.engine.codes import DIVERGED, DONE, REACHED
from knotflow.engine.compiled import entry, leaf
from knotflow.engine.moments.state import Problem, State
from knotflow.engine.simd import (
    LANES,
    absolute,
    add_pairs,
    at_least,
    gather,
    greater,
    load,
    load_pairs,
    load_scalar,
    movemask,
    select,
    splat,
    square_root,
    store,
    store_scalar,
    unpack,
)  # fmt: skip
from knotflow.engine.sums import arc_sums, predict, residuals

Array = NDArray[Any]

MANY = 32  # neurons to a sample from which on each lane has sums of its own, so that no addition waits for another
BLOCK = 1024  # neurons that are moved before the first of them is followed; a whole number of vectors
MOST_HOPS = 8  # arcs that a neuron is followed across, one by one
TINY = float(np.finfo(float).tiny)  # below it numbers are subnormal, and slow


class Neurons(NamedTuple):
    """Neurons in whole vectors, as the compiled code sees them: n of them, parameter p of neuron i at p n + i."""

    values: Array  # (3n,)
    first: Array  # (3n,)
    second: Array  # (3n,), or of no size for momentum
    arc: Array  # (n,) int32


class Bias(NamedTuple):
    """The bias, its moments, and the number of steps taken."""

    value: Array  # (1,)
    moments: Array  # (2,)
    taken: Array  # (1,) int64


class Work(NamedTuple):
    """Scratch of a run, and the sums over the neurons of each arc."""

    f: Array  # (s,)
    r: Array  # (s,)
    e0: Array  # (2s,) sums of the residuals over the samples of each arc
    e1: Array  # (2s,) and of these times x
    ends: Array  # (4s,) the two border abscissae of each arc, side by side
    ca: Array  # (2s, rounded up to whole vectors)
    cb: Array
    sums: Array  # tables of (ca, cb) pairs: one, or one for each lane
    apart: int  # how far these tables are apart; 0 if there is one


def run(state: State, prob: Problem, steps: int, stop_loss: float, blow_up: float) -> tuple[int, int, float]:
    """Take up to ``steps`` steps in place, from a state in whole vectors; (steps taken, why it ended, loss there)."""
    neurons = Neurons(state.params.reshape(-1), state.first.reshape(-1), state.second.reshape(-1), state.arc)
    bias = Bias(state.bias, state.bias_history, state.taken)
    work, arcs = _work(state, prob), 2 * prob.x.size
    result = _run(neurons, bias, prob, work, steps, stop_loss, blow_up)
    state.ca[:], state.cb[:] = work.ca[:arcs], work.cb[:arcs]
    return result


def _work(state: State, prob: Problem) -> Work:
    s = prob.x.size
    ends = np.empty(4 * s)
    ends[::2], ends[1::2] = prob.lower, prob.upper
    whole = LANES * -(-2 * s // LANES)
    ca, cb = np.zeros(whole), np.zeros(whole)
    ca[: 2 * s], cb[: 2 * s] = state.ca, state.cb
    tables = LANES if prob.width >= MANY * s else 1
    sums = np.zeros(tables * 2 * whole)
    return Work(
        np.empty(s), np.empty(s), np.empty(2 * s), np.empty(2 * s), ends, ca, cb, sums,
        2 * whole if tables > 1 else 0,
    )  # fmt: skip


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
    correction: float  # 1 / (1 - beta2^t), of Adam's second moment


@leaf
def _rule(prob, adam, t):
    """The rule of step t, the first being 1."""
    train, numbers = prob.train, prob.settings
    lr, correction = numbers.lr, 1.0
    if adam:
        lr, correction = lr / (1.0 - numbers.beta1**t), 1.0 / (1.0 - numbers.beta2**t)
    return _Rule(
        train[0], train[1], train[2], adam, lr, numbers.decay, numbers.beta1, numbers.beta2, numbers.eps, correction
    )  # fmt: skip


# What is inlined per vector has no branches that change: they would be mispredicted, or keep LLVM from using vectors.
@leaf(forceinline=True)
def _without_subnormal(moment):
    """The moment with 0 for subnormal numbers, at which those of dead neurons would stay for ever."""
    return moment - select(greater(splat(TINY), absolute(moment)), moment)  # keeps nan


@leaf(forceinline=True)
def _momentum(neurons, k, value, grad, rule):
    """Move the parameters at k, which have this value and gradient, and their moments."""
    mean = _without_subnormal(splat(rule.beta1) * load(neurons.first, k) + (grad + splat(rule.decay) * value))
    store(neurons.first, k, mean)
    store(neurons.values, k, value - splat(rule.lr) * mean)


@leaf(forceinline=True)
def _adam(neurons, k, value, grad, rule):
    """The same by Adam's rule."""
    first, second = neurons.first, neurons.second
    grad += splat(rule.decay) * value
    mean = _without_subnormal(splat(rule.beta1) * load(first, k) + splat(1.0 - rule.beta1) * grad)
    square = splat(rule.beta2) * load(second, k) + splat(1.0 - rule.beta2) * grad * grad
    store(first, k, mean)
    store(second, k, square)
    root = square_root(square * splat(rule.correction)) + splat(rule.eps)
    store(neurons.values, k, value - splat(rule.lr) * mean / root)


@leaf(forceinline=True)
def _move(neurons, work, begin, end, rule):
    """Move the neurons from ``begin`` to ``end`` by their gradients c e1, -c e0, a e1 - b e0, LANES at a time."""
    values, arc, e0, e1 = neurons.values, neurons.arc, work.e0, work.e1
    m, zero = arc.size, splat(0.0)
    for i in range(begin, end, LANES):
        g0, g1 = load_scalar(arc, i), load_scalar(arc, i + 1)
        g2, g3 = load_scalar(arc, i + 2), load_scalar(arc, i + 3)
        pull0, pull1 = gather(e0, g0, g1, g2, g3), gather(e1, g0, g1, g2, g3)
        at_a, at_b, at_c = i, m + i, 2 * m + i
        a, b, c = load(values, at_a), load(values, at_b), load(values, at_c)
        grad_a, grad_b, grad_c = c * pull1, zero - c * pull0, a * pull1 - b * pull0
        if rule.adam:
            if rule.train_a:
                _adam(neurons, at_a, a, grad_a, rule)
            if rule.train_b:
                _adam(neurons, at_b, b, grad_b, rule)
            if rule.train_c:
                _adam(neurons, at_c, c, grad_c, rule)
        else:
            if rule.train_a:
                _momentum(neurons, at_a, a, grad_a, rule)
            if rule.train_b:
                _momentum(neurons, at_b, b, grad_b, rule)
            if rule.train_c:
                _momentum(neurons, at_c, c, grad_c, rule)


@leaf(forceinline=True)
def _left(ends, arc, a, b, s):
    """Which neurons have left their arcs by the lower border, and which by the upper one: bits of two numbers."""
    g0, g1, g2, g3 = arc
    low, high = load_pairs(ends, 2 * g0, 2 * g1, 2 * g2, 2 * g3)
    on_low, on_high = at_least(g0, g1, g2, g3, 1) ^ at_least(g0, g1, g2, g3, s + 1), at_least(g0, g1, g2, g3, s)
    return movemask(greater(a * low, b) ^ on_low), movemask(greater(a * high, b) ^ on_high)


@leaf(forceinline=True)
def _next_arc(g, up, down, s):
    """The next arc upwards if the last bit of ``up`` is set, downwards if that of ``down`` is."""
    g += (up & 1) - (down & 1)
    return g + 2 * s * (np.int64(g < 0) - np.int64(g >= 2 * s))


@leaf(forceinline=True)
def _follow(neurons, work, begin, end, x):
    """Follow the neurons from ``begin`` to ``end`` to their arcs, and add them to these arcs' sums."""
    values, arc, ends, sums, apart = neurons.values, neurons.arc, work.ends, work.sums, work.apart
    m, s = arc.size, x.size
    for i in range(begin, end, LANES):
        a, b, c = load(values, i), load(values, m + i), load(values, 2 * m + i)
        g0, g1 = np.int64(load_scalar(arc, i)), np.int64(load_scalar(arc, i + 1))
        g2, g3 = np.int64(load_scalar(arc, i + 2)), np.int64(load_scalar(arc, i + 3))
        down, up = _left(ends, (g0, g1, g2, g3), a, b, s)
        if (down | up) != 0:
            hops = 0
            while (down | up) != 0 and hops < MOST_HOPS:
                g0, g1 = _next_arc(g0, up, down, s), _next_arc(g1, up >> 1, down >> 1, s)
                g2, g3 = _next_arc(g2, up >> 2, down >> 2, s), _next_arc(g3, up >> 3, down >> 3, s)
                down, up = _left(ends, (g0, g1, g2, g3), a, b, s)
                hops += 1
            if (down | up) != 0:
                (a0, a1, a2, a3), (b0, b1, b2, b3) = unpack(a), unpack(b)
                g0, g1, g2, g3 = find_arc(a0, b0, x), find_arc(a1, b1, x), find_arc(a2, b2, x), find_arc(a3, b3, x)
            store_scalar(arc, i, g0)
            store_scalar(arc, i + 1, g1)
            store_scalar(arc, i + 2, g2)
            store_scalar(arc, i + 3, g3)
        add_pairs(sums, 2 * g0, 2 * g1 + apart, 2 * g2 + 2 * apart, 2 * g3 + 3 * apart, c * a, c * b)


@leaf(forceinline=True)
def _step_neurons(neurons, work, x, rule):
    """Step all neurons.

    Moving and following are two loops: a neuron that leaves its arc is a branch mispredicted, which would throw away
    the divisions that have begun for those after it.
    """
    m = neurons.arc.size
    for begin in range(0, m, BLOCK):
        end = min(begin + BLOCK, m)
        _move(neurons, work, begin, end, rule)
        _follow(neurons, work, begin, end, x)


@leaf
def _step_bias(bias, r, rule):
    """Step the bias."""
    value, moments, grad = bias.value, bias.moments, 0.0
    for j in range(r.size):
        grad += r[j]
    grad += rule.decay * value[0]
    if rule.adam:
        moments[0] = rule.beta1 * moments[0] + (1.0 - rule.beta1) * grad
        moments[1] = rule.beta2 * moments[1] + (1.0 - rule.beta2) * grad * grad
        value[0] -= rule.lr * moments[0] / (math.sqrt(moments[1] * rule.correction) + rule.eps)
    else:
        moments[0] = rule.beta1 * moments[0] + grad
        value[0] -= rule.lr * moments[0]


@leaf
def _collect(work):
    """Add up the tables of sums, and empty them."""
    sums, ca, cb = work.sums, work.ca, work.cb
    size = 2 * ca.size
    for k in range(0, ca.size, LANES):
        p, q = load_pairs(sums, 2 * k, 2 * k + 2, 2 * k + 4, 2 * k + 6)
        for o in range(size + 2 * k, sums.size, size):
            more_p, more_q = load_pairs(sums, o, o + 2, o + 4, o + 6)
            p += more_p
            q += more_q
        store(ca, k, p)
        store(cb, k, q)
    for k in range(sums.size):
        sums[k] = 0.0


@entry
def _run(neurons, bias, prob, work, steps, stop_loss, blow_up):
    """``run`` in compiled code."""
    adam, code, loss, taken = neurons.second.size > 0, DONE, 0.0, 0
    while True:
        predict(work.ca, work.cb, prob.x, bias.value[0], prob.inv_norm, work.f)
        loss = residuals(work.f, prob.y, prob.weight, work.r)
        if not loss <= blow_up:
            code = DIVERGED
        elif loss <= stop_loss:
            code = REACHED
        if code != DONE or taken == steps:
            break
        taken += 1
        bias.taken[0] += 1
        rule = _rule(prob, adam, bias.taken[0])
        arc_sums(work.r, prob.x, prob.inv_norm, work.e0, work.e1)
        if prob.train[3]:
            _step_bias(bias, work.r, rule)
        _step_neurons(neurons, work, prob.x, rule)
        _collect(work)
    return taken, code, loss
