"""Section 2.6.2: the flow of infinitely many delta-slopes."""

from __future__ import annotations

import itertools

import numpy as np
from scipy import linalg

import knotflow as kf
from knotflow_papers.ledger.entry import Outcome, claim, corrected, holds, largest
from knotflow_papers.ledger.oracles import (
    ROUNDING,
    Rng,
    Theta,
    data,
    flat_start,
    gradient,
    hinge,
    order,
    placed,
    relative,
)


@claim(
    "S Eq 10",
    place="section 2.6.2, eq (10)",
    statement="μ' = r₁ + r_x β with r₁ = −⟨ε,x⟩ and r_x = ⟨ε,1⟩ over the active samples, ε = y − f",
    corrected="μ' = ⟨ε,x⟩ − β ⟨ε,1⟩ (times w²): both signs are those of ε = f − y",
    oracle="the chain rule on autograd's gradient at a flat start with |w| = 1",
)
def eq_10(rng: Rng) -> Outcome:
    (x, y), m = data(rng, 10), 15
    theta = flat_start(rng, m)
    g = -gradient(theta, x, y)
    truth = g[:m] * theta.v + theta.w * g[2 * m : 3 * m]
    on = np.outer(theta.w, x) + theta.b[:, None] > 0
    correct = on @ (y * x) - theta.beta * (on @ y)
    ours = -kf.gradient(theta.net, kf.Samples(x, y), {"c"}).c * theta.net.a
    return corrected(
        relative(-correct, truth),
        relative(correct, truth),
        relative(ours, truth),
        tol=ROUNDING,
        note="printed / true = −1",
    )


@claim(
    "S §2.6.2 continuity",
    place="section 2.6.2, “(discontinuous) piecewise linear”",
    statement="r₁, r_x and μ(x, s, t) are discontinuous at samples",
    corrected="r₁ and r_x are; μ' and μ are continuous, as the jumps εₙxₙ − β εₙ vanish at β = xₙ",
    oracle="SciPy's matrix exponential, neurons 1e−9 beside every sample; share of samples without a jump",
)
def continuity(rng: Rng) -> Outcome:
    (x, y), h = data(rng, 6), 1e-9
    near = np.concatenate([x - h, x + h])
    beta, s = np.tile(np.concatenate([near, np.linspace(-2.4, 2.4, 60)]), 2), np.repeat([1, -1], 72)
    phi, time = hinge(x, beta, s), 0.05
    mu = phi.T @ linalg.solve(phi @ phi.T, (np.eye(6) - linalg.expm(-phi @ phi.T * time)) @ y)
    flow = kf.LazyFlow(train=frozenset("c")).linearised(placed(beta, np.zeros(144), s).net, kf.Samples(x, y))
    ours = relative(flow.net_at(time).delta_slopes, mu)
    size = float(np.max(np.abs(mu)))
    jumps = [abs(mu[k + j] - mu[k + j + 6]) / size for k in (0, 72) for j in range(6)]
    smooth = float(np.mean(np.array(jumps) < 1e-6))
    note = f"largest jump at a sample: {largest(*jumps):.0e} of the largest μ"
    return corrected(smooth, *jumps, ours, tol=1e-6, note=note)


@claim(
    "S §2.6.2 f",
    place="section 2.6.2, last paragraph",
    statement="f(x; t) = μ(x, +, t) + μ(x, −, t)",
    corrected="f''(x, t) = H [p₊(x) μ(x, +, t) − p₋(x) μ(x, −, t)], μ that of one neuron",
    oracle="second differences of the dense forward pass of 4000 neurons, at a spacing of many breakpoints",
)
def second_derivative(rng: Rng) -> Outcome:
    (x, y), m, lo, hi = data(rng, 5), 4000, -2.4, 2.4
    beta, s = lo + (hi - lo) * (np.arange(m) + 0.5) / m, np.where(np.arange(m) % 2, 1.0, -1.0)
    theta = placed(beta, np.zeros(m), s)
    final = kf.LazyFlow(train=frozenset("c")).linearised(theta.net, kf.Samples(x, y)).net_at(2.0 / m)
    end = Theta.of(final)
    at, h = np.linspace(-2.1, 2.1, 40), 0.03
    at = at[np.min(np.abs(np.subtract.outer(at, x)), axis=1) > h]
    bend = (end(at + h) - 2 * end(at) + end(at - h)) / h**2
    plus, minus = (np.interp(at, beta[s == k], final.delta_slopes[s == k]) for k in (1, -1))
    p = 1 / (2 * (hi - lo))
    note = "μ is a curvature: of other units than f"
    return corrected(relative(m * (plus + minus), end(at)), relative(m * p * (plus - minus), bend), tol=1e-2, note=note)


@claim(
    "S §2.6.2 cubic",
    place="section 2.6.2, last sentence",
    statement="f(x; t) is continuous and piecewise cubic for all t, with knots at samples (and C²; for uniform β)",
    oracle="fourth differences between samples, and jumps of f'' by differences, of the exact infinite-width flow",
)
def cubic(rng: Rng) -> Outcome:
    (x, y), worst = data(rng, 5), 0.0
    path = kf.kernels.lazy(kf.kernels.rf(kf.kernels.UniformKnots(-2.5, 2.5)), kf.Samples(x, y))
    for t in (0.5, 10.0, 1000.0):
        for lo, hi in itertools.pairwise(x):
            values = path(np.linspace(lo, hi, 9), t)
            worst = largest(worst, float(np.max(np.abs(np.diff(values, 4)))) / float(np.max(np.abs(values))))
        bends = []
        for side in (-1, 1):  # a cubic: f'' at the end from four values, exactly
            h = 0.05
            values = path(np.add.outer(x[1:-1], side * h * np.arange(4)), t)
            second, third = np.diff(values, 2, axis=1)[:, 0], np.diff(values, 3, axis=1)[:, 0]
            bends.append((second - third) / h**2)
        worst = largest(worst, relative(bends[0], bends[1]))
    return holds(worst, tol=1e-8)


@claim(
    "S §2.6.2 discretisation",
    place="section 2.6.2",
    statement="a network of finite width is a discretisation of this flow: it tends to it as H → ∞",
    oracle="exponent in H of the distance of dense tiled networks, trained by SciPy's matrix exponential: −1",
)
def discretisation(rng: Rng) -> Outcome:
    (x, y), at, t = data(rng, 5), np.linspace(-2, 2, 101), 5.0
    limit = kf.kernels.lazy(kf.kernels.rf(kf.kernels.UniformKnots(-2.5, 2.5)), kf.Samples(x, y))(at, t)
    widths, off = np.array([100, 400, 1600]), []
    for m in widths:
        beta, s = -2.5 + 5 * (np.arange(m) + 0.5) / m, np.where(np.arange(m) % 2, 1, -1)
        phi = hinge(x, beta, s)
        gram = phi @ phi.T / m
        push = linalg.solve(gram, (np.eye(5) - linalg.expm(-gram * t)) @ y)
        off.append(float(np.max(np.abs(hinge(at, beta, s) @ phi.T @ push / m - limit))))
    return holds(abs(order(widths, off) + 1), tol=0.15)
