"""Figure 6: 1000 neurons at delta = -inf and +inf, and their paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import knotflow as kf
from knotflow.plots import style
from knotflow_papers import Check, Descent, Settings, Trial, chosen, experiment, printed
from knotflow_papers.reproduction import panels
from knotflow_papers.williams2019.setup import at_delta, descend, flow_to_end, measured, network, square_wave, stored

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PARAMETERS = {
    "m": printed(1000, "caption", quick=300),
    "delta": printed((-np.inf, np.inf), "caption"),
    "samples": printed(10, "caption: 10 points sampled from a square wave"),
    "epochs": printed(10_000, "caption", quick=3000),
    "followed": printed(100, "caption: training trajectories of 100 random neurons"),
    "safety": chosen(
        0.5,
        "learning rate, in parts of the stability bound at the start or, if smaller, at the end of the exact "
        "flow; 0.9 where c alone is trained",
    ),
    "saves": chosen(80, "moments of a trajectory, evenly in the logarithm of time"),
    "seed": chosen(1, "one run is shown"),
}


def trials(p: Settings) -> list[dict[str, Any]]:
    return [{"delta": delta} for delta in p.delta]


def run(p: Settings, trial: Trial) -> dict[str, Any]:
    data, net = square_wave(p.samples), _start(p)
    start, train = at_delta(net, trial["delta"])
    flow = flow_to_end(start, data, train, save_at=[])
    descent = descend(start, data, train, p.epochs, p.safety, flow.final, p.saves)
    views = [descent.net_at(k).canonical() for k in range(len(descent))]
    turned = np.abs((views[-1].theta - views[0].theta + np.pi) % (2 * np.pi) - np.pi)
    followed = np.sort(np.random.default_rng([6, p.seed]).choice(p.m, min(p.followed, p.m), replace=False))
    inside = np.flatnonzero(np.abs(start.knots) < 1)
    stuck = np.unique(flow.events["neuron"][flow.events["kind"] == "stick"])
    return {
        **stored(descent.final, "descent_"),
        **stored(flow.final, "flow_"),
        **measured(descent.final, data, start, "descent_"),
        **measured(flow.final, data, start, "flow_"),
        "u": (("moment", "followed"), np.array([view.u[followed] for view in views])),
        "v": (("moment", "followed"), np.array([view.v[followed] for view in views])),
        "turned": float(np.max(turned)),
        "stuck": float(np.mean(np.isin(inside, stuck))),
    }


def _start(p: Settings) -> kf.ReLUNet:
    rng = np.random.default_rng([6, p.seed, p.m])
    return kf.initial.pytorch(p.m, rng, norm=np.sqrt(p.m)).replace(bias=0.0)


def film(p: Settings) -> kf.Trajectory:
    start, train = at_delta(_start(p), np.inf)
    return flow_to_end(start, square_wave(p.samples), train)


def check(p: Settings, data: xr.Dataset) -> list[Check]:
    kernel, adaptive = data.sel(delta=-np.inf), data.sel(delta=np.inf)
    even = float(adaptive.flow_even)
    return [
        Check.below("largest angle by which a neuron turns at δ = −∞", float(kernel.turned), 1e-9),
        Check.below("median move of the knots at δ = −∞", float(kernel.descent_moved), 1e-12),
        Check.above(
            f"knots at samples at δ = +∞ after the epochs, in times the {even:.2f} of even knots,",
            float(adaptive.descent_near) / even,
            2.0,
        ),
        Check.above("share of the knots that stick to a sample during the flow at δ = +∞", float(adaptive.stuck), 0.5),
        Check.below("loss at the end of the flow at δ = −∞", float(kernel.flow_loss), 1e-6),
        Check.below(f"loss after {p.epochs:,} epochs at δ = −∞", float(kernel.descent_loss), 1e-2, printed=True),
    ]


def draw(p: Settings, data: xr.Dataset) -> Figure:
    samples = square_wave(p.samples)
    figure, axes = panels.grid(2, 4, panel=(3.2, 3.0))
    for row, delta in zip(axes, p.delta, strict=True):
        one = data.sel(delta=delta)
        for ax, way in zip(row, ("descent", "flow"), strict=False):
            panels.splines(ax, samples)
            panels.samples(ax, samples)
            panels.function(ax, network(one, f"{way}_"), style.widened(*samples.range, 0.04))
            ax.set_ylim(-2.4, 2.4)
            style.label_axes(ax, "$x$", "$f(x)$")
        sign = panels.signed(delta)
        panels.title(row[0], f"δ = {sign}: {p.epochs:,} epochs")
        panels.title(row[1], f"δ = {sign}: end of the flow")
        panels.plane(row[2], network(one, "descent_"), samples)
        panels.title(row[2], "neurons, after the epochs")
        _trajectories(row[3], one, samples)
        panels.title(row[3], f"paths of {one.sizes['followed']} neurons")
    panels.legend(
        figure,
        [panels.NETWORK_LINE, panels.CUBIC_LINE, panels.LINEAR_LINE, panels.DATA_DOT, panels.UP_DOT, panels.DOWN_DOT],
    )
    return figure


def _trajectories(ax: Axes, one: xr.Dataset, samples: kf.Samples) -> None:
    u, v = one.u.values, one.v.values
    reach = 1.08 * float(np.max(np.maximum(np.abs(u), np.abs(v))))
    panels.rays(ax, samples, reach)
    ax.plot(u, v, color=style.NETWORK, lw=0.7, alpha=0.6)
    ax.plot(u[0], v[0], "o", ms=2.5, color=style.DATA, mew=0)
    ax.plot(u[-1], v[-1], "o", ms=3.2, color=style.NETWORK, mew=0)
    panels.square(ax, reach)


def descents(p: Settings) -> list[Descent]:
    return [Descent(p.m, p.samples, p.epochs, len(p.delta))]


EXPERIMENT = experiment(
    __name__,
    item="Figure 6",
    title="1000 neurons at δ = ±∞ and their ways",
    claim="At δ = −∞ the neurons move radially, so that the knots do not change; at δ = +∞ they adapt to the data, and "
    "the knots stick to samples.",
    where="Appendix D, Figure 6 on arXiv",
    note="Grey dots are where a neuron starts, black dots where it ends. The exact flow shows where either regime "
    "leads; the stated epochs of descent, at learning rates near the largest stable ones, do not get there."
    "",
)
