"""The neurons as particles in the canonical plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Wedge

from knotflow.plots import style
from knotflow.plots.subject import net_and_data

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from knotflow.fitting import Fit
    from knotflow.network import ReLUNet
    from knotflow.samples import Samples

_SHADES = LinearSegmentedColormap.from_list("active", ["#ffffff", "#e2dfd5", "#c3bdae"])
_RAY = "#958f7f"
_SHAPE = 1.3  # width to height of the view, whose two axes have one scale


def uv_plane(fit: Fit | ReLUNet, data: Samples | None = None, *, ax: Axes | None = None) -> Figure:
    """Draw each neuron at (u, v) = |r| (cos theta, sin theta), among the activation regions of the data.

    Call ``uv_plane(net, data)``, or ``uv_plane(fit)`` for the trained network in the standardised units it was
    trained in. Sample j is the line u x_j + v = 0; a neuron is active on it on the side u x_j + v > 0. The 2s
    sectors between the lines of s distinct samples are the activation regions, shaded by how many samples are
    active. A few far neurons do not stretch the view; the legend counts those outside it. Right of Figure 1 and equations (5), (6) of Williams et al. (2019). O(m log m + s n).
    """
    units = ""
    if data is None and hasattr(fit, "trajectory"):
        fit, data, units = fit.trajectory.final, fit.trajectory.data, " (standardised units)"
    net, data = net_and_data(fit, data)
    figure, ax = style.new_axes(ax)
    view = net.canonical()
    height = _window(np.maximum(np.abs(view.u) / _SHAPE, np.abs(view.v)))
    width = _SHAPE * height
    shading = _draw_regions(ax, data, 2 * width)
    _draw_neurons(ax, view.u, view.v, view.r)

    ax.set(xlim=(-width, width), ylim=(-height, height), aspect="equal")
    style.label_axes(ax, rf"$u = |r|\,\cos\theta${units}", r"$v = |r|\,\sin\theta$")
    bar = figure.colorbar(shading, ax=ax, shrink=0.8, pad=0.02, aspect=24)
    bar.set_label("samples a neuron here is active on", fontsize=style.FONT - 1.5, color=style.INK)
    bar.ax.tick_params(labelsize=style.FONT - 2, color=style.INK, labelcolor=style.INK)
    bar.outline.set(edgecolor=style.FAINT, linewidth=0.6)
    outside = int(np.sum((np.abs(view.u) > width) | (np.abs(view.v) > height)))
    style.legend_above(ax, _legend(view.r, outside), columns=2)
    return figure


def _legend(r: NDArray[np.float64], outside: int) -> list:
    handles = [
        style.dot(style.POSITIVE, f"{style.plural(int(np.sum(r > 0)), 'neuron')} with $r > 0$"),
        style.dot(style.NEGATIVE, f"{style.plural(int(np.sum(r < 0)), 'neuron')} with $r < 0$"),
        style.line(_RAY, "a line $u\\,x_j + v = 0$ per sample", 1.0),
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
    x = data.distinct.x
    entries = -np.arctan(x)
    rays = np.sort(np.concatenate([entries, entries + np.pi]) % (2 * np.pi))
    ends = np.append(rays[1:], rays[0] + 2 * np.pi)
    middle = (rays + ends) / 2
    active = np.sum(np.multiply.outer(np.cos(middle), data.x) + np.sin(middle)[:, None] > 0, axis=1)
    sectors = [Wedge((0, 0), far, t0, t1) for t0, t1 in np.degrees(np.column_stack([rays, ends]))]
    shading = PatchCollection(sectors, cmap=_SHADES, edgecolor="face", lw=0.4, zorder=0)
    shading.set_array(active)
    shading.set_clim(0, len(data))
    ax.add_collection(shading, autolim=False)
    tips = far * np.column_stack([np.cos(entries), np.sin(entries)])
    width = float(np.clip(15 / len(x), 0.25, 1.0))
    ax.add_collection(LineCollection(np.stack([-tips, tips], 1), colors=_RAY, lw=width), autolim=False)
    return shading


def _draw_neurons(ax: Axes, u: NDArray[np.float64], v: NDArray[np.float64], r: NDArray[np.float64]) -> None:
    crowd = len(r)
    ax.scatter(
        u,
        v,
        s=float(np.clip(6000 / crowd, 9, 44)),
        c=style.sign_colours(r),
        alpha=float(np.clip(400 / crowd, 0.55, 0.95)),
        edgecolors="white",
        linewidths=0.25 if crowd > 200 else 0.6,
        zorder=3,
    )
