"""Events after which the flow is not unique: their probabilities against descent, the choice of a way, files."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest, chi2_contingency

import knotflow as kf
from knotflow.dynamics import archive

BEFORE, AFTER = 0.06, 0.01


def problem(seed: int) -> tuple[kf.ReLUNet, kf.Samples]:
    rng = np.random.default_rng(seed)
    m, scale = 150, [1.0, 0.5, 0.25, 0.7][seed % 4]
    a, b, c = rng.uniform(-1, 1, (3, m))
    x, y = np.sort(rng.uniform(-1, 1, 9)), 2 * rng.normal(size=9)
    return kf.ReLUNet(a * scale, b * scale, c / scale**0.5, norm=m**0.5), kf.Samples(x, y)


def on_samples(seed: int) -> tuple[kf.ReLUNet, kf.Samples]:
    """Neurons whose knots are at samples, with small c: they slide, and c may change its sign."""
    rng = np.random.default_rng(seed)
    m, s = int(rng.integers(3, 9)), int(rng.integers(4, 8))
    data = kf.Samples(rng.normal(size=s), 2 * rng.normal(size=s))
    a = rng.normal(size=m)
    return kf.ReLUNet(a, a * rng.choice(data.x, m), 0.3 * rng.normal(size=m)), data


def first_event(net: kf.ReLUNet, data: kf.Samples, kinds: tuple[str, ...], until: float) -> tuple[int, float]:
    events = kf.evolve(net, data, kf.GradientFlow(1e-9), until=until, save_at=[]).events
    event = events[np.isin(events["kind"], kinds)][0]
    return int(event["neuron"]), float(event["time"])


class Event:
    """The first event of these kinds: a start shortly before it, and what follows in each way that may be taken."""

    def __init__(self, net: kf.ReLUNet, data: kf.Samples, kinds: tuple[str, ...], until: float) -> None:
        self.data = data
        self.neuron, time = first_event(net, data, kinds, until)
        begin = max(0.0, time - BEFORE)
        self.start = kf.evolve(net, data, kf.GradientFlow(1e-10), until=begin, save_at=[]).final if begin else net
        self.until = time - begin + AFTER
        first = self.flow("likeliest").outcomes
        self.ways = max(1, np.count_nonzero(first["neuron"] == self.neuron))
        runs = [self.flow({self.neuron: rank}) for rank in range(self.ways)]
        self.ends = [self.end(run.final) for run in runs]
        self.odds = [1.0]
        if self.ways > 1:
            self.odds = [run.outcomes[run.outcomes["taken"]]["probability"][0] for run in runs]

    def flow(self, undecided: object) -> kf.Trajectory:
        return kf.evolve(
            self.start, self.data, kf.GradientFlow(1e-8, undecided=undecided), until=self.until, save_at=[]
        )

    def descent(self, inverse: float) -> int:
        """The way that descent takes with about this number of steps to a unit of time."""
        steps = round(self.until * inverse)
        run = kf.evolve(self.start, self.data, kf.GradientDescent(self.until / steps), steps=steps, save_at=[])
        return self.way(run.final)

    def end(self, net: kf.ReLUNet) -> np.ndarray:
        """The direction of the neuron, 0 if it is dead; where c has changed its sign, how far its knot has moved."""
        a, b = net.a[self.neuron], net.b[self.neuron]
        alive = np.any(a * self.data.x > b)
        return np.array([a, b]) / np.hypot(a, b) if alive else np.zeros(2)

    def way(self, net: kf.ReLUNet) -> int:
        return int(np.argmin([np.linalg.norm(self.end(net) - end) for end in self.ends]))


def counts(ways: list[int], n: int) -> np.ndarray:
    return np.bincount(ways, minlength=n)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [69, 95, 118, 174])
def test_an_ensemble_of_flows_is_distributed_as_descent_with_many_small_steps(seed: int) -> None:
    event = Event(*problem(seed), ("rest", "turn"), 2.2)
    n, rng = 200, np.random.default_rng(5)
    down = counts([event.descent(inverse) for inverse in np.linspace(3e4, 6e4, n)], event.ways)
    flows = counts([event.way(event.flow(rng).final) for _ in range(n)], event.ways)
    assert event.ways == 2
    assert sum(event.odds) == pytest.approx(1, abs=1e-6)
    for found in (down, flows):
        assert binomtest(int(found[0]), n, event.odds[0]).pvalue > 1e-3, (found, event.odds)
    assert chi2_contingency([down, flows]).pvalue > 1e-3, (down, flows)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [10, 54, 79, 90, 145])
def test_where_the_flow_is_certain_descent_agrees_at_every_step_length(seed: int) -> None:
    net, data = problem(seed)
    events = kf.evolve(net, data, kf.GradientFlow(1e-9), until=3.0, save_at=[]).events
    certain = events[np.isin(events["kind"], ["rest", "turn"]) & (events["probability"] == 1)]
    for event in certain[:1]:
        i, end = int(event["neuron"]), float(event["time"]) + AFTER
        truth = kf.evolve(net, data, kf.GradientFlow(1e-9), until=end, save_at=[]).final
        for steps in np.linspace(3e4, 6e4, 12).round().astype(int):
            down = kf.evolve(net, data, kf.GradientDescent(end / steps), steps=steps, save_at=[]).final
            active = [np.flatnonzero(f.a[i] * data.x > f.b[i]) for f in (truth, down)]
            assert (active[0].size > 0) == (active[1].size > 0)
            if active[0].size:
                assert np.sign(truth.a[i]) == np.sign(down.a[i])


@pytest.mark.slow
@pytest.mark.parametrize("seed", [82, 166, 237])
def test_where_c_changes_its_sign_descent_goes_to_either_side_as_often_as_the_flow_says(seed: int) -> None:
    net, data = on_samples(seed)
    i, time = first_event(net, data, ("flip",), 3.0)
    begin, n = max(0.0, time - 0.1), 400
    start = kf.evolve(net, data, kf.GradientFlow(1e-10), until=begin, save_at=[]).final
    end = time - begin + 0.05
    runs = [kf.evolve(start, data, kf.GradientFlow(1e-9, undecided={i: [r]}), until=end, save_at=[]) for r in range(2)]
    odds = [run.outcomes["probability"][run.outcomes["taken"]][0] for run in runs]
    assert odds[0] > odds[1]
    assert sum(odds) == pytest.approx(1, abs=1e-12)
    ends = np.array([[run.final.a[i], run.final.b[i], run.final.c[i]] for run in runs])
    ways = []
    for inverse in np.linspace(6e4, 1.2e5, n):
        steps = round(end * inverse)
        down = kf.evolve(start, data, kf.GradientDescent(end / steps), steps=steps, save_at=[]).final
        gaps = np.linalg.norm(ends - [down.a[i], down.b[i], down.c[i]], axis=1)
        assert gaps.min() < 0.2 * np.linalg.norm(ends[0] - ends[1])
        ways.append(int(np.argmin(gaps)))
    assert binomtest(ways.count(0), n, odds[0]).pvalue > 1e-3, (ways.count(0) / n, odds)


def undecided() -> tuple[kf.ReLUNet, kf.Samples]:
    """A neuron that slides into a = b = 0 at t = 1.18, where no way is certain."""
    rng = np.random.default_rng(31)
    x = np.array([-1.0, -0.6, -0.1, 0.4, 1.0])
    a = rng.normal(size=6)
    net = kf.ReLUNet(a, a * rng.choice(x[1:-1], 6), 0.3 * rng.normal(size=6))
    return net, kf.Samples([-1.0, -0.6, -0.1, 0.4, 0.4, 1.0], [0.2, 0.9, -0.4, 0.3, 0.5, -0.7])


def flow(setting: object, until: float = 2.0, **options) -> kf.Trajectory:
    return kf.evolve(*undecided(), kf.GradientFlow(1e-8, undecided=setting), until=until, save_at=[], **options)


def test_a_run_says_where_the_flow_is_not_unique():
    run = flow("likeliest")
    (event,) = run.events[run.events["probability"] < 1]
    assert (event["neuron"], event["sample"], event["kind"]) == (1, 2, "turn")
    assert run.account["undecided"] == 1
    assert "The flow is not unique from t = 1.18362 on: at one event descent takes one of several ways" in run.message
    first, second = run.outcomes
    assert (first["kind"], first["first"], first["stop"], first["sample"], first["taken"]) == ("rest", 0, 0, -1, False)
    assert (second["kind"], second["stop"] - second["first"], second["taken"]) == ("turn", 4, True)
    assert second["probability"] == event["probability"] > first["probability"]
    assert second["time"] == event["time"]
    before = flow("likeliest", 1.0)
    assert before.account["undecided"] == 0
    assert "unique" not in before.message
    assert before.outcomes.size == 0
    active = run.final.a[1] * run.data.distinct.x > run.final.b[1]
    np.testing.assert_array_equal(np.flatnonzero(active), np.arange(second["first"], second["stop"]))


@pytest.mark.parametrize("rank", [0, 1])
def test_refining_the_tolerance_converges_through_the_event(rank):
    """The residuals have a kink where the neuron leaves its ray: a step ends there."""
    truth = kf.evolve(*undecided(), kf.GradientFlow(1e-13, undecided={1: rank}), until=2.0, save_at=[])
    for rtol in (1e-5, 1e-7, 1e-9):
        run = kf.evolve(*undecided(), kf.GradientFlow(rtol, undecided={1: rank}), until=2.0, save_at=[])
        assert np.abs(run.final(run.data.x) - truth.final(run.data.x)).max() < 5 * rtol


def test_the_ranks_of_the_ways_to_take():
    first, second = flow({1: 0}), flow({1: [1, 0]})
    np.testing.assert_array_equal(first.final.a, flow("likeliest").final.a)
    assert second.events["kind"][second.events["probability"] < 1].tolist() == ["rest"]
    assert (second.final.a[1], second.final.b[1]) == (0, 0)
    assert first.final.a[1] != 0
    np.testing.assert_array_equal(flow({1: 7}).final.a, second.final.a)  # the least probable one
    np.testing.assert_array_equal(flow({3: 1}).final.a, first.final.a)
    with pytest.raises(kf.InputError, match="undecided: a neuron is 6: it must be a whole number from 0 to 5"):
        flow({6: 1})


def test_seeds_draw_ways_with_their_probabilities():
    kinds = [flow(seed, 1.19).events["kind"][-1] for seed in range(60)]
    p = flow("likeliest").outcomes["probability"][0]
    assert binomtest(kinds.count("rest"), 60, p).pvalue > 1e-3
    assert flow(11).events["kind"].tolist() == flow(11).events["kind"].tolist()


@pytest.mark.parametrize("setting", [0, 1, 2, 3, {1: [1]}])
@pytest.mark.parametrize("middle", [1.0, 1.5])
def test_a_split_run_takes_the_same_ways_bit_for_bit(setting, middle, tmp_path):
    whole = kf.evolve(*undecided(), kf.GradientFlow(1e-8, undecided=setting), until=2.0, save_at=[middle])
    first = flow(setting, middle)
    for part in (first, kf.load_trajectory(first.save(tmp_path / "run"))):
        joined = part.resume(until=2.0, save_at=[])
        np.testing.assert_array_equal(joined.final.a, whole.final.a)
        np.testing.assert_array_equal(joined.events, whole.events)
        np.testing.assert_array_equal(joined.outcomes, whole.outcomes)
        assert joined.dynamics == whole.dynamics
    for t in (1.2, 1.9):
        np.testing.assert_allclose(whole.net_at_time(t).a, flow(setting, t).final.a, atol=1e-7)


def test_a_choice_depends_on_how_many_a_neuron_has_made():
    """A network between two saves is one of the run: the second choice is not taken for the first."""
    from knotflow.dynamics.outcomes import OUTCOME, Choices

    odds = np.array([0.3, 0.0, 0.5, 0.2])
    past = np.zeros(3, OUTCOME)
    past["neuron"], past["taken"] = [4, 4, 2], [True, False, True]
    fresh, later = Choices(9, 5, past[:0]), Choices(9, 5, past)
    drawn = [fresh.next(4, odds) for _ in range(40)]
    assert [later.next(4, odds) for _ in range(39)] == drawn[1:]
    assert set(drawn) == {0, 2, 3}
    ranked = Choices(((4, (1, 2)),), 5, past[:0])
    assert [ranked.next(4, odds) for _ in range(3)] == [0, 3, 2]
    certain = Choices(((4, (1, 2)),), 5, past[:0])
    assert [certain.next(4, np.array([0.0, 1.0])), certain.next(4, odds)] == [1, 0]


def test_a_generator_gives_a_seed():
    rng = np.random.default_rng(3)
    one, two = kf.GradientFlow(undecided=rng), kf.GradientFlow(undecided=rng)
    assert one != two
    assert one == kf.GradientFlow(undecided=one.undecided) == kf.GradientFlow(undecided=np.random.default_rng(3))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("first", "undecided is 'first': it must be \"likeliest\", a seed, a random generator, or for some neurons"),
        (1.5, "undecided is 1.5: it must be"),
        (True, "undecided is True: it must be"),
        (None, "undecided is None: it must be"),
        (-1, "undecided is -1: it must be a whole number of at least 0"),
        ({"a": 1}, "undecided: a neuron is 'a': it must be a whole number of at least 0"),
        ({1: -1}, "undecided: a rank is -1: it must be a whole number of at least 0"),
        ({1: [0.5]}, "undecided: a rank is 0.5: it must be a whole number of at least 0"),
        ({1: "ab"}, "undecided: a rank is 'ab': it must be a whole number of at least 0"),
        ([1, 2], r"undecided is \[1, 2\]: it must be"),
    ],
)
def test_other_settings_are_refused(value, message):
    with pytest.raises(kf.InputError, match=message):
        kf.GradientFlow(undecided=value)


def test_events_of_former_files_are_certain(tmp_path):
    """Format 3 without the probability, as it was written before."""
    run = flow("likeliest")
    content = archive.read(run.save(tmp_path / "run"))
    former = [name for name in run.events.dtype.names if name != "probability"]
    arrays = {name: value for name, value in content.arrays.items() if name != "outcomes"}
    arrays["events"] = np.array(run.events[former].tolist(), [(name, run.events.dtype[name]) for name in former])
    del content.about["dynamics"]["undecided"]
    again = kf.load_trajectory(archive.write(tmp_path / "former", content._replace(arrays=arrays)))
    assert np.all(again.events["probability"] == 1)
    np.testing.assert_array_equal(again.events[former], run.events[former])
    assert again.outcomes.size == 0
    assert again.dynamics == run.dynamics
    np.testing.assert_array_equal(
        again.resume(until=3.0, save_at=[]).final.a, run.resume(until=3.0, save_at=[]).final.a
    )
