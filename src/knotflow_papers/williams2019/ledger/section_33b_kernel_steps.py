"""Section 3.3, appendix A: steps of the kernels' derivations, and what the terms are at finite width."""

from __future__ import annotations

import numpy as np

import knotflow as kf
from knotflow_papers.ledger import expectations as wide
from knotflow_papers.ledger.entry import Outcome, claim, corrected, holds, largest
from knotflow_papers.ledger.oracles import ROUNDING, Array, Rng, Z, case, features, relative


@claim(
    "W V-40",
    place="appendix A.3, eq (40), second line",
    statement="[ax + b]₊[ax' + b]₊ is active for angles from arctan x' to arctan x + π",
    corrected="from −arctan x to π − arctan x', for x ≤ x'",
    oracle="the kernel as an integral over all angles, by SciPy's quad",
)
def v_40(rng: Rng) -> Outcome:
    printed = worst = 0.0
    for x, x2 in ((-0.9, 0.4), (0.2, 1.1), (-2.0, -0.5)):
        truth = float(kf.kernels.rf("gaussian")(x, x2))
        worst = largest(worst, abs(wide.over_gaussian(wide.product(x, x2), x, x2) / truth - 1))

        def f(t: float, x: float = x, x2: float = x2) -> float:
            return float((np.cos(t) * x + np.sin(t)) * (np.cos(t) * x2 + np.sin(t)) / np.pi)

        low, high = np.arctan(x2), np.arctan(x) + np.pi
        printed = largest(printed, abs(wide.between(f, [low, high]) / truth - 1))
        worst = largest(worst, abs(wide.between(f, [-np.arctan(x), np.pi - np.arctan(x2)]) / truth - 1))
    return corrected(printed, worst, tol=ROUNDING, note=f"the printed limits give a value off by {printed:.0%}")


@claim(
    "W V-27 limit",
    place="eq (27), m → ∞",
    statement="the limit is K_RF + (xx' + 1) E(c²) Pr(ax > b, ax' > b) whatever the law of (a, b, c)",
    corrected="if c is independent of (a, b), otherwise E[c² 1 1']; for any α times m/α²",
    oracle="SciPy's quad for independent c, and for c = √2 a, b and a Gaussian, E c² = 2",
)
def v_27_limit(rng: Rng) -> Outcome:
    x = np.array([-1.4, 0.3, 0.9])
    one = np.outer(x, x) + 1
    rf = wide.matrix(lambda p, q: wide.over_gaussian(wide.product(p, q), p, q), x)
    P = wide.matrix(lambda p, q: wide.over_gaussian(wide.together(p, q), p, q, degree=0), x)

    def dependent(p: float, q: float) -> float:
        on = wide.together(p, q)
        return wide.over_gaussian(lambda a, b: 2 * a * a * on(a, b), p, q)

    truth = rf + one * wide.matrix(dependent, x)
    law = kf.kernels.Gaussian(1.0, 1.0, 2.0)
    ours = kf.kernels.ntk(law)(x)
    note = f"c = √2 a: K(−1.4, .9) = {truth[0, 2]:.4f}, printed {ours[0, 2]:.4f}"
    return corrected(relative(ours, truth), relative(ours, rf + 2 * one * P), tol=ROUNDING, note=note)


@claim(
    "W Fig 3",
    place="figure 3 (citing eq 28), m = 25,000, x = .5",
    statement="the terms of the tangent kernel at finite width are those of the limit, eq (27)",
    oracle="standard errors of the terms over neurons, uniform and Gaussian a and b",
)
def fig_3(rng: Rng) -> Outcome:
    m, x, worst = 25_000, np.linspace(-1, 1, 9), 0.0
    for draw in (kf.initial.uniform, kf.initial.gaussian):
        net = draw(m, rng, norm=m**0.5)
        h, h0 = np.maximum(np.outer(x, net.a) - net.b, 0), np.maximum(0.5 * net.a - net.b, 0)
        on = (h > 0) * (h0 > 0) * net.c**2
        ours, limit = kf.kernels.empirical_ntk(net).terms(x, 0.5), kf.kernels.ntk(draw).terms(x, 0.5)
        for k, terms in enumerate((0.5 * x[:, None] * on, on, h * h0)):
            error = terms.std(axis=1) / m**0.5 + 1e-300
            live = error > 1e-12
            worst = largest(worst, float(np.max((np.abs(ours[k] - limit[k]) / error)[live])))
            worst = largest(worst, relative(np.ravel(ours[k]), terms.mean(axis=1)) / ROUNDING)
    return holds(worst, tol=Z)


@claim(
    "W V-30",
    place="appendix A.1, eq (30)",
    statement="if f(s) = f'(s) = 0: f(ax) = ∫ [ax − u]₊ f''(u) du over u > s",
    oracle="SciPy's quad for f = (u − s)² eᵘ",
)
def v_30(rng: Rng) -> Outcome:
    s, a = -0.7, 1.6

    def found(top: float) -> float:
        return wide.between(lambda u: (top - u) * (2 + 4 * (u - s) + (u - s) ** 2) * np.exp(u), [s, top])

    places = a * rng.uniform(s / a, 1.0, 4)
    return holds(*(abs(found(t) / ((t - s) ** 2 * np.exp(t)) - 1) for t in places), tol=ROUNDING)


