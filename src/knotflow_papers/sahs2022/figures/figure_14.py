"""Figure 14: how many samples are alone in their piece, against neurons per sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import knotflow as kf
from knotflow.plots import style
from knotflow_papers import Check, Settings, Trial, chosen, experiment, printed, product
from knotflow_papers.reproduction import panels

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

PARAMETERS = {
    "laws": printed(("uniform", "he"), "caption: knots uniform over the data, and those of a He start"),
    "samples": chosen(20, "fixed, from U(−2, 2)"),
    "ratio": chosen((1, 2, 5, 10, 20, 50, 100, 200, 500, 1000), "neurons per sample; the exact share goes on to 10⁵"),
    "draws": chosen(400, "starts at each ratio", quick=100),
    "small": printed(100, "appendix A.3: v = 100, read as 100 neurons on a very small task"),
    "tasks": chosen(10, "20 even points on [−2, 2] with y from U(−2, 2)", quick=2),
    "until": chosen(1000.0, "time of the exact flow on these tasks", quick=100.0),
}
EXACT = np.unique(np.round(np.geomspace(1, 1e5, 61)))


def trials(p: Settings) -> list[dict[str, Any]]:
    return [*product(law=p.laws, ratio=p.ratio), *product(law=p.laws, ratio=("task",))]


def run(p: Settings, trial: Trial) -> dict[str, Any]:
    if trial["ratio"] == "task":
        return _tasks(p, trial["law"])
    rng = np.random.default_rng([14, trial["ratio"], p.laws.index(trial["law"])])
    data, law, m = _data(p), law_of(trial["law"]), trial["ratio"] * p.samples
    piece = np.array([np.searchsorted(np.sort(law.rvs(m, random_state=rng)), data.x, "right") for _ in range(p.draws)])
    apart = np.diff(piece, axis=1) > 0
    edge = np.ones((p.draws, 1), dtype=bool)
    alone = np.hstack([edge, apart]) & np.hstack([apart, edge])
    share = alone.mean(axis=1)
    return {
        "share": float(share.mean()),
        "error": float(share.std(ddof=1) / np.sqrt(p.draws)),
        "whole": float(alone.all(axis=1).mean()),
        "exact": kf.landscape.expected_lonely_share(data, m, law),
    }


def _data(p: Settings) -> kf.Samples:
    return kf.Samples(np.random.default_rng([14]).uniform(-2, 2, p.samples), np.zeros(p.samples))


def law_of(name: str) -> Any:
    from scipy import stats

    return stats.uniform(-2, 4) if name == "uniform" else kf.initial.knot_density("he", 1)


def _tasks(p: Settings, law: str) -> dict[str, Any]:
    """What the exact flow leaves of the loss on each small task, and the curve of the exact share."""
    lost, lonely = [], []
    for task in range(p.tasks):
        start, data = _task(p, law, task)
        end = kf.evolve(start, data, kf.GradientFlow(), until=p.until, save_at=[]).final
        lost.append(2 * end.loss(data) / np.sum((data.y - data.y.mean()) ** 2))
        lonely.append(np.mean(kf.landscape.lonely_samples(start, data)))
    data, knots = _data(p), law_of(law)
    exact = [kf.landscape.expected_lonely_share(data, int(ratio * p.samples), knots) for ratio in EXACT]
    return {
        "lost": ("task", lost),
        "lonely": ("task", lonely),
        "neurons": ("neurons", EXACT),
        "curve": ("neurons", exact),
    }


def _task(p: Settings, law: str, task: int) -> tuple[kf.ReLUNet, kf.Samples]:
    rng = np.random.default_rng([114, task])
    data = kf.Samples(np.linspace(-2, 2, p.samples), rng.uniform(-2, 2, p.samples))
    return (kf.initial.uniform_knots(p.small, rng, data) if law == "uniform" else kf.initial.he(p.small, rng)), data


def gather(p: Settings, trials: Any, results: Any) -> xr.Dataset:
    """The shares, (law, ratio), and the tasks, (law, task)."""
    import xarray as xr

    from knotflow_papers.reproduction import dataset

    split = len(p.laws) * len(p.ratio)
    tasks = dataset.grid([{"law": trial["law"]} for trial in trials[split:]], results[split:])
    return xr.merge([dataset.grid(trials[:split], results[:split]), tasks])


def check(p: Settings, data: xr.Dataset) -> list[Check]:
    z = np.abs(data.share - data.exact) / np.maximum(data.error, 1e-3)
    uniform, he = (data.sel(law=law) for law in ("uniform", "he"))
    checks = [
        Check.below("largest distance of the measured from the exact share, in standard errors,", float(z.max()), 4.0)
    ]
    for law in p.laws:
        one = data.sel(law=law)
        checks += [
            Check.monotone(f"exact share of lonely samples as neurons are added, {law},", one.exact.values, "rises"),
            Check.above(f"exact share at 10⁵ neurons a sample, {law},", float(one.curve[-1]), 0.99),
        ]
    return [
        *checks,
        Check.above("neurons that 90% lonely samples take from a He start, in times those with uniform knots,",
                    _needed(he) / _needed(uniform), 1.0),
        Check.below("what uniform knots leave of the variance on a small task, mean,", float(uniform.lost.mean()), 0.01,
                    printed=True),
        Check.above("what a He start leaves of the variance on a small task, mean,", float(he.lost.mean()), 0.01,
                    printed=True),
    ]  # fmt: skip


def _needed(one: xr.Dataset) -> float:
    """Neurons per sample for an exact share of 0.9."""
    return float(np.exp(np.interp(0.9, one.curve, np.log(one.neurons))))


_PENS = {"uniform": style.PENS[0], "he": style.PENS[1]}
_NAMES = {"uniform": "uniform knots", "he": "He start"}


def draw(p: Settings, data: xr.Dataset) -> Figure:
    figure, axes = panels.grid(1, 2, panel=(4.9, 3.3))
    for law in p.laws:
        one, (colour, dash) = data.sel(law=law), _PENS[law]
        axes[0, 0].plot(one.neurons, 100 * one.curve, color=colour, ls=dash, lw=1.5)
        axes[0, 0].plot(p.ratio, 100 * one.share, "o", ms=4.5, color=colour, mew=0)
        axes[0, 1].plot(p.ratio, one.whole, color=colour, ls=dash, marker="o", ms=4.5, lw=1.2, mew=0)
    axes[0, 0].set(xscale="log", ylim=(0, 102))
    axes[0, 1].set(xscale="log", ylim=(-0.02, 1.02))
    style.label_axes(axes[0, 0], "neurons per sample, $H/N$", "lonely samples in %")
    style.label_axes(axes[0, 1], "neurons per sample, $H/N$", "share of starts")
    panels.title(axes[0, 0], "samples alone in their piece")
    panels.title(axes[0, 1], "all samples are lonely")
    panels.legend(
        figure,
        [
            *(panels.dashed(_PENS[law][0], f"{_NAMES[law]}, exact", _PENS[law][1]) for law in p.laws),
            *(style.dot(_PENS[law][0], f"{_NAMES[law]}, measured") for law in p.laws),
        ],
    )
    return figure


def table(p: Settings, data: xr.Dataset) -> tuple[list[str], list[list[str]]]:
    rows = []
    for law in p.laws:
        one = data.sel(law=law)
        values = (one.lonely.mean(), one.lost.mean(), one.lost.max())
        rows.append([_NAMES[law], *(f"{float(value):.2g}" for value in values)])
    head = [f"{p.samples} samples, {p.small} neurons", "lonely at the start", "variance left, mean", "largest"]
    return head, rows


def film(p: Settings) -> kf.Trajectory:
    """Appendix A.3: the small task from uniform knots."""
    return _filmed(p, "uniform")


def film_he(p: Settings) -> kf.Trajectory:
    """Appendix A.3: the same from a He start."""
    return _filmed(p, "he")


def _filmed(p: Settings, law: str) -> kf.Trajectory:
    start, data = _task(p, law, 0)
    return kf.evolve(start, data, kf.GradientFlow(), until=p.until)


EXPERIMENT = experiment(
    __name__,
    item="Figure 14",
    title="lonely samples against overparametrisation",
    claim="With massive overparametrisation nearly all samples are alone in their piece, under uniform knots sooner "
    "than from a He start; on a small task of 100 neurons a loss near 0 is reached with uniform knots, and not "
    "from a He start.",
    where="appendix A.3, Figure 14",
    note="That He's start “leads to lonely partitions” must read non-lonely. Samples drawn at random come in close "
    "pairs, which keep the whole partition from being lonely long after most samples are. The small task was "
    "shown in a video: here the exact flow is run on 20 even points. Neither start reaches a loss near 0 on it: a"
    " partition that is lonely at the start need not stay so.",
    films={"he": film_he},
)
