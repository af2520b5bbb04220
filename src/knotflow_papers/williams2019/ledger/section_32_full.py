"""Section 3.2: the dynamics of all parameters, the conserved delta, and its limits."""

from __future__ import annotations

import numpy as np

import knotflow as kf
from knotflow.dynamics import mean_field
from knotflow_papers.ledger.entry import Outcome, claim, corrected, holds, largest
from knotflow_papers.ledger.oracles import (
    ROUNDING,
    Array,
    Case,
    Rng,
    Z,
    canonical_slope,
    case,
    follow,
    order,
    output,
    relative,
    slope,
)


def _project(z: Array, norm: float) -> Array:
    a, b, c = z.reshape(3, -1)
    return np.stack([len(a) / norm * c * np.hypot(a, b), np.arctan2(-b, a)])


def _push(k: Case) -> Array:
    """(r', θ') of the flow (2): central differences of π along autograd's gradient."""
    step, velocity = 1e-6, -slope(k)
    ahead, behind = (_project(k.z + e * velocity, k.net.norm) for e in (step, -step))
    change = ahead - behind
    change[1] = np.mod(change[1] + np.pi, 2 * np.pi) - np.pi
    return change / (2 * step)


@claim(
    "W V-46",
    place="arXiv eq (46)",
    statement="∂L/∂aᵢ = cᵢ Σ rⱼxⱼ, ∂L/∂bᵢ = cᵢ Σ rⱼ, ∂L/∂cᵢ = Σ [aᵢxⱼ − bᵢ]₊ rⱼ",
    corrected="1/α on all three, a minus on ∂L/∂bᵢ, and residuals ρⱼ for rⱼ",
    oracle="autograd",
)
def v_46(rng: Rng) -> Outcome:
    k = case(rng)
    a, b, c = k.z.reshape(3, -1)
    on = (np.outer(k.x, a) - b > 0) * k.residuals[:, None]
    printed = np.concatenate([c * (k.x @ on), c * on.sum(0), ((np.outer(k.x, a) - b) * on).sum(0)])
    found, truth = kf.gradient(k.net, k.data), slope(k)
    off = relative(printed, truth)
    note = f"α = 2.2: off by {off:.2g} of the largest entry"
    return corrected(off, relative(np.concatenate([found.a, found.b, found.c]), truth), tol=ROUNDING, note=note)


@claim(
    "W Lemma 3",
    place="lemma 3, eq (11), arXiv (18), (44)",
    statement="δᵢ = cᵢ² − aᵢ² − bᵢ² does not change along the flow (2)",
    oracle="autograd's rate of δ, and SciPy's path; the exact flow over its events",
)
def lemma_3(rng: Rng) -> Outcome:
    k = case(rng)
    a, b, c = k.z.reshape(3, -1)
    da, db, dc = slope(k).reshape(3, -1)
    end = kf.evolve(k.net, k.data, kf.GradientFlow(), until=20.0).final
    path = follow(lambda z: -slope(k, z), k.z, 0.05).reshape(3, -1)
    drifts = (2 * (c * dc - a * da - b * db), end.delta - k.net.delta,
              path[2] ** 2 - path[0] ** 2 - path[1] ** 2 - k.net.delta)  # fmt: skip
    return holds(*(float(np.max(np.abs(drift))) for drift in drifts), tol=1e-7)


@claim(
    "W Lemma 3 descent",
    place="lemma 3, for descent",
    statement="gradient descent conserves δᵢ",
    corrected="it adds η² (c'² − a'² − b'²) at each step, with the gradient's entries",
    oracle="the step with autograd's gradient",
)
def lemma_3_descent(rng: Rng) -> Outcome:
    k, eta = case(rng), 0.05
    end = kf.evolve(k.net, k.data, kf.GradientDescent(lr=eta), steps=1).final
    da, db, dc = slope(k).reshape(3, -1)
    drift = np.max(np.abs(end.delta - k.net.delta))
    correct = np.max(np.abs(end.delta - k.net.delta - eta**2 * (dc**2 - da**2 - db**2)))
    return corrected(float(drift), float(correct), tol=ROUNDING, note=f"η = .05: δ moves by {drift:.2g} in one step")


