"""What a bucket knows of its border."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit
from problems import NOTHING, arc_patterns

from knotflow.engine import arcs, descent
from knotflow.engine.descent import boundary, layout, state
from knotflow.engine.simd import LANES


@njit
def add_bucket(buckets, bucket, lane, k, problem):
    boundary.add_bucket(buckets, bucket, lane, k, problem)


@pytest.mark.parametrize("s", [2, 3, 4, 7])
def test_a_bucket_has_its_borders_abscissae_and_activity(s):
    x = np.arange(s) ** 2 - 1.5
    nothing = descent.Batch(NOTHING, np.empty(0), np.empty(0))
    problem = descent.problem(x, x, x, 1.0, 0.1, frozenset("a"), 0.0, nothing)
    buckets = state.empty(5, s).buckets
    for k in range(2 * s):
        lane = 2 * s - 1 - k
        buckets.neighbour[2 * (lane // LANES) :][:2] = -1  # the bits of other lanes stay as they are
        add_bucket(buckets, k, lane, k, problem)
        assert (buckets.lane[k], buckets.border[lane], buckets.number[lane]) == (lane, k, 0)
        fields = buckets.table[buckets.address[k] :]
        around = [problem.upper[k - 1], problem.upper[k], problem.upper[(k + 1) % (2 * s)]]
        np.testing.assert_array_equal(fields[[layout.LOWER, layout.X, layout.UPPER]], around)
        np.testing.assert_array_equal(fields[[layout.CA, layout.CB, layout.CR]], 0.0)
        pattern = arc_patterns(s)[arcs.inactive_arc(k, s)]
        bits = buckets.neighbour[2 * (lane // LANES) :][:2]
        np.testing.assert_array_equal(
            bits >> lane % LANES & 1, [pattern[x == around[0]][0], pattern[x == around[2]][0]]
        )
        np.testing.assert_array_equal(bits | 1 << lane % LANES, -1)
