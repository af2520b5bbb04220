"""Figure 5: changes of the function that leave the loss as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import knotflow as kf
from knotflow.plots import style
from knotflow_papers import Check, Settings, Trial, chosen, experiment, printed, product
from knotflow_papers.reproduction import panels
from knotflow_papers.sahs2022.setup import LEFT, RIGHT

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KINDS = {"A": "two knots of a gap cancel out", "B": "rotation about a sample", "C": "a neuron without samples"}
PARAMETERS = {
    "kind": printed(tuple(KINDS), "caption"),
    "samples": chosen((-1.6, -0.8, 0.0, 0.8, 1.6), "not given"),
    "knots": chosen((-2.0, -0.6, -0.25, 0.5, 1.1, -1.9), "one over all samples, two for A, two for B, one for C"),
    "orientations": chosen((1, 1, 1, 1, 1, -1), "those of A and B have the same facing; C faces away from the data"),
    "seeds": chosen(40, "random delta-slopes over which the worst is taken", quick=6),
}
VIEW = (-2.5, 2.0)
ZOOM = {"A": (-1.1, 0.3), "B": (-0.1, 1.7), "C": (-2.4, -1.3)}


def trials(p: Settings) -> list[dict[str, Any]]:
    return product(kind=p.kind, seed=range(p.seeds))


def run(p: Settings, trial: Trial) -> dict[str, Any]:
    rng = np.random.default_rng([5, trial["seed"]])
    slopes = rng.uniform(0.5, 1.5, len(p.knots)) * rng.choice([-1, 1], len(p.knots))
    net = kf.ReLUNet.from_bdso(kf.views.BDSO(p.knots, slopes, p.orientations))
    x = np.array(p.samples)
    fitted = kf.Samples(x, net(x))
    missed = kf.Samples(x, fitted.y + rng.normal(size=x.size))
    amounts = np.linspace(-1, 1, 9)
    changed = [_changed(net, trial["kind"], float(t)) for t in amounts]
    grid = np.linspace(*VIEW, 451)
    beyond = _changed(net, trial["kind"], 1.0 if trial["kind"] != "C" else -10.0)
    return {
        "at_samples": max(float(np.max(np.abs(each(x) - fitted.y))) for each in changed),
        "loss": max(abs(each.loss(missed) / missed_loss - 1) for each in changed for missed_loss in [net.loss(missed)]),
        "elsewhere": float(np.max(np.abs(changed[-1](grid) - changed[0](grid)))),
        "flat": _curvature_along(net, fitted, trial["kind"]),
        "entered": beyond.loss(fitted),
        "zeros": _zeros(net, fitted),
        "counted": 3 * len(net) + 1 - kf.landscape.hessian_rank(net, fitted),
        "zeros_missed": _zeros(net, missed),
        **{
            f"{name}": (("amount", "neuron"), [getattr(each, name) for each in (changed[0], net, changed[-1])])
            for name in "abc"
        },
    }


def _changed(net: kf.ReLUNet, kind: str, t: float) -> kf.ReLUNet:
    """The network changed by the amount t, 0 being none."""
    view = net.bdso()
    knots, slopes = view.knots.copy(), view.delta_slopes.copy()
    if kind == "A":
        total, moment = slopes[1] + slopes[2], slopes[1] * knots[1] + slopes[2] * knots[2]
        knots[1:3] += 0.12 * t * np.array([-1, 1])
        slopes[1:3] = np.linalg.solve(np.array([np.ones(2), knots[1:3]]), [total, moment])
    elif kind == "B":
        pivot, turn = 0.8, 0.6 * t * min(abs(slopes[3]), abs(slopes[4]))
        height, way = slopes[3] * (pivot - knots[3]), slopes[4] * (knots[4] - pivot)
        slopes[3:5] += turn, -turn
        knots[3:5] = pivot - height / slopes[3], pivot + way / slopes[4]
    else:
        knots[5] -= 0.2 * t
        slopes[5] *= 1 + 0.8 * t
    return kf.ReLUNet.from_bdso(kf.views.BDSO(knots, slopes, view.orientations, view.bias))


def _curvature_along(net: kf.ReLUNet, data: kf.Samples, kind: str, h: float = 1e-5) -> float:
    """|H v| / (|H| |v|) for the direction v in which the parameters begin to change."""
    ends = [
        np.concatenate([each.a, each.b, each.c, [each.bias]])
        for each in (_changed(net, kind, -h), _changed(net, kind, h))
    ]
    v, hessian = (ends[1] - ends[0]) / (2 * h), kf.landscape.hessian(net, data)
    return float(np.linalg.norm(hessian @ v) / (np.linalg.norm(hessian, 2) * np.linalg.norm(v)))


def _zeros(net: kf.ReLUNet, data: kf.Samples) -> int:
    values = np.abs(np.linalg.eigvalsh(kf.landscape.hessian(net, data)))
    return int(np.sum(values < 1e-10 * values.max()))


def check(p: Settings, data: xr.Dataset) -> list[Check]:
    worst, least = data.max(), data.min()
    lost = (data.zeros - data.zeros_missed).max()
    return [
        Check.below("largest change of f at a sample", float(worst.at_samples), 1e-12),
        Check.below("largest relative change of the loss, for other values of the samples", float(worst.loss), 1e-12),
        Check.above("smallest change of f elsewhere", float(least.elsewhere), 0.01),
        Check.below("|H v| in parts of |H| |v| along the changes v, at global minima", float(worst.flat), 1e-7),
        Check.below(
            "global minima whose zero eigenvalues are not 3H + 1 − rank", float((data.zeros != data.counted).sum()), 0.5
        ),
        Check.above(
            "loss when the knot of C has come among the samples", float(data.entered.sel(kind="C").min()), 1e-3
        ),
        Check.below("zero eigenvalues that are lost at points that are not critical", float(lost), 0.5, printed=True),
    ]


def draw(p: Settings, data: xr.Dataset) -> Figure:
    figure, axes = panels.grid(1, len(p.kind), panel=(3.9, 3.2))
    for ax, kind in zip(axes[0], p.kind, strict=True):
        nets = [_stored(data.sel(kind=kind, seed=0).isel(amount=k)) for k in range(3)]
        for net, (ink, dashes) in zip(nets, PENS, strict=True):
            panels.function(
                ax, net, ZOOM[kind], knots=False, color=ink, ls=dashes, zorder=3 if ink == style.NETWORK else 2.5
            )
        moving = {"A": [1, 2], "B": [3, 4], "C": [5]}[kind]
        for net in nets:
            _marked(ax, net, net.bdso(), moving)
        x = np.array([at for at in p.samples if ZOOM[kind][0] < at < ZOOM[kind][1]])
        ax.scatter(x, nets[1](x), s=44, color=style.DATA, lw=0, zorder=5)
        style.label_axes(ax, "$x$", "$f(x)$")
        panels.title(ax, f"{kind}: {KINDS[kind]}")
    labels = ("changed one way", "network, loss 0", "changed the other way")
    lines = [panels.dashed(ink, label, dashes) for (ink, dashes), label in zip(PENS, labels, strict=True)]
    panels.legend(figure, [*lines, panels.DATA_DOT, RIGHT, LEFT, style.dot(style.POSITIVE, "bends upwards"),
                           style.dot(style.NEGATIVE, "bends downwards")], 4)  # fmt: skip
    return figure


def _stored(one: xr.Dataset) -> kf.ReLUNet:
    return panels.net_of(one.a, one.b, one.c, 1.0)


def _marked(ax: Axes, net: kf.ReLUNet, view: kf.views.BDSO, moving: list[int]) -> None:
    """The knots that move, on the whole function."""
    places, colours = view.knots[moving], style.sign_colours(view.jumps[moving])
    for at, colour, side in zip(places, colours, view.orientations[moving], strict=True):
        ax.scatter(at, net(at), s=42, color=colour, marker=">" if side > 0 else "<", lw=0, zorder=4)


PENS = (style.PENS[1], style.PENS[0], style.PENS[3])

EXPERIMENT = experiment(
    __name__,
    item="Figure 5",
    title="changes that the loss does not see",
    claim="Knots of one facing in one gap can cancel out, two knots around a sample can rotate the function about it, "
    "and a neuron without active samples is free: such changes leave the loss as it is and are zero eigenvalues of the "
    "Hessian, at critical points and elsewhere.",
    where="Section 2.4, Figure 5; remark 2.3 and the text after it",
    note="The loss is constant along all three. They are null directions of the Hessian at critical points; elsewhere "
    "the residuals' term bends most of them, and zero eigenvalues are lost.",
)
