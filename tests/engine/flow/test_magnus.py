"""The flow's propagators: closed forms, commutators, orders."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from knotflow.engine.compiled import kernel
from knotflow.engine.flow import magnus, state


@kernel
def exponential(p1, p0, turn, ta, tb, tc):
    return magnus.exponential(p1, p0, turn, ta, tb, tc)


@kernel
def propagator(end, coef, prob):
    return magnus.propagator(0.0, end, 1.0, 0, coef, (prob.ta, prob.tb, prob.tc))


def generator(q1, q0, turn, ta=1.0, tb=1.0, tc=1.0):
    return np.array([[0, turn, -ta * q1], [-turn, 0, tb * q0], [-tc * q1, tc * q0, 0]])


def a_problem(train=("a", "b", "c")):
    x = np.array([-1.0, 0.3, 1.0])
    problem = state.problem(x, np.zeros(3), np.ones(3), 1.0, frozenset(train), 1e-8, 1.0)
    return state.bind(problem, *state.start(*np.ones((3, 1)), 0.0, x))[0]


@pytest.mark.parametrize("size", [1e-9, 1e-3, 0.1, 1.0, 5.0])
def test_exponential(size):
    rng = np.random.default_rng(0)
    for _ in range(20):
        p1, p0, turn = size * rng.normal(size=3)
        out = np.array(exponential(p1, p0, turn, 1.0, 1.0, 1.0))
        truth = expm(generator(p1, p0, turn))
        np.testing.assert_allclose(out.reshape(3, 3), truth, atol=1e-13 * np.abs(truth).max())
        metric = np.diag([-1.0, -1.0, 1.0])
        scale = np.abs(out).max() ** 2
        np.testing.assert_allclose(out.reshape(3, 3).T @ metric @ out.reshape(3, 3), metric, atol=1e-14 * scale)


@pytest.mark.parametrize("mask", [(1, 1, 0), (0, 0, 1), (1, 0, 1), (0, 1, 1), (1, 0, 0)])
def test_exponential_of_what_is_trained(mask):
    out = np.array(exponential(0.7, -1.1, 0.0, *map(float, mask)))
    np.testing.assert_allclose(out.reshape(3, 3), expm(generator(0.7, -1.1, 0.0, *mask)), atol=1e-14)


def test_propagator_is_of_order_six():
    rng, prob = np.random.default_rng(1), a_problem()
    c1, c0 = rng.normal(size=(2, 3))
    powers = np.arange(3)
    errors = []
    for end in (0.5, 0.25, 0.125):

        def rate(t, z):
            return (generator(c1 @ t**powers, c0 @ t**powers, 0.0) @ z.reshape(3, 3)).ravel()

        truth = solve_ivp(rate, (0, end), np.eye(3).ravel(), method="DOP853", rtol=1e-13, atol=1e-15).y[:, -1]
        out = np.array(propagator(end, np.array([c1, c0])[:, :, None], prob))
        errors.append(np.abs(out - truth).max())
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.all(orders > 6.5), (orders, errors)  # a local error of order 7
