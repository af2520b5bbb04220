"""The problems that are timed, and the ratios that are aimed at.

Every problem is full-batch gradient descent on L = 1/2 sum_j (f(x_j) - y_j)^2, in float64, with

    x       uniform random in [-1, 1] (not equispaced: no two gaps are alike),
    y       sin(pi x) + 1/2 sign(sin(3 pi x)): a smooth curve with a square wave on it,
    net     knotflow.initial.pytorch(m, rng, norm) without its output bias; norm 1 is PyTorch's default network, and
            with sqrt(m) knots move more, more of them near a sample at any step,
    lr      half of knotflow.stability_limit(net, data).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

import knotflow as kf


@dataclass(frozen=True)
class Target:
    """At least this much faster than a rival, or (`floor`) at most this many times the floor."""

    torch: float | None = None
    jax: float | None = None
    floor: float | None = None


@dataclass(frozen=True)
class Case:
    """A size, and how many steps to time.

    `steps` are taken by knotflow, first from the start and then again after `warm_up` steps, in a run that is
    resumed, and by the floor; `dense_steps` by PyTorch and JAX, whose cost is the same at every step.
    Parameters are compared after `dense_steps` of everyone.
    """

    m: int
    s: int
    steps: int
    warm_up: int
    dense_steps: int | None = None
    target: Target = field(default_factory=Target)
    delta: float | None = None
    scaled: bool = False  # norm sqrt(m) in place of 1

    @property
    def name(self) -> str:
        """How the tables call this case."""
        delta = "" if self.delta is None else f" delta={self.delta:g}"
        return f"m={self.m:,} s={self.s:,}" + (" norm=sqrt m" if self.scaled else "") + delta


@dataclass(frozen=True)
class Problem:
    """One network on one data set with one learning rate."""

    net: kf.ReLUNet
    data: kf.Samples
    lr: float


_PLAIN = (
    Case(20, 20, 20_000, 100_000, 1_000, Target(torch=500, jax=4)),
    Case(1_000, 10, 20_000, 100_000, 1_000, Target(torch=200, jax=10, floor=4)),
    Case(25_000, 100, 1_000, 10_000, 10, Target(torch=500, jax=500, floor=3)),
    Case(10_000, 1_000, 1_000, 10_000, 4, Target(torch=5_000, jax=2_500, floor=4)),
    Case(1_000_000, 1_000, 2_000, 2_000, None, Target(floor=3)),
)
CASES = (
    *_PLAIN,
    *(replace(case, scaled=True) for case in _PLAIN),
    Case(1_000, 10, 20_000, 20_000, 1_000, delta=1.0, scaled=True),
)


def samples(s: int, seed: int = 1) -> kf.Samples:
    """`s` samples of the benchmark's curve."""
    x = np.random.default_rng(seed).uniform(-1.0, 1.0, s)
    return kf.Samples(x, np.sin(np.pi * x) + 0.5 * np.sign(np.sin(3 * np.pi * x)))


def problem(m: int, s: int, delta: float | None = None, scaled: bool = True) -> Problem:
    """The benchmark's problem of width `m` on `s` samples; `delta` moves the network towards adaptive."""
    net = kf.initial.pytorch(m, np.random.default_rng(0), norm=m**0.5 if scaled else 1.0).replace(bias=0.0)
    if delta is not None:
        net = net.with_delta(delta)
    data = samples(s)
    return Problem(net, data, 0.5 * kf.stability_limit(net, data))
