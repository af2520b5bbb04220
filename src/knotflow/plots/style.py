"""One colour for one thing, in every figure, and how an axes is dressed.

The hues are Okabe and Ito's, which stay apart under the common colour-vision deficiencies. Everything is
set on the axes at hand: no global matplotlib state is read or changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter

from knotflow._checks import instance

if TYPE_CHECKING:
    from numpy.typing import NDArray

DATA: Final = "#7a7a7a"
NETWORK: Final = "#111111"
CUBIC: Final = "#009e73"
LINEAR: Final = "#cc79a7"
POSITIVE: Final = "#d55e00"  # a neuron with r > 0: its kink bends upwards
NEGATIVE: Final = "#0072b2"  # a neuron with r < 0: its kink bends downwards
NEUTRAL: Final = "#9a9a9a"  # a neuron with r = 0: no kink
# Networks that are compared are told apart by ink and by dash: either alone suffices.
PENS: Final = (
    (NETWORK, "-"),
    ("#7b3294", (0, (5, 1.2))),
    ("#b38600", (0, (5, 1.2, 1.2, 1.2))),
    ("#4f7187", (0, (1.2, 1.2))),
    ("#8c564b", (0, (8, 1.2, 1.2, 1.2, 1.2, 1.2))),
)
INK: Final = "#2b2b2b"  # axes and words
FAINT: Final = "#c9c9c9"

COLOURS: Final = (  # what each colour means, for the pages that show figures
    (DATA, "data"),
    (NETWORK, "network"),
    (CUBIC, "natural cubic spline"),
    (LINEAR, "linear interpolant"),
    (POSITIVE, "neuron with r > 0: its knot bends f upwards"),
    (NEGATIVE, "neuron with r < 0: its knot bends f downwards"),
)

SIZE: Final = (5.7, 4.2)  # inches
DPI: Final = 200  # sharp at twice the size a report shows
FONT: Final = 10.5  # points


def new_axes(ax: Axes | None) -> tuple[Figure, Axes]:
    """The axes to draw on, dressed, and their figure: the caller's, or new ones."""
    if ax is None:
        ax = Figure(figsize=SIZE, dpi=DPI, layout=layout()).add_subplot()
    instance("ax", ax, Axes, "a matplotlib Axes, as matplotlib.figure.Figure().add_subplot() makes it")
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(INK)
    ax.tick_params(which="both", labelsize=FONT - 1, color=INK, labelcolor=INK)
    return ax.figure.figure, ax


def layout() -> ConstrainedLayoutEngine:
    """The layout of every figure; the padding makes room for what an equal aspect shifts."""
    return ConstrainedLayoutEngine(w_pad=0.05, h_pad=0.09)


def plain(name: str) -> str:
    """The name of a column as a label: not read as mathematics, and not too long for an axis."""
    return (name if len(name) <= 48 else f"{name[:47]}…").replace("$", r"\$")


def label_axes(ax: Axes, x: str, y: str) -> None:
    """Name both axes, in the size and ink of every figure."""
    ax.set_xlabel(x, fontsize=FONT, color=INK)
    ax.set_ylabel(y, fontsize=FONT, color=INK)


def legend_above(ax: Axes, handles: list[Any], columns: int) -> None:
    """A legend over the axes, never over the data."""
    ax.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=columns,
        fontsize=FONT - 1.5,
        labelcolor=INK,
        frameon=False,
        borderaxespad=0.3,
        borderpad=0.2,
        handlelength=1.6,
        handletextpad=0.6,
        columnspacing=1.3,
    )


def line(colour: str, label: str, width: float = 1.5) -> Line2D:
    """A legend entry for a line."""
    return Line2D([], [], color=colour, linewidth=width, label=label)


def dot(colour: str, label: str, size: float = 6.0) -> Line2D:
    """A legend entry for a dot."""
    return Line2D([], [], color=colour, marker="o", markersize=size, markeredgewidth=0, ls="", label=label)


def remark(label: str) -> Line2D:
    """A legend entry without a mark, for what the picture leaves out."""
    return Line2D([], [], ls="", label=label)


def sign_colours(r: NDArray[np.float64]) -> NDArray[np.str_]:
    """The colour of each neuron, by the sign of its r."""
    colours: NDArray[np.str_] = np.array([NEGATIVE, NEUTRAL, POSITIVE])[np.sign(r).astype(int) + 1]
    return colours


def widened(low: float, high: float, margin: float) -> tuple[float, float]:
    """The interval with a margin (a fraction of its length) on both sides; a point becomes an interval."""
    room = margin * (high - low) or margin * max(abs(low), 1.0)
    return low - room, high + room


def plural(count: int, noun: str) -> str:
    """``1 knot``, ``1,234 knots``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def time_axis(ax: Axes, moments: NDArray[Any], *, upwards: bool = False) -> None:
    """Steps or times along x (or y), logarithmic where they span decades; the start keeps its place at the origin."""
    name, axis = ("y", ax.yaxis) if upwards else ("x", ax.xaxis)
    linear = 0.0  # below it a symmetrical logarithmic scale is linear, and its ticks would touch that of 0
    if len(moments) > 1:
        ax.set(**{f"{name}lim": (moments[0], moments[-1])})
        if moments[-1] >= 20 * moments[1]:
            linear = float(moments[1])
            getattr(ax, f"set_{name}scale")("symlog", linthresh=linear, linscale=0.5)
    axis.set_major_formatter(FuncFormatter(lambda value, _: "" if 0 < value < linear else _counted(value)))


def _counted(value: float) -> str:
    """500, 20k, 1.5M."""
    for unit, name in ((1e6, "M"), (1e3, "k")):
        if value >= unit:
            return f"{value / unit:g}{name}"
    return f"{value:g}"
