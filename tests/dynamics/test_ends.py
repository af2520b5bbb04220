"""Every flow ends, and says rightly why: converged, at the floor of the tolerance, at a saddle, or nothing can move."""

from __future__ import annotations

import numpy as np
import pytest

import knotflow as kf
from knotflow.dynamics.gradient_flow import ParameterIntegrator
from knotflow.dynamics.trajectory import Trajectory

X = np.linspace(-1, 1, 10)
WAVE = kf.Samples(X, np.sin(4 * X) + X)
DEAD = kf.ReLUNet([1.0, -1.0], [5.0, 5.0], [1.0, 1.0])
FLOWS = (kf.GradientFlow(), kf.LazyFlow(), kf.CanonicalFlow(), kf.CanonicalFlow("polar"), kf.MeanFieldFlow())


def scaled(net: kf.ReLUNet, a: float, c: float) -> kf.ReLUNet:
    return net.replace(a=a * net.a, b=a * net.b, c=c * net.c)


def tries(run: kf.Trajectory) -> int:
    return run.account["steps"] + run.account["rejected"]


def hessian(net: kf.ReLUNet, data: kf.Samples) -> np.ndarray:
    """The Hessian of the loss in (a, b, c), neuron by neuron, from the formula for f alone."""
    m = len(net)
    jacobian, second = np.zeros((len(data), 3 * m)), np.zeros((3 * m, 3 * m))
    rho = data.weights * (net(data.x) - data.y)
    for i in range(m):
        for j, x in enumerate(data.x):
            height = net.a[i] * x - net.b[i]
            if height > 0:
                jacobian[j, 3 * i : 3 * i + 3] = np.array([net.c[i] * x, -net.c[i], height]) / net.norm
                second[3 * i, 3 * i + 2] += rho[j] * x / net.norm
                second[3 * i + 1, 3 * i + 2] -= rho[j] / net.norm
    return jacobian.T @ (data.weights[:, None] * jacobian) + second + second.T


def gradient_norm(net: kf.ReLUNet, data: kf.Samples) -> float:
    height = np.multiply.outer(data.x, net.a) - net.b
    rho = (data.weights * (net(data.x) - data.y))[:, None] * (height > 0) / net.norm
    parts = (data.x @ (rho * net.c), np.sum(rho * net.c, axis=0), np.sum(rho * height, axis=0))
    return float(np.sqrt(sum(np.sum(part**2) for part in parts)))


# --- converged ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [3, 16, 22, 89, 24, 63])
def test_a_run_at_the_floor_of_its_residuals_has_converged(seed):
    """The residuals reach what the tolerance leaves; the rate at which that seems to fall grows with the time."""
    rng = np.random.default_rng(seed)
    m = int(rng.choice([3, 20, 60]))
    y = [0 * X, np.sin(4 * X) + X, rng.normal(size=10), 0 * X + 1][seed % 4]
    net = kf.initial.gaussian(m, rng, norm=float(rng.choice([1, m**0.5, m])))
    run = kf.evolve(net, kf.Samples(X, y), kf.GradientFlow(), until="converged", save_at=[])
    assert run.status == "converged"
    assert tries(run) < 2000
    assert run.loss[-1] < 1e-14 * run.loss[0]


@pytest.mark.parametrize("seed", range(3))
def test_times_far_beyond_convergence_cost_few_steps_and_change_nothing(seed):
    net = kf.initial.gaussian(50, np.random.default_rng(seed), norm=7.0)
    early, late = (kf.evolve(net, WAVE, kf.GradientFlow(), until=t, save_at=[]) for t in (1e8, 1e12))
    assert late.times[-1] == 1e12
    assert late.status == "finished"
    assert tries(late) < 2000
    assert np.abs(late.final(X) - early.final(X)).max() < 1e-6
    assert late.loss[-1] <= early.loss[-1] + 1e-14


