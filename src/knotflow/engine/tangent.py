"""The tangent kernel on the samples, by arcs: the only copy of its matrix and of its product with a vector.

    K(x, x') = x~^T (sum of S over the arcs active at both) x~' + bias,     x~ = (x, 1),   S = [[s11, s12], [s12, s22]]

S of an arc is the sum over its neurons of c^2 I + w w^T, w = (a, -b), over norm^2 where all of a, b and c are trained;
`bias` is 1 where the bias is trained, else 0. Source: Williams et al. 2019, eq. (3) and arXiv eq. (27).
"""

from __future__ import annotations

import numpy as np

from knotflow.engine.compiled import kernel
from knotflow.engine.sums import arc_sums, predict


@kernel
def both_active(part, right, left):
    """Sums over the arcs active at both of two samples j <= k: right[j] + left[k]. O(s).

    right[j]: arcs s - j .. s, the right-facing ones active at x_j; left[k]: arcs s + 1 .. 2s - 1 - k.
    """
    s = right.size
    total = 0.0
    for j in range(s):
        total += part[s - j]
        right[j] = total
    total = left[s - 1] = 0.0
    for k in range(s - 2, -1, -1):
        total += part[2 * s - 1 - k]
        left[k] = total


@kernel
def matrix(s11, s12, s22, x, root, bias):
    """diag(root) K diag(root), (s, s). O(s^2)."""
    s = x.size
    right, left, out = np.empty((3, s)), np.empty((3, s)), np.empty((s, s))
    both_active(s11, right[0], left[0])
    both_active(s12, right[1], left[1])
    both_active(s22, right[2], left[2])
    for j in range(s):
        for k in range(j, s):
            k11, k12, k22 = right[0, j] + left[0, k], right[1, j] + left[1, k], right[2, j] + left[2, k]
            value = k11 * x[j] * x[k] + k12 * (x[j] + x[k]) + k22 + bias
            out[j, k] = out[k, j] = root[j] * root[k] * value
    return out


@kernel
def product(s11, s12, s22, x, v, bias, scratch, out):
    """out = K v, where ``bias`` is 0 or the sum of v. ``scratch`` is (2, 2s). O(s)."""
    q0, q1 = scratch[0], scratch[1]
    arc_sums(v, x, 1.0, q0, q1)
    for g in range(q0.size):
        u1, u0 = s11[g] * q1[g] + s12[g] * q0[g], s12[g] * q1[g] + s22[g] * q0[g]
        q1[g], q0[g] = u1, -u0
    predict(q1, q0, x, bias, 1.0, out)
