"""The flow's propagators and its integrator: closed forms, commutators, orders."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

import knotflow as kf
from knotflow.dynamics.gradient_flow import ParameterIntegrator
from knotflow.dynamics.trajectory import Trajectory
from knotflow.engine import flow


def generator(q1, q0, turn, ta=1.0, tb=1.0, tc=1.0):
    return np.array([[0, turn, -ta * q1], [-turn, 0, tb * q0], [-tc * q1, tc * q0, 0]])


def a_problem(train=("a", "b", "c")):
    x = np.array([-1.0, 0.3, 1.0])
    return flow.problem(x, np.zeros(3), np.ones(3), 1.0, frozenset(train), 1e-8, 1.0)


@pytest.mark.parametrize("size", [1e-9, 1e-3, 0.1, 1.0, 5.0])
def test_exponential(size):
    rng = np.random.default_rng(0)
    out = np.empty(9)
    for _ in range(20):
        p1, p0, turn = size * rng.normal(size=3)
        flow.exponential(p1, p0, turn, 1.0, 1.0, 1.0, out)
        truth = expm(generator(p1, p0, turn))
        np.testing.assert_allclose(out.reshape(3, 3), truth, atol=1e-13 * np.abs(truth).max())
        metric = np.diag([-1.0, -1.0, 1.0])
        scale = np.abs(out).max() ** 2
        np.testing.assert_allclose(out.reshape(3, 3).T @ metric @ out.reshape(3, 3), metric, atol=1e-14 * scale)


@pytest.mark.parametrize("mask", [(1, 1, 0), (0, 0, 1), (1, 0, 1), (0, 1, 1), (1, 0, 0)])
def test_exponential_of_what_is_trained(mask):
    out = np.empty(9)
    flow.exponential(0.7, -1.1, 0.0, *map(float, mask), out)
    np.testing.assert_allclose(out.reshape(3, 3), expm(generator(0.7, -1.1, 0.0, *mask)), atol=1e-14)


def test_propagator_is_of_order_six():
    rng, prob, out = np.random.default_rng(1), a_problem(), np.empty(9)
    c1, c0 = rng.normal(size=(2, 3))
    powers = np.arange(3)
    errors = []
    for end in (0.5, 0.25, 0.125):

        def rate(t, z):
            return (generator(c1 @ t**powers, c0 @ t**powers, 0.0) @ z.reshape(3, 3)).ravel()

        truth = solve_ivp(rate, (0, end), np.eye(3).ravel(), method="DOP853", rtol=1e-13, atol=1e-15).y[:, -1]
        flow.propagator(0.0, end, 1.0, c1, c0, prob, out)
        errors.append(np.abs(out - truth).max())
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.all(orders > 6.5), (orders, errors)  # a local error of order 7


def test_the_integrator_has_order_five_between_events():
    data = kf.Samples(np.linspace(-1, 1, 6), [0.5, -1.0, 0.3, 2.0, -0.7, 0.1])
    net = kf.initial.pytorch(15, np.random.default_rng(4), norm=15**0.5)
    whole = kf.evolve(net, data, kf.GradientFlow(1e-13), until=0.3, save_at=[])
    assert whole.events.size == 0
    truth = whole.final(data.distinct.x) - data.distinct.y
    errors = []
    for steps in (2, 4, 8, 16):
        start = Trajectory.begin(net, data, kf.GradientFlow(1e-13)).past
        session = ParameterIntegrator(start, 1e-13, frozenset("abc"))
        run, prob, work = session.run, session.problem, session.work
        dt = 0.3 / steps
        for _ in range(steps):
            work.nodes[:] = run.r
            flow._refresh(run, prob, work)
            assert flow.solve(run, prob, dt, True, work) > 0
            flow._end_at(run, prob, 1.0, dt, work)
            flow._move(run, prob, 0, 1.0, dt, work, *session.log)
            flow.gather(run, prob)
            flow.present_residuals(run, prob, work)
        errors.append(np.abs(run.r - truth).max())
    errors = np.array(errors)
    orders = np.log2(errors[:-1] / errors[1:])[errors[1:] > 1e-12]
    assert orders.size >= 2
    assert abs(orders[-1] - 5) < 0.2, (orders, errors)
