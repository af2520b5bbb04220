"""The gradient flow itself: `GradientFlow`, and the integrator that the mean field's full metric shares with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from knotflow._checks import freeze
from knotflow._typing import AnyArray, Array
from knotflow.dynamics.flow_session import REASONS, RTOL, FlowSession, event_table, tolerance
from knotflow.dynamics.outcomes import LIKELIEST, Choices, Undecided, as_undecided, outcomes
from knotflow.dynamics.protocol import Past, Reason, Snapshot
from knotflow.dynamics.running import FlowMethod
from knotflow.dynamics.standing import Outlook, inert, saddle
from knotflow.dynamics.states import FLOW, as_saved, fill
from knotflow.dynamics.tangent import DEFAULT_TRAIN, gradient, stability_limit, trained, writable
from knotflow.engine import codes

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
    undecided : "likeliest", int, numpy.random.Generator or mapping
        Which way to take after an event at which the flow is not unique, see the notes. "likeliest": the most probable
        one. A seed, or a generator, which is asked for one: a random way, so that runs with many seeds are distributed
        as descent with many small steps. A mapping: for some neurons the ranks of the ways that they take one after the
        other, 0 for the most probable, as in {17: [1, 0]}.

    Raises
    ------
    InputError
        For a tolerance out of its range, an unknown name in ``train``, or another ``undecided``; at the start of a run,
        for ranks of a neuron that the network does not have.

    Notes
    -----
    Neurons of one arc share one propagator, a product of Lorentz boosts, so delta = c^2 - a^2 - b^2 is conserved to
    rounding whatever rtol. A knot that reaches a sample crosses it or sticks to it (Filippov); knots that stick at
    one sample leave together when one side no longer pushes them back. Time steps are Radau IIA (order 5, L-stable) in
    the s residuals, solved by Newton's method in O(s), as the tangent kernel is semiseparable. A step may hold any
    number of events: the kinks that they make in the residuals enter it. So its cost is O(m + s) plus a constant for
    each event, and the number of steps depends on the tolerance but hardly on the number of events. Two events of one
    neuron that undo each other within a third of a step may be passed over, if f changes by less than the tolerance.

    relu'(0) = 0: a neuron that reaches the border of the data from inside is dead from then on. Where both sides of a
    sample push a knot away, it stays on the side that it came from, at the start on the inactive one.

    After two events the flow has several solutions. A neuron with delta > 0 that slides into a = b = 0 has no direction
    there: it is dead or turns. A neuron whose c changes its sign while it slides is pushed away to either side. Descent
    goes one way or another by the phase in which its steps arrive, however small they are. So each way has a
    probability, the share of small steps with which descent takes it; ``docs/origin.md`` derives it. Often one way has
    probability 1. Where none has, the event is *undecided*: `Trajectory.outcomes` lists its ways, `Trajectory.account`
    counts such events, and `Trajectory.message` says so.

    References
    ----------
    Williams et al. (2019), equations (2) and (8) to (11), with the attractor rule of Lemma 2 corrected. The
    probabilities are in neither paper.

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.GradientFlow(rtol=1e-6, train={"c"}).train
    frozenset({'c'})
    >>> kf.GradientFlow(undecided={17: 1}).undecided
    ((17, (1,)),)
    """

    rtol: float = RTOL
    train: frozenset[str] = field(default=DEFAULT_TRAIN)
    undecided: Any = LIKELIEST

    def __post_init__(self) -> None:
        freeze(self, rtol=tolerance(self.rtol), train=trained(self.train), undecided=as_undecided(self.undecided))

    @property
    def anchored(self) -> bool:
        """False: what follows depends on the present alone."""
        return False

    def gauge(self, net: ReLUNet) -> ReLUNet:
        """The network as it is."""
        return net

    def session(self, past: Past) -> FlowSession:
        """The run after ``past``, ready to be carried on."""
        return FlowSession(past, self.rtol, ParameterIntegrator(past, self.rtol, self.train, self.undecided))


class ParameterIntegrator:
    """The flow of a, b, c and the bias; a `flow_session.Integrator`."""

    def __init__(self, past: Past, rtol: float, train: frozenset[str], undecided: Undecided = LIKELIEST) -> None:
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
        self.chance = np.ones(room)
        self.choices = Choices(undecided, len(net), past.outcomes)
        self.ways: list[AnyArray] = []
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
        if code == codes.UNDECIDED:
            self.decide()
        return REASONS[code]

    def decide(self) -> None:
        """Let the neurons go on that have halted at an event, each in the way that is its choice."""
        (times, rows), count, s = self.log, self.run.counts, self.problem.x.size
        modes = {}
        for halt in self.engine.halts(self.run, self.work):
            odds = self.engine.odds(halt, self.run, self.problem, self.work)
            mode = modes[halt.neuron] = self.choices.next(halt.neuron, odds)
            flips = halt.kind == codes.FLIP
            kinds = (codes.FLIP, codes.FLIP) if flips else (codes.REST, codes.TURN)
            if odds[mode] < 1.0:
                words = codes.KINDS[kinds[0]], codes.KINDS[kinds[1]]
                self.ways.append(outcomes(halt.time, halt.neuron, words, odds, mode))
            if halt.event < times.size:
                rows[halt.event, 2], self.chance[halt.event] = kinds[int(mode > 0)], odds[mode]
            if mode >= 2 * s:
                n = int(count[self.engine.EVENTS])
                if n < times.size:
                    times[n], rows[n] = halt.time, (halt.neuron, mode - 2 * s, codes.STICK)
                count[self.engine.EVENTS] = n + 1
        self.engine.go_on(modes, self.run, self.problem, self.work)

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
        count = self.run.counts
        return {
            "method": "Radau IIA of order 5, solved by Newton's method in O(s)",
            "steps": int(count[self.engine.STEPS]),
            "rejected": int(count[self.engine.REJECTED]),
        }

    def new_outcomes(self) -> list[AnyArray]:
        found, self.ways = self.ways, []
        return found

    def new_events(self) -> list[AnyArray]:
        n = int(self.run.counts[self.engine.EVENTS])
        if n == 0:
            return []
        self.run.counts[self.engine.EVENTS] = 0
        times, rows = self.log
        chance = self.chance[:n].copy()
        self.chance[:n] = 1.0
        return [event_table(times[:n], rows[:n], self.problem.x.size, chance)]

    def outlook(self) -> Outlook:
        a, b, c, bias = self.parameters()
        net, data = self.past.start.replace(a=a, b=b, c=c, bias=bias), self.past.data
        if inert(net, data, self.train):
            return Outlook(0.0, inert=True)
        falls = sum(float(np.sum(np.square(part))) for part in gradient(net, data, self.train))
        return Outlook(falls, inert=False, saddle=saddle(net, data, self.train, self.problem.tol))

    def trouble(self) -> str:
        return f"the tolerance cannot be met: the step fell to {self.run.real[self.engine.DT]:.3g}; take a larger rtol"
