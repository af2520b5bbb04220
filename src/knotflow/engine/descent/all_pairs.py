"""All pairs: gradient descent for at most MOST neurons on at most MOST samples, without arcs; O(m s) a step.

So few are stepped faster than they are sorted. The arrays are padded to whole vectors with neurons with a = b = c = 0
and samples of weight 0, which change nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from knotflow.engine.codes import DIVERGED, DONE, REACHED
from knotflow.engine.compiled import entry, leaf
from knotflow.engine.descent.state import Problem
from knotflow.engine.simd import LANES, greater, load, load_scalar, reduce_add, select, splat, store, store_scalar

Array = NDArray[Any]

MOST = 32


class State(NamedTuple):
    """The neurons, the samples, and scratch; m and s are rounded up to whole vectors."""

    a: Array
    b: Array
    c: Array
    bias: Array  # (1,)
    m: int  # how many neurons there are
    x: Array
    y: Array
    weight: Array
    r: Array  # scratch: weighted residuals, times lr/norm
    rx: Array  # scratch: and these times x


def fits(m: int, prob: Problem) -> bool:
    """Whether the problem is one for this file: small, and without minibatches."""
    return m <= MOST and prob.x.size <= MOST and prob.batch.y.size == 0


def start(a: Array, b: Array, c: Array, bias: float, prob: Problem) -> State:
    """The state of a network."""
    x = _padded(prob.x)
    return State(
        _padded(a), _padded(b), _padded(c), np.array([float(bias)]), a.size,
        x, _padded(prob.y), _padded(prob.weight), np.zeros(x.size), np.zeros(x.size),
    )  # fmt: skip


def _padded(values: Array) -> Array:
    out = np.zeros(LANES * -(-values.size // LANES))
    out[: values.size] = values
    return out


def saved(state: State) -> dict[str, Array]:
    """The state as named arrays."""
    return {name: getattr(state, name)[: state.m] for name in ("a", "b", "c")} | {"bias": state.bias}


def restored(arrays: Mapping[str, Array], prob: Problem) -> State:
    """A state of its own from saved arrays, of this version or of format 2, which has more of them."""
    return start(arrays["a"], arrays["b"], arrays["c"], float(arrays["bias"][0]), prob)


# Inlined: a call that passes the state costs as much as stepping several neurons.
@leaf(forceinline=True)
def _forward(state, bias, inv_norm, scale):
    """Fill state.r with scale times the weighted residuals; the loss and the sum of the weighted residuals.

    Even and odd neurons are summed apart, so that no addition waits for the one before.
    """
    a, b, c, m, x, y, weight, r = state.a, state.b, state.c, state.m, state.x, state.y, state.weight, state.r
    zero, shift, inverse, factor = splat(0.0), splat(bias), splat(inv_norm), splat(scale)
    loss = sums = zero
    for j in range(0, x.size, LANES):
        z = load(x, j)
        even = odd = zero
        for i in range(0, m - 1, 2):
            h = splat(load_scalar(a, i)) * z - splat(load_scalar(b, i))
            even += splat(load_scalar(c, i)) * select(greater(h, zero), h)
            h = splat(load_scalar(a, i + 1)) * z - splat(load_scalar(b, i + 1))
            odd += splat(load_scalar(c, i + 1)) * select(greater(h, zero), h)
        if m % 2 == 1:
            h = splat(load_scalar(a, m - 1)) * z - splat(load_scalar(b, m - 1))
            even += splat(load_scalar(c, m - 1)) * select(greater(h, zero), h)
        miss = shift + inverse * (even + odd) - load(y, j)
        weighed = load(weight, j) * miss
        loss += weighed * miss
        sums += weighed
        store(r, j, factor * weighed)
    return 0.5 * reduce_add(loss), reduce_add(sums)


@leaf(forceinline=True)
def _update(state, s, train, keep):
    """Step LANES neurons at once by the sums of r and r x over the samples that each is active on."""
    a, b, c, x, r, rx = state.a, state.b, state.c, state.x, state.r, state.rx
    zero = splat(0.0)
    ma, mb, mc = splat(train[0]), splat(train[1]), splat(train[2])
    ka, kb, kc = splat(keep[0]), splat(keep[1]), splat(keep[2])
    for j in range(s):
        store_scalar(rx, j, load_scalar(r, j) * load_scalar(x, j))
    for i in range(0, a.size, LANES):
        a0, b0, c0 = load(a, i), load(b, i), load(c, i)
        e0 = e1 = zero
        for j in range(s):
            on = greater(a0 * splat(load_scalar(x, j)), b0)
            e0 += select(on, splat(load_scalar(r, j)))
            e1 += select(on, splat(load_scalar(rx, j)))
        store(a, i, ka * a0 - ma * c0 * e1)
        store(b, i, kb * b0 + mb * c0 * e0)
        store(c, i, kc * c0 - mc * (e1 * a0 - e0 * b0))


@entry
def run(state, prob, steps, stop_loss, blow_up):
    """Take up to ``steps`` steps in place; (steps taken, why it ended, loss there). O(m s) a step."""
    bias, train, keep, scale = state.bias, prob.train, prob.keep, prob.lr * prob.inv_norm
    shift, taken, code, loss = bias[0], steps, DONE, 0.0
    for t in range(steps + 1):
        loss, sums = _forward(state, shift, prob.inv_norm, scale)
        if not loss <= blow_up:
            code = DIVERGED
        elif loss <= stop_loss:
            code = REACHED
        if code != DONE or t == steps:
            taken = t
            break
        _update(state, prob.x.size, train, keep)
        if train[3] != 0.0:
            shift = keep[3] * shift - prob.lr * sums
    bias[0] = shift
    return taken, code, loss
