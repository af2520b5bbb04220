"""Figure 10: a spiky start stays spiky; and the roughness in a gap of the data against width and initial variance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import knotflow as kf
from knotflow.plots import style
from knotflow_papers import Check, Descent, Settings, Trial, chosen, experiment, printed, product
from knotflow_papers.reproduction import panels
from knotflow_papers.sahs2022 import gap, spiky
from knotflow_papers.sahs2022.spiky import STARTS

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PARAMETERS = {
    "function": chosen("Sine", "top: sin(πx), as for Table 3"),
    "trials": printed(35, "top: appendix A.2", quick=8),
    **spiky.SHALLOW,
    "until": chosen(1000.0, "top: time of the exact flow, which has all but ended by then; the epochs make 2"),
    "cases": printed(tuple(gap.CASES), "bottom: Figure 11"),
    "each_side": chosen(16, "points on either side of the gap"),
    "widths": chosen((20, 40, 80, 160, 320, 640, 1280), "bottom left", quick=(20, 80, 320)),
    "factors": chosen((0.25, 0.5, 1.0, 2.0, 4.0), "bottom right: of all initial weights", quick=(0.25, 1.0, 4.0)),
    "width": chosen(200, "bottom right"),
    "laws": chosen(("pytorch", "he"), "PyTorch's default, which the paper calls He, and He's Gaussian law"),
    "runs": printed(4, "caption", quick=2),
    "adam": chosen(1e-3, "bottom: Adam's customary learning rate"),
    "steps": chosen(20_000, "bottom: trained to convergence", quick=3000),
}


def trials(p: Settings) -> list[dict[str, Any]]:
    widths = product(law=p.laws, width=p.widths, factor=(1.0,))
    factors = product(law=p.laws, width=(p.width,), factor=p.factors)
    return [{"part": "top"}, *({"part": "bottom", **each} for each in (*widths, *factors))]


def run(p: Settings, trial: Trial) -> dict[str, Any]:
    return _top(p) if trial["part"] == "top" else _bottom(p, trial)


def _top(p: Settings) -> dict[str, Any]:
    """Losses by the epochs and by the exact flow, (start, trial); functions of the first trial, (start, x)."""
    every = range(p.trials)
    ways = {
        "before": [[spiky.shallow_start(p, k, start) for k in every] for start in STARTS],
        "after": [[spiky.shallow_end(p, k, start, p.function) for k in every] for start in STARTS],
        "flow": [[spiky.shallow_limit(p, k, start, p.function, p.until) for k in every] for start in STARTS],
    }
    samples = [spiky.drawn(p, k).samples(p.function) for k in every]
    results: dict[str, Any] = {"spread": ("trial", [np.sum((each.y - each.y.mean()) ** 2) for each in samples])}
    for way, both in ways.items():
        test = [[spiky.test_loss(net(spiky.TEST), p.function) for net in nets] for nets in both]
        train = [[spiky.squares(net(data.x), data) for net, data in zip(nets, samples, strict=True)] for nets in both]
        results |= {
            way: (("start", "x"), [nets[0](spiky.TEST) for nets in both]),
            f"{way}_test": (("start", "trial"), test),
            f"{way}_train": (("start", "trial"), train),
        }
    return results


def _bottom(p: Settings, trial: Trial) -> dict[str, Any]:
    """The roughness in the gap before and after, and the loss, (case, run)."""
    rows: dict[str, list[list[float]]] = {}
    for case in p.cases:
        samples, kept = gap.samples(case, p.each_side), []
        for seed in range(p.runs):
            rng = np.random.default_rng([10, trial["width"], seed])
            start = getattr(kf.initial, trial["law"])(trial["width"], rng)
            start = start.replace(**{name: trial["factor"] * getattr(start, name) for name in "abc"})
            end = kf.evolve(start, samples, kf.Adam(p.adam), steps=p.steps, save_at=[]).final
            before = {f"initial_{name}": value for name, value in gap.roughness(start).items()}
            kept.append({**before, **gap.roughness(end), "loss": end.loss(samples)})
        for name in kept[0]:
            rows.setdefault(name, []).append([each[name] for each in kept])
    return {name: (("case", "run"), values) for name, values in rows.items()}


def gather(p: Settings, trials: Any, results: Any) -> xr.Dataset:
    """The top's results as they are; the bottom's with dimensions (law, width or factor, case, run)."""
    import xarray as xr

    from knotflow_papers.reproduction import dataset

    top = dataset.grid([{}], results[:1])
    pairs = [
        ({k: v for k, v in trial.items() if k != "part"}, result)
        for trial, result in zip(trials[1:], results[1:], strict=True)
    ]
    split = len(p.laws) * len(p.widths)
    by_width = dataset.grid(*zip(*pairs[:split], strict=True)).isel(factor=0, drop=True)
    by_factor = dataset.grid(*zip(*pairs[split:], strict=True)).isel(width=0, drop=True)
    by_factor = by_factor.rename({name: f"{name}_by_factor" for name in by_factor.data_vars})
    return xr.merge([top, by_width, by_factor], compat="override", join="outer")


def _trend(values: np.ndarray) -> float:
    """Kendall's tau of the values and their places: 1 rises, -1 falls."""
    from scipy.stats import kendalltau

    return float(kendalltau(np.arange(len(values)), values).statistic)


