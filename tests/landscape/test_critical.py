"""Critical points against the gradient, and Theorem 4 with its conditions."""

from __future__ import annotations

import numpy as np
import pytest

import knotflow as kf
from helpers.landscapes import lopsided
from knotflow.landscape import critical_point, hessian, is_critical


def line(x, y, w):
    """Weighted least squares by numpy, an oracle of its own."""
    return np.polynomial.Polynomial(np.polynomial.polynomial.polyfit(x, y, 1, w=np.sqrt(w)))


def piecewise_ols(seed, facing):
    """Samples whose least-squares line on every piece is a given piecewise linear function."""
    rng = np.random.default_rng(seed)
    knots = np.array([-0.5, 0.1, 0.6])
    net = kf.ReLUNet(facing, np.array(facing) * knots, rng.normal(1.0, 0.3, 3), norm=1.3, bias=0.2)
    x = np.concatenate([lo + np.array([0.03, 0.1, 0.14, 0.2]) for lo in (-1.0, -0.45, 0.2, 0.7)])
    w = rng.uniform(0.5, 2, len(x))
    noise = rng.normal(size=len(x))
    for k in range(4):
        part = slice(4 * k, 4 * k + 4)
        noise[part] -= line(x[part], noise[part], w[part])(x[part])
    return net, kf.Samples(x, net(x) + noise, w)


@pytest.mark.parametrize("facing", [[1.0, 1.0, 1.0], [-2.0, 1.0, -1.0], [1.0, -1.0, -0.5]])
def test_piecewise_least_squares_is_critical(facing):
    net, data = piecewise_ols(3, facing)
    assert net.loss(data) > 0.1
    found = critical_point(net, data)
    assert found
    assert found.critical
    assert found.piecewise_ols
    assert not found.strict_saddle
    assert list(found.pieces) == [0, 1, 2, 3]
    assert found.piece_sums.shape == (4, 2)
    assert is_critical(net, data)
    assert not is_critical(net.replace(bias=0.21), data)
    assert np.linalg.eigvalsh(hessian(net, data))[0] > -1e-12


def test_units_do_not_matter():
    net, data = piecewise_ols(3, [1.0, -1.0, 1.0])
    for k in (1e-8, 1e8):
        assert is_critical(net.replace(c=k * net.c, bias=k * net.bias), kf.Samples(data.x, k * data.y, data.weights))
        assert is_critical(net.replace(b=k * net.b, c=net.c / k), kf.Samples(k * data.x, data.y, data.weights))
    assert not is_critical(net.replace(c=net.c * (1 + 1e-6)), data)


def test_the_converse_needs_its_conditions():
    # Right-facing neurons inside the data only: a residual orthogonal to J that is not least squares on the pieces.
    x = np.array([-1.0, -0.8, -0.5, -0.2, 0.3, 0.6, 0.7, 1.0])
    net = kf.ReLUNet([1.0, 1.0], [-0.4, 0.4], [1.0, -2.0], bias=0.3)
    columns = kf.landscape.jacobian(net, kf.Samples(x, x))
    u, sizes, _ = np.linalg.svd(columns)
    left = u[:, np.sum(sizes > 1e-10 * sizes[0]) :]
    pieces = np.array([0, 0, 0, 1, 1, 2, 2, 2])
    space = np.hstack([(pieces == p)[:, None] * np.c_[np.ones(8), x] for p in range(3)])
    r = left @ left.T @ space @ np.ones(6)  # orthogonal to J, not to the functions that are affine on pieces
    data = kf.Samples(x, net(x) + r)
    found = critical_point(net, data)
    assert found.critical
    assert not found.piecewise_ols
    assert not found.converse
    # One neuron that is active everywhere, or two opposite ones in a gap, complete J.
    everywhere = kf.ReLUNet([1.0, 1.0, 1.0], [-0.4, 0.4, -3.0], [1.0, -2.0, 0.1])
    assert critical_point(everywhere, data).converse
    opposite = kf.ReLUNet([1.0, 1.0, -1.0], [-0.4, 0.4, 0.45], [1.0, -2.0, 0.1])
    assert critical_point(opposite, data).converse
    assert not critical_point(opposite.replace(c=[1.0, 0.0, 0.1]), data).converse
    on_sample = opposite.replace(b=[-0.2, 0.4, 0.45])
    assert not critical_point(on_sample, data).converse


