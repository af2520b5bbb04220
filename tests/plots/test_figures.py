"""The figures show what they claim: read back from the drawn artists, never from the code that drew them."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection, PatchCollection, PathCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from numpy.testing import assert_allclose

import knotflow as kf
from knotflow import plots
from knotflow.plots import style

DATA = kf.Samples([0.0, 1.0, 1.0, 2.5, 4.0, 9.0], [1.0, 2.0, 3.0, 0.0, -1.0, 4.0], x_name="time", y_name="speed")


@pytest.fixture(autouse=True)
def _coarse(monkeypatch):
    """Fewer pixels: the layout is in inches."""
    monkeypatch.setattr(style, "DPI", 60)


@pytest.fixture(scope="module")
def fit():
    return kf.fit(DATA, regime="adaptive", width=40, steps=3000)


def axes_of(figure):
    return figure.axes[0]


def legend_of(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def lines_by_colour(ax):
    return {to_hex(line.get_color()): line for line in ax.lines}


def collections(ax, kind):
    return [artist for artist in ax.collections if isinstance(artist, kind)]


def fits_its_paper(figure):
    """Whether all that is drawn, labels and legends included, lies within the figure."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    drawn, paper = figure.get_tightbbox(renderer), figure.bbox_inches.padded(0.01)
    return paper.x0 <= drawn.x0 and paper.y0 <= drawn.y0 and drawn.x1 <= paper.x1 and drawn.y1 <= paper.y1


# -- fit_plot ----------------------------------------------------------------------------------------------


def test_fit_plot_draws_data_network_and_both_splines(fit):
    ax = axes_of(plots.fit_plot(fit))
    lines = lines_by_colour(ax)
    assert set(lines) == {style.NETWORK, style.CUBIC, style.LINEAR}
    x, y = lines[style.NETWORK].get_data()
    grid = np.linspace(x[0], x[-1], 2001)
    assert_allclose(np.interp(grid, x, y), fit.net(grid), atol=1e-12)  # straight lines between nodes are f itself
    assert x[0] < 0
    assert x[-1] > 9
    x, y = lines[style.CUBIC].get_data()
    assert_allclose(y, kf.splines.natural(DATA)(x), atol=1e-12)
    x, y = lines[style.LINEAR].get_data()
    assert_allclose(y, np.interp(x, [0, 1, 2.5, 4, 9], [1, 2.5, 0, -1, 4]), atol=1e-12)
    data = collections(ax, PathCollection)[0]
    assert_allclose(data.get_offsets(), np.column_stack([DATA.x, DATA.y]))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("time", "speed")


def test_knots_are_dots_on_the_curve_by_sign_and_size():
    net = kf.ReLUNet([1, 1, -1, 1, 1, 0, 1], [2, 5, -7, -3, 30, 1, 2.001], [1, -2, 1, 1, 1, 1, 2])
    ax = axes_of(plots.fit_plot(net, DATA))
    _, up, down = collections(ax, PathCollection)
    assert to_hex(up.get_facecolor()[0]) == style.POSITIVE
    assert to_hex(down.get_facecolor()[0]) == style.NEGATIVE
    assert_allclose(up.get_offsets()[:, 0], [2.0005, 7])  # two knots 1/9000 of the range apart make one dot
    assert_allclose(down.get_offsets(), [[5, net(5.0)]])
    assert_allclose(up.get_offsets()[:, 1], net(np.array([2.0005, 7])))
    areas = np.concatenate([up.get_sizes(), down.get_sizes()])
    assert areas[0] == areas.max()  # delta-slopes 3, 1 and 2
    assert_allclose((areas[0] - areas[2]) / (areas[2] - areas[1]), 1.0)
    texts = legend_of(ax)
    assert "3 knots bending up ($r > 0$)" in texts
    assert "1 knot bending down ($r < 0$)" in texts
    assert "2 knots outside the data" in texts


