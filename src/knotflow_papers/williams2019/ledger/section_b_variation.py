"""Appendix B.2: the objective with total variation."""

from __future__ import annotations

import autograd.numpy as anp
import numpy as np
from autograd import grad

import knotflow as kf
from knotflow.dynamics import mean_field
from knotflow_papers.ledger.entry import Outcome, claim, corrected, holds, largest
from knotflow_papers.ledger.oracles import (
    ROUNDING,
    Array,
    Rng,
    canonical_output,
    case,
    hinges,
    least_variation,
    relative,
)


@claim(
    "W V-16",
    place="appendix B.2, arXiv eq (16)",
    statement="with λ Γ(μ), Γ = ∫ |r| dμ, the flow's r component gains λ sign r and θ's gains nothing",
    oracle="m times autograd's gradient of L̃ + (λ/m) Σ |rᵢ|",
)
def v_16(rng: Rng) -> Outcome:
    k, lam = case(rng), 0.3
    r, theta = k.w.reshape(2, -1)

    def objective(w: Array) -> float:
        loss = 0.5 * anp.sum((canonical_output(w, k.x) - k.y) ** 2)
        return loss + lam / 12 * anp.sum(anp.abs(w[:12]))

    radial, angular = mean_field.velocity(k.net, k.data, r, theta)
    found = np.append(-radial + lam * np.sign(r), -angular)
    value = kf.CanonicalFlow(lam=lam).objective(k.net, k.data)
    return holds(relative(found, 12 * grad(objective)(k.w)), relative(value, objective(k.w)), tol=ROUNDING)


def _least_variation(x: Array, y: Array, count: int) -> float:
    """min Σ |rᵢ| over particles at `count` even angles and at the sample rays, through the data."""
    angles = np.concatenate([np.linspace(0, 2 * np.pi, count, endpoint=False), -np.arctan(x), np.pi - np.arctan(x)])
    return least_variation(hinges(x, angles), y)


@claim(
    "W V-17",
    place="appendix B.2, arXiv eq (17)",
    statement="‖μ‖_TV of the best μ for f is ∫ |f''(x)| dx",
    corrected="∫ √(1 + x²) |f''(x)| dx, and a cost for an affine part that kinks cannot make",
    oracle="SciPy's linear program over a fine grid of directions",
)
def v_17(rng: Rng, quick: bool) -> Outcome:
    x, off, correct, notes = np.linspace(-2, 3, 11), 0.0, 0.0, []
    for name, y in (("|x − 1.5|", np.abs(x - 1.5)), ("|x − 1.5| + 4x + 3", np.abs(x - 1.5) + 4 * x + 3)):
        data = kf.Samples(x, y)
        truth = _least_variation(x, y, 2_000 if quick else 8_000)
        printed, found = kf.splines.tv(data, 0.0).norm, kf.splines.tv(data, 0.0, weight="canonical").norm
        off, correct = largest(off, relative(printed, truth)), largest(correct, relative(found, truth))
        notes.append(f"{name}: {found:.4f}, not {printed:.4f}")
    return corrected(off, correct, tol=1e-5, note="; ".join(notes))
