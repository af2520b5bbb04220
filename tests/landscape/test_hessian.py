"""The Hessian against automatic differentiation, and its products against the matrix."""

from __future__ import annotations

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import assume, given

import knotflow as kf
from helpers.landscapes import lopsided, parameters, problems
from knotflow.landscape import HessianProduct, hessian, jacobian

TRAINS = [{"a", "b", "c", "bias"}, {"a", "b", "c"}, {"c"}, {"a", "c"}, {"b", "c", "bias"}, {"a", "b"}]
CASES = [(5, 6, 0), (12, 9, 1), (40, 30, 2), (3, 50, 3)]


def chosen(train, m):
    return np.repeat([p in train for p in ("a", "b", "c", "bias")], [m, m, m, 1])


def by_autograd(net, data):
    m = len(net)

    def loss(p):
        h = anp.maximum(anp.outer(data.x, p[:m]) - p[m : 2 * m], 0.0)
        return 0.5 * anp.sum(data.weights * (anp.dot(h, p[2 * m : 3 * m]) / net.norm + p[3 * m] - data.y) ** 2)

    return autograd.hessian(loss)(parameters(net))


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")  # by torch.func's import
@pytest.mark.parametrize("case", CASES)
@pytest.mark.torch
def test_against_torch(case):
    torch = pytest.importorskip("torch")
    net, data = lopsided(*case)
    m = len(net)
    x, y, w = (torch.tensor(v.copy()) for v in (data.x, data.y, data.weights))

    def loss(p):
        h = torch.relu(torch.outer(x, p[:m]) - p[m : 2 * m])
        return 0.5 * torch.sum(w * (h @ p[2 * m : 3 * m] / net.norm + p[3 * m] - y) ** 2)

    expected = torch.func.hessian(loss)(torch.tensor(parameters(net))).numpy()
    np.testing.assert_allclose(hessian(net, data), expected, rtol=1e-10, atol=1e-10 * np.abs(expected).max() * 1e-2)


@pytest.mark.parametrize("case", CASES[:2])
def test_against_autograd(case):
    net, data = lopsided(*case)
    np.testing.assert_allclose(hessian(net, data), by_autograd(net, data), atol=1e-12)


@pytest.mark.parametrize("train", TRAINS)
def test_blocks_and_products(train):
    net, data = lopsided(17, 12, 4)
    keep = chosen(train, 17)
    part = hessian(net, data, train)
    np.testing.assert_allclose(part, hessian(net, data)[np.ix_(keep, keep)], atol=1e-14)
    product = HessianProduct(net, data, train)
    assert product.shape == part.shape
    assert repr(product) == f"HessianProduct({len(part)} x {len(part)})"
    v = np.random.default_rng(0).normal(size=part.shape[0])
    np.testing.assert_allclose(product @ v, part @ v, atol=1e-12)
    np.testing.assert_allclose(product @ v[:, None], (part @ v)[:, None], atol=1e-12)
    v.setflags(write=False)
    np.testing.assert_array_equal(product @ v, product @ v.copy())


@given(problems)
def test_products_on_degenerate_networks(problem):
    net, data = problem
    assume((np.multiply.outer(net.a, data.x) - net.b[:, None] > 0).any())
    matrix = hessian(net, data)
    v = np.cos(np.arange(matrix.shape[0]))
    np.testing.assert_allclose(HessianProduct(net, data) @ v, matrix @ v, rtol=1e-9, atol=1e-11 * np.abs(matrix).max())


def test_products_in_differences_of_gradients():
    """H v is how fast the gradient changes along v, on networks too wide for a matrix."""
    net, data = lopsided(30_000, 40, 7)
    v = np.random.default_rng(1).normal(size=90_001)
    h = 1e-9
    step = kf.ReLUNet(*(parameters(net) + h * v)[:-1].reshape(3, -1), net.norm, net.bias + h * v[-1])
    same = net.knots[:, None] > data.distinct.x
    still = np.all(same == (step.knots[:, None] > data.distinct.x), axis=1)  # no knot has passed a sample
    change = [
        np.append(np.concatenate([g.a, g.b, g.c]), g.bias) for g in (kf.gradient(step, data), kf.gradient(net, data))
    ]
    got, expected = HessianProduct(net, data) @ v, (change[0] - change[1]) / h
    rows = np.append(np.tile(still, 3), True)
    assert still.mean() > 0.999
    np.testing.assert_allclose(got[rows], expected[rows], atol=2e-4 * np.abs(expected).max())


def test_jacobian_in_differences():
    net, data = lopsided(6, 8, 9)
    h, p = 1e-6, parameters(net)
    for k, column in enumerate(jacobian(net, data).T):
        step = np.zeros_like(p)
        step[k] = h
        ends = [kf.ReLUNet(*q[:-1].reshape(3, -1), net.norm, q[-1])(data.distinct.x) for q in (p + step, p - step)]
        np.testing.assert_allclose(column, (ends[0] - ends[1]) / (2 * h), atol=1e-8)


def test_weights_are_repeats():
    net, _ = lopsided(7, 9, 1)
    x, y = [-0.8, -0.1, 0.5, 0.5], [1.0, 0.3, -2.0, 1.0]
    once = kf.Samples(x, y, [2.0, 1.0, 1.0, 3.0])
    repeated = kf.Samples([-0.8, *x, 0.5, 0.5], [1.0, *y, 1.0, 1.0])
    np.testing.assert_allclose(hessian(net, once), hessian(net, repeated), atol=1e-12)


def test_rescaling_is_null_only_where_the_gradient_vanishes():
    """H t = -(dL/da, dL/db, -dL/dc) for the tangent t = (a, b, -c) of rescaling a neuron."""
    net, data = lopsided(8, 9, 2)
    gradient = kf.gradient(net, data)
    for i in range(8):
        t, expected = np.zeros(25), np.zeros(25)
        place = [i, 8 + i, 16 + i]
        t[place] = net.a[i], net.b[i], -net.c[i]
        expected[place] = -gradient.a[i], -gradient.b[i], gradient.c[i]
        np.testing.assert_allclose(hessian(net, data) @ t, expected, atol=1e-12)


def test_bad_input_is_refused():
    net, data = lopsided(4, 9, 2)
    dead = kf.ReLUNet([1.0, -1.0], [9.0, 9.0], [1.0, 1.0])
    for look in (hessian, HessianProduct, jacobian):
        with pytest.raises(kf.InputError, match=r"no neuron of net is active at a sample \(x in"):
            look(dead, data)
        with pytest.raises(kf.InputError, match=r"train is \{'d'\}: it must be a non-empty subset"):
            look(net, data, {"d"})
    with pytest.raises(kf.InputError, match=r"v has shape \(3,\): it must be \(13,\), one number per parameter"):
        HessianProduct(net, data) @ [1.0, 2.0, 3.0]
