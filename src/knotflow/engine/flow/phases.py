"""Where descent takes a neuron that slides into a = b = 0: over the whole set of phases in which its steps may arrive.

Near the origin c stands still, and a step of descent adds to (a, b) a vector that depends on the arc alone. In units of
the step this walk is a piecewise translation, the same for every step. Far out on the ray of border k it is a rotation:
h = a x - b goes round in the band (-w, u], and ``level`` = (distance along the ray) - tilt h falls by one amount a step.
So the phases of a walk are h in the band and the level modulo its fall, and as the step goes to 0 they are uniform:
`docs/origin.md`.

The set of phases is a parallelogram. It is moved as a polygon, cut along the rays where it meets them, until each piece
is on the dead arc, on an arc that it never leaves, or in the band of a ray on its way out. Areas are probabilities.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from knotflow.engine.arcs import active_arc, border_sample, find_arc, inactive_arc
from knotflow.engine.compiled import inner
from knotflow.engine.flow.state import CORNERS

# A piece with less than this share of the phases goes on as one point. The smaller part of a cut goes on and the larger
# waits, so at most 21 pieces wait.
SMALL = 2.0**-20
# Moves of all pieces together. What is not out by then stays about the origin, as far as descent can tell.
MOST_MOVES = 4_000_000
# Of the largest move: less than this is rounding error, and a band is at least as wide.
LEAST = 1e-12


class Band(NamedTuple):
    """A ray and the rotation across it. Scalars only: they stay in registers."""

    u: float  # what a step on the inactive side adds to h
    w: float  # what one on the active side takes from it
    tilt: float
    gain: float  # what each step adds to the level; < 0 towards the origin
    ea: float  # the ray's direction
    eb: float
    x: float


@inner
def side_of(g, k, a, b, prob):
    """> 0 as long as (a, b) of arc g has not passed its border k."""
    s = prob.x.size
    h = a * prob.x[border_sample(k, s)] - b
    return h if active_arc(k, s) == g else -h


@inner
def band_at(k, least, prob, move):
    """The band of border k, for the moves (da, db) of the arcs. u and w count as ``least`` if they are less."""
    s = prob.x.size
    x, inactive, active = prob.x[border_sample(k, s)], inactive_arc(k, s), active_arc(k, s)
    ea = (1.0 if k < s else -1.0) / np.hypot(1.0, x)
    eb = ea * x
    along_in = move[inactive, 0] * ea + move[inactive, 1] * eb
    along_out = move[active, 0] * ea + move[active, 1] * eb
    u = max(move[inactive, 0] * x - move[inactive, 1], least)
    w = max(move[active, 1] - move[active, 0] * x, least)
    return Band(u, w, (along_in - along_out) / (u + w), (along_in * w + along_out * u) / (u + w), ea, eb, x)


@inner
def place(h, level, band):
    """(a, b) from h and the level."""
    along, across = level + band.tilt * h, h / (1.0 + band.x * band.x)
    return along * band.ea + across * band.x, along * band.eb - across


@inner
def beyond(g, turn, s):
    """The border of arc g in the direction of ``turn``, +-1."""
    return g if turn > 0 else (g + 2 * s - 1) % (2 * s)


@inner
def clear_from(h, g, turn, band, prob):
    """The level from which on (h, level) is on this side of the border of arc g in the direction of ``turn``."""
    k = beyond(g, turn, prob.x.size)
    a, b = place(h, 0.0, band)
    here, rise = side_of(g, k, a, b, prob), side_of(g, k, band.ea, band.eb, prob)
    if rise > 0.0:
        return -here / rise
    return 0.0 if here >= 0.0 else np.inf


@inner
def widen(k, turn, band, prob, work):
    """(arc, h): how far the basin of border k reaches in the direction of ``turn``, and the longest move back in it.

    Its arcs follow one another from border k on. Each of them moves a neuron towards the ray, and out along it.
    """
    s, move = prob.x.size, work.move
    g = (k + 1) % (2 * s) if turn > 0 else k
    sign = 1.0 if active_arc(k, s) == g else -1.0
    longest = band.w if sign > 0.0 else band.u
    while True:
        following = (g + turn + 2 * s) % (2 * s)
        dh = move[following, 0] * band.x - move[following, 1]
        rise = move[following, 0] * band.ea + move[following, 1] * band.eb - band.tilt * dh
        ahead = side_of(following, beyond(following, turn, s), band.ea, band.eb, prob)
        if not (sign * dh < 0.0 and rise > 0.0 and ahead > 0.0):
            return g, longest
        g, longest = following, max(longest, abs(dh))


@inner
def find_exits(prob, work):
    """Mark the modes in which a neuron leaves a = b = 0 for good: it moves into its own arc, or out along a ray."""
    s, move, exits, basin = prob.x.size, work.move, work.exits, work.basin
    exits[0] = False
    for g in range(1, 2 * s):
        va, vb, below = move[g, 0], move[g, 1], beyond(g, -1, s)
        exits[g] = side_of(g, g, va, vb, prob) > 0.0 and side_of(g, below, va, vb, prob) > 0.0
    for k in range(2 * s):
        band = band_at(k, -np.inf, prob, move)
        exits[2 * s + k] = inactive_arc(k, s) != 0 and band.u > 0.0 and band.w > 0.0 and band.gain > 0.0
        if exits[2 * s + k]:
            for n in range(2):
                basin[k, n, 0], basin[k, n, 1] = widen(k, 2 * n - 1, band, prob, work)


@inner
def area(top, work):
    """The area of the piece at a place of the stack."""
    p, total = work.pieces, 0.0
    for i in range(1, work.corners[top] - 1):
        total += (p[top, i, 0] - p[top, 0, 0]) * (p[top, i + 1, 1] - p[top, 0, 1])
        total -= (p[top, i + 1, 0] - p[top, 0, 0]) * (p[top, i, 1] - p[top, 0, 1])
    return 0.5 * abs(total)


@inner
def middle(top, work):
    """The mean of the corners of a piece."""
    p, n, a, b = work.pieces, work.corners[top], 0.0, 0.0
    for i in range(n):
        a, b = a + p[top, i, 0], b + p[top, i, 1]
    return a / n, b / n


@inner
def straddled(g, top, slack, prob, work):
    """The border of arc g on both sides of which the piece lies; -1 for none."""
    s, p, worst, border = prob.x.size, work.pieces, -slack, -1
    for n in range(2):
        k = beyond(g, 2 * n - 1, s)
        for i in range(work.corners[top]):
            h = side_of(g, k, p[top, i, 0], p[top, i, 1], prob)
            if h < worst:
                worst, border = h, k
    return border


@inner
def rides(k, top, prob, work):
    """Whether the piece goes out along the ray of border k: it is far enough on its way to meet no other border, or no
    move leads out of the ray's basin."""
    p, basin, band, s = work.pieces, work.basin, band_at(k, 0.0, prob, work.move), prob.x.size
    up = 1 if active_arc(k, s) != k else 0  # the side of the border on which h > 0
    low, high, level = np.inf, -np.inf, np.inf
    for i in range(work.corners[top]):
        h = p[top, i, 0] * band.x - p[top, i, 1]
        low, high = min(low, h), max(high, h)
        level = min(level, p[top, i, 0] * band.ea + p[top, i, 1] * band.eb - band.tilt * h)
    if not level > 0.0:
        return False
    a, b = min(low, -band.w), max(high, band.u)
    if level > max(clear_from(b, active_arc(k, s), 2 * up - 1, band, prob),
                   clear_from(a, inactive_arc(k, s), 1 - 2 * up, band, prob)):
        return True
    a, b = min(low, -basin[k, up, 1]), max(high, basin[k, 1 - up, 1])
    return level > max(clear_from(b, np.int64(basin[k, up, 0]), 2 * up - 1, band, prob),
                       clear_from(a, np.int64(basin[k, 1 - up, 0]), 1 - 2 * up, band, prob))


