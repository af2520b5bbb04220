"""The gradient, the tangent kernel and the stability bound, against dense matrices for every set of parameters."""

from __future__ import annotations

from itertools import chain, combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import knotflow as kf
from knotflow.dynamics import Gradient, TangentKernel
from knotflow.engine import dense

NAMES = ("a", "b", "c", "bias")
TRAINS = [frozenset(t) for t in chain.from_iterable(combinations(NAMES, k) for k in range(1, 5))]


def label(train):
    return "+".join(sorted(train))


def lopsided(seed, m=50, n=20):
    rng = np.random.default_rng(seed)
    x = rng.exponential(1.0, n).round(1) - 0.5
    samples = kf.Samples(x, np.cos(x) + rng.normal(0.2, 1, n), rng.uniform(0.2, 3.0, n))
    net = kf.ReLUNet(rng.normal(0.4, 1, m), rng.normal(0.3, 1, m), rng.normal(-0.2, 1, m), norm=2.7, bias=-0.3)
    return net, samples


coarse = st.integers(-4, 4).map(lambda k: k / 2)
numbers = st.one_of(coarse, st.floats(-1e3, 1e3, allow_subnormal=False), st.floats(-1e-3, 1e-3, allow_subnormal=False))


@st.composite
def problems(draw):
    m, n = draw(st.integers(1, 8)), draw(st.integers(2, 8))
    a, b, c = (draw(st.lists(numbers, min_size=m, max_size=m)) for _ in range(3))
    x = draw(st.lists(numbers, min_size=n, max_size=n).filter(lambda v: max(v) - min(v) > 1e-200))
    y, w = draw(st.lists(numbers, min_size=n, max_size=n)), draw(st.lists(st.floats(0.1, 9), min_size=n, max_size=n))
    return kf.ReLUNet(a, b, c, draw(st.sampled_from([1.0, 0.3, 5.0])), draw(numbers)), kf.Samples(x, y, w)


def dense_gradient(net, samples):
    return dense.gradient(net.a, net.b, net.c, net.bias, net.norm, samples.x, samples.y, samples.weights)


def dense_kernel(net, x, train):
    return dense.tangent_kernel(net.a, net.b, net.c, net.norm, x, train)


@given(problems())
def test_gradient(problem):
    """Ties as separate samples here, merged there."""
    net, samples = problem
    size = np.abs(net.bias) + np.abs(net.c) @ (np.abs(np.outer(net.a, samples.x)) + np.abs(net.b)[:, None]) / net.norm
    r = samples.weights * (size + np.abs(samples.y))
    q0, q1 = r.sum() / net.norm, r @ np.abs(samples.x) / net.norm
    scales = (np.abs(net.c) * q1, np.abs(net.c) * q0, np.abs(net.a) * q1 + np.abs(net.b) * q0, r.sum())
    ours = kf.gradient(net, samples)
    assert isinstance(ours, Gradient)
    for got, want, scale in zip(ours, dense_gradient(net, samples), scales, strict=True):
        np.testing.assert_array_less(np.abs(got - want), 1e-13 * scale + 1e-300)


@pytest.mark.parametrize("seed", range(3))
def test_gradient_against_finite_differences(seed):
    """The loss is quadratic in each parameter between knots, where central differences are exact."""
    net, samples = lopsided(seed)
    grads, step = kf.gradient(net, samples), 1e-4
    for k in np.flatnonzero(np.abs(np.outer(net.a, samples.x) - net.b[:, None]).min(axis=1) > 10 * step)[:12]:
        for name in ("a", "b", "c"):
            shift = np.zeros(len(net))
            shift[k] = step
            up, down = (net.replace(**{name: getattr(net, name) + s * shift}).loss(samples) for s in (1, -1))
            assert getattr(grads, name)[k] == pytest.approx((up - down) / (2 * step), rel=1e-8, abs=1e-8)
    up, down = (net.replace(bias=net.bias + s * step).loss(samples) for s in (1, -1))
    assert grads.bias == pytest.approx((up - down) / (2 * step), rel=1e-8)


@pytest.mark.parametrize("train", TRAINS, ids=label)
def test_kernel_matrix_and_product(train):
    net, samples = lopsided(3)
    x = samples.distinct.x
    expected = dense_kernel(net, x, train)
    kernel = TangentKernel(net, x, train)
    np.testing.assert_allclose(kernel.matrix(), expected, rtol=1e-12, atol=1e-13 * np.abs(expected).max())
    v = np.random.default_rng(0).normal(0.5, 1, x.size)
    np.testing.assert_allclose(kernel @ v, expected @ v, rtol=1e-12, atol=1e-12 * (np.abs(expected) @ np.abs(v)).max())


