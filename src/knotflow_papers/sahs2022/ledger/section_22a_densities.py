"""Section 2.2, appendices B.2 to B.4: the laws of breakpoints and delta-slopes at random starts."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
from scipy import integrate, special, stats

import knotflow as kf
from knotflow_papers.ledger.entry import Outcome, claim, corrected, holds, largest
from knotflow_papers.ledger.oracles import KS, Array, Rng, Z, ks, relative, z_share

# Standard deviations and bounds of b, w, v: none of them equal.
GAUSSIAN = kf.initial.Law("gaussian", a=1.3, b=0.7, c=0.4)
UNIFORM = kf.initial.Law("uniform", a=1.3, b=0.7, c=0.4)


Pdf = Callable[[float], float]


def _normal(mean: float, sigma: float) -> Pdf:
    return lambda t: math.exp(-0.5 * ((t - mean) / sigma) ** 2) / (sigma * math.sqrt(2 * math.pi))


def _lemma_3(beta: float, mu: float, b: Pdf, w: Pdf, v: Pdf, sign: float = -1.0) -> float:
    """int f_B(sign beta u) f_W(u) f_V(mu / u) du, and mu / |u| if sign = 1, by quadrature."""

    def integrand(u: float) -> float:
        return b(sign * beta * u) * w(u) * v(mu / u if sign < 0 else mu / abs(u))

    left, right = (integrate.quad(integrand, *ends, limit=200, epsabs=1e-12)[0] for ends in ((-30, -1e-9), (1e-9, 30)))
    return left + right


@claim(
    "S Lemma 3",
    place="appendix B.2, lemma 3",
    statement="the density of (β, μ) is ∫ f_B(βu) f_W(u) f_V(μ/|u|) du",
    corrected="∫ f_B(−βu) f_W(u) f_V(μ/u) du; the printed one holds for symmetric laws only",
    oracle="Monte Carlo: shares of (−b/w, wv) in small boxes, for shifted normal laws",
)
def lemma_3(rng: Rng, quick: bool) -> Outcome:
    shapes = ((1.0, 0.8), (0.6, 1.0), (-0.5, 0.7))
    b, w, v = (_normal(*shape) for shape in shapes)
    n, half = (200_000 if quick else 2_000_000), 0.1
    draws = [rng.normal(*shape, n) for shape in shapes]
    beta, mu = -draws[0] / draws[1], draws[1] * draws[2]
    node = half / np.sqrt(3)
    worst: list[float] = [0.0, 0.0]
    for x, y in ((-1.0, -0.5), (0.6, 0.4), (-0.4, -0.8)):
        hits = int(np.sum((np.abs(beta - x) < half) & (np.abs(mu - y) < half)))
        for k, sign in enumerate((1.0, -1.0)):
            corners = [_lemma_3(x + p, y + q, b, w, v, sign) for p in (-node, node) for q in (-node, node)]
            worst[k] = largest(worst[k], z_share(hits, n, half**2 * sum(corners)))
    return corrected(worst[0], worst[1], tol=Z, note=f"off by {worst[0]:.0f} standard errors near (β, μ) = (−1, −.5)")


def _joint_error(law: kf.initial.Law, pdfs: tuple[Pdf, Pdf, Pdf], points: list[tuple[float, float]]) -> float:
    density = kf.initial.joint_density(law)
    truth = [_lemma_3(beta, mu, *pdfs) for beta, mu in points]
    return relative([density.pdf(*point) for point in points], truth)


@claim(
    "S Thm 1a",
    place="theorem 1 (a)",
    statement="Gaussian: p(β, μ) = exp(−|μ| q/(σ_b σ_v σ_w)) / (2π σ_v q), q = √(σ_b² + σ_w² β²)",
    oracle="SciPy quadrature over w of the product of the three normal densities",
)
def theorem_1a(rng: Rng) -> Outcome:
    laws = _normal(0, 0.7), _normal(0, 1.3), _normal(0, 0.4)
    points = [(0.0, 0.2), (1.7, -0.3), (-0.6, 0.8), (-3.0, 0.05), (0.4, -1.1)]
    return holds(_joint_error(GAUSSIAN, laws, points), tol=1e-6)


@claim(
    "S Thm 1b",
    place="theorem 1 (b)",
    statement="uniform: p(β, μ) = (min{a_b/|β|, a_w} − |μ|/a_v)₊ / (4 a_b a_w a_v)",
    oracle="SciPy quadrature over w of the product of the three uniform densities",
)
def theorem_1b(rng: Rng) -> Outcome:
    b, w, v = 0.7, 1.3, 0.4
    points = [(0.01, 0.2), (1.7, -0.1), (-0.6, 0.3), (-3.0, 0.05), (0.4, -0.5), (2.0, 0.4)]
    truth = []
    for beta, mu in points:
        # The integrand is 1 / (8 a_b a_w a_v) where all three are in their bounds: its edges are known.
        edges = np.unique(np.clip([0.0, abs(mu) / v, b / abs(beta), w], 0, w))

        def inside(u: float, beta: float = beta, mu: float = mu) -> float:
            return float(abs(beta * u) < b and u < w and abs(mu / u) < v) / (8 * b * w * v)

        truth.append(2 * sum(integrate.quad(inside, lo, hi)[0] for lo, hi in itertools.pairwise(edges)))
    density = kf.initial.joint_density(UNIFORM)
    return holds(relative([density.pdf(*point) for point in points], truth), tol=1e-9)


def _neurons(law: kf.initial.Law, n: int, rng: Rng) -> tuple[Array, Array]:
    """(beta, mu) of n neurons, straight from NumPy."""
    each = rng.standard_normal((3, n)) if law.family == "gaussian" else rng.uniform(-1, 1, (3, n))
    b, w, v = each * np.array([[law.b], [law.a], [law.c]])
    return -b / w, w * v


def _marginals(law: kf.initial.Law, which: str, quick: bool, rng: Rng) -> float:
    """sqrt(n) KS of the knots, of the delta-slopes, or of the delta-slopes given their knots."""
    beta, mu = _neurons(law, 40_000 if quick else 1_000_000, rng)
    density = kf.initial.joint_density(law)
    if which == "knots":
        return ks(beta, density.knots.cdf)
    if which == "delta_slopes":
        return ks(mu, density.delta_slopes.cdf)
    return ks(density.delta_slopes_given(beta).cdf(mu), stats.uniform.cdf)


@claim(
    "S Cor 1a β",
    place="corollary 1 (a)",
    statement="Gaussian: β ~ Cauchy(0, σ_b/σ_w)",
    oracle="Kolmogorov-Smirnov distance to −b/w of simulated neurons, × √n",
)
def corollary_1a_beta(rng: Rng, quick: bool) -> Outcome:
    return holds(_marginals(GAUSSIAN, "knots", quick, rng), tol=KS)


@claim(
    "S Cor 1a μ",
    place="corollary 1 (a)",
    statement="Gaussian: p(μ) = K₀(|μ|/(σ_v σ_w)) / (π σ_v σ_w)",
    oracle="SciPy quadrature over β of the joint density of theorem 1 (a), written out",
)
def corollary_1a_mu(rng: Rng) -> Outcome:
    density = kf.initial.delta_slope_density(GAUSSIAN)

    def marginal(mu: float) -> float:
        def joint(angle: float) -> float:  # beta = (sigma_b / sigma_w) tan(angle)
            return float(np.exp(-abs(mu) / (0.52 * np.cos(angle))) / (2 * np.pi * 0.52 * np.cos(angle)))

        return 2 * integrate.quad(joint, 0, np.pi / 2 - 1e-9, epsabs=1e-13)[0]

    at = [0.02, 0.3, -0.7, 1.5]
    return holds(relative(density.pdf(at), [marginal(mu) for mu in at]), tol=1e-7)


@claim(
    "S Cor 1a Meijer",
    place="corollary 1 (a)",
    statement="G^{2,0}_{0,2}(μ²/(4σ_v²σ_w²) | 0, 0) / (2π σ_v σ_w) is the same density",
    oracle="the Mellin-Barnes integral of Γ(s)², by quadrature along Re s = 1",
)
def corollary_1a_meijer(rng: Rng) -> Outcome:
    def meijer(z: float) -> float:
        def line(t: float) -> float:
            s = complex(1, t)
            return float(np.real(np.exp(2 * special.loggamma(s) - s * np.log(z))))

        return integrate.quad(line, 0, 30, limit=400, epsabs=1e-13)[0] / np.pi

    at, k = np.array([0.1, 0.3, 0.7, 1.5]), 0.52
    printed = [meijer(mu**2 / (4 * k**2)) / (2 * np.pi * k) for mu in at]
    return holds(relative(kf.initial.delta_slope_density(GAUSSIAN).pdf(at), printed), tol=1e-8)


@claim(
    "S Cor 1a μ|β",
    place="corollary 1 (a)",
    statement="Gaussian: μ | β ~ Laplace(0, σ_b σ_v σ_w / √(σ_b² + σ_w² β²))",
    oracle="Kolmogorov-Smirnov distance of the cdf at simulated neurons to uniform, × √n",
)
def corollary_1a_given(rng: Rng, quick: bool) -> Outcome:
    return holds(_marginals(GAUSSIAN, "given", quick, rng), tol=KS)


@claim(
    "S Cor 1b β",
    place="corollary 1 (b)",
    statement="uniform: p(β) = min{a_b/|β|, a_w}² / (4 a_b a_w)",
    oracle="Kolmogorov-Smirnov distance to −b/w of simulated neurons, × √n",
)
def corollary_1b_beta(rng: Rng, quick: bool) -> Outcome:
    return holds(_marginals(UNIFORM, "knots", quick, rng), tol=KS)


@claim(
    "S Cor 1b μ",
    place="corollary 1 (b)",
    statement="uniform: p(μ) = log(a_w a_v/|μ|) / (2 a_w a_v) on [−a_w a_v, a_w a_v]",
    oracle="Kolmogorov-Smirnov distance to wv of simulated neurons, × √n",
)
def corollary_1b_mu(rng: Rng, quick: bool) -> Outcome:
    return holds(_marginals(UNIFORM, "delta_slopes", quick, rng), tol=KS)


@claim(
    "S Cor 1b μ|β",
    place="corollary 1 (b)",
    statement="uniform: μ | β ~ the symmetric triangle on ± a_v min{a_b/|β|, a_w}",
    oracle="Kolmogorov-Smirnov distance of the cdf at simulated neurons to uniform, × √n",
)
def corollary_1b_given(rng: Rng, quick: bool) -> Outcome:
    return holds(_marginals(UNIFORM, "given", quick, rng), tol=KS)
