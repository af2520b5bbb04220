"""The neurons as particles in the canonical plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Wedge
from matplotlib.ticker import MaxNLocator

from knotflow._typing import Array
from knotflow.network import ReLUNet
from knotflow.plots import artists, style
from knotflow.plots.subject import Fitted, fitted, net_and_data

if TYPE_CHECKING:
    from knotflow.data import Samples

__all__ = ["uv_plane"]

_SHADES = LinearSegmentedColormap.from_list("active", ["#ffffff", "#e2dfd5", "#c3bdae"])
_RAY = "#958f7f"
_SHAPE = 1.4  # width to height of the view, whose two axes have one scale
_LINES = 300  # drawn at most


def uv_plane(fit: Fitted | ReLUNet, data: Samples | None = None, *, ax: Axes | None = None) -> Figure:
    """Each neuron at (u, v) = |r| (cos theta, sin theta), among the activation regions of the data.

    Sample j is the line u x_j + v = 0; a neuron is active on it on the side u x_j + v > 0. The 2s sectors between
    the lines of s distinct samples are the activation regions, shaded by how many of the n samples are active.
    A few far neurons do not stretch the view; the legend counts those outside it.

    Parameters
    ----------
    fit : Fit or ReLUNet
        A fit is drawn in the standardised units it was trained in.
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
    O(m log m + n log n). Of more than 300 lines only every second, third, ... is drawn.

    References
    ----------
    Williams et al. (2019), equations (5) and (6), and the right of Figure 1.

    Examples
    --------
    >>> import knotflow as kf
    >>> net, data = kf.ReLUNet([1, -1], [0, -1], [1, 2]), kf.Samples([0, 1, 2], [0, 1, 0])
    >>> figure = kf.plots.uv_plane(net, data)
    >>> figure.axes[0].get_legend().get_texts()[0].get_text()
    '2 neurons with $r > 0$'
    """
    units = ""
    if not isinstance(fit, ReLUNet):
        net_and_data(fit, data)
        run, units = fitted(fit).trajectory, " (standardised units)"
        fit, data = run.final, run.data
    net, data = net_and_data(fit, data)
    figure, ax = style.new_axes(ax)
    view = net.canonical()
    height = _window(np.maximum(np.abs(view.u) / _SHAPE, np.abs(view.v)))
    width = _SHAPE * height
    shading = _draw_regions(ax, data, 2 * width)
    _draw_neurons(ax, view.u, view.v, view.r)

    ax.set(xlim=(-width, width), ylim=(-height, height), aspect="equal")
    style.label_axes(ax, rf"$u = |r|\,\cos\theta${units}", r"$v = |r|\,\sin\theta$")
    bar = figure.colorbar(shading, ax=ax, shrink=0.8, pad=0.02, aspect=24, ticks=MaxNLocator(6, integer=True))
    bar.set_label("samples a neuron here is active on", fontsize=style.FONT - 1.5, color=style.INK)
    bar.ax.tick_params(labelsize=style.FONT - 2, color=style.INK, labelcolor=style.INK)
    bar.outline.set(edgecolor=style.FAINT, linewidth=0.6)
    outside = int(np.sum((np.abs(view.u) > width) | (np.abs(view.v) > height)))
    style.legend_above(ax, _legend(view.r, outside, _stride(data)), columns=2)
    return figure


def _legend(r: Array, outside: int, stride: int) -> list[Line2D]:
    handles = [
        style.dot(style.POSITIVE, f"{style.plural(int(np.sum(r > 0)), 'neuron')} with $r > 0$"),
        style.dot(style.NEGATIVE, f"{style.plural(int(np.sum(r < 0)), 'neuron')} with $r < 0$"),
        style.line(
            _RAY, f"a line $u\\,x_j + v = 0$ per {'sample' if stride == 1 else style.plural(stride, 'sample')}", 1.0
        ),
    ]
    if np.any(r == 0):
        handles.append(style.dot(style.NEUTRAL, f"{style.plural(int(np.sum(r == 0)), 'neuron')} with $r = 0$"))
    if outside:
        handles.append(style.remark(f"{style.plural(outside, 'neuron')} outside the view"))
    return handles


def _window(reach: Array) -> float:
    """Half the height of the view: all neurons, unless the farthest fiftieth would shrink the rest."""
    farthest, bulk = float(reach.max()), float(np.quantile(reach, 0.98))
    half = farthest if farthest <= 1.7 * bulk else bulk
    return 1.1 * half or 1.0


def _draw_regions(ax: Axes, data: Samples, far: float) -> PatchCollection:
    """Shade the sectors between the samples' lines, and draw the lines; O(s log s)."""
    x, count = np.unique(data.x, return_counts=True)
    first = np.arange(0, len(x), _stride(data))
    x, count = x[first], np.add.reduceat(count, first)
    entries = -np.arctan(x)  # turning counter-clockwise, a neuron becomes active on x here; half a turn on, inactive
    rays = np.concatenate([entries, entries + np.pi]) % (2 * np.pi)
    order = np.argsort(rays)
    active = np.cumsum(np.concatenate([count, -count])[order])
    ends = np.append(rays[order][1:], rays[order][0] + 2 * np.pi)
    sectors = [Wedge((0, 0), far, t0, t1) for t0, t1 in np.degrees(np.column_stack([rays[order], ends]))]
    shading = PatchCollection(sectors, cmap=_SHADES, edgecolor="face", lw=0.4, zorder=0)
    shading.set_array(active - active.min())  # in one sector no sample is active
    shading.set_clim(0, len(data))
    ax.add_collection(shading, autolim=False)
    artists.rays(ax, x, far, colour=_RAY)
    return shading


def _stride(data: Samples) -> int:
    """Every how many samples a line is drawn: all, unless they would merge into a surface."""
    return -(-len(data.distinct.x) // _LINES)


def _draw_neurons(ax: Axes, u: Array, v: Array, r: Array) -> None:
    m = len(r)
    ax.scatter(
        u,
        v,
        s=float(np.clip(6000 / m, 11, 44)),
        c=style.sign_colours(r),
        alpha=float(np.clip(400 / m, 0.55, 0.95)),
        edgecolors="white",
        linewidths=0.25 if m > 200 else 0.6,
        zorder=3,
    )
