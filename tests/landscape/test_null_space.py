"""Null spaces, ranks by counting, and the Hessian in the delta-slopes, on constructed networks."""

from __future__ import annotations

import numpy as np
import pytest
from landscapes import lopsided

import knotflow as kf
from knotflow.landscape import (
    delta_slope_hessian,
    hessian,
    hessian_rank,
    hessian_spectrum,
    jacobian,
    lonely_knots,
    lonely_minimum,
    null_space,
)

FULL = {"a", "b", "c", "bias"}


def lonely(s, m, seed, free=0.4):
    rng = np.random.default_rng(seed)
    data = kf.Samples(np.sort(rng.uniform(-1, 1, s)), rng.normal(size=s))
    pieces = np.sort(rng.choice(m + 1, s, replace=False))
    return lonely_minimum(data, lonely_knots(data, pieces, m), free=free, norm=1.5), data


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


def random_configuration(rng):
    s, m = int(rng.integers(2, 9)), int(rng.integers(1, 9))
    x = np.sort(rng.uniform(-1, 1, s))
    net = kf.ReLUNet(rng.choice([-1.0, 1.0], m) * rng.uniform(0.5, 2, m), np.zeros(m), rng.normal(1.0, 0.3, m))
    spread = rng.choice([0.7, 1.3])
    b = net.a * rng.uniform(-spread, spread, m)
    return net.replace(b=b), kf.Samples(x, rng.normal(size=s))


@pytest.mark.parametrize("train", [FULL, {"a", "b", "c"}])
def test_rank_by_counting(train):
    rng, checked = np.random.default_rng(0), 0
    while checked < 400:
        net, data = random_configuration(rng)
        gaps = np.abs(np.subtract.outer(np.concatenate([data.x, net.knots]), data.x))
        if not (np.multiply.outer(net.a, data.x) > net.b[:, None]).any() or gaps[gaps > 0].min() < 1e-2:
            continue
        singular = np.linalg.svd(jacobian(net, data, train), compute_uv=False)
        assert hessian_rank(net, data, train) == np.sum(singular > 1e-9 * singular[0])
        checked += 1


def test_rank_refusals():
    net, data = lopsided(4, 9, 0)
    with pytest.raises(
        kf.InputError, match=r"train is \{'a'\}: it must contain a, b and c, with the bias or without it"
    ):
        hessian_rank(net, data, {"a"})
    with pytest.raises(kf.InputError, match=r"c\[2\] is 0: it must not be 0, or the count fails"):
        hessian_rank(net.replace(c=[1.0, 1.0, 0.0, 1.0]), data)
    on = net.replace(a=[1.0, 1.0, 1.0, 1.0], b=[0.0, data.x[3], 0.1, 0.2])
    with pytest.raises(
        kf.InputError, match=r"the knot of neuron 1 is -0\.\d+: it must not be at a sample, or the count"
    ):
        hessian_rank(on, data)
    dead = kf.ReLUNet([1.0], [99.0], [1.0])
    for look in (hessian_rank, null_space, delta_slope_hessian):
        with pytest.raises(kf.InputError, match=r"no neuron of net is active at a sample"):
            look(dead, data)
    with pytest.raises(kf.InputError, match=r"rtol is 2: it must be a finite number > 0 and < 1"):
        null_space(net, data, rtol=2)


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


def test_repr_and_position():
    net, data = lopsided(4, 9, 0)
    scaling, zero, functional = null_space(net, data).counts
    assert repr(null_space(net, data)) == (
        f"NullSpace({scaling} scaling, {zero} zero and {functional} functional of 13 directions)"
    )
    with pytest.warns(DeprecationWarning, match=r"null_space takes rtol=... by keyword"):
        assert null_space(net, data, 0.9).counts != null_space(net, data).counts
