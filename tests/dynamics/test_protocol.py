"""What holds for every method, in steps or in time: one protocol, run over all of them."""

from __future__ import annotations

import signal

import numpy as np
import pytest

import knotflow as kf
from helpers.methods import ALL, CASES, IN_STEPS, IN_TIME, assert_same_end, data, net
from knotflow.dynamics.protocol import Method

ARRAYS = ("steps", "times", "loss", "a", "b", "c", "bias")


@pytest.fixture(params=CASES, name="case")
def _case(request):
    return CASES[request.param]


def test_a_run_is_what_its_trajectory_says(case):
    method, share = case.make(), 0.5
    middle = case.far(share).popitem()[1]
    run = kf.evolve(net(), case.data, method, **case.far(1), save_at=[middle])
    assert isinstance(method, Method)
    assert run.dynamics is method
    assert (run.status, run.success) == ("finished", True)
    marks = run.steps if case.steps else run.times
    np.testing.assert_array_equal(marks, [0, middle, case.end])
    assert len(run) == 3
    if case.steps:
        np.testing.assert_array_equal(run.times, run.steps * method.lr)
        assert run.message == f"took all {case.end} steps"
        assert (run.account, run.events.size) == ({}, 0)
    else:
        assert run.message.startswith(f"reached t = {case.end:g} (t = {case.end:g}; {run.account['method']}: ")
        assert run.account["events"] == run.events.size
    start = method.gauge(net())
    np.testing.assert_allclose(start(case.data.x), net()(case.data.x), rtol=1e-12, atol=1e-12)
    for name in ("a", "b", "c"):
        np.testing.assert_array_equal(getattr(run.start, name), getattr(start, name))
        assert np.any(getattr(run.final, name) != getattr(start, name)) == (name in method.train)
    assert (run.final.bias != start.bias) == ("bias" in method.train)
    assert run.final.norm == start.norm
    for k in range(3):
        assert run.loss[k] == pytest.approx(run.net_at(k).loss(case.data), rel=1e-9)
    assert run.loss[-1] < run.loss[0]
    assert run.train == method.train


def test_a_run_of_nothing_saves_the_start_once(case):
    run = case.run(**case.far(0))
    assert (len(run), run.status) == (1, "finished")
    np.testing.assert_array_equal(run.final.a, case.make().gauge(net()).a)
    assert len(run.resume(**case.far(0))) == 1
    again = {"steps": 30} if case.steps else case.far(0.1)
    assert_same_end(run.resume(**again), case.run(**again))


def test_a_split_run_equals_the_whole(case, tmp_path):
    """Bit for bit, if both save where it is split; through a file too."""
    half = case.far(0.4)
    whole = case.run(save_at=[*half.values()])
    first = case.run(**half, save_at=[])
    loaded = kf.load_trajectory(first.save(tmp_path / "run"))
    for part in (first, loaded):
        joined = part.resume(**case.rest(0.4), save_at=[])
        assert_same_end(joined, whole)
        for name in ARRAYS:
            np.testing.assert_array_equal(getattr(joined, name), getattr(whole, name), err_msg=name)


def test_a_run_leaves_its_arguments_alone_and_its_networks_cannot_be_written_to(case, tmp_path):
    method, start = case.make(), net()
    before = repr(method)
    run = kf.evolve(start, case.data, method, **case.far(0.3))
    assert repr(method) == before
    for name in ("a", "b", "c"):
        np.testing.assert_array_equal(getattr(start, name), getattr(net(), name))
    for each in (run, kf.load_trajectory(run.save(tmp_path / "run"))):
        for network in (each.start, each.net_at(0), each.final):
            for name in ("a", "b", "c"):
                with pytest.raises(ValueError, match="read-only"):
                    getattr(network, name)[0] = 7.0


def test_a_file_gives_back_every_bit(case, tmp_path):
    run = case.run(**case.far(0.3))
    back = kf.load_trajectory(run.save(tmp_path / "run"))
    assert_same_end(run, back)
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(back, name), getattr(run, name))
        assert not getattr(back, name).flags.writeable
    for name in ("norm", "status", "message", "seconds"):
        assert getattr(back, name) == getattr(run, name)
    assert back.account == dict(run.account)
    assert (back.data.x_name, back.data.y_name) == ("age", "size")
    assert type(back.dynamics) is type(run.dynamics)
    if not isinstance(run.dynamics, kf.SGD):  # generators do not compare
        assert back.dynamics == run.dynamics


def test_nothing_but_the_arguments_matters(case):
    """Neither whether anyone watches nor that the same method ran before; and the arguments are left alone."""
    start, samples, method = net(), case.data, case.make()
    before = [np.array(v) for v in (start.a, start.b, start.c, samples.x, samples.y, samples.weights)]
    plain = kf.evolve(start, samples, method, **case.far(1))
    watched = kf.evolve(start, samples, method, **case.far(1), progress=lambda _: None)
    assert_same_end(plain, watched)
    np.testing.assert_array_equal(plain.loss, watched.loss)
    for old, new in zip(before, (start.a, start.b, start.c, samples.x, samples.y, samples.weights), strict=True):
        np.testing.assert_array_equal(old, new)


def test_progress_ends_where_the_run_does(case):
    told = []
    run = case.run(progress=told.append)
    last = told[-1]
    assert last.step == run.steps[-1]
    assert last.steps == (case.end if case.steps else None)
    assert last.loss == run.loss[-1]
    assert (last.fraction, last.remaining) == (1.0, 0.0)
    assert last.seconds > 0
    assert [p.step for p in told] == sorted(p.step for p in told)


