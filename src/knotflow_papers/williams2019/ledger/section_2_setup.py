"""Section 2: the network, its flow, and the canonical parameters."""

from __future__ import annotations

import numpy as np
from autograd import jacobian

import knotflow as kf
from knotflow_papers.ledger.entry import Outcome, claim, corrected, holds, largest
from knotflow_papers.ledger.oracles import (
    ROUNDING,
    Rng,
    canonical_output,
    canonical_slope,
    case,
    follow,
    output,
    relative,
    slope,
)


@claim(
    "W Eq 1",
    place="eq (1)",
    statement="L(z) = ½ Σⱼ |f_z(xⱼ) − yⱼ|², f_z(x) = (1/α) Σᵢ cᵢ [aᵢx − bᵢ]₊",
    oracle="the sums as loops over samples and neurons",
)
def eq_1(rng: Rng) -> Outcome:
    k = case(rng)
    a, b, c = k.z.reshape(3, -1)
    values = [sum(c[i] * max(a[i] * x - b[i], 0.0) for i in range(len(a))) / k.net.norm for x in k.x]
    loss = sum((f - y) ** 2 for f, y in zip(values, k.y, strict=True)) / 2
    return holds(relative(k.net(k.x), values), relative(k.net.loss(k.data), loss), tol=ROUNDING)


@claim(
    "W Eq 2",
    place="eq (2)",
    statement="training with η → 0 is the flow z' = −∇L(z)",
    oracle="SciPy's DOP853 on autograd's gradient, against the exact flow",
)
def eq_2(rng: Rng) -> Outcome:
    k = case(rng)
    end = kf.evolve(k.net, k.data, kf.GradientFlow(rtol=1e-10), until=0.1).final
    truth = follow(lambda z: -slope(k, z), k.z, 0.1)
    return holds(relative(np.concatenate([end.a, end.b, end.c]), truth), tol=1e-6)


@claim(
    "W Eq 2 descent",
    place="before eq (2)",
    statement="z⁽ᵏ⁺¹⁾ = z⁽ᵏ⁾ − η ∇L(z⁽ᵏ⁾)",
    oracle="the iteration with autograd's gradient",
)
def eq_2_descent(rng: Rng) -> Outcome:
    k = case(rng)
    end = kf.evolve(k.net, k.data, kf.GradientDescent(lr=1e-3), steps=50).final
    z = k.z
    for _ in range(50):
        z = z - 1e-3 * slope(k, z)
    return holds(relative(np.concatenate([end.a, end.b, end.c]), z), tol=ROUNDING)


@claim(
    "W Eq 3",
    place="eq (3)",
    statement="g' = −∇φᵀ∇φ ∇R(g): df(x)/dt = −Σⱼ K_t(x, xⱼ) (f(xⱼ) − yⱼ)",
    oracle="autograd's Jacobian of the outputs, and its gradient of the loss",
)
def eq_3(rng: Rng) -> Outcome:
    k, grid = case(rng), np.linspace(-2, 2, 17)
    moved = jacobian(lambda z: output(z, grid, k.net.norm))(k.z) @ -slope(k)
    found = -kf.kernels.empirical_ntk(k.net)(grid, k.x) @ k.residuals
    return holds(relative(found, moved), tol=ROUNDING)


@claim(
    "W Rescaling",
    place="section 2.1",
    statement="(a, b, c) ↦ (ka, kb, c/k), k > 0, changes the parameters and not the function",
    oracle="the definition of f, in a loop-free twin",
)
def rescaling(rng: Rng) -> Outcome:
    k, grid = case(rng), np.linspace(-3, 3, 50)
    return holds(relative(k.net.rescaled(rng.uniform(0.1, 10, 12))(grid), output(k.z, grid, 2.2)), tol=ROUNDING)


@claim(
    "W Eq 5",
    place="eqs (4), (5)",
    statement="with r = (m/α) c √(a²+b²) and θ = arctan(−b/a): f̃ of (r, θ) is f",
    corrected="θ = atan2(−b, a) mod 2π: arctan turns every neuron with a < 0 around",
    oracle="the definitions of f and f̃",
)
def eq_5(rng: Rng) -> Outcome:
    k, grid = case(rng), np.linspace(-3, 3, 50)
    truth, view = output(k.z, grid, 2.2), k.net.canonical()
    printed = relative(canonical_output(np.concatenate([k.w[:12], np.arctan(-k.net.b / k.net.a)]), grid), truth)
    found = relative(canonical_output(np.concatenate([view.r, view.theta]), grid), truth)
    return corrected(printed, found, tol=ROUNDING, note=f"f̃ − f is {printed:.2g} of the largest |f| on [−3, 3]")


