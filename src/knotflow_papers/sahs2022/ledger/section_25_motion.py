"""Section 2.5: how breakpoints and delta-slopes move under gradient flow."""

from __future__ import annotations

import numpy as np
from scipy import integrate, optimize

import knotflow as kf
from knotflow_papers.ledger.entry import Outcome, claim, corrected, holds, largest
from knotflow_papers.ledger.oracles import (
    ROUNDING,
    Array,
    Rng,
    Theta,
    data,
    draw,
    gradient,
    order,
    placed,
    relative,
)


def _velocities(theta: Theta, x: Array, y: Array) -> tuple[Array, Array]:
    """(β', μ') by the chain rule from autograd's gradient."""
    m, g = len(theta.w), -gradient(theta, x, y)
    w, b, v = g[:m], g[m : 2 * m], g[2 * m : 3 * m]
    return -(b + theta.beta * w) / theta.w, w * theta.v + theta.w * v


def _sums(theta: Theta, x: Array, y: Array) -> tuple[Array, Array]:
    """⟨εᵢ, 1⟩ and ⟨εᵢ, x⟩ with ε = y − f."""
    residual, on = y - theta(x), np.outer(theta.w, x) + theta.b[:, None] > 0
    return on @ residual, on @ (residual * x)


@claim(
    "S Eq 6",
    place="theorem 6, eqs (6) and (12)",
    statement="β' = (v/w) [⟨ε,1⟩ + β ⟨ε,x⟩], with ε = y − f as in section 2.1",
    corrected="β' = −(v/w) [⟨ε,1⟩ + β ⟨ε,x⟩]: the printed one is for ε = f − y",
    oracle="the chain rule on autograd's gradient",
)
def eq_6(rng: Rng) -> Outcome:
    (x, y), theta = data(rng, 20), draw(rng, 15)
    truth, (r, rx) = _velocities(theta, x, y)[0], _sums(theta, x, y)
    printed = theta.v / theta.w * (r + theta.beta * rx)
    ours = kf.landscape.knot_velocities(theta.net, kf.Samples(x, y))
    ratio = np.median(printed[truth != 0] / truth[truth != 0])
    note = f"printed / true = {ratio:.0f} for every neuron"
    return corrected(relative(printed, truth), relative(ours, truth), tol=ROUNDING, note=note)


@claim(
    "S Eq 7",
    place="theorem 6, eqs (7) and (13)",
    statement="μ' = w² [−(1 + (v/w)²) ⟨ε,x⟩ + β ⟨ε,1⟩], with ε = y − f as in section 2.1",
    corrected="μ' = w² [(1 + (v/w)²) ⟨ε,x⟩ − β ⟨ε,1⟩]: the printed one is for ε = f − y",
    oracle="the chain rule on autograd's gradient",
)
def eq_7(rng: Rng) -> Outcome:
    (x, y), theta = data(rng, 20), draw(rng, 15)
    truth, (r, rx) = _velocities(theta, x, y)[1], _sums(theta, x, y)
    correct = theta.w**2 * ((1 + (theta.v / theta.w) ** 2) * rx - theta.beta * r)
    g, net = kf.gradient(theta.net, kf.Samples(x, y)), theta.net
    ours = -(g.a * net.c + net.a * g.c)
    error = largest(relative(correct, truth), relative(ours, truth))
    return corrected(relative(-correct, truth), error, tol=ROUNDING, note="printed / true = −1 for every neuron")


def _rescaled(theta: Theta, alpha: float) -> Theta:
    return Theta.of(kf.initial.init_scale(theta.net, alpha))


@claim(
    "S §2.5.1 β",
    place="section 2.5.1",
    statement="α-scaling the start multiplies β' by exactly 1/α²",
    oracle="the chain rule on autograd's gradient of both networks",
)
def scaling_beta(rng: Rng) -> Outcome:
    (x, y), theta, worst = data(rng, 20), draw(rng, 15), 0.0
    slow = _velocities(theta, x, y)[0]
    for alpha in (0.1, 3.0, 40.0):
        other = _rescaled(theta, alpha)
        ours = kf.landscape.knot_velocities(other.net, kf.Samples(x, y))
        worst = largest(worst, relative(_velocities(other, x, y)[0] * alpha**2, slow), relative(ours * alpha**2, slow))
    return holds(worst, tol=ROUNDING)


@claim(
    "S §2.5.1 μ",
    place="section 2.5.1",
    statement="α-scaling the start multiplies μ' by approximately α²: μ'/α² → w²(⟨ε,x⟩ − β⟨ε,1⟩), to O(α⁻⁴)",
    oracle="the chain rule on autograd's gradient: the exponent of the distance to the limit, −4",
)
def scaling_mu(rng: Rng) -> Outcome:
    (x, y), theta = data(rng, 20), draw(rng, 15)
    r, rx = _sums(theta, x, y)
    limit, alphas = theta.w**2 * (rx - theta.beta * r), np.array([3.0, 10.0, 30.0])
    off = [relative(_velocities(_rescaled(theta, a), x, y)[1] / a**2, limit) for a in alphas]
    return holds(abs(order(alphas, off) + 4), tol=0.1)


