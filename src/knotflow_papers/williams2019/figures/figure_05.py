"""Figure 5 (arXiv; 4 at NeurIPS): from smooth to adaptive as delta grows, on a sinusoid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import knotflow as kf
from knotflow.plots import style
from knotflow_papers import Check, Descent, Settings, Trial, chosen, experiment, printed, product
from knotflow_papers.reproduction import panels
from knotflow_papers.williams2019.setup import (
    at_delta,
    descend,
    flow_to_end,
    measured,
    network,
    sinusoid,
    stored,
)

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

PARAMETERS = {
    "delta": chosen((-np.inf, -10.0, 0.0, 10.0, np.inf), "the paper prints the ends; the values between are ours"),
    "epochs": printed(10_000, "caption", quick=2000),
    "samples": chosen(10, "as in the other experiments; the paper does not say"),
    "m": chosen(200, "the paper does not say"),
    "safety": chosen(
        0.5,
        "learning rate, in parts of the stability bound at the start or, if smaller, at the end of "
        "the exact flow; 0.9 where c alone is trained",
    ),
    "draws": chosen(10, "starts over which numbers are averaged", quick=2),
}


def trials(p: Settings) -> list[dict[str, Any]]:
    return product(delta=p.delta, seed=range(p.draws))


def run(p: Settings, trial: Trial) -> dict[str, Any]:
    data = sinusoid(p.samples)
    rng = np.random.default_rng([5, trial["seed"]])
    start, train = at_delta(kf.initial.pytorch(p.m, rng, norm=np.sqrt(p.m)).replace(bias=0.0), trial["delta"])
    flow = flow_to_end(start, data, train, save_at=[]).final
    descent = descend(start, data, train, p.epochs, p.safety, flow).final
    return {
        **measured(descent, data, start, "descent_"),
        **measured(flow, data, start, "flow_"),
        **stored(descent, "descent_"),
        **stored(flow, "flow_"),
    }


def check(p: Settings, data: xr.Dataset) -> list[Check]:
    mean = data.mean("seed")
    near, bends, even = mean.flow_near.values, mean.flow_bends.values, float(mean.flow_even[0])
    return [
        Check.below("places of bending at the flow's end, δ = +∞ in parts of δ = −∞,", bends[-1] / bends[0], 0.5),
        Check.below("way of the knots at δ = −∞", float(mean.flow_moved[0]), 1e-12),
        Check.below(f"knots at samples at δ = −∞, less the {even:.2f} of even knots,", near[0] - even, 0.1),
        Check.above("knots at samples at δ = +∞, in times those at δ = −∞,", near[-1] / near[0], 2.0),
        Check.below("loss of the flow's end, at its largest", float(data.flow_loss.max()), 1e-6),
        Check.below(
            f"mean loss after {p.epochs:,} epochs of descent, at the worst δ,",
            float(mean.descent_loss.max()),
            1e-2,
            printed=True,
        ),
    ]


def draw(p: Settings, data: xr.Dataset) -> Figure:
    samples = sinusoid(p.samples)
    figure, axes = panels.grid(3, len(p.delta), panel=(2.6, 2.45))
    for column, delta in zip(axes.T, p.delta, strict=True):
        one = data.sel(delta=delta).isel(seed=0)
        for ax, way in zip(column, ("descent", "flow"), strict=False):
            panels.splines(ax, samples)
            panels.samples(ax, samples)
            panels.function(ax, network(one, f"{way}_"), style.widened(*samples.range, 0.04))
            ax.set_ylim(-1.7, 1.7)
        panels.title(column[0], f"δ = {panels.signed(delta)}")
        panels.plane(column[2], network(one, "flow_"), samples)
        style.label_axes(column[1], "$x$", "")
        style.label_axes(column[2], "$u$", "")
    style.label_axes(axes[0, 0], "", f"descent,\n{p.epochs:,} epochs")
    style.label_axes(axes[1, 0], "$x$", "exact flow,\nto its end")
    style.label_axes(axes[2, 0], "$u$", "exact flow, $v$")
    panels.legend(
        figure,
        [panels.NETWORK_LINE, panels.CUBIC_LINE, panels.LINEAR_LINE, panels.DATA_DOT, panels.UP_DOT, panels.DOWN_DOT],
    )
    return figure


def table(p: Settings, data: xr.Dataset) -> tuple[list[str], list[list[str]]]:
    mean = data.mean("seed")
    header = [
        "δ",
        "loss, descent",
        "loss, flow",
        "knots at samples, flow",
        "places of bending, flow",
        "way of the knots",
    ]
    rows = [
        [
            panels.signed(delta),
            *(
                f"{float(one[name]):.3g}"
                for name in ("descent_loss", "flow_loss", "flow_near", "flow_bends", "flow_moved")
            ),
        ]
        for delta in p.delta
        for one in [mean.sel(delta=delta)]
    ]
    return header, rows


def descents(p: Settings) -> list[Descent]:
    return [Descent(p.m, p.samples, p.epochs, p.draws * len(p.delta))]


EXPERIMENT = experiment(
    __name__,
    item="Figure 5",
    title="from smooth to adaptive as δ grows",
    claim="As δ varies, the network goes from smooth and non-adaptive in the kernel regime (δ = −∞, training c only) "
    "to very adaptive (δ = +∞, training a and b only), and clusters of knots emerge at the samples.",
    where="Section 3.3, Network Dynamics as a Function of δ; Figure 4 at NeurIPS, 5 on arXiv",
    note="Descent in the stated number of epochs does not reach the data at every δ; the exact gradient flow from the "
    "same starts, carried to its end, does. Numbers are means over the starts; the pictures show the first.",
)
