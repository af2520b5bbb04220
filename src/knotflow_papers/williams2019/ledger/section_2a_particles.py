"""Section 2 and the start of 3.1: a network as particles, as knots, and as a sample of a measure."""

from __future__ import annotations

import numpy as np
from scipy.integrate import quad

import knotflow as kf
from knotflow.dynamics import mean_field
from knotflow_papers.ledger.entry import Outcome, claim, corrected, holds, largest
from knotflow_papers.ledger.oracles import ROUNDING, Array, Rng, Z, case, output, relative


@claim(
    "W Eq 6 colours",
    place="eq (6)",
    statement="the particles (uᵢ, vᵢ) = |rᵢ| d(θᵢ) with colours sign rᵢ are the network: f = (1/m) Σ εᵢ[uᵢx + vᵢ]₊",
    oracle="the definition of f",
)
def eq_6_colours(rng: Rng) -> Outcome:
    k, grid = case(rng), np.linspace(-3, 3, 50)
    view = k.net.canonical()
    drawn = np.maximum(np.outer(grid, view.u) + view.v, 0) @ view.epsilon / 12
    return holds(relative(drawn, output(k.z, grid, 2.2)), tol=ROUNDING)


@claim(
    "W Sec 2.2 knots",
    place="section 2.2",
    statement="f is continuous and piecewise linear, with knots eᵢ = bᵢ/aᵢ",
    oracle="one-sided differences of the definition of f at the knots, and second differences between them",
)
def knots(rng: Rng) -> Outcome:
    k = case(rng)
    polygon, step = k.net.cpwl(), 1e-3 * np.diff(np.sort(k.net.b / k.net.a)).min()

    def second(x: Array) -> Array:
        return (output(k.z, x - step, 2.2) - 2 * output(k.z, x, 2.2) + output(k.z, x + step, 2.2)) / step

    e = np.sort(k.net.b / k.net.a)
    between = float(np.max(np.abs(second((e[1:] + e[:-1]) / 2))))
    jumps = np.diff(polygon.slopes)
    return holds(relative(polygon.knots, e), between, relative(jumps, second(e)), tol=1e-7)


@claim(
    "W Sec 2.1 space",
    place="section 2.1, before eq (3)",
    statement="f is in the space of square-integrable functions on the line",
    corrected="the integral of f² over [−R, R] grows as R³; eq (3) needs f on the samples only",
    oracle="SciPy's quadrature of f² at R = 10³ and R = 10⁴",
)
def space(rng: Rng) -> Outcome:
    net = case(rng).net

    def square(R: float) -> float:
        return quad(lambda x: float(net(x)) ** 2, 2, R)[0] + quad(lambda x: float(net(x)) ** 2, -R, -2)[0]

    growth = square(1e4) / square(1e3)
    note = f"ten times the range has {growth:.0f} times the integral"
    return corrected(growth - 1, abs(growth / 1e3 - 1), tol=0.02, note=note)


@claim(
    "W Sec 2.1 α",
    place="section 2.1, before eq (4)",
    statement="the normalization α(m) can be absorbed into the cᵢ: (a, b, c/α) with α = 1 is the same function",
    oracle="the definition of f",
)
def absorbed(rng: Rng) -> Outcome:
    k, grid = case(rng), np.linspace(-2, 2, 21)
    other = k.net.replace(c=k.net.c / 2.2, norm=1.0)
    return holds(relative(other(grid), output(k.z, grid, 2.2)), tol=ROUNDING)


