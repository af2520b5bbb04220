"""How sure a smoothing spline is: the Gaussian process of which it is the mean.

If f'' is white noise of the density sigma^2 / lam, nothing is known of the line, and y_j = f(x_j) + noise of the
variance sigma^2 / w_j, then the smoothing spline is the mean of f given the data. A wide network with knots spread
evenly is such a process at its start. Given the data, (f, f') is a Markov process: its covariance at any x follows
from those at the samples next to it, and all of them take O(s).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from knotflow._checks import beyond_float64, flag, number, numbers
from knotflow._typing import Array
from knotflow._values import immutable
from knotflow.errors import InputError
from knotflow.splines.spline import Spline

__all__ = ["Band", "Banded", "Evidence"]

_LEAST_FREE = 0.5  # degrees of freedom; with fewer, Student's distribution has no quantiles that mean anything
_NODES, _SHARES = np.polynomial.legendre.leggauss(8)


@immutable
class Band(NamedTuple):
    """A band around a curve, lower <= f <= upper with some probability: a pair of arrays.

    Made by `SmoothingSpline.band`.

    Attributes
    ----------
    lower, upper : ndarray
        Its edges, in the shape of x.

    Examples
    --------
    >>> import knotflow as kf
    >>> f = kf.splines.smoothing(kf.Samples([0, 1, 2, 3], [0, 2, 1, 3]), penalty=1.0)
    >>> band = f.band([0.5, 1.5])
    >>> bool((band.lower < f([0.5, 1.5])).all() and (f([0.5, 1.5]) < band.upper).all())
    True
    """

    lower: Array
    upper: Array


@dataclass(frozen=True, eq=False)
@immutable
class Evidence:
    """What a smoothing spline knows of its error, in u = x / 2^exponent. Made by `smoothing`."""

    u: Array
    weight: Array
    lam: float  # 0 where it interpolates, inf where it is a line
    sigma: float  # standard deviation of the noise of a sample of weight 1
    free: float  # the degrees of freedom that are left for it, n - df
    exponent: int

    @cached_property
    def _states(self) -> tuple[Array, Array]:
        from knotflow.splines.loops import covariances

        return covariances(np.diff(self.u), self.weight, self.lam)

    def covariance(self, u: Array) -> Array:
        """(3, n): variance of f, covariance of f and f', variance of f' at (n,) u, over sigma^2."""
        if math.isinf(self.lam):
            return self._of_a_line(u)
        u0, u1 = self.u[0], self.u[-1]
        own, _ = self._states
        inside = self._between(np.clip(u, u0, u1))
        before, after = _beyond(own[0], u - u0, self.lam), _beyond(own[-1], u - u1, self.lam)
        return np.where(u < u0, before, np.where(u > u1, after, inside))

    def _of_a_line(self, u: Array) -> Array:
        share = self.weight / self.weight.sum()
        middle = self.u[0] + float(share @ (self.u - self.u[0]))
        slope = 1 / float(self.weight @ (self.u - middle) ** 2)
        return np.stack([1 / self.weight.sum() + slope * (u - middle) ** 2, slope * (u - middle), slope + 0 * u])

    def _between(self, u: Array) -> Array:
        """Between two samples: the cubic through both states, and a bridge of f'' that ends in them."""
        own, cross = self._states
        j = np.clip(np.searchsorted(self.u, u, side="right") - 1, 0, len(self.u) - 2)
        h = self.u[j + 1] - self.u[j]
        t = (u - self.u[j]) / h
        r = 1 - t
        value = np.stack([r * r * (1 + 2 * t), h * t * r * r, t * t * (1 + 2 * r), -h * t * t * r])
        slope = np.stack([-6 * t * r / h, r * (1 - 3 * t), 6 * t * r / h, t * (1 - 3 * r)])
        ends = np.empty((4, 4, len(u)))
        for at, place in ((0, j), (2, j + 1)):
            ends[at, at], ends[at + 1, at + 1] = own[place, 0], own[place, 2]
            ends[at, at + 1] = ends[at + 1, at] = own[place, 1]
        ends[:2, 2:] = np.moveaxis(cross[j], 0, -1)
        ends[2:, :2] = np.swapaxes(ends[:2, 2:], 0, 1)
        spread = [np.einsum("in,ikn,kn->n", *pair) for pair in ((value, ends, value), (value, ends, slope))]
        spread.append(np.einsum("in,ikn,kn->n", slope, ends, slope))
        p = t * r
        bridge = np.stack([h**3 * p**3 / 3, h**2 * p**2 * (r - t) / 2, h * p * (1 - 3 * p)])
        return np.stack(spread) + bridge / self.lam

    def critical(self, lo: float, hi: float, level: float, free: float) -> float:
        """c with P(|f - mean| <= c sd on the whole of [lo, hi] in u) >= level.

        The chance that a smooth process leaves +-c is at most that at one place and the number of crossings that is
        expected: P(|t| > c) + length / pi (1 + c^2 / free)^(-free / 2), with the length of the correlated process.
        """
        from scipy.optimize import brentq
        from scipy.special import stdtr

        length = self._length(lo, hi)

        def excess(c: float) -> float:
            tail = math.exp(-c * c / 2) if math.isinf(free) else math.exp(-free / 2 * math.log1p(c * c / free))
            return float(2 * stdtr(free, -c)) + length / math.pi * tail - (1 - level)

        highest = 2.0
        while excess(highest) > 0:
            highest *= 2
        return float(brentq(excess, 0.0, highest, xtol=1e-10))

    def _length(self, lo: float, hi: float) -> float:
        """int sqrt(Var (f / sd)') du, by Gauss's rule in each interval between samples."""
        inner = self.u[(self.u > lo) & (self.u < hi)]
        edges = np.concatenate([[lo], inner, [hi]])
        half = np.diff(edges) / 2
        u = (edges[:-1] + half)[:, None] + half[:, None] * _NODES
        f, mixed, slope = self.covariance(u.ravel())
        rate = np.sqrt(np.maximum(f * slope - mixed**2, 0.0)) / f
        return float(half @ (rate.reshape(u.shape) @ _SHARES))


def _beyond(state: Array, distance: Array, lam: float) -> Array:
    """The covariance at a distance from the first sample (to the left, < 0) or from the last."""
    f, mixed, slope = state
    far = np.abs(distance)
    return np.stack(
        [
            f + 2 * distance * mixed + distance**2 * slope + far**3 / (3 * lam),
            mixed + distance * slope + distance * far / (2 * lam),
            slope + far / lam,
        ]
    )


class Banded(Spline):
    """A spline that knows its error: `sigma`, `sd` and `band`."""

    _evidence: Evidence

    @property
    def sigma(self) -> float:
        """The noise: the standard deviation of a sample of weight 1, estimated; nan unless n > df.

        sigma^2 = sum_j w_j (f(x_j) - y_j)^2 / (n - df) with n = sum_j w_j.
        """
        return self._evidence.sigma

    def sd(self, x: ArrayLike, *, sigma: float | None = None) -> Array:
        """The standard deviation of f(x) given the data, in the shape of x.

        Parameters
        ----------
        x : array_like
            Finite numbers, inside the data or outside.
        sigma : float, optional
            The standard deviation of a sample of weight 1, > 0, if it is known. None: `Banded.sigma`.

        Returns
        -------
        ndarray
            In the shape of x. O(s) once, and O(log s) for each x.

        Raises
        ------
        InputError
            If the spline interpolates, so that it tells no noise from the curve, and if n - df is less than 1/2, so
            that sigma cannot be estimated.

        References
        ----------
        Wahba 1983. Wecker and Ansley 1983, for the state-space form.

        Examples
        --------
        >>> import knotflow as kf
        >>> f = kf.splines.smoothing(kf.Samples([0, 1, 2, 3], [0, 2, 1, 3]), penalty=float("inf"))
        >>> f.sd([1.5, 3.0]).round(4)
        array([0.4743, 0.7937])
        """
        x = numbers("x", x)
        evidence, noise, _ = self._known(sigma)
        with np.errstate(over="ignore", invalid="ignore"):
            variance = evidence.covariance(np.ldexp(x.ravel(), -evidence.exponent))[0]
            result: Array = (noise * np.sqrt(variance)).reshape(x.shape)[()]
        if not np.isfinite(result).all():
            beyond_float64("x" if sigma is None else "sigma or x", x)
        return result

    def band(self, x: ArrayLike, level: float = 0.9, *, simultaneous: bool = False, sigma: float | None = None) -> Band:
        """The band around the curve that holds f(x) with the probability `level`: f(x) -+ c sd(x).

        Parameters
        ----------
        x : array_like
            Finite numbers, inside the data or outside.
        level : float
            Between 0 and 1.
        simultaneous : bool
            False: at each x by itself, c from Student's distribution with n - df degrees of freedom. True: on the whole
            interval from the smallest to the largest x at once.
        sigma : float, optional
            The standard deviation of a sample of weight 1, > 0, if it is known. None: it is estimated.

        Returns
        -------
        Band
            (lower, upper), in the shape of x.

        Raises
        ------
        InputError
            As for `sd`, and for a level that is not between 0 and 1.

        Notes
        -----
        O(s) once, and O(log s) for each x. The probability is that of the Gaussian process. For one smooth curve it
        holds on average over x: less where the curve bends most, and at kinks, which the spline rounds off, the
        curve may be outside of the band. That lam was chosen by the data is not counted.

        References
        ----------
        Wahba 1983. Nychka 1988, on the average over x. Sun and Loader 1994, for c on an interval.

        Examples
        --------
        >>> import knotflow as kf
        >>> f = kf.splines.smoothing(kf.Samples([0, 1, 2, 3], [0, 2, 1, 3]), penalty=float("inf"))
        >>> lower, upper = f.band([1.5, 3.0], level=0.9)
        >>> lower.round(3), upper.round(3)
        (array([0.115, 0.382]), array([2.885, 5.018]))
        """
        from scipy.special import stdtrit

        places = numbers("x", x)
        level = number("level", level, above=0.0, below=1.0)
        evidence, _, free = self._known(sigma)
        if flag("simultaneous", simultaneous) and places.size:
            lo, hi = np.ldexp([places.min(), places.max()], -evidence.exponent)
            c = evidence.critical(float(lo), float(hi), level, free)
        else:
            c = float(stdtrit(free, (1 + level) / 2))
        with np.errstate(over="ignore", invalid="ignore"):
            middle, half = self(places), c * self.sd(places, sigma=sigma)
            band = Band(middle - half, middle + half)
        if not (np.isfinite(band.lower).all() and np.isfinite(band.upper).all()):
            beyond_float64("x" if sigma is None else "sigma or x", places)
        return band

    def _known(self, sigma: float | None) -> tuple[Evidence, float, float]:
        """The evidence, the noise, and the degrees of freedom that it was estimated from."""
        evidence = self._evidence
        if evidence.lam == 0:
            raise InputError("penalty is 0: it must be > 0 for a band, as an interpolant takes all noise for the curve")
        if sigma is not None:
            return evidence, number("sigma", sigma, above=0.0), math.inf
        if not evidence.free >= _LEAST_FREE:
            left = f"n - df is {max(evidence.free, 0.0):.3g}"
            raise InputError(f"sigma is None: it must be given, as {left}, too little to estimate it from")
        return evidence, evidence.sigma, evidence.free
