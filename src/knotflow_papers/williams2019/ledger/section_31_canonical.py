"""Section 3.1: the canonical dynamics, its mean-field form, and where neurons gather."""

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
    canonical_output,
    canonical_slope,
    case,
    hinges,
    output,
    pull,
    relative,
    slope,
)


def _forces(k: Case) -> tuple[Array, Array]:
    """(m ∂L̃/∂rᵢ, m ∂L̃/∂θᵢ) by autograd."""
    return tuple(len(k.net) * canonical_slope(k).reshape(2, -1))  # type: ignore[return-value]


def _potential_slopes(k: Case, r: Array, theta: Array, step: float = 1e-5) -> tuple[Array, Array]:
    """Central differences of knotflow's V in r and in θ."""
    return tuple(
        (mean_field.potential(k.net, k.data, r + a, theta + b) - mean_field.potential(k.net, k.data, r - a, theta - b))
        / (2 * step)
        for a, b in ((step, 0.0), (0.0, step))
    )  # type: ignore[return-value]


@claim(
    "W V-8",
    place="arXiv eqs (8)–(10)",
    statement="L̃ = ½‖y‖² − (1/m) Σ F(wᵢ) + (1/2m²) Σ Σ K(wᵢ, wₖ): particles that interact",
    oracle="the loss by its definition",
)
def v_8(rng: Rng) -> Outcome:
    k = case(rng)
    r, theta = k.w.reshape(2, -1)
    units = r * hinges(k.x, theta)
    m = len(r)
    printed = 0.5 * k.y @ k.y - (k.y @ units).sum() / m + (units.T @ units).sum() / (2 * m * m)
    return holds(relative(printed, 0.5 * np.sum(k.residuals**2)), relative(k.net.loss(k.data), printed), tol=ROUNDING)


@claim(
    "W V-11 factor",
    place="after arXiv eq (11)",
    statement="(m/2) ∇_{wᵢ} L̃ = ∇V(wᵢ)",
    corrected="m ∇_{wᵢ} L̃ = ∇V(wᵢ)",
    oracle="autograd's gradient of the loss against differences of V",
)
def v_11_factor(rng: Rng) -> Outcome:
    k = case(rng)
    found, truth = np.stack(_potential_slopes(k, *k.w.reshape(2, -1))), np.stack(_forces(k))
    note = "the sides differ by a factor of 2"
    return corrected(relative(truth / 2, found), relative(truth, found), tol=1e-8, note=note)


@claim(
    "W C-8 sign",
    place="eq (8), arXiv (11)",
    statement="the flow ∂ₜμ = div(μ∇V) moves particles with the velocity field ∇V",
    corrected="with −∇V: w' = −m ∇L̃",
    oracle="m times autograd's gradient of the loss",
)
def c_8_sign(rng: Rng) -> Outcome:
    k = case(rng)
    found, truth = np.stack(mean_field.velocity(k.net, k.data, *k.w.reshape(2, -1))), -np.stack(_forces(k))
    return corrected(relative(-truth, found), relative(truth, found), tol=ROUNDING, note="with +∇V the loss rises")


@claim(
    "W C-8 clock",
    place="eqs (7), (8)",
    statement="eq (8) has the same time as eq (7)",
    corrected="(7) is the same path m times slower; (2) has the factor m/α²",
    oracle="two exact flows, of weighted particles and of the canonical parameters",
)
def c_8_clock(rng: Rng) -> Outcome:
    k = case(rng)
    field = kf.evolve(k.net, k.data, kf.MeanFieldFlow(metric="cylinder", rtol=1e-9), until=0.05).final(k.x)
    same = kf.evolve(k.net, k.data, kf.CanonicalFlow(rtol=1e-9), until=0.05).final(k.x)
    slow = kf.evolve(k.net, k.data, kf.CanonicalFlow(rtol=1e-9), until=0.05 * 12).final(k.x)
    printed = relative(same, field)
    return corrected(printed, relative(slow, field), tol=1e-6, note=f"m = 12, t = .05: f is off by {printed:.0%}")