def test_colour_is_the_direction_of_the_bend_whatever_the_facing():
    """A neuron facing left with c > 0 bends f upwards too, although its delta-slope c a is negative."""
    left = kf.ReLUNet([-1.0], [-3.0], [1.0])
    assert left(2.0) > left(4.0) == 0
    _, up, down = collections(axes_of(plots.fit_plot(left, DATA)), PathCollection)
    assert len(up.get_offsets()) == 1
    assert len(down.get_offsets()) == 0


def test_a_wild_cubic_spline_does_not_shrink_the_data():
    wild = kf.Samples([0, 1, 1.001, 2], [0.0, 0.0, 1.0, 0.0])
    ax = axes_of(plots.fit_plot(kf.ReLUNet([1.0], [0.5], [1.0]), wild))
    assert ax.get_ylim()[1] - ax.get_ylim()[0] < 2
    mild = kf.Samples([0, 1, 2, 3], [0.0, 1.0, 1.0, 0.0])
    ax = axes_of(plots.fit_plot(kf.ReLUNet([1.0], [5.0], [1.0]), mild))
    assert ax.get_ylim()[1] > kf.splines.natural(mild)(1.5) > 1.1


def test_a_network_without_data_is_refused():
    for draw in (plots.fit_plot, plots.uv_plane):
        with pytest.raises(kf.InputError, match=r"data is missing: a ReLUNet was given alone\. Pass a fit, or a net"):
            draw(kf.ReLUNet([1], [0], [1]))


# -- uv_plane ----------------------------------------------------------------------------------------------


def test_neurons_are_particles_coloured_by_the_sign_of_r():
    net = kf.ReLUNet([1, -1, 0, 2], [1, 0, -1, 1], [1, -2, 0, 3], norm=2)
    figure = plots.uv_plane(net, DATA)
    ax = axes_of(figure)
    (dots,) = collections(ax, PathCollection)
    r = 4 / 2 * net.c * np.hypot(net.a, net.b)
    direction = np.column_stack([net.a, -net.b]) / np.hypot(net.a, net.b)[:, None]
    assert_allclose(dots.get_offsets(), np.abs(r)[:, None] * direction, atol=1e-12)
    colours = [to_hex(colour) for colour in dots.get_facecolors()]
    assert colours == [style.POSITIVE, style.NEGATIVE, style.NEUTRAL, style.POSITIVE]
    assert "2 neurons with $r > 0$" in legend_of(ax)
    assert "1 neuron with $r = 0$" in legend_of(ax)
    assert ax.get_aspect() == 1


def test_one_line_per_distinct_sample_and_regions_shaded_by_active_samples():
    ax = axes_of(plots.uv_plane(kf.ReLUNet([1], [0], [1]), DATA))
    (rays,) = collections(ax, LineCollection)
    ends = np.array(rays.get_segments())
    assert_allclose(np.sort(-ends[:, 1, 1] / ends[:, 1, 0]), DATA.distinct.x, atol=1e-12)
    assert_allclose(ends[:, 0], -ends[:, 1], atol=1e-12)
    (regions,) = collections(ax, PatchCollection)
    counts = regions.get_array()
    assert len(counts) == 2 * len(DATA.distinct.x)
    for path, count in zip(regions.get_paths(), counts, strict=True):
        u, v = path.vertices[:-1].mean(axis=0)  # inside the sector, which is convex
        assert count == np.sum(u * DATA.x + v > 0)
    assert regions.get_clim() == (0, len(DATA))


def test_a_few_far_neurons_do_not_shrink_the_view():
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(size=(3, 500))
    c[:3] *= 1e4
    ax = axes_of(plots.uv_plane(kf.ReLUNet(a, b, c, norm=500), DATA))
    assert ax.get_ylim()[1] < 10
    (dots,) = collections(ax, PathCollection)
    u, v = np.abs(np.asarray(dots.get_offsets())).T
    outside = int(np.sum((u > ax.get_xlim()[1]) | (v > ax.get_ylim()[1])))
    assert 3 <= outside <= 10
    assert f"{outside} neurons outside the view" in legend_of(ax)


