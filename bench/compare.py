"""This run beside a former one, cell by cell: which times changed by more than the noise of a few per cent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.tables import Table

NOTICED = 1.03  # a cell that is slower, or faster, by this factor is listed
# Keys of numbers that are no times, and of those of rivals and of the machine.
_TIMES = ("ns", "seconds", "_s", "start", "warm", "wall", "cpu", "solve", "Adam", "SGD")
_OTHERS = ("torch", "jax", "floor", "dense_ns", "ruptures", "scipy", "SciPy", "descent", "exponent", "sizes", "error")


def load(path: Path) -> dict[str, Any] | None:
    """The numbers of a former run, if there are any."""
    return json.loads(path.read_text()) if path.exists() else None


def table(before: Mapping[str, Any], now: Mapping[str, Any]) -> Table:
    """Every time of both runs that changed noticeably, the slower first; times of rivals and floors are left out."""
    old = dict(_numbers(before))
    both = [(path, old[path], value) for path, value in _numbers(now) if old.get(path)]
    changed = [each for each in both if not 1 / NOTICED <= each[2] / each[1] <= NOTICED]
    changed.sort(key=lambda each: each[1] / each[2])
    rows = tuple((path, f"{was:.4g}", f"{value:.4g}", f"{value / was:.2f}x") for path, was, value in changed)
    columns = ("what", "before", "now", "now / before")
    return Table(f"Beside the former run: {len(changed)} of {len(both)} times changed by over 3%", columns, rows)


def _numbers(value: Any, path: str = "") -> Iterator[tuple[str, float]]:
    """Every time in nested results, with its address."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not any(other in str(key) for other in _OTHERS):
                yield from _numbers(inner, f"{path} / {key}" if path else str(key))
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for k, inner in enumerate(value):
            yield from _numbers(inner, f"{path} [{_name(inner, k)}]")
    elif _is_time(path.rsplit("/", 1)[-1], value):
        yield path, float(value)


def _is_time(key: str, value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0
    return number and any(time in key for time in _TIMES)


def _name(value: Any, k: int) -> str:
    """What tells an entry of a list from the others."""
    case = value.get("case") if isinstance(value, Mapping) else None
    if not case:
        return str(k)
    return f"m={case['m']} s={case['s']}{' norm sqrt m' * bool(case['scaled'])}{' delta' * (case['delta'] is not None)}"
