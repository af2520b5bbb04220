"""Every method of `knotflow.dynamics`, with how far to run it: what the protocol tests go through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import knotflow as kf
from knotflow.dynamics import METHODS


def data(seed: int = 0, n: int = 40) -> kf.Samples:
    """Lopsided samples with weights and a tie.

    More than 32, so that the last bit of a loss does not depend on where the engine's arrays lie in memory: its sum
    is over vectors unless they lie closer together than the vectors are long.
    """
    rng = np.random.default_rng(seed)
    x = rng.exponential(0.8, n) - 0.7
    x[3] = x[7]
    return kf.Samples(x, np.cos(2 * x) + rng.normal(0.3, 0.4, n), rng.uniform(0.3, 2.0, n), x_name="age", y_name="size")


def net(m: int = 40, seed: int = 1) -> kf.ReLUNet:
    """A lopsided network with a norm and a bias."""
    rng = np.random.default_rng(seed)
    return kf.ReLUNet(rng.normal(0.2, 1, m), rng.normal(0.1, 1, m), rng.normal(-0.1, 1, m), norm=m**0.5, bias=0.2)


def rate(share: float = 0.3, m: int = 40) -> float:
    """A share of the largest stable learning rate of `net`."""
    return share * kf.stability_limit(net(m), data())


def descend(steps: int, **options: Any) -> kf.Trajectory:
    """A run of gradient descent."""
    return kf.evolve(net(), data(), kf.GradientDescent(rate()), steps=steps, **options)


ALL = frozenset({"a", "b", "c", "bias"})
# The methods that move in steps, at a learning rate.
AT_RATE = {
    "descent": lambda lr: kf.GradientDescent(lr),
    "decay": lambda lr: kf.GradientDescent(lr, weight_decay=1e-3, train=ALL),
    "momentum": lambda lr: kf.GradientDescent(lr, momentum=0.9, weight_decay=1e-3),
    "sgd": lambda lr: kf.SGD(0.1 * lr, batch=4, rng=np.random.default_rng(5)),
    "sgd, Mersenne": lambda lr: kf.SGD(0.1 * lr, batch=7, rng=np.random.Generator(np.random.MT19937(5))),
    "adam": lambda lr: kf.Adam(0.01 * lr, train=ALL),
}


class Case(NamedTuple):
    """A method and its run: ``whole`` and the first part of it ``half`` are options of `evolve`."""

    make: Callable[[], Any]
    steps: bool  # whether it moves in steps
    end: float = 300  # steps, or time

    @property
    def data(self) -> kf.Samples:
        """What it is run on: fewer samples for a flow, whose loss is summed in order."""
        return data() if self.steps else data(n=15)

    def far(self, share: float) -> dict[str, Any]:
        """How far to run, as an option of `evolve`: a share of the whole."""
        return {"steps": int(share * self.end)} if self.steps else {"until": share * self.end}

    def rest(self, share: float) -> dict[str, Any]:
        """How far to resume a run that went a share of the whole, up to the whole."""
        return self.far(1 - share) if self.steps else self.far(1)

    def run(self, **options: Any) -> kf.Trajectory:
        """A run of `net`."""
        return kf.evolve(net(), self.data, self.make(), **(self.far(1) | options))


CASES = {
    "GradientDescent": Case(lambda: AT_RATE["descent"](rate()), True),
    "GradientDescent, decay": Case(lambda: AT_RATE["decay"](rate()), True),
    "GradientDescent, momentum": Case(lambda: AT_RATE["momentum"](rate()), True),
    "SGD": Case(lambda: AT_RATE["sgd"](rate()), True),
    "SGD, Mersenne": Case(lambda: AT_RATE["sgd, Mersenne"](rate()), True),
    "Adam": Case(lambda: AT_RATE["adam"](rate()), True),
    "GradientFlow": Case(lambda: kf.GradientFlow(1e-6), False, 2.0),
    "GradientFlow, bias": Case(lambda: kf.GradientFlow(1e-6, ALL), False, 2.0),
    "CanonicalFlow": Case(lambda: kf.CanonicalFlow(lam=0.05, rtol=1e-5), False, 20.0),
    "CanonicalFlow, polar": Case(lambda: kf.CanonicalFlow("polar", rtol=1e-5), False, 20.0),
    "MeanFieldFlow": Case(lambda: kf.MeanFieldFlow(rtol=1e-5), False, 1.0),
    "MeanFieldFlow, cylinder": Case(lambda: kf.MeanFieldFlow("cylinder", rtol=1e-5), False, 1.0),
    "LazyFlow": Case(lambda: kf.LazyFlow(train={"c", "bias"}), False, 5.0),
}
IN_STEPS = {name: case for name, case in CASES.items() if case.steps}
IN_TIME = {name: case for name, case in CASES.items() if not case.steps}

assert {name.partition(",")[0] for name in CASES} == set(METHODS), "a method has no case"


def assert_same_end(one: kf.Trajectory, other: kf.Trajectory) -> None:
    """The same to the last bit, including all that the next step needs."""
    for name in ("steps", "times", "loss", "a", "b", "c", "bias"):
        np.testing.assert_array_equal(getattr(one, name)[-1], getattr(other, name)[-1], err_msg=name)
    np.testing.assert_array_equal(one.events, other.events)
    assert one.state is not None
    assert other.state is not None
    assert one.state.keys() == other.state.keys()
    for name, value in one.state.items():
        np.testing.assert_array_equal(value, other.state[name], err_msg=name)