def _gap(u: Array) -> Array:
    """A density on [-1, -.2] and [.3, 1]."""
    return np.where((u < -0.2) | (u > 0.3), 1 / 1.5, 0.0)


@claim(
    "W V-31",
    place="appendix A.1, eq (31)",
    statement="across a gap of the support f(sup I_k) = f(inf I_{k+1}) and f'(sup I_k) = f'(inf I_{k+1})",
    corrected="f is affine there: f' is equal, and f(inf I_{k+1}) = f(sup I_k) + gap · f'",
    oracle="SciPy's quad of K(·, .8) with right-facing knots on [−1, −.2] and [.3, 1]",
)
def v_31(rng: Rng) -> Outcome:
    law = kf.kernels.Placed(_gap, -1.0, 1.0, right=1.0, points=(-0.2, 0.3))

    def truth(x: float) -> float:
        cuts = [-1.0, -0.2, 0.3, x]
        return wide.between(lambda u: float(_gap(np.asarray(u))) * (x - u) * (0.8 - u), [c for c in cuts if c <= x])

    left, right, h = truth(-0.2), truth(0.3), 0.1
    slope = (truth(-0.2 + h) - left) / h
    worst = relative(kf.kernels.rf(law)(np.array([-0.2, 0.3]), 0.8), [left, left + 0.5 * slope])
    worst = largest(worst, abs(right - left - 0.5 * slope))
    return corrected(abs(right / left - 1), worst, tol=ROUNDING, note=f"f(−.2) = {left:.4f}, f(.3) = {right:.4f}")


@claim(
    "W A.1 pieces",
    place="appendix A.1, the end of the proof",
    statement="a > 0, x' in the support [s, S]: K_a(·, x') is 0 below s, cubic up to x', linear beyond; "
    "for x' > S cubic up to S; for x' < s it is 0",
    oracle="polynomials fitted to the exact integral on each piece",
)
def a_1_pieces(rng: Rng) -> Outcome:
    K, worst = kf.kernels.rf(kf.kernels.UniformKnots(-1.0, 1.0, right=1.0)), 0.0
    for x2, pieces in (
        (0.5, ((-3, -1, 0), (-1, 0.5, 3), (0.5, 3, 1))),
        (1.4, ((-1, 1, 3), (1, 4, 1))),
        (-1.2, ((-3, 3, 0),)),
    ):
        for lo, hi, degree in pieces:
            x = np.linspace(lo, hi, 9)
            truth = np.array([wide.over_signs(wide.product(v, x2), v, x2, right=1.0) for v in x])
            fit = np.polyval(np.polyfit(x, truth, degree), x)
            worst = largest(worst, *(float(np.max(np.abs(each - truth))) for each in (K(x, x2), fit)))
    return holds(worst, tol=1e-12)


@claim(
    "W V-24",
    place="eq (24)",
    statement="the solution of (22) is f(x) = Σⱼ αⱼ K_RF(xⱼ, x), α such that f(xⱼ) = yⱼ (true at any m)",
    oracle="dense features: the pseudo-inverse's least-norm c, summed over the neurons",
)
def v_24(rng: Rng) -> Outcome:
    k, grid = case(rng, 60, 5), np.linspace(-2, 2, 41)
    K, truth = kf.kernels.empirical_rf(k.net), features(k.net, grid) @ np.linalg.pinv(features(k.net, k.x)) @ k.y
    printed = K(grid, k.x) @ np.linalg.solve(K(k.x), k.y)
    least = kf.kernels.minimum_norm(k.net.replace(c=np.zeros(60)), k.data)
    ours = kf.kernels.interpolate(K, k.data)(grid), least(grid)
    own = relative(K(k.x), features(k.net, k.x) @ features(k.net, k.x).T)
    return holds(own, *(relative(each, truth) for each in (printed, *ours)), tol=1e-8)


@claim(
    "W V-24 start",
    place="section 3.3, “if we choose c close to the zero vector”",
    statement="other starts of c are left open",
    corrected="f∞ = f₀ + K(·, X) K⁻¹ (y − f₀(X)) and c nearest to c₀, for every c₀ and α",
    oracle="dense features and the pseudo-inverse",
)
def v_24_start(rng: Rng) -> Outcome:
    grid, worst = np.linspace(-2, 2, 41), 0.0
    for norm in (0.5, 60**0.5):
        k = case(rng, 60, 5, norm)
        c = k.net.c + np.linalg.pinv(features(k.net, k.x)) @ (k.y - k.net(k.x))
        truth, K = features(k.net, grid) @ c, kf.kernels.empirical_rf(k.net)
        worst = largest(worst, relative(kf.kernels.lazy(K, k.data, start=k.net)(grid, np.inf), truth))
        worst = largest(worst, relative(kf.kernels.minimum_norm(k.net, k.data).c, c))
    return corrected(None, worst, tol=1e-8)
