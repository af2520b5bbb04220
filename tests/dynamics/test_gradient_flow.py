"""The exact gradient flow, against descent with small steps, SciPy, matrix exponentials and its own symmetries."""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

import knotflow as kf
from helpers.data import lopsided
from knotflow.engine import dense


def square_wave() -> kf.Samples:
    x = np.linspace(-1, 1, 10)
    return kf.Samples(x, np.sign(np.sin(2 * np.pi * x + 0.4)))


def start(m: int, seed: int = 0, delta: float | None = None) -> kf.ReLUNet:
    net = kf.initial.pytorch(m, np.random.default_rng(seed), norm=m**0.5)
    return net if delta is None else net.with_delta(delta)


def flow(net, data, until, rtol=1e-8, train=("a", "b", "c"), **options):
    return kf.evolve(net, data, kf.GradientFlow(rtol, frozenset(train)), until=until, **options)


def hundred() -> kf.Samples:
    rng = np.random.default_rng(3)
    return kf.Samples(rng.uniform(-1, 1, 100), rng.normal(size=100))


@pytest.mark.parametrize(
    ("data", "scale", "T", "steps"),
    [
        (square_wave(), 0.3, 2.0, (1e-2, 1e-3, 1e-4, 1e-5)),
        (square_wave(), 1.0, 2.0, (1e-2, 1e-3, 1e-4, 1e-5)),
        (square_wave(), 3.0, 2.0, (1e-2, 1e-3, 1e-4, 1e-5)),
        (lopsided(5), 1.0, 1.0, (1e-2, 1e-3, 1e-4, 1e-5)),
        (hundred(), 1.0, 0.1, (1e-3, 1e-4, 1e-5, 1e-6)),
    ],
)
def test_descent_approaches_the_flow_in_proportion_to_its_step(data, scale, T, steps):
    net = start(60, seed=2)
    net = net.replace(c=scale * net.c)
    gaps = np.array([kf.gradient_flow_gap(net, data, lr, T).sup for lr in steps])
    slope = np.polyfit(np.log(steps), np.log(gaps), 1)[0]
    assert abs(slope - 1) < 0.1, gaps


@pytest.mark.parametrize("delta", [-3.0, -0.1, 0.0, 0.1, 3.0])
def test_delta_is_conserved_and_the_loss_never_rises(delta):
    net = start(80, seed=1, delta=delta)
    for rtol in (1e-2, 1e-5, 1e-8):
        run = flow(net, square_wave(), 30.0, rtol)
        size = (run.a**2 + run.b**2 + run.c**2).max(axis=0)
        assert np.all(np.abs(run.delta - delta) <= 1e-12 * size)
        assert np.all(np.diff(run.loss) <= 1e-12 * run.loss[0])
        assert run.status == "finished"
        assert run.times[-1] == 30.0


def test_refining_the_tolerance_converges():
    net, data, grid = start(100, seed=4), square_wave(), np.linspace(-1, 1, 301)
    truth = flow(net, data, 15.0, 1e-12, save_at=[]).final(grid)
    for rtol in (1e-3, 1e-5, 1e-7, 1e-9):
        gap = np.abs(flow(net, data, 15.0, rtol, save_at=[]).final(grid) - truth).max()
        assert gap < 10 * rtol, (rtol, gap)


def test_the_events_are_the_same_under_refinement():
    net, data = start(150, seed=6), square_wave()
    coarse, fine = (flow(net, data, 60.0, rtol, save_at=[]).events for rtol in (1e-7, 1e-9))
    assert 50 < len(fine) < 1500
    assert len(coarse) == len(fine)
    for kind in ("cross", "stick", "release", "flip"):
        assert np.sum(coarse["kind"] == kind) == np.sum(fine["kind"] == kind)
    assert np.all(np.diff(fine["time"]) >= 0)


