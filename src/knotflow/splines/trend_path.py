"""The minimiser of `trend` for every lam at once: affine in lam between finitely many of them.

With the kinks and signs of one lam the values are V - lam B, and the dual variable z is P + lam Q. They are right for
smaller lam until a jump reaches 0, which drops its kink, or z meets a wall of the tube of half-width lam, which adds
one: the homotopy of Osborne, Presnell & Turlach 2000, in the form of Tibshirani & Taylor 2011 for generalised lasso
problems. Where several happen at once and one order of them fails, `trend` says what the kinks are after all of them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg.lapack import dptsv

from knotflow._typing import Array
from knotflow.splines.spline import Indices
from knotflow.splines.trend import trend

_LAST = 1e-9  # of the largest lam: below it the spline counts as the interpolant
_ROUNDING = 1e-13  # of what they are sums of: below it a jump and z are rounding
_STEP = 1e-7  # relative: how far below a knot of the path `trend` looks
_PATIENCE = 8  # stretches without length, one after the other, until `trend` is asked
_SLACK = 1e-9  # relative: how far a kink or z may be on the wrong side, by rounding


class Stretch(NamedTuple):
    """The minimisers for lam between `lo` and `hi`: values - lam * pull at the samples `knots`, the ends included."""

    lo: float
    hi: float
    knots: Indices
    values: Array
    pull: Array


class _Affine(NamedTuple):
    """What is affine in lam while the kinks stay: two numbers each, for 1 and for lam."""

    knots: Indices
    signs: Array
    values: tuple[Array, Array]
    jumps: tuple[Array, Array]  # at the inner knots, in the direction of the signs
    z: tuple[Array, Array]

    def stretch(self, lo: float, hi: float) -> Stretch:
        return Stretch(lo, hi, self.knots, self.values[0], -self.values[1])


def largest(u: Array, y: Array, weight: Array) -> float:
    """The least lam that gives the line of least squares. O(s)."""
    ends = np.array([0, len(u) - 1])
    return float(np.abs(_affine(u, y, weight, ends, np.empty(0)).z[0]).max())


def trend_path(u: Array, y: Array, weight: Array) -> list[Stretch]:
    """The minimisers for all lam, by descending lam; below a billionth of the largest the interpolant.

    O(s) for each stretch. There are about s of them, somewhat more where kinks go and return.
    """
    here = _affine(u, y, weight, np.array([0, len(u) - 1]), np.empty(0))
    top = float(np.abs(here.z[0]).max())
    path, hi, waited, step = [here.stretch(top, np.inf)], top, 0, _STEP
    last = max(_LAST * top, _small(u, y, weight))
    while hi > last:
        following = _after(here, hi)
        if following is None:
            break
        there = _affine(u, y, weight, *following)
        lo = _lowest(there, hi)
        waited = waited + 1 if lo >= hi else 0
        if waited > _PATIENCE or not _right(there, 0.5 * (lo + hi)):
            there = _by_search(u, y, weight, (1 - step) * hi)
            lo, step = min(_lowest(there, hi), (1 - step) * hi), min(2 * step, 0.01)  # longer, if it goes on like that
        else:
            step = _STEP
        here = there
        if lo < hi:
            path.append(here.stretch(lo, hi))
        hi = lo
    every = np.arange(len(u))
    return [*path, Stretch(0.0, hi, every, y, np.zeros(len(u)))] if hi > 0 else path


def _small(u: Array, y: Array, weight: Array) -> float:
    """What rounding may add to z."""
    return _ROUNDING * float(weight @ np.abs(y)) * float(u[-1] - u[0])


def _affine(u: Array, y: Array, weight: Array, knots: Indices, signs: Array) -> _Affine:
    from knotflow.splines.loops import polygon_system, tension

    held = np.concatenate([[0.0], signs, [0.0]])
    diagonal, beside, right = polygon_system(u, y, weight, knots)
    gap = np.diff(u[knots])
    pull = np.diff(np.diff(held) / gap, prepend=0.0, append=0.0)
    solved = dptsv(diagonal, beside, np.stack([right, -pull], axis=1))[2]
    values = solved[:, 0], solved[:, 1]
    jumps = tuple(signs * np.diff(np.diff(each) / gap) for each in values)
    hidden = _ROUNDING * float(np.abs(y).max()) * (1 / gap[:-1] + 1 / gap[1:])
    jumps[0][np.abs(jumps[0]) <= hidden] = 0.0
    rest = y - np.interp(u, u[knots], values[0]), -np.interp(u, u[knots], values[1])
    z = tuple(tension(u, weight * each, knots, wall)[0] for each, wall in zip(rest, (0 * held, held), strict=True))
    z[0][np.abs(z[0]) <= _small(u, y, weight)] = 0.0
    return _Affine(knots, signs, values, (jumps[0], jumps[1]), (z[0], z[1]))


def _events(here: _Affine, hi: float) -> tuple[Array, Array]:
    """The lam at which each inner kink goes, and at which each sample gets one: at most hi, 0 for never."""
    fixed, slope = here.jumps
    goes = np.divide(fixed, -slope, out=np.zeros_like(fixed), where=(slope > 0) & (fixed < 0))
    still, moving = here.z
    lead = 1 - np.sign(still) * moving  # on the side that z / lam moves to
    comes = np.divide(np.abs(still), lead, out=np.zeros_like(still), where=lead > 0)
    comes[here.knots] = 0.0
    return np.minimum(goes, hi), np.minimum(comes, hi)


def _lowest(here: _Affine, hi: float) -> float:
    return float(max(events.max(initial=0.0) for events in _events(here, hi)))


def _after(here: _Affine, at: float) -> tuple[Indices, Array] | None:
    """The kinks and signs below the next event; None if there is none."""
    goes, comes = _events(here, np.inf)
    first, second = goes.max(initial=0.0), comes.max(initial=0.0)
    if max(first, second) <= 0:
        return None
    if first >= second:
        p = int(np.argmax(goes))
        return np.delete(here.knots, p + 1), np.delete(here.signs, p)
    j = int(np.argmax(comes))
    p = int(np.searchsorted(here.knots, j))
    return np.insert(here.knots, p, j), np.insert(here.signs, p - 1, np.sign(here.z[0][j]))


def _right(here: _Affine, lam: float) -> bool:
    """Whether these kinks are those of the minimiser for lam."""
    fixed, slope = here.jumps
    jumps = fixed + lam * slope
    size = np.abs(fixed) + lam * np.abs(slope)
    still, moving = here.z
    return bool((jumps >= -_SLACK * size).all() and np.abs(still + lam * moving).max() <= lam * (1 + _SLACK))


def _by_search(u: Array, y: Array, weight: Array, lam: float) -> _Affine:
    """The kinks at lam, by `trend`."""
    found = trend(u, y, weight, lam)
    signs = np.sign(np.diff(np.diff(found.values) / np.diff(u[found.knots])))
    return _affine(u, y, weight, found.knots, signs)
