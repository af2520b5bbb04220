"""Where a flow of the parameters stands when nothing moves: no neuron can, or it is a saddle, and when that is left."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from knotflow._typing import Array, Flags, Ints
from knotflow.dynamics.tangent import arcs_of, writable

if TYPE_CHECKING:
    from knotflow.data import Samples
    from knotflow.network import ReLUNet

__all__ = ["Outlook", "Saddle", "inert", "saddle"]

# The loss has begun to fall when this part of it is gone.
BEGUN = 0.01


class Saddle(NamedTuple):
    """The direction in which a saddle is left first.

    rate    the loss in it falls like exp(2 rate t) grows
    escape  the time from now until a hundredth of the loss is gone, if neurons come to no arc of slower growth first
    """

    rate: float
    escape: float


class Outlook(NamedTuple):
    """What lies ahead of a flow.

    falls   the rate at which the loss falls
    inert   whether nothing can ever move
    saddle  the way out, where this is a saddle
    """

    falls: float
    inert: bool
    saddle: Saddle | None = None


class _Growth(NamedTuple):
    """Each neuron's own growth with the residuals as they are: at ``rate`` in the direction (a, b, c) = ``along``."""

    rate: Array  # (m,)
    along: Array  # (3, m) of length 1
    group: Ints  # (m,) neurons of one group share rate and direction
    grows: Flags  # (m,) whether the rate is more than an error of f within the tolerance makes of nothing


def inert(net: ReLUNet, data: Samples, train: frozenset[str]) -> bool:
    """Whether no trained parameter can move: no neuron is active at a sample, and the bias is not trained."""
    return "bias" not in train and not np.any(arcs_of(net, writable(data.distinct.x)[0]))


def saddle(net: ReLUNet, data: Samples, train: frozenset[str], tol: float) -> Saddle | None:
    """The way out, if a network at which the gradient vanishes is a saddle; O(m log s + s^2). None if none is seen.

    On an arc with q = sum of w_j r_j (x_j, 1) / norm every neuron obeys z' = M z, and M has the eigenvalue
    rate = |q| with the eigenvector u = (-q1, q0, rate) / (sqrt(2) rate), in the trained parameters. The arc's neurons
    along u, d = sum of (u . z_i) u_i, are a direction of the Hessian J^T W J - M in which it is |J d|^2 - rate |d|^2.
    Where that is negative the loss falls: by rate |d|^2 exp(2 rate t) / 2 after the time t, as long as little is gone.

    ``tol``: by how much f at the samples may be wrong. What q then is, is not taken for growth.
    """
    points = data.distinct
    r = net(points.x) - points.y
    excess = 0.5 * float(np.sum(points.weight * r**2))
    growth = _growth(net, data, train, r, tol)
    z = np.stack([net.a, net.b, net.c])
    part = np.sum(growth.along * z, axis=0)
    best: Saddle | None = None
    for group in np.unique(growth.group[growth.grows & (part != 0)]):
        own = growth.group == group
        rate, u, share = growth.rate[own][0], growth.along[:, own], part[own]
        size = float(np.sum(share**2))
        ahead = rate - _bend(net, data, own, u * share) / size if size > 0 else 0.0
        if ahead > 0:
            escape = max(float(np.log(2 * BEGUN * excess / (ahead * size)) / (2 * ahead)), 0.0)
            if best is None or escape < best.escape:
                best = Saddle(float(ahead), escape)
    return best


def _growth(net: ReLUNet, data: Samples, train: frozenset[str], r: Array, tol: float) -> _Growth:
    from knotflow.engine import sums  # numba, which only this needs

    x, weight = writable(data.distinct.x, data.distinct.weight)
    ta, tb, tc = (float(name in train) for name in "abc")
    s, arc = x.size, arcs_of(net, x)
    q0, q1, e0, e1 = np.empty((4, 2 * s))
    sums.arc_sums(weight * r, x, 1.0 / net.norm, q0, q1)
    sums.arc_sums(weight * tol, np.abs(x), 1.0 / net.norm, e0, e1)
    group = arc.astype(np.int64)
    p1, p0 = q1[arc], q0[arc]
    stuck, at = _on_a_sample(net, x)
    total = ta * x[at] ** 2 + tb
    excess = np.where(stuck & (total > 0), (ta * x[at] * p1 + tb * p0) / np.where(total > 0, total, 1.0), 0.0)
    p1, p0 = p1 - excess * x[at], p0 - excess
    group[stuck] = 2 * s + 2 * at[stuck] + (net.a[stuck] > 0)
    rate, blur = tc * np.hypot(ta * p1, tb * p0), np.hypot(ta * e1[arc], tb * e0[arc])
    grows = rate > np.maximum(blur, np.finfo(float).tiny)
    along = np.where(grows, np.stack([-ta * p1, tb * p0, rate]) / (2**0.5 * np.where(grows, rate, 1.0)), 0.0)
    return _Growth(rate, along, group, grows)


def _on_a_sample(net: ReLUNet, x: Array) -> tuple[Flags, Ints]:
    """Whether a neuron's knot is a sample up to rounding, and the sample nearest to it."""
    knot = np.nan_to_num(net.knots, posinf=x[-1], neginf=x[0])
    above = np.clip(np.searchsorted(x, knot), 1, x.size - 1) if x.size > 1 else np.zeros(len(net), np.int64)
    near = np.where(np.abs(x[above] - knot) < np.abs(x[above - 1] - knot), above, above - 1) if x.size > 1 else above
    height = np.abs(net.a * x[near] - net.b)
    rounding = 8 * np.finfo(float).eps * (np.abs(net.a * x[near]) + np.abs(net.b))
    return (net.a != 0) & (height <= rounding), near


def _bend(net: ReLUNet, data: Samples, own: Flags, d: Array) -> float:
    """|J d|^2 in the weights of the samples, for the neurons ``own`` moved by d = (a, b, c)."""
    x = data.distinct.x
    a, b, c = net.a[own], net.b[own], net.c[own]
    moved = np.zeros(x.size)
    for k in range(a.size):
        height = a[k] * x - b[k]
        moved += np.where(height > 0, c[k] * (d[0, k] * x - d[1, k]) + d[2, k] * height, 0.0)
    return float(np.sum(data.distinct.weight * (moved / net.norm) ** 2))
