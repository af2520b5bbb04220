"""Section 3.1, the regularised objective: what its norm is, and of which functions."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

import knotflow as kf
from knotflow_papers.ledger.entry import Outcome, claim, corrected, holds, largest
from knotflow_papers.ledger.oracles import (
    ROUNDING,
    Array,
    Rng,
    canonical_output,
    case,
    follow,
    hinges,
    least_variation,
    pull,
    relative,
)

LAM = 0.3
WIDE = np.array([-400.0, -200.0, 200.0, 400.0])  # samples that fix the asymptotic lines, up to terms of 1/400


def _directions(x: Array, count: int) -> Array:
    """Angles: `count` even ones, the rays of the samples, and the constant neuron."""
    even = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.concatenate([even, -np.arctan(x), np.pi - np.arctan(x), [np.pi / 2]])


def _least(x: Array, y: Array, count: int) -> float:
    """min ‖μ̃‖_TV over measures of directions whose f is y at x."""
    return least_variation(hinges(x, _directions(x, count)), y)


def _dual(units: Array, free: Array, y: Array, lam: float) -> float:
    """min ½|Φμ + Fβ − y|² + λ|μ|₁, from below: max p·y − ½|p|² where |Φᵀp| ≤ λ and Fᵀp = 0, by SLSQP."""
    limits = [
        {
            "type": "ineq",
            "fun": lambda p: lam - np.r_[p @ units, -(p @ units)],
            "jac": lambda p: -np.r_[units.T, -units.T],
        }
    ]
    if free.size:
        limits.append({"type": "eq", "fun": lambda p: p @ free, "jac": lambda p: free.T})
    found = minimize(
        lambda p: 0.5 * p @ p - p @ y,
        np.zeros(len(y)),
        jac=lambda p: p - y,
        constraints=limits,
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 500},
    )
    return -float(found.fun)


@claim(
    "W Γ",
    place="before arXiv eq (16)",
    statement="Γ(μ) = ∫ |r| dμ is ‖μ̃‖_TV, μ̃ = ∫ r μ(dr, ·)",
    corrected="Γ(μ) ≥ ‖μ̃‖_TV, equal iff no direction has neurons of both signs",
    oracle="sums of |r| over neurons, and of |Σ r| over equal directions",
)
def gamma(rng: Rng) -> Outcome:
    k = case(rng)
    r, place = k.net.canonical().r, np.arange(12) % 6  # two neurons in each of six directions
    theta = rng.uniform(0, 2 * np.pi, 6)[place]
    net, alike = (kf.ReLUNet.from_canonical(kf.views.Canonical(q, theta, 0.0, norm=12.0)) for q in (r, np.abs(r)))
    cost = kf.CanonicalFlow(lam=1.0).objective(net, k.data) - net.loss(k.data)
    variation = float(np.abs(np.bincount(place, r)).sum() / 12)
    equal = kf.CanonicalFlow(lam=1.0).objective(alike, k.data) - alike.loss(k.data)
    correct = largest(variation - cost, 0.0) + abs(equal - float(np.bincount(place, np.abs(r)).sum() / 12))
    return corrected(cost / variation - 1, correct, tol=ROUNDING, note=f"Γ = {cost:.3f}, ‖μ̃‖_TV = {variation:.3f}")


@claim(
    "W V-16 flow",
    place="arXiv eq (16)",
    statement="the regularised dynamics has ∇_r V + λ sign r in place of ∇_r V",
    oracle="SciPy's DOP853 on a dense twin of the field, against the flow of the measure",
)
def v_16_flow(rng: Rng) -> Outcome:
    k, lam, T = case(rng), 3.0, 0.008
    found = kf.evolve(k.net, k.data, kf.MeanFieldFlow("cylinder", lam=lam, rtol=1e-9), until=T).final.canonical()

    def field(w: Array) -> Array:
        r, theta = w.reshape(2, -1)
        _, along, across = pull(k.x, canonical_output(w, k.x) - k.y, theta)
        return -np.append(along + lam * np.sign(r), r * across)

    r, theta = follow(field, k.w, T).reshape(2, -1)
    turned = float(np.max(np.abs(np.sin((found.theta - theta) / 2))))
    return holds(relative(found.r, r), turned, tol=1e-6)


@claim(
    "W V-16 minimum",
    place="after arXiv eq (16)",
    statement="min over μ̃ of L̃ + λ ‖μ̃‖_TV exists and is what the flow should reach: finitely many neurons attain it",
    oracle="the dual program over a grid of directions, by SciPy's SLSQP",
    trials=(4, 1),
)
def v_16_minimum(rng: Rng) -> Outcome:
    k = case(rng)
    truth = _dual(hinges(k.x, _directions(k.x, 600)), np.empty(0), k.y, LAM)
    return holds(relative(kf.splines.tv(k.data, LAM, weight="canonical").objective, truth), tol=1e-4)


@claim(
    "W V-16 convergence",
    place="after arXiv eq (16)",
    statement="the flow of (16) converges to global minimisers, as m → ∞",
    oracle="the dual program by SciPy's SLSQP, against the flow of 150 particles that start near r = 0",
)
def v_16_convergence(rng: Rng, quick: bool) -> Outcome:
    x, y = np.array([-1.0, -0.2, 0.5, 1.3]), np.array([0.8, -0.6, 0.9, -0.2])
    data, m = kf.Samples(x, y), 150
    view = kf.views.Canonical(rng.normal(0, 0.1, m), rng.uniform(0, 2 * np.pi, m), 0.0, norm=float(m))
    flow = kf.CanonicalFlow(lam=LAM)
    end = kf.evolve(kf.ReLUNet.from_canonical(view), data, flow, until=m * (60.0 if quick else 1e3), save_at=[]).final
    truth = _dual(hinges(x, _directions(x, 600)), np.empty(0), y, LAM)
    return holds(relative(flow.objective(end, data), truth), tol=1e-3)


@claim(
    "W V-17 solutions",
    place="arXiv eq (17)",
    statement="min over f of L(f) + λ ∫ |f''| has the solutions of (16)",
    corrected="those of networks with |aᵢ| = 1 and an affine part free of charge, as in [28]; those of (16) cost more",
    oracle="the dual programs of both problems, by SciPy's SLSQP",
)
def v_17_solutions(rng: Rng) -> Outcome:
    k = case(rng)
    circle = _dual(hinges(k.x, _directions(k.x, 600)), np.empty(0), k.y, LAM)
    unit = _dual(np.maximum(np.subtract.outer(k.x, k.x), 0), np.c_[k.x, np.ones(6)], k.y, LAM)
    free, paid = kf.splines.tv(k.data, LAM), kf.splines.tv(k.data, LAM, weight="canonical")
    true_cost = k.data.distinct.within + 0.5 * float(np.sum((free(k.x) - k.y) ** 2)) + LAM * _least(k.x, free(k.x), 600)
    correct = largest(relative(free.objective, unit), relative(paid.objective, circle))
    note = f"the solution of (17) has {true_cost:.3f} under (16), whose minimum is {circle:.3f}"
    return corrected(true_cost / circle - 1, correct, tol=1e-4, note=note)


@claim(
    "W V-17 boundary",
    place="arXiv eq (17)",
    statement="for vanishing boundary conditions ‖f‖ = ∫ |f''(x)| dx: a hat costs the same wherever it stands",
    corrected="∫ √(1 + x²) |f''(x)| dx: it costs more away from the origin",
    oracle="SciPy's linear program over directions, for hats of height 1 and width 2 at 0, 2 and 5",
)
def v_17_boundary(rng: Rng, quick: bool) -> Outcome:
    found: list[tuple[float, float, float]] = []
    truth: list[float] = []
    for centre in (0.0, 2.0, 5.0):
        x = np.concatenate([WIDE[:2], centre + np.array([-2.0, -1.0, 0.0, 1.0, 2.0]), WIDE[2:]])
        y = np.maximum(1 - np.abs(x - centre), 0)
        truth.append(_least(x, y, 300 if quick else 3000))
        best = kf.splines.tv(kf.Samples(x, y), 0.0, weight="canonical").norm
        closed = float(np.array([1, 2, 1]) @ np.hypot(1, centre + np.array([-1.0, 0.0, 1.0])))
        found.append((4.0, closed, best))
    printed, closed, best = np.transpose(found)
    note = "the hats cost " + ", ".join(f"{cost:.3f}" for cost in truth) + ", not 4"
    return corrected(relative(printed, truth), relative(closed, truth), relative(best, truth), tol=1e-4, note=note)


@claim(
    "W V-17 lines",
    place="arXiv eq (17)",
    statement="a line βx + γ has ∫ |f''| = 0: it costs nothing",
    corrected="it costs max {βp + γq : p² + q² ≤ 4, |q| ≤ 1}, as neurons have to make it",
    oracle="SciPy's linear program over directions, for the lines 4x + 3, 4x + 1, −x and 2",
)
def v_17_lines(rng: Rng, quick: bool) -> Outcome:
    off, correct, costs = 0.0, 0.0, []
    for slope, height in ((4.0, 3.0), (4.0, 1.0), (-1.0, 0.0), (0.0, 2.0)):
        x = np.append(WIDE, [-1.0, 0.0, 1.0])
        x.sort()
        truth = _least(x, slope * x + height, 400 if quick else 4000)
        q = min(2 * abs(height) / np.hypot(slope, height), 1.0)
        closed = abs(slope) * np.sqrt(4 - q**2) + abs(height) * q
        best = kf.splines.tv(kf.Samples(x, slope * x + height), 0.0, weight="canonical").norm
        off, correct = largest(off, truth), largest(correct, relative(closed, truth), relative(best, truth))
        costs.append(f"{truth:.3f}")
    return corrected(off, correct, tol=1e-3, note=f"these lines cost {', '.join(costs)}")