def test_a_neuron_without_output_makes_a_saddle():
    # f is the best constant; the neuron with c = 0 has <r, a x - b> = 0 but residual sums of its own.
    x, y = np.array([-1.0, 0.0, 1.0, 2.0]), np.array([0.5, -1.0, 0.0, 0.5])
    mean = y.mean()
    q0, q1 = np.sum(mean - y), np.sum((mean - y) * x)
    assert q0 == 0
    net = kf.ReLUNet([0.0, 1.0], [-1.0, -3.0], [0.0, 0.0], bias=mean)
    data = kf.Samples(x, y + 0.3 * x - 0.3 * x.mean())
    assert not critical_point(net, data).critical  # dL/dc of the neuron that is active everywhere
    flat = kf.ReLUNet([0.0], [-1.0], [0.0], bias=data.y.mean())
    found = critical_point(flat, data)
    assert abs(q1) < 1
    assert found.critical
    assert not found.piecewise_ols
    assert found.strict_saddle
    assert np.linalg.eigvalsh(hessian(flat, data))[0] < -1e-3


def test_partial_training():
    net, data = lopsided(3, 12, 1)
    x, root = data.distinct.x, np.sqrt(data.distinct.weight)
    features = np.maximum(np.multiply.outer(x, net.a) - net.b, 0) / net.norm
    fitted = np.linalg.lstsq(root[:, None] * features, root * (data.distinct.y - net.bias), rcond=None)[0]
    assert not is_critical(net, data, {"c"})
    trained = net.replace(c=fitted)
    assert is_critical(trained, data, {"c"})
    assert not is_critical(trained, data)
    assert not is_critical(trained, data, {"bias"})
    assert not critical_point(trained, data, {"c"}).converse


def test_dead_networks_are_critical_at_the_mean():
    data = kf.Samples([0.0, 1.0, 1.0, 3.0], [1.0, 2.0, -1.0, 4.0], [1.0, 2.0, 1.0, 0.5])
    dead = kf.ReLUNet([1.0], [9.0], [1.0], bias=np.average(data.y, weights=data.weights))
    assert is_critical(dead, data)
    assert not is_critical(dead.replace(bias=0.0), data)


def test_bad_input_is_refused_by_name():
    net, data = lopsided(3, 12, 1)
    with pytest.raises(kf.InputError, match="rtol is 0: it must be a finite number > 0 and < 1"):
        is_critical(net, data, rtol=0)
    with pytest.raises(kf.InputError, match=r"train is \{'d'\}"):
        is_critical(net, data, {"d"})


def test_reprs_and_positions():
    net, data = piecewise_ols(3, [1.0, -1.0, 1.0])
    assert repr(critical_point(net, data)) == "CriticalPoint(critical, least squares on each of 4 pieces)"
    away = critical_point(net.replace(bias=0.21), data)
    largest = np.abs(away.gradient).max()
    assert repr(away) == (
        f"CriticalPoint(not critical, relative gradient {largest:.2g}, not least squares on each of 4 pieces)"
    )
    flat = kf.ReLUNet([0.0], [-1.0], [0.0], bias=0.5)
    assert repr(critical_point(flat, kf.Samples([-1.0, 1.0, 2.0], [1.0, 0.0, 0.5]))).endswith(
        "1 pieces, a strict saddle)"
    )
    for look in (critical_point, is_critical):
        with pytest.warns(
            DeprecationWarning, match=f"giving {look.__name__} its rtol by position is deprecated"
        ) as seen:
            assert look(net, data, {"a", "b"}, 1e-8)
        assert seen[0].filename == __file__
