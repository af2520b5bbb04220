"""What a sample is to a knot: something to pass, to be stopped by, or to be pushed away from."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from knotflow._checks import numbers
from knotflow._typing import Array
from knotflow.data import Samples
from knotflow.dynamics.tangent import DEFAULT_TRAIN, gradient, trained
from knotflow.errors import InputError
from knotflow.landscape.shared import Flags, checked, preactivations, residuals
from knotflow.network import ReLUNet

NAMES = np.array(["flat", "passthrough", "repeller", "attractor"])


def side_types(before: Array, after: Array, moves: Flags) -> NDArray[np.str_]:
    """Types from the velocities (or minus the slopes) left and right of a sample; "flat" where not `moves`."""
    code = np.where((before > 0) & (after < 0), 3, np.where((before < 0) & (after > 0), 2, 1))
    return NAMES[np.where(moves, code, 0)]


@checked
def knot_types(net: ReLUNet, data: Samples, train: Iterable[str] = frozenset({"b"})) -> NDArray[np.str_]:
    """(m, s) what distinct sample j is to the knot of neuron i, if it came there while all else is as it is.

        "attractor"    the knot moves towards the sample from both sides: a kink in which the slice is lowest
        "repeller"     away from it on both sides
        "passthrough"  in one direction on both sides
        "flat"         on one side of the sample the neuron is dead, or its delta-slope is 0, or it has no knot

    train   what the flow moves. {"b"}: the knot slides along its loss slice, and these are the types of theorem 3.
            Under the full flow {"a", "b", "c"} the knot turns as well, and types differ for some pairs: its
            velocity is delta_slope / a^2 times psi, with (1 + x x_j) instead of 1 (theorem 6)

    With e the residual at the sample, the knot there, times its weight and factor, and S the sum of the same over
    the other active samples: attractor or repeller iff S e < 0 and |e| > |S|; attractor iff besides
    orientation delta_slope e > 0. So the sample must outweigh the rest.

    O(m s). Source: Sahs et al. 2022, theorem 3 and section 2.3; their residual has the other sign.
    Raises InputError if `train` has neither "a" nor "b": the knots then do not move.
    """
    on = trained(train)
    if not on & {"a", "b"}:
        raise InputError(f"train is {set(on)}: the knots move only if it contains 'a' or 'b'")
    ta, tb = float("a" in on), float("b" in on)
    points, knots = data.distinct, net.knots
    x, w = points.x, points.weight
    h = np.maximum(preactivations(net, x), 0)
    without = residuals(net, data) - (net.c / net.norm)[:, None] * h  # (m, s) residuals without the neuron
    before, after = np.empty_like(h), np.empty_like(h)
    has_knot = np.isfinite(knots)
    for right in (True, False):
        rows = has_knot & ((net.a > 0) == right)
        order = slice(None, None, -1) if right else slice(None)
        beside = _sums(x[order], w[order], without[rows][:, order], net.delta_slopes[rows, None], ta, tb)
        here = (w * (tb + ta * x * x))[order] * without[rows][:, order]
        outer, inner = beside[:, order], (beside + here)[:, order]
        before[rows], after[rows] = (inner, outer) if right else (outer, inner)
    dead_beside = np.where((net.a > 0)[:, None], np.arange(len(x)) == len(x) - 1, np.arange(len(x)) == 0)
    moves = (has_knot & (net.delta_slopes != 0))[:, None] & ~dead_beside
    sign = np.sign(net.delta_slopes)[:, None]
    return side_types(sign * np.where(moves, before, 0), sign * np.where(moves, after, 0), moves)


def _sums(x: Array, w: Array, r: Array, mu: Array, ta: float, tb: float) -> Array:
    """Sums of w_k (r_k + mu (x_k - x_j)) (tb + ta x_j x_k) over the samples k before j, the knot being at x_j.

    Samples come in the order in which the neuron becomes active; r is (rows, s) and mu (rows, 1).
    """

    def earlier(values: Array) -> Array:
        return np.cumsum(values, axis=-1) - values

    def moment(v: Array) -> Array:
        """sum_{k < j} v_k (x_k - x_j), without cancellation."""
        return -np.concatenate([[0.0], np.cumsum(np.cumsum(v)[:-1] * np.diff(x))])

    flat, turned = earlier(w * r) + mu * moment(w), earlier(w * x * r) + mu * moment(w * x)
    return tb * flat + ta * x * turned


@checked
def psi(net: ReLUNet, data: Samples, knots: ArrayLike, orientation: int) -> Array:
    """sum over the samples active at each knot of w_j r_j (1 + x x_j), in the shape of `knots`. O((m + k) log s + s).

    The knot of a neuron at x moves with the velocity c/(a norm) psi(x) under gradient flow: neurons of one
    orientation all turn where psi changes sign. Active are the x_j > x for orientation 1, x_j < x for -1.
    psi(., 1) + psi(., -1) is an affine function of x away from the samples.

    Source: Sahs et al. 2022, section 2.5.2; there the residual, and with it psi, has the other sign.
    Raises InputError for another orientation.
    """
    if orientation not in (1, -1):
        raise InputError(f"orientation is {orientation!r}: it must be 1 (right-facing) or -1 (left-facing)")
    at, x = numbers("knots", knots), data.distinct.x
    pull = data.distinct.weight * residuals(net, data)
    if orientation == 1:
        sums = [np.append(np.cumsum(v[::-1])[::-1], 0.0) for v in (pull, pull * x)]
        k = np.searchsorted(x, at, side="right")
    else:
        sums = [np.append(0.0, np.cumsum(v)) for v in (pull, pull * x)]
        k = np.searchsorted(x, at, side="left")
    return (sums[0][k] + at * sums[1][k])[()]


@checked
def knot_velocities(net: ReLUNet, data: Samples, train: Iterable[str] = DEFAULT_TRAIN) -> Array:
    """(m,) d knot_i / dt under gradient flow, (db/dt - knot da/dt) / a; NaN for a neuron without a knot.

    O(m log s + s). It is c/(a norm) psi(knot) where a and b are trained. Source: Sahs et al. 2022, theorem 6, equation
    (6), with the sign mended. Raises InputError for an unknown name in `train`.
    """
    grad, knots = gradient(net, data, train), net.knots
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.isfinite(knots), (knots * grad.a - grad.b) / net.a, np.nan)
