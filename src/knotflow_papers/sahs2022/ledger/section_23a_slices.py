"""Section 2.3: the loss along breakpoints."""

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
    data,
    draw,
    gradient,
    relative,
)


def _moved(theta: Theta, i: int, beta: float) -> Theta:
    """The same with the breakpoint of neuron i at beta: version (i) of the paper, b alone."""
    b = theta.b.copy()
    b[i] = -theta.w[i] * beta
    return theta._replace(b=b)


def _along(theta: Theta, i: int, at: Array, x: Array, y: Array) -> Array:
    return np.array([_moved(theta, i, beta).loss(x, y) for beta in at])


def _difference(values: Array, k: int) -> float:
    """The largest k-th difference, relative to the largest value."""
    return float(np.max(np.abs(np.diff(values, k))) / np.max(np.abs(values)))


@claim(
    "S Thm 3 joint",
    place="theorem 3, first sentence",
    statement="the loss is a piecewise quadratic function of (β, μ)",
    corrected="piecewise of degree 4 jointly; quadratic in β at fixed μ and in μ at fixed β",
    oracle="third and fifth differences of the dense loss along a line in (β, μ) that meets no sample",
)
def theorem_3_joint(rng: Rng) -> Outcome:
    x, y = data(rng, 6)
    theta, t = draw(rng, 5), np.linspace(0, 1, 12)
    beta, mu = x[2] + (0.1 + 0.8 * t) * (x[3] - x[2]), 0.5 + 2 * t

    def loss(p: float, q: float) -> float:
        at = _moved(theta, 0, p)
        return at._replace(v=np.append(q / theta.w[0], theta.v[1:])).loss(x, y)

    line = np.array([loss(p, q) for p, q in zip(beta, mu, strict=True)])
    ours = np.diag(kf.landscape.knot_section(theta.net, kf.Samples(x, y), 0, beta, mu).loss)
    third, correct = _difference(line, 3), largest(_difference(line, 5), relative(ours, line))
    note = f"third differences along a line: {third:.1e} of the loss, fifth {correct:.0e}"
    return corrected(third, correct, tol=1e-9, note=note)


@claim(
    "S Thm 3 slice",
    place="theorem 3, second sentence",
    statement="the slice of the loss along one βᵢ is continuous and piecewise quadratic, with knots at the samples",
    oracle="the dense loss on a grid, and its third differences between samples",
    trials=(100, 10),
)
def theorem_3_slice(rng: Rng) -> Outcome:
    (x, y), theta, worst = data(rng, 8), draw(rng, 6), 0.0
    slice_ = kf.landscape.loss_slice(theta.net, kf.Samples(x, y), 0)
    for lo, hi in itertools.pairwise([x[0] - 1, *x, x[-1] + 1]):
        at = np.linspace(lo, hi, 7)
        dense = _along(theta, 0, at, x, y)
        worst = largest(worst, _difference(dense, 3), relative(slice_(at), dense))
    return holds(worst, tol=ROUNDING)


def _outer(theta: Theta, x: Array) -> tuple[float, float]:
    """The interval beyond the samples on which neuron 0 is dead."""
    return (x[-1], x[-1] + 1) if theta.w[0] > 0 else (x[0] - 1, x[0])


@claim(
    "S Thm 3 curvature",
    place="theorem 3, “which both have positive curvature”",
    statement="all pieces of the slice have positive curvature",
    corrected="curvature μᵢ² |A|, A the active samples: 0 on the outer piece on which the neuron is dead",
    oracle="second differences of the dense loss on every piece",
)
def theorem_3_curvature(rng: Rng, quick: bool) -> Outcome:
    flat, worst, total = 0, 0.0, 0
    for _ in range(10 if quick else 60):
        (x, y), theta = data(rng, 6), draw(rng, 6)
        measured = []
        for lo, hi in itertools.pairwise([x[0] - 1, *x, x[-1] + 1]):
            at = np.linspace(lo, hi, 3)
            measured.append(float(np.diff(_along(theta, 0, at, x, y), 2)[0] / (at[1] - at[0]) ** 2))
        ours = kf.landscape.loss_slice(theta.net, kf.Samples(x, y), 0).curvatures
        flat += int(np.sum(np.array(measured) < 1e-9))
        total += len(measured)
        worst = largest(worst, relative(ours, measured))
    return corrected(flat / total, worst, tol=1e-7, note=f"{flat} of {total} pieces are flat")


def _vertices(theta: Theta, n: int, x: Array, y: Array) -> tuple[float, float]:
    """m1 and m2: where the parabolas left and right of x_n have their minimum, by fits to the dense loss."""
    found = []
    edges = [x[0] - 1, *x, x[-1] + 1]
    for lo, hi in ((edges[n], edges[n + 1]), (edges[n + 1], edges[n + 2])):
        at = np.linspace(lo, hi, 3)
        c2, c1, _ = np.polyfit(at - x[n], _along(theta, 0, at, x, y), 2)
        found.append(-c1 / (2 * c2) if abs(c2) > 1e-7 else np.nan)
    return found[0], found[1]


def _type(m1: float, m2: float) -> str:
    if np.isnan(m1) or np.isnan(m2):
        return "flat"
    if m1 < 0 < m2:
        return "repeller"
    return "attractor" if m2 < 0 < m1 else "passthrough"


