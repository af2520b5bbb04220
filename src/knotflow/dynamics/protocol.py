"""What a way to move is, and what it shares with the loop that runs it.

A `Method` is a frozen record of settings. It opens a `Session`, which holds the engine's arrays and advances them in
place. The loop of `running` advances any session to its marks: the step number of a method that moves in steps, the
time of a flow. Why a session came back is a `Reason`, and the value of the reason is the sentence that users read.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from knotflow._typing import AnyArray, Array
from knotflow.dynamics.progress import Watcher

if TYPE_CHECKING:
    from knotflow.data import Samples
    from knotflow.network import ReLUNet

__all__ = ["EVENT", "Asked", "Method", "Past", "Reason", "Save", "Session", "Snapshot", "Stops"]

Snapshot = dict[str, AnyArray]

EVENT = np.dtype(
    [("time", np.float64), ("neuron", np.int64), ("sample", np.int64), ("kind", "U7"), ("probability", np.float64)]
)


class Reason(Enum):
    """Why a session came back. The value is the sentence of `Trajectory.message`, the name that of ``status``."""

    PAUSED = "it has not arrived yet"
    FINISHED = "{arrival}"
    STOP_LOSS = "the loss {loss:.6g} is at most stop_loss = {stop_loss:.6g}"
    STOP_GRADIENT = "the gradient's norm {norm:.6g} is at most stop_gradient = {stop_gradient:.6g}"
    CONVERGED = "the loss no longer falls"
    FLOOR = "the loss no longer falls: what is left of its fall is below the floor of the tolerance, or of rounding"
    STILL = "nothing can move: {still}"
    SADDLE = "at rest at a saddle: {escape}"
    DIVERGED = (
        "diverged at step {step}: the loss is {loss:.6g}, from {first_loss:.6g} at the start. lr is {lr:.6g}; the"
        " stability bound at the last saved step is {limit:.6g}. Take a smaller lr."
    )
    STALLED = "{trouble}"
    INTERRUPTED = "interrupted by the user"

    @property
    def status(self) -> str:
        """The word of `Trajectory.status`: "converged" for each reason that the loss no longer falls but a saddle."""
        at_an_end = self in (Reason.FLOOR, Reason.STILL)
        return Reason.CONVERGED.status if at_an_end else self.name.lower()


# The statuses of runs that did what they were asked to do.
SUCCESSES = frozenset(
    reason.status for reason in (Reason.FINISHED, Reason.STOP_LOSS, Reason.STOP_GRADIENT, Reason.CONVERGED)
)


class Save(NamedTuple):
    """One saved moment of a run."""

    steps: int
    times: float
    loss: float
    a: Array
    b: Array
    c: Array
    bias: float

    @property
    def finite(self) -> bool:
        """Whether every number in it is."""
        return all(bool(np.all(np.isfinite(part))) for part in self)


class Asked(NamedTuple):
    """What the caller of a run asked for, unchecked; `evolve` documents the names."""

    steps: Any = None
    until: Any = None
    save_every: Any = None
    save_at: Iterable[float] | None = None
    stop_loss: Any = None
    stop_gradient: Any = None


class Stops(NamedTuple):
    """Where a run ends before its end; a negative threshold is never reached."""

    stop_loss: float = -np.inf
    stop_gradient: float = -np.inf
    converged: bool = False


class Past(NamedTuple):
    """What a session goes on from: the run so far."""

    start: ReLUNet
    final: ReLUNet
    data: Samples
    steps: int
    time: float
    first_loss: float
    loss: float
    state: Snapshot | None  # None at the very start
    events: AnyArray
    outcomes: AnyArray


class Session(Protocol):
    """A run under way."""

    @property
    def now(self) -> float:
        """Where it is, in the unit of its marks: steps or time."""

    @property
    def steps(self) -> int:
        """How many steps were taken, since the very start."""

    @property
    def loss(self) -> float:
        """L, as the last step knew it."""

    def advance(self, mark: float, budget: int, stops: Stops) -> Reason:
        """Take up to ``budget`` steps towards ``mark``. FINISHED is arrival there, PAUSED asks to be called again."""

    def save(self) -> Save:
        """The present parameters and their loss."""

    def facts(self, reason: Reason) -> dict[str, Any]:
        """What the sentence of the reason leaves open."""

    def remark(self) -> str:
        """How the run went, to be added to the sentence."""

    def snapshot(self) -> Snapshot:
        """All that the next step needs, as named arrays: the session's own, so it is over then."""

    def events(self) -> AnyArray:
        """All events since the time 0, as `EVENT`."""

    def outcomes(self) -> AnyArray:
        """All that the undecided events might have led to, as `outcomes.OUTCOME`."""

    def account(self) -> dict[str, Any]:
        """How it was integrated, for people; empty for methods that move in steps."""


class Method(ABC):
    """A way to move. The classes of `running` for steps and for times hold what their methods share."""

    @property
    @abstractmethod
    def train(self) -> frozenset[str]:
        """Which of {"a", "b", "c", "bias"} move."""

    @abstractmethod
    def gauge(self, net: ReLUNet) -> ReLUNet:
        """The same function in the parameters that this method moves."""

    @abstractmethod
    def caution(self, net: ReLUNet, data: Samples) -> str | None:
        """What to warn about before a run from ``net``; None for nothing."""

    @abstractmethod
    def session(self, past: Past) -> Session:
        """The run after ``past``, ready to be carried on."""

    @abstractmethod
    def carry_on(self, run: Any, asked: Asked, progress: Watcher | None) -> Any:
        """The trajectory ``run`` carried on from its end as asked."""

    @abstractmethod
    def between(self, run: Any, t: float) -> ReLUNet:
        """The network at the time t of the trajectory ``run``; InputError if there is none."""
