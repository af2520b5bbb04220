"""What becomes of a neuron at a border, case by case."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knotflow.engine.compiled import kernel
from knotflow.engine.flow import events, filippov

S = 4


@kernel
def mode_at_border(k, from_inactive, from_active, slack, came_from):
    return filippov.mode_at_border(k, from_inactive, from_active, slack, came_from, S)


@kernel
def first_above(p0, p1, p2, low, high, level):
    return events.first_above(p0, p1, p2, low, high, level)


@pytest.mark.parametrize("k", [1, 3, 4, 6])  # right-facing: active above the border; left-facing: below it
@pytest.mark.parametrize(
    ("from_inactive", "from_active", "mode"),
    [
        (1.0, -0.5, "slides"),
        (0.2, 0.5, "active"),
        (-0.2, -0.5, "inactive"),
        (-1.0, 0.5, "back"),
        (1.0, 1e-9, "slides"),  # within the rounding error
        (-1e-9, -1.0, "slides"),
    ],
)
def test_which_mode_a_neuron_takes(k, from_inactive, from_active, mode):
    inactive, active = (k, k + 1) if k < S else ((k + 1) % (2 * S), k)
    for came_from in (inactive, active, -1):
        back = active if came_from == active else inactive
        wanted = {"slides": 2 * S + k, "active": active, "inactive": inactive, "back": back}[mode]
        assert mode_at_border(k, from_inactive, from_active, 1e-6, came_from) == wanted


@pytest.mark.parametrize("k", [0, 2 * S - 1])
def test_a_neuron_at_the_border_of_the_dead_arc_stops_unless_it_came_from_the_data_and_is_driven_back(k):
    active = 1 if k == 0 else 2 * S - 1
    for from_active, came_from, wanted in ((1.0, active, active), (1.0, 0, 0), (1.0, -1, 0), (-1.0, active, 0)):
        for from_inactive in (-1.0, 0.0, 1.0):
            assert mode_at_border(k, from_inactive, from_active, 1e-6, came_from) == wanted


@given(st.floats(-2, 2), st.floats(0.1, 2), st.floats(0, 2), st.floats(0.05, 0.95))
def test_when_a_quadratic_passes_a_level_is_exact_to_the_last_bit(p0, p1, p2, t):
    level = p0 + t * (p1 + t * p2)
    found = first_above(p0, p1, p2, 0.0, 1.0, level)
    assert p0 + found * (p1 + found * p2) > level
    before = np.nextafter(found, 0.0)
    assert p0 + before * (p1 + before * p2) <= level
    assert found == pytest.approx(t, abs=1e-14)
