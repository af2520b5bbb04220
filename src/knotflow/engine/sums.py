"""Sums over neurons by arc, over samples by arc, and what they say: predictions, residuals, the loss.

With the sums per arc everything costs O(s): sample j is active on a window of s neighbouring arcs, so that sums over
its arcs, and sums over an arc's samples, are running sums. `arcs` says how arcs are numbered.
"""

from __future__ import annotations

from knotflow.engine.compiled import kernel


@kernel
def add_moments(a, b, c, arc, ca, cb):
    """Per arc, ca = sum c_i a_i and cb = sum c_i b_i: all that the function's values need."""
    ca[:] = 0.0
    cb[:] = 0.0
    for i in range(a.size):
        g = arc[i]
        ca[g] += c[i] * a[i]
        cb[g] += c[i] * b[i]


@kernel
def predict(ca, cb, x, bias, inv_norm, f):
    """f(x_j) = bias + (x_j sum ca - sum cb) / norm over the arcs active at x_j; O(s).

    Each facing is summed in the direction in which its neurons become active, so only active ones enter.
    """
    s = x.size
    p_right = q_right = p_left = q_left = 0.0
    for j in range(s):
        f[j] = bias
    for j in range(s):
        p_right += ca[s - j]
        q_right += cb[s - j]
        f[j] += inv_norm * (x[j] * p_right - q_right)
        k = s - 1 - j  # the left-facing sums run the other way; both chains of additions overlap
        if k < s - 1:
            p_left += ca[2 * s - 1 - k]
            q_left += cb[2 * s - 1 - k]
            f[k] += inv_norm * (x[k] * p_left - q_left)


@kernel
def arc_sums(r, x, scale, q0, q1):
    """Per arc, q0 = scale sum r_j and q1 = scale sum r_j x_j over its active samples; O(s). r is weighted."""
    s = x.size
    q0[0] = q1[0] = 0.0
    s0 = s1 = p0 = p1 = 0.0
    for j in range(s):
        k = s - 1 - j
        s0 += scale * r[k]
        s1 += scale * (r[k] * x[k])
        q0[j + 1] = s0
        q1[j + 1] = s1
        if j < s - 1:
            p0 += scale * r[j]
            p1 += scale * (r[j] * x[j])
            q0[2 * s - 1 - j] = p0
            q1[2 * s - 1 - j] = p1


@kernel(fastmath={"reassoc"})
def residuals(f, y, weight, r):
    """r_j = w_j (f_j - y_j); returns 1/2 sum w_j (f_j - y_j)^2."""
    loss = 0.0
    for j in range(f.size):
        d = f[j] - y[j]
        r[j] = weight[j] * d
        loss += r[j] * d
    return 0.5 * loss