@given(problems(), st.sampled_from(TRAINS))
def test_kernel_of_any_network(problem, train):
    net, samples = problem
    x = samples.distinct.x
    kernel = TangentKernel(net, x, train)
    largest = max(np.abs(v).max() for v in (net.a, net.b, net.c))
    size = 1.0 + len(net) * (largest * (1.0 + np.abs(x).max()) / net.norm) ** 2  # of the terms of any entry
    np.testing.assert_allclose(kernel.matrix(), dense_kernel(net, x, train), rtol=0, atol=1e-13 * size)
    v = np.cos(np.arange(x.size))
    np.testing.assert_allclose(kernel @ v, kernel.matrix() @ v, rtol=0, atol=1e-12 * size)
    np.testing.assert_array_equal(kernel.matrix(), kernel.matrix().T)


def dense_limit(net, samples, train):
    """Of the samples one by one: ties are equal rows, and weigh as much as their merged point."""
    root = np.sqrt(samples.weights)
    return 2.0 / np.linalg.eigvalsh(np.outer(root, root) * dense_kernel(net, samples.x, train))[-1]


@pytest.mark.parametrize("train", TRAINS, ids=label)
def test_stability_limit(train):
    net, samples = lopsided(4)
    assert kf.stability_limit(net, samples, train) == pytest.approx(dense_limit(net, samples, train), rel=1e-10)


@pytest.mark.parametrize("train", [{"a", "b", "c"}, {"c"}, {"a", "bias"}], ids=label)
@pytest.mark.parametrize("n", [254, 255, 400])
def test_stability_limit_of_many_samples(n, train):
    """On both sides of the size where iteration takes over from the full spectrum."""
    net, _ = lopsided(4)
    rng = np.random.default_rng(5)
    x = np.append(rng.exponential(1.0, n) - 0.5, [0.25, 0.25])
    samples = kf.Samples(x, np.sin(x), rng.uniform(0.1, 4.0, x.size))
    assert kf.stability_limit(net, samples, train) == pytest.approx(dense_limit(net, samples, train), rel=1e-9)


@pytest.mark.parametrize("n", [5, 400])
@pytest.mark.parametrize("scale", [1e-60, 1e60])
def test_stability_limit_of_tiny_and_huge_networks(n, scale):
    net, _ = lopsided(6)
    samples = kf.Samples(np.linspace(-1, 2, n), np.zeros(n))
    scaled = net.replace(a=net.a * scale, b=net.b * scale, c=net.c * scale)
    expected = kf.stability_limit(net, samples) / scale**2
    assert kf.stability_limit(scaled, samples) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("n", [5, 400])
def test_a_network_that_reaches_no_sample_has_no_limit(n):
    dead = kf.ReLUNet([1.0, -1.0, 0.0], [9.0, 9.0, 0.0], [1.0, 1.0, 1.0])
    samples = kf.Samples(np.linspace(-1, 1, n), np.ones(n))
    assert kf.stability_limit(dead, samples) == np.inf
    assert kf.stability_limit(dead, samples, {"bias"}) == pytest.approx(2.0 / n)


def test_the_limit_of_one_neuron_by_hand():
    """f = c max(x, 0): K = x x' (c^2 + 1) + c^2 on the right, and 0 on the left."""
    net = kf.ReLUNet([1.0], [0.0], [3.0])
    samples = kf.Samples([-1.0, 2.0], [0.0, 0.0], [5.0, 0.5])
    assert kf.stability_limit(net, samples) == pytest.approx(2.0 / (0.5 * (4.0 * 10.0 + 9.0)), rel=1e-14)


@pytest.mark.parametrize("n", [12, 300])
def test_the_limit_separates_falling_from_growing(n):
    """c alone: every mode is multiplied by 1 - lr lambda, and -1 is where the largest turns."""
    rng = np.random.default_rng(7)
    net, _ = lopsided(8, m=60)
    samples = kf.Samples(rng.exponential(1.0, n), rng.normal(size=n), rng.uniform(0.5, 2.0, n))
    limit = kf.stability_limit(net, samples, {"c"})
    below = kf.evolve(net, samples, kf.GradientDescent(0.98 * limit, train={"c"}), steps=2000, save_every=100)
    assert np.all(np.diff(below.loss) <= 0)
    with pytest.warns(kf.StabilityWarning), pytest.warns(kf.DivergenceWarning):
        above = kf.evolve(net, samples, kf.GradientDescent(1.02 * limit, train={"c"}), steps=2000)
    assert above.status == "diverged"


def test_unknown_parameters():
    net, samples = lopsided(0)
    for call in (kf.gradient, kf.stability_limit):
        with pytest.raises(kf.InputError, match=r"train is \{'d'\}: it must be a non-empty subset"):
            call(net, samples, train={"d"})
