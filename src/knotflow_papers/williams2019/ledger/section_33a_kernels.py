"""Section 3.3, appendix A.1 and A.3: the random-feature and the tangent kernel in closed form."""

from __future__ import annotations

import numpy as np

import knotflow as kf
from knotflow_papers.ledger import expectations as wide
from knotflow_papers.ledger.entry import Outcome, claim, corrected, holds, largest
from knotflow_papers.ledger.oracles import ROUNDING, Rng, Z, relative, z_score


@claim(
    "W C-16",
    place="eq (16), arXiv (23), (29)",
    statement="K_RF(x, x') = E[(ax − b)₊ (ax' − b)₊]: uniform, Gaussian, and a = ±1 with uniform b",
    oracle="SciPy's quad over a (or the angle) and exact cubics in b, inside and outside the knots' range",
)
def c_16(rng: Rng, quick: bool) -> Outcome:
    x = np.array([-2.3, -0.6, 0.4, 1.7])[: 3 if quick else 4]
    laws = (
        (kf.kernels.Uniform(0.8, 1.1), lambda p, q: wide.over_uniform(wide.product(p, q), p, q, 0.8, 1.1)),
        (kf.kernels.UniformKnots(-1.3, 1.3), lambda p, q: wide.over_signs(wide.product(p, q), p, q, 1.3)),
        (kf.kernels.Gaussian(0.7, 1.2), lambda p, q: wide.over_gaussian(wide.product(p, q), p, q, 0.7, 1.2)),
    )
    return holds(*(relative(kf.kernels.rf(law)(x), wide.matrix(mean, x)) for law, mean in laws), tol=ROUNDING)


@claim(
    "W V-26",
    place="arXiv eq (26)",
    statement="radial laws: K = C/4π {(π − arctan x' + arctan x)(1 + xx') + (x'/(1+x'²) − x/(1+x²))(xx' − 1) + …}",
    corrected="− in place of the second +, for x ≤ x'",
    oracle="SciPy's quad over the angle",
)
def v_26(rng: Rng) -> Outcome:
    off, correct, note = 0.0, 0.0, ""
    for x, y in ((0.7, -0.3), (0.1, 2.0), (-0.9, 0.4)):
        truth = wide.over_gaussian(wide.product(x, y), x, y)
        s, s2 = x / (1 + x * x), y / (1 + y * y)
        turn = np.pi - np.arctan(y) + np.arctan(x)
        printed = (turn * (1 + x * y) + (s2 - s) * (x * y - 1) + (x + y) * (s2 * y - s * x)) / (2 * np.pi)
        off = largest(off, relative(printed, truth))
        correct = largest(correct, relative(kf.kernels.rf(kf.kernels.Gaussian(1.0, 1.0))(x, y), truth))
        note = f"K({x}, {y}) = {truth:.4f}, not {printed:.4f}"
    return corrected(off, correct, tol=ROUNDING, note=note)


@claim(
    "W V-27",
    place="arXiv eq (27)",
    statement="for α = √m the tangent kernel tends to K_RF + E[c²](1 + xx') Pr(ax > b, ax' > b)",
    oracle="Monte Carlo of (ax − b)₊(ax' − b)₊ + c²(1 + xx') 1 1' over draws of (a, b, c): z-scores at five pairs",
)
def v_27(rng: Rng, quick: bool) -> Outcome:
    a, b, c = rng.normal(size=(3, 100_000 if quick else 1_000_000))
    off = []
    for x, y in ((-0.6, 0.8), (0.3, 0.9), (-2.0, -0.1), (1.5, 1.5), (0.0, -0.7)):
        left, right = a * x - b, a * y - b
        draws = (left * right + c * c * (1 + x * y)) * ((left > 0) & (right > 0))
        off.append(z_score(draws, float(kf.kernels.ntk("gaussian")(x, y))))
    return holds(*off, tol=Z)


@claim(
    "W V-35",
    place="arXiv eq (35)",
    statement="K(x, x) ≤ (1 + x²) E[a² + b²] < ∞",
    oracle="Monte Carlo of the right-hand side and four standard errors, at many x and two laws",
)
def v_35(rng: Rng) -> Outcome:
    x, worst = rng.normal(0, 5, 200), 0.0
    for name in ("uniform", "gaussian"):
        net = getattr(kf.initial, name)(20_000, rng)
        squares = net.a**2 + net.b**2
        bound = (1 + x**2) * (squares.mean() + Z * squares.std() / np.sqrt(len(squares)))
        worst = largest(worst, float(np.max(np.diag(kf.kernels.rf(name)(x, x)) - bound)))
    return holds(worst, 0.0, tol=0.0)


@claim(
    "W A.1 ends",
    place="appendix A.1",
    statement="K_a(·, x') has a continuous second derivative",
    corrected="it jumps by ν (x' − s) at the left end s of the knots' interval",
    oracle="second differences of the one-facing kernel on both sides of s",
)
def a1_ends(rng: Rng) -> Outcome:
    kernel, other, h = kf.kernels.rf(kf.kernels.UniformKnots(lo=-1.0, hi=1.0, right=1.0)), 0.5, 1e-3

    def bend(at: float) -> float:
        return float((kernel(at + h, other) - 2 * kernel(at, other) + kernel(at - h, other)) / h**2)

    jump = (2 * bend(-1 + h) - bend(-1 + 2 * h)) - bend(-1 - 2 * h)
    note = f"a > 0, knots uniform on (−1, 1), x' = ½: by {jump:.2f}"
    return corrected(abs(jump), abs(jump - 0.5 * 1.5), tol=1e-6, note=note)
