"""Whether every flow ends, and how: random problems of all scales, `python -m bench.ends [problems] [first seed]`.

Each line of the table is a method and what it was asked for: how often it ended with which status, the quantiles of its
steps and of its processor time. Below stand the runs whose status a formula that shares no code with the engine does
not confirm: see `judge`.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections import Counter, defaultdict
from dataclasses import dataclass
from time import process_time

import numpy as np

import knotflow as kf

SECONDS = 60.0  # a run that takes longer is interrupted, and counts as one that does not end
STEPS = 50_000  # a run that takes more steps does not end either
MOST = 3e5  # neurons times samples


@dataclass(frozen=True)
class Problem:
    """One run to make."""

    seed: int
    kind: str
    net: kf.ReLUNet
    data: kf.Samples
    method: object
    until: object

    @property
    def asked(self) -> str:
        return "converged" if self.until == "converged" else "time"


def positions(rng: np.random.Generator, s: int) -> tuple[str, np.ndarray]:
    kind = str(rng.choice(["even", "lopsided", "tied", "clustered", "offset", "scaled"]))
    x = rng.normal(size=s)
    if kind == "even":
        x = np.linspace(-1, 1, s)
    elif kind == "lopsided":
        x = rng.exponential(0.7, s) - 0.4
    elif kind == "tied":
        x = np.round(x, 1)
    elif kind == "clustered":
        x = np.round(x, 0) + 10.0 ** rng.uniform(-9, -1) * rng.normal(size=s)
    elif kind == "offset":
        x = x + 10.0 ** rng.uniform(1, 9)
    else:
        x = x * 10.0 ** rng.uniform(-6, 6)
    if np.unique(x).size < 2:
        x = x + np.arange(s)
    return kind, x


def values(rng: np.random.Generator, x: np.ndarray) -> np.ndarray:
    u = (x - x.mean()) / x.std()
    kind = rng.integers(6)
    y = [np.sin(3 * u) + u, rng.normal(size=x.size), 0 * x, 0 * x + 1, np.sign(u) + 0.1, np.abs(u)][kind]
    return y * 10.0 ** (rng.uniform(-6, 6) if rng.random() < 0.3 else 0.0)


def network(rng: np.random.Generator, m: int) -> tuple[str, kf.ReLUNet]:
    norm = float(rng.choice([1.0, m**0.5, m]))
    net = kf.initial.gaussian(m, rng, norm=norm)
    kind = str(rng.choice(["plain", "scaled", "tiny", "decades", "delta", "lopsided", "zero", "dead"],
                          p=[0.3, 0.15, 0.1, 0.1, 0.15, 0.1, 0.05, 0.05]))  # fmt: skip
    a, b, c = net.a, net.b, net.c
    if kind == "scaled":
        a, b, c = (10.0 ** rng.uniform(-6, 6) * v for v in (a, b, c))
    elif kind == "tiny":
        a, b, c = (10.0 ** rng.uniform(-12, -6) * v for v in (a, b, c))
    elif kind == "decades":
        a, b, c = (10.0 ** rng.uniform(-5, 5, m) * v for v in (a, b, c))
    elif kind == "lopsided":
        scale = 10.0 ** rng.uniform(-3, 3)
        a, b, c = a * scale, b * scale, c / scale
    elif kind == "zero":
        a, b, c = [(0 * a, 0 * b, c), (a, b, 0 * c), (0 * a, 0 * b, 0 * c)][rng.integers(3)]
    elif kind == "dead":
        b = np.abs(b) + 1e12
    net = net.replace(a=a, b=b, c=c)
    if kind == "delta":
        net = net.with_delta(float(rng.choice([-1, 1]) * 10.0 ** rng.uniform(-2, 4)))
    return kind, net


def method(rng: np.random.Generator, family: str) -> object:
    rtol = 10.0 ** rng.uniform(-10, -3)
    if family == "flow":
        trains = [{"a", "b", "c"}] * 3 + [{"c"}, {"a", "b"}, {"a", "b", "c", "bias"}, {"a"}, {"b", "c"}]
        return kf.GradientFlow(rtol, train=trains[rng.integers(len(trains))])
    lam = float(rng.choice([0.0, 10.0 ** rng.uniform(-4, 0)]))
    return kf.CanonicalFlow(family, lam, max(rtol, 1e-8))


def draw(seed: int, family: str) -> Problem:
    """The problem of this number."""
    rng = np.random.default_rng(seed)
    s = int(round(2 * 150 ** (rng.uniform() ** 1.5)))
    m = int(round(10 ** (4 * rng.uniform() ** 1.5)))
    while m * s > MOST or (family != "flow" and m * s > 3e3):
        m, s = max(m // 2, 1), max(s // 2, 2)
    kind, x = positions(rng, s)
    y = values(rng, x)
    start, net = network(rng, m)
    data = kf.Samples(x, y, rng.uniform(0.5, 2, s) * (10.0 ** rng.uniform(-3, 3, s) if rng.random() < 0.2 else 1.0))
    if kind in ("offset", "scaled") and rng.random() < 0.7:  # knots among the samples
        spot = rng.uniform(data.distinct.x[0], data.distinct.x[-1], m)
        net = net.replace(b=net.a * spot)
    until: object = "converged"
    if rng.random() < 0.5:
        limit = kf.stability_limit(net, data)
        until = float(10.0 ** rng.uniform(-1, 13) * (limit if np.isfinite(limit) else 1.0))
        until = min(until, 1e100)
    return Problem(seed, f"{kind}/{start} m={m} s={s}", net, data, method(rng, family), until)


def solve(problem: Problem) -> tuple[kf.Trajectory, float]:
    """The run, and its processor time."""
    timer = threading.Timer(SECONDS, os.kill, (os.getpid(), signal.SIGINT))
    began = process_time()
    timer.start()
    try:
        run = kf.evolve(problem.net, problem.data, problem.method, until=problem.until, save_at=[])
    finally:
        timer.cancel()
    return run, process_time() - began
