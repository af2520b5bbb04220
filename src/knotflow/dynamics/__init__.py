"""How a network moves: in steps (`GradientDescent`, `SGD`, `Adam`) or as a flow, solved in time (the others).

`evolve` runs any of these methods into a `Trajectory`. Files, from the bottom to the top:

progress          `Progress`; Ctrl-C
protocol          what a method, a session and a save are, and why a run ends
saving            when a run saves, in steps and in time
archive, states   a run as one file; the engine's records under names that do not change
tangent           `gradient`, `TangentKernel`, `stability_limit`
trajectory        `Trajectory`: what a run leaves
running           the one loop, and what the methods of either kind share
batches           minibatches in epochs
step_session      the session of the methods that move in steps, for which there are steppers in
adam                `Adam` (and momentum)
descent             `GradientDescent`, `SGD`
flow_session      the session of the flows and the rule for ``rtol``; there are integrators in
gradient_flow       `GradientFlow`
particle_session    weighted particles, for the two that follow
canonical_flow      `CanonicalFlow`
mean_field          `MeanFieldFlow`, its field (`potential`, `velocity`, `residual_ode`, `sample_roles`), its starts
lazy_flow           `LazyFlow`, `Linearised`
evolve            `evolve`
gap               `gradient_flow_gap`: how far descent is from the flow
registry          `METHODS` by name; `load_trajectory`
"""

# ruff: noqa: F401  (the names for type checkers; the others see them through `lazy`)

from __future__ import annotations

from typing import TYPE_CHECKING

from knotflow._lazy import lazy

# Loaded at once: `evolve` is a module, too, and whoever imports it first would else put it in the function's place.
from knotflow.dynamics.evolve import evolve

if TYPE_CHECKING:
    from knotflow.dynamics import mean_field
    from knotflow.dynamics.adam import Adam
    from knotflow.dynamics.canonical_flow import CanonicalFlow
    from knotflow.dynamics.descent import SGD, GradientDescent
    from knotflow.dynamics.gap import Gap, gradient_flow_gap
    from knotflow.dynamics.gradient_flow import GradientFlow
    from knotflow.dynamics.lazy_flow import LazyFlow, Linearised
    from knotflow.dynamics.mean_field.field import ResidualODE, potential, residual_ode, velocity
    from knotflow.dynamics.mean_field.flow import MeanFieldFlow
    from knotflow.dynamics.mean_field.roles import sample_roles
    from knotflow.dynamics.mean_field.starts import Particles, particles
    from knotflow.dynamics.progress import Progress
    from knotflow.dynamics.registry import METHODS, load_trajectory
    from knotflow.dynamics.tangent import Gradient, TangentKernel, gradient, stability_limit
    from knotflow.dynamics.trajectory import Trajectory

_WHERE = {
    "adam": ("Adam",),
    "canonical_flow": ("CanonicalFlow",),
    "descent": ("SGD", "GradientDescent"),
    "evolve": ("evolve",),
    "gap": ("Gap", "gradient_flow_gap"),
    "gradient_flow": ("GradientFlow",),
    "lazy_flow": ("LazyFlow", "Linearised"),
    "mean_field.field": ("ResidualODE", "potential", "residual_ode", "velocity"),
    "mean_field.flow": ("MeanFieldFlow",),
    "mean_field.roles": ("sample_roles",),
    "mean_field.starts": ("Particles", "particles"),
    "progress": ("Progress",),
    "registry": ("METHODS", "load_trajectory"),
    "tangent": ("Gradient", "TangentKernel", "gradient", "stability_limit"),
    "trajectory": ("Trajectory",),
}
__all__, __getattr__, __dir__ = lazy(__name__, _WHERE, ("mean_field",))
