"""How far gradient descent is from the gradient flow."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from knotflow._checks import number
from knotflow._deprecated import renamed
from knotflow._values import immutable
from knotflow.data import Samples
from knotflow.dynamics.descent import GradientDescent
from knotflow.dynamics.evolve import evolve
from knotflow.dynamics.flow_session import REFERENCE_RTOL
from knotflow.dynamics.gradient_flow import GradientFlow
from knotflow.dynamics.trajectory import Trajectory
from knotflow.errors import InputError
from knotflow.network import ReLUNet
from knotflow.network.subject import subject

__all__ = ["Gap", "gradient_flow_gap"]


@immutable
class Gap(NamedTuple):
    """How far descent ends from the flow, as `gradient_flow_gap` finds it.

    Parameters
    ----------
    sup : float
        The largest difference of the two functions on the range of the data; exact.
    rms : float
        The root of its mean square there, on 2001 points.
    descent, flow : Trajectory
        The two runs.

    Examples
    --------
    >>> import knotflow as kf
    >>> net, data = kf.ReLUNet([1.0], [-1.0], [1.0]), kf.Samples([0.0, 1.0], [0.0, 1.0])
    >>> kf.gradient_flow_gap(net, data, lr=0.01, until=0.1)
    Gap(sup=0.015, rms=0.011, 10 steps of lr=0.01)
    """

    sup: float
    rms: float
    descent: Trajectory
    flow: Trajectory

    def __repr__(self) -> str:
        steps, lr = self.descent.steps[-1], self.descent.times[-1] / self.descent.steps[-1]
        return f"Gap(sup={self.sup:.2g}, rms={self.rms:.2g}, {steps} steps of lr={lr:.3g})"


@renamed(T="until")
def gradient_flow_gap(net: ReLUNet, data: Samples, lr: float, until: float, rtol: float = REFERENCE_RTOL) -> Gap:
    """How far gradient descent with the step lr is from the gradient flow at the time ``until`` = steps * lr.

    Parameters
    ----------
    net : ReLUNet
        The start of both.
    data : Samples
        What both are trained on.
    lr : float
        The step of descent, > 0.
    until : float
        The time to compare at, rounded to a whole number of steps, at least one. Its former name T gives a
        DeprecationWarning.
    rtol : float
        The tolerance of the flow, which the gap is measured against.

    Returns
    -------
    Gap
        With `sup`, `rms` and the two runs.

    Raises
    ------
    InputError
        Unless lr and until are positive, and until at least lr.

    Notes
    -----
    The sup is exact: the difference is piecewise linear, with its largest value at a knot of either or at an end. It
    falls in proportion to lr as lr goes to 0. The cost is that of until / lr steps of descent and of one flow.

    References
    ----------
    Williams et al. (2019), section 2.

    Examples
    --------
    >>> import knotflow as kf
    >>> net, data = kf.ReLUNet([1.0], [-1.0], [1.0]), kf.Samples([0.0, 1.0], [0.0, 1.0])
    >>> coarse, fine = (kf.gradient_flow_gap(net, data, lr, until=0.1).sup for lr in (1e-3, 1e-4))
    >>> round(coarse / fine, 1)
    10.0
    """
    data = subject(net, data)
    lr, end = number("lr", lr, above=0.0), number("until", until, above=0.0)
    if not math.isfinite(end / lr):
        raise InputError(f"until is {end:g}: it must be smaller, there are too many steps of lr = {lr:g}")
    steps = round(end / lr)
    if steps < 1:
        raise InputError(f"until is {end:g}: it must be at least lr = {lr:g}, one step of descent")
    descent = evolve(net, data, GradientDescent(lr), steps=steps, save_at=[])
    exact = evolve(net, data, GradientFlow(rtol), until=steps * lr, save_at=[])
    lo, hi = data.range
    knots = np.concatenate([descent.final.knots, exact.final.knots])
    corners = np.concatenate([[lo, hi], knots[(knots > lo) & (knots < hi)]])
    grid = np.linspace(lo, hi, 2001)
    difference = descent.final(grid) - exact.final(grid)
    sup = float(np.abs(descent.final(corners) - exact.final(corners)).max())
    return Gap(sup, float(np.sqrt(np.mean(difference**2))), descent, exact)
