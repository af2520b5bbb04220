"""Sections 2.4 and 2.4.1: how many directions are flat."""

from __future__ import annotations

import itertools

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
    hinge,
    jacobian,
    placed,
    rank,
    relative,
    signs,
)


@claim(
    "S Remark 2.1",
    place="remark 2, 1",
    statement="the tangent t = (wᵢ, bᵢ, −vᵢ) of the α-scaling is in the null space of H(θ) for all θ",
    corrected="H t = −(∂ℓ/∂wᵢ, ∂ℓ/∂bᵢ, −∂ℓ/∂vᵢ): null only where the gradient of the neuron is 0",
    oracle="autograd's Hessian and gradient at a random network",
)
def remark_2_scaling(rng: Rng) -> Outcome:
    (x, y), theta, m, printed, correct = data(rng, 10), draw(rng, 4), 4, 0.0, 0.0
    H, g = hessian(theta, x, y), gradient(theta, x, y)
    ours = signs(m)[:, None] * kf.landscape.hessian(theta.net, kf.Samples(x, y)) * signs(m)
    for i in range(m):
        t, expected = np.zeros(3 * m + 1), np.zeros(3 * m + 1)
        place = [i, m + i, 2 * m + i]
        t[place] = theta.w[i], theta.b[i], -theta.v[i]
        expected[place] = -g[place] * [1, 1, -1]
        printed = largest(printed, float(np.linalg.norm(H @ t) / np.linalg.norm(t)))
        correct = largest(correct, float(np.max(np.abs(ours @ t - expected))))
    return corrected(printed, correct, tol=ROUNDING, note=f"‖Ht‖/‖t‖ = {printed:.2f} at a random network")


def _neuron_zeros(theta: Theta, x: Array, y: Array, i: int, bias: bool = False) -> int:
    """Zero eigenvalues of the Hessian of one neuron's w, b, v (and of b0)."""
    m = len(theta.w)
    place = [i, m + i, 2 * m + i, *([3 * m] if bias else [])]
    block = hessian(theta, x, y)[np.ix_(place, place)]
    values = np.abs(np.linalg.eigvalsh(block))
    return int(np.sum(values < 1e-9 * max(values.max(), 1e-300)))


@claim(
    "S Remark 2.2 v",
    place="remark 2, 2",
    statement="vᵢ = 0 contributes two zero eigenvalues in addition to that of the α-scaling",
    corrected="two in all: at vᵢ = 0 the tangent (wᵢ, bᵢ, 0) of the scaling is one of them",
    oracle="eigenvalues of the neuron's block of autograd's Hessian, at an interpolating network",
)
def remark_2_v(rng: Rng) -> Outcome:
    x, theta = data(rng, 10)[0], draw(rng, 4)._replace(v=np.array([0.0, 0.6, -0.8, 1.0]))
    theta = theta._replace(b=np.append(0.3, theta.b[1:]))
    y = theta(x)
    zeros = _neuron_zeros(theta, x, y, 0)
    scaling, extra, _ = kf.landscape.null_space(theta.net, kf.Samples(x, y)).counts
    wrong = abs(zeros - 2) + abs(scaling + extra - (4 + 1))
    return corrected(abs(zeros - 3.0), float(wrong), tol=0.0, note=f"{zeros} zeros in (w, b, v), scaling included")


@claim(
    "S Remark 2.2 w",
    place="remark 2, 2",
    statement="if wᵢ = 0, changes of bᵢ or vᵢ do not change f: two zero eigenvalues",
    corrected="only if bᵢ < 0 (three zeros); for bᵢ > 0 the neuron is a constant vᵢbᵢ, and (w, b, v, b0) has two zeros",
    oracle="the dense forward pass, and eigenvalues of the neuron's block of autograd's Hessian",
)
def remark_2_w(rng: Rng) -> Outcome:
    x, theta = data(rng, 10)[0], draw(rng, 4)
    constant = theta._replace(w=np.append(0.0, theta.w[1:]), b=np.append(0.8, theta.b[1:]))
    moved = constant._replace(b=np.append(0.9, theta.b[1:]))
    change = float(np.max(np.abs(moved(x) - constant(x))))
    dead = constant._replace(b=np.append(-0.8, theta.b[1:]))
    wrong = abs(_neuron_zeros(constant, x, constant(x), 0, bias=True) - 2) + abs(_neuron_zeros(dead, x, dead(x), 0) - 3)
    constants = constant.net.bdso().constant, dead.net.bdso().dead
    wrong += sum(list(each) != [0] for each in constants)
    return corrected(change, float(wrong), tol=0.0, note=f"w = 0, b from .8 to .9: f changes by {change:.3f}")


