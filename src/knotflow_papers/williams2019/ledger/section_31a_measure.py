"""Section 3.1: the flow of a measure of particles, and what it does to the residuals."""

from __future__ import annotations

from typing import NamedTuple

import autograd.numpy as anp
import numpy as np
from autograd import grad, jacobian

import knotflow as kf
from knotflow.dynamics import mean_field
from knotflow_papers.ledger.entry import Outcome, claim, corrected, holds
from knotflow_papers.ledger.oracles import (
    ROUNDING,
    Array,
    Case,
    Rng,
    canonical_output,
    canonical_slope,
    case,
    follow,
    pull,
    relative,
)


class _Measure(NamedTuple):
    """Particles (r, theta) in one vector with unequal weights, such that the network of ``case`` is their f."""

    case: Case
    weights: Array
    start: Array

    def output(self, w: Array) -> Array:
        r, theta = anp.reshape(w, (2, -1))
        x = self.case.x
        return anp.dot(anp.maximum(anp.outer(x, anp.cos(theta)) + anp.sin(theta), 0.0), self.weights * r)

    def gradient(self, w: Array) -> Array:
        """∇V at the particles: autograd's gradient of the loss over the weights."""
        return grad(lambda q: 0.5 * anp.sum((self.output(q) - self.case.y) ** 2))(w) / np.tile(self.weights, 2)


def _measure(rng: Rng) -> _Measure:
    k, weights = case(rng), rng.dirichlet(np.full(12, 2.0))
    r, theta = k.w.reshape(2, -1)
    return _Measure(k, weights, np.append(r / 12 / weights, theta))


@claim(
    "W Eq 8 measures",
    place="after eq (8), arXiv (11)",
    statement="the flow of μ is exact for any measure, of finitely many particles too, whatever their weights",
    oracle="SciPy's DOP853 on a dense twin of the field, for particles of unequal weights",
)
def measures(rng: Rng) -> Outcome:
    mu = _measure(rng)
    k, method = mu.case, kf.MeanFieldFlow("cylinder", tuple(mu.weights), rtol=1e-9)
    found = kf.evolve(k.net, k.data, method, until=0.02).final(k.x)

    def field(w: Array) -> Array:
        r, theta = w.reshape(2, -1)
        _, along, across = pull(k.x, mu.output(w) - k.y, theta)
        return -np.append(along, r * across)

    truth = mu.output(follow(field, mu.start, 0.02))
    return holds(relative(found, truth), tol=1e-6)


@claim(
    "W Footnote 2",
    place="footnote 2",
    statement="weakly, ∂ₜ ∫ φ dμ = −∫ ⟨∇φ, ∇V⟩ dμ for differentiable φ of compact support",
    oracle="∫ φ dμ differenced along autograd's descent of the loss, φ = (4 − r²)₊² (2 + sin(θ − 1))",
)
def footnote_2(rng: Rng) -> Outcome:
    k, step = case(rng), 1e-6

    def mean(w: Array) -> float:
        r, theta = anp.reshape(w, (2, -1))
        return anp.mean(anp.maximum(4 - (r / 4) ** 2, 0.0) ** 2 * (2 + anp.sin(theta - 1)))

    move = -12 * canonical_slope(k)
    truth = (mean(k.w + step * move) - mean(k.w - step * move)) / (2 * step)
    velocity = np.concatenate(mean_field.velocity(k.net, k.data, *k.w.reshape(2, -1)))
    return holds(relative(grad(mean)(k.w) @ velocity, truth), tol=1e-7)


