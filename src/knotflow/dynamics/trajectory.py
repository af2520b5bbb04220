"""What a run leaves: the parameters at the saved steps, and all that is needed to carry it on."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from knotflow._checks import is_whole, number, shown
from knotflow._typing import AnyArray, Array, Ints
from knotflow._values import immutable
from knotflow.dynamics import archive
from knotflow.dynamics.outcomes import OUTCOME
from knotflow.dynamics.progress import watcher
from knotflow.dynamics.protocol import EVENT, SUCCESSES, Asked, Method, Past, Reason, Save, Snapshot
from knotflow.errors import InputError
from knotflow.network import ReLUNet

if TYPE_CHECKING:
    from knotflow.data import Samples
    from knotflow.dynamics.progress import Watcher

__all__ = ["ARRAYS", "Trajectory"]

ARRAYS = ("steps", "times", "loss", "a", "b", "c", "bias")


@dataclass(frozen=True, eq=False, repr=False)
@immutable
class Trajectory:
    """A run of m neurons, saved at n moments; a value, made by `evolve`.

    Parameters
    ----------
    steps : (n,) int64
        The saved steps, 0 first. For a flow these are the integrator's.
    times : (n,)
        The time of the gradient flow: for steps of descent, their number times lr.
    loss : (n,)
        L = 1/2 sum_j w_j (f(x_j) - y_j)^2 there.
    a, b, c : (n, m)
        The parameters there; `net_at` gives them as a network.
    bias : (n,)
        The output bias there.
    norm : float
        The networks' norm.
    data : Samples
        What it was trained on.
    dynamics : Method
        How it was trained.
    status : str
        "finished", "stop_loss", "stop_gradient", "converged"; or "interrupted", "stalled", "diverged", and "saddle":
        nothing moves, but a small push would change that.
    message : str
        The same in a sentence, with the reason: the loss no longer falls, at the floor of the tolerance or because
        nothing can move; when a saddle will be left; why a run stalled.
    seconds : float
        Wall time of the run.
    state : dict or None
        What `resume` goes on from: all that the next step needs. None after a divergence.
    events : structured array
        Of a flow: (time, neuron, sample, kind, probability), ascending in time; ``sample`` is the number of the
        distinct x. Kinds: "cross", "stick", "release"; while it sticks, "flip" (c changed its sign), "rest" (it slid
        into a = b = 0 and is dead) and "turn" (it went through a = b = 0 and faces another way). `CanonicalFlow` and
        `MeanFieldFlow` have "rest" and "leave" at r = 0, with sample -1 away from samples. The probability is 1 but for
        undecided events of `GradientFlow`: the share of small steps with which descent goes this way.
    outcomes : structured array
        Of `GradientFlow`: what the undecided events might have led to, (time, neuron, kind, first, stop, sample,
        probability, taken), ascending in time. After it the neuron is active at the samples first, ..., stop - 1, and
        slides along ``sample`` (-1: along none). The probabilities of an event have the sum 1, and one way is taken.
    account : mapping
        Of a flow: how it was integrated, {"method": ..., "steps": ..., "rejected": ..., ...}, and its ``"end"``: the
        status, or what "converged" means: "floor" (the tolerance can tell no more) or "still" (nothing can move).

    Examples
    --------
    >>> import knotflow as kf
    >>> net = kf.ReLUNet([1.0, -1.0], [0.0, 0.5], [0.5, 0.5])
    >>> data = kf.Samples([0.0, 1.0, 2.0], [0.0, 1.0, 1.0])
    >>> run = kf.evolve(net, data, kf.LazyFlow(), until=10.0, save_at=[1.0])
    >>> run.times
    array([ 0.,  1., 10.])
    >>> run.success, run.message.split(" (")[0]
    (True, 'reached t = 10')
    >>> run.final.knots.shape
    (2,)
    """

    steps: Ints
    times: Array
    loss: Array
    a: Array
    b: Array
    c: Array
    bias: Array
    norm: float
    data: Samples
    dynamics: Method
    status: str
    message: str
    seconds: float
    state: Snapshot | None
    events: AnyArray = field(default_factory=lambda: np.empty(0, EVENT))
    outcomes: AnyArray = field(default_factory=lambda: np.empty(0, OUTCOME))
    account: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def begin(cls, net: ReLUNet, data: Samples, dynamics: Method) -> Trajectory:
        """The trajectory of no steps: `net` before `dynamics` trains it on `data`."""
        return cls(
            steps=np.zeros(1, np.int64),
            times=np.zeros(1),
            loss=np.array([net.loss(data)]),
            a=net.a[None],
            b=net.b[None],
            c=net.c[None],
            bias=np.array([net.bias]),
            norm=net.norm,
            data=data,
            dynamics=dynamics,
            status=Reason.FINISHED.status,
            message="took no steps",
            seconds=0.0,
            state=None,
        )

    def extended(self, saves: list[Save], **changes: Any) -> Trajectory:
        """The trajectory followed by the `saves`, with `changes` to the other fields."""
        joined: dict[str, Any] = {}
        for name in ARRAYS:
            old = getattr(self, name)
            new = np.empty((len(old) + len(saves), *old.shape[1:]), old.dtype)
            new[: len(old)] = old
            for k, save in enumerate(saves):
                new[len(old) + k] = getattr(save, name)
            new.setflags(write=False)
            joined[name] = new
        return replace(self, **joined, **changes)

    def __len__(self) -> int:
        """The number of saved moments n."""
        return self.steps.size

    def __repr__(self) -> str:
        return (
            f"Trajectory({len(self)} saves over {self.steps[-1]} steps of {type(self.dynamics).__name__},"
            f" {self.a.shape[1]} neurons, loss {self.loss[0]:.6g} -> {self.loss[-1]:.6g}, {self.status})"
        )

    @property
    def success(self) -> bool:
        """Whether the run did what it was asked to do: it did not end interrupted, stalled, diverged or at a saddle."""
        return self.status in SUCCESSES

    @property
    def train(self) -> frozenset[str]:
        """Which of {"a", "b", "c", "bias"} moved."""
        return self.dynamics.train

    def net_at(self, k: int) -> ReLUNet:
        """The network at the k-th saved moment; negative k count from the end. InputError if there is none."""
        if not is_whole(k) or not -len(self) <= k < len(self):
            raise InputError(f"k is {shown(k)}: it must be one of the {len(self)} saved steps, numbered from 0")
        return ReLUNet.over(self.a[k], self.b[k], self.c[k], self.norm, float(self.bias[k]))

    @property
    def start(self) -> ReLUNet:
        """The network at step 0."""
        return self.net_at(0)

    @property
    def final(self) -> ReLUNet:
        """The network at the last saved moment."""
        return self.net_at(-1)

    @property
    def knots(self) -> Array:
        """(n, m) where every neuron switches, as `ReLUNet.knots` has it: with a = 0, -inf if b < 0 and else +inf."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return np.where(self.a == 0, np.where(self.b < 0, -np.inf, np.inf), self.b / self.a)

    @property
    def delta(self) -> Array:
        """(n, m) c^2 - a^2 - b^2; gradient flow conserves it, descent drifts by O(lr^2) a step."""
        return self.c**2 - self.a**2 - self.b**2

    @property
    def past(self) -> Past:
        """What a session goes on from."""
        last = (int(self.steps[-1]), float(self.times[-1]), float(self.loss[0]), float(self.loss[-1]))
        return Past(self.start, self.final, self.data, *last, self.state, self.events, self.outcomes)

    def resume(
        self,
        *,
        steps: int | None = None,
        until: float | str | None = None,
        save_every: int | None = None,
        save_at: Iterable[float] | None = None,
        stop_loss: float | None = None,
        stop_gradient: float | None = None,
        progress: Watcher | None = None,
    ) -> Trajectory:
        """The run carried on: this trajectory and what follows. The options are those of `evolve`.

        ``steps`` counts the further steps; the steps of ``save_every`` and ``save_at``, and ``until``, count from the
        very start. A run of steps, split or in one piece, ends at the same numbers bit for bit; a flow agrees to its
        tolerance. ``stop_loss``, ``stop_gradient`` and ``progress`` are as there. Raises InputError after a divergence.
        """
        if self.status == Reason.DIVERGED.status:
            raise InputError("this run diverged and cannot be carried on: start again with a smaller lr")
        watcher(progress)
        asked = Asked(steps, until, save_every, save_at, stop_loss, stop_gradient)
        run: Trajectory = self.dynamics.carry_on(self, asked, progress)
        return run

    def net_at_time(self, t: float) -> ReLUNet:
        """The network at the time t of a flow, carried on from the last save before it.

        A flow that depends on where it began, as `LazyFlow` does, is solved from there. Raises InputError outside
        the run, and for methods that move in steps.
        """
        return self.dynamics.between(self, number("t", t))

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the run to one .npz file (the suffix is added if missing), whole or not at all; returns its path.

        `load_trajectory` reads it back, bit for bit, ready to be resumed.
        """
        arrays = {name: getattr(self, name) for name in ARRAYS}
        samples = {"data_x": self.data.x, "data_y": self.data.y, "data_weights": self.data.weights}
        about = {
            "norm": self.norm,
            "status": self.status,
            "message": self.message,
            "seconds": self.seconds,
            "x_name": self.data.x_name,
            "y_name": self.data.y_name,
            "x_origin": self.data.origin and self.data.origin.to_settings(),
            "dynamics": archive.settings(self.dynamics),
            "account": dict(self.account),
        }
        arrays |= {"events": self.events, "outcomes": self.outcomes}
        return archive.write(path, archive.Content({**arrays, **samples}, self.state, about))
