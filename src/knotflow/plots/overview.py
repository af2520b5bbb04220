"""The four figures of a fit on one sheet."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from matplotlib.figure import Figure

from knotflow.plots import style
from knotflow.plots.fit_plot import fit_plot
from knotflow.plots.knot_paths import knot_paths
from knotflow.plots.loss_curve import loss_curve
from knotflow.plots.subject import Fitted, fitted
from knotflow.plots.uv_plane import uv_plane

__all__ = ["overview"]

_PANELS: tuple[tuple[Callable[..., Figure], str], ...] = (
    (fit_plot, "The function"),
    (uv_plane, "The neurons"),
    (knot_paths, "The knots during training"),
    (loss_curve, "The loss"),
)


def overview(fit: Fitted) -> Figure:
    """Four figures of one fit on one sheet: the function, the neurons, the knots and the loss.

    Parameters
    ----------
    fit : Fit
        What `knotflow.fit` returns.

    Returns
    -------
    matplotlib.figure.Figure
        11.4 x 9 inches, 2 x 2 panels: `fit_plot`, `uv_plane`, `knot_paths`, `loss_curve`.

    Raises
    ------
    InputError
        If `fit` is no fit.

    Notes
    -----
    O(n m + m log m) for n saved states of m neurons.

    Examples
    --------
    >>> import knotflow as kf
    >>> fit = kf.fit(([0, 1, 2], [0, 1, 0]), width=10, steps=20)
    >>> [panel.get_suptitle() for panel in kf.plots.overview(fit).subfigs]
    ['The function', 'The neurons', 'The knots during training', 'The loss']
    """
    fit = fitted(fit)
    width, height = style.SIZE
    figure = Figure(figsize=(2 * width, 2 * height + 0.6), dpi=style.DPI, layout=style.layout())
    panels: Any = figure.subfigures(2, 2)
    for panel, (draw, title) in zip(panels.flat, _PANELS, strict=True):
        draw(fit, ax=panel.add_subplot())
        panel.suptitle(title, fontsize=style.FONT + 2, color=style.INK, x=0.02, ha="left")
    return figure
