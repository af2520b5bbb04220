"""Table 2: trained networks against the linear interpolant and the natural cubic spline, as alpha varies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.lines import Line2D

import knotflow as kf
from knotflow.plots import style
from knotflow_papers import Check, Descent, Settings, Trial, chosen, experiment, printed
from knotflow_papers.reproduction import panels

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STARTS = {
    "uniform": "uniform breakpoints, flat",
    "standard": "PyTorch's start",
    "flat": "PyTorch's breakpoints, flat",
    "he": "He's Gaussian start",
}
PARAMETERS = {
    "alpha": chosen((0.1, 3.0, 10.0, 100.0), "printed are 3, 10 and 100 for the agreements"),
    "he_alpha": chosen((3.0, 10.0, 100.0), "of He's Gaussian start, whose breakpoints are Cauchy, as section 3.3 says"),
    "flat_alpha": printed((10.0, 100.0), "section 3.3: agreements of the flat He initialisation"),
    "printed_alpha": printed((3.0, 100.0), "section 3.3: agreements of the uniform initialisation"),
    "m": printed(1000, "appendix A.4", quick=300),
    "samples": printed(21, "appendix A.4: even on [−2, 2], and two more at ±3; y from U(−2, 2)"),
    "lr": printed(3e-5, "appendix A.4: of Adam", quick=1e-4),
    "divisor": printed(5, "appendix A.4: of the learning rate unless α < 1; here as printed, and without"),
    "epochs": printed(50_000, "appendix A.4", quick=15_000),
    "tiles": chosen((-3.0, 3.0), "the x-range that the breakpoints tile: that of the pins"),
    "draws": chosen(1, "data sets with their starts; the paper does not say"),
}


def trials(p: Settings) -> list[dict[str, Any]]:
    runs = [
        ("uniform", "even", p.alpha),
        ("standard", "even", p.alpha),
        ("flat", "even", p.flat_alpha),
        ("he", "even", p.he_alpha),
        ("uniform", "printed", p.printed_alpha),
    ]
    return [
        {"start": start, "rate": rate, "alpha": alpha, "seed": seed}
        for seed in range(p.draws)
        for start, rate, alphas in runs
        for alpha in alphas
    ]


def run(p: Settings, trial: Trial) -> dict[str, Any]:
    data, start = samples_with_pins(p, trial["seed"]), start_of(p, trial["start"], trial["seed"])
    alpha = trial["alpha"]
    slower = trial["rate"] == "printed" and alpha >= 1
    net = kf.initial.init_scale(start, alpha)
    end = kf.evolve(net, data, kf.Adam(p.lr / p.divisor if slower else p.lr), steps=p.epochs, save_at=[]).final
    x = np.linspace(-2, 2, 401)
    straight, cubic = kf.splines.linear(data)(x), kf.splines.natural(data)(x)
    limit = kf.kernels.minimum_norm(start, data)
    return {
        "x": ("x", x),
        "f": ("x", end(x)),
        "linear": _rms(end(x) - straight),
        "natural": _rms(end(x) - cubic),
        "apart": _rms(straight - cubic),
        "missed": _rms(end(data.x) - data.y) / _rms(data.y),
        "limit_natural": _rms(limit(x) - cubic),
        "limit_linear": _rms(limit(x) - straight),
    }


def samples_with_pins(p: Settings, seed: int) -> kf.Samples:
    """Even x on [-2, 2] and one at each of -3 and 3, with random values."""
    x = np.concatenate([[-3.0], np.linspace(-2, 2, p.samples), [3.0]])
    return kf.Samples(x, np.random.default_rng([102, seed]).uniform(-2, 2, x.size))


def start_of(p: Settings, kind: str, seed: int) -> kf.ReLUNet:
    """A start of one of the table's kinds."""
    rng = np.random.default_rng([202, seed])
    if kind == "uniform":
        return kf.initial.uniform_knots(p.m, rng, p.tiles)
    if kind == "he":
        return kf.initial.he(p.m, rng)
    net = kf.initial.pytorch(p.m, rng).replace(bias=0.0)
    return net if kind == "standard" else net.replace(c=np.zeros(p.m))


