"""Figure 7: one function to start from, and two very different fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import knotflow as kf
from knotflow.plots import style
from knotflow_papers import Check, Descent, Settings, Trial, chosen, experiment, printed
from knotflow_papers.reproduction import panels
from knotflow_papers.williams2019.setup import descend, flow_to_end, measured, network, square_wave, stored

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

PARAMETERS = {
    "scale": printed((1.0, 1e3), "caption: (10³ a, 10³ b, 10⁻³ c)"),
    "epochs": printed(10_000, "caption", quick=3000),
    "samples": chosen(10, "of the square wave, as in Figure 6"),
    "m": chosen(200, "the paper does not say"),
    "delta": chosen(1.0, "of the start that is not rescaled, so that it is adaptive; the paper does not say"),
    "safety": chosen(
        0.5,
        "learning rate, in parts of the stability bound at the start or, if smaller, at the end of "
        "the exact flow; 0.9 where c alone is trained",
    ),
    "seed": chosen(2, "one start is shown"),
}


def trials(p: Settings) -> list[dict[str, Any]]:
    return [{"scale": scale} for scale in p.scale]


def run(p: Settings, trial: Trial) -> dict[str, Any]:
    data, rng = square_wave(p.samples), np.random.default_rng([7, p.seed])
    net = kf.initial.pytorch(p.m, rng, norm=np.sqrt(p.m)).replace(bias=0.0)
    start = net.replace(c=6 * net.c).with_delta(p.delta).rescaled(trial["scale"])
    train = {"a", "b", "c"}
    flow = flow_to_end(start, data, train, save_at=[])
    descent = descend(start, data, train, p.epochs, p.safety, flow.final)
    return {
        **stored(start, "start_"),
        **stored(descent.final, "descent_"),
        **stored(flow.final, "flow_"),
        **measured(descent.final, data, start, "descent_"),
        **measured(flow.final, data, start, "flow_"),
        "delta_median": float(np.median(start.delta)),
    }


def check(p: Settings, data: xr.Dataset) -> list[Check]:
    x = np.linspace(-1, 1, 2001)
    begin, flow, descent = (
        [network(data.sel(scale=scale), prefix)(x) for scale in p.scale] for prefix in ("start_", "flow_", "descent_")
    )
    adaptive, kernel = (data.sel(scale=scale) for scale in p.scale)
    return [
        Check.below("distance of the two starts, as functions", _apart(*begin), 1e-9),
        Check.above(f"distance of the two fits after {p.epochs:,} epochs", _apart(*descent), 0.3),
        Check.above("distance of the two ends of the flow", _apart(*flow), 0.3),
        Check.below("median move of the knots of the rescaled network", float(kernel.flow_moved), 1e-3),
        Check.above("median move of the knots of the other", float(adaptive.flow_moved), 0.05),
        Check.below(
            "places of bending of the other, in parts of the rescaled one's",
            float(adaptive.flow_bends / kernel.flow_bends),
            0.5,
        ),
    ]


def _apart(f: np.ndarray, g: np.ndarray) -> float:
    return float(np.max(np.abs(f - g)))


def draw(p: Settings, data: xr.Dataset) -> Figure:
    samples = square_wave(p.samples)
    figure, axes = panels.grid(1, 3, panel=(4.1, 3.3))
    names = ["the start of both", "(a, b, c)", "(10³ a, 10³ b, 10⁻³ c)"]
    for ax, name, scale, prefix in zip(
        axes[0], names, (p.scale[0], *p.scale), ("start_", "flow_", "flow_"), strict=True
    ):
        one = data.sel(scale=scale)
        panels.splines(ax, samples)
        panels.samples(ax, samples)
        view = style.widened(*samples.range, 0.04)
        if prefix == "flow_":
            ink, dashes = style.PENS[1]
            panels.function(ax, network(one, "descent_"), view, knots=False, color=ink, ls=dashes, lw=1.3)
        panels.function(ax, network(one, prefix), view)
        panels.title(ax, name)
        style.label_axes(ax, "$x$", "$f(x)$")
        ax.set_ylim(-2.2, 2.2)
    ink, dashes = style.PENS[1]
    panels.legend(figure, [style.line(style.NETWORK, "network; right: end of the exact flow"),
                           panels.dashed(ink, f"after {p.epochs:,} epochs of descent", dashes), panels.CUBIC_LINE,
                           panels.LINEAR_LINE, panels.DATA_DOT, panels.UP_DOT, panels.DOWN_DOT], 4)  # fmt: skip
    return figure


def descents(p: Settings) -> list[Descent]:
    return [Descent(p.m, p.samples, p.epochs, len(p.scale))]


EXPERIMENT = experiment(
    __name__,
    item="Figure 7",
    title="one start, rescaled by 10³, and two fits",
    claim="The same initial function yields extremely different results depending on δ: (a, b, c) and "
    "(10³ a, 10³ b, 10⁻³ c) are the same function and are trained to very different fits.",
    where="Appendix D, Figure 7 on arXiv",
)
