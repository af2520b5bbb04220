"""Figures and films of fits and of runs.

Each figure is a ``matplotlib.figure.Figure``, made without pyplot: no window, no global state. Save it with
``figure.savefig("fit.png")``. Each draws on your own axes with ``ax=``.

fit_plot    the function among its data and two splines, with its knots; `functions` for several fits
uv_plane    the neurons as particles in the canonical plane
knot_paths  where the knots go during training
loss_curve  how the loss falls, in one run or in several
overview    the four of them on one sheet
animate     films of a run

subject     what a figure needs of a fit (the protocol `Fitted`)
style       one colour for one thing, and how an axes is dressed
artists     what several figures draw alike
"""

from __future__ import annotations

from knotflow._extras import needing_extras

# All of it at once: a module that is loaded later would take the name of its function.
with needing_extras():
    from knotflow.plots.animate import animate
    from knotflow.plots.fit_plot import fit_plot, functions
    from knotflow.plots.knot_paths import knot_paths
    from knotflow.plots.loss_curve import loss_curve
    from knotflow.plots.overview import overview
    from knotflow.plots.uv_plane import uv_plane

__all__ = ["animate", "fit_plot", "functions", "knot_paths", "loss_curve", "overview", "uv_plane"]