@inner
def way_out(g, border, top, prob, work):
    """The mode in which the piece, whose middle is on arc g, leaves for good; -1 if that is not yet decided.

    ``border``: the one that it straddles, or -1.
    """
    s = prob.x.size
    if g == 0 or work.exits[g]:
        return g if border < 0 else -1
    for n in range(2):
        k = beyond(g, 2 * n - 1, s)
        if work.exits[2 * s + k] and rides(k, top, prob, work):
            return 2 * s + k
    return -1


@inner
def copy_piece(start, to, work):
    """Copy a piece from one place of the stack to another."""
    p, n = work.pieces, work.corners[start]
    for i in range(n):
        p[to, i, 0], p[to, i, 1] = p[start, i, 0], p[start, i, 1]
    work.corners[to], work.share[to] = n, work.share[start]


@inner
def cut(k, top, prob, work):
    """Cut the piece on top along border k, or across if it has too many corners: the smaller part on top of the other."""
    p, n, one, two = work.pieces, work.corners[top], 0, 0
    da, db, a0, b0 = 1.0, prob.x[border_sample(k, prob.x.size)], 0.0, 0.0
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
    work.corners[top + 1], work.corners[top + 2] = one, two
    work.share[top + 1] = area(top + 1, work)
    work.share[top + 2] = area(top + 2, work)
    if work.share[top + 1] > work.share[top + 2]:
        copy_piece(top + 1, top, work)
        copy_piece(top + 2, top + 1, work)
    else:
        copy_piece(top + 2, top, work)


