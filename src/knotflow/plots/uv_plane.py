"""The neurons as particles in the canonical plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Wedge
from matplotlib.ticker import MaxNLocator

from knotflow.fitting import Fit
from knotflow.plots import style
from knotflow.plots.subject import net_and_data

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from knotflow.network import ReLUNet
    from knotflow.samples import Samples

_SHADES = LinearSegmentedColormap.from_list("active", ["#ffffff", "#e2dfd5", "#c3bdae"])
_RAY = "#958f7f"
_SHAPE = 1.4  # width to height of the view, whose two axes have one scale
_LINES = 300  # drawn at most


def uv_plane(fit: Fit | ReLUNet, data: Samples | None = None, *, ax: Axes | None = None) -> Figure:
    """Draw each neuron at (u, v) = |r| (cos theta, sin theta), among the activation regions of the data.

    Call ``uv_plane(net, data)``, or ``uv_plane(fit)`` for the trained network in the standardised units it was
    trained in. Sample j is the line u x_j + v = 0; a neuron is active on it on the side u x_j + v > 0. The 2s
    sectors between the lines of s distinct samples are the activation regions, shaded by how many of the n samples
    are active. Of more than 300 lines only every second, third, ... is drawn. A few far neurons do not stretch the
    view; the legend counts those outside it.

    Right of Figure 1 and equations (5), (6) of Williams et al. (2019). O(m log m + n log n).
    """
    units = ""
    if isinstance(fit, Fit):
        run, units = fit.trajectory, " (standardised units)"
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


def _legend(r: NDArray[np.float64], outside: int, stride: int) -> list:
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


def _window(reach: NDArray[np.float64]) -> float:
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
    tips = far * np.column_stack([np.cos(entries), np.sin(entries)])
    width = float(np.clip(15 / len(x), 0.25, 1.0))
    ax.add_collection(LineCollection(list(np.stack([-tips, tips], 1)), colors=_RAY, lw=width), autolim=False)
    return shading


def _stride(data: Samples) -> int:
    """Every how many samples a line is drawn: all, unless they would merge into a surface."""
    return -(-len(data.distinct.x) // _LINES)


def _draw_neurons(ax: Axes, u: NDArray[np.float64], v: NDArray[np.float64], r: NDArray[np.float64]) -> None:
    crowd = len(r)
    ax.scatter(
        u,
        v,
        s=float(np.clip(6000 / crowd, 11, 44)),
        c=style.sign_colours(r),
        alpha=float(np.clip(400 / crowd, 0.55, 0.95)),
        edgecolors="white",
        linewidths=0.25 if crowd > 200 else 0.6,
        zorder=3,
    )
