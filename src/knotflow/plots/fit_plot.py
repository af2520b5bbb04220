"""The fitted function among its data, the splines it is compared with, and its knots."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from knotflow.plots import style
from knotflow.plots.subject import net_and_data
from knotflow.splines import linear, natural

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from knotflow.fitting import Fit
    from knotflow.network import ReLUNet
    from knotflow.samples import Samples


def fit_plot(fit: Fit | ReLUNet, data: Samples | None = None, *, ax: Axes | None = None) -> Figure:
    """Draw f with its data, the natural cubic spline, the linear interpolant and the knots in view.

    Call ``fit_plot(fit)`` or ``fit_plot(net, data)``. Knots are dots on the curve, coloured by whether f bends
    upwards or downwards there (the sign of c, which is that of r); the area of a dot is the total |delta-slope|
    of the knots of one sign in 1/200 of the data range. Both splines pass through the distinct x and the weighted
    mean of y there. A cubic spline that swings far beyond the data and f is cut off.

    Left of Figure 1 of Williams et al. (2019). O(m log m + n log n).
    """
    net, data = net_and_data(fit, data)
    figure, ax = style.new_axes(ax)
    low, high = style.widened(*data.range, 0.04)
    x = _nodes(net, low, high)
    inside = np.union1d(np.linspace(*data.range, 1200), data.distinct.x)
    cubic = natural(data)(inside)

    ax.plot(inside, cubic, color=style.CUBIC, lw=1.1, zorder=2)
    ax.plot(inside, linear(data)(inside), color=style.LINEAR, lw=1.0, zorder=1.9)
    ax.plot(x, net(x), color=style.NETWORK, lw=1.8, zorder=3)
    ax.scatter(data.x, data.y, s=_data_size(len(data)), color=style.DATA, alpha=0.8, lw=0, zorder=2.5)
    up, down, outside = _draw_knots(ax, net, data)

    ax.set_xlim(low, high)
    ax.set_ylim(*_view(_span(data.y, net(x)), _span(data.y, net(x), cubic)))
    style.label_axes(ax, style.plain(data.x_name), style.plain(data.y_name))
    style.legend_above(
        ax,
        [
            style.line(style.NETWORK, "network", 1.8),
            style.line(style.CUBIC, "natural cubic spline", 1.2),
            style.line(style.LINEAR, "linear interpolant", 1.2),
            style.dot(style.DATA, "data", 5),
            style.dot(style.POSITIVE, f"{style.plural(up, 'knot')} bending up ($r > 0$)"),
            style.dot(style.NEGATIVE, f"{style.plural(down, 'knot')} bending down ($r < 0$)"),
            style.remark(f"{style.plural(outside, 'knot')} outside the data"),
        ],
        columns=2,
    )
    return figure


def functions(fits: Mapping[str, Fit], *, ax: Axes | None = None) -> Figure:
    """Draw the fitted functions of several fits of the same data over it: ``functions({"kernel": fit, ...})``."""
    figure, ax = style.new_axes(ax)
    data = next(iter(fits.values())).data
    low, high = style.widened(*data.range, 0.04)
    ax.scatter(data.x, data.y, s=_data_size(len(data)), color=style.DATA, alpha=0.8, lw=0, zorder=2)
    curves = []
    for (name, fit), (ink, dashes) in zip(fits.items(), cycle(style.PENS)):
        x = _nodes(fit.net, low, high)
        curves += ax.plot(x, fit.net(x), color=ink, ls=dashes, lw=1.8, zorder=3, label=name)
    ax.set_xlim(low, high)
    ax.set_ylim(*style.widened(*_span(data.y, *(curve.get_ydata() for curve in curves)), 0.06))
    style.label_axes(ax, style.plain(data.x_name), style.plain(data.y_name))
    handles = [*curves, style.dot(style.DATA, "data", 5)]
    style.legend_above(ax, handles, columns=4 if len(handles) <= 4 else 3)
    return figure


def _nodes(net: ReLUNet, low: float, high: float) -> NDArray[np.float64]:
    """Where to evaluate f so that straight lines between the points draw it exactly."""
    inner = net.knots[(net.knots > low) & (net.knots < high)]
    return np.concatenate([[low], np.unique(inner), [high]])


def _draw_knots(ax: Axes, net: ReLUNet, data: Samples) -> tuple[int, int, int]:
    """Mark the knots of the data range; how many bend upwards, bend downwards, and are elsewhere."""
    low, high = data.range
    bends = np.isfinite(net.knots) & (net.c != 0)
    inside = bends & (net.knots >= low) & (net.knots <= high)
    up, down = inside & (net.c > 0), inside & (net.c < 0)
    groups = [_grouped(net.knots[sign], np.abs(net.delta_slopes[sign]), data) for sign in (up, down)]
    largest = max(total.max(initial=0.0) for _, total in groups) or 1.0
    for (place, total), colour in zip(groups, (style.POSITIVE, style.NEGATIVE), strict=True):
        ax.scatter(place, net(place), s=7 + 103 * total / largest, c=colour, alpha=0.85, lw=0, zorder=2.8)
    return int(up.sum()), int(down.sum()), int(np.sum(bends & ~inside))


def _grouped(
    knots: NDArray[np.float64], size: NDArray[np.float64], data: Samples
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean place and total size of the knots in each 1/200 of the data range that holds any."""
    cells = np.floor(200 * ((knots - data.range[0]) / data.span))
    _, cell, count = np.unique(cells, return_inverse=True, return_counts=True)
    total = np.zeros(len(count))
    np.add.at(total, cell, size)
    return np.bincount(cell, knots) / count, total


def _data_size(n: int) -> float:
    return float(np.clip(2400 / n, 6, 30))


def _view(must: tuple[float, float], would: tuple[float, float]) -> tuple[float, float]:
    """The vertical range: what would be shown as well, unless it took half as much room again."""
    fits = would[1] - would[0] <= 1.5 * (must[1] - must[0])
    return style.widened(*(would if fits else must), 0.06)


def _span(*values: Any) -> tuple[float, float]:
    return min(float(np.min(v)) for v in values), max(float(np.max(v)) for v in values)
