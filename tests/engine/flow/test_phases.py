"""The probabilities of the ways out of an undecided event, against walks of descent from random phases."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from knotflow.engine.arcs import active_arc, border_sample, inactive_arc
from knotflow.engine.flow import flips, phases


def problem(seed: int, s: int) -> tuple[np.ndarray, np.ndarray]:
    """Samples, and the moves of the arcs: minus the gradient of sum_j r_j max(a x_j - b, 0) in (a, b)."""
    rng = np.random.default_rng(seed)
    x, r = np.sort(rng.normal(size=s)), rng.normal(size=s)
    move = np.zeros((2 * s, 2))
    for g in range(1, 2 * s):
        on = np.arange(s) >= s - g if g <= s else np.arange(s) < 2 * s - g
        move[g] = -np.sum((r * x)[on]), np.sum(r[on])
    return x, move


def coming(x: np.ndarray, move: np.ndarray) -> list[int]:
    """Borders along which neurons slide in."""
    s, found = x.size, []
    for k in range(2 * s):
        xj, inactive, active = x[border_sample(k, s)], move[inactive_arc(k, s)], move[active_arc(k, s)]
        u, w = inactive[0] * xj - inactive[1], active[1] - active[0] * xj
        if inactive_arc(k, s) == 0 or min(u, w) < 0.05 * np.abs(move).max():
            continue
        slid = (w * inactive + u * active) / (u + w)
        if (slid[0] + slid[1] * xj) * (1 if k < s else -1) < -0.05 * np.abs(move).max():
            found.append(k)
    return found


def ends_of_walks(k: int, x: np.ndarray, move: np.ndarray, n: int) -> np.ndarray:
    """(n, 2) the directions in which walks go in the end that begin far out on the ray of border k; 0 for dead neurons.

    Written with samples and activities alone: no arcs, no bands.
    """
    s, rng = x.size, np.random.default_rng(7)
    r = np.array([move[s - j, 1] - move[s - j - 1, 1] for j in range(s)])
    j, side = border_sample(k, s), 1.0 if k < s else -1.0
    along = side * 30.0 * np.abs(move).max() * (1.0 + rng.uniform(size=n))
    a, b = along, along * x[j] + 1e-3 * rng.normal(size=n)
    for step in range(9000):
        if step == 6000:
            before = a, b
        active = np.multiply.outer(a, x) > b[:, None]
        a, b = a - active @ (r * x), b + active @ r
    moved = np.stack([a - before[0], b - before[1]], axis=1)
    return moved / np.maximum(np.hypot(*moved.T), 1e-300)[:, None]


def directions(x: np.ndarray, move: np.ndarray) -> np.ndarray:
    """(4s, 2) the direction in which each mode goes."""
    s, out = x.size, np.zeros((4 * x.size, 2))
    out[: 2 * s] = move
    for k in range(2 * s):
        out[2 * s + k] = (1 if k < s else -1) * np.array([1.0, x[border_sample(k, s)]])
    out[0] = 0.0
    return out / np.maximum(np.hypot(*out.T), 1e-300)[:, None]


CASES = [(x, move, k) for seed in range(240) for x, move in [problem(seed, 2 + seed % 9)] for k in coming(x, move)]


@pytest.mark.slow
def test_probabilities_are_the_shares_of_walks_from_random_phases():
    checked = undecided = 0
    for x, move, k in CASES[::2]:
        odds = phases.odds_at_origin(k, x, move)
        ends, modes, n = ends_of_walks(k, x, move, 600), directions(x, move), 600
        for g in np.flatnonzero(odds):
            close = np.hypot(*(ends - modes[g]).T) < 0.05
            low, high = binom.ppf([1e-6, 1 - 1e-6], n, odds[g]) if odds[g] < 1 else (n, n)
            assert low <= close.sum() <= high, (k, x, move)
        checked, undecided = checked + 1, undecided + (odds.max() < 0.999)
    assert checked >= 25
    assert undecided >= 8


def test_probabilities_have_the_sum_one_and_no_scale() -> None:
    assert len(CASES) > 50
    for x, move, k in CASES:
        odds = phases.odds_at_origin(k, x, move)
        assert odds.sum() == pytest.approx(1, abs=1e-9)
        assert np.all(odds >= 0)
        for scale in (1e-6, 3e5):
            np.testing.assert_allclose(phases.odds_at_origin(k, x, scale * move), odds, atol=1e-5)


def test_a_reflection_of_x_turns_every_mode_into_its_mirror_image() -> None:
    """x -> -x and a -> -a: right-facing neurons become left-facing."""
    for x, move, k in CASES:
        s = x.size
        mirror = np.array([0, *range(2 * s - 1, 0, -1)])  # of arcs
        of_border = mirror - 1  # the border above an arc is the border below its mirror image
        of_border[0] = 2 * s - 1
        odds = phases.odds_at_origin(k, x, move)
        image = phases.odds_at_origin(int(of_border[k]), -x[::-1].copy(), move[mirror] * [-1.0, 1.0])
        np.testing.assert_allclose(image[mirror], odds[: 2 * s], atol=1e-5)
        np.testing.assert_allclose(image[2 * s + of_border], odds[2 * s :], atol=1e-5)


@pytest.mark.parametrize(("p", "q"), [(2.0, 0.0), (3.0, 0.5), (1.5, 2.0), (1.1, 0.7), (1.0, 1.0), (4.0, -0.5)])
def test_two_samples_by_hand(p, q):
    """A neuron slides along a > 0, b = 0. Where b >= 0 it is on arc 1, else on arc 2: b is in turn beta and beta - 1.

    Arc 1 takes p from a at a step and arc 2 takes q. From (alpha, beta), the last place with a > b >= 0, it comes to
    (alpha - p, beta - 1): on arc 3, where it stays, if alpha <= beta + p - 1. If not it comes to the dead arc.
    alpha is uniform in (beta, beta + p + q].
    """
    move = np.array([[0, 0], [-p, -1], [-q, 1], [-1, -0.5]])
    stays = (p - 1) / (p + q)
    expected = (1 - stays) * np.eye(8)[0] + stays * np.eye(8)[3]
    np.testing.assert_allclose(phases.odds_at_origin(1, np.array([0.0, 1.0]), move), expected, atol=1e-9)


def test_without_any_move_a_neuron_stays():
    odds = phases.odds_at_origin(1, np.array([0.0, 1.0]), np.zeros((4, 2)))
    np.testing.assert_array_equal(odds, [1, 0, 0, 0, 0, 0, 0, 0])


def active_share(u: float, w: float, n: int, steps: int, rng: np.random.Generator) -> float:
    """The share of random phases on the active side when c changes its sign: the steps written out."""
    c = steps + rng.uniform(size=n)
    h = c * rng.uniform(-w, u, n)
    for _ in range(steps + 1):
        h = h + np.where(h > 0, -w, u) * c
        c = c - 1
    return float(np.mean(h > 0))


@pytest.mark.parametrize("u", [0.02, 0.1, 0.29, 1 / 3, 0.37, 0.5, 0.64, 0.8, 0.95])
def test_the_active_share_of_flips_is_that_of_random_phases(u: float) -> None:
    n = 60_000
    truth = active_share(u, 1 - u, n, 700, np.random.default_rng(3))
    assert flips.odds_of_flip(u, 1 - u) == pytest.approx(truth, abs=0.01)
    assert flips.odds_of_flip(3 * u, 3 * (1 - u)) == pytest.approx(flips.odds_of_flip(u, 1 - u), abs=2e-3)
    assert flips.odds_of_flip(1 - u, u) == pytest.approx(1 - truth, abs=0.01)
