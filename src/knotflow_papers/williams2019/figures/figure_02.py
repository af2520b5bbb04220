"""Figure 2: the ways of single neurons in a constant field, for five values of delta."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import knotflow as kf
from knotflow.plots import style
from knotflow_papers import Check, Settings, Trial, chosen, experiment, printed, product
from knotflow_papers.reproduction import panels
from knotflow_papers.williams2019.setup import Array

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

PARAMETERS = {
    "delta": printed((-np.inf, -1.0, 0.0, 1.0, np.inf), "caption: δ interpolates; the finite values are ours"),
    "starts": chosen(24, "directions of the start, evenly on the circle |r| = 1"),
    "gradient": chosen((1.0, 0.0), "(g_u, g_v): the field of an arc of samples whose residuals stand still"),
    "length": chosen(1.3, "time, in that of δ = 0; the others are slowed so that all go about as far"),
    "moments": chosen(121, "of a way"),
}


def trials(p: Settings) -> list[dict[str, Any]]:
    return product(delta=p.delta)


def run(p: Settings, trial: Trial) -> dict[str, Any]:
    delta, g = trial["delta"], np.array(p.gradient)
    theta = 2 * np.pi * (np.arange(p.starts) + 0.5) / p.starts
    u, v, sign = _ways(delta, theta, g, np.linspace(0, p.length, p.moments))
    d = np.stack([np.cos(theta), np.sin(theta)])
    t = np.stack([-d[1], d[0]])
    velocity = np.stack([u[1] - u[0], v[1] - v[0]]) / (p.length / (p.moments - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        along, across = (velocity * d).sum(0) / (g @ d), (velocity * t).sum(0) / (g @ t)
        ratio = across / along
    return {
        "start": ("start", theta),
        "u": (("moment", "start"), u),
        "v": (("moment", "start"), v),
        "sign": (("moment", "start"), sign),
        "ratio": float(np.nanmedian(ratio)),
        "off_radius": float(np.max(np.abs(u * d[1] - v * d[0]))),
        "off_gradient": float(np.max(np.abs((u - u[0]) * g[1] - (v - v[0]) * g[0]))),
    }


def _ways(delta: float, theta: Array, g: Array, times: Array) -> tuple[Array, Array, Array]:
    """(u, v) and sign of r over time, from r = 1 in each direction: z' = M z with M constant, solved by expm."""
    from scipy.linalg import expm

    d = np.stack([np.cos(theta), np.sin(theta)])
    if delta == -np.inf:  # r' = -<g, d>, theta stands still
        r = 1 - np.outer(times, g @ d)
        return np.abs(r) * d[0], np.abs(r) * d[1], np.sign(r)
    if delta == np.inf:  # (u, v)' = -g
        u, v = (d[k] - np.outer(times, np.full(theta.size, g[k])) for k in (0, 1))
        return u, v, np.ones_like(u)
    start = kf.ReLUNet.from_canonical(kf.views.Canonical(np.ones_like(theta), theta, delta, norm=float(theta.size)))
    generator = np.array([[0, 0, -g[0]], [0, 0, g[1]], [-g[0], g[1], 0]])
    mobility = np.hypot(delta, 2.0)  # n^2 + c^2 at the start, where |r| = 1
    z = np.stack([start.a, start.b, start.c])
    states = np.array([expm(time / mobility * generator) @ z for time in times])
    a, b, c = states[:, 0], states[:, 1], states[:, 2]
    return np.abs(c) * a, -np.abs(c) * b, np.sign(c)


def check(p: Settings, data: xr.Dataset) -> list[Check]:
    ratio = data.ratio.values
    expected = [(1 + _share(delta)) / 2 for delta in p.delta]
    error = float(np.max(np.abs(ratio - expected)))
    return [
        Check.below(
            "distance of the ways at δ = −∞ from lines through the origin",
            float(data.off_radius.sel(delta=-np.inf)),
            1e-12,
        ),
        Check.below(
            "distance of the ways at δ = +∞ from lines along the gradient",
            float(data.off_gradient.sel(delta=np.inf)),
            1e-12,
        ),
        Check.monotone("mobility across the radius, in parts of that along it, as δ grows", ratio, "rises"),
        Check.below("its distance from (1 + δ / √(δ² + 4 q²)) / 2", error, 2e-2),
    ]


def _share(delta: float) -> float:
    return float(np.sign(delta)) if np.isinf(delta) else delta / np.hypot(delta, 2.0)


def draw(p: Settings, data: xr.Dataset) -> Figure:
    figure, axes = panels.grid(1, len(p.delta), panel=(2.7, 2.3))
    for ax, delta in zip(axes[0], p.delta, strict=True):
        one = data.sel(delta=delta)
        for colour, there in ((style.POSITIVE, one.sign > 0), (style.NEGATIVE, one.sign < 0)):
            ax.plot(one.u.where(there), one.v.where(there), color=colour, lw=1.3)
        ax.plot(one.u[0], one.v[0], "o", ms=3.2, color=style.DATA, mew=0)
        for start in range(one.sizes["start"]):
            _arrow(ax, one.u.values[:, start], one.v.values[:, start], one.sign.values[-1, start])
        ax.plot(0, 0, "+", color=style.INK, ms=6)
        ax.set(xlim=(-2.9, 1.4), ylim=(-1.75, 1.75), aspect="equal")
        panels.title(ax, f"δ = {panels.signed(delta)}")
        style.label_axes(ax, r"along $\nabla\tilde{L}$", "")
    style.label_axes(axes[0, 0], r"along $\nabla\tilde{L}$", r"along $\nabla\tilde{L}^\perp$")
    panels.legend(
        figure,
        [
            style.line(style.POSITIVE, "way while $r > 0$"),
            style.line(style.NEGATIVE, "while $r < 0$"),
            style.dot(style.DATA, "start, $|r| = 1$, $r > 0$"),
        ],
    )
    return figure


def _arrow(ax: Any, u: Array, v: Array, sign: float) -> None:
    """The head at the end of a way."""
    if np.hypot(u[-1] - u[-4], v[-1] - v[-4]) > 1e-3:
        style_of = {
            "arrowstyle": "-|>",
            "color": style.POSITIVE if sign > 0 else style.NEGATIVE,
            "lw": 0,
            "mutation_scale": 9,
        }
        ax.annotate("", (u[-1], v[-1]), (u[-4], v[-4]), arrowprops=style_of, annotation_clip=True)


EXPERIMENT = experiment(
    __name__,
    item="Figure 2",
    title="the ways of single neurons for five δ",
    claim="δ interpolates between neurons that move radially, towards and away from the origin, and neurons that move "
    "parallel to the gradient.",
    where="Figure 2, Section 3.2",
    note="One arc, whose residuals stand still: (a, b, c) then moves by the exponential of one matrix. The share of "
    "motion across the radius depends on δ alone, not on the norm α(m): the text's sentence that the radial component "
    "dominates if α(m) = o(m) is wrong.",
)
