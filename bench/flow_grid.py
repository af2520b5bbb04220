"""The exact flow against knotflow's own descent at equal error: a grid over neurons, samples and times.

Error: of f on a fine grid over the data, relative to the largest |y|, against a flow with a tolerance that is finer
than all others. Descent's error is about proportional to its step: two steps give the line, and the line the step and
the time for each error. Where descent cannot be run to the end its stability bound gives a lower bound for its time.
The flow is run with the loosest of a few tolerances that meets the error.
"""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass
from time import process_time

import numpy as np
from rich.console import Console

import knotflow as kf
from bench.tables import Table, nanoseconds

WIDTHS, SAMPLES, BOUNDS = (1_000, 10_000, 100_000), (10, 100, 300, 1_000), (50, 200, 2_000, 1_000_000)
ERRORS = (1e-3, 1e-5, 1e-7)
TOLERANCES = (1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6, 3e-7, 1e-7, 3e-8, 1e-8)
TRUTH, FIXED = 1e-9, 1e-6
# Descent's steps as parts of its stability bound, and the most steps of one run.
PARTS, MOST_STEPS = (8, 32), 100_000


@dataclass(frozen=True)
class Cell:
    """What one problem took: seconds of the flow and of descent by error, events and steps at the finest tolerance."""

    flow: dict[float, float]
    descent: dict[float, float]
    least: bool  # whether descent's are lower bounds
    events: int
    steps: int  # at the tolerance FIXED
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
        slope = np.clip(np.log(off[0] / off[1]) / np.log(PARTS[1] / PARTS[0]), 0.8, 1.2)
        each = runs[1][0] / (bounds * PARTS[1])
        parts = {e: max(PARTS[1] * (off[1] / e) ** (1 / slope), 1.0) for e in ERRORS}
        descent, least = {e: bounds * part * each for e, part in parts.items()}, False
    else:
        took, _ = timed(net, data, kf.GradientDescent(limit), steps=MOST_STEPS // 10)
        descent, least = dict.fromkeys(ERRORS, bounds * took / (MOST_STEPS // 10)), True
    steps = int(timed(net, data, kf.GradientFlow(FIXED), until=bounds * limit)[1].steps[-1])
    return Cell(flow, descent, least, int(truth.events.size), steps, cheapest)


def grid(widths=WIDTHS, samples=SAMPLES, bounds=BOUNDS) -> dict[tuple[int, int, int], Cell]:
    """All cells, by (m, s, bounds)."""
    return {(m, s, n): cell(m, s, n) for m in widths for s in samples for n in bounds}


def entry(found: Cell, error: float) -> str:
    """How many times faster the flow is; "floor": descent over the events at their cheapest."""
    if error not in found.flow:
        return "-"
    ratio = found.descent[error] / found.flow[error]
    floor = found.descent[error] / max(found.events * found.cheapest, 1e-9)
    text = f"{'>= ' if found.least else ''}{ratio:.2g}x"
    return text if ratio >= 3 or error > 1e-4 else f"{text} (floor {floor:.2g}x)"


def heat(cells: dict[tuple[int, int, int], Cell]) -> Table:
    """Ratios by m, s and time for each error."""
    rows = []
    for (m, s, n), found in cells.items():
        each = nanoseconds(1e9 * found.cheapest)
        ratios = (entry(found, error) for error in ERRORS)
        rows.append((f"{m:,}", f"{s:,}", f"{n:,}", f"{found.events:,}", each, *ratios))
    columns = ("m", "s", "stability bounds", "events", "an event", *(f"error {e:g}" for e in ERRORS))
    return Table("How many times faster the flow is than descent that ends as close to it", columns, tuple(rows))


def growth(cells: dict[tuple[int, int, int], Cell]) -> dict[str, float]:
    """Exponents: cost of an event over s, steps over events, at fixed tolerance and time."""
    shortest = min(n for _, _, n in cells)
    some = [(s, c) for (_, s, n), c in cells.items() if n == shortest and c.events > 0]
    by_s = np.polyfit(np.log([s for s, _ in some]), np.log([c.cheapest for _, c in some]), 1)[0]
    steps = np.polyfit(np.log([c.events for _, c in some]), np.log([c.steps for _, c in some]), 1)[0]
    return {"cost of an event over s": float(by_s), f"steps over events at rtol {FIXED:g}": float(steps)}


def tables(rounds: int) -> list[tuple[Table, dict]]:
    """The part of the grid that takes a minute; `python -m bench.flow_grid` is the whole."""
    widths, samples = ((1_000,), (10, 100)) if rounds <= 2 else ((1_000, 10_000), (10, 100, 300))
    kf.evolve(*problem(50, 12), kf.GradientFlow(1e-3), until=1.0)  # compiles
    kf.evolve(*problem(500, 100), kf.GradientDescent(1e-4), steps=10)
    cells = grid(widths, samples, BOUNDS[:3])
    values = {" ".join(map(str, key)): asdict(found) for key, found in cells.items()}
    lines = tuple((name, f"{value:.2f}") for name, value in growth(cells).items())
    return [
        (heat(cells), values),
        (Table("How the flow's cost grows", ("exponent of", ""), lines), dict(growth(cells))),
    ]


def main() -> None:
    """The whole grid, each row as it is found."""
    warnings.simplefilter("ignore", kf.StabilityWarning)
    console = Console()
    tables(2)
    for m in WIDTHS:
        for s in SAMPLES:
            heat(grid((m,), (s,))).show(console)


if __name__ == "__main__":
    main()
