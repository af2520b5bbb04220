"""Networks of D inputs: breakplanes, lines through them, and dynamics against autograd."""

from __future__ import annotations

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import knotflow as kf
from knotflow.multivariate import Breakplanes, Net, descend, gradient, pytorch, velocities


def random_net(seed: int, m: int = 7, dimensions: int = 3) -> Net:
    """Lopsided, with neurons that are constant, dead or have c = 0."""
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((m, dimensions)) * 10.0 ** rng.integers(-2, 3, (m, 1))
    b, c = rng.standard_normal(m), rng.standard_normal(m)
    a[rng.random(m) < 0.15] = 0
    a[0] = 1
    c[rng.random(m) < 0.15] = 0
    return Net(a, b, c, rng.uniform(0.3, 3), rng.standard_normal())


def definition(net: Net, x):
    return np.array(
        [
            net.bias + sum(c * max(a @ z - b, 0) for a, b, c in zip(net.a, net.b, net.c, strict=True)) / net.norm
            for z in x
        ]
    )


seeds = st.integers(0, 10_000)


@given(seeds, st.integers(1, 5))
def test_function_and_round_trips(seed, dimensions):
    net = random_net(seed, dimensions=dimensions)
    x = np.random.default_rng(seed + 1).uniform(-3, 3, (20, dimensions))
    size = np.abs(net.bias) + (np.abs(x) @ np.abs(net.a).T + np.abs(net.b)) @ np.abs(net.c) / net.norm
    f = definition(net, x)
    assert np.max(np.abs(net(x) - f) / size) < 1e-14
    np.testing.assert_array_equal(net(x.reshape(4, 5, -1)).ravel(), net(x))
    planes = net.breakplanes()
    np.testing.assert_allclose(np.linalg.norm(planes.directions, axis=1), 1, rtol=1e-15)
    for gauge in ("unit", "equal", "balanced"):
        other = planes.network(gauge)
        assert np.max(np.abs(other(x) - f) / size) < 1e-13
        again = other.breakplanes()
        np.testing.assert_allclose(again.delta_slopes, planes.delta_slopes, rtol=1e-13)
        np.testing.assert_allclose(again.directions, planes.directions, atol=1e-14)
        np.testing.assert_allclose(again.offsets, planes.offsets, rtol=1e-13)
        assert again.bias == planes.bias
        n, c = np.linalg.norm(other.a, axis=1), other.c
        expected = {"unit": np.ones_like(n), "equal": np.abs(c), "balanced": np.sqrt(np.abs(c**2 - other.b**2))}[gauge]
        np.testing.assert_allclose(n[c != 0], expected[c != 0], rtol=1e-6)


@given(seeds)
def test_the_line_is_exact(seed):
    net = random_net(seed)
    rng = np.random.default_rng(seed + 2)
    start, direction = rng.standard_normal(3), rng.standard_normal(3) * 10.0 ** rng.integers(-2, 3)
    on_line = net.along(start, direction)
    t = rng.uniform(-5, 5, 30)
    x = start + t[:, None] * direction
    size = np.abs(net.bias) + (np.abs(x) @ np.abs(net.a).T + np.abs(net.b)) @ np.abs(net.c) / net.norm + 1
    assert np.max(np.abs(on_line(t) - definition(net, x)) / size) < 1e-13
    planes = net.breakplanes()
    knots = on_line.knots[planes.live]
    for p, knot in enumerate(knots):  # where the line is on the plane
        if np.isfinite(knot) and abs(knot) < 1e6:
            miss = planes.directions[p] @ (start + knot * direction) - planes.offsets[p]
            assert abs(miss) < 1e-11 * (1 + abs(planes.offsets[p]) + abs(knot) * np.linalg.norm(direction))


def test_the_rooms_work_along_a_line():
    net = pytorch(50, 2, np.random.default_rng(0))
    on_line = net.along([0.0, 1.0], [1.0, 0.5])
    assert isinstance(on_line, kf.ReLUNet)
    t = np.linspace(-3, 3, 101)
    np.testing.assert_allclose(on_line.cpwl()(t), net(np.stack([t, 1 + 0.5 * t], axis=1)), atol=1e-14)


def test_one_dimension_is_the_univariate_network():
    net = kf.initial.pytorch(20, np.random.default_rng(1))
    bdso, planes = net.bdso(), Net.of(net).breakplanes()
    s = bdso.orientations
    np.testing.assert_allclose(planes.directions[:, 0], s)
    np.testing.assert_allclose(planes.offsets, s * bdso.knots, rtol=1e-15)
    np.testing.assert_allclose(planes.delta_slopes, s * bdso.delta_slopes, rtol=1e-15)
    back = Net.of(net).along([0.0], [1.0])
    np.testing.assert_array_equal(back.a, net.a)
    np.testing.assert_array_equal(back.b, net.b)
    data = kf.Samples(np.linspace(-1, 1, 9), np.sin(np.arange(9.0)))
    ours = descend(Net.of(net), (data.x[:, None], data.y), 0.01, 50)
    theirs = kf.evolve(net, data, kf.GradientDescent(lr=0.01), steps=50)
    np.testing.assert_allclose(ours.final.a[:, 0], theirs.final.a, atol=1e-13)
    assert ours.losses[-1] == pytest.approx(theirs.final.loss(data), rel=1e-12)


