"""From a partition of the samples to the fit: the lines of least error, and where neighbouring lines meet."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from knotflow._typing import Array, Flags, Ints
from knotflow.data import Samples
from knotflow.errors import InputError
from knotflow.segmented.segments import ROUNDING, Segments, jump, nearest

Nodes = Ints

_BALANCE = 1e-12  # of the product of their lengths: up to which a column and what is left count as orthogonal


@dataclass(frozen=True)
class Standard:
    """The distinct samples in units in which no square overflows and the best constant has an error of at most 1.

    x = x_shift + x_scale u, y = y_shift + y_scale v, and weights w that sum to 1. Scales are powers of two, and only
    what lies far from 0 beside its extent is shifted, by its value nearest to 0: that rounds nothing, so that values
    that are close together stay as far apart as they were.
    """

    u: Array
    v: Array
    w: Array
    x_shift: float
    x_scale: float
    y_shift: float
    y_scale: float

    @classmethod
    def of(cls, data: Samples) -> Standard:
        points = data.distinct
        u, x_shift, x_scale = _standard(points.x)
        v, y_shift, y_scale = _standard(points.y)
        return cls(u, v, points.weight / points.weight.sum(), x_shift, x_scale, y_shift, y_scale)

    def segments(self, data: Samples, nodes: Nodes, lines: tuple[Array, Ints, Array], meet: bool | Flags) -> Segments:
        """The fit with (slopes, samples, levels there) in standard units, and its error on the data.

        If pieces do not `meet` at the samples at the inner nodes, those are the first samples of pieces.
        """
        slopes, anchors, levels = lines
        x = data.distinct.x
        with np.errstate(over="ignore"):
            slopes = np.ldexp(np.sign(self.y_scale) * slopes, math.frexp(self.y_scale)[1] - math.frexp(self.x_scale)[1])
        if not np.isfinite(slopes).all():
            p = int(np.argmin(np.isfinite(slopes)))
            raise InputError(f"data rises too steeply for float64 near x = {x[anchors[p]]:g}: change a unit or merge x")
        centres, levels = x[anchors], self.y_shift + self.y_scale * levels
        knots = x[nodes[1:-1]]
        if not np.all(meet):
            knots = np.where(meet, knots, _meeting(x, nodes[1:-1], slopes, centres, levels))
        piece = np.searchsorted(knots, data.x, side="right")
        f = levels[piece] + slopes[piece] * (data.x - centres[piece])
        error = float(np.sum(data.weights * (f - data.y) ** 2))
        rounding = ROUNDING * (abs(self.y_shift) + abs(self.y_scale))
        return Segments(knots, slopes, centres, levels, nearest(x, knots), error, rounding)


def _standard(values: Array) -> tuple[Array, float, float]:
    """(values less shift) over scale, shift and scale."""
    lo, hi = float(values.min()), float(values.max())
    shift = 0.0 if lo <= 0 <= hi else (lo if lo > 0 else hi)
    shift = shift if abs(shift) >= hi / 2 - lo / 2 and math.isfinite(hi - lo) else 0.0
    moved = values - shift
    scale = math.ldexp(1.0, math.frexp(float(np.abs(moved).max()))[1]) if moved.any() else 1.0
    return moved / scale, shift, scale


def _meeting(x: Array, starts: Nodes, slopes: Array, centres: Array, levels: Array) -> Array:
    """Where neighbouring lines meet, if that is in the gap left of the first sample of a piece, else its middle.

    Lines that meet at one of the two samples, up to rounding, have their knot there.
    """
    lo, hi = x[starts - 1], x[starts]
    middle = lo + (hi - lo) / 2
    gap, _ = jump(middle, slopes, centres, levels)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        meet = middle - gap / np.diff(slopes)
    knots = np.where((meet > lo) & (meet < hi), meet, middle)
    knots = np.where(jump(hi, slopes, centres, levels)[0] == 0, hi, knots)
    lowest = np.nextafter(lo, hi)  # lo itself is in the left piece; and the middle may be rounded to it
    return np.where((jump(lo, slopes, centres, levels)[0] == 0) | (knots < lowest), lowest, knots)


def separate(points: Standard, nodes: Nodes) -> tuple[Array, Ints, Array]:
    """(slopes, samples, levels there) of the least-squares line of each piece, each at the sample next to its mean.

    The slope of a single sample is 0. O(s).
    """
    starts = nodes[:-1]
    count = np.diff(nodes)
    total = np.add.reduceat(points.w, starts)
    share = points.w / np.repeat(total, count)
    # Offsets from the first sample: exact for equal values, and right where x are close together.
    u, v = (values - np.repeat(values[starts], count) for values in (points.u, points.v))
    mu, mv = np.add.reduceat(share * u, starts), np.add.reduceat(share * v, starts)
    du, dv = u - np.repeat(mu, count), v - np.repeat(mv, count)
    spread = np.add.reduceat(share * du * du, starts)
    lean = np.add.reduceat(share * du * dv, starts)
    slopes = np.divide(lean, spread, out=np.zeros_like(lean), where=(count > 1) & (spread > 0))
    anchors = np.searchsorted(points.u, points.u[starts] + mu)
    anchors = np.clip(anchors, starts, nodes[1:] - 1)
    return slopes, anchors, points.v[starts] + (mv + slopes * (u[anchors] - mu))


def joined(points: Standard, nodes: Nodes, meet: bool, rising: bool) -> tuple[Array, Ints, Array]:
    """(slopes, first samples, values there) of the best fit with these nodes if pieces meet, or may not fall, or both.

    f = base + rises of the pieces + steps between them (0 if they meet): a linear least-squares problem, with
    rises and steps >= 0 if the fit may not fall. O(s k^2).
    """
    k = len(nodes) - 1
    first, last = nodes[:-1], nodes[1:] if meet else nodes[1:] - 1
    width = points.u[last] - points.u[first]
    part = (points.u[:, None] - points.u[first]) / np.where(width > 0, width, 1.0)
    columns = np.where(width > 0, np.clip(part, 0.0, 1.0), 0.0)
    if not meet:
        columns = np.hstack([columns, points.u[:, None] >= points.u[first[1:]]])
    mean, centre = points.w @ columns, points.w @ points.v  # the weights sum to 1: this takes the base out
    root = np.sqrt(points.w)[:, None]
    solution = _solved(root * (columns - mean), root[:, 0] * (points.v - centre), rising)
    rises, steps = solution[:k], np.zeros(k - 1) if meet else solution[k:]
    values = centre - mean @ solution + np.append(0.0, np.cumsum(rises[:-1] + steps))
    slopes = np.divide(rises, width, out=np.zeros(k), where=width > 0)
    return slopes, first, values


def _solved(columns: Array, target: Array, positive: bool) -> Array:
    """argmin |columns z - target|, with z >= 0 if it must be `positive`.

    SciPy's active set is taken for a first guess, which is wrong where it tells nothing from rounding: one value may
    be larger than all others by many orders. Lawson & Hanson 1974 (chapter 23) go on from there, on the columns.
    """
    if not positive:
        return np.asarray(np.linalg.lstsq(columns, target, rcond=None)[0], dtype=np.float64)
    from scipy.optimize import nnls

    q, r = np.linalg.qr(columns)
    here = nnls(r, q.T @ target)[0]
    free, length = here > 0, np.linalg.norm(columns, axis=0)
    for _ in range(3 * len(here)):
        here, free = _inside(columns, target, here, free)
        rest = target - columns @ here
        pull = np.where(free, 0.0, rest @ columns)
        pull[pull <= _BALANCE * length * np.linalg.norm(rest)] = 0.0
        if not pull.any():
            break
        free = free.copy()
        free[np.argmax(np.divide(pull, length, out=np.zeros_like(pull), where=pull > 0))] = True
    return here


def _inside(columns: Array, target: Array, here: Array, free: Flags) -> tuple[Array, Flags]:
    """The least squares over the free z; if one would be negative, as far as the first that reaches 0, and again."""
    while free.any():
        there = np.zeros_like(here)
        there[free] = np.linalg.lstsq(columns[:, free], target, rcond=None)[0]
        low = free & (there <= 0)
        if not low.any():
            return there, free
        share = np.divide(here, here - there, out=np.zeros_like(here), where=low & (here > there))
        least = float(share[low].min())
        here = np.where(free, np.maximum(here + least * (there - here), 0.0), 0.0)
        free = free & ~(low & (share <= least))
        here = np.where(free, here, 0.0)
    return np.zeros_like(here), free
