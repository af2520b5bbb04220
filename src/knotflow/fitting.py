"""The short way in: data -> standardise, initialise, choose delta, train -> a network in the user's units."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from knotflow.data import Samples, Scaling
from knotflow.errors import InputError
from knotflow.initial import INITIALISERS, uniform_knots
from knotflow.network import ReLUNet

if TYPE_CHECKING:
    from pathlib import Path

    from knotflow.dynamics import SGD, Adam, GradientDescent, Progress, Trajectory

__all__ = ["DYNAMICS", "REGIMES", "Fit", "Regime", "fit", "start_network"]

Data = Samples | str | PathLike[str] | tuple[ArrayLike, ArrayLike]


@dataclass(frozen=True)
class Regime:
    """A value of delta = c^2 - a^2 - b^2, what training from it looks like, and who showed it."""

    name: str
    delta: float
    shows: str
    source: str


REGIMES: Mapping[str, Regime] = MappingProxyType(
    {
        regime.name: regime
        for regime in (
            Regime(
                "kernel",
                -1e4,
                "the knots stay where they are: a smooth, cubic-like spline",
                "Williams et al. 2019, section 3.3 and Theorem 5; Sahs et al. 2022, section 2.6",
            ),
            Regime(
                "between",
                -1.0,  # the scale of 2 norm |r| / m here, where neurons turn and grow at comparable rates
                "the knots move while the slopes grow: between both",
                "Williams et al. 2019, section 3.2 and figure 4",
            ),
            Regime(
                "adaptive",
                1e4,
                "the knots gather at samples: a linear spline with few pieces",
                "Williams et al. 2019, section 3.1 and Lemma 2",
            ),
        )
    }
)

DYNAMICS = ("descent", "sgd", "adam", "flow")

_STEPS = 500_000
_BATCH = 16
_RTOL = 1e-4  # of the exact flow: finer than any figure shows
_PART = 0.5  # of the largest stable learning rate
_PART_ADAPTIVE = 0.1  # where delta > 0: larger steps throw knots across samples, and neurons die
_ROUGH_STEPS = 20_000  # after as many steps in the kernel regime a network has the shape of the data
_GONE = 1e-8  # a run has converged, too, if less than this part of its excess loss is left
_LOCAL = 0.01  # a converged run with more than this part of its excess loss left is in a local minimum
_AT_REST = 1e-3  # a run has converged if its excess loss fell by less than this part in the last tenth


@dataclass(frozen=True, eq=False)
class Fit:
    """A trained network and where it came from; calling it evaluates the network.

    net         ReLUNet in the units of `data`
    data        the Samples as they were given
    trajectory  Trajectory of the training, in standardised units (mean 0, standard deviation 1)
    scaling     Scaling between the two
    regime      "kernel", "between" or "adaptive", or "delta=..." if another delta was asked for
    settings    all that decided the training besides the data: `fit(data, **settings)` repeats it bit for bit
    """

    net: ReLUNet
    data: Samples
    trajectory: Trajectory
    scaling: Scaling
    regime: str
    settings: Mapping[str, Any]

    def __call__(self, x: ArrayLike) -> NDArray[np.float64]:
        """The fitted function at x (any shape), in the user's units."""
        return self.net(np.asarray(x, dtype=float))

    @cached_property
    def summary(self) -> dict[str, Any]:
        """The run in numbers, in the user's units: `comparison.summarise`, and how far the training came.

        converged      whether the excess loss (the loss above `data.distinct.within`, which no function of x
                       can remove) is gone, or fell by less than 0.1 % during the last tenth of the steps
        still_falling  by which part it fell then; nan if the run has no last tenth
        verdict        the same in a sentence
        """
        from knotflow.compare import summarise

        falling, left = _still_falling(self.trajectory), _left(self.trajectory)
        converged = self.trajectory.status != "diverged" and (falling < _AT_REST or left < _GONE)
        return {
            **summarise(self.net, self.data, self.trajectory),
            "converged": converged,
            "still_falling": falling,
            "verdict": _verdict(self.trajectory, converged, falling, left),
        }

    def save(self, directory: str | PathLike[str]) -> list[Path]:
        """Write report, figures, tables and run into `directory` (`results.save`); returns the files' paths."""
        from knotflow import results

        return results.save([self], directory)


