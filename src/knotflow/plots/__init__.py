"""Static figures of a fit: ``kf.plots.fit_plot(fit)``, ``.uv_plane``, ``.knot_paths``, ``.loss_curve``, ``.overview``;
of several fits: ``.functions({"kernel": fit, ...})`` and ``.loss_curve({"kernel": fit, ...})``. A film of a run:
``.animate(traj, "run.mp4")``.

Each figure is a ``matplotlib.figure.Figure``, made without pyplot (no window, no global state); save it with
``figure.savefig("fit.png")``. Each draws on your own axes with ``ax=``.
"""

from __future__ import annotations

from knotflow.plots.animate import animate
from knotflow.plots.function import fit_plot, functions
from knotflow.plots.paths import knot_paths
from knotflow.plots.plane import uv_plane
from knotflow.plots.sheet import overview
from knotflow.plots.training import loss_curve

__all__ = ["animate", "fit_plot", "functions", "knot_paths", "loss_curve", "overview", "uv_plane"]
