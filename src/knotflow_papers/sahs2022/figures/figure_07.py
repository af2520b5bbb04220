"""Figure 7: the function, its knots and what moves them, during training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import knotflow as kf
from knotflow.plots import style
from knotflow_papers import Check, Descent, Settings, Trial, chosen, experiment, printed
from knotflow_papers.reproduction import panels
from knotflow_papers.sahs2022.setup import ALL, Array

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PARAMETERS = {
    "epochs": printed((0, 1000, 4000, 10_000, 100_000), "caption: A to E"),
    "m": chosen(60, "not given"),
    "samples": chosen(41, "even on [−2, 2]; not given"),
    "frequency": chosen(3.0, "target sin(3x): four peaks of the curvature; the target is not given"),
    "lr": chosen(5e-4, "of descent on half the sum of squares; not given"),
    "seeds": chosen(20, "starts over which numbers are averaged; one is shown", quick=4),
}
LETTERS = "ABCDE"


def trials(p: Settings) -> list[dict[str, Any]]:
    return [{"seed": seed} for seed in range(p.seeds)]


def run(p: Settings, trial: Trial) -> dict[str, Any]:
    data, x = _data(p), np.linspace(-2, 2, 801)
    way = _train(p, trial["seed"])
    nets = [way.net_at(int(np.searchsorted(way.steps, epoch))) for epoch in p.epochs]
    psi = np.array([[kf.landscape.psi(net, data, x, side) for side in (1, -1)] for net in nets])
    crossings = [_crossings(x, each[1]) for each in psi]
    peaks = _peaks(p)
    quarter = np.pi / p.frequency / 4
    at_peaks = [np.min(np.abs(np.subtract.outer(peaks, each)), axis=1, initial=np.inf) < quarter for each in crossings]
    target = np.sin(p.frequency * x)
    return {
        "x": ("x", x),
        "epoch": ("epoch", np.array(p.epochs)),
        "psi": (("epoch", "side", "x"), psi),
        **{name: (("epoch", "neuron"), np.array([getattr(net, name) for net in nets])) for name in "abc"},
        "bias": ("epoch", [net.bias for net in nets]),
        "loss": ("epoch", [net.loss(data) for net in nets]),
        "height": ("epoch", [float(np.std(net(x)) / np.std(target)) for net in nets]),
        "mean": ("epoch", [abs(float(np.mean(net(data.x) - data.y))) / float(np.std(data.y)) for net in nets]),
        "at_peaks": ("epoch", [float(np.mean(each)) for each in at_peaks]),
        "crossings": ("epoch", [len(each) for each in crossings]),
        "distance": ("epoch", [_distance(net, peaks) for net in nets]),
    }


def _data(p: Settings) -> kf.Samples:
    x = np.linspace(-2, 2, p.samples)
    return kf.Samples(x, np.sin(p.frequency * x))


def _train(p: Settings, seed: int) -> kf.Trajectory:
    start = kf.initial.pytorch(p.m, np.random.default_rng([7, seed]))
    descent = kf.GradientDescent(p.lr, train=ALL)
    return kf.evolve(start, _data(p), descent, steps=p.epochs[-1], save_at=p.epochs)


def _peaks(p: Settings) -> Array:
    """Where the curvature of the target is largest in size."""
    places = (np.arange(-20, 20) + 0.5) * np.pi / p.frequency
    return places[np.abs(places) < 2]


def _crossings(x: Array, values: Array) -> Array:
    """Where the values change sign: mostly at samples, where they jump."""
    k = np.flatnonzero(np.sign(values[:-1]) * np.sign(values[1:]) < 0)
    return (x[k] + x[k + 1]) / 2


def _distance(net: kf.ReLUNet, peaks: Array) -> float:
    """Mean distance of the knots among the data to the nearest peak of the curvature."""
    knots = net.knots[np.abs(net.knots) < 2]
    return float(np.mean(np.min(np.abs(np.subtract.outer(knots, peaks)), axis=1)))


def film(p: Settings) -> kf.Trajectory:
    start = kf.initial.pytorch(p.m, np.random.default_rng([7, 0]))
    return kf.evolve(start, _data(p), kf.GradientDescent(p.lr, train=ALL), steps=p.epochs[-1])


def check(p: Settings, data: xr.Dataset) -> list[Check]:
    mean = data.mean("seed")
    distance, loss = mean.distance.values, mean.loss.values
    middle = float(np.min(distance[1:-1]))
    return [
        Check.below("A: standard deviation of f over that of the target", float(mean.height[0]), 0.5),
        Check.below("B: mean residual over the standard deviation of the target", float(mean["mean"][1]), 0.05),
        Check.below("B: standard deviation of f over that of the target", float(mean.height[1]), 0.9),
        Check.above(
            "C: share of the peaks of curvature with a zero crossing of ψ nearer than the next inflection",
            float(mean.at_peaks[2]),
            0.75,
        ),
        Check.below(
            "B to D: least mean distance of knots from these peaks, in parts of that at A",
            middle / float(distance[0]),
            1.0,
        ),
        Check.above("E: that distance, in parts of the least before,", float(distance[-1]) / middle, 1.0),
        Check.below("E: loss in parts of that at A", float(loss[-1] / loss[0]), 0.01),
    ]


def draw(p: Settings, data: xr.Dataset) -> Figure:
    figure, axes = panels.grid(2, len(p.epochs), panel=(2.75, 2.5))
    samples, one = _data(p), data.isel(seed=0)
    for k, epoch in enumerate(p.epochs):
        moment = one.isel(epoch=k)
        net = panels.net_of(moment.a, moment.b, moment.c, 1.0, float(moment.bias))
        _function(axes[0, k], net, samples)
        _factor(axes[1, k], p, moment)
        panels.title(axes[0, k], f"{LETTERS[k]}: t = {epoch:,}")
    for ax in axes[:, 1:].flat:
        ax.set_ylabel("")
    panels.legend(figure, [panels.NETWORK_LINE, panels.DATA_DOT, panels.UP_DOT, panels.DOWN_DOT,
                           panels.dashed(PENS[0][0], "$\\psi$ of right-facing knots", PENS[0][1]),
                           panels.dashed(PENS[1][0], "$\\psi$ of left-facing knots", PENS[1][1]),
                           style.line(style.FAINT, "peak of the target's curvature", 1.0)], 4)  # fmt: skip
    return figure


def _function(ax: Axes, net: kf.ReLUNet, samples: kf.Samples) -> None:
    panels.samples(ax, samples)
    panels.function(ax, net, (-2.0, 2.0))
    ax.set_ylim(-1.35, 1.35)
    style.label_axes(ax, "", "$f(x)$")


def _factor(ax: Axes, p: Settings, moment: xr.Dataset) -> None:
    for values, (ink, dashes) in zip(moment.psi.values, PENS, strict=True):
        ax.plot(moment.x, values, color=ink, ls=dashes, lw=1.4)
    ax.axhline(0, color=style.DATA, lw=0.8, zorder=0)
    for peak in _peaks(p):
        ax.axvline(peak, color=style.FAINT, lw=1, zorder=0)
    ax.set_xlim(-2, 2)
    style.label_axes(ax, "$x,\\ \\beta$", "$\\psi(\\beta)$")


PENS = (style.PENS[1], style.PENS[3])


def table(p: Settings, data: xr.Dataset) -> tuple[list[str], list[list[str]]]:
    mean = data.mean("seed")
    names = {
        "loss": "loss",
        "height": "std of f / std of target",
        "crossings": "zero crossings of ψ",
        "at_peaks": "peaks of curvature with one",
        "distance": "mean distance of knots from a peak",
    }
    rows = [
        [f"{LETTERS[k]}: {epoch:,}", *(f"{float(mean[name][k]):.3g}" for name in names)]
        for k, epoch in enumerate(p.epochs)
    ]
    return ["t", *names.values()], rows


def descents(p: Settings) -> list[Descent]:
    return [Descent(p.m, p.samples, p.epochs[-1], p.seeds)]


EXPERIMENT = experiment(
    __name__,
    item="Figure 7",
    title="how breakpoints move",
    claim="The function starts flat (A), matches the mean of the target (B), zero crossings of ψ settle where the "
    "target curves most and breakpoints gather there (C, D), and spread again as the fit converges (E).",
    where="Section 2.5.2, Figure 7",
    note="The paper gives the epochs alone; target, width, learning rate and start are chosen, so that only the order "
    "of events can be compared. ψ is that of the paper with the sign of the residual f − y.",
)