def loss_of(parameters, norm, x, y, w):
    a, b, c, bias = parameters
    f = bias + anp.dot(anp.maximum(anp.dot(x, a.T) - b, 0), c) / norm
    return 0.5 * anp.sum(w * (f - y) ** 2)


@given(seeds)
def test_gradient_is_that_of_autograd(seed):
    net = random_net(seed)
    rng = np.random.default_rng(seed + 3)
    x, y, w = rng.standard_normal((11, 3)), rng.standard_normal(11), rng.uniform(0.1, 2, 11)
    ours = gradient(net, (x, y), weights=w)
    parameters = tuple(map(np.array, (net.a, net.b, net.c, net.bias)))
    expected = autograd.grad(loss_of)(parameters, net.norm, x, y, w)
    for mine, theirs in zip(ours[:4], expected, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-11, atol=1e-12 * (1 + np.abs(theirs).max()))
    assert ours.loss == pytest.approx(float(loss_of(parameters, net.norm, x, y, w)), rel=1e-12)


def test_velocities_are_the_chain_rule_of_autograd():
    net = Net(*(lambda n: (n.a, n.b, n.c))(pytorch(9, 3, np.random.default_rng(5))), norm=1.7, bias=0.3)
    rng = np.random.default_rng(6)
    x, y, w = rng.standard_normal((13, 3)), rng.standard_normal(13), rng.uniform(0.1, 2, 13)
    parameters = tuple(map(np.array, (net.a, net.b, net.c, net.bias)))
    da, db, dc, _ = autograd.grad(loss_of)(parameters, net.norm, x, y, w)

    def planes(t):
        a, b, c = net.a - t * da, net.b - t * db, net.c - t * dc
        size = anp.sqrt(anp.sum(a**2, axis=1))
        return anp.concatenate([c * size / net.norm, anp.reshape(a / size[:, None], (-1,)), b / size])

    expected = autograd.jacobian(planes)(0.0)
    ours = velocities(net, (x, y), weights=w)
    np.testing.assert_allclose(ours.delta_slopes, expected[:9], rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(ours.directions.ravel(), expected[9:36], rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(ours.offsets, expected[36:], rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(np.sum(ours.directions * net.breakplanes().directions, axis=1), 0, atol=1e-12)


@pytest.mark.parametrize("train", [{"a", "b", "c"}, {"c"}, {"a", "b", "c", "bias"}])
def test_descent_follows_autograd(train):
    net = pytorch(6, 2, np.random.default_rng(7))
    rng = np.random.default_rng(8)
    x, y = rng.standard_normal((8, 2)), rng.standard_normal(8)
    parameters = list(map(np.array, (net.a, net.b, net.c, net.bias)))
    for _ in range(40):
        slope = autograd.grad(loss_of)(tuple(parameters), 1.0, x, y, np.ones(8))
        for k, name in enumerate(("a", "b", "c", "bias")):
            if name in train:
                parameters[k] = parameters[k] - 0.02 * slope[k]
    ours = descend(net, (x, y), 0.02, 40, train=train)
    for mine, theirs in zip((ours.final.a, ours.final.b, ours.final.c, ours.final.bias), parameters, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-11, atol=1e-13)
    assert ours.losses[-1] < ours.losses[0]
    assert ours.losses.shape == (41,)


def test_delta_is_conserved_to_first_order():
    """c^2 - |a|^2 - b^2 of each neuron drifts by O(lr) over a fixed time, as in one dimension."""
    net = pytorch(30, 3, np.random.default_rng(9))
    rng = np.random.default_rng(10)
    x, y = rng.standard_normal((12, 3)), rng.standard_normal(12)

    def drift(lr):
        end = descend(net, (x, y), lr, round(1 / lr)).final
        before, after = (n.c**2 - np.sum(n.a**2, axis=1) - n.b**2 for n in (net, end))
        return np.abs(after - before).max()

    assert drift(1e-3) / drift(5e-4) == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda n: Net([1.0, 2.0], [0.0], [1.0]), r"a has shape \(2,\): it must be \(m, D\)"),
        (lambda n: Net([[1.0], [2.0]], [0.0], [1.0]), "b has length 1: it must have length 2, as a has"),
        (lambda n: n([1.0]), r"x has shape \(1,\): it must be \(\.\.\., 2\), one value for each input"),
        (lambda n: n.along([0.0, 0.0], [0.0, 0.0]), "direction is 0: it must have a length > 0"),
        (lambda n: n.along([0.0], [1.0, 0.0]), "start has length 1: it must have length 2"),
        (lambda n: n.breakplanes().network("free"), "gauge is 'free': it must be one of 'unit'"),
        (lambda n: Net([[0.0]], [1.0], [1.0]).breakplanes(), "a is 0 in all 1 neurons"),
        (lambda n: Breakplanes([1.0], [[1.0, 1.0]], [0.0]), r"directions\[0\] has length 1.41421: every direction"),
        (lambda n: pytorch(0, 2, np.random.default_rng(0)), "m is 0: it must be a whole number of at least 1"),
        (lambda n: pytorch(2, 0.5, np.random.default_rng(0)), r"dimensions is 0\.5: it must be a whole number"),
        (lambda n: gradient(n, ([1.0, 2.0], [1.0])), r"x has shape \(2,\): it must be \(n, D\)"),
        (lambda n: gradient(n, ([[1.0]], [1.0])), r"x has shape \(1, 1\): it must have 2 columns, one for each input"),
        (lambda n: gradient(n, ([[1.0, 2.0]], [1.0, 2.0])), "y has length 2: it must have length 1, as x has"),
        (lambda n: gradient(n, ([[1.0, 2.0]], [1.0]), weights=[0.0]), r"weights\[0\] is 0: every weight must be > 0"),
        (lambda n: descend(n, ([[1.0, 2.0]], [1.0]), 0.0, 3), r"lr is 0\.0: it must be a finite number > 0"),
        (lambda n: descend(n, ([[1.0, 2.0]], [1.0]), 0.1, -3), "steps is -3: it must be a whole number of at least 0"),
        (lambda n: descend(n, ([[1.0, 2.0]], [1.0]), 0.1, 3, train={"d"}), "train is {'d'}: it must be a non-empty"),
        (
            lambda n: descend(n, ([[1.0, 2.0]], [1.0]), 1e9, 90, train={"c"}),
            r"lr is 1e\+09: it must be smaller, .*at step \d+",
        ),
    ],
)
def test_input_errors(call, message):
    with pytest.raises(kf.InputError, match=message):
        call(Net([[1.0, 2.0], [0.5, 1.0]], [0.1, -0.2], [1.0, 1.0]))


