"""The four figures of a fit on one sheet."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

from knotflow.plots import style
from knotflow.plots.function import fit_plot
from knotflow.plots.paths import knot_paths
from knotflow.plots.plane import uv_plane
from knotflow.plots.training import loss_curve

if TYPE_CHECKING:
    from knotflow.fitting import Fit

_PANELS: tuple[tuple[Callable[..., Figure], str], ...] = (
    (fit_plot, "The function"),
    (uv_plane, "The neurons"),
    (knot_paths, "The knots during training"),
    (loss_curve, "The loss"),
)


def overview(fit: Fit) -> Figure:
    """Draw the fit, the (u, v) plane, the knot paths and the loss of one fit on one sheet."""
    width, height = style.SIZE
    figure = Figure(figsize=(2 * width, 2 * height + 0.6), dpi=style.DPI, layout=style.layout())
    panels: Any = figure.subfigures(2, 2)
    for panel, (draw, title) in zip(panels.flat, _PANELS, strict=True):
        draw(fit, ax=panel.add_subplot())
        panel.suptitle(title, fontsize=style.FONT + 2, color=style.INK, x=0.02, ha="left")
    return figure
