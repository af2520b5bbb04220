"""The one loop that runs every method, in steps or in time, and what the methods of either kind share."""

from __future__ import annotations

import sys
import threading
import time
import warnings
from abc import abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, final

import numpy as np

from knotflow._checks import shown
from knotflow.dynamics.progress import Progress, Watcher, interruptible
from knotflow.dynamics.protocol import Asked, Method, Past, Reason, Save, Session
from knotflow.dynamics.saving import Plan, plan_steps, plan_times
from knotflow.dynamics.tangent import stability_limit
from knotflow.dynamics.trajectory import Trajectory
from knotflow.errors import DivergenceWarning, InputError

if TYPE_CHECKING:
    from knotflow.data import Samples
    from knotflow.dynamics.flow_session import FlowSession
    from knotflow.network import ReLUNet

__all__ = ["FlowMethod", "StepMethod", "run", "warn"]

# The engine works this long between two looks at the clock and at Ctrl-C; progress is told this often.
SLICE_SECONDS, TELL_SECONDS = 0.05, 0.1
# The largest slice, and the most by which one slice may be larger than the one before, whose time is known.
LARGEST_SLICE, GROWTH = 1 << 30, 8.0


def run(before: Trajectory, session: Session, plan: Plan, progress: Watcher | None) -> Trajectory:
    """Carry ``before`` on by the plan: advance the session to every mark in slices of about 50 ms, and save there."""
    pace = _Pace(session, plan, progress)
    with interruptible() as interrupted:
        saves, reason = _advance(session, plan, pace, interrupted)
    facts = session.facts(reason) | {"stop_loss": plan.stops.stop_loss, "stop_gradient": plan.stops.stop_gradient}
    message = reason.value.format(**facts) + session.remark()
    if reason is Reason.DIVERGED:
        warn(message, DivergenceWarning)
    pace.tell()
    return before.extended(
        saves,
        status=reason.status,
        message=message,
        seconds=before.seconds + pace.seconds,
        # Nothing sensible follows a divergence.
        state=None if reason is Reason.DIVERGED else session.snapshot(),
        events=session.events(),
        outcomes=session.outcomes(),
        account=session.account(),
    )


def _advance(session: Session, plan: Plan, pace: _Pace, interrupted: threading.Event) -> tuple[list[Save], Reason]:
    """What was saved, and why the run ended."""
    saves: list[Save] = []
    last, reason = plan.start, Reason.FINISHED
    assert plan.saves is not None
    for mark in plan.saves:
        reason = Reason.PAUSED
        while reason is Reason.PAUSED:
            reason = pace.advance(mark)
            if interrupted.is_set() and reason in (Reason.PAUSED, Reason.FINISHED):
                reason = Reason.INTERRUPTED
        if session.now > last:
            last, save = session.now, session.save()
            if save.finite:
                saves.append(save)
        if reason is not Reason.FINISHED:
            break
    return saves, reason


class _Pace:
    """Slices of about 50 ms of work, with the progress told between them."""

    def __init__(self, session: Session, plan: Plan, progress: Watcher | None) -> None:
        self.session, self.plan, self.progress = session, plan, progress
        self.slice = 1
        self.began = self.told = time.perf_counter()

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.began

    def advance(self, mark: float) -> Reason:
        """One slice towards the mark."""
        before, clock = self.session.steps, time.perf_counter()
        reason = self.session.advance(mark, self.slice, self.plan.stops)
        now = time.perf_counter()
        if self.session.steps - before == self.slice:
            growth = min(SLICE_SECONDS / max(now - clock, 1e-9), GROWTH)
            self.slice = int(min(max(self.slice * growth, 1), LARGEST_SLICE))
        if now - self.told > TELL_SECONDS:
            self.tell()
        return reason

    def tell(self) -> None:
        """Tell the progress, if anybody listens."""
        if self.progress is None:
            return
        seconds, session, plan = self.seconds, self.session, self.plan
        share = plan.share(session.now)
        left = seconds * (1.0 - share) / share if share and session.now > plan.start else None
        self.progress(Progress(session.steps, plan.steps, session.loss, seconds, left, share))
        self.told = time.perf_counter()