def test_a_fit_is_drawn_in_the_units_it_was_trained_in(fit):
    ax = axes_of(plots.uv_plane(fit))
    (dots,) = collections(ax, PathCollection)
    view = fit.trajectory.final.canonical()
    assert_allclose(dots.get_offsets(), np.column_stack([view.u, view.v]))
    assert "standardised units" in ax.get_xlabel()


def test_of_many_samples_not_every_line_is_drawn():
    data = kf.Samples(np.linspace(0, 1, 1000), np.zeros(1000))
    ax = axes_of(plots.uv_plane(kf.ReLUNet([1], [0], [1]), data))
    assert len(collections(ax, LineCollection)[0].get_segments()) == 250
    assert any("per 4 samples" in text for text in legend_of(ax))


# -- knot_paths --------------------------------------------------------------------------------------------


def run_of(a, b, c, steps=None, data=DATA):
    """A trajectory with these parameters, (n, m)."""
    a, b, c = (np.asarray(z, float) for z in (a, b, c))
    steps = np.arange(len(a)) if steps is None else np.asarray(steps)
    run = kf.evolve(kf.ReLUNet(a[0], b[0], c[0]), data, kf.GradientDescent(lr=1e-30), steps=0)
    ones = np.ones(len(a))
    times = steps * run.dynamics.lr
    return dataclasses.replace(run, steps=steps, times=times, loss=ones, a=a, b=b, c=c, bias=0 * ones)


def drawn(ax):
    lines = [artist for artist in collections(ax, LineCollection) if artist.get_zorder() == 2]
    (bundle,) = lines
    return bundle.get_segments(), [to_hex(colour) for colour in bundle.get_colors()]


def test_a_path_per_knot_in_view_coloured_by_its_final_sign():
    a = np.ones((4, 3))
    b = [[1, 2, 50], [1.5, 2, 50], [2, 2, 50], [2.5, 2, 50]]
    c = [[1, 1, 1], [1, 1, 1], [1, -1, 1], [1, -1, 1]]
    figure = plots.knot_paths(run_of(a, b, c))
    segments, colours = drawn(axes_of(figure))
    assert_allclose(segments[0], [[0, 1], [1, 1.5], [2, 2], [3, 2.5]])
    assert_allclose(segments[1][:, 1], 2)
    assert colours == [style.POSITIVE, style.NEGATIVE]  # the third stays at 50, outside the data
    assert axes_of(figure).get_ylabel() == "knot position, time"


def test_a_path_breaks_where_the_knot_jumps_through_infinity():
    a = [[0.5], [0.2], [-0.2], [-0.5], [0.0], [1.0], [1.0]]
    b = [[1.0], [1.0], [-1.0], [-1.0], [1.0], [3.0], [4.0]]
    segments, _ = drawn(axes_of(plots.knot_paths(run_of(a, b, np.ones((7, 1))))))
    assert_allclose([s[:, 0].tolist() for s in segments if len(s) == 2], [[0, 1], [2, 3], [5, 6]])
    assert len(segments) == 3


def test_scaling_brings_the_paths_to_the_users_units(fit):
    by_fit, _ = drawn(axes_of(plots.knot_paths(fit)))
    by_parts, _ = drawn(axes_of(plots.knot_paths(fit.trajectory, fit.scaling)))
    assert all(np.array_equal(p, q) for p, q in zip(by_fit, by_parts, strict=True))
    ends = {round(s[-1, 1], 9) for s in by_fit if s[-1, 0] == fit.trajectory.steps[-1]}
    inside = fit.net.knots[(fit.net.knots > 0) & (fit.net.knots < 9)]
    assert {round(knot, 9) for knot in inside} <= ends


def test_samples_are_marked_at_the_right_edge(fit):
    ax = axes_of(plots.knot_paths(fit))
    assert_allclose(ax.lines[-1].get_ydata(), DATA.distinct.x, atol=1e-12)