def check(p: Settings, data: xr.Dataset) -> list[Check]:
    mean = data.mean("run")
    test, train, limit_test, limit = (
        data[name].mean("trial").values for name in ("after_test", "after_train", "flow_test", "flow_train")
    )
    what = "mean test loss from the spiky start, in times that from the standard one,"
    checks = [
        Check.above(what, test[1] / test[0], 2.0),
        Check.above(f"{what[:-1]} by the exact flow,", limit_test[1] / limit_test[0], 2.0),
        Check.below("larger mean training loss by the exact flow, in parts of the sum of (y − mean)²,",
                    max(limit) / float(data.spread.mean()), 0.05),
        Check.below(f"ratio of the mean training losses after {p.epochs:,} epochs, larger to smaller,",
                    max(train) / min(train), 2.0, printed=True),
    ]  # fmt: skip
    for k, case in enumerate(p.cases):
        one = mean.isel(case=k)
        default = one.sel(law="pytorch")
        checks += [
            Check.below(f"Kendall's τ of roughness and width, {case} gap,", _trend(default.roughness.values), -0.7),
            Check.below(f"Kendall's τ of curvature and width, {case} gap,", _trend(default.curvature.values), -0.7),
            Check.above(f"Kendall's τ of roughness and initial variance, {case} gap,",
                        _trend(default.roughness_by_factor.values), 0.7),
            Check.below(f"Kendall's τ of roughness and width from He's Gaussian law, {case} gap,",
                        _trend(one.sel(law="he").roughness.values), -0.7, printed=True),
        ]  # fmt: skip
    return checks


def draw(p: Settings, data: xr.Dataset) -> Figure:
    figure, axes = panels.grid(2, 3, panel=(4.2, 3.1))
    samples = spiky.drawn(p, 0).samples(p.function)
    titles = {"before": "before training", "after": f"after {p.epochs:,} epochs", "flow": "end of the exact flow"}
    for ax, (when, words) in zip(axes[0], titles.items(), strict=True):
        for k in range(len(STARTS)):
            ax.plot(spiky.TEST, data[when].isel(start=k), color=style.PENS[k][0], ls=style.PENS[k][1], lw=1.5)
        panels.samples(ax, samples)
        style.label_axes(ax, "$x$", "$f(x)$")
        panels.title(ax, words)
    mean = data.mean("run")
    _by(axes[1, 0], p, mean, p.widths, "roughness", "")
    _by(axes[1, 1], p, mean, p.widths, "curvature", "")
    _by(axes[1, 2], p, mean, np.square(p.factors), "roughness", "_by_factor")
    for ax in axes[1, :2]:
        ax.set_xticks(p.widths, [str(width) for width in p.widths])
    style.label_axes(axes[1, 0], "width $H$", "Σ μ² in the gap")
    style.label_axes(axes[1, 1], "width $H$", "$\\int (f^{\\prime\\prime})^2$ in the gap, binned")
    style.label_axes(axes[1, 2], "initial variance, in times that of the law", "Σ μ² in the gap")
    panels.title(axes[1, 0], f"roughness, mean of {p.runs} runs")
    panels.title(axes[1, 1], "curvature of the function")
    panels.title(axes[1, 2], f"roughness at width {p.width}")
    handles = [panels.dashed(style.PENS[k][0], f"{start} start", style.PENS[k][1]) for k, start in enumerate(STARTS)]
    handles += [panels.DATA_DOT]
    for c, case in enumerate(p.cases):
        handles += [panels.dashed(_LAWS[law], f"{case} gap, {_NAMES[law]}", _DASHES[c]) for law in p.laws]
    handles.append(panels.dashed(style.DATA, "the same at the start", (0, (1, 1))))
    panels.legend(figure, handles, 4)
    return figure


_LAWS = {"pytorch": style.NETWORK, "he": style.PENS[2][0]}
_NAMES = {"pytorch": "PyTorch's law", "he": "He's law"}
_DASHES = ("-", (0, (4, 1.5)))


def _by(ax: Axes, p: Settings, mean: xr.Dataset, along: Any, measure: str, suffix: str) -> None:
    for law in p.laws:
        for c in range(len(p.cases)):
            one = mean.sel(law=law).isel(case=c)
            ax.plot(along, one[f"initial_{measure}{suffix}"], color=style.DATA, ls=(0, (1, 1)), lw=1.3, zorder=1)
            ax.plot(along, one[f"{measure}{suffix}"], color=_LAWS[law], ls=_DASHES[c], marker="o", ms=3.5, lw=1.5)
    ax.set(xscale="log", yscale="log")
    ax.minorticks_off()


def table(p: Settings, data: xr.Dataset) -> tuple[list[str], list[list[str]]]:
    mean = data.mean("run")
    head = ["law", "gap", "measure", *(f"H = {width}" for width in p.widths)]
    names = {"roughness": "Σ μ²", "initial_roughness": "Σ μ² at the start", "curvature": "∫ f″², binned"}
    rows = [
        [_NAMES[law], case, words, *(f"{float(v):.2g}" for v in mean[name].sel(law=law).isel(case=c))]
        for law in p.laws
        for c, case in enumerate(p.cases)
        for name, words in names.items()
    ]
    return head, rows


def descents(p: Settings) -> list[Descent]:
    widths = [*p.widths, *[p.width] * len(p.factors)]
    bottom = [Descent(width, 2 * p.each_side, p.steps, len(p.laws) * len(p.cases) * p.runs) for width in widths]
    return [Descent(p.units, p.points, p.epochs, 2 * p.trials), *bottom]


EXPERIMENT = experiment(
    __name__,
    item="Figure 10",
    title="spiky starts, and roughness in a data gap",
    claim="A spiky start and a flat one fit the data equally well, but the spiky one stays rough; in a data gap "
    "roughness falls with the width and rises with the initial variance.",
    where="sections 3.3 and 3.4, Figure 10",
    note="Σ μ² is not a measure of the function: equal neurons that share a bend have less of it. The curvature ∫ f″² "
    "with f″ averaged over tenths of the gap is. Under He's Gaussian law, Σ μ² starts at a value that does not "
    "depend on the width (theorem 2), and does not fall below it.",
)
