"""Gradient descent for at most MOST neurons on at most MOST samples: all pairs, in vector instructions.

Where sorting and sums per arc cost more than they save. Lanes left over are neurons with a = b = c = 0 and samples of
weight 0, which change nothing.
"""

from __future__ import annotations

import numpy as np

from knotflow.engine.compiled import kernel
from knotflow.engine.lanes import LANES, above, load, only, peek, poke, spread, store, total

MOST = 32


def fits(m: int, s: int) -> bool:
    """Whether the problem is small enough."""
    return m <= MOST and s <= MOST


@kernel
def _padded(values):
    """A copy with zeros up to a whole number of lanes."""
    out = np.zeros(LANES * ((values.size + LANES - 1) // LANES))
    out[: values.size] = values
    return out


@kernel
def _forward(a, b, c, m, x, y, weight, r, bias, inv_norm, scale):
    """Fill r with scale times the weighted residuals, LANES samples at once; the loss and sum r.

    Even and odd neurons are summed apart, so that no addition waits for the one before.
    """
    zero, shift, inverse, factor = spread(0.0), spread(bias), spread(inv_norm), spread(scale)
    loss = sums = zero
    for j in range(0, x.size, LANES):
        z = load(x, j)
        even = odd = zero
        for i in range(0, m - 1, 2):
            h = spread(peek(a, i)) * z - spread(peek(b, i))
            even += spread(peek(c, i)) * only(above(h, zero), h)
            h = spread(peek(a, i + 1)) * z - spread(peek(b, i + 1))
            odd += spread(peek(c, i + 1)) * only(above(h, zero), h)
        if m % 2 == 1:
            h = spread(peek(a, m - 1)) * z - spread(peek(b, m - 1))
            even += spread(peek(c, m - 1)) * only(above(h, zero), h)
        miss = shift + inverse * (even + odd) - load(y, j)
        weighed = load(weight, j) * miss
        loss += weighed * miss
        sums += weighed
        store(r, j, factor * weighed)
    return 0.5 * total(loss), total(sums)


@kernel
def _update(a, b, c, x, s, r, rx, train, keep):
    """Step LANES neurons at once by the sums of r and r x over the samples that each is active on."""
    zero = spread(0.0)
    ma, mb, mc = spread(train[0]), spread(train[1]), spread(train[2])
    ka, kb, kc = spread(keep[0]), spread(keep[1]), spread(keep[2])
    for j in range(s):
        poke(rx, j, peek(r, j) * peek(x, j))
    for i in range(0, a.size, LANES):
        a0, b0, c0 = load(a, i), load(b, i), load(c, i)
        e0 = e1 = zero
        for j in range(s):
            on = above(a0 * spread(peek(x, j)), b0)
            e0 += only(on, spread(peek(r, j)))
            e1 += only(on, spread(peek(rx, j)))
        store(a, i, ka * a0 - ma * c0 * e1)
        store(b, i, kb * b0 + mb * c0 * e0)
        store(c, i, kc * c0 - mc * (e1 * a0 - e0 * b0))


@kernel
def run(a, b, c, bias, prob, steps, stop_loss, blow_up):
    """Take up to ``steps`` steps in place; (steps taken, whether it diverged, whether it reached stop_loss, the loss).

    O(m s) a step.
    """
    m, s = a.size, prob.x.size
    pa, pb, pc = _padded(a), _padded(b), _padded(c)
    x, y, weight = _padded(prob.x), _padded(prob.y), _padded(prob.weight)
    r, rx = np.zeros(x.size), np.zeros(x.size)
    train, keep, scale = prob.train, prob.keep, prob.lr * prob.inv_norm
    shift, taken, diverged, reached, loss = bias[0], steps, False, False, 0.0
    for t in range(steps + 1):
        loss, sums = _forward(pa, pb, pc, m, x, y, weight, r, shift, prob.inv_norm, scale)
        diverged, reached = not loss <= blow_up, loss <= stop_loss
        if diverged or reached or t == steps:
            taken = t
            break
        _update(pa, pb, pc, x, s, r, rx, train, keep)
        if train[3] != 0.0:
            shift = keep[3] * shift - prob.lr * sums
    a[:], b[:], c[:] = pa[:m], pb[:m], pc[:m]
    bias[0] = shift
    return taken, diverged, reached, loss
