"""What descent keeps for every border: the sums that drive the neurons near it, and what they add up to.

Border k lies between arcs k and k + 1, at the sample ``border_sample(k)``; its two arcs differ by that sample alone.
So a neuron near it needs the sums E of the arc on which the sample is *not* active, and if it is active there, the
sample's own rho = lr/norm w_j r_j besides: hopping across the sample changes nothing but that one comparison. Likewise
its share of the function is that of the inactive arc, c (a x - b) at the samples beyond, and c max(h, 0) at its own.

Each *part* has a row: parts 0 .. 2s - 1 are the borders; part 2s is the arc that is active everywhere, which is no
border's inactive arc; the others carry a share of a crowded border's neurons. Rows lie LANES side by side in slices,
so that LANES borders are stepped at once. ``at`` says where each part's fields begin.
"""

from __future__ import annotations

import numpy as np

from knotflow.engine.compiled import kernel
from knotflow.engine.lanes import LANES, peek, poke

# The fields. E0, E1: lr/norm times the sums of w r and w r x over the inactive arc's samples. RHO: lr/norm w r at the
# border's. X, LOWER, UPPER: the abscissae of this border and of those before and after it. CA, CB: the neurons' sums
# of c a and c b. CR: of c max(h, 0). (numba's cache of a function watches its own file alone: after a
# change here, `make clean`, or the others go on with the old places.)
E0, E1, RHO, X, LOWER, UPPER, CA, CB, CR = (LANES * field for field in range(9))
SLICE = LANES * 9

SHARES, EXTRA = 32, 64  # shares of crowded borders, at most: when they are laid out, and later


def slices(s: int) -> int:
    """How many slices hold every part, whatever the crowds."""
    return -(-(2 * s + 1 + EXTRA) // LANES)


@kernel
def slices_in_use(s, extras):
    """How many slices have parts."""
    return (2 * s + extras + LANES) // LANES


@kernel
def place(row):
    """Where the fields of a row begin."""
    return (row // LANES) * SLICE + row % LANES


@kernel
def part_of_arc(g, s):
    """The part whose E is that of arc g, and whose sums go with its sleepers'. Those of the dead arc count nowhere."""
    if g == s:
        return 2 * s
    return g if g < s else g - 1


@kernel(forceinline=True)
def next_border(k, arcs):
    """The border after border k; the circle closes."""
    return k + 1 - arcs * np.int64(k + 1 == arcs)


@kernel(forceinline=True)
def describe(table, t, k, lower, upper):
    """Write border k's abscissae at place t, from the arcs' (``borders``); its sums are 0."""
    poke(table, t + X, peek(upper, k))
    poke(table, t + LOWER, peek(lower, k))
    poke(table, t + UPPER, peek(upper, next_border(k, upper.size)))
    poke(table, t + CA, 0.0)
    poke(table, t + CB, 0.0)
    poke(table, t + CR, 0.0)


@kernel(forceinline=True)
def active_beside(k, s):
    """Whether border k's neurons are active at the samples of the borders before and after it."""
    return (k >= 1) & (k <= s), (k >= s - 1) & (k <= 2 * s - 2)


@kernel
def set_sums(table, at, of, extras, x, r, scale):
    """E and RHO of every part from the weighted residuals; O(s)."""
    s = x.size
    s0 = s1 = p0 = p1 = 0.0
    for j in range(s):
        k = s - 1 - j
        t, rho = peek(at, j), scale * peek(r, k)
        _drive(table, t, s0, s1, rho)
        s0 += rho
        s1 += rho * peek(x, k)
        t, rho = peek(at, s + k), scale * peek(r, j)
        _drive(table, t, p0, p1, rho)
        p0 += rho
        p1 += rho * peek(x, j)
    _drive(table, peek(at, 2 * s), s0, s1, 0.0)
    for e in range(extras):
        t, main = peek(at, 2 * s + 1 + e), peek(at, peek(of, e))
        _drive(table, t, peek(table, main + E0), peek(table, main + E1), peek(table, main + RHO))


@kernel
def _drive(table, t, e0, e1, rho):
    poke(table, t + E0, e0)
    poke(table, t + E1, e1)
    poke(table, t + RHO, rho)


@kernel
def gather_extras(table, at, of, extras, s):
    """Add the crowded borders' shares up."""
    for e in range(extras):
        t, main = peek(at, 2 * s + 1 + e), peek(at, peek(of, e))
        for field in (CA, CB, CR):
            poke(table, main + field, peek(table, main + field) + peek(table, t + field))


@kernel
def predict(table, at, x, bias, inv_norm, right, f):
    """f(x_j) from the parts' sums; O(s). ``right`` is scratch, (s,): what the right-facing neurons add.

    Each facing is summed in the direction in which its neurons become active, so that only active ones enter.
    """
    s = x.size
    t = peek(at, 2 * s)
    p, q = peek(table, t + CA), peek(table, t + CB)
    left_p = left_q = 0.0
    for j in range(s):
        k = s - 1 - j  # the left-facing sums run the other way; both chains of additions overlap
        t = peek(at, k)
        poke(right, j, peek(x, j) * p - q + peek(table, t + CR))
        p += peek(table, t + CA)
        q += peek(table, t + CB)
        t = peek(at, s + j)
        poke(f, k, peek(x, k) * left_p - left_q + peek(table, t + CR))
        left_p += peek(table, t + CA)
        left_q += peek(table, t + CB)
    for j in range(s):
        f[j] = bias + inv_norm * (right[j] + f[j])


@kernel
def order_parts(count, most, share, rows, first_extra, of):
    """Split borders of more than ``most`` neurons, put parts of like size side by side; how many shares.

    count        (2s,) neurons at each border
    share        filled with every part's number of neurons
    rows         filled with every part's row, the fullest first
    first_extra  filled with the part that takes a crowded border's second share
    of           filled with the border that each share belongs to
    """
    arcs, extras = count.size, 0
    for k in range(arcs):
        shares = max(1, -(-count[k] // most))
        share[k] = -(-count[k] // shares)
        first_extra[k] = arcs + 1 + extras
        for _ in range(1, shares):
            of[extras] = k
            share[arcs + 1 + extras] = share[k]
            extras += 1
    parts = arcs + 1 + extras
    ahead = np.zeros(most + 2, np.int64)  # how many parts are larger
    for part in range(parts):
        ahead[share[part]] += 1
    total = 0
    for n in range(most, -1, -1):
        ahead[n], total = total, total + ahead[n]
    for part in range(parts):
        rows[part] = ahead[share[part]]
        ahead[share[part]] += 1
    return extras