def _loss_change(theta: Theta, other: Theta, x: Array, y: Array) -> float:
    return abs(other.loss(x, y) / theta.loss(x, y) - 1)


@claim(
    "S Fig 5",
    place="remark 2, 3, figure 5",
    statement="the loss stays if (A) same-facing neurons of a gap keep Σμ and Σμβ, (B) f turns about a lone sample, "
    "(C) a neuron without active samples moves",
    oracle="the dense loss before and after large moves of each kind",
)
def figure_5(rng: Rng) -> Outcome:
    x, y = np.array([-1.0, 0.0, 1.0, 2.0, 3.0]), rng.normal(size=5)
    beta, mu, s = np.array([0.2, 0.5, 0.8, -0.5, 3.5]), rng.normal(1, 0.3, 5), np.ones(5)
    theta = placed(beta, mu, s, 0.4)
    k = np.array([0.3, -0.6, 0.3, 0, 0]) * 2  # sum k = 0 and sum k beta = 0
    a = placed(beta, mu + k, s, 0.4)
    # (B): the pieces beside the sample 1 are cut at .8 and 1.4; f turns about (1, f(1)) between them.
    turned = placed([0.2, 0.8, 1.4], [1.0, 0.7, -1.2], np.ones(3), 0.1)
    slope, turn = 1.7, 0.9
    at = turned(np.array([1.0]))[0]

    def crossing(line: tuple[float, float]) -> float:  # where (slope + turn)(x - 1) + f(1) meets the line
        return (line[1] + slope + turn - at) / (slope + turn - line[0])

    left = (1.0, 0.1 - 0.2)
    right = (0.5, turned(np.array([2.0]))[0] - 0.5 * 2.0)
    b = placed([0.2, crossing(left), crossing(right)], [1.0, slope + turn - 1.0, 0.5 - slope - turn], np.ones(3), 0.1)
    c = placed(np.append(beta[:4], 3.1), np.append(mu[:4], -40.0), s, 0.4)
    moved = float(np.max(np.abs(b(np.array([0.9, 1.2])) - turned(np.array([0.9, 1.2])))) > 0.05)
    worst = largest(_loss_change(theta, a, x, y), _loss_change(turned, b, x, y), _loss_change(theta, c, x, y))
    nets = [kf.Samples(x, y)]
    worst = largest(worst, relative([each.net.loss(nets[0]) for each in (a, c)], [theta.loss(x, y)] * 2))
    return holds(worst + (1 - moved), tol=ROUNDING)


@claim(
    "S Remark 2 elsewhere",
    place="remark 2, “also zero eigenvalues for non-critical points”",
    statement="directions of the kinds above are in the null space of H(θ) at non-critical points, too",
    corrected="the loss is constant along them, but H moves them unless the sums of εₙ and εₙxₙ over the neuron are 0",
    oracle="autograd's Hessian times a direction that keeps Σμ and Σμβ of three neurons in one gap",
)
def elsewhere(rng: Rng) -> Outcome:
    x = data(rng, 9)[0]
    gap = x[3] + np.array([0.25, 0.5, 0.75]) * (x[4] - x[3])
    theta = placed(np.append(gap, -3.0), [0.8, -0.5, 0.6, 0.4], np.ones(4), 0.3)
    direction = np.zeros(13)
    direction[8:11] = 1.0, -2.0, 1.0  # of v, with w = 1
    y, critical = rng.normal(size=9), critical_targets(rng, theta, x)
    moved = theta._replace(v=theta.v + np.append(direction[8:11], 0.0))
    assert _loss_change(theta, moved, x, y) < 1e-9
    turned = float(np.linalg.norm(hessian(theta, x, y) @ direction))
    ours = kf.landscape.HessianProduct(theta.net, kf.Samples(x, critical)) @ (signs(4) * direction)
    at_critical = largest(float(np.linalg.norm(hessian(theta, x, critical) @ direction)), float(np.linalg.norm(ours)))
    return corrected(turned, at_critical, tol=1e-9, note=f"‖H d‖ = {turned:.2f} at a point that is not critical")


