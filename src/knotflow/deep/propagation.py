"""Exact knots of a deep network: a piecewise linear function pushed through the layers, one after another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from knotflow._typing import Array
from knotflow.deep.layers import LayersLike, layers_of
from knotflow.network import CPWL

_ROUNDING = 16 * np.finfo(np.float64).eps


def knots(layers: LayersLike) -> CPWL:
    """The function of a feed-forward ReLU network R -> R: all its knots, its values there, and its slopes.

    Every unit is affine between the knots of the layers before it, and its own knots are the roots of these affine
    functions that lie inside their intervals. A knot of which nothing arrives at the output, or which cancels there,
    is dropped. Exact up to rounding: roots that rounding cannot tell from a knot, or from each other, are one.

    O(knots times the number of weights). Source: the method behind Sahs et al. 2022, figures 12 and 13. `origins`
    tells which layer made each knot. Raises InputError for layers that are not a network R -> R, see `layers_of`.
    """
    return _propagated(layers)[0]


def origins(layers: LayersLike) -> NDArray[np.int64]:
    """(k,) for each knot of `knots(layers)` the hidden layer, counted from 1, whose units make it."""
    return _propagated(layers)[1]


def _propagated(network: LayersLike) -> tuple[CPWL, NDArray[np.int64]]:
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
