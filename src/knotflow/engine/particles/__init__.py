"""Weighted particles that follow -grad V, in the canonical parameters or in the plane: implicit steps in the residuals.

state    the problem, what moves, scratch
rules    sliding and release, rest at r = 0, what leaves the origin
substep  a particle's velocity; Dormand and Prince's method with dense output
carry    one particle through a step, from event to event
field    sums over all particles: residuals, their derivatives, the tangent kernel
step     one step after the other: ``enter``, ``advance``
"""

from knotflow.engine.flow.state import DT, EVENTS, REFRESHED, REJECTED, STEPS, STIFF, TIME
from knotflow.engine.particles.field import derivatives, present_residuals, rate
from knotflow.engine.particles.state import CYLINDER, PLANE, Motion, problem, start
from knotflow.engine.particles.step import advance, enter

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
    "Motion",
    "advance",
    "derivatives",
    "enter",
    "present_residuals",
    "problem",
    "rate",
    "start",
]
