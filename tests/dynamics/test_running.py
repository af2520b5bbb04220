"""The one loop: where it warns, and how it paces itself; and the room's face."""

from __future__ import annotations

import subprocess
import sys
import warnings

import numpy as np
import pytest

import knotflow as kf
from helpers.methods import data, net, rate
from knotflow.dynamics import running
from knotflow.dynamics.protocol import Reason, Save


def too_fast() -> kf.GradientDescent:
    return kf.GradientDescent(rate(30.0), train={"c"})


def line() -> int:
    return sys._getframe(1).f_lineno


@pytest.mark.parametrize("call", ["evolve", "resume", "fit"])
def test_warnings_point_at_the_callers_line(call):
    """Whatever public function led to the run: the first line outside knotflow."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        if call == "evolve":
            here = line() + 1
            kf.evolve(net(), data(), too_fast(), steps=500)
        elif call == "resume":
            start = kf.evolve(net(), data(), too_fast(), steps=1)
            found.clear()
            here = line() + 1
            start.resume(steps=500)
        else:
            here = line() + 1
            kf.fit(data(), width=30, lr=1e3, steps=300)
    ours = [w for w in found if issubclass(w.category, kf.StabilityWarning | kf.DivergenceWarning)]
    assert len(ours) >= 1
    for warning in ours:
        assert (warning.filename, warning.lineno) == (__file__, here), warning


def test_reasons_are_statuses_and_sentences():
    assert {reason.status for reason in Reason} == {
        "paused", "finished", "stop_loss", "stop_gradient", "converged", "saddle", "diverged", "stalled", "interrupted"
    }  # fmt: skip
    assert len({reason.value for reason in Reason}) == len(Reason)


def test_a_save_knows_whether_it_is_finite():
    whole = Save(1, 0.1, 0.5, np.ones(2), np.ones(2), np.ones(2), 0.0)
    assert whole.finite
    assert not whole._replace(loss=np.inf).finite
    assert not whole._replace(b=np.array([1.0, np.nan])).finite


def test_slices_grow_to_about_fifty_milliseconds(monkeypatch):
    """The clock is faked: each step takes 1 ms."""
    now = [0.0]
    monkeypatch.setattr(running.time, "perf_counter", lambda: now[0])

    class Slow:
        steps, now, loss = 0, 0, 1.0

        def advance(self, mark, budget, stops):
            self.steps += budget
            now[0] += 1e-3 * budget
            return Reason.PAUSED

    class Plan:
        stops, start, steps = None, 0, None

    pace, taken = running._Pace(Slow(), Plan(), None), []
    for _ in range(6):
        before = pace.session.steps
        pace.advance(10**9)
        taken.append(pace.session.steps - before)
    assert taken[:2] == [1, 8]
    assert all(49 <= steps <= 50 for steps in taken[2:])


def test_the_room_is_light_and_its_face_whole():
    """Loading it loads neither SciPy nor numba; every name of its face exists."""
    program = (
        "import sys, knotflow.dynamics as room\n"
        "heavy = {'scipy', 'numba', 'pandas', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "assert all(hasattr(room, name) for name in room.__all__)\n"
        "assert callable(room.evolve)\n"
        "heavy = {'scipy', 'numba', 'pandas', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    wanted = {"potential", "velocity", "residual_ode", "sample_roles", "particles", "Progress", "Gap", "TangentKernel"}
    assert wanted | {"Gradient", "Linearised", "Trajectory", "load_trajectory", "METHODS"} <= set(dir(kf.dynamics))


def test_a_function_stays_a_function_whoever_loads_its_module_first():
    program = (
        "import knotflow.dynamics.gap, knotflow as kf; assert callable(kf.dynamics.evolve) and callable(kf.evolve)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


STEPPING = {
    "descent": lambda lr: kf.GradientDescent(lr),
    "momentum": lambda lr: kf.GradientDescent(lr, momentum=0.5),
    "decay": lambda lr: kf.GradientDescent(lr, weight_decay=0.01),
    "adam": lambda lr: kf.Adam(lr),
    "batches": lambda lr: kf.SGD(lr, batch=2, rng=np.random.default_rng(0)),
}


@pytest.mark.parametrize("name", STEPPING)
def test_a_stop_loss_equal_to_a_loss_of_the_run_is_reached_there(name):
    """With ties a loss is the sum of two, which rounds; at the start it was computed otherwise than by the engine."""
    for seed in range(12):
        rng = np.random.default_rng(seed)
        x = np.append([0.0, 0.37], rng.integers(-3, 4, int(rng.integers(4, 12))) * 0.37)
        weights = rng.uniform(0.1, 3, len(x)) if seed % 2 else None
        tied = kf.Samples(x, rng.normal(size=len(x)) * 10.0 ** rng.uniform(-3, 0), weights)
        start, method = kf.initial.gaussian(int(rng.integers(2, 30)), rng), STEPPING[name]
        lr = 0.01 * kf.stability_limit(start, tied)
        whole = kf.evolve(start, tied, method(lr), steps=20, save_every=1)
        for k in (0, 1, 7, 20):
            first = int(np.argmax(whole.loss <= whole.loss[k]))
            part = kf.evolve(start, tied, method(lr), steps=20, save_every=1, stop_loss=float(whole.loss[k]))
            assert (part.status, part.steps[-1]) == ("stop_loss", first)
            assert part.loss[-1] == whole.loss[first]


@pytest.mark.parametrize("name", STEPPING)
@pytest.mark.parametrize("lr", [1e30, 1e155, 1e300, 1.7e308])
def test_a_huge_learning_rate_diverges_and_says_so(name, lr):
    rng = np.random.default_rng(3)
    few = kf.Samples(rng.normal(size=8), rng.normal(size=8))
    dead = kf.ReLUNet([1.0, 0.0], [99.0, -1.0], [1.0, 0.0])  # no sample sees what the decay of weights does to it
    for start in (kf.initial.gaussian(10, rng), dead):
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            run = kf.evolve(start, few, STEPPING[name](lr), steps=20, save_every=1)
            assert np.isfinite(run.loss).all()
            assert np.isfinite(run.times).all()
            assert not np.isnan(run.final.delta).any()
        kinds = {each.category for each in found}
        assert kinds <= {kf.StabilityWarning, kf.DivergenceWarning}
        assert (kf.DivergenceWarning in kinds) == (run.status == "diverged")
        if start is not dead or (name == "decay" and lr > 1e100):
            assert run.status == "diverged"
            assert f"lr is {lr:.6g}" in run.message