@claim(
    "S Thm 3 types",
    place="theorem 3, figure 3",
    statement="every sample is a passthrough, a repeller (m₁ < xₙ < m₂) or an attractor (m₂ < xₙ < m₁), with measure 1",
    corrected="or flat: the outermost sample on the dead side has only one parabola",
    oracle="parabolas fitted to the dense loss on both sides of every sample; samples of no or of another type",
)
def theorem_3_types(rng: Rng, quick: bool) -> Outcome:
    flat = wrong = total = 0
    for _ in range(10 if quick else 100):
        (x, y), theta = data(rng, 6), draw(rng, 6)
        ours = kf.landscape.knot_types(theta.net, kf.Samples(x, y))[0]
        dense = [_type(*_vertices(theta, n, x, y)) for n in range(6)]
        flat += dense.count("flat")
        wrong += int(np.sum(ours != np.array(dense)))
        total += 6
    note = f"{flat} of {total} pairs of a neuron and a sample are of no type"
    return corrected(flat / total, wrong / total, tol=0.0, note=note)


def _flow_type(theta: Theta, x: Array, y: Array, n: int, parts: str) -> str:
    """From the velocity of the breakpoint of neuron 0 on both sides of x_n, by autograd; parts: what moves."""
    velocity, m, step = [], len(theta.w), 1e-7
    for side in (-1, 1):
        at = _moved(theta, 0, x[n] + side * step)
        if not np.any(at.w[0] * x + at.b[0] > 0):
            return "flat"
        g = -gradient(at, x, y)
        w_dot = g[0] if "w" in parts else 0.0
        velocity.append(-(g[m] + at.beta[0] * w_dot) / at.w[0])
    left, right = velocity
    if left > 0 > right:
        return "attractor"
    return "repeller" if left < 0 < right else "passthrough"


@claim(
    "S §2.3 flow",
    place="section 2.3, after theorem 3",
    statement="gradient flow passes through type I knots and is repelled or attracted by the others",
    corrected="that of bᵢ alone is; under the flow of (w, b, v) a sample counts (1 + xₙ²) and other samples are the "
    "attractors",
    oracle="velocities by autograd on both sides of the samples; share of kinks of either kind that differ",
)
def flow_types(rng: Rng, quick: bool) -> Outcome:
    kinks = differ = wrong = slices = 0
    for _ in range(12 if quick else 120):
        x, theta = data(rng, 8)[0], draw(rng, 6)
        theta = theta._replace(v=theta.v * np.append(0.05, np.ones(5)))
        y = theta(x) + rng.normal(size=8)  # a neuron that hardly matters, residuals of any sign: many kinks
        samples = kf.Samples(x, y)
        alone = kf.landscape.knot_types(theta.net, samples)[0]
        full = kf.landscape.knot_types(theta.net, samples, motion="flow")[0]
        for n in range(8):
            dense, b_only = (_flow_type(theta, x, y, n, parts) for parts in ("wbv", "b"))
            slices += int(b_only != alone[n])
            if {alone[n], dense} & {"attractor", "repeller"}:
                kinks += 1
                differ += int(alone[n] != dense)
            wrong += int(full[n] != dense)
    note = f"{differ} of {kinks} attractors and repellers of either are something else for the other"
    return corrected(differ / max(kinks, 1), float(wrong + slices), tol=0.0, note=note)


@claim(
    "S §2.3 versions",
    place="section 2.3, versions (i) and (ii)",
    statement="((1 + δ)w, b, v/(1 + δ)) is a change of b alone followed by an α-scaling",
    oracle="the dense forward passes",
)
def versions(rng: Rng) -> Outcome:
    theta, x, worst = draw(rng, 4), np.linspace(-4, 4, 101), 0.0
    for delta in (-0.4, 0.2, 1.5):
        second = theta._replace(
            w=np.append(theta.w[0] * (1 + delta), theta.w[1:]), v=np.append(theta.v[0] / (1 + delta), theta.v[1:])
        )
        first = _moved(theta, 0, float(theta.beta[0] / (1 + delta))).net.rescaled([1 + delta, 1, 1, 1])
        worst = largest(worst, relative(first(x), second(x)))
    return holds(worst, tol=ROUNDING)


@claim(
    "S Cor 2",
    place="corollary 2",
    statement="both one-dimensional slices of ℓ that change only βᵢ are piecewise quadratic in βᵢ",
    oracle="third differences in βᵢ of the dense loss along both, between samples, and the loss itself",
)
def corollary_2(rng: Rng) -> Outcome:
    (x, y), theta = data(rng, 6), draw(rng, 5)
    worst, samples = 0.0, kf.Samples(x, y)
    for i, j in ((0, 4), (1, 1), (2, 2)):
        beta = np.linspace(x[j] + 0.1 * (x[j + 1] - x[j]), x[j] + 0.9 * (x[j + 1] - x[j]), 9)
        start = _moved(theta, i, beta[0] if abs(beta[0]) > 0.05 else beta[-1])
        shifted, turned = [], []
        for at in beta:
            w, b, v = (part.copy() for part in (start.w, start.b, start.v))
            b[i] = -at * w[i]
            shifted.append(start._replace(b=b).loss(x, y))
            w[i] = start.w[i] * start.beta[i] / at  # (ii): b stays, so that βᵢ cannot pass 0
            v[i] = start.v[i] * start.w[i] / w[i]
            turned.append(start._replace(w=w, v=v).loss(x, y) if at * start.beta[i] > 0 else shifted[-1])
        ours = kf.landscape.loss_slice(start.net, samples, i)(beta)
        for losses in (shifted, turned):
            worst = largest(worst, _difference(np.array(losses), 3), relative(ours, losses))
    return holds(worst, tol=ROUNDING)