@claim(
    "W Eq 8 steepest",
    place="eq (8), arXiv (11)",
    statement="it is the gradient flow of L̃ in the space of measures: dL̃/dt = −∫ |∇V|² dμ",
    oracle="the loss differenced along autograd's descent",
)
def steepest(rng: Rng) -> Outcome:
    k, step = case(rng), 1e-6

    def loss(w: Array) -> float:
        return 0.5 * float(np.sum((canonical_output(w, k.x) - k.y) ** 2))

    move = -12 * canonical_slope(k)
    truth = (loss(k.w + step * move) - loss(k.w - step * move)) / (2 * step)
    radial, angular = mean_field.velocity(k.net, k.data, *k.w.reshape(2, -1))
    return holds(relative(-np.mean(radial**2 + angular**2), truth), tol=1e-7)


@claim(
    "W Prop 1 measures",
    place="proposition 1, eq (10)",
    statement="in the time of eq (8), ρⱼ' = −x̃ⱼᵀ Σ_k Σ_k g_k holds for every measure μ",
    oracle="residuals differenced along autograd's gradient, for particles of unequal weights",
)
def prop_1_measures(rng: Rng) -> Outcome:
    mu, step = _measure(rng), 1e-6
    move = -mu.gradient(mu.start)
    truth = (mu.output(mu.start + step * move) - mu.output(mu.start - step * move)) / (2 * step)
    found = mean_field.residual_ode(mu.case.net, mu.case.data, "cylinder", tuple(mu.weights)).slope
    return holds(relative(found, truth), tol=1e-7)


@claim(
    "W Prop 1 covariance",
    place="after proposition 1",
    statement="Σ_k tracks the covariance of the measure along each region",
    corrected="Σ_k = ∫ J Jᵀ dμ, J = ∂(r d(θ))/∂(r, θ): no mean is taken off, and one particle's is positive definite",
    oracle="covariances of r d(θ) by arc, and autograd's Jacobian of it",
)
def covariance(rng: Rng) -> Outcome:
    k = case(rng)
    r, theta = k.w.reshape(2, -1)
    active = np.outer(np.cos(theta), k.x) + np.sin(theta)[:, None] > 0
    ode = mean_field.residual_ode(k.net, k.data, "cylinder")
    truth, spread = np.zeros((2, 12, 2, 2))
    for arc, g in enumerate(ode.g):
        own = np.flatnonzero(np.max(np.abs(pull(k.x, k.residuals, theta)[0] - g), axis=1) < 1e-9)
        assert len(np.unique(active[own], axis=0)) < 2
        for i in own:
            J = jacobian(lambda q: q[0] * anp.array([anp.cos(q[1]), anp.sin(q[1])]))(np.array([r[i], theta[i]]))
            truth[arc] += J @ J.T / 12
        if len(own):
            spread[arc] = np.cov(r[own] * np.stack([np.cos(theta[own]), np.sin(theta[own])]), ddof=0) * len(own) / 12
    off = relative(spread, truth)
    note = f"an arc's covariance is off by {off:.0%} of the largest"
    return corrected(off, relative(ode.sigma, truth), tol=ROUNDING, note=note)


@claim(
    "W Fluctuations",
    place="after eq (8), arXiv (11)",
    statement="finite networks fluctuate around the mean field by order 1/√m",
    oracle="spread of f(.3) at t = .3 over starts of m = 20 and of 320: √16 = 4, in standard errors of its logarithm",
)
def fluctuations(rng: Rng, quick: bool) -> Outcome:
    k, starts, method = case(rng), 10 if quick else 60, kf.MeanFieldFlow("cylinder", rtol=1e-3)

    def spread(m: int) -> float:
        f = []
        for _ in range(starts):
            view = kf.views.Canonical(rng.normal(0, 1, m), rng.uniform(0, 2 * np.pi, m), 0.0, norm=float(m))
            start = kf.ReLUNet.from_canonical(view)
            f.append(kf.evolve(start, k.data, method, until=0.3, save_at=[]).final(0.3))
        return float(np.std(f, ddof=1))

    error = abs(np.log(spread(20) / spread(320) / 4)) * np.sqrt(starts - 1)  # its standard error is 1/√(n − 1)
    return holds(float(error), tol=4.0)