def test_a_residual_that_stays_does_not_hide_that_the_run_has_converged():
    """One sign of slope for a wave: the loss stays, and its rate of fall must be seen against it."""
    net = kf.ReLUNet([1.0, 0.5, -0.7], [-2.0, 0.1, 0.1], [0.5, 0.2, 0.4])
    for rtol in (1e-4, 1e-8, 1e-10):
        run = kf.evolve(net, WAVE, kf.GradientFlow(rtol), until="converged", save_at=[])
        assert run.status == "converged"
        assert tries(run) < 2000
        assert run.loss[-1] > 1e-3 * run.loss[0]
        assert gradient_norm(run.final, WAVE) < max(rtol, 1e-6) * gradient_norm(net, WAVE)
        further = run.resume(until=10 * run.times[-1], save_at=[])
        assert run.loss[-1] - further.loss[-1] < 20 * rtol**2 * run.loss[0] + 1e-14


def test_a_run_from_where_another_has_converged_converges_at_once():
    net = kf.initial.gaussian(30, np.random.default_rng(1), norm=30**0.5)
    done = kf.evolve(net, WAVE, kf.GradientFlow(), until="converged", save_at=[]).final
    again = kf.evolve(done, WAVE, kf.GradientFlow(), until="converged", save_at=[])
    assert again.account["end"] in ("converged", "floor")
    assert again.status == "converged"
    assert tries(again) < 300


def test_the_penalised_flow_converges_where_both_metrics_have_their_minimum():
    net = kf.initial.gaussian(20, np.random.default_rng(0), norm=20**0.5)
    data = kf.Samples([-1.0, -0.3, 0.2, 1.0], [1.0, -0.5, 0.3, 0.8])
    ends = []
    for metric in ("cylinder", "polar"):
        flow = kf.CanonicalFlow(metric, 0.1, 1e-5)
        run = kf.evolve(net, data, flow, until="converged", save_at=[])
        assert run.status == "converged"
        assert tries(run) < 20_000
        ends.append(flow.objective(run.final, data))
    assert ends[0] == pytest.approx(ends[1], rel=1e-3)


# --- nothing can move, and saddles -----------------------------------------------------------------------------------


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: f"{type(flow).__name__}-{getattr(flow, 'metric', '')}")
def test_a_dead_network_reaches_the_time_asked_for_and_says_that_nothing_can_move(flow):
    run = kf.evolve(DEAD, WAVE, flow, until=10.0)
    assert (run.status, run.times[-1], run.success) == ("finished", 10.0, True)
    assert "reached t = 10; nothing can move: no neuron is active at a sample" in run.message
    ended = kf.evolve(DEAD, WAVE, flow, until="converged")
    assert (ended.status, ended.account["end"], ended.success) == ("converged", "still", True)
    assert ended.message.startswith("nothing can move: no neuron is active at a sample")


@pytest.mark.parametrize("seed", range(6))
def test_tiny_parameters_are_at_a_saddle_and_leave_it_when_they_are_said_to(seed):
    rng = np.random.default_rng(seed)
    s, m, tiny = int(rng.integers(3, 20)), int(rng.integers(3, 40)), 10.0 ** rng.uniform(-12, -8.5)
    x = np.sort(rng.normal(size=s))
    data = kf.Samples(x, np.sin(3 * x) + rng.normal())
    net = scaled(kf.initial.gaussian(m, rng, norm=m**0.5), tiny, tiny)
    run = kf.evolve(net, data, kf.GradientFlow(), until="converged")
    assert (run.status, run.success, run.account["end"]) == ("saddle", False, "saddle")
    assert run.loss[-1] == pytest.approx(run.loss[0], rel=1e-12)
    assert np.linalg.eigvalsh(hessian(run.final, data))[0] < -1e-3 * gradient_norm(run.final, data)
    assert run.message.startswith("at rest at a saddle: directions in it grow like exp(")
    when = float(run.message.split("near t = ")[1].split(" at the earliest;")[0])
    times = np.linspace(0.5, 2.0, 301) * when
    on = run.resume(until=times[-1], save_at=times)
    left = on.times[np.argmax(on.loss < 0.99 * on.loss[0])]
    assert 0.9 * when < left < 1.5 * when
    assert run.resume(until=4 * when).loss[-1] < 0.9 * run.loss[0]


def test_a_time_before_the_saddle_is_left_says_so():
    net = scaled(kf.initial.gaussian(20, np.random.default_rng(0)), 1e-12, 1e-12)
    run = kf.evolve(net, WAVE, kf.GradientFlow(), until=1e-3)
    assert run.status == "finished"
    assert run.message.startswith("reached t = 0.001; at rest at a saddle: ")


