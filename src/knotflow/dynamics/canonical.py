"""The flow in canonical parameters: `CanonicalFlow` for `evolve`, and the particles' session that it runs in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from knotflow._checks import freeze, number
from knotflow.dynamics.flow import FULL, PAUSED
from knotflow.dynamics.tangent import writable
from knotflow.dynamics.trajectory import EVENT, KINDS, Save, Trajectory
from knotflow.errors import InputError

if TYPE_CHECKING:
    from knotflow.network import ReLUNet
    from knotflow.samples import Samples

Array = NDArray[np.float64]
Metric = Literal["cylinder", "polar"]


@dataclass(frozen=True)
class CanonicalFlow:
    """Gradient flow in the canonical parameters (r, theta), for `evolve`; with a total variation penalty if wanted.

    metric  "cylinder": dr^2 + dtheta^2, flow (7) of the paper. "polar": dr^2 + r^2 dtheta^2, what delta = +inf gives
    lam     >= 0; the objective is L + (lam/m) sum |r_i|, see `objective`
    rtol    wanted accuracy of the function on the samples, relative to the size of y (and of f at the start)

    With g(theta) = sum of w_j rho_j (x_j, 1) over the samples active at theta, d = (cos theta, sin theta), t = d':

        "cylinder":  r' = -(1/m) (<g, d> + lam sign r),   theta' = -(r/m) <g, t>
        "polar":     (u, v)' = -(1/m) ((sign r) g + lam d),   (u, v) = |r| d;   sign r never changes

    Time is that of these equations: w' = -grad of the objective. That of the Wasserstein flow is 1/m of it. A network
    in the gauge c_i = +-norm/m follows "polar" under GradientFlow(train={"a", "b"}) in the same time t; one that was
    brought to a large delta by `with_delta` does so under GradientFlow() at the time t norm^2 / (m^2 delta). No delta
    gives "cylinder": it is another metric.

    A knot that reaches a sample crosses it or slides along its ray (theta fixed, r moving) until a side stops pushing
    it back, by the mended Lemma 2 (`mean_field.sample_roles`). At r = 0 the subgradient rule decides: under a penalty
    a particle of the cylinder rests while |<g, d>| <= lam and leaves to the side that descends. In the plane r = 0 is
    the origin, where the direction is lost: a particle rests, with or without a penalty, while (sign r) <g, d> >= -lam
    for all theta, and leaves in the direction of steepest descent. That is a curve of maximal slope, but not the only
    one where several directions descend: descent in small steps then leaves in any of them. In the plane sign r is
    that of c, even of a zero. relu'(0) = 0: see `GradientFlow`.

    The trajectory holds the networks in the gauge that keeps (r, theta) whatever r: a^2 + b^2 = 1 and c = (norm/m) r
    for "cylinder", c = +-norm/m and (a, -b) = (u, v) for "polar"; its start is the given network in that gauge, the
    same function. a = b = 0 has theta = 0. The bias does not move. ``loss`` is L without the penalty; ``events`` has
    two more kinds, "rest" and "leave": r = 0 was reached and kept, and was left (sample -1: not on a sample's ray).

    Steps are Radau IIA (order 5) in the s residuals, and within each every particle takes its own substeps and events:
    O(m + s) for each of its iterations.

    Source: Williams et al. 2019, eqs. (7), (12) to (16) and (47), mended. Raises InputError for another metric, lam < 0
    or a tolerance outside (0, 0.1].
    """

    metric: Metric = "cylinder"
    lam: float = 0.0
    rtol: float = 1e-6

    def __post_init__(self) -> None:
        if self.metric not in ("cylinder", "polar"):
            raise InputError(f'metric is {self.metric!r}; it must be "cylinder" or "polar"')
        freeze(self, lam=number("lam", self.lam, least=0.0), rtol=tolerance(self.rtol))

    @property
    def train(self) -> frozenset[str]:
        """Which of a network's parameters move: c stands still in the plane."""
        return frozenset({"a", "b", "c"} if self.metric == "cylinder" else {"a", "b"})

    def gauge(self, net: ReLUNet) -> ReLUNet:
        """The same function with the same (r, theta), in this flow's gauge. O(m)."""
        return gauge(net, self.metric, np.full(len(net), 1 / len(net)))

    def objective(self, net: ReLUNet, data: Samples) -> float:
        """L + (lam/m) sum |r_i|, which never rises along this flow. O((m + s) log m)."""
        return net.loss(data) + self.lam / net.norm * float(np.sum(np.abs(net.c) * np.hypot(net.a, net.b)))

    def session(self, before: Trajectory) -> ParticleSession:
        """The run after ``before``, ready to be carried on."""
        m = len(before.start)
        return ParticleSession(before, self.metric, self.lam, np.full(m, 1 / m), 1 / m)


def gauge(net: ReLUNet, metric: Metric, weights: Array) -> ReLUNet:
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


def tolerance(value: Any) -> float:
    """``value`` as a tolerance, or InputError."""
    rtol = number("rtol", value, above=0.0)
    if rtol > 0.1:
        raise InputError(f"rtol is {rtol!r}; it must be at most 0.1, for example 1e-6")
    return rtol


class ParticleSession:
    """Weighted particles under way: the engine's arrays and the events so far; a `dynamics.flow.FlowSession`.

    The trajectory's networks are in the gauge of the metric, for these weights: see `gauge`.
    """

    def __init__(self, before: Trajectory, metric: Metric, lam: float, weights: Array, pace: float) -> None:
        from knotflow.engine import particles as engine
        from knotflow.engine.particles import CYLINDER, PLANE

        self.engine, net, data = engine, before.start, before.data
        self.scale = net.norm * weights  # a neuron's c over its particle's
        x, y, weight = writable(data.distinct.x, data.distinct.y, data.distinct.weight)
        a, b, c = writable(net.a, net.b, net.c)
        self.run, self.work = engine.start(a, b, c / self.scale, weights.copy(), x)
        size = float(max(np.abs(y).max(), np.abs(net(x)).max(), np.finfo(float).tiny))
        kind = CYLINDER if metric == "cylinder" else PLANE
        self.problem = engine.problem(x, y, weight, kind, lam, pace, net.bias, before.dynamics.rtol * size, size)
        self.events = [before.events]
        if before.state is None:
            engine.present_residuals(self.run, self.problem, self.work)
            engine.enter(self.run, self.problem, self.work)
            self._collect()
        else:
            for name, value in self.run._asdict().items():
                value[...] = before.state[name]

    def advance(self, until: float, steps: int, flat: float) -> int:
        code = self.engine.advance(self.run, self.problem, until, steps, flat, self.work)
        self._collect()
        return PAUSED if code == FULL else code

    def _collect(self) -> None:
        log, n = self.work.events, int(self.run.counts[self.engine.EVENTS])
        if n:
            s = self.problem.x.size
            batch, border = np.empty(n, EVENT), log.rows[:n, 1]
            batch["time"], batch["neuron"] = log.times[:n], log.rows[:n, 0]
            batch["sample"] = np.where(border < 0, -1, np.where(border < s, s - 1 - border, 2 * s - 1 - border))
            batch["kind"] = np.array(KINDS)[log.rows[:n, 2]]
            self.events.append(batch[np.argsort(batch["time"], kind="stable")])
            self.run.counts[self.engine.EVENTS] = log.size[0] = 0

    @property
    def time(self) -> float:
        return float(self.run.real[self.engine.TIME])

    @property
    def steps(self) -> int:
        return int(self.run.counts[self.engine.STEPS])

    def first_time(self) -> float:
        self.engine.derivatives(self.run, self.problem, self.work)
        rate = max(self.engine.rate(self.run, self.problem, self.work) for _ in range(4))
        return 0.02 / rate if rate > 0 else 1.0

    def loss(self) -> float:
        return 0.5 * float(np.sum(self.problem.weight * self.run.r**2))

    def save(self, within: float) -> Save:
        c, a, b = self.run.z.copy()
        return Save(self.steps, self.time, self.loss() + within, a, b, c * self.scale, self.problem.bias)

    def snapshot(self) -> dict[str, NDArray[Any]]:
        return {name: value.copy() for name, value in self.run._asdict().items()}

    def happened(self) -> NDArray[Any]:
        return np.concatenate(self.events)

    def trouble(self) -> str:
        return f"the tolerance cannot be met: the step fell to {self.run.real[self.engine.DT]:.3g}; take a larger rtol"

    def account(self) -> dict[str, Any]:
        engine, count = self.engine, self.run.counts
        stiff, steps = int(count[engine.STIFF]), self.steps
        how = "Newton's method" if stiff == steps else "iteration" if stiff == 0 else "iteration or Newton's method"
        return {
            "method": f"Radau IIA of order 5, solved by {how}, every particle in its own substeps",
            "steps": steps,
            "newton_steps": stiff,
            "rejected": int(count[engine.REJECTED]),
            "jacobians": int(count[engine.REFRESHED]),
            "events": int(sum(part.size for part in self.events)),
        }
