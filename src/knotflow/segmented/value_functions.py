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

import numpy as np

from knotflow.engine.compiled import kernel
from knotflow.segmented.partitions import with_point

_TIE = 1e-14  # errors are in units of that of the best constant; what is not better by this is no better
_CAP = -2.0  # the parent of a row that stands for whatever is not worth keeping


@kernel
def _middle(lo, hi):
    """A point strictly inside (lo, hi), whichever end is infinite."""
    if lo == -np.inf and hi == np.inf:
        return 0.0
    if lo == -np.inf:
        return hi - 1 - abs(hi)
    if hi == np.inf:
        return lo + 1 + abs(lo)
    return lo + 0.5 * (hi - lo)


@kernel
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


@kernel
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
def _offer(env, sizes, spare, k, lo, hi, a, b, c, parent):
    """Put a parabola into envelope k; the arrays, which are replaced by larger ones when they are full."""
    if not lo < hi or not _improves(env[k], sizes[k], lo, hi, a, b, c):
        return env, spare
    if 3 * sizes[k] + 3 > env.shape[1]:
        larger = np.empty((env.shape[0], 2 * env.shape[1] + 3, 5))
        larger[:, : env.shape[1]] = env
        env, spare = larger, np.empty((larger.shape[1], 5))
    m = _insert(env[k], sizes[k], spare, lo, hi, a, b, c, parent)
    env[k, :m] = spare[:m]
    sizes[k] = m
    return env, spare


@kernel
def _inside(alpha, beta, left, right):
    """The interval of v for which left < alpha v + beta < right."""
    if alpha > 0:
        return (left - beta) / alpha, (right - beta) / alpha
    if alpha < 0:
        return (right - beta) / alpha, (left - beta) / alpha
    return (-np.inf, np.inf) if left <= beta < right else (np.inf, -np.inf)


@kernel
def _grow(env, sizes, spare, k, row, right, parent, width, tau, state, rising):
    """Offer envelope k what the source's `row`, which ends at `right`, becomes over one more piece.

    The piece is `width` wide and has the regression `state`, its mean x the part tau of the way.
    """
    total, _, my, spread, slope, error = state
    left, a, b, c = row[0], row[1], row[2], row[3]
    stiff, rise = (spread / (width * width), slope * width) if width > 0 else (0.0, 0.0)
    const = error + stiff * rise * rise + total * my * my
    if rising:  # u = v
        env, spare = _offer(env, sizes, spare, k, left, right, a + total, b - 2 * total * my, c + const, parent)
    if width == 0:
        return env, spare
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
    return _offer(
        env,
        sizes,
        spare,
        k,
        lo,
        hi,
        v2 + 0.5 * uv * alpha,
        v1 + uv * beta,
        c + const + 0.5 * u1 * beta,
        parent,
    )


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
def constrained_nodes(x, y, w, caps, length, continuous, rising):
    """(pieces, pieces + 1) row k - 1: the nodes of the best fit in k pieces, -1 beyond them.

    caps        (pieces + 1, s) the error from which k pieces that end at sample j need no longer be looked at

    continuous  nodes are the samples where pieces begin and end; a piece spans at least `length` steps from
                sample to sample
    otherwise   piece p has the points node_p .. node_(p+1) - 1, at least `length` of them

    The envelope of k pieces that end at node i is pool[first[k, i] : first[k, i] + count[k, i]]. Time
    O(pieces s^2) times the square of the rows in an envelope, which are few; memory O(pieces s) envelopes.
    """
    s = x.size
    pieces = caps.shape[0] - 1
    last = s - 1 if continuous else s
    first = np.zeros((pieces + 1, s + 1), np.int64)
    count = np.zeros((pieces + 1, s + 1), np.int64)
    pool = np.empty((1024, 5))
    node = np.empty(1024, np.int64)
    pool[0] = (-np.inf, 0.0, 0.0, 0.0, -1.0)
    if continuous:
        pool[0] = (-np.inf, w[0], -2 * w[0] * y[0], w[0] * y[0] * y[0], -1.0)
    node[0], used = 0, 1
    lowest = np.zeros(1024)
    count[0, 0] = 1
    env = np.empty((pieces + 1, 64, 5))
    spare = np.empty((64, 5))
    sizes = np.zeros(pieces + 1, np.int64)
    for j in range(s):
        for k in range(pieces + 1):
            sizes[k] = _emit(env[k], 0, -np.inf, 0.0, 0.0, caps[k, j], _CAP)
        state = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        for i in range(j, -1, -1):
            steps = j - i if continuous else j - i + 1
            if not continuous:
                state = with_point(*state, x[i], y[i], w[i])
            if steps >= length and steps > 0:
                width = x[j] - x[i]
                tau = (state[1] - x[i]) / width if width > 0 else 0.0
                for k in range(1, pieces + 1):
                    if state[5] >= caps[k, j]:
                        continue
                    start, n = first[k - 1, i], count[k - 1, i]
                    for p in range(start, start + n):
                        if pool[p, 4] == _CAP or lowest[p] + state[5] >= caps[k, j]:
                            continue
                        right = pool[p + 1, 0] if p + 1 < start + n else np.inf
                        env, spare = _grow(env, sizes, spare, k, pool[p], right, float(p), width, tau, state, rising)
            if continuous:
                state = with_point(*state, x[i], y[i], w[i])
        at = j if continuous else j + 1
        for k in range(1, pieces + 1):
            if sizes[k] == 1 and env[k, 0, 4] == _CAP:
                continue
            if 3 * sizes[k] + 3 > spare.shape[0]:
                spare = np.empty((3 * sizes[k] + 3, 5))
            n = sizes[k]
            spare[:n] = env[k, :n]
            if not continuous:
                n = _running_minimum(env[k], sizes[k], spare)
            while used + n > pool.shape[0]:
                pool = np.concatenate((pool, np.empty_like(pool)))
                node = np.concatenate((node, np.empty_like(node)))
                lowest = np.concatenate((lowest, np.empty_like(lowest)))
            for p in range(n):
                right = spare[p + 1, 0] if p + 1 < n else np.inf
                pool[used + p], node[used + p] = spare[p], at
                lowest[used + p] = _least(spare[p, 1], spare[p, 2], spare[p, 3], spare[p, 0], right)
            first[k, at], count[k, at] = used, n
            used += n
    nodes = np.full((pieces, pieces + 1), -1)
    for k in range(1, pieces + 1):
        start, n = first[k, last], count[k, last]
        row = start + np.argmin(lowest[start : start + n]) if n > 0 else -1
        for p in range(k, -1, -1):
            if row >= 0 and pool[row, 4] != _CAP:
                nodes[k - 1, p] = node[row]
                row = int(pool[row, 4])
    return nodes
