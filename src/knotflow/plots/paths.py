"""Where the knots go while the network trains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from knotflow.fitting import Fit
from knotflow.plots import style
from knotflow.plots.subject import clock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from knotflow.dynamics import Trajectory
    from knotflow.samples import Scaling

# Drawn at most: more than a figure can show.
_SNAPSHOTS, _KNOTS = 400, 3000


def knot_paths(run: Fit | Trajectory, scaling: Scaling | None = None, *, ax: Axes | None = None) -> Figure:
    """Draw every knot's position against the training step (a flow: its time), within the data range and a margin.

    Call ``knot_paths(fit)`` (the user's units), or ``knot_paths(traj)`` and, for a run on standardised data,
    ``knot_paths(traj, scaling)``. A line is coloured by the sign of the neuron's final r and interrupted where
    the neuron turned around: its knot left through one infinity and came back through the other. Ticks at
    the right edge, and thin lines for few samples, mark the samples. At most 400 snapshots and 3000
    knots are drawn. O(n m) for n snapshots.
    """
    traj, scaling = (run.trajectory, run.scaling) if isinstance(run, Fit) else (run, scaling)
    figure, ax = style.new_axes(ax)
    data = traj.data
    to_user = scaling.x_to_user if scaling else (lambda x: x)
    samples = to_user(data.distinct.x)
    low, high = style.widened(float(samples[0]), float(samples[-1]), 0.06)

    width = traj.knots.shape[1]
    neurons = np.arange(0, width, -(-width // _KNOTS))
    (moments,), label = clock([traj])
    lines, colours = _visible_lines(traj, moments, neurons, to_user, low, high)
    ax.add_collection(_bundle(lines, colours), autolim=False)
    _mark_samples(ax, samples)
    style.time_axis(ax, moments)
    ax.set_ylim(low, high)
    style.label_axes(ax, label, f"knot position, {style.plain(data.x_name)}")
    handles = [
        style.line(style.POSITIVE, "knot, $r > 0$ at the end"),
        style.line(style.NEGATIVE, "knot, $r < 0$ at the end"),
        Line2D([], [], color=style.INK, marker="_", ms=8, mew=1, ls="", label="sample"),
    ]
    if len(neurons) < width:
        handles.append(style.remark(f"{len(neurons):,} of {style.plural(width, 'knot')} drawn"))
    style.legend_above(ax, handles, columns=3)
    return figure


def _thinned(moments: NDArray[Any]) -> NDArray[np.intp]:
    """Indices of the snapshots to draw: the first, the last, and evenly many per decade in between."""
    if len(moments) <= _SNAPSHOTS:
        return np.arange(len(moments))
    wanted = np.geomspace(moments[1], moments[-1], _SNAPSHOTS - 1)
    return np.union1d([0], np.searchsorted(moments, wanted).clip(max=len(moments) - 1))


def _visible_lines(
    traj: Trajectory, moments: NDArray[Any], neurons: NDArray[np.intp], to_user: Any, low: float, high: float
) -> tuple[list[NDArray[np.float64]], list[str]]:
    """The polylines of these neurons that touch the range, and the colour of each."""
    kept = _thinned(moments)
    cut = np.ix_(kept, neurons)
    knots, facing = to_user(traj.knots[cut]), np.sign(traj.a[cut])
    moments, colours = moments[kept], style.sign_colours(traj.c[-1, neurons])
    lines, hues = [], []
    for i in range(knots.shape[1]):
        for piece in _pieces(knots[:, i], facing[:, i]):
            y = knots[piece, i]
            if y.min() <= high and y.max() >= low:
                lines.append(np.column_stack([moments[piece], y]))
                hues.append(str(colours[i]))
    return lines, hues


def _pieces(knots: NDArray[np.float64], facing: NDArray[np.float64]) -> Iterator[slice]:
    """The stretches of snapshots over which a knot is finite and its neuron keeps its orientation."""
    finite = np.isfinite(knots)
    joined = finite[1:] & finite[:-1] & (facing[1:] == facing[:-1])
    cuts = np.flatnonzero(~joined) + 1
    for start, stop in zip(np.append(0, cuts), np.append(cuts, len(knots)), strict=True):
        if stop - start > 1:
            yield slice(start, stop)


def _bundle(lines: list[NDArray[np.float64]], colours: list[str]) -> LineCollection:
    crowd = max(len(lines), 1)
    alpha, width = float(np.clip(80 / crowd, 0.22, 0.9)), float(np.clip(120 / crowd, 0.6, 1.4))
    return LineCollection(lines, colors=colours, alpha=alpha, lw=width, zorder=2)


def _mark_samples(ax: Axes, samples: NDArray[np.float64]) -> None:
    if len(samples) <= 30:
        ax.hlines(samples, 0, 1, transform=ax.get_yaxis_transform(), color=style.FAINT, lw=0.8, zorder=1)
    edge = ax.get_yaxis_transform()
    ax.plot(np.full(len(samples), 1.015), samples, "_", color=style.INK, ms=6, mew=0.7, transform=edge, clip_on=False)