def test_an_ordinary_minimum_is_no_saddle():
    net = kf.ReLUNet([1.0, 0.5, -0.7], [-2.0, 0.1, 0.1], [0.5, 0.2, 0.4])
    run = kf.evolve(net, WAVE, kf.GradientFlow(), until="converged")
    assert np.linalg.eigvalsh(hessian(run.final, WAVE))[0] > -1e-6
    assert run.status == "converged"


# --- bounded work -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("a", [1e-6, 1e-3, 1e3, 1e6])
@pytest.mark.parametrize("c", [1e-6, 1e6])
def test_scales_of_parameters_cost_no_more_than_a_factor(a, c):
    net = scaled(kf.initial.gaussian(10, np.random.default_rng(2), norm=10**0.5), a, c)
    run = kf.evolve(net, WAVE, kf.GradientFlow(1e-6), until="converged", save_at=[])
    assert run.status in ("converged", "saddle")
    assert tries(run) < 20_000


def test_a_budget_counts_rejected_steps_too(monkeypatch):
    """A step that fails for ever must not keep the run from coming back."""
    net = kf.initial.gaussian(10, np.random.default_rng(0))
    flow = kf.GradientFlow()
    past = Trajectory.begin(net, WAVE, flow).past
    integrator = ParameterIntegrator(past, 1e-8, flow.train)
    before = 0
    for budget in (1, 7, 50, 300):
        integrator.advance(1e3, budget, -1.0)
        counts = integrator.account()
        after = counts["steps"] + counts["rejected"]
        assert after - before == budget
        before = after


def test_the_largest_eigenvalue_is_found_where_the_iteration_has_never_been():
    """Two arcs without a common sample: the power iteration begins in one, and the other grows larger."""
    net = kf.ReLUNet([1.0, -1.0], [0.0, 0.0], [1.0, 30.0])
    past = Trajectory.begin(net, WAVE, kf.GradientFlow()).past
    integrator = ParameterIntegrator(past, 1e-8, frozenset("abc"))
    integrator.work.power[:] = np.where(X > 0, 1.0, 0.0) / 5**0.5
    integrator.advance(1.0, 10, -1.0)
    largest = 2 / kf.stability_limit(kf.ReLUNet(*integrator.parameters()[:3]), WAVE)
    assert integrator.run.real[3] == pytest.approx(largest, rel=0.05)


KINDS = ("even", "lopsided", "tied", "clustered", "scaled")


@pytest.mark.parametrize("seed", range(40))
def test_every_random_problem_ends_and_its_end_is_confirmed(seed):
    rng = np.random.default_rng(seed)
    s, m = int(rng.integers(2, 12)), int(rng.integers(1, 30))
    x = {
        "even": np.linspace(-1, 1, s),
        "lopsided": rng.exponential(0.7, s) - 0.4,
        "tied": np.append(np.round(rng.normal(size=s), 0), [3.0, 4.0]),
        "clustered": np.append(1e-6 * rng.normal(size=s), 1.0),
        "scaled": 10.0 ** rng.uniform(-3, 3) * rng.normal(size=s),
    }[KINDS[seed % len(KINDS)]]
    data = kf.Samples(x, np.sin(3 * x / np.abs(x).max()) + 0.1 * rng.normal(size=x.size))
    net = kf.initial.gaussian(m, rng, norm=float(rng.choice([1.0, m**0.5, m])))
    net = scaled(net, 10.0 ** rng.uniform(-3, 3), 10.0 ** rng.uniform(-3, 3))
    rtol = 10.0 ** rng.uniform(-9, -4)
    run = kf.evolve(net, data, kf.GradientFlow(rtol), until="converged", save_at=[])
    assert run.status in ("converged", "saddle"), run.message
    assert tries(run) < 20_000
    if run.status == "saddle":
        assert np.linalg.eigvalsh(hessian(run.final, data))[0] < 0
        return
    further = run.resume(until=2 * run.times[-1], save_at=[])
    seen = 10 * rtol**2 * (run.loss[0] + 0.5 * len(data) * max(np.abs(data.y).max(), np.abs(net(data.x)).max()) ** 2)
    assert run.loss[-1] - further.loss[-1] <= seen + 1e-12 * run.loss[-1]
