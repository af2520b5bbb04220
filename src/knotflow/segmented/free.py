"""Continuous piecewise linear fits with knots anywhere: at samples, or between them.

With all but one knot fixed, and that one at t in a gap between two samples, the error is E + D(t)^2 / V(t): E without
the condition that the lines left and right of it meet, D by how far they are from it at t, V > 0 a quadratic. The
only minimum inside the gap is where D = 0 (Hudson 1966). So a knot of the optimum is at a sample, or it is where two
lines meet that know nothing of each other: the optimum falls into blocks between such knots, each the least squares
with knots at samples. Places are counted in half steps: 2 j is sample j, 2 j + 1 the gap right of it. Two knots in one
gap are a ramp, which joins any two lines. A piece has no, two or more samples; a sample at a knot counts for both.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations, pairwise, product

import numpy as np

from knotflow._typing import Array, Ints
from knotflow.segmented.lines import Nodes, Standard, joined

Places = tuple[int, ...]

_MOST_TRIED = 2000  # arrangements of knots that are all tried, where there are no more
_REACH = 4  # half steps that one knot moves at once in the search
_NO_LINES = (np.inf, np.zeros(0), np.zeros(0, np.int64), np.zeros(0))


class Arrangements:
    """The errors of knots at given places, by blocks, each solved once."""

    def __init__(self, points: Standard) -> None:
        self.points = points
        self._blocks: dict[Places, tuple[float, Array, Ints, Array]] = {}

    def block(self, nodes: Places) -> tuple[float, Array, Ints, Array]:
        """Error, slopes, samples and levels there of the samples nodes[0] .. nodes[-1], with knots at those between."""
        if nodes not in self._blocks:
            self._blocks[nodes] = self._solved(nodes)
        return self._blocks[nodes]

    def _solved(self, nodes: Places) -> tuple[float, Array, Ints, Array]:
        if any(b <= a for a, b in pairwise(nodes)) or len(nodes) < 2:
            return _NO_LINES
        lo, hi = nodes[0], nodes[-1] + 1
        u, v, w = (values[lo:hi] for values in (self.points.u, self.points.v, self.points.w))
        total = float(w.sum())
        part = Standard(u, v, w / total, 0.0, 1.0, 0.0, 1.0)
        inner = np.array(nodes) - lo
        slopes, first, levels = joined(part, inner, True, False)
        piece = np.searchsorted(inner[1:-1], np.arange(hi - lo), side="right")
        rest = levels[piece] + slopes[piece] * (u - u[first[piece]]) - v
        return float(w @ rest**2), slopes, first + lo, levels

    def lines(self, places: Places) -> tuple[float, tuple[Array, Ints, Array]]:
        """The error, and (slopes, samples, levels there); the error is inf if lines do not meet in their gap."""
        u, start, nodes = self.points.u, 0, [0]
        error, parts = 0.0, []
        for place in (*places, 2 * len(u) - 1):
            if place % 2 == 0:
                nodes.append(place // 2)
                continue
            end = place // 2
            if start > end:  # a ramp: its line is known when its neighbours are
                parts.append((0.0, np.full(1, np.nan), np.array([end]), np.full(1, np.nan)))
            else:
                parts.append(self.block((*nodes, end) if end > nodes[-1] or len(nodes) == 1 else (0, 0)))
            error += parts[-1][0]
            start, nodes = end + 1, [end + 1]
        if not math.isfinite(error):
            return np.inf, _NO_LINES[1:]
        slopes, anchors, levels = (np.concatenate([part[i] for part in parts]) for i in (1, 2, 3))
        _ramps(u, slopes, anchors, levels)
        return (error if self._meet(places, slopes, anchors, levels) else np.inf), (slopes, anchors, levels)

    def _meet(self, places: Places, slopes: Array, anchors: Ints, levels: Array) -> bool:
        """Whether lines on both sides of each knot in a gap meet there."""
        u = self.points.u
        for p, place in enumerate(places):
            if place % 2:
                ends = u[place // 2 : place // 2 + 2]
                left, right = (levels[q] + slopes[q] * (ends - u[anchors[q]]) for q in (p, p + 1))
                if (left[0] - right[0]) * (left[1] - right[1]) > 0:
                    return False
        return True


def _ramps(u: Array, slopes: Array, anchors: Ints, levels: Array) -> None:
    """Fill in the lines of ramps: over the middle third of their gap."""
    for p in np.flatnonzero(np.isnan(slopes)):
        lo, width = u[anchors[p]], u[anchors[p] + 1] - u[anchors[p]]
        ends = lo + width / 3, lo + 2 * width / 3
        low, high = (levels[q] + slopes[q] * (t - u[anchors[q]]) for q, t in zip((p - 1, p + 1), ends, strict=True))
        slopes[p] = (high - low) / (width / 3)
        levels[p] = low - slopes[p] * (width / 3)


def free_knots(points: Standard, at_samples: Nodes, apart: Nodes | None) -> tuple[Places, tuple[Array, Ints, Array]]:
    """Places and lines of the best arrangement that is found; never worse than `at_samples`, the best with knots there.

    apart   the best partition into pieces of two samples or more that need not meet: if they do, nothing is better
    """
    here, last = Arrangements(points), 2 * (len(points.u) - 1)
    known: Places = tuple(2 * int(j) for j in at_samples[1:-1])
    starts = [known]
    if apart is not None:
        middle = tuple(2 * int(j) - 1 for j in apart[1:-1])
        if math.isfinite(here.lines(middle)[0]):
            return middle, here.lines(middle)[1]
        starts += [tuple(q + side for q in middle) for side in (-1, 1)]
    if len(known) == 1:
        starts = [known, *_single(here, known, last)]
    elif math.comb(last + len(known), len(known)) <= _MOST_TRIED:
        starts = [known, *combinations(sorted([*range(1, last), *range(1, last, 2)]), len(known))]
    else:
        starts = [_descended(here, start, last) for start in starts]
    best = min(starts, key=lambda places: here.lines(places)[0])
    return best, here.lines(best)[1]


def _single(here: Arrangements, known: Places, last: int) -> Iterator[Places]:
    """The gaps where one knot may do better than at a sample; the first that is right is the best."""
    from knotflow.segmented.partitions import errors_from_start

    u, v, w = here.points.u, here.points.v, here.points.w
    left, right = np.empty(len(u)), np.empty(len(u))
    errors_from_start(u, v, w, left)
    errors_from_start(*(np.ascontiguousarray(values[::-1]) for values in (u, v, w)), right)
    apart = left[:-1] + right[::-1][1:]
    bound = here.lines(known)[0]
    for j in np.argsort(apart):
        if apart[j] >= bound:
            return
        if math.isfinite(here.lines((2 * int(j) + 1,))[0]):
            yield (2 * int(j) + 1,)
            return


def _descended(here: Arrangements, start: Places, last: int) -> Places:
    """A place from which no move of one knot, or of two neighbours, leads lower."""
    best, error = start, here.lines(start)[0]
    while True:
        found = [(here.lines(places)[0], places) for places in _moves(best, last)]
        lowest, places = min(found, default=(np.inf, best))
        if not lowest < error * (1 - 1e-12):
            return best
        best, error = places, lowest


def _moves(places: Places, last: int) -> Iterator[Places]:
    steps = [step for step in range(-_REACH, _REACH + 1) if step]
    for p in range(len(places)):
        for step in steps:
            yield from _in_order((*places[:p], places[p] + step, *places[p + 1 :]), last)
    short = [step for step in steps if abs(step) <= _REACH // 2]
    for p in range(len(places) - 1):
        for one, other in product(short, short):
            yield from _in_order((*places[:p], places[p] + one, places[p + 1] + other, *places[p + 2 :]), last)


def _in_order(places: Places, last: int) -> Iterator[Places]:
    """The arrangement, if it is one: ascending, with two in one gap at most."""
    ordered = all(a < b or (a == b and a % 2) for a, b in pairwise(places))
    triple = any(a == b for a, b in zip(places, places[2:], strict=False))
    if places[0] > 0 and places[-1] < last and ordered and not triple:
        yield places
