"""Adam, against a loop in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

import knotflow as kf
from helpers.step_cases import NAMES, data, full_gradient, net


@pytest.mark.parametrize("train", [{"a", "b", "c"}, {"c", "bias"}], ids=lambda t: "+".join(sorted(t)))
def test_adam(train):
    start, samples, lr, beta1, beta2, eps = net(), data(), 0.003, 0.85, 0.99, 1e-4
    values = [start.a, start.b, start.c, np.float64(start.bias)]
    first, second = [0.0] * 4, [0.0] * 4
    for t in range(1, 201):
        grads = full_gradient(values, start, samples)
        first = [beta1 * f + (1 - beta1) * g for f, g in zip(first, grads, strict=True)]
        second = [beta2 * s + (1 - beta2) * g * g for s, g in zip(second, grads, strict=True)]
        moves = [f / (1 - beta1**t) / (np.sqrt(s / (1 - beta2**t)) + eps) for f, s in zip(first, second, strict=True)]
        values = [z - lr * v if n in train else z for n, z, v in zip(NAMES, values, moves, strict=True)]
    traj = kf.evolve(start, samples, kf.Adam(lr, betas=(beta1, beta2), eps=eps, train=train), steps=200)
    for name, value in zip(NAMES, values, strict=True):
        np.testing.assert_allclose(getattr(traj.final, name), value, rtol=1e-10, atol=1e-11, err_msg=name)
