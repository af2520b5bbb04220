"""One particle in a step and the sums over all of them, against SciPy, brute force and finite differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

import knotflow as kf
from knotflow.dynamics.trajectory import Trajectory
from knotflow.engine import dense, particle, particles, rules

X = np.array([-0.9, -0.2, 0.1, 0.8])
numbers = st.floats(-2, 2).map(lambda v: round(v, 3))


def problem(metric: int = rules.CYLINDER, lam: float = 0.0, tol: float = 1e-11):
    return particles.problem(X, np.zeros(4), np.ones(4), metric, lam, 1.0, 0.0, tol, 1.0)


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
    when = rules._rises(c0, c1, c2, start, level)
    t = np.linspace(start, 1, 2001)
    above = c0 + t * (c1 + t * c2) > level
    if not above.any():
        assert when >= 1 - 1e-9 or abs(c0 + when * (c1 + when * c2) - level) < 1e-5  # a peak between two points
    else:
        first = t[np.argmax(above)]
        assert when <= first
        assert not above[t < when - 1e-12].any()
        assert start <= when


@pytest.mark.parametrize("metric", [rules.CYLINDER, rules.PLANE])
@pytest.mark.parametrize("lam", [0.0, 0.2])
def test_a_free_particle_follows_scipy(metric, lam):
    prob, rng = problem(metric, lam), np.random.default_rng(3)
    coefs = np.zeros((17, 2, 3))
    coefs[:] = 0.3 * rng.normal(size=(2, 3))  # the same on all arcs, so that crossing rays changes nothing
    coefs[:, :, 0] += 0.4
    _, work = particles.start(*np.ones((4, 1)), X)
    z0 = np.array([1.0, np.cos(0.4), -np.sin(0.4)]) * (1 if metric == rules.CYLINDER else [1, 1.5, 1.5])
    out = np.zeros(3)

    def rate(t, z):
        q1, q0 = coefs[0] @ [1, t, t**2]
        particle.velocity(q1, q0, np.sign(z[0]), z, prob, out)
        return out.copy()

    truth = solve_ivp(rate, (0, 1), z0, method="DOP853", rtol=1e-12, atol=1e-13).y[:, -1]
    work.path.value[:] = z0
    particle.carry(0, 3, 1.0, 1.0, coefs, prob, work.path, work.events, work.sums)
    np.testing.assert_allclose(work.path.value, truth, atol=1e-11)


@given(st.integers(0, 200), st.sampled_from([1.0, -1.0]))
def test_the_deepest_direction_is_the_deepest_of_a_fine_grid(seed, sign):
    prob, coefs = problem(), np.zeros((17, 2, 3))
    particles.drives(np.repeat(np.random.default_rng(seed).normal(size=(1, 4)), 3, axis=0), prob, coefs)
    theta = np.linspace(0, 2 * np.pi, 40_001)
    force = np.random.default_rng(seed).normal(size=4)
    h = np.maximum(np.outer(np.cos(theta), X) + np.sin(theta)[:, None], 0)
    depth = (-sign * h @ force).max()
    found, group, a, b = rules.deepest(sign, 0.0, coefs, prob)
    assert max(depth, 0.0) - 1e-12 <= found <= max(depth, 0.0) + 2e-3
    if group >= 0:
        assert np.hypot(a, b) == pytest.approx(1)
        assert -sign * np.maximum(a * X - b, 0) @ force == pytest.approx(found, abs=1e-12)


@pytest.mark.parametrize("metric", ["cylinder", "polar"])
def test_the_kernel_and_the_slope_of_the_residuals(metric):
    run = session(metric)
    falls = particles.look(run.run, run.problem, run.work)
    (c, a, b), prob, m = run.run.z, run.problem, 9
    h, active, _ = dense.forward(a, b, c, 0.0, 1.0, prob.x)
    h = np.where(active, h, 0.0)
    jacobians = [h] if metric == "cylinder" else [active * c[:, None] * prob.x, active * -c[:, None]]
    if metric == "cylinder":
        jacobians.append(active * c[:, None] * (prob.x * b[:, None] + a[:, None]))  # d/dtheta of (a, -b) is (b, a)
    kernel = sum(j.T @ j for j in jacobians) / m**2
    root = np.sqrt(prob.weight)
    np.testing.assert_allclose(particles.kernel_matrix(prob, run.work), root[:, None] * kernel * root, atol=1e-14)
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
        particles.present_residuals(run.run, prob, run.work)
        for _ in range(steps):
            particles.look(run.run, prob, run.work)
            particles._first_guess(run.run, prob, dt, False, run.work)
            assert particles.solve(run.run, prob, dt, False, run.work) > 0
            assert particles._accept(run.run, prob, dt, run.work)
        assert run.run.counts[particles.EVENTS] == 0
        values.append(run.run.r.copy())
    errors = np.array([np.abs(v - values[-1]).max() for v in values[:-1]])
    orders = np.log2(errors[:-1] / errors[1:])
    assert errors[-1] > 1e-12
    assert abs(orders[-1] - 5) < 0.2, (orders, errors)
