"""Axes along x show dates where x counts dates, at the places where these are."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

import knotflow as kf
from knotflow import plots
from knotflow.plots import style

NET = kf.ReLUNet([1.0, -1.0], [0.3, -1.5], [1.0, 0.7])
FIRST = np.datetime64("2024-02-27T18:00")


@pytest.fixture(autouse=True)
def _coarse(monkeypatch):
    monkeypatch.setattr(style, "DPI", 60)


def ticks(axis):
    """The places and the words of the ticks that are seen, and what stands at the end of the axis."""
    figure = axis.figure
    figure.draw(FigureCanvasAgg(figure).get_renderer())
    low, high = axis.get_view_interval()
    seen = [(at, tick.label1.get_text()) for at, tick in zip(axis.get_ticklocs(), axis.get_major_ticks(), strict=True)]
    return [(at, text) for at, text in seen if low <= at <= high], axis.get_offset_text().get_text()


@pytest.mark.parametrize("unit", ["days", "hours", "seconds", "weeks"])
def test_a_tick_stands_at_the_date_that_it_names(unit):
    data = kf.Samples(FIRST + np.arange(8) * np.timedelta64(1, "D"), range(8), unit=unit, x_name="when")
    axis = plots.fit_plot(NET, data).axes[0].xaxis
    found, end = ticks(axis)
    assert len(found) >= 4
    for at, text in found:
        moment = data.from_x(at)[()]
        assert moment == moment.astype("M8[D]"), "at midnight"
        assert text in (f"{moment.astype(object).day:02}", f"{moment.astype(object):%b}")
    assert end == "2024-Mar"
    assert axis.get_label_text() == "when"


def test_the_knots_of_a_fit_are_at_dates():
    data = kf.Samples(FIRST + np.arange(9) * np.timedelta64(30, "D"), range(9), x_name="when")
    fit = kf.fit(data, width=8, steps=5, lr=1e-3)
    axis = plots.knot_paths(fit).axes[0].yaxis
    found, _ = ticks(axis)
    assert axis.get_label_text() == "knot position, when"
    assert len(found) >= 4
    for at, text in found:
        month = data.from_x(at)[()].astype("M8[s]").astype(object)
        assert text in (f"{month:%b}", f"{month:%Y}")


@pytest.mark.parametrize(
    ("x", "label"),
    [
        (np.array([0, 60], "m8[s]"), "x (days)"),
        (np.array([2**60, 2**60 + 1]), f"x - {2**60}"),
        (np.array(["2024-01-01T00:00:00", "2024-01-01T00:00:00.5"], "M8[ms]"), "x (days since 2024-01-01)"),
        (np.array(["-9000-01-01", "9000-01-01"], "M8[D]"), "x (days since -9000-01-01)"),
    ],
)
def test_where_dates_say_nothing_the_name_says_what_x_counts(x, label):
    assert plots.fit_plot(NET, kf.Samples(x, [1, 2])).axes[0].get_xlabel() == label
