"""Section 3.2 and appendices C and D: what delta says of a neuron, and where the kernel regime begins."""

from __future__ import annotations

import numpy as np

import knotflow as kf
from knotflow_papers.ledger.entry import Outcome, claim, corrected, holds, largest
from knotflow_papers.ledger.oracles import (
    ROUNDING,
    Array,
    Case,
    Rng,
    canonical_slope,
    case,
    order,
    pull,
    relative,
    slope,
)


@claim(
    "W Lemma 3 unique",
    place="lemma 3, “we can uniquely recover the original neuron”",
    statement="(rᵢ, θᵢ) and δᵢ determine (aᵢ, bᵢ, cᵢ)",
    corrected="if rᵢ ≠ 0 or δᵢ < 0; at r = 0 and δ > 0 it is a = b = 0 with either sign of c, and θ is lost",
    oracle="two neurons with the same (r, δ), and the round trip of random ones, some with c = 0",
)
def lemma_3_unique(rng: Rng) -> Outcome:
    one, other = (kf.ReLUNet([0.0], [0.0], [c]) for c in (1.3, -1.3))
    views = one.canonical(), other.canonical()
    same = views[0].r[0] == views[1].r[0] and views[0].delta[0] == views[1].delta[0]
    worst = 0.0
    for norm in (0.5, 1.0, 7.0):
        k = case(rng, norm=norm)
        silent = k.net.replace(c=np.where(np.arange(12) < 3, 0.0, k.net.c))  # r = 0 with delta < 0
        back = kf.ReLUNet.from_canonical(silent.canonical())
        worst = largest(worst, *(relative(getattr(back, p), getattr(silent, p)) for p in "abc"))
    apart = abs(one.c[0] - other.c[0]) * same
    return corrected(apart, worst, tol=ROUNDING, note="(0, 0, 1.3) and (0, 0, −1.3) have the same r = 0 and δ = 1.69")


@claim(
    "W Lemma 7 proof",
    place="appendix C, proof of lemma 7",
    statement="rᵢ² = cᵢ √(aᵢ² + bᵢ²)",
    corrected="rᵢ² = (m/α)² cᵢ² (aᵢ² + bᵢ²)",
    oracle="r of equation (5), by its definition",
)
def lemma_7_proof(rng: Rng) -> Outcome:
    printed = worst = 0.0
    for norm in (2.2, 12.0):
        k = case(rng, norm=norm)
        n2, c2 = k.sizes
        r2, ours = k.w[:12] ** 2, k.net.canonical().r ** 2
        printed = largest(printed, relative(k.z[24:] * np.sqrt(n2), r2))
        worst = largest(worst, relative(ours, (12 / norm) ** 2 * c2 * n2), relative(ours, r2))
    note = f"α = m: r₀² = {r2[0]:.3f}, printed {k.z[24] * np.sqrt(n2[0]):.3f}"
    return corrected(printed, worst, tol=ROUNDING, note=note)


@claim(
    "W Lemma 7 δ'",
    place="appendix C, proof of lemma 7",
    statement="δᵢ' = 2cᵢ∂L/∂cᵢ − 2aᵢ∂L/∂aᵢ − 2bᵢ∂L/∂bᵢ = 0 with the gradients of (46)",
    corrected="δᵢ' = −2(cᵢ∂L/∂cᵢ − aᵢ∂L/∂aᵢ − bᵢ∂L/∂bᵢ), and it is 0 only with −∂L/∂b of (46)",
    oracle="the sums of (46) as printed; the corrected one by autograd's gradient",
)
def lemma_7_delta(rng: Rng) -> Outcome:
    k = case(rng)
    a, b, c = k.z.reshape(3, -1)
    on = (np.outer(a, k.x) > b[:, None]) * k.residuals / k.net.norm
    q1, q0 = on @ k.x, on.sum(axis=1)
    size = np.max(np.abs(c * (a * q1 - b * q0)))
    printed = 2 * np.max(np.abs(c * (a * q1 - b * q0) - a * c * q1 - b * c * q0)) / size
    da, db, dc = slope(k).reshape(3, -1)
    ours = kf.gradient(k.net, k.data)
    correct = (
        largest(np.max(np.abs(c * dc - a * da - b * db)), np.max(np.abs(c * ours.c - a * ours.a - b * ours.b))) / size
    )
    note = f"with (46) δ' is {printed:.1f} times the largest c ∂L/∂c"
    return corrected(float(printed), float(correct), tol=ROUNDING, note=note)


@claim(
    "W C-14 kernel",
    place="the text after eq (C-14)",
    statement="if cᵢ² ≪ aᵢ² + bᵢ² for all i, radial motion dominates (angles move by O(δ⁻²) over the whole flow)",
    oracle="exponent in |δ| of the largest turn in whole exact flows of the same function, −2",
)
def kernel_side(rng: Rng, quick: bool) -> Outcome:
    k, turns = case(rng, m=12, s=4, norm=1.0), []
    deltas = np.array([30.0, 120.0] if quick else [30.0, 120.0, 480.0])
    for delta in deltas:
        start = k.net.with_delta(-delta)
        end = kf.evolve(start, k.data, kf.GradientFlow(), until="converged", save_at=[]).final
        turn = np.angle(np.exp(1j * (np.arctan2(-end.b, end.a) - k.w[12:])))
        turns.append(float(np.max(np.abs(turn))))
    return holds(abs(order(deltas, turns) + 2), tol=0.15)


