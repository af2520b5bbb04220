"""What the dynamic programme over value functions need not look at: branch and bound.

A fit with K pieces whose first k pieces end at sample j is of no use if the error so far, plus the least error that
K - k separate pieces (or any function that does not fall) must have on the samples that are left, exceeds the error
of a fit with K pieces that is already known.
"""

from __future__ import annotations

import numpy as np

from knotflow._typing import Array
from knotflow.segmented.lines import Standard, joined
from knotflow.segmented.partitions import least_errors, trace
from knotflow.segmented.search import searched_nodes

_SLACK, _TINY = 1e-9, 1e-12  # what is known has its own rounding: never prune the optimum itself


class Bounds:
    """Lower bounds on what is still to come, and on either side of each optimum."""

    def __init__(self, points: Standard, counts: list[int], min_length: int, continuous: bool, rising: bool) -> None:
        self.left = _least_left(points, counts[-1], rising)
        whole = least_errors(points.u, points.v, points.w, counts[-1], 1)[:, -1]
        if rising:
            whole = np.maximum(whole, _falling_errors(points)[0])
        self.least = {k: float(whole[k]) for k in counts}
        self.known = _known(points, counts, min_length, continuous, rising)

    def caps(self, counts: list[int], share: float) -> Array:
        """(K + 1, s) the largest error worth keeping for k pieces that end at sample j, if `counts` are wanted.

        It is assumed of each optimum that it is at most `share` of the way from the lower to the upper bound; of
        none anything if that is inf.
        """
        if share == np.inf:
            return np.full((counts[-1] + 1, self.left.shape[1]), np.inf)
        result = np.full((counts[-1] + 1, self.left.shape[1]), -np.inf)
        for count in counts:
            bound = self.least[count] + share * (self.known[count] - self.least[count])
            worth = bound * (1 + _SLACK) + _TINY - self.left[count::-1]
            result[: count + 1] = np.maximum(result[: count + 1], worth)
        return result


def _least_left(points: Standard, pieces: int, rising: bool) -> Array:
    """(K + 1, s) lower bound on the error of k more pieces on the samples after j; inf for none where one is needed."""
    u, v, w = (np.ascontiguousarray(values[::-1]) for values in (points.u, points.v, points.w))
    exactly = least_errors(u, v, w, pieces, 1)[:, :-1]
    at_most = np.minimum.accumulate(exactly, axis=0)[:, ::-1]
    return np.maximum(at_most, _falling_errors(points)) if rising else at_most


def _falling_errors(points: Standard) -> Array:
    """(s,) error of the best function that does not fall on the samples after j: pooling adjacent violators. O(s)."""
    s = len(points.u)
    errors = np.zeros(s)
    blocks: list[tuple[float, float]] = []  # (weight, mean), the leftmost last
    total = 0.0
    for j in range(s - 1, 0, -1):
        weight, mean = points.w[j], points.v[j]
        while blocks and blocks[-1][1] < mean:
            other, lower = blocks.pop()
            total += weight * other / (weight + other) * (mean - lower) ** 2
            weight, mean = weight + other, mean + (lower - mean) * other / (weight + other)
        blocks.append((weight, mean))
        errors[j - 1] = total
    return errors


def _known(points: Standard, counts: list[int], min_length: int, continuous: bool, rising: bool) -> dict[int, float]:
    """For each count the error of one fit: what a search finds, or the best separate pieces made not to fall."""
    s, length = len(points.u), max(min_length, 2)
    last = s - int(continuous)
    least = least_errors(points.u, points.v, points.w, max(min(counts[-1], s // length), 1), length)
    apart = {
        k: np.append(trace(points.u, points.v, points.w, least, k, length), last)
        for k in range(1, counts[-1] + 1)
        if k * length <= s and (k in counts or continuous)
    }
    known = apart
    if continuous and not rising:
        every = searched_nodes(points.u, points.v, points.w, list(apart.values()), counts[-1], max(min_length - 1, 1))
        known = {len(nodes) - 1: nodes for nodes in every}
    errors = {}
    for k in counts:
        nodes = known.get(k, np.arange(k + 1) * last // k)  # if there is none, there is no choice to speak of
        slopes, first, values = joined(points, nodes, continuous, rising)
        piece = np.searchsorted(points.u[nodes[1:-1]], points.u, side="right")
        f = values[piece] + slopes[piece] * (points.u - points.u[first[piece]])
        errors[k] = float(points.w @ (f - points.v) ** 2)
    return errors
