"""The gradient flow: exact propagators between events, implicit steps in the residuals.

state      the problem, what moves, scratch; where counters stand
events     the event log, roots of quadratics
magnus     propagators: closed-form boosts and their products, for one mode and for four side by side
radau      the nodes, the error estimate, the size of a step
newton     Newton's correction in O(s): the tangent kernel is semiseparable
filippov   at a border: cross, slide, release
modes      what drives an arc or a sliding neuron; the residuals from the modes' moments
origin     neurons that reach a = b = 0
kinks      what changes of mode do to the residuals between the nodes
crossings  the first border that a neuron meets in a step
tracing    the neurons that change their mode in a step, and what they add to f
step       one step after the other: ``enter``, ``advance``
"""

from knotflow.engine.flow.state import DT, EVENTS, REJECTED, STEPS, TIME, problem, start
from knotflow.engine.flow.step import advance, enter

__all__ = [
    "DT",
    "EVENTS",
    "REJECTED",
    "STEPS",
    "TIME",
    "advance",
    "enter",
    "problem",
    "start",
]
