"""Section 2.7: several inputs."""

from __future__ import annotations

import numpy as np

import knotflow as kf
from knotflow_papers.ledger.entry import Outcome, claim, corrected, holds, largest
from knotflow_papers.ledger.oracles import ROUNDING, Array, Rng, draw, relative


@claim(
    "S §2.7",
    place="section 2.7",
    statement="f(x) = b0 + Σ ηᵢ (⟨ξᵢ, x⟩ − γᵢ)₊ with η = v‖w‖, ξ = w/‖w‖, γ = −b/‖w‖",
    oracle="the forward pass in three inputs, written out densely",
)
def several_inputs(rng: Rng) -> Outcome:
    w, b, v, x = rng.normal(size=(9, 3)), rng.normal(size=9), rng.normal(size=9), rng.normal(size=(200, 3))
    planes = kf.multivariate.Net(w, -b, v, bias=0.3).breakplanes()
    truth = 0.3 + np.maximum(x @ w.T + b, 0) @ v
    form = planes.bias + np.maximum(x @ planes.directions.T - planes.offsets, 0) @ planes.delta_slopes
    parts = np.linalg.norm(w, axis=1)
    error = largest(relative(planes.delta_slopes, v * parts), relative(planes.offsets, -b / parts))
    return holds(error, relative(form, truth), relative(planes(x), truth), tol=ROUNDING)


@claim(
    "S footnote 3",
    place="section 2.7, footnote 3",
    statement="for D = 1, η = v|w| differs from μ = vw by the sign of w, and γ = sβ, ξ = s",
    oracle="the definitions, from the parameters",
)
def one_input(rng: Rng) -> Outcome:
    theta = draw(rng, 20)
    planes = kf.multivariate.Net.of(theta.net).breakplanes()
    s = np.sign(theta.w)
    errors = (
        relative(planes.delta_slopes, s * theta.mu),
        relative(planes.offsets, s * theta.beta),
        relative(planes.directions[:, 0], s),
    )
    return holds(*errors, tol=ROUNDING)


@claim(
    "S §2.7 flow",
    place="section 2.7, “generalizing our results to this parametrization is ongoing work”",
    statement="how breakplanes move is left open",
    corrected="with r = ⟨ε,1⟩, R = ⟨ε,x⟩: η' = ‖w‖²(⟨ξ,R⟩ − γr) + v²⟨ξ,R⟩, γ' = −(v/‖w‖)(r + γ⟨ξ,R⟩), "
    "ξ' = (v/‖w‖)(I − ξξᵀ)R",
    oracle="the chain rule on autograd's gradient in three inputs",
)
def breakplane_flow(rng: Rng) -> Outcome:
    import autograd.numpy as anp
    from autograd import grad

    w, b, v, x = rng.normal(size=(5, 3)), rng.normal(size=5), rng.normal(size=5), rng.normal(size=(12, 3))
    y = rng.normal(size=12)

    def loss(w: Array, b: Array, v: Array) -> Array:
        return 0.5 * anp.sum((anp.dot(anp.maximum(anp.dot(x, w.T) + b, 0.0), v) - y) ** 2)

    dw, db, dv = (-grad(loss, k)(w, b, v) for k in range(3))
    size = np.linalg.norm(w, axis=1)
    rise = np.sum(w * dw, axis=1) / size
    truth = (
        dv * size + v * rise,
        dw / size[:, None] - w * (rise / size**2)[:, None],
        -db / size + b * rise / size**2,
    )
    ours = kf.multivariate.velocities(kf.multivariate.Net(w, -b, v), (x, y))
    error = largest(*(relative(mine, exact) for mine, exact in zip(ours, truth, strict=True)))
    return corrected(None, error, tol=ROUNDING)
