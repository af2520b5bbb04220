"""The neurons far from every sample: an arc's sleepers move by one matrix, and the arc moves them all.

An arc keeps the product ``lam`` of its matrices since they lay down, and the second moments ``z0`` that they had then:
their share of the function is a bilinear form in these. None of them can reach a border while lam has moved less than
the arc's ``reach``. Only arcs with sleepers are kept, LANES side by side.
"""

from __future__ import annotations

import numpy as np

from knotflow.engine import table as fields
from knotflow.engine.compiled import kernel
from knotflow.engine.lanes import LANES, above, bits, gather, load, magnitude, peek, poke, scatter, spread, store

# Fields of a sleeping arc: the propagator's rows for a, b, c; sums of aa, ab, bb, ac, bc, cc; the abscissae of its
# borders; how far the coefficients of c, and of a or b, of a border's h may move.
LAM, Z0, LOWER, UPPER, REACH_C, REACH_AB = (LANES * field for field in (0, 9, 15, 16, 17, 18))
BUNK = LANES * 19

# Sleepers are laid down for this many times the motion predicted from the current sums.
RESERVE = 1.25
LEAST_SHARE = 0.5


@kernel
def place(berth):
    """Where the fields of the berth-th sleeping arc begin."""
    return (berth // LANES) * BUNK + berth % LANES


@kernel
def make(bulk, sources, berth, g, prob, reach_c, reach_ab, source):
    """Give arc g a berth without sleepers; the lanes after it in its bunk repeat it until they are given away."""
    o = place(berth)
    for lane in range(berth % LANES, LANES):
        for field in range(LAM, Z0 + 6 * LANES, LANES):
            bulk[o + field] = 0.0
        for row in (0, 4, 8):
            bulk[o + LAM + row * LANES] = 1.0
        bulk[o + LOWER], bulk[o + UPPER] = prob.lower[g], prob.upper[g]
        bulk[o + REACH_C], bulk[o + REACH_AB] = reach_c, reach_ab
        sources[berth + lane - berth % LANES] = source
        o += 1


@kernel(forceinline=True)
def lie_down(bulk, berth, a, b, c):
    """Add a neuron to an arc's sleepers."""
    o = place(berth) + Z0
    _add(bulk, o, a * a)
    _add(bulk, o + LANES, a * b)
    _add(bulk, o + 2 * LANES, b * b)
    _add(bulk, o + 3 * LANES, a * c)
    _add(bulk, o + 4 * LANES, b * c)
    _add(bulk, o + 5 * LANES, c * c)


@kernel(forceinline=True)
def _add(array, o, value):
    poke(array, o, peek(array, o) + value)


@kernel
def add_sums(bulk, sources, berths, table):
    """Add what the sleepers add up to, who have just lain down, to the table's sums."""
    for berth in range(berths):
        o, t = place(berth) + Z0, sources[berth]
        _add(table, t + fields.CA, peek(bulk, o + 3 * LANES))
        _add(table, t + fields.CB, peek(bulk, o + 4 * LANES))


@kernel(forceinline=True)
def moved(bulk, berth, a, b, c):
    """Where the sleeper that lay down at (a, b, c) is now."""
    o = place(berth)
    return _row(bulk, o, a, b, c), _row(bulk, o + 3 * LANES, a, b, c), _row(bulk, o + 6 * LANES, a, b, c)


@kernel(forceinline=True)
def _row(bulk, o, a, b, c):
    return peek(bulk, o) * a + peek(bulk, o + LANES) * b + peek(bulk, o + 2 * LANES) * c


@kernel
def step(bulk, sources, berths, table, train, keep):
    """Advance every sleeping arc by one step and add its sums to the table's; True if one has used up its reach."""
    ka, kb, kc = spread(keep[0]), spread(keep[1]), spread(keep[2])
    ma, mb, mc = spread(train[0]), spread(train[1]), spread(train[2])
    one, zero = spread(1.0), spread(0.0)
    spent = above(zero, zero)
    for first in range(0, berths, LANES):
        o = (first // LANES) * BUNK
        e0, e1 = _drive(table, sources, first, fields.E0), _drive(table, sources, first, fields.E1)
        u, v, p, w = ma * e1, mb * e0, mc * e1, mc * e0
        a0, a1, a2 = load(bulk, o), load(bulk, o + LANES), load(bulk, o + 2 * LANES)
        b0, b1, b2 = load(bulk, o + 3 * LANES), load(bulk, o + 4 * LANES), load(bulk, o + 5 * LANES)
        c0, c1, c2 = load(bulk, o + 6 * LANES), load(bulk, o + 7 * LANES), load(bulk, o + 8 * LANES)
        na0, na1, na2 = ka * a0 - u * c0, ka * a1 - u * c1, ka * a2 - u * c2
        nb0, nb1, nb2 = kb * b0 + v * c0, kb * b1 + v * c1, kb * b2 + v * c2
        nc0, nc1, nc2 = kc * c0 - (p * a0 - w * b0), kc * c1 - (p * a1 - w * b1), kc * c2 - (p * a2 - w * b2)
        store(bulk, o, na0)
        store(bulk, o + LANES, na1)
        store(bulk, o + 2 * LANES, na2)
        store(bulk, o + 3 * LANES, nb0)
        store(bulk, o + 4 * LANES, nb1)
        store(bulk, o + 5 * LANES, nb2)
        store(bulk, o + 6 * LANES, nc0)
        store(bulk, o + 7 * LANES, nc1)
        store(bulk, o + 8 * LANES, nc2)
        z = o + Z0
        aa, ab, bb = load(bulk, z), load(bulk, z + LANES), load(bulk, z + 2 * LANES)
        ac, bc, cc = load(bulk, z + 3 * LANES), load(bulk, z + 4 * LANES), load(bulk, z + 5 * LANES)
        za = aa * nc0 + ab * nc1 + ac * nc2
        zb = ab * nc0 + bb * nc1 + bc * nc2
        zc = ac * nc0 + bc * nc1 + cc * nc2
        ca = scatter(na0 * za + na1 * zb + na2 * zc)
        cb = scatter(nb0 * za + nb1 * zb + nb2 * zc)
        reach_c, reach_ab = load(bulk, o + REACH_C), load(bulk, o + REACH_AB)
        da, db = na0 - one, nb1 - one
        lower, upper = load(bulk, o + LOWER), load(bulk, o + UPPER)
        spent = spent | above(magnitude(lower * na2 - nb2), reach_c) | above(magnitude(upper * na2 - nb2), reach_c)
        spent = spent | above(magnitude(lower * da - nb0), reach_ab) | above(magnitude(upper * da - nb0), reach_ab)
        spent = spent | above(magnitude(lower * na1 - db), reach_ab) | above(magnitude(upper * na1 - db), reach_ab)
        for k in range(min(LANES, berths - first)):
            t = peek(sources, first + k)
            _add(table, t + fields.CA, ca[k])
            _add(table, t + fields.CB, cb[k])
    return bits(spent) != 0


@kernel(forceinline=True)
def _drive(table, sources, first, field):
    """A field of the table for LANES sleeping arcs."""
    return gather(
        peek(table, peek(sources, first) + field),
        peek(table, peek(sources, first + 1) + field),
        peek(table, peek(sources, first + 2) + field),
        peek(table, peek(sources, first + 3) + field),
    )


@kernel
def _growth(w):
    """sinh(w)/w and (cosh(w) - 1)/w^2, about."""
    if w < 1.0:
        return 1.0 + w * w / 6.0, 0.5 + w * w / 24.0
    half = 0.5 * np.exp(w)
    return half / w, half / (w * w)


@kernel
def set_reach(state, prob, horizon, reach_c, reach_ab):
    """Let each arc's propagator move by ``horizon`` steps' worth before its sleepers must be looked at; O(s).

    L_g = I + M with M^3 = w^2 M, w^2 = e0^2 + e1^2, so that n steps move a border's h = x a - b by about
    (x e1 + e0) sinh(n w)/w in the coefficient of c, and by (x e1 + e0) e (cosh(n w) - 1)/w^2 in those of a and b.
    Only the cost depends on this guess: ``step`` watches how far the propagator really goes.
    """
    s, n, at, table, lower, upper = prob.x.size, horizon, state.at, state.table, prob.lower, prob.upper
    ta, tb, tc = prob.train[0], prob.train[1], prob.train[2]
    decay = 1.0 - min(prob.keep[0], prob.keep[1])
    sum_c = sum_ab = 0.0
    for g in range(2 * s):
        t = at[fields.part_of_arc(g, s)]
        signed0, signed1 = table[t + fields.E0], table[t + fields.E1]
        e0, e1 = abs(signed0), abs(signed1)
        w = min(n * np.sqrt(e0 * e0 + e1 * e1), 700.0)
        sinh, cosh = _growth(w)
        most_c = most_ab = 0.0
        for x in (lower[g], upper[g]):
            speed = n * abs(ta * x * signed1 + tb * signed0)
            most_c = max(most_c, RESERVE * speed * sinh)
            turn = tc * speed * n * max(e0, e1) * cosh
            most_ab = max(most_ab, RESERVE * (turn + n * decay * (abs(x) + 1.0)))
        reach_c[g], reach_ab[g] = most_c, most_ab
        if table[t + fields.CA] != 0.0 or table[t + fields.CB] != 0.0:  # not of arcs that nobody is on
            sum_c += most_c
            sum_ab += most_ab
    # An arc whose sums happen to vanish now will not stay at rest: give it a share of what the others get.
    share = LEAST_SHARE / (2 * s - 1)
    for g in range(1, 2 * s):
        reach_c[g] = max(reach_c[g], share * sum_c)
        reach_ab[g] = max(reach_ab[g], share * sum_ab)
