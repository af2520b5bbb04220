"""Interior neurons: far from every border, advanced together by one 3 x 3 matrix per arc.

The slot of an arc keeps P, the product of the arc's matrices since the last rebuild, and Z0 = sum z z^T over its
interior neurons z = (a, b, c) at the last rebuild. Their part of f needs only the entries (c, a) and (c, b) of
P Z0 P^T. None of them can reach a border while P has moved less than the arc's *skin*. Only arcs with interior neurons
have a slot; LANES slots lie side by side in a block.
"""

from __future__ import annotations

import math

from knotflow.engine.compiled import leaf
from knotflow.engine.descent.layout import BLOCK, CA, CB, E0, E1, bucket_of_arc
from knotflow.engine.simd import (
    LANES,
    absolute,
    gather,
    greater,
    load,
    load_scalar,
    movemask,
    splat,
    store,
    store_scalar,
    unpack,
)  # fmt: skip

# Fields of a slot: the rows of P for a, b, c; the sums Z0 of aa, ab, bb, ac, bc, cc; the abscissae of the arc's
# borders; the skins: how far the coefficients of c, and of a or b, of a border's pre-activation may move.
P, Z0, LOWER, UPPER, SKIN_C, SKIN_AB = (LANES * field for field in (0, 9, 15, 16, 17, 18))

MARGIN = 1.25  # a skin is this many times the motion predicted from the present sums
LEAST_SHARE = 0.5  # of the mean skin, for arcs whose sums happen to vanish