def test_stuck_knots_stay_on_their_sample_and_leave_together():
    net, data = start(150, seed=6), square_wave()
    run = flow(net, data, 60.0, save_at=np.linspace(1, 59, 30))
    where, members = {}, {}
    released = 0
    for event in run.events:
        i, j = int(event["neuron"]), int(event["sample"])
        if event["kind"] == "stick":
            where[i] = (j, event["time"])
        elif event["kind"] == "release":
            key = (float(event["time"]), j)
            members.setdefault(key, set()).add(i)
            released += 1
        if event["kind"] in ("release", "flip"):
            assert where.pop(i)[0] == j
    assert released > 5
    assert max(len(group) for group in members.values()) > 1
    x = data.distinct.x
    for i, (j, since) in where.items():  # stuck to the end
        late = run.times > since
        np.testing.assert_allclose(run.knots[late, i], x[j], rtol=1e-13, atol=1e-14)


def test_smooth_windows_agree_with_scipy():
    net, data = start(12, seed=8), lopsided(5)
    d, m = data.distinct, 12
    events = flow(net, data, 3.0, 1e-10).events
    end = float(events["time"][0]) * 0.999 if len(events) else 3.0
    assert end > 0.01

    def rate(_, z):
        a, b, c = z.reshape(3, m)
        return -np.concatenate(dense.gradient(a, b, c, net.bias, net.norm, d.x, d.y, d.weight)[:3])

    z0 = np.concatenate([net.a, net.b, net.c])
    truth = solve_ivp(rate, (0, end), z0, method="DOP853", rtol=1e-13, atol=1e-14).y[:, -1].reshape(3, m)
    ours = flow(net, data, end, 1e-11).final
    for mine, theirs in zip((ours.a, ours.b, ours.c), truth, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-9)


def test_one_neuron_sliding_by_hand():
    # A right-facing neuron with its knot on x_0 = 0, active at x_1 = 1 only: r_0 = -3 and r_1 = c a + 3 = 2 at the
    # start, so that G is r_1 > 0 on the inactive side and r_1 - 3 < 0 on the active one, and c < 0: both push it
    # back. It slides along b = 0 under q = r_1 (1, 1) less its part along (0, 1): a' = -c r_1, c' = -a r_1.
    data = kf.Samples([0.0, 1.0], [3.0, -3.0])
    run = flow(kf.ReLUNet([1.0], [0.0], [-1.0]), data, 0.4, 1e-11)
    assert run.events["kind"].tolist() == ["stick"]
    truth = solve_ivp(
        lambda _, z: [-z[1] * (z[0] * z[1] + 3), -z[0] * (z[0] * z[1] + 3)],
        (0, 0.4),
        [1.0, -1.0],
        rtol=1e-12,
        atol=1e-14,
    ).y[:, -1]
    np.testing.assert_allclose([run.final.a[0], run.final.c[0]], truth, rtol=1e-9)
    assert run.final.b[0] == 0.0
    descent = kf.evolve(run.start, data, kf.GradientDescent(1e-6), steps=400_000, save_at=[]).final
    grid = np.linspace(0, 1, 11)
    np.testing.assert_allclose(run.final(grid), descent(grid), atol=1e-5)


@pytest.mark.parametrize("seed", range(3))
def test_symmetries(seed):
    net, data = start(50, seed, delta=0.2), lopsided(5)
    grid = np.linspace(*data.range, 99)
    base = flow(net, data, 5.0, save_at=[]).final(grid)
    order = np.random.default_rng(seed).permutation(50)
    permuted = net.replace(a=net.a[order], b=net.b[order], c=net.c[order])
    np.testing.assert_allclose(flow(permuted, data, 5.0, save_at=[]).final(grid), base, atol=1e-7)
    mirrored = kf.Samples(-data.x, data.y, data.weights)
    np.testing.assert_allclose(flow(net.replace(a=-net.a), mirrored, 5.0, save_at=[]).final(-grid), base, atol=1e-7)
    negated = kf.Samples(data.x, -data.y, data.weights)
    opposite = net.replace(c=-net.c, bias=-net.bias)
    np.testing.assert_allclose(flow(opposite, negated, 5.0, save_at=[]).final(grid), -base, atol=1e-7)


