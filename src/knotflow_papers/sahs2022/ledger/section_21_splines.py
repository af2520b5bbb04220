"""Section 2.1: breakpoints, delta-slopes and orientations."""

from __future__ import annotations

import numpy as np

import knotflow as kf
from knotflow_papers.ledger.entry import Outcome, claim, corrected, holds, largest
from knotflow_papers.ledger.oracles import (
    ROUNDING,
    Array,
    Rng,
    Theta,
    data,
    draw,
    hinge,
    order,
    placed,
    rank,
    relative,
    rms,
)


@claim(
    "S Eq 1",
    place="section 2.1, eq (1)",
    statement="f(x) = b0 + Σ μᵢ (x − βᵢ)_sᵢ with β = −b/w, μ = wv, s = sgn w",
    corrected="for wᵢ ≠ 0; a neuron with w = 0, b > 0 has no breakpoint and adds vb to b0",
    oracle="the forward pass, written out densely",
    trials=(50, 5),
)
def eq_1(rng: Rng) -> Outcome:
    x, theta = np.linspace(-4, 4, 201), draw(rng, 12)
    w = np.where(np.arange(12) < 3, 0.0, theta.w)
    theta = Theta(w, np.where(w == 0, [0.7, -0.4, 0.3] + [0.0] * 9, theta.b), theta.v, theta.b0)
    view, truth = theta.net.bdso(), theta(x)
    sum_ = hinge(x, view.knots, view.orientations) @ view.delta_slopes
    printed = relative(theta.b0 + sum_, truth)
    note = f"w = 0, b = 0.7: f is off by {printed:.2f} of its size"
    return corrected(printed, relative(view.bias + sum_, truth), tol=ROUNDING, note=note)


@claim(
    "S §2.1 scaling",
    place="section 2.1, figure 1",
    statement="(αw, αb, v/α) with α > 0 and permutations of the neurons leave f as it is",
    oracle="the forward pass, written out densely",
)
def scaling(rng: Rng) -> Outcome:
    x, theta = np.linspace(-4, 4, 201), draw(rng, 30)
    alpha, p = rng.uniform(0.01, 50, 30), rng.permutation(30)
    other = theta.net.rescaled(alpha)
    error = relative(other(x), theta(x))
    shuffled = kf.ReLUNet(other.a[p], other.b[p], other.c[p], bias=other.bias)
    return holds(error, relative(shuffled(x), theta(x)), tol=ROUNDING)


@claim(
    "S §2.1 quotient",
    place="section 2.1, property (1)",
    statement="the loss depends on (w, b, v) only through (β, μ, s), b0",
    oracle="the dense loss, for networks of one BDSO view in three gauges",
)
def quotient(rng: Rng) -> Outcome:
    (x, y), theta = data(rng, 15), draw(rng, 20)
    truth = theta.loss(x, y)
    nets = [kf.ReLUNet.from_bdso(theta.net.bdso(), gauge) for gauge in ("unit", "equal", "balanced")]
    return holds(relative([net.loss(kf.Samples(x, y)) for net in nets], [truth] * 3), tol=ROUNDING)


def _slope_changes(theta: Theta, at: Array) -> Array:
    h = 1e-3
    return (theta(at + h) - 2 * theta(at) + theta(at - h)) / h


@claim(
    "S Eq 2",
    place="section 2.1, eq (2)",
    statement="f'' = Σ μᵢ sᵢ δ(x − βᵢ): the slope changes by sᵢ μᵢ at βᵢ",
    oracle="second differences of the dense forward pass",
)
def eq_2(rng: Rng) -> Outcome:
    theta = placed(np.linspace(-2, 2, 15), rng.normal(size=15), rng.choice([-1, 1], 15), 0.3, rng.uniform(0.5, 2, 15))
    view = theta.net.bdso()
    return holds(relative(view.jumps, _slope_changes(theta, view.knots)), tol=1e-8)


@claim(
    "S §2.1 magnitude",
    place="section 2.1, the sentence after eq (2)",
    statement="at x = βᵢ the second derivative is a Dirac delta of magnitude μᵢ",
    corrected="its magnitude is sᵢ μᵢ: a left-facing neuron bends the other way",
    oracle="second differences of the dense forward pass",
)
def magnitude(rng: Rng) -> Outcome:
    theta = placed([-1.0, 0.0, 1.0], [1.0, 2.0, -0.5], [1, -1, -1], 0.3)
    view, truth = theta.net.bdso(), _slope_changes(theta, theta.beta)
    note = f"s = −1, μ = 2: the slope changes by {truth[1]:.1f}"
    return corrected(relative(view.delta_slopes, truth), relative(view.jumps, truth), tol=1e-8, note=note)


@claim(
    "S §2.1 base",
    place="section 2.1, difference (i) to splines",
    statement="BDSO lacks the base polynomial: H fixed breakpoints give H + 1 degrees of freedom, a free spline H + 2",
    oracle="rank of the dense feature matrix, and of the same with 1 and x added",
)
def base(rng: Rng) -> Outcome:
    wrong, x = 0, np.linspace(-3, 3, 200)
    for m in (3, 6, 10):
        knots = np.linspace(-2, 2, m)
        features = np.c_[np.ones(200), hinge(x, knots, np.where(np.arange(m) % 2, -1, 1))]
        wrong += abs(rank(features) - (m + 1)) + abs(rank(np.c_[features, x]) - (m + 2))
    return holds(float(wrong), tol=0.0)


