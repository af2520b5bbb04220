"""Section 2.2.1, appendices B.4 and B.5: moments, and how rough random starts are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import integrate, special, stats

import knotflow as kf
from knotflow_papers.ledger.entry import Outcome, claim, corrected, holds, largest
from knotflow_papers.ledger.oracles import KS, Rng, Z, ks, order, relative, z_score
from knotflow_papers.sahs2022.ledger.section_22a_densities import GAUSSIAN, UNIFORM


@claim(
    "S §1.1 spread",
    place="section 1.1, initialization",
    statement="the distributions of breakpoints and delta-slopes are mean 0 with low standard deviation",
    corrected="of delta-slopes; breakpoints have neither: the mean of n of them is as spread out as one",
    oracle="quartiles of means of n = 1, …, 1000 simulated breakpoints: the exponent in n, −1/2 with a variance",
)
def spread(rng: Rng, quick: bool) -> Outcome:
    counts, repeats = np.array([1, 10, 100, 1000]), 2_000 if quick else 20_000
    law = kf.initial.knot_density("he", 100)
    size = [np.median(np.abs(np.mean(law.rvs((repeats, n), random_state=rng), axis=1))) for n in counts]
    exponent = order(counts, size)
    note = f"half of the means of 1000 breakpoints are beyond ±{size[-1]:.2f}, of single ones beyond ±{size[0]:.2f}"
    return corrected(abs(exponent + 0.5), abs(exponent), tol=0.05, note=note)


@claim(
    "S §2.2.1 bias",
    place="section 2.2.1, He and Glorot as cited",
    statement="under the initializations of He and Glorot breakpoints are Cauchy distributed",
    corrected="if biases are drawn too; with the cited b = 0 every breakpoint is at 0",
    oracle="Kolmogorov-Smirnov distance of simulated −b/w to the Cauchy law, × √n",
)
def zero_bias(rng: Rng) -> Outcome:
    n = 20_000
    cdf = stats.cauchy.cdf
    as_cited, drawn = kf.initial.he(n, rng, sigma_b=0.0).knots, kf.initial.he(n, rng).knots
    note = f"b = 0: all {n} breakpoints are at 0, f has one kink"
    return corrected(ks(as_cited, cdf), ks(drawn, cdf), tol=KS, note=note)


@claim(
    "S §2.2.1 flat",
    place="section 2.2.1; section 1.1",
    statement="delta-slopes concentrate at 0 as the width grows: standard deviation 2/√H (He), 2/(H + 1) (Glorot)",
    oracle="exponents and sizes from simulated networks",
)
def flat(rng: Rng, quick: bool) -> Outcome:
    worst, repeats = 0.0, 200_000 if quick else 2_000_000
    deviations: dict[str, Callable[[int], float]] = {
        "he": lambda m: float(2 / np.sqrt(m)),
        "glorot": lambda m: 2 / (m + 1),
    }
    for start, sigma in deviations.items():
        for m in (10, 100, 1000):
            nets = [getattr(kf.initial, start)(m, rng) for _ in range(repeats // (20 * m))]
            mu = np.concatenate([net.delta_slopes for net in nets])
            worst = largest(worst, z_score(mu**2, sigma(m) ** 2))
    return holds(worst, tol=Z)


def _moment(pdf: Any, k: int, hi: float) -> float:
    parts = ((0, hi / 50), (hi / 50, hi))
    return 2 * sum(integrate.quad(lambda u: u**k * pdf(u), *ends, limit=200, epsabs=1e-13)[0] for ends in parts)


@claim(
    "S B.4 Gaussian μ",
    place="appendix B.4, remarks",
    statement="Gaussian: μ has variance σ_v² σ_w² and excess kurtosis 6",
    oracle="SciPy quadrature of K₀",
)
def gaussian_moments(rng: Rng) -> Outcome:
    k = 0.52

    def pdf(u: float) -> float:
        return special.k0(u / k) / (np.pi * k) if u > 0 else 0.0

    variance, fourth = _moment(pdf, 2, 40 * k), _moment(pdf, 4, 40 * k)
    theirs = kf.initial.delta_slope_density(GAUSSIAN).stats("vk")
    truth = [variance, fourth / variance**2 - 3]
    return holds(relative([k**2, 6.0], truth), relative(theirs, truth), tol=1e-8)


def _uniform_moments() -> tuple[float, float]:
    """Variance and excess kurtosis of w v by quadrature over (w, v)."""

    def moment(k: int) -> float:
        return integrate.dblquad(lambda w, v: (w * v) ** k, -0.4, 0.4, -1.3, 1.3)[0] / (0.8 * 2.6)

    second, fourth = moment(2), moment(4)
    return second, fourth / second**2 - 3


@claim(
    "S B.4 uniform variance",
    place="appendix B.4, remarks",
    statement="uniform: μ has variance 2 a_w³ a_v³ / 9",
    corrected="a_w² a_v² / 9: the normaliser 1/(2 a_w a_v) was left out",
    oracle="SciPy quadrature over (w, v)",
)
def uniform_variance(rng: Rng) -> Outcome:
    truth, k = _uniform_moments()[0], 1.3 * 0.4
    theirs = float(kf.initial.delta_slope_density(UNIFORM).var())
    note = f"{2 * k**3 / 9:.4f}, but {truth:.4f}"
    return corrected(abs(2 * k**3 / 9 / truth - 1), abs(theirs / truth - 1), tol=1e-8, note=note)


@claim(
    "S B.4 uniform kurtosis",
    place="appendix B.4, remarks",
    statement="uniform: μ has excess kurtosis 81/(50 a_w a_v) − 3",
    corrected="81/25 − 3 = 6/25, whatever the bounds",
    oracle="SciPy quadrature over (w, v)",
)
def uniform_kurtosis(rng: Rng) -> Outcome:
    truth, printed = _uniform_moments()[1], 81 / (50 * 1.3 * 0.4) - 3
    theirs = float(kf.initial.delta_slope_density(UNIFORM).stats("k"))
    note = f"a_w = 1.3, a_v = .4: {printed:.3f}, but {truth:.2f}"
    return corrected(abs(printed - truth), abs(theirs - truth), tol=1e-8, note=note)


@claim(
    "S B.4 uniform β",
    place="appendix B.4, remarks",
    statement="uniform: β has no finite higher moments (nor a mean: E|β| up to T grows as (a_b/2a_w) log T)",
    oracle="SciPy quadrature of |β| p(β) up to T = 10², …, 10⁶",
)
def uniform_no_moments(rng: Rng) -> Outcome:
    law = kf.initial.knot_density(UNIFORM)
    # In log |beta|, so that the long tail is short.
    parts = [
        2 * integrate.quad(lambda s: np.exp(2 * s) * law.pdf(np.exp(s)), np.log(10.0**k), np.log(10.0 ** (k + 1)))[0]
        for k in range(2, 6)
    ]
    infinite = float(np.isfinite(law.stats("m")))
    return holds(relative(parts, [0.7 / 1.3 / 2 * np.log(10)] * 4) + infinite, tol=1e-8)


@claim(
    "S B.4 conditional",
    place="appendix B.4, remarks",
    statement="uniform: μ | β has variance (a_v min{a_b/|β|, a_w})² / 6 and excess kurtosis −3/5",
    oracle="SciPy quadrature of the joint density over μ",
)
def conditional_moments(rng: Rng) -> Outcome:
    joint, worst = kf.initial.joint_density(UNIFORM), 0.0
    for beta in (0.1, -2.0):
        edge = 0.4 * min(0.7 / abs(beta), 1.3)

        def moment(k: int, beta: float = beta, edge: float = edge) -> float:
            return integrate.quad(lambda u: u**k * joint.pdf(beta, u), 0, edge)[0]

        variance = moment(2) / moment(0)
        worst = largest(worst, relative([edge**2 / 6, -0.6], [variance, moment(4) / moment(0) / variance**2 - 3]))
    return holds(worst, tol=1e-8)


def _roughness_errors(start: str, m: int, mean: float, variance: float, quick: bool, rng: Rng) -> tuple[float, float]:
    """Standard errors that mean and variance of simulated roughness are off, and how far tails exceed the bound."""
    n = 4_000 if quick else 100_000
    scale = np.sqrt(2) * np.sqrt(2 / m) if start == "he" else 2 / (m + 1)
    rho = scale**2 * np.concatenate(
        [np.sum((rng.standard_normal((k, m)) * rng.standard_normal((k, m))) ** 2, axis=1) for k in [1000] * (n // 1000)]
    )
    off = largest(z_score(rho, mean), z_score((rho - mean) ** 2, variance))
    law = kf.initial.roughness(start, m)
    off = largest(off, 1e12 * relative([law.mean, law.variance], [mean, variance]))
    excess = np.array([0.5, 1, 2, 4]) * np.sqrt(variance)
    tails = np.array([np.mean(rho - mean >= each) for each in excess])
    return off, float(largest(0.0, np.max(tails - law.tail_bound(excess))))


@claim(
    "S Thm 2 He",
    place="theorem 2",
    statement="He: E ρ₀ = 4, Var ρ₀ = 128/H, P(ρ₀ − 4 ≥ λ) ≤ 1/(1 + λ²H/128)",
    oracle="Monte Carlo, in standard errors; and by how much a tail exceeds the bound",
)
def theorem_2_he(rng: Rng, quick: bool) -> Outcome:
    errors = [_roughness_errors("he", m, 4.0, 128 / m, quick, rng) for m in (20, 200)]
    return holds(*(off + 100 * over for off, over in errors), tol=Z)


@claim(
    "S Thm 2 Glorot",
    place="theorem 2",
    statement="Glorot: E ρ₀ = 4H/(H+1)² = O(1/H), Var ρ₀ = 128H/(H+1)⁴, P(ρ₀ − E ≥ λ) ≤ 1/(1 + λ²(H+1)⁴/(128H))",
    oracle="Monte Carlo, in standard errors; and by how much a tail exceeds the bound",
)
def theorem_2_glorot(rng: Rng, quick: bool) -> Outcome:
    errors = [
        _roughness_errors("glorot", m, 4 * m / (m + 1) ** 2, 128 * m / (m + 1) ** 4, quick, rng) for m in (20, 200)
    ]
    return holds(*(off + 100 * over for off, over in errors), tol=Z)


@claim(
    "S A.1 default",
    place="appendix A.1, “pytorch default of He initialization”",
    statement="the runs start from He's initialization, with E ρ₀ = 4 by theorem 2",
    corrected="PyTorch's default is U(±1/√fan-in) for weights and biases, E ρ₀ = 1/9: 36 times less rough",
    oracle="Monte Carlo from NumPy's uniform law, in standard errors",
)
def pytorch_default(rng: Rng, quick: bool) -> Outcome:
    m, n = 50, 4_000 if quick else 100_000
    mu = rng.uniform(-1, 1, (n, m)) * rng.uniform(-1, 1, (n, m)) / np.sqrt(m)
    rho, correct = np.sum(mu**2, axis=1), kf.initial.roughness("pytorch", m).mean
    return corrected(z_score(rho, 4.0), z_score(rho, correct), tol=Z, note=f"E ρ₀ = {np.mean(rho):.4f}, not 4")
