"""Figure 13: a deep network from a standard and from a spiky start, before and after training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import knotflow as kf
from knotflow.plots import style
from knotflow_papers import Check, Settings, Trial, chosen, experiment
from knotflow_papers.reproduction import panels
from knotflow_papers.sahs2022 import spiky
from knotflow_papers.sahs2022.spiky import STARTS

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

PARAMETERS = {
    "functions": chosen(("Arctan", "Sine"), "a smooth target and an oscillating one of Table 3"),
    "trials": chosen(8, "of Table 3's 35; the first is shown", quick=4),
    **{name: spiky.SHALLOW[name] for name in ("points", "height")},
    **spiky.DEEP,
}


def trials(p: Settings) -> list[dict[str, Any]]:
    return [{"batch": 0}]


def run(p: Settings, trial: Trial) -> dict[str, Any]:
    """Losses, (start, function, trial), and the first trial's f, (start, function, x); before, (start, x)."""
    every = range(p.trials)
    starts = spiky.deep_starts(p, every)
    ends = spiky.deep_ends(p, every, p.functions, starts)
    samples = {name: [spiky.drawn(p, k).samples(name) for k in every] for name in p.functions}
    fits = {case: [kf.deep.knots(layers) for layers in networks] for case, networks in ends.items()}

    def losses(which: str) -> Any:
        return [[[spiky.test_loss(f(spiky.TEST), name) if which == "test" else spiky.squares(f(data.x), data)
                  for f, data in zip(fits[start, name], samples[name], strict=True)]
                 for name in p.functions] for start in STARTS]  # fmt: skip

    return {
        "test": (("start", "function", "trial"), losses("test")),
        "train": (("start", "function", "trial"), losses("train")),
        "before": (("start", "x"), [spiky.values(starts[start][0], spiky.TEST) for start in STARTS]),
        "after": (
            ("start", "function", "x"),
            [[fits[start, name][0](spiky.TEST) for name in p.functions] for start in STARTS],
        ),
    }


def check(p: Settings, data: xr.Dataset) -> list[Check]:
    checks = []
    for k, name in enumerate(p.functions):
        standard, rough = data.test.isel(batch=0, function=k).values
        checks.append(
            Check.above(
                f"median test loss from the spiky start, in times that from the standard one, {name},",
                float(np.median(rough) / np.median(standard)),
                1.0,
                printed=name == "Sine",
            )
        )
        train = np.median(data.train.isel(batch=0, function=k).values, axis=1)
        checks.append(
            Check.below(
                f"median training loss from the spiky start, in times that from the other, {name},",
                float(train[1] / train[0]),
                2.0,
            )
        )
    return checks


def draw(p: Settings, data: xr.Dataset) -> Figure:
    figure, axes = panels.grid(1, 1 + len(p.functions), panel=(4.2, 3.1))
    curves = {"before training": data.before.isel(batch=0).values}
    curves |= {
        f"after training: {name}": data.after.isel(batch=0, function=k).values for k, name in enumerate(p.functions)
    }
    for ax, (words, both) in zip(axes[0], curves.items(), strict=True):
        for s, values in enumerate(both):
            ax.plot(spiky.TEST, values, color=style.PENS[s][0], ls=style.PENS[s][1], lw=1.5)
        style.label_axes(ax, "$x$", "$f(x)$")
        panels.title(ax, words)
    draw = spiky.drawn(p, 0)
    axes[0, 0].plot(draw.knots, draw.heights, color=style.LINEAR, lw=1, zorder=1)
    for ax, name in zip(axes[0, 1:], p.functions, strict=True):
        ax.plot(spiky.TEST, spiky.FUNCTIONS[name](spiky.TEST), color=style.DATA, lw=1, ls=(0, (4, 2)), zorder=1)
        panels.samples(ax, draw.samples(name))
    panels.legend(
        figure,
        [
            *(panels.dashed(style.PENS[s][0], f"{start} start", style.PENS[s][1]) for s, start in enumerate(STARTS)),
            style.line(style.LINEAR, "what the spiky start learned", 1),
            panels.DATA_DOT,
            panels.dashed(style.DATA, "target", (0, (4, 2))),
        ],
    )
    return figure


EXPERIMENT = experiment(
    __name__,
    item="Figure 13",
    title="a deep network from a spiky start",
    claim="Deep networks, too, hit all data points from a spiky start, and generalise worse than from the standard.",
    where="appendix A.2, Figure 13",
    note="The deep spiky start is a network trained on a function with 20 knots, which 4 layers of width 8 do not "
    "reproduce. On an oscillating target its knots are a help.",
    needs="torch",
)
