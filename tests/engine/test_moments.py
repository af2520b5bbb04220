"""Momentum and Adam, against loops in NumPy over dense gradients."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import NAMES, TRAINS, Descent, arc_patterns, descents

from knotflow.engine import moments
from knotflow.engine.moments.loop import BLOCK, MOST_HOPS


def engine(p: Descent, adam: bool, beta1, beta2=0.0, eps=0.0):
    x, y, weight, _ = p.distinct
    settings = moments.Settings(p.lr, p.decay, beta1, beta2, eps)
    problem = moments.problem(x, y, weight, p.norm, p.train, settings, p.a.size)
    return moments.start(p.a, p.b, p.c, p.bias, x, adam), problem


def parameters(state, m):
    return [*state.params[:, :m], state.bias[0]]


def momentum_loop(p: Descent, steps: int, mu: float):
    """v <- mu v + g, z <- z - lr v."""
    values = [p.a, p.b, p.c, np.float64(p.bias)]
    velocity = [np.zeros_like(v) for v in values]
    yield values
    for _ in range(steps):
        grads = p.gradient(values)
        on = [name in p.train for name in NAMES]
        velocity = [mu * v + g + p.decay * z for v, g, z in zip(velocity, grads, values, strict=True)]
        values = [z - p.lr * v if moves else z for z, v, moves in zip(values, velocity, on, strict=True)]
        yield values


def adam_loop(p: Descent, steps: int, beta1: float, beta2: float, eps: float):
    """Kingma & Ba 2015, algorithm 1, word for word."""
    values = [p.a, p.b, p.c, np.float64(p.bias)]
    first, second = ([np.zeros_like(v) for v in values] for _ in range(2))
    yield values
    for t in range(1, steps + 1):
        grads = [g + p.decay * z for g, z in zip(p.gradient(values), values, strict=True)]
        first = [beta1 * f + (1 - beta1) * g for f, g in zip(first, grads, strict=True)]
        second = [beta2 * s + (1 - beta2) * g**2 for s, g in zip(second, grads, strict=True)]
        values = [
            z - p.lr * (f / (1 - beta1**t)) / (np.sqrt(s / (1 - beta2**t)) + eps) if name in p.train else z
            for name, z, f, s in zip(NAMES, values, first, second, strict=True)
        ]
        yield values


def agree(p: Descent, state, problem, loop, tolerance):
    """Step by step, until a knot comes within rounding of a sample and is put on different sides of it."""
    x = p.distinct[0]
    patterns = arc_patterns(x.size)
    largest = max(1.0, np.abs(x).max())
    size = 0.0
    for t, values in enumerate(loop):
        if t:
            moments.run(state, problem, 1, -np.inf, np.inf)
        ours = parameters(state, p.a.size)
        size = max(size, *(np.abs(v).max() for v in values))
        h = np.multiply.outer(values[0], x) - values[1][:, None]
        active = np.multiply.outer(ours[0], x) - ours[1][:, None] > 0
        np.testing.assert_array_equal(patterns[state.arc[: p.a.size]], active)
        for u, v in zip(ours, values, strict=True):
            np.testing.assert_allclose(u, v, rtol=0, atol=tolerance * size)
        if (active != (h > 0)).any():
            assert np.abs(h[active != (h > 0)]).max() <= tolerance * size * largest
            return t
    return t


def lopsided(seed, m=20, n=9, **options) -> Descent:
    rng = np.random.default_rng(seed)
    x = np.sort(rng.exponential(1.0, n)) - 0.8
    x[3] = x[4]
    a, b, c = rng.normal(0.3, 1, m), rng.normal(0.2, 1, m), rng.normal(-0.1, 1, m)
    y, weight = np.sin(3 * x) + rng.normal(0, 0.3, n), rng.uniform(0.3, 2.0, n)
    return Descent(a, b, c, 0.2, m**0.5, x, y, weight, 0.02, **options)


@pytest.mark.parametrize("train", TRAINS, ids=lambda names: "+".join(sorted(names)))
@pytest.mark.parametrize("mu", [0.5, 0.95])
def test_momentum(train, mu):
    p = lopsided(0, train=train, decay=0.01)
    assert agree(p, *engine(p, False, mu), momentum_loop(p, 200, mu), 1e-13) == 200


@pytest.mark.parametrize("train", TRAINS, ids=lambda names: "+".join(sorted(names)))
@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.8, 0.95)])
def test_adam(train, betas):
    p = lopsided(1, train=train, decay=0.01)
    assert agree(p, *engine(p, True, *betas, 1e-2), adam_loop(p, 200, *betas, 1e-2), 1e-12) == 200


@given(descents(), st.sampled_from([0.1, 0.9]))
def test_momentum_on_any_problem(p, mu):
    p = p.with_lr(0.05)
    agree(p, *engine(p, False, mu), momentum_loop(p, 15, mu), 1e-11)


@given(descents())
def test_adam_on_any_problem(p):
    # An eps above the gradients' rounding: below it, Adam turns rounding into steps of its own.
    problem = Descent(**{**vars(p), "lr": 1e-2})
    agree(problem, *engine(problem, True, 0.9, 0.99, 1.0), adam_loop(problem, 15, 0.9, 0.99, 1.0), 1e-10)


def test_the_first_adam_step_is_lr_in_every_coordinate_that_has_a_gradient():
    p = lopsided(2, train=frozenset(NAMES))
    state, problem = engine(p, True, 0.9, 0.999, 1e-300)
    moments.run(state, problem, 1, -np.inf, np.inf)
    start = [p.a, p.b, p.c, p.bias]
    for before, after, g in zip(start, parameters(state, p.a.size), p.gradient([p.a, p.b, p.c, p.bias]), strict=True):
        np.testing.assert_allclose(np.subtract(after, before), -p.lr * np.sign(g), rtol=1e-12, atol=1e-16)


def test_it_stops_where_it_should():
    p = lopsided(3)
    losses = [p.loss(values) for values in momentum_loop(p, 100, 0.9)]
    state, problem = engine(p, False, 0.9)
    taken, code, loss = moments.run(state, problem, 100, losses[30] * (1 + 1e-12), np.inf)
    first = next(t for t, v in enumerate(losses) if v <= losses[30] * (1 + 1e-12))
    assert (taken, code) == (first, moments.REACHED)
    assert loss == pytest.approx(losses[first], rel=1e-12)
    state, problem = engine(p, False, 0.9)
    assert moments.run(state, problem, 100, -np.inf, np.inf)[:2] == (100, moments.DONE)
    p = p.with_lr(50.0)
    state, problem = engine(p, False, 0.9)
    taken, code, _ = moments.run(state, problem, 100, -np.inf, 1e3 * losses[0])
    assert code == moments.DIVERGED
    assert taken < 100


@pytest.mark.parametrize("adam", [False, True], ids=["momentum", "Adam"])
@pytest.mark.parametrize("m", [1, 2, 3, 4, 5, 287, 288, 289, 290, 291, BLOCK + 2, 2 * BLOCK + 5])
def test_any_number_of_neurons(m, adam):
    """Neurons left over from whole vectors and blocks, and enough of them that every lane has sums of its own."""
    p, settings = lopsided(4, m=m, train=frozenset(NAMES), decay=0.01), (0.9, 0.99, 1e-2) if adam else (0.9,)
    loop = (adam_loop if adam else momentum_loop)(p, 20, *settings)
    assert agree(p, *engine(p, adam, *settings), loop, 1e-12) == 20


def test_knots_that_pass_many_samples_in_a_step():
    """Of a vector's neurons some stay on their arc, others go up to MOST_HOPS further or beyond."""
    rng = np.random.default_rng(5)
    x = np.sort(rng.exponential(1.0, 50))
    a, b, c = rng.normal(0.3, 1, 203), rng.normal(0.2, 1, 203), rng.normal(-0.1, 3, 203)
    p = Descent(a, b, c, 0.2, 5.0, x, np.sin(3 * x), np.full(50, 0.02), 0.3)
    state, problem = engine(p, False, 0.9)
    distances = []
    for values in itertools.islice(momentum_loop(p, 5, 0.9), 1, None):
        before = state.arc[:203].astype(int)
        moments.run(state, problem, 1, -np.inf, np.inf)
        (a, b, c), arc = state.params[:, :203], state.arc[:203]
        np.testing.assert_array_equal(arc_patterns(50)[arc], np.multiply.outer(a, x) - b[:, None] > 0)
        np.testing.assert_allclose([a, b, c], values[:3], rtol=1e-11, atol=1e-11)
        distances.append(np.abs((arc - before + 50) % 100 - 50))
    hops = np.concatenate(distances)
    near = hops <= MOST_HOPS
    assert min((hops == 0).sum(), ((hops > 0) & near).sum(), (~near).sum()) > 20


