"""How a network moves: descent in steps (`GradientDescent`, `SGD`, `Adam`), run by `evolve` into a `Trajectory`.

methods     the ways to move, as values, and the sessions that carry them out
evolution   `evolve`: saving, stopping, progress, interruption
trajectory  what a run leaves: parameters at the saved steps, saved, loaded and resumed
tangent     the gradient, the tangent kernel and the largest stable learning rate
"""

from knotflow.dynamics.evolution import Progress, evolve
from knotflow.dynamics.methods import SGD, Adam, GradientDescent
from knotflow.dynamics.tangent import Gradient, TangentKernel, gradient, stability_limit
from knotflow.dynamics.trajectory import Trajectory, load_trajectory

__all__ = [
    "SGD",
    "Adam",
    "Gradient",
    "GradientDescent",
    "Progress",
    "TangentKernel",
    "Trajectory",
    "evolve",
    "gradient",
    "load_trajectory",
    "stability_limit",
]
