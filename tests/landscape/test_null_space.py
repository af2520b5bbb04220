"""Null spaces by cause, on constructed networks."""

from __future__ import annotations

import numpy as np
import pytest

import knotflow as kf
from helpers.landscapes import lonely, lopsided
from knotflow.landscape import hessian, hessian_rank, null_space


def check(space, net, data):
    basis = np.hstack([space.scaling, space.zero, space.functional])
    matrix = hessian(net, data)
    assert np.abs(matrix @ basis).max() < 1e-8 * np.abs(matrix).max()
    known = np.hstack([space.scaling, space.zero])
    np.testing.assert_allclose(known.T @ known, np.eye(known.shape[1]), atol=1e-12)
    np.testing.assert_allclose(known.T @ space.functional, 0, atol=1e-9)
    values = np.linalg.eigvalsh(matrix)
    assert basis.shape[1] == np.sum(np.abs(values) <= 1e-10 * np.abs(values).max())


@pytest.mark.parametrize(("s", "m"), [(5, 4), (5, 9), (8, 7), (8, 21)])
def test_corollary_3(s, m):
    net, data = lonely(s, m, seed=s + m)
    space = null_space(net, data)
    check(space, net, data)
    assert sum(space.counts) == 3 * m + 1 - s
    assert space.counts[:2] == (m, 0)
    assert hessian_rank(net, data) == s


def test_generic_points_have_no_scaling_directions():
    net, data = lopsided(6, 30, 0)
    space = null_space(net, data)
    check(space, net, data)
    assert space.counts[:2] == (0, 0)


def test_zero_directions():
    # On fitted data: c = 0 twice; a = 0 dead with c != 0; a = 0 constant; all three 0.
    net = kf.ReLUNet([1.0, -1.0, 0.0, 0.0, 0.0, 1.3], [0.0, 0.2, 0.5, -0.5, 0.0, -2.1], [0, 0, 1.0, 1.0, 0, 0.7])
    x = np.array([-1.0, -0.3, 0.4, 1.1, 1.7])
    data = kf.Samples(x, net(x))
    space = null_space(net, data)
    check(space, net, data)
    # One scaling direction each but for a = b = c = 0; besides 1, 1, 2, 0 and 3 directions of their own.
    assert space.counts[:2] == (5, 7)


def test_functional_directions_of_neurons_that_share_a_gap():
    """k neurons of one orientation in one gap act through two numbers: 2 k - 2 flat directions among 2 k."""
    x = np.array([-1.0, -0.5, 0.5, 1.0, 1.5])
    for k in (1, 2, 5):
        knots = np.linspace(-0.4, 0.4, k) if k > 1 else [0.1]
        net = kf.ReLUNet(np.ones(k), knots, np.linspace(0.5, 1.0, k))
        space = null_space(net, kf.Samples(x, net(x)))
        assert space.counts == (k, 0, 3 * k + 1 - k - (2 + 1))


def test_repr_and_position():
    net, data = lopsided(4, 9, 0)
    scaling, zero, functional = null_space(net, data).counts
    assert repr(null_space(net, data)) == (
        f"NullSpace({scaling} scaling, {zero} zero and {functional} functional of 13 directions)"
    )
    with pytest.warns(DeprecationWarning, match="giving null_space its rtol by position is deprecated"):
        assert null_space(net, data, 0.9).counts != null_space(net, data).counts
