"""The session of every flow; what differs between them is the integrator that it holds. And the rule for ``rtol``."""

from __future__ import annotations

from types import ModuleType
from typing import Any, Protocol

import numpy as np

from knotflow._checks import number
from knotflow._typing import AnyArray, Array, Ints
from knotflow.dynamics.outcomes import sentence
from knotflow.dynamics.protocol import EVENT, Past, Reason, Save, Snapshot, Stops
from knotflow.dynamics.standing import Outlook, Saddle
from knotflow.engine import codes

__all__ = [
    "PARTICLE_RTOL",
    "REASONS",
    "REFERENCE_RTOL",
    "RTOL",
    "FlowSession",
    "Integrator",
    "account",
    "event_table",
    "tolerance",
]

# What the numbers mean that the ``advance`` of the flow and of the particles returns.
REASONS = {
    codes.ARRIVED: Reason.FINISHED,
    codes.FULL: Reason.PAUSED,  # the log of events is
    codes.PAUSED: Reason.PAUSED,
    codes.UNDECIDED: Reason.PAUSED,
    codes.STALLED: Reason.STALLED,
    codes.CONVERGED: Reason.CONVERGED,
    codes.FLOOR: Reason.FLOOR,
}

# The rule for tolerances: ``rtol`` is the wanted accuracy of f on the samples, relative to the size of y, and its
# default is the finest that costs little. That is RTOL where a step costs O(s) and its error falls with the fifth power
# of its length, so that a hundred times the accuracy is 2.5 times the steps. It is PARTICLE_RTOL where every particle
# takes substeps of its own. A flow that another run is measured against needs more than either: REFERENCE_RTOL.
RTOL, PARTICLE_RTOL, REFERENCE_RTOL = 1e-8, 1e-6, 1e-10
# float64 can meet no finer one; with a coarser one the steps are not what they approximate.
FINEST, COARSEST = 1e-14, 0.1
# Why nothing can move.
STILL = "no neuron is active at a sample"
# A run comes back after this number of steps, even if it is not at its end. No run that goes well takes a tenth.
MOST_STEPS = 1_000_000


def tolerance(value: object) -> float:
    """``value`` as a tolerance, or InputError."""
    return number("rtol", value, least=FINEST, most=COARSEST)


class Integrator(Protocol):
    """The engine of a flow, with its arrays."""

    @property
    def time(self) -> float: ...
    @property
    def steps(self) -> int: ...

    def advance(self, until: float, steps: int, flat: float) -> Reason:
        """Up to ``steps`` steps towards ``until``: FINISHED, PAUSED, STALLED, CONVERGED or FLOOR.

        CONVERGED: at the rate at which the loss falls now, it would fall by at most ``flat`` if the time doubled.
        FLOOR: by less than the tolerance or rounding can tell. ``flat`` < 0: neither, the time ``until`` is wanted.
        """

    def loss(self) -> float:
        """The loss of the distinct samples, now."""

    def first_time(self) -> float:
        """A time in which hardly anything happens."""

    def parameters(self) -> tuple[Array, Array, Array, float]:
        """Copies of the present a, b, c and the bias."""

    def snapshot(self) -> Snapshot:
        """All that the next step needs."""

    def account(self) -> dict[str, Any]:
        """How it was integrated: at least "method", "steps" and "rejected"."""

    def new_events(self) -> list[AnyArray]:
        """The events since this was last asked, as tables `EVENT`."""

    def new_outcomes(self) -> list[AnyArray]:
        """What the undecided ones among the new events might have led to, as tables `OUTCOME`. Asked before them."""

    def trouble(self) -> str:
        """After STALLED: what is wrong, and what to try."""

    def outlook(self) -> Outlook:
        """What lies ahead; O(m log s + s^2), asked at the end of a run."""


