"""Figure 2: breakpoints, delta-slopes and orientations of a small network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import knotflow as kf
from knotflow.plots import style
from knotflow_papers import Check, Settings, Trial, chosen, experiment, printed
from knotflow_papers.reproduction import panels
from knotflow_papers.sahs2022.setup import LEFT, RIGHT, oriented_knots, random_net

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PARAMETERS = {
    "orientations": printed((1, 1, -1), "caption: neurons 1 and 2 are right-facing, neuron 3 left-facing"),
    "delta_slopes": chosen((0.8, 0.9, -1.1), "caption: μ1, μ2 > 0 and μ3 < 0; no numbers"),
    "knots": chosen((-1.2, 0.2, 1.3), "in the order of the figure"),
    "bias": chosen(-0.6, "not given"),
    "m": chosen(20, "neurons of the random networks"),
    "seeds": chosen(200, "random networks over which the worst is taken", quick=20),
}


def trials(p: Settings) -> list[dict[str, Any]]:
    return [{"seed": seed} for seed in range(p.seeds)]


def run(p: Settings, trial: Trial) -> dict[str, Any]:
    net = _shown(p) if trial["seed"] == 0 else random_net(p.m, np.random.default_rng([2, trial["seed"]]))
    x = np.linspace(-3, 3, 601)
    w, b, v = net.a, -net.b, net.c
    direct = net.bias + np.maximum(np.multiply.outer(x, w) + b, 0) @ v
    knots, mu, s = -b / w, w * v, np.sign(w)
    reach = np.subtract.outer(x, knots)
    terms = np.where(s > 0, np.maximum(reach, 0), np.minimum(reach, 0)) * mu
    jumps = _jumps(net, knots)
    scale = float(np.max(np.abs(mu)))
    result = {
        "equation": float(np.max(np.abs(net.bias + terms.sum(axis=1) - direct)) / np.max(np.abs(direct))),
        "bends": len(net.cpwl().knots),
        "m": len(net),
        "jump": float(np.max(np.abs(jumps - s * mu))) / scale,
        "jump_printed": float(np.max(np.abs(jumps - mu))) / scale,
    }
    return result if trial["seed"] else result | {"x": ("x", x), "f": ("x", direct), "term": (("neuron", "x"), terms.T)}


def _shown(p: Settings) -> kf.ReLUNet:
    return kf.ReLUNet.from_bdso(kf.views.BDSO(p.knots, p.delta_slopes, p.orientations, p.bias))


def _jumps(net: kf.ReLUNet, knots: np.ndarray) -> np.ndarray:
    """The change of the slope of f at each knot, from f at points beside it with no other knot between."""
    h = 0.4 * np.min(np.diff(np.sort(knots)))
    return (net(knots + h) - 2 * net(knots) + net(knots - h)) / h


def check(p: Settings, data: xr.Dataset) -> list[Check]:
    worst = data.max("seed")
    return [
        Check.below("error of equation (1), in parts of the largest value of f", float(worst.equation), 1e-12),
        Check.below("networks in which bends and neurons differ in number", float((data.bends != data.m).sum()), 0.5),
        Check.below(
            "error of s μ as the change of slope at a breakpoint, in parts of the largest |μ|", float(worst.jump), 1e-8
        ),
        Check.below("error of μ as that change, equation (2) in words", float(worst.jump_printed), 1e-8, printed=True),
    ]


def draw(p: Settings, data: xr.Dataset) -> Figure:
    figure, axes = panels.grid(1, 2, panel=(5.2, 3.6))
    one, net = data.isel(seed=0), _shown(p)
    _function(axes[0, 0], p, net)
    for k in range(len(net)):
        ink, dashes = style.PENS[k + 1]
        axes[0, 1].plot(one.x, one.term[k], color=ink, ls=dashes, lw=1.8)
    axes[0, 1].axhline(0, color=style.FAINT, lw=1, zorder=0)
    for ax in axes[0]:
        ax.set_xlim(-2.5, 2.5)
    style.label_axes(axes[0, 1], "$x$", "$\\mu_i (x - \\beta_i)_{s_i}$")
    panels.title(axes[0, 1], "its three terms")
    terms = [panels.dashed(style.PENS[k + 1][0], f"neuron {k + 1}", style.PENS[k + 1][1]) for k in range(len(net))]
    panels.legend(
        figure, [panels.NETWORK_LINE, *terms, RIGHT, LEFT, style.dot(style.POSITIVE, "bends upwards, $s\\mu > 0$")], 4
    )
    return figure


def _function(ax: Axes, p: Settings, net: kf.ReLUNet) -> None:
    panels.function(ax, net, (-2.5, 2.5), knots=False)
    oriented_knots(ax, net, 90)
    low, high = ax.get_ylim()
    ax.set_ylim(low - 0.25 * (high - low), high)
    for k, (knot, mu, s) in enumerate(zip(p.knots, p.delta_slopes, p.orientations, strict=True), 1):
        ax.axvline(knot, color=style.FAINT, lw=1, zorder=0)
        words = f"$\\beta_{k}$\n$\\mu_{k} = {mu:g}$\n$s_{k} = {s:+d}$"
        ax.text(knot + 0.06, ax.get_ylim()[0], words, fontsize=style.FONT - 1, color=style.INK, va="bottom")
    style.label_axes(ax, "$x$", "$f(x)$")
    panels.title(ax, "breakpoints, delta-slopes, orientations")


EXPERIMENT = experiment(
    __name__,
    item="Figure 2",
    title="breakpoint, delta-slope, orientation",
    claim="Each neuron of a shallow network contributes one breakpoint −b/w; its delta-slope wv is the change of "
    "slope there, and its orientation the side on which that applies.",
    where="Section 2.1, Figure 2; equations (1) and (2)",
    note="Read from left to right the slope changes by s μ, not by μ as the words after equation (2) have it: neuron "
    "3, with μ < 0, bends the function upwards.",
)
