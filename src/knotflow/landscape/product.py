"""The kernel of the Hessian-vector product: two passes over the neurons, two over the samples."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from knotflow.engine.arcs import arc_sums, predict

Array = NDArray[np.float64]


class Problem(NamedTuple):
    """What stays the same from product to product."""

    a: Array  # (m,)
    b: Array
    c: Array
    row: NDArray[np.uint32]  # (m,) 4 times the arc: unsigned, so that numba does not look for negative indices
    x: Array  # (s,)
    weight: Array
    inv_norm: float


@njit(cache=True)
def multiply(prob, table, v, out):
    """out = H v for v = (da, db, dc, dbias).

    table   (8s,) four numbers for each arc: two that are 0 on entry, and the sums q0, q1 of the weighted residuals
    """
    a, b, c, row, x = prob.a, prob.b, prob.c, prob.row, prob.x
    m, s = a.size, x.size
    da, db, dc = v[:m], v[m : 2 * m], v[2 * m : 3 * m]
    out_a, out_b, out_c = out[:m], out[m : 2 * m], out[2 * m : 3 * m]
    for i in range(m):
        g = row[i]
        table[g] += dc[i] * a[i] + c[i] * da[i]
        table[g + 1] += dc[i] * b[i] + c[i] * db[i]
    out[3 * m] = _there_and_back(prob, table.reshape(2 * s, 4), v[3 * m])
    for i in range(m):
        g = row[i]
        e0, e1, q0, q1 = table[g], table[g + 1], table[g + 2], table[g + 3]
        out_a[i] = c[i] * e1 + q1 * dc[i]
        out_b[i] = -(c[i] * e0 + q0 * dc[i])
        out_c[i] = a[i] * e1 - b[i] * e0 + (q1 * da[i] - q0 * db[i])


@njit(cache=True)
def _there_and_back(prob, table, dbias):
    """From the arcs' sums to df at the samples, and back to the sums of w df and w df x; returns sum w df."""
    ca, cb = table[:, 0].copy(), table[:, 1].copy()
    df = np.empty(prob.x.size)
    predict(ca, cb, prob.x, dbias, prob.inv_norm, df)
    df *= prob.weight
    arc_sums(df, prob.x, prob.inv_norm, ca, cb)
    table[:, 0] = ca
    table[:, 1] = cb
    return df.sum()
