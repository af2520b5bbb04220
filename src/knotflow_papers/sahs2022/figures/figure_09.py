"""Figure 9: training loss against the number of pieces, for segmented regression and for descent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import knotflow as kf
from knotflow.plots import style
from knotflow_papers import Check, Descent, Settings, Trial, chosen, experiment, printed, product
from knotflow_papers.reproduction import panels
from knotflow_papers.sahs2022 import batchnorm

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

DP, GM, ADAM, BN, GD = "dynamic programming", "greedy merging", "Adam", "BatchNorm-SGD", "SGD"
PARAMETERS = {
    "methods": printed((DP, GM, ADAM, BN, GD), "section 3.1, caption"),
    "widths": chosen((4, 8, 16, 32, 64, 128, 256), "m neurons make m + 1 pieces", quick=(4, 16, 64)),
    "samples": chosen(1000, "on [-1, 1], of y = x²; the paper says: a quadratic"),
    "epochs": chosen(10_000, "as in the paper's other experiments", quick=2000),
    "adam": chosen(1e-3, "Adam's customary learning rate"),
    "safety": chosen(
        0.5,
        "learning rate of the other two, in parts of the stability bound at the start: one rate for "
        "all widths is too large for wide networks, with batch normalisation first; every step uses all "
        "samples",
    ),
    "seeds": chosen(4, "PyTorch's default start", quick=2),
}


def data(p: Settings) -> kf.Samples:
    return kf.Samples.from_function(np.square, np.linspace(-1, 1, p.samples))


def trials(p: Settings) -> list[dict[str, Any]]:
    return product(fit=p.methods, width=p.widths)


def run(p: Settings, trial: Trial) -> dict[str, Any]:
    """mse for every seed, and the number of pieces."""
    samples, m = data(p), trial["width"]
    if trial["fit"] in (DP, GM):
        pieces = m + 1
        fit = kf.segmented.optimal(samples, pieces) if trial["fit"] == DP else kf.segmented.greedy(samples, m // 4)
        return {"mse": ("seed", np.full(p.seeds, fit.error / p.samples)), "pieces": float(fit.pieces)}
    if trial["fit"] == BN:
        net = batchnorm.BatchNormNet.start(m, p.seeds, np.random.default_rng([9, m, 1]))
        lr = p.safety * batchnorm.stability_limits(net, samples.x)
        mse = batchnorm.descended(net, samples.x, samples.y, lr, p.epochs)
    else:
        starts = [kf.initial.pytorch(m, np.random.default_rng([9, m, 0, seed])) for seed in range(p.seeds)]
        ends = [_descended(p, start, samples, trial["fit"]) for start in starts]
        mse = np.array([2 * end.loss(samples) / p.samples for end in ends])
    return {"mse": ("seed", mse), "pieces": m + 1.0}


def _descended(p: Settings, start: kf.ReLUNet, samples: kf.Samples, fit: str) -> kf.ReLUNet:
    method = kf.Adam(p.adam) if fit == ADAM else kf.GradientDescent(p.safety * kf.stability_limit(start, samples))
    return kf.evolve(start, samples, method, steps=p.epochs, save_at=[]).final


def check(p: Settings, data: xr.Dataset) -> list[Check]:
    mse = data.mse.mean("seed")
    rises = sum(int(np.sum(np.diff(mse.sel(fit=method)) > 0)) for method in (ADAM, BN, GD))
    hundred = int(np.argmin(np.abs(np.log(np.array(p.widths) / 100))))
    variance = 4 / 45  # of x² on [-1, 1]
    factor = _pieces_factor(data)
    return [
        *(_ordered(mse, better, worse) for better, worse in ((DP, GM), (GM, ADAM), (ADAM, GD))),
        *(
            Check.below(
                f"loss of {method} with about {p.widths[hundred]} pieces, in parts of the variance of y,",
                float(mse.sel(fit=method)[hundred]) / variance,
                1e-4,
            )
            for method in (DP, GM)
        ),
        Check.above("pieces of the best network, in times what the optimum needs for its loss,", factor, 10.0),
        _ordered(mse, ADAM, BN),
        _ordered(mse, BN, GD),
        Check.above("rises along the three networks' curves", rises, 0.5, printed=True),
    ]


def _ordered(mse: xr.DataArray, better: str, worse: str) -> Check:
    """Mean losses over the seeds at every number of pieces."""
    ratios = (mse.sel(fit=better) / mse.sel(fit=worse)).values
    return Check.below(
        f"largest ratio, over the numbers of pieces, of the loss of {better} to that of {worse},",
        float(np.max(ratios)),
        1.0,
    )


def _pieces_factor(data: xr.Dataset) -> float:
    """How many times more pieces the network with the least loss has than the optimal fit that is as good.

    The optimum with k equal pieces has mean square 4 (2/k)^4 / 720.
    """
    nets = data.sel(fit=[ADAM, BN, GD])
    best = nets.isel(nets.mse.mean("seed").argmin(("fit", "width")))
    return float(best.pieces) / (2 * (4 / (720 * float(best.mse.mean()))) ** 0.25)


def draw(p: Settings, data: xr.Dataset) -> Figure:
    figure, axes = panels.grid(1, 1, panel=(7.2, 4.4))
    ax = axes[0, 0]
    for method, (colour, dash) in zip((ADAM, BN, GD, GM, DP), style.PENS, strict=True):
        one = data.sel(fit=method)
        ax.plot(one.pieces, one.mse.mean("seed"), color=colour, ls=dash, marker="o", ms=4, lw=1.6)
        if method in (ADAM, BN, GD):
            ax.plot(one.pieces, one.mse, ls="", marker="o", ms=2.5, color=colour, alpha=0.35, mew=0)
    ax.set(xscale="log", yscale="log")
    ax.set_xticks([width + 1 for width in p.widths], [str(width + 1) for width in p.widths])
    ax.minorticks_off()
    style.label_axes(ax, "pieces", "mean squared error on the samples")
    pens = zip((ADAM, BN, GD, GM, DP), style.PENS, strict=True)
    panels.legend(figure, [panels.dashed(colour, fit, dash) for fit, (colour, dash) in pens], 3)
    return figure


def table(p: Settings, data: xr.Dataset) -> tuple[list[str], list[list[str]]]:
    mse = data.mse.mean("seed")
    rows = [
        [str(width + 1), *(f"{float(mse.sel(fit=method, width=width)):.2g}" for method in p.methods)]
        for width in p.widths
    ]
    return ["pieces", *(f"mean squared error, {method}" for method in p.methods)], rows


def descents(p: Settings) -> list[Descent]:
    return [Descent(width, p.samples, p.epochs, 3 * p.seeds) for width in p.widths]


EXPERIMENT = experiment(
    __name__,
    item="Figure 9",
    title="descent against segmented regression",
    claim="Dynamic programming and greedy merging fit a quadratic with about 100 pieces, networks need far more; Adam "
    "does better than SGD with batch normalisation, and that better than SGD alone; more pieces may do worse.",
    where="section 3.1, Figure 9",
    note="Lines are means over the starts, small dots the starts. Batch normalisation, as PyTorch starts it, puts all "
    "knots at the mean of x, and in wide networks they stay there: 4/720 = 0.0056 is the error of the best two "
    "lines that meet at 0. (Shifts drawn from U(−1, 1) mend that; wide networks still do worse than with SGD "
    "alone.) Greedy merging is asked for a quarter of the pieces, since it uses four times as many.",
)
