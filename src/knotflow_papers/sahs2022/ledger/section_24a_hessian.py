"""Section 2.4, appendix B.7: gradient and Hessian."""

from __future__ import annotations

from typing import Any

import numpy as np

import knotflow as kf
from knotflow_papers.ledger.entry import Outcome, claim, corrected, holds, largest
from knotflow_papers.ledger.oracles import (
    ROUNDING,
    Array,
    Rng,
    Theta,
    critical_targets,
    data,
    draw,
    gradient,
    hessian,
    jacobian,
    order,
    placed,
    rank,
    relative,
    signs,
)


@claim(
    "S Eq 5",
    place="section 2.4, eq (5)",
    statement="∂ℓ/∂b0 = −⟨ε,1⟩, ∂ℓ/∂wᵢ = −⟨εᵢ, vᵢxᵢ⟩, ∂ℓ/∂vᵢ = −⟨εᵢ, wᵢxᵢ + bᵢ1ᵢ⟩, ∂ℓ/∂bᵢ = −⟨εᵢ, vᵢ1ᵢ⟩",
    oracle="autograd",
)
def eq_5(rng: Rng) -> Outcome:
    (x, y), theta = data(rng, 20), draw(rng, 12)
    ours = kf.gradient(theta.net, kf.Samples(x, y))
    flat = signs(12) * np.concatenate([ours.a, ours.b, ours.c, [ours.bias]])
    residual, on = y - theta(x), (np.outer(theta.w, x) + theta.b[:, None] > 0) * 1.0
    r, rx = on @ residual, on @ (residual * x)
    printed = -np.concatenate([theta.v * rx, theta.v * r, theta.w * rx + theta.b * r, [residual.sum()]])
    truth = gradient(theta, x, y)
    return holds(relative(flat, truth), relative(printed, truth), tol=ROUNDING)


@claim(
    "S B.7 Hessian of f",
    place="appendix B.7",
    statement="if no βᵢ is at a sample, only ∂²f/∂wᵢ∂vᵢ = xᵢ and ∂²f/∂bᵢ∂vᵢ = 1ᵢ are not 0",
    oracle="autograd's Hessian of f at every sample",
)
def hessian_of_f(rng: Rng) -> Outcome:
    import autograd.numpy as anp
    from autograd import hessian as second

    x, theta, m, worst = data(rng, 5)[0], draw(rng, 4), 4, 0.0

    for each in x:

        def f(p: Any, each: float = each) -> Any:
            return p[-1] + anp.dot(anp.maximum(p[:m] * each + p[m : 2 * m], 0.0), p[2 * m : 3 * m])

        printed, on = np.zeros((3 * m + 1, 3 * m + 1)), theta.w * each + theta.b > 0
        for i in np.flatnonzero(on):
            printed[i, 2 * m + i] = printed[2 * m + i, i] = each
            printed[m + i, 2 * m + i] = printed[2 * m + i, m + i] = 1
        worst = largest(worst, float(np.max(np.abs(printed - second(f)(theta.flat)))))
    return holds(worst, tol=ROUNDING)


@claim(
    "S B.7 at a sample",
    place="appendix B.7, ∂²f/∂wᵢ² = vᵢxᵢ₌²",
    statement="at βᵢ = xₙ the Hessian of f has finite extra terms vᵢ xₙ², vᵢ xₙ, vᵢ in w and b",
    corrected="the loss has a kink there, and no Hessian: second differences grow as 1/h",
    oracle="exponent in h of second differences of the dense loss in bᵢ, 0 for a finite second derivative",
)
def at_a_sample(rng: Rng) -> Outcome:
    x, y = data(rng, 6)
    theta = placed([x[2], -0.3, 0.8], [1.0, -0.7, 0.5], [1, -1, 1], 0.2)
    steps = np.array([1e-3, 1e-4, 1e-5])
    unit = np.array([1.0, 0, 0])
    second = [
        abs(sum(k * theta._replace(b=theta.b + h * t * unit).loss(x, y) for k, t in ((1, -1), (-2, 0), (1, 1)))) / h**2
        for h in steps
    ]
    exponent = order(steps, second)
    note = f"second difference {second[0]:.0f} at h = 1e−3, {second[2]:.0f} at 1e−5"
    return corrected(abs(exponent), abs(exponent + 1), tol=0.05, note=note)


