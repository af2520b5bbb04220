"""How far a run came: what is left of its excess loss, and whether it still falls.

The excess loss is the loss above ``data.distinct.within``, which no function of x can remove.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from knotflow._typing import Array

if TYPE_CHECKING:
    from knotflow.dynamics import Trajectory

__all__ = ["Progressed", "how_far"]

_GONE = 1e-8  # a run has converged, too, if less than this part of its excess loss is left
_LOCAL = 0.01  # a converged run with more than this part of its excess loss left is in a local minimum
_AT_REST = 1e-3  # a run has converged if its excess loss fell by less than this part in the last tenth


class Progressed(NamedTuple):
    """How far a run came.

    converged      the excess loss is gone, or fell by less than 0.1 % during the last tenth of the run
    still_falling  by which part it fell then; nan if the run has no last tenth
    verdict        the same in a sentence
    """

    converged: bool
    still_falling: float
    verdict: str


def how_far(run: Trajectory) -> Progressed:
    """How far a run came; O(n) for n saved states."""
    falling, left = _still_falling(run), _left(run)
    converged = run.status not in ("diverged", "saddle") and (falling < _AT_REST or left < _GONE)
    return Progressed(converged, falling, _verdict(run, converged, falling, left))


def _excess(run: Trajectory) -> Array:
    """The excess loss at the saved steps."""
    return np.maximum(run.loss - run.data.distinct.within, 0.0)


def _still_falling(run: Trajectory) -> float:
    """By which part the excess loss fell since nine tenths of the time; nan if that is the last state."""
    before = np.searchsorted(run.times, 0.9 * run.times[-1], side="right") - 1
    if before == len(run.times) - 1:
        return math.nan
    excess = _excess(run)
    return float(1 - excess[-1] / excess[before]) if excess[before] > 0 else 0.0


def _left(run: Trajectory) -> float:
    """Which part of the excess loss at the start is left."""
    excess = _excess(run)
    return float(excess[-1] / excess[0]) if excess[0] > 0 else 0.0


def _verdict(run: Trajectory, converged: bool, falling: float, left: float) -> str:
    """What a reader should know before trusting the fit, in a sentence."""
    if run.status in ("diverged", "interrupted", "stalled", "saddle") or run.steps[-1] == 0:
        return run.message
    tenth = f"the last tenth of {_length(run)}"
    if not converged:
        return f"not converged: the excess loss still fell by {falling:.1%} in {tenth}; more steps would go on"
    if left < _GONE:
        return f"converged: {left:.0e} of the excess loss is left"
    if left > _LOCAL:
        return f"converged, to a local minimum: {left:.0%} of the excess loss is left, and none went in {tenth}"
    return f"converged: {left:.1%} of the excess loss is left, and none went in {tenth}"


def _length(run: Trajectory) -> str:
    """How long a run was, in steps or, for a flow, in time."""
    from knotflow.dynamics import SGD, Adam, GradientDescent

    in_steps = isinstance(run.dynamics, GradientDescent | SGD | Adam)
    return f"{run.steps[-1]:,} steps" if in_steps else f"the time {run.times[-1]:.4g}"
