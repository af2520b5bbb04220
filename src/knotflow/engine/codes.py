"""Why an engine came back, and the kinds of events: the only list of each. It imports no compiled code."""

from __future__ import annotations

import numpy as np

# Why ``run`` of descent came back.
DONE = 0  # all steps taken
REACHED = 1  # the loss is at most stop_loss
DIVERGED = 2  # the loss is above blow_up, or nan

# Why ``advance`` of the flow and of the particles came back.
ARRIVED = 0  # at the time asked for
FULL = 1  # the event log is nearly full: empty it and call again
PAUSED = 2  # the steps asked for are done
STALLED = 3  # the step became too short: the tolerance cannot be met
CONVERGED = 4  # the loss no longer falls
UNDECIDED = 5  # neurons may go on in several ways: choose one for each of them, see `flow.undecided`
FLOOR = 6  # the loss falls by less than the tolerance or rounding can tell

# The names of the events, in the order of their codes.
KINDS = ("cross", "stick", "release", "flip", "rest", "leave", "turn")
# The codes are NumPy integers: for each plain integer numba would compile a function that takes one once more.
CROSS, STICK, RELEASE, FLIP, REST, LEAVE, TURN = np.arange(len(KINDS))