@claim(
    "S B.7 eq 11",
    place="appendix B.7, eq (11)",
    statement="the Hessian of the loss is G − ⟨ε, ∇²f⟩ at every θ, G the Gram matrix of B",
    oracle="autograd's Hessian at random networks",
    trials=(20, 2),
)
def eq_11(rng: Rng) -> Outcome:
    (x, y), theta = data(rng, 10), draw(rng, 5)
    ours = signs(5)[:, None] * kf.landscape.hessian(theta.net, kf.Samples(x, y)) * signs(5)
    return holds(relative(ours, hessian(theta, x, y)), tol=ROUNDING)


def _resting(rng: Rng) -> tuple[Theta, Array, Array]:
    """A critical point with a neuron that has v = 0 and residuals on its samples."""
    x = data(rng, 14)[0]
    theta = placed([-3.0, -0.7, 0.1, 0.9], [0.7, 0.0, -0.8, 1.1], [1, 1, -1, 1], 0.3)
    return theta, x, critical_targets(rng, theta, x)


@claim(
    "S Eq 4",
    place="theorem 5, eq (4)",
    statement="at a critical point the Hessian is the Gram matrix of B = {vᵢxᵢ, wᵢxᵢ + bᵢ1ᵢ, vᵢ1ᵢ} ∪ {1}",
    corrected="at critical points with every vᵢ ≠ 0",
    oracle="autograd's Hessian",
)
def eq_4(rng: Rng) -> Outcome:
    errors = []
    theta, x, y = _resting(rng)
    moving = theta._replace(v=np.where(theta.v == 0, 0.5, theta.v))
    for each, target in ((theta, y), (moving, critical_targets(rng, moving, x))):
        J = kf.landscape.jacobian(each.net, kf.Samples(x, target)) * signs(4)
        assert relative(J, jacobian(each, x)) < ROUNDING
        errors.append(float(np.max(np.abs(J.T @ J - hessian(each, x, target)))))
    return corrected(errors[0], errors[1], tol=1e-9, note=f"v₂ = 0: entries differ by {errors[0]:.2f}")


@claim(
    "S Thm 5 PSD",
    place="theorem 5",
    statement="the Hessian is positive semi-definite at every critical point with no βᵢ at a sample",
    corrected="at those with every vᵢ ≠ 0; others may be strict saddles",
    oracle="the smallest eigenvalue of autograd's Hessian, relative to the largest",
)
def theorem_5_psd(rng: Rng, quick: bool) -> Outcome:
    def below(theta: Theta, x: Array, y: Array) -> float:
        values = np.linalg.eigvalsh(hessian(theta, x, y))
        return float(largest(0.0, -values[0]) / values[-1])

    theta, x, y = _resting(rng)
    found = kf.landscape.critical_point(theta.net, kf.Samples(x, y))
    lowest, worst = below(theta, x, y), float(not found.strict_saddle)
    for _ in range(2 if quick else 20):
        moving = theta._replace(v=rng.choice([-1, 1], 4) * rng.uniform(0.3, 1, 4))
        worst = largest(worst, below(moving, x, critical_targets(rng, moving, x)))
    size = np.linalg.eigvalsh(hessian(theta, x, y))[0]
    return corrected(lowest, worst, tol=ROUNDING, note=f"a critical point with v₂ = 0 and the eigenvalue {size:.2f}")


@claim(
    "S Thm 5 definite",
    place="theorem 5",
    statement="the Hessian is positive definite iff B is independent (so never: rank B ≤ min(N, 2H + 1))",
    oracle="ranks of autograd's Jacobian and eigenvalues of its Hessian at interpolating networks",
)
def theorem_5_definite(rng: Rng) -> Outcome:
    wrong = 0
    for m, n in ((1, 30), (2, 40), (4, 60), (4, 5), (6, 9)):
        x, theta = data(rng, n)[0], draw(rng, m)
        found, values = rank(jacobian(theta, x)), np.linalg.eigvalsh(hessian(theta, x, theta(x)))
        wrong += (found == 3 * m + 1) != (values[0] > 1e-9 * values[-1])
        wrong += found > min(n, 2 * m + 1)
    return holds(float(wrong), tol=0.0)
