"""Section 2.3.1, appendices A.3 and B.6: critical points, and lonely partitions."""

from __future__ import annotations

import itertools
import math

import numpy as np
from scipy import special

import knotflow as kf
from knotflow_papers.ledger.entry import Outcome, claim, corrected, holds, largest
from knotflow_papers.ledger.oracles import (
    ROUNDING,
    Array,
    Rng,
    Theta,
    Z,
    data,
    gradient,
    jacobian,
    placed,
    z_share,
)


def _piecewise_ols(rng: Rng, theta: Theta, x: Array) -> Array:
    """y such that f is the least-squares line of every piece."""
    residual = np.zeros(len(x))
    piece = np.searchsorted(np.sort(theta.beta), x)
    for p in np.unique(piece):
        here = piece == p
        basis = np.c_[np.ones(here.sum()), x[here]]
        noise = rng.normal(size=here.sum())
        residual[here] = noise - basis @ np.linalg.lstsq(basis, noise, rcond=None)[0]
    return theta(x) + residual


def _sums(theta: Theta, x: Array, y: Array) -> Array:
    """Sums of the residuals f - y on every piece, times 1 and times x."""
    residual, piece = theta(x) - y, np.searchsorted(np.sort(theta.beta), x)
    return np.array(
        [residual[piece == p] @ np.c_[np.ones(np.sum(piece == p)), x[piece == p]] for p in np.unique(piece)]
    )


def _piece_sums(theta: Theta, x: Array, y: Array) -> float:
    """How far the residuals are from orthogonal to 1 and x on every piece, relative to their size."""
    return float(np.max(np.abs(_sums(theta, x, y))) / np.max(np.abs(theta(x) - y)))


def _found(theta: Theta, x: Array, y: Array, piecewise_ols: bool) -> float:
    """The error of what knotflow finds at a critical point: its gradient, its sums, and whether they are 0."""
    found = kf.landscape.critical_point(theta.net, kf.Samples(x, y))
    sums = _sums(theta, x, y) @ np.array([[1.0, -np.mean(x)], [0.0, 1.0]])  # times x less its mean
    off = float(np.max(np.abs(found.piece_sums - sums)) / np.max(np.abs(theta(x) - y)))
    wrong = float(not found.critical or found.piecewise_ols != piecewise_ols)
    return largest(float(np.max(np.abs(found.gradient))), off, wrong)


@claim(
    "S Thm 4 ⇐",
    place="theorem 4, if",
    statement="if f is an OLS fit of the samples on every piece, θ is a critical point",
    oracle="the gradient by autograd at piecewise least-squares fits of any orientations",
)
def theorem_4_if(rng: Rng) -> Outcome:
    worst = 0.0
    for s in ([1, 1, 1, 1], [1, -1, 1, -1], [-1, -1, 1, 1]):
        x = data(rng, 20)[0]
        theta = placed([-1.3, -0.4, 0.5, 1.2], rng.normal(1, 1, 4), s, 0.3, rng.uniform(0.5, 2, 4))
        y = _piecewise_ols(rng, theta, x)
        worst = largest(worst, float(np.max(np.abs(gradient(theta, x, y)))), _found(theta, x, y, True))
    return holds(worst, tol=ROUNDING)


@claim(
    "S Thm 4 ⇒",
    place="theorem 4, only if",
    statement="with one neuron active on all data, every critical point is an OLS fit on every piece",
    corrected="if also every vᵢ ≠ 0: with vᵢ = 0 only ⟨εᵢ, wᵢx + bᵢ⟩ = 0 follows",
    oracle="residuals in the null space of the autograd Jacobian's transpose; their sums over pieces",
)
def theorem_4_only_if(rng: Rng) -> Outcome:
    x = data(rng, 16)[0]
    theta = placed([-3.0, -0.7, 0.1, 0.9], [0.7, 1.2, -0.8, 1.1], [1, 1, -1, 1], 0.3)
    dead = theta._replace(v=np.array([0.7, 0.0, theta.v[2], 1.1]))
    errors = []
    for each in (dead, theta):
        J = jacobian(each, x)
        u, sizes, _ = np.linalg.svd(J)
        free = u[:, int(np.sum(sizes > 1e-9 * sizes[0])) :]
        y = each(x) + free @ rng.normal(size=free.shape[1])
        assert np.max(np.abs(gradient(each, x, y))) < 1e-9
        off = _piece_sums(each, x, y)
        errors.append((off, _found(each, x, y, off < 1e-8)))
    note = f"v₂ = 0: a critical point whose piece sums are {errors[0][0]:.2f}, not 0"
    return corrected(errors[0][0], *errors[1], errors[0][1], tol=1e-8, note=note)


@claim(
    "S §2.3.1 partitions",
    place="section 2.3.1",
    statement="there are C(N + H, H) partitions of N samples by H breakpoints",
    oracle="enumeration of all orders of breakpoints and samples",
)
def partitions(rng: Rng) -> Outcome:
    wrong = 0
    for m, s in ((3, 4), (4, 3), (3, 7), (4, 6), (5, 5)):
        words = sum(1 for _ in itertools.combinations(range(m + s), m))
        wrong += abs(kf.landscape.partition_count(m, s) - words)
    return holds(float(wrong), tol=0.0)


