"""Small experiments for the tests, importable by the workers."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from knotflow_papers import Check, Experiment, Paper, chosen, printed, product
from knotflow_papers.reproduction.registry import registered

PAPER = Paper("toy2001", "Toy (2001)", "A toy", "nowhere", 2001, "https://example.org")


def trials(p):
    return product(m=p.m, seed=range(p.seeds))


def run(p, trial):
    log = Path(p.log)
    with log.open("a") as file:
        file.write(f"{trial['m']} {trial['seed']}\n")
    if trial["m"] == 7 and log.with_suffix(".broken").exists():
        raise RuntimeError("this trial is broken on purpose")
    draws = np.random.default_rng([trial["m"], trial["seed"]]).standard_normal((trial["m"], 400))
    gram = draws @ draws.T  # BLAS, whose sums depend on its number of threads
    return {
        "x": ("x", np.arange(3.0)),
        "f": ("x", p.scale * gram[0, :3]),
        "rows": ("row", gram.sum(1)),
        "threads": int(os.environ["NUMBA_NUM_THREADS"]),
        "process": os.getpid(),
    }


def draw(p, data):
    figure = Figure(figsize=(2, 2))
    figure.add_subplot().plot(data.x, data.f.isel(m=0, seed=0))
    return figure


def cannot_draw(p, data):
    raise ZeroDivisionError("no picture")


def check(p, data):
    return [
        Check.below("largest f", float(abs(data.f).max()), 1e6),
        Check.above("smallest f", float(abs(data.f).min()), 1e6, printed=True),
    ]


def toy(log, *, m=(5, 7), scale=1.0, version=1):
    parameters = {
        "m": printed(m, "table 1", quick=(4,)),
        "seeds": chosen(2, "enough", quick=1),
        "scale": chosen(scale, "as it comes"),
        "log": chosen(str(log), "where calls are counted"),
    }
    return registered(
        Experiment(
            item="Figure 2",
            title="a toy",
            claim="Sums are sums.",
            citation="section 1",
            parameters=parameters,
            trials=trials,
            run=run,
            draw=draw,
            check=check,
            version=version,
        ),
        PAPER,
    )
