"""Events after which the flow has several solutions, and descent takes one of them by the phase of its steps.

The statements are derived in docs/origin.md.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

import knotflow as kf
from knotflow_papers.ledger.entry import Outcome, claim, fails, holds, largest
from knotflow_papers.ledger.oracles import Array, Rng, Z, z_share

# Samples, and networks (a, b, c) with a neuron that slides into a = b = 0, and with one whose c changes its sign.
_X = np.array([-1.0, -0.6, -0.1, 0.4, 1.0])
_Y = np.array([0.2, 0.9, -0.4, 0.4, -0.7])
_VANISHES = np.array([[0.08, 0.63, 0.1, 0.34], [-0.008, -0.063, 0.042, -0.034], [0.9, -0.39, 0.13, 0.25]])
_TURNS_ROUND = np.array([[-1.65, -0.25, 0.67, 0.72], [0.989, 0.025, -0.067, 0.289], [0.2, 0.06, 0.11, -0.67]])


def _descents(z: Array, data: kf.Samples, until: float, steps: NDArray[np.int64]) -> Array:
    """(n, 3, m): where gradient descent comes from z in the time ``until``, with each of n numbers of steps."""
    lr, runs = until / steps[:, None], np.repeat(z[None], len(steps), axis=0)
    for step in range(int(steps.max())):
        going = np.flatnonzero(step < steps)
        a, b, c = runs[going].transpose(1, 0, 2)
        h = np.maximum(a[:, :, None] * data.x - b[:, :, None], 0.0)
        r = np.einsum("nm,nmj->nj", c, h) - data.y
        on = h > 0
        slope = np.stack([c * (on @ (r * data.x)[..., None])[..., 0], -c * (on @ r[..., None])[..., 0],
                          np.einsum("nj,nmj->nm", r, h)], axis=1)  # fmt: skip
        runs[going] -= lr[going, :, None] * slope
    return runs


def _sides(z: Array, kind: str, rng: Rng, n: int) -> tuple[Array, Array]:
    """(probabilities, counts) of the two ways that the first neuron of an undecided event may take.

    The counts are of n descents over a range of small steps, which all begin shortly before the event.
    """
    net, data = kf.ReLUNet(*z), kf.Samples(_X, _Y)
    outcomes = kf.evolve(net, data, kf.GradientFlow(1e-10), until=1.0, save_at=[]).outcomes
    ways = outcomes[outcomes["time"] == outcomes["time"][0]]
    i, time = int(ways["neuron"][0]), float(ways["time"][0])
    assert len(ways) == 2
    assert kind in ways["kind"]
    begin = time - 0.05
    start = kf.evolve(net, data, kf.GradientFlow(1e-10), until=begin, save_at=[]).final
    steps = np.round(0.07 * rng.uniform(5e4, 1e5, n)).astype(np.int64)
    end = _descents(np.stack([start.a, start.b, start.c]), data, 0.07, steps)
    active = np.sum(np.multiply.outer(end[:, 0, i], _X) > end[:, 1, i, None], axis=1)
    size = ways["stop"] - ways["first"]  # a neuron that slides is active at its sample in some of the steps
    found = (active[:, None] == size) | (active[:, None] == size + (ways["sample"] >= 0))
    return ways["probability"], found.sum(axis=0)


@claim(
    "X Origin",
    place="after lemma 2 of Williams et al.; docs/origin.md",
    statement="a neuron with δ > 0 that slides into a = b = 0 goes on in each mode for a share of small steps of"
    " descent: the share of a parallelogram of phases under a piecewise translation",
    oracle="hundreds of descents with steps of 10⁻⁵ to 2 · 10⁻⁵, written out; standard errors, all descents counted",
)
def origin(rng: Rng, quick: bool) -> Outcome:
    n = 150 if quick else 600
    odds, counts = _sides(_VANISHES, "rest", rng, n)
    return holds(largest(z_share(int(counts[0]), n, float(odds[0])), float(n - counts.sum())), tol=Z)


@claim(
    "X Origin limit",
    place="lemma 3 of Williams et al., read as a statement on descent; docs/origin.md",
    statement="gradient descent tends to one gradient flow as its step goes to 0",
    oracle="descents, written out: two steps within 1 % of each other that end on different arcs, at three scales",
)
def no_limit(rng: Rng, quick: bool) -> Outcome:
    data, net = kf.Samples(_X, _Y), kf.ReLUNet(*_VANISHES)
    way = kf.evolve(net, data, kf.GradientFlow(1e-10), until=1.0, save_at=[]).outcomes[0]
    i, begin = int(way["neuron"]), float(way["time"]) - 0.01
    start = kf.evolve(net, data, kf.GradientFlow(1e-10), until=begin, save_at=[]).final
    z, rarest = np.stack([start.a, start.b, start.c]), 1.0
    for scale in (1e4, 1e5) if quick else (1e4, 1e5, 1e6):
        steps = np.round(0.015 * scale * np.linspace(1.0, 1.01, 40)).astype(np.int64)
        end = _descents(z, data, 0.015, steps)
        dead = ~np.any(np.multiply.outer(end[:, 0, i], _X) > end[:, 1, i, None], axis=1)
        rarest = min(rarest, float(np.mean(dead)), float(1 - np.mean(dead)))
    return fails(rarest, tol=0.0, note=f"at every scale at least {rarest:.0%} of the steps go either way")


@claim(
    "X Sign of c",
    place="after lemma 3 of Williams et al.; docs/origin.md",
    statement="where c changes its sign while the knot is at a sample, both sides push it away; descent takes either"
    " side for a share of small steps that depends on the quotient of the two velocities alone",
    oracle="hundreds of descents with steps of 10⁻⁵ to 2 · 10⁻⁵, written out; standard errors, all descents counted",
)
def sign_of_c(rng: Rng, quick: bool) -> Outcome:
    n = 150 if quick else 600
    odds, counts = _sides(_TURNS_ROUND, "flip", rng, n)
    return holds(largest(z_share(int(counts[0]), n, float(odds[0])), float(n - counts.sum())), tol=Z)
