"""What the experiments of this paper share: random networks and data, and how oriented knots are drawn.

The paper's w, b, v, beta, mu and s are a, -b, c, knot, delta-slope and orientation here; its residual is y - f.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from numpy.typing import NDArray

import knotflow as kf
from knotflow.plots import style

Array = NDArray[np.float64]

ALL = frozenset({"a", "b", "c", "bias"})  # the paper trains the output bias b0 as well


def random_net(m: int, rng: np.random.Generator, reach: float = 2.0) -> kf.ReLUNet:
    """m neurons with knots over (-reach, reach), all laws standard normal but for that."""
    a = rng.normal(size=m)
    return kf.ReLUNet(a, a * rng.uniform(-reach, reach, m), rng.normal(size=m), bias=rng.normal())


def random_data(s: int, rng: np.random.Generator, reach: float = 2.0) -> kf.Samples:
    """s samples at random places, with standard normal values."""
    return kf.Samples(np.sort(rng.uniform(-reach, reach, s)), rng.normal(size=s))


def oriented_knots(ax: Axes, net: kf.ReLUNet, size: float = 60.0, **pen: Any) -> None:
    """The knots on the function, as triangles to the side where the neuron is active, coloured by their bend."""
    colours = style.sign_colours(net.delta_slopes * net.orientations)
    for side, marker in ((1, ">"), (-1, "<")):
        rows = (net.orientations == side) & np.isfinite(net.knots)
        ax.scatter(net.knots[rows], net(net.knots[rows]), s=size, c=colours[rows], marker=marker, lw=0, zorder=4, **pen)


def triangle(side: int, label: str, colour: str = style.INK) -> Line2D:
    """The legend entry for the knots of one orientation."""
    return Line2D(
        [], [], color=colour, marker=">" if side > 0 else "<", markersize=7, markeredgewidth=0, ls="", label=label
    )


RIGHT = triangle(1, "right-facing knot")
LEFT = triangle(-1, "left-facing knot")


# -- the loss over two delta-slopes, Figures 6 and 8 -------------------------------------------------------

RANGE = style.PENS[3][0]


def trough_net(knots: tuple[float, float], slopes: tuple[float, float] = (0.0, 0.0)) -> tuple[kf.ReLUNet, kf.Samples]:
    """Two right-facing neurons of |a| = 1, and one sample that they see, (1, 1)."""
    return kf.ReLUNet.from_bdso(kf.views.BDSO(knots, slopes, (1, 1))), kf.Samples([-3.0, 1.0], [0.0, 1.0])


def trough(ax: Axes, system: tuple[kf.ReLUNet, kf.Samples], reach: float = 1.25) -> None:
    """The loss over both delta-slopes in shades, and where it is 0."""
    net, data = system
    first, second = (data.x[1] - net.knots[k] for k in range(2))
    mu = np.linspace(-reach, reach, 121)
    one, other = np.meshgrid(mu, mu)
    ax.contourf(one, other, np.sqrt((first * one + second * other - data.y[1]) ** 2 / 2), 16, cmap="Greys", alpha=0.55)
    ax.plot(mu, (data.y[1] - first * mu) / second, color=RANGE, lw=1.8)
    ax.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
    style.label_axes(ax, "$\\mu_1$", "$\\mu_2$")