@claim(
    "S §2.1 pieces",
    place="section 2.1, the partition",
    statement="the sorted breakpoints make pieces X_p for p = 0, …, H + 1",
    corrected="for p = 0, …, H: H breakpoints cut the line into H + 1 pieces",
    oracle="how many lines the dense forward pass has, counted on a fine grid",
)
def pieces(rng: Rng) -> Outcome:
    m = 7
    theta = placed(np.linspace(-2, 2, m) + 0.013, rng.uniform(0.5, 1, m), np.ones(m))
    slopes = np.diff(theta(np.linspace(-3, 3, 6001))) * 1000
    lines = 1 + int(np.sum(np.diff(slopes[np.append(True, np.abs(np.diff(slopes)) < 1e-9)]) > 0.1))
    samples = kf.Samples(np.linspace(-3, 3, 401), np.zeros(401))
    found = kf.landscape.partition(theta.net, samples)
    counted = len(np.unique(found))
    assert np.array_equal(found, np.searchsorted(np.sort(theta.beta), samples.x))
    note = f"H = {m}: {lines} pieces, not {m + 2}"
    return corrected(abs(m + 2.0 - lines), abs(float(counted - lines)), tol=0.0, note=note)


@claim(
    "S §2.2 roughness",
    place="section 2.2.1, the definition of ρ",
    statement="ρ = ∫ |f''|² dx = Σ μᵢ² measures how rough the function f is",
    corrected="Σ μᵢ² belongs to the parameters: k copies of every neuron divide it by k; Σ (jumps of f')² stays",
    oracle="two networks whose dense forward passes agree to rounding",
)
def roughness(rng: Rng) -> Outcome:
    theta, k, x = draw(rng, 10), 4, np.linspace(-4, 4, 301)
    copies = Theta(np.repeat(theta.w, k), np.repeat(theta.b, k), np.repeat(theta.v, k) / k, theta.b0)
    assert relative(copies(x), theta(x)) < ROUNDING
    one, many = theta.net, copies.net
    return corrected(
        abs(many.roughness / one.roughness - 1),
        abs(many.cpwl().roughness / one.cpwl().roughness - 1),
        relative([one.roughness, one.cpwl().roughness], [np.sum(theta.mu**2)] * 2),
        relative(many.roughness, np.sum(copies.mu**2)),
        tol=1e-8,
        note=f"the same f from 10 and from 40 neurons: ρ = {one.roughness:.3f} and {many.roughness:.3f}",
    )


def _expansion_error(m: int, knots: Array, density: Array) -> float:
    """rms on [-2, 2] of f = sin 2x less its expansion in m breakpoints, the affine part left free."""
    x = np.linspace(-2, 2, 201)
    mu = -4 * np.sin(2 * knots) / (m * density)
    affine = np.sin(-4.0) + 2 * np.cos(-4.0) * (x + 2)
    return float(np.sqrt(np.mean((np.sin(2 * x) - affine - hinge(x, knots, np.ones(m)) @ mu) ** 2)))


@claim(
    "S Eq 3",
    place="section 2.1.1, eq (3) and the law of large numbers",
    statement="E[c/p δ(x − β)] = (1/H) Σ c(βᵢ)/p(βᵢ) δ(x − βᵢ) + O(1/H) for random breakpoints",
    corrected="the error is of the order H^(−1/2); O(1/H²) for equispaced breakpoints",
    oracle="sin 2x rebuilt from its second derivative at H breakpoints; exponents of the rms error",
)
def eq_3(rng: Rng, quick: bool) -> Outcome:
    widths = np.array([50, 200, 800])
    repeats = 120 if quick else 500
    iid = []
    for m in widths:
        density = np.full(m, 0.25)
        iid.append(rms(np.array([_expansion_error(m, rng.uniform(-2, 2, m), density) for _ in range(repeats)])))
    even = [_expansion_error(m, -2 + 4 * (np.arange(m) + 0.5) / m, np.full(m, 0.25)) for m in widths]
    exponent = order(widths, iid)
    correct = largest(abs(exponent + 0.5), abs(order(widths, even) + 2))
    return corrected(abs(exponent + 1), correct, tol=0.1, note=f"the error falls as H^{exponent:.2f}")


@claim(
    "S §2.1.1 weights",
    place="section 2.1.1, after eq (3)",
    statement="μᵢ sᵢ = f''(βᵢ) / (H p(βᵢ)) makes f̂ approach f as H → ∞",
    corrected="f̂ approaches f less an affine function, which must be added",
    oracle="sin 2x, rebuilt from 20,000 equispaced breakpoints",
)
def weights(rng: Rng) -> Outcome:
    m, x = 20_000, np.linspace(-2, 2, 101)
    knots = -2 + 4 * (np.arange(m) + 0.5) / m
    net = kf.ReLUNet(np.ones(m), knots, -4 * np.sin(2 * knots) * 4 / m)
    affine = np.sin(-4.0) + 2 * np.cos(-4.0) * (x + 2)
    off = np.sin(2 * x) - net(x)
    note = f"f − f̂ is the line f(−2) + f'(−2)(x + 2), up to {np.max(np.abs(off)):.2f}"
    return corrected(float(np.max(np.abs(off))), float(np.max(np.abs(off - affine))), tol=1e-6, note=note)
