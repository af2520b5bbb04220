"""Arcs and their sums against activity patterns and sums taken neuron by neuron, sample by sample."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import arc_patterns

from knotflow.engine import arcs

extreme = st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.1, 5e-324, -5e-324, 1e-300, 1e300, -1e300, 3e-160, -7e155])
numbers = st.one_of(extreme, st.floats(-1e3, 1e3), st.integers(-6, 6).map(lambda k: k / 3))


def samples(least: int = 2):
    return st.lists(numbers, min_size=least, max_size=9, unique_by=lambda v: v + 0.0).map(lambda v: np.sort(v) + 0.0)


@st.composite
def neurons(draw, x):
    """(a, b), often with the knot on a sample or one rounding away from it."""
    a, b = draw(numbers), draw(numbers)
    if draw(st.booleans()):
        with np.errstate(over="ignore", under="ignore"):
            on_sample = a * draw(st.sampled_from(list(x)))
        if np.isfinite(on_sample):
            b = draw(st.sampled_from([on_sample, np.nextafter(on_sample, np.inf), np.nextafter(on_sample, -np.inf)]))
    return a, float(b)


def activity(a, b, x):
    with np.errstate(over="ignore", under="ignore"):
        return a * x - b > 0


@given(samples().flatmap(lambda x: st.tuples(st.just(x), neurons(x))))
def test_arc_of_any_neuron_has_its_activity_pattern(problem):
    x, (a, b) = problem
    s = x.size
    found = arcs.find_arc(a, b, x)
    np.testing.assert_array_equal(arc_patterns(s)[found], activity(a, b, x))
    lower, upper = arcs.borders(x)
    with np.errstate(over="ignore", under="ignore"):
        on = [arcs.on_arc(g, s, a * lower[g] - b, a * upper[g] - b) for g in range(2 * s)]
    np.testing.assert_array_equal(np.flatnonzero(on), [found])  # on that arc and on no other
    assert [arcs.follow(g, a, b, x, lower, upper) for g in range(2 * s)] == [found] * (2 * s)


@pytest.mark.parametrize("s", [2, 3, 4, 9, 16])
def test_a_turn_around_the_circle_meets_every_arc_in_order(s):
    x = np.sort(np.random.default_rng(s).exponential(1.0, s)) - 0.7
    angle = np.linspace(0.0, 2.0 * np.pi, 40_001)[:-1]
    # Directions (a, -b): from dead, (0, -1), counter-clockwise through right-facing, (1, 0), and all active, (0, 1).
    a, b = np.sin(angle), np.cos(angle)
    arc = np.empty(angle.size, np.int32)
    arcs.find_arcs(a, b, x, arc)
    np.testing.assert_array_equal(np.unique(arc), np.arange(2 * s))
    steps = np.diff(np.append(arc, arc[0])) % (2 * s)
    assert set(steps) == {0, 1}
    assert steps.sum() == 2 * s
    np.testing.assert_array_equal(arc_patterns(s)[arc], np.multiply.outer(a, x) - b[:, None] > 0)


@pytest.mark.parametrize("s", [2, 3, 8])
def test_neighbours_differ_at_the_border_sample_alone(s):
    x = np.arange(s) ** 2 - 1.5
    lower, upper = arcs.borders(x)
    pattern = arc_patterns(s)
    for g in range(2 * s):
        np.testing.assert_array_equal(x[pattern[g] != pattern[(g + 1) % (2 * s)]], [upper[g]])
        np.testing.assert_array_equal(x[pattern[g] != pattern[g - 1]], [lower[g]])


@pytest.mark.parametrize(
    ("a", "b", "active"),
    [
        (0.0, 1.0, "000"),
        (0.0, 0.0, "000"),
        (-0.0, 0.0, "000"),
        (0.0, -0.0, "000"),
        (0.0, -1.0, "111"),
        (-0.0, -1e-300, "111"),
        (1.0, 0.0, "001"),
        (-1.0, -0.0, "100"),
        (1.0, -2.0, "111"),
        (-1.0, -2.0, "110"),
        (-1.0, -2.5, "111"),
        (5e-324, 0.0, "001"),
        (-1e300, -1e300, "110"),
    ],
)
def test_corner_cases(a, b, active):
    x = np.array([-1.0, 0.0, 2.0])
    assert "".join(str(int(on)) for on in arc_patterns(3)[arcs.find_arc(a, b, x)]) == active
