"""Where the knots go while the network trains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from knotflow._checks import instance
from knotflow._typing import AnyArray, Array
from knotflow.errors import InputError
from knotflow.plots import style
from knotflow.plots.dates import name_of_x
from knotflow.plots.subject import Fitted, clock, fitted, trajectory_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from knotflow.data import Scaling
    from knotflow.dynamics import Trajectory

__all__ = ["knot_paths"]

# Drawn at most: more than a figure can show.
_SNAPSHOTS, _KNOTS, _EVENTS = 400, 3000, 2000
_EVENT_MARKS = {"stick": "o", "release": "D"}


def knot_paths(
    run: Fitted | Trajectory,
    scaling: Scaling | None = None,
    *,
    descent: Trajectory | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Every knot's position against the training step (of a flow: its time), in the data range and a margin.

    A line is coloured by the sign of the neuron's final r. It is interrupted where the neuron turned around: its
    knot left through one infinity and came back through the other. Ticks at the right edge, and thin lines for few
    samples, mark the samples. A flow shows its events: a band along a sample while knots stick to it, and a mark
    where one sticks or is released.

    Parameters
    ----------
    run : Fit or Trajectory
        A fit is drawn in the user's units.
    scaling : Scaling, optional
        Of a trajectory on standardised data: the way back to the user's units.
    descent : Trajectory, optional
        Another run from the same start, such as ``gradient_flow_gap(...).descent``. Its knots are drawn over the
        flow's, dotted, against the flow's time.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.figure.Figure
        The new figure, or that of `ax`.

    Raises
    ------
    InputError
        If `run` is neither a fit nor a trajectory, or `descent` has another number of neurons.

    Notes
    -----
    O(n m) for n saved states of m neurons. At most 400 states, 3000 knots and 2000 events of a kind are drawn.

    Examples
    --------
    >>> import knotflow as kf
    >>> fit = kf.fit(([0, 1, 2], [0, 1, 0]), width=10, steps=20)
    >>> kf.plots.knot_paths(fit).axes[0].get_ylabel()
    'knot position, x'
    """
    traj = trajectory_of(run)
    scaling = scaling if traj is run else fitted(run).scaling
    from knotflow.data import Scaling
    from knotflow.dynamics import Trajectory

    if scaling is not None:
        instance("scaling", scaling, Scaling, "a Scaling, the second result of Samples.standardised")
    if descent is not None:
        instance("descent", descent, Trajectory, "a Trajectory, as kf.evolve returns it")
    if descent is not None and descent.a.shape[1] != traj.a.shape[1]:
        raise InputError(
            f"descent has {descent.a.shape[1]} neurons and the run {traj.a.shape[1]}: "
            "both must start from the same network"
        )
    figure, ax = style.new_axes(ax)
    data = traj.data
    named = data if traj is run else fitted(run).data  # the run itself is in standard units
    to_user = scaling.x_to_user if scaling else (lambda x: x)
    samples = to_user(data.distinct.x)
    low, high = style.widened(float(samples[0]), float(samples[-1]), 0.06)

    width = traj.knots.shape[1]
    neurons = np.arange(0, width, -(-width // _KNOTS))
    moments, label = clock([traj] if descent is None else [traj, descent])
    lines, colours = _visible_lines(traj, moments[0], neurons, to_user, low, high)
    ax.add_collection(_bundle(lines, colours), autolim=False)
    _mark_samples(ax, samples)
    _mark_events(ax, traj, samples)
    style.time_axis(ax, moments[0])
    ax.set_ylim(low, high)
    style.label_axes(ax, label, f"knot position, {name_of_x(ax.yaxis, named)}")
    handles = [
        style.line(style.POSITIVE, "knot, $r > 0$ at the end"),
        style.line(style.NEGATIVE, "knot, $r < 0$ at the end"),
        Line2D([], [], color=style.INK, marker="_", ms=8, mew=1, ls="", label="sample"),
        *_event_legend(traj),
    ]
    if descent is not None:
        lines, _ = _visible_lines(descent, moments[1], neurons, to_user, low, high)
        ax.add_collection(LineCollection(lines, colors=style.INK, lw=0.8, ls=(0, (1, 2)), zorder=4), autolim=False)
        handles.append(Line2D([], [], color=style.INK, lw=0.8, ls=(0, (1, 2)), label="gradient descent"))
    if len(neurons) < width:
        handles.append(style.remark(f"{len(neurons):,} of {style.plural(width, 'knot')} drawn"))
    style.legend_above(ax, handles, columns=3)
    return figure


def _mark_events(ax: Axes, traj: Trajectory, samples: Array) -> None:
    """Bands where knots stick to a sample, coloured as the knots are, and marks where they stick and are released."""
    rise = style.sign_colours(traj.c[-1])
    bands, hues = [], []
    for (sample, hue), spans in _stuck(traj, rise).items():
        bands += [[(start, samples[sample]), (stop, samples[sample])] for start, stop in spans]
        hues += [hue] * len(spans)
    ax.add_collection(LineCollection(bands, colors=hues, lw=5, alpha=0.3, capstyle="butt", zorder=1.5), autolim=False)
    for kind, marker in _EVENT_MARKS.items():
        found = traj.events[traj.events["kind"] == kind]
        found = found[:: -(-len(found) // _EVENTS) or 1]
        ax.scatter(
            found["time"],
            samples[found["sample"]],
            s=11,
            lw=0.7,
            zorder=3,
            marker=marker,
            facecolors=rise[found["neuron"]] if kind == "stick" else "white",
            edgecolors=rise[found["neuron"]],
        )


def _stuck(traj: Trajectory, hues: NDArray[np.str_]) -> dict[tuple[int, str], list[list[float]]]:
    """The spans of time, ascending and apart, in which knots of a colour stick to a sample."""
    since: dict[int, tuple[float, int]] = {}
    intervals: dict[tuple[int, str], list[tuple[float, float]]] = {}

    def close(neuron: int, end: float) -> None:
        if neuron in since:
            start, sample = since.pop(neuron)
            intervals.setdefault((sample, str(hues[neuron])), []).append((start, end))

    for moment, neuron, sample, kind in traj.events[["time", "neuron", "sample", "kind"]].tolist():
        close(neuron, moment)
        if kind == "stick":
            since[neuron] = moment, sample
    for neuron in list(since):
        close(neuron, float(traj.times[-1]))
    return {key: _merged(spans) for key, spans in intervals.items()}


def _merged(spans: list[tuple[float, float]]) -> list[list[float]]:
    joined: list[list[float]] = []
    for start, stop in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1][1] = max(joined[-1][1], stop)
        else:
            joined.append([start, stop])
    return joined


def _event_legend(traj: Trajectory) -> list[Line2D]:
    kinds = set(traj.events["kind"])
    names = {"stick": "sticks to a sample", "release": "is released"}
    return [
        Line2D([], [], color=style.INK, marker=marker, ms=3.6, mew=0.7, ls="", label=names[kind],
               markerfacecolor=style.INK if kind == "stick" else "white")
        for kind, marker in _EVENT_MARKS.items() if kind in kinds
    ]  # fmt: skip


def _thinned(moments: AnyArray) -> NDArray[np.intp]:
    """Indices of the snapshots to draw: the first, the last, and evenly many per decade in between."""
    if len(moments) <= _SNAPSHOTS:
        return np.arange(len(moments))
    wanted = np.geomspace(moments[1], moments[-1], _SNAPSHOTS - 1)
    return np.union1d([0], np.searchsorted(moments, wanted).clip(max=len(moments) - 1))


def _visible_lines(
    traj: Trajectory, moments: AnyArray, neurons: NDArray[np.intp], to_user: Any, low: float, high: float
) -> tuple[list[Array], list[str]]:
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


def _pieces(knots: Array, facing: Array) -> Iterator[slice]:
    """The stretches of snapshots over which a knot is finite and its neuron keeps its orientation."""
    finite = np.isfinite(knots)
    joined = finite[1:] & finite[:-1] & (facing[1:] == facing[:-1])
    cuts = np.flatnonzero(~joined) + 1
    for start, stop in zip(np.append(0, cuts), np.append(cuts, len(knots)), strict=True):
        if stop - start > 1:
            yield slice(start, stop)


def _bundle(lines: list[Array], colours: list[str]) -> LineCollection:
    count = max(len(lines), 1)
    alpha, width = float(np.clip(80 / count, 0.22, 0.9)), float(np.clip(120 / count, 0.6, 1.4))
    return LineCollection(lines, colors=colours, alpha=alpha, lw=width, zorder=2)


def _mark_samples(ax: Axes, samples: Array) -> None:
    if len(samples) <= 30:
        ax.hlines(samples, 0, 1, transform=ax.get_yaxis_transform(), color=style.FAINT, lw=0.8, zorder=1)
    edge = ax.get_yaxis_transform()
    ax.plot(np.full(len(samples), 1.015), samples, "_", color=style.INK, ms=6, mew=0.7, transform=edge, clip_on=False)
