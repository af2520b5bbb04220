"""The gradient flow itself, solved: `GradientFlow` for `evolve`; how any flow is run; how far descent is from it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from knotflow._checks import freeze, number
from knotflow.dynamics.interruption import Progress, interruptible
from knotflow.dynamics.tangent import DEFAULT_TRAIN, trained, writable
from knotflow.dynamics.trajectory import EVENT, KINDS, Save, Trajectory
from knotflow.engine.codes import ARRIVED, CONVERGED, FULL, PAUSED, STALLED
from knotflow.errors import InputError

if TYPE_CHECKING:
    from knotflow.network import ReLUNet
    from knotflow.samples import Samples

Array = NDArray[np.float64]

# The engine works this long between two looks at the clock and at Ctrl-C.
_SLICE_SECONDS = 0.05
# Default saves: at most this many, and at most this many numbers in all.
_SAVES, _SAVED_NUMBERS = 240, 30_000_000
# A run until "converged" looks no further than this many times the slowest time that rounding lets it see.
_LONGEST = 1e16
# The finest tolerance that float64 can meet.
_FINEST = 1e-14
# A run comes back after so many steps, even if it is not at its end: no run that goes well takes a tenth of them.
_MOST_STEPS = 1_000_000


class FlowSession(Protocol):
    """A run in time under way: what the run after a trajectory needs."""

    @property
    def time(self) -> float: ...
    @property
    def steps(self) -> int: ...

    def advance(self, until: float, steps: int, flat: float) -> int:
        """Up to ``steps`` steps towards ``until``: ARRIVED, PAUSED (call again), STALLED or CONVERGED.

        CONVERGED: the loss, at the rate at which it falls, would in as long again fall by at most ``flat`` (< 0: only
        where nothing moves at all).
        """

    def loss(self) -> float:
        """The loss of the distinct samples, now."""

    def first_time(self) -> float:
        """A time in which hardly anything happens; where the default saves begin."""

    def save(self, within: float) -> Save:
        """The present parameters; ``within`` is added to the loss."""

    def snapshot(self) -> dict[str, NDArray[Any]]:
        """All that the next step needs, as named arrays; the next session finds it in the trajectory's ``state``."""

    def account(self) -> dict[str, Any]:
        """How it was integrated: at least "method", "steps", "rejected" and "events", the number of events."""

    def happened(self) -> NDArray[Any]:
        """All events since the time 0, as `trajectory.EVENT`."""

    def trouble(self) -> str:
        """After STALLED: what is wrong, and what to try."""


@runtime_checkable
class TimeMethod(Protocol):
    """What ``evolve`` asks of a way to move in time."""

    @property
    def train(self) -> frozenset[str]: ...
    @property
    def rtol(self) -> float: ...
    def session(self, before: Trajectory) -> FlowSession: ...


@dataclass(frozen=True)
class GradientFlow:
    """The gradient flow dz/dt = -dL/dz, integrated in the residuals with events located; no step size to choose.

    rtol   wanted accuracy of the function on the samples, relative to the size of y (and of f at the start)
    train  which of {"a", "b", "c", "bias"} move. {"c"}: delta = -inf, linear; {"a", "b"}: delta = +inf

    Neurons of one arc share one propagator, a product of Lorentz boosts, so delta = c^2 - a^2 - b^2 is conserved to
    rounding whatever rtol. A knot that reaches a sample crosses it or sticks to it (Filippov); knots that stick at
    one sample leave together when a side lets them go. Time steps are Radau IIA (order 5, L-stable) in the s
    residuals, solved by Newton's method with the tangent kernel where the run is stiff and by iteration where it is
    not: O(m + s) a step, plus O(s^2) and now and then O(s^3) where it is stiff.

    relu'(0) = 0: a neuron that reaches the border of the data from inside is dead from then on, and where both
    sides of a sample push a knot away, it stays on the side that it came from (the inactive one at the start, and where
    c changes its sign at a sample: descent goes either way there, as rounding has it, and both are solutions).
    A neuron with delta > 0 that slides into a = b = 0 has no direction there. Whether it is dead or turns, and where
    to, is what descent does as its step goes to 0: a walk on the scale of the step that no longer depends on the step.

    Source: Williams et al. 2019, eqs. (2) and (8) to (11) with the attractor rule of Lemma 2 mended.
    Raises InputError for a tolerance outside (0, 0.1] or an unknown name in ``train``.
    """

    rtol: float = 1e-8
    train: frozenset[str] = field(default=DEFAULT_TRAIN)

    def __post_init__(self) -> None:
        freeze(self, rtol=number("rtol", self.rtol, above=0.0), train=trained(self.train))
        if not _FINEST <= self.rtol <= 0.1:
            raise InputError(f"rtol is {self.rtol!r}; it must lie between {_FINEST:g} and 0.1, for example 1e-8")

    def session(self, before: Trajectory) -> FlowSession:
        """The run after ``before``, ready to be carried on."""
        return gradient_session(before)


