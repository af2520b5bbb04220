"""Gradient descent on a shallow network with batch normalisation between its hidden layer and its ReLU."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

EPS = 1e-5  # of torch.nn.BatchNorm1d


@dataclass(eq=False)
class BatchNormNet:
    """f(x) = bias + sum_i c_i max(gain_i w_i (x - mean) / sqrt(w_i^2 var + EPS) + shift_i, 0), several nets at once.

    w, gain, shift, c  (nets, m);  bias  (nets,);  mean and var are those of all samples.

    One input makes the normalisation explicit: the hidden bias drops out, and of |w| only the part that EPS sees is
    left. With gain 1 and shift 0, where PyTorch starts, every knot is at the mean.
    """

    w: Array
    gain: Array
    shift: Array
    c: Array
    bias: Array

    @classmethod
    def start(cls, m: int, seeds: int, rng: np.random.Generator) -> BatchNormNet:
        """PyTorch's default start: Linear(1, m), BatchNorm1d(m), ReLU, Linear(m, 1)."""
        w = rng.uniform(-1, 1, (seeds, m))
        c = rng.uniform(-1, 1, (seeds, m)) / np.sqrt(m)
        bias = rng.uniform(-1, 1, seeds) / np.sqrt(m)
        return cls(w, np.ones_like(w), np.zeros_like(w), c, bias)


def losses_and_gradients(net: BatchNormNet, x: Array, y: Array) -> tuple[Array, BatchNormNet]:
    """1/2 mean (f(x_j) - y_j)^2 of every net, and its gradient. x ascending; O(m log n + n) by prefix sums."""
    z, n = x - x.mean(), len(x)
    scale = 1 / np.sqrt(net.w**2 * np.mean(z**2) + EPS)
    slope = net.gain * net.w * scale
    right = slope > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        knot = np.where(slope != 0, -net.shift / slope, np.inf)
    first = np.where(right, np.searchsorted(z, knot, "right"), np.searchsorted(z, knot, "left"))
    active = np.where(right, 1.0, -1.0)  # what changes at `first`: from there on active, or no longer

    def summed(values: Array) -> Array:
        """(nets, n) the sum of the values of the neurons active at each sample."""
        cell = first + (n + 1) * np.arange(len(values))[:, None]
        change = np.bincount(cell.ravel(), (active * values).ravel(), (n + 1) * len(values)).reshape(-1, n + 1)
        return np.cumsum(change, axis=1)[:, :n] + np.where(right, 0.0, values).sum(1, keepdims=True)

    residual = net.bias[:, None] + summed(net.c * slope) * z + summed(net.c * net.shift) - y

    def over_active(values: Array) -> Array:
        """(nets, m) the sum of the values over the samples on which each neuron is active."""
        prefix = np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)
        before = np.take_along_axis(prefix, first, axis=1)
        return np.where(right, prefix[:, -1:] - before, before) / n

    total, moment = over_active(residual), over_active(residual * z)
    gradient = BatchNormNet(
        w=EPS * net.gain * scale**3 * net.c * moment,
        gain=net.w * scale * net.c * moment,
        shift=net.c * total,
        c=slope * moment + net.shift * total,
        bias=residual.mean(axis=1),
    )
    return 0.5 * np.mean(residual**2, axis=1), gradient


def stability_limits(net: BatchNormNet, x: Array) -> Array:
    """(nets,) 2 / (largest eigenvalue of the tangent kernel), which learning rates must not exceed at the start."""
    from scipy.sparse.linalg import svds

    z = x - x.mean()
    scale = 1 / np.sqrt(net.w**2 * np.mean(z**2) + EPS)
    limits = []
    for w, gain, shift, c, k in zip(net.w, net.gain, net.shift, net.c, scale, strict=True):
        inner = np.outer(gain * w * k, z) + shift[:, None]
        on = c[:, None] * (inner > 0)
        by_gain = on * np.outer(w * k, z)
        by_w = on * np.outer(EPS * gain * k**3, z)
        features = np.concatenate([np.ones((1, len(z))), np.maximum(inner, 0), on, by_gain, by_w])
        largest = svds(features, 1, v0=np.ones(min(features.shape)), return_singular_vectors=False)[0]
        limits.append(2 * len(z) / largest**2)
    return np.array(limits)


def descended(net: BatchNormNet, x: Array, y: Array, lr: Array, epochs: int) -> Array:
    """(nets,) mean (f(x_j) - y_j)^2 after full-batch descent on 1/2 of it, lr (nets,); the net is changed in place."""
    for _ in range(epochs):
        _, gradient = losses_and_gradients(net, x, y)
        for name, step in vars(gradient).items():
            getattr(net, name).__isub__((lr if name == "bias" else lr[:, None]) * step)
    return 2 * losses_and_gradients(net, x, y)[0]
