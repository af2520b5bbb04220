"""Compiled: lower envelopes of parabolas, which are the value functions of the constrained dynamic programme.

An envelope is an array of rows (left end, A, P, M, parent): A (v - P)^2 + M from its left end to the next row's, and
a number that says where the row comes from. A >= 0, and with A = 0 the row is constant. In this form a small minimum
keeps its digits, however far from v = 0 it is and however large other values are.
"""

from __future__ import annotations

import numpy as np

from knotflow.engine.compiled import kernel

# A parabola that is not lower than the envelope by this part of its value is no better. P is known to a few roundings
# of itself: the second number is (4 eps)^2 over the first, which is what such a shift changes at most beyond that part.
_TIE = 1e-11
_TIE_OF_PLACE = 1e-19


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
def value_at(a, p, m, v):
    """a (v - p)^2 + m."""
    return a * (v - p) * (v - p) + m


@kernel(inline="always")
def handicapped(a, p, m):
    """(a, m) of the parabola that has to be lower than the envelope: a little above the one that is offered."""
    return a * (1 + _TIE), m * (1 + _TIE) + _TIE_OF_PLACE * a * p * p


@kernel
def dips(a, p, m, oa, op, om, lo, hi):
    """Whether a (v - p)^2 + m is below oa (v - op)^2 + om somewhere in (lo, hi)."""
    v = middle(lo, hi)
    if value_at(a, p, m, v) < value_at(oa, op, om, v):
        return True
    if lo > -np.inf and value_at(a, p, m, lo) < value_at(oa, op, om, lo):
        return True
    if hi < np.inf and value_at(a, p, m, hi) < value_at(oa, op, om, hi):
        return True
    da, delta = a - oa, op - p
    if da > 0:
        v = p - oa * delta / da
        return lo < v < hi and da * (m - om) < a * oa * delta * delta
    return (lo == -np.inf and (da < 0 or a * delta > 0)) or (hi == np.inf and (da < 0 or a * delta < 0))


@kernel(inline="always")
def crossings(a, p, m, oa, op, om):
    """Where a (v - p)^2 + m = oa (v - op)^2 + om, in order; inf for what is not there."""
    da, delta = a - oa, op - p
    half = oa * delta  # da t^2 + 2 half t + c = 0 for t = v - p
    c = (m - om) - half * delta
    if da == 0:
        return (np.inf if half == 0 else p - c / (2 * half)), np.inf
    square = a * half * delta - da * (m - om)
    if square <= 0:
        return np.inf, np.inf
    q = -(half + np.copysign(np.sqrt(square), half))
    first = p + q / da
    second = p + c / q
    return min(first, second), max(first, second)


@kernel
def emit(rows, n, left, a, p, m, parent):
    """Append a row, unless the last one just goes on."""
    if n > 0 and rows[n - 1, 4] == parent and rows[n - 1, 1] == a and rows[n - 1, 2] == p and rows[n - 1, 3] == m:
        return n
    rows[n, 0], rows[n, 1], rows[n, 2], rows[n, 3], rows[n, 4] = left, a, p, m, parent
    return n + 1


@kernel
def improves(rows, n, lo, hi, a, p, m):
    """Whether the parabola is below the envelope somewhere in (lo, hi)."""
    ha, hm = handicapped(a, p, m)
    for r in range(n):
        left = max(rows[r, 0], lo)
        right = min(rows[r + 1, 0] if r + 1 < n else np.inf, hi)
        if left < right and (rows[r, 3] == np.inf or dips(ha, p, hm, rows[r, 1], rows[r, 2], rows[r, 3], left, right)):
            return True
    return False


@kernel
def insert(rows, n, out, lo, hi, a, p, m, parent):
    """Write the minimum of the envelope and the parabola on (lo, hi) to `out`; its number of rows."""
    ha, hm = handicapped(a, p, m)
    count = 0
    for r in range(n):
        left = rows[r, 0]
        right = rows[r + 1, 0] if r + 1 < n else np.inf
        oa, op, om, old = rows[r, 1], rows[r, 2], rows[r, 3], rows[r, 4]
        start, stop = max(left, lo), min(right, hi)
        if not start < stop:
            count = emit(out, count, left, oa, op, om, old)
            continue
        if left < start:
            count = emit(out, count, left, oa, op, om, old)
        r1, r2 = (np.inf, np.inf) if om == np.inf else crossings(ha, p, hm, oa, op, om)
        edge = start
        for k in range(3):
            end = stop if k == 2 else min(r1 if k == 0 else r2, stop)
            if end > edge:
                v = middle(edge, end)
                if om == np.inf or value_at(ha, p, hm, v) < value_at(oa, op, om, v):
                    count = emit(out, count, edge, a, p, m, parent)
                else:
                    count = emit(out, count, edge, oa, op, om, old)
                edge = end
        if stop < right:
            count = emit(out, count, stop, oa, op, om, old)
    return count


@kernel
def inside(alpha, u, v, left, right):
    """The interval of w for which left < u + alpha (w - v) < right."""
    if alpha > 0:
        return v + (left - u) / alpha, v + (right - u) / alpha
    if alpha < 0:
        return v + (right - u) / alpha, v + (left - u) / alpha
    return (-np.inf, np.inf) if left <= u < right else (np.inf, -np.inf)


@kernel
def running_minimum(rows, n, out):
    """The envelope of min_{u <= v} V(u), for a next piece that may start above the end of this one."""
    count, best, source = 0, np.inf, -1.0
    for r in range(n):
        left = rows[r, 0]
        right = rows[r + 1, 0] if r + 1 < n else np.inf
        a, p, m, parent = rows[r, 1], rows[r, 2], rows[r, 3], rows[r, 4]
        lowest = min(max(p, left), right) if a > 0 else left
        under = left  # from here to `lowest` the parabola is the running minimum
        if lowest > left and best < np.inf and value_at(a, p, m, left) > best:
            root = p - np.sqrt((best - m) / a) if best > m else np.inf
            under = root if left <= root < lowest else lowest
        bottom = value_at(a, p, m, lowest) if abs(lowest) < np.inf else np.inf
        if under > left:
            count = emit(out, count, left, 0.0, 0.0, best, source)
        if under < lowest:
            count = emit(out, count, under, a, p, m, parent)
        if bottom < best:
            best, source = bottom, parent
        if lowest < right:
            count = emit(out, count, lowest, 0.0, 0.0, best, source)
    return count


@kernel
def least_on(a, p, m, lo, hi):
    """The least value of a (v - p)^2 + m on (lo, hi); it has one there."""
    return value_at(a, p, m, min(max(p, lo), hi)) if a > 0 else m
