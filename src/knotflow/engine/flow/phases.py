"""Where descent takes a neuron that slides into a = b = 0: over all phases in which its steps may arrive.

Near a = b = 0 c stands still, and a step of descent adds to (a, b) a vector that depends on the arc alone. In units of
the step this walk is a piecewise translation, the same for every step. Far out on the ray of border k it is a rotation:
h = a x - b goes round in the band (-w, u], and the level = (distance along the ray) - tilt h falls by the same amount
at every step. So the phases of a walk are h in the band and the level modulo its fall. As the step goes to 0 they are
uniform: `docs/origin.md`. This set of phases is a parallelogram. It is moved as a polygon, cut where it lies on both
sides of a border, until each piece is on the dead arc, on an arc that it never leaves, or on its way out along a ray.
Areas are probabilities.

Plain arrays, and no record of a run: this is compiled when it is first needed, which most runs never do.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from knotflow.engine.arcs import active_arc, border_sample, find_arc, inactive_arc
from knotflow.engine.compiled import entry, leaf

Array = NDArray[np.float64]

# A piece with less than this share of the phases goes on as one point. The smaller part of a cut goes on and the larger
# waits, so at most log2(1 / SMALL) + 1 pieces wait. CORNERS: of a piece.
SMALL, WAITING, CORNERS = 2.0**-14, 16, 24
# Moves of all pieces together. What is not out by then stays about the origin, as far as descent can tell.
MOST_MOVES = 4_000_000
# Of the longest move: less than this is rounding error, and a band is at least as wide.
LEAST = 1e-12
# NumPy's integers: numba would compile each function once more for a plain one.
ZERO: Any = np.int64(0)
NONE: Any = np.int64(-1)


class Walk(NamedTuple):
    """The walk near a = b = 0, and scratch."""

    x: Array  # (s,) distinct
    move: Array  # (2s, 2) what a step adds to (a, b) on each arc
    exits: Array  # (4s,) whether a neuron that leaves in the mode leaves for good
    basin: Array  # (2s, 2, 2) of the ray of each border, below and above: its last arc, and its longest move back
    odds: Array  # (4s,) the probability of each mode
    pieces: Array  # (WAITING + 3, CORNERS + 2, 2) a stack of polygons: their corners
    corners: Array  # (WAITING + 3,) how many they have
    share: Array  # (WAITING + 3,) their areas


class Band(NamedTuple):
    """A ray and the rotation across it. Scalars only: they stay in registers."""

    u: float  # what a step on the inactive side adds to h
    w: float  # what one on the active side takes from it
    tilt: float
    gain: float  # what each step adds to the level; < 0 towards the origin
    ea: float  # the ray's direction
    eb: float
    x: float


def odds_at_origin(k: int, x: Array, move: Array) -> Array:
    """(4s,) the probability of each mode in which descent leaves a = b = 0, for a neuron that came along border k.

    ``move``, (2s, 2), is proportional to what a step adds to (a, b) on each arc. Mode 0 is the dead arc.
    """
    s, largest, stack = x.size, float(np.hypot(*move.T).max()), WAITING + 3
    walk = Walk(
        x, move, np.zeros(4 * s, np.bool_), np.zeros((2 * s, 2, 2)), np.zeros(4 * s),
        np.zeros((stack, CORNERS + 2, 2)), np.zeros(stack, np.int64), np.zeros(stack),
    )  # fmt: skip
    if largest > 0.0:
        _find_odds(k, LEAST * largest, walk)
    else:
        walk.odds[0] = 1.0
    return walk.odds


@leaf
def _side_of(g, k, a, b, x):
    """> 0 as long as (a, b) of arc g has not passed its border k."""
    h = a * x[border_sample(k, x.size)] - b
    return h if active_arc(k, x.size) == g else -h


@leaf
def _beyond(g, turn, s):
    """The border of arc g in the direction of ``turn``, +-1."""
    return g if turn > 0 else (g + 2 * s - 1) % (2 * s)


@leaf
def _upwards(k, s):
    """The direction in which arcs follow one another on the active side of border k, where h > 0."""
    return 1 if active_arc(k, s) != k else -1


@leaf
def _band_at(k, least, walk):
    """The band of border k. u and w count as ``least`` if they are less."""
    s, move = walk.x.size, walk.move
    x, inactive, active = walk.x[border_sample(k, s)], inactive_arc(k, s), active_arc(k, s)
    ea = (1.0 if k < s else -1.0) / np.hypot(1.0, x)
    eb = ea * x
    along_in = move[inactive, 0] * ea + move[inactive, 1] * eb
    along_out = move[active, 0] * ea + move[active, 1] * eb
    u = max(move[inactive, 0] * x - move[inactive, 1], least)
    w = max(move[active, 1] - move[active, 0] * x, least)
    return Band(u, w, (along_in - along_out) / (u + w), (along_in * w + along_out * u) / (u + w), ea, eb, x)


@leaf
def _place(h, level, band):
    """(a, b) from h and the level."""
    along, across = level + band.tilt * h, h / (1.0 + band.x * band.x)
    return along * band.ea + across * band.x, along * band.eb - across


@leaf
def _clear_from(h, g, turn, band, x):
    """The level from which on (h, level) is on this side of the border of arc g in the direction of ``turn``."""
    k = _beyond(g, turn, x.size)
    a, b = _place(h, 0.0, band)
    here, rise = _side_of(g, k, a, b, x), _side_of(g, k, band.ea, band.eb, x)
    if rise > 0.0:
        return -here / rise
    return 0.0 if here >= 0.0 else np.inf


@leaf
def _widen(k, turn, band, walk):
    """(arc, h): how far the basin of border k reaches in the direction of ``turn``, and the longest move back in it.

    Its arcs follow one another from border k on. Each of them moves a neuron towards the ray, and out along it.
    """
    s, move = walk.x.size, walk.move
    g = (k + 1) % (2 * s) if turn > 0 else k
    sign = 1.0 if active_arc(k, s) == g else -1.0
    longest = band.w if sign > 0.0 else band.u
    for _ in range(2 * s):
        following = (g + turn + 2 * s) % (2 * s)
        dh = move[following, 0] * band.x - move[following, 1]
        rise = move[following, 0] * band.ea + move[following, 1] * band.eb - band.tilt * dh
        ahead = _side_of(following, _beyond(following, turn, s), band.ea, band.eb, walk.x)
        if not (sign * dh < 0.0 and rise > 0.0 and ahead > 0.0):
            break
        g, longest = following, max(longest, abs(dh))
    return g, longest


@leaf
def _find_exits(walk):
    """Mark the modes in which a neuron leaves a = b = 0 for good: it moves into its own arc, or out along a ray."""
    x, s, move, exits = walk.x, walk.x.size, walk.move, walk.exits
    for g in range(1, 2 * s):
        va, vb, below = move[g, 0], move[g, 1], (g + 2 * s - 1) % (2 * s)
        exits[g] = _side_of(g, g, va, vb, x) > 0.0 and _side_of(g, below, va, vb, x) > 0.0
    for k in range(2 * s):
        band = _band_at(k, -np.inf, walk)
        exits[2 * s + k] = inactive_arc(k, s) != 0 and band.u > 0.0 and band.w > 0.0 and band.gain > 0.0
        if exits[2 * s + k]:
            for n in range(2):
                arc, longest = _widen(k, 2 * n - 1, band, walk)
                walk.basin[k, n, 0], walk.basin[k, n, 1] = np.float64(arc), longest


@leaf
def _area(top, walk):
    """The area of the piece at a place of the stack."""
    p, total = walk.pieces, 0.0
    for i in range(1, walk.corners[top] - 1):
        total += (p[top, i, 0] - p[top, 0, 0]) * (p[top, i + 1, 1] - p[top, 0, 1])
        total -= (p[top, i + 1, 0] - p[top, 0, 0]) * (p[top, i, 1] - p[top, 0, 1])
    return 0.5 * abs(total)


@leaf
def _middle(top, walk):
    """The mean of the corners of a piece."""
    n, a, b = walk.corners[top], 0.0, 0.0
    for i in range(n):
        a, b = a + walk.pieces[top, i, 0], b + walk.pieces[top, i, 1]
    return a / n, b / n


@leaf
def _straddled(g, top, slack, walk):
    """The border of arc g on both sides of which the piece lies; -1 for none."""
    worst, border = -slack, NONE
    for n in range(2):
        k = _beyond(g, 2 * n - 1, walk.x.size)
        for i in range(walk.corners[top]):
            h = _side_of(g, k, walk.pieces[top, i, 0], walk.pieces[top, i, 1], walk.x)
            if h < worst:
                worst, border = h, k
    return border


@leaf
def _rides(k, top, walk):
    """Whether the piece goes out along the ray of border k: it is far enough on its way to meet no other border, or no
    move leads out of the ray's basin."""
    x, s, p, band = walk.x, walk.x.size, walk.pieces, _band_at(k, 0.0, walk)
    low, high, level, turn = np.inf, -np.inf, np.inf, _upwards(k, s)
    for i in range(walk.corners[top]):
        h = p[top, i, 0] * band.x - p[top, i, 1]
        low, high = min(low, h), max(high, h)
        level = min(level, p[top, i, 0] * band.ea + p[top, i, 1] * band.eb - band.tilt * h)
    if not level > 0.0:
        return False
    up, down, above, below = band.u, band.w, active_arc(k, s), inactive_arc(k, s)
    for n in range(2):
        if n == 1:
            active = 1 if turn > 0 else 0
            up, down = walk.basin[k, 1 - active, 1], walk.basin[k, active, 1]
            above, below = np.int64(walk.basin[k, active, 0]), np.int64(walk.basin[k, 1 - active, 0])
        if level > _clear_from(max(high, up), above, turn, band, x) and level > _clear_from(
            min(low, -down), below, -turn, band, x
        ):
            return True
    return False


