"""The picture of the README: one function at the start, two values of delta, followed by the exact flow.

.venv/bin/python docs/picture.py        # writes docs/regimes.png
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import knotflow as kf
from knotflow.plots import style

DELTAS = {"δ = −10,000: the kernel regime": -1e4, "δ = 1: the adaptive regime": 1.0}


def main() -> None:
    """Draw it."""
    x = np.linspace(-1, 1, 10)
    data = kf.Samples(x, np.sign(np.sin(2 * np.pi * x + 0.4)))
    start = kf.initial.gaussian(200, np.random.default_rng(4), norm=200**0.5)
    figure = Figure(figsize=(11.5, 7.4), dpi=100, layout=style.layout())
    axes = figure.subplots(2, 2)
    for (title, delta), (above, below) in zip(DELTAS.items(), axes.T, strict=True):
        run = kf.evolve(start.with_delta(delta), data, kf.GradientFlow(1e-6), until=3000.0)
        kf.plots.fit_plot(run.final, data, ax=above)
        kf.plots.knot_paths(run, ax=below)
        above.set_ylim(-2.3, 2.3)
        above.annotate(title, (0.02, 0.02), xycoords="axes fraction", fontsize=13, color=style.INK)
    figure.savefig(Path(__file__).with_name("regimes.png"))


if __name__ == "__main__":
    main()