class _Session:
    """A flow under way: the engine's arrays, the events so far, and a start from a snapshot."""

    def __init__(self, before: Trajectory) -> None:
        from knotflow.engine import flow

        self.engine, self.before = flow, before
        net, data = before.start, before.data
        x, y, weight = writable(data.distinct.x, data.distinct.y, data.distinct.weight)
        size = float(max(np.abs(y).max(), np.abs(net(x)).max(), np.finfo(float).tiny))
        method = before.dynamics
        self.problem = flow.problem(x, y, weight, net.norm, method.train, method.rtol * size, size)
        a, b, c = writable(net.a, net.b, net.c)
        self.run, self.work = flow.start(a, b, c, net.bias, x)
        room = 4 * len(net) + 4096
        self.times, self.rows = np.zeros(room), np.zeros((room, 3), np.int64)
        self.events = [before.events]
        if before.state is None:
            flow.enter(self.run, self.problem, self.work, self.times, self.rows)
            self._collect()
        else:
            for name, value in self.run._asdict().items():
                value[...] = before.state[name]
            self.work.power[:] = before.state["power"]

    def advance(self, until: float, steps: int, flat: float) -> int:
        """Up to ``steps`` steps towards ``until``; the engine's reason to come back."""
        code = self.engine.advance(self.run, self.problem, until, steps, flat, self.work, self.times, self.rows)
        self._collect()
        return PAUSED if code == FULL else code

    def _collect(self) -> None:
        n = int(self.run.counts[self.engine.EVENTS])
        if n:
            s = self.problem.x.size
            batch = np.empty(n, EVENT)
            border = self.rows[:n, 1]
            batch["time"], batch["neuron"] = self.times[:n], self.rows[:n, 0]
            batch["sample"] = np.where(border < s, s - 1 - border, 2 * s - 1 - border)
            batch["kind"] = np.array(KINDS)[self.rows[:n, 2]]
            self.events.append(batch[np.argsort(batch["time"], kind="stable")])
            self.run.counts[self.engine.EVENTS] = 0

    @property
    def time(self) -> float:
        return float(self.run.real[self.engine.TIME])

    @property
    def steps(self) -> int:
        return int(self.run.counts[self.engine.STEPS])

    def loss(self) -> float:
        return 0.5 * float(np.sum(self.problem.weight * self.run.r**2))

    def first_time(self) -> float:
        from knotflow.dynamics.tangent import stability_limit

        limit = stability_limit(self.before.final, self.before.data, self.before.train)
        return 1e-2 * limit if np.isfinite(limit) else 1.0

    def happened(self) -> NDArray[Any]:
        return np.concatenate(self.events)

    def trouble(self) -> str:
        return f"the tolerance cannot be met: the step fell to {self.run.real[self.engine.DT]:.3g}; take a larger rtol"

    def save(self, within: float) -> Save:
        a, b, c = self.run.z.copy()
        return Save(self.steps, self.time, self.loss() + within, a, b, c, float(self.run.bias[0]))

    def snapshot(self) -> dict[str, NDArray[Any]]:
        return {name: value.copy() for name, value in self.run._asdict().items()} | {"power": self.work.power.copy()}

    def account(self) -> dict[str, Any]:
        """How it was integrated, for people."""
        engine, count = self.engine, self.run.counts
        stiff, steps = int(count[engine.STIFF]), self.steps
        how = "Newton's method" if stiff == steps else "iteration" if stiff == 0 else "iteration or Newton's method"
        return {
            "method": f"Radau IIA of order 5, solved by {how}",
            "steps": steps,
            "newton_steps": stiff,
            "rejected": int(count[engine.REJECTED]),
            "jacobians": int(count[engine.REFRESHED]),
            "events": int(sum(part.size for part in self.events)),
        }


