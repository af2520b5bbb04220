"""The largest eigenvalue against a dense solver."""

from __future__ import annotations

import numpy as np
import pytest

from knotflow._lanczos import largest_eigenvalue


@pytest.mark.parametrize("order", [1, 2, 7, 300])
def test_it_is_the_largest_and_not_the_largest_in_size(order):
    rng = np.random.default_rng(order)
    values = np.sort(rng.normal(size=order)) - 2.0  # most of them negative: the largest in size is another one
    basis = np.linalg.qr(rng.normal(size=(order, order)))[0]
    matrix = basis * values @ basis.T
    found = largest_eigenvalue(lambda v: matrix @ v, 1.0 + 0.01 * np.cos(np.arange(order)))
    assert found == pytest.approx(values[-1], rel=1e-9)
    assert found == largest_eigenvalue(lambda v: matrix @ v, 1.0 + 0.01 * np.cos(np.arange(order)))