@claim(
    "W §4 criterion",
    place="section 4, Cubic Splines: “−δ ≪ r² (i.e. we are in the kernel regime)”",
    statement="where −δ ≪ r² the tangential share of the motion vanishes",
    corrected="where −δ ≫ 2α|r|/m",
    oracle="share c²/(n² + c²) of networks at −δ = 10⁻³ r², and at 10³ times 2α|r|/m",
)
def criterion(rng: Rng) -> Outcome:
    k = case(rng)
    r = k.w[:12]

    def share(delta: Array) -> float:
        n2, c2 = k._replace(net=k.net.with_delta(delta)).sizes
        return float(np.max(c2 / (n2 + c2)))

    printed = share(-1e-3 * r**2)
    note = f"share {printed:.2f} at −δ = r²/1000"
    return corrected(printed, share(-1e3 * 2 * k.net.norm * np.abs(r) / 12), tol=1e-6, note=note)


@claim(
    "W §3.3 α = 1",
    place="section 3.3, “when α(m) = 1 … the parameters a and b remain mostly fixed and c change”",
    statement="at α = 1 and any fixed law of (a, b, c) a wide network trains with the random-feature kernel",
    corrected="with the whole tangent kernel: a and b move no less than c, the RF kernel needs δ ≪ 0 too",
    oracle="path of exact flows at m = 2000 (4000), N(0, 1) and f₀ = 0, against the closed paths of either kernel",
)
def alpha_one(rng: Rng, quick: bool) -> Outcome:
    half = 1000 if quick else 2000
    a, b, c = rng.normal(size=(3, half))
    net = kf.ReLUNet(np.append(a, a), np.append(b, b), np.append(c, -c))
    data = case(rng, s=4).data
    t = 2.0 / (2 * half)
    end = kf.evolve(net, data, kf.GradientFlow(), until=t).final
    grid = np.linspace(-1.5, 1.5, 61)
    paths = [
        kf.kernels.lazy(kernel(net), data)(grid, t) for kernel in (kf.kernels.empirical_rf, kf.kernels.empirical_ntk)
    ]
    printed, correct = (relative(path, end(grid)) for path in paths)
    first = np.sqrt(np.mean((end.a - net.a) ** 2 + (end.b - net.b) ** 2) / np.mean((end.c - net.c) ** 2))
    note = f"off by {printed:.0%} of the largest |f|; (a, b) move {first:.1f} times as far as c"
    return corrected(printed, correct, tol=0.02, note=note)


@claim(
    "W Fig 7",
    place="appendix D, figure 7",
    statement="z and (10³a, 10³b, 10⁻³c) are the same function and train to very different ones",
    oracle="the function by its definition, and exact flows to the end from both",
)
def fig_7(rng: Rng) -> Outcome:
    k, grid = case(rng, 40, 5, 1.0), np.linspace(-1.5, 1.5, 61)
    heavy = k.net.rescaled(1e3)
    features = np.maximum(np.outer(grid, heavy.a) - heavy.b, 0.0) @ heavy.c
    same = relative(features, k.net(grid))
    ends = [kf.evolve(net, k.data, kf.GradientFlow(), until="converged", save_at=[]).final for net in (k.net, heavy)]
    differ = relative(ends[0](grid), ends[1](grid))
    knots = np.median(np.abs(ends[0].knots - k.net.knots)), np.median(np.abs(ends[1].knots - heavy.knots))
    return holds(same if differ > 0.05 and knots[0] > 1e3 * knots[1] else 1.0, tol=ROUNDING)


@claim(
    "W D.1 full",
    place="appendix D.1, figure 9 (δ = ∞): “the gradient field (21) felt by a particle”",
    statement="under the flow (2) (∂t u, ∂t v) = (∂t r, ∂t θ)",
    corrected="(u, v)' = −(εm/α²)((n² + c²) d dᵀ + c² t tᵀ) g; at δ = +∞ it is −(εmc²/α²) g",
    oracle="central differences of u and v along autograd's flow (2), at several δ",
)
def d_1_full(rng: Rng) -> Outcome:
    printed, worst, h = 0.0, 0.0, 1e-6
    for norm, delta in ((3.0, -1.0), (12.0, 0.5), (12.0, 40.0)):
        k = case(rng, norm=norm)
        k = k._replace(net=k.net.with_delta(delta))
        n2, c2 = k.sizes
        r, theta = k.w.reshape(2, -1)
        velocity = -slope(k)

        def plane(t: float, k: Case = k, velocity: Array = velocity, norm: float = norm) -> Array:
            a, b, c = (k.z + t * velocity).reshape(3, -1)
            return 12 / norm * np.abs(c) * np.stack([a, -b])

        truth = (plane(h) - plane(-h)) / (2 * h)
        d, t = np.stack([np.cos(theta), np.sin(theta)]), np.stack([-np.sin(theta), np.cos(theta)])
        _, gd, gt = pull(k.x, k.residuals, theta)
        field = -np.sign(r) * 12 / norm**2 * ((n2 + c2) * gd * d + c2 * gt * t)
        force = -canonical_slope(k).reshape(2, -1)
        own = np.stack([(12 / norm) ** 2 * (n2 + c2), 1 / n2]) * force
        printed, worst = largest(printed, relative(own, truth)), largest(worst, relative(field, truth))
        view = k.net.canonical()
        worst = largest(worst, relative(np.stack([view.u, view.v]), plane(0.0)))
    note = f"the printed field is off by {printed:.1f} times the largest velocity"
    return corrected(printed, worst, tol=1e-6, note=note)
