"""The path of a kernel's gradient flow, against integration, descent and its own end."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import knotflow as kf

DATA = kf.Samples([-1.2, -0.4, 0.1, 0.1, 0.9], [0.5, -1.0, 0.3, 0.7, 1.1], [1.0, 0.5, 2.0, 1.0, 0.7])
Z = np.linspace(-2, 2, 9)


@pytest.mark.parametrize("pace", [1.0, 7.0])
@pytest.mark.parametrize("kernel", [kf.kernels.rf("gaussian"), kf.kernels.ntk("uniform")])
def test_it_solves_the_flow_from_any_start(kernel, pace):
    points = DATA.distinct
    at = np.concatenate([points.x, Z])

    def velocity(_, f):
        return -pace * kernel(at, points.x) @ (points.weight * (f[: len(points.x)] - points.y))

    flow = solve_ivp(velocity, (0, 3), np.cos(at), "LSODA", rtol=1e-11, atol=1e-12, t_eval=[0.2, 3.0])
    path = kf.kernels.lazy(kernel, DATA, start=np.cos, pace=pace)
    for column, t in enumerate((0.2, 3.0)):
        np.testing.assert_allclose(path(at, t), flow.y[:, column], atol=1e-8)
        np.testing.assert_allclose(path.residuals(t), flow.y[: len(points.x), column] - points.y, atol=1e-8)
        rho = path(DATA.x, t) - DATA.y
        assert path.loss(t) == pytest.approx(0.5 * np.sum(DATA.weights * rho**2))
    np.testing.assert_allclose(path(at, 0), np.cos(at), atol=1e-15)


def test_descent_with_small_steps_follows_it_in_the_time_lr_times_steps():
    m, lr = 400, 1e-4
    net = kf.initial.gaussian(m, np.random.default_rng(1), norm=20.0)
    descent = kf.evolve(net, DATA, kf.GradientDescent(lr, train={"c"}), steps=20_000).final
    path = kf.kernels.lazy(kf.kernels.empirical_rf(net), DATA, start=net)
    np.testing.assert_allclose(path(Z, 20_000 * lr), descent(Z), atol=5 * lr)


def test_a_wide_network_keeps_the_pace_m_over_norm_squared():
    m, norm = 400_000, 3.0
    net = kf.initial.gaussian(m, np.random.default_rng(1), norm=norm).replace(c=np.zeros(m))
    t = 2.0 * norm**2 / m
    wide = kf.LazyFlow(train={"c"}).linearised(net, DATA)
    limit = kf.kernels.lazy(kf.kernels.rf("gaussian"), DATA, pace=m / norm**2)
    np.testing.assert_allclose(wide(Z, t), limit(Z, t), atol=0.01)


def test_it_ends_at_the_interpolant_and_its_residuals_vanish():
    means = kf.Samples(DATA.distinct.x, DATA.distinct.y, DATA.distinct.weight)
    kernel = kf.kernels.ntk("gaussian")
    path = kf.kernels.lazy(kernel, means)
    np.testing.assert_allclose(path(Z, np.inf), kf.kernels.interpolate(kernel, means)(Z), atol=1e-10)
    np.testing.assert_array_equal(path.residuals(np.inf), 0)
    from_elsewhere = kf.kernels.lazy(kernel, means, start=2.0)
    shifted = kf.Samples(means.x, means.y - 2.0, means.weights)
    np.testing.assert_allclose(from_elsewhere(Z, np.inf), 2 + kf.kernels.interpolate(kernel, shifted)(Z), atol=1e-10)


def test_degrees_of_freedom_are_the_trace_of_the_smoother():
    kernel, points = kf.kernels.rf("gaussian"), DATA.distinct
    for t in (0.3, 50.0):
        columns = []
        for j in range(len(points.x)):
            unit = np.zeros(len(points.x))
            unit[j] = 1.0
            fitted = kf.kernels.lazy(kernel, kf.Samples(points.x, unit, points.weight))
            columns.append(fitted(points.x, t))
        path = kf.kernels.lazy(kernel, DATA, start=1.0)
        assert path.degrees_of_freedom(t) == pytest.approx(np.trace(np.array(columns)))
    assert path.degrees_of_freedom(0.0) == 0
    assert path.degrees_of_freedom(np.inf) == 4
    for wanted in (0.01, 1.0, 2.5, 3.99):
        assert path.degrees_of_freedom(path.time_of(wanted)) == pytest.approx(wanted, rel=1e-9)
    assert path.time_of(0) == 0
    df = [path.degrees_of_freedom(t) for t in path.times(30)]
    assert np.all(np.diff(df) >= 0)
    assert df[0] < 0.03
    assert df[-1] > 3.99


def test_what_the_kernel_cannot_see_stays():
    def kernel(x, z):
        return np.ones((len(x), len(z)))

    path = kf.kernels.lazy(kernel, kf.Samples([0, 1, 2], [0.0, 1.0, 5.0]))
    assert path.degrees_of_freedom(np.inf) == 1
    np.testing.assert_allclose(path([0.0, 7.0], np.inf), [2.0, 2.0], atol=1e-12)
    np.testing.assert_allclose(path.residuals(np.inf), [2.0, 1.0, -3.0], atol=1e-12)
    nothing = kf.kernels.lazy(lambda x, z: np.zeros((len(x), len(z))), DATA)
    assert nothing.times(3) == pytest.approx([0, 0.5, 1])
    np.testing.assert_allclose(nothing(Z, 1e9), 0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kf.kernels.lazy(kf.kernels.rf("he"), [1]), "data is of type list"),
        (lambda: kf.kernels.lazy(kf.kernels.rf("he"), DATA, pace=0), "pace is 0: it must be a finite number > 0"),
        (lambda: kf.kernels.lazy(kf.kernels.rf("he"), DATA, start="x"), "start is 'x': it must be a finite number"),
        (
            lambda: kf.kernels.lazy(kf.kernels.rf("he"), DATA)(0.0, -1.0),
            "t is -1.0: it must be a time >= 0",
        ),
        (lambda: kf.kernels.lazy(kf.kernels.rf("he"), DATA).loss(None), "t is None: it must be a time"),
        (lambda: kf.kernels.lazy(kf.kernels.rf("he"), DATA).time_of(4), "degrees_of_freedom is 4: .* less than 4"),
    ],
)
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises(kf.InputError, match=message):
        call()


def test_repr_and_positions():
    kernel = kf.kernels.rf("he")
    path = kf.kernels.lazy(kernel, DATA, start=np.cos, pace=0.5)
    assert repr(path) == f"KernelPath({kernel!r}; {len(DATA.distinct.x)} samples, pace 0.5)"
    with pytest.warns(DeprecationWarning, match="giving lazy its start, pace by position is deprecated") as seen:
        old = kf.kernels.lazy(kernel, DATA, np.cos, 0.5)
    assert seen[0].filename == __file__
    np.testing.assert_array_equal(old(Z, 2.0), path(Z, 2.0))
    with pytest.raises(kf.InputError, match="count is 0: it must be a whole number of at least 1"):
        path.times(0)