@inner
def shrink(top, whole, work):
    """Go on with one point in place of a piece that is small."""
    if work.corners[top] > 1 and work.share[top] < SMALL * whole:
        work.pieces[top, 0, 0], work.pieces[top, 0, 1] = middle(top, work)
        work.corners[top] = 1


@inner
def step(g, top, work):
    """A step of descent for the piece on arc g."""
    p, move = work.pieces, work.move
    for i in range(work.corners[top]):
        p[top, i, 0] += move[g, 0]
        p[top, i, 1] += move[g, 1]


@inner
def all_phases(k, least, prob, work):
    """Put the walks that come in along border k on the stack, each at the last level where it meets no other border."""
    band, s = band_at(k, least, prob, work.move), prob.x.size
    turn = 1 if active_arc(k, s) != k else -1  # to the side on which h > 0
    low = max(0.0, clear_from(band.u, active_arc(k, s), turn, band, prob))
    low, fall = max(low, clear_from(-band.w, inactive_arc(k, s), -turn, band, prob)), max(-band.gain, least)
    for i in range(4):
        h, level = -band.w if i in (0, 3) else band.u, low if i < 2 else low + fall
        work.pieces[0, i, 0], work.pieces[0, i, 1] = place(h, level, band)
    work.corners[0] = 4
    work.share[0] = area(0, work)
    return work.share[0]


@inner
def find_odds(k, largest, prob, work):
    """Fill work.odds: the share of the phases that leave a = b = 0 in each mode, for a neuron that came along border k.

    Given the arcs' moves in work.move, of which ``largest`` is the longest, > 0. Mode 0 is the dead arc.
    """
    odds, slack = work.odds, LEAST * largest
    find_exits(prob, work)
    odds[:] = 0.0
    whole, top = all_phases(k, slack, prob, work), 0
    for _ in range(MOST_MOVES):
        a, b = middle(top, work)
        g = find_arc(a, b, prob.x)
        border = straddled(g, top, slack, prob, work)
        out = way_out(g, border, top, prob, work)
        if out >= 0:
            odds[out] += work.share[top] / whole
            top -= 1
            if top < 0:
                break
        elif border >= 0 and work.corners[top] > 1:
            cut(border, top, prob, work)
            top += 1
            shrink(top - 1, whole, work)
            shrink(top, whole, work)
        else:
            step(g, top, work)
    for i in range(top + 1):
        odds[0] += work.share[i] / whole
