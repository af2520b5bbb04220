"""The tangent kernel by arcs against its definition, arc by arc and sample by sample."""

from __future__ import annotations

import numpy as np
import pytest
from problems import arc_patterns

from knotflow.engine import tangent


def drawn(s: int):
    """Sums per arc as a matrix S each, lopsided samples, and the kernel by its definition without the bias."""
    rng = np.random.default_rng(s)
    x = np.sort(rng.exponential(1.0, s)) - 0.4
    s11, s12, s22 = rng.normal(size=(3, 2 * s))
    rows = np.stack([x, np.ones(s)], axis=1)
    kernel = np.zeros((s, s))
    for g, on in enumerate(arc_patterns(s)):
        active = rows * on[:, None]
        kernel += active @ np.array([[s11[g], s12[g]], [s12[g], s22[g]]]) @ active.T
    return x, (s11, s12, s22), kernel


@pytest.mark.parametrize("s", [1, 2, 3, 8])
@pytest.mark.parametrize("bias", [0.0, 1.0])
def test_the_matrix(s, bias):
    x, sums, kernel = drawn(s)
    root = np.random.default_rng(7).uniform(0.5, 2.0, s)
    found = tangent.matrix(*sums, x, root, bias)
    np.testing.assert_allclose(found, root[:, None] * (kernel + bias) * root, atol=1e-13 * np.abs(found).max())


@pytest.mark.parametrize("s", [1, 2, 3, 8])
@pytest.mark.parametrize("bias", [0.0, 1.0])
def test_the_product_with_a_vector(s, bias):
    x, sums, kernel = drawn(s)
    v, out = np.random.default_rng(8).normal(size=s), np.empty(s)
    tangent.product(*sums, x, v, bias * v.sum(), np.empty((2, 2 * s)), out)
    np.testing.assert_allclose(out, (kernel + bias) @ v, atol=1e-13 * np.abs(kernel).sum())
