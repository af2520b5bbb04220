"""Section 2.6.1, appendix B.9: what spline the kernel regime ends at."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from scipy import integrate, interpolate, linalg

import knotflow as kf
from knotflow_papers.ledger.entry import Outcome, claim, corrected, holds, largest
from knotflow_papers.ledger.oracles import (
    Array,
    Rng,
    hinge,
    natural_spline,
    order,
    relative,
    z_score,
)


def _targets() -> tuple[Array, Array]:
    return np.array([-1.0, -0.55, 0.1, 0.4, 1.0]), np.array([0.7, -1.1, 0.9, 0.2, -0.6])


@claim(
    "S Cor 4",
    place="corollary 4",
    statement="with uniform breakpoints, μ₀ = 0 and H → ∞ the learned function is the natural cubic spline",
    corrected="if an affine part of f costs nothing; else that part is penalised and f'' is not 0 at the ends",
    oracle="SciPy's natural CubicSpline, beside SciPy's pseudo-inverse for the dense features of 1000 neurons",
)
def corollary_4(rng: Rng) -> Outcome:
    (x, y), at = _targets(), np.linspace(-1, 1, 201)
    spline, trained = natural_spline(x, y, at), _tiled(1000, x, y, at)
    off, samples = float(np.max(np.abs(trained - spline))), kf.Samples(x, y)
    free = kf.kernels.interpolate(kf.kernels.rf(kf.kernels.UniformKnots(-1, 1)), samples, affine=True)
    worst = largest(relative(free(at), spline), relative(kf.splines.natural(samples)(at), spline))
    note = f"5 samples, 1000 neurons on [−1, 1]: {off:.3f} from the natural spline"
    return corrected(off, worst, tol=1e-9, note=note)


def _tiled(m: int, x: Array, y: Array, at: Array) -> Array:
    """What m neurons with breakpoints tiling [−1, 1], alternating in their facing, learn from μ = 0."""
    beta, s = -1 + 2 * (np.arange(m) + 0.5) / m, np.where(np.arange(m) % 2, 1, -1)
    return hinge(at, beta, s) @ (linalg.pinv(hinge(x, beta, s)) @ y)


@claim(
    "S Cor 4 limit",
    place="corollary 4",
    statement="as H → ∞ the learned functions converge (to the least-norm interpolant of the wide kernel, as 1/H)",
    oracle="exponent in H of the distance of dense networks, solved by SciPy's pseudo-inverse",
)
def corollary_4_limit(rng: Rng) -> Outcome:
    (x, y), at = _targets(), np.linspace(-1, 1, 201)
    limit = kf.kernels.interpolate(kf.kernels.rf(kf.kernels.UniformKnots(-1, 1)), kf.Samples(x, y))(at)
    widths = np.array([250, 1000, 4000])
    off = [float(np.max(np.abs(_tiled(m, x, y, at) - limit))) for m in widths]
    return holds(abs(order(widths, off) + 1), tol=0.15)


@claim(
    "S Eq 9",
    place="corollary 4, eq (9)",
    statement="what training minimises, H Σ μᵢ² in the limit, is L ∫ f''²",
    corrected="it is L (∫ f''² + 4 [a₁²/L + 12 a(c)²/L³]), a(x) the affine remainder of f on [A, B], c the middle",
    oracle="yᵀK⁻¹y, the kernel by Gauss-Legendre quadrature over breakpoints; SciPy quadrature of f''²",
)
def eq_9(rng: Rng) -> Outcome:
    (x, y), lo, hi = _targets(), -1.3, 1.5
    width, law = hi - lo, kf.kernels.UniformKnots(lo, hi)
    f: Any = kf.kernels.interpolate(kf.kernels.rf(law), kf.Samples(x, y))
    bend = sum(
        integrate.quad(lambda t: float(f.curvature(t)) ** 2, a, b, epsabs=1e-12)[0]
        for a, b in itertools.pairwise([lo, *x, hi])
    )
    slope, level = _affine(f, lo, hi)
    affine = 4 * (slope**2 / width + 12 * level**2 / width**3)
    truth = float(y @ np.linalg.solve(_kernel(x, x, lo, hi), y))
    ours = kf.kernels.norm_squared(f, law)
    return corrected(
        abs(width * bend / truth - 1),
        relative([width * (bend + affine), ours], [truth, truth]),
        tol=1e-8,
        note=f"L ∫ f''² = {width * bend:.1f}, but the norm is {truth:.1f}",
    )


def _affine(f: Any, lo: float, hi: float) -> tuple[float, float]:
    """a₁ and a(c): slope and middle value of f − ½ ∫ f''(β) |x − β| dβ on [lo, hi]."""
    slope = (f(lo, nu=1) + f(hi, nu=1)) / 2
    return float(slope), float((f(lo) + f(hi)) / 2 - (hi - lo) / 4 * (f(hi, nu=1) - f(lo, nu=1)))


def _kernel(p: Array, q: Array, lo: float, hi: float) -> Array:
    """E (p − β)_s (q − β)_s for β uniform on [lo, hi] and either facing, by Gauss-Legendre, exact for a parabola."""
    nodes, weights = np.polynomial.legendre.leggauss(3)

    def one(u: float, v: float) -> float:
        sides = ((lo, min(u, v)), (max(u, v), hi))
        at = [((a + b) / 2 + (b - a) / 2 * nodes, (b - a) / 2 * weights) for a, b in sides if b > a]
        return sum(float(np.sum(w * (u - t) * (v - t))) for t, w in at) / (2 * (hi - lo))

    return np.array([[one(u, v) for v in q] for u in p])


@claim(
    "S Cor 4 ends",
    place="corollary 4, “natural”",
    statement="f'' = 0 at the ends A and B",
    corrected="f''(A) = 2a₁/L + 12a(c)/L², f''(B) = −2a₁/L + 12a(c)/L², f''' = ∓24a(c)/L³; a₁, a(c) as in S Eq 9",
    oracle="finite differences of the minimum-norm interpolant of a quadrature kernel",
)
def corollary_4_ends(rng: Rng) -> Outcome:
    (x, y), lo, hi = _targets(), -1.3, 1.5
    width, h, truth = hi - lo, 0.09, []
    k = np.linalg.solve(_kernel(x, x, lo, hi), y)
    for end, side in ((lo, 1), (hi, -1)):
        values = _kernel(end + side * h * np.arange(4.0), x, lo, hi) @ k
        third = float(np.diff(values, 3)[0]) / h**3
        truth += [float(np.diff(values[:3], 2)[0]) / h**2 - h * third, side * third]  # exact: f is a cubic here
    ours: Any = kf.kernels.interpolate(kf.kernels.rf(kf.kernels.UniformKnots(lo, hi)), kf.Samples(x, y))
    slope, level = _affine(ours, lo, hi)
    first, second = 2 * slope / width, 12 * level / width**2
    correct = [first + second, -24 * level / width**3, -first + second, 24 * level / width**3]
    highest = float(np.max(np.abs(ours.curvature(np.linspace(lo, hi, 500)))))
    note = f"f''(A) = {truth[0]:.2f}, f''(B) = {truth[2]:.2f}, beside a largest |f''| of {highest:.1f}"
    return corrected(largest(abs(truth[0]), abs(truth[2])) / highest, relative(correct, truth), tol=1e-8, note=note)


@claim(
    "S Cor 4 exact",
    place="corollary 4, when it is exact",
    statement="uniform breakpoints over the data are enough for the natural cubic spline",
    corrected="if the two end lines of that spline sum to 0 (or an affine part is free); else only for L → ∞",
    oracle="SciPy's natural CubicSpline, of data with that property and of others",
)
def corollary_4_exact(rng: Rng) -> Outcome:
    x, at = np.array([-1.0, -0.55, 0.1, 0.4, 1.0]), np.linspace(-1, 1, 201)
    y = _targets()[1]

    def distance(x: Array, y: Array, lo: float, hi: float) -> float:
        ours = kf.kernels.interpolate(kf.kernels.rf(kf.kernels.UniformKnots(lo, hi)), kf.Samples(x, y))
        return float(np.max(np.abs(ours(at) - natural_spline(x, y, at))))

    spline = interpolate.CubicSpline(x, y, bc_type="natural")
    ends = x[[0, -1]]
    slope, level = np.mean(spline(ends, 1)), np.mean(spline(ends) - spline(ends, 1) * ends)
    balanced = y - slope * x - level  # now the two end lines sum to 0
    off, wide = distance(x, y, -1, 1), distance(x, y, -256, 256)
    note = f"breakpoints over the data, [−1, 1]: {off:.3f} away; on [−256, 256]: {wide:.4f}"
    return corrected(off, distance(x, balanced, -1.2, 2.0), tol=1e-9, note=note)


@claim(
    "S Cor 4 pins",
    place="appendix A.4, the pins at ±3, “our x-range” read as [−2, 2]",
    statement="with pins at ±3 and breakpoints tiling [−2, 2] a flat start ends at the natural cubic spline",
    corrected="with breakpoints tiling [−3, 3], the pins included: f is a line beyond the breakpoints",
    oracle="SciPy's natural CubicSpline on [−2, 2]: median over random data of the largest distance, y in [−2, 2]",
)
def pins(rng: Rng, quick: bool) -> Outcome:
    x, at = np.concatenate([[-3.0], np.linspace(-2, 2, 21), [3.0]]), np.linspace(-2, 2, 401)
    off = []
    for _ in range(5 if quick else 40):
        y = rng.uniform(-2, 2, 23)
        truth = natural_spline(x, y, at)
        kernels = [kf.kernels.rf(kf.kernels.UniformKnots(-r, r)) for r in (2.0 + 1e-9, 3.0)]
        fits = [kernel(at, x) @ linalg.pinv(kernel(x, x)) @ y for kernel in kernels]
        off.append([np.max(np.abs(fit - truth)) for fit in fits])
    narrow, wide = np.median(off, axis=0)
    note = f"tiled on [−2, 2]: {narrow:.2f} away; on [−3, 3]: {wide:.4f}"
    return corrected(float(narrow), float(wide), tol=0.02, note=note)


@claim(
    "S Lemma 4",
    place="appendix B.9, lemma 4",
    statement="s_i μ_i / Δβ → f''(x) at the breakpoints that converge to x",
    corrected="→ f'' + 2h at right-facing and f'' − 2h at left-facing neurons, h the affine density; as printed if all "
    "neurons face one way",
    oracle="least-norm delta-slopes of 4000 neurons by SciPy's pseudo-inverse, beside f'' of the limit",
)
def lemma_4(rng: Rng, quick: bool) -> Outcome:
    (x, y), m = _targets(), 1000 if quick else 4000
    beta, s = -1 + 2 * (np.arange(m) + 0.5) / m, np.where(np.arange(m) % 2, 1.0, -1.0)
    ratio = s * (linalg.pinv(hinge(x, beta, s)) @ y) / (2 / m)
    limit: Any = kf.kernels.interpolate(kf.kernels.rf(kf.kernels.UniformKnots(-1, 1)), kf.Samples(x, y))
    bend = limit.curvature(beta)
    width, (slope, level) = 2.0, _affine(limit, -1, 1)
    # h = p + q (β − c) with ∫ h = a1 and −∫ h (β − c) = a(c)
    h = slope / width - 12 * level / width**3 * beta
    size = float(np.max(np.abs(bend)))
    off = float(np.max(np.abs(ratio - bend))) / size
    correct = float(np.max(np.abs(ratio - (bend + 2 * s * h)))) / size
    note = f"neighbours of opposite facing differ by 4|h|, up to {4 * np.max(np.abs(h)):.1f}"
    return corrected(off, correct, tol=5e-3, note=note)


@claim(
    "S footnote 2",
    place="section 2.6.1, after corollary 4, and footnote 2",
    statement="for other starts the weight in ∫ f''²/p is the density of breakpoints, p_β = ∫ |w| p(b = ax | w) dp(w)",
    corrected="it is ν(β) = p_β(β) E[w² | β] = ∫ |w|³ …; p_β only if |w| is constant, or for the unit metric on μ",
    oracle="Monte Carlo: shares of w² among breakpoints in bins, of Gaussian and uniform starts, in standard errors",
)
def footnote_2(rng: Rng, quick: bool) -> Outcome:
    n, printed, correct = 200_000 if quick else 4_000_000, 0.0, 0.0
    edges = np.array([-3, -1.5, -0.5, 0.0, 0.5, 1.5, 3.0])
    for law in (kf.initial.Law("gaussian", 1.3, 0.9, 1.0), kf.initial.Law("uniform", 1.3, 0.9, 1.0)):
        shape = rng.standard_normal if law.family == "gaussian" else lambda size: rng.uniform(-1, 1, size)
        w, b = law.a * shape(n), law.b * shape(n)
        beta, nu, p = -b / w, kf.kernels.nu(law), kf.initial.knot_density(law)
        mean_square = float(np.mean(w**2))
        for lo, hi in itertools.pairwise(edges):
            here = np.where((beta > lo) & (beta < hi), w**2, 0.0)
            correct = largest(correct, z_score(here, integrate.quad(nu, lo, hi, points=[-0.9 / 1.3, 0.9 / 1.3])[0]))
            printed = largest(printed, z_score(here, mean_square * float(p.cdf(hi) - p.cdf(lo))))
    return corrected(printed, correct, tol=4.0, note=f"the shape of p_β is {printed:.0f} standard errors off")


@claim(
    "S footnote 2 fit",
    place="section 2.6.1, after corollary 4",
    statement="a Gaussian start of great width learns the weighted spline of p_β (an affine part being free)",
    corrected="that of ν; the two splines differ",
    oracle="dense kernel interpolation, the kernel a sum over 4000 directions, with 1 and x free",
)
def footnote_2_fit(rng: Rng) -> Outcome:
    x, y, at = (
        np.array([-2.0, -1.2, -0.2, 0.5, 1.6, 2.2]),
        np.array([0.5, -1, 1, 0.3, -0.8, 1.0]),
        np.linspace(-2, 2.2, 200),
    )
    phi = 2 * np.pi * (np.arange(4000) + 0.5) / 4000

    def kernel(p: Array) -> Array:
        features = [np.maximum(np.outer(t, np.cos(phi)) + np.sin(phi), 0) for t in (p, x)]
        return features[0] @ features[1].T / 4000

    basis = np.c_[np.ones(6), x]
    system = np.block([[kernel(x), basis], [basis.T, np.zeros((2, 2))]])
    k = np.linalg.solve(system, np.append(y, [0, 0]))
    learned = kernel(at) @ k[:6] + k[6] + k[7] * at
    density = kf.initial.knot_density("gaussian").pdf
    splines = [kf.splines.weighted(kf.Samples(x, y), weight) for weight in (density, kf.kernels.nu("gaussian"))]
    off, correct = (float(np.max(np.abs(f(at) - learned))) for f in splines)
    return corrected(off, correct, tol=1e-4, note=f"{off:.2f} from the spline of p_β, {correct:.0e} from that of ν")
