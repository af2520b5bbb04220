"""One particle in a step and the sums over all of them, against SciPy, brute force and finite differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

import knotflow as kf
from knotflow.dynamics.trajectory import Trajectory
from knotflow.engine import dense
from knotflow.engine.compiled import kernel
from knotflow.engine.particles import CYLINDER, PLANE, field, rules, state, step, substep

X = np.array([-0.9, -0.2, 0.1, 0.8])


@kernel
def rises(c0, c1, c2, start, level):
    return rules.rises(c0, c1, c2, start, level)


@kernel
def velocity(q1, q0, sign, z, prob, out):
    substep.velocity(q1, q0, sign, z, prob, out)


@kernel
def deepest(sign, prob, coefs):
    return rules.deepest(sign, 0.0, prob, coefs)


numbers = st.floats(-2, 2).map(lambda v: round(v, 3))


def problem(metric: int = CYLINDER, lam: float = 0.0, tol: float = 1e-11):
    return state.problem(X, np.zeros(4), np.ones(4), state.Motion(metric, lam, 1.0), 0.0, tol, 1.0)


def net(m: int = 9, seed: int = 1) -> kf.ReLUNet:
    return kf.initial.gaussian(m, np.random.default_rng(seed), norm=float(m))


def session(metric: str, lam: float = 0.0):
    flow = kf.CanonicalFlow(metric, lam)
    data = kf.Samples(X, [0.5, -1.0, 0.7, 0.2], [1.0, 2.0, 0.5, 1.0])
    run = flow.session(Trajectory.begin(flow.gauge(net()), data, flow).past).integrator
    run.engine.present_residuals(run.run, run.problem, run.work)
    return run


@given(numbers, numbers, numbers, st.floats(0, 1), numbers)
def test_when_a_quadratic_rises_above_a_level(c0, c1, c2, start, level):
    when = rises(c0, c1, c2, start, level)
    t = np.linspace(start, 1, 2001)
    above = c0 + t * (c1 + t * c2) > level
    if not above.any():
        assert when >= 1 - 1e-9 or abs(c0 + when * (c1 + when * c2) - level) < 1e-5  # a peak between two points
    else:
        first = t[np.argmax(above)]
        assert when <= first
        assert not above[t < when - 1e-12].any()
        assert start <= when


@pytest.mark.parametrize("metric", [CYLINDER, PLANE])
@pytest.mark.parametrize("lam", [0.0, 0.2])
def test_a_free_particle_follows_scipy(metric, lam):
    prob, rng = problem(metric, lam), np.random.default_rng(3)
    run, work = state.start(*np.ones((4, 1)), X)
    coefs = work.coefs
    coefs[:] = 0.3 * rng.normal(size=(2, 3))  # the same on all arcs, so that crossing rays changes nothing
    coefs[:, :, 0] += 0.4
    bound = state.bind(prob, run, work)
    z0 = np.array([1.0, np.cos(0.4), -np.sin(0.4)]) * (1 if metric == CYLINDER else [1, 1.5, 1.5])
    out = np.zeros(3)

    def rate(t, z):
        q1, q0 = coefs[0] @ [1, t, t**2]
        velocity(q1, q0, np.sign(z[0]), z, bound[0], out)
        return out.copy()

    truth = solve_ivp(rate, (0, 1), z0, method="DOP853", rtol=1e-12, atol=1e-13).y[:, -1]
    run.z[:, 0], run.group[0], run.share[0] = z0, 3, 1.0
    assert field.carry_all(*bound, 1.0, 0, True)
    np.testing.assert_allclose(run.z[:, 0], truth, atol=1e-11)


@given(st.integers(0, 200), st.sampled_from([1.0, -1.0]))
def test_the_deepest_direction_is_the_deepest_of_a_fine_grid(seed, sign):
    run, work = state.start(*np.ones((4, 1)), X)
    prob, _, scratch = state.bind(problem(), run, work)
    work.nodes[:] = np.random.default_rng(seed).normal(size=(1, 4))
    field.drives(prob, scratch)
    theta = np.linspace(0, 2 * np.pi, 40_001)
    force = np.random.default_rng(seed).normal(size=4)
    h = np.maximum(np.outer(np.cos(theta), X) + np.sin(theta)[:, None], 0)
    depth = (-sign * h @ force).max()
    found, group, a, b = deepest(sign, prob, work.coefs)
    assert max(depth, 0.0) - 1e-12 <= found <= max(depth, 0.0) + 2e-3
    if group >= 0:
        assert np.hypot(a, b) == pytest.approx(1)
        assert -sign * np.maximum(a * X - b, 0) @ force == pytest.approx(found, abs=1e-12)


@pytest.mark.parametrize("metric", ["cylinder", "polar"])
def test_the_kernel_and_the_slope_of_the_residuals(metric):
    run = session(metric)
    falls = field.derivatives(run.run, run.problem, run.work)
    (c, a, b), prob, m = run.run.z, run.problem, 9
    h, active, _ = dense.forward(a, b, c, 0.0, 1.0, prob.x)
    h = np.where(active, h, 0.0)
    jacobians = [h] if metric == "cylinder" else [active * c[:, None] * prob.x, active * -c[:, None]]
    if metric == "cylinder":
        jacobians.append(active * c[:, None] * (prob.x * b[:, None] + a[:, None]))  # d/dtheta of (a, -b) is (b, a)
    kernel = sum(j.T @ j for j in jacobians) / m**2
    root = np.sqrt(prob.weight)
    np.testing.assert_allclose(field.kernel_matrix(prob, run.work), root[:, None] * kernel * root, atol=1e-14)
    np.testing.assert_allclose(run.work.slope, -kernel @ (prob.weight * run.run.r), atol=1e-14)
    force = prob.weight * run.run.r
    assert falls == pytest.approx(force @ kernel @ force, rel=1e-12)


@pytest.mark.parametrize("metric", ["cylinder", "polar"])
def test_the_integrator_has_order_five_between_events(metric):
    far = kf.ReLUNet([1.0, -0.8, 0.6], [-2.0, -1.9, -1.7], [1.0, -1.2, 0.9], norm=3.0)  # knots far from the data
    flow, data = kf.CanonicalFlow(metric), kf.Samples(X, [0.5, -1.0, 0.7, 0.2])
    values = []
    for steps in (2, 4, 8, 128):
        run = flow.session(Trajectory.begin(flow.gauge(far), data, flow).past).integrator
        prob, dt = run.problem._replace(tol=1e-12), 1.5 / steps
        field.present_residuals(run.run, prob, run.work)
        bound = state.bind(prob, run.run, run.work)
        for _ in range(steps):
            field.derivatives(run.run, prob, run.work)
            step._first_guess(run.run, prob, dt, False, run.work)
            assert step.solve(run.run, prob, dt, False, run.work, bound) > 0
            assert step._accept(run.run, dt, run.work, bound)
        assert run.run.counts[step.EVENTS] == 0
        values.append(run.run.r.copy())
    errors = np.array([np.abs(v - values[-1]).max() for v in values[:-1]])
    orders = np.log2(errors[:-1] / errors[1:])
    assert errors[-1] > 1e-12
    assert abs(orders[-1] - 5) < 0.2, (orders, errors)
