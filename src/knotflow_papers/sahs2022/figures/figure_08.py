"""Figure 8: where descent on the delta-slopes ends: at the nearest interpolant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import knotflow as kf
from knotflow.plots import style
from knotflow_papers import Check, Settings, Trial, chosen, experiment, product
from knotflow_papers.reproduction import panels
from knotflow_papers.sahs2022.setup import RANGE, Array, trough, trough_net

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PARAMETERS = {
    "knots": chosen((-1.0, 0.0), "the system of Figure 6A"),
    "slopes": chosen((-0.9, 0.2), "the other initialisation"),
    "steps": chosen(200, "of descent in that system, at a tenth of the stability bound"),
    "start": chosen(("zero", "rough"), "μ0 = 0, and standard normal μ0"),
    "m": chosen(100, "neurons of the random systems, where the exact flow stands for descent"),
    "samples": chosen(10, "of those"),
    "seeds": chosen(40, "random systems over which the worst is taken", quick=6),
    "moments": chosen(60, "of a flow"),
}


def trials(p: Settings) -> list[dict[str, Any]]:
    return product(start=p.start, seed=range(p.seeds))


def run(p: Settings, trial: Trial) -> dict[str, Any]:
    rough = trial["start"] == "rough"
    rng = np.random.default_rng([8, trial["seed"]])
    knots, orientations = rng.uniform(-2, 2, p.m), rng.choice([-1, 1], p.m)
    data = kf.Samples(np.linspace(-1.8, 1.8, p.samples), rng.normal(size=p.samples))
    start = kf.ReLUNet.from_bdso(kf.views.BDSO(knots, rng.normal(size=p.m) * rough, orientations))
    flow = kf.LazyFlow(train=frozenset({"c"})).linearised(start, data)
    path = np.array([flow.net_at(t).delta_slopes for t in [*np.geomspace(1e-5, 1e4, p.moments), np.inf]])
    features = orientations * np.maximum(orientations * np.subtract.outer(data.x, knots), 0)
    seen = np.linalg.pinv(features, rcond=1e-12)
    nearest = start.delta_slopes + seen @ (data.y - features @ start.delta_slopes)
    least = float(np.sum((seen @ data.y) ** 2))
    sizes, ways = np.linalg.norm(path, axis=1), np.linalg.norm(path - start.delta_slopes, axis=1)
    result = {
        "loss": flow.loss(np.inf),
        "error": float(np.linalg.norm(path[-1] - nearest) / np.linalg.norm(nearest)),
        "size_steps": float(np.min(np.diff(sizes))) / sizes[-1],
        "way_steps": float(np.min(np.diff(ways))) / ways[-1],
        "roughness_start": start.roughness,
        "roughness": float(np.sum(path[-1] ** 2)),
        "excess": float(np.sum(path[-1] ** 2)) / least - 1,
    }
    return result if trial["seed"] else result | {"path": (("step", "neuron"), _descent(p, rough))}


def _descent(p: Settings, rough: bool) -> Array:
    """The way of the two delta-slopes under gradient descent."""
    net, data = trough_net(p.knots, p.slopes if rough else (0.0, 0.0))
    train = frozenset({"c"})
    descent = kf.GradientDescent(0.1 * kf.stability_limit(net, data, train), train=train)
    run = kf.evolve(net, data, descent, steps=p.steps, save_every=1)
    return np.array([run.net_at(k).delta_slopes for k in range(len(run))])


def check(p: Settings, data: xr.Dataset) -> list[Check]:
    zero, rough = data.sel(start="zero"), data.sel(start="rough")
    shown = zero.path.isel(seed=0).values
    descent = float(np.min(np.diff(np.linalg.norm(shown, axis=1))))
    excess = float(rough.excess.min())
    return [
        Check.below("largest loss at the end of the flow", float(data.loss.max()), 1e-12),
        Check.below("distance of the end from the interpolant nearest to μ0, relative", float(data.error.max()), 1e-6),
        Check.above("smallest step of |μ| along the flow from 0", float(zero.size_steps.min()), -1e-12),
        Check.above("smallest step of |μ| along the descent from 0", descent, -1e-12),
        Check.above(
            "smallest step of |μ − μ0| along the flow from a rough start", float(rough.way_steps.min()), -1e-12
        ),
        Check.above("what a rough start adds to the roughness at the end, in parts of the least,", excess, 0.0),
    ]


def draw(p: Settings, data: xr.Dataset) -> Figure:
    figure, axes = panels.grid(1, 2, panel=(4.6, 3.9))
    _ways(axes[0, 0], p, data)
    ax = axes[0, 1]
    for start, (ink, _) in PENS.items():
        one = data.sel(start=start)
        ax.plot(one.roughness_start, one.roughness, "o", color=ink, ms=5, alpha=0.8, mew=0)
    ax.set_ylim(bottom=0)
    style.label_axes(ax, "roughness at the start", "roughness at the end")
    panels.title(ax, f"{p.m} neurons, {p.samples} samples, exact flow")
    names = {"zero": "from μ0 = 0", "rough": "from another μ0"}
    panels.legend(
        figure,
        [
            *(panels.dashed(ink, names[start], dashes) for start, (ink, dashes) in PENS.items()),
            style.line(RANGE, "loss 0", 1.8),
            panels.dashed(style.DATA, "equally far from μ0", (0, (1.2, 1.5)), 1.0),
        ],
        4,
    )
    return figure


def _ways(ax: Axes, p: Settings, data: xr.Dataset) -> None:
    """Both descents over the trough, with circles around their starts."""
    trough(ax, trough_net(p.knots))
    angle = np.linspace(0, 2 * np.pi, 200)
    for start, (ink, dashes) in PENS.items():
        way = data.path.sel(start=start).isel(seed=0).values
        far = np.linalg.norm(way[-1] - way[0])
        for radius in far * np.array([1 / 3, 2 / 3, 1.0]):
            ax.plot(
                way[0, 0] + radius * np.cos(angle),
                way[0, 1] + radius * np.sin(angle),
                color=style.DATA,
                lw=1.0,
                ls=(0, (1.2, 1.5)),
            )
        ax.plot(way[:, 0], way[:, 1], color=ink, ls=dashes, lw=2.4)
        ax.plot(*way[0], "o", color=ink, ms=7)
        ax.plot(*way[-1], "o", color=ink, ms=7, mfc="white", mew=1.8)
    panels.title(ax, "descent on two delta-slopes")


PENS = {"zero": style.PENS[1], "rough": style.PENS[2]}

EXPERIMENT = experiment(
    __name__,
    item="Figure 8",
    title="the nearest interpolant",
    claim="Descent on the delta-slopes from 0 increases their norm monotonically and ends at the interpolant of least "
    "norm; from another start it ends at the interpolant nearest to that, so that a rough start gives a rough fit.",
    where="Section 2.6.1, Figure 8 and theorem 7",
    note="Shades are the loss of the system in Figure 6A; a full dot is a start, a hollow one an end. Of a network the "
    "delta-slopes move as these do if all |w| are equal; otherwise w² weighs the distance.",
)
