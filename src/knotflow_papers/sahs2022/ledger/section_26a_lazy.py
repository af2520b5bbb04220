"""Section 2.6.1, appendix B.9: frozen breakpoints and least-norm delta-slopes."""

from __future__ import annotations

import numpy as np
from scipy import linalg

import knotflow as kf
from knotflow_papers.ledger.entry import Outcome, claim, corrected, holds, largest
from knotflow_papers.ledger.oracles import (
    ROUNDING,
    Array,
    Rng,
    Theta,
    data,
    flat_start,
    hinge,
    jacobian,
    order,
    placed,
    rank,
    relative,
)


def _trained(theta: Theta, alpha: float, x: Array, y: Array) -> kf.ReLUNet:
    """The end of the exact gradient flow from (αw, αb, v = 0)."""
    start = kf.ReLUNet(alpha * theta.w, -alpha * theta.b, theta.v)
    return kf.evolve(start, kf.Samples(x, y), kf.GradientFlow(rtol=1e-9), until="converged").final


@claim(
    "S Lemma 2",
    place="lemma 2",
    statement="from (αw₀, αb₀, v = 0) breakpoints and orientations do not move as α → ∞ (they do by O(α⁻⁴))",
    oracle="exponent in α of the largest move of a breakpoint over whole exact flows, −4; sides that flip",
)
def lemma_2(rng: Rng, quick: bool) -> Outcome:
    (x, y), theta = data(rng, 5), flat_start(rng, 20)
    alphas, moved, flips = np.array([8.0, 16.0] if quick else [8.0, 16.0, 32.0]), [], 0
    for alpha in alphas:
        net = _trained(theta, alpha, x, y)
        moved.append(float(np.max(np.abs(net.knots - theta.beta))))
        flips += int(np.sum(np.sign(net.a) != np.sign(theta.w)))
    return holds(abs(order(alphas, moved) + 4) + flips, tol=0.1)


@claim(
    "S Eq 8",
    place="lemma 2, eq (8)",
    statement="with v₀ = 0 the linearised network is ŷ = Φ(x; β) μ with φₙᵢ = (xₙ − βᵢ)_sᵢ",
    oracle="autograd's derivative of the output at the start, by all parameters, times random moves",
)
def eq_8(rng: Rng) -> Outcome:
    x, theta = data(rng, 9)[0], flat_start(rng, 12, 1.7)
    move = rng.normal(size=37) * np.append(np.ones(36), 0.0)
    phi = kf.landscape.delta_slope_hessian(theta.net, kf.Samples(x, np.zeros(9))).features
    return holds(relative(phi @ (theta.w * move[24:36]), jacobian(theta, x) @ move), tol=ROUNDING)


@claim(
    "S Lemma 2 metric",
    place="lemma 2 with theorem 7",
    statement="the network in the kernel regime ends at the μ nearest to its start in ‖·‖₂",
    corrected="in Σ (μᵢ − μ₀ᵢ)²/wᵢ²: the flow of v is μ' = diag(w²) Φᵀε",
    oracle="the exact flow of the whole network from α = 30, |w| between .5 and 2, and SciPy's pseudo-inverse",
)
def lemma_2_metric(rng: Rng) -> Outcome:
    (x, y), m = data(rng, 5), 20
    size = rng.uniform(0.5, 2, m)
    theta = flat_start(rng, m, size)
    final = _trained(theta, 30.0, x, y).delta_slopes
    phi = hinge(x, theta.beta, np.sign(theta.w))
    plain = linalg.pinv(phi) @ y
    correct = kf.kernels.minimum_norm(theta.net, kf.Samples(x, y)).delta_slopes
    off = relative(plain, final)
    return corrected(off, relative(correct, final), tol=1e-3, note=f"off by {off:.0%} of the largest delta-slope")


def _flow_limit(phi: Array, y: Array, start: Array, d: Array) -> Array:
    """μ(t) of μ' = D Φᵀ(y − Φμ) at a late t, by SciPy's matrix exponential of the augmented system."""
    m = len(start)
    system = np.zeros((m + 1, m + 1))
    system[:m, :m] = -d[:, None] * (phi.T @ phi)
    system[:m, m] = d * (phi.T @ y)
    slowest = np.linalg.eigvalsh(np.sqrt(d)[:, None] * (phi.T @ phi) * np.sqrt(d))
    t = 40 / min(value for value in slowest if value > 1e-9 * slowest[-1])
    return (linalg.expm(system * t) @ np.append(start, 1.0))[:m]


@claim(
    "S Thm 7",
    place="theorem 7",
    statement="gradient flow on μ from μ₀, interpolating, ends at argmin ‖μ − μ₀‖₂ subject to y = Φμ",
    oracle="SciPy's matrix exponential of the flow at a late time, and the pseudo-inverse",
)
def theorem_7(rng: Rng) -> Outcome:
    (x, y), m, worst = data(rng, 6), 14, 0.0
    for start in (np.zeros(m), rng.normal(size=m)):
        phi = hinge(x, np.linspace(-2.5, 2.5, m), rng.choice([-1, 1], m))
        truth = _flow_limit(phi, y, start, np.ones(m))
        worst = largest(worst, relative(kf.kernels.FeatureMap(phi).least_norm(y, start), truth))
        worst = largest(worst, relative(start + linalg.pinv(phi) @ (y - phi @ start), truth))
    return holds(worst, tol=1e-7)


