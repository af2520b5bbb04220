"""Radau IIA with three stages for the residuals (order 5, L-stable), and the size of a step. Shared with the particles.

A step of length dt has the residuals at the three nodes as its only unknowns: what they have moved by since the start
of the step, so that a step in which nothing moves has no rounding error (Hairer & Wanner, IV.8). The tangent kernel is
their Jacobian up to a sign. The flow solves with it in O(s), see `newton`; the particles in its eigenbasis, here.

Source: Hairer & Wanner 1996, Solving Ordinary Differential Equations II, IV.8 (Radau IIA and its error estimate).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from knotflow.engine.compiled import inner
from knotflow.engine.flow.state import FRESH, REFRESHED

Array = NDArray[Any]

_ROOT6 = 6.0**0.5
NODES = np.array([(4 - _ROOT6) / 10, (4 + _ROOT6) / 10, 1.0])
STAGES = np.array(
    [
        [(88 - 7 * _ROOT6) / 360, (296 - 169 * _ROOT6) / 1800, (-2 + 3 * _ROOT6) / 225],
        [(296 + 169 * _ROOT6) / 1800, (88 + 7 * _ROOT6) / 360, (-2 - 3 * _ROOT6) / 225],
        [(16 - _ROOT6) / 36, (16 + _ROOT6) / 36, 1 / 9],
    ]
)
ERROR = np.array([-13 - 7 * _ROOT6, -13 + 7 * _ROOT6, -1.0]) / 3
ERROR_ROOT = 3 + 3 ** (2 / 3) - 3 ** (1 / 3)
# The quadratic through the values at the nodes, as powers of the time within the step.
POWERS = np.linalg.inv(np.vander(NODES, 3, increasing=True))

# Below this dt times the largest eigenvalue, plain iteration contracts fast enough.
PLAIN = 0.3
# Above it a step is late: its error estimate may be nothing but rounding.
LATE = 1e4


@inner
def largest(v):
    """The largest |v_j|; NaN if there is one."""
    size = 0.0
    for j in range(v.size):
        d = abs(v[j])
        if d > size or d != d:
            size = d
    return size


@inner
def correct(basis, eigen, weight, dt, delta, spare):
    """Turn the defect into Newton's correction, in the eigenbasis of the kernel: (I + dt lambda A)^-1 for each."""
    s = eigen.size
    for k in range(3):
        for j in range(s):
            delta[k, j] *= np.sqrt(weight[j])
        np.dot(basis.T, delta[k], spare[k])
    for j in range(s):
        t = dt * eigen[j]
        a00, a01, a02 = 1 + t * STAGES[0, 0], t * STAGES[0, 1], t * STAGES[0, 2]
        a10, a11, a12 = t * STAGES[1, 0], 1 + t * STAGES[1, 1], t * STAGES[1, 2]
        a20, a21, a22 = t * STAGES[2, 0], t * STAGES[2, 1], 1 + t * STAGES[2, 2]
        b0, b1, b2 = spare[0, j], spare[1, j], spare[2, j]
        c00, c01, c02 = a11 * a22 - a12 * a21, a12 * a20 - a10 * a22, a10 * a21 - a11 * a20
        det = a00 * c00 + a01 * c01 + a02 * c02
        spare[0, j] = (b0 * c00 + b1 * (a02 * a21 - a01 * a22) + b2 * (a01 * a12 - a02 * a11)) / det
        spare[1, j] = (b0 * c01 + b1 * (a00 * a22 - a02 * a20) + b2 * (a02 * a10 - a00 * a12)) / det
        spare[2, j] = (b0 * c02 + b1 * (a01 * a20 - a00 * a21) + b2 * (a00 * a11 - a01 * a10)) / det
    for k in range(3):
        np.dot(basis, spare[k], delta[k])
        for j in range(s):
            delta[k, j] /= np.sqrt(weight[j])


def refresh(run: Any, kernel_matrix: Array) -> None:
    """Take the present tangent kernel, W^(1/2) K W^(1/2), as Newton's Jacobian. O(s^3)."""
    eigen, basis = np.linalg.eigh(kernel_matrix)
    run.eigen[:] = np.maximum(eigen, 0.0)
    run.basis[:] = basis
    run.counts[REFRESHED] += 1
    run.counts[FRESH] = 1


@inner(inline="always")
def growth(error, tol):
    """By which factor the error allows the step to grow, at most 4."""
    return min(4.0, 0.9 * (tol / max(error, 1e-300)) ** 0.25)


@inner(inline="always")
def shrinkage(error, tol):
    """By which factor to shorten a step with too large an error, at least 0.2."""
    return max(0.2, 0.9 * (tol / error) ** 0.25)
