"""Where the engine keeps what: buckets of the borders, LANES of them side by side.

Border k lies between arcs k and k + 1, at the sample ``border_sample(k)``; its two arcs differ by that sample alone.
So a neuron near it needs the sums E of the arc on which the sample is *not* active, and, if it is active there, the
sample's own rho = lr/norm w_j r_j. A neuron that hops across the sample changes that one comparison and nothing else.
Its part of the function is that of the inactive arc, c (a x - b) at the samples beyond, and c max(h, 0) at its own.

Buckets 0 .. 2s - 1 are the borders. Bucket 2s is the arc that is active everywhere, which is no border's inactive arc.
Further ones are *overflow buckets*: they hold the neurons of a border that has many. Each bucket is one lane, and
LANES lanes lie side by side in a group, so that LANES borders are stepped at once.
"""

from __future__ import annotations

import numpy as np

from knotflow.engine.compiled import leaf
from knotflow.engine.simd import LANES, load_scalar, store_scalar

# Fields of a bucket. E0, E1: lr/norm times the sums of w r and w r x over the inactive arc's samples. RHO: lr/norm w r
# at the border's sample. X, LOWER, UPPER: the abscissae of this border and of those before and after it. CA, CB: sums
# of c a and c b over the neurons. CR: of c max(h, 0).
E0, E1, RHO, X, LOWER, UPPER, CA, CB, CR = (LANES * field for field in range(9))
GROUP = LANES * 9

LEVEL = 3 * LANES  # a level of a group: LANES each of a, b, c
BLOCK = LANES * 19  # a block of LANES slots (``interior``)

SHARES = 32  # a bucket holds at most 1/32 of the boundary neurons, so that at most 32 buckets overflow at a rebuild
OVERFLOW_BUCKETS = 64  # overflow buckets at most, with those added between rebuilds
LEAST_BUCKET = 16  # neurons of one border that are not worth a second bucket
SPARE_SHARE = 8  # a group has capacity for an eighth more levels, and for a few more. Of these,
FEWEST_SPARE, MOST_SPARE = 1, 8  # few keep groups close together in the cache, many last longer where knots travel
RESERVE, LEAST_RESERVE = 1024, 64  # levels set aside for a group of later overflow buckets: m / RESERVE, at least these


def groups(s: int) -> int:
    """Upper bound on the number of groups, for any distribution of the neurons over the borders."""
    return -(-(2 * s + 1 + OVERFLOW_BUCKETS) // LANES)


def most_in_bucket(boundary: int) -> int:
    """How many neurons a bucket may hold, of this number of boundary neurons."""
    return max(LEAST_BUCKET, -(-boundary // SHARES))


def most_levels(m: int, groups: int) -> int:
    """Levels enough for m neurons in any distribution: no group is deeper than the shortest lane of the one before."""
    full = -(-m // LANES) + most_in_bucket(m)
    reserved = (OVERFLOW_BUCKETS // LANES + 1) * max(LEAST_RESERVE, m // RESERVE)
    return full + full // SPARE_SHARE + MOST_SPARE * groups + reserved


@leaf
def groups_in_use(s, overflow):
    """Number of groups that have buckets."""
    return (2 * s + overflow + LANES) // LANES


@leaf
def address_of(lane):
    """Where the fields of a lane begin."""
    return (lane // LANES) * GROUP + lane % LANES


@leaf
def bucket_of_arc(g, s):
    """The bucket whose E is that of arc g, and whose sums get those of its interior. The dead arc's count nowhere."""
    if g == s:
        return 2 * s
    return g if g < s else g - 1


@leaf(forceinline=True)
def next_border(k, arcs):
    """The border after border k, around the circle."""
    return k + 1 - arcs * np.int64(k + 1 == arcs)


@leaf(forceinline=True)
def describe(table, t, k, lower, upper):
    """Write border k's abscissae at address t, from the arcs' (``borders``); its sums are 0."""
    store_scalar(table, t + X, load_scalar(upper, k))
    store_scalar(table, t + LOWER, load_scalar(lower, k))
    store_scalar(table, t + UPPER, load_scalar(upper, next_border(k, upper.size)))
    store_scalar(table, t + CA, 0.0)
    store_scalar(table, t + CB, 0.0)
    store_scalar(table, t + CR, 0.0)


@leaf
def set_sums(buckets, overflow, x, r, scale):
    """E and RHO of every bucket from the weighted residuals r; O(s)."""
    table, address, of, s = buckets.table, buckets.address, buckets.of, x.size
    s0 = s1 = p0 = p1 = 0.0
    for j in range(s):
        k = s - 1 - j
        rho = scale * load_scalar(r, k)
        _drive(table, load_scalar(address, j), s0, s1, rho)
        s0 += rho
        s1 += rho * load_scalar(x, k)
        rho = scale * load_scalar(r, j)
        _drive(table, load_scalar(address, s + k), p0, p1, rho)
        p0 += rho
        p1 += rho * load_scalar(x, j)
    _drive(table, load_scalar(address, 2 * s), s0, s1, 0.0)
    for e in range(overflow):
        t, main = load_scalar(address, 2 * s + 1 + e), load_scalar(address, load_scalar(of, e))
        _drive(
            table, t, load_scalar(table, main + E0), load_scalar(table, main + E1), load_scalar(table, main + RHO)
        )  # fmt: skip


@leaf
def _drive(table, t, e0, e1, rho):
    store_scalar(table, t + E0, e0)
    store_scalar(table, t + E1, e1)
    store_scalar(table, t + RHO, rho)


@leaf
def add_overflow(buckets, overflow, s):
    """Add the sums of the overflow buckets to those of their borders."""
    table, address, of = buckets.table, buckets.address, buckets.of
    for e in range(overflow):
        t, main = load_scalar(address, 2 * s + 1 + e), load_scalar(address, load_scalar(of, e))
        for field in range(CA, CR + 1, LANES):
            store_scalar(table, main + field, load_scalar(table, main + field) + load_scalar(table, t + field))


@leaf
def predict(buckets, x, bias, inv_norm, right, f):
    """f(x_j) from the buckets' sums; O(s). ``right`` is scratch, (s,): what the right-facing neurons add.

    Each facing is summed in the direction in which its neurons become active, so that only active ones enter.
    """
    table, address, s = buckets.table, buckets.address, x.size
    t = load_scalar(address, 2 * s)
    p, q = load_scalar(table, t + CA), load_scalar(table, t + CB)
    left_p = left_q = 0.0
    for j in range(s):
        k = s - 1 - j  # the left-facing sums run the other way; both chains of additions overlap
        t = load_scalar(address, k)
        store_scalar(right, j, load_scalar(x, j) * p - q + load_scalar(table, t + CR))
        p += load_scalar(table, t + CA)
        q += load_scalar(table, t + CB)
        t = load_scalar(address, s + j)
        store_scalar(f, k, load_scalar(x, k) * left_p - left_q + load_scalar(table, t + CR))
        left_p += load_scalar(table, t + CA)
        left_q += load_scalar(table, t + CB)
    for j in range(s):
        f[j] = bias + inv_norm * (right[j] + f[j])
