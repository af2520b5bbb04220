"""How the loss falls."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from knotflow._typing import Array
from knotflow.errors import InputError
from knotflow.plots import style
from knotflow.plots.subject import Fitted, clock, fitted, trajectory_of

if TYPE_CHECKING:
    from knotflow.dynamics import Trajectory

__all__ = ["loss_curve"]


def loss_curve(runs: Fitted | Trajectory | Mapping[str, Fitted | Trajectory], *, ax: Axes | None = None) -> Figure:
    """The training loss against the step, of one run or of several by name.

    L = 1/2 sum_j w_j (f(x_j) - y_j)^2. A fit is drawn in the user's units, a trajectory in its own. Data with
    repeated x have a loss that no function of x can go below, ``data.distinct.within``; it is drawn as a line.
    Both axes are logarithmic, with a place for step 0 at the left.

    Parameters
    ----------
    runs : Fit, Trajectory, or a mapping from names to them
        With a flow among them all are drawn against the time of the gradient flow.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.

    Returns
    -------
    matplotlib.figure.Figure
        The new figure, or that of `ax`.

    Raises
    ------
    InputError
        If `runs` is neither a fit nor a trajectory.

    Notes
    -----
    O(n) for n saved states.

    Examples
    --------
    >>> import knotflow as kf
    >>> fit = kf.fit(([0, 1, 2], [0, 1, 0]), width=10, steps=20)
    >>> kf.plots.loss_curve({"mine": fit}).axes[0].get_xlabel()
    'training step'
    """
    named = runs if isinstance(runs, Mapping) else {"network": runs}
    if len(named) == 0:
        raise InputError("runs is {}: it must hold at least one fit or trajectory")
    figure, ax = style.new_axes(ax)
    moments, label = clock(map(trajectory_of, named.values()))
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


def _loss(run: Fitted | Trajectory) -> Array:
    """Of a fit in the user's units, of a trajectory in its own."""
    traj = trajectory_of(run)
    return traj.loss if traj is run else fitted(run).scaling.y_scale ** 2 * traj.loss
