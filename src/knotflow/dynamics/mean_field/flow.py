"""Infinite width: the flow of weighted particles, `MeanFieldFlow`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike

from knotflow._checks import choice, freeze, number, shown, vector
from knotflow._typing import Array
from knotflow.dynamics.flow_session import PARTICLE_RTOL, FlowSession, tolerance
from knotflow.dynamics.gradient_flow import ParameterIntegrator
from knotflow.dynamics.particle_session import ParticleIntegrator, gauge
from knotflow.dynamics.protocol import Past
from knotflow.dynamics.running import FlowMethod
from knotflow.errors import InputError

if TYPE_CHECKING:
    from knotflow.network import ReLUNet

__all__ = ["METRICS", "MeanFieldFlow", "Metric", "shares"]

Metric = Literal["full", "cylinder", "polar"]
METRICS = ("full", "cylinder", "polar")


@dataclass(frozen=True)
class MeanFieldFlow(FlowMethod):
    """The flow of weighted particles: the limit of infinite width of gradient flow with norm = m.

    Parameters
    ----------
    metric : {"full", "cylinder", "polar"}
        "full": z = (a, b, c) under the Euclidean metric, what gradient descent on all parameters does. "cylinder":
        (r, theta) under dr^2 + dtheta^2, the paper's. "polar": (r, theta) under dr^2 + r^2 dtheta^2, what training
        (a, b) alone, or delta = +inf, does.
    weights : sequence of float
        The particles' weights, > 0, as `particles` gives them; None: 1/m each, as for a network of m neurons.
    lam : float
        >= 0, adds lam sum_i weight_i |r_i| to the loss; not for "full".
    rtol : float
        Wanted accuracy of the function on the samples, relative to the size of y (and of f at the start), from 1e-14
        to 0.1.

    Raises
    ------
    InputError
        For another metric, weights that are not positive, a negative lam, or a tolerance out of its range.

    Notes
    -----
    A weight does not enter its particle's velocity, only its share in f. The trajectory is one of networks of norm 1,
    f = bias + sum_i c_i max(a_i x - b_i, 0): neuron i is sqrt(weight_i) times the particle for "full", where every
    velocity is linear in the particle, so that this is the exact flow of `GradientFlow` on that network; it is
    (cos theta_i, -sin theta_i, weight_i r_i) for "cylinder" and (u_i, -v_i, +-weight_i) for "polar", where the rules
    and the cost are those of `CanonicalFlow`. Any network may start: it is brought to that form, the same function.

    Time is the mean field's: see `knotflow.dynamics.mean_field`.

    References
    ----------
    Williams et al. (2019), equations (8) to (12), corrected.

    Examples
    --------
    >>> import knotflow as kf
    >>> flow = kf.MeanFieldFlow("cylinder", weights=[0.5, 0.5])
    >>> sorted(flow.train)
    ['a', 'b', 'c']
    """

    metric: Metric = "full"
    weights: Sequence[float] | None = None
    lam: float = 0.0
    rtol: float = PARTICLE_RTOL

    def __post_init__(self) -> None:
        choice("metric", self.metric, METRICS)
        freeze(self, lam=number("lam", self.lam, least=0.0), rtol=tolerance(self.rtol))
        if self.metric == "full" and self.lam > 0:
            raise InputError(f'lam is {self.lam:g}: it must be 0 unless the metric is "cylinder" or "polar"')
        if self.weights is not None:
            weights = vector("weights", self.weights)
            if len(weights) == 0 or not np.all(weights > 0):
                raise InputError(f"weights is {shown(self.weights)}: it must be numbers > 0, one for each particle")
            freeze(self, weights=tuple(weights.tolist()))

    @property
    def train(self) -> frozenset[str]:
        """Which of a network's parameters move: c stands still in the plane."""
        return frozenset({"a", "b"} if self.metric == "polar" else {"a", "b", "c"})

    @property
    def anchored(self) -> bool:
        """False: what follows depends on the present alone."""
        return False

    def gauge(self, net: ReLUNet) -> ReLUNet:
        """The function and the particles of `net`, in the form of this flow's trajectories. O(m)."""
        weights, unit = shares(self.weights, net), net.norm**-0.5
        net = net.replace(a=unit * net.a, b=unit * net.b, c=unit * net.c, norm=1.0)
        return net if self.metric == "full" else gauge(net, self.metric, weights)

    def session(self, past: Past) -> FlowSession:
        """The run after ``past``, ready to be carried on."""
        if self.metric == "full":
            return FlowSession(past, self.rtol, ParameterIntegrator(past, self.rtol, self.train))
        weights = shares(self.weights, past.start)
        integrator = ParticleIntegrator(past, self.rtol, self.metric, lam=self.lam, weights=weights, pace=1.0)
        return FlowSession(past, self.rtol, integrator)


def shares(weights: ArrayLike | None, net: ReLUNet) -> Array:
    """The weights of a network's neurons as particles, (m,); None: 1/m each."""
    m = len(net)
    return np.full(m, 1 / m) if weights is None else np.array(vector("weights", weights, m, "the network"))