@claim(
    "W Eq 4 limit",
    place="after eq (4), start of section 3.1",
    statement="for (rᵢ, θᵢ) iid with α = m, f̃ has a pointwise limit as m → ∞, by the law of large numbers",
    oracle="the limit ½ √(1 + x²)/π for r ~ N(½, 1), θ uniform, by hand; in standard errors",
)
def eq_4_limit(rng: Rng, quick: bool) -> Outcome:
    x, m = np.array([-2.0, 0.0, 0.7, 3.0]), 20_000 if quick else 2_000_000
    view = kf.views.Canonical(rng.normal(0.5, 1, m), rng.uniform(0, 2 * np.pi, m), -1.0, norm=float(m))
    limit = 0.5 * np.hypot(1, x) / np.pi
    spread = np.sqrt(1.25 * (1 + x**2) / 4 - limit**2)  # E r² = 5/4, E ⟨x̃, d⟩₊² = |x̃|²/4
    worst = float(np.max(np.abs(kf.ReLUNet.from_canonical(view)(x) - limit) / spread) * np.sqrt(m))
    return holds(worst, tol=Z)


@claim(
    "W Half-circles",
    place="after eq (9), arXiv (12)",
    statement="ρⱼ = ∫ over ℝ × Bⱼ of r ⟨x̃ⱼ, θ⟩ dμ − yⱼ, Bⱼ the half-circle ⟨x̃ⱼ, θ⟩ ≥ 0",
    corrected="⟨x̃ⱼ, d(θ)⟩: θ itself is an angle; Bⱼ = (−arctan xⱼ, π − arctan xⱼ)",
    oracle="the definition of f; particles picked by their angle alone",
)
def half_circles(rng: Rng) -> Outcome:
    k = case(rng, 40)
    view = k.net.canonical()
    inside = np.mod(view.theta[None] + np.arctan(k.x)[:, None], 2 * np.pi) < np.pi
    terms = view.r * (np.outer(k.x, np.cos(view.theta)) + np.sin(view.theta))
    found = np.sum(terms * inside, axis=1) / 40 - k.y
    literal = np.maximum(np.outer(k.x, view.theta) + 1, 0) @ view.r / 40 - k.y
    off = relative(literal, k.residuals)
    note = f"with x̃ⱼ = (xⱼ, 1) against (θ, 1) the residuals are off by {off:.2g} of the largest"
    return corrected(off, relative(found, k.residuals), relative(k.net(k.x) - k.y, found), tol=ROUNDING, note=note)


@claim(
    "W Active sets",
    place="section 3.1, the sets C_k",
    statement="the sets {1..j}, j ≤ s, and {j+1..s}, j < s, are the active sets of all directions",
    corrected="and the empty set, on an arc of length π − (arctan x_s − arctan x₁), as long as the arc of {1..s}",
    oracle="active sets of a fine grid of directions, counted; g on each arc as a sum over the set",
)
def active_sets(rng: Rng) -> Outcome:
    k, n = case(rng), 100_000
    theta = (np.arange(n) + 0.5) * 2 * np.pi / n
    active = np.outer(np.cos(theta), k.x) + np.sin(theta)[:, None] > 0
    s = len(k.x)
    listed = {tuple(np.arange(s) <= j) for j in range(s)} | {tuple(np.arange(s) > j) for j in range(s - 1)}
    sets, counts = np.unique(active, axis=0, return_counts=True)
    share = {tuple(row): count / n for row, count in zip(sets, counts, strict=True)}
    missing = sum(part for row, part in share.items() if row not in listed)
    dead = (np.pi - np.arctan(k.x[-1]) + np.arctan(k.x[0])) / (2 * np.pi)
    lengths = largest(abs(share[(False,) * s] - dead), abs(share[(True,) * s] - dead))
    order = [(False,) * s, *(tuple(np.arange(s) >= s - j) for j in range(1, s + 1))]
    order += [tuple(np.arange(s) < j) for j in range(s - 1, 0, -1)]
    tilde = np.c_[k.x, np.ones(s)]
    g = np.array([np.sum((np.array(row) * k.residuals)[:, None] * tilde, axis=0) for row in order])
    wrong = relative(mean_field.residual_ode(k.net, k.data).g, g) + float(set(order) != set(share))
    note = f"{missing:.1%} of all directions are in none"
    return corrected(missing, largest(lengths - 2 / n, 0.0) + wrong, tol=ROUNDING, note=note)
