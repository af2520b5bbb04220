"""The gradient flow itself: `GradientFlow`, and the integrator that the mean field's full metric shares with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from knotflow._checks import freeze
from knotflow._typing import AnyArray, Array
from knotflow.dynamics.flow_session import REASONS, RTOL, FlowSession, account, event_table, tolerance
from knotflow.dynamics.protocol import Past, Reason, Snapshot
from knotflow.dynamics.running import FlowMethod
from knotflow.dynamics.standing import Outlook, inert, saddle
from knotflow.dynamics.states import FLOW, as_saved, fill
from knotflow.dynamics.tangent import DEFAULT_TRAIN, gradient, stability_limit, trained, writable

if TYPE_CHECKING:
    from knotflow.network import ReLUNet

__all__ = ["GradientFlow", "ParameterIntegrator"]


@dataclass(frozen=True)
class GradientFlow(FlowMethod):
    """The gradient flow dz/dt = -dL/dz, integrated in the residuals with events located; no step size to choose.

    Parameters
    ----------
    rtol : float
        Wanted accuracy of the function on the samples, relative to the size of y (and of f at the start), from 1e-14
        to 0.1.
    train : set of {"a", "b", "c", "bias"}
        Which parameters move. {"c"} is delta = -inf, where the flow is linear; {"a", "b"} is delta = +inf.

    Raises
    ------
    InputError
        For a tolerance out of its range or an unknown name in ``train``.

    Notes
    -----
    Neurons of one arc share one propagator, a product of Lorentz boosts, so delta = c^2 - a^2 - b^2 is conserved to
    rounding whatever rtol. A knot that reaches a sample crosses it or sticks to it (Filippov); knots that stick at
    one sample leave together when one side no longer pushes them back. Time steps are Radau IIA (order 5, L-stable) in
    the s residuals, solved by Newton's method with the tangent kernel where the run is stiff and by iteration where it
    is not: O(m + s) a step, plus O(s^2) and now and then O(s^3) where it is stiff.

    relu'(0) = 0: a neuron that reaches the border of the data from inside is dead from then on. Where both sides of a
    sample push a knot away, it stays on the side that it came from (the inactive one at the start, and where c changes
    its sign at a sample; descent goes either way there, by its rounding, and both are solutions). A neuron with
    delta > 0 that slides into a = b = 0 has no direction there. Whether it is dead or turns, and where to, is what
    descent does as its step goes to 0: a walk on the scale of the step that no longer depends on the step.

    References
    ----------
    Williams et al. (2019), equations (2) and (8) to (11), with the attractor rule of Lemma 2 corrected.

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.GradientFlow(rtol=1e-6, train={"c"}).train
    frozenset({'c'})
    """

    rtol: float = RTOL
    train: frozenset[str] = field(default=DEFAULT_TRAIN)

    def __post_init__(self) -> None:
        freeze(self, rtol=tolerance(self.rtol), train=trained(self.train))

    @property
    def anchored(self) -> bool:
        """False: what follows depends on the present alone."""
        return False

    def gauge(self, net: ReLUNet) -> ReLUNet:
        """The network as it is."""
        return net

    def session(self, past: Past) -> FlowSession:
        """The run after ``past``, ready to be carried on."""
        return FlowSession(past, self.rtol, ParameterIntegrator(past, self.rtol, self.train))


class ParameterIntegrator:
    """The flow of a, b, c and the bias; a `flow_session.Integrator`."""

    def __init__(self, past: Past, rtol: float, train: frozenset[str]) -> None:
        from knotflow.engine import flow  # numba, which only a run needs

        self.engine, self.past, self.train = flow, past, train
        net, points = past.start, past.data.distinct
        x, y, weight = writable(points.x, points.y, points.weight)
        size = float(max(np.abs(y).max(), np.abs(net(x)).max(), np.finfo(float).tiny))
        self.problem = flow.problem(x, y, weight, net.norm, train, rtol * size, size)
        a, b, c = writable(net.a, net.b, net.c)
        self.run, self.work = flow.start(a, b, c, net.bias, x)
        room = 4 * len(net) + 4096
        self.log = np.zeros(room), np.zeros((room, 3), np.int64)
        if past.state is None:
            flow.enter(self.run, self.problem, self.work, *self.log)
        else:
            fill(self.run, past.state, FLOW)
            self.work.power[:] = past.state[FLOW["power"]]

    @property
    def time(self) -> float:
        return float(self.run.real[self.engine.TIME])

    @property
    def steps(self) -> int:
        return int(self.run.counts[self.engine.STEPS])

    def advance(self, until: float, steps: int, flat: float) -> Reason:
        code = self.engine.advance(self.run, self.problem, until, steps, flat, self.work, *self.log)
        return REASONS[code]

    def loss(self) -> float:
        return 0.5 * float(np.sum(self.problem.weight * self.run.r**2))

    def first_time(self) -> float:
        limit = stability_limit(self.past.final, self.past.data, self.train)
        return 1e-2 * limit if np.isfinite(limit) else 1.0

    def parameters(self) -> tuple[Array, Array, Array, float]:
        a, b, c = self.run.z.copy()
        return a, b, c, float(self.run.bias[0])

    def snapshot(self) -> Snapshot:
        arrays = as_saved(self.run, FLOW) | {FLOW["power"]: self.work.power}
        return {name: value.copy() for name, value in arrays.items()}

    def account(self) -> dict[str, Any]:
        return account(self.engine, self.run.counts)

    def new_events(self) -> list[AnyArray]:
        n = int(self.run.counts[self.engine.EVENTS])
        if n == 0:
            return []
        self.run.counts[self.engine.EVENTS] = 0
        times, rows = self.log
        return [event_table(times[:n], rows[:n], self.problem.x.size)]

    def outlook(self) -> Outlook:
        a, b, c, bias = self.parameters()
        net, data = self.past.start.replace(a=a, b=b, c=c, bias=bias), self.past.data
        if inert(net, data, self.train):
            return Outlook(0.0, inert=True)
        falls = sum(float(np.sum(np.square(part))) for part in gradient(net, data, self.train))
        return Outlook(falls, inert=False, saddle=saddle(net, data, self.train, self.problem.tol))

    def trouble(self) -> str:
        return f"the tolerance cannot be met: the step fell to {self.run.real[self.engine.DT]:.3g}; take a larger rtol"
