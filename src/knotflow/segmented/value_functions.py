"""Compiled: the best partition when neighbouring pieces constrain each other.

That is when they meet at a sample (continuous), when the fit may not fall (increasing), or both. The state between
two pieces is then one number, the value v of the fit there, and the least error so far is a function of v, the lower
envelope of finitely many parabolas: functional pruning, as in Fearnhead, Maidstone and Letchford 2019, "Detecting
changes in slope with an L0 penalty", here for every number of pieces at once and with order constraints.

An envelope is an array of rows (left end, A, B, C, parent): A v^2 + B v + C from its left end to the next row's, and
the index of the row of an earlier envelope that it grew from. The least error of a line through (x_i, u) and
(x_j, v) over points with the regression state (W, mx, my, S, slope, e) is

    e + S (line's slope - slope)^2 + W (line(mx) - my)^2

a convex quadratic in (u, v). Minimising over u maps each row of the envelope at i to a parabola at j; where the
minimum of an envelope has a kink it is concave, so only the rows' own stationary points, and u = v where the fit may
not fall, have to be looked at.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from knotflow._typing import Array, Ints
from knotflow.engine.compiled import kernel
from knotflow.segmented.partitions import with_point

_TIE = 1e-14  # errors are in units of that of the best constant; what is not better by this is no better
_CAP = -2.0  # the parent of a row that stands for whatever is not worth keeping
_NODE, _LEAST = 5, 6  # columns of `Past.rows`
_NO_ROWS = np.int64(0)  # not the literal 0, for which numba would compile `_emit` once more


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
    rows         (n, 7) left end, A, B, C, parent; the node; the least value
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
    b: float
    c: float
    place: float


class Piece(NamedTuple):
    """One piece from sample to sample: its width, where its mean x is in parts of that, and its regression."""

    width: float
    tau: float
    total: float
    mean: float
    spread: float
    slope: float
    error: float


@kernel(inline="always")
def _middle(lo, hi):
    """A point strictly inside (lo, hi), whichever end is infinite."""
    if lo == -np.inf and hi == np.inf:
        return 0.0
    if lo == -np.inf:
        return hi - 1 - abs(hi)
    if hi == np.inf:
        return lo + 1 + abs(lo)
    return lo + 0.5 * (hi - lo)


@kernel(inline="always")
def _at(a, b, c, v):
    return (a * v + b) * v + c


@kernel
def _dips(a, b, c, lo, hi):
    """Whether a v^2 + b v + c < 0 somewhere in (lo, hi)."""
    if _at(a, b, c, _middle(lo, hi)) < 0:
        return True
    if lo > -np.inf and _at(a, b, c, lo) < 0:
        return True
    if hi < np.inf and _at(a, b, c, hi) < 0:
        return True
    if a > 0:
        v = -b / (2 * a)
        return lo < v < hi and c + 0.5 * b * v < 0
    return (lo == -np.inf and (a < 0 or b > 0)) or (hi == np.inf and (a < 0 or b < 0))


@kernel(inline="always")
def _roots(a, b, c):
    """The real roots of a v^2 + b v + c in order, inf for those that are not there."""
    if a == 0:
        return (np.inf if b == 0 else -c / b), np.inf
    square = b * b - 4 * a * c
    if square <= 0:
        return np.inf, np.inf
    q = -0.5 * (b + np.copysign(np.sqrt(square), b))
    first = q / a
    second = c / q if q != 0 else np.inf
    return min(first, second), max(first, second)


@kernel
def _emit(rows, n, left, a, b, c, parent):
    """Append a row, unless the last one just goes on."""
    if n > 0 and rows[n - 1, 4] == parent and rows[n - 1, 1] == a and rows[n - 1, 2] == b and rows[n - 1, 3] == c:
        return n
    rows[n, 0], rows[n, 1], rows[n, 2], rows[n, 3], rows[n, 4] = left, a, b, c, parent
    return n + 1


@kernel
def _improves(rows, n, lo, hi, a, b, c):
    """Whether the parabola is below the envelope somewhere in (lo, hi)."""
    for p in range(n):
        left = max(rows[p, 0], lo)
        right = min(rows[p + 1, 0] if p + 1 < n else np.inf, hi)
        if left < right and (
            rows[p, 3] == np.inf or _dips(a - rows[p, 1], b - rows[p, 2], c - rows[p, 3] + _TIE, left, right)
        ):
            return True
    return False


@kernel
def _insert(rows, n, out, lo, hi, a, b, c, parent):
    """Write the minimum of the envelope and the parabola on (lo, hi) to `out`; its number of rows."""
    m = 0
    for p in range(n):
        left = rows[p, 0]
        right = rows[p + 1, 0] if p + 1 < n else np.inf
        oa, ob, oc, old = rows[p, 1], rows[p, 2], rows[p, 3], rows[p, 4]
        start, stop = max(left, lo), min(right, hi)
        if not start < stop:
            m = _emit(out, m, left, oa, ob, oc, old)
            continue
        if left < start:
            m = _emit(out, m, left, oa, ob, oc, old)
        da, db, dc = a - oa, b - ob, c - oc + _TIE
        r1, r2 = (np.inf, np.inf) if oc == np.inf else _roots(da, db, dc)
        edge = start
        for k in range(3):
            end = stop if k == 2 else min(r1 if k == 0 else r2, stop)
            if end > edge:
                if oc == np.inf or _at(da, db, dc, _middle(edge, end)) < 0:
                    m = _emit(out, m, edge, a, b, c, parent)
                else:
                    m = _emit(out, m, edge, oa, ob, oc, old)
                edge = end
        if stop < right:
            m = _emit(out, m, stop, oa, ob, oc, old)
    return m


@kernel
def _offer(now, k, lo, hi, a, b, c, parent):
    """Put a parabola into envelope k, where it is lower. It takes up to 3 n + 2 rows for n."""
    rows, n = now.rows[k], now.size[k]
    if not lo < hi or not _improves(rows, n, lo, hi, a, b, c):
        return
    spare = now.spare
    m = _insert(rows, n, spare, lo, hi, a, b, c, parent)
    for p in range(m):
        for column in range(5):
            rows[p, column] = spare[p, column]
    now.size[k] = m


@kernel
def _inside(alpha, beta, left, right):
    """The interval of v for which left < alpha v + beta < right."""
    if alpha > 0:
        return (left - beta) / alpha, (right - beta) / alpha
    if alpha < 0:
        return (right - beta) / alpha, (left - beta) / alpha
    return (-np.inf, np.inf) if left <= beta < right else (np.inf, -np.inf)


@kernel(inline="always")
def _grow(now, k, source, piece, rising):
    """Offer envelope k what a row of an earlier one becomes over one more piece."""
    left, right, a, b, c, parent = source
    width, tau, total, my, spread, slope, error = piece
    stiff, rise = (spread / (width * width), slope * width) if width > 0 else (0.0, 0.0)
    const = error + stiff * rise * rise + total * my * my
    if rising:  # u = v
        _offer(now, k, left, right, a + total, b - 2 * total * my, c + const, parent)
    if width == 0:
        return
    u2 = a + stiff + total * (1 - tau) * (1 - tau)
    uv = 2 * (total * tau * (1 - tau) - stiff)
    u1 = b + 2 * (stiff * rise - total * (1 - tau) * my)
    v2 = stiff + total * tau * tau
    v1 = -2 * (stiff * rise + total * tau * my)
    alpha, beta = -uv / (2 * u2), -u1 / (2 * u2)
    lo, hi = -np.inf, np.inf
    if rising:
        lo, hi = _inside(alpha, beta, left, right)
        # u <= v; without rounding alpha < 1, because the mean x is not beyond x_j
        lo = max(lo, beta / (1 - alpha)) if alpha < 1 else (lo if beta <= 0 else np.inf)
    _offer(now, k, lo, hi, v2 + 0.5 * uv * alpha, v1 + uv * beta, c + const + 0.5 * u1 * beta, parent)


@kernel
def _running_minimum(rows, n, out):
    """The envelope of min_{u <= v} V(u), for a next piece that may start above the end of this one."""
    m, best, source = 0, np.inf, -1.0
    for p in range(n):
        left = rows[p, 0]
        right = rows[p + 1, 0] if p + 1 < n else np.inf
        a, b, c, parent = rows[p, 1], rows[p, 2], rows[p, 3], rows[p, 4]
        lowest = right if a <= 0 else min(max(-b / (2 * a), left), right)
        if a <= 0 and b >= 0:
            lowest = left
        under = left  # from here to `lowest` the parabola is the running minimum
        if lowest > left and best < np.inf and _at(a, b, c, left) > best:
            root = _roots(a, b, c - best)[0]
            under = root if left <= root < lowest else lowest
        bottom = _at(a, b, c, lowest) if abs(lowest) < np.inf else np.inf
        if under > left:
            m = _emit(out, m, left, 0.0, 0.0, best, source)
        if under < lowest:
            m = _emit(out, m, under, a, b, c, parent)
        if bottom < best:
            best, source = bottom, parent
        if lowest < right:
            m = _emit(out, m, lowest, 0.0, 0.0, best, source)
    return m


@kernel
def _least(a, b, c, lo, hi):
    """The least value of a v^2 + b v + c, a >= 0, on (lo, hi); it has one there."""
    v = min(max(-b / (2 * a), lo), hi) if a > 0 else _middle(lo, hi)
    return _at(a, b, c, v)


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
        size[k] = _emit(now.rows[k], _NO_ROWS, -np.inf, 0.0, 0.0, caps[k, j], _CAP)
    state = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    for i in range(j, -1, -1):
        steps = j - i if continuous else j - i + 1
        if not continuous:
            state = with_point(*state, x[i], y[i], w[i])
        if steps >= length and steps > 0:
            width = x[j] - x[i]
            tau = (state[1] - x[i]) / width if width > 0 else 0.0
            piece = Piece(width, tau, state[0], state[2], state[3], state[4], state[5])
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
            state = with_point(*state, x[i], y[i], w[i])
    most = 0
    for k in range(size.size):
        most = max(most, size[k])
    return 3 * most + 3 <= room  # what `_running_minimum` may need


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
        pool[used + p, _LEAST] = _least(rows[p, 1], rows[p, 2], rows[p, 3], rows[p, 0], right)
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
    a, b, c = 0.0, 0.0, 0.0
    if continuous:
        w, y = points.w[0], points.y[0]
        a, b, c = w, -2 * w * y, w * y * y
    used = _emit(past.rows, _NO_ROWS, -np.inf, a, b, c, -1.0)
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
                n = _running_minimum(now.rows[k], n, now.spare)
                past = _kept(past, used, now.spare, n, k, j + 1)
            used += n
    nodes = np.empty((pieces, pieces + 1), np.int64)
    for k in range(1, pieces + 1):
        for p in range(pieces + 1):
            nodes[k - 1, p] = -1
        _traced(past, k, s - 1 if continuous else s, nodes[k - 1])
    return nodes
