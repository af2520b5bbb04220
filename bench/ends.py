"""Whether every flow ends, and ends right: random problems of all scales, `python -m bench.ends [problems] [first]`.

Each line of the table is a method and what it was asked for: how often it ended for which reason, the quantiles of its
steps, taken and rejected, and of its processor time. Below stand the runs whose end is not confirmed by formulas that
share no code with the engine: see `judge`.
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
from knotflow.dynamics import flow_session

SECONDS = 60.0  # a run that takes longer is interrupted, and counts as one that does not end
STEPS = 50_000  # a run that tries more steps has no bounded number of them
FAMILIES = ("flow", "flow", "flow", "flow", "cylinder", "polar")  # of the problems, in turn
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
    s = round(2 * 150 ** (rng.uniform() ** 1.5))
    m = round(10 ** (4 * rng.uniform() ** 1.5))
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


# --- whether the end is right, by dense formulas ---------------------------------------------------------------------


def parts(net: kf.ReLUNet, data: kf.Samples) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(n, m) whether neuron i is active at sample j, and its pre-activation; (n,) weighted residuals."""
    height = np.multiply.outer(data.x, net.a) - net.b
    active = height > 0
    f = (np.where(active, height, 0.0) @ net.c) / net.norm + net.bias
    return active, height, data.weights * (f - data.y)


def hessian(net: kf.ReLUNet, data: kf.Samples, train: frozenset[str]) -> np.ndarray:
    """The Hessian of the loss in the trained of (a, b, c), where no knot is at a sample."""
    active, height, rho = parts(net, data)
    x, on = data.x[:, None], active / net.norm
    rows = [net.c * on * x, -net.c * on, on * height]
    names = [k for k, name in enumerate("abc") if name in train]
    jacobian = np.concatenate([rows[k] for k in names], axis=1)
    full = jacobian.T @ (data.weights[:, None] * jacobian)
    m, place = len(net), {k: n for n, k in enumerate(names)}
    for k, sums in ((0, rho @ (on * x)), (1, -(rho @ on))):
        if k in place and 2 in place:
            i, j = place[k] * m + np.arange(m), place[2] * m + np.arange(m)
            full[i, j] += sums
            full[j, i] += sums
    return full


def judge(problem: Problem, run: kf.Trajectory) -> str:
    """What is wrong with the run's end; nothing if it is confirmed.

    finished   the time asked for is reached
    still      no neuron is active at a sample
    saddle     the Hessian has a negative eigenvalue
    converged  carried on for as long again, or for nine times the steps, the loss falls by no more than the tolerance
               can tell, f being known to rtol times its size
    """
    end, data = run.account["end"], problem.data
    if end == "finished":
        return "" if run.times[-1] == problem.until else f"ended at {run.times[-1]:.3g}"
    if end == "still":
        return "an active neuron" if np.any(parts(run.final, data)[0]) else ""
    if end == "saddle":
        if len(problem.net) > 150:
            return ""
        return "" if np.linalg.eigvalsh(hessian(run.final, data, run.train))[0] < 0 else "no negative curvature"
    if end in ("converged", "floor"):
        further = run.resume(until=min(2 * run.times[-1], 1e300), save_at=[])
        size = max(float(np.abs(data.y).max()), float(np.abs(problem.net(data.x)).max()))
        seen = 10 * problem.method.rtol**2 * (run.loss[0] + 0.5 * data.weights.sum() * size**2)
        seen += 1e-12 * run.loss[-1]  # rounding
        fell = run.loss[-1] - further.loss[-1]
        return "" if fell <= seen else f"fell on by {fell / run.loss[0]:.2g} of the start"
    return run.message.split(" (t =")[0]


# --- the table ----------------------------------------------------------------------------------------------------


def quantiles(numbers: list[float], form: str) -> str:
    return " ".join(format(v, form) for v in np.quantile(numbers, (0.5, 0.9, 1.0)))


def report(rows: dict[str, list[tuple[str, float, float]]], wrong: list[str]) -> None:
    print(f"{'run':24} {'ends':60} {'steps: half, 90%, all':>24} {'seconds':>18}")
    for name, found in sorted(rows.items()):
        ends = ", ".join(f"{count} {end}" for end, count in Counter(end for end, _, _ in found).most_common())
        steps, seconds = [row[1] for row in found], [row[2] for row in found]
        print(f"{name:24} {ends:60} {quantiles(steps, '.0f'):>24} {quantiles(seconds, '.2f'):>18}")
    print(f"{len(wrong)} of {sum(map(len, rows.values()))} ends are not confirmed")
    print(*wrong, sep="\n")


def main() -> None:
    """Draw, solve, judge and print."""
    count, first = [int(v) for v in sys.argv[1:3]] + [2000, 0][len(sys.argv) - 1 :]
    flow_session.MOST_STEPS = STEPS
    rows: dict[str, list[tuple[str, float, float]]] = defaultdict(list)
    wrong = []
    for seed in range(first, first + count):
        family = FAMILIES[seed % len(FAMILIES)]
        problem = draw(seed, family)
        run, seconds = solve(problem)
        tries = run.account["steps"] + run.account["rejected"]
        rows[f"{family}, {problem.asked}"].append((run.account["end"], tries, seconds))
        fault = judge(problem, run)
        if fault:
            rtol = problem.method.rtol
            wrong.append(f"  {seed} {family} {problem.kind}, until {problem.until}, rtol {rtol:.1g}: {fault}")
    report(rows, wrong)


if __name__ == "__main__":
    main()