def _rms(values: Any) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def check(p: Settings, data: xr.Dataset) -> list[Check]:
    mean = data.mean("seed")
    apart = float(mean.apart.max())
    even, slow = mean.sel(rate="even"), mean.sel(rate="printed", start="uniform")
    uniform, standard, flat, he = (even.sel(start=start) for start in STARTS)
    near = {start: np.minimum(even.linear, even.natural).sel(start=start) for start in STARTS}
    farther = float(np.nanmin([near[start] / near["uniform"] for start in ("standard", "he")]))
    parts = "in parts of the distance between the splines"
    low, high = min(p.alpha), max(p.alpha)
    return [
        Check.above(f"uniform, α = {low:g}: underfit, rms residual in parts of rms y",
                    float(uniform.missed.sel(alpha=low)), 0.2),
        Check.below(f"uniform: least distance from the linear interpolant over α, {parts}",
                    float(uniform.linear.min()) / apart, 0.5),
        Check.below(f"uniform, α = {high:g}: distance from the natural spline, {parts}",
                    float(uniform.natural.sel(alpha=high)) / apart, 0.5),
        Check.below(f"uniform: the same for the limit α → ∞, the minimum-norm solution, {parts}",
                    float(uniform.limit_natural.max()) / apart, 0.05),
        Check.above("PyTorch's and He's starts: distance from the nearer spline in times that of the uniform one, "
                    "least over α", farther, 1.0),
        Check.above(f"the same starts: least distance from the linear interpolant over α, {parts}",
                    float(min(standard.linear.min(), he.linear.min())) / apart, 0.5),
        Check.below("uniform, α = 3, learning rate as printed: rms residual in parts of rms y",
                    float(slow.missed.sel(alpha=3.0)), 0.02, printed=True),
        Check.below(f"the same: distance from the linear interpolant, {parts}",
                    float(slow.linear.sel(alpha=3.0)) / apart, 0.5, printed=True),
        Check.below(f"uniform, α = 100, learning rate as printed: distance from the natural spline, {parts}",
                    float(slow.natural.sel(alpha=100.0)) / apart, 0.5, printed=True),
        Check.below(f"PyTorch's breakpoints, flat, α = 10: distance from the linear interpolant, {parts}",
                    float(flat.linear.sel(alpha=10.0)) / apart, 0.5, printed=True),
        Check.below(f"the same, α = 100: distance from the natural spline, {parts}",
                    float(flat.natural.sel(alpha=100.0)) / apart, 0.5, printed=True),
    ]  # fmt: skip


def draw(p: Settings, data: xr.Dataset) -> Figure:
    figure, axes = panels.grid(1, 3, panel=(4.1, 3.4))
    mean = data.mean("seed")
    for ax, start in zip(axes[0], ("uniform", "standard"), strict=False):
        _distances(ax, mean, start)
        panels.title(ax, STARTS[start])
    top = 1.1 * float(np.nanmax(data[["linear", "natural"]].to_array().values))
    for ax in axes[0, :2]:
        ax.set_ylim(0, top)
    _fits(axes[0, 2], p, data)
    alphas = (min(p.alpha), 3.0, max(p.alpha))
    fits = [
        panels.dashed(ink, f"network, α = {alpha:g}", dashes) for alpha, (ink, dashes) in zip(alphas, FITS, strict=True)
    ]
    words = ("learning rate as printed", STARTS["flat"], STARTS["he"])
    others = [
        Line2D([], [], color=style.INK, mec=style.INK, ls="", label=label, **pen)
        for (_, _, pen), label in zip([*BESIDE["uniform"], *BESIDE["standard"]], words, strict=True)
    ]
    panels.legend(figure, [style.line(style.LINEAR, "linear interpolant, or distance from it"),
                           style.line(style.CUBIC, "natural cubic spline, or distance from it"),
                           panels.dashed(style.DATA, "distance between the two", (0, (1.2, 1.5))),
                           *others,
                           *fits, panels.DATA_DOT], 3)  # fmt: skip
    return figure


ROWS = (("uniform", "even"), ("uniform", "printed"), ("standard", "even"), ("flat", "even"), ("he", "even"))
BESIDE: dict[str, list[tuple[str, str, dict[str, Any]]]] = {
    "uniform": [("uniform", "printed", {"marker": "D", "ms": 7, "mfc": "white"})],
    "standard": [("flat", "even", {"marker": "^", "ms": 8, "mfc": "white"}), ("he", "even", {"marker": "s", "ms": 6})],
}
FITS = (style.PENS[3], style.PENS[1], style.PENS[0])


