"""The type of each sample for each knot (attractor, repeller, passthrough), and how fast knots move."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from knotflow._checks import choice, in_range, is_whole, numbers, shown
from knotflow._deprecated import keyword_only
from knotflow._typing import Array, Flags
from knotflow.data import Samples
from knotflow.dynamics.tangent import DEFAULT_TRAIN, gradient, trained
from knotflow.errors import InputError
from knotflow.landscape.places import placed, settled, sizes, without_rounding
from knotflow.network import ReLUNet
from knotflow.network.subject import checked, preactivations, residuals

__all__ = ["knot_types", "knot_velocities", "psi", "side_types"]

NAMES = np.array(["flat", "passthrough", "repeller", "attractor"])
Motion = Literal["slice", "flow"]
_MOVED = {"slice": (0.0, 1.0), "flow": (1.0, 1.0)}  # whether a and b move


def side_types(before: Array, after: Array, moves: Flags) -> NDArray[np.str_]:
    """Types from the velocities (or minus the slopes) left and right of a sample; "flat" where not `moves`."""
    code = np.where((before > 0) & (after < 0), 3, np.where((before < 0) & (after > 0), 2, 1))
    return NAMES[np.where(moves, code, 0)]


@keyword_only("train")
@checked
def knot_types(
    net: ReLUNet, data: Samples, *, motion: Motion = "slice", train: Iterable[str] | None = None
) -> NDArray[np.str_]:
    """Type of each sample for each knot: the signs of the knot's velocity just left and right of the sample.

    The knot is placed beside the sample while all other parameters stay as they are.

        "attractor"    the knot moves towards the sample from both sides: the slice has a minimum there, at a kink
        "repeller"     it moves away from the sample on both sides
        "passthrough"  it moves in one direction on both sides
        "flat"         on one side of the sample the neuron is dead, or its delta-slope is 0, or it has no knot

    Parameters
    ----------
    net : ReLUNet
        m neurons.
    data : Samples
        s distinct x.
    motion : {"slice", "flow"}
        What moves the knot. "slice": b alone; the knot slides along its loss slice, and these are the types of
        theorem 3. "flow": a and b, as in the full gradient flow. The knot then turns as well, and the types differ
        for some pairs: its velocity is delta_slope / a^2 times psi, with 1 + x x_j instead of 1 (theorem 6).
    train : iterable of str, optional
        Deprecated: {"b"} is motion="slice", any set with "a" and "b" is motion="flow".

    Returns
    -------
    (m, s) ndarray of str
        The type of distinct sample j for the knot of neuron i.

    Raises
    ------
    InputError
        For another `motion`.

    Notes
    -----
    O(m s). With the knot at the sample, let e be the residual there times its weight and factor, and S the sum of the
    same over the other active samples. The type is attractor or repeller if and only if S e < 0 and |e| > |S|: the
    sample outweighs the others. It is attractor if also orientation * delta_slope * e > 0.

    References
    ----------
    Sahs et al. 2022, theorem 3 and section 2.3; their residual has the other sign.

    Examples
    --------
    >>> import knotflow as kf
    >>> net, data = kf.ReLUNet([1], [0.3], [1]), kf.Samples([-1, 0, 1], [0, -1, 1.5])
    >>> print(kf.landscape.knot_types(net, data))
    [['passthrough' 'attractor' 'flat']]
    """
    ta, tb = _MOVED[choice("motion", motion, _MOVED)] if train is None else _of_train(train)
    points, knots = data.distinct, net.knots
    x, w = points.x, points.weight
    h = np.maximum(preactivations(net, x), 0)
    without = residuals(net, data) - (net.c / net.norm)[:, None] * h  # (m, s) residuals without the neuron
    before, after, size = np.empty_like(h), np.empty_like(h), sizes(net, data)
    has_knot = np.isfinite(knots)
    for right in (True, False):
        rows = has_knot & ((net.a > 0) == right)
        order = slice(None, None, -1) if right else slice(None)
        mu, here = net.delta_slopes[rows, None], (w * (tb + ta * x * x))[order]
        outer = _sums(x[order], w[order], without[rows][:, order], mu, ta, tb)
        inner = outer + here * without[rows][:, order]
        scale = _scales(x[order], w[order], size[order], np.abs(mu) * (1.0 if right else -1.0), ta, tb)
        inner, outer = without_rounding(inner, scale + here * size[order]), without_rounding(outer, scale)
        outer, inner = outer[:, order], inner[:, order]
        before[rows], after[rows] = (inner, outer) if right else (outer, inner)
    dead_beside = np.where((net.a > 0)[:, None], np.arange(len(x)) == len(x) - 1, np.arange(len(x)) == 0)
    moves = (has_knot & (net.delta_slopes != 0))[:, None] & ~dead_beside
    sign = np.sign(net.delta_slopes)[:, None]
    return side_types(sign * np.where(moves, before, 0), sign * np.where(moves, after, 0), moves)


def _of_train(train: Iterable[str]) -> tuple[float, float]:
    """Whether a and b move, from the deprecated `train`."""
    warnings.warn('train of knot_types is now motion="slice" or motion="flow"', DeprecationWarning, stacklevel=5)
    on = trained(train)
    if not on & {"a", "b"}:
        raise InputError(f"train is {set(on)}: it must contain 'a' or 'b', without which no knot moves")
    return float("a" in on), float("b" in on)


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


def _scales(x: Array, w: Array, size: Array, mu: Array, ta: float, tb: float) -> Array:
    """The same sums of absolute values, `size` for |r|; mu has the sign of the x_k - x_j."""
    flat, turned = (_sums(x, v, size, mu, 0.0, 1.0) for v in (w, w * np.abs(x)))
    return tb * flat + ta * np.abs(x) * turned


@checked
def psi(net: ReLUNet, data: Samples, knots: ArrayLike, orientation: int) -> Array:
    """What drives a knot at x under gradient flow: it moves with the velocity c / (a norm) psi(x).

    psi(x) is the sum of w_j r_j (1 + x x_j) over the samples that a neuron with its knot at x is active on: those
    with x_j > x for orientation 1, x_j < x for -1. Neurons of one orientation all turn where it changes sign.

    Parameters
    ----------
    net : ReLUNet
        m neurons, which give the residuals r_j.
    data : Samples
        s distinct x.
    knots : array_like
        k places x, in any shape.
    orientation : {1, -1}
        1 for right-facing neurons, -1 for left-facing ones.

    Returns
    -------
    ndarray
        psi in the shape of `knots`.

    Raises
    ------
    InputError
        For another orientation, and for `knots` that are not finite.

    Notes
    -----
    O((m + k) log s + s). A place within 4 roundings of a sample is at it. psi(., 1) + psi(., -1) is an affine function
    of x away from the samples.

    References
    ----------
    Sahs et al. 2022, section 2.5.2; there the residual, and with it psi, has the other sign.

    Examples
    --------
    >>> import knotflow as kf
    >>> net, data = kf.ReLUNet([1], [0.3], [1]), kf.Samples([-1, 0, 1], [0, -1, 1])
    >>> kf.landscape.psi(net, data, [-2.0, 0.3], 1).round(2)
    array([ 1.3 , -0.39])
    """
    if not is_whole(orientation) or orientation not in (1, -1):
        raise InputError(f"orientation is {shown(orientation)}: it must be 1 (right-facing) or -1 (left-facing)")
    x = data.distinct.x
    at = placed(numbers("knots", knots), x)
    pull = data.distinct.weight * residuals(net, data)
    if orientation == 1:
        sums = [np.append(np.cumsum(v[::-1])[::-1], 0.0) for v in (pull, pull * x)]
        k = np.searchsorted(x, at, side="right")
    else:
        sums = [np.append(0.0, np.cumsum(v)) for v in (pull, pull * x)]
        k = np.searchsorted(x, at, side="left")
    return in_range("knots", at, lambda: sums[0][k] + at * sums[1][k])[()]


@checked
def knot_velocities(net: ReLUNet, data: Samples, train: Iterable[str] = DEFAULT_TRAIN) -> Array:
    """Velocity of each knot under gradient flow, d knot_i / dt = (db_i/dt - knot_i da_i/dt) / a_i.

    Parameters
    ----------
    net : ReLUNet
        m neurons.
    data : Samples
        s distinct x.
    train : iterable of str
        The parameters that move, {"a", "b", "c"} by default as for the methods of `evolve`.

    Returns
    -------
    (m,) ndarray
        The velocities; NaN for a neuron without a knot.

    Raises
    ------
    InputError
        For an unknown name in `train`.

    Notes
    -----
    O(m log s + s). It is c / (a norm) psi(knot) where a and b are trained.

    References
    ----------
    Sahs et al. 2022, theorem 6, equation (6), with the sign corrected.

    Examples
    --------
    >>> import knotflow as kf
    >>> net, data = kf.ReLUNet([1, 0], [0.3, 1], [1, 1]), kf.Samples([-1, 0, 1], [0, -1, 1])
    >>> kf.landscape.knot_velocities(net, data).round(2)
    array([-0.39,   nan])
    """
    net = settled(net, data)
    grad, knots = gradient(net, data, train), net.knots
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(np.isfinite(knots), (knots * grad.a - grad.b) / net.a, np.nan)
