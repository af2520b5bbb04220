"""The four pictures of docs/engine.md, drawn from the engine itself.

.venv/bin/python docs/engine_pictures.py        # writes docs/engine-*.png
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Wedge

from knotflow._typing import Array
from knotflow.engine import arcs
from knotflow.plots import style

HERE = Path(__file__).parent
RIGHT, LEFT, DEAD = "#e6b8a2", "#a9c9e0", "#e4e4e4"  # arcs that face right, that face left, and the dead one


def arcs_on_the_circle() -> Figure:
    """Left: directions (a, -b) and the 2s arcs that the samples make. Right: which neurons are active where."""
    x = np.array([-1.0, -0.3, 0.2, 0.6, 1.4])
    s = x.size
    figure = Figure(figsize=(11, 5.2), dpi=110, layout=style.layout())
    circle, table = figure.subplots(1, 2, width_ratios=[1, 1.05])
    borders = np.array([border_angle(k, x) for k in range(2 * s)])
    for g in range(2 * s):
        start, end = borders[g - 1], borders[g]
        end += 360.0 * (end < start)
        colour = DEAD if g == 0 else RIGHT if g <= s else LEFT
        circle.add_patch(Wedge((0, 0), 1.0, start, end, width=0.22, facecolor=colour, edgecolor="white", linewidth=1.5))
        middle = np.deg2rad((start + end) / 2)
        circle.text(0.89 * np.cos(middle), 0.89 * np.sin(middle), f"{g}", ha="center", va="center", fontsize=11)
    for k in range(2 * s):
        direction = np.array([np.cos(np.deg2rad(borders[k])), np.sin(np.deg2rad(borders[k]))])
        circle.plot(*np.outer(direction, [0, 0.78]), color=style.FAINT, lw=1)
        j = arcs.border_sample(k, s)
        circle.text(*(1.14 * direction), f"$x_{j}$", ha="center", va="center", fontsize=11, color=style.INK)
    circle.set(xlim=(-1.3, 1.3), ylim=(-1.3, 1.3), aspect="equal", xticks=[], yticks=[])
    circle.set_xlabel("a", fontsize=11)
    circle.set_ylabel("−b", fontsize=11, rotation=0)
    circle.spines[:].set_visible(False)
    circle.set_title("Directions of a neuron: s samples cut them into 2s arcs", fontsize=11)
    fill_table(table, x)
    return figure


def border_angle(k: int, x: np.ndarray) -> float:
    """The direction (a, -b), in degrees, on border k: a x_j = b, right-facing for k < s."""
    a = 1.0 if k < x.size else -1.0
    return float(np.rad2deg(np.arctan2(-a * x[arcs.border_sample(k, x.size)], a)) % 360.0)


def fill_table(ax: Axes, x: Array) -> None:
    """A dot where the neurons of an arc are active at a sample, found by `find_arc` for neurons all around."""
    s = x.size
    angles = np.linspace(0, 2 * np.pi, 3600, endpoint=False)
    around = [(np.cos(angle), -np.sin(angle)) for angle in angles]
    active = {(arcs.find_arc(a, b, x), int(j)) for a, b in around for j in np.flatnonzero(a * x - b > 0)}
    for g, j in active:
        ax.plot(j, g, "o", ms=13, color=RIGHT if g <= s else LEFT, mec="none")
    ax.set(xlim=(-0.6, s - 0.4), ylim=(2 * s - 0.4, -0.6), yticks=range(2 * s), xticks=range(s))
    ax.set_xticklabels([f"$x_{j}$" for j in range(s)], fontsize=11)
    ax.set_ylabel("arc", fontsize=11)
    ax.set_title("Samples at which the neurons of an arc are active", fontsize=11)
    ax.spines[["top", "right"]].set_visible(False)


PICTURES = {"arcs": arcs_on_the_circle}


def main() -> None:
    """Draw them."""
    for name, draw in PICTURES.items():
        draw().savefig(HERE / f"engine-{name}.png")


if __name__ == "__main__":
    main()