@claim(
    "S §2.4 μ-Hessian",
    place="section 2.4, the μ-only Hessian",
    statement="d²ℓ/dμ² = ΦᵀΦ, with the squared singular values of Φ as eigenvalues",
    oracle="second differences of the dense loss, exact for a quadratic, and their eigenvalues",
)
def mu_hessian(rng: Rng) -> Outcome:
    (x, y), m = data(rng, 5), 8
    theta = placed(np.linspace(-1.9, 1.9, m), rng.normal(size=m), rng.choice([-1, 1], m), 0.2)
    ours = kf.landscape.delta_slope_hessian(theta.net, kf.Samples(x, y))

    def loss(*moves: int) -> float:
        mu = theta.mu + np.bincount(moves, minlength=m)
        return theta._replace(v=mu / theta.w).loss(x, y)

    dense = np.array([[loss(i, j) - loss(i) - loss(j) + loss() for j in range(m)] for i in range(m)])
    values = np.linalg.eigvalsh(dense)[::-1][: ours.rank]
    return holds(relative(ours.matrix, dense), relative(ours.eigenvalues, values), tol=1e-8)


@claim(
    "S §2.4 range",
    place="section 2.4, μ = μ_r + μ_n",
    statement="the gradient in μ is always in the range of Φ",
    corrected="in the row space of Φ, the range of Φᵀ",
    oracle="numerical gradients of the dense loss, projected off either space; 6 samples, 6 neurons, Φ singular",
)
def mu_range(rng: Rng) -> Outcome:
    (x, y), m = data(rng, 6), 6
    beta = np.array([-2.5, -0.6, -0.5, 0.4, 0.9, 3.0])
    theta = placed(beta, rng.normal(size=m), [1, 1, 1, -1, 1, 1], 0.2)

    def loss(mu: Array) -> float:
        return theta._replace(v=mu / theta.w).loss(x, y)

    slope = np.array([(loss(theta.mu + d) - loss(theta.mu - d)) / 2 for d in np.eye(m)])
    features = kf.kernels.FeatureMap(hinge(x, beta, np.sign(theta.w)))
    off = [
        float(np.linalg.norm(slope - space @ (space.T @ slope)) / np.linalg.norm(slope))
        for space in (features.range, features.row_space)
    ]
    return corrected(off[0], off[1], tol=ROUNDING, note=f"{off[0]:.0%} of the gradient is outside the range of Φ")


def _stuck() -> tuple[Theta, Array, Array]:
    """A lonely critical point, an opposite pair in a gap, all v = 0, and ℓ > 0."""
    beta1, beta2 = 0.5, 1.05
    e2 = -(3 - beta2) / (2 - beta2)
    e1 = (-e2 * (2 - beta1) - (3 - beta1)) / (1 - beta1)
    e0 = -(1 + e1 + e2)
    theta = placed([beta1, beta2, -(e1 + 2 * e2), e1 / (e0 + e1)], np.zeros(4), [1, 1, -1, -1], 0.4)
    return theta, np.arange(4.0), 0.4 + np.array([e0, e1, e2, 1.0])


