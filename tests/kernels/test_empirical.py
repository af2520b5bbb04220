"""The kernels of one network, against autograd and their own limit."""

from __future__ import annotations

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import knotflow as kf
from helpers.nets import nets

X = np.array([0.7, -1.2, 0.0, 0.7, 3.0, -0.4])


def jacobian(net, x, train):
    def f(z, at):
        a, b, c, bias = z
        return bias[0] + anp.sum(c * anp.maximum(a * at - b, 0.0)) / net.norm

    gradient = autograd.grad(f)
    names = [i for i, name in enumerate(("a", "b", "c", "bias")) if name in train]
    z = (net.a, net.b, net.c, np.array([net.bias]))
    return np.array([np.concatenate([gradient(z, at)[i] for i in names]) for at in x])


@pytest.mark.parametrize("train", [{"a", "b", "c"}, {"c"}, {"a", "bias"}, {"b"}])
def test_it_is_the_product_of_autograds_gradients(train):
    net = kf.initial.gaussian(40, np.random.default_rng(1), norm=3.0)
    kernel = kf.kernels.empirical_ntk(net, train)
    J, J2 = jacobian(net, X, train), jacobian(net, X[:2], train)
    np.testing.assert_allclose(kernel(X), J @ J.T, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(kernel(X, X[:2]), J @ J2.T, rtol=1e-12, atol=1e-13)
    v = np.linspace(-1, 2, len(X))
    np.testing.assert_allclose(kernel.operator(X) @ v, J @ (J.T @ v), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(kernel.operator(np.sort(X)[1:3]).rmatvec(v[:2]), kernel(np.sort(X)[1:3]) @ v[:2])


def test_terms_add_up_and_the_random_features_are_the_last():
    net = kf.initial.uniform(30, np.random.default_rng(1), norm=2.0)
    terms = kf.kernels.empirical_ntk(net).terms(X)
    np.testing.assert_allclose(sum(terms), kf.kernels.empirical_ntk(net)(X), rtol=1e-13)
    np.testing.assert_array_equal(terms.c, kf.kernels.empirical_rf(net)(X))
    h = np.maximum(np.multiply.outer(X, net.a) - net.b, 0) / net.norm
    np.testing.assert_allclose(terms.c, h @ h.T, atol=1e-14)
    np.testing.assert_allclose(terms.a, np.multiply.outer(X, X) * terms.b, atol=1e-14)


@given(nets(), st.lists(st.floats(-4, 4), min_size=1, max_size=6))
def test_lopsided_networks_have_positive_semidefinite_kernels(net, x):
    at = np.array(x)
    K = kf.kernels.empirical_ntk(net)(at)
    active = np.multiply.outer(at, net.a) > net.b
    h = np.where(active, np.multiply.outer(at, net.a) - net.b, 0.0)
    both = (active * net.c**2) @ active.T.astype(float) * (1 + np.multiply.outer(at, at))
    size = np.sum(net.a**2 + net.b**2 + net.c**2) * (1 + np.abs(at).max()) ** 2 / net.norm**2
    np.testing.assert_allclose(K, (h @ h.T + both) / net.norm**2, rtol=0, atol=1e-13 * size)
    np.testing.assert_array_equal(K, K.T)
    assert np.linalg.eigvalsh(K).min() >= -1e-13 * size


def test_activity_is_strict_at_a_knot():
    net = kf.ReLUNet([1.0, -1.0, 0.0], [0.5, -0.5, -2.0], [1.0, 1.0, 3.0])
    assert kf.kernels.empirical_ntk(net, {"b"})(0.5) == 9.0
    assert kf.kernels.empirical_ntk(net, {"b"})(0.6) == 10.0


def test_wide_networks_come_to_the_limit():
    m = 200_000
    net = kf.initial.gaussian(m, np.random.default_rng(8), 0.7, 1.2, 0.9, norm=m**0.5)
    limit = kf.kernels.ntk("gaussian", sigma_a=0.7, sigma_b=1.2, sigma_c=0.9)(X)
    h, active = np.multiply.outer(X, net.a) - net.b, np.multiply.outer(X, net.a) > net.b
    found = kf.kernels.empirical_ntk(net)(X)
    for i in range(len(X)):
        for j in range(i + 1):
            draws = active[i] * active[j] * (h[i] * h[j] + net.c**2 * (1 + X[i] * X[j]))
            assert found[i, j] == pytest.approx(draws.mean(), rel=1e-10)
            assert abs(found[i, j] - limit[i, j]) < 4 * draws.std() / np.sqrt(m)


def test_wrong_arguments_are_refused():
    net = kf.initial.uniform(3, np.random.default_rng(1))
    with pytest.raises(kf.InputError, match="net is of type str: it must be a ReLUNet"):
        kf.kernels.empirical_ntk("net")
    with pytest.raises(kf.InputError, match=r"train is {'d'}: it must be a non-empty subset"):
        kf.kernels.empirical_ntk(net, {"d"})
    with pytest.raises(kf.InputError, match=r"x has shape \(2, 1\): it must be one-dimensional"):
        kf.kernels.empirical_ntk(net).operator([[1.0], [2.0]])
    with pytest.raises(kf.InputError, match="x is empty: it must hold at least one point"):
        kf.kernels.empirical_ntk(net).operator([])


def test_short_repr():
    net = kf.initial.uniform(300, np.random.default_rng(1))
    assert repr(kf.kernels.empirical_ntk(net, {"c", "bias"})) == "EmpiricalKernel(300 neurons; train bias, c)"
