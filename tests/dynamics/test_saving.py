"""When a run in steps saves."""

from __future__ import annotations

import numpy as np
import pytest

from helpers.methods import descend
from knotflow.dynamics import saving
from knotflow.dynamics.protocol import Asked


def test_save_at():
    np.testing.assert_array_equal(descend(100, save_at=[70, 7, 7, 0]).steps, [0, 7, 70, 100])
    np.testing.assert_array_equal(descend(100, save_at=np.array([100, 99])).steps, [0, 99, 100])
    np.testing.assert_array_equal(descend(10, save_at=[]).steps, [0, 10])
    np.testing.assert_array_equal(descend(10, save_at=range(0, 11, 5)).steps, [0, 5, 10])


def test_save_every():
    np.testing.assert_array_equal(descend(10, save_every=4).steps, [0, 4, 8, 10])
    np.testing.assert_array_equal(descend(8, save_every=4).steps, [0, 4, 8])
    np.testing.assert_array_equal(descend(3, save_every=100).steps, [0, 3])


def test_saves_of_a_resumed_run_count_from_the_very_start():
    first = descend(10, save_every=4)
    np.testing.assert_array_equal(first.resume(steps=10, save_every=4).steps, [0, 4, 8, 10, 12, 16, 20])
    np.testing.assert_array_equal(first.resume(steps=10, save_at=[3, 10, 15]).steps, [0, 4, 8, 10, 15, 20])
    np.testing.assert_array_equal(first.resume(steps=2, save_every=7).steps, [0, 4, 8, 10, 12])


@pytest.mark.parametrize("steps", [1, 2, 3, 10, 500, 100_000])
def test_default_saves_are_few_and_spread_logarithmically(steps):
    saved = descend(steps).steps
    assert (saved[0], saved[-1]) == (0, steps)
    assert np.all(np.diff(saved) > 0)
    assert saved.size <= 242
    if steps <= 10:
        np.testing.assert_array_equal(saved, np.arange(steps + 1))
    later = saved[saved > 100]
    assert later.size < 2 or np.max(later[1:] / later[:-1]) < 1.1


def test_default_saves_of_wide_networks_are_fewer():
    plan = saving.plan_steps(10**6, 0, Asked(steps=10**6), "GradientDescent")
    assert 2 <= len(plan.saves) <= 12
    assert plan.saves[-1] == 10**6
