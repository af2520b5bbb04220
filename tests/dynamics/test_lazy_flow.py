"""LazyFlow, against GradientFlow where they are one, autograd where they are not, and wide networks."""

from __future__ import annotations

import autograd
import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given
from scipy.linalg import expm

import knotflow as kf
from helpers.nets import nets

DATA = kf.Samples([-1.2, -0.4, 0.1, 0.1, 0.9, 1.4], [0.5, -1.0, 0.3, 0.7, 1.1, 0.0], [1.0, 0.5, 2.0, 1.0, 0.7, 1.0])
Z = np.linspace(-2, 2, 41)


def net(m=60, seed=1, norm=4.0):
    return kf.initial.gaussian(m, np.random.default_rng(seed), norm=norm).replace(bias=0.3)


@pytest.mark.parametrize("train", [{"c"}, {"c", "bias"}])
@pytest.mark.parametrize("until", [0.3, 30.0, 3000.0])
def test_training_c_it_is_the_gradient_flow(train, until):
    lazy = kf.evolve(net(), DATA, kf.LazyFlow(train=train), until=until, save_at=[until / 7])
    flow = kf.evolve(net(), DATA, kf.GradientFlow(rtol=1e-12, train=train), until=until, save_at=[until / 7])
    np.testing.assert_array_equal(lazy.times, flow.times)
    for name in ("a", "b", "c", "bias", "loss"):
        np.testing.assert_allclose(getattr(lazy, name), getattr(flow, name), rtol=0, atol=1e-8)


@pytest.mark.parametrize("train", [{"a", "b", "c"}, {"a", "bias"}, {"b"}, {"c"}])
def test_it_is_the_flow_of_autograds_linear_model(train):
    start, t = net(25), 1.7
    x, y, w = DATA.x, DATA.y, DATA.weights
    names = [name for name in ("a", "b", "c", "bias") if name in train]
    values = [np.atleast_1d(getattr(start, name)) for name in names]

    def f(z, at):
        parameters = {name: np.atleast_1d(getattr(start, name)) for name in ("a", "b", "c", "bias")}
        first = 0
        for name, value in zip(names, values, strict=True):
            parameters[name] = z[first : first + len(value)]
            first += len(value)
        h = anp.maximum(parameters["a"] * at - parameters["b"], 0.0)
        return parameters["bias"][0] + anp.sum(parameters["c"] * h) / start.norm

    z0 = np.concatenate(values)

    def jacobian(at):
        return np.array([autograd.grad(f)(z0, point) for point in at])

    # z' = -J^T W (rho_0 + J (z - z_0)), by the exponential of the affine system in the parameters.
    J = jacobian(x)
    system = np.zeros((len(z0) + 1, len(z0) + 1))
    system[:-1, :-1], system[:-1, -1] = -J.T @ (w[:, None] * J), -J.T @ (w * (start(x) - y))
    moved = expm(t * system)[:-1, -1]
    path = kf.LazyFlow(train=train).linearised(start, DATA)
    end = path.net_at(t)
    found = np.concatenate([np.atleast_1d(getattr(end, name)) for name in names])
    np.testing.assert_allclose(found, z0 + moved, atol=1e-8)
    np.testing.assert_allclose(path(Z, t), start(Z) + jacobian(Z) @ moved, atol=1e-8)
    np.testing.assert_allclose(path.residuals(t), path(DATA.distinct.x, t) - DATA.distinct.y, atol=1e-12)
    assert path.loss(t) == pytest.approx(0.5 * np.sum(w * (path(x, t) - y) ** 2))
    for name in {"a", "b", "c", "bias"} - train:
        np.testing.assert_array_equal(getattr(end, name), getattr(start, name))


def test_wide_networks_come_to_it_as_one_over_root_m():
    widths, distances = [1000, 4000, 16000], []
    for m in widths:
        found = []
        for seed in range(6):
            start = net(m, seed, norm=m**0.5)
            full = kf.evolve(start, DATA, kf.GradientFlow(1e-6), until=10.0, save_at=[]).final
            found.append(np.sqrt(np.mean((full(Z) - kf.LazyFlow().linearised(start, DATA)(Z, 10.0)) ** 2)))
        distances.append(np.mean(found))
    slope = np.polyfit(np.log(widths), np.log(distances), 1)[0]
    assert slope == pytest.approx(-0.5, abs=0.1)


