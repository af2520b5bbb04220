"""What the experiments' pictures have in common: panels, and the function and the (u, v) plane in small."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from knotflow import ReLUNet, Samples
from knotflow.plots import artists, style

PANEL = (3.9, 3.0)  # inches
_STEPS = [1, 2, 5, 10]
DPI = 150  # at least as many pixels as the report's page is wide


def grid(rows: int, columns: int, *, panel: tuple[float, float] = PANEL) -> tuple[Figure, NDArray[Any]]:
    """A figure with rows x columns dressed axes, (rows, columns) as an array."""
    size = (columns * panel[0] + 0.3, rows * panel[1] + 0.3)
    figure = Figure(figsize=size, dpi=DPI, layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.1))
    axes = np.array(
        [[figure.add_subplot(rows, columns, r * columns + c + 1) for c in range(columns)] for r in range(rows)]
    )
    for ax in axes.flat:
        style.new_axes(ax)
        ax.xaxis.set_major_locator(MaxNLocator(5, steps=_STEPS))
    return figure, axes


def title(ax: Axes, text: str) -> None:
    """What a panel shows, above it at the left."""
    ax.set_title(text, loc="left", fontsize=style.FONT, color=style.INK)


def legend(figure: Figure, handles: list[Any], columns: int = 6) -> None:
    """One legend for all panels, below them."""
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=min(columns, len(handles)),
        fontsize=style.FONT - 0.5,
        labelcolor=style.INK,
        frameon=False,
    )


def dashed(colour: str, label: str, dashes: Any, width: float = 1.5) -> Line2D:
    """A legend entry for a line with dashes."""
    return Line2D([], [], color=colour, linewidth=width, linestyle=dashes, label=label)


def net_of(a: ArrayLike, b: ArrayLike, c: ArrayLike, norm: float, bias: float = 0.0) -> ReLUNet:
    """A network from rows that may be filled up with nan."""
    a, b, c = (np.asarray(values, dtype=float) for values in (a, b, c))
    there = np.isfinite(a)
    return ReLUNet(a[there], b[there], c[there], norm, bias)


def function(ax: Axes, net: ReLUNet, view: tuple[float, float], *, knots: bool = True, **pen: Any) -> None:
    """f over an interval, exactly; its knots as dots on it in the colours of their signs."""
    low, high = view
    artists.network(ax, net, low, high, **({"lw": 1.6} | pen))
    if knots:
        inside = (net.knots > low) & (net.knots < high)
        place = net.knots[inside]
        places = len(np.unique(np.round(200 * (place - low) / (high - low))))
        size = float(np.clip(1200 / max(places, 1), 11, 30))  # a rim around the line where they are dense
        colours = style.sign_colours(net.c[inside])
        ax.scatter(place, net(place), s=size, c=colours, lw=0, alpha=0.8, zorder=2.9, rasterized=len(place) > 300)
    ax.set_xlim(low, high)


def samples(ax: Axes, data: Samples) -> None:
    """The data as dots."""
    artists.samples(ax, data, area=700, largest=34)


def splines(ax: Axes, data: Samples) -> None:
    """The natural cubic and the linear spline through the data."""
    artists.splines(ax, data, widths=(1.2, 1.0))


def signed(value: float) -> str:
    """−∞, −10, 0, 10, +∞."""
    if np.isinf(value):
        return "+∞" if value > 0 else "−∞"
    return f"{value:g}".replace("-", "−")


def plane(ax: Axes, net: ReLUNet, data: Samples, *, reach: float | None = None) -> float:
    """The neurons at (u, v), coloured by the sign of r, with the samples' lines u x_j + v = 0; half the view."""
    view = net.canonical()
    reach = plane_reach(net) if reach is None else reach
    rays(ax, data, reach)
    size = float(np.clip(2500 / len(net), 4, 26))
    ax.scatter(
        view.u, view.v, s=size, c=style.sign_colours(view.r), lw=0, alpha=0.75, zorder=3, rasterized=len(net) > 300
    )
    square(ax, reach)
    return reach


def square(ax: Axes, reach: float) -> None:
    """The view of a (u, v) plane: few ticks, the same on both axes."""
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(MaxNLocator(4, steps=_STEPS))
    style.label_axes(ax, "$u$", "$v$")


def plane_reach(*nets: ReLUNet) -> float:
    """Half the side of a square view of the neurons: all but the farthest hundredth."""
    far = np.concatenate([np.maximum(np.abs(net.canonical().u), np.abs(net.canonical().v)) for net in nets])
    return 1.1 * float(np.quantile(far, 0.99)) or 1.0


def rays(ax: Axes, data: Samples, reach: float) -> None:
    """The lines u x_j + v = 0."""
    artists.rays(ax, data.distinct.x, 2 * reach, lw=0.8, zorder=1)


NETWORK_LINE = style.line(style.NETWORK, "network")
CUBIC_LINE = style.line(style.CUBIC, "natural cubic spline")
LINEAR_LINE = style.line(style.LINEAR, "linear interpolant")
DATA_DOT = style.dot(style.DATA, "sample")
UP_DOT = style.dot(style.POSITIVE, "neuron with $r > 0$")
DOWN_DOT = style.dot(style.NEGATIVE, "neuron with $r < 0$")