def test_one_input_takes_samples():
    net = kf.initial.pytorch(20, np.random.default_rng(1))
    data = kf.Samples([0.0, 1.0, 2.0], [1.0, 0.0, 2.0], [1.0, 2.0, 0.5])
    ours = descend(Net.of(net), data, 0.01, 10)
    theirs = descend(Net.of(net), (data.x[:, None], data.y), 0.01, 10, weights=data.weights)
    np.testing.assert_array_equal(ours.losses, theirs.losses)
    assert ours.losses[0] == pytest.approx(net.loss(data), rel=1e-12)
    with pytest.raises(kf.InputError, match=r"data is of type ndarray: it must be a pair \(x, y\), or Samples"):
        gradient(Net.of(net), data.x)


def test_the_former_order_of_arguments_warns_and_gives_the_same():
    net = pytorch(4, 2, np.random.default_rng(3))
    rng = np.random.default_rng(4)
    x, y, w = rng.standard_normal((5, 2)), rng.standard_normal(5), rng.uniform(1, 2, 5)
    new = gradient(net, (x, y), weights=w)
    message = r"gradient\(net, x, y, \.\.\.\) is deprecated: use gradient\(net, \(x, y\), \.\.\.\)"
    for call in (
        lambda: gradient(net, x, y, w),
        lambda: gradient(net, x, y, weights=w),
        lambda: gradient(net, x, y=y, weights=w),
        lambda: gradient(net, x=x, y=y, weights=w),
    ):
        with pytest.warns(DeprecationWarning, match=message):
            np.testing.assert_array_equal(call().a, new.a)
    with pytest.warns(DeprecationWarning, match="velocities"):
        np.testing.assert_array_equal(velocities(net, x, y).offsets, velocities(net, (x, y)).offsets)
    run = descend(net, (x, y), 0.01, 5, weights=w, train={"c"})
    for call in (
        lambda: descend(net, x, y, 0.01, 5, w, {"c"}),
        lambda: descend(net, x, y, lr=0.01, steps=5, weights=w, train={"c"}),
    ):
        with pytest.warns(DeprecationWarning, match="descend"):
            np.testing.assert_array_equal(call().losses, run.losses)
    with pytest.warns(DeprecationWarning, match=r"Breakplanes\.to_net\(\) is deprecated: use Breakplanes\.network"):
        old = net.breakplanes().to_net()
    np.testing.assert_array_equal(old.a, Net.from_breakplanes(net.breakplanes()).a)


def test_repr():
    two = Net([[1.0, 2.0]], [0.0], [1.0])
    data = ([[1.0, 1.0], [2.0, 0.0]], [1.0, 3.0])
    assert repr(gradient(two, data)) == "Gradient(1 neurons, 2 inputs; loss=2.5, length=4.69042)"
    assert repr(velocities(two, data)) == "Velocities(1 planes in 2 dimensions)"
    assert repr(descend(two, data, 0.01, 50)) == "Descent(50 steps, loss 2.5 -> 1.06725)"
    net = Net([[3.0, 4.0]], [10.0], [1.0])
    assert repr(net) == "Net(1 neurons, 2 inputs; norm=1, bias=0)"
    assert repr(net.breakplanes()) == "Breakplanes(1 planes in 2 dimensions; offsets in [2, 2], bias=0)"