class FlowSession:
    """A flow under way; a `protocol.Session` whose marks are times."""

    def __init__(self, past: Past, rtol: float, integrator: Integrator) -> None:
        self.past, self.integrator = past, integrator
        self.within = past.data.distinct.within
        self.flat = rtol**2 * float(past.first_loss - self.within + integrator.loss())
        self.last_step = integrator.steps + MOST_STEPS
        self.ways = [past.outcomes, *integrator.new_outcomes()]
        self.log = [past.events, *integrator.new_events()]
        self.trouble = ""
        self.reason = Reason.PAUSED
        self.saddle: Saddle | None = None

    @property
    def now(self) -> float:
        return self.integrator.time

    @property
    def steps(self) -> int:
        return self.integrator.steps

    @property
    def loss(self) -> float:
        return self.integrator.loss() + self.within

    def advance(self, mark: float, budget: int, stops: Stops) -> Reason:
        """Take up to ``budget`` steps towards the time ``mark``; only one if each may be the last by its loss."""
        self.reason = self._advance(mark, budget, stops)
        return self.reason

    def _advance(self, mark: float, budget: int, stops: Stops) -> Reason:
        steps = 1 if stops.stop_loss >= 0 else budget
        reason = self.integrator.advance(mark, steps, self.flat if stops.converged else -1.0)
        self.ways += self.integrator.new_outcomes()
        self.log += self.integrator.new_events()
        if self.loss <= stops.stop_loss:
            return Reason.STOP_LOSS
        if reason is Reason.STALLED:
            self.trouble = self.integrator.trouble()
        elif reason in (Reason.CONVERGED, Reason.FLOOR):
            return self._at_rest(reason)
        elif reason is Reason.PAUSED and self.steps >= self.last_step:
            self.trouble = f"came back after {MOST_STEPS:,} steps: take a larger rtol, or carry on with resume"
            return Reason.STALLED
        return reason

    def _at_rest(self, reason: Reason) -> Reason:
        """The reason why nothing moves any more, if it is not the given one."""
        outlook = self.integrator.outlook()
        self.saddle = outlook.saddle
        if self.integrator.loss() == 0.0:
            return reason
        return Reason.STILL if outlook.inert else Reason.SADDLE if outlook.saddle else reason

    def first_time(self) -> float:
        """A time in which hardly anything happens, where the default saves begin."""
        return self.integrator.first_time()

    def save(self) -> Save:
        return Save(self.steps, self.now, self.loss, *self.integrator.parameters())

    def facts(self, reason: Reason) -> dict[str, Any]:
        self.reason = reason
        arrival = f"reached t = {self.now:.6g}"
        if reason is Reason.FINISHED and self.now > 0 and self.now * self.integrator.outlook().falls <= self.flat:
            rest = self._at_rest(reason)
            arrival += "" if rest is reason else "; " + rest.value.format(still=STILL, escape=self._escape())
        return {
            "arrival": arrival,
            "loss": self.loss,
            "trouble": self.trouble,
            "still": STILL,
            "escape": self._escape(),
        }

    def _escape(self) -> str:
        """When the saddle is left."""
        if self.saddle is None:
            return ""
        rate, when = self.saddle.rate, self.now + self.saddle.escape
        return (
            f"directions in it grow like exp({rate:.3g} t), and the loss begins to fall near t = {when:.4g} at the"
            f" earliest; go on to there with until={2 * when:.3g}"
        )

    def remark(self) -> str:
        how = self.account()
        went = f"{how['method']}: {how['steps']} steps, {how['rejected']} rejected, {how['events']} events"
        return f" (t = {self.now:.6g}; {went})" + sentence(self.undecided)

    @property
    def undecided(self) -> Array:
        """The times of the undecided events."""
        times: Array = np.concatenate([part["time"][part["probability"] < 1.0] for part in self.log])
        return times

    def snapshot(self) -> Snapshot:
        return self.integrator.snapshot()

    def events(self) -> AnyArray:
        return np.concatenate(self.log)

    def outcomes(self) -> AnyArray:
        return np.concatenate(self.ways)

    def account(self) -> dict[str, Any]:
        events = {"events": int(sum(part.size for part in self.log)), "undecided": self.undecided.size}
        return self.integrator.account() | events | {"end": self.reason.name.lower()}


def event_table(times: Array, rows: Ints, s: int, chance: Array | float = 1.0) -> AnyArray:
    """Events of the engine as a table `EVENT`, ascending in time; rows are (neuron, border, kind), border -1 is none.

    Borders 0 to s - 1 are those of the right-facing neurons, at the samples s - 1 to 0; the left-facing follow.
    """
    table, border = np.empty(len(times), EVENT), rows[:, 1]
    table["time"], table["neuron"] = times, rows[:, 0]
    table["sample"] = np.where(border < 0, -1, np.where(border < s, s - 1 - border, 2 * s - 1 - border))
    table["kind"], table["probability"] = np.array(codes.KINDS)[rows[:, 2]], chance
    return table[np.argsort(table["time"], kind="stable")]


def account(engine: ModuleType, count: Ints, addition: str = "") -> dict[str, Any]:
    """How the engine's integrator worked, by its registers."""
    stiff, steps = int(count[engine.STIFF]), int(count[engine.STEPS])
    how = "Newton's method" if stiff == steps else "iteration" if stiff == 0 else "iteration or Newton's method"
    return {
        "method": f"Radau IIA of order 5, solved by {how}{addition}",
        "steps": steps,
        "newton_steps": stiff,
        "rejected": int(count[engine.REJECTED]),
        "jacobians": int(count[engine.REFRESHED]),
    }