def test_an_interrupted_run_can_be_carried_on(case):
    """Ctrl-C after the first step: what was computed is returned, whole."""
    method = case.make()
    before = signal.getsignal(signal.SIGINT)

    def interrupt(progress):
        if not told and progress.step > 0:
            told.append(1)
            signal.raise_signal(signal.SIGINT)

    told = []
    far = {"steps": 10**9, "save_every": 10**8} if case.steps else {"until": 1e12, "save_at": []}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("knotflow.dynamics.running.TELL_SECONDS", 0.0)
        run = kf.evolve(net(), case.data, method, **far, progress=interrupt)
    assert signal.getsignal(signal.SIGINT) is before
    assert (run.status, run.success) == ("interrupted", False)
    assert run.message.startswith("interrupted by the user")
    assert len(run) == 2
    assert np.all(np.isfinite(run.a))
    if case.steps:
        steps = int(run.steps[-1])
        assert 0 < steps < 10**9
        assert_same_end(run.resume(steps=5), kf.evolve(net(), case.data, method, steps=steps + 5))
    else:
        assert 0 < run.times[-1] <= 1e12


def test_a_run_stops_at_the_loss_that_is_good_enough(case):
    every = case.run(save_at=np.arange(301) if case.steps else np.linspace(0, case.end, 31))
    target = 0.5 * (every.loss[0] + every.loss.min())
    run = case.run(save_at=[], stop_loss=target)
    assert (run.status, run.success) == ("stop_loss", True)
    assert run.message.startswith(f"the loss {run.loss[-1]:.6g} is at most stop_loss = {target:.6g}")
    assert run.loss[-1] <= target < run.loss[0]
    again = case.run(save_at=[], stop_loss=target, progress=lambda _: None)
    assert_same_end(run, again)
    if case.steps:
        assert run.steps[-1] == np.flatnonzero(every.loss <= target)[0]


def test_every_network_between_saves_or_a_sentence(case):
    run = case.run(**case.far(0.5))
    if case.steps:
        with pytest.raises(kf.InputError, match="moves in steps and has no network between them: use net_at"):
            run.net_at_time(0.5 * run.times[-1])
        return
    t = 0.37 * run.times[-1]
    direct = case.run(until=t, save_at=[]).final
    grid = np.linspace(-1, 2, 50)
    np.testing.assert_allclose(run.net_at_time(t)(grid), direct(grid), atol=1e-3 * np.ptp(case.data.y))
    np.testing.assert_array_equal(run.net_at_time(run.times[3]).a, run.net_at(3).a)
    for bad in (-0.1, 2 * run.times[-1]):
        with pytest.raises(kf.InputError, match="it must lie within the run, 0 to"):
            run.net_at_time(bad)


def test_a_method_wants_what_it_takes(case):
    name = type(case.make()).__name__
    if case.steps:
        wrong = {"until": 5.0}, rf"until is given, but {name} takes steps: use steps="
        missing = rf"steps is missing: {name} takes a number of steps"
    else:
        wrong = {"steps": 3}, rf"steps is given, but {name} takes no steps of its own: use until= and save_at="
        missing = r"until is missing: a flow runs until a time"
    run = case.run(**case.far(0.1))
    for ask in (lambda **far: kf.evolve(net(), case.data, case.make(), **far), run.resume):
        with pytest.raises(kf.InputError, match=wrong[1]):
            ask(**wrong[0])
        with pytest.raises(kf.InputError, match=missing):
            ask()


def test_every_method_wants_a_network_and_samples(case):
    with pytest.raises(kf.InputError, match="data is of type tuple: it must be Samples"):
        kf.evolve(net(), (case.data.x, case.data.y), case.make(), **case.far(1))
    with pytest.raises(kf.InputError, match="net is of type Samples: it must be a ReLUNet"):
        kf.evolve(case.data, net(), case.make(), **case.far(1))


@pytest.mark.parametrize("train", [{"a"}, {"b", "bias"}, {"c"}, {"a", "b"}, ALL], ids=lambda t: "+".join(sorted(t)))
@pytest.mark.parametrize("make", [kf.GradientDescent, kf.SGD, kf.Adam, kf.GradientFlow, kf.LazyFlow])
def test_only_what_is_trained_moves(make, train):
    lr = 0.1 * kf.stability_limit(net(), data(), train)
    settings = {kf.GradientDescent: {"lr": lr}, kf.SGD: {"lr": 0.1 * lr, "batch": 5}, kf.Adam: {"lr": 1e-4}}
    method = make(**settings.get(make, {}), train=train)
    far = {"steps": 50} if make in settings else {"until": 0.1}
    run = kf.evolve(net(), data(), method, **far)
    for name in ALL:
        assert np.any(getattr(run.final, name) != getattr(net(), name)) == (name in train), name


@pytest.mark.parametrize("name", IN_STEPS)
def test_steps_saved_anywhere_are_the_same_steps(name):
    case = IN_STEPS[name]
    few = case.run(save_at=[7, 100])
    many = case.run(save_every=1, stop_loss=0.0, stop_gradient=0.0, progress=lambda _: None)
    assert_same_end(few, many)
    np.testing.assert_array_equal(few.b[1:3], many.b[[7, 100]])


@pytest.mark.parametrize("name", IN_TIME)
def test_flows_that_have_converged_stop_by_themselves(name):
    case = IN_TIME[name]
    steep = kf.Samples([-1.0, 0.2, 1.0], [1.0, -0.5, 0.3])
    run = kf.evolve(net(), steep, case.make(), until="converged")
    assert (run.status, run.success) == ("converged", True)
    assert run.message.startswith("the loss no longer falls (t = ")
    assert np.all(np.diff(run.times) > 0)
