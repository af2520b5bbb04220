"""Weighted particles that follow -grad V, in the canonical parameters or in the plane: implicit steps in the residuals.

state  the problem, what moves, scratch
rules  sliding and release, rest at r = 0, what leaves the origin
carry  one particle through a step, in substeps of its own
step   one accepted step of all: ``enter``, ``advance``
"""

from knotflow.engine.flow.state import DT, EVENTS, REFRESHED, REJECTED, STEPS, STIFF, TIME
from knotflow.engine.particles.state import CYLINDER, PLANE, problem, start
from knotflow.engine.particles.step import advance, enter, look, present_residuals, rate

__all__ = [
    "CYLINDER",
    "DT",
    "EVENTS",
    "PLANE",
    "REFRESHED",
    "REJECTED",
    "STEPS",
    "STIFF",
    "TIME",
    "advance",
    "enter",
    "look",
    "present_residuals",
    "problem",
    "rate",
    "start",
]
