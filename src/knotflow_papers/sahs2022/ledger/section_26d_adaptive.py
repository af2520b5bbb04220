"""Sections 2.6.3 and 3.5: from the adaptive to the kernel regime, by exact flows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

import knotflow as kf
from knotflow_papers.ledger.entry import Outcome, claim, corrected, finite, holds, largest
from knotflow_papers.ledger.oracles import (
    Array,
    Rng,
    Theta,
    natural_spline,
    order,
    rms,
)

ALL = frozenset({"a", "b", "c", "bias"})
Function = Callable[[Array], Array]


def _flows(rng: Rng, alphas: tuple[float, ...]) -> tuple[kf.Samples, kf.ReLUNet, list[kf.ReLUNet]]:
    """Random data, a flat start, and the ends of exact flows from it by its scale alpha."""
    x = np.linspace(-2, 2, 12)
    samples = kf.Samples(x, rng.uniform(-2, 2, 12))
    start = kf.initial.uniform_knots(100, rng, (-2.2, 2.2))
    ends = [
        kf.evolve(
            kf.initial.init_scale(start, alpha), samples, kf.GradientFlow(rtol=1e-6), until=3000.0, save_at=[3000.0]
        ).final
        for alpha in alphas
    ]
    return samples, start, ends


@claim(
    "S §2.6 mobility",
    place="section 2.6; section 2.6.3",
    statement="the smaller α, the more breakpoints move; as α → ∞ they hardly do",
    oracle="median moves of breakpoints over exact flows to t = 3000, α = .2, 1, 5, 25: pairs in the wrong order",
    trials=(5, 1),
)
def mobility(rng: Rng) -> Outcome:
    _, start, ends = _flows(rng, (0.2, 1.0, 5.0, 25.0))
    moves = [float(np.median(np.abs(net.knots - start.knots))) for net in ends]
    return holds(float(np.sum(np.diff(finite(moves)) >= 0) + (moves[-1] > 1e-3)), tol=0.0)


@claim(
    "S §2.6.3 linear",
    place="section 2.6.3",
    statement="for low enough α, clusters of breakpoints make the fit a linear spline more than a cubic one",
    corrected="for low α the flow stops at critical points with ℓ > 0, further from the linear spline than at α = 1",
    oracle="exact flows to t = 3000; distance to NumPy's interp as a share of that of SciPy's natural CubicSpline",
)
def linear_regime(rng: Rng, quick: bool) -> Outcome:
    alphas, at, shares, left = (0.05, 0.2, 1.0, 10.0), np.linspace(-2, 2, 401), [], []
    for _ in range(2 if quick else 8):
        samples, _, ends = _flows(rng, alphas)
        polygon = np.interp(at, samples.x, samples.y)
        unit = rms(natural_spline(samples.x, samples.y, at) - polygon)
        thetas = [Theta.of(net) for net in ends]
        shares.append([rms(each(at) - polygon) / unit for each in thetas])
        left.append(thetas[0].loss(samples.x, samples.y))
    mean = np.mean(shares, axis=0)
    counter = f"distance {', '.join(f'{each:.2f}' for each in mean)} at α = .05, .2, 1, 10; ℓ up to {np.max(left):.2f}"
    note = f"{counter} at .05"
    return corrected(float(mean[0]), float(mean[0] <= mean[2] or np.median(left) < 1e-3), tol=0.25, note=note)


@claim(
    "S §2.6.3 single",
    place="section 2.6.3",
    statement="an individual breakpoint has an impact of O(1/H) on the function, on average",
    corrected="what training adds to it is O(1/H) in the kernel regime; He's start itself is O(H^(−1/2))",
    oracle="exponents in H of the mean |μ| from NumPy's normal draws, and of least-norm delta-slopes from 0",
)
def single(rng: Rng) -> Outcome:
    widths = np.array([100, 1000, 10_000])
    sizes = [np.mean(np.abs(rng.normal(0, 2 / np.sqrt(m), 200_000) * rng.standard_normal(200_000))) for m in widths]
    samples = kf.Samples(np.linspace(-2, 2, 6), rng.normal(size=6))
    learned = [
        np.mean(np.abs(kf.kernels.minimum_norm(kf.initial.uniform_knots(m, rng, (-3, 3)), samples).delta_slopes))
        for m in widths[:2]
    ]
    he = [np.mean(np.abs(kf.initial.he(m, rng).delta_slopes)) for m in widths]
    exponent = order(widths, sizes)
    correct = largest(abs(exponent + 0.5), abs(order(widths[:2], learned) + 1), abs(order(widths, he) + 0.5))
    return corrected(abs(exponent + 1), correct, tol=0.1, note=f"mean |μ| falls as H^{exponent:.2f} under He")


@claim(
    "S §3.5 regimes",
    place="section 3.5",
    statement="as α grows: (i) underfitting, (ii) interpolating and nearer to linear, (iii) a natural cubic spline",
    oracle="exact flows to t = 3000 at α = .05, 1, 25: ℓ left or not, and order of distances to interp and CubicSpline",
)
def regimes(rng: Rng, quick: bool) -> Outcome:
    at, losses, rows = np.linspace(-2, 2, 401), [], []
    for _ in range(3 if quick else 12):
        samples, _, ends = _flows(rng, (0.05, 1.0, 25.0))
        cubic, polygon = natural_spline(samples.x, samples.y, at), np.interp(at, samples.x, samples.y)
        losses.append([float(np.sum((net(samples.x) - samples.y) ** 2)) for net in ends])
        rows.append([rms(net(at) - spline) / rms(cubic - polygon) for net in ends[1:] for spline in (polygon, cubic)])
    under, middle, wide = finite(np.median(losses, axis=0))
    linear_1, _, linear_25, natural_25 = finite(np.mean(rows, axis=0))
    wrong = (under < 1e-3) + (middle > 1e-6) + (wide > 1e-6) + (linear_1 > linear_25) + (natural_25 > 0.25)
    return holds(float(wrong), tol=0.0)
