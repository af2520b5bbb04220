"""The fitted function among its data, the splines it is compared with, and its knots."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from knotflow._checks import shown
from knotflow._typing import Array
from knotflow.errors import InputError
from knotflow.plots import artists, style
from knotflow.plots.dates import name_of_x
from knotflow.plots.subject import Fitted, fitted, net_and_data

if TYPE_CHECKING:
    from knotflow.data import Samples
    from knotflow.network import ReLUNet

__all__ = ["fit_plot", "functions"]


def fit_plot(fit: Fitted | ReLUNet, data: Samples | None = None, *, ax: Axes | None = None) -> Figure:
    """f with its data, the natural cubic spline, the linear interpolant and the knots in view.

    Knots are dots on the curve, coloured by whether f bends upwards or downwards there (the sign of c, which is
    that of r). The area of a dot is the total |delta-slope| of the knots of one sign in 1/200 of the data range.
    Both splines pass through the distinct x and the weighted mean of y there. A cubic spline that swings far beyond
    the data and f is cut off.

    Parameters
    ----------
    fit : Fit or ReLUNet
        What to draw, in the user's units.
    data : Samples, optional
        The data of a ReLUNet; a fit has its own.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.figure.Figure
        The new figure, or that of `ax`.

    Raises
    ------
    InputError
        If `fit` is neither a fit nor a network, or a network comes without its data.

    Notes
    -----
    O(m log m + n log n).

    References
    ----------
    Williams et al. (2019), the left of Figure 1.

    Examples
    --------
    >>> import knotflow as kf
    >>> net, data = kf.ReLUNet([1, -1], [0, -1], [1, 2]), kf.Samples([0, 1, 2], [0, 1, 0])
    >>> figure = kf.plots.fit_plot(net, data)
    >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()][:2]
    ['network', 'natural cubic spline']
    """
    net, data = net_and_data(fit, data)
    figure, ax = style.new_axes(ax)
    low, high = style.widened(*data.range, 0.04)
    cubic = artists.splines(ax, data)
    f = artists.network(ax, net, low, high).get_ydata()
    artists.samples(ax, data, alpha=0.8)
    up, down, outside = _draw_knots(ax, net, data)

    ax.set_xlim(low, high)
    ax.set_ylim(*_view(_span(data.y, f), _span(data.y, f, cubic)))
    style.label_axes(ax, name_of_x(ax.xaxis, data), style.plain(data.y_name))
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


def functions(fits: Mapping[str, Fitted], *, ax: Axes | None = None) -> Figure:
    """The fitted functions of several fits of the same data, over the data.

    Parameters
    ----------
    fits : mapping from names to Fit
        At least one; the data are those of the first.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.figure.Figure
        The new figure, or that of `ax`.

    Raises
    ------
    InputError
        If there is no fit.

    Notes
    -----
    O(m log m + n) a fit.

    Examples
    --------
    >>> import knotflow as kf
    >>> fits = {name: kf.fit(([0, 1, 2], [0, 1, 0]), regime=name, width=10, steps=20) for name in ("kernel", "between")}
    >>> len(kf.plots.functions(fits).axes[0].lines)
    2
    """
    if not isinstance(fits, Mapping) or len(fits) == 0:
        raise InputError(f"fits is {shown(fits)}: it must hold at least one fit, as {{'kernel': kf.fit(data)}}")
    fits = {name: fitted(fit) for name, fit in fits.items()}
    figure, ax = style.new_axes(ax)
    data = next(iter(fits.values())).data
    low, high = style.widened(*data.range, 0.04)
    artists.samples(ax, data, alpha=0.8, zorder=2)
    curves = [
        artists.network(ax, fit.net, low, high, color=ink, ls=dashes, label=name)
        for (name, fit), (ink, dashes) in zip(fits.items(), cycle(style.PENS))
    ]
    ax.set_xlim(low, high)
    ax.set_ylim(*style.widened(*_span(data.y, *(curve.get_ydata() for curve in curves)), 0.06))
    style.label_axes(ax, name_of_x(ax.xaxis, data), style.plain(data.y_name))
    handles = [*curves, style.dot(style.DATA, "data", 5)]
    style.legend_above(ax, handles, columns=4 if len(handles) <= 4 else 3)
    return figure


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


def _grouped(knots: Array, size: Array, data: Samples) -> tuple[Array, Array]:
    """Mean place and total size of the knots in each 1/200 of the data range that holds any."""
    cells = np.floor(200 * ((knots - data.range[0]) / data.span))
    _, cell, count = np.unique(cells, return_inverse=True, return_counts=True)
    total = np.zeros(len(count))
    np.add.at(total, cell, size)
    return np.bincount(cell, knots) / count, total


def _view(must: tuple[float, float], would: tuple[float, float]) -> tuple[float, float]:
    """The vertical range: what would be shown as well, unless it took half as much room again."""
    fits = would[1] - would[0] <= 1.5 * (must[1] - must[0])
    return style.widened(*(would if fits else must), 0.06)


def _span(*values: Any) -> tuple[float, float]:
    return min(float(np.min(v)) for v in values), max(float(np.max(v)) for v in values)
