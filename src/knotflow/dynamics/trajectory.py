"""What a run leaves: the parameters at the saved steps, and all that is needed to carry it on."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from knotflow._files import atomic_write
from knotflow.engine.codes import KINDS as KINDS
from knotflow.errors import InputError
from knotflow.network import ReLUNet
from knotflow.samples import Samples

if TYPE_CHECKING:
    from knotflow.dynamics.interruption import Progress

Array = NDArray[np.float64]

_FORMAT = 2  # raised when what a run needs to go on changes
_ARRAYS = ("steps", "times", "loss", "a", "b", "c", "bias")
EVENT = np.dtype([("time", np.float64), ("neuron", np.int64), ("sample", np.int64), ("kind", "U7")])


class Save(NamedTuple):
    """One saved moment of a run."""

    steps: int
    times: float
    loss: float
    a: Array
    b: Array
    c: Array
    bias: float


@dataclass(frozen=True, eq=False, repr=False)
class Trajectory:
    """A run of m neurons, saved at n steps; a value, made by `evolve`.

    steps           (n,) int64, the saved steps, 0 first (for a flow: the integrator's)
    times           (n,) the time of the gradient flow: for steps of descent, their number times lr
    loss            (n,), L = 1/2 sum w (f - y)^2 at them
    a, b, c         (n, m); bias (n,): the parameters at them; ``net_at(k)`` is the k-th as a network
    norm            the networks' norm
    data, dynamics  what it was trained on, and how
    status          "finished", "stop_loss", "stop_gradient", "interrupted" or "diverged"; ``message`` says it in words
    seconds         wall time of the run
    events          of a flow: structured array of (time, neuron, sample, kind), ascending in time; sample is the number
                    of the distinct x. Kinds: "cross", "stick", "release"; while stuck, "flip": c changed its sign,
                    "rest": it slid into a = b = 0 and is dead, "turn": it went through a = b = 0 and faces another
                    way; of `CanonicalFlow` and `MeanFieldFlow` also "leave": it rested at r = 0 and no longer does,
                    with sample -1 away from samples
    account         of a flow: how it was integrated, {"method": ..., "steps": ..., "rejected": ..., ...}
    state           what ``resume`` goes on from: all that the next step needs; None after a divergence
    """

    steps: NDArray[np.int64]
    times: Array
    loss: Array
    a: Array
    b: Array
    c: Array
    bias: Array
    norm: float
    data: Samples
    dynamics: Any
    status: str
    message: str
    seconds: float
    state: dict[str, NDArray[Any]] | None
    events: NDArray[Any] = field(default_factory=lambda: np.empty(0, EVENT))
    account: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def begin(cls, net: ReLUNet, data: Samples, dynamics: Any) -> Trajectory:
        """The trajectory of no steps."""
        return cls(
            np.zeros(1, np.int64), np.zeros(1), np.array([net.loss(data)]),
            net.a[None], net.b[None], net.c[None], np.array([net.bias]), net.norm,
            data, dynamics, "finished", "took no steps", 0.0, None,
        )  # fmt: skip

    def extended(self, saves: list[Save], **changes: Any) -> Trajectory:
        """This trajectory followed by what was saved, with the other fields changed."""
        joined: dict[str, Any] = {}
        for name in _ARRAYS:
            old = getattr(self, name)
            new = np.empty((len(old) + len(saves), *old.shape[1:]), old.dtype)
            new[: len(old)] = old
            for k, save in enumerate(saves):
                new[len(old) + k] = getattr(save, name)
            new.setflags(write=False)
            joined[name] = new
        return replace(self, **joined, **changes)

    def __len__(self) -> int:
        return self.steps.size

    def __repr__(self) -> str:
        return (
            f"Trajectory({len(self)} saves over {self.steps[-1]} steps of {type(self.dynamics).__name__},"
            f" {self.a.shape[1]} neurons, loss {self.loss[0]:.6g} -> {self.loss[-1]:.6g}, {self.status})"
        )

    @property
    def train(self) -> frozenset[str]:
        """Which of {"a", "b", "c", "bias"} moved."""
        return self.dynamics.train

    def net_at(self, k: int) -> ReLUNet:
        """The network at the k-th saved step; negative k count from the end. InputError if there is none."""
        if not -len(self) <= k < len(self):
            raise InputError(f"k is {k}; the trajectory has {len(self)} saved steps, numbered from 0")
        return ReLUNet(self.a[k], self.b[k], self.c[k], self.norm, float(self.bias[k]))

    @property
    def start(self) -> ReLUNet:
        """The network at step 0."""
        return self.net_at(0)

    @property
    def final(self) -> ReLUNet:
        """The network at the last saved step."""
        return self.net_at(-1)

    @property
    def knots(self) -> Array:
        """(n, m) where every neuron switches, b / a; +-inf or NaN where a = 0."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.b / self.a

    @property
    def delta(self) -> Array:
        """(n, m) c^2 - a^2 - b^2; gradient flow conserves it, descent drifts by O(lr^2) a step."""
        return self.c**2 - self.a**2 - self.b**2

    def resume(self, *, progress: Callable[[Progress], Any] | None = None, **how_far: Any) -> Trajectory:
        """The run carried on: this trajectory and what follows. The options are those of `evolve`.

        ``steps`` counts the further steps; the steps of ``save_every`` and ``save_at``, and ``until``, count from the
        very start. A run of steps, split or in one piece, ends at the same numbers bit for bit; a flow agrees to its
        tolerance. Raises InputError after a divergence.
        """
        from knotflow.dynamics import evolution

        if self.status == "diverged":
            raise InputError("this run diverged and cannot be carried on; start anew with a smaller lr")
        return evolution.carry_on(self, progress=progress, **how_far)

    def net_at_time(self, t: float) -> ReLUNet:
        """The network at any time of a flow, carried on from the last save before it. InputError outside the run.

        A flow that depends on where it began, as `LazyFlow` does, is carried on from there.
        """
        if hasattr(self.dynamics, "lr"):
            name = type(self.dynamics).__name__
            raise InputError(f"{name} moves in steps and has no network between them; use net_at(k), or GradientFlow")
        if not 0.0 <= t <= self.times[-1]:
            raise InputError(f"t is {t!r}; it must lie within the run, 0 to {self.times[-1]:g}")
        k = int(np.searchsorted(self.times, t, side="right")) - 1
        if self.times[k] == t:
            return self.net_at(k)
        from knotflow.dynamics import evolution

        k = 0 if getattr(self.dynamics, "anchored", False) else k
        return evolution.evolve(self.net_at(k), self.data, self.dynamics, until=t - self.times[k], save_at=[]).final

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the run to one .npz file (the suffix is added if missing), whole or not at all; returns its path.

        `load_trajectory` reads it back, bit for bit, ready to be resumed.
        """
        from knotflow.dynamics import methods

        target = Path(path)
        if target.suffix != ".npz":
            target = target.with_name(target.name + ".npz")
        about = {
            "format": _FORMAT,
            "norm": self.norm,
            "status": self.status,
            "message": self.message,
            "seconds": self.seconds,
            "x_name": self.data.x_name,
            "y_name": self.data.y_name,
            "dynamics": methods.to_json(self.dynamics),
            "account": dict(self.account),
        }
        arrays: dict[str, Any] = {name: getattr(self, name) for name in _ARRAYS}
        samples: dict[str, Any] = {"data_x": self.data.x, "data_y": self.data.y, "data_weights": self.data.weights}
        state: dict[str, Any] = {f"state_{name}": value for name, value in (self.state or {}).items()}
        with atomic_write(target) as temporary:
            np.savez_compressed(
                temporary, about=np.array(json.dumps(about)), events=self.events, **arrays, **samples, **state
            )
        return target


def load_trajectory(path: str | os.PathLike[str]) -> Trajectory:
    """The trajectory that `Trajectory.save` wrote. Raises InputError for a file that is not one."""
    from knotflow.dynamics import methods

    try:
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
            content = {name: file[name] for name in file.files}
        about = json.loads(str(content["about"]))
        if about["format"] != _FORMAT:
            raise InputError(f"{path} has format {about['format']}; this version of knotflow reads {_FORMAT}")
        data = Samples(
            content["data_x"], content["data_y"], content["data_weights"],
            x_name=about["x_name"], y_name=about["y_name"],
        )  # fmt: skip
        state = {k.removeprefix("state_"): v for k, v in content.items() if k.startswith("state_")}
        arrays = {name: content[name] for name in _ARRAYS}
        for value in arrays.values():
            value.setflags(write=False)
        return Trajectory(
            **arrays, norm=about["norm"], data=data, dynamics=methods.from_json(about["dynamics"]),
            status=about["status"], message=about["message"], seconds=about["seconds"], state=state or None,
            events=content["events"], account=about["account"],
        )  # fmt: skip
    except InputError:
        raise
    except FileNotFoundError:
        raise InputError(f"{path} does not exist; give the path of a file that Trajectory.save wrote") from None
    except Exception:
        raise InputError(f"{path} is not a trajectory file that knotflow wrote, or not all of one") from None
