"""Sections 4 and 5, appendix D: what the paper says of its experiments, and of the two function spaces."""

from __future__ import annotations

import numpy as np

import knotflow as kf
from knotflow_papers.ledger.entry import Outcome, claim, corrected, finite, holds, largest
from knotflow_papers.ledger.oracles import ROUNDING, Array, Rng, case, features, least_variation, order, relative


@claim(
    "W Thm 5 law",
    place="theorem 5 and corollary 6",
    statement="μ₀(a, b) = q(a) 1(b ∈ I_a) is the law with b uniform on I_a",
    corrected="q(a) 1(b ∈ I_a)/|I_a|: as printed it is a probability only for intervals of length 1",
    oracle="K(x, x) by exact integrals of the squares over b, a = ±1, I_a = (−1.5, 1.5)",
)
def theorem_5_law(rng: Rng) -> Outcome:
    x, B = np.array([-1.2, 0.3, 1.4]), 1.5
    whole = ((x + B) ** 3 + (B - x) ** 3) / 6  # half of each facing, over b
    ours = np.diag(kf.kernels.rf("rademacher", B=B)(x))
    note = f"K(.3, .3) = {ours[1]:.4f}, with the printed measure {whole[1]:.4f}"
    return corrected(relative(whole, ours), relative(whole / (2 * B), ours), tol=ROUNDING, note=note)


@claim(
    "W Fig 5",
    place="section 4, figure 5",
    statement="as δ goes from −∞ to ∞ the fit goes from non-adaptive to very adaptive: knots move farther",
    oracle="exact flows to the end from the same function, a sine: median moves of the knots rise with δ",
    trials=(4, 1),
)
def figure_5(rng: Rng) -> Outcome:
    x = np.linspace(-1, 1, 10)
    data = kf.Samples(x, np.sin(2 * np.pi * x))
    net = kf.initial.pytorch(100, rng, norm=10.0).replace(bias=0.0)
    moves = []
    for delta in (-np.inf, -100.0, -10.0, 0.0, np.inf):
        start = net if np.isinf(delta) else net.with_delta(delta)
        train = {-np.inf: frozenset("c"), np.inf: frozenset("ab")}.get(delta, frozenset("abc"))
        end = kf.evolve(start, data, kf.GradientFlow(train=train), until="converged", save_at=[]).final
        moves.append(float(np.median(np.abs(end.knots - net.knots))))
    wrong = np.sum(np.diff(finite(moves))[:3] <= 0) + (moves[4] < 0.05) + (moves[0] > 0)
    return holds(float(wrong), tol=0.0)


@claim(
    "W Fig 6",
    place="appendix D, figure 6, top",
    statement="if δ = −∞ the neurons move radially away from the origin, and knots do not change",
    corrected="radially, away or towards it (as in figure 2); r may go through 0",
    oracle="dense least-norm c, and the share of neurons whose |r| has fallen at the end",
)
def figure_6(rng: Rng) -> Outcome:
    k = case(rng, 60, 5)
    a, c = k.net.a, k.net.c
    phi = features(k.net, k.x)
    truth = c + np.linalg.pinv(phi) @ (k.y - phi @ c)
    end = kf.evolve(k.net, k.data, kf.GradientFlow(train=frozenset("c")), until="converged", save_at=[]).final
    inward = float(np.mean(np.abs(truth) < np.abs(c) - 1e-9))
    turned = np.max(np.abs(end.knots - k.net.knots)) + np.max(np.abs(np.sign(end.a) - np.sign(a)))
    worst = largest(relative(end.c, truth), float(turned))
    return corrected(inward, worst, tol=1e-6, note=f"{inward:.0%} of 60 neurons come nearer to the origin")


@claim(
    "W Fig 8",
    place="appendix D, figure 8",
    statement="with fewer neurons the function adapts more, since δ gets larger",
    corrected="δ hardly changes (−.65 to −.667 from m = 20 to 2000): |δ|/2q, q = |c|n, grows as √m",
    oracle="exponents in m of the medians of |δ| and of |δ|/2q over draws of PyTorch's uniform rule by NumPy",
)
def figure_8(rng: Rng, quick: bool) -> Outcome:
    sizes, draws = np.array([20, 200, 2000]), 40_000 if quick else 200_000
    size, share, ours = [], [], []
    for m in sizes:
        a, b, c = rng.uniform(-1, 1, (3, draws))
        c, n = c / np.sqrt(m), np.hypot(a, b)
        size.append(np.median(np.abs(c**2 - n**2)))
        share.append(np.median(np.abs(c**2 - n**2) / (2 * np.abs(c) * n)))
        nets = [kf.initial.pytorch(m, rng) for _ in range(draws // m)]
        ours.append(np.median([np.abs(net.delta) / (2 * np.abs(net.c) * np.hypot(net.a, net.b)) for net in nets]))
    exponents = [order(sizes, each) for each in (size, share)]
    off = relative(ours, share)
    note = f"|δ| ~ m^{exponents[0]:.3f}; medians of |δ|/2q {share[0]:.1f}, {share[1]:.1f}, {share[2]:.0f}"
    # as printed, all of the fall of 2q/|delta|, m^-1/2, is delta's doing
    return corrected(1 - abs(exponents[0]) / 0.5, abs(exponents[1] - 0.5), off, tol=0.1, note=note)


def _least_variation(x: Array, y: Array, knots: Array) -> float:
    """min Σ |r| over unit directions with knots at `knots`, both facings, and the constant ones, through the data."""
    size = np.hypot(1, knots)
    both = [np.maximum(x[:, None] - knots, 0) / size, np.maximum(knots - x[:, None], 0) / size, np.ones((len(x), 1))]
    return least_variation(np.hstack(both), y)


@claim(
    "W §5 spaces",
    place="section 5",
    statement="the two regimes correspond roughly to the Sobolev spaces W^{1,2} and W^{2,2}",
    corrected="the adaptive one to ∫ √(1 + u²)|f''|, an L¹ norm: it grows as w^(−½) for hats of fixed ∫ f'² = 2",
    oracle="linear programmes over unit directions, for hats of half-width w and height √w",
)
def section_5_spaces(rng: Rng) -> Outcome:
    widths, costs, worst = np.array([0.16, 0.04, 0.01]), [], 0.0
    for w in widths:
        at = np.array([-w, 0.0, w])
        knots = np.unique(np.concatenate([np.linspace(-1, 1, 21), at]))
        x = np.unique(np.concatenate([knots, [-3.0, -2.0, 2.0, 3.0]]))
        y = np.maximum(1 - np.abs(x) / w, 0) * w**0.5
        least = _least_variation(x, y, knots)
        jumps = np.array([1.0, -2.0, 1.0]) / w**0.5
        # half of each jump in either facing: no line is left over
        net = kf.ReLUNet(np.repeat([1.0, -1.0], 3), np.append(at, -at), np.tile(jumps / 2, 2))
        assert relative(net(x), y) < 1e-9
        data = kf.Samples(x, y)
        ours = kf.CanonicalFlow(lam=1.0).objective(net, data) - net.loss(data)
        worst = largest(worst, abs(ours / least - 1), abs(float(np.hypot(1, at) @ np.abs(jumps)) / least - 1))
        costs.append(least)
    exponent = order(widths, costs)
    text = ", ".join(f"{cost:.1f}" for cost in costs)
    note = f"∫ f'² = 2 for all, but the norm is {text} at w = .16, .04, .01"
    return corrected(abs(exponent), worst, tol=1e-7, note=note)