@claim(
    "W C-9",
    place="eq (9), arXiv (12), (41), (42)",
    statement="on the arc A_k: ∂_θV = r ⟨g_k, t(θ)⟩ and ∂_rV = ⟨g_k, d(θ)⟩, g_k = Σ ρⱼ (xⱼ, 1) over its active samples",
    oracle="autograd's gradient of the loss",
)
def c_9(rng: Rng) -> Outcome:
    k = case(rng)
    r, theta = k.w.reshape(2, -1)
    found = mean_field.velocity(k.net, k.data, r, theta)
    _, along, across = pull(k.x, k.residuals, theta)
    force = np.stack(_forces(k))
    return holds(relative(-np.stack(found), force), relative([along, r * across], force), tol=ROUNDING)


@claim(
    "W C-9 linear",
    place="after eq (9)",
    statement="the velocity field is piecewise linear: linear on each arc",
    corrected="linear in r and sinusoidal in θ",
    oracle="the field at the middle of an arc from its values at the quarters",
)
def c_9_linear(rng: Rng) -> Outcome:
    k = case(rng)
    lo, hi = -np.arctan(k.x[0]), np.pi - np.arctan(k.x[-1])  # the arc on which all samples are active
    quarter = (hi - lo) / 4
    _, along, _ = pull(k.x, k.residuals, lo + quarter * np.array([1, 2, 3]))
    _, found = mean_field.velocity(k.net, k.data, 1.0, lo + quarter * np.array([1, 2, 3]), "cylinder")
    middle = (along[0] + along[2]) / 2
    bent = (found[0] + found[2]) / (2 * np.cos(quarter))
    printed = abs(middle - along[1]) / abs(along).max()
    correct = largest(
        abs(middle / np.cos(quarter) - along[1]) / abs(along).max(), abs(bent - found[1]) / abs(found).max()
    )
    return corrected(printed, correct, tol=ROUNDING, note=f"the chord misses the middle by {printed:.0%}")


@claim(
    "W Prop 1",
    place="proposition 1, eq (10), arXiv (13)",
    statement="along (7): ρⱼ' = −x̃ⱼᵀ Σ_k Σ_k g_k, Σ_k = ∫ r² t tᵀ + d dᵀ dμ over arcs active at j",
    corrected="that is mean-field time; in the time of (7) it is 1/m of it",
    oracle="the derivative of the residuals along autograd's gradient",
)
def prop_1(rng: Rng) -> Outcome:
    k = case(rng)
    step, descent = 1e-6, canonical_slope(k)
    truth = (canonical_output(k.w - step * descent, k.x) - canonical_output(k.w + step * descent, k.x)) / (2 * step)
    right = mean_field.residual_ode(k.net, k.data, "cylinder").slope
    printed = relative(right, truth)
    note = f"m = 12: too fast by {printed + 1:.0f} times"
    return corrected(printed, relative(right / 12, truth), tol=1e-7, note=note)


@claim(
    "W Prop 1 full",
    place="proposition 1, for the flow (2)",
    statement="the same equation holds along (2), with the canonical Σ_k",
    corrected="(m/α²) times it, with Σ_k = (1/m) Σᵢ (nᵢ² + cᵢ²) d dᵀ + cᵢ² t tᵀ",
    oracle="the derivative of the residuals along autograd's gradient of all parameters",
)
def prop_1_full(rng: Rng) -> Outcome:
    k = case(rng)
    step, descent = 1e-6, slope(k)
    truth = (output(k.z - step * descent, k.x, 2.2) - output(k.z + step * descent, k.x, 2.2)) / (2 * step)
    printed = relative(mean_field.residual_ode(k.net, k.data, "cylinder").slope, truth)
    # "full" is in the time of norm = m: of particles √(m/α) times (a, b, c)
    correct = mean_field.residual_ode(k.net, k.data, "full").slope / k.net.norm
    return corrected(printed, relative(correct, truth), tol=1e-7, note=f"off by {printed:.2g} of the largest rate")


@claim(
    "W Closed",
    place="section 3.1, after proposition 1",
    statement="given the residuals, a neuron's velocity depends on no other neuron",
    oracle="two networks of one function: autograd's velocity of a probe of weight 0",
)
def closed(rng: Rng) -> Outcome:
    k = case(rng)
    a, b, c = k.z.reshape(3, -1)
    other = kf.ReLUNet(np.append(a, a) * 1.7, np.append(b, b) * 1.7, np.append(c, c) / 3.4, k.net.norm)
    r, theta = rng.normal(size=50), rng.uniform(0, 2 * np.pi, 50)
    one = np.stack(mean_field.velocity(k.net, k.data, r, theta))
    two = np.stack(mean_field.velocity(other, k.data, r, theta))
    _, along, across = pull(k.x, k.residuals, theta)
    return holds(relative(two, one), relative(one, [-along, -r * across]), tol=ROUNDING)