@claim(
    "S Lemma 1",
    place="lemma 1",
    statement="every lonely partition has infinitely many θ that induce it and have ℓ = 0",
    oracle="the dense loss of constructed networks, for all lonely partitions of 4 samples by 6 breakpoints",
)
def lemma_1(rng: Rng) -> Outcome:
    x, y = data(rng, 4)
    samples, worst = kf.Samples(x, y), 0.0
    for where in itertools.combinations(range(7), 4):
        knots = kf.landscape.lonely_knots(samples, where, 6)
        for free in (0.0, -3.0, 40.0):
            net = kf.landscape.lonely_minimum(samples, knots, free=free)
            theta = Theta.of(net)
            induced = np.searchsorted(np.sort(theta.beta), x)
            worst = largest(worst, theta.loss(x, y), float(np.any(induced != where)))
    return holds(worst, tol=ROUNDING)


@claim(
    "S Lemma 1 proof",
    place="appendix B.6, proof of lemma 1",
    statement="the leftmost piece has a free slope and intercept, so that any facing of the neurons will do",
    corrected="its slope is Σ μᵢ over left-facing neurons; with all s = +1 and b0 = y₁ the induction works",
    oracle="least squares on the dense features of s = (+, +, −) at β = (.5, 1.05, 2.947…), and of s = (+, +, +)",
)
def lemma_1_proof(rng: Rng) -> Outcome:
    x, y = np.arange(4.0), np.array([0.3, -1.0, 2.0, 0.5])
    singular = _singular_partition()
    left = []
    for s in ([1, 1, -1], [1, 1, 1]):
        theta = placed(singular, np.ones(3), s)
        features = np.c_[np.ones(4), np.maximum(np.outer(x, theta.w) + theta.b, 0)]
        left.append(float(np.linalg.norm(y - features @ np.linalg.lstsq(features, y, rcond=1e-10)[0])))
    left[1] = largest(left[1], kf.landscape.lonely_minimum(kf.Samples(x, y), singular).loss(kf.Samples(x, y)))
    note = f"a lonely partition of 4 samples that cannot be fitted: residual {left[0]:.2f}"
    return corrected(left[0], left[1], tol=1e-9, note=note)


def _singular_partition() -> Array:
    """Breakpoints of a lonely partition of 0, 1, 2, 3 whose features with s = (+, +, -) are dependent, with 1."""
    e2 = -1.95 / 0.95
    e1 = (-e2 * 1.5 - 2.5) / 0.5
    return np.array([0.5, 1.05, -(e1 + 2 * e2)])


@claim(
    "S Lemma 1 count",
    place="lemma 1",
    statement="there are C(H + 1, N) lonely partitions",
    oracle="enumeration: at most one sample in each of the H + 1 pieces",
)
def lemma_1_count(rng: Rng) -> Outcome:
    wrong = 0
    for m, s in ((4, 3), (4, 5), (7, 3), (6, 4), (3, 5)):
        fillings = itertools.combinations_with_replacement(range(m + 1), s)
        lonely = sum(1 for each in fillings if len(set(each)) == s)
        wrong += abs(kf.landscape.lonely_partition_count(m, s) - lonely)
    return holds(float(wrong), tol=0.0)


@claim(
    "S Lemma 1 growth",
    place="lemma 1",
    statement="at H = cN the number of lonely partitions is O(N^{cN}); its log is near N log(c^c / (c − 1)^{c−1})",
    oracle="logarithms of binomials from SciPy's log Γ at N = 4000 against both formulas, and math.comb at N = 40",
)
def lemma_1_growth(rng: Rng) -> Outcome:
    n, above, off = 4000, 0.0, 0.0
    for c in (2, 3, 5):
        log_count = special.gammaln(c * n + 2) - special.gammaln(n + 1) - special.gammaln(c * n - n + 2)
        rate = c * math.log(c) - (c - 1) * math.log(c - 1)
        above = largest(above, float(log_count) / (c * n * math.log(n)) - 1)
        off = largest(off, abs(float(log_count) / (n * rate) - 1))
        above = largest(above, float(kf.landscape.lonely_partition_count(c * 40, 40) != math.comb(c * 40 + 1, 40)))
    return holds(above, off, tol=0.01)


def _lonely_hits(knots: Array, samples: Array) -> int:
    """In how many rows no two samples are in one piece."""
    hits = 0
    for row, x in zip(knots, samples, strict=True):
        piece = np.searchsorted(row, x)
        hits += len(np.unique(piece)) == len(x)
    return hits