def test_a_trajectory_can_be_split_saved_and_asked_at_any_time(tmp_path):
    whole = kf.evolve(net(), DATA, kf.LazyFlow(), until=5.0)
    split = kf.evolve(net(), DATA, kf.LazyFlow(), until=1.0).resume(until=5.0)
    np.testing.assert_array_equal(split.final.a, whole.final.a)
    path = kf.LazyFlow().linearised(net(), DATA)
    for t in (0.0, 0.123, 2.3, 5.0):
        np.testing.assert_array_equal(whole.net_at_time(t).b, path.net_at(t).b)
    assert whole.loss[-1] == pytest.approx(path.loss(5.0))
    assert whole.loss[0] == pytest.approx(net().loss(DATA))
    again = kf.load_trajectory(whole.save(tmp_path / "lazy"))
    assert again.dynamics == kf.LazyFlow()
    np.testing.assert_array_equal(again.resume(until=7.0).final.c, whole.resume(until=7.0).final.c)
    assert whole.account["method"] == "closed form in the eigenbasis of the tangent kernel at the start"


def test_it_stops_where_it_is_told_and_where_it_has_converged():
    run = kf.evolve(net(), DATA, kf.LazyFlow(), until="converged")
    assert run.status == "converged"
    assert run.loss[-1] == pytest.approx(DATA.distinct.within, abs=1e-8)
    assert np.all(np.diff(run.loss) <= 1e-12)
    early = kf.evolve(net(), DATA, kf.LazyFlow(), until=1e6, stop_loss=0.2)
    assert early.status == "stop_loss"
    assert early.loss[-2] > 0.2 >= early.loss[-1]


def test_infinity_is_the_minimum_norm_solution_and_singular_kernels_stay_put():
    path = kf.LazyFlow(train={"c"}).linearised(net(), DATA)
    np.testing.assert_allclose(path.net_at(np.inf)(DATA.distinct.x), DATA.distinct.y, atol=1e-6)
    np.testing.assert_array_equal(path.residuals(np.inf), 0)
    assert path.degrees_of_freedom(np.inf) == 5
    few = net(2)
    path = kf.LazyFlow(train={"c"}).linearised(few, DATA)
    expected = kf.kernels.minimum_norm(few, DATA)
    np.testing.assert_allclose(path.net_at(np.inf).c, expected.c, rtol=1e-9)
    assert path.loss(np.inf) == pytest.approx(expected.loss(DATA))
    dead = kf.ReLUNet([1.0], [5.0], [1.0])
    for t in (1.0, np.inf):
        still = kf.LazyFlow().linearised(dead, DATA).net_at(t)
        assert (still.a, still.b, still.c) == (1.0, 5.0, 1.0)
    assert kf.evolve(dead, DATA, kf.LazyFlow(), until="converged").status == "converged"


@given(nets())
def test_the_loss_of_lopsided_networks_never_rises(start):
    path = kf.LazyFlow(train={"a", "b", "c", "bias"}).linearised(start, DATA)
    fastest = max(path.modes.rates.max(), 1e-300)
    losses = [path.loss(t) for t in (0.0, *(np.geomspace(1e-2, 1e4, 7) / fastest), np.inf)]
    assert losses[0] == pytest.approx(start.loss(DATA), rel=1e-9)
    assert np.all(np.diff(losses) <= 1e-12 * losses[0])


def test_wrong_arguments_are_refused():
    with pytest.raises(kf.InputError, match=r"train is {'d'}: it must be"):
        kf.LazyFlow(train={"d"})
    with pytest.raises(kf.InputError, match="steps is given, but LazyFlow takes no steps of its own"):
        kf.evolve(net(), DATA, kf.LazyFlow(), steps=3)
    with pytest.raises(kf.InputError, match="net is of type int: it must be a ReLUNet"):
        kf.LazyFlow().linearised(3, DATA)
    with pytest.raises(kf.InputError, match="data is of type int: it must be Samples"):
        kf.LazyFlow().linearised(net(), 3)
    with pytest.raises(kf.InputError, match="t is nan: it must be a time >= 0, or infinity"):
        kf.LazyFlow().linearised(net(), DATA).loss(np.nan)
