"""How the loss falls."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from knotflow.fitting import Fit
from knotflow.plots import style
from knotflow.plots.subject import clock

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from knotflow.dynamics import Trajectory


def loss_curve(runs: Fit | Trajectory | Mapping[str, Fit | Trajectory], *, ax: Axes | None = None) -> Figure:
    """Draw the training loss 1/2 sum_j w_j (f(x_j) - y_j)^2 against the step, of one run or of several by name.

    A fit is drawn in the user's units, a trajectory in its own. Data with repeated x have a loss that no function
    of x can go below, ``data.distinct.within``; it is drawn as a line. Both axes are logarithmic (step 0
    keeps a place at the left). With a flow among the runs all are drawn against the time of the gradient flow.
    """
    figure, ax = style.new_axes(ax)
    named = runs if isinstance(runs, Mapping) else {"network": runs}
    moments, label = clock(run.trajectory if isinstance(run, Fit) else run for run in named.values())
    losses = [_loss(run) for run in named.values()]
    if any(np.any(loss > 0) for loss in losses):
        ax.set_yscale("log", nonpositive="mask")
    handles = []
    for name, x, loss, (ink, dashes) in zip(named, moments, losses, cycle(style.PENS)):
        handles += ax.plot(x, loss, color=ink, lw=1.8, ls=dashes, label=name)
    floors = {run.data.distinct.within for run in named.values()} - {0.0}
    for floor in floors:
        line = ax.axhline(floor, color=style.DATA, lw=1.2, ls=(0, (2, 2)), label="floor: repeated $x$")
    if floors:
        handles.append(line)
    style.time_axis(ax, max(moments, key=lambda x: x[-1]))
    style.label_axes(ax, label, "training loss  ½ Σ w (f(x) − y)²")
    style.legend_above(ax, handles, columns=4 if len(handles) <= 4 else 3)
    return figure


def _loss(run: Fit | Trajectory) -> NDArray[np.float64]:
    """Of a fit in the user's units, of a trajectory in its own."""
    if isinstance(run, Fit):
        return run.scaling.y_scale**2 * run.trajectory.loss
    return run.loss
