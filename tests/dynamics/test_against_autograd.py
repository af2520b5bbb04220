"""Gradients and the stability bound against reverse-mode differentiation and finite differences."""

from __future__ import annotations

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad, jacobian
from hypothesis import assume, given
from hypothesis import strategies as st

import knotflow as kf

NAMES = ("a", "b", "c", "bias")
TRAINS = [{"a", "b", "c"}, {"a", "b", "c", "bias"}, {"a", "b"}, {"c"}, {"bias"}]


def predict(parameters, norm, x):
    """f at x by its formula, with relu'(0) = 0."""
    a, b, c, bias = parameters
    h = anp.outer(x, a) - b
    return bias + anp.dot(anp.where(h > 0, h, 0.0), c) / norm


def loss(parameters, norm, data):
    return 0.5 * anp.sum(data.weights * (predict(parameters, norm, data.x) - data.y) ** 2)


def parameters_of(net):
    return net.a, net.b, net.c, np.asarray(net.bias)


def assert_gradient(net, data, expected):
    """Equal up to the rounding of sums whose terms may cancel."""
    residual = np.abs(net(data.x) - data.y) * data.weights
    size = max(np.abs(v).max() for v in (*parameters_of(net)[:3], [1.0]))
    scale = size * (residual @ np.maximum(1.0, np.abs(data.x)))
    for name, ours, theirs in zip(NAMES, kf.gradient(net, data, train=set(NAMES)), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-13 * scale, err_msg=name)


numbers = st.floats(-3.0, 3.0, allow_subnormal=False)
coarse = st.integers(-4, 4).map(lambda k: k / 2)  # tied samples, knots on samples, dead neurons


@st.composite
def problems(draw):
    """Small networks and data with every degeneracy: ties, zeros, knots on samples, tiny numbers."""
    value = draw(st.sampled_from([numbers, coarse]))
    m, n = draw(st.integers(1, 6)), draw(st.integers(2, 6))
    a, b, c = (draw(st.lists(value, min_size=m, max_size=m)) for _ in range(3))
    x, y = (draw(st.lists(value, min_size=n, max_size=n)) for _ in range(2))
    assume(min(x) < max(x))
    weights = draw(st.lists(st.floats(0.1, 5.0), min_size=n, max_size=n))
    net = kf.ReLUNet(a, b, c, norm=draw(st.floats(0.5, 4.0)), bias=draw(value))
    return net, kf.Samples(x, y, weights)


def lopsided(seed, m=40, n=25):
    """A random network and crowded, tied, weighted data, with no symmetry to hide a sign."""
    rng = np.random.default_rng(seed)
    x = rng.exponential(1.0, n).round(1) - 0.5
    data = kf.Samples(x, x**2 + rng.normal(size=n), rng.uniform(0.2, 3.0, n))
    a, b, c = rng.normal(0.4, 1.0, m), rng.normal(0.3, 1.0, m), rng.normal(-0.2, 1.0, m)
    return kf.ReLUNet(a, b, c, norm=2.7, bias=-0.3), data


@pytest.mark.parametrize("seed", range(5))
def test_gradient_on_lopsided_problems(seed):
    net, data = lopsided(seed)
    assert_gradient(net, data, grad(loss)(parameters_of(net), net.norm, data))


@given(problems())
def test_gradient_on_any_problem(problem):
    net, data = problem
    assert_gradient(net, data, grad(loss)(parameters_of(net), net.norm, data))


@pytest.mark.parametrize("train", TRAINS, ids=lambda names: "+".join(sorted(names)))
def test_gradient_of_untrained_parameters_is_zero(train):
    net, data = lopsided(7)
    everything = kf.gradient(net, data, train=set(NAMES))
    for name, ours, full in zip(NAMES, kf.gradient(net, data, train=train), everything, strict=True):
        np.testing.assert_array_equal(ours, full if name in train else np.zeros_like(full))


@given(problems(), st.data())
def test_gradient_against_central_differences(problem, data_strategy):
    """The loss is quadratic in any one parameter while no knot meets a sample: these are exact."""
    net, data = problem
    step = 1e-3
    assume(np.abs(np.outer(data.x, net.a) - net.b).min() > 4 * step)
    name = data_strategy.draw(st.sampled_from(["a", "b", "c"]))
    i = data_strategy.draw(st.integers(0, len(net) - 1))

    def moved(by):
        values = np.array(getattr(net, name))
        values[i] += by
        return net.replace(**{name: values}).loss(data)

    slope = (moved(step) - moved(-step)) / (2 * step)
    ours = getattr(kf.gradient(net, data), name)[i]
    np.testing.assert_allclose(ours, slope, rtol=0, atol=1e-11 * (1.0 + moved(0.0)))


def largest_eigenvalue(net, data, train):
    """Of W^(1/2) J J^T W^(1/2), J the Jacobian of f at the samples in the trained parameters, dense."""
    columns = []
    for k, name in enumerate(NAMES):
        if name in train:

            def with_one(value, k=k):
                parameters = list(parameters_of(net))
                parameters[k] = value
                return predict(parameters, net.norm, data.x)

            columns.append(jacobian(with_one)(parameters_of(net)[k]).reshape(len(data), -1))
    scaled = np.sqrt(data.weights)[:, None] * np.hstack(columns)
    return np.linalg.eigvalsh(scaled @ scaled.T)[-1]


@pytest.mark.parametrize("train", TRAINS, ids=lambda names: "+".join(sorted(names)))
@pytest.mark.parametrize("seed", range(3))
def test_stability_limit(seed, train):
    net, data = lopsided(seed)
    expected = 2.0 / largest_eigenvalue(net, data, train)
    assert kf.stability_limit(net, data, train=train) == pytest.approx(expected, rel=1e-10)


@given(problems())
def test_stability_limit_on_any_problem(problem):
    net, data = problem
    largest = largest_eigenvalue(net, data, {"a", "b", "c"})
    assume(largest > 1e-6)
    assert kf.stability_limit(net, data) == pytest.approx(2.0 / largest, rel=1e-8)


def test_stability_limit_of_a_network_that_cannot_move_is_infinite():
    net = kf.ReLUNet([1.0, -1.0], [9.0, 9.0], [1.0, 1.0])
    assert kf.stability_limit(net, kf.Samples([0.0, 1.0], [1.0, 2.0])) == np.inf
