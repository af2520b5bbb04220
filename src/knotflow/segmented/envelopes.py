"""Compiled: lower envelopes of parabolas, which are the value functions of the constrained dynamic programme.

An envelope is an array of rows (left end, A, B, C, parent): A v^2 + B v + C from its left end to the next row's, and
a number that says where the row comes from.
"""

from __future__ import annotations

import numpy as np

from knotflow.engine.compiled import kernel

_TIE = 1e-14  # errors are in units of that of the best constant; what is not better by this is no better


@kernel(inline="always")
def middle(lo, hi):
    """A point strictly inside (lo, hi), whichever end is infinite."""
    if lo == -np.inf and hi == np.inf:
        return 0.0
    if lo == -np.inf:
        return hi - 1 - abs(hi)
    if hi == np.inf:
        return lo + 1 + abs(lo)
    return lo + 0.5 * (hi - lo)


@kernel(inline="always")
def value_at(a, b, c, v):
    """(a v + b) v + c."""
    return (a * v + b) * v + c


@kernel
def dips(a, b, c, lo, hi):
    """Whether a v^2 + b v + c < 0 somewhere in (lo, hi)."""
    if value_at(a, b, c, middle(lo, hi)) < 0:
        return True
    if lo > -np.inf and value_at(a, b, c, lo) < 0:
        return True
    if hi < np.inf and value_at(a, b, c, hi) < 0:
        return True
    if a > 0:
        v = -b / (2 * a)
        return lo < v < hi and c + 0.5 * b * v < 0
    return (lo == -np.inf and (a < 0 or b > 0)) or (hi == np.inf and (a < 0 or b < 0))


@kernel(inline="always")
def roots(a, b, c):
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
def emit(rows, n, left, a, b, c, parent):
    """Append a row, unless the last one just goes on."""
    if n > 0 and rows[n - 1, 4] == parent and rows[n - 1, 1] == a and rows[n - 1, 2] == b and rows[n - 1, 3] == c:
        return n
    rows[n, 0], rows[n, 1], rows[n, 2], rows[n, 3], rows[n, 4] = left, a, b, c, parent
    return n + 1


@kernel
def improves(rows, n, lo, hi, a, b, c):
    """Whether the parabola is below the envelope somewhere in (lo, hi)."""
    for p in range(n):
        left = max(rows[p, 0], lo)
        right = min(rows[p + 1, 0] if p + 1 < n else np.inf, hi)
        if left < right and (
            rows[p, 3] == np.inf or dips(a - rows[p, 1], b - rows[p, 2], c - rows[p, 3] + _TIE, left, right)
        ):
            return True
    return False


@kernel
def insert(rows, n, out, lo, hi, a, b, c, parent):
    """Write the minimum of the envelope and the parabola on (lo, hi) to `out`; its number of rows."""
    m = 0
    for p in range(n):
        left = rows[p, 0]
        right = rows[p + 1, 0] if p + 1 < n else np.inf
        oa, ob, oc, old = rows[p, 1], rows[p, 2], rows[p, 3], rows[p, 4]
        start, stop = max(left, lo), min(right, hi)
        if not start < stop:
            m = emit(out, m, left, oa, ob, oc, old)
            continue
        if left < start:
            m = emit(out, m, left, oa, ob, oc, old)
        da, db, dc = a - oa, b - ob, c - oc + _TIE
        r1, r2 = (np.inf, np.inf) if oc == np.inf else roots(da, db, dc)
        edge = start
        for k in range(3):
            end = stop if k == 2 else min(r1 if k == 0 else r2, stop)
            if end > edge:
                if oc == np.inf or value_at(da, db, dc, middle(edge, end)) < 0:
                    m = emit(out, m, edge, a, b, c, parent)
                else:
                    m = emit(out, m, edge, oa, ob, oc, old)
                edge = end
        if stop < right:
            m = emit(out, m, stop, oa, ob, oc, old)
    return m


@kernel
def inside(alpha, beta, left, right):
    """The interval of v for which left < alpha v + beta < right."""
    if alpha > 0:
        return (left - beta) / alpha, (right - beta) / alpha
    if alpha < 0:
        return (right - beta) / alpha, (left - beta) / alpha
    return (-np.inf, np.inf) if left <= beta < right else (np.inf, -np.inf)


@kernel
def running_minimum(rows, n, out):
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
        if lowest > left and best < np.inf and value_at(a, b, c, left) > best:
            root = roots(a, b, c - best)[0]
            under = root if left <= root < lowest else lowest
        bottom = value_at(a, b, c, lowest) if abs(lowest) < np.inf else np.inf
        if under > left:
            m = emit(out, m, left, 0.0, 0.0, best, source)
        if under < lowest:
            m = emit(out, m, under, a, b, c, parent)
        if bottom < best:
            best, source = bottom, parent
        if lowest < right:
            m = emit(out, m, lowest, 0.0, 0.0, best, source)
    return m


@kernel
def least_on(a, b, c, lo, hi):
    """The least value of a v^2 + b v + c, a >= 0, on (lo, hi); it has one there."""
    v = min(max(-b / (2 * a), lo), hi) if a > 0 else middle(lo, hi)
    return value_at(a, b, c, v)
