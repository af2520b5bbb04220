"""What the same training would take in PyTorch, from a measured time per step."""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec

from knotflow_papers.reproduction.experiment import Descent

_STEPS = 40


def available() -> bool:
    """Whether PyTorch is installed."""
    return find_spec("torch") is not None


@cache
def step_seconds(m: int, s: int) -> float:
    """The median time of a full-batch step of torch.optim.SGD on Linear(1, m), ReLU, Linear(m, 1) in float64."""
    import torch

    model = torch.nn.Sequential(torch.nn.Linear(1, m), torch.nn.ReLU(), torch.nn.Linear(m, 1)).double()
    descent = torch.optim.SGD(model.parameters(), lr=1e-9)
    x = torch.linspace(-1, 1, s, dtype=torch.float64)[:, None]
    times = []
    for _ in range(_STEPS):
        began = time.perf_counter()
        descent.zero_grad()
        (0.5 * (model(x) - x).square().sum()).backward()
        descent.step()
        times.append(time.perf_counter() - began)
    return sorted(times[3:])[(_STEPS - 3) // 2]


def sentence(descents: Iterable[Descent], ours: float) -> str | None:
    """The estimate in words, or None without PyTorch."""
    runs = list(descents)
    if not runs or not available():
        return None
    per_step = [step_seconds(run.m, run.s) for run in runs]
    total = sum(run.steps * run.runs * each for run, each in zip(runs, per_step, strict=True))
    steps = sum(run.steps * run.runs for run in runs)
    low, high = 1e6 * min(per_step), 1e6 * max(per_step)
    each = f"{low:.0f} µs" if high < 1.2 * low else f"{low:.0f} to {high:.0f} µs"
    return (
        f"The {steps:,} steps of descent would take {_words(total)} in PyTorch, at {each} a step as measured here; "
        f"all trials here, descent or not, took {_words(ours)} of processor time."
    )


def _words(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.1f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
