"""Infinite width: weighted particles, the flow that moves them, and the field that it follows.

    f(x) = E c max(a x - b, 0) = E r max(x cos theta + sin theta, 0)

V(r, theta) = sum_j w_j rho_j r max(<x~_j, d>, 0) is the first variation of the loss, x~ = (x, 1) and d = (cos theta,
sin theta). Particles move with minus its gradient, in one of three metrics:

    "full"      z = (a, b, c) under the Euclidean metric: what gradient descent on all parameters does
    "cylinder"  (r, theta) under dr^2 + dtheta^2: the paper's
    "polar"     (r, theta) under dr^2 + r^2 dtheta^2: what training (a, b) alone, or delta = +inf, does

Time is the mean field's (Wasserstein's): for m neurons with norm = m it is lr * steps / m (`GradientFlow`'s time over
the norm); flow (7) of the paper and `CanonicalFlow` take m times as long. A network with norm = sqrt m is the one with
norm = m whose a, b and c are all m^(1/4) times as large; its time is lr * steps / norm as well, so that the law of its
parameters must be as much wider for the same limit. With r = (m / norm) c n kept, and a, b, c of order 1 at any norm,
the rates are m / norm^2 times those of time lr * steps (Williams et al. 2019, Proposition 1, corrected).

flow    `MeanFieldFlow`
field   `potential`, `velocity` and `residual_ode`
roles   `sample_roles`: what each sample does to the knots that reach it
starts  `particles`: weighted particles from a law of the parameters
"""

# ruff: noqa: F401  (the names for type checkers; the others see them through `lazy`)

from __future__ import annotations

from typing import TYPE_CHECKING

from knotflow._lazy import lazy

if TYPE_CHECKING:
    from knotflow.dynamics.mean_field.field import ResidualODE, potential, residual_ode, velocity
    from knotflow.dynamics.mean_field.flow import METRICS, MeanFieldFlow, Metric
    from knotflow.dynamics.mean_field.roles import ROLE, sample_roles
    from knotflow.dynamics.mean_field.starts import Particles, Rule, particles, start

_WHERE = {
    "field": ("ResidualODE", "potential", "residual_ode", "velocity"),
    "flow": ("METRICS", "MeanFieldFlow", "Metric"),
    "roles": ("ROLE", "sample_roles"),
    "starts": ("Particles", "Rule", "particles", "start"),
}
__all__, __getattr__, __dir__ = lazy(__name__, _WHERE)
