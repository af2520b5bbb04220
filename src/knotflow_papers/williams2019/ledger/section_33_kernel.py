"""Section 3.3, appendix A: kernels of the kernel regime, their norms, and the splines they give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import integrate, linalg

import knotflow as kf
from knotflow_papers.ledger.entry import Outcome, claim, corrected, holds, largest
from knotflow_papers.ledger.oracles import Array, Rng, case, features, natural_spline, order, output, relative

SQUARE = kf.Samples(np.linspace(-1, 1, 10), np.sign(np.sin(2 * np.pi * np.linspace(-1, 1, 10) + 0.4)))
GRID = np.linspace(-1, 1, 401)


def _gap(f: object, truth: Array) -> float:
    return float(np.max(np.abs(f(GRID) - truth)))  # type: ignore[operator]


def _solved(law: kf.kernels.KnotLaw, x: Array, y: Array, grid: Array) -> Array:
    """The interpolant by SciPy's dense solve with the kernel's matrix."""
    K = kf.kernels.rf(law)
    return K(grid, x) @ linalg.solve(K(x, x), y, assume_a="pos")


@claim(
    "W C-15",
    place="eq (15), arXiv (22), (24)",
    statement="training c alone from c₀ close to 0 ends close to argmin ‖c‖² subject to f(xⱼ) = yⱼ",
    oracle="SciPy's pseudo-inverse of the features: c₀ = 0, 1e-9 times a draw, and argmin ‖c − c₀‖² from a draw",
)
def c_15(rng: Rng) -> Outcome:
    k = case(rng, 40, 5)
    c, phi = k.net.c, features(k.net, k.x)
    late = 40 / float(linalg.eigvalsh(phi @ phi.T)[0])
    lazy, least = kf.LazyFlow(train=frozenset({"c"})), linalg.pinv(phi)
    none, near, far = (
        kf.evolve(k.net.replace(c=scale * c), k.data, lazy, until=late).final.c for scale in (0.0, 1e-9, 1.0)
    )
    shortest = least @ k.y
    nearest = relative(far, c + least @ (k.y - phi @ c))
    return holds(relative(none, shortest), relative(near, shortest), nearest, tol=1e-7)


@claim(
    "W V-22",
    place="arXiv eq (22), section 3.3",
    statement="with c alone the residuals go as ρ(t) = exp(−K̄t) ρ(0)",
    oracle="SciPy's matrix exponential of the features' Gram matrix",
)
def v_22(rng: Rng) -> Outcome:
    k = case(rng, 40, 5)
    phi, worst = features(k.net, k.x), 0.0
    for t in (0.1, 1.0, 20.0):
        truth = linalg.expm(-phi @ phi.T * t) @ k.residuals
        end = kf.evolve(k.net, k.data, kf.GradientFlow(rtol=1e-10, train=frozenset({"c"})), until=t).final
        worst = largest(worst, relative(end(k.x) - k.y, truth))
    return holds(worst, tol=1e-6)


@claim(
    "W Thm 5 weight",
    place="theorem 5, eq (17), arXiv (33)–(39)",
    statement="ν(u) = ∫ |a| μ_a(au) dq(a), the density of knots",
    corrected="∫ |a|³ μ_a(au) dq(a): the density of knots times E[a² | knot]",
    oracle="E[a²; knot in a narrow bin] over the bin's width, areas of the (a, b) plane by SciPy's quad",
)
def thm_5_weight(rng: Rng) -> Outcome:
    off = correct = 0.0
    notes = []
    for u, size in ((0.3, 0.8), (0.9, 0.8), (2.5, 0.8)):
        printed = min(1 / u, size) ** 2 / (4 * size)  # ∫ |a| μ_a(au) dq(a)
        truth = _second_moment_at(u, size)
        found = float(kf.kernels.nu("uniform", bound_a=size, bound_b=1.0)(u))
        off, correct = largest(off, relative(printed, truth)), largest(correct, relative(found, truth))
        notes.append(f"ν({u}) = {truth:.4f}, not {printed:.4f}")
    return corrected(off, correct, tol=1e-6, note="; ".join(notes))


def _second_moment_at(u: float, size: float, width: float = 1e-3) -> float:
    """E[a²; knot within width/2 of u] / width for a ~ U(−size, size), b ~ U(−1, 1), by areas in the (a, b) plane."""

    def band(a: float) -> float:
        lo, hi = np.clip(np.array([u - width / 2, u + width / 2]) * a, -1, 1)
        return a * a * (hi - lo) / 2 / (2 * size)

    cuts = [t for t in (1 / (u + width / 2), 1 / (u - width / 2)) if t < size]
    return 2 * integrate.quad(band, 0, size, points=cuts, epsabs=1e-14)[0] / width


@claim(
    "W Thm 5 norm",
    place="theorem 5",
    statement="‖f‖²_RF = ∫ f''²/ν",
    corrected="plus lᵀM⁻¹l of the affine part l",
    oracle="kᵀKk of kernel expansions with random nodes, three laws",
)
def thm_5_norm(rng: Rng) -> Outcome:
    off = correct = 0.0
    notes = []
    laws: tuple[tuple[str, dict[str, Any]], ...] = (
        ("rademacher", {"B": 1.0}),
        ("uniform", {"bound_a": 0.8, "bound_b": 1.0}),
        ("gaussian", {"sigma_a": 0.7, "sigma_b": 1.2}),
    )
    for name, options in laws:
        x, k = -0.95 + 0.38 * (np.arange(5) + rng.uniform(0.2, 0.8, 5)), rng.normal(size=5)
        gram = kf.kernels.rf(name, **options)(x, x)
        f = kf.kernels.interpolate(kf.kernels.rf(name, **options), kf.Samples(x, gram @ k))
        truth, parts = float(k @ gram @ k), kf.kernels.norm_parts(f, name, **options)
        off = largest(off, abs(parts.curvature - truth) / truth)
        correct = largest(correct, abs(sum(parts) - truth) / truth)
        notes.append(f"{name} {parts.curvature:.3g} of {truth:.3g}")
    return corrected(off, correct, tol=1e-7, note="; ".join(notes))


@claim(
    "W Thm 5 spline",
    place="theorem 5, last claim",
    statement="for b given a uniform on an interval around the data the kernel interpolant is a natural cubic spline",
    corrected="only with an unpenalised affine part (a skip connection): without it the distance is O(1/B)",
    oracle="SciPy's CubicSpline",
)
def thm_5_spline(rng: Rng) -> Outcome:
    truth, kernels = natural_spline(SQUARE.x, SQUARE.y, GRID), [kf.kernels.rf("rademacher", B=b) for b in (1.0, 3.0)]
    off = _gap(kf.kernels.interpolate(kernels[0], SQUARE), truth)
    correct = largest(*(_gap(kf.kernels.interpolate(kernel, SQUARE, affine=True), truth) for kernel in kernels))
    note = f"a = ±1, b ~ U(−1, 1): {off:.3f} from the spline on a square wave of size 1"
    return corrected(off, correct, tol=1e-8, note=note)


@claim(
    "W Thm 5 interval",
    place="theorem 5, last claim",
    statement="b given a uniform on any interval I_a gives a cubic spline",
    corrected="only if ν is constant over the data; in general the spline of least ∫ f''²/ν",
    oracle="SciPy's CubicSpline, and a dense solve of the constrained least norm of f'' by quadrature",
)
def thm_5_interval(rng: Rng) -> Outcome:
    options: dict[str, Any] = {"bound_a": 1.0, "bound_b": 0.5}
    f = kf.kernels.interpolate(kf.kernels.rf("uniform", **options), SQUARE, affine=True)
    off = _gap(f, natural_spline(SQUARE.x, SQUARE.y, GRID))
    truth = _least_curvature(SQUARE.x, SQUARE.y, lambda u: np.minimum(1, (0.5 / np.maximum(np.abs(u), 1e-9)) ** 4))
    return corrected(off, _gap(f, truth), tol=1e-4, note=f"b ~ U(−½, ½): {off:.2f} from the natural cubic spline")


def _least_curvature(x: Array, y: Array, weight: Callable[[Array], Array]) -> Array:
    """argmin ∫ f''²/ν through the data on GRID: f = line + ∫ (t − u)₊ f''(u) du, by quadrature and least norm."""
    nodes, weights = np.polynomial.legendre.leggauss(8)
    edges = np.unique(np.concatenate([GRID, x, [-0.5, 0.5]]))
    half = np.diff(edges)[:, None] / 2
    u, w = (edges[:-1, None] + half * (1 + nodes)).ravel(), (half * weights).ravel()
    scale = w * weight(u)

    def kernel(p: Array) -> Array:
        return np.maximum(np.subtract.outer(p, u), 0)

    lines = np.stack([x, np.ones_like(x)], axis=1)
    gram = (kernel(x) * scale) @ kernel(x).T
    system = np.block([[gram, lines], [lines.T, np.zeros((2, 2))]])
    solution = linalg.solve(system, np.append(y, [0, 0]))
    return (kernel(GRID) * scale) @ kernel(x).T @ solution[:-2] + solution[-2] * GRID + solution[-1]


@claim(
    "W Thm 5 Gaussian",
    place="theorem 5 and section 3.3",
    statement="a Gaussian start minimises ∫ f''²/ν with 1/ν ∝ 1 + u²",
    corrected="with 1/ν ∝ (1 + u²)²",
    oracle="a dense solve of the constrained least norm of f'' by quadrature",
)
def thm_5_gaussian(rng: Rng) -> Outcome:
    f = kf.splines.weighted(SQUARE, "gaussian")
    wide = kf.kernels.interpolate(kf.kernels.rf("gaussian", sigma_a=1.0, sigma_b=1.0), SQUARE, affine=True)
    printed = _least_curvature(SQUARE.x, SQUARE.y, lambda u: 1 / (1 + u * u))
    truth = _least_curvature(SQUARE.x, SQUARE.y, lambda u: (1 + u * u) ** -2.0)
    off = _gap(wide, printed)
    return corrected(off, _gap(f, truth), _gap(wide, truth), tol=1e-6, note=f"the printed weight is off by {off:.3f}")


@claim(
    "W Fig 4 ends",
    place="section 3.3, figure 4",
    statement="the kernel interpolant has vanishing second derivative at its end points",
    corrected="f''(x_s) = 2ν(x_s)(x_s γ/E b² − β/E a²): 0 only in the limit of wide supports",
    oracle="second differences of the solution by SciPy's dense solve",
)
def fig_4_ends(rng: Rng) -> Outcome:
    law, x, y = kf.kernels.law("rademacher", B=1.0), SQUARE.x, SQUARE.y
    k, h = linalg.solve(kf.kernels.rf(law)(x, x), y, assume_a="pos"), 1e-3
    at = 1 - h * np.arange(1, 5)
    f = kf.kernels.rf(law)(np.append(at, 1.0), x) @ k
    end = float(np.polyval(np.polyder(np.polyfit(np.append(-h * np.arange(1, 5), 0.0), f, 3), 2), 0.0))
    beta, gamma = k @ x / 4, k.sum() / 12
    formula = 2 * 0.5 * (gamma * 3 - beta)
    spline: Any = kf.kernels.interpolate(kf.kernels.rf(law), SQUARE)
    found = spline.curvature(np.array([1.0]))[0]
    correct = largest(abs(formula - end), abs(found - end)) / abs(end)
    return corrected(abs(end), correct, tol=1e-3, note=f"f'' = {end:.1f} at the right end, a = ±1, b ~ U(−1, 1)")


@claim(
    "W Fig 4 width",
    place="section 4, figure 4",
    statement="the network's c-only solution comes to the kernel's as m grows",
    oracle="minimum-norm solutions by SciPy's pseudo-inverse: exponent in m of the mean distance, −½",
)
def fig_4_width(rng: Rng, quick: bool) -> Outcome:
    data = kf.Samples(np.linspace(-1, 1, 5), np.array([0.3, -0.5, 0.8, 0.1, -0.4]))
    limit = kf.kernels.interpolate(kf.kernels.rf("uniform", bound_a=1.0, bound_b=1.0), data)(GRID)
    sizes, gaps = np.array([1000, 4000, 16000]), []
    for m in sizes:
        errors = []
        for _ in range(8 if quick else 40):
            a, b = rng.uniform(-1, 1, (2, m))
            c = linalg.lstsq(np.maximum(np.outer(data.x, a) - b, 0), data.y, lapack_driver="gelsy")[0]
            errors.append(np.max(np.abs(output(np.concatenate([a, b, c]), GRID, 1.0) - limit)))
        gaps.append(np.mean(errors))
    return holds(abs(order(sizes, gaps) + 0.5), tol=0.2)


@claim(
    "W Cor 6 identity",
    place="corollary 6, arXiv eq (28)",
    statement="the norm of f₃ = u·h has the term (u f₃' − f₃)²/u²",
    corrected="/u⁴: it is |(f₃/u)'|²",
    oracle="differences of f₃/u",
)
def cor_6(rng: Rng) -> Outcome:
    u, step = np.linspace(0.5, 2, 40), 1e-5

    def f(v: Array) -> Array:
        return v * np.sin(1.3 * v + 0.2)

    slope = (f(u + step) - f(u - step)) / (2 * step)
    truth = ((f(u + step) / (u + step) - f(u - step) / (u - step)) / (2 * step)) ** 2
    top = (u * slope - f(u)) ** 2
    off = relative(top / u**2, truth)
    note = f"off by {off:.2g} of the largest value on [½, 2]"
    return corrected(off, relative(top / u**4, truth), tol=1e-7, note=note)


@claim(
    "W Cor 6 spline",
    place="after corollary 6",
    statement="the tangent kernel's interpolant is also a cubic spline",
    corrected="piecewise cubic and only C⁰: its slope jumps by −E[c²](1 + xⱼ²) ν₁(xⱼ) kⱼ at every sample",
    oracle="slopes of the interpolant on both sides of the samples, by differences",
)
def cor_6_spline(rng: Rng) -> Outcome:
    x = np.array([-0.7, -0.2, 0.3, 0.75])
    y = rng.normal(size=4)
    law = kf.kernels.UniformKnots(lo=-1.0, hi=1.0, c2=1.0)
    kernel = kf.kernels.ntk(law)
    f, k, h = kf.kernels.interpolate(kernel, kf.Samples(x, y)), linalg.solve(kernel(x, x), y), 1e-5
    jump = (f(x + h) - 2 * f(x) + f(x - h)) / h
    formula = -(1 + x**2) * 0.5 * k
    note = f"the slope jumps by {jump[np.argmax(np.abs(jump))]:.2f}"
    return corrected(float(np.max(np.abs(jump))), relative(formula, jump), tol=1e-3, note=note)