def _paper_order(x: Array) -> tuple[Array, Array]:
    """The angles in the order of the paper (clockwise, after the dead arc), and their samples."""
    s = len(x)
    return np.append(np.pi - np.arctan(x), -np.arctan(x)), np.append(np.arange(s), np.arange(s))


@claim(
    "W Jump",
    place="after eq (9)",
    statement="at the ray of x_*: ∇V_k − ∇V_{k+1} = +ρ_* (r ⟨x̃_*, t⟩, 0) for every k",
    corrected="active side minus inactive side: with the printed order the sign is − for k < s",
    oracle="autograd's gradient on both sides of every ray",
)
def jump(rng: Rng) -> Outcome:
    k = case(rng)
    theta, sample = _paper_order(k.x)
    eps, r = 1e-7, 1.0
    after, before = (_probe(k, theta + e, r) for e in (-eps, eps))  # clockwise: the next arc is at smaller angles
    formula = k.residuals[sample] * (k.x[sample] * -np.sin(theta) + np.cos(theta)) * r
    field = [-mean_field.velocity(k.net, k.data, r, theta + e)[1] for e in (eps, -eps)]
    active = np.where(theta > np.pi / 2, -1, 1)  # entry rays (a > 0): the active side is at larger angles
    correct = largest(relative((before - after) * active, formula), relative((field[0] - field[1]) * active, formula))
    off = relative(before - after, formula)
    note = f"{int(np.sum((before - after) * formula < 0))} of {len(theta)} signs wrong"
    return corrected(off, correct, tol=1e-5, note=note)


def _probe(k: Case, theta: Array, r: float) -> Array:
    """∂V/∂θ of particles (r, θ), by autograd of the inner product with the residuals."""
    from autograd import elementwise_grad

    return elementwise_grad(lambda q: r * (k.residuals @ hinges(k.x, q)))(theta)


def _sides(k: Case, sample: int, right: bool) -> tuple[float, float]:
    """⟨g, t⟩ just before and just after a ray, by angle, from autograd."""
    theta = -np.arctan(k.x[sample]) + (0 if right else np.pi)
    before, after = _probe(k, np.array([theta - 1e-9, theta + 1e-9]), 1.0)
    return float(before), float(after)


def _true_role(k: Case, sample: int, right: bool, sign: int) -> str:
    before, after = (-sign * side for side in _sides(k, sample, right))  # the angular velocity of a particle
    if before > 0 > after:
        return "attractor"
    return "repeller" if before < 0 < after else "passthrough"


@claim(
    "W Lemma 2",
    place="lemma 2, arXiv eq (15)",
    statement="xₖ is an attractor/repulsor iff ρₖ Σ ρᵢ(1 + xᵢxₖ) > −ρₖ²(1 + xₖ²), the sum over i < k, or over i > k",
    corrected="for each facing and each ε = sign r: iff −ρₖ²(1 + xₖ²) < σ < 0; attractor if ερₖ > 0, else repulsor",
    oracle="the sign of autograd's angular velocity on both sides of every ray of the inner samples",
)
def lemma_2(rng: Rng, quick: bool) -> Outcome:
    wrong = neither = fires = 0
    for _ in range(20 if quick else 200):
        k = case(rng)
        rho, x = k.residuals, k.x
        table = mean_field.sample_roles(k.net, k.data)
        for j in range(1, len(x) - 1):
            truth = {(f, e): _true_role(k, j, f == "right", e) for f in ("right", "left") for e in (1, -1)}
            rows = table[table["sample"] == j]
            wrong += sum(str(row["role"]) != truth[str(row["facing"]), int(row["sign"])] for row in rows)
            bound = [
                rho[j] * np.sum(rho[i] * (1 + x[i] * x[j])) > -(rho[j] ** 2) * (1 + x[j] ** 2)
                for i in (slice(j), slice(j + 1, None))
            ]
            if set(truth.values()) == {"passthrough"}:
                neither, fires = neither + 1, fires + any(bound)
    note = f"it holds at {fires} of {neither} inner samples that every neuron passes"
    return corrected(fires / neither, float(wrong), tol=0.0, note=note)


