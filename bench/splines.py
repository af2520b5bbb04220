"""Splines at a million samples beside SciPy's CubicSpline; TV and smoothing at a hundred thousand."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np
from scipy.interpolate import CubicSpline, make_smoothing_spline

import knotflow as kf
from bench.tables import Table, nanoseconds, verdict

LARGE, MEDIUM, SMALL = 1_000_000, 100_000, 1_000
MOST_TIMES, MOST_SECONDS = 3.0, 5.0


def tables(rounds: int) -> list[tuple[Table, dict]]:
    """The interpolating members against SciPy, and the penalised ones against their target."""
    return [interpolating(rounds), penalised(rounds)]


def interpolating(rounds: int) -> tuple[Table, dict]:
    """natural and weighted at s = 1e6, evaluated nowhere, beside SciPy's CubicSpline on the same arrays."""
    data = _data(LARGE)
    x, y = data.distinct.x, data.distinct.y
    times = _seconds(
        {
            "scipy CubicSpline": lambda: CubicSpline(x, y, bc_type="natural"),
            "natural": lambda: kf.splines.natural(data),
            "weighted": lambda: kf.splines.weighted(data, lambda u: 1 / (1 + u * u) ** 2),
            "linear": lambda: kf.splines.linear(data),
        },
        rounds,
    )
    rival = times["scipy CubicSpline"]
    rows = [(name, nanoseconds(1e9 * seconds), f"{seconds / rival:.3g}x") for name, seconds in times.items()]
    for row, name in enumerate(times):
        if name in ("natural", "weighted"):
            rows[row] = (*rows[row][:2], verdict(times[name] / rival, MOST_TIMES, at_most=True))
    values = {name: {"seconds": seconds, "over_scipy": seconds / rival} for name, seconds in times.items()}
    return Table(f"Interpolating splines, s={LARGE:,}", ("spline", "time", "beside SciPy"), tuple(rows)), values


def penalised(rounds: int) -> tuple[Table, dict]:
    """tv over lam from nearly interpolating to nearly straight, and smoothing, at s = 1e5."""
    data, rows, values = _data(MEDIUM), [], {}
    for lam in (1e-6, 1e-4, 1e-2, 1.0, 100.0):
        found = kf.splines.tv(data, lam)
        seconds = _seconds({"tv": lambda lam=lam: kf.splines.tv(data, lam)}, rounds)["tv"]
        share = found.gap / found.objective
        note = f"{len(found.knots):,} knots, gap {share:.0e} of the objective"
        shown = verdict(seconds / MOST_SECONDS, 1.0, at_most=True)
        rows.append((f"tv, lam={lam:g}", nanoseconds(1e9 * seconds), f"{shown} of {MOST_SECONDS:g} s; {note}"))
        values[f"tv {lam:g}"] = {"seconds": seconds, "knots": len(found.knots), "gap": share}
    seconds = _seconds({"one": lambda: kf.splines.smoothing(data, penalty=1e-4)}, rounds)["one"]
    rows.append(("smoothing, penalty given", nanoseconds(1e9 * seconds), "with its degrees of freedom"))
    values["smoothing"] = {"seconds": seconds}
    small = _data(SMALL)
    both = _seconds(
        {
            "ours": lambda: kf.splines.smoothing(small),
            "scipy": lambda: make_smoothing_spline(small.x, small.y),
        },
        1,
    )
    times = f"SciPy {nanoseconds(1e9 * both['scipy'])}: {both['scipy'] / both['ours']:.3g}x faster"
    rows.append((f"smoothing, penalty chosen, s={SMALL:,}", nanoseconds(1e9 * both["ours"]), times))
    values["smoothing chosen"] = both
    return Table(f"Penalised splines, s={MEDIUM:,}", ("spline", "time", "note"), tuple(rows)), values


def _data(s: int) -> kf.Samples:
    """s uneven places of a wave with a corner, and noise."""
    rng = np.random.default_rng(0)
    x = np.sort(rng.uniform(-1, 1, s))
    data = kf.Samples(x, np.sin(8 * x) + np.abs(x - 0.3) + 0.2 * rng.standard_normal(s))
    assert len(data.distinct.x) == s  # and computed once, before the clock starts
    return data


def _seconds(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each call over interleaved rounds, after one that compiles."""
    turns: list[dict[str, float]] = []
    for _ in range(rounds + 1):
        turn = {}
        for name, call in calls.items():
            start = perf_counter()
            call()
            turn[name] = perf_counter() - start
        turns.append(turn)
    return {name: median(turn[name] for turn in turns[1:]) for name in calls}
