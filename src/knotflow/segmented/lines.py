"""From a partition of the samples to the fit: the lines of least error, and where neighbouring lines meet."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from knotflow._typing import Array, Ints
from knotflow.data import Samples
from knotflow.segmented.segments import ROUNDING, Segments, jump, nearest

Nodes = Ints


@dataclass(frozen=True)
class Standard:
    """The distinct samples in units in which no square overflows and the best constant has an error of at most 1.

    x = x_scale u, y = y_shift + y_scale v, and weights w that sum to 1. The scale of x is a power of two and x is not
    shifted: neither rounds, so that x that are close together stay as far apart as they were.
    """

    u: Array
    v: Array
    w: Array
    x_scale: float
    y_shift: float
    y_scale: float

    @classmethod
    def of(cls, data: Samples) -> Standard:
        points = data.distinct
        x_scale = math.ldexp(1.0, math.frexp(data.span)[1] - 1)
        w = points.weight / points.weight.sum()
        y_shift = float(w @ points.y)
        v = points.y - y_shift
        y_scale = float(np.abs(v).max()) or 1.0
        return cls(points.x / x_scale, v / y_scale, w, x_scale, y_shift, y_scale)

    def segments(self, data: Samples, nodes: Nodes, lines: tuple[Array, Array, Array], meet: bool) -> Segments:
        """The fit with (slopes, centres, levels) in standard units, and its error on the data.

        If the pieces do not `meet` at the samples at the inner nodes, those are the first samples of pieces.
        """
        slopes, centres, levels = lines
        slopes = slopes * (self.y_scale / self.x_scale)
        centres, levels = self.x_scale * centres, self.y_shift + self.y_scale * levels
        x = data.distinct.x
        knots = x[nodes[1:-1]] if meet else _meeting(x, nodes[1:-1], slopes, centres, levels)
        piece = np.searchsorted(knots, data.x, side="right")
        f = levels[piece] + slopes[piece] * (data.x - centres[piece])
        error = float(np.sum(data.weights * (f - data.y) ** 2))
        rounding = ROUNDING * (abs(self.y_shift) + abs(self.y_scale))
        return Segments(knots, slopes, centres, levels, nearest(x, knots), error, rounding)


def _meeting(x: Array, starts: Nodes, slopes: Array, centres: Array, levels: Array) -> Array:
    """Where neighbouring lines meet, if that is in the gap left of the first sample of a piece, else its middle.

    Lines that meet at one of the two samples, up to rounding, have their knot there.
    """
    lo, hi = x[starts - 1], x[starts]
    middle = lo + (hi - lo) / 2
    gap = jump(middle, slopes, centres, levels)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        meet = middle - gap / np.diff(slopes)
    knots = np.where((meet > lo) & (meet < hi), meet, middle)
    knots = np.where(jump(hi, slopes, centres, levels) == 0, hi, knots)
    lowest = np.nextafter(lo, hi)  # lo itself is in the left piece; and the middle may be rounded to it
    return np.where((jump(lo, slopes, centres, levels) == 0) | (knots < lowest), lowest, knots)


def separate(points: Standard, nodes: Nodes) -> tuple[Array, Array, Array]:
    """(slopes, centres, levels) of the least-squares line of each piece; the slope of a single sample is 0. O(s)."""
    starts = nodes[:-1]
    count = np.diff(nodes)
    total = np.add.reduceat(points.w, starts)
    share = points.w / np.repeat(total, count)

    def mean(values: Array) -> Array:  # of offsets from the first sample: exact for equal values
        first = values[starts]
        return first + np.add.reduceat(share * (values - np.repeat(first, count)), starts)

    mu, mv = mean(points.u), mean(points.v)
    du, dv = points.u - np.repeat(mu, count), points.v - np.repeat(mv, count)
    spread = np.add.reduceat(share * du * du, starts)
    lean = np.add.reduceat(share * du * dv, starts)
    slopes = np.divide(lean, spread, out=np.zeros_like(lean), where=count > 1)
    return slopes, mu, mv


def joined(points: Standard, nodes: Nodes, meet: bool, rising: bool) -> tuple[Array, Array, Array]:
    """(slopes, starts, values there) of the best fit with these nodes if the pieces meet, or may not fall, or both.

    f = base + rises of the pieces + steps between them (0 if they meet): a linear least-squares problem, with
    rises and steps >= 0 if the fit may not fall. O(s k^2).
    """
    from scipy.optimize import nnls

    k = len(nodes) - 1
    first, last = nodes[:-1], nodes[1:] if meet else nodes[1:] - 1
    width = points.u[last] - points.u[first]
    part = (points.u[:, None] - points.u[first]) / np.where(width > 0, width, 1.0)
    columns = np.clip(part, 0.0, 1.0)
    if not meet:
        columns = np.hstack([columns, points.u[:, None] >= points.u[first[1:]]])
    mean, centre = points.w @ columns, points.w @ points.v  # the weights sum to 1: this takes the base out
    root = np.sqrt(points.w)
    q, r = np.linalg.qr(root[:, None] * (columns - mean))
    target = q.T @ (root * (points.v - centre))
    solution = nnls(r, target)[0] if rising else np.linalg.lstsq(r, target, rcond=None)[0]
    rises, steps = solution[:k], np.zeros(k - 1) if meet else solution[k:]
    values = centre - mean @ solution + np.append(0.0, np.cumsum(rises[:-1] + steps))
    slopes = np.divide(rises, width, out=np.zeros(k), where=width > 0)
    return slopes, points.u[first], values