def _distances(ax: Axes, mean: xr.Dataset, start: str) -> None:
    """Distances from both splines against alpha."""
    for name, colour in (("linear", style.LINEAR), ("natural", style.CUBIC)):
        one = mean[name].sel(start=start, rate="even")
        ax.plot(one.alpha, one, "o-", color=colour, lw=1.6, ms=5)
        for other, rate, pen in BESIDE[start]:
            two = mean[name].sel(start=other, rate=rate)
            ax.plot(two.alpha, two, color=colour, ls="", mec=colour, **pen)
    ax.axhline(float(mean.apart.max()), color=style.DATA, ls=(0, (1.2, 1.5)), lw=1.5)
    ax.set_xscale("log")
    style.label_axes(ax, "α", "rms distance on [−2, 2]")


def _fits(ax: Axes, p: Settings, data: xr.Dataset) -> None:
    """Three fits from uniform breakpoints, between a few samples."""
    samples, view = samples_with_pins(p, 0), (-1.05, 0.25)
    x = np.linspace(*view, 400)
    ax.plot(x, kf.splines.natural(samples)(x), color=style.CUBIC, lw=3.5, alpha=0.5)
    ax.plot(x, kf.splines.linear(samples)(x), color=style.LINEAR, lw=3.5, alpha=0.5)
    for alpha, (ink, dashes) in zip((min(p.alpha), 3.0, max(p.alpha)), FITS, strict=True):
        one = data.f.sel(start="uniform", rate="even", alpha=alpha).isel(seed=0)
        ax.plot(data.x, one, color=ink, ls=dashes, lw=1.5)
    inside = (samples.x > view[0]) & (samples.x < view[1])
    ax.scatter(samples.x[inside], samples.y[inside], s=34, color=style.DATA, lw=0, zorder=4)
    ax.set(xlim=view, ylim=(-2.9, 2.9))
    style.label_axes(ax, "$x$", "$f(x)$")
    panels.title(ax, "fits from uniform breakpoints")


def table(p: Settings, data: xr.Dataset) -> tuple[list[str], list[list[str]]]:
    mean = data.mean("seed")
    names = {"linear": "to linear", "natural": "to natural", "missed": "rms residual / rms y"}
    rows = []
    for start, rate in ROWS:
        one = mean.sel(start=start, rate=rate).dropna("alpha", subset=["linear"])
        words = STARTS[start] + (", learning rate as printed" if rate == "printed" else "")
        rows += [
            [words, f"{alpha:g}", *(f"{float(one[name].sel(alpha=alpha)):.3g}" for name in names)]
            for alpha in one.alpha.values
        ]
    for start in ("uniform", "flat"):
        one = mean.sel(start=start, rate="even")
        rows.append([f"{STARTS[start]}, minimum norm", "∞", f"{float(one.limit_linear.max()):.3g}",
                     f"{float(one.limit_natural.max()):.3g}", "0"])  # fmt: skip
    return ["start", "α", *names.values()], rows


def descents(p: Settings) -> list[Descent]:
    return [Descent(p.m, p.samples + 2, p.epochs, len(trials(p)))]


EXPERIMENT = experiment(
    __name__,
    item="Table 2",
    title="from linear to cubic as α grows",
    claim="Trained on random data from a flat start with uniform breakpoints, a network underfits for small α, is "
    "close to the linear interpolant at α = 3 and to the natural cubic spline at α = 100; from the "
    "standard initialisation it is farther from them for all α, and the linear regime is gone.",
    where="Section 3.3, Table 2; appendix A.4",
    note="No numbers of the table are legible. Adam at 3e-5 for all α is shown beside the printed rule, which divides "
    "that by 5 for α ≥ 1. Some of the underfit is Adam's: in the printed epochs no parameter moves by more than about "
    "1.5. Nor does Adam end at the solution of minimum norm, where the flow for α → ∞ does and which is the natural "
    "spline's neighbour. The standard start is PyTorch's; He's Gaussian one stands beside it, since the text has its "
    "breakpoints Cauchy.",
)
