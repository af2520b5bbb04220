"""`Adam`, and the stepper with moments that it shares with momentum."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import ModuleType

import numpy as np

from knotflow._checks import freeze, number, pair
from knotflow._typing import Array
from knotflow.dynamics.protocol import Past, Session, Snapshot
from knotflow.dynamics.running import StepMethod
from knotflow.dynamics.states import MOMENTS, as_fields, as_saved
from knotflow.dynamics.step_session import StepSession
from knotflow.dynamics.tangent import DEFAULT_TRAIN, trained, writable

__all__ = ["Adam", "Moments"]


@dataclass(frozen=True)
class Adam(StepMethod):
    """Adam, as torch.optim.Adam: every parameter moves by about lr a step.

    Parameters
    ----------
    lr : float
        The step, > 0.
    betas : (float, float)
        Decay rates of the two moments, in [0, 1).
    eps : float
        > 0, added to the root of the second moment.
    train : set of {"a", "b", "c", "bias"}
        Which parameters move.

    Raises
    ------
    InputError
        For a setting out of its range.

    Notes
    -----
    O(m + s) a step. Adam does not follow the gradient flow, and in the kernel regime it does not find the minimum-norm
    interpolant. Its times are lr times steps all the same.

    References
    ----------
    Kingma and Ba (2015), algorithm 1.

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.Adam(lr=1e-3).betas
    (0.9, 0.999)
    """

    lr: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    train: frozenset[str] = field(default=DEFAULT_TRAIN)

    def __post_init__(self) -> None:
        freeze(self, lr=number("lr", self.lr, above=0.0), eps=number("eps", self.eps, above=0.0))
        beta1, beta2 = pair("betas", self.betas, "a pair of numbers in [0, 1)")
        betas = tuple(number("betas", b, least=0.0, below=1.0) for b in (beta1, beta2))
        freeze(self, betas=betas, train=trained(self.train))

    def session(self, past: Past) -> Session:
        """The run after ``past``, ready to be carried on."""
        beta1, beta2 = self.betas
        stepper = Moments(past, self.lr, self.train, beta1=beta1, second=(beta2, self.eps))
        return StepSession(past, self, stepper)

    def stability_limit(self, limit: float) -> float:
        """Infinite, whatever the `limit` of gradient descent: Adam's steps are bounded at any curvature."""
        number("limit", limit, above=0.0, infinite=True)
        return np.inf


class Moments:
    """Steps with a history; a `step_session.Stepper`.

    beta1   the decay rate of the first moment, or the momentum
    second  the decay rate and the eps of Adam's second moment; None for momentum
    decay   the weight decay
    """

    def __init__(
        self,
        past: Past,
        lr: float,
        train: frozenset[str],
        *,
        beta1: float,
        second: tuple[float, float] | None = None,
        decay: float = 0.0,
    ) -> None:
        from knotflow.engine import moments  # numba, which only a run needs

        self.module: ModuleType = moments
        net, points = past.start, past.data.distinct
        x, y, weight = writable(points.x, points.y, points.weight)
        beta2, eps = second or (0.0, 0.0)
        settings = moments.Settings(lr, decay, beta1, beta2, eps)
        self.problem = moments.problem(x, y, weight, net.norm, train, settings, len(net))
        if past.state is not None:
            saved = as_fields(past.state, MOMENTS)
            self.state = moments.padded(moments.State(*(saved[name] for name in moments.State._fields)))
        else:
            a, b, c = writable(net.a, net.b, net.c)
            self.state = moments.start(a, b, c, net.bias, x, second is not None)

    def run(self, steps: int, stop_loss: float, blow_up: float) -> tuple[int, int, float]:
        return self.module.run(self.state, self.problem, steps, stop_loss, blow_up)

    def parameters(self) -> tuple[Array, Array, Array, float]:
        a, b, c = self.state.params[:, : self.problem.width].copy()
        return a, b, c, float(self.state.bias[0])

    def snapshot(self) -> Snapshot:
        return as_saved(self.module.trimmed(self.state, self.problem.width), MOMENTS)