@claim(
    "W V-14",
    place="arXiv eq (14)",
    statement="the angular velocity changes sign iff |s| < |ρ_*||x̃_*| and sign s ≠ sign ρ_*",
    corrected="s = ⟨g, t⟩ on the inactive side, and sign s = −sign(ρ_* ⟨x̃_*, t⟩)",
    oracle="the sign of autograd's angular velocity on both sides of every ray",
)
def v_14(rng: Rng, quick: bool) -> Outcome:
    wrong = count = 0
    printed = np.zeros(2, dtype=int)  # with s on the inactive side, and on the active one
    for _ in range(20 if quick else 200):
        k = case(rng)
        for j in range(len(k.x)):
            for right in (True, False):
                before, after = _sides(k, j, right)
                inactive = before if right else after
                change, small = before * after < 0, abs(inactive) < abs(k.residuals[j]) * np.hypot(1, k.x[j])
                wrong += change != (small and inactive * k.residuals[j] * (1 if right else -1) < 0)
                bound = abs(k.residuals[j]) * np.hypot(1, k.x[j])
                for side, s in enumerate((inactive, after if right else before)):
                    printed[side] += change != (abs(s) < bound and s * k.residuals[j] < 0)
                count += 1
    note = f"of {count} rays {printed[0]} are misjudged with s on the inactive side, {printed[1]} on the active one"
    return corrected(printed.min() / count, wrong / count, tol=0.0, note=note)


@claim(
    "W Gather",
    place="sections 1.2, 3.1",
    statement="neurons converge to samples only",
    corrected="to the local minima of εG on the circle: attractor samples and smooth minima inside arcs, or they die",
    oracle="frozen residuals: descent of εG(θ), a dense twin, from many angles",
)
def gather(rng: Rng, quick: bool) -> Outcome:
    inside = outside = count = 0
    for _ in range(4 if quick else 20):
        k = case(rng)
        rho = k.residuals
        rays = np.append(-np.arctan(k.x), np.pi - np.arctan(k.x))
        theta, sign = rng.uniform(0, 2 * np.pi, 200), rng.choice([-1, 1], 200)
        for step in np.repeat([3e-2, 3e-3, 3e-4, 3e-5], [9000, 1500, 1500, 1500]):  # the first: flat minima are slow
            theta = theta - step * sign * pull(k.x, rho, theta)[2] / np.abs(rho).sum()
        near = np.min(np.abs(np.sin((theta[:, None] - rays) / 2)), axis=1) < 1e-3
        dead = ~np.any(np.outer(np.cos(theta), k.x) + np.sin(theta)[:, None] > 0, axis=1)
        g = -sign[:, None] * pull(k.x, rho, theta)[0]
        smooth = np.abs(np.sin((theta - np.arctan2(g[:, 1], g[:, 0])) / 2)) < 1e-2
        inside += int(np.sum(smooth & ~near & ~dead))
        outside += int(np.sum(~smooth & ~near & ~dead))
        count += len(theta)
    note = f"{inside} of {count} probes end between samples"
    return corrected(inside / count, outside / count, tol=0.0, note=note)


@claim(
    "W Dead",
    place="section 3.1",
    statement="a neuron that is active on no sample stands still",
    oracle="autograd's gradient, and the exact flow of networks with dead neurons",
)
def dead(rng: Rng) -> Outcome:
    k = case(rng)
    right = k.net.a > 0
    b = np.where(np.arange(12) < 5, k.net.a * np.where(right, 2.5, -2.5), k.net.b)
    net = k.net.replace(b=b)
    own = Case(net, k.data, k.x, k.y)
    end = kf.evolve(net, k.data, kf.GradientFlow(), until=5.0).final
    moved = largest(*(np.max(np.abs(np.asarray(p)[:5])) for p in (end.a - net.a, end.b - net.b, end.c - net.c)))
    return holds(moved, np.abs(slope(own).reshape(3, -1)[:, :5]).max(), tol=0.0)
