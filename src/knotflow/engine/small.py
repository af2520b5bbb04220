"""Gradient descent for at most LANES neurons on at most LANES samples: all pairs, in vector instructions.

Where sorting and sums per arc cost more than they save. One flat array with constant offsets, as in ``descent``, lets
the compiler see that no row overlaps another; the lanes left over are neurons with a = b = c = 0 and samples of weight
0, which change nothing.
"""

from __future__ import annotations

import numpy as np
from numba import njit

LANES = 32
A, B, C, X, Y, WEIGHT, F, R0, R1, G0, G1 = (LANES * row for row in range(11))


def fits(m: int, s: int) -> bool:
    """Whether the problem is small enough."""
    return m <= LANES and s <= LANES


@njit(cache=True)
def _forward(w, m, bias, inv_norm):
    """f - bias and the weighted residuals, and the loss."""
    for j in range(LANES):
        w[F + j] = 0.0
    for i in range(m):
        a, b, c = w[A + i], w[B + i], w[C + i]
        for j in range(LANES):
            w[F + j] += c * max(a * w[X + j] - b, 0.0)
    for j in range(LANES):
        miss = bias + inv_norm * w[F + j] - w[Y + j]
        w[R0 + j] = w[WEIGHT + j] * miss
        w[R1 + j] = miss * w[R0 + j]
    even = odd = 0.0
    for j in range(0, LANES, 2):
        even += w[R1 + j]
        odd += w[R1 + j + 1]
    return 0.5 * (even + odd)


@njit(cache=True)
def _sums(w, s, scale):
    """For every neuron, the sums over its samples of scale r_j and scale r_j x_j."""
    for i in range(LANES):
        w[G0 + i] = w[G1 + i] = 0.0
    for j in range(s):
        x = w[X + j]
        r0 = scale * w[R0 + j]
        r1 = r0 * x
        for i in range(LANES):
            on = w[A + i] * x - w[B + i] > 0.0
            w[G0 + i] += r0 if on else 0.0
            w[G1 + i] += r1 if on else 0.0


@njit(cache=True)
def _update(w, prob):
    ma, mb, mc = prob.train[0], prob.train[1], prob.train[2]
    ka, kb, kc = prob.keep[0], prob.keep[1], prob.keep[2]
    for i in range(LANES):
        a, b, c, g0, g1 = w[A + i], w[B + i], w[C + i], w[G0 + i], w[G1 + i]
        w[A + i] = ka * a - ma * g1 * c
        w[B + i] = kb * b + mb * g0 * c
        w[C + i] = kc * c - mc * (g1 * a - g0 * b)


@njit(cache=True)
def run(a, b, c, bias, prob, steps, stop_loss, blow_up):
    """Take up to ``steps`` steps in place; (steps taken, whether it diverged, whether it reached stop_loss, the loss).

    O(LANES^2) a step.
    """
    m, s = a.size, prob.x.size
    w = np.zeros(11 * LANES)
    w[A : A + m], w[B : B + m], w[C : C + m] = a, b, c
    w[X : X + s], w[Y : Y + s], w[WEIGHT : WEIGHT + s] = prob.x, prob.y, prob.weight
    shift, taken, diverged, reached, loss = bias[0], steps, False, False, 0.0
    for t in range(steps + 1):
        loss = _forward(w, m, shift, prob.inv_norm)
        diverged, reached = not loss <= blow_up, loss <= stop_loss
        if diverged or reached or t == steps:
            taken = t
            break
        _sums(w, s, prob.lr * prob.inv_norm)
        if prob.train[3] != 0.0:
            total = 0.0
            for j in range(s):
                total += w[R0 + j]
            shift = prob.keep[3] * shift - prob.lr * total
        _update(w, prob)
    a[:], b[:], c[:] = w[A : A + m], w[B : B + m], w[C : C + m]
    bias[0] = shift
    return taken, diverged, reached, loss
