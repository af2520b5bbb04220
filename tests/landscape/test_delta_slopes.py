"""The Hessian in the delta-slopes: by differences, and along descent."""

from __future__ import annotations

import numpy as np
import pytest

import knotflow as kf
from helpers.landscapes import lopsided
from knotflow.landscape import delta_slope_hessian, hessian_spectrum


def test_delta_slope_hessian():
    net, data = lopsided(25, 9, 3)
    bowl = delta_slope_hessian(net, data)

    def loss(slopes):
        return net.replace(c=slopes * net.norm / net.a).loss(data)

    base, h = net.delta_slopes, 1e-3
    for i, j in ((0, 0), (3, 7), (20, 11)):
        e_i, e_j = h * np.eye(25)[i], h * np.eye(25)[j]
        second = loss(base + e_i + e_j) - loss(base + e_i - e_j) - loss(base - e_i + e_j) + loss(base - e_i - e_j)
        assert bowl.matrix[i, j] == pytest.approx(second / (4 * h * h), abs=1e-6)
    values = np.linalg.eigvalsh(bowl.matrix)
    np.testing.assert_allclose(bowl.eigenvalues, values[::-1][: bowl.rank], atol=1e-12 * values[-1])
    assert bowl.rank == np.sum(values > 1e-13 * values[-1])
    np.testing.assert_allclose(bowl.matrix @ bowl.null, 0, atol=1e-12 * values[-1])
    assert bowl.range.shape[1] + bowl.null.shape[1] == 25
    gradient = kf.gradient(net, data, {"c"}).c * net.norm / net.a
    np.testing.assert_allclose(bowl.onto_range(gradient), gradient, atol=1e-9 * np.abs(gradient).max())
    for v in bowl.null.T:
        assert loss(base + v) == pytest.approx(loss(base), rel=1e-9)
    assert repr(bowl) == f"DeltaSlopeHessian(25 delta-slopes, rank {bowl.rank})"


def test_descent_of_the_delta_slopes_keeps_their_null_part():
    """Figure 6: from mu_0 the null part stays, and the range part goes to the least-squares solution."""
    net, data = lopsided(12, 7, 1)
    net = net.replace(a=np.sign(net.a), b=net.b / np.abs(net.a), norm=1.0)  # unit metric
    bowl = delta_slope_hessian(net, data)
    final = kf.evolve(net, data, kf.GradientFlow(train=frozenset({"c"})), until=1e3).final
    moved = final.delta_slopes - net.delta_slopes
    np.testing.assert_allclose(bowl.null.T @ moved, 0, atol=1e-9 * np.abs(moved).max())
    assert hessian_spectrum(net, data, {"c"}).rank == bowl.rank
