"""Exact knots of a deep network: a piecewise linear function pushed through the layers, one after another."""

from __future__ import annotations

import numpy as np

from knotflow._typing import Array, Ints
from knotflow.deep.layers import LayersLike, layers_of
from knotflow.network import CPWL

_ROUNDING = 16 * np.finfo(np.float64).eps


def knots(layers: LayersLike) -> CPWL:
    """The function of a feed-forward ReLU network R -> R: all its knots, its values there, and its slopes.

    Every unit is affine between the knots of the layers before it, and its own knots are the roots of these affine
    functions that lie inside their intervals. A knot of which nothing arrives at the output, or which cancels there,
    is dropped.

    Parameters
    ----------
    layers : sequence of (W, b) pairs, ReLUNet or torch.nn.Module
        The network, see `layers_of`.

    Returns
    -------
    CPWL
        Exact up to rounding: roots that rounding cannot tell from a knot, or from each other, are one.

    Raises
    ------
    InputError
        For layers that are not a network R -> R, see `layers_of`.

    Notes
    -----
    O(knots times the number of weights). `origins` tells which layer made each knot.

    References
    ----------
    The method behind Sahs et al. 2022, figures 12 and 13.

    Examples
    --------
    >>> import knotflow as kf
    >>> tent = [([[1.0], [1.0]], [1.0, -1.0]), ([[1.0, -2.0]], [0.0])]
    >>> kf.deep.knots(tent).knots
    array([-1.,  1.])
    >>> twice = [tent[0], ([[1.0, -2.0], [1.0, -2.0]], [0.0, -0.5]), ([[2.0, -4.0]], [0.0])]
    >>> kf.deep.knots(twice).knots
    array([-1. , -0.5,  1. ,  2.5,  3. ])
    """
    return propagated(layers)[0]


def origins(layers: LayersLike) -> Ints:
    """For each knot of `knots(layers)` the hidden layer, counted from 1, whose units make it.

    Parameters
    ----------
    layers : sequence of (W, b) pairs, ReLUNet or torch.nn.Module
        The network, see `layers_of`.

    Returns
    -------
    ndarray of int, shape (k,)
        In the order of the knots.

    Raises
    ------
    InputError
        For layers that are not a network R -> R, see `layers_of`.

    Notes
    -----
    The cost is that of `knots`.

    References
    ----------
    Sahs et al. 2022, figure 12.

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.deep.origins([([[1.0], [1.0]], [0.0, -1.0]), ([[1.0, -2.0]], [-0.5]), ([[2.0]], [0.0])])
    array([2, 1, 2])
    """
    return propagated(layers)[1]


def propagated(network: LayersLike) -> tuple[CPWL, Ints]:
    """What `knots` and `origins` return."""
    layers = layers_of(network)
    at, layer = np.zeros(0), np.zeros(0, dtype=np.int64)
    slope, constant = np.ones((1, 1)), np.zeros((1, 1))  # (pieces, units): h = slope x + constant on each piece
    for depth, (weight, bias) in enumerate(layers[:-1], start=1):
        sizes = np.abs(slope) @ np.abs(weight.T), np.abs(constant) @ np.abs(weight.T) + np.abs(bias)
        slope, constant = slope @ weight.T, constant @ weight.T + bias
        new = _roots(at, slope, constant, *sizes)
        at, layer = np.append(at, new), np.append(layer, np.full(len(new), depth))
        order = np.argsort(at, kind="stable")
        at, layer = at[order], layer[order]
        inside = _inside(at)
        piece = np.searchsorted(np.delete(at, np.flatnonzero(layer == depth)), inside)
        slope, constant = slope[piece], constant[piece]
        active = slope * inside[:, None] + constant > 0
        slope, constant = slope * active, constant * active
    weight, bias = layers[-1]
    slopes, size = (slope @ weight.T)[:, 0], (np.abs(slope) @ np.abs(weight.T))[:, 0]
    intercept = float((constant @ weight.T + bias)[np.searchsorted(at, 0.0), 0])
    kept = np.abs(np.diff(slopes)) > _ROUNDING * np.maximum(size[1:], size[:-1])
    slopes, at, layer = slopes[np.append(True, kept)], at[kept], layer[kept]
    return CPWL(at, _values(at, slopes, intercept), slopes, intercept), layer


def _roots(at: Array, slope: Array, constant: Array, slope_size: Array, constant_size: Array) -> Array:
    """The ascending roots of slope x + constant inside the intervals between the knots `at`.

    The sizes are those of the terms that made slope and constant: a root is known up to their rounding.
    """
    low, high = np.append(-np.inf, at)[:, None], np.append(at, np.inf)[:, None]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        root = -constant / slope
        error = _ROUNDING * (constant_size + np.abs(root) * slope_size) / np.abs(slope)
        found = np.isfinite(root) & (root - error > low) & (root + error < high)
    root, error = root[found], error[found]
    order = np.argsort(root)
    root, error = root[order], error[order]
    apart = np.diff(root, prepend=-np.inf) > error + np.append(0.0, error[:-1])
    return root[apart]


def _inside(at: Array) -> Array:
    """A point in each of the k + 1 intervals between k knots."""
    if len(at) == 0:
        return np.zeros(1)
    ends = at[0] - 1 - abs(at[0]), at[-1] + 1 + abs(at[-1])
    return np.concatenate([[ends[0]], at[:-1] + np.diff(at) / 2, [ends[1]]])


def _values(at: Array, slopes: Array, intercept: float) -> Array:
    """f at the knots, summed outwards from f(0)."""
    p = int(np.searchsorted(at, 0.0))
    up = intercept + np.cumsum(slopes[p:-1] * np.diff(at[p:], prepend=0.0))
    down = intercept + np.cumsum(slopes[p:0:-1] * np.diff(at[:p][::-1], prepend=0.0))
    return np.append(down[::-1], up)
