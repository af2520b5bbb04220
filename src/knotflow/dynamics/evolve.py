"""`evolve`: the one way to run a method, whatever it is; what to save, when to stop, how to watch and interrupt."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from knotflow.dynamics.checks import subject
from knotflow.dynamics.flow import TimeMethod, flow
from knotflow.dynamics.interruption import Progress, interruptible
from knotflow.dynamics.methods import DIVERGED, DONE, Method, Session, Snapshot
from knotflow.dynamics.tangent import gradient, stability_limit
from knotflow.dynamics.trajectory import Save, Trajectory
from knotflow.errors import DivergenceWarning, InputError, StabilityWarning

if TYPE_CHECKING:
    from knotflow.network import ReLUNet
    from knotflow.samples import Samples

# A run has diverged when its loss is this many times that of the start and of f = 0 together.
BLOW_UP = 1e8
# The gradient's norm is looked at every so many steps.
GRADIENT_EVERY = 100
# How long the engine works between two looks at the clock and at Ctrl-C.
_SLICE_SECONDS = 0.05
# Default saves: at most this many, and at most this many numbers in all.
_SAVES, _SAVED_NUMBERS = 240, 30_000_000


def evolve(
    net: ReLUNet,
    data: Samples,
    dynamics: Method | TimeMethod,
    *,
    steps: int | None = None,
    until: float | str | None = None,
    save_every: int | None = None,
    save_at: Iterable[float] | None = None,
    stop_loss: float | None = None,
    stop_gradient: float | None = None,
    progress: Callable[[Progress], Any] | None = None,
) -> Trajectory:
    """Train ``net`` on ``data`` by ``dynamics`` and return the `Trajectory`.

    dynamics       `GradientDescent`, `SGD`, `Adam`: methods that take ``steps``; or a flow, that runs ``until``:
                   `GradientFlow`, `CanonicalFlow`, `MeanFieldFlow`, `LazyFlow`
    steps          how many steps, >= 0
    until          a time, >= 0 (n steps of gradient descent follow the flow for the time n lr), or "converged": until
                   the loss, at the rate at which it falls, would in as long again fall by less than rtol^2 of the
                   loss at the start
    save_every     save the parameters every so many steps; or
    save_at        at these steps, or times of a flow. Start and end are always saved. Neither: about 240, evenly
                   spread on a logarithmic scale (fewer for very wide networks)
    stop_loss      stop once L = 1/2 sum w (f - y)^2 is at most this (for a flow, looked at every few steps)
    stop_gradient  stop where the Euclidean norm of the gradient of the trained parameters is at most this; looked at
                   every 100 steps, not for a flow
    progress       called about 10 times a second with a `Progress`

    Warns with `StabilityWarning` if the learning rate is above the stability bound of the start, and with
    `DivergenceWarning` if the loss grows past 1e8 times that of the start: the run then stops there. Ctrl-C stops
    it too; what was computed is returned, and ``status`` and ``message`` of the trajectory say how the run ended.
    A run of steps depends on nothing but the arguments: not on the clock, on ``progress`` or on the number of threads.

    Raises InputError for arguments out of their range.
    """
    subject(net, data)
    if isinstance(dynamics, Method):
        limit = dynamics.stability_limit(stability_limit(net, data, dynamics.train))
        if dynamics.lr > limit:
            warnings.warn(
                f"lr is {dynamics.lr:.6g}, above the stability bound {limit:.6g} = 2 / (largest eigenvalue of the"
                " tangent kernel) at the start: the loss may grow. Take a smaller lr.",
                StabilityWarning,
                stacklevel=2,
            )
    if hasattr(dynamics, "gauge"):  # the same function, in the parameters that this flow moves
        net = dynamics.gauge(net)
    return carry_on(
        Trajectory.begin(net, data, dynamics),
        steps=steps,
        until=until,
        save_every=save_every,
        save_at=save_at,
        stop_loss=stop_loss,
        stop_gradient=stop_gradient,
        progress=progress,
    )


def carry_on(
    before: Trajectory,
    *,
    steps: int | None = None,
    until: float | str | None = None,
    save_every: int | None = None,
    save_at: Iterable[float] | None = None,
    stop_loss: float | None = None,
    stop_gradient: float | None = None,
    progress: Callable[[Progress], Any] | None = None,
) -> Trajectory:
    """Go on from the end of ``before``; `evolve` documents the arguments."""
    method = before.dynamics
    name = type(method).__name__
    if isinstance(method, TimeMethod):
        for argument, value in (("steps", steps), ("save_every", save_every), ("stop_gradient", stop_gradient)):
            if value is not None:
                raise InputError(f"{argument} is given, but {name} takes no steps of its own; use until= and save_at=")
        return flow(before, until, save_at, _threshold("stop_loss", stop_loss), progress)
    if not isinstance(method, Method):
        raise InputError(
            f"dynamics is {method!r}; it must be GradientDescent, SGD, Adam or GradientFlow,"
            " or another flow: CanonicalFlow, MeanFieldFlow, LazyFlow"
        )
    if until is not None:
        raise InputError(f"until is given, but {name} takes steps; use steps=")
    if steps is None:
        raise InputError(f"steps is missing: {name} takes a number of steps, such as steps=10_000")
    first = int(before.steps[-1])
    plan = plan_of(before.a.shape[1], steps, save_every, save_at, stop_loss, stop_gradient, first)
    return run(before, plan, progress)


@dataclass(frozen=True)
class Plan:
    """What a run was asked for."""

    steps: int  # to take now
    saves: NDArray[np.int64]  # counted from the first step of this run; ascending, the last one is ``steps``
    stop_loss: float
    stop_gradient: float


def plan_of(
    m: int, steps: int, save_every: int | None, save_at: Iterable[float] | None,
    stop_loss: float | None, stop_gradient: float | None, offset: int = 0,
) -> Plan:  # fmt: skip
    """The plan of a run of ``steps`` more steps after ``offset`` steps, its arguments checked."""
    steps = _count("steps", steps, 0)
    saves = np.append(_saves(m, steps, save_every, save_at, offset), steps)
    loss, grad = _threshold("stop_loss", stop_loss), _threshold("stop_gradient", stop_gradient)
    return Plan(steps, np.unique(saves).astype(np.int64), loss, grad)


def _saves(m: int, steps: int, every: int | None, at: Iterable[float] | None, offset: int) -> NDArray[np.int64]:
    """Steps to save at, counted from now, when ``offset`` steps were taken before."""
    if every is not None and at is not None:
        raise InputError("save_every and save_at are both given; give one of them")
    if every is not None:
        every = _count("save_every", every, 1)
        return np.arange(offset // every * every, offset + steps + 1, every)[1:] - offset
    if at is not None:
        listed = list(at) if isinstance(at, Iterable) else None
        if listed is None or not all(isinstance(k, (int, np.integer)) and not isinstance(k, bool) for k in listed):
            raise InputError(f"save_at is {at!r}; it must be a sequence of whole numbers, the steps to save at")
        wanted = np.array(listed, np.int64)
        outside = wanted[(wanted < 0) | (wanted > offset + steps)]
        if outside.size:
            raise InputError(f"save_at has {outside[0]}; it must lie within the run, 0 to {offset + steps}")
        return wanted[wanted > offset].astype(np.int64) - offset
    count = max(2, min(_SAVES, _SAVED_NUMBERS // (3 * m)))
    return np.unique(np.round(np.geomspace(1, max(steps, 1), count))).astype(np.int64)[: steps or 0]


def _count(name: str, value: Any, least: int) -> int:
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < least:
        raise InputError(f"{name} is {value!r}; it must be a whole number, at least {least}")
    return int(value)


def _threshold(name: str, value: float | None) -> float:
    if value is None:
        return -np.inf
    if not isinstance(value, (int, float, np.number)) or not value >= 0:
        raise InputError(f"{name} is {value!r}; it must be a number >= 0, or None for no such stop")
    return float(value)


def run(
    before: Trajectory,
    plan: Plan,
    progress: Callable[[Progress], Any] | None,
) -> Trajectory:
    """Carry on from the end of ``before`` by the plan."""
    session = before.dynamics.start(before.start, before.data, before.state)
    recorder = _Recorder(before, session, plan, progress)
    with interruptible() as interrupted:
        for save in plan.saves:
            while recorder.taken < save and recorder.status is None:
                recorder.advance(int(save))
                if recorder.status is None and interrupted.is_set():
                    recorder.stop("interrupted", "interrupted by the user")
            if recorder.status is not None:
                break
            recorder.save()
    return recorder.finish()


class _Recorder:
    """Takes slices of steps, watches for the ends of a run, and collects what is saved."""

    def __init__(
        self, before: Trajectory, session: Session, plan: Plan,
        progress: Callable[[Progress], Any] | None,
    ) -> None:  # fmt: skip
        self.before, self.session, self.plan, self.progress = before, session, plan, progress
        self.first = int(before.steps[-1])
        self.taken = 0
        self.saved: list[Save] = []
        self.status: str | None = None
        self.message = ""
        points = before.data.distinct
        self.within = points.within
        at_zero = 0.5 * float(np.sum(points.weight * points.y**2))
        self.blow_up = BLOW_UP * (before.loss[0] + at_zero)
        self.loss = float(before.loss[-1])
        self.slice = 1
        self.began = self.told = time.perf_counter()

    def advance(self, save: int) -> None:
        """Take one slice of steps towards the save and see what came of it."""
        steps = min(self.slice, save - self.taken)
        if self.plan.stop_gradient >= 0:
            if (self.first + self.taken) % GRADIENT_EVERY == 0 and self._flat():
                return
            steps = min(steps, GRADIENT_EVERY - (self.first + self.taken) % GRADIENT_EVERY)
        start = time.perf_counter()
        taken, code, loss = self.session.advance(steps, self.plan.stop_loss - self.within, self.blow_up)
        self.taken += taken
        self.loss = loss + self.within
        if code == DIVERGED:
            self._diverged()
        elif code != DONE:
            self.stop("stop_loss", f"the loss {self.loss:.6g} is at most stop_loss = {self.plan.stop_loss:.6g}")
        now = time.perf_counter()
        if taken == self.slice:
            self.slice = int(min(max(self.slice * min(_SLICE_SECONDS / max(now - start, 1e-9), 8), 1), 1 << 30))
        if self.progress and now - self.told > 0.1:
            self._tell(now)

    def _flat(self) -> bool:
        net = self._net()
        grad = gradient(net, self.before.data, self.before.dynamics.train)
        norm = float(np.sqrt(sum(np.sum(np.square(part)) for part in grad)))
        if norm <= self.plan.stop_gradient:
            limit = self.plan.stop_gradient
            self.stop("stop_gradient", f"the gradient's norm {norm:.6g} is at most stop_gradient = {limit:.6g}")
            return True
        return False

    def _diverged(self) -> None:
        dynamics, step = self.before.dynamics, self.first + self.taken
        last = self._last_good_net()
        limit = dynamics.stability_limit(stability_limit(last, self.before.data, dynamics.train))
        self.stop(
            "diverged",
            f"diverged at step {step}: the loss is {self.loss:.6g}, from {self.before.loss[0]:.6g} at the start."
            f" lr is {dynamics.lr:.6g}; the stability bound at the last saved step is {limit:.6g}."
            " Take a smaller lr.",
        )
        warnings.warn(self.message, DivergenceWarning, stacklevel=6)

    def _last_good_net(self) -> ReLUNet:
        if self.saved:
            last = self.saved[-1]
            return self.before.start.replace(a=last.a, b=last.b, c=last.c, bias=last.bias)
        return self.before.final

    def _net(self) -> ReLUNet:
        a, b, c, bias = self.session.parameters()
        return self.before.start.replace(a=a, b=b, c=c, bias=bias)

    def _tell(self, now: float) -> None:
        assert self.progress is not None
        seconds = now - self.began
        left = seconds / self.taken * (self.plan.steps - self.taken) if self.taken else None
        total = self.first + self.plan.steps
        done = self.taken / self.plan.steps if self.plan.steps else 1.0
        self.progress(Progress(self.first + self.taken, total, self.loss, seconds, left, done))
        self.told = now

    def stop(self, status: str, message: str) -> None:
        self.status, self.message = status, message

    def save(self) -> None:
        """Save the present parameters, once; a loss that no step computed yet is computed by a step of none."""
        if self.first + self.taken == (self.saved[-1].steps if self.saved else self.first):
            return
        _, _, loss = self.session.advance(0, -np.inf, np.inf)
        self.loss = loss + self.within
        self._keep()

    def _keep(self) -> None:
        step = self.first + self.taken
        self.saved.append(Save(step, step * self.before.dynamics.lr, self.loss, *self.session.parameters()))

    def finish(self) -> Trajectory:
        if self.status == "diverged":
            if np.isfinite(self.loss) and all(np.all(np.isfinite(p)) for p in self.session.parameters()):
                self._keep()
        elif self.status is not None:
            self.save()
        # Nothing sensible follows a divergence.
        state: Snapshot | None = None if self.status == "diverged" else self.session.snapshot()
        now = time.perf_counter()
        if self.progress:
            self._tell(now)
        message = self.message or f"took all {self.first + self.taken} steps"
        status = self.status or "finished"
        seconds = self.before.seconds + now - self.began
        return self.before.extended(self.saved, state=state, status=status, message=message, seconds=seconds)