def fit(
    data: Data,
    *,
    regime: str = "between",
    delta: float | None = None,
    width: int = 1000,
    init: str = "pytorch",
    norm: float | str | None = None,
    steps: int | None = None,
    lr: float | None = None,
    seed: int = 0,
    train: Iterable[str] = ("a", "b", "c"),
    dynamics: str = "descent",
    batch: int | None = None,
    progress: Callable[[Progress], object] | None = None,
) -> Fit:
    """Train a ReLU network of one hidden layer on univariate data; the short way through the whole library.

        net = initial[init](width) -> with_delta(delta) -> evolve on standardised data -> the user's units

    data      Samples, a pair (x, y), or the path of a CSV file
    regime    "kernel", "between" or "adaptive": delta = -10 000, -1, 10 000 (`knotflow.fitting.REGIMES`)
    delta     c^2 - a^2 - b^2 of every neuron at the start; overrides `regime`
    width     number of neurons
    init      a name in `knotflow.initial`
    norm      a positive number, or "1", "sqrt" (of the width, the default) or "m" (the width)
    steps     500 000 by default; 0 returns the network at the start
    lr        learning rate in standardised units. By default half (if delta > 0, a tenth: larger steps throw
              knots across samples, and neurons die) of the stability bound 2 / lambda_max, with
              lambda_max the larger of the tangent kernel's largest eigenvalue at the start and at a
              network of the same delta that already has the coarse shape of the data (it grows on the
              way, at delta = 0 a hundredfold). For "sgd" that times batch / n. For "adam" such that a step changes
              f by about 0.01
    seed      of the initial network and of the minibatches
    train     which of "a", "b", "c", "bias" are trained
    dynamics  "descent" (gradient descent), "sgd", "adam" or "flow": the exact gradient flow, for the time steps * lr
              that so many steps of descent would cover, to an accuracy of 1e-4 of the largest |y|
    batch     samples in a minibatch, for "sgd" only; 16 (or all) by default
    progress  called now and then with a `Progress`: step, steps, loss, seconds, remaining

    Ctrl-C ends the training, and what was computed is returned (`trajectory.status == "interrupted"`).

    Cost: O(width + s) a step at most, s distinct x. Raises InputError for arguments that are not as above.

    Source: Williams et al. 2019, sections 3 and 4 (delta and the regimes).
    """
    from knotflow.dynamics import GradientFlow, evolve

    samples = _samples(data)
    standard, scaling = samples.standardised()
    start = start_network(standard, regime=regime, delta=delta, width=width, init=init, norm=norm, seed=seed)
    delta, label = _delta(regime, delta)
    steps = _count("steps", _STEPS if steps is None else steps, 0)
    batch = _batch(dynamics, batch, len(samples))
    moving = frozenset(train)
    lr = _learning_rate(dynamics, start, standard, delta, moving, batch) if lr is None else lr
    if dynamics == "flow":
        trajectory = evolve(start, standard, GradientFlow(_RTOL, moving), until=steps * lr, progress=progress)
    else:
        how = _dynamics(dynamics, lr, batch, seed, moving)
        trajectory = evolve(start, standard, how, steps=steps, progress=progress)
    settings = {
        "regime": regime,
        "delta": delta,
        "width": width,
        "init": init,
        "norm": start.norm,
        "steps": steps,
        "lr": lr,
        "seed": seed,
        "train": tuple(sorted(moving)),
        "dynamics": dynamics,
        "batch": batch,
    }
    net = trajectory.final.in_units(scaling)
    return Fit(net, samples, trajectory, scaling, label, MappingProxyType(settings))


def start_network(
    data: Samples,
    *,
    regime: str = "between",
    delta: float | None = None,
    width: int = 1000,
    init: str = "pytorch",
    norm: float | str | None = None,
    seed: int = 0,
) -> ReLUNet:
    """The network that `fit` starts from, for data in standardised units. The arguments are those of `fit`.

    Raises InputError for arguments that are not as there, and if `init` has neurons that no rescaling brings
    to the delta asked for ("uniform_knots" has c = 0, which only a negative delta allows).
    """
    width, rng = _count("width", width, 1), np.random.default_rng(_count("seed", seed, 0))
    choices = {name: each.start for name, each in INITIALISERS.items() if each.law}
    choices["uniform_knots"] = lambda m, rng, norm: uniform_knots(m, rng, data, norm=norm)
    if init not in choices:
        raise InputError(f"init is {init!r}: it must be one of {', '.join(choices)}")
    net = choices[init](width, rng, norm=_norm(norm, width))
    return net.with_delta(_delta(regime, delta)[0])


# -- arguments -------------------------------------------------------------------------------------------


def _samples(data: Data) -> Samples:
    if isinstance(data, Samples):
        return data
    if isinstance(data, str | PathLike):
        return Samples.from_csv(data)
    if isinstance(data, tuple | list) and len(data) == 2:
        return Samples(*data)
    raise InputError(f"data is a {type(data).__name__}: it must be Samples, a pair (x, y) or the path of a CSV file")


