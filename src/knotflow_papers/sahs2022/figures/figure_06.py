"""Figure 6: the loss over two delta-slopes: a trough with a range and a null space, which the knots turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import knotflow as kf
from knotflow.plots import style
from knotflow_papers import Check, Settings, Trial, chosen, experiment
from knotflow_papers.reproduction import panels
from knotflow_papers.sahs2022.setup import RANGE, Array, random_data, random_net, trough, trough_net

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PARAMETERS = {
    "knots": chosen(((-1.0, 0.0), (0.4, -1.4)), "A and B: two right-facing knots, one sample (1, 1)"),
    "m": chosen(12, "neurons of the random networks"),
    "samples": chosen(5, "of those"),
    "seeds": chosen(60, "random networks over which the worst is taken", quick=10),
}


def trials(p: Settings) -> list[dict[str, Any]]:
    return [{"seed": seed} for seed in range(p.seeds)]


def run(p: Settings, trial: Trial) -> dict[str, Any]:
    rng = np.random.default_rng([6, trial["seed"]])
    net, data = random_net(p.m, rng), random_data(p.samples, rng)
    bowl = kf.landscape.delta_slope_hessian(net, data)
    moved = net.replace(b=net.a * (net.knots + rng.normal(size=p.m)))
    steps = np.linspace(-2, 2, 9)
    seen, unseen = (
        _along(net, data, basis @ rng.normal(size=basis.shape[1]), steps) for basis in (bowl.range, bowl.null)
    )
    scale = float(np.max(seen))
    gradient = kf.gradient(net, data).c * net.norm / net.a  # with respect to the delta-slopes
    sizes = np.linalg.svd(_features(net, data.x), compute_uv=False)
    turned = kf.landscape.delta_slope_hessian(moved, data)
    return {
        "constant": float(np.ptp(unseen)) / scale,
        "cubic": float(np.max(np.abs(np.diff(seen, 3)))) / scale,
        "curved": float(np.min(np.diff(seen, 2))) / scale,
        "spectrum": float(np.max(np.abs(np.sort(bowl.eigenvalues) - np.sort(sizes[: bowl.rank] ** 2)))) / sizes[0] ** 2,
        "gradient_off": float(np.linalg.norm(gradient - bowl.onto_range(gradient)) / np.linalg.norm(gradient)),
        "zeros": p.m - bowl.rank,
        "angle": float(np.degrees(_largest_angle(bowl.null, turned.null))),
    }


def _along(net: kf.ReLUNet, data: kf.Samples, direction: Array, steps: Array) -> Array:
    """L at delta-slopes moved along a direction."""
    view = net.bdso()
    nets = [
        kf.ReLUNet.from_bdso(kf.views.BDSO(view.knots, view.delta_slopes + t * direction, view.orientations, view.bias))
        for t in steps
    ]
    return np.array([each.loss(data) for each in nets])


def _features(net: kf.ReLUNet, x: Array) -> Array:
    """(x_j - knot_i)_{s_i}, from the definition."""
    reach = np.subtract.outer(x, net.knots)
    return np.where(net.a > 0, np.maximum(reach, 0), np.minimum(reach, 0))


def _largest_angle(one: Array, other: Array) -> float:
    from scipy.linalg import subspace_angles

    return float(np.max(subspace_angles(one, other)))


def check(p: Settings, data: xr.Dataset) -> list[Check]:
    worst, least = data.max("seed"), data.min("seed")
    return [
        Check.below(
            "change of the loss along the null space, in parts of that along the range", float(worst.constant), 1e-12
        ),
        Check.below("third difference along the range, in these parts", float(worst.cubic), 1e-12),
        Check.above("second difference along the range, in these parts", float(least.curved), 1e-6),
        Check.below("error of the squared singular values as eigenvalues", float(worst.spectrum), 1e-12),
        Check.below("part of the gradient off the range", float(worst.gradient_off), 1e-10),
        Check.above("angle in degrees by which moved knots turn the null space", float(least.angle), 1.0),
    ]


def draw(p: Settings, data: xr.Dataset) -> Figure:
    figure, axes = panels.grid(1, 2, panel=(4.4, 3.9))
    for ax, knots, letter in zip(axes[0], p.knots, "AB", strict=True):
        trough(ax, trough_net(knots))
        _arrows(ax, knots)
        words = ", ".join(f"{knot:g}" for knot in knots).replace("-", "−")
        panels.title(ax, f"{letter}: knots at {words}")
    least = panels.dashed(RANGE, "loss 0", "-")
    panels.legend(
        figure,
        [least, style.line(SEEN, "range: the samples see it", 2.2), style.line(UNSEEN, "null space: they do not", 2.2)],
        3,
    )
    return figure


def _arrows(ax: Axes, knots: tuple[float, float]) -> None:
    bowl = kf.landscape.delta_slope_hessian(*trough_net(knots))
    for basis, colour in ((bowl.range, SEEN), (bowl.null, UNSEEN)):
        way = 0.8 * basis[:, 0] * np.sign(basis[1, 0] or 1.0)
        ax.annotate(
            "", way, (0, 0), arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 2.2, "shrinkA": 0, "shrinkB": 0}
        )


SEEN, UNSEEN = style.PENS[1][0], style.PENS[2][0]

EXPERIMENT = experiment(
    __name__,
    item="Figure 6",
    title="range and null space of the delta-slopes",
    claim="As a function of the delta-slopes the loss is quadratic along the range and constant along the null space "
    "of the features; moving the breakpoints changes both.",
    where="Section 2.4, Figure 6",
    note="The range is that of Φᵀ, the row space of Φ; the text says range of Φ. Shades are the loss.",
)
