"""Spiky and standard starts, trained on 20 points: what Figures 10 and 13 and Table 3 share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

import knotflow as kf
from knotflow.deep import Layers
from knotflow_papers import Parameter, Settings, chosen, printed

Array = NDArray[np.float64]

FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "Sine": kf.targets.sine,
    "Arctan": kf.targets.arctan,
    "Sawtooth": kf.targets.sawtooth,
    "Cubic": kf.targets.cubic,
    "Quadratic": kf.targets.quadratic,
    "Exp": kf.targets.exponential,
    "sin(x)": np.sin,  # as printed; Sine is sin(pi x)
}
STARTS = ("standard", "spiky")
ALL = {"a", "b", "c", "bias"}
TEST = np.linspace(-2, 2, 401)

SHALLOW: dict[str, Parameter] = {
    "units": printed(21, "appendix A.2"),
    "points": printed(20, "appendix A.2: 20 random points in [-2, 2]; uniformly distributed"),
    "height": printed(2.0, "appendix A.2: values of the spiky start are U(-2, 2)"),
    "epochs": printed(20_000, "appendix A.2"),
    "lr": printed(1e-4, "appendix A.2; for half the sum of the squares"),
    "spiky_divisor": printed(5.0, "appendix A.2: the shallow spiky network's learning rate is divided by it"),
}
# A quick run takes larger steps, and as many fewer.
DEEP: dict[str, Parameter] = {
    "deep_epochs": printed(20_000, "appendix A.2", quick=2000),
    "deep_lr": printed(
        1e-4, "appendix A.2; for the sum of the squares: for half of it deep networks are slower still", quick=1e-3
    ),
    "widths": printed((8, 8, 8, 8), "appendix A.2: 5 layers, 4 of them hidden with width 8"),
    "pretraining": printed(
        10_000, "appendix A.2: epochs in which the deep spiky start learns its function", quick=1000
    ),
    "pretraining_points": chosen(101, "evenly on [-2, 2]", quick=41),
}


class Draw(NamedTuple):
    """What a trial draws: the x of the training points, and the values of the spiky start at 22 even knots."""

    x: Array
    heights: Array

    @property
    def knots(self) -> Array:
        """21 pieces, 20 inner knots."""
        return np.linspace(-2, 2, len(self.heights))

    def samples(self, function: str) -> kf.Samples:
        return kf.Samples.from_function(FUNCTIONS[function], self.x)


def drawn(p: Settings, trial: int) -> Draw:
    rng = np.random.default_rng([2022, trial])
    return Draw(rng.uniform(-2, 2, p.points), rng.uniform(-p.height, p.height, 22))


def test_loss(values: Array, function: str) -> float:
    """The sum of squares over the grid, which is the scale of the paper's numbers."""
    return float(np.sum((values - FUNCTIONS[function](TEST)) ** 2))


# -- shallow ---------------------------------------------------------------------------------------------


def shallow_start(p: Settings, trial: int, start: str) -> kf.ReLUNet:
    if start == "spiky":
        draw = drawn(p, trial)
        return kf.initial.spiky(draw.knots, draw.heights, gauge="equal")
    return kf.initial.pytorch(p.units, np.random.default_rng([2022, trial, 1]))


def shallow_end(p: Settings, trial: int, start: str, function: str) -> kf.ReLUNet:
    lr = p.lr / p.spiky_divisor if start == "spiky" else p.lr
    method = kf.GradientDescent(lr, train=frozenset(ALL))
    samples = drawn(p, trial).samples(function)
    return kf.evolve(shallow_start(p, trial, start), samples, method, steps=p.epochs, save_at=[]).final


def shallow_limit(p: Settings, trial: int, start: str, function: str, until: float) -> kf.ReLUNet:
    """Where the exact gradient flow has led by the time `until`, from the same start and on the same points."""
    flow = kf.GradientFlow(train=frozenset(ALL))
    samples = drawn(p, trial).samples(function)
    return kf.evolve(shallow_start(p, trial, start), samples, flow, until=until, save_at=[]).final


# -- deep ------------------------------------------------------------------------------------------------


def deep_starts(p: Settings, trials: Sequence[int]) -> dict[str, list[Layers]]:
    """The standard networks of these trials, and what they become when they learn the spiky functions."""
    standard = [kf.deep.draw(p.widths, np.random.default_rng([2022, trial, 2])) for trial in trials]
    grid = np.linspace(-2, 2, p.pretraining_points)
    draws = [drawn(p, trial) for trial in trials]
    targets = [kf.Samples(grid, np.interp(grid, draw.knots, draw.heights)) for draw in draws]
    return {
        "standard": standard,
        "spiky": list(kf.deep.train(standard, targets, 2 * p.deep_lr, p.pretraining).networks),
    }


def deep_ends(
    p: Settings, trials: Sequence[int], functions: Sequence[str], starts: dict[str, list[Layers]]
) -> dict[tuple[str, str], list[Layers]]:
    """(start, function) -> the trained networks of these trials, all of them trained in one batch."""
    cases = [(start, function) for start in STARTS for function in functions]
    networks = [network for start, _ in cases for network in starts[start]]
    data = [drawn(p, trial).samples(function) for _, function in cases for trial in trials]
    done = iter(kf.deep.train(networks, data, 2 * p.deep_lr, p.deep_epochs).networks)
    return {case: [next(done) for _ in trials] for case in cases}


def values(layers: Layers, x: Array) -> Array:
    return kf.deep.knots(layers)(x)


def squares(values: Array, samples: kf.Samples) -> float:
    """The sum of squares on the training points."""
    return float(np.sum((values - samples.y) ** 2))
