"""Data to test with, for hypothesis."""

from __future__ import annotations

from hypothesis import assume
from hypothesis import strategies as st

numbers = st.floats(-1e6, 1e6, allow_subnormal=False)
positive = st.floats(1e-3, 1e3)


@st.composite
def points(draw: st.DrawFn) -> list[tuple[float, float, float]]:
    """(x, y, weight) with ties likely and at least two distinct x."""
    x = st.one_of(numbers, st.integers(-3, 3).map(float))
    rows = draw(st.lists(st.tuples(x, numbers, positive), min_size=2, max_size=30))
    assume(max(row[0] for row in rows) - min(row[0] for row in rows) > 1e-9)
    return rows
