"""The gradient flow: exact propagators between events, implicit steps in the residuals.

state      the problem, what moves, scratch; where counters stand
events     the event log, roots of quadratics
magnus     propagators: closed-form boosts and their products, for one mode and for four side by side
radau      the nodes, the error estimate, the size of a step
newton     Newton's correction in O(s): the tangent kernel is semiseparable
filippov   at a border: cross, slide, release
modes      what drives an arc or a sliding neuron; the residuals from the modes' moments
origin     neurons on their way; when one reaches a = b = 0
kinks      what changes of mode do to the residuals between the nodes
crossings  the first border that a neuron meets in a step
tracing    the neurons that change their mode in a step, and what they add to f
step       one step after the other: ``enter``, ``advance``
phases     where descent takes a neuron that slides into a = b = 0, with which probability
flips      and one whose c changes its sign while it slides
undecided  neurons that have halted at one: their ``odds``, and how they ``go_on``
"""

from knotflow.engine.flow.state import DT, EVENTS, REJECTED, STEPS, TIME, problem, start
from knotflow.engine.flow.step import advance, enter
from knotflow.engine.flow.undecided import Halt, go_on, halts, odds

__all__ = [
    "DT",
    "EVENTS",
    "REJECTED",
    "STEPS",
    "TIME",
    "Halt",
    "advance",
    "enter",
    "go_on",
    "halts",
    "odds",
    "problem",
    "start",
]
