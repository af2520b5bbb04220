"""Minibatches: epochs without replacement, and SGD against loops in NumPy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import knotflow as kf
from helpers.step_cases import NAMES, data, net
from knotflow.engine import dense


def sgd_loop(start, samples, lr, train, batches):
    """n / |B| times the gradient of the batch's samples, each with its own weight and y."""
    values = [start.a, start.b, start.c, np.float64(start.bias)]
    for picks in batches:
        x, y, w = (v[picks] for v in (samples.x, samples.y, samples.weights))
        grads = dense.gradient(*values, start.norm, x, y, w * (len(samples) / len(picks)))
        values = [v - lr * g if name in train else v for name, v, g in zip(NAMES, values, grads, strict=True)]
    return values


def picks_of(dynamics, n, steps):
    """Which samples each step uses, read off from what the steps do.

    Only the bias moves, f = bias and y_k = 2^k. A step with the batch B moves it by -lr n/|B| sum_B (bias - 2^k).
    """
    y = 2.0 ** np.arange(n)
    samples = kf.Samples(np.arange(n), y)
    dead = kf.ReLUNet([1.0], [1e6], [1.0])
    lr = 1e-3
    spy = kf.SGD(lr, dynamics.batch, dynamics.rng, train={"bias"})
    bias = kf.evolve(dead, samples, spy, steps=steps, save_every=1).bias
    found = []
    for t in range(steps):
        left = n - (t % -(-n // dynamics.batch)) * dynamics.batch
        size = min(dynamics.batch, left)
        total = (bias[t + 1] - bias[t]) / lr * size / n + size * bias[t]
        code = round(total)
        assert total == pytest.approx(code, abs=1e-6)
        found.append([k for k in range(n) if code >> k & 1])
        assert len(found[-1]) == size
    return found


@pytest.mark.parametrize(("n", "batch"), [(8, 1), (8, 4), (10, 3), (7, 6), (5, 5)])
def test_batches_are_epochs_without_replacement(n, batch):
    per_epoch = -(-n // batch)
    picks = picks_of(kf.SGD(0.1, batch, rng=11), n, 6 * per_epoch)
    epochs = [picks[k : k + per_epoch] for k in range(0, len(picks), per_epoch)]
    for epoch in epochs:
        assert sorted(itertools.chain(*epoch)) == list(range(n))
    if batch < n:
        assert len({tuple(map(tuple, epoch)) for epoch in epochs}) > 1  # shuffled for each


@pytest.mark.parametrize("train", [{"a", "b", "c"}, {"b", "bias"}], ids=lambda t: "+".join(sorted(t)))
@pytest.mark.parametrize("batch", [1, 5, 12])
def test_sgd_takes_minibatch_gradient_steps(batch, train):
    samples, dynamics = data(), kf.SGD(2e-3, batch, rng=4, train=train)
    traj = kf.evolve(net(), samples, dynamics, steps=150)
    expected = sgd_loop(net(), samples, 2e-3, train, picks_of(dynamics, 12, 150))
    for name, value in zip(NAMES, expected, strict=True):
        np.testing.assert_allclose(getattr(traj.final, name), value, rtol=1e-11, atol=1e-12, err_msg=name)


def test_the_mean_step_is_that_of_gradient_descent():
    """Over all the equally likely first batches, exactly."""
    samples, start = data(6), net()
    steps = {}
    for seed in range(120):
        dynamics = kf.SGD(1e-2, 2, rng=seed)
        first = tuple(picks_of(dynamics, 6, 1)[0])
        steps[first] = kf.evolve(start, samples, dynamics, steps=1).final
    assert set(steps) == set(itertools.combinations(range(6), 2))
    whole = kf.evolve(start, samples, kf.GradientDescent(1e-2), steps=1).final
    for name in ("a", "b", "c"):
        mean = np.mean([getattr(step, name) for step in steps.values()], axis=0)
        np.testing.assert_allclose(mean, getattr(whole, name), rtol=1e-13, atol=1e-14)


def test_a_batch_of_all_samples_is_gradient_descent():
    one = kf.evolve(net(), data(), kf.SGD(0.02, 12), steps=300)
    other = kf.evolve(net(), data(), kf.GradientDescent(0.02), steps=300)
    for name in ("a", "b", "c"):
        np.testing.assert_allclose(getattr(one.final, name), getattr(other.final, name), rtol=1e-11, atol=1e-12)


def test_sgd_starts_from_the_generator_as_it_was_given():
    rng = np.random.default_rng(8)
    dynamics = kf.SGD(0.01, 3, rng=rng)
    before = rng.bit_generator.state
    runs = [kf.evolve(net(), data(), dynamics, steps=40).final.a for _ in range(2)]
    assert rng.bit_generator.state == before
    rng.random(100)
    runs.append(kf.evolve(net(), data(), dynamics, steps=40).final.a)
    runs.append(kf.evolve(net(), data(), kf.SGD(0.01, 3, rng=8), steps=40).final.a)
    for other in runs[1:]:
        np.testing.assert_array_equal(runs[0], other)
    assert np.any(kf.evolve(net(), data(), kf.SGD(0.01, 3, rng=9), steps=40).final.a != runs[0])


def test_a_batch_larger_than_the_data_is_refused():
    with pytest.raises(kf.InputError, match=r"batch is 13: it must be at most the number of samples, 12"):
        kf.evolve(net(), data(), kf.SGD(0.01, 13), steps=1)