def _psi(beta: float, s: int, x: Array, residual: Array) -> float:
    """The sum over the active samples, one by one."""
    return float(sum(e * (1 + beta * t) for t, e in zip(x, residual, strict=True) if s * (t - beta) > 0))


@claim(
    "S §2.5.2 ψ",
    place="section 2.5.2",
    statement="β' = (v/w) ψ_s(β), ψ_s a cumulative sum of ε (1 + βx) from the far end of the active side to β",
    corrected="β' = −(v/w) ψ_s(β) for ε = y − f",
    oracle="the chain rule on autograd's gradient, and the sum taken sample by sample",
)
def psi(rng: Rng) -> Outcome:
    (x, y), theta = data(rng, 20), draw(rng, 15)
    samples, truth = kf.Samples(x, y), _velocities(theta, x, y)[0]
    s = np.sign(theta.w).astype(int)
    residual = y - theta(x)
    dense = np.array([_psi(beta, k, x, residual) for beta, k in zip(theta.beta, s, strict=True)])
    ours = np.array([kf.landscape.psi(theta.net, samples, beta, k) for beta, k in zip(theta.beta, s, strict=True)])
    printed = relative(theta.v / theta.w * dense, truth)
    error = largest(relative(theta.v / theta.w * ours, truth), relative(-ours, dense))
    return corrected(printed, error, tol=ROUNDING, note="the opposite sign for every neuron, as in eq (6)")


@claim(
    "S §2.5.2 reflection",
    place="section 2.5.2",
    statement="ψ₊(β) = ψ₋(∞) − ψ₋(β): one is the other reflected across a constant total",
    corrected="ψ₊(β) + ψ₋(β) = Σε + β Σεx, an affine function; constant only once f has the right slope",
    oracle="the sums taken sample by sample",
)
def reflection(rng: Rng) -> Outcome:
    (x, y), theta = data(rng, 20), draw(rng, 15)
    residual, at = y - theta(x), rng.uniform(-3, 3, 30)
    plus, minus = (np.array([_psi(beta, s, x, residual) for beta in at]) for s in (1, -1))
    ours = -kf.landscape.psi(theta.net, kf.Samples(x, y), at, 1)
    affine = residual.sum() + at * np.sum(residual * x)
    total = residual.sum() + x[-1] * np.sum(residual * x)  # what psi_- is when the last sample has come in
    off = relative(total - minus, plus)
    note = f"off by {off:.0%} of the largest ψ₊"
    return corrected(off, relative(ours, plus), relative(affine - minus, ours), tol=ROUNDING, note=note)


@claim(
    "S §2.5.2 derivative",
    place="section 2.5.2, ∂ψ/∂β",
    statement="∂ψ₋/∂β = ε(β)(1 + β²) + ∫_{x<β} ε x dx for a continuum of samples",
    oracle="SciPy quadrature of ψ for ε = sin 2x + x/3, and its central differences",
)
def psi_derivative(rng: Rng) -> Outcome:
    def residual(x: float) -> float:
        return float(np.sin(2 * x) + x / 3)

    def dense(beta: float) -> float:
        return integrate.quad(lambda x: residual(x) * (1 + beta * x), -2, beta, epsabs=1e-13)[0]

    at, h = np.array([-1.4, -0.3, 0.6, 1.7]), 1e-4
    truth = [(dense(beta + h) - dense(beta - h)) / (2 * h) for beta in at]
    first = [integrate.quad(lambda x: residual(x) * x, -2, beta)[0] for beta in at]
    formula = [residual(beta) * (1 + beta**2) + moment for beta, moment in zip(at, first, strict=True)]
    n = 40_000  # the midpoint rule, as weighted samples
    x = -2 + 4 * (np.arange(n) + 0.5) / n
    samples, flat = kf.Samples(x, np.sin(2 * x) + x / 3, np.full(n, 4 / n)), kf.ReLUNet([1.0], [5.0], [0.0])
    ours = -kf.landscape.psi(flat, samples, at, -1)
    error = largest(relative(formula, truth), relative(ours, [dense(beta) for beta in at]))
    return holds(error, tol=1e-6)


