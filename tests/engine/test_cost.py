"""How the cost of a step grows, as ratios with room to spare: a dense step would fail every one of them."""

from __future__ import annotations

import time

import numpy as np
from problems import NOTHING, Descent

from knotflow.engine import descent, moments
from knotflow.engine.descent.inspection import describe


def problem(m, s, **options) -> Descent:
    rng = np.random.default_rng(0)
    x = np.linspace(-1.0, 1.0, s)
    a, b, c = (rng.normal(size=m) for _ in range(3))
    return Descent(a, b, c, 0.0, m**0.5, x, np.sin(4 * x), np.full(s, 10.0 / s), 1e-3, **options)


def seconds_a_step(run, steps):
    best = np.inf
    for _ in range(7):
        start = time.process_time()
        run(steps)
        best = min(best, (time.process_time() - start) / steps)
    return best


def descent_cost(p, before, steps):
    state, constants = p.engine()
    descent.run(state, constants, before, -np.inf, np.inf, NOTHING, NOTHING)
    return seconds_a_step(lambda n: descent.run(state, constants, n, -np.inf, np.inf, NOTHING, NOTHING), steps)


def test_interior_neurons_cost_nothing_for_their_number():
    """Only c moves: O(s) a step. A hundredfold width would be a hundredfold cost."""
    narrow, wide = (descent_cost(problem(m, 20, train=frozenset("c")), 20_000, 4_000) for m in (500, 50_000))
    assert wide < 10 * narrow


def test_few_neurons_are_boundary_neurons_in_wide_networks():
    """A fourth of the neurons or less are near enough to a sample to be stepped."""
    state, constants = problem(20_000, 20).engine()
    descent.run(state, constants, 3_000, -np.inf, np.inf, NOTHING, NOTHING)
    assert np.count_nonzero(describe(state, constants)["boundary"]) < 0.25 * 20_000


def test_many_samples_cost_little_beside_many_neurons():
    """Momentum steps every neuron in O(1): sixteen times the samples would be sixteen times the cost."""

    def cost(s):
        p = problem(4_000, s)
        x, y, weight, _ = p.distinct
        constants = moments.problem(x, y, weight, p.norm, p.train, moments.Settings(p.lr, 0.0, 0.9), p.a.size)
        state = moments.start(p.a, p.b, p.c, p.bias, x, False)
        moments.run(state, constants, 100, -np.inf, np.inf)
        return seconds_a_step(lambda n: moments.run(state, constants, n, -np.inf, np.inf), 100)

    assert cost(256) < 4 * cost(16)
