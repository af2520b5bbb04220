"""Figure 1: the curve of parameters that one neuron's scaling makes, and the flat direction along it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import MaxNLocator

import knotflow as kf
from knotflow.plots import style
from knotflow_papers import Check, Settings, Trial, chosen, experiment
from knotflow_papers.reproduction import panels
from knotflow_papers.sahs2022.setup import ALL, Array, random_data, random_net

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PARAMETERS = {
    "m": chosen(8, "the figure shows one neuron; the others make it a network"),
    "samples": chosen(6, "fewer than the neurons: the loss can reach 0"),
    "alphas": chosen(41, "scales α from 1/8 to 8"),
    "seeds": chosen(100, "random networks over which the worst is taken", quick=10),
    "contours": chosen(61, "points of the plane along each axis"),
}


def trials(p: Settings) -> list[dict[str, Any]]:
    return [{"seed": seed} for seed in range(p.seeds)]


def run(p: Settings, trial: Trial) -> dict[str, Any]:
    rng = np.random.default_rng([101, trial["seed"]])
    net, data = random_net(p.m, rng), random_data(p.samples, rng)
    knots = kf.landscape.lonely_knots(data, np.arange(1, p.samples + 1), p.m)
    lowest = kf.landscape.lonely_minimum(data, knots, free=0.5)
    alphas = np.geomspace(1 / 8, 8, p.alphas)
    scaled = [_scaled(net, alpha) for alpha in alphas]
    x = np.linspace(-3, 3, 301)
    f = net(x)
    away, identity = _curvature_along(net, data)
    result = {
        "alpha": ("alpha", alphas),
        "w": ("alpha", [each.a[0] for each in scaled]),
        "b": ("alpha", [-each.b[0] for each in scaled]),
        "v": ("alpha", [each.c[0] for each in scaled]),
        "change_f": max(float(np.max(np.abs(each(x) - f))) for each in scaled) / float(np.max(np.abs(f))),
        "change_loss": max(abs(each.loss(data) / net.loss(data) - 1) for each in scaled),
        "away": away,
        "identity": identity,
        "lowest": _curvature_along(lowest, data)[0],
    }
    return result if trial["seed"] else result | _plane(p, net, data)


def _scaled(net: kf.ReLUNet, alpha: float) -> kf.ReLUNet:
    """Neuron 0 alone scaled."""
    return net.rescaled(np.where(np.arange(len(net)) == 0, alpha, 1.0))


def _curvature_along(net: kf.ReLUNet, data: kf.Samples) -> tuple[float, float]:
    """|H t| and |H t + (dL/da, dL/db, -dL/dc)_0| for the tangent t = (a, b, -c)_0, in parts of |H| |t|."""
    m, hessian, grad = len(net), kf.landscape.hessian(net, data), kf.gradient(net, data, ALL)
    place = [0, m, 2 * m]
    tangent, expected = np.zeros(3 * m + 1), np.zeros(3 * m + 1)
    tangent[place] = net.a[0], net.b[0], -net.c[0]
    expected[place] = -grad.a[0], -grad.b[0], grad.c[0]
    bent = hessian @ tangent
    scale = np.linalg.norm(hessian, 2) * np.linalg.norm(tangent)
    return float(np.linalg.norm(bent) / scale), float(np.linalg.norm(bent - expected) / scale)


def _plane(p: Settings, net: kf.ReLUNet, data: kf.Samples) -> dict[str, Any]:
    """L over the size of (w, b) and over v, the direction of (w, b) being held."""
    size = float(np.hypot(net.a[0], net.b[0]))
    reach = np.linspace(0.02, 2.6, p.contours) * size
    outer = np.linspace(-2.6, 2.6, p.contours) * abs(net.c[0])
    first = np.arange(len(net)) == 0
    loss = [[net.replace(a=np.where(first, net.a * r / size, net.a), b=np.where(first, net.b * r / size, net.b),
                         c=np.where(first, v, net.c)).loss(data) for r in reach] for v in outer]  # fmt: skip
    return {"reach": ("reach", reach), "outer": ("outer", outer), "loss": (("outer", "reach"), np.array(loss))}


def check(p: Settings, data: xr.Dataset) -> list[Check]:
    worst = data.max("seed")
    radius = np.hypot(data.w, data.b) * np.abs(data.v)
    off = (radius.max("alpha") / radius.min("alpha") - 1).max("seed")
    return [
        Check.below("largest change of f under scaling, in parts of its largest value", float(worst.change_f), 1e-12),
        Check.below("largest relative change of the loss", float(worst.change_loss), 1e-12),
        Check.below("largest relative change of |(w, b)| |v|: off the hyperbola,", float(off), 1e-12),
        Check.below("|H t| for the tangent t, in parts of |H| |t|, at global minima", float(worst.lowest), 1e-10),
        Check.below("|H t + (∂L/∂w, ∂L/∂b, −∂L/∂v)|, in these parts, anywhere", float(worst.identity), 1e-12),
        Check.below("|H t|, in these parts, for every θ", float(worst.away), 1e-10, printed=True),
    ]


def draw(p: Settings, data: xr.Dataset) -> Figure:
    figure, axes = panels.grid(1, 3, panel=(4.0, 3.6))
    one, row = data.isel(seed=0), axes[0]
    spot = row[0].get_subplotspec()
    row[0].remove()
    _manifold(figure.add_subplot(spot, projection="3d"), one)
    _section(row[1], one)
    _tangents(row[2], data)
    panels.legend(
        figure,
        [
            style.line(style.NETWORK, "neurons that make the same function"),
            panels.dashed(PLANE[0], "its shadows on the walls", PLANE[1]),
            style.dot(style.NETWORK, "α = 1"),
            style.dot(MINIMUM, "at a global minimum"),
            style.dot(ANYWHERE, "anywhere (0: the neuron sees no sample)"),
        ],
        3,
    )
    return figure


def _manifold(ax: Any, one: xr.Dataset) -> None:
    """The curve in space, with its shadows."""
    w, b, v = (one[name].values for name in "wbv")
    here = int(np.argmin(np.abs(one.alpha.values - 1)))
    keep = (np.hypot(w, b) < 4 * np.hypot(w[here], b[here])) & (np.abs(v) < 4 * abs(v[here]))
    walls = [_wall(values[keep], first) for values, first in ((w, True), (b, False), (v, True))]
    ax.plot(w[keep], b[keep], v[keep], color=style.NETWORK, lw=2)
    ax.scatter([w[here]], [b[here]], [v[here]], color=style.NETWORK, s=34)
    colour, dashes = PLANE
    for flat in range(3):
        shadow = [np.full(keep.sum(), walls[k]) if k == flat else values[keep] for k, values in enumerate((w, b, v))]
        ax.plot(*shadow, color=colour, ls=dashes, lw=1.4)
    ax.set(xlabel="$w$", ylabel="$b$", zlabel="$v$")
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):
        axis.set_major_locator(MaxNLocator(4))
        axis.set_pane_color((1, 1, 1, 0))
    ax.tick_params(labelsize=style.FONT - 2.5, pad=0)
    ax.set_box_aspect(None, zoom=0.86)
    panels.title(ax, "(αw, αb, v/α)")


def _wall(values: Array, low: bool) -> float:
    room = 0.15 * float(np.ptp(values))
    return float(values.min() - room if low else values.max() + room)


def _section(ax: Axes, one: xr.Dataset) -> None:
    reach, outer, loss = one.reach.values, one.outer.values, one.loss.values
    radius = np.hypot(one.w.values, one.b.values)
    ax.contourf(reach, outer, np.log10(loss), 18, cmap="Greys", alpha=0.55)
    ax.plot(radius, one.v, color=style.NETWORK, lw=2)
    here = int(np.argmin(np.abs(one.alpha.values - 1)))
    ax.plot(radius[here], one.v.values[here], "o", color=style.NETWORK, ms=6)
    ax.set(xlim=(reach[0], reach[-1]), ylim=(outer[0], outer[-1]))
    style.label_axes(ax, "$|(w, b)|$", "$v$")
    panels.title(ax, "shades of the loss: constant along it")


def _tangents(ax: Axes, data: xr.Dataset) -> None:
    rank = np.arange(1, data.sizes["seed"] + 1)
    ax.semilogy(rank, np.maximum(np.sort(data.lowest.values), 1e-18), ".", color=MINIMUM)
    ax.semilogy(rank, np.maximum(np.sort(data.away.values), 1e-18), "o", ms=4.5, mfc="none", color=ANYWHERE)
    ax.set_ylim(1e-19, 3)
    style.label_axes(ax, "random network, in order", "$|H t|\\ /\\ |H|\\,|t|$")
    panels.title(ax, "curvature along its tangent t")


PLANE = (style.PENS[3][0], style.PENS[3][1])
MINIMUM, ANYWHERE = style.PENS[1][0], style.PENS[2][0]

EXPERIMENT = experiment(
    __name__,
    item="Figure 1",
    title="the manifold of a neuron's scalings",
    claim="Scaling a neuron to (αw, αb, v/α) leaves the function and the loss as they are: a hyperbola of constant "
    "loss, whose tangent is in the null space of the Hessian for all θ.",
    where="Section 2.1, Figure 1; remark 2.1 on the tangent",
    note="The curve is as claimed. Its tangent t is a null vector only where the gradient of the neuron vanishes: "
    "H t = −(∂L/∂w, ∂L/∂b, −∂L/∂v).",
)
