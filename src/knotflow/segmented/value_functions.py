"""Compiled: the best partition when neighbouring pieces constrain each other.

That is when they meet at a sample (continuous), when the fit may not fall (increasing), or both. The state between
two pieces is then one number, the value v of the fit there, and the least error so far is a function of v, the lower
envelope of finitely many parabolas: functional pruning, as in Fearnhead, Maidstone and Letchford 2019, "Detecting
changes in slope with an L0 penalty", here for every number of pieces at once and with order constraints.

An envelope is an array of rows (left end, A, P, M, parent): A (v - P)^2 + M from its left end to the next row's, and
the index of the row of an earlier envelope that it grew from. The least error of a line through (x_i, u) and
(x_j, v) over points with the regression state (W, mx, my, S, slope, e) is

    e + S (line's slope - slope)^2 + W (line(mx) - my)^2

a convex quadratic in (u, v). Minimising over u maps each row of the envelope at i to a parabola at j; where the
minimum of an envelope has a kink it is concave, so only the rows' own stationary points, and u = v where the fit may
not fall, have to be looked at. A, P and M are sums of terms of one sign, or means: nothing cancels.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from knotflow._typing import Array, Ints
from knotflow.engine.compiled import kernel
from knotflow.segmented.envelopes import emit, improves, insert, inside, least_on, running_minimum
from knotflow.segmented.partitions import with_point

_CAP = -2.0  # the parent of a row that stands for whatever is not worth keeping
_NODE, _LEAST = 5, 6  # columns of `Past.rows`
_NO_ROWS = np.int64(0)  # not the literal 0, for which numba would compile `emit` once more


class Points(NamedTuple):
    """Distinct samples by ascending x, and their weights: (s,) each."""

    x: Array
    y: Array
    w: Array


class Rules(NamedTuple):
    """What pieces must do: their least length, whether they meet at samples, whether the fit may not fall."""

    length: int
    continuous: bool
    rising: bool


class Past(NamedTuple):
    """The envelopes of all earlier nodes. That of k pieces that end at node i is rows[first[k, i] :][: size[k, i]].

    first, size  (pieces + 1, s + 1)
    rows         (n, 7) left end, A, P, M, parent; the node; the least value
    """

    first: Ints
    size: Ints
    rows: Array


class Present(NamedTuple):
    """The envelopes of the node that is being looked at, by the number of pieces: rows[k, : size[k]].

    spare is as long as one of them, for the new rows while they are made.
    """

    rows: Array
    size: Ints
    spare: Array


class Source(NamedTuple):
    """One row of an earlier envelope, from `left` to `right`, and its place there."""

    left: float
    right: float
    a: float
    p: float
    m: float
    place: float


class Piece(NamedTuple):
    """One piece from sample to sample, in parts of its width: how far its mean x is from its end, and its regression.

    `flat` is whether it has no width.
    """

    flat: bool
    rest: float
    total: float
    mean: float
    stiff: float
    rise: float
    error: float


@kernel
def _offer(now, k, lo, hi, a, p, m, parent):
    """Put a parabola into envelope k, where it is lower. It takes up to 3 n + 2 rows for n."""
    rows, n = now.rows[k], now.size[k]
    if not lo < hi or not improves(rows, n, lo, hi, a, p, m):
        return
    spare = now.spare
    count = insert(rows, n, spare, lo, hi, a, p, m, parent)
    for r in range(count):
        for column in range(5):
            rows[r, column] = spare[r, column]
    now.size[k] = count


@kernel(inline="always")
def _grow(now, k, source, piece, rising):
    """Offer envelope k what a row of an earlier one becomes over one more piece.

    The sum of a (u - p)^2 + m, stiff (v - u - rise)^2, total (rest u + tau v - mean)^2 and the error, over u. Without
    the first the least is at (u0, v0), and `own` is its curvature in u.
    """
    left, right, a, p, m, parent = source
    flat, rest, total, mean, stiff, rise, error = piece
    tau, least = 1 - rest, m + error
    if rising:  # u = v
        share = total / (a + total)
        miss = mean - p
        lowest = least + stiff * rise * rise + share * a * miss * miss
        _offer(now, k, left, right, a + total, p + share * miss, lowest, parent)
    if flat:
        return
    bend, turn = stiff + total * tau * tau, stiff - total * tau * rest
    own = stiff * total / bend
    share = own / (a + own) if own > 0 else 0.0
    u0, v0 = mean - tau * rise, mean + rest * rise
    miss = p - u0 if a > 0 else 0.0
    u = share * u0 + (1 - share) * p
    v = v0 + (1 - share) * miss * (turn / bend)
    both = a + stiff + total * rest * rest
    alpha = turn / both
    lo, hi = -np.inf, np.inf
    if rising:
        lo, hi = inside(alpha, u, v, left, right)
        slack = (a + total * rest) / both  # u <= v; without rounding it is 1 - alpha
        lo = max(lo, v + (u - v) / slack) if slack > 0 else (lo if u <= v else np.inf)
    a = (stiff * total + a * bend) / both
    _offer(now, k, lo, hi, a, v, least + share * source.a * miss * miss, parent)


@kernel(inline="always")
def _piece(width, state):
    """The piece with this regression."""
    total, mean_x, mean, spread, slope, error = state
    if width == 0:
        return Piece(True, 0.0, total, mean, 0.0, 0.0, error)
    return Piece(False, -mean_x / width, total, mean, spread / (width * width), slope * width, error)


@kernel
def _envelopes(points, j, caps, past, now, rules):
    """Make `now` the envelopes of all pieces that end at sample j, by looking back at every node before it.

    Returns whether there was room for them: if not, they are to be made once more in a larger `now`.
    """
    x, y, w = points
    length, continuous, rising = rules
    first, count, rows = past  # once: numba counts a reference each time an array is taken out of a record
    size, room = now.size, now.spare.shape[0]
    for k in range(size.size):
        size[k] = emit(now.rows[k], _NO_ROWS, -np.inf, 0.0, 0.0, caps[k, j], _CAP)
    state = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    for i in range(j, -1, -1):
        steps = j - i if continuous else j - i + 1
        if not continuous:
            state = with_point(*state, x[i] - x[j], y[i], w[i])
        if steps >= length and steps > 0:
            piece = _piece(x[j] - x[i], state)
            for k in range(1, size.size):
                cap = caps[k, j]
                if piece.error >= cap:
                    continue
                stop = first[k - 1, i] + count[k - 1, i]
                for p in range(first[k - 1, i], stop):
                    if rows[p, 4] == _CAP or rows[p, _LEAST] + piece.error >= cap:
                        continue
                    right = rows[p + 1, 0] if p + 1 < stop else np.inf
                    source = Source(rows[p, 0], right, rows[p, 1], rows[p, 2], rows[p, 3], float(p))
                    if 9 * size[k] + 8 > room:  # what two offers may need
                        return False
                    _grow(now, k, source, piece, rising)
        if continuous:
            state = with_point(*state, x[i] - x[j], y[i], w[i])
    most = 0
    for k in range(size.size):
        most = max(most, size[k])
    return 3 * most + 3 <= room  # what `running_minimum` may need


@kernel(inline="always")
def _kept(past, used, rows, n, k, node):
    """`past` with the n rows of an envelope of k pieces at a node, after the `used` rows that there are."""
    pool = past.rows
    if used + n > pool.shape[0]:
        pool = np.empty((2 * (used + n), 7))
        for p in range(used):
            for column in range(7):
                pool[p, column] = past.rows[p, column]
    for p in range(n):
        for column in range(5):
            pool[used + p, column] = rows[p, column]
        right = rows[p + 1, 0] if p + 1 < n else np.inf
        pool[used + p, _NODE] = node
        pool[used + p, _LEAST] = least_on(rows[p, 1], rows[p, 2], rows[p, 3], rows[p, 0], right)
    past.first[k, node] = used
    past.size[k, node] = n
    return Past(past.first, past.size, pool)


@kernel(inline="always")
def _traced(past, k, last, nodes):
    """Write to `nodes` those of the best fit in k pieces that end at node `last`; nothing if there is none."""
    row, best = -1, np.inf
    start = past.first[k, last]
    for p in range(start, start + past.size[k, last]):
        if row < 0 or past.rows[p, _LEAST] < best:
            row, best = p, past.rows[p, _LEAST]
    for p in range(k, -1, -1):
        if row >= 0 and past.rows[row, 4] != _CAP:
            nodes[p] = int(past.rows[row, _NODE])
            row = int(past.rows[row, 4])


@kernel
def constrained_nodes(points, caps, rules):
    """(pieces, pieces + 1) row k - 1: the nodes of the best fit in k pieces, -1 beyond them.

    caps        (pieces + 1, s) the error from which k pieces that end at sample j need no longer be looked at

    continuous  nodes are the samples where pieces begin and end; a piece spans at least `length` steps from
                sample to sample
    otherwise   piece p has the points node_p .. node_(p+1) - 1, at least `length` of them

    Time O(pieces s^2) times the square of the rows in an envelope, which are few; memory O(pieces s) envelopes.
    """
    s, pieces = points.x.size, caps.shape[0] - 1
    continuous = rules.continuous
    past = Past(np.zeros((pieces + 1, s + 1), np.int64), np.zeros((pieces + 1, s + 1), np.int64), np.empty((1024, 7)))
    now = Present(np.empty((pieces + 1, 64, 5)), np.zeros(pieces + 1, np.int64), np.empty((64, 5)))
    a, p = (points.w[0], points.y[0]) if continuous else (0.0, 0.0)
    used = emit(past.rows, _NO_ROWS, -np.inf, a, p, 0.0, -1.0)
    past.rows[0, _NODE] = past.rows[0, _LEAST] = 0.0
    past.size[0, 0] = 1
    for j in range(s):
        while not _envelopes(points, j, caps, past, now, rules):
            room = 2 * now.spare.shape[0]
            now = Present(np.empty((pieces + 1, room, 5)), now.size, np.empty((room, 5)))
        for k in range(1, pieces + 1):
            n = now.size[k]
            if n == 1 and now.rows[k, 0, 4] == _CAP:
                continue
            if continuous:
                past = _kept(past, used, now.rows[k], n, k, j)
            else:
                n = running_minimum(now.rows[k], n, now.spare)
                past = _kept(past, used, now.spare, n, k, j + 1)
            used += n
    nodes = np.empty((pieces, pieces + 1), np.int64)
    for k in range(1, pieces + 1):
        for p in range(pieces + 1):
            nodes[k - 1, p] = -1
        _traced(past, k, s - 1 if continuous else s, nodes[k - 1])
    return nodes
