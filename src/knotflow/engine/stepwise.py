"""Momentum and Adam: every parameter keeps a history of its own, so every neuron is stepped; O(m + s) a step.

The update rules are those of torch.optim.SGD (momentum mu, dampening 0: v <- mu v + g, p <- p - lr v, first v = g)
and torch.optim.Adam (Kingma & Ba 2015, algorithm 1), both with weight decay added to the gradient.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from knotflow.engine.arcs import add_moments, arc_sums, borders, find_arcs, follow, predict, residuals
from knotflow.engine.descent import DIVERGED, DONE, REACHED

Array = NDArray[Any]


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


@njit(cache=True)
def _adam(prob, value, grad, first, second, correct1, correct2):
    """Adam's new value, first and second moment."""
    first = prob.beta1 * first + (1.0 - prob.beta1) * grad
    second = prob.beta2 * second + (1.0 - prob.beta2) * grad * grad
    return value - prob.lr * (first / correct1) / (np.sqrt(second / correct2) + prob.eps), first, second


@njit(cache=True)
def _step_neurons(state, prob, e0, e1):
    """Step all neurons by their gradients c e1, -c e0, a e1 - b e0 and rebuild the arcs' sums."""
    params, first, second = state.params, state.first, state.second
    adam = second.shape[1] > 0
    correct1 = 1.0 - prob.beta1 ** state.taken[0]
    correct2 = 1.0 - prob.beta2 ** state.taken[0]
    state.ca[:] = 0.0
    state.cb[:] = 0.0
    for i in range(params.shape[1]):
        g = state.arc[i]
        a, b, c = params[0, i], params[1, i], params[2, i]
        for p, grad in enumerate((c * e1[g], -c * e0[g], a * e1[g] - b * e0[g])):
            if prob.train[p] != 0.0:
                value = params[p, i]
                grad += prob.decay * value
                if adam:
                    params[p, i], first[p, i], second[p, i] = _adam(
                        prob, value, grad, first[p, i], second[p, i], correct1, correct2
                    )
                else:
                    first[p, i] = prob.beta1 * first[p, i] + grad
                    params[p, i] = value - prob.lr * first[p, i]
        a, b, c = params[0, i], params[1, i], params[2, i]
        g = follow(g, a, b, prob.x, prob.lower, prob.upper)
        state.arc[i] = g
        state.ca[g] += c * a
        state.cb[g] += c * b


@njit(cache=True)
def _step_bias(state, prob, grad):
    history = state.bias_history
    grad += prob.decay * state.bias[0]
    if state.second.shape[1] > 0:
        correct1 = 1.0 - prob.beta1 ** state.taken[0]
        correct2 = 1.0 - prob.beta2 ** state.taken[0]
        state.bias[0], history[0], history[1] = _adam(
            prob, state.bias[0], grad, history[0], history[1], correct1, correct2
        )
    else:
        history[0] = prob.beta1 * history[0] + grad
        state.bias[0] -= prob.lr * history[0]


@njit(cache=True)
def run(state, prob, steps, stop_loss, blow_up):
    """Take up to ``steps`` steps; (steps taken, why it ended, loss there)."""
    s = prob.x.size
    f, r, e0, e1 = np.empty(s), np.empty(s), np.empty(2 * s), np.empty(2 * s)
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
        state.taken[0] += 1
        arc_sums(r, prob.x, prob.inv_norm, e0, e1)
        if prob.train[3] != 0.0:
            _step_bias(state, prob, r.sum())
        _step_neurons(state, prob, e0, e1)
    return steps, DONE, loss