@claim(
    "W Sign",
    place="after lemma 3",
    statement="the sign of cᵢ, and so of rᵢ, never changes",
    corrected="so for δᵢ ≥ 0; with δᵢ < 0 cᵢ may cross 0, and nᵢ ≥ √(−δᵢ)",
    oracle="signs counted at the ends of exact flows",
)
def sign(rng: Rng, quick: bool) -> Outcome:
    flips, bound = [0, 0], 0.0
    for _ in range(4 if quick else 20):
        k = case(rng, 30)
        k = k._replace(net=k.net.replace(c=k.net.c / 10))
        for which, delta in enumerate((-0.5, 0.5)):
            start = k.net.with_delta(delta)
            end = kf.evolve(start, k.data, kf.GradientFlow(), until=20.0).final
            flips[which] += int(np.sum(end.c * start.c < 0))
            if delta < 0:
                bound = largest(bound, float(np.max(np.sqrt(0.5) - np.hypot(end.a, end.b))))
    note = f"δ = −.5: {flips[0]} signs change; δ = .5: 0"
    return corrected(float(flips[0]), flips[1] + largest(bound, 0.0), tol=1e-7, note=note)


@claim(
    "W V-45",
    place="arXiv eq (45), proposition 8",
    statement="the lift: c² = (δ + √(δ² + 4r²))/2, n² = r²/c²",
    corrected="with q = αr/m in place of r",
    oracle="the network that (r, θ, δ) came from",
)
def v_45(rng: Rng) -> Outcome:
    k = case(rng)
    r = k.w[:12]
    printed = (k.net.delta + np.hypot(k.net.delta, 2 * r)) / 2
    back = kf.ReLUNet.from_canonical(k.net.canonical())
    correct = largest(*(relative(getattr(back, name), getattr(k.net, name)) for name in "abc"))
    off = relative(printed, k.net.c**2)
    return corrected(off, correct, tol=ROUNDING, note=f"α = 2.2, m = 12: c² off by {off:.2g} of the largest")


@claim(
    "W δ at will",
    place="section 3.2",
    statement="a function can be given any δ by rescaling its neurons (as long as c ≠ 0 and n ≠ 0)",
    oracle="the definition of δ and of f",
)
def delta_at_will(rng: Rng) -> Outcome:
    k, grid, worst = case(rng), np.linspace(-2, 2, 30), 0.0
    for delta in (-1e6, -3.0, 0.0, 2.0, 1e6):
        net = k.net.with_delta(delta)
        off = np.max(np.abs(net.c**2 - net.a**2 - net.b**2 - delta)) / (1 + abs(delta))
        z = np.concatenate([net.a, net.b, net.c])
        worst = largest(worst, float(off), relative(output(z, grid, 2.2), output(k.z, grid, 2.2)))
    return holds(worst, tol=1e-8)


@claim(
    "W Prop 4",
    place="proposition 4, eqs (12), (13), arXiv (19), (20)",
    statement="along (2): wᵢ' = +Pᵢ ∇L̃, P = diag((m²/α²)(n² + c²), 1/n²)",
    corrected="wᵢ' = −Pᵢ ∇L̃, the same P",
    oracle="differences of π along autograd's gradient, and autograd's gradient of L̃",
)
def prop_4(rng: Rng) -> Outcome:
    k = case(rng)
    n2, c2 = k.sizes
    metric = np.stack([(12 / 2.2) ** 2 * (n2 + c2), 1 / n2])
    truth, right = _push(k), metric * canonical_slope(k).reshape(2, -1)
    return corrected(relative(right, truth), relative(-right, truth), tol=1e-7, note="the printed flow climbs")


@claim(
    "W Prop 8",
    place="proposition 8",
    statement="P = diag((m²/α²) √(δ² + 4r²), 2/(√(δ² + 4r²) − δ))",
    corrected="r in it is q = αr/m",
    oracle="differences of π along autograd's gradient",
)
def prop_8(rng: Rng) -> Outcome:
    k = case(rng)
    truth, force, r = _push(k), -canonical_slope(k).reshape(2, -1), k.w[:12]

    def moved(size: Array) -> Array:
        root = np.hypot(k.net.delta, 2 * size)
        return np.stack([(12 / 2.2) ** 2 * root, 2 / (root - k.net.delta)]) * force

    off = relative(moved(r), truth)
    # knotflow's "full" field is per particle of norm m: of √(m/α) times (a, b, c)
    scale = 12 / 2.2
    found = np.array([
        mean_field.velocity(k.net, k.data, ri, ti, "full", di * scale)
        for ri, ti, di in zip(r, k.w[12:], k.net.delta, strict=True)
    ]).T / 2.2  # fmt: skip
    correct = largest(relative(moved(2.2 / 12 * r), truth), relative(found, truth))
    return corrected(off, correct, tol=1e-7, note=f"α = 2.2, m = 12: off by {off:.2g} of the largest rate")


