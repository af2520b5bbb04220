"""Figure 3: what a sample is to a knot that reaches it: passthrough, repeller or attractor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D

import knotflow as kf
from knotflow.plots import style
from knotflow_papers import Check, Settings, Trial, chosen, experiment, printed
from knotflow_papers.reproduction import panels
from knotflow_papers.sahs2022.setup import Array, random_data, random_net

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

TYPES = ("passthrough", "repeller", "attractor")
PARAMETERS = {
    "types": printed(TYPES, "theorem 3 and the figure's columns"),
    "m": chosen(8, "neurons; the theorem is for any network"),
    "samples": chosen(10, "the paper does not say"),
    "seeds": chosen(100, "random networks, each with all its neurons and samples", quick=15),
}
LEFT_PEN, RIGHT_PEN = style.PENS[1], style.PENS[3]
_NEAR = 81  # points at which an example is stored


def trials(p: Settings) -> list[dict[str, Any]]:
    return [{"seed": seed} for seed in range(p.seeds)]


def run(p: Settings, trial: Trial) -> dict[str, Any]:
    rng = np.random.default_rng([3, trial["seed"]])
    net, data = random_net(p.m, rng), random_data(p.samples, rng)
    slices = [kf.landscape.loss_slice(net, data, i) for i in range(p.m)]
    named, sided = (
        np.array([_by_vertices(each) for each in slices]),
        np.array([_by_sides(net, data, i) for i in range(p.m)]),
    )
    under = kf.landscape.knot_types(net, data, motion="flow")
    told = named != "flat"
    return {
        "error": max(_error(net, data, each) for each in slices),
        "pairs": named.size,
        "told": int(told.sum()),
        **{kind: int(np.sum(named == kind)) for kind in TYPES},
        "wrong": int(np.sum((named != sided) & told)),
        "same_under_flow": int(np.sum((named == under) & told)),
        "least_curvature": float(min(each.curvatures.min() for each in slices)),
        **_examples(slices, named),
    }


def _by_vertices(each: kf.landscape.LossSlice) -> list[str]:
    """The types by the rule of the theorem, from the minima m1 and m2 of the parabolas on the two sides."""
    kinds = []
    for x, m1, m2 in zip(each.knots, each.vertices[:-1], each.vertices[1:], strict=True):
        if np.isnan(m1) or np.isnan(m2):
            kinds.append("flat")
        else:
            kinds.append("repeller" if m1 < x < m2 else "attractor" if m2 < x < m1 else "passthrough")
    return kinds


def _loss_at(net: kf.ReLUNet, data: kf.Samples, i: int, knot: float) -> float:
    """L with the knot of neuron i there, evaluated."""
    b = net.b.copy()
    b[i] = net.a[i] * knot
    return net.replace(b=b).loss(data)


def _by_sides(net: kf.ReLUNet, data: kf.Samples, i: int) -> list[str]:
    """The types from where the evaluated loss falls, on either side of each sample."""
    h = 1e-4 * np.min(np.diff(data.x))
    kinds = []
    for x in data.x:
        before, here, after = (_loss_at(net, data, i, x + step) for step in (-h, 0, h))
        down_left, down_right = here < before, after < here  # a knot there moves to the right
        kinds.append("passthrough" if down_left == down_right else "attractor" if down_left else "repeller")
    return kinds


def _error(net: kf.ReLUNet, data: kf.Samples, each: kf.landscape.LossSlice) -> float:
    """The piecewise quadratic against the evaluated loss, in parts of the largest loss."""
    x = np.linspace(data.x[0] - 0.5, data.x[-1] + 0.5, 60)
    direct = np.array([_loss_at(net, data, each.neuron, at) for at in x])
    return float(np.max(np.abs(each(x) - direct)) / np.max(direct))


def _examples(slices: list[kf.landscape.LossSlice], named: Array) -> dict[str, Any]:
    """Both parabolas around the first inner sample of each type, in the reach of the nearer neighbour."""
    found = np.full((4, len(TYPES), _NEAR), np.nan)
    for k, kind in enumerate(TYPES):
        rows = [(i, j) for i, j in np.argwhere(named == kind) if 0 < j < named.shape[1] - 1]
        if rows:
            i, j = max(rows, key=lambda row: _corner(slices[row[0]], row[1]))
            found[:, k] = _two_parabolas(slices[i], j)
    dims = ("type", "point")
    names = ("example_x", "example_left", "example_right", "example_vertices")
    return {name: (dims, values) for name, values in zip(names, found, strict=True)}


def _reach(each: kf.landscape.LossSlice, j: int) -> float:
    return float(min(each.knots[j] - each.knots[j - 1], each.knots[j + 1] - each.knots[j]))


def _corner(each: kf.landscape.LossSlice, j: int) -> float:
    """How visible the corner is: its change of slope against the bending of the parabolas around it."""
    return float(
        abs(each.right[j] - each.left[j]) / (each.curvatures[j : j + 2].sum() * _reach(each, j)) > 0.3
    ) * _reach(each, j)


def _two_parabolas(each: kf.landscape.LossSlice, j: int) -> Array:
    step = np.linspace(-1, 1, _NEAR) * _reach(each, j)
    left, right = (
        each.values[j] + step * (slope + 0.5 * curvature * step)
        for slope, curvature in ((each.left[j], each.curvatures[j]), (each.right[j], each.curvatures[j + 1]))
    )
    vertices = np.full(_NEAR, np.nan)
    vertices[:2] = each.vertices[j : j + 2] - each.knots[j]
    return np.array([step, left, right, vertices])


def check(p: Settings, data: xr.Dataset) -> list[Check]:
    total = data.sum("seed")
    rarest = min(float(total[kind]) for kind in p.types)
    return [
        Check.below("error of the piecewise quadratic, in parts of the largest loss", float(data.error.max()), 1e-12),
        Check.below(f"types by m1 and m2 that differ from where the loss falls, of {int(total.told)},",
                    float(total.wrong), 0.5),
        Check.above("samples of the rarest of the three types", rarest, 0.5),
        Check.above("smallest curvature of a piece", float(data.least_curvature.min()), 0.0, printed=True),
        Check.above("share of the knots and samples that are of the three types",
                    float(total.told / total.pairs), 0.999, printed=True),
        Check.above("share of the types that are the same under the full gradient flow",
                    float(total.same_under_flow / total.told), 0.999, printed=True),
    ]  # fmt: skip


def draw(p: Settings, data: xr.Dataset) -> Figure:
    figure, axes = panels.grid(1, len(p.types), panel=(3.7, 3.2))
    for k, (ax, kind) in enumerate(zip(axes[0], p.types, strict=True)):
        there = data.example_x.isel(type=k, point=0).notnull().values
        one = data.isel(seed=int(np.argmax(there)), type=k)
        x, left, right = one.example_x.values, one.example_left.values, one.example_right.values
        for values, own, (ink, _) in ((left, x <= 0, LEFT_PEN), (right, x >= 0, RIGHT_PEN)):
            ax.plot(x[own], values[own], color=ink, lw=2.2)
            ax.plot(x[~own], values[~own], color=ink, lw=1.6, ls=(0, (1.2, 1.5)))
        ax.axvline(0, color=style.DATA, lw=1, zorder=0)
        room = ax.get_ylim()
        for m, (ink, _) in zip(one.example_vertices.values[:2], (LEFT_PEN, RIGHT_PEN), strict=True):
            if abs(m) <= x[-1]:
                ax.plot(m, room[0], "^", color=ink, ms=8, clip_on=False, zorder=5)
        ax.set(ylim=room, xlim=(x[0], x[-1]))
        panels.title(ax, f"{'I' * (k + 1)}: {kind}")
        style.label_axes(ax, "knot, from the sample", "loss")
    dots = (0, (1.2, 1.5))
    panels.legend(
        figure,
        [
            style.line(LEFT_PEN[0], "$p_1$, left of the sample", 2.2),
            style.line(RIGHT_PEN[0], "$p_2$, right of it", 2.2),
            panels.dashed(style.INK, "its continuation beyond the sample", dots),
            Line2D([], [], color=style.INK, marker="^", ls="", ms=8, mew=0, label="its minimum, where in view"),
            style.line(style.DATA, "sample", 1.0),
        ],
        3,
    )
    return figure


def table(p: Settings, data: xr.Dataset) -> tuple[list[str], list[list[str]]]:
    total = data.sum("seed")
    flat = int(total.pairs - total.told)
    counts = [int(total[kind]) for kind in p.types]
    rows = [*zip(p.types, counts, strict=True), ("none: the neuron is dead on one side", flat)]
    return ["a sample is to a knot", "how often"], [[kind, f"{count:,}"] for kind, count in rows]


EXPERIMENT = experiment(
    __name__,
    item="Figure 3",
    title="passthrough, repeller, attractor",
    claim="As one knot moves, the loss is piecewise quadratic with positive curvature and knots at the samples, and "
    "each sample is a passthrough, a repeller or an attractor, by where the parabolas beside it have their minima; "
    "gradient flow moves the knot accordingly.",
    where="Section 2.3, theorem 3 and Figure 3",
    note="The curvature is μ² times the number of active samples: 0 on the outer side, so that one outermost sample is "
    "of no type. The types are exact for a flow of the neuron's bias alone; the full flow turns the knot as well.",
)
