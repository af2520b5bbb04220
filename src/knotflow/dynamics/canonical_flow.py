"""The flow in canonical parameters: `CanonicalFlow`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from knotflow._checks import choice, freeze, number
from knotflow.dynamics.flow_session import PARTICLE_RTOL, FlowSession, tolerance
from knotflow.dynamics.particle_session import CanonicalMetric, ParticleIntegrator, gauge
from knotflow.dynamics.protocol import Past
from knotflow.dynamics.running import FlowMethod

if TYPE_CHECKING:
    from knotflow.data import Samples
    from knotflow.network import ReLUNet

__all__ = ["CanonicalFlow"]


@dataclass(frozen=True)
class CanonicalFlow(FlowMethod):
    """Gradient flow in the canonical parameters (r, theta); with a total variation penalty if wanted.

    With g(theta) = sum of w_j rho_j (x_j, 1) over the samples active at theta, d = (cos theta, sin theta), t = d':

        "cylinder":  r' = -(1/m) (<g, d> + lam sign r),   theta' = -(r/m) <g, t>
        "polar":     (u, v)' = -(1/m) ((sign r) g + lam d),   (u, v) = |r| d;   sign r never changes

    Parameters
    ----------
    metric : {"cylinder", "polar"}
        "cylinder" is dr^2 + dtheta^2, flow (7) of the paper; "polar" is dr^2 + r^2 dtheta^2, what delta = +inf gives.
    lam : float
        >= 0; the objective is L + (lam/m) sum |r_i|, see `objective`.
    rtol : float
        Wanted accuracy of the function on the samples, relative to the size of y (and of f at the start), from 1e-14
        to 0.1.

    Raises
    ------
    InputError
        For another metric, a negative lam, or a tolerance out of its range.

    Notes
    -----
    Time is that of these equations: w' = -grad of the objective. That of the Wasserstein flow is 1/m of it. A network
    in the gauge c_i = +-norm/m follows "polar" under GradientFlow(train={"a", "b"}) in the same time t; one that was
    brought to a large delta by `with_delta` does so under GradientFlow() at the time t norm^2 / (m^2 delta). No delta
    gives "cylinder": it is another metric.

    A knot that reaches a sample crosses it or slides along its ray (theta fixed, r moving) until a side stops pushing
    it back, by the corrected Lemma 2 (`sample_roles`). At r = 0 the subgradient rule decides: under a penalty a
    particle of the cylinder rests while |<g, d>| <= lam and leaves to the side that descends. In the plane r = 0 is
    the origin, where the direction is lost: a particle rests, with or without a penalty, while (sign r) <g, d> >= -lam
    for all theta, and leaves in the direction of steepest descent. That is a curve of maximal slope, but not the only
    one where several directions descend: descent in small steps then leaves in any of them. In the plane sign r is
    that of c, even of a zero. relu'(0) = 0: see `GradientFlow`.

    The trajectory holds the networks in the gauge that keeps (r, theta) whatever r: a^2 + b^2 = 1 and c = (norm/m) r
    for "cylinder", c = +-norm/m and (a, -b) = (u, v) for "polar". Its start is the given network in that gauge, the
    same function. a = b = 0 has theta = 0. The bias does not move. ``loss`` is L without the penalty; ``events`` has
    two more kinds, "rest" and "leave": r = 0 was reached and kept, and was left (sample -1: not on a sample's ray).

    Steps are Radau IIA (order 5) in the s residuals, and within each every particle takes its own substeps and events:
    O(m + s) for each of its iterations.

    References
    ----------
    Williams et al. (2019), equations (7), (12) to (16) and (47), corrected.

    Examples
    --------
    >>> import knotflow as kf
    >>> flow = kf.CanonicalFlow("polar", lam=0.1)
    >>> net = flow.gauge(kf.ReLUNet([3.0], [4.0], [-2.0]))
    >>> net.a, net.b, net.c
    (array([6.]), array([8.]), array([-1.]))
    """

    metric: CanonicalMetric = "cylinder"
    lam: float = 0.0
    rtol: float = PARTICLE_RTOL

    def __post_init__(self) -> None:
        choice("metric", self.metric, ("cylinder", "polar"))
        freeze(self, lam=number("lam", self.lam, least=0.0), rtol=tolerance(self.rtol))

    @property
    def train(self) -> frozenset[str]:
        """Which of a network's parameters move: c stands still in the plane."""
        return frozenset({"a", "b", "c"} if self.metric == "cylinder" else {"a", "b"})

    @property
    def anchored(self) -> bool:
        """False: what follows depends on the present alone."""
        return False

    def gauge(self, net: ReLUNet) -> ReLUNet:
        """The function and the (r, theta) of `net`, in this flow's gauge. O(m)."""
        return gauge(net, self.metric, np.full(len(net), 1 / len(net)))

    def objective(self, net: ReLUNet, data: Samples) -> float:
        """L + (lam/m) sum |r_i| of `net` on `data`, which never rises along this flow. O((m + s) log m)."""
        return net.loss(data) + self.lam / net.norm * float(np.sum(np.abs(net.c) * np.hypot(net.a, net.b)))

    def session(self, past: Past) -> FlowSession:
        """The run after ``past``, ready to be carried on."""
        m = len(past.start)
        integrator = ParticleIntegrator(
            past, self.rtol, self.metric, lam=self.lam, weights=np.full(m, 1 / m), pace=1 / m
        )
        return FlowSession(past, self.rtol, integrator)