@leaf
def address_of(slot):
    """Where the fields of a slot begin."""
    return (slot // LANES) * BLOCK + slot % LANES


@leaf
def open_slot(interior, slot, g, prob, plan, source):
    """Give arc g a slot without neurons.

    The unused lanes of its block get its borders and skins and zero moments, so that the SIMD loop needs no mask.
    """
    block, o = interior.block, address_of(slot)
    for lane in range(slot % LANES, LANES):
        for field in range(P, Z0 + 6 * LANES, LANES):
            block[o + field] = 0.0
        block[o + P] = block[o + P + 4 * LANES] = block[o + P + 8 * LANES] = 1.0
        block[o + LOWER], block[o + UPPER] = prob.lower[g], prob.upper[g]
        block[o + SKIN_C], block[o + SKIN_AB] = plan.skin_c[g], plan.skin_ab[g]
        interior.source[slot + lane - slot % LANES] = source
        o += 1


@leaf(forceinline=True)
def add_neuron(block, slot, a, b, c):
    """Add a neuron to a slot's Z0."""
    o = address_of(slot) + Z0
    _add(block, o, a * a)
    _add(block, o + LANES, a * b)
    _add(block, o + 2 * LANES, b * b)
    _add(block, o + 3 * LANES, a * c)
    _add(block, o + 4 * LANES, b * c)
    _add(block, o + 5 * LANES, c * c)


@leaf(forceinline=True)
def _add(array, o, value):
    store_scalar(array, o, load_scalar(array, o) + value)


@leaf
def add_sums(interior, slots, table):
    """Add the slots' sums of c a and c b at the rebuild to the table's."""
    block = interior.block
    for slot in range(slots):
        o, t = address_of(slot) + Z0, interior.source[slot]
        _add(table, t + CA, load_scalar(block, o + 3 * LANES))
        _add(table, t + CB, load_scalar(block, o + 4 * LANES))


@leaf(forceinline=True)
def present(block, slot, a, b, c):
    """The present parameters of an interior neuron that was (a, b, c) at the last rebuild."""
    o = address_of(slot)
    return _row(block, o, a, b, c), _row(block, o + 3 * LANES, a, b, c), _row(block, o + 6 * LANES, a, b, c)


@leaf(forceinline=True)
def _row(block, o, a, b, c):
    return load_scalar(block, o) * a + load_scalar(block, o + LANES) * b + load_scalar(block, o + 2 * LANES) * c


@leaf
def step(interior, slots, table, train, keep):
    """Advance every slot by one step and add its sums to the table's; whether one has exceeded its skin."""
    block, source = interior.block, interior.source
    ka, kb, kc = splat(keep[0]), splat(keep[1]), splat(keep[2])
    ma, mb, mc = splat(train[0]), splat(train[1]), splat(train[2])
    one, zero = splat(1.0), splat(0.0)
    exceeded = greater(zero, zero)
    for first in range(0, slots, LANES):
        o = (first // LANES) * BLOCK
        t0, t1, t2, t3 = source[first], source[first + 1], source[first + 2], source[first + 3]
        e0, e1 = gather(table, t0 + E0, t1 + E0, t2 + E0, t3 + E0), gather(table, t0 + E1, t1 + E1, t2 + E1, t3 + E1)
        u, v, p, w = ma * e1, mb * e0, mc * e1, mc * e0
        a0, a1, a2 = load(block, o), load(block, o + LANES), load(block, o + 2 * LANES)
        b0, b1, b2 = load(block, o + 3 * LANES), load(block, o + 4 * LANES), load(block, o + 5 * LANES)
        c0, c1, c2 = load(block, o + 6 * LANES), load(block, o + 7 * LANES), load(block, o + 8 * LANES)
        na0, na1, na2 = ka * a0 - u * c0, ka * a1 - u * c1, ka * a2 - u * c2
        nb0, nb1, nb2 = kb * b0 + v * c0, kb * b1 + v * c1, kb * b2 + v * c2
        nc0, nc1, nc2 = kc * c0 - (p * a0 - w * b0), kc * c1 - (p * a1 - w * b1), kc * c2 - (p * a2 - w * b2)
        store(block, o, na0)
        store(block, o + LANES, na1)
        store(block, o + 2 * LANES, na2)
        store(block, o + 3 * LANES, nb0)
        store(block, o + 4 * LANES, nb1)
        store(block, o + 5 * LANES, nb2)
        store(block, o + 6 * LANES, nc0)
        store(block, o + 7 * LANES, nc1)
        store(block, o + 8 * LANES, nc2)
        z = o + Z0
        aa, ab, bb = load(block, z), load(block, z + LANES), load(block, z + 2 * LANES)
        ac, bc, cc = load(block, z + 3 * LANES), load(block, z + 4 * LANES), load(block, z + 5 * LANES)
        za = aa * nc0 + ab * nc1 + ac * nc2
        zb = ab * nc0 + bb * nc1 + bc * nc2
        zc = ac * nc0 + bc * nc1 + cc * nc2
        ca = unpack(na0 * za + na1 * zb + na2 * zc)
        cb = unpack(nb0 * za + nb1 * zb + nb2 * zc)
        skin_c, skin_ab = load(block, o + SKIN_C), load(block, o + SKIN_AB)
        da, db = na0 - one, nb1 - one
        lower, upper = load(block, o + LOWER), load(block, o + UPPER)
        exceeded = exceeded | greater(absolute(lower * na2 - nb2), skin_c)
        exceeded = exceeded | greater(absolute(upper * na2 - nb2), skin_c)
        exceeded = exceeded | greater(absolute(lower * da - nb0), skin_ab)
        exceeded = exceeded | greater(absolute(upper * da - nb0), skin_ab)
        exceeded = exceeded | greater(absolute(lower * na1 - db), skin_ab)
        exceeded = exceeded | greater(absolute(upper * na1 - db), skin_ab)
        for k in range(min(LANES, slots - first)):
            t = load_scalar(source, first + k)
            _add(table, t + CA, ca[k])
            _add(table, t + CB, cb[k])
    return movemask(exceeded) != 0


@leaf
def _growth(w):
    """sinh(w)/w and (cosh(w) - 1)/w^2, about."""
    if w < 1.0:
        return 1.0 + w * w / 6.0, 0.5 + w * w / 24.0
    half = 0.5 * math.exp(w)
    return half / w, half / (w * w)


@leaf
def set_skins(buckets, prob, interval, plan):
    """Choose the skins so that they last for about ``interval`` steps; O(s).

    L_g = I + M with M^3 = w^2 M, w^2 = e0^2 + e1^2, so that n steps move a border's h = x a - b by about
    (x e1 + e0) sinh(n w)/w in the coefficient of c, and by (x e1 + e0) e (cosh(n w) - 1)/w^2 in those of a and b.
    The guess decides the cost alone: ``step`` watches how far P really moves.
    """
    s, n, address, table, lower, upper = (
        prob.x.size, interval, buckets.address, buckets.table, prob.lower, prob.upper
    )  # fmt: skip
    skin_c, skin_ab = plan.skin_c, plan.skin_ab
    ta, tb, tc = prob.train[0], prob.train[1], prob.train[2]
    decay = 1.0 - min(prob.keep[0], prob.keep[1])
    sum_c = sum_ab = 0.0
    for g in range(2 * s):
        t = address[bucket_of_arc(g, s)]
        signed0, signed1 = table[t + E0], table[t + E1]
        e0, e1 = abs(signed0), abs(signed1)
        w = min(n * math.sqrt(e0 * e0 + e1 * e1), 700.0)
        sinh, cosh = _growth(w)
        most_c = most_ab = 0.0
        for side in range(2):
            x = lower[g] if side == 0 else upper[g]
            speed = n * abs(ta * x * signed1 + tb * signed0)
            most_c = max(most_c, MARGIN * speed * sinh)
            turn = tc * speed * n * max(e0, e1) * cosh
            most_ab = max(most_ab, MARGIN * (turn + n * decay * (abs(x) + 1.0)))
        skin_c[g], skin_ab[g] = most_c, most_ab
        if table[t + CA] != 0.0 or table[t + CB] != 0.0:  # not of arcs without neurons
            sum_c += most_c
            sum_ab += most_ab
    # An arc whose sums happen to vanish now will not stay at rest: it gets a share of what the others get.
    share = LEAST_SHARE / (2 * s - 1)
    for g in range(1, 2 * s):
        skin_c[g] = max(skin_c[g], share * sum_c)
        skin_ab[g] = max(skin_ab[g], share * sum_ab)
