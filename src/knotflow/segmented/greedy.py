"""Greedy merging: a piecewise linear fit in linear time, nearly as good as the best."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from knotflow._checks import count, number
from knotflow._deprecated import keyword_only
from knotflow._typing import Array
from knotflow.data import Samples
from knotflow.data.samples import given
from knotflow.errors import InputError
from knotflow.segmented.lines import Standard, separate
from knotflow.segmented.segments import Segments


class _Pieces(NamedTuple):
    """Regressions of neighbouring pieces: weight, means, sum w (x - mx)^2, slope, error, number of points."""

    w: Array
    x: Array
    y: Array
    spread: Array
    slope: Array
    error: Array
    size: Array


@keyword_only("tau", "gamma")
def greedy(data: Samples, pieces: int, *, tau: float = 1.0, gamma: float = 1.0) -> Segments:
    """A piecewise linear f whose error is at most 1 + tau times that of `optimal(data, pieces)`.

    It may use more pieces for it: at most (2 + 2 / tau) pieces + gamma (4 pieces + 1 by default); how many it did
    use is its `pieces`. Pieces need not meet.

    Parameters
    ----------
    data : Samples
        n samples, s distinct x.
    pieces : int
        The number of pieces of the optimum that it is measured by, at least 1 and at most s.
    tau : float
        Exchanges error for pieces, > 0.
    gamma : float
        A larger gamma stops earlier, with more pieces; >= 1.

    Returns
    -------
    Segments
        Each piece is the regression of its samples.

    Raises
    ------
    InputError
        For other arguments.

    Notes
    -----
    Starting from the distinct x, neighbours are merged two by two, except the (1 + 1 / tau) pieces pairs whose
    merging would cost most, until few enough are left. Of the pairs spared in a round, at least pieces / tau do not
    straddle a knot of the optimum, so they cost no more than the optimum does there, and every pair that was merged
    across one of its pieces - 1 knots costs no more than they do: together tau times the optimal error.

    O(n) after sorting: 0.7 s for n = 1e6.

    References
    ----------
    Acharya, Diakonikolas, Li and Schmidt 2016, "Fast algorithms for segmented regression", algorithm 1, with its
    noise level s = 0, for which the bound above holds for any data.

    Examples
    --------
    >>> import knotflow as kf
    >>> data = kf.Samples([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [0, 0, 0, 0, 0, 1, 2, 3, 4, 5])
    >>> fit, best = kf.segmented.greedy(data, 2), kf.segmented.optimal(data, 2)
    >>> fit.pieces <= 4 * 2 + 1 and fit.error <= 2 * best.error + 1e-12
    True
    """
    data = given(data)
    pieces = count("pieces", pieces, least=1)
    tau, gamma = number("tau", tau, above=0.0), number("gamma", gamma)
    if gamma < 1:
        raise InputError(f"gamma is {gamma}: it must be at least 1, or the merging may never end")
    points = Standard.of(data)
    if pieces > len(points.u):
        most = len(points.u)
        raise InputError(f"pieces is {pieces}: it must be at most {most}, the number of distinct x")
    zero, one = np.zeros_like(points.u), np.ones_like(points.u)
    now = _Pieces(points.w, points.u, points.v, zero, zero, zero, one)
    spared = int((1 + 1 / tau) * pieces)
    while len(now.w) > (2 + 2 / tau) * pieces + gamma:
        now = _round(now, spared)
    nodes = np.append(0, np.cumsum(now.size)).astype(np.int64)
    return points.segments(data, nodes, separate(points, nodes), meet=False)


def _round(now: _Pieces, spared: int) -> _Pieces:
    """Merge pieces 0 and 1, 2 and 3, ..., but not the `spared` pairs with the largest errors."""
    paired = len(now.w) // 2 * 2
    left, right = (_Pieces(*(values[start:paired:2] for values in now)) for start in (0, 1))
    both = _merged(left, right)
    merge = np.ones(paired // 2, dtype=bool)
    merge[np.argpartition(both.error, len(merge) - spared)[len(merge) - spared :]] = False
    gone = np.zeros(len(now.w), dtype=bool)
    gone[1:paired:2] = merge
    kept = ~gone
    merged = np.zeros(len(now.w), dtype=bool)
    merged[0:paired:2] = merge

    def after(old: Array, new: Array) -> Array:
        values = old.copy()
        values[merged] = new[merge]
        return values[kept]

    return _Pieces(*map(after, now, both))


def _merged(p: _Pieces, q: _Pieces) -> _Pieces:
    """The regressions of p and q together, in terms that are never negative: a weighted variance of three slopes."""
    w = p.w + q.w
    h = p.w * (q.w / w)
    dx, dy = q.x - p.x, q.y - p.y
    between = h * dx * dx
    spread = p.spread + q.spread + between
    steps = dy / dx
    slope = (p.spread * p.slope + q.spread * q.slope + between * steps) / spread
    error = p.error + q.error + between * (steps - slope) ** 2
    error += p.spread * (p.slope - slope) ** 2 + q.spread * (q.slope - slope) ** 2
    share = q.w / w
    return _Pieces(w, p.x + share * dx, p.y + share * dy, spread, slope, error, p.size + q.size)
