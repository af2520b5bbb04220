"""Gradient descent: its steps against a loop in NumPy, stability bounds, and the settings of all methods of steps."""

from __future__ import annotations

import json

import numpy as np
import pytest

import knotflow as kf
from helpers.step_cases import NAMES, data, full_gradient, net
from knotflow.dynamics import archive, registry


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
