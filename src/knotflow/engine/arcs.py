"""Arcs: the sets of neuron directions with one active set, and the sums over samples that drive them.

With s distinct samples x_0 < ... < x_{s-1} the directions (a, -b) fall into 2s arcs, numbered around the circle:

    arc 0              active at no sample (dead)
    arc g, 1 <= g <= s active at the last g samples   (a > 0; arc s is active everywhere, whatever the sign of a)
    arc g, s < g < 2s  active at the first 2s - g samples (a < 0)

Sample j is therefore active on the arcs s-j .. 2s-1-j, a window of s neighbours. Arc g borders arc g-1 at the sample
``lower`` and arc g+1 at ``upper``; two comparisons at these samples decide whether a neuron is on the arc.
(Williams et al. 2019, section 3.1, names them C_1 ... C_{2s-1} and leaves the dead one out.)
"""

from __future__ import annotations

import numpy as np

from knotflow.engine.compiled import kernel
from knotflow.engine.simd import load_scalar


def borders(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Abscissae of the samples at which each of the 2s arcs meets its lower and its upper neighbour."""
    s = x.size
    arcs = np.arange(2 * s)
    upper = np.where(arcs < s, s - 1 - arcs, 2 * s - 1 - arcs)
    lower = np.roll(upper, 1)
    return x[lower], x[upper]


@kernel
def border_sample(k, s):
    """The sample at border k, between arcs k and k + 1."""
    return s - 1 - k if k < s else 2 * s - 1 - k


@kernel
def inactive_arc(k, s):
    """The arc at border k on which the border's sample is not active."""
    return k if k < s else (k + 1) % (2 * s)


@kernel
def active_arc(k, s):
    """The other one."""
    return k + 1 if k < s else k


@kernel
def find_arc(a, b, x):
    """Arc of the neuron (a, b) by bisection, O(log s); active at x_j iff a x_j - b > 0."""
    s = x.size
    lo, hi = 0, s
    if a > 0:
        while lo < hi:
            mid = (lo + hi) // 2
            if a * x[mid] - b > 0:
                hi = mid
            else:
                lo = mid + 1
        return s - lo
    if a < 0:
        while lo < hi:
            mid = (lo + hi) // 2
            if a * x[mid] - b > 0:
                lo = mid + 1
            else:
                hi = mid
        return 2 * s - lo if lo > 0 else 0
    return s if b < 0 else 0


@kernel(forceinline=True)
def on_arc(g, s, h_lower, h_upper):
    """Whether a neuron with the pre-activations h at the border samples of arc g is on it."""
    return np.bool_(((h_lower > 0) == ((g >= 1) & (g <= s))) & ((h_upper > 0) == (g >= s)))


@kernel(forceinline=True)
def step_over(g, a, b, lower, upper):
    """Arc g, or the one next door if the neuron has crossed the border to it; no more than a guess if it went further.

    Neurons that stick to a sample hop across it in no pattern, so the neighbour is found by arithmetic: a branch
    there would be mispredicted half of the time.
    """
    s = lower.size // 2
    left_up = (a * load_scalar(upper, g) - b > 0) != (g >= s)
    left_down = (a * load_scalar(lower, g) - b > 0) != ((g >= 1) & (g <= s))
    k = g + np.int64(left_up) - np.int64(left_down)
    return k + 2 * s * (np.int64(k < 0) - np.int64(k >= 2 * s))


@kernel
def follow(g, a, b, x, lower, upper):
    """Arc of a neuron that was on arc g a step ago: O(1) if it is there or next door, else O(log s)."""
    k = step_over(g, a, b, lower, upper)
    return k if on_arc(k, x.size, a * lower[k] - b, a * upper[k] - b) else find_arc(a, b, x)


@kernel
def find_arcs(a, b, x, arc):
    """Fill ``arc`` with every neuron's arc."""
    for i in range(a.size):
        arc[i] = find_arc(a[i], b[i], x)


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