def test_training_c_alone_is_a_matrix_exponential():
    net, data = start(40, seed=3), lopsided(5)
    d = data.distinct
    kernel = dense.tangent_kernel(net.a, net.b, net.c, net.norm, d.x, {"c"}) * d.weight
    truth = expm(-2.0 * kernel) @ (net(d.x) - d.y) + d.y
    run = flow(net, data, 2.0, 1e-12, train=("c",))
    np.testing.assert_allclose(run.final(d.x), truth, atol=1e-10)
    np.testing.assert_array_equal(run.final.a, net.a)
    assert run.events.size == 0


@pytest.mark.parametrize("train", ["ab", "ac", "bc", "a", "b"])
def test_subsets_follow_descent(train):
    net, data, grid = start(30, seed=9), square_wave(), np.linspace(-1, 1, 201)
    gaps = []
    for lr in (1e-3, 1e-4):
        descent = kf.evolve(net, data, kf.GradientDescent(lr, train=frozenset(train)), steps=round(2 / lr), save_at=[])
        gaps.append(np.abs(descent.final(grid) - flow(net, data, 2.0, train=train).final(grid)).max())
    assert gaps[1] < 2e-4
    assert gaps[1] < 0.2 * gaps[0]


def test_a_trained_bias_follows_descent():
    net, data, grid = start(30, seed=9), square_wave(), np.linspace(-1, 1, 201)
    train = frozenset({"a", "b", "c", "bias"})
    gaps = []
    for lr in (1e-3, 1e-4):
        descent = kf.evolve(net, data, kf.GradientDescent(lr, train=train), steps=round(2 / lr), save_at=[])
        gaps.append(np.abs(descent.final(grid) - flow(net, data, 2.0, train=train).final(grid)).max())
    assert gaps[1] < 0.2 * gaps[0]


def test_stiff_and_long_runs_take_few_steps():
    data = kf.Samples(np.linspace(-1, 1, 20), np.sin(np.pi * np.linspace(-1, 1, 20)))
    net = start(500, delta=-100.0)
    T = 1e8 * kf.stability_limit(net, data) / 2
    run = flow(net, data, T, save_at=[])
    assert run.account["steps"] < 1500
    assert run.loss[-1] < 1e-10 * run.loss[0]


def test_many_events_in_one_step_are_fed_back():
    data = kf.Samples(np.linspace(-1, 1, 20), np.sign(np.sin(5 * np.linspace(-1, 1, 20))))
    net, grid = start(3000, seed=1), np.linspace(-1, 1, 301)
    coarse = flow(net, data, 30.0, 1e-4, save_at=[])
    fine = flow(net, data, 30.0, 1e-7, save_at=[])
    assert coarse.account["steps"] < coarse.account["events"] / 2
    assert np.abs(coarse.final(grid) - fine.final(grid)).max() < 1e-3


def test_a_neuron_that_passes_near_the_origin_keeps_the_run_going():
    data = kf.Samples(*_motorcycle())
    run = flow(start(300, delta=1e4), data, 1e-3, 1e-4, save_at=[])
    assert run.status == "finished"


def _motorcycle():
    from knotflow.data import datasets

    standard, _ = datasets.motorcycle().standardised()
    return standard.x, standard.y


def test_split_runs_and_files(tmp_path):
    net, data, grid = start(60, seed=2), square_wave(), np.linspace(-1, 1, 99)
    whole = flow(net, data, 20.0, save_at=[3.0])
    half = flow(net, data, 7.0, save_at=[3.0])
    loaded = kf.load_trajectory(half.save(tmp_path / "half"))
    np.testing.assert_array_equal(loaded.events, half.events)
    assert loaded.account == dict(half.account)
    joined = loaded.resume(until=20.0)
    np.testing.assert_allclose(joined.final(grid), whole.final(grid), atol=1e-7)
    assert len(joined.events) == len(whole.events)
    np.testing.assert_allclose(whole.net_at_time(3.0)(grid), whole.net_at(1)(grid), atol=0)
    np.testing.assert_allclose(whole.net_at_time(2.0)(grid), flow(net, data, 2.0).final(grid), atol=1e-7)