@claim(
    "W Prop 8 proof",
    place="proof of proposition 8",
    statement="P = JᵀJ, with the row (−b, a, 0)/n² of ∂θ",
    corrected="P = JJᵀ, with the row (b, −a, 0)/n²",
    oracle="central differences of π",
)
def prop_8_proof(rng: Rng) -> Outcome:
    k = case(rng, 1)
    step = 1e-6
    jac = np.stack([(_project(k.z + e, 2.2) - _project(k.z - e, 2.2))[:, 0] / (2 * step)
                    for e in step * np.eye(3)], axis=1)  # fmt: skip
    a, b, _ = k.z
    n2, c2 = (float(v[0]) for v in k.sizes)
    row = np.array([-b, a, 0]) / n2
    gap = largest(relative(jac @ jac.T, np.diag([(n2 + c2) / 2.2**2, 1 / n2])), relative(-row, jac[1]))
    note = "the printed row turns neurons the wrong way; JᵀJ is 3×3"
    return corrected(relative(row, jac[1]), gap, tol=1e-7, note=note)


@claim(
    "W C-14",
    place="eq (14), arXiv (21)",
    statement="with dτ = r dθ: (dr, dτ) = +diag((m²/α²)(n² + c²), c²) (∂_r L̃, ∂_τ L̃) dt",
    corrected="−(m²/α²) diag(n² + c², c²)",
    oracle="differences of π along autograd's gradient",
)
def c_14(rng: Rng) -> Outcome:
    k = case(rng)
    r, force, truth = k.w[:12], canonical_slope(k).reshape(2, -1), _push(k)
    n2, c2 = k.sizes
    tangent, factor = r * truth[1], (12 / 2.2) ** 2
    printed = c2 * force[1] / r
    note = f"the lower entry lacks the factor −m²/α² = −{factor:.1f}"
    errors = relative(-factor * c2 * force[1] / r, tangent), relative(-factor * (n2 + c2) * force[0], truth[0])
    return corrected(relative(printed, tangent), *errors, tol=1e-7, note=note)


@claim(
    "W C-14 α = o(m)",
    place="after eq (14)",
    statement="if α = o(m) the radial component dominates the tangential",
    corrected="their mobilities' ratio is c²/(n² + c²) = (1 + δ/√(δ² + 4q²))/2, whatever α and m",
    oracle="the mobilities measured by differences along autograd's gradient, α = m/64 … m",
)
def c_14_alpha(rng: Rng) -> Outcome:
    base, ratios, off = case(rng), [], 0.0
    for shrink in (64, 8, 1):
        k = base._replace(net=base.net.replace(norm=12 / shrink))
        force, moved = canonical_slope(k).reshape(2, -1), _push(k)
        n2, c2 = k.sizes
        r = k.w[:12]
        live = np.abs(force).min(axis=0) > 1e-6
        ratio = (r * moved[1] / (force[1] / r))[live] / (moved[0] / force[0])[live]
        off = largest(off, relative(ratio, (c2 / (n2 + c2))[live]))
        ratios.append(float(np.median(ratio)))
    note = f"the median ratio is {ratios[0]:.3f} at α = m/64 and {ratios[-1]:.3f} at α = m"
    return corrected(ratios[0] / ratios[-1], off, tol=1e-5, note=note)  # as printed this goes to 0 with α/m


@claim(
    "W δ → +∞",
    place="after eq (14)",
    statement="for δ → +∞ the flow (2) follows the canonical flow (7)",
    corrected="it follows the gradient flow of (u, v) with the plane's metric dr² + r² dθ²: only a and b move",
    oracle="the angle between autograd's velocity in the (u, v) plane at δ = 10⁶ and each field",
)
def delta_up(rng: Rng) -> Outcome:
    base = case(rng, 60, norm=60.0)
    net = base.net.with_delta(1e6)
    k = base._replace(net=net)
    r, theta = k.w.reshape(2, -1)
    da, db, _ = -slope(k).reshape(3, -1)
    truth = np.stack([da, -db]) * np.abs(net.c)  # (u, v) = |c| (a, −b) with c at rest
    angles = [
        _degrees(np.stack(mean_field.velocity(net, k.data, r, theta, metric, plane=True)), truth)
        for metric in ("cylinder", "polar")
    ]
    return corrected(angles[0], angles[1], tol=0.01, note=f"the fields differ by up to {angles[0]:.0f}°")


