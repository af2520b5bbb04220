"""Spectra by rank against dense eigenvalues, at interpolating networks and anywhere else."""

from __future__ import annotations

from time import perf_counter

import numpy as np
import pytest
from hypothesis import assume, given

import knotflow as kf
from helpers.landscapes import lopsided, problems
from knotflow.landscape import hessian, hessian_spectrum, jacobian, sharpness, stable_learning_rate

TRAINS = [{"a", "b", "c", "bias"}, {"a", "b", "c"}, {"c"}, {"a"}, {"bias"}, {"a", "c"}, {"b", "c", "bias"}, {"a", "b"}]


def interpolating(m, s, seed):
    """A random network whose c solves f(x_j) = y_j in least norm."""
    net, _ = lopsided(m, 5, seed)
    rng = np.random.default_rng(seed)
    data = kf.Samples(np.linspace(-1, 1, s) + rng.uniform(-0.3, 0.3, s) / s, rng.normal(size=s))
    phi = np.maximum(np.multiply.outer(data.x, net.a) - net.b, 0) / net.norm
    return net.replace(c=np.linalg.lstsq(phi, data.y - net.bias, rcond=None)[0]), data


def close(spectrum, net, data, train=frozenset({"a", "b", "c", "bias"})):
    dense = np.linalg.eigvalsh(hessian(net, data, train))
    np.testing.assert_allclose(spectrum, dense, atol=1e-12 * max(np.abs(dense).max(), 1e-300))


@pytest.mark.parametrize("train", TRAINS)
@pytest.mark.parametrize("case", [(12, 9, 0), (60, 7, 1), (4, 30, 2), (1, 5, 3)])
def test_any_network(case, train):
    net, data = lopsided(*case)
    spectrum = hessian_spectrum(net, data, train)
    close(spectrum, net, data, train)
    assert len(spectrum) == spectrum.size == hessian(net, data, train).shape[0]


@given(problems)
def test_degenerate_networks(problem):
    net, data = problem
    assume((np.multiply.outer(net.a, data.x) - net.b[:, None] > 0).any())
    close(hessian_spectrum(net, data), net, data)


def test_the_reduction_reduces():
    net, data = lopsided(200, 8, 4)
    spectrum = hessian_spectrum(net, data)
    assert len(spectrum.coupled) <= 10 * len(data.distinct.x)
    close(spectrum, net, data)


@pytest.mark.parametrize("train", [{"a", "b", "c", "bias"}, {"a", "b", "c"}])
def test_interpolating_networks_have_s_eigenvalues(train):
    net, data = interpolating(80, 10, 5)
    assert net.loss(data) < 1e-20
    spectrum = hessian_spectrum(net, data, train)
    assert len(spectrum.coupled) == 10
    assert spectrum.rank == 10
    assert len(spectrum.nonzero) == 10
    close(spectrum, net, data, train)
    singular = np.linalg.svd(jacobian(net, data, train), compute_uv=False)
    np.testing.assert_allclose(spectrum.nonzero, np.sort(singular**2), rtol=1e-9)


def test_wide_interpolating_network():
    m, s = 100_000, 100
    rng = np.random.default_rng(0)
    x = np.linspace(-1, 1, s)
    net = kf.ReLUNet(rng.normal(size=m), rng.normal(size=m), rng.normal(size=m), norm=m**0.5)
    data = kf.Samples(x, net(x))
    hessian_spectrum(net, data)
    start = perf_counter()
    spectrum = hessian_spectrum(net, data)
    assert perf_counter() - start < 2.0  # the benchmark has the real target; a dense matrix would not fit in memory
    assert len(spectrum) == 300_001
    features = jacobian(net, data, {"c"})
    others = [jacobian(net, data, {name}) for name in ("a", "b", "bias")]
    gram = features @ features.T + sum(j @ j.T for j in others)
    expected = np.linalg.eigvalsh(gram)
    np.testing.assert_allclose(spectrum.eigenvalues[-s:], expected, atol=1e-11 * expected[-1])
    assert np.all(spectrum.eigenvalues[:-s] == 0)


@pytest.mark.parametrize("case", [(20, 9, 0), (300, 200, 1)])
def test_sharpness(case):
    net, data = lopsided(*case)
    top = np.linalg.eigvalsh(hessian(net, data))[-1]
    assert sharpness(net, data) == pytest.approx(top, rel=1e-9)
    assert stable_learning_rate(net, data) == pytest.approx(2 / top, rel=1e-9)
    assert hessian_spectrum(net, data).stable_learning_rate == pytest.approx(2 / top, rel=1e-9)


def test_the_stable_learning_rate_is_where_descent_turns_unstable():
    net, data = interpolating(40, 6, 2)
    train = {"a", "b", "c"}
    limit = stable_learning_rate(net, data, train)
    assert limit == pytest.approx(kf.stability_limit(net, data), rel=1e-9)
    start = net.replace(c=net.c + 1e-9)
    stays = kf.evolve(start, data, kf.GradientDescent(0.98 * limit), steps=200).final
    assert stays.loss(data) < start.loss(data)
    # Above the limit the component along the sharpest direction grows.
    leaves = start
    for _ in range(200):
        g = kf.gradient(leaves, data, train)
        step = 1.05 * limit
        leaves = leaves.replace(a=leaves.a - step * g.a, b=leaves.b - step * g.b, c=leaves.c - step * g.c)
    assert leaves.loss(data) > 100 * start.loss(data)


@pytest.mark.parametrize("train", TRAINS)
def test_it_is_the_stability_limit_where_the_residuals_vanish(train):
    net, data = interpolating(300, 80, 3)
    assert stable_learning_rate(net, data, train) == pytest.approx(
        kf.stability_limit(net, data, train), rel=1e-9, abs=0
    )


def test_elsewhere_it_has_the_residual_terms_too():
    net, data = lopsided(20, 9, 0)
    train = {"a", "b", "c"}
    j, root = jacobian(net, data, train), np.sqrt(data.distinct.weight)
    expected = 2 / np.linalg.norm(root[:, None] * j, 2) ** 2
    assert kf.stability_limit(net, data, train) == pytest.approx(expected, rel=1e-9)
    assert stable_learning_rate(net, data, train) < 0.99 * expected


def test_flat_and_dead():
    # All y equal and f = y: nothing but the bias and the constant part of f curves.
    net = kf.ReLUNet([1.0, -1.0], [0.0, 0.0], [0.0, 0.0], bias=2.0)
    data = kf.Samples([-1.0, 1.0], [2.0, 2.0])
    spectrum = hessian_spectrum(net, data)
    np.testing.assert_allclose(spectrum, np.linalg.eigvalsh(hessian(net, data)), atol=1e-15)
    assert spectrum.rank == 2
    assert hessian_spectrum(net, data, {"a"}).rank == 0
    assert hessian_spectrum(net, data, {"a"}).stable_learning_rate == np.inf
    assert "7 eigenvalues, 2 not zero" in repr(spectrum)
    dead = kf.ReLUNet([1.0], [9.0], [1.0])
    for look in (hessian_spectrum, sharpness, stable_learning_rate):
        with pytest.raises(kf.InputError, match=r"no neuron of net is active at a sample \(x in \[-1, 1\]\)"):
            look(dead, data)
