"""How long the first call of each entry point takes: with no compiled code on disk, and in the next process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass

from bench.tables import Table

# Run in a fresh process. CPU seconds of the whole process, wall seconds of import and call, functions compiled.
_SCRIPT = """
import json, resource
from time import perf_counter
began = perf_counter()
import numpy as np
import knotflow as kf
x = np.linspace(-1.0, 1.0, 12)
data = kf.Samples(x, np.sin(4 * x) + x)
def start(m, norm=1.0):
    return kf.initial.pytorch(m, np.random.default_rng(0), norm=norm)
{call}
wall = perf_counter() - began
from knotflow.engine import compiled
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({{"wall": wall, "cpu": used.ru_utime + used.ru_stime, "compiled": compiled.misses()}}))
"""


# What numba needs for any call at all: its import, and the tables that it fills before the first.
_SMALLEST = "from knotflow.engine import arcs; arcs.find_arcs(np.ones(2), np.zeros(2), x, np.zeros(2, np.int32))"


@dataclass(frozen=True)
class Start:
    """An entry point, its first call, and the goal for a cold start in seconds of one core."""

    name: str
    call: str
    cold: float | None
    warm: float | None = None


STARTS = (
    Start("descent, 50 neurons", "kf.evolve(start(50), data, kf.GradientDescent(1e-3), steps=100)", 8, 0.5),
    Start("descent, 1,000 neurons", "kf.evolve(start(1000), data, kf.GradientDescent(1e-3), steps=100)", 8, 0.5),
    Start("Adam", "kf.evolve(start(50), data, kf.Adam(1e-3), steps=100)", 8),
    Start("exact flow", "kf.evolve(start(50), data, kf.GradientFlow(), until=1.0)", 15, 0.5),
    Start("canonical flow", "kf.evolve(start(50), data, kf.CanonicalFlow(), until=1.0)", 15),
    Start("mean-field flow", "kf.evolve(start(50), data, kf.MeanFieldFlow(), until=1.0)", 15),
    Start("piecewise fit", "kf.segmented.optimal(data, 3)", 4),
    Start("continuous piecewise fit", "kf.segmented.optimal(data, 3, continuous=True)", None),
    Start("smoothing spline", "kf.splines.smoothing(data)", None),
    Start("TV spline", "kf.splines.tv(data, 0.1)", None),
    Start("kernel interpolation", 'kf.kernels.interpolate(kf.kernels.rf("uniform"), data)', None),
    Start("sharpness", "kf.landscape.sharpness(start(50), data)", None),
    Start("numba itself: one small function", _SMALLEST, None),
)


def measure(start: Start) -> dict[str, dict[str, float]]:
    """The first call of a process without compiled code on disk, and that of the next process."""
    with tempfile.TemporaryDirectory() as cache:
        return {"cold": _process(start.call, cache), "warm": _process(start.call, cache)}


def _process(call: str, cache: str) -> dict[str, float]:
    answer = subprocess.run(
        [sys.executable, "-c", _SCRIPT.format(call=call)],
        env={**os.environ, "NUMBA_CACHE_DIR": cache},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(answer.stdout)


def table() -> tuple[Table, dict]:
    """Cold and warm starts of every entry point beside their goals."""
    values = {start.name: measure(start) for start in STARTS}
    rows = tuple(_row(start, values[start.name]) for start in STARTS)
    columns = ("first call, with imports", "nothing compiled", "functions", "compiled before", "goals")
    return Table("First calls: seconds of the processor, and of the clock", columns, rows), values


def _row(start: Start, value: dict[str, dict[str, float]]) -> tuple[str, ...]:
    cold, warm = value["cold"], value["warm"]
    goals = [_met(cold["cpu"], start.cold, "cold"), _met(warm["wall"], start.warm, "warm")]
    return (
        start.name,
        f"{cold['cpu']:.1f} s, {cold['wall']:.1f} s",
        f"{cold['compiled']}",
        f"{warm['cpu']:.2f} s, {warm['wall']:.2f} s",
        "; ".join(goal for goal in goals if goal) or "-",
    )


def _met(seconds: float, goal: float | None, name: str) -> str:
    return "" if goal is None else f"{name} under {goal:g} s: {'yes' if seconds < goal else 'NO'}"
