"""The kernel of the Hessian-vector product: two passes over the neurons, two over the samples."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from knotflow.engine.compiled import kernel
from knotflow.engine.lanes import LANES, gather, load, peek, poke, scatter, spread, store
from knotflow.engine.sums import arc_sums, predict

Array = NDArray[np.float64]


class Problem(NamedTuple):
    """What stays the same from product to product."""

    a: Array  # (m,)
    b: Array
    c: Array
    row: NDArray[np.int64]  # (m,) twice the arc
    x: Array  # (s,)
    weight: Array
    inv_norm: float


@kernel
def multiply(prob, pulls, v, out):
    """out = H v for v = (da, db, dc, dbias).

    pulls   (4s,) the sums q0 and q1 of the weighted residuals, side by side for each arc
    """
    m, s = prob.a.size, prob.x.size
    sums = np.empty((2 * s, 4))
    sums[:, :2] = _moments(prob, v[:m], v[m : 2 * m], v[2 * m : 3 * m]).reshape(2 * s, 2)
    sums[:, 2:] = pulls.reshape(2 * s, 2)
    out[3 * m] = _there_and_back(prob, sums, v[3 * m])
    _spread(prob, sums.reshape(-1), v[:m], v[m : 2 * m], v[2 * m : 3 * m], out[:m], out[m : 2 * m], out[2 * m : 3 * m])


@kernel
def _moments(prob, da, db, dc):
    """(4s,) for each arc, what the sums of c a and of c b change by.

    Each lane has sums of its own, so that none waits for the one before, which is often of the same arc.
    """
    a, b, c, row = prob.a, prob.b, prob.c, prob.row
    m, size = a.size, 4 * prob.x.size
    sums = np.zeros(LANES * size)
    whole = m - m % LANES
    for i in range(0, whole, LANES):
        va, vb, vc, vdc = load(a, i), load(b, i), load(c, i), load(dc, i)
        p = scatter(vdc * va + vc * load(da, i))
        q = scatter(vdc * vb + vc * load(db, i))
        _add(sums, peek(row, i), p[0], q[0])
        _add(sums, size + peek(row, i + 1), p[1], q[1])
        _add(sums, 2 * size + peek(row, i + 2), p[2], q[2])
        _add(sums, 3 * size + peek(row, i + 3), p[3], q[3])
    for i in range(whole, m):
        _add(sums, row[i], dc[i] * a[i] + c[i] * da[i], dc[i] * b[i] + c[i] * db[i])
    return sums.reshape(LANES, size).sum(axis=0)


@kernel(forceinline=True)
def _add(sums, k, p, q):
    poke(sums, k, peek(sums, k) + p)
    poke(sums, k + 1, peek(sums, k + 1) + q)


@kernel
def _spread(prob, sums, da, db, dc, out_a, out_b, out_c):
    """From the arcs' four sums to the neurons."""
    a, b, c, row = prob.a, prob.b, prob.c, prob.row
    m = a.size
    whole, zero = m - m % LANES, spread(0.0)
    for i in range(0, whole, LANES):
        k0, k1, k2, k3 = 2 * peek(row, i), 2 * peek(row, i + 1), 2 * peek(row, i + 2), 2 * peek(row, i + 3)
        e0 = gather(peek(sums, k0), peek(sums, k1), peek(sums, k2), peek(sums, k3))
        e1 = gather(peek(sums, k0 + 1), peek(sums, k1 + 1), peek(sums, k2 + 1), peek(sums, k3 + 1))
        q0 = gather(peek(sums, k0 + 2), peek(sums, k1 + 2), peek(sums, k2 + 2), peek(sums, k3 + 2))
        q1 = gather(peek(sums, k0 + 3), peek(sums, k1 + 3), peek(sums, k2 + 3), peek(sums, k3 + 3))
        vc, vdc = load(c, i), load(dc, i)
        store(out_a, i, vc * e1 + q1 * vdc)
        store(out_b, i, zero - (vc * e0 + q0 * vdc))
        store(out_c, i, load(a, i) * e1 - load(b, i) * e0 + (q1 * load(da, i) - q0 * load(db, i)))
    for i in range(whole, m):
        k = 2 * row[i]
        e0, e1, q0, q1 = sums[k], sums[k + 1], sums[k + 2], sums[k + 3]
        out_a[i] = c[i] * e1 + q1 * dc[i]
        out_b[i] = -(c[i] * e0 + q0 * dc[i])
        out_c[i] = a[i] * e1 - b[i] * e0 + (q1 * da[i] - q0 * db[i])


@kernel
def _there_and_back(prob, sums, dbias):
    """From the arcs' sums to df at the samples, and back to the sums of w df and w df x; returns sum w df."""
    ca, cb = sums[:, 0].copy(), sums[:, 1].copy()
    df = np.empty(prob.x.size)
    predict(ca, cb, prob.x, dbias, prob.inv_norm, df)
    df *= prob.weight
    arc_sums(df, prob.x, prob.inv_norm, ca, cb)
    sums[:, 0] = ca
    sums[:, 1] = cb
    return df.sum()
