"""What holds for every gradient flow: conserved and monotone quantities, symmetries, and what may happen to a knot."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import knotflow as kf
from knotflow.engine import codes

pytestmark = pytest.mark.slow

sizes = st.one_of(st.sampled_from([0.0, 1.0, -1.0, 0.5, -2.0]), st.floats(-3, 3).filter(lambda v: abs(v) > 1e-3))
places = st.sampled_from([0.0, 1.0, -1.0, 0.5, -0.7, 2.0])
RTOL = 1e-7


@st.composite
def starts(draw: st.DrawFn) -> tuple[kf.ReLUNet, kf.Samples]:
    """Few neurons, many of them dead, on a sample, constant or alike; few samples, some of them tied."""
    neurons = draw(st.lists(st.tuples(sizes, sizes, sizes), min_size=1, max_size=6))
    points = st.tuples(places, st.floats(-3, 3), st.floats(0.1, 3))
    rows = draw(st.lists(points, min_size=2, max_size=6).filter(lambda rows: len({x for x, *_ in rows}) > 1))
    x, y, weights = np.array(rows).T
    return kf.ReLUNet(*np.array(neurons).T, draw(st.sampled_from([1.0, 0.6, 3.0]))), kf.Samples(x, y, weights)


def flow(net: kf.ReLUNet, data: kf.Samples, until: float = 3.0, **options) -> kf.Trajectory:
    return kf.evolve(net, data, kf.GradientFlow(RTOL), until=until, **options)


def scale(net: kf.ReLUNet, data: kf.Samples) -> float:
    return float(max(np.abs(data.y).max(), np.abs(net(data.x)).max(), 1e-300))


@settings(max_examples=60)
@given(starts())
def test_delta_stays_and_the_loss_falls(start: tuple[kf.ReLUNet, kf.Samples]) -> None:
    run = flow(*start)
    assert run.status in ("finished", "converged")
    size = np.max(run.a**2 + run.b**2 + run.c**2, axis=0)
    assert np.all(np.abs(run.delta - run.delta[0]) <= 1e-12 * size)
    assert np.all(np.diff(run.loss) <= 10 * RTOL * (run.loss[0] + scale(*start) ** 2))


@settings(max_examples=30)
@given(starts())
def test_events_follow_one_another_as_they_must(start: tuple[kf.ReLUNet, kf.Samples]) -> None:
    """A knot sticks only when free and is let go only where it sticks; delta < 0 lets c vanish, delta > 0 (a, b)."""
    net, data = start
    stuck: dict[int, int] = {}
    last = 0.0
    for moment, neuron, sample, kind, _ in flow(net, data).events.tolist():
        assert last <= moment <= 3.0
        last = moment
        if kind in ("release", "flip", "rest", "turn"):
            assert stuck.pop(neuron) == sample
        else:
            assert neuron not in stuck
        if kind == "stick":
            stuck[neuron] = sample
        if kind == "flip":
            assert net.delta[neuron] < 0
        if kind in ("rest", "turn"):
            assert net.delta[neuron] > 0


@pytest.mark.parametrize("seed", [256, 190])
def test_a_stuck_neuron_whose_c_changes_sign_leaves_as_in_descent(seed: int) -> None:
    rng = np.random.default_rng(seed)
    m, s = int(rng.integers(2, 9)), int(rng.integers(3, 7))
    data = kf.Samples(rng.normal(size=s), 2 * rng.normal(size=s))
    net = kf.initial.gaussian(m, rng).with_delta(-rng.exponential(0.3))
    events = flow(net, data, 3.0).events
    (flip,) = events[events["kind"] == "flip"]
    before, after = (flow(net, data, flip["time"] + dt).final for dt in (-1e-3, 1e-3))
    i = flip["neuron"]
    assert np.sign(before.c[i]) == -np.sign(after.c[i])
    assert before.knots[i] == pytest.approx(data.distinct.x[flip["sample"]], rel=1e-14)
    steps = (1e-3, 1e-4, 1e-5)
    gaps = [kf.gradient_flow_gap(net, data, lr, float(flip["time"]) + 0.5).sup for lr in steps]
    assert gaps[2] < 2e-3 * scale(net, data)
    assert np.polyfit(np.log(steps), np.log(gaps), 1)[0] == pytest.approx(1, abs=0.1)


def test_parameters_over_ten_decades_reach_the_time_within_the_tolerance() -> None:
    a, b = [8745.15, -9.88835439, -7.83e-6, -0.7, 8.745e6, -9.888], [0.1, 0.0, -9.18e5, -4.274, 100.0, 0.0]
    net = kf.ReLUNet(a, b, [0.1, -0.7, -0.7, -0.7, 1e-4, -0.7], 0.37, 0.1)
    data = kf.Samples([1.0, -0.7, 0.5, 2.0], [-3.0, -1.1, -0.5, 0.522])
    fine, *runs = (kf.evolve(net, data, kf.GradientFlow(r), until=30.0) for r in (1e-13, 1e-8, 1e-11))
    for run in runs:
        assert (run.status, run.times[-1]) == ("finished", 30.0)
        assert np.abs(run.final(data.x) - fine.final(data.x)).max() < 10 * run.dynamics.rtol * scale(net, data)


def test_a_run_that_stalls_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the engine returns when no step is short enough: a step of no length is asked of it."""
    monkeypatch.setattr("knotflow.engine.flow.advance", lambda *_: codes.STALLED)
    run = flow(kf.ReLUNet([1.0], [-1.0], [1.0]), kf.Samples([0.0, 1.0], [0.0, 1.0]))
    assert (run.status, run.success) == ("stalled", False)
    assert re.search(r"the tolerance cannot be met: the step fell to .*; take a larger rtol", run.message)