@claim(
    "S Remark 1",
    place="remark 1",
    statement="equispaced breakpoints, uniform samples: the partition is lonely with probability 1 − e^{−N²/(H+1)}",
    corrected="Π_{k<N} (1 − k/(H − 1)) ≈ e^{−N(N−1)/(2(H−1))}: the complement was printed, and a ½ is missing",
    oracle="Monte Carlo at N = 20, H = 400 and 8000, in standard errors",
)
def remark_1(rng: Rng, quick: bool) -> Outcome:
    n, s, errors, shares = 2_000 if quick else 40_000, 20, np.zeros(2), []
    for m in (400, 8000):
        hits = _lonely_hits(np.broadcast_to(np.linspace(0, 1, m), (n, m)), rng.uniform(0, 1, (n, s)))
        chance = kf.landscape.lonely_probability(m, s, "equispaced").exact
        shares.append((hits / n, 1 - math.exp(-(s**2) / (m + 1))))
        errors = np.maximum(errors, [z_share(hits, n, shares[-1][1]), z_share(hits, n, chance)])
    (dense, printed), (sparse, unlikely) = shares
    note = f"printed {printed:.3f} and {unlikely:.3f} at H = 400 and 8000, measured {dense:.3f} and {sparse:.3f}"
    return corrected(float(errors[0]), float(errors[1]), tol=Z, note=f"N = 20: {note}")


@claim(
    "S Remark 1 limit",
    place="remark 1",
    statement="at H = dN² the probability tends to 1 − e^{−1/d}",
    corrected="to e^{−1/(2d)} for equispaced breakpoints, and to e^{−1/d} if they are random like the samples",
    oracle="the product Π (1 − k/(dN² − 1)) and the ratio C(H+1, N)/C(H+N, N) at N = 2000, by SciPy's log Γ",
)
def remark_1_limit(rng: Rng) -> Outcome:
    s, printed, correct = 2000, 0.0, 0.0
    for d in (1, 3, 20):
        m = d * s * s
        even = math.exp(float(np.sum(np.log1p(-np.arange(s) / (m - 1)))))
        log = [special.gammaln(p + 1) - special.gammaln(p - s + 1) for p in (m + 1.0, m + float(s))]
        random = math.exp(log[0] - log[1])
        printed = largest(printed, abs(1 - math.exp(-1 / d) - even))
        ours = [kf.landscape.lonely_probability(m, s, layout).approximation for layout in ("equispaced", "random")]
        correct = largest(correct, *np.abs(np.array([math.exp(-0.5 / d), ours[0]]) - even))
        correct = largest(correct, *np.abs(np.array([math.exp(-1 / d), ours[1]]) - random))
    note = f"d = 20: printed {1 - math.exp(-1 / 20):.3f}, true {even:.3f}"
    return corrected(float(printed), float(correct), tol=2e-3, note=note)


@claim(
    "S Fig 14",
    place="appendix A.3, figure 14",
    statement="the share of lonely samples rises to 1 with H/N, under He's and under uniform breakpoints",
    oracle="Monte Carlo over breakpoints, in standard errors; and falls of the exact curve",
)
def figure_14(rng: Rng, quick: bool) -> Outcome:
    x, n, worst = np.sort(rng.uniform(-2, 2, 20)), 300 if quick else 3000, 0.0
    samples = kf.Samples(x, np.zeros(20))
    for name in ("he", "uniform"):
        law = kf.initial.knot_density("he", 10) if name == "he" else lambda u: np.clip((u + 2) / 4, 0, 1)
        widths = (20, 60, 200, 2_000_000)
        curve = [kf.landscape.expected_lonely_share(samples, m, law) for m in widths]
        worst = largest(worst, 1e3 * largest(0.0, -float(np.min(np.diff(curve)))), 1e3 * largest(0.0, 0.97 - curve[-1]))
        for m, share in zip(widths[:3], curve[:3], strict=True):
            knots = rng.standard_cauchy((n, m)) if name == "he" else rng.uniform(-2, 2, (n, m))
            piece = [np.searchsorted(np.sort(row), x) for row in knots]
            alone = np.array([np.mean(np.bincount(p)[p] == 1) for p in piece])
            worst = largest(worst, abs(alone.mean() - share) / (alone.std(ddof=1) / math.sqrt(n)))
    return holds(float(worst), tol=Z)


@claim(
    "S A.3 He",
    place="appendix A.3, last paragraph",
    statement="on a small task with v = 100 the He initialization leads to lonely partitions, the uniform one with all "
    "lonely partitions reaches ℓ ≈ 0",
    corrected="He's leads to partitions that are not lonely",
    oracle="share of simulated starts (H = 100, 20 equispaced samples on [−2, 2]) that are lonely",
)
def he_not_lonely(rng: Rng, quick: bool) -> Outcome:
    samples, n = kf.Samples(np.linspace(-2, 2, 20), np.zeros(20)), 200 if quick else 2000
    starts = [kf.initial.he(100, rng) for _ in range(n)]
    hits = _lonely_hits(np.sort([net.knots for net in starts]), np.broadcast_to(samples.x, (n, 20)))
    he = sum(kf.landscape.is_lonely(net, samples) for net in starts) / n
    even = sum(kf.landscape.is_lonely(kf.initial.uniform_knots(100, rng, samples), samples) for _ in range(20)) / 20
    wrong = largest(he - 0.5, 0.0) + 1 - even + abs(he - hits / n)
    return corrected(1 - he, wrong, tol=0.0, note=f"lonely: {he:.0%} under He, {even:.0%} under uniform")
