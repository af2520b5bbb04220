"""What several figures draw alike: a network as its exact polyline, samples, both splines, the samples' lines.

Each draws on the axes at hand, in the colours of `style`, and returns what is needed to go on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D

from knotflow._typing import Array
from knotflow.plots import style
from knotflow.splines.linear import linear
from knotflow.splines.natural import natural

if TYPE_CHECKING:
    from knotflow.data import Samples
    from knotflow.network import ReLUNet

__all__ = ["network", "nodes", "rays", "samples", "splines"]

_NETWORK: dict[str, Any] = {"color": style.NETWORK, "lw": 1.8, "zorder": 3}
_DATA: dict[str, Any] = {"color": style.DATA, "lw": 0, "zorder": 2.5}


def nodes(net: ReLUNet, low: float, high: float) -> Array:
    """Where to evaluate f so that straight lines between the points draw it exactly on [low, high]."""
    inner = net.knots[(net.knots > low) & (net.knots < high)]
    return np.concatenate([[low], np.unique(inner), [high]])


def network(ax: Axes, net: ReLUNet, low: float, high: float, **pen: Any) -> Line2D:
    """f on [low, high], exactly; `pen` changes how the line looks."""
    x = nodes(net, low, high)
    (line,) = ax.plot(x, net(x), **(_NETWORK | pen))
    return line


def samples(ax: Axes, data: Samples, *, area: float = 2400, largest: float = 30, **look: Any) -> None:
    """The data as dots: together they cover `area` (in points squared), each at least 6 and at most `largest`."""
    size = float(np.clip(area / len(data), 6, largest))
    ax.scatter(data.x, data.y, s=size, **(_DATA | look))


def splines(ax: Axes, data: Samples, *, widths: tuple[float, float] = (1.1, 1.0)) -> Array:
    """The natural cubic and the linear spline through the data, with lines of these widths; the cubic's values."""
    x = np.union1d(np.linspace(*data.range, 1200), data.distinct.x)
    cubic = natural(data)(x)
    ax.plot(x, cubic, color=style.CUBIC, lw=widths[0], zorder=2)
    ax.plot(x, linear(data)(x), color=style.LINEAR, lw=widths[1], zorder=1.9)
    return cubic


def rays(ax: Axes, x: Array, far: float, *, colour: str = style.FAINT, **pen: Any) -> None:
    """The line u x_j + v = 0 of every sample in the (u, v) plane, to the distance `far` on both sides; O(s)."""
    turned = -np.arctan(x)
    tips = far * np.column_stack([np.cos(turned), np.sin(turned)])
    look: dict[str, Any] = {"colors": colour, "lw": float(np.clip(15 / len(x), 0.25, 1.0)), **pen}
    ax.add_collection(LineCollection(list(np.stack([-tips, tips], 1)), **look), autolim=False)
