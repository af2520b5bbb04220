"""The ways to move: their settings, their steps against loops in NumPy, minibatches, and their stability bounds."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

import knotflow as kf
from knotflow.dynamics import archive, registry
from knotflow.engine import dense

NAMES = ("a", "b", "c", "bias")


def data(n=12, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.exponential(0.8, n) - 0.7
    x[2] = x[5]
    return kf.Samples(x, np.cos(2 * x) + rng.normal(0.3, 0.4, n), rng.uniform(0.3, 2.0, n))


def net(m=30, seed=1):
    rng = np.random.default_rng(seed)
    return kf.ReLUNet(rng.normal(0.2, 1, m), rng.normal(0.1, 1, m), rng.normal(-0.1, 1, m), norm=m**0.5, bias=0.2)


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


# -- minibatches ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "batch"), [(8, 1), (8, 4), (10, 3), (7, 6), (5, 5)])
def test_batches_are_epochs_without_replacement(n, batch):
    per_epoch = -(-n // batch)
    picks = picks_of(kf.SGD(0.1, batch, rng=11), n, 6 * per_epoch)
    epochs = [picks[k : k + per_epoch] for k in range(0, len(picks), per_epoch)]
    for epoch in epochs:
        assert sorted(itertools.chain(*epoch)) == list(range(n))
    if batch < n:
        assert len({tuple(map(tuple, epoch)) for epoch in epochs}) > 1  # shuffled anew


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


# -- momentum and Adam ------------------------------------------------------------------------------------------------


def full_gradient(values, start, samples):
    return dense.gradient(*values, start.norm, samples.x, samples.y, samples.weights)


@pytest.mark.parametrize("options", [{"momentum": 0.9}, {"momentum": 0.5, "weight_decay": 0.1}, {"weight_decay": 0.1}])
@pytest.mark.parametrize("train", [{"a", "b", "c"}, {"c", "bias"}], ids=lambda t: "+".join(sorted(t)))
def test_momentum_and_weight_decay(options, train):
    start, samples, lr = net(), data(), 0.01
    mu, decay = options.get("momentum", 0.0), options.get("weight_decay", 0.0)
    values = [start.a, start.b, start.c, np.float64(start.bias)]
    velocity = [0.0] * 4
    for _ in range(200):
        grads = full_gradient(values, start, samples)
        velocity = [mu * v + g + decay * z for v, g, z in zip(velocity, grads, values, strict=True)]
        values = [z - lr * v if n in train else z for n, z, v in zip(NAMES, values, velocity, strict=True)]
    traj = kf.evolve(start, samples, kf.GradientDescent(lr, train=train, **options), steps=200)
    for name, value in zip(NAMES, values, strict=True):
        np.testing.assert_allclose(getattr(traj.final, name), value, rtol=1e-11, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("train", [{"a", "b", "c"}, {"c", "bias"}], ids=lambda t: "+".join(sorted(t)))
def test_adam(train):
    start, samples, lr, beta1, beta2, eps = net(), data(), 0.003, 0.85, 0.99, 1e-4
    values = [start.a, start.b, start.c, np.float64(start.bias)]
    first, second = [0.0] * 4, [0.0] * 4
    for t in range(1, 201):
        grads = full_gradient(values, start, samples)
        first = [beta1 * f + (1 - beta1) * g for f, g in zip(first, grads, strict=True)]
        second = [beta2 * s + (1 - beta2) * g * g for s, g in zip(second, grads, strict=True)]
        moves = [f / (1 - beta1**t) / (np.sqrt(s / (1 - beta2**t)) + eps) for f, s in zip(first, second, strict=True)]
        values = [z - lr * v if n in train else z for n, z, v in zip(NAMES, values, moves, strict=True)]
    traj = kf.evolve(start, samples, kf.Adam(lr, betas=(beta1, beta2), eps=eps, train=train), steps=200)
    for name, value in zip(NAMES, values, strict=True):
        np.testing.assert_allclose(getattr(traj.final, name), value, rtol=1e-10, atol=1e-11, err_msg=name)


# -- stability bounds -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options", [{}, {"momentum": 0.5}, {"momentum": 0.9}, {"weight_decay": 3.0}, {"momentum": 0.7, "weight_decay": 3.0}]
)
def test_the_bound_is_where_a_linear_problem_begins_to_diverge(options):
    """With c alone trained the loss is quadratic: just below the bound it falls, just above it explodes."""
    start, samples = net(), data()
    limit = kf.GradientDescent(1.0, train={"c"}, **options).stability_limit(kf.stability_limit(start, samples, {"c"}))
    below = kf.GradientDescent(0.98 * limit, train={"c"}, **options)
    traj = kf.evolve(start, samples, below, steps=3000)
    assert traj.status == "finished"
    assert traj.loss[-1] < traj.loss[0]
    above = kf.GradientDescent(1.02 * limit, train={"c"}, **options)
    with pytest.warns(kf.StabilityWarning), pytest.warns(kf.DivergenceWarning):
        traj = kf.evolve(start, samples, above, steps=3000)
    assert traj.status == "diverged"


def test_bounds_of_the_methods():
    assert kf.GradientDescent(1.0, momentum=0.5, weight_decay=2.0).stability_limit(0.1) == pytest.approx(3.0 / 22.0)
    assert kf.GradientDescent(1.0).stability_limit(np.inf) == np.inf
    assert kf.GradientDescent(1.0, weight_decay=4.0).stability_limit(np.inf) == 0.5
    assert kf.SGD(1.0, 1).stability_limit(0.1) == 0.1
    assert kf.Adam().stability_limit(0.1) == np.inf


# -- settings ---------------------------------------------------------------------------------------------------------

TRAIN = r'must be a non-empty subset of \{"a", "b", "c", "bias"\}'


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: kf.GradientDescent(0.0), r"lr is 0\.0: it must be a finite number > 0"),
        (lambda: kf.GradientDescent(np.inf), r"lr is inf: it must be a finite number > 0"),
        (lambda: kf.GradientDescent(np.nan), r"lr is nan: it must be a finite number > 0"),
        (lambda: kf.GradientDescent("fast"), r"lr is 'fast': it must be a finite number > 0"),
        (lambda: kf.GradientDescent(True), r"lr is True: it must be a finite number > 0"),
        (lambda: kf.GradientDescent(0.1, momentum=1.0), r"momentum is 1\.0: it must be a finite number >= 0 and < 1"),
        (lambda: kf.GradientDescent(0.1, momentum=-0.1), r"momentum is -0\.1: it must be a finite number >= 0 and < 1"),
        (lambda: kf.GradientDescent(0.1, weight_decay=-1), r"weight_decay is -1: it must be a finite number >= 0"),
        (lambda: kf.GradientDescent(0.1, train=()), rf"train is \{{nothing\}}: it {TRAIN}"),
        (lambda: kf.GradientDescent(0.1, train={"a", "w"}), rf"train is \{{'a', 'w'\}}: it {TRAIN}"),
        (lambda: kf.GradientDescent(0.1, train=5), rf"train is \{{5\}}: it {TRAIN}"),
        (lambda: kf.GradientDescent(0.1, train=[["a"]]), rf"train is \{{\['a'\]\}}: it {TRAIN}"),
        (lambda: kf.SGD(-1.0, 1), r"lr is -1\.0: it must be a finite number > 0"),
        (lambda: kf.SGD(0.1, 0), r"batch is 0: it must be a whole number of at least 1"),
        (lambda: kf.SGD(0.1, 2.0), r"batch is 2\.0: it must be a whole number of at least 1"),
        (lambda: kf.SGD(0.1, True), r"batch is True: it must be a whole number of at least 1"),
        (lambda: kf.SGD(0.1, 1, rng=-1), r"rng is -1: it must be a whole number of at least 0"),
        (lambda: kf.SGD(0.1, 1, rng=None), r"rng is None: it must be a numpy Generator"),
        (lambda: kf.SGD(0.1, 1, train="d"), rf"train is \{{'d'\}}: it {TRAIN}"),
        (lambda: kf.Adam(0), r"lr is 0: it must be a finite number > 0"),
        (lambda: kf.Adam(eps=0.0), r"eps is 0\.0: it must be a finite number > 0"),
        (lambda: kf.Adam(betas=(0.9, 1.0)), r"betas is 1\.0: it must be a finite number >= 0 and < 1"),
        (lambda: kf.Adam(betas=0.9), r"betas is 0\.9: it must be a pair of numbers in \[0, 1\)"),
        (lambda: kf.Adam(betas=(0.9,)), r"betas is \(0\.9,\): it must be a pair of numbers in \[0, 1\)"),
        (lambda: kf.Adam(train={"bias", "x"}), rf"train is \{{'bias', 'x'\}}: it {TRAIN}"),
    ],
)
def test_bad_settings(make, message):
    with pytest.raises(kf.InputError, match=message):
        make()


def test_a_batch_larger_than_the_data_is_refused():
    with pytest.raises(kf.InputError, match=r"batch is 13: it must be at most the number of samples, 12"):
        kf.evolve(net(), data(), kf.SGD(0.01, 13), steps=1)


def test_settings_are_plain_frozen_values():
    dynamics = kf.GradientDescent(np.float32(0.5), train="c")
    assert dynamics == kf.GradientDescent(0.5, train=["c"])
    assert type(dynamics.lr) is float
    assert dynamics.train == {"c"}
    assert kf.GradientDescent(1, train=iter("ab")).train == {"a", "b"}
    assert type(kf.SGD(0.1, np.int64(3)).batch) is int
    assert kf.Adam(betas=[0, 0.5]).betas == (0.0, 0.5)
    with pytest.raises(AttributeError):
        dynamics.lr = 1.0


@pytest.mark.parametrize(
    "dynamics",
    [
        kf.GradientDescent(0.1, 0.2, 0.3, {"c"}),
        kf.SGD(0.1, 3, 7),
        kf.SGD(0.1, 3, np.random.Generator(np.random.MT19937(5))),
        kf.Adam(0.1, (0.5, 0.6), 1e-3),
    ],
)
def test_text_form(dynamics):
    """Written down and read back, a method is the same to its generator's last bit."""
    text = archive.as_text(archive.settings(dynamics))
    back = registry.from_settings(json.loads(text))
    assert type(back) is type(dynamics)
    assert archive.as_text(archive.settings(back)) == text
    if isinstance(dynamics, kf.SGD):
        np.testing.assert_array_equal(back.rng.permutation(50), dynamics.rng.permutation(50))
    else:
        assert back == dynamics
