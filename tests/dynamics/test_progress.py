"""Watching a run and stopping it by Ctrl-C."""

from __future__ import annotations

import itertools
import os
import signal
import threading

import numpy as np
import pytest

import knotflow as kf
from helpers.methods import assert_same_end, data, descend, net, rate


def test_progress():
    told = []
    traj = kf.evolve(net(300), data(), kf.GradientDescent(rate(m=300)), steps=40_000, progress=told.append)
    steps = [p.step for p in told]
    assert steps == sorted(steps)
    assert len(told) >= 1
    assert all(p.steps == 40_000 for p in told)
    assert all(a.seconds <= b.seconds for a, b in itertools.pairwise(told))
    assert all(p.remaining >= 0 for p in told)
    last = told[-1]
    assert (last.step, last.remaining, last.loss) == (40_000, 0.0, traj.loss[-1])
    told.clear()
    traj.resume(steps=10, progress=told.append)
    assert (told[-1].step, told[-1].steps) == (40_010, 40_010)


def test_progress_of_no_steps_knows_no_remaining_time():
    told = []
    descend(0, progress=told.append)
    assert [(p.step, p.steps, p.remaining) for p in told] == [(0, 0, None)]


def test_an_error_in_progress_is_passed_on():
    before = signal.getsignal(signal.SIGINT)

    def fail(_):
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        descend(10, progress=fail)
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_from_outside_stops_a_long_run():
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    try:
        traj = descend(10**12, save_every=10**11)
    finally:
        timer.cancel()
    assert traj.status == "interrupted"
    assert 0 < traj.steps[-1] < 10**12
    assert 0.0 < traj.seconds < 20.0
    np.testing.assert_array_equal(traj.final.a, descend(int(traj.steps[-1])).final.a)


def test_a_second_ctrl_c_raises():
    before = signal.getsignal(signal.SIGINT)

    def impatient(_):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        descend(10**9, save_every=10**9, progress=impatient)
    assert signal.getsignal(signal.SIGINT) is before


def test_it_runs_outside_the_main_thread():
    results = []
    thread = threading.Thread(target=lambda: results.append(descend(100)))
    thread.start()
    thread.join()
    assert_same_end(results[0], descend(100))