def _degrees(one: Array, two: Array) -> float:
    live = (np.hypot(*one) > 0) & (np.hypot(*two) > 0)
    cross = one[0] * two[1] - one[1] * two[0]
    return float(np.degrees(np.max(np.abs(np.arctan2(cross, np.sum(one * two, axis=0))[live]))))


def _end(k: Case, delta: float, train: set[str]) -> Array:
    """f on the samples at the time |δ| t = .2."""
    start = k.net.with_delta(delta)
    method = kf.GradientFlow(rtol=1e-10, train=frozenset(train))
    return kf.evolve(start, k.data, method, until=0.2 / abs(delta)).final(k.x)


@claim(
    "W Regimes",
    place="section 4, cubic splines",
    statement="the kernel regime, training only c, is δ = +∞ and −δ ≪ r²",
    corrected="it is δ = −∞, −δ ≫ 2α|r|/m; training only a and b is δ = +∞",
    oracle="exact flows of all parameters at δ = ±10⁶ and of c, or of (a, b), alone",
)
def regimes(rng: Rng) -> Outcome:
    k = case(rng)
    every = {"a", "b", "c"}
    printed = relative(_end(k, 1e6, every), _end(k, 1e6, {"c"}))
    correct = largest(relative(_end(k, -1e6, every), _end(k, -1e6, {"c"})),
                 relative(_end(k, 1e6, every), _end(k, 1e6, {"a", "b"})))  # fmt: skip
    return corrected(printed, correct, tol=1e-4, note=f"at δ = +10⁶ training c only is off by {printed:.0%}")


@claim(
    "W V-47",
    place="arXiv eq (47), D.1",
    statement="D Dᵀ = I, so (u', v') = (r', θ')",
    corrected="(u', v') = ε r' d + |r| θ' t, and D Dᵀ = d dᵀ + r² t tᵀ",
    oracle="differences of (u, v) along autograd's canonical gradient",
)
def v_47(rng: Rng) -> Outcome:
    k, step = case(rng), 1e-6
    w, velocity = k.w, -canonical_slope(k) * 12

    def plane(v: Array) -> Array:
        r, theta = v.reshape(2, -1)
        return np.abs(r) * np.stack([np.cos(theta), np.sin(theta)])

    truth = (plane(w + step * velocity) - plane(w - step * velocity)) / (2 * step)
    found = np.stack(mean_field.velocity(k.net, k.data, w[:12], w[12:], plane=True))
    off = relative(velocity.reshape(2, -1), truth)
    return corrected(off, relative(found, truth), tol=1e-7, note=f"off by {off:.2g} of the largest velocity")


@claim(
    "W App D start",
    place="appendix D",
    statement="PyTorch's default start has c ~ U(−1/m, 1/m)",
    corrected="c ~ U(−1/√m, 1/√m): the mean of δ is −2/3 + 1/(3m)",
    oracle="Monte Carlo of kf.initial.pytorch: z-score of the mean of δ, −2/3 + 1/(3m²) for the printed law",
)
def app_d(rng: Rng, quick: bool) -> Outcome:
    m, count = 20, 2_000 if quick else 20_000
    delta = np.concatenate([kf.initial.pytorch(m, rng).delta for _ in range(count)])
    error = delta.std() / np.sqrt(delta.size)
    printed, correct = (abs(delta.mean() + 2 / 3 - extra) / error for extra in (1 / (3 * m**2), 1 / (3 * m)))
    return corrected(printed, correct, tol=Z, note=f"m = 20: mean δ = {delta.mean():.4f}, not {1 / 1200 - 2 / 3:.4f}")


@claim(
    "W Lazy",
    place="section 3.2, α = o(m)",
    statement="with α = o(m) each neuron's variation goes to 0 as m grows",
    oracle="exponent of the root mean square move of the neurons over exact flows with α = √m, −½",
)
def lazy(rng: Rng, quick: bool) -> Outcome:
    sizes, moves = np.array([100, 400, 1600]), []
    data = case(rng, s=4).data
    for m in sizes:
        squares = []
        for _ in range(4 if quick else 12):
            a, b, c = rng.normal(size=(3, m // 2))
            net = kf.ReLUNet(np.append(a, a), np.append(b, b), np.append(c, -c), float(np.sqrt(m)))  # f = 0
            end = kf.evolve(net, data, kf.GradientFlow(), until=10.0).final
            squares.append(np.mean((end.a - net.a) ** 2 + (end.b - net.b) ** 2 + (end.c - net.c) ** 2))
        moves.append(np.sqrt(np.mean(squares)))
    return holds(abs(order(sizes, moves) + 0.5), tol=0.15)
