"""How a network moves: in steps (`GradientDescent`, `SGD`, `Adam`) or as the flow itself (`GradientFlow`).

`evolve` runs any of them into a `Trajectory`.

methods     the ways to move in steps, as values, and the sessions that carry them out
evolution   `evolve`: saving, stopping, progress, interruption
trajectory  what a run leaves: parameters at the saved steps, saved, loaded and resumed
tangent     the gradient, the tangent kernel and the largest stable learning rate
"""

from knotflow.dynamics.evolution import evolve
from knotflow.dynamics.flow import Gap, GradientFlow, gradient_flow_gap
from knotflow.dynamics.interruption import Progress
from knotflow.dynamics.methods import SGD, Adam, GradientDescent
from knotflow.dynamics.tangent import Gradient, TangentKernel, gradient, stability_limit
from knotflow.dynamics.trajectory import Trajectory, load_trajectory

__all__ = [
    "SGD",
    "Adam",
    "Gap",
    "Gradient",
    "GradientDescent",
    "GradientFlow",
    "Progress",
    "TangentKernel",
    "Trajectory",
    "evolve",
    "gradient",
    "gradient_flow_gap",
    "load_trajectory",
    "stability_limit",
]