@claim(
    "S §2.5.2 extrema",
    place="section 2.5.2, after ∂ψ/∂β",
    statement="local extrema of the residual ε(β) are local extrema of ∂ψ/∂β",
    corrected="those of ε(β)(1 + β²) + ∫ ε x dx are: the factor 1 + β² moves them outwards",
    oracle="SciPy's extrema of ε = cos 2x near π/2 and of central differences of the quadrature of ψ",
)
def psi_extrema(rng: Rng) -> Outcome:
    def dense(beta: float) -> float:
        return integrate.quad(lambda x: np.cos(2 * x) * (1 + beta * x), -3 * np.pi / 4, beta, epsabs=1e-13)[0]

    def derivative(beta: float, h: float = 1e-3) -> float:
        return (dense(beta + h) - dense(beta - h)) / (2 * h)

    def formula(beta: float) -> float:
        first = integrate.quad(lambda x: np.cos(2 * x) * x, -3 * np.pi / 4, beta)[0]
        return np.cos(2 * beta) * (1 + beta**2) + first

    truth, ours = (
        optimize.minimize_scalar(each, bounds=(1.2, 2.2), method="bounded", options={"xatol": 1e-7}).x
        for each in (derivative, formula)
    )
    note = f"ε = cos 2x: extremum at {np.pi / 2:.3f}, that of ∂ψ/∂β at {truth:.3f}"
    return corrected(abs(float(truth) - np.pi / 2), abs(float(truth - ours)), tol=1e-3, note=note)


@claim(
    "S §2.5.2 groups",
    place="section 2.5.2",
    statement="neurons with the same signs of v and w have the same classification of all samples, up to a factor v/w",
    oracle="autograd velocities of test neurons with tiny v on both sides of every sample",
)
def groups(rng: Rng) -> Outcome:
    (x, y), theta = data(rng, 8), draw(rng, 6)
    wrong = 0
    for s_w in (1, -1):
        for s_v in (1, -1):
            kinds = []
            for size in (0.3, 1.0, 4.0):
                beta = np.sort(np.concatenate([x - 1e-6, x + 1e-6]))
                w = np.full(16, s_w * size)
                test = Theta(w, -w * beta, np.full(16, s_v * 1e-9 * rng.uniform(1, 5)))
                w, b, v = (np.append(p, q) for p, q in zip(test[:3], theta[:3], strict=True))
                both = Theta(w, b, v, theta.b0)
                kinds.append(np.sign(_velocities(both, x, y)[0][:16]))
            psi_ = kf.landscape.psi(theta.net, kf.Samples(x, y), beta, s_w)
            wrong += sum(int(np.sum(kind != np.sign(s_v * s_w * psi_))) for kind in kinds)
    return holds(float(wrong), tol=0.0)


@claim(
    "S §2.5.2 centering",
    place="section 2.5.2; figure 7, panel B",
    statement="early training matches the mean of the data: the total of ε, and so of ψ, falls faster than the loss",
    oracle="sums of dense residuals before and after 1000 steps of gradient descent on sin 3x, H = 60, lr 5e−4",
    trials=(10, 2),
)
def centering(rng: Rng) -> Outcome:
    x = np.linspace(-2, 2, 41)
    y = np.sin(3 * x) + 0.5
    net = kf.initial.pytorch(60, rng)
    descent = kf.GradientDescent(lr=5e-4, train=frozenset({"a", "b", "c", "bias"}))
    final = kf.evolve(net, kf.Samples(x, y), descent, steps=1000).final
    thetas = [Theta.of(each) for each in (net, final)]
    before, after = (each.loss(x, y) for each in thetas)
    mean = abs(np.sum(y - thetas[1](x))) / abs(np.sum(y - thetas[0](x)))
    return holds(mean / (after / before), mean, tol=0.5)


@claim(
    "S Thm 6 start",
    place="theorem 6, “the initial conditions β(0), μ(0) must be specified”",
    statement="with the initial β and μ specified, eqs (6) and (7) govern β and μ",
    corrected="with |w| as well: of two networks with the same β, μ, s the one with |w| twice as large has β'/4",
    oracle="autograd velocities of two networks with one BDSO view; and w² + b² − v², which the flow conserves",
)
def not_closed(rng: Rng) -> Outcome:
    (x, y), m = data(rng, 12), 8
    beta, mu, s = np.linspace(-1.8, 1.8, m), rng.normal(size=m), rng.choice([-1, 1], m)
    one, two = (placed(beta, mu, s, 0.3, size) for size in (1.0, 2.0))
    gap = relative(_velocities(two, x, y)[0], _velocities(one, x, y)[0])
    correct = relative(_velocities(two, x, y)[0] * 4, _velocities(one, x, y)[0])
    traj = kf.evolve(one.net, kf.Samples(x, y), kf.GradientFlow(), until=2.0)
    kept = relative(traj.final.delta, one.v**2 - one.w**2 - one.b**2)
    return corrected(gap, correct, kept, tol=1e-8, note=f"|w| twice as large: β' differs by {gap:.0%}")
