"""States in files: those of format 2, and a run that goes on from its saved state."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from problems import NOTHING, Descent, materialised

import knotflow as kf
from knotflow.engine import descent

FORMAT_2 = Path(__file__).parents[2] / "data" / "format2" / "engine"


@pytest.mark.parametrize("name", ["descent", "decay", "sgd", "momentum", "adam"])
def test_a_run_of_format_2_goes_on_to_the_same_bits(name):
    """The files hold 100 steps, and the parameters after 200 more, both by the version that wrote format 2."""
    final = kf.load_trajectory(FORMAT_2 / f"{name}.npz").resume(steps=200, save_at=[]).final
    with np.load(FORMAT_2 / f"{name}-after-200-more.npz") as expected:
        for parameter in ("a", "b", "c"):
            np.testing.assert_array_equal(getattr(final, parameter), expected[parameter])
        assert final.bias == float(expected["bias"])


def problem(m) -> Descent:
    rng = np.random.default_rng(1)
    x = np.sort(rng.exponential(1.0, 30)) - 0.8
    a, b, c = rng.normal(0.3, 1, m), rng.normal(0.2, 1, m), rng.normal(-0.1, 1, m)
    return Descent(a, b, c, 0.2, m**0.5, x, np.sin(3 * x), rng.uniform(0.3, 2.0, 30), 1.0).with_lr(0.3)


def run(state, prob, steps):
    descent.run(state, prob, steps, -np.inf, np.inf, NOTHING, NOTHING)


@pytest.mark.parametrize("m", [20, 500])
@pytest.mark.parametrize("steps", [0, 1, 50])
def test_a_state_goes_on_from_its_arrays(m, steps):
    """20 neurons are all pairs; of 500 some are interior. steps = 0: the stores are not yet filled."""
    state, prob = problem(m).engine()
    if steps:
        run(state, prob, steps)
    copy = descent.restored({name: array.copy() for name, array in descent.saved(state).items()}, prob)
    for each in (state, copy):
        run(each, prob, 300)
    for ours, theirs in zip(materialised(state), materialised(copy), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_restored_state_has_arrays_of_its_own():
    state, prob = problem(500).engine()
    run(state, prob, 50)
    arrays = descent.saved(state)
    before = {name: array.copy() for name, array in arrays.items()}
    run(descent.restored(arrays, prob), prob, 50)
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, before[name])


def test_a_state_saved_before_it_had_its_last_register_goes_on_the_same():
    state, prob = problem(500).engine()
    run(state, prob, 50)
    arrays = {name: array.copy() for name, array in descent.saved(state).items()}
    arrays["registers"] = arrays["registers"][:-1]
    older = descent.restored(arrays, prob)
    for each in (state, older):
        run(each, prob, 300)
    for ours, theirs in zip(materialised(state), materialised(older), strict=True):
        np.testing.assert_array_equal(ours, theirs)