def gradient_session(before: Trajectory) -> FlowSession:
    """A run of the gradient flow of the parameters that ``before.dynamics.train`` names, to its ``rtol``."""
    return _Session(before)


def flow(
    before: Trajectory,
    until: float | str | None,
    save_at: Iterable[float] | None,
    stop_loss: float,
    progress: Callable[[Progress], Any] | None,
) -> Trajectory:
    """Carry the flow on from the end of ``before`` to the time ``until``; `evolve` documents the arguments."""
    start = float(before.times[-1])
    end = _end(until, start)
    session: FlowSession = before.dynamics.session(before)
    saves = _save_times(save_at, start, end, before, session)
    within = before.data.distinct.within
    flat = -1.0
    if until == "converged":
        flat = before.dynamics.rtol**2 * float(before.loss[0] - within + session.loss())
    began = told = time.perf_counter()
    saved: list[Save] = []
    slice_, code, last_step = 1, ARRIVED, session.steps + _MOST_STEPS
    status, message = "finished", ""
    with interruptible() as interrupted:
        for save in saves:
            code = PAUSED
            while code == PAUSED and not message:
                clock = time.perf_counter()
                code = session.advance(save, slice_, flat)
                now = time.perf_counter()
                slice_ = int(min(max(slice_ * min(_SLICE_SECONDS / max(now - clock, 1e-9), 8), 1), 1 << 20))
                if progress and now - told > 0.1:
                    told = now
                    progress(_progress(session, start, end, within, now - began))
                if session.loss() + within <= stop_loss:
                    status, message = "stop_loss", f"the loss is at most stop_loss = {stop_loss:.6g}"
                elif interrupted.is_set():
                    status, message = "interrupted", "interrupted by the user"
                elif session.steps >= last_step:
                    status = "stalled"
                    message = f"came back after {_MOST_STEPS:,} steps: take a larger rtol, or carry on with resume"
            if session.time > (saved[-1].times if saved else start):
                saved.append(session.save(within))
            if message or code != ARRIVED:
                break
    status, message = _ending(session, code, status, message, end)
    if progress:
        progress(_progress(session, start, end, within, time.perf_counter() - began))
    account = session.account()
    return before.extended(
        saved, state=session.snapshot(), status=status, message=message,
        seconds=before.seconds + time.perf_counter() - began,
        events=session.happened(), account=account,
    )  # fmt: skip


def _ending(session: FlowSession, code: int, status: str, message: str, end: float) -> tuple[str, str]:
    """The status of a run, and a sentence on why it ended and how it went."""
    account = session.account()
    if not message and code == CONVERGED:
        status, message = "converged", "the loss no longer falls"
    elif not message and code == STALLED:
        status, message = "stalled", session.trouble()
    went = f"{account['method']}: {account['steps']} steps, {account['rejected']} rejected, {account['events']} events"
    return status, f"{message or f'reached t = {end:.6g}'} (t = {session.time:.6g}; {went})"


