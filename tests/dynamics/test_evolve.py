"""`evolve` in steps: splitting, stopping, diverging, wrong arguments, symmetries."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import knotflow as kf
from helpers.methods import AT_RATE, assert_same_end, data, descend, net, rate
from knotflow.dynamics import load_trajectory

RNG = np.random.default_rng


@pytest.fixture(params=AT_RATE, name="method")
def _method(request):
    return AT_RATE[request.param](rate(m=300))


# -- splitting (what holds for flows too is in test_protocol) ---------------------------------------------------------


def test_split_equals_whole(method, tmp_path):
    whole = kf.evolve(net(300), data(), method, steps=700)
    parts = kf.evolve(net(300), data(), method, steps=150, save_every=7)
    parts = parts.resume(steps=1).resume(steps=49, save_at=[160])
    parts = load_trajectory(parts.save(tmp_path / "run")).resume(steps=300, stop_gradient=0.0, progress=lambda _: None)
    parts = load_trajectory(parts.save(tmp_path / "run")).resume(steps=200)
    assert_same_end(parts, whole)
    assert np.all(np.diff(parts.steps) > 0)
    assert {0, 147, 150, 151, 160, 200, 500, 700} <= set(parts.steps)


def test_nothing_but_the_arguments_matters(method):
    """Not what is saved, nor whether anyone watches, nor that the same method ran before."""
    plain = kf.evolve(net(300), data(), method, steps=400)
    watched = kf.evolve(
        net(300), data(), method, steps=400, save_every=1, stop_loss=0.0, stop_gradient=0.0, progress=lambda _: None
    )
    assert_same_end(plain, watched)
    for k, step in enumerate(plain.steps):
        np.testing.assert_array_equal(plain.b[k], watched.b[step])
        assert plain.loss[k] == pytest.approx(watched.loss[step], rel=1e-14)


def test_a_run_that_stopped_can_go_on_as_if_it_had_not(method):
    """In the middle of what the engine was told to do: the rest, minibatches and all, is as yet untouched."""
    whole = kf.evolve(net(300), data(), method, steps=600, save_every=1)
    traj = kf.evolve(
        net(300), data(), method, steps=600, save_at=[], stop_loss=float(np.min(whole.loss[:500])) * (1 + 1e-9)
    )
    assert traj.status == "stop_loss"
    assert 10 < traj.steps[-1] < 500
    assert_same_end(traj.resume(steps=600 - int(traj.steps[-1])), whole)


# -- stopping ---------------------------------------------------------------------------------------------------------


def test_stop_loss_stops_at_the_first_step_that_is_good_enough():
    every = descend(200, save_every=1)
    target = 0.5 * (every.loss[60] + every.loss[61])
    traj = descend(200, stop_loss=target)
    assert traj.status == "stop_loss"
    assert traj.steps[-1] == np.flatnonzero(every.loss <= target)[0]
    assert traj.loss[-1] <= target
    assert traj.message == f"the loss {traj.loss[-1]:.6g} is at most stop_loss = {target:.6g}"
    np.testing.assert_array_equal(traj.final.a, every.a[traj.steps[-1]])
    assert_same_end(traj.resume(steps=200 - int(traj.steps[-1])), every)


def test_the_loss_that_no_function_can_remove_counts():
    """Two y at one x: L cannot fall below 1/2 (1^2 + 1^2) = 1, and stop_loss is about L."""
    tied = kf.Samples([0.0, 0.0, 1.0], [1.0, 3.0, 5.0])
    traj = kf.evolve(net(), tied, kf.GradientDescent(0.1), steps=100_000, stop_loss=1.0 + 1e-6)
    assert traj.status == "stop_loss"
    assert 1.0 < traj.loss[-1] <= 1.0 + 1e-6
    assert traj.final.loss(tied) == pytest.approx(traj.loss[-1], rel=1e-12)
    assert kf.evolve(net(), tied, kf.GradientDescent(0.1), steps=1000, stop_loss=0.999).status == "finished"


def gradient_norm(network, train):
    parts = kf.gradient(network, data(), train)
    return np.sqrt(sum(np.sum(np.square(part)) for part in parts))


@pytest.mark.parametrize("train", [{"a", "b", "c"}, {"c"}, {"a", "bias"}], ids=lambda t: "+".join(sorted(t)))
def test_stop_gradient_looks_at_what_is_trained_every_hundred_steps(train):
    dynamics = kf.GradientDescent(0.3 * kf.stability_limit(net(), data(), train), train=train)
    every = kf.evolve(net(), data(), dynamics, steps=1000, save_every=100)
    norms = np.array([gradient_norm(every.net_at(k), train) for k in range(len(every))])
    limit = norms[4]
    traj = kf.evolve(net(), data(), dynamics, steps=1000, stop_gradient=limit)
    assert traj.status == "stop_gradient"
    k = np.flatnonzero(norms <= limit)[0]
    assert traj.steps[-1] == 100 * k
    assert traj.message == f"the gradient's norm {norms[k]:.6g} is at most stop_gradient = {limit:.6g}"


@pytest.mark.parametrize("stop", [{"stop_loss": 1e9}, {"stop_gradient": 1e9}])
def test_a_run_may_stop_before_its_first_step(stop):
    traj = descend(100, **stop)
    assert traj.status == next(iter(stop))
    np.testing.assert_array_equal(traj.steps, [0])
    np.testing.assert_array_equal(descend(10, save_every=5).resume(steps=5, stop_loss=1e9).steps, [0, 5, 10])


# -- too large a learning rate ----------------------------------------------------------------------------------------


def linear(share, **options):
    """c alone is trained: the problem is linear, and the bound holds for good."""
    limit = kf.stability_limit(net(), data(), {"c"})
    return kf.GradientDescent(share * limit, train={"c"}, **options), limit


def test_ten_times_the_bound_diverges_and_says_so():
    dynamics, limit = linear(10.0)
    start = net().loss(data())
    with pytest.warns(UserWarning, match="Take a smaller lr") as record:
        traj = kf.evolve(net(), data(), dynamics, steps=1000, save_at=[2])
    assert [w.category for w in record] == [kf.StabilityWarning, kf.DivergenceWarning]
    assert [w.filename for w in record] == [__file__] * 2
    assert str(record[0].message) == (
        f"lr is {dynamics.lr:.6g}, above the stability bound {limit:.6g} = 2 / (largest eigenvalue of the tangent"
        " kernel) at the start: the loss may grow. Take a smaller lr."
    )
    step = int(traj.steps[-1])
    assert traj.message == str(record[1].message)
    assert traj.message == (
        f"diverged at step {step}: the loss is {traj.loss[-1]:.6g}, from {start:.6g} at the start."
        f" lr is {dynamics.lr:.6g}; the stability bound at the last saved step is {limit:.6g}. Take a smaller lr."
    )
    assert traj.status == "diverged"
    np.testing.assert_array_equal(traj.steps, [0, 2, step])
    assert 2 < step < 20
    assert traj.loss[-1] > 1e8 * start > traj.loss[1]
    assert traj.state is None
    with pytest.raises(kf.InputError, match=r"this run diverged and cannot be carried on: start again with a"):
        traj.resume(steps=1)


def test_divergence_of_a_resumed_run_is_blamed_on_the_resume():
    dynamics, _ = linear(1.5)
    with pytest.warns(kf.StabilityWarning):
        traj = kf.evolve(net(), data(), dynamics, steps=3)
    with pytest.warns(kf.DivergenceWarning) as record:
        after = traj.resume(steps=1000)
    assert record[0].filename == __file__
    assert after.status == "diverged"
    assert after.steps[-1] > 3
    with pytest.warns(kf.StabilityWarning), pytest.warns(kf.DivergenceWarning):
        whole = kf.evolve(net(), data(), dynamics, steps=1003)
    assert whole.steps[-1] == after.steps[-1]


def test_an_infinite_step_leaves_the_last_finite_parameters():
    dynamics = kf.GradientDescent(1e300)
    with pytest.warns(kf.StabilityWarning), pytest.warns(kf.DivergenceWarning, match="diverged at step"):
        traj = kf.evolve(net(), data(), dynamics, steps=100)
    assert traj.status == "diverged"
    for name in ("a", "b", "c", "bias", "loss"):
        assert np.all(np.isfinite(getattr(traj, name)))


def test_a_rate_below_the_bound_is_not_warned_about():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kf.evolve(net(), data(), linear(0.999)[0], steps=1)
    with pytest.warns(kf.StabilityWarning):
        kf.evolve(net(), data(), linear(1.001)[0], steps=1)


def test_momentum_and_weight_decay_move_the_warning():
    limit = kf.stability_limit(net(), data(), {"c"})
    for options, bound in (
        ({"momentum": 0.5}, 1.5 * limit),
        ({"weight_decay": 2.0}, 2.0 / (2.0 / limit + 2.0)),
        ({"momentum": 0.5, "weight_decay": 2.0}, 3.0 / (2.0 / limit + 2.0)),
    ):
        kf.evolve(net(), data(), kf.GradientDescent(0.999 * bound, train={"c"}, **options), steps=1)
        with pytest.warns(kf.StabilityWarning, match=rf"above the stability bound {bound:.6g} "):
            kf.evolve(net(), data(), kf.GradientDescent(1.001 * bound, train={"c"}, **options), steps=1)


@pytest.mark.parametrize("name", AT_RATE)
def test_a_dead_network_stays_as_it_is(name):
    """Nothing reaches a sample: the bound is infinite, and only weight decay moves anything."""
    dead = kf.ReLUNet(np.ones(30), np.full(30, 9.0), np.ones(30))
    traj = kf.evolve(dead, data(), AT_RATE[name](0.01), steps=100)
    assert traj.status == "finished"
    if "bias" not in traj.train:
        assert traj.loss[-1] == pytest.approx(traj.loss[0], rel=1e-15)


def test_a_perfect_start_of_noisy_data_is_no_divergence():
    """f = 0 is the best function there is; minibatches push it away, and that is not a blow-up."""
    noise = kf.Samples([0.0, 0.0, 1.0, 1.0], [1.0, -1.0, 1.0, -1.0])
    zero = kf.ReLUNet([1.0, 1.0], [-1.0, -1.0], [0.0, 0.0])
    traj = kf.evolve(zero, noise, kf.SGD(0.01, batch=1), steps=200)
    assert traj.status == "finished"
    assert 2.0 <= traj.loss[-1] < 3.0


# -- arguments --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": None}, r"steps is missing: GradientDescent takes a number of steps, such as steps=10_000"),
        ({"until": 5.0}, r"until is given, but GradientDescent takes steps: use steps="),
        ({"steps": -1}, r"steps is -1: it must be a whole number of at least 0"),
        ({"steps": 1.0}, r"steps is 1\.0: it must be a whole number of at least 0"),
        ({"steps": True}, r"steps is True: it must be a whole number of at least 0"),
        ({"steps": "9"}, r"steps is '9': it must be a whole number of at least 0"),
        ({"save_every": 0}, r"save_every is 0: it must be a whole number of at least 1"),
        ({"save_every": 2.5}, r"save_every is 2\.5: it must be a whole number of at least 1"),
        ({"save_every": 2, "save_at": [1]}, r"save_every and save_at are both given: give one of them"),
        ({"save_at": [3, -1]}, r"save_at has -1: it must lie within the run, 0 to 10"),
        ({"save_at": [11]}, r"save_at has 11: it must lie within the run, 0 to 10"),
        ({"save_at": [1.5]}, r"save_at is \[1\.5\]: it must be a sequence of whole numbers, the steps to save"),
        ({"save_at": [True]}, r"save_at is \[True\]: it must be a sequence of whole numbers"),
        ({"save_at": [[1], [2, 3]]}, r"save_at is \[\[1\], \[2, 3\]\]: it must be a sequence of whole numbers"),
        ({"save_at": 5}, r"save_at is 5: it must be a sequence of whole numbers"),
        ({"stop_loss": -1.0}, r"stop_loss is -1\.0: it must be a finite number >= 0"),
        ({"stop_loss": np.nan}, r"stop_loss is nan: it must be a finite number >= 0"),
        ({"stop_gradient": "low"}, r"stop_gradient is 'low': it must be a finite number >= 0"),
    ],
)
def test_bad_arguments(options, message):
    with pytest.raises(kf.InputError, match=message):
        descend(**({"steps": 10} | options))


def test_what_is_not_a_method():
    with pytest.raises(kf.InputError, match=r"dynamics is 0\.1: it must be GradientDescent, SGD, Adam or GradientFlow"):
        kf.evolve(net(), data(), 0.1, steps=10)


def test_a_resumed_run_checks_its_arguments_too():
    traj = descend(10)
    with pytest.raises(kf.InputError, match=r"save_at has 16: it must lie within the run, 0 to 15"):
        traj.resume(steps=5, save_at=[16])
    with pytest.raises(kf.InputError, match=r"steps is -5: it must be a whole number of at least 0"):
        traj.resume(steps=-5)


# -- metamorphic ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["descent", "decay", "momentum", "adam"])
def test_repeats_equal_weights(name):
    """Weight 2 is the sample twice, in any order."""
    samples, rng = data(), RNG(3)
    repeats = rng.integers(1, 4, len(samples))
    shuffle = rng.permutation(repeats.sum())
    x, y, w = (np.repeat(v, repeats)[shuffle] for v in (samples.x, samples.y, samples.weights))
    weighted = kf.Samples(samples.x, samples.y, samples.weights * repeats)
    method = AT_RATE[name](0.3 * rate())
    one, other = (kf.evolve(net(), s, method, steps=50) for s in (weighted, kf.Samples(x, y, w)))
    np.testing.assert_allclose(one.final.b, other.final.b, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(one.loss, other.loss, rtol=1e-10)


@pytest.mark.parametrize("name", AT_RATE)
def test_mirrored_data_and_neurons_mirror_the_run(name):
    """x -> -x and a -> -a. The samples then lie in the opposite order: minibatches agree only if they hold them all."""
    samples, start = data(), net()
    method = AT_RATE[name](rate())
    if isinstance(method, kf.SGD):
        method = kf.SGD(method.lr, batch=len(samples))
    mirrored = kf.Samples(-samples.x, samples.y, samples.weights)
    one = kf.evolve(start, samples, method, steps=100)
    other = kf.evolve(start.replace(a=-start.a), mirrored, method, steps=100)
    for sign, ours, theirs in ((-1, other.a, one.a), (1, other.b, one.b), (1, other.c, one.c)):
        np.testing.assert_allclose(sign * ours, theirs, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("name", AT_RATE)
def test_the_order_of_neurons_does_not_matter(name):
    order, start = RNG(4).permutation(40), net()
    shuffled = start.replace(a=start.a[order], b=start.b[order], c=start.c[order])
    method = AT_RATE[name](rate())
    one, other = (kf.evolve(n, data(), method, steps=100) for n in (start, shuffled))
    np.testing.assert_allclose(other.final.a, one.final.a[order], rtol=1e-8, atol=1e-9)
