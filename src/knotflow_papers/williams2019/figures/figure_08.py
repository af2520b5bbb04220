"""Figure 8: 20, 200 and 2000 neurons from PyTorch's default start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import knotflow as kf
from knotflow.plots import style
from knotflow_papers import Check, Descent, Settings, Trial, chosen, experiment, printed, product
from knotflow_papers.reproduction import panels
from knotflow_papers.williams2019.setup import descend, measured, network, sinusoid, stored

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

PARAMETERS = {
    "m": printed((20, 200, 2000), "appendix D"),
    "samples": printed(20, "appendix D: 20 samples from a sine wave"),
    "epochs": chosen(10_000, "as in Figures 5 to 7", quick=2000),
    "safety": chosen(
        0.5,
        "learning rate, in parts of the stability bound at the start or, if smaller, at the end of the exact "
        "flow; 0.9 where c alone is trained",
    ),
    "until": chosen(1e4, "time of the exact flow, which has ended by then"),
    "norm": chosen(1.0, "that of PyTorch's own model, whose initialisation this is"),
    "draws": chosen(20, "starts over which numbers are averaged", quick=3),
}
TRAIN = {"a", "b", "c", "bias"}


def trials(p: Settings) -> list[dict[str, Any]]:
    return product(m=p.m, seed=range(p.draws))


def run(p: Settings, trial: Trial) -> dict[str, Any]:
    data, m = sinusoid(p.samples), trial["m"]
    start = kf.initial.pytorch(m, np.random.default_rng([8, m, trial["seed"]]), norm=p.norm)
    flow = kf.evolve(start, data, kf.GradientFlow(train=frozenset(TRAIN)), until=p.until, save_at=[]).final
    descent = descend(start, data, TRAIN, p.epochs, p.safety, flow).final
    reach = np.abs(start.c) * np.hypot(start.a, start.b)
    return {
        **stored(start, "start_"),
        **stored(descent, "descent_"),
        **stored(flow, "flow_"),
        **measured(descent, data, start, "descent_"),
        **measured(flow, data, start, "flow_"),
        "lazy": _distance_from_kernel(start, flow, data),
        "delta": float(np.mean(start.delta)),
        "kernel": float(np.median(np.abs(start.delta) / (2 * reach))),
    }


def _distance_from_kernel(start: kf.ReLUNet, end: kf.ReLUNet, data: kf.Samples) -> float:
    """max |f - g|, g the limit of training the network linearised at its start."""
    x = np.linspace(*data.range, 1001)
    kernel = kf.kernels.empirical_ntk(start, train=TRAIN)
    weights = np.linalg.lstsq(kernel(data.x), data.y - start(data.x), rcond=1e-10)[0]
    return float(np.max(np.abs(end(x) - start(x) - kernel(x, data.x) @ weights)))


def check(p: Settings, data: xr.Dataset) -> list[Check]:
    mean, middle = data.mean("seed"), data.median("seed")
    few, many = float(mean.delta[0]), float(mean.delta[-1])
    return [
        Check.monotone("median move of the knots as m grows", middle.flow_moved.values, "falls"),
        Check.monotone("median distance from the network's own kernel regime as m grows", middle.lazy.values, "falls"),
        Check.monotone("median |δ| / (2 |c| √(a² + b²)) at the start as m grows", mean.kernel.values, "rises"),
        Check.above(
            "what δ gains from m = 2000 to 20, in parts of |δ| at m = 2000", (few - many) / abs(many), 0.5, printed=True
        ),
    ]


def draw(p: Settings, data: xr.Dataset) -> Figure:
    samples = sinusoid(p.samples)
    figure, axes = panels.grid(2, len(p.m), panel=(4.1, 2.9))
    for column, m in zip(axes.T, p.m, strict=True):
        one = data.sel(m=m).isel(seed=0)
        for ax, way in zip(column, ("descent", "flow"), strict=True):
            panels.splines(ax, samples)
            panels.samples(ax, samples)
            panels.function(ax, network(one, f"{way}_"), style.widened(*samples.range, 0.04))
            ax.set_ylim(-1.4, 1.4)
            style.label_axes(ax, "$x$", "$f(x)$")
        panels.title(column[0], f"m = {m:,}: {p.epochs:,} epochs of descent")
        panels.title(column[1], f"m = {m:,}: exact flow")
    panels.legend(
        figure,
        [panels.NETWORK_LINE, panels.CUBIC_LINE, panels.LINEAR_LINE, panels.DATA_DOT, panels.UP_DOT, panels.DOWN_DOT],
    )
    return figure


def table(p: Settings, data: xr.Dataset) -> tuple[list[str], list[list[str]]]:
    mean = data.mean("seed")
    names = {
        "delta": "mean δ at the start",
        "kernel": "median |δ| / (2 |c| √(a² + b²))",
        "flow_moved": "median move of the knots",
        "lazy": "distance from the kernel regime",
        "descent_loss": "loss, descent",
        "flow_loss": "loss, flow",
    }
    return ["m", *names.values()], [[f"{m:,}", *(f"{float(mean[name].sel(m=m)):.3g}" for name in names)] for m in p.m]


def descents(p: Settings) -> list[Descent]:
    return [Descent(m, p.samples, p.epochs, p.draws) for m in p.m]


EXPERIMENT = experiment(
    __name__,
    item="Figure 8",
    title="20, 200 and 2000 neurons from PyTorch's start",
    claim="With PyTorch's default initialisation, fewer neurons make the network adapt more to the data, since δ grows "
    "as the number of neurons is scaled down.",
    where="Appendix D, Figure 8 on arXiv",
    note="The effect is there, the reason is another: PyTorch draws c from U(−1/√m, 1/√m), not U(−1/m, 1/m), and the "
    "mean of δ is −2/3 + 1/(3m), nearly the same for all m. What grows with m is |δ| against |c| √(a² + b²): how far "
    "the outer weight has to go before it counts.",
)