@claim(
    "S Cor 3",
    place="corollary 3",
    statement="at a critical point with a lonely partition and an opposite pair in a gap, or an all-active neuron, "
    "ℓ = 0 and the Hessian has exactly N non-zero eigenvalues",
    corrected="if every vᵢ ≠ 0; the condition on facings is then superfluous, as b0 is trained",
    oracle="autograd's gradient and Hessian: of a stuck network with all vᵢ = 0, and of lonely minima of all facings",
)
def corollary_3(rng: Rng, quick: bool) -> Outcome:
    theta, x, y = _stuck()
    assert np.max(np.abs(gradient(theta, x, y))) < 1e-12
    lonely = kf.landscape.is_lonely(theta.net, kf.Samples(x, y))
    loss, wrong = theta.loss(x, y), float(not lonely)
    x, y = data(rng, 5)
    samples = kf.Samples(x, y)
    facings = ([1] * 6, [-1, -1, 1, 1, -1, -1], [1, -1, 1, -1, 1, -1])
    for s, where in itertools.product(facings[: 2 if quick else 3], ([0, 1, 2, 3, 4], [1, 3, 4, 5, 6])):
        beta = kf.landscape.lonely_knots(samples, where, 6)
        each = placed(beta, rng.choice([-1, 1], 6) * rng.uniform(0.5, 2, 6), s, 0.3)
        target = critical_targets(rng, each, x)
        H = hessian(each, x, target)
        wrong += abs(rank(H) - 5) + abs(kf.landscape.hessian_rank(each.net, kf.Samples(x, target)) - 5)
        wrong += each.loss(x, target) > 1e-18
    count = rank(hessian(*_stuck()))
    note = f"H = N = 4, all vᵢ = 0: lonely, a pair in a gap, gradient 0, but ℓ = {loss:.2f}, rank of H {count}"
    return corrected(loss, float(wrong), tol=0.0, note=note)


@claim(
    "S Cor 3 facings",
    place="corollary 3, the condition that x ∈ span(B)",
    statement="an all-active neuron or an opposite pair in a gap is what makes N eigenvalues non-zero",
    corrected="without b0 a right-facing gap left of a left-facing one will do, else there are N − 1; with b0 always N",
    oracle="ranks of autograd's Jacobian for random facings, and whether the printed condition tells them",
)
def corollary_3_facings(rng: Rng, quick: bool) -> Outcome:
    x, y = data(rng, 5)
    samples, printed, wrong, trials = kf.Samples(x, y), 0, 0, 30 if quick else 400
    for _ in range(trials):
        m = int(rng.integers(4, 8))
        extra = np.sort(rng.choice(4, m - 4, replace=True))
        gap = np.sort(np.append(np.arange(4), extra))
        beta = x[gap] + rng.uniform(0.1, 0.9, m) * np.diff(x)[gap]
        s = rng.choice([-1, 1], m)
        theta = placed(beta, rng.choice([-1, 1], m) * rng.uniform(0.5, 2, m), s, 0.3)
        J = jacobian(theta, x)
        truth = rank(J[:, :-1])
        pair = any(len(set(s[gap == g])) == 2 for g in range(4))
        printed += pair != (truth == 5)
        wrong += kf.landscape.hessian_rank(theta.net, samples, {"a", "b", "c"}) != truth
        wrong += (rank(J) != 5) + (kf.landscape.hessian_rank(theta.net, samples) != 5)
    note = f"{printed} of {trials} lonely nets without such a pair have rank N anyway"
    return corrected(printed / trials, wrong / trials, tol=0.0, note=note)


@claim(
    "S §2.4.1 intrinsic",
    place="section 2.4.1",
    statement="every neuron has one zero eigenvalue of its own by the α-scaling: H intrinsic ones at a critical point",
    oracle="autograd's Hessian times the scaling tangents, at lonely minima of growing width",
)
def intrinsic(rng: Rng, quick: bool) -> Outcome:
    x, y = data(rng, 4)
    samples, worst = kf.Samples(x, y), 0.0
    for m in (3, 6) if quick else (3, 6, 12):
        net = kf.landscape.lonely_minimum(samples, kf.landscape.lonely_knots(samples, [0, 1, 2, m], m), free=0.4)
        theta = Theta.of(net)
        H = hessian(theta, x, y)
        tangents = np.zeros((3 * m + 1, m))
        for i in range(m):
            tangents[[i, m + i, 2 * m + i], i] = theta.w[i], theta.b[i], -theta.v[i]
        scaling = kf.landscape.null_space(net, samples).scaling
        ours = signs(m)[:, None] * tangents / np.linalg.norm(tangents, axis=0)  # orthonormal: of a neuron each
        worst = largest(worst, relative(scaling @ scaling.T, ours @ ours.T))
        worst = largest(worst, relative(H @ tangents + np.max(np.abs(H)), np.full((1, 1), np.max(np.abs(H)))))
        worst = largest(worst, abs(scaling.shape[1] - m), abs(rank(tangents) - m))
    return holds(float(worst), tol=1e-9)
