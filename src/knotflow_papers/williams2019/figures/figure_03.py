"""Figure 3 (arXiv): slices of the tangent kernel's terms, from 25,000 neurons and in the limit."""

from __future__ import annotations

from collections.abc import Callable
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
    "law": printed(("uniform", "gaussian"), "caption"),
    "at": printed(0.5, "caption: x = 0.5"),
    "m": printed(25_000, "caption"),
    "scales": chosen(1.0, "bounds or standard deviations of a, b and c; the printed 1/√m is the norm √m"),
    "view": chosen((-2.0, 2.0), "the paper's axis is not legible"),
    "points": chosen(401, "of the view"),
    "seeds": chosen(10, "networks, whose mean distance to the limit is measured", quick=2),
}

PRINTED = style.PENS[3]
# E[c^2] times the density of knots, of the uniform law on |x| <= 1
KNOTS: dict[str, Callable[[float], float]] = {
    "uniform": lambda x: 1 / 3 / 4,
    "gaussian": lambda x: 1 / (np.pi * (1 + x * x)),
}


def trials(p: Settings) -> list[dict[str, Any]]:
    return product(law=p.law, seed=range(p.seeds))


def run(p: Settings, trial: Trial) -> dict[str, Any]:
    x = np.linspace(p.view[0], p.view[1], p.points)
    rng = np.random.default_rng([3, p.law.index(trial["law"]), trial["seed"]])
    net = getattr(kf.initial, trial["law"])(p.m, rng, p.scales, p.scales, p.scales, norm=np.sqrt(p.m))
    terms, limit = (kernel.terms(x, p.at) for kernel in (kf.kernels.empirical_ntk(net), kf.kernels.ntk(trial["law"])))
    result = {"x": ("x", x), "radial_printed": ("x", _printed(x, p.at))}
    for name, (a, b, c) in (("network", terms), ("limit", limit)):
        result |= {f"{name}_features": ("x", c), f"{name}_steps": ("x", a + b), f"{name}_tangent": ("x", a + b + c)}
    return result


def _printed(x: Array, at: float, second_moment: float = 2.0) -> Array:
    """arXiv equation (26), the random-feature kernel of radial laws, as printed."""
    q, p = at / (1 + at**2), x / (1 + x**2)
    return (
        second_moment
        / (4 * np.pi)
        * (
            (np.pi - np.arctan(at) + np.arctan(x)) * (x * at + 1)
            + (q - p) * (x * at - 1)
            + (x + at) * (at**2 / (1 + at**2) - x**2 / (1 + x**2))
        )
    )


def _corner(x: Array, values: Array, at: float) -> float:
    """The jump of the slope at a point of the grid, from second-order differences on both sides."""
    k, h = int(np.argmin(np.abs(x - at))), x[1] - x[0]
    right = (-3 * values[k] + 4 * values[k + 1] - values[k + 2]) / (2 * h)
    left = (3 * values[k] - 4 * values[k - 1] + values[k - 2]) / (2 * h)
    return float(abs(right - left))


def check(p: Settings, data: xr.Dataset) -> list[Check]:
    x, one = data.x.values, data.isel(seed=0)
    gap = np.abs(data.network_tangent - data.limit_tangent).max("x").mean("seed") / one.limit_tangent.max("x")
    corners = {
        name: [_corner(x, one[f"limit_{name}"].sel(law=law).values, p.at) for law in p.law]
        for name in ("features", "steps")
    }
    error = max(
        abs(corner - (1 + p.at**2) * KNOTS[law](p.at)) for law, corner in zip(p.law, corners["steps"], strict=True)
    )
    low = x <= p.at
    gauss = one.sel(law="gaussian")
    wrong = np.max(np.abs(gauss.radial_printed.values - gauss.limit_features.values)[low])
    return [
        Check.below(f"distance of {p.m:,} neurons to the limit, in parts of its largest value", float(gap.max()), 0.03),
        Check.below("corner of the random-feature term at x = 0.5", max(corners["features"]), 1e-3),
        Check.below("error of E[c²] (1 + x²) × knot density, the other term's corner,", error, 1e-3),
        Check.above("that corner, for the law where it is smaller,", min(corners["steps"]), 0.05),
        Check.below(
            "distance of equation (26) for the Gaussian law, as printed, from the kernel, x ≤ 0.5",
            float(wrong),
            1e-6,
            printed=True,
        ),
    ]


def draw(p: Settings, data: xr.Dataset) -> Figure:
    figure, axes = panels.grid(1, len(p.law), panel=(5.4, 3.6))
    names = {"tangent": "both: tangent kernel", "features": "random features (trains $c$)", "steps": "of $a$ and $b$"}
    for ax, law in zip(axes[0], p.law, strict=True):
        one = data.sel(law=law).isel(seed=0)
        for (name, _), (ink, dashes) in zip(names.items(), style.PENS, strict=False):
            ax.plot(data.x, one[f"network_{name}"], color=ink, lw=4.5, alpha=0.28)
            ax.plot(data.x, one[f"limit_{name}"], color=ink, ls=dashes, lw=1.5)
        if law == "gaussian":
            ax.plot(data.x, one.radial_printed, color=PRINTED[0], lw=1.6, ls=PRINTED[1])
        ax.axvline(p.at, color=style.FAINT, lw=1, zorder=0)
        panels.title(ax, f"a, b and c {'uniform on [−1, 1]' if law == 'uniform' else 'standard Gaussian'}")
        style.label_axes(ax, "$x'$", f"$K({p.at:g},\\ x')$")
    handles = [
        panels.dashed(ink, label, dashes) for label, (ink, dashes) in zip(names.values(), style.PENS, strict=False)
    ]
    wide = style.line("#b9b9b9", f"the same, from {p.m:,} neurons", 4.5)
    printed_one = panels.dashed(PRINTED[0], "equation (26) as printed", PRINTED[1])
    panels.legend(figure, [*handles, wide, printed_one], 3)
    return figure


EXPERIMENT = experiment(
    __name__,
    item="Figure 3",
    title="slices of the tangent kernel",
    claim="The tangent kernel of 25,000 neurons is the sum of a smooth random-feature term and a term that captures "
    "lower-order regularity, for uniform and for Gaussian starts.",
    where="Section 3.3 and Figure 3 on arXiv; equations (26) and (27)",
    note="Its caption cites (28) for (27). Equation (26), the random-feature kernel of radial laws, has the limits of "
    "its angle and the sign of its middle term wrong; here C = E(a² + b²) = 2.",
)