@pytest.mark.parametrize("adam", [False, True], ids=["momentum", "Adam"])
def test_what_is_not_trained_stays_to_the_last_bit(adam):
    p = lopsided(6, m=23, train=frozenset("c"), decay=0.01)
    p.a[::3], p.b[::2] = -0.0, -0.0
    state, problem = engine(p, adam, 0.9, 0.99, 1e-2)
    moments.run(state, problem, 10, -np.inf, np.inf)
    assert state.params[:2, :23].tobytes() == np.stack([p.a, p.b]).tobytes()
    assert not state.first[:2].any()


def test_histories_of_dead_neurons_fade_to_zero():
    """They would become subnormal, and stay so: beta times the least number above 0 rounds to itself."""
    p = lopsided(7, m=6)
    p.a[:], p.b[:] = 0.0, 1.0
    state, problem = engine(p, False, 0.9)
    state.first[:, :6] = 1e-300
    moments.run(state, problem, 1_000, -np.inf, np.inf)
    assert not state.first.any()


@pytest.mark.parametrize("adam", [False, True], ids=["momentum", "Adam"])
@pytest.mark.parametrize("m", [1, 4, 7, 290])
def test_neurons_that_fill_up_the_last_vector_stay_at_zero(m, adam):
    p = lopsided(8, m=m, train=frozenset(NAMES), decay=0.01)
    state, problem = engine(p, adam, 0.9, 0.99, 1e-2)
    moments.run(state, problem, 50, -np.inf, np.inf)
    assert state.arc.size == 4 * -(-m // 4)
    assert not any(part[:, m:].any() for part in (state.params, state.first, state.second, state.arc[None]))


def test_a_trimmed_state_goes_on_to_the_same_bits():
    p = lopsided(9, m=23, train=frozenset(NAMES))
    whole, problem = engine(p, True, 0.9, 0.99, 1e-2)
    moments.run(whole, problem, 7, -np.inf, np.inf)
    again = moments.padded(moments.trimmed(whole, 23))
    for state in (whole, again):
        moments.run(state, problem, 7, -np.inf, np.inf)
    assert all(one.tobytes() == other.tobytes() for one, other in zip(whole, again, strict=True))