def test_long_runs_and_wide_networks_are_thinned_to_what_a_figure_can_show():
    n, m = 2000, 4000
    steps = np.arange(n) * 5
    a, c = np.ones((n, 1)), np.ones((n, 1))
    segments, _ = drawn(axes_of(plots.knot_paths(run_of(a, 2 + np.linspace(0, 1, n)[:, None], c, steps))))
    assert len(segments[0]) <= 400
    assert_allclose(segments[0][[0, -1]], [[0, 2], [5 * (n - 1), 3]])
    wide = run_of(np.ones((2, m)), np.full((2, m), 2.0), np.ones((2, m)))
    ax = axes_of(plots.knot_paths(wide))
    assert len(drawn(ax)[0]) == 2000
    assert "2,000 of 4,000 knots drawn" in legend_of(ax)


# -- loss_curve --------------------------------------------------------------------------------------------


def test_loss_of_a_fit_is_in_the_users_units_and_has_a_floor(fit):
    ax = axes_of(plots.loss_curve(fit))
    steps, loss = lines_by_colour(ax)[style.NETWORK].get_data()
    assert_allclose(steps, fit.trajectory.steps)
    assert_allclose(loss[-1], fit.net.loss(DATA), rtol=1e-9)
    assert_allclose(lines_by_colour(ax)[style.DATA].get_ydata(), DATA.distinct.within)
    assert loss.min() >= DATA.distinct.within
    assert (ax.get_xscale(), ax.get_yscale()) == ("symlog", "log")
    assert "floor: repeated $x$" in legend_of(ax)


def test_several_losses_have_a_name_and_a_pen_each(fit):
    ax = axes_of(plots.loss_curve({"one": fit, "two": fit, "three": fit, "four": fit}))
    assert legend_of(ax) == ["one", "two", "three", "four", "floor: repeated $x$"]
    assert len({to_hex(line.get_color()) for line in ax.lines}) == 5


def test_with_a_flow_among_the_runs_time_is_the_axis(fit):
    """The steps of a flow are those of its integrator."""
    descent = run_of(np.ones((3, 1)), np.ones((3, 1)), np.ones((3, 1)), steps=[0, 10, 20])
    flow = dataclasses.replace(descent, dynamics=object(), times=np.array([0.0, 0.25, 3.0]))
    ax = axes_of(plots.loss_curve({"descent": descent, "flow": flow}))
    assert ax.get_xlabel() == "time of the gradient flow"
    assert_allclose(ax.lines[0].get_xdata(), descent.times)
    assert_allclose(ax.lines[1].get_xdata(), flow.times)
    ax = axes_of(plots.knot_paths(flow))
    assert ax.get_xlabel() == "time of the gradient flow"
    assert_allclose(drawn(ax)[0][0][:, 0], flow.times)
    assert axes_of(plots.loss_curve(descent)).get_xlabel() == "training step"


def test_a_trajectory_without_ties_has_no_floor():
    data = kf.Samples([0.0, 1.0], [0.0, 1.0])
    run = kf.evolve(kf.ReLUNet([1], [0], [0.5]), data, kf.GradientDescent(lr=0.1), steps=30)
    ax = axes_of(plots.loss_curve(run))
    assert legend_of(ax) == ["network"]
    assert_allclose(ax.lines[0].get_ydata(), run.loss)


def test_a_loss_of_zero_is_drawn_without_complaint():
    data = kf.Samples([0.0, 1.0], [0.0, 1.0])
    run = kf.evolve(kf.ReLUNet([1], [0], [1]), data, kf.GradientDescent(lr=0.1), steps=3)
    assert run.loss.max() == 0
    assert fits_its_paper(plots.loss_curve(run))


# -- all of them -------------------------------------------------------------------------------------------


def test_functions_draws_each_network_exactly(fit):
    other = kf.fit(DATA, regime="kernel", width=40, steps=100)
    ax = axes_of(plots.functions({"adaptive": fit, "kernel": other}))
    assert legend_of(ax) == ["adaptive", "kernel", "data"]
    for line, one in zip(ax.lines, (fit, other), strict=True):
        grid = np.linspace(-0.3, 9.3, 500)
        assert_allclose(np.interp(grid, *line.get_data()), one.net(grid), atol=1e-12)


