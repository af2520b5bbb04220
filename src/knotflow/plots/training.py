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

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from knotflow.dynamics import Trajectory


def loss_curve(runs: Fit | Trajectory | Mapping[str, Fit | Trajectory], *, ax: Axes | None = None) -> Figure:
    """Draw the training loss 1/2 sum_j w_j (f(x_j) - y_j)^2 against the step, of one run or of several by name.

    A fit is drawn in the user's units, a trajectory in its own. Data with repeated x have a loss that no function
    of x can go below, ``data.distinct.within``; it is drawn as a line. Both axes are logarithmic (step 0
    keeps a place at the left).
    """
    figure, ax = style.new_axes(ax)
    named = runs if isinstance(runs, Mapping) else {"network": runs}
    curves = {name: _curve(run) for name, run in named.items()}
    if any(np.any(loss > 0) for _, loss, _ in curves.values()):
        ax.set_yscale("log", nonpositive="mask")
    handles = []
    for (name, (steps, loss, _)), (ink, dashes) in zip(curves.items(), cycle(style.PENS)):
        handles += ax.plot(steps, loss, color=ink, lw=1.8, ls=dashes, label=name)
    floors = {floor for *_, floor in curves.values() if floor > 0}
    for floor in floors:
        line = ax.axhline(floor, color=style.DATA, lw=1.2, ls=(0, (2, 2)), label="floor: repeated $x$")
    if floors:
        handles.append(line)
    longest = max((steps for steps, *_ in curves.values()), key=lambda steps: steps[-1])
    style.step_axis(ax, longest)
    style.label_axes(ax, "training step", "training loss  ½ Σ w (f(x) − y)²")
    style.legend_above(ax, handles, columns=4 if len(handles) <= 4 else 3)
    return figure


def _curve(run: Fit | Trajectory) -> tuple[NDArray[np.int64], NDArray[np.float64], float]:
    """Steps, loss and floor: of a fit in the user's units, of a trajectory in its own."""
    if isinstance(run, Fit):
        square = run.scaling.y_scale**2
        return run.trajectory.steps, square * run.trajectory.loss, run.data.distinct.within
    return run.steps, run.loss, run.data.distinct.within
