"""The ways to train that have a name: how each moves, and the learning rate it takes by default."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from knotflow._checks import choice, count, shown
from knotflow._values import FrozenMapping
from knotflow.errors import InputError
from knotflow.fitting.regimes import REGIMES

if TYPE_CHECKING:
    from knotflow.data import Samples
    from knotflow.dynamics import Progress, Trajectory
    from knotflow.network import ReLUNet

__all__ = ["DYNAMICS", "Choice", "Training", "chosen"]

_BATCH = 16
_RTOL = 1e-4  # of the exact flow: finer than any figure shows
_SHARE = 0.5  # of the largest stable learning rate
_SHARE_ADAPTIVE = 0.1  # where delta > 0: larger steps throw knots across samples, and neurons die
_ADAM_CHANGE = 0.01  # of f in a step of Adam
_ROUGH_STEPS = 20_000  # after as many steps in the kernel regime a network has the shape of the data


@dataclass(frozen=True)
class Training:
    """What a run needs in addition to the network and the data."""

    steps: int
    lr: float
    batch: int | None
    seed: int
    train: frozenset[str]
    progress: Callable[[Progress], object] | None = None


@dataclass(frozen=True)
class Choice:
    """A way to train.

    usual_lr  the default learning rate, from the network at the start, the data, delta and the trained parameters
    run       the run itself
    batches   whether it takes minibatches
    """

    usual_lr: Callable[[ReLUNet, Samples, float, frozenset[str]], float]
    run: Callable[[ReLUNet, Samples, Training], Trajectory]
    batches: bool = False


def chosen(dynamics: str, batch: int | None, n: int) -> tuple[Choice, int | None]:
    """The choice of that name, and the size of its minibatches for n samples: None without minibatches."""
    way = DYNAMICS[choice("dynamics", dynamics, DYNAMICS)]
    if not way.batches:
        if batch is not None:
            raise InputError(f'batch is {shown(batch)}, but dynamics is {shown(dynamics)}: only "sgd" has minibatches')
        return way, None
    if batch is None:
        return way, min(_BATCH, n)
    batch = count("batch", batch, least=1)
    if batch > n:
        raise InputError(f"batch is {batch}: it must be at most {n}, the number of samples")
    return way, batch


# -- the runs --------------------------------------------------------------------------------------------


def _descent(start: ReLUNet, data: Samples, how: Training) -> Trajectory:
    from knotflow.dynamics import GradientDescent, evolve

    return evolve(start, data, GradientDescent(lr=how.lr, train=how.train), steps=how.steps, progress=how.progress)


def _sgd(start: ReLUNet, data: Samples, how: Training) -> Trajectory:
    from knotflow.dynamics import SGD, evolve

    assert how.batch is not None
    method = SGD(lr=how.lr, batch=how.batch, rng=np.random.default_rng([how.seed, 1]), train=how.train)
    return evolve(start, data, method, steps=how.steps, progress=how.progress)


def _adam(start: ReLUNet, data: Samples, how: Training) -> Trajectory:
    from knotflow.dynamics import Adam, evolve

    return evolve(start, data, Adam(lr=how.lr, train=how.train), steps=how.steps, progress=how.progress)


def _flow(start: ReLUNet, data: Samples, how: Training) -> Trajectory:
    """The exact flow, for the time that as many steps of descent would cover."""
    from knotflow.dynamics import GradientFlow, evolve

    return evolve(start, data, GradientFlow(_RTOL, how.train), until=how.steps * how.lr, progress=how.progress)


# -- learning rates --------------------------------------------------------------------------------------


def _stable_lr(start: ReLUNet, data: Samples, delta: float, train: frozenset[str]) -> float:
    """A share of the largest stable learning rate, at the start or at a rough fit, whichever is smaller.

    Where |delta| is small the parameters, and with them the tangent kernel, grow a lot before the network
    fits anything. How far is seen at a network that already has the shape of the data: a short run in the
    kernel regime makes one, and `with_delta` brings it where the real run will arrive.
    """
    from knotflow.dynamics import GradientDescent, evolve, stability_limit

    lazy = start.with_delta(REGIMES["kernel"].delta)
    short = GradientDescent(lr=stability_limit(lazy, data, train) / 2, train=train)
    rough = evolve(lazy, data, short, steps=_ROUGH_STEPS)
    if rough.status == "interrupted":
        raise KeyboardInterrupt
    bound = min(stability_limit(net, data, train) for net in (start, rough.final.with_delta(delta)))
    return (_SHARE_ADAPTIVE if delta > 0 else _SHARE) * bound


def _adam_lr(start: ReLUNet, data: Samples, delta: float, train: frozenset[str]) -> float:
    """Such that a step, which changes every parameter by about lr, changes f by about `_ADAM_CHANGE`."""
    return _ADAM_CHANGE / _reach(start, data)


def _reach(net: ReLUNet, data: Samples) -> float:
    """A bound on |change of f(x)|, to first order, if every parameter changes by 1; x in the data's range.

    (1/norm) sum_i (max(a_i x - b_i, 0) + |c_i| (|x| + 1)); the first part is convex in x: largest at an end.
    """
    ends = np.array(data.range)
    active = np.maximum(np.multiply.outer(ends, net.a) - net.b, 0).sum(axis=1).max()
    return float(active + np.abs(net.c).sum() * (np.abs(ends).max() + 1)) / net.norm


DYNAMICS: Mapping[str, Choice] = FrozenMapping(
    {
        "descent": Choice(_stable_lr, _descent),
        "sgd": Choice(_stable_lr, _sgd, batches=True),
        "adam": Choice(_adam_lr, _adam),
        "flow": Choice(_stable_lr, _flow),
    }
)
