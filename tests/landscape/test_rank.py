"""Ranks by counting against singular values."""

from __future__ import annotations

import numpy as np
import pytest

import knotflow as kf
from helpers.landscapes import lopsided
from knotflow.landscape import delta_slope_hessian, hessian_rank, jacobian, null_space

FULL = {"a", "b", "c", "bias"}


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