def _count(name: str, value: int, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise InputError(f"{name} is {value!r}: it must be a whole number of at least {least}")
    return int(value)


def _norm(norm: float | str | None, width: int) -> float:
    """The number that 1, "sqrt" or "m" stands for; None is "sqrt"."""
    named = {None: math.sqrt(width), "sqrt": math.sqrt(width), "m": float(width)}
    if norm is None or (isinstance(norm, str) and norm in named):
        return named[norm]
    try:
        value = float(norm)
    except (TypeError, ValueError):
        value = math.nan
    if not 0 < value < math.inf:
        raise InputError(f'norm is {norm!r}: it must be a positive number, "sqrt" (of the width) or "m" (the width)')
    return value


def _delta(regime: str, delta: float | None) -> tuple[float, str]:
    """delta and what to call the fit: the regime, or the delta that took its place."""
    if regime not in REGIMES:
        raise InputError(f"regime is {regime!r}: it must be one of {', '.join(REGIMES)}")
    usual = REGIMES[regime].delta
    if delta is None or delta == usual:
        return usual, regime
    if not math.isfinite(delta):
        raise InputError(f"delta is {delta}: it must be finite; the regimes are limits, and 10000 is close to them")
    return float(delta), f"delta={delta:g}"


def _batch(dynamics: str, batch: int | None, n: int) -> int | None:
    if dynamics not in DYNAMICS:
        raise InputError(f"dynamics is {dynamics!r}: it must be one of {', '.join(DYNAMICS)}")
    if dynamics != "sgd":
        if batch is not None:
            raise InputError(f'batch is {batch}, but dynamics is {dynamics!r}: only "sgd" has minibatches')
        return None
    if batch is None:
        return min(_BATCH, n)
    if _count("batch", batch, 1) > n:
        raise InputError(f"batch is {batch}: it must be at most {n}, the number of samples")
    return batch


# -- training --------------------------------------------------------------------------------------------


def _learning_rate(
    dynamics: str, start: ReLUNet, data: Samples, delta: float, train: frozenset[str], batch: int | None
) -> float:
    if dynamics == "adam":
        return 0.01 / _reach(start, data)
    part = _PART_ADAPTIVE if delta > 0 else _PART
    return part * _bound(start, data, delta, train) * (1 if batch is None else batch / len(data))


def _bound(start: ReLUNet, data: Samples, delta: float, train: frozenset[str]) -> float:
    """The largest stable learning rate, at the start or at a rough fit, whichever is smaller.

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
    return min(stability_limit(net, data, train) for net in (start, rough.final.with_delta(delta)))


def _reach(net: ReLUNet, data: Samples) -> float:
    """A bound on |change of f(x)|, to first order, if every parameter changes by 1; x in the data's range.

    (1/norm) sum_i (max(a_i x - b_i, 0) + |c_i| (|x| + 1)); the first part is convex in x: largest at an end.
    """
    ends = np.array(data.range)
    active = np.maximum(np.multiply.outer(ends, net.a) - net.b, 0).sum(axis=1).max()
    return float(active + np.abs(net.c).sum() * (np.abs(ends).max() + 1)) / net.norm


def _dynamics(
    name: str, lr: float, batch: int | None, seed: int, train: frozenset[str]
) -> GradientDescent | SGD | Adam:
    from knotflow.dynamics import SGD, Adam, GradientDescent

    if name == "sgd":
        assert batch is not None
        return SGD(lr=lr, batch=batch, rng=np.random.default_rng([seed, 1]), train=train)
    return (Adam if name == "adam" else GradientDescent)(lr=lr, train=train)


# -- how far it came -------------------------------------------------------------------------------------


def _excess(run: Trajectory) -> NDArray[np.float64]:
    """The loss at the saved steps, without the part that no function of x can remove."""
    return np.maximum(run.loss - run.data.distinct.within, 0.0)


def _still_falling(run: Trajectory) -> float:
    """By which part the excess loss fell since nine tenths of the time; nan if that is the last state."""
    before = np.searchsorted(run.times, 0.9 * run.times[-1], side="right") - 1
    if before == len(run.times) - 1:
        return math.nan
    excess = _excess(run)
    return float(1 - excess[-1] / excess[before]) if excess[before] > 0 else 0.0


def _left(run: Trajectory) -> float:
    """Which part of the excess loss at the start is left."""
    excess = _excess(run)
    return float(excess[-1] / excess[0]) if excess[0] > 0 else 0.0


def _verdict(run: Trajectory, converged: bool, falling: float, left: float) -> str:
    """What a reader should know before trusting the fit, in a sentence."""
    if run.status in ("diverged", "interrupted", "stalled") or run.steps[-1] == 0:
        return run.message
    flows = not hasattr(run.dynamics, "lr")
    tenth = "the last tenth of " + (f"the time {run.times[-1]:.4g}" if flows else f"{run.steps[-1]:,} steps")
    if not converged:
        return f"not converged: the excess loss still fell by {falling:.1%} in {tenth}; more steps would go on"
    if left < _GONE:
        return f"converged: {left:.0e} of the excess loss is left"
    if left > _LOCAL:
        return f"converged, to a local minimum: {left:.0%} of the excess loss is left, and none went in {tenth}"
    return f"converged: {left:.1%} of the excess loss is left, and none went in {tenth}"
