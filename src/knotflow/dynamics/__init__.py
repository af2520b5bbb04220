"""How a network moves: in steps (`GradientDescent`, `SGD`, `Adam`) or as the flow itself (`GradientFlow`).

`evolve` runs any of them into a `Trajectory`.

methods     the ways to move in steps, as values, and the sessions that carry them out
evolution   `evolve`: saving, stopping, progress, interruption
trajectory  what a run leaves: parameters at the saved steps, saved, loaded and resumed
tangent     the gradient, the tangent kernel and the largest stable learning rate
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from knotflow.dynamics.canonical import CanonicalFlow
from knotflow.dynamics.evolution import evolve
from knotflow.dynamics.flow import Gap, GradientFlow, gradient_flow_gap
from knotflow.dynamics.interruption import Progress
from knotflow.dynamics.mean_field import MeanFieldFlow
from knotflow.dynamics.methods import SGD, Adam, GradientDescent
from knotflow.dynamics.tangent import Gradient, TangentKernel, gradient, stability_limit
from knotflow.dynamics.trajectory import Trajectory, load_trajectory

if TYPE_CHECKING:
    from knotflow.dynamics.lazy import LazyFlow

__all__ = [
    "SGD",
    "Adam",
    "CanonicalFlow",
    "Gap",
    "Gradient",
    "GradientDescent",
    "GradientFlow",
    "LazyFlow",
    "MeanFieldFlow",
    "Progress",
    "TangentKernel",
    "Trajectory",
    "evolve",
    "gradient",
    "gradient_flow_gap",
    "load_trajectory",
    "stability_limit",
]


def __getattr__(name: str) -> Any:
    if name == "LazyFlow":  # it needs the kernels' room, which few runs do
        from knotflow.dynamics.lazy import LazyFlow

        return LazyFlow
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