@leaf
def _way_out(g, border, top, walk):
    """The mode in which the piece, whose middle is on arc g, leaves for good; -1 if that is not yet decided.

    ``border``: the one that it straddles, or -1.
    """
    s = walk.x.size
    if g == 0 or walk.exits[g]:
        return g if border < 0 else NONE
    for n in range(2):
        k = _beyond(g, 2 * n - 1, s)
        if walk.exits[2 * s + k] and _rides(k, top, walk):
            return 2 * s + k
    return NONE


@leaf
def _copy(start, to, walk):
    """Copy a piece from one place of the stack to another."""
    for i in range(walk.corners[start]):
        walk.pieces[to, i, 0], walk.pieces[to, i, 1] = walk.pieces[start, i, 0], walk.pieces[start, i, 1]
    walk.corners[to], walk.share[to] = walk.corners[start], walk.share[start]


@leaf
def _cut(k, top, walk):
    """Cut the piece on top along border k, or across if it has too many corners: the smaller part goes on top."""
    p, n, one, two = walk.pieces, walk.corners[top], 0, 0
    da, db, a0, b0 = 1.0, walk.x[border_sample(k, walk.x.size)], 0.0, 0.0
    if n >= CORNERS:
        a0, b0 = p[top, 0, 0], p[top, 0, 1]
        da, db = p[top, n // 2, 0] - a0, p[top, n // 2, 1] - b0
    for i in range(n):
        j = i + 1 if i + 1 < n else 0
        here = db * (p[top, i, 0] - a0) - da * (p[top, i, 1] - b0)
        there = db * (p[top, j, 0] - a0) - da * (p[top, j, 1] - b0)
        if here >= 0.0:
            p[top + 1, one, 0], p[top + 1, one, 1] = p[top, i, 0], p[top, i, 1]
            one += 1
        if here <= 0.0:
            p[top + 2, two, 0], p[top + 2, two, 1] = p[top, i, 0], p[top, i, 1]
            two += 1
        if here * there < 0.0:
            t = here / (here - there)
            for d in range(2):
                p[top + 1, one, d] = p[top + 2, two, d] = p[top, i, d] + t * (p[top, j, d] - p[top, i, d])
            one, two = one + 1, two + 1
    walk.corners[top + 1], walk.corners[top + 2] = one, two
    for part in range(top + 1, top + 3):
        walk.share[part] = _area(part, walk)
    larger = top + 1 if walk.share[top + 1] > walk.share[top + 2] else top + 2
    _copy(larger, top, walk)
    if larger == top + 1:
        _copy(top + 2, top + 1, walk)


@leaf
def _shrink(top, whole, walk):
    """Go on with one point in place of a piece that is small."""
    if walk.corners[top] > 1 and walk.share[top] < SMALL * whole:
        walk.pieces[top, 0, 0], walk.pieces[top, 0, 1] = _middle(top, walk)
        walk.corners[top] = 1


@leaf
def _all_phases(k, least, walk):
    """Put the walks that come in along border k on the stack, each at the last level where it meets no other border."""
    s, band, turn = walk.x.size, _band_at(k, least, walk), _upwards(k, walk.x.size)
    low = max(0.0, _clear_from(band.u, active_arc(k, s), turn, band, walk.x))
    low = max(low, _clear_from(-band.w, inactive_arc(k, s), -turn, band, walk.x))
    for i in range(4):
        level = low if i < 2 else low + max(-band.gain, least)
        walk.pieces[0, i, 0], walk.pieces[0, i, 1] = _place(-band.w if i in (0, 3) else band.u, level, band)
    walk.corners[0] = 4
    walk.share[0] = _area(ZERO, walk)
    return walk.share[0]


@entry
def _find_odds(k, slack, walk):
    """Fill walk.odds, see ``odds_at_origin``; ``slack`` is the rounding error of a move."""
    _find_exits(walk)
    whole, top = _all_phases(k, slack, walk), ZERO
    for _ in range(MOST_MOVES):
        a, b = _middle(top, walk)
        g = find_arc(a, b, walk.x)
        border = _straddled(g, top, slack, walk) if walk.corners[top] > 1 else NONE
        out = _way_out(g, border, top, walk)
        if out >= 0:
            walk.odds[out] += walk.share[top] / whole
            top -= 1
            if top < 0:
                break
        elif border >= 0:
            _cut(border, top, walk)
            _shrink(top, whole, walk)
            top += 1
            _shrink(top, whole, walk)
        else:
            for i in range(walk.corners[top]):
                walk.pieces[top, i, 0] += walk.move[g, 0]
                walk.pieces[top, i, 1] += walk.move[g, 1]
    for i in range(top + 1):
        walk.odds[0] += walk.share[i] / whole
