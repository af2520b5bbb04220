"""More inputs: a knot becomes a plane.

    Net          f(x) = bias + (1/norm) sum_i c_i max(<a_i, x> - b_i, 0) for x in D dimensions
    Breakplanes  the same function by delta-slopes, directions and offsets of its breakplanes
    pytorch      a random start
    gradient     the gradient of the loss, as a `Gradient`
    velocities   how the breakplanes move under gradient flow, as `Velocities`
    descend      gradient descent, O(m n D) a step for m neurons and n samples; a `Descent`

`Net.along` is the function on a line, exactly, as a `ReLUNet`: every other room takes it from there. What moves a
network takes `(net, data, ...)`, where `data` is a pair (x, y) with x of shape (n, D), or `Samples` if D = 1.
"""

from knotflow.multivariate.motion import Descent, Gradient, Velocities, descend, gradient, velocities
from knotflow.multivariate.net import Breakplanes, Net, pytorch

__all__ = [
    "Breakplanes",
    "Descent",
    "Gradient",
    "Net",
    "Velocities",
    "descend",
    "gradient",
    "pytorch",
    "velocities",
]