def test_a_run_of_endless_steps_comes_back_and_can_be_carried_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("knotflow.dynamics.flow_session.MOST_STEPS", 50)
    x = np.linspace(-1, 1, 10)
    data = kf.Samples(x, np.sign(np.sin(2 * np.pi * x + 0.4)))
    run = flow(kf.initial.pytorch(50, np.random.default_rng(0), norm=50**0.5), data, 100.0)
    assert run.status == "stalled"
    assert "came back after 50 steps: take a larger rtol, or carry on with resume" in run.message
    monkeypatch.undo()
    assert run.resume(until=100.0).status == "finished"


@pytest.mark.parametrize("rtol", [1e-15, 0.2])
def test_tolerances_out_of_reach_are_refused(rtol: float) -> None:
    with pytest.raises(kf.InputError, match=f"rtol is {rtol}: it must be a finite number >= 1e-14 and <= 0.1"):
        kf.GradientFlow(rtol)


def few(seed: int) -> tuple[kf.ReLUNet, kf.Samples]:
    """A handful of neurons with delta > 0, where (a, b) may vanish and c may not."""
    rng = np.random.default_rng(seed)
    m, s = int(rng.integers(2, 9)), int(rng.integers(3, 7))
    data = kf.Samples(rng.normal(size=s), 2 * rng.normal(size=s))
    return kf.initial.gaussian(m, rng).with_delta(rng.exponential(0.5)), data


def test_a_neuron_that_slides_into_the_origin_turns_or_is_dead() -> None:
    net, data = few(101)
    seen = set()
    for rank in range(3):
        method = kf.GradientFlow(RTOL, undecided={3: rank})
        events = kf.evolve(net, data, method, until=0.2, save_at=[]).events
        event = events[np.isin(events["kind"], ["turn", "rest"])][-1]
        assert event["neuron"] == 3
        before, after = (kf.evolve(net, data, method, until=event["time"] + dt).final for dt in (-1e-6, 1e-6))
        assert before.knots[3] == pytest.approx(data.distinct.x[event["sample"]], rel=1e-12)
        assert np.hypot(before.a[3], before.b[3]) < 1e-5
        active = after.a[3] * data.x > after.b[3]
        assert np.any(active) == (event["kind"] == "turn")
        seen.add((str(event["kind"]), int(active.sum())))
    assert len(seen) == 3


def adaptive() -> tuple[kf.ReLUNet, kf.Samples]:
    rng = np.random.default_rng(1)
    x = np.sort(rng.uniform(-1, 1, 30))
    data = kf.Samples(x, np.sin(6 * x) + 0.1 * rng.normal(size=30))
    return kf.initial.pytorch(300, np.random.default_rng(0), norm=300**0.5).with_delta(1.0), data


