"""The session of every method that moves in steps; what differs between them is the stepper that it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from knotflow._typing import AnyArray, Array
from knotflow.dynamics.protocol import Past, Reason, Save, Snapshot, Stops
from knotflow.dynamics.tangent import gradient, stability_limit
from knotflow.engine import codes

if TYPE_CHECKING:
    from knotflow.dynamics.running import StepMethod

__all__ = ["StepSession", "Stepper"]

# A run has diverged when its loss is this many times that of the start and of f = 0 together.
BLOW_UP = 1e8
# The gradient's norm is computed once in this number of steps.
GRADIENT_EVERY = 100
# What the numbers mean that the ``run`` of descent, momentum and Adam returns.
REASONS = {codes.DONE: Reason.PAUSED, codes.REACHED: Reason.STOP_LOSS, codes.DIVERGED: Reason.DIVERGED}


class Stepper(Protocol):
    """The engine of a method, with its arrays."""

    def run(self, steps: int, stop_loss: float, blow_up: float) -> tuple[int, int, float]:
        """Take up to ``steps`` steps: how many were taken, why it ended, the loss of the distinct samples there."""

    def parameters(self) -> tuple[Array, Array, Array, float]:
        """Copies of the present a, b, c and the bias."""

    def snapshot(self) -> Snapshot:
        """All that the next step needs."""


class StepSession:
    """A run in steps under way; a `protocol.Session` whose marks are step numbers."""

    def __init__(self, past: Past, method: StepMethod, stepper: Stepper) -> None:
        self.past, self.method, self.stepper = past, method, stepper
        points = past.data.distinct
        self.within = points.within
        at_zero = 0.5 * float(np.sum(points.weight * points.y**2))
        self.blow_up = BLOW_UP * (past.first_loss + at_zero)
        self.steps, self.loss = past.steps, past.loss
        self.last: Save | None = None  # the last one before a divergence
        self.diverged = False
        self.norm = np.inf

    @property
    def now(self) -> float:
        return self.steps

    def advance(self, mark: float, budget: int, stops: Stops) -> Reason:
        """Take up to ``budget`` steps towards the step ``mark``."""
        steps = min(budget, int(mark) - self.steps)
        if steps <= 0:
            return Reason.FINISHED
        if stops.stop_gradient >= 0:
            if self.steps % GRADIENT_EVERY == 0 and self._gradient_norm() <= stops.stop_gradient:
                return Reason.STOP_GRADIENT
            steps = min(steps, GRADIENT_EVERY - self.steps % GRADIENT_EVERY)
        if self.loss <= stops.stop_loss:  # as it was told: at the start the engine's may differ by rounding
            return Reason.STOP_LOSS
        taken, code, loss = self.stepper.run(steps, _most(stops.stop_loss, self.within), self.blow_up)
        self.steps += taken
        self.loss = loss + self.within
        reason = REASONS[code]
        if reason is Reason.PAUSED and self.steps == mark:
            reason = Reason.FINISHED if self._finite() else Reason.DIVERGED
        self.diverged = reason is Reason.DIVERGED
        return reason

    def _finite(self) -> bool:
        """Whether the parameters and the time are: those of neurons that no sample sees may be beyond float64."""
        finite = all(np.isfinite(part).all() for part in self.stepper.parameters())
        if not (finite and np.isfinite(self.steps * self.method.lr)):
            self.loss = np.inf
        return bool(np.isfinite(self.loss))

    def _gradient_norm(self) -> float:
        a, b, c, bias = self.stepper.parameters()
        net = self.past.start.replace(a=a, b=b, c=c, bias=bias)
        grad = gradient(net, self.past.data, self.method.train)
        self.norm = float(np.sqrt(sum(np.sum(np.square(part)) for part in grad)))
        return self.norm

    def save(self) -> Save:
        """The present parameters. A step of none computes the loss there, unless the run has diverged."""
        if not self.diverged:
            _, _, loss = self.stepper.run(0, -np.inf, np.inf)
            self.loss = loss + self.within
        save = Save(self.steps, self.steps * self.method.lr, self.loss, *self.stepper.parameters())
        if not self.diverged:
            self.last = save
        return save

    def facts(self, reason: Reason) -> dict[str, Any]:
        known = {
            "arrival": f"took all {self.steps} steps",
            "step": self.steps,
            "loss": self.loss,
            "first_loss": self.past.first_loss,
            "lr": self.method.lr,
            "norm": self.norm,
        }
        if reason is Reason.DIVERGED:
            net = self.past.final
            if self.last:
                net = net.replace(a=self.last.a, b=self.last.b, c=self.last.c, bias=self.last.bias)
            limit = stability_limit(net, self.past.data, self.method.train)
            known["limit"] = self.method.stability_limit(limit)
        return known

    def remark(self) -> str:
        return ""

    def snapshot(self) -> Snapshot:
        return self.stepper.snapshot()

    def events(self) -> AnyArray:
        return self.past.events

    def outcomes(self) -> AnyArray:
        return self.past.outcomes

    def account(self) -> dict[str, Any]:
        return {}


def _most(total: float, within: float) -> float:
    """The largest loss of the distinct samples that, with ``within``, is at most ``total``: as it is rounded."""
    most = total - within
    if not np.isfinite(most):
        return most
    beyond = most + 2 * float(np.spacing(abs(total) + within))
    while most < (middle := most + (beyond - most) / 2) < beyond:
        most, beyond = (middle, beyond) if middle + within <= total else (most, middle)
    return most
