"""Figure 11: two targets with a jump, and a gap in the data around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import knotflow as kf
from knotflow.plots import style
from knotflow_papers import Check, Settings, Trial, chosen, experiment, printed
from knotflow_papers.reproduction import panels
from knotflow_papers.sahs2022 import gap

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

PARAMETERS = {
    "cases": printed(tuple(gap.CASES), "caption"),
    "gap": printed(gap.GAP, "caption"),
    "each_side": chosen(16, "points on either side of the gap"),
    "m": chosen(1280, "the widest networks of Figure 10", quick=320),
    "until": chosen(1e4, "time of the exact flow from PyTorch's start", quick=300.0),
}


def trials(p: Settings) -> list[dict[str, Any]]:
    return [{"case": case} for case in p.cases]


def run(p: Settings, trial: Trial) -> dict[str, Any]:
    """Samples, a trained network's values, and how sharply a continuous function must turn in the gap."""
    samples, target = gap.samples(trial["case"], p.each_side), gap.CASES[trial["case"]]
    low, high = p.gap
    side = np.nextafter(0, [-1, 1])
    edges = target(np.array(p.gap))
    outer = [float(np.diff(target(np.array(ends)))[0] / (ends[1] - ends[0])) for ends in ((-2, low), (high, 2))]
    bridge = float(edges[1] - edges[0]) / (high - low)
    start = kf.initial.pytorch(p.m, np.random.default_rng([11, p.m]))
    net = kf.evolve(start, samples, kf.GradientFlow(), until=p.until, save_at=[]).final
    x = np.linspace(-2, 2, 401)
    cubic = kf.splines.natural(samples)
    inside = np.linspace(low, high, 201)
    return {
        "sample_x": ("sample", samples.x),
        "sample_y": ("sample", samples.y),
        "x": ("x", x),
        "network": ("x", net(x)),
        "jump": float(np.diff(target(side))[0]),
        "in_gap": float(np.sum((samples.x > low) & (samples.x < high))),
        "widest": float(np.max(np.diff(samples.x))),
        "turn": float(sum(abs(bridge - slope) for slope in outer)),
        "cubic": float(np.trapezoid(np.gradient(np.gradient(cubic(inside), inside), inside) ** 2, inside)),
        "loss": net.loss(samples),
        **{f"net_{name}": value for name, value in gap.roughness(net).items()},
    }


def check(p: Settings, data: xr.Dataset) -> list[Check]:
    smooth, sharp = (data.sel(case=case) for case in p.cases)
    return [
        Check.below("samples in the gap", float(data.in_gap.sum()), 0.5),
        Check.above("smallest jump at 0", float(data.jump.min()), 0.5),
        Check.above("change of slope that bridging needs, sharp to smooth,", float(sharp.turn / smooth.turn), 1.0),
        Check.above("∫ f″² of the cubic spline in the gap, sharp to smooth,", float(sharp.cubic / smooth.cubic), 1.0),
        Check.above(
            "∫ f″² of a trained network in the gap, sharp to smooth,",
            float(sharp.net_curvature / smooth.net_curvature),
            1.0,
        ),
        Check.below("larger loss of the trained networks", float(data.loss.max()), 0.05),
    ]


def draw(p: Settings, data: xr.Dataset) -> Figure:
    figure, axes = panels.grid(1, 2, panel=(4.9, 3.1))
    for ax, case in zip(axes[0], p.cases, strict=True):
        samples = gap.samples(case, p.each_side)
        ax.axvspan(*p.gap, color=style.FAINT, alpha=0.3, lw=0)
        for side in (np.array([-2, -1e-9]), np.array([1e-9, 2])):
            ax.plot(side, gap.CASES[case](side), color=style.DATA, lw=1.2, ls=(0, (4, 2)))
        panels.splines(ax, samples)
        ax.plot(data.x, data.network.sel(case=case), color=style.NETWORK, lw=1.5)
        panels.samples(ax, samples)
        style.label_axes(ax, "$x$", "$y$")
        panels.title(ax, f"{case} gap")
    truth = panels.dashed(style.DATA, "target", (0, (4, 2)))
    panels.legend(figure, [panels.DATA_DOT, truth, panels.NETWORK_LINE, panels.CUBIC_LINE, panels.LINEAR_LINE])
    return figure


EXPERIMENT = experiment(
    __name__,
    item="Figure 11",
    title="targets with a jump and a data gap",
    claim="Of two discontinuous targets without data in [−0.5, 0.5], one is easily bridged, the other needs a sharper "
    "turn.",
    where="section 3.4, Figure 11",
    note="The paper prints no formulas: x/2 + sign(x)/2 and −x/2 + 3 sign(x)/2 are chosen. In addition to the data: a"
    " trained network and the two splines.",
)
