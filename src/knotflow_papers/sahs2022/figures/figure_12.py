"""Figure 12: knots and delta-slopes of deep networks at the start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import knotflow as kf
from knotflow.plots import style
from knotflow_papers import Check, Settings, Trial, chosen, experiment, printed, product
from knotflow_papers.reproduction import panels

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PARAMETERS = {
    "depths": printed((1, 2, 3), "caption: a 3 layer network, and shallower ones"),
    "width": chosen(40, "of every hidden layer"),
    "starts": chosen(
        ("pytorch", "he"), "PyTorch's default, which the paper calls He, and He's Gaussian law, biases too"
    ),
    "networks": chosen(200, "of each kind", quick=40),
}
KNOT_EDGES = np.linspace(-3, 3, 61)


def trials(p: Settings) -> list[dict[str, Any]]:
    return product(start=p.starts, depth=p.depths)


def run(p: Settings, trial: Trial) -> dict[str, Any]:
    """Densities of knots (layer, bin) and of delta-slopes, shares of knots, and distances to theorem 1's laws."""
    from scipy.stats import kstest

    widths = (p.width,) * trial["depth"]
    found = kf.deep.initial_knots(widths, p.networks, np.random.default_rng([12, trial["depth"]]), trial["start"])
    reach = float(np.quantile(np.abs(found.jumps), 0.99))
    by_layer = [found.of_layer(layer + 1) for layer in range(trial["depth"])]
    result: dict[str, Any] = {
        "knot_density": (("layer", "knot_bin"), [_density(knots, KNOT_EDGES) for knots, _ in by_layer]),
        "near": ("layer", [np.mean(np.abs(knots) < 0.5) for knots, _ in by_layer]),
        "far": ("layer", [np.mean((np.abs(knots) > 1.5) & (np.abs(knots) < 2)) for knots, _ in by_layer]),
        "reach": reach,
        "jump_density": ("jump_bin", _density(found.jumps, np.linspace(-reach, reach, 62))),
        "spread": float(np.std(found.jumps)),
        "total": float(np.sum(found.jumps**2)) / p.networks,
        "layer_spread": ("layer", [np.std(jumps) for _, jumps in by_layer]),
        "knots": len(found.knots) / p.networks,
    }
    if trial["depth"] == 1:
        law = kf.initial.joint_density(trial["start"], p.width)
        scale = np.sqrt(len(found.knots))
        result["knot_distance"] = scale * kstest(found.knots, law.knots.cdf).statistic
        result["jump_distance"] = scale * kstest(found.jumps, law.delta_slopes.cdf).statistic
    return result


def _density(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return np.histogram(values, edges)[0] / len(values) / np.diff(edges)


def check(p: Settings, data: xr.Dataset) -> list[Check]:
    checks = []
    for start in p.starts:
        one, name = data.sel(start=start), _NAMES[start]
        deepest = one.sel(depth=p.depths[-1])
        ratio = (deepest.near / deepest.far).values  # both sets of x have length 1
        checks += [
            Check.below(f"√n times the distance of the knots' law from theorem 1, one hidden layer, {name},",
                        float(one.knot_distance.sel(depth=1)), 1.63),
            Check.below(f"√n times the distance of the delta-slopes' law from theorem 1, one hidden layer, {name},",
                        float(one.jump_distance.sel(depth=1)), 1.63),
            Check.above(f"smallest ratio, over the layers, of the density of knots in |x| < ½ to that in 1½ < |x| < 2, "
                        f"{name},", float(np.nanmin(ratio)), 2.0),
            Check.monotone(f"standard deviation of the delta-slopes with 1, 2, 3 hidden layers, {name},",
                           one.spread.values, "falls", printed=start == "he"),
            Check.monotone(f"sum of the squares of a network's delta-slopes with 1, 2, 3 hidden layers, {name},",
                           one.total.values, "falls", printed=start == "he"),
        ]  # fmt: skip
    return checks


_NAMES = {"pytorch": "PyTorch's law", "he": "He's law"}


def draw(p: Settings, data: xr.Dataset) -> Figure:
    figure, axes = panels.grid(2, 2, panel=(4.9, 3.1))
    middle = (KNOT_EDGES[1:] + KNOT_EDGES[:-1]) / 2
    for row, start in zip(axes, p.starts, strict=True):
        one = data.sel(start=start)
        law = kf.initial.joint_density(start, p.width)
        for layer, (colour, dash) in enumerate(style.PENS[: max(p.depths)]):
            row[0].plot(middle, one.knot_density.sel(depth=p.depths[-1])[layer], color=colour, ls=dash, lw=1.5)
        row[0].plot(middle, law.knots.pdf(middle), color=style.FAINT, lw=4, zorder=1)
        _jumps(row[1], p, one, law)
        row[0].set_ylim(0)
        style.label_axes(row[0], "knot", "density")
        style.label_axes(row[1], "delta-slope", "density")
        panels.title(row[0], f"{_NAMES[start]}: knots by layer")
        panels.title(row[1], f"{_NAMES[start]}: delta-slopes by depth")
    panels.legend(figure, [
        style.line(style.FAINT, "theorem 1, one hidden layer", 4),
        *(panels.dashed(colour, f"{k + 1}{'st' if k == 0 else 'nd' if k == 1 else 'rd'} layer; depth {k + 1}", dash)
          for k, (colour, dash) in enumerate(style.PENS[: max(p.depths)])),
    ])  # fmt: skip
    return figure


def _jumps(ax: Axes, p: Settings, one: xr.Dataset, law: Any) -> None:
    for depth, (colour, dash) in zip(p.depths, style.PENS, strict=False):
        here = one.sel(depth=depth)
        edges = np.linspace(-float(here.reach), float(here.reach), 62)
        ax.plot((edges[1:] + edges[:-1]) / 2, here.jump_density, color=colour, ls=dash, lw=1.5)
    reach = float(one.reach.sel(depth=1))
    x = np.linspace(-reach, reach, 400)
    ax.plot(x, law.delta_slopes.pdf(x), color=style.FAINT, lw=4, zorder=1)
    ax.set(xlim=(-reach, reach), yscale="log")


def table(p: Settings, data: xr.Dataset) -> tuple[list[str], list[list[str]]]:
    head = [
        "law",
        "hidden layers",
        "knots a network",
        "standard deviation of delta-slopes",
        "Σ of their squares",
        *(f"standard deviation, layer {layer}" for layer in p.depths),
    ]
    rows = []
    for start in p.starts:
        for depth in p.depths:
            one = data.sel(start=start, depth=depth)
            layers = [f"{v:.3g}" if np.isfinite(v) else "" for v in one.layer_spread.values]
            numbers = [f"{float(one[name]):.3g}" for name in ("knots", "spread", "total")]
            rows.append([_NAMES[start], str(depth), *numbers, *layers])
    return head, rows


EXPERIMENT = experiment(
    __name__,
    item="Figure 12",
    title="knots and delta-slopes of deep networks at the start",
    claim="At a He start the knots are concentrated around the origin, as theory has it, and with depth delta-slopes "
    "have a lower variance, so that deeper networks start flatter.",
    where="appendix 1, Figure 12",
    note="Delta-slopes get smaller with depth under PyTorch's default, whose weights have a sixth of He's variance; "
    "under He's own law they do not, and their squares add up to more.",
)