@claim(
    "W Sec 2.3 knot",
    place="section 2.3",
    statement="a neuron coincides with x if b/a = v/u = x, with (u, v) = |r| (cos θ, sin θ)",
    corrected="b/a = −v/u: the sample line is u x + v = 0",
    oracle="the place where the ReLU's argument changes sign, b/a",
)
def knot(rng: Rng) -> Outcome:
    net = case(rng).net
    view, truth = net.canonical(), net.b / net.a
    off = relative(view.v / view.u, truth)
    correct = largest(relative(-view.v / view.u, truth), relative(net.knots, truth))
    return corrected(off, correct, tol=ROUNDING, note=f"b/a = {truth[0]:.3f} but v/u = {view.v[0] / view.u[0]:.3f}")


@claim(
    "W Eq 6 lines",
    place="eq (6), section 2.3",
    statement="sample lines u xⱼ + v = 0 divide the plane by activation: neuron i is active on j where uᵢxⱼ + vᵢ > 0",
    oracle="the sign of aᵢxⱼ − bᵢ, counted over networks",
)
def eq_6(rng: Rng) -> Outcome:
    k = case(rng, 400)
    view = k.net.canonical()
    plane = np.outer(k.x, view.u) + view.v > 0
    return holds(float(np.sum(plane != (np.outer(k.x, k.net.a) - k.net.b > 0))), tol=0.0)


@claim(
    "W Angles",
    place="section 3.1",
    statement="sample j's ray is at the angles arctan(xⱼ) ± π/2",
    corrected="αⱼ⁻ = −arctan xⱼ (right-facing) and αⱼ⁺ = π − arctan xⱼ (left-facing)",
    oracle="⟨(xⱼ, 1), d(θ)⟩, which is 0 there",
)
def angles(rng: Rng) -> Outcome:
    x = case(rng).x

    def off(theta: np.ndarray) -> float:
        return float(np.max(np.abs(x * np.cos(theta) + np.sin(theta))))

    printed = largest(off(np.arctan(x) + np.pi / 2), off(np.arctan(x) - np.pi / 2))
    net = kf.ReLUNet(np.append(np.ones(6), -np.ones(6)), np.append(x, -x), np.ones(12))
    found = largest(off(net.canonical().theta[:6]), off(net.canonical().theta[6:]))
    correct = largest(off(-np.arctan(x)), off(np.pi - np.arctan(x)), found)
    return corrected(printed, correct, tol=ROUNDING, note=f"the product is {printed:.2f} at a printed angle")


@claim(
    "W Arcs",
    place="section 3.1",
    statement="s samples divide the circle into 2s − 1 arcs",
    corrected="into 2s arcs: 2s − 1 on which some sample is active and one dead arc",
    oracle="activation patterns counted over a fine grid of directions",
)
def arcs(rng: Rng) -> Outcome:
    printed = correct = 0.0
    for s in (2, 5, 9):
        k = case(rng, s=s)
        theta = np.linspace(0, 2 * np.pi, 20_001)
        patterns = np.outer(np.cos(theta), k.x) + np.sin(theta)[:, None] > 0
        count = len(np.unique(patterns, axis=0))
        ode = kf.dynamics.mean_field.residual_ode(k.net, k.data)
        printed = largest(printed, abs(count - (2 * s - 1)))
        correct = largest(correct, abs(count - 2 * s), abs(count - len(ode.sigma)))
    return corrected(printed, correct, tol=0.0, note="s = 9: 18 arcs, not 17")


@claim(
    "W Eq 7",
    place="eq (7)",
    statement="the canonical flow w' = −∇L̃(w)",
    oracle="SciPy's DOP853 on autograd's gradient, against kf.CanonicalFlow",
)
def eq_7(rng: Rng) -> Outcome:
    k = case(rng)
    end = kf.evolve(k.net, k.data, kf.CanonicalFlow(rtol=1e-10), until=0.4).final.canonical()
    truth = follow(lambda w: -canonical_slope(k, w), k.w, 0.4)
    r, theta = truth.reshape(2, -1)
    return holds(relative(end.r, r), float(np.max(np.abs(np.sin((end.theta - theta) / 2)))), tol=1e-6)
