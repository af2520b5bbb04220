"""Figure 4: lonely partitions, and how likely they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import knotflow as kf
from knotflow.plots import style
from knotflow_papers import Check, Settings, Trial, chosen, experiment, printed, product
from knotflow_papers.reproduction import panels
from knotflow_papers.sahs2022.setup import Array

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PARAMETERS = {
    "layout": printed(
        ("equispaced", "random"),
        "remark 1: breakpoints uniformly spaced, data uniform between them; random: as at initialisation",
    ),
    "samples": chosen(20, "N; the figure has few"),
    "d": chosen((0.125, 0.25, 0.5, 1.0, 2.0, 5.0, 20.0), "H = d N², as in remark 1"),
    "draws": chosen(4000, "partitions over which a share is taken", quick=500),
    "shown": chosen((6, 40), "H of the two strips, of 6 samples"),
}


def trials(p: Settings) -> list[dict[str, Any]]:
    return product(layout=p.layout, d=p.d)


def run(p: Settings, trial: Trial) -> dict[str, Any]:
    d, layout = trial["d"], trial["layout"]
    m = round(d * p.samples**2)
    rng = np.random.default_rng([4, p.layout.index(layout), m])
    lonely = [_is_lonely(m, p.samples, layout, rng) for _ in range(p.draws)]
    chance = kf.landscape.lonely_probability(m, p.samples, layout)
    return {
        "H": m,
        "share": float(np.mean(lonely)),
        "exact": chance.exact,
        "limit": chance.approximation,
        "printed": 1 - np.exp(-1 / d),
    }


def _is_lonely(m: int, s: int, layout: str, rng: np.random.Generator) -> bool:
    """Whether no two of s uniform samples are in one piece, counted."""
    knots = np.linspace(0, 1, m) if layout == "equispaced" else np.sort(rng.uniform(size=m))
    piece = np.searchsorted(knots, rng.uniform(size=s), side="right")
    return len(np.unique(piece)) == s


def _bound(p: Settings) -> float:
    """Four standard errors of a share, at most."""
    return 2 / np.sqrt(p.draws)


def check(p: Settings, data: xr.Dataset) -> list[Check]:
    shares = [data.share.sel(layout=layout).values for layout in p.layout]
    above = data.d >= 1
    return [
        *(Check("the share of lonely partitions rises with H, " + layout, bool(np.all(np.diff(values) >= 0)),
                f"{layout}, as H grows: {', '.join(f'{v:.3g}' for v in values)}")
          for layout, values in zip(p.layout, shares, strict=True)),
        Check.above("share of lonely partitions at the largest H", float(min(v[-1] for v in shares)), 0.9),
        Check.below("largest distance of the share from the exact probability",
                    float(np.abs(data.share - data.exact).max()), _bound(p)),
        Check.below("largest distance of e^(−1/2d), or of e^(−1/d) for random breakpoints, from it, d ≥ 1",
                    float(np.abs(data.limit - data.exact).where(above).max()), 0.03),
        Check.below("largest distance of 1 − e^(−1/d), as printed, from the share for equispaced breakpoints, d ≥ 1",
                    float(np.abs(data.printed - data.share).where(above).sel(layout="equispaced").max()), 0.03,
                    printed=True),
    ]  # fmt: skip


def draw(p: Settings, data: xr.Dataset) -> Figure:
    figure, axes = panels.grid(1, 2, panel=(5.2, 3.4))
    _strips(axes[0, 0], p)
    ax = axes[0, 1]
    d = np.geomspace(min(p.d), max(p.d), 300)
    for layout, (ink, dashes) in PENS.items():
        one = data.sel(layout=layout)
        ax.plot(d, np.exp(-1 / (2 * d if layout == "equispaced" else d)), color=ink, ls=dashes, lw=1.6)
        ax.plot(one.d, one.share, "o", color=ink, ms=6)
    ax.plot(d, 1 - np.exp(-1 / d), color=PRINTED[0], ls=PRINTED[1], lw=1.6)
    ax.set(xscale="log", ylim=(-0.03, 1.03))
    style.label_axes(ax, f"$d = H / N^2$, $N = {p.samples}$", "lonely partitions")
    panels.title(ax, "how likely they are")
    panels.legend(figure, [style.dot(style.DATA, "sample alone in its piece"), style.dot(CROWDED, "sample in company"),
                           style.line(style.NETWORK, "breakpoint", 1.0),
                           *(panels.dashed(ink, f"{layout} breakpoints: {LAWS[layout]}; dots: counted", dashes)
                             for layout, (ink, dashes) in PENS.items()),
                           panels.dashed(PRINTED[0], "$1 - e^{-1/d}$, as printed", PRINTED[1])], 3)  # fmt: skip
    return figure


def _strips(ax: Axes, p: Settings) -> None:
    """The same samples under few and under many random breakpoints."""
    rng = np.random.default_rng(4)
    x = np.sort(rng.uniform(size=6))
    for height, m in zip((1.0, 0.0), p.shown, strict=True):
        knots = np.sort(rng.uniform(size=m))
        ax.vlines(knots, height - 0.28, height + 0.28, color=style.NETWORK, lw=1)
        ax.scatter(x, np.full(x.size, height), s=60, lw=0, c=_colours(x, knots), zorder=3)
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.6, 1.6), yticks=[1.0, 0.0])
    ax.set_yticklabels([f"H = {m}" for m in p.shown])
    ax.set_xlabel("$x$", fontsize=style.FONT, color=style.INK)
    panels.title(ax, "samples between breakpoints")


def _colours(x: Array, knots: Array) -> list[str]:
    piece = np.searchsorted(knots, x, side="right")
    return [style.DATA if count == 1 else CROWDED for count in np.bincount(piece)[piece]]


CROWDED = "#e69f00"
PENS = {"equispaced": style.PENS[1], "random": style.PENS[3]}
LAWS = {"equispaced": "$e^{-1/2d}$", "random": "$e^{-1/d}$"}
PRINTED = style.PENS[2]

EXPERIMENT = experiment(
    __name__,
    item="Figure 4",
    title="lonely partitions",
    claim="Overparametrisation makes it increasingly likely that every sample is alone between breakpoints: with H = "
    "d N² equispaced ones the probability is 1 − e^(−1/d).",
    where="Section 2.3.1, Figure 4; remark 1 for the probability",
    note="Loneliness does become likely, with probability e^(−1/2d) for equispaced and e^(−1/d) for random "
    "breakpoints. The printed formula is the complement of the latter: it falls with d.",
)
