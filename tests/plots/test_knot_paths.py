"""The knot plot of a flow: bands and marks where knots stick, and descent drawn over it."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import LineCollection

import knotflow as kf
from knotflow.plots.knot_paths import _merged, _stuck


@pytest.fixture(scope="module")
def flow() -> kf.Trajectory:
    x = np.linspace(-1, 1, 10)
    data = kf.Samples(x, np.sign(np.sin(2 * np.pi * x + 0.4)))
    net = kf.initial.gaussian(60, np.random.default_rng(0), norm=np.sqrt(60)).with_delta(0.5)
    return kf.evolve(net, data, kf.GradientFlow(1e-7), until=100.0)


def test_knots_lie_on_their_sample_within_a_band(flow: kf.Trajectory) -> None:
    spans = _stuck(flow, np.full(60, "all"))
    samples = flow.data.distinct.x
    bands = [spans.get((j, "all"), []) for j in range(10)]
    stuck = np.array([[any(lo < t < hi for lo, hi in band) for band in bands] for t in flow.times])
    there = (np.abs(flow.knots[:, :, None] - samples) < 1e-14).any(axis=1)
    assert stuck.sum() > 100
    assert np.all(there[stuck])


def test_overlapping_spans_are_joined() -> None:
    assert _merged([(3.0, 4.0), (0.0, 1.0), (0.5, 2.0)]) == [[0.0, 2.0], [3.0, 4.0]]


def test_bands_and_marks_are_drawn(flow: kf.Trajectory) -> None:
    ax = kf.plots.knot_paths(flow).axes[0]
    bands = [part for part in ax.collections if isinstance(part, LineCollection) and part.get_linewidth()[0] == 5]
    assert len(bands[0].get_segments()) == sum(map(len, _stuck(flow, flow.c[-1] > 0).values()))
    marked = sum(len(part.get_offsets()) for part in ax.collections if not isinstance(part, LineCollection))
    assert marked == np.isin(flow.events["kind"], ["stick", "release"]).sum()
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert {"sticks to a sample", "is released"} <= set(names)


def test_descent_is_drawn_over_the_flow_at_the_same_times(flow: kf.Trajectory) -> None:
    descent = kf.evolve(flow.start, flow.data, kf.GradientDescent(2e-2), steps=5000)
    ax = kf.plots.knot_paths(flow, descent=descent).axes[0]
    assert "gradient descent" in [text.get_text() for text in ax.get_legend().get_texts()]
    dotted = ax.collections[-1].get_segments()
    assert len(dotted) > 20
    assert max(line[:, 0].max() for line in dotted) == pytest.approx(100.0)


def test_descent_from_another_network_is_refused(flow: kf.Trajectory) -> None:
    other = kf.evolve(kf.ReLUNet([1.0], [0.0], [1.0]), flow.data, kf.GradientDescent(1e-3), steps=1)
    with pytest.raises(kf.InputError, match="descent has 1 neurons and the run 60"):
        kf.plots.knot_paths(flow, descent=other)