def test_a_neuron_that_finds_no_way_out_of_the_origin_is_dead_as_in_descent() -> None:
    net, data = adaptive()
    run = flow(net, data, 0.2)
    rests = run.events[run.events["kind"] == "rest"]["neuron"]
    assert rests.size == 4
    assert np.all(run.final.a[rests] == 0)
    assert np.all(run.final.b[rests] == 0)
    assert np.abs(run.final.c[rests] ** 2 - net.delta[rests]).max() < 1e-12
    for lr in (1e-4, 1e-5):
        down = kf.evolve(net, data, kf.GradientDescent(lr), steps=round(0.2 / lr), save_at=[]).final
        assert np.hypot(down.a[rests], down.b[rests]).max() < lr
        assert not np.any(np.multiply.outer(data.x, down.a[rests]) > down.b[rests])


def test_the_gap_to_descent_falls_with_its_step_where_neurons_vanish() -> None:
    steps = (1e-4, 1e-5, 1e-6)
    gaps = [kf.gradient_flow_gap(*adaptive(), lr, 0.4).sup for lr in steps]
    assert np.polyfit(np.log(steps), np.log(gaps), 1)[0] == pytest.approx(1, abs=0.1)


def test_refining_the_tolerance_converges_where_neurons_vanish() -> None:
    net, data = adaptive()
    truth, *runs = (kf.evolve(net, data, kf.GradientFlow(r), until=0.4, save_at=[]) for r in (1e-11, 1e-5, 1e-7, 1e-8))
    coarse, *fine = (run.events.size for run in runs)
    assert set(fine) == {truth.events.size}
    # Between two nodes of a long step a knot may touch a sample and return: a pair of events less.
    assert 0 <= truth.events.size - coarse <= 1e-3 * truth.events.size
    for run in runs:
        error = np.abs(run.final(data.x) - truth.final(data.x)).max() / scale(net, data)
        assert error < 10 * run.dynamics.rtol


@settings(max_examples=30)
@given(starts())
def test_a_neuron_is_active_where_its_crossings_say(start: tuple[kf.ReLUNet, kf.Samples]) -> None:
    net, data = start
    run = flow(net, data)
    x, end = data.distinct.x, run.final
    for i in range(len(net)):
        mine = run.events[run.events["neuron"] == i]
        if np.any(mine["kind"] != "cross"):
            continue
        crossings = np.bincount(mine["sample"], minlength=x.size)
        before, after = (p.a[i] * x - p.b[i] for p in (net, end))
        clear = (np.abs(before) > 1e-9) & (np.abs(after) > 1e-9)
        np.testing.assert_array_equal(((before > 0) ^ (after > 0))[clear], (crossings % 2 == 1)[clear])


@pytest.mark.parametrize("seed", range(6))
def test_neurons_alike_meet_samples_together(seed: int) -> None:
    """sqrt(w) z moves as z does, so a neuron and its two parts are one function; parts meet every sample together."""
    rng = np.random.default_rng(seed)
    x = np.append(rng.exponential(0.7, 8) - 0.4, [0.1, 0.1])
    data = kf.Samples(x, rng.normal(size=10), rng.uniform(0.5, 2, 10))
    net = kf.initial.gaussian(20, rng, norm=20**0.5)
    parts = np.sqrt(np.concatenate([np.full(20, 0.3), np.full(20, 0.7)]))
    split = kf.ReLUNet(*(parts * np.tile(p, 2) for p in (net.a, net.b, net.c)), norm=net.norm)
    one, two = flow(net, data, 2.0), flow(split, data, 2.0)
    assert np.abs(one.final(x) - two.final(x)).max() < 10 * RTOL * scale(net, data)
    assert two.events.size == 2 * one.events.size


def test_two_neurons_of_one_direction_end_with_one_knot() -> None:
    """The second of them stands on the sample, by rounding, when the step ends at the first one's crossing."""
    rng = np.random.default_rng(4)
    x = np.append(rng.exponential(0.7, 6) - 0.4, [0.1, 0.1])
    data = kf.Samples(x, rng.normal(size=8), rng.uniform(0.5, 2, 8))
    parts = np.sqrt([0.25, 0.5, 0.25])
    net = kf.ReLUNet(parts * [0.8, 0.8, -1.0], parts * [0.2, 0.2, -0.3], parts * [1.2, 1.2, -0.7])
    first, second, _ = kf.evolve(net, data, kf.GradientFlow(1e-8), until=1.0).final.knots
    assert second == pytest.approx(first, rel=1e-9)
