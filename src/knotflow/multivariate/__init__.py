"""More inputs: a knot becomes a plane.

Net          f(x) = bias + (1/norm) sum_i c_i max(<a_i, x> - b_i, 0) for x in D dimensions
Breakplanes  the same function by delta-slopes, directions and offsets of its breakplanes
Net.along    the function on a line, exactly, as a `ReLUNet`: every other room takes it from there
pytorch      a random start
gradient, velocities, descend   how it moves: dynamics in O(m n D) a step for m neurons and n samples
"""

from knotflow.multivariate.motion import Descent, descend, gradient, velocities
from knotflow.multivariate.net import Breakplanes, Net, pytorch

__all__ = ["Breakplanes", "Descent", "Net", "descend", "gradient", "pytorch", "velocities"]