def test_overview_has_the_four_figures(fit):
    figure = plots.overview(fit)
    assert [panel.get_suptitle() for panel in figure.subfigs] == [
        "The function",
        "The neurons",
        "The knots during training",
        "The loss",
    ]
    labels = [ax.get_xlabel() for ax in figure.axes]
    assert labels.count("training step") == 2
    assert fits_its_paper(figure)


@pytest.mark.parametrize("name", ["fit_plot", "uv_plane", "knot_paths", "loss_curve"])
def test_every_figure_fits_its_paper_and_draws_on_given_axes(fit, name):
    draw = getattr(plots, name)
    figure = draw(fit)
    assert isinstance(figure, Figure)
    assert fits_its_paper(figure)
    mine = Figure().add_subplot()
    assert draw(fit, ax=mine) is mine.figure
    assert mine.has_data() or mine.collections
    mine.figure.draw_without_rendering()
    legend = mine.get_legend().get_window_extent()
    assert legend.y0 >= mine.get_window_extent().y1 - 1  # above the axes, not over the data


@pytest.mark.parametrize(
    ("net", "data"),
    [
        (kf.ReLUNet([1.0], [0.0], [1.0]), kf.Samples([0, 1], [0, 1])),
        (kf.ReLUNet([0.0, 1.0], [1.0, 50.0], [1.0, 1.0]), kf.Samples([0, 1], [0, 1])),
        (kf.ReLUNet([0.0, 0.0], [0.0, -1.0], [0.0, 2.0]), DATA),
        (kf.ReLUNet([1e-300, 1.0], [1.0, 1e100], [1.0, 1.0]), kf.Samples([0, 1, 2], [5.0, 5.0, 5.0])),
        (kf.ReLUNet([1e9, 1.0], [1.0, 1e-9], [1e-9, 1.0]), kf.Samples([1e-9, 2e-9], [1e9, -1e9])),
    ],
)
def test_degenerate_networks_and_data_are_drawn(net, data):
    run = run_of(net.a[None], net.b[None], net.c[None], data=data)
    figures = [plots.fit_plot(net, data), plots.uv_plane(net, data), plots.knot_paths(run), plots.loss_curve(run)]
    for figure in figures:
        assert fits_its_paper(figure)


@pytest.mark.parametrize("draw", [plots.fit_plot, plots.uv_plane, plots.knot_paths, plots.loss_curve, plots.overview])
@pytest.mark.parametrize("thing", [7, None, DATA])
def test_what_is_no_fit_is_refused(draw, thing):
    with pytest.raises(kf.InputError, match=f"fit is a {type(thing).__name__}: it must be a fit, as kf.fit"):
        draw(thing)


def test_no_fits_are_refused():
    with pytest.raises(kf.InputError, match=r"fits is \{\}: it must hold at least one fit"):
        plots.functions({})


def test_names_are_text_not_mathematics():
    data = kf.Samples([0, 1], [0, 1], x_name="price ($) to $y^{", y_name="n" * 90)
    figure = plots.fit_plot(kf.ReLUNet([1], [0], [1]), data)
    figure.draw_without_rendering()
    assert axes_of(figure).get_xlabel() == r"price (\$) to \$y^{"
    assert axes_of(figure).get_ylabel() == "n" * 47 + "…"


def test_no_global_state_and_no_window():
    """Neither pyplot nor the settings of matplotlib are touched, and importing the package loads neither."""
    code = """
import sys, knotflow as kf
assert "matplotlib" not in sys.modules
import matplotlib
before = matplotlib.rcParams.copy()
data = kf.Samples([0, 1, 2], [0, 1, 0])
kf.plots.fit_plot(kf.ReLUNet([1], [0], [1]), data).draw_without_rendering()
assert "matplotlib.pyplot" not in sys.modules
assert matplotlib.rcParams.copy() == before
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