def _progress(session: FlowSession, start: float, end: float, within: float, seconds: float) -> Progress:
    done = (session.time - start) / (end - start) if end > start else 1.0
    known = np.isfinite(end) and end < _LONGEST and done > 0
    left = seconds * (1.0 - done) / done if known else None
    return Progress(session.steps, None, session.loss() + within, seconds, left, min(done, 1.0) if known else None)


def _end(until: float | str | None, start: float) -> float:
    if isinstance(until, str):
        if until != "converged":
            raise InputError(f'until is {until!r}; it must be a time or "converged"')
        return np.inf
    if until is None:
        raise InputError('until is missing: a flow runs until a time, such as until=100.0, or until="converged"')
    end = number("until", until, least=0.0)
    if end < start:
        raise InputError(f"until is {end:g}; it must not lie before the time reached, {start:g}")
    return end


def _save_times(
    save_at: Iterable[float] | None, start: float, end: float, before: Trajectory, session: FlowSession
) -> Iterable[float]:
    """Ascending times to save at, the last one the end."""
    count = max(2, min(_SAVES, _SAVED_NUMBERS // (3 * before.a.shape[1])))
    if save_at is None:
        first = session.first_time()
        if np.isinf(end):
            return _endless(max(start, first), count)
        times = np.geomspace(min(first, end), end, count) if end > 0 else np.zeros(0)
        return [*times[(times > start) & (times < end)], end]
    try:
        times = np.unique(np.asarray(list(save_at), dtype=float))
    except (TypeError, ValueError):
        raise InputError(f"save_at is {save_at!r}; it must be a sequence of times") from None
    outside = times[~((times >= 0) & (times <= end))]
    if outside.size:
        raise InputError(f"save_at has {outside[0]:g}; it must lie within the run, 0 to {end:g}")
    last = [] if np.isinf(end) and times.size and times[-1] == end else [end if np.isfinite(end) else _LONGEST]
    return [*times[(times > start) & (times < end)], *last]


def _endless(first: float, count: int) -> Iterator[float]:
    """Times on a logarithmic scale, ``count`` of them for twelve decades."""
    factor, t = 10.0 ** (12.0 / count), first
    while t < _LONGEST:
        t *= factor
        yield t


class Gap(NamedTuple):
    """How far descent ends from the flow: sup and root-mean-square of the difference of the two functions on the
    range of the data, and the two trajectories."""

    sup: float
    rms: float
    descent: Trajectory
    flow: Trajectory


def gradient_flow_gap(net: ReLUNet, data: Samples, lr: float, T: float, rtol: float = 1e-10) -> Gap:
    """How far gradient descent with the step lr is from the gradient flow at the time T = (number of steps) lr.

    The sup is exact: the difference is piecewise linear, with its largest value at a knot of either or at an end.
    It falls in proportion to lr as lr goes to 0. Cost: T/lr steps of descent and one flow. Raises InputError unless
    lr and T are positive, and T at least lr.
    """
    from knotflow.dynamics.evolution import evolve
    from knotflow.dynamics.methods import GradientDescent

    lr, T = number("lr", lr, above=0.0), number("T", T, above=0.0)
    steps = round(T / lr)
    if steps < 1:
        raise InputError(f"T is {T:g}; it must be at least lr = {lr:g}, one step of descent")
    descent = evolve(net, data, GradientDescent(lr), steps=steps, save_at=[])
    exact = evolve(net, data, GradientFlow(rtol), until=steps * lr, save_at=[])
    lo, hi = data.range
    knots = np.concatenate([descent.final.knots, exact.final.knots])
    corners = np.concatenate([[lo, hi], knots[(knots > lo) & (knots < hi)]])
    grid = np.linspace(lo, hi, 2001)
    difference = descent.final(grid) - exact.final(grid)
    sup = float(np.abs(descent.final(corners) - exact.final(corners)).max())
    return Gap(sup, float(np.sqrt(np.mean(difference**2))), descent, exact)
