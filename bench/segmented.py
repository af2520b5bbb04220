"""Optimal and greedy piecewise linear fits: beside ruptures, and at the sizes that are promised."""

from __future__ import annotations

from time import perf_counter

import numpy as np

import knotflow as kf
from bench.tables import Table, nanoseconds, verdict

RIVAL_SAMPLES, RIVAL_PIECES = 1_000, 10
LARGE_SAMPLES, LARGE_PIECES = 20_000, 50
GREEDY_SAMPLES, GREEDY_PIECES = 1_000_000, 50
FASTER, LARGE_SECONDS, GREEDY_SECONDS, CHOICE_SECONDS = 500, 60, 2, 2


def tables(rounds: int) -> list[tuple[Table, dict]]:
    """One table: every fit with its time, its target, and the error that the rival or the guarantee allows."""
    rows, values = [], {}
    for measure in (_beside_ruptures, _all_pieces, _constrained, _cross_validated, _greedy):
        row, value = measure(rounds)
        rows.append(row)
        values |= value
    columns = ("fit", "knotflow", "against", "verdict", "error")
    return [(Table("Piecewise linear fits", columns, tuple(rows)), values)]


def samples(n: int) -> kf.Samples:
    """A noisy wave: no partition is much better than all others, so that little can be pruned."""
    rng = np.random.default_rng(0)
    x = np.linspace(-2, 2, n)
    return kf.Samples(x, np.sin(6 * x) + 0.1 * rng.standard_normal(n))


def _best(rounds: int, call):
    """Seconds of the fastest of `rounds` calls, and what the last one returned."""
    times = []
    for _ in range(max(rounds, 1)):
        start = perf_counter()
        result = call()
        times.append(perf_counter() - start)
    return min(times), result


def _beside_ruptures(rounds: int):
    """The same optimum, found by ruptures with its linear model, in one run of it: it takes half a minute."""
    import ruptures

    data = samples(RIVAL_SAMPLES)
    kf.segmented.optimal(samples(50), 3)  # compile
    ours, fit = _best(rounds, lambda: kf.segmented.optimal(data, RIVAL_PIECES, min_length=2))
    signal = np.stack([data.y, data.x, np.ones(len(data))], axis=1)

    def theirs():
        rival = ruptures.Dynp(model="linear", min_size=2, jump=1).fit(signal)
        return rival.cost.sum_of_costs(rival.predict(n_bkps=RIVAL_PIECES - 1))

    rival, error = _best(1, theirs)
    name = f"optimal, n={RIVAL_SAMPLES:,}, k={RIVAL_PIECES}"
    result = f"{fit.error:.6g}; ruptures {error:.6g}"
    row = (name, _time(ours), f"ruptures Dynp {_time(rival)}", verdict(rival / ours, FASTER, at_most=False), result)
    return row, {"optimal": {"seconds": ours, "ruptures": rival, "error": fit.error, "ruptures_error": error}}


def _all_pieces(rounds: int):
    data = samples(LARGE_SAMPLES)
    seconds, fits = _best(min(rounds, 2), lambda: kf.segmented.path(data, LARGE_PIECES))
    name = f"path, n={LARGE_SAMPLES:,}, k=1..{LARGE_PIECES}"
    share = verdict(seconds / LARGE_SECONDS, 1, at_most=True)
    row = (name, _time(seconds), f"{LARGE_SECONDS} s", share, f"{fits[-1].error:.6g}")
    return row, {"path": {"seconds": seconds, "error": fits[-1].error}}


def _constrained(rounds: int):
    """The fit whose pieces meet, for information; beside the one whose pieces need not."""
    data = samples(RIVAL_SAMPLES)
    kf.segmented.optimal(samples(50), 3, continuous=True)
    seconds, fit = _best(1, lambda: kf.segmented.optimal(data, RIVAL_PIECES, continuous=True))
    free = kf.segmented.optimal(data, RIVAL_PIECES)
    name = f"optimal, continuous, n={RIVAL_SAMPLES:,}, k={RIVAL_PIECES}"
    row = (name, _time(seconds), "-", "-", f"{fit.error:.6g}; separate {free.error:.6g}")
    return row, {"continuous": {"seconds": seconds, "error": fit.error, "separate_error": free.error}}


def _cross_validated(rounds: int):
    """The number of pieces that meet, by cross-validation."""
    data, options = samples(RIVAL_SAMPLES), {"rule": "cv", "continuous": True}
    kf.segmented.choose(samples(300), 3, **options)
    seconds, fit = _best(min(rounds, 2), lambda: kf.segmented.choose(data, RIVAL_PIECES, **options))
    name = f"choose, cv, continuous, n={RIVAL_SAMPLES:,}, k=1..{RIVAL_PIECES}"
    share = verdict(seconds / CHOICE_SECONDS, 1, at_most=True)
    row = (name, _time(seconds), f"{CHOICE_SECONDS} s", share, f"{fit.error:.6g} with {fit.pieces} pieces")
    return row, {"choose": {"seconds": seconds, "error": fit.error, "pieces": fit.pieces}}


def _greedy(rounds: int):
    data = samples(GREEDY_SAMPLES)
    seconds, fit = _best(rounds, lambda: kf.segmented.greedy(data, GREEDY_PIECES))
    name = f"greedy, n={GREEDY_SAMPLES:,}, k={GREEDY_PIECES}"
    share = verdict(seconds / GREEDY_SECONDS, 1, at_most=True)
    row = (name, _time(seconds), f"{GREEDY_SECONDS} s", share, f"{fit.error:.6g} with {fit.pieces} pieces")
    return row, {"greedy": {"seconds": seconds, "error": fit.error, "pieces": fit.pieces}}


def _time(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds >= 1 else nanoseconds(1e9 * seconds)
