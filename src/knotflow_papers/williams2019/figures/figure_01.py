"""Figure 1: a network as a piecewise linear function, and as particles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
from matplotlib.figure import Figure

import knotflow as kf
from knotflow.plots import style
from knotflow_papers import Check, Settings, Trial, chosen, experiment
from knotflow_papers.reproduction import panels
from knotflow_papers.williams2019.setup import network, square_wave, stored

if TYPE_CHECKING:
    import xarray as xr

PARAMETERS = {
    "m": chosen(60, "about as many as the figure shows"),
    "samples": chosen(10, "of the square wave, as in the experiments"),
    "delta": chosen(-0.3, "between the regimes: some neurons have met, others have not"),
    "until": chosen(300.0, "time of the exact flow"),
    "angles": chosen(200_000, "directions tried on the circle", quick=20_000),
    "seed": chosen(3, "one network is shown"),
}


def trials(p: Settings) -> list[dict[str, Any]]:
    return [{"seed": p.seed}]


def run(p: Settings, trial: Trial) -> dict[str, Any]:
    data, rng = square_wave(p.samples), np.random.default_rng([1, trial["seed"]])
    start = kf.initial.pytorch(p.m, rng, norm=np.sqrt(p.m)).replace(bias=0.0).with_delta(p.delta)
    net = kf.evolve(start, data, kf.GradientFlow(), until=p.until, save_at=[]).final
    view = net.canonical()
    theta = rng.uniform(0, 2 * np.pi, p.angles)
    active = np.outer(np.cos(theta), data.x) + np.sin(theta)[:, None] > 0
    return {
        **stored(net),
        "bend": _bend_between_knots(net, *data.range),
        "corners": _corners_missed(net, *data.range),
        "knot_error": float(np.max(np.abs(-view.v / view.u - net.knots) / np.maximum(1, np.abs(net.knots)))),
        "knot_error_printed": float(np.max(np.abs(view.v / view.u - net.knots) / np.maximum(1, np.abs(net.knots)))),
        "regions": len(np.unique(np.packbits(active, axis=1), axis=0)),
    }


def _bend_between_knots(net: kf.ReLUNet, low: float, high: float) -> float:
    """The largest distance of f from a straight line between neighbours among the knots."""
    knots = np.unique(np.clip(net.knots, low, high))
    left, right = knots[:-1], knots[1:]
    values = [net(left + part * (right - left)) for part in (0.0, 0.25, 0.5, 1.0)]
    return float(
        max(
            np.max(np.abs(values[1] - 0.75 * values[0] - 0.25 * values[3])),
            np.max(np.abs(values[2] - 0.5 * values[0] - 0.5 * values[3])),
        )
    )


def _corners_missed(net: kf.ReLUNet, low: float, high: float) -> float:
    """The largest error of the slope's jump at a corner against the slopes of f itself on its two sides.

    Knots that are nearer than 1e-5 make one corner: neurons that have met are apart by rounding. NaN if no corner is
    between `low` and `high`: then nothing was measured.
    """
    knots = np.sort(net.knots)
    jumps = (net.orientations * net.delta_slopes)[np.argsort(net.knots)]
    first = np.flatnonzero(np.diff(knots, prepend=-np.inf) > 1e-5)  # of each corner
    left = knots[first]
    right = np.append(knots[first[1:] - 1], knots[-1])
    ends = np.concatenate([[left[0] - 1], [*right]]), np.concatenate([[*left], [right[-1] + 1]])
    near, far = (ends[0] + part * (ends[1] - ends[0]) for part in (0.25, 0.75))
    slopes = (net(far) - net(near)) / (far - near)  # between neighbouring corners
    errors = np.abs(np.diff(slopes) - np.add.reduceat(jumps, first))
    inside = errors[(left > low) & (right < high)]
    return float(np.max(inside)) if inside.size else float("nan")


def check(p: Settings, data: xr.Dataset) -> list[Check]:
    one = data.isel(seed=0)
    regions = int(one.regions)
    return [
        Check.below("bend of f between neighbouring knots", float(one.bend), 1e-12),
        Check.below("error of the slope's jumps at b/a", float(one.corners), 1e-8),
        Check.below(
            "distance of −v/u from the knot b/a, relative to it where it is beyond 1,", float(one.knot_error), 1e-9
        ),
        Check(f"{2 * p.samples} activation regions, 2s", regions == 2 * p.samples, f"activation regions: {regions}"),
        Check.below(
            "distance of v/u, as printed, from the knot, likewise,", float(one.knot_error_printed), 1e-9, printed=True
        ),
        Check(
            f"2s − 1 = {2 * p.samples - 1} activation regions",
            regions == 2 * p.samples - 1,
            f"2s − 1 is {2 * p.samples - 1}",
            printed=True,
        ),
    ]


def draw(p: Settings, data: xr.Dataset) -> Figure:
    samples, net = square_wave(p.samples), network(data.isel(seed=0))
    width, height = style.SIZE
    figure = Figure(figsize=(2 * width, height), dpi=panels.DPI, layout=style.layout())
    left, right = cast("Any", figure.subfigures(1, 2))
    kf.plots.fit_plot(net, samples, ax=left.add_subplot())
    kf.plots.uv_plane(net, samples, ax=right.add_subplot())
    return figure


EXPERIMENT = experiment(
    __name__,
    item="Figure 1",
    title="a network as a function and as particles",
    claim="The network's function is piecewise linear with knots at b/a; drawn at (u, v), its neurons lie among the "
    "lines u x + v = 0 of the samples, which divide the plane into regions of one activation pattern each.",
    where="Figure 1, Section 2.3",
    note="Two slips of the text: the knot is −v/u, not v/u, and there are 2s regions, not 2s − 1: one of them is "
    "that of the neurons which no sample activates.",
    version=2,
)