def warn(message: str, category: type[Warning]) -> None:
    """Warn at the line outside knotflow that led here, whichever public function it called."""
    level, frame = 1, sys._getframe()  # noqa: SLF001  (public, in spite of its name)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "knotflow":
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


class StepMethod(Method):
    """What all methods that move in steps share: n steps follow the gradient flow for the time n lr."""

    lr: float

    @abstractmethod
    def stability_limit(self, limit: float) -> float:
        """The largest stable lr of this method, from that of plain gradient descent, 2 / lambda_max."""

    @final
    def gauge(self, net: ReLUNet) -> ReLUNet:
        """The network as it is: steps move the parameters themselves."""
        return net

    @final
    def caution(self, net: ReLUNet, data: Samples) -> str | None:
        """A sentence if lr is above the stability bound at ``net``."""
        limit = self.stability_limit(stability_limit(net, data, self.train))
        if self.lr <= limit:
            return None
        return (
            f"lr is {self.lr:.6g}, above the stability bound {limit:.6g} = 2 / (largest eigenvalue of the"
            " tangent kernel) at the start: the loss may grow. Take a smaller lr."
        )

    @final
    def carry_on(self, run_so_far: Trajectory, asked: Asked, progress: Watcher | None) -> Trajectory:
        """Take ``asked.steps`` more steps."""
        past = run_so_far.past
        plan = plan_steps(len(past.start), past.steps, asked, type(self).__name__)
        return run(run_so_far, self.session(past), plan, progress)

    @final
    def between(self, run_so_far: Trajectory, t: float) -> ReLUNet:
        """InputError: there is nothing between steps."""
        name = type(self).__name__
        raise InputError(f"{name} moves in steps and has no network between them: use net_at(k), or GradientFlow")


class FlowMethod(Method):
    """What all flows share."""

    @property
    @abstractmethod
    def rtol(self) -> float:
        """The tolerance, see `flow_session`."""

    @property
    @abstractmethod
    def anchored(self) -> bool:
        """Whether what follows depends on the start of the run, and not on its present alone."""

    @abstractmethod
    def session(self, past: Past) -> FlowSession:
        """The run after ``past``, ready to be carried on."""

    @final
    def caution(self, net: ReLUNet, data: Samples) -> str | None:
        """None: a flow chooses its own steps."""
        return None

    @final
    def carry_on(self, run_so_far: Trajectory, asked: Asked, progress: Watcher | None) -> Trajectory:
        """Integrate to the time ``asked.until``."""
        past = run_so_far.past
        plan = plan_times(len(past.start), past.time, asked, type(self).__name__)
        session = self.session(past)
        return run(run_so_far, session, plan.spread(session.first_time), progress)

    @final
    def between(self, run_so_far: Trajectory, t: float) -> ReLUNet:
        """The network at a time within the run, integrated from the last save before it (or from the anchor)."""
        times = run_so_far.times
        if not 0.0 <= t <= times[-1]:
            raise InputError(f"t is {shown(t)}: it must lie within the run, 0 to {times[-1]:g}")
        k = int(np.searchsorted(times, t, side="right")) - 1
        if times[k] == t:
            return run_so_far.net_at(k)
        k = 0 if self.anchored else k
        part = Trajectory.begin(self.gauge(run_so_far.net_at(k)), run_so_far.data, self)
        # At undecided events the choices are those of the run: they depend on how many were made before.
        past = run_so_far.outcomes
        part = replace(part, outcomes=past[past["time"] <= times[k] * (1.0 + 1e-14)])
        return self.carry_on(part, Asked(until=float(t - times[k]), save_at=[]), None).final