@claim(
    "S Thm 7 general",
    place="theorem 7, its assumption that the model interpolates",
    statement="it is supposed that the model interpolates; singular Φ and other metrics are left open",
    corrected="for every Φ and metric D the flow ends at argmin Σ (μᵢ − μ₀ᵢ)²/dᵢ over the least-squares set of Φ",
    oracle="SciPy's matrix exponential of the flow at a late time, Φ of low rank and y out of its reach",
)
def theorem_7_general(rng: Rng) -> Outcome:
    (x, y), m = data(rng, 6), 9
    phi = hinge(x, rng.uniform(x[2], x[3], m), np.ones(m))  # rank 2 or 3: infeasible
    start, d = rng.normal(size=m), rng.uniform(0.3, 3, m)
    truth = _flow_limit(phi, y, start, d)
    return corrected(None, relative(kf.kernels.FeatureMap(phi).least_norm(y, start, d), truth), tol=1e-6)


@claim(
    "S Fig 8",
    place="figure 8",
    statement="from μ₀ = 0 the flow increases ‖μ‖₂ monotonically",
    oracle="networks of the exact flow of v at 200 times, and SciPy's matrix exponential at three of them",
)
def figure_8(rng: Rng) -> Outcome:
    (x, y), m = data(rng, 6), 14
    theta = flat_start(rng, m)
    path = kf.LazyFlow(train=frozenset("c")).linearised(theta.net, kf.Samples(x, y))
    norms = [float(np.linalg.norm(path.net_at(t).delta_slopes)) for t in np.geomspace(1e-4, 1e4, 200)]
    falls = largest(0.0, -float(np.min(np.diff(norms))) / norms[-1])
    phi = hinge(x, theta.beta, np.sign(theta.w))
    for t in (0.01, 0.3, 5.0):
        dense = linalg.pinv(phi) @ ((np.eye(6) - linalg.expm(-phi @ phi.T * t)) @ y)
        falls = largest(falls, relative(path.net_at(t).delta_slopes, dense))
    return holds(falls, tol=1e-9)


@claim(
    "S §3.3 memory",
    place="sections 2.6.1 and 3.3",
    statement="μ(t) = μ(0) + …: the start remains, in the null space of Φ for all time, and a rough one ends rough",
    oracle="SciPy's null space of the dense features; networks at the end of training v from rough starts",
)
def memory(rng: Rng) -> Outcome:
    (x, y), m, worst = data(rng, 6), 20, 0.0
    for scale in (0.1, 1.0, 10.0):
        theta = flat_start(rng, m)._replace(v=scale * rng.normal(size=m))
        final = kf.kernels.minimum_norm(theta.net, kf.Samples(x, y))
        null = linalg.null_space(hinge(x, theta.beta, np.sign(theta.w)))
        kept = null.T @ theta.mu
        worst = largest(worst, relative(null.T @ final.delta_slopes, kept))
        worst = largest(worst, largest(0.0, float(np.sum(kept**2)) - final.roughness) / final.roughness)
    return holds(worst, tol=1e-9)


@claim(
    "S §2.6.1 lonely",
    place="section 2.6.1",
    statement="if the initialization yields a lonely partition, the kernel model reaches ℓ = 0 (b0 omitted)",
    corrected="if rank Φ = N; a lonely partition gives it only together with b0",
    oracle="SVD ranks of dense features of random lonely nets (N = 5, H = 6 to 9), and the losses of lstsq",
)
def lonely_kernel(rng: Rng, quick: bool) -> Outcome:
    failed = wrong = 0
    trials = 300 if quick else 3000
    worst = 0.0
    for _ in range(trials):
        (x, y), m = data(rng, 5), int(rng.integers(6, 10))
        gap = np.append(np.arange(4), rng.choice(4, m - 4))
        beta = x[gap] + rng.uniform(0.1, 0.9, m) * np.diff(x)[gap]
        s = rng.choice([-1, 1], m)
        phi = hinge(x, beta, s)
        net = kf.kernels.minimum_norm(placed(beta, np.zeros(m), s).net, kf.Samples(x, y))
        missed = largest(2 * net.loss(kf.Samples(x, y))) > 1e-12
        failed += missed
        wrong += missed != (rank(phi) < 5)
        wrong += rank(np.c_[np.ones(5), phi]) < 5
        worst = largest(worst, 2 * net.loss(kf.Samples(x, y)))
    note = f"{failed} of {trials} lonely partitions cannot be fitted, SSE up to {worst:.1f}"
    return corrected(failed / trials, wrong / trials, tol=0.0, note=note)
