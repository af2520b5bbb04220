"""The lam of least cross-validated error of a total-variation spline, exactly: the error is quadratic between bends.

On each training set the fit is affine in lam on each stretch of its path, so that the held-out error is a parabola
there. The sum over the folds is a parabola between the ends of all stretches, and its least value is known.
"""

from __future__ import annotations

import numpy as np

from knotflow._typing import Array, Flags
from knotflow.splines.trend_path import Stretch, largest, trend_path

_EQUAL = 1e-12  # errors that differ less, relatively, count as equal


def by_cross_validation(u: Array, y: Array, weight: Array, folds: int) -> float:
    """The lam >= 0 with the least held-out error; the largest of equals. O(folds s^2) or so.

    A training set with the part p of all weight is fitted with p lam: so the loss of a sample against the penalty is
    the same.
    """
    fold = np.arange(len(u)) % folds
    ends, pieces = [], []
    for j in range(folds):
        out = fold == j
        share = float(weight[~out].sum() / weight.sum())
        path = trend_path(u[~out], y[~out], weight[~out])
        ends.append(np.array([stretch.lo for stretch in path]) / share)
        pieces.append(np.array([_parabola(stretch, u, y, weight, out, share) for stretch in path]))
    best = _least(ends, pieces)
    return max(best, largest(u, y, weight)) if best >= max(end.max() for end in ends) else best


def _parabola(stretch: Stretch, u: Array, y: Array, weight: Array, out: Flags, share: float) -> Array:
    """(3,) held-out error = c0 + c1 lam + c2 lam^2 for lam in units of all samples."""
    knots = u[~out][stretch.knots]
    at = u[out]
    p = np.clip(np.searchsorted(knots, at, side="right") - 1, 0, len(knots) - 2)
    t = (at - knots[p]) / (knots[p + 1] - knots[p])  # beyond the ends the outermost lines go on

    def on(values: Array) -> Array:
        return values[p] + t * (values[p + 1] - values[p])

    rest, move, w = on(stretch.values) - y[out], -share * on(stretch.pull), weight[out]
    return np.array([w @ rest**2, 2 * (w @ (rest * move)), w @ move**2])


def _least(ends: list[Array], pieces: list[Array]) -> float:
    """The lam of the least sum. ends[j] descend to 0; on [ends[j][i], ends[j][i - 1]] fold j has parabola i."""
    lows = np.unique(np.concatenate(ends))
    total = np.zeros((len(lows), 3))
    for low, parabola in zip(ends, pieces, strict=True):  # of those that begin at one lam the last has a length
        total += parabola[len(low) - np.searchsorted(low[::-1], lows, side="right")]
    total[-1, 1:] = 0.0  # lines
    highs = np.append(lows[1:], lows[-1])
    vertex = np.divide(-total[:, 1], 2 * total[:, 2], out=lows.copy(), where=total[:, 2] > 0)
    tried = np.concatenate([lows, np.clip(vertex, lows, highs)])
    every = np.tile(total, (2, 1))
    errors = every[:, 0] + tried * (every[:, 1] + tried * every[:, 2])
    return float(tried[errors <= errors.min() * (1 + _EQUAL)].max())
