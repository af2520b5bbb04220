"""min over polygons f of 1/2 sum w (f - y)^2 + lam sum |change of slope|: exactly, by exchanging kinks.

The dual variable z lives at the samples and is 0 beyond the data. f is the minimiser if and only if

    the slope of z changes by w_j (y_j - f_j) at sample j,    |z| <= lam,    z = lam sign(jump) where f has a kink

so z is a discrete cubic spline in a tube of half-width lam, and f bends where z touches a wall. For given kinks and
signs f is a least-squares polygon with a linear term, a tridiagonal system in the hats at the kinks. A wrong guess
shows: a jump of f against its sign must go, and where z leaves the tube a kink is missing.

All wrong kinks are dropped and one in each place outside the tube is added at once, from the better of two starts: no
kink, and a kink at every sample. That takes tens of rounds where the data are noisy, but may go in a circle. Where it
makes no headway, fewer are added to the best so far, until the objective falls; the last resort adds one and goes, as
Lawson & Hanson 1974 (chapter 23) do for non-negative least squares, no further than the first jump that reaches 0.
Then it must fall, so that no set of kinks returns and the end is certain.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg.lapack import dptsv

from knotflow._typing import Array
from knotflow.splines.spline import Indices

_PATIENCE = 8  # rounds of exchanging many at once without a new least objective
_ROUNDING = 1e-14  # of the objective
_SLACK = 1e-10  # relative: how far z may leave the tube, by rounding, before a kink is missing there


class Trend(NamedTuple):
    """The minimiser: the indices of the samples that are its knots, both ends included, and its values there.

    `gap` bounds how much more its objective is than the least possible.
    """

    knots: Indices
    values: Array
    objective: float
    gap: float


class _Problem(NamedTuple):
    u: Array
    y: Array
    weight: Array
    lam: float


class _Kinks(NamedTuple):
    """Indices of inner samples, ascending, and the sign of the change of slope at each."""

    at: Indices
    signs: Array

    def kept(self, which: Indices) -> _Kinks:
        return _Kinks(self.at[which], self.signs[which])

    def joined(self, at: Indices, z: Array) -> _Kinks:
        every = np.append(self.at, at)
        order = np.argsort(every)
        return _Kinks(every[order], np.append(self.signs, np.sign(z[at]))[order])


class _Fit(NamedTuple):
    """The best polygon with given kinks and signs, right or wrong."""

    knots: Indices
    held: Array
    values: Array
    jumps: Array  # in the direction of the signs: right if > 0


def trend(u: Array, y: Array, weight: Array, lam: float) -> Trend:
    """The minimiser for lam > 0. O(s) a round: tens of rounds for noisy data, thousands at worst."""
    problem = _Problem(u, y, weight, lam)
    bends = np.diff(np.diff(y) / np.diff(u))
    starts = (_Kinks(where + 1, np.sign(bends[where])) for where in (np.empty(0, np.int64), np.flatnonzero(bends)))
    best = here = min((_settled(problem, start) for start in starts), key=lambda each: each.result.objective)
    waited = 0
    while len(missing := _peaks(np.abs(here.z), lam * (1 + _SLACK))):
        if waited < _PATIENCE:
            here = _settled(problem, here.kinks.joined(missing, here.z))
        else:
            here = _improved(problem, best)
            if not _better(here, best):
                return best.result  # what is missing is rounding
        waited = 0 if _better(here, best) else waited + 1
        best = here if waited == 0 else best
    return here.result


def _improved(problem: _Problem, best: _Settled) -> _Settled:
    """A lower objective, by fewer of the missing kinks; the last resort, one alone, cannot fail but by rounding."""
    size = np.abs(best.z)
    missing = _peaks(size, problem.lam * (1 + _SLACK))
    missing = missing[np.argsort(-size[missing])]
    count = len(missing) // 4
    while count:
        there = _settled(problem, best.kinks.joined(missing[:count], best.z))
        if _better(there, best):
            return there
        count //= 4
    return _careful(problem, best, missing[:1])


class _Settled(NamedTuple):
    """Kinks that are all right, their fit and what it says."""

    kinks: _Kinks
    fit: _Fit
    z: Array
    result: Trend


def _better(one: _Settled, other: _Settled) -> bool:
    """A lower objective; where rounding hides which is lower, a smaller gap."""
    change = one.result.objective - other.result.objective
    rounding = _ROUNDING * other.result.objective
    return change < -rounding or (change <= rounding and one.result.gap < other.result.gap)


def _settled(problem: _Problem, kinks: _Kinks) -> _Settled:
    """Wrong kinks dropped, all at once, until there is none."""
    fit = _fitted(problem, kinks)
    while not (fit.jumps > 0).all():
        kinks = kinks.kept(fit.jumps > 0)
        fit = _fitted(problem, kinks)
    return _Settled(kinks, fit, *_checked(problem, fit))


def _careful(problem: _Problem, here: _Settled, missing: Indices) -> _Settled:
    """Wrong kinks dropped as their jumps reach 0 on the way from here."""
    kinks = here.kinks.joined(missing, here.z)
    size = np.insert(here.fit.jumps, np.searchsorted(here.kinks.at, missing), 0.0)
    fit = _fitted(problem, kinks)
    while not (fit.jumps > 0).all():
        ways = np.divide(size, size - fit.jumps, out=np.full(len(size), np.inf), where=fit.jumps <= 0)
        share = ways.min()
        size = np.maximum(size + share * (fit.jumps - size), 0.0)
        stays = ways > share * (1 + 1e-12)
        kinks, size = kinks.kept(stays), size[stays]
        fit = _fitted(problem, kinks)
    return _Settled(kinks, fit, *_checked(problem, fit))


def _fitted(problem: _Problem, kinks: _Kinks) -> _Fit:
    """argmin 1/2 sum w (f - y)^2 + lam sum sign * jump over the polygons with these kinks."""
    from knotflow.splines.loops import polygon_system

    u = problem.u
    knots = np.concatenate([[0], kinks.at, [len(u) - 1]])
    held = np.concatenate([[0.0], problem.lam * kinks.signs, [0.0]])
    diagonal, beside, right = polygon_system(u, problem.y, problem.weight, knots)
    gap = np.diff(u[knots])
    pull = np.diff(np.diff(held) / gap, prepend=0.0, append=0.0)
    values = dptsv(diagonal, beside, right - pull)[2]
    return _Fit(knots, held, values, kinks.signs * np.diff(np.diff(values) / gap))


def _checked(problem: _Problem, fit: _Fit) -> tuple[Array, Trend]:
    """z, and the result with its gap: primal objective less that of the dual point z, scaled into the tube."""
    from knotflow.splines.loops import tension

    u, y, weight, lam = problem
    rest = y - np.interp(u, u[fit.knots], fit.values)
    pull = weight * rest
    z, spare = tension(u, pull, fit.knots, fit.held)
    scale = lam / max(lam, float(np.abs(z).max()))
    lack = (1 - scale) * pull
    lack[fit.knots] -= scale * spare
    variation = float(np.sum(np.abs(fit.jumps)))
    gap = 0.5 * float(np.sum(lack**2 / weight)) + (1 - scale) * lam * variation
    return z, Trend(fit.knots, fit.values, 0.5 * float(pull @ rest) + lam * variation, gap)


def _peaks(size: Array, limit: float) -> Indices:
    """The place of the largest value in each run of values above the limit."""
    above = np.flatnonzero(size > limit)
    if not len(above):
        return above
    start = np.flatnonzero(np.diff(above, prepend=-2) > 1)
    largest = np.repeat(np.maximum.reduceat(size[above], start), np.diff(start, append=len(above)))
    peaks = above[size[above] == largest]
    return peaks[np.diff(peaks, prepend=-2) > 1]