def test_converged_runs_stop_by_themselves():
    run = flow(start(60, seed=2), square_wave(), "converged", 1e-6)
    assert run.status == "converged"
    assert "no longer falls" in run.message
    further = run.resume(until=2 * run.times[-1], save_at=[])
    assert run.loss[-1] - further.loss[-1] < 1e-6 * run.loss[0]


def test_stop_loss_progress_and_interruption():
    net, data = start(60, seed=2), square_wave()
    seen = []
    run = flow(net, data, 100.0, stop_loss=4.0, progress=seen.append)
    assert run.status == "stop_loss"
    assert run.loss[-1] <= 4.0 < run.loss[0]
    assert seen[-1].steps is None
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    wide = flow(start(20_000), hundred(), 1e6, 1e-9)
    assert wide.status == "interrupted"
    assert 0 < wide.times[-1] < 1e6


@pytest.mark.parametrize(
    "net",
    [
        kf.ReLUNet([1.0, -1.0, 0.0, 0.0], [5.0, 5.0, 1.0, -1.0], [1.0, 1.0, 1.0, 1.0]),
        kf.ReLUNet([1.0, -1.0], [-1.0 / 9, 1.0 / 9], [1.0, -1.0]),
        kf.ReLUNet([1.0, 0.5], [0.3, -0.2], [0.0, 0.0]),
        kf.ReLUNet([0.0], [0.0], [1.0]),
        kf.ReLUNet([1e-3, 1e3], [1e-3, 1e2], [1e3, 1e-3]),
    ],
)
def test_degenerate_networks(net):
    run = flow(net, square_wave(), 1.0)
    assert run.status in ("finished", "converged")  # nothing moves a dead network
    assert np.all(np.isfinite(run.a))
    assert run.loss[-1] <= run.loss[0]
    dead = (net.a != 0) & (np.abs(net.knots) > 1) & (net(np.array([0.0]))[0] == 0)
    np.testing.assert_array_equal(run.final.c[dead], net.c[dead])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda n, d: kf.GradientFlow(rtol=0.0), "rtol is 0.0"),
        (lambda n, d: kf.GradientFlow(rtol=0.5), ">= 1e-14 and <= 0.1"),
        (lambda n, d: kf.GradientFlow(train=()), "non-empty subset"),
        (lambda n, d: kf.evolve(n, d, kf.GradientFlow()), "until is missing"),
        (lambda n, d: kf.evolve(n, d, kf.GradientFlow(), until=-1.0), "until is -1.0"),
        (lambda n, d: kf.evolve(n, d, kf.GradientFlow(), until=float("inf")), "finite number"),
        (lambda n, d: kf.evolve(n, d, kf.GradientFlow(), until="forever"), 'must be a time or "converged"'),
        (lambda n, d: kf.evolve(n, d, kf.GradientFlow(), until=1.0, save_at=[2.0]), "save_at has 2"),
        (lambda n, d: kf.evolve(n, d, kf.GradientFlow(), until=1.0, steps=3), "steps is given"),
        (lambda n, d: kf.evolve(n, d, kf.GradientDescent(0.1), until=1.0), "until is given"),
        (lambda n, d: kf.evolve(n, d, kf.GradientDescent(0.1)), "steps is missing"),
        (lambda n, d: kf.evolve(n, d, "flow", until=1.0), "must be GradientDescent"),
        (lambda n, d: kf.gradient_flow_gap(n, d, 1.0, 0.1), "at least lr"),
        (lambda n, d: flow(n, d, 1.0).net_at_time(2.0), "within the run"),
        (lambda n, d: flow(n, d, 1.0).resume(until=0.5), "must not lie before"),
    ],
)
def test_bad_input_gets_a_clear_error(make, message):
    with pytest.raises(kf.InputError, match=message.replace("(", r"\(")):
        make(start(5), square_wave())
