"""The slow, obvious twin of the kernels: m x s matrices, one line per formula. For tests and for reading."""

from __future__ import annotations

import numpy as np


def forward(a, b, c, bias, norm, x):
    """(h, active, f): pre-activations and activity (m, s), and the function at the samples (s,)."""
    h = np.multiply.outer(a, x) - b[:, None]
    active = h > 0
    return h, active, bias + c @ np.where(active, h, 0.0) / norm


def gradient(a, b, c, bias, norm, x, y, weight):
    """Gradients of 1/2 sum w (f - y)^2 by a, b, c and the bias; Williams et al. 2019, arXiv eq. 46, corrected."""
    h, active, f = forward(a, b, c, bias, norm, x)
    r = weight * (f - y)
    q0, q1 = active @ r / norm, active @ (r * x) / norm
    return c * q1, -c * q0, np.where(active, h, 0.0) @ r / norm, r.sum()


def tangent_kernel(a, b, c, norm, x, train):
    """K(x_j, x_k) = sum over the trained parameters of df(x_j) df(x_k), shape (s, s)."""
    h, active, _ = forward(a, b, c, 0.0, norm, x)
    jacobian = {
        "a": (active * c[:, None] * x) / norm,
        "b": -(active * c[:, None]) / norm,
        "c": np.where(active, h, 0.0) / norm,
        "bias": np.ones((1, x.size)),
    }
    return sum(jacobian[p].T @ jacobian[p] for p in sorted(train))


def descend(values, norm, samples, lr, steps, train=frozenset("abc"), decay=0.0):
    """Plain gradient descent from a, b, c, bias on x, y, weight; returns the values after ``steps`` steps."""
    for _ in range(steps):
        grads = gradient(*values, norm, *samples)
        values = tuple(
            value - lr * (grad + decay * value) if name in train else value
            for name, value, grad in zip(("a", "b", "c", "bias"), values, grads, strict=True)
        )
    return values
