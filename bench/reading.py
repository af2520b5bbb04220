"""Reading a million rows beside pandas, which is told how to read each file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
import pandas as pd

import knotflow as kf
from bench.tables import Table, nanoseconds, verdict

ROWS = 1_000_000
MOST_SECONDS = 1.0


def tables(rounds: int) -> list[tuple[Table, dict]]:
    """Files of a million rows, plain ones first; a file that cannot be given to pandas as it is comes last."""
    rows, values = [], {}
    with TemporaryDirectory() as folder:
        for name, (text, options) in _files().items():
            path = Path(folder) / "data.csv"
            path.write_text(text, encoding="utf-8")
            pandas = _seconds(lambda path=path, options=options: pd.read_csv(path, header=None, **options), rounds)
            ours = _seconds(lambda path=path: kf.Samples.from_csv(path), rounds)
            share = verdict(ours / MOST_SECONDS, 1.0, at_most=True)
            rows.append((name, nanoseconds(1e9 * pandas), nanoseconds(1e9 * ours), f"{share} of {MOST_SECONDS:g} s"))
            values[name] = {"pandas_seconds": pandas, "seconds": ours}
    return [(Table(f"Reading, n={ROWS:,}", ("file", "pandas", "Samples.from_csv", "note"), tuple(rows)), values)]


def _files() -> dict[str, tuple[str, dict]]:
    """Texts of the same numbers, with what pandas must be told."""
    numbers = np.random.default_rng(0).standard_normal((2, ROWS)).round(6).tolist()
    plain = "".join(f"{a!r},{b!r}\n" for a, b in zip(*numbers, strict=True))
    return {
        "commas": (plain, {}),
        "tabs and decimal commas": (plain.replace(",", "\t").replace(".", ","), {"sep": "\t", "decimal": ","}),
        "blanks": (plain.replace(",", " "), {"sep": r"\s+"}),
        "quoted": ('"' + plain.replace(",", '","').replace("\n", '"\n"').removesuffix('"'), {}),
        "thousands": (
            "".join(f'{a!r},"{1e4 * abs(b):,.2f}"\n' for a, b in zip(*numbers, strict=True)),
            {"thousands": ","},
        ),
    }


def _seconds(call: Callable[[], object], rounds: int) -> float:
    """The median over some rounds, after one that warms up."""
    times = []
    for _ in range(rounds + 1):
        start = perf_counter()
        call()
        times.append(perf_counter() - start)
    return median(times[1:])
