"""The flow in canonical parameters, against SciPy, explicit Euler steps, `GradientFlow` and examples by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

import knotflow as kf
from helpers.data import lopsided
from helpers.nets import nets

M = 12
METRICS = ("cylinder", "polar")


def start(m: int = M, seed: int = 8) -> kf.ReLUNet:
    return kf.initial.pytorch(m, np.random.default_rng(seed), norm=m**0.5).replace(bias=0.0)


def flow(net, data, until, metric="cylinder", lam=0.0, rtol=1e-6, **options):
    return kf.evolve(net, data, kf.CanonicalFlow(metric, lam, rtol), until=until, **options)


def state(net: kf.ReLUNet, metric: str) -> np.ndarray:
    view = net.canonical()
    return np.concatenate([view.r, view.theta] if metric == "cylinder" else [view.u, view.v])


def rate(net: kf.ReLUNet, data: kf.Samples, metric: str, lam: float):
    """The right side of the flow in (r, theta) or (u, v), by its definition."""
    d, m, epsilon = data.distinct, len(net), net.canonical().epsilon
    rows = np.stack([d.x, np.ones_like(d.x)], axis=1)

    def right(_, z):
        first, second = z.reshape(2, m)
        if metric == "cylinder":
            r, theta = first, second
        else:
            r, theta = epsilon * np.hypot(first, second), np.arctan2(second, first)
        direction, normal = np.stack([np.cos(theta), np.sin(theta)]), np.stack([-np.sin(theta), np.cos(theta)])
        h = rows @ direction
        force = d.weight * (np.maximum(h, 0) @ r / m - d.y)
        g = ((h > 0) * force[:, None]).T @ rows
        if metric == "cylinder":
            return -np.append(np.sum(g.T * direction, 0) + lam * np.sign(r), r * np.sum(g.T * normal, 0)) / m
        return -(epsilon * g.T + lam * direction).ravel() / m

    return right


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("lam", [0.0, 0.1])
def test_smooth_windows_agree_with_scipy(metric, lam):
    net, data = start(), lopsided(3)
    end = 0.999 * flow(net, data, 5.0, metric, lam, 1e-9, save_at=[]).events["time"][0]
    assert end > 0.05
    truth = solve_ivp(
        rate(net, data, metric, lam), (0, end), state(net, metric), method="DOP853", rtol=1e-13, atol=1e-14
    )
    ours = flow(net, data, end, metric, lam, 1e-10, save_at=[]).final
    turns = (state(ours, metric) - truth.y[:, -1] + np.pi) % (2 * np.pi) - np.pi
    np.testing.assert_allclose(turns, 0, atol=1e-11)


@pytest.mark.parametrize(
    ("metric", "lam", "T"), [("cylinder", 0.0, 15), ("cylinder", 0.1, 15), ("polar", 0.0, 15), ("polar", 0.1, 3)]
)
def test_small_euler_steps_approach_the_flow(metric, lam, T):
    net, data, grid = start(), lopsided(3), np.linspace(-1, 3, 101)
    run = flow(net, data, T, metric, lam, 1e-9, save_at=[])
    assert len(run.events) > 8
    right, gaps = rate(net, data, metric, lam), []
    for lr in (1e-2, 1e-3):
        z = state(net, metric)
        for _ in range(round(T / lr)):
            z = z + lr * right(0, z)
        first, second = z.reshape(2, M)
        theta = second if metric == "cylinder" else np.arctan2(second, first)
        r = first if metric == "cylinder" else net.canonical().epsilon * np.hypot(first, second)
        f = np.maximum(np.outer(grid, np.cos(theta)) + np.sin(theta), 0) @ r / M
        gaps.append(np.abs(f - run.final(grid)).max())
    assert gaps[1] < 3e-4
    assert gaps[0] / gaps[1] > 7  # in proportion to the step; faster where chance helps the longer one


def test_polar_is_the_flow_of_a_and_b_alone():
    net, data, grid = start(30), lopsided(3), np.linspace(-1, 3, 101)
    polar = kf.CanonicalFlow("polar", rtol=1e-9)
    run = kf.evolve(net, data, polar, until=8.0, save_at=[])
    assert len(run.events) > 20
    assert "rest" not in run.events["kind"]
    twin = kf.evolve(polar.gauge(net), data, kf.GradientFlow(1e-9, frozenset("ab")), until=8.0, save_at=[])
    np.testing.assert_allclose(run.final(grid), twin.final(grid), atol=2e-8)
    np.testing.assert_allclose(run.final.a, twin.final.a, atol=1e-7)
    # and, up to O(1/delta), of all parameters at a large delta, in a time that is norm^2 / (m^2 delta) as long
    late = kf.evolve(net.with_delta(1e7), data, kf.GradientFlow(1e-9), until=8.0 / 30 / 1e7, save_at=[])
    np.testing.assert_allclose(late.final(grid), run.final(grid), atol=1e-5)


@settings(max_examples=25)
@given(nets(), st.sampled_from(METRICS), st.sampled_from([0.0, 0.3]))
def test_the_gauge_keeps_the_function_and_the_objective_never_rises(net, metric, lam):
    size = np.abs(net.c) * np.hypot(net.a, net.b) / net.norm
    net = net.replace(c=net.c / max(1.0, 3 * size.sum()), bias=0.0)
    data, way = kf.Samples([-1.0, 0.0, 0.1, 0.7], [0.3, -1.0, 0.2, 0.9], [1, 2, 1, 0.5]), kf.CanonicalFlow(metric, lam)
    grid = np.linspace(-2, 2, 41)
    np.testing.assert_allclose(way.gauge(net)(grid), net(grid), atol=1e-12)
    run = kf.evolve(net, data, way, until=3.0 * len(net), save_at=np.linspace(0, 3 * len(net), 15))
    assert run.status in ("finished", "converged")
    values = np.array([way.objective(run.net_at(k), data) for k in range(len(run))])
    assert np.all(np.diff(values) <= 1e-6 * values[0])
    if metric == "cylinder":
        np.testing.assert_allclose(run.a**2 + run.b**2, 1, rtol=1e-14)
    else:
        np.testing.assert_array_equal(run.c, np.broadcast_to(run.c[0], run.c.shape))


def upright(r: float) -> kf.ReLUNet:
    """One neuron that is the constant r."""
    return kf.ReLUNet([0.0], [-1.0], [r])


def level(y: float) -> kf.Samples:
    """Samples under which a constant r has the gradient r - y, and no torque."""
    return kf.Samples([-1.0, 1.0], [y, y], [0.5, 0.5])


def test_a_particle_comes_to_rest_at_zero_by_hand():
    # r' = -(r - 1/2 + 1) until r = -1/2 + 5/2 exp(-t) = 0; there |G| = 1/2 is less than lam = 1
    run = flow(upright(2.0), level(0.5), 3.0, lam=1.0, rtol=1e-10)
    assert run.events["kind"].tolist() == ["rest"]
    assert run.events["sample"].tolist() == [-1]
    assert run.events["time"][0] == pytest.approx(np.log(5), rel=1e-9)
    assert run.final.c[0] == 0.0


def test_a_particle_passes_through_zero_by_hand():
    # r' = -(r - 2 - 1) until r = 3 - 4 exp(-t) = 0 at t = log(4/3); |G| = 2 exceeds lam = 1, and then r' = -(r - 2 + 1)
    run = flow(upright(-1.0), level(2.0), 3.0, lam=1.0, rtol=1e-10)
    assert len(run.events) == 0
    assert run.final.c[0] == pytest.approx(1 - np.exp(-(3 - np.log(4 / 3))), rel=1e-9)


def test_a_particle_leaves_zero_when_it_must():
    # The second neuron fits the first sample and spoils the second, where only the first neuron, at rest, is active.
    data, lam = kf.Samples([0.0, 1.0], [6.0, 0.0]), 0.5
    net = kf.ReLUNet([1.0, 0.0], [0.5, -1.0], [0.0, 1e-3], norm=2.0)
    run = flow(net, data, 6.0, lam=lam, rtol=1e-9, save_at=np.linspace(0, 6, 601))
    leave = run.events[run.events["kind"] == "leave"]
    assert leave["neuron"].tolist() == [0]
    when = leave["time"][0]
    assert 0.01 < when < 6
    residual = np.array([run.net_at(k)(1.0) for k in range(len(run))])
    pull = np.abs(residual) * 0.5 / np.hypot(1, 0.5)  # <g, d> on the second sample's arc
    assert np.all(pull[run.times < when - 0.01] < lam)
    assert pull[np.searchsorted(run.times, when + 0.01)] > lam
    assert np.all(run.c[run.times <= when, 0] == 0)
    assert np.all(run.c[run.times > when + 0.01, 0] < 0)


def test_the_origin_of_the_plane_by_hand():
    point = level(-1.0)  # v' = -(v + 1 + 1/2) until v = -3/2 + 5/2 exp(-t) = 0
    run = flow(upright(1.0), point, 3.0, "polar", lam=0.5, rtol=1e-10)
    assert run.events["kind"].tolist() == ["rest"]
    assert run.events["time"][0] == pytest.approx(np.log(5 / 3), rel=1e-6)
    assert run.final.a[0] == run.final.b[0] == 0.0
    nothing = kf.ReLUNet([0.0], [0.0], [1.0])
    run = flow(nothing, level(2.0), 3.0, "polar", lam=0.5, rtol=1e-10)  # v' = -(v - 2 + 1/2)
    assert run.events["kind"].tolist() == ["leave"]
    assert run.final(0.0) == pytest.approx(1.5 * (1 - np.exp(-3)), rel=1e-8)
    run = flow(nothing, level(0.4), 3.0, "polar", lam=0.5)
    assert len(run.events) == 0
    assert run.final(0.0) == 0.0


@pytest.mark.parametrize("metric", METRICS)
def test_symmetries(metric):
    net, data, grid = start(), lopsided(3), np.linspace(-1, 3, 99)
    base = flow(net, data, 10.0, metric, 0.05, save_at=[]).final(grid)
    order = np.random.default_rng(0).permutation(M)
    permuted = net.replace(a=net.a[order], b=net.b[order], c=net.c[order])
    np.testing.assert_allclose(flow(permuted, data, 10.0, metric, 0.05).final(grid), base, atol=5e-6)
    mirrored = kf.Samples(-data.x, data.y, data.weights)
    np.testing.assert_allclose(flow(net.replace(a=-net.a), mirrored, 10.0, metric, 0.05).final(-grid), base, atol=5e-6)
    opposite = flow(net.replace(c=-net.c), kf.Samples(data.x, -data.y, data.weights), 10.0, metric, 0.05)
    np.testing.assert_allclose(opposite.final(grid), -base, atol=5e-6)
    scaled = net.replace(c=net.c / M**0.5, norm=1.0)  # the same (r, theta)
    np.testing.assert_allclose(flow(scaled, data, 10.0, metric, 0.05).final(grid), base, atol=5e-6)


@pytest.mark.parametrize("metric", METRICS)
def test_split_runs_files_and_tolerances(metric, tmp_path):
    net, data, grid = start(40), lopsided(3), np.linspace(-1, 3, 99)
    whole = flow(net, data, 40.0, metric, 0.05, 1e-9, save_at=[15.0])
    half = flow(net, data, 15.0, metric, 0.05, save_at=[])
    loaded = kf.load_trajectory(half.save(tmp_path / "half"))
    assert loaded.dynamics == half.dynamics
    np.testing.assert_array_equal(loaded.events, half.events)
    joined = loaded.resume(until=40.0)
    assert len(joined.events) == len(whole.events)
    assert {"stick", "rest"} <= set(joined.events["kind"])
    size = np.abs(data.y).max()
    np.testing.assert_allclose(joined.final(data.x), whole.final(data.x), atol=1e-5 * size)
    np.testing.assert_allclose(whole.net_at_time(9.0)(grid), flow(net, data, 9.0, metric, 0.05).final(grid), atol=1e-5)


def test_converged_runs_stop_by_themselves():
    run = flow(start(40), kf.Samples([-1.0, 0.2, 1.0], [1.0, -0.5, 0.3]), "converged", rtol=1e-4)
    assert run.status == "converged"
    assert run.account["events"] == len(run.events)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda n, d: kf.CanonicalFlow("flat"), "metric is 'flat': it must be one of 'cylinder', 'polar'"),
        (lambda n, d: kf.CanonicalFlow(lam=-1.0), "lam is -1.0"),
        (lambda n, d: kf.CanonicalFlow(rtol=0.0), "rtol is 0.0"),
        (lambda n, d: kf.CanonicalFlow(rtol=0.2), "<= 0.1"),
        (lambda n, d: kf.evolve(n, d, kf.CanonicalFlow()), "until is missing"),
        (lambda n, d: kf.evolve(n, d, kf.CanonicalFlow(), until=1.0, save_at=[2.0]), "save_at has 2"),
        (lambda n, d: kf.evolve(n, d, kf.CanonicalFlow(), until=1.0, steps=3), "steps is given, but CanonicalFlow"),
        (lambda n, d: kf.evolve(n, d, "flow", until=1.0), "or another flow: CanonicalFlow"),
    ],
)
def test_bad_input_gets_a_clear_error(make, message):
    with pytest.raises(kf.InputError, match=message):
        make(start(5), lopsided(3))
