"""The kernel of the Hessian-vector product: two passes over the neurons, two over the samples."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from knotflow.engine.compiled import kernel
from knotflow.engine.simd import LANES, gather, load, load_scalar, splat, store, store_scalar, unpack
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
    m, arcs = prob.a.size, 2 * prob.x.size
    ca, cb, sums = np.empty(arcs), np.empty(arcs), np.empty(4 * arcs)
    _moments(prob, v, ca, cb)
    out[3 * m] = _there_and_back(prob, ca, cb, v[3 * m])
    for g in range(arcs):
        sums[4 * g] = ca[g]
        sums[4 * g + 1] = cb[g]
        sums[4 * g + 2] = pulls[2 * g]
        sums[4 * g + 3] = pulls[2 * g + 1]
    _spread(prob, sums, v, out)


@kernel
def _moments(prob, v, ca, cb):
    """Fill ca and cb with what the sums of c a and of c b of each arc change by.

    Each lane has sums of its own, so that none waits for the one before, which is often of the same arc.
    """
    a, b, c, row = prob.a, prob.b, prob.c, prob.row
    m, size = a.size, 4 * prob.x.size
    sums = np.zeros(LANES * size)
    whole = m - m % LANES
    for i in range(0, whole, LANES):
        va, vb, vc, vdc = load(a, i), load(b, i), load(c, i), load(v, 2 * m + i)
        p = unpack(vdc * va + vc * load(v, i))
        q = unpack(vdc * vb + vc * load(v, m + i))
        _add(sums, load_scalar(row, i), p[0], q[0])
        _add(sums, size + load_scalar(row, i + 1), p[1], q[1])
        _add(sums, 2 * size + load_scalar(row, i + 2), p[2], q[2])
        _add(sums, 3 * size + load_scalar(row, i + 3), p[3], q[3])
    for i in range(whole, m):
        da, db, dc = v[i], v[m + i], v[2 * m + i]
        _add(sums, row[i], dc * a[i] + c[i] * da, dc * b[i] + c[i] * db)
    for g in range(ca.size):
        p = q = 0.0
        for k in range(2 * g, LANES * size, size):
            p += sums[k]
            q += sums[k + 1]
        ca[g] = p
        cb[g] = q


@kernel(forceinline=True)
def _add(sums, k, p, q):
    store_scalar(sums, k, load_scalar(sums, k) + p)
    store_scalar(sums, k + 1, load_scalar(sums, k + 1) + q)


@kernel
def _spread(prob, sums, v, out):
    """From the arcs' four sums to the neurons."""
    a, b, c, row = prob.a, prob.b, prob.c, prob.row
    m = a.size
    whole, zero = m - m % LANES, splat(0.0)
    for i in range(0, whole, LANES):
        k0, k1 = 2 * load_scalar(row, i), 2 * load_scalar(row, i + 1)
        k2, k3 = 2 * load_scalar(row, i + 2), 2 * load_scalar(row, i + 3)
        e0 = gather(sums, k0, k1, k2, k3)
        e1 = gather(sums, k0 + 1, k1 + 1, k2 + 1, k3 + 1)
        q0 = gather(sums, k0 + 2, k1 + 2, k2 + 2, k3 + 2)
        q1 = gather(sums, k0 + 3, k1 + 3, k2 + 3, k3 + 3)
        vc, vdc = load(c, i), load(v, 2 * m + i)
        store(out, i, vc * e1 + q1 * vdc)
        store(out, m + i, zero - (vc * e0 + q0 * vdc))
        store(out, 2 * m + i, load(a, i) * e1 - load(b, i) * e0 + (q1 * load(v, i) - q0 * load(v, m + i)))
    for i in range(whole, m):
        k, da, db, dc = 2 * row[i], v[i], v[m + i], v[2 * m + i]
        e0, e1, q0, q1 = sums[k], sums[k + 1], sums[k + 2], sums[k + 3]
        out[i] = c[i] * e1 + q1 * dc
        out[m + i] = -(c[i] * e0 + q0 * dc)
        out[2 * m + i] = a[i] * e1 - b[i] * e0 + (q1 * da - q0 * db)


@kernel
def _there_and_back(prob, ca, cb, dbias):
    """From the arcs' sums to df at the samples, and back to the sums of w df and w df x; returns sum w df."""
    df, total = np.empty(prob.x.size), 0.0
    predict(ca, cb, prob.x, dbias, prob.inv_norm, df)
    for j in range(df.size):
        df[j] *= prob.weight[j]
        total += df[j]
    arc_sums(df, prob.x, prob.inv_norm, ca, cb)
    return total
