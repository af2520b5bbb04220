"""The exact flow against knotflow's own descent at equal error: a grid over neurons, samples and times.

Error: of f on a fine grid over the data, relative to the largest |y|, against a flow with a tolerance that is finer
than all others. Descent's error is proportional to its step: two steps give the line, and the line the step and the
time for each error. Where descent cannot be run to the end its stability bound gives a lower bound for its time. The
flow is run with the loosest of a few tolerances that meets the error.
"""

from __future__ import annotations

from dataclasses import dataclass
from time import process_time

import numpy as np

import knotflow as kf

WIDTHS, SAMPLES, BOUNDS = (1_000, 10_000, 100_000), (10, 100, 300, 1_000), (50, 200, 2_000, 1_000_000)
ERRORS = (1e-3, 1e-5, 1e-7)
TOLERANCES = (1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6, 3e-7, 1e-7, 3e-8, 1e-8)
TRUTH = 1e-9
# Descent's steps as parts of its stability bound, and the most steps of one run.
PARTS, MOST_STEPS = (4, 16), 200_000


@dataclass(frozen=True)
class Cell:
    """What one problem took: seconds of the flow and of descent by error, events and steps at the finest tolerance."""

    flow: dict[float, float]
    descent: dict[float, float]
    least: bool  # whether descent's are lower bounds
    events: int
    cheapest: float  # seconds an event, over all tolerances


def problem(m: int, s: int) -> tuple[kf.ReLUNet, kf.Samples]:
    rng = np.random.default_rng(1)
    a, b, c = rng.uniform(-1, 1, (3, m))
    x = np.sort(rng.uniform(-1, 1, s))
    return kf.ReLUNet(a, b, c, norm=m**0.5), kf.Samples(x, np.sin(6 * x) + 0.1 * rng.normal(size=s))


def timed(net: kf.ReLUNet, data: kf.Samples, method, **until) -> tuple[float, kf.Trajectory]:
    """Processor seconds of a run without saves, and the run."""
    began = process_time()
    run = kf.evolve(net, data, method, save_at=[], **until)
    return process_time() - began, run


def cell(m: int, s: int, bounds: int) -> Cell:
    net, data = problem(m, s)
    limit, grid = kf.stability_limit(net, data), np.linspace(*data.range, 801)
    truth = timed(net, data, kf.GradientFlow(TRUTH), until=bounds * limit)[1]
    height = float(np.abs(data.y).max())

    def error(run: kf.Trajectory) -> float:
        return float(np.abs(run.final(grid) - truth.final(grid)).max()) / height

    flow, cheapest = {}, np.inf
    wanted = list(ERRORS)
    for rtol in TOLERANCES:
        took, run = timed(net, data, kf.GradientFlow(rtol), until=bounds * limit)
        cheapest = min(cheapest, took / max(run.events.size, 1))
        while wanted and error(run) <= wanted[0]:
            flow[wanted.pop(0)] = took
        if not wanted:
            break
    if bounds * max(PARTS) <= MOST_STEPS:
        runs = [timed(net, data, kf.GradientDescent(limit / part), steps=bounds * part) for part in PARTS]
        off = [error(run) for _, run in runs]
        slope = np.log(off[0] / off[1]) / np.log(PARTS[1] / PARTS[0])
        each = runs[1][0] / (bounds * PARTS[1])
        parts = {e: max(PARTS[1] * (off[1] / e) ** (1 / slope), 1.0) for e in ERRORS}
        descent, least = {e: bounds * part * each for e, part in parts.items()}, False
    else:
        took, _ = timed(net, data, kf.GradientDescent(limit), steps=MOST_STEPS // 10)
        descent, least = dict.fromkeys(ERRORS, bounds * took / (MOST_STEPS // 10)), True
    return Cell(flow, descent, least, int(truth.events.size), cheapest)
