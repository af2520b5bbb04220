"""Newton's correction for the residuals of a step, in O(s): the tangent kernel is semiseparable.

The residuals at the three nodes solve a system with the matrix I + dt A (x) K W, where A is the matrix STAGES of Radau
IIA, K the tangent kernel and W the weights. In the eigenbasis of A^-1 this is one real and one complex system

    (I + z K W) v = d,      z = dt / eigenvalue

With the samples in order, K(x_j, x_k) = g_j . h_k for j >= k, with four numbers each:

    g_j = (x~_j, L_j x~_j),   h_k = (R_k x~_k, x~_k),   x~ = (x, 1)

R_k sums S of `tangent` over the right-facing arcs that are active at sample k, L_j over the left-facing ones. So
1/W + z K has a factor L D L^T whose L has the generators g_j . e_k: one pass over the samples finds e_k and D, and two
passes solve.

Source: Vandebril, Van Barel & Mastronardi 2008, Matrix Computations and Semiseparable Matrices I, chapter 4.
"""

from __future__ import annotations

import numpy as np

from knotflow.engine.compiled import inner
from knotflow.engine.flow.radau import STAGES
from knotflow.engine.tangent import both_active


def _eigenbasis() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of A^-1: its real eigenvalue and the one with positive imaginary part, their rows of T^-1, columns of T."""
    values, vectors = np.linalg.eig(np.linalg.inv(STAGES))
    order = [int(np.argmin(abs(values.imag))), int(np.argmax(values.imag))]
    return values[order], np.linalg.inv(vectors)[order], vectors[:, order]


VALUES, TO_BASIS, FROM_BASIS = _eigenbasis()
# The conjugate system has the conjugate solution: it counts twice.
FROM_BASIS = FROM_BASIS * [1.0, 2.0]
# Places in Work.factor: e_k times 1 / d_k; then 1 / d_k.
PIVOT = 4
# The real system; a NumPy integer, as numba compiles a function that takes a plain one once more.
REAL = np.int64(0)


@inner
def generators(prob, work):
    """Fill work.g and work.h from the kernel's sums per arc; the bias is active at all samples."""
    right, left, x, g, h = work.right, work.left, prob.x, work.g, work.h
    both_active(work.s11, right[0], left[0])
    both_active(work.s12, right[1], left[1])
    both_active(work.s22, right[2], left[2])
    for j in range(x.size):
        xj = x[j]
        g[j, 0], g[j, 1] = xj, 1.0
        g[j, 2], g[j, 3] = left[0, j] * xj + left[1, j], left[1, j] * xj + left[2, j]
        h[j, 0], h[j, 1] = right[0, j] * xj + right[1, j], right[1, j] * xj + right[2, j] + prob.tbias
        h[j, 2], h[j, 3] = xj, 1.0


@inner
def factor(dt, prob, work):
    """Factorise both systems of a step of length dt. O(s)."""
    generators(prob, work)
    for which in range(2):
        factorise(dt / VALUES[which], work.factor[which], prob.weight, work)


@inner
def factorise(z, out, weight, work):
    """Fill ``out`` with the factor of 1/W + z K, given the generators of K."""
    g, h, t, m = work.g, work.h, work.column, work.middle
    for p in range(4):
        for q in range(4):
            m[p, q] = 0.0
    for k in range(g.shape[0]):
        d = complex(1.0 / weight[k], 0.0)
        for p in range(4):
            t[p] = z * h[k, p] - (m[p, 0] * g[k, 0] + m[p, 1] * g[k, 1] + m[p, 2] * g[k, 2] + m[p, 3] * g[k, 3])
            d += g[k, p] * t[p]
        size = d.real * d.real + d.imag * d.imag
        pivot = complex(d.real / size, -d.imag / size)
        out[k, PIVOT] = pivot
        for p in range(4):
            e = t[p] * pivot
            out[k, p] = e
            for q in range(p + 1):
                m[p, q] += e * t[q]
                m[q, p] = m[p, q]


@inner
def solve_factored(which, weight, work):
    """Solve (I + z K W) v = d for one of the systems; d in work.sides[which], then v."""
    g, f, v = work.g, work.factor[which], work.sides[which]
    s0 = s1 = s2 = s3 = 0j
    for k in range(weight.size):
        y = v[k] - (g[k, 0] * s0 + g[k, 1] * s1 + g[k, 2] * s2 + g[k, 3] * s3)
        s0 += f[k, 0] * y
        s1 += f[k, 1] * y
        s2 += f[k, 2] * y
        s3 += f[k, 3] * y
        v[k] = y * f[k, PIVOT]
    s0 = s1 = s2 = s3 = 0j
    for k in range(weight.size - 1, -1, -1):
        y = v[k] - (f[k, 0] * s0 + f[k, 1] * s1 + f[k, 2] * s2 + f[k, 3] * s3)
        s0 += g[k, 0] * y
        s1 += g[k, 1] * y
        s2 += g[k, 2] * y
        s3 += g[k, 3] * y
        v[k] = y / weight[k]


@inner
def correct(prob, work):
    """Turn the defect in work.delta, (3, s), into Newton's correction. O(s)."""
    delta, sides = work.delta, work.sides
    for which in range(2):
        c0, c1, c2 = TO_BASIS[which, 0], TO_BASIS[which, 1], TO_BASIS[which, 2]
        for j in range(delta.shape[1]):
            sides[which, j] = c0 * delta[0, j] + c1 * delta[1, j] + c2 * delta[2, j]
        solve_factored(which, prob.weight, work)
    for k in range(3):
        c0, c1 = FROM_BASIS[k, 0], FROM_BASIS[k, 1]
        for j in range(delta.shape[1]):
            delta[k, j] = (c0 * sides[0, j] + c1 * sides[1, j]).real


@inner
def fade(v, prob, work):
    """v = (I + z K W)^-1 v with the real z: what is stiff in v fades. O(s)."""
    sides = work.sides
    for j in range(v.size):
        sides[0, j] = v[j]
    solve_factored(REAL, prob.weight, work)
    for j in range(v.size):
        v[j] = sides[0, j].real
