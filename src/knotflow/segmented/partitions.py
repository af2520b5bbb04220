"""Compiled: the best partition of sorted points into straight pieces that need not meet.

A segment's state is (W, mx, my, S, b, e): its weight, the weighted means, S = sum w (x - mx)^2, the least-squares
slope and its error. Adding a point updates it in O(1) by terms that are never negative, so that an error is as
accurate as the residuals it is made of, which differences of prefix sums of squares are not. Here mx is relative to
the first point of the state, and b is a mean of slopes: both stay right where a few x are very close together.
"""

from __future__ import annotations

import numpy as np

from knotflow.engine.compiled import kernel

TILE = 256  # segment starts handled together: their errors stay in the first-level cache


@kernel
def with_point(total, mx, my, spread, slope, error, x, y, w):
    """The state of a segment with one more point, (x, y) of weight w; x less that of its first point."""
    new = total + w
    h = w * total / new
    dx, dy = x - mx, y - my
    miss = dy - slope * dx
    grown = spread + h * dx * dx
    if grown > 0:
        error += h * miss * miss * (spread / grown)
        slope = (spread * slope + h * dx * dy) / grown
    return new, mx + dx * (w / new), my + dy * (w / new), grown, slope, error


@kernel
def errors_from_start(x, y, w, out):
    """out[j]: the error of one line through the points 0 .. j."""
    state = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    for j in range(x.size):
        state = with_point(*state, x[j] - x[0], y[j], w[j])
        out[j] = state[5]


@kernel(fastmath={"nnan", "nsz"})
def least_sum(left, right):
    """min_t left[t] + right[t]; without NaN and signed zeros in the way it runs on whole vectors."""
    best = np.inf
    for t in range(left.size):
        v = left[t] + right[t]
        if v < best:
            best = v
    return best


@kernel
def least_errors(x, y, w, pieces, min_length):
    """(pieces + 1, s + 1) least[k, j]: the least error of the first j points in k pieces, inf if there is none.

    least[k, j + 1] = min_i least[k - 1, i] + error(i .. j), by increasing j. For each j the segments grow to the
    left, tile by tile. A tile is passed over for k if its least error(i .. j), at its right end, and its least
    least[k - 1, i] together do not beat what was found; when error(i .. j) alone beats no k, longer segments
    cannot either, and j is done. O(pieces s^2) additions, O(s^2) segment errors.
    """
    s = x.size
    least = np.full((pieces + 1, s + 1), np.inf)
    floor = np.full((pieces + 1, s // TILE + 1), np.inf)  # the least of each tile of `least`
    least[0, 0] = 0.0
    errors_from_start(x, y, w, least[1, 1:])
    least[1, 1:min_length] = np.inf
    for i in range(1, s + 1):
        floor[1, i // TILE] = min(floor[1, i // TILE], least[1, i])
    error = np.empty(TILE)
    for j in range(2 * min_length - 1, s):
        origin = x[j]
        state = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        most = min(pieces, (j + 1) // min_length)
        last = j + 1 - min_length
        for i in range(j, last, -1):
            state = with_point(*state, x[i] - origin, y[i], w[i])
        for tile in range(last // TILE, -1, -1):
            lo = tile * TILE
            hi = min(lo + TILE, last + 1)
            for i in range(hi - 1, lo - 1, -1):
                state = with_point(*state, x[i] - origin, y[i], w[i])
                error[i - lo] = state[5]
            shortest = error[hi - 1 - lo]
            open_ = False
            for k in range(2, most + 1):
                if shortest < least[k, j + 1]:
                    open_ = True
                    if shortest + floor[k - 1, tile] < least[k, j + 1]:
                        found = least_sum(least[k - 1, lo:hi], error[: hi - lo])
                        least[k, j + 1] = min(least[k, j + 1], found)
            if not open_:
                break
        for k in range(2, most + 1):
            floor[k, (j + 1) // TILE] = min(floor[k, (j + 1) // TILE], least[k, j + 1])
    return least


@kernel
def trace(x, y, w, least, pieces, min_length):
    """(pieces,) index of the first point of each piece in the best partition of all points. O(pieces s)."""
    starts = np.zeros(pieces, np.int64)
    end = x.size
    for k in range(pieces - 1, 0, -1):
        state = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        best = np.inf
        stop = end
        origin = x[end - 1]
        for i in range(end - 1, -1, -1):
            state = with_point(*state, x[i] - origin, y[i], w[i])
            total = least[k, i] + state[5]
            if stop - i >= min_length and total < best:
                best = total
                end = i
            if state[5] > best:
                break
        starts[k] = end
    return starts
