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

from knotflow.engine.compiled import kernel, leaf
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
    return k if k < s else k + 1 if k + 1 < 2 * s else 0


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


@leaf(forceinline=True)
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
