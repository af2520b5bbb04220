"""Momentum and Adam: every parameter has moments of its own, so every neuron is stepped; O(m + s) a step.

The update rules are those of torch.optim.SGD (momentum mu, dampening 0: v <- mu v + g, p <- p - lr v, first v = g)
and torch.optim.Adam (Kingma & Ba 2015, algorithm 1), both with weight decay added to the gradient.

state   what is kept from step to step, and what stays the same
loop    the steps
"""

from knotflow.engine.codes import DIVERGED, DONE, REACHED
from knotflow.engine.moments.loop import run
from knotflow.engine.moments.state import Problem, Settings, State, padded, problem, start, trimmed

__all__ = [
    "DIVERGED",
    "DONE",
    "REACHED",
    "Problem",
    "Settings",
    "State",
    "padded",
    "problem",
    "run",
    "start",
    "trimmed",
]
