"""Figure 15: the function between a few samples as alpha grows; and the films of appendix A.5."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import knotflow as kf
from knotflow.plots import style
from knotflow_papers import Check, Descent, Settings, Trial, chosen, experiment, printed, product
from knotflow_papers.reproduction import panels
from knotflow_papers.sahs2022.tables import table_02

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

PARAMETERS = {
    **{name: table_02.PARAMETERS[name] for name in ("m", "samples", "divisor", "tiles")},
    "lr": printed(3e-5, "appendix A.4: of Adam"),
    "epochs": printed(50_000, "appendix A.4"),
    "alpha": chosen((0.1, 1.0, 3.0, 10.0, 100.0), "the paper's regimes, as for Table 2", quick=(0.1, 3.0, 100.0)),
    "rates": chosen(("even", "printed"), "one learning rate for all α, and divided by 5 from α = 1 on, as printed"),
    "window": chosen((-0.5, 0.1), "three intervals between samples"),
    "seed": chosen(0, "a single seed is shown"),
}


def trials(p: Settings) -> list[dict[str, Any]]:
    return [each for each in product(rate=p.rates, alpha=p.alpha) if each["rate"] == "even" or each["alpha"] >= 1]


def run(p: Settings, trial: Trial) -> dict[str, Any]:
    return dict(table_02.run(p, {"start": "uniform", "seed": p.seed, **trial}))


def check(p: Settings, data: xr.Dataset) -> list[Check]:
    """rms distances on [-2, 2]; `missed` is the rms residual in parts of that of y."""
    even, as_printed = data.sel(rate="even"), data.sel(rate="printed")
    middle = even.where(even.missed < 0.01, drop=True)
    last = even.isel(alpha=-1)
    return [
        Check.above(f"rms residual at α = {p.alpha[0]:g}, in parts of y's,", float(even.missed[0]), 0.1),
        Check.below("least ratio of the distances to linear interpolant and cubic spline, over all α that interpolate,",
                    float((middle.linear / middle.natural).min()) if middle.sizes["alpha"] else np.nan, 1.0),
        Check.below(f"distance to the cubic spline at α = {p.alpha[-1]:g}, in parts of that to the linear interpolant,",
                    float(last.natural / last.linear), 0.5),
        Check.below(f"rms residual at α = {p.alpha[-1]:g}, in parts of y's,", float(last.missed), 0.05),
        Check.below("rms residual at α = 3 with the printed learning rate, in parts of y's,",
                    float(as_printed.missed.sel(alpha=3.0)), 0.01, printed=True),
    ]  # fmt: skip


def draw(p: Settings, data: xr.Dataset) -> Figure:
    figure, axes = panels.grid(1, 2, panel=(5.2, 3.7))
    samples = table_02.samples_with_pins(p, p.seed)
    titles = {"even": f"learning rate {p.lr:g} for all α", "printed": f"learning rate divided by {p.divisor} for α ≥ 1"}
    low, high = p.window
    for ax, (rate, words) in zip(axes[0], titles.items(), strict=True):
        panels.splines(ax, samples)
        for alpha, (colour, dash) in zip(p.alpha, style.PENS, strict=False):
            ax.plot(data.x, data.f.sel(rate=rate, alpha=alpha), color=colour, ls=dash, lw=1.5, zorder=3)
        panels.samples(ax, samples)
        shown = np.concatenate(
            [data.f.sel(x=slice(low, high)).values.ravel(), samples.y[_within(samples.x, low, high)]]
        )
        ax.set(xlim=(low, high), ylim=style.widened(np.nanmin(shown), np.nanmax(shown), 0.08))
        style.label_axes(ax, "$x$", "$f(x)$")
        panels.title(ax, words)
    pens = zip(p.alpha, style.PENS, strict=False)
    panels.legend(figure, [*(panels.dashed(colour, f"α = {alpha:g}", dash) for alpha, (colour, dash) in pens),
                           panels.CUBIC_LINE, panels.LINEAR_LINE, panels.DATA_DOT], 4)  # fmt: skip
    return figure


def _within(x: Any, low: float, high: float) -> Any:
    return (x > low - 0.01) & (x < high + 0.01)


def table(p: Settings, data: xr.Dataset) -> tuple[list[str], list[list[str]]]:
    head = ["α", "learning rate", "rms residual / rms y", "rms to the linear interpolant", "rms to the cubic spline"]
    rows = []
    for trial in trials(p):
        one = data.sel(trial)
        lr = p.lr / (p.divisor if trial["rate"] == "printed" else 1)
        rows.append(
            [f"{trial['alpha']:g}", f"{lr:g}", *(f"{float(one[name]):.2g}" for name in ("missed", "linear", "natural"))]
        )
    return head, rows


def descents(p: Settings) -> list[Descent]:
    return [Descent(p.m, p.samples + 2, p.epochs, len(trials(p)))]


# -- the films of appendix A.5 ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Film:
    """The training at one alpha, with `faster` times the printed learning rate. It can be pickled."""

    alpha: float
    faster: float = 1.0

    def __call__(self, p: Settings) -> kf.Trajectory:
        start = kf.initial.init_scale(table_02.start_of(p, "uniform", p.seed), self.alpha)
        return kf.evolve(start, table_02.samples_with_pins(p, p.seed), kf.Adam(self.faster * p.lr), steps=p.epochs)


film = Film(3.0)


EXPERIMENT = experiment(
    __name__,
    item="Figure 15",
    title="between samples, as α grows",
    claim="Too low an α underfits, a moderate one interpolates linearly, and a higher one approaches the natural cubic "
    "spline.",
    where="appendix A.6, Figure 15; the videos of appendix A.5",
    note="50,000 epochs of Adam leave more than 1% of y's size at α = 3 and below, at 3e-5 and at a fifth of it, which"
    " is printed from α = 1 on. That the lowest α underfits is a matter of epochs as well: Adam moves a parameter"
    " by no more than about the learning rate times their number.",
    films={
        "alpha-0.1": Film(0.1),
        "alpha-0.1-fast": Film(0.1, faster=10.0),
        **{f"alpha-{alpha:g}": Film(alpha) for alpha in (1.0, 10.0, 100.0)},
    },
)
