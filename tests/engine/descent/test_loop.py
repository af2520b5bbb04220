"""Descent with interior and boundary neurons against dense gradient descent, and the invariants that it rests on.

Rounding makes the two differ by about 1e-16 of the sums that go into them. A difference that small can decide on which
side of a sample a knot lies, after which two runs rightly part. So each comparison follows the activity patterns too:
while they agree, the parameters must; where they first differ, the knot must have been within rounding of the sample.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import NOTHING, TRAINS, Descent, descents, materialised

from knotflow.engine import dense, descent
from knotflow.engine.descent.inspection import check, describe, rebuild_for
from knotflow.engine.descent.rebuild import LEAST_INTERIOR

ROUNDING = 1e-13


def advance(state, problem, steps=1, batch=None):
    picks, ends = (NOTHING, NOTHING) if batch is None else (batch, np.array([0, batch.size]))
    taken, _, _ = descent.run(state, problem, steps, -np.inf, np.inf, picks, ends)
    assert taken == steps


def preactivations(values, x):
    return np.multiply.outer(values[0], x) - values[1][:, None]


def count(state, problem, kind):
    return np.count_nonzero(describe(state, problem)[kind])


def with_interior(state, problem, interval):
    """If no neuron is interior, rebuild for neurons that are likely to stay on their arcs for ``interval`` steps.

    Stepping is cheap: in small networks interior neurons rarely pay, but they must be right all the same.
    """
    if count(state, problem, "interior") == 0:
        rebuild_for(state, problem, interval)


def assert_consistent(state, problem):
    """Every neuron is where the engine believes it to be, and the stores are within bounds."""
    assert check(state, problem) == []


class Scale:
    """What a relative rounding of every term would amount to in a, b, c and the bias, accumulated over steps."""

    def __init__(self, p, values):
        self.p, self.scale = p, [np.abs(v) for v in values]
        self.x, self.y, self.weight, _ = p.distinct

    def add(self, values, batch=None):
        a, b, c, bias = (np.abs(v) for v in values)
        f = bias + c @ (np.multiply.outer(a, np.abs(self.x)) + b[:, None]) / self.p.norm
        r = self.weight * (f + np.abs(self.y))
        if batch is not None:
            r = np.full(r.size, (self.p.sample_x.size / batch.size) * r.max())
        q0, q1 = r.sum() / self.p.norm, r @ np.abs(self.x) / self.p.norm
        for k, (v, g) in enumerate(zip((a, b, c, bias), (c * q1, c * q0, a * q1 + b * q0, r.sum()), strict=True)):
            self.scale[k] = np.maximum(self.scale[k], v) + self.p.lr * g

    def worst(self, ours, theirs):
        return max(np.max(np.abs(u - v) / (z + 1e-300)) for u, v, z in zip(ours, theirs, self.scale, strict=True))

    def of_h(self):
        return np.multiply.outer(self.scale[0], np.abs(self.x)) + self.scale[1][:, None]


def follow(p: Descent, steps: int, batches=None) -> tuple[int, bool]:
    """Compare step by step; (steps until the runs rightly part or lr is unstable, whether any neuron was interior)."""
    state, problem = p.engine(minibatches=batches is not None)
    x = p.distinct[0]
    had_interior = False
    values = next(p.dense(0))
    scale = Scale(p, values)
    for t, theirs in enumerate(p.dense(steps, batches)):
        if t:
            batch = batches[t - 1] if batches else None
            if p.lr > 1.0001 * p.bound(values):
                return t, had_interior  # beyond the stability bound rounding grows like everything else
            with_interior(state, problem, 1 + t % 9)
            advance(state, problem, 1, batch)
            scale.add(values, batch)
        values = theirs
        had_interior = had_interior or count(state, problem, "interior") > 0
        assert_consistent(state, problem)
        ours = materialised(state)
        assert scale.worst(ours, values) < ROUNDING
        h = preactivations(values, x)
        differ = (preactivations(ours, x) > 0) != (h > 0)
        if differ.any():
            assert np.all(np.abs(h[differ]) <= ROUNDING * scale.of_h()[differ])
            return t, had_interior
    return steps, had_interior


@given(descents())
def test_any_descent_is_dense_descent(p):
    follow(p, 25)


@given(descents())
def test_any_descent_with_interior_neurons_is_dense_descent(p):
    follow(p.repeated(), 40)


@given(descents(), st.integers(1, 15), st.integers(0, 2**32 - 1))
def test_any_minibatch_descent_is_dense_descent(p, size, seed):
    rng, n = np.random.default_rng(seed), p.sample_x.size
    batches = [rng.choice(n, min(size, n), replace=False) for _ in range(30)]
    follow(p.repeated().with_lr(0.1), 30, batches)


def lopsided(seed, m=24, n=9, **options) -> Descent:
    rng = np.random.default_rng(seed)
    x = np.sort(rng.exponential(1.0, n)) - 0.8
    a, b, c = rng.normal(0.3, 1, m), rng.normal(0.2, 1, m), rng.normal(-0.1, 1, m)
    y, weight = np.sin(3 * x) + rng.normal(0, 0.3, n), rng.uniform(0.3, 2.0, n)
    return Descent(a, b, c, 0.2, m**0.5, x, y, weight, 1.0, **options)


@pytest.mark.parametrize("train", TRAINS, ids=lambda names: "+".join(sorted(names)))
@pytest.mark.parametrize("decay", [0.0, 0.01])
def test_ordinary_descents_with_interior_neurons_are_followed_to_the_end(train, decay):
    """The honest exits of ``follow`` are rare: ordinary problems run their whole course."""
    p = lopsided(3, train=train, decay=decay).repeated().with_lr(0.4)
    assert follow(p, 300) == (300, True)


def relative_error(ours, theirs):
    return max(np.max(np.abs(u - v)) / max(np.max(np.abs(v)), 1e-300) for u, v in zip(ours, theirs, strict=True))


def run_both(p, steps):
    state, problem = p.engine()
    for _ in range(steps // 10):
        with_interior(state, problem, 16)
        advance(state, problem, 10)
    theirs = dense.descend((p.a, p.b, p.c, p.bias), p.norm, p.distinct[:3], p.lr, steps, p.train, p.decay)
    assert_consistent(state, problem)
    return state, problem, materialised(state), theirs


def mostly_interior(state, problem):
    return count(state, problem, "interior") > 0.2 * materialised(state)[0].size


@pytest.mark.parametrize("decay", [0.0, 1e-3])
@pytest.mark.parametrize("n", [30, 32])
def test_wide_networks_have_interior_neurons_and_agree(n, decay):
    p = lopsided(1, m=2000, n=n, decay=decay).with_lr(0.3)
    state, problem, ours, theirs = run_both(p, 400)
    assert mostly_interior(state, problem)
    assert relative_error(ours, theirs) < 1e-12


def with_delta(p: Descent, delta: float) -> Descent:
    """The same function with c^2 - a^2 - b^2 = delta for every neuron."""
    w2, c2 = p.a**2 + p.b**2, p.c**2
    # k^2 w2 and c2 / k^2 differ by delta: solve for k^2 without cancellation.
    root = np.sqrt(delta**2 + 4 * w2 * c2)
    k = np.sqrt((root - delta) / (2 * w2) if delta < 0 else 2 * c2 / (root + delta))
    return Descent(**{**vars(p), "a": k * p.a, "b": k * p.b, "c": p.c / k})


@pytest.mark.parametrize("delta", [-1e6, -1e2, 1e2, 1e4])
def test_kernel_and_adaptive_regimes(delta):
    p = with_delta(lopsided(2, m=600, n=15), delta).with_lr(0.5)
    np.testing.assert_allclose(p.c**2 - p.a**2 - p.b**2, delta, rtol=1e-9)
    state, problem, ours, theirs = run_both(p, 300)
    assert count(state, problem, "interior") > 0
    assert relative_error(ours, theirs) < 1e-11
    assert p.loss(ours) < 0.5 * p.loss([p.a, p.b, p.c, p.bias])


def test_a_frozen_network_has_no_boundary_neurons_on_arcs_with_many():
    """delta = -infinity: with c alone trained no knot moves, so only neurons on arcs with few of them are stepped."""
    p = lopsided(4, m=1000, n=20, train=frozenset("c")).with_lr(0.9)
    state, problem = p.engine()
    advance(state, problem, 200)
    few = np.bincount(describe(state, problem)["arc"], minlength=40)
    assert count(state, problem, "boundary") == few[few < LEAST_INTERIOR].sum() < 50
    np.testing.assert_array_equal(materialised(state)[0], p.a)
    np.testing.assert_array_equal(materialised(state)[1], p.b)


def test_large_sums_on_arcs_without_neurons_are_harmless():
    """On arcs without neurons the propagator would grow for ever: 0 times its overflow must not reach the loss."""
    everyone_dead = Descent(
        np.ones(300), np.full(300, 9.0), np.ones(300), 0.0, 1.0,
        np.array([0.0, 1.0, 2.0]), np.array([1e3, -1e3, 3e3]), np.ones(3), 0.1,
    )  # fmt: skip
    state, problem = everyone_dead.engine()
    assert descent.run(state, problem, 100_000, -np.inf, np.inf, NOTHING, NOTHING) == (100_000, descent.DONE, 5.5e6)
    assert count(state, problem, "boundary") == 0


def test_a_sample_that_no_neuron_reaches_makes_no_boundary_neurons():
    """Its residual stays, and with it the sums of arcs without neurons; all else has come to rest."""
    rng, m = np.random.default_rng(0), 400
    a = rng.uniform(0.5, 1.0, m)
    x, y = np.array([-3.0, 0.0, 1.0]), np.array([5e3, 1.0, 2.0])
    p = Descent(a, a * rng.uniform(-2, -0.5, m), rng.normal(size=m), 0.0, m**0.5, x, y, np.ones(3), 1.0).with_lr(0.5)
    state, problem = p.engine()
    advance(state, problem, 20_000)
    assert count(state, problem, "boundary") < 0.1 * m
    assert p.loss(materialised(state)) == pytest.approx(1.25e7, rel=1e-12)


def test_a_million_steps_of_a_linear_problem_end_where_linear_algebra_says():
    """c alone: r_T = (1 - lr K W)^T r_0, in closed form."""
    p = lopsided(5, m=300, n=8, train=frozenset("c")).with_lr(0.5)
    steps = 1_000_000
    state, problem = p.engine()
    advance(state, problem, steps)
    x, y, weight, _ = p.distinct
    root = np.sqrt(weight)
    kernel = dense.tangent_kernel(p.a, p.b, p.c, p.norm, x, p.train)
    values, vectors = np.linalg.eigh(root[:, None] * kernel * root)
    start = root * (dense.forward(p.a, p.b, p.c, p.bias, p.norm, x)[2] - y)
    expected = vectors @ ((1 - p.lr * values) ** steps * (vectors.T @ start)) / root
    got = dense.forward(*materialised(state), p.norm, x)[2] - y
    np.testing.assert_allclose(got, expected, atol=1e-10 * np.abs(start).max())
    assert 1e-6 < np.abs(expected).max() < 0.1 * np.abs(start).max()  # neither begun nor done: the test sees both


def test_a_converged_run_stays_where_it_is_for_a_million_steps():
    p = lopsided(7, m=200, n=3).with_lr(0.4)
    state, problem = p.engine()
    advance(state, problem, 100_000)
    before = materialised(state)
    assert p.loss(before) < 1e-25
    advance(state, problem, 1_000_000)
    assert relative_error(materialised(state), before) < 1e-12
    assert mostly_interior(state, problem)
    assert_consistent(state, problem)


@pytest.mark.parametrize(
    ("options", "share", "batch"),
    [
        ({}, 0.05, None),
        ({}, 0.9, None),
        ({"decay": 0.05}, 0.5, None),
        ({"train": frozenset(("b", "c", "bias"))}, 0.5, None),
        ({"train": frozenset("ab"), "decay": 1e-3}, 0.3, None),
        ({}, 0.05, 3),
        ({"train": frozenset("a"), "decay": 0.01}, 0.2, 1),
        ({"train": frozenset("abc"), "decay": 0.01}, 0.1, 4),
    ],
)
def test_no_interior_neuron_ever_crosses(options, share, batch):
    """Long runs of wide networks, looked at after every step."""
    p = lopsided(len(options), m=300, n=10, **options).with_lr(share)
    rng, (state, problem), interior = np.random.default_rng(0), p.engine(minibatches=batch is not None), 0
    for _ in range(1000):
        with_interior(state, problem, 16)
        advance(state, problem, 1, batch and rng.choice(10, batch, replace=False))
        assert_consistent(state, problem)
        interior += count(state, problem, "interior")
    assert interior > 0.15 * 1000 * 300


@pytest.mark.parametrize("mirror", [1.0, -1.0])
@pytest.mark.parametrize("decay", [0.0, 0.5])
def test_the_border_that_moves_is_watched(decay, mirror):
    """Samples at 0 and 1, only a moves: h = -b at 0 stands still. At 1 it falls for all, one after the other.

    By the gradient for neurons active on both samples, by weight decay for those active at 1 alone.
    """
    rng, m = np.random.default_rng(1), 300
    b = rng.uniform(0.2, 0.6, m) * (1.0 if decay else -1.0)
    a, c = b + rng.uniform(0.0, 1.0, m), np.full(m, 0.0 if decay else 0.01)
    x, y = np.sort([0.0, mirror]), np.full(2, 0.0 if decay else -1e3)
    p = Descent(mirror * a, b, c, 0.0, m, x, y, np.ones(2), 0.002 if decay else 0.015, frozenset("a"), decay)
    state, problem = p.engine()
    before, interior = describe(state, problem)["arc"], 0
    for _ in range(2000):
        with_interior(state, problem, 64)
        advance(state, problem)
        assert_consistent(state, problem)
        interior += count(state, problem, "interior")
    assert np.count_nonzero(describe(state, problem)["arc"] != before) > 0.5 * m
    assert interior > 0.15 * 2000 * m


@pytest.mark.parametrize("mirror", [1.0, -1.0])
def test_neurons_that_start_at_rest_are_watched(mirror):
    """c = 0: at first only c moves, then a and b with the square of time, under sums that hardly change.

    The residuals make sum r = sum r x, so that the engine's estimate of the motion across -2 is nearly sharp.
    """
    rng, m, large = np.random.default_rng(2), 1500, 1e4
    x, r = np.array([-2.0, -0.01]), np.linalg.solve([[1.0, 1.0], [-2.0, -0.01]], [large, large])
    order = slice(None, None, int(mirror))
    a = rng.uniform(0.1, 1.0, m)
    b = -2.0 * a - rng.uniform(0.0, 1.5, m)
    mirrored_x, mirrored_y = (np.array(v[order]) for v in (mirror * x, -r))
    p = Descent(
        mirror * a, b, np.zeros(m), 0.0, 1e3 * m, mirrored_x, mirrored_y, np.ones(2), 2e-3 * 1e3 * m / large
    )  # fmt: skip
    state, problem = p.engine()
    before, interior = describe(state, problem)["arc"], 0
    for _ in range(800):
        advance(state, problem)
        assert_consistent(state, problem)
        interior += count(state, problem, "interior")
    assert np.count_nonzero(describe(state, problem)["arc"] != before) > 0.3 * m
    assert interior > 0.15 * 800 * m


@pytest.mark.parametrize(("n", "seed", "share"), [(4, 6, 0.4), (5, 7, 1.0), (6, 6, 1.0)])
def test_knots_that_chatter_across_samples_are_followed(n, seed, share):
    """Knots stuck to samples hop across them thousands of times: each hop has to be taken at the same step."""
    p = lopsided(seed, m=200, n=n).with_lr(share)
    x, hops, active = p.distinct[0], 0, None
    for theirs in p.dense(4000):
        before, active = active, preactivations(theirs, x) > 0
        hops += 0 if before is None else np.count_nonzero(before != active)
    state, problem = p.engine()
    had_interior = False
    for _ in range(400):
        with_interior(state, problem, 8)
        had_interior |= count(state, problem, "interior") > 0
        advance(state, problem, 10)
    assert hops > 5000
    assert had_interior
    assert relative_error(materialised(state), theirs) < 1e-12


@pytest.mark.parametrize("copies", [1, 20])
def test_looking_changes_nothing(copies):
    """One call of n steps, n calls of one step, reading the parameters in between: the same to the last bit."""
    p = lopsided(8).repeated(copies).with_lr(0.5)
    whole, problem = p.engine()
    advance(whole, problem, 777)
    parts, problem = p.engine()
    for _ in range(7):
        for steps in (100, 10, 0, 1):
            advance(parts, problem, steps)
            materialised(parts)
    for steps in (0, 100):
        for state in (whole, parts):
            advance(state, problem, steps)
        for ours, theirs in zip(materialised(whole), materialised(parts), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_each_step_changes_delta_by_the_squared_gradient():
    """c^2 - a^2 - b^2 grows by lr^2 [(dL/dc)^2 - (dL/da)^2 - (dL/db)^2] a step: the first-order terms cancel."""
    p = lopsided(9, m=1500, n=20).with_lr(0.8)
    state, problem = p.engine()
    for _ in range(50):
        with_interior(state, problem, 8)
        old = materialised(state)
        ga, gb, gc, _ = p.gradient(old)
        advance(state, problem)
        new = materialised(state)
        change = (new[2] ** 2 - new[0] ** 2 - new[1] ** 2) - (old[2] ** 2 - old[0] ** 2 - old[1] ** 2)
        size = old[0] ** 2 + old[1] ** 2 + old[2] ** 2
        np.testing.assert_array_less(np.abs(change - p.lr**2 * (gc**2 - ga**2 - gb**2)), 1e-14 * size + 1e-16)
    assert mostly_interior(state, problem)


def final(p, steps=200):
    state, problem = p.engine()
    advance(state, problem, steps)
    return materialised(state)


def test_reflection():
    p = lopsided(10).repeated().with_lr(0.3)
    flipped = {name: np.array(getattr(p, name)[::-1]) for name in ("sample_x", "sample_y", "sample_weight")}
    mirrored = Descent(**{**vars(p), **flipped, "a": -p.a, "sample_x": -flipped["sample_x"]})
    a, b, c, bias = final(mirrored)
    assert relative_error([-a, b, c, bias], final(p)) < 1e-12


def test_permutation_of_neurons():
    p = lopsided(11).repeated().with_lr(0.3)
    order = np.random.default_rng(0).permutation(p.a.size)
    shuffled = Descent(**{**vars(p), "a": p.a[order], "b": p.b[order], "c": p.c[order]})
    expected = [*(v[order] for v in final(p)[:3]), final(p)[3]]
    assert relative_error(final(shuffled), expected) < 1e-12


def test_loss_stops_and_divergence():
    p = lopsided(12).with_lr(0.3)
    losses = [p.loss(values) for values in p.dense(50)]
    target = losses[20]
    state, problem = p.engine()
    taken, code, loss = descent.run(state, problem, 50, target * (1 + 1e-12), np.inf, NOTHING, NOTHING)
    assert (taken, code) == (next(t for t, v in enumerate(losses) if v <= target * (1 + 1e-12)), descent.REACHED)
    assert loss == pytest.approx(target, rel=1e-12)
    state, problem = p.with_lr(40.0).engine()
    taken, code, loss = descent.run(state, problem, 50, -np.inf, 100 * losses[0], NOTHING, NOTHING)
    assert code == descent.DIVERGED
    assert taken < 50
    assert not loss <= 100 * losses[0]


@pytest.mark.parametrize("speed", [0.003, 0.02, 0.3, 2.5])
def test_knots_that_travel_together_find_capacity_everywhere(speed):
    """All knots move right together, past thirty samples and then all of them: buckets overflow, others are
    added, and at the highest speed nearly every neuron leaves its border at every step.

    x = j, and only b moves, by lr c sum r / norm = c speed: the one sample that all are active at has all the weight.
    """
    rng, m, n = np.random.default_rng(4), 3000, 30
    x = np.append(np.arange(n, dtype=float), 1e3)
    weight = np.append(np.full(n, 1e-30), 1.0)
    start = rng.uniform(-2.0, 0.0, m)
    p = Descent(np.ones(m), start, np.ones(m), 0.0, 1e12, x, np.full(n + 1, -1e12), weight, speed, frozenset("b"))
    steps = int(31 / speed)
    state, problem = p.engine()
    arcs_seen = set()
    for _ in range(10):
        advance(state, problem, steps // 10)
        assert_consistent(state, problem)
        arcs_seen |= set(describe(state, problem)["arc"].tolist())
    np.testing.assert_allclose(materialised(state)[1], start + steps // 10 * 10 * speed, rtol=0, atol=1e-6)
    assert len(arcs_seen) > 8
