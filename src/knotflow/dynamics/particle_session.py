"""The integrator of weighted particles, which `CanonicalFlow` and `MeanFieldFlow` share, and its gauge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from knotflow._typing import AnyArray, Array
from knotflow.dynamics.flow_session import REASONS, account, event_table
from knotflow.dynamics.protocol import Past, Reason, Snapshot
from knotflow.dynamics.standing import Outlook
from knotflow.dynamics.states import FLOW, as_saved, fill
from knotflow.dynamics.tangent import writable

if TYPE_CHECKING:
    from knotflow.network import ReLUNet

__all__ = ["CanonicalMetric", "ParticleIntegrator", "gauge"]

CanonicalMetric = Literal["cylinder", "polar"]


def gauge(net: ReLUNet, metric: CanonicalMetric, weights: Array) -> ReLUNet:
    """The same function in the gauge of a metric, for particles of these weights. O(m).

    c_i = norm weight_i r_i and a_i^2 + b_i^2 = 1 ("cylinder"), or c_i = +-norm weight_i and (a_i, -b_i) = (u_i, v_i)
    ("polar"), so that f = bias + sum_i weight_i r_i max(x cos theta_i + sin theta_i, 0).
    """
    n, scale = np.hypot(net.a, net.b), net.norm * weights
    if metric == "polar":
        stretch = np.abs(net.c) / scale
        return net.replace(a=net.a * stretch, b=net.b * stretch, c=np.copysign(scale, net.c))
    a = np.divide(net.a, n, out=np.ones_like(n), where=n > 0)
    b = np.divide(net.b, n, out=np.zeros_like(n), where=n > 0)
    return net.replace(a=a, b=b, c=net.c * n)


class ParticleIntegrator:
    """The flow of weighted particles (r, theta); a `flow_session.Integrator`.

    The run's networks are in the gauge of the metric for these weights, see `gauge`. ``lam`` is the penalty, ``pace``
    what all velocities are multiplied by.
    """

    def __init__(
        self, past: Past, rtol: float, metric: CanonicalMetric, *, lam: float, weights: Array, pace: float
    ) -> None:
        # numba, which only a run needs
        from knotflow.engine import particles
        from knotflow.engine.particles import CYLINDER, PLANE, Motion

        self.engine = particles
        net, points = past.start, past.data.distinct
        self.scale = net.norm * weights  # a neuron's c over its particle's
        x, y, weight = writable(points.x, points.y, points.weight)
        a, b, c = writable(net.a, net.b, net.c)
        self.run, self.work = particles.start(a, b, c / self.scale, weights.copy(), x)
        size = float(max(np.abs(y).max(), np.abs(net(x)).max(), np.finfo(float).tiny))
        motion = Motion(CYLINDER if metric == "cylinder" else PLANE, lam, pace)
        self.problem = particles.problem(x, y, weight, motion, net.bias, rtol * size, size)
        if past.state is None:
            particles.present_residuals(self.run, self.problem, self.work)
            particles.enter(self.run, self.problem, self.work)
        else:
            fill(self.run, past.state, FLOW)

    @property
    def time(self) -> float:
        return float(self.run.real[self.engine.TIME])

    @property
    def steps(self) -> int:
        return int(self.run.counts[self.engine.STEPS])

    def advance(self, until: float, steps: int, flat: float) -> Reason:
        return REASONS[self.engine.advance(self.run, self.problem, until, steps, flat, self.work)]

    def loss(self) -> float:
        return 0.5 * float(np.sum(self.problem.weight * self.run.r**2))

    def first_time(self) -> float:
        self.engine.derivatives(self.run, self.problem, self.work)
        rate = max(self.engine.rate(self.run, self.problem, self.work) for _ in range(4))
        return 0.02 / rate if rate > 0 else 1.0

    def parameters(self) -> tuple[Array, Array, Array, float]:
        c, a, b = self.run.z.copy()
        return a, b, c * self.scale, self.problem.bias

    def snapshot(self) -> Snapshot:
        return {name: value.copy() for name, value in as_saved(self.run, FLOW).items()}

    def account(self) -> dict[str, Any]:
        return account(self.engine, self.run.counts, ", every particle in its own substeps")

    def new_events(self) -> list[AnyArray]:
        log, n = self.work.events, int(self.run.counts[self.engine.EVENTS])
        if n == 0:
            return []
        self.run.counts[self.engine.EVENTS] = log.size[0] = 0
        return [event_table(log.times[:n], log.rows[:n], self.problem.x.size)]

    def new_outcomes(self) -> list[AnyArray]:
        return []

    def outlook(self) -> Outlook:
        falls = self.engine.derivatives(self.run, self.problem, self.work)
        return Outlook(falls, inert=self.problem.lam == 0.0 and not np.any(self.run.group))

    def trouble(self) -> str:
        return f"the tolerance cannot be met: the step fell to {self.run.real[self.engine.DT]:.3g}; take a larger rtol"
