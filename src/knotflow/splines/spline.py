"""What every member of the family returns: a piecewise polynomial that is linear outside its knots."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import PPoly

from knotflow._checks import beyond_float64, count, extent, number, numbers, numeric
from knotflow._deprecated import renamed
from knotflow._typing import AnyArray, Array
from knotflow._values import immutable
from knotflow.data import Samples
from knotflow.data.samples import given
from knotflow.errors import InputError

Indices = AnyArray  # of whole numbers, or a mask

_CLOSEST = 1e-50  # least distance of two knots over their span: its cube still divides any y that Samples takes


@dataclass(frozen=True, eq=False, repr=False)
@immutable
class Spline:
    """A piecewise polynomial f on the whole line, with a line on each side of it.

    Calling it, f(x) or f(x, nu) for the derivative of order nu, gives the values in the shape of x, in O(log s) for
    each x. At a knot where a value or a derivative jumps, it is the one from the right.

    The pieces are kept in u = x / 2^exponent, where the knots span between 1/2 and 1, so that no power of a
    knot distance leaves the range of float64; dividing by a power of two does not round.

    Attributes
    ----------
    knots : ndarray
        Ascending, read-only: the distinct x of the data, or what the member says.
    pieces : scipy.interpolate.PPoly
        The polynomials in u, the two outer lines included; there may be more of them than knots.
    exponent : int
        See above.

    Examples
    --------
    >>> import knotflow as kf
    >>> f = kf.splines.natural(kf.Samples([0, 1, 2], [0, 1, 0]))
    >>> f
    Spline(degree 3, 3 knots in [0, 2])
    >>> f([0.5, 1.0, 3.0])
    array([ 0.6875,  1.    , -1.5   ])
    >>> f([0.0, 1.0], nu=2)
    array([ 0., -3.])
    """

    knots: Array
    pieces: PPoly
    exponent: int

    def __call__(self, x: ArrayLike, nu: int = 0) -> Array:
        """The derivative of order `nu` within the pieces at x, in the shape of x; nu = 0 is f itself.

        Parameters
        ----------
        x : array_like
            Finite numbers.
        nu : int
            The order of the derivative, at least 0.

        Returns
        -------
        ndarray
            In the shape of x.

        Raises
        ------
        InputError
            If x is not finite or so large that f(x) is beyond float64, and if `nu` is not a whole number of at least 0.
        """
        order = count("nu", nu)
        places = numeric("x", x)
        if order or self.exponent < 0:  # powers of two that may overflow
            with np.errstate(over="ignore", invalid="ignore"):
                values = np.ldexp(self.pieces(np.ldexp(places, -self.exponent), order), -self.exponent * order)
        else:
            values = self.pieces(np.ldexp(places, -self.exponent))
        if not np.isfinite(values).all():
            beyond_float64("x", numbers("x", places))
        return values

    @renamed(order="nu")
    def derivative(self, nu: int = 1) -> Spline:
        """The derivative of order `nu` within the pieces, as a Spline on the same knots.

        Jumps leave no trace in it: the second derivative of a linear spline is 0 everywhere.

        Parameters
        ----------
        nu : int
            The order, at least 0. `order` is its former name.

        Returns
        -------
        Spline
            A plain one, without the numbers of a fit.

        Raises
        ------
        InputError
            If `nu` is not a whole number of at least 0.

        Examples
        --------
        >>> import knotflow as kf
        >>> kf.splines.linear(kf.Samples([0, 1, 3], [0, 2, 2])).derivative()([0.5, 2.0])
        array([2., 0.])
        """
        times = count("nu", nu)
        pieces = self.pieces.derivative(times)
        return Spline(self.knots, PPoly(np.ldexp(pieces.c, -self.exponent * times), pieces.x), self.exponent)

    def integral(self, a: float, b: float) -> float:
        """int_a^b f(x) dx, negated when a > b.

        Parameters
        ----------
        a, b : float
            The bounds, finite.

        Returns
        -------
        float
            The integral, exact up to rounding. O(s).

        Raises
        ------
        InputError
            If a bound is not a finite number.

        Examples
        --------
        >>> import knotflow as kf
        >>> kf.splines.linear(kf.Samples([0, 1, 3], [0, 2, 2])).integral(0, 3)
        5.0
        """
        lo, hi = (math.ldexp(number(name, bound), -self.exponent) for name, bound in (("a", a), ("b", b)))
        return math.ldexp(float(self.pieces.integrate(lo, hi)), self.exponent)

    def __repr__(self) -> str:
        count = len(self.knots)
        where = f" in {extent(self.knots)}" if count else ""
        return f"Spline(degree {self.pieces.c.shape[0] - 1}, {count} knots{where})"


class Points(NamedTuple):
    """The points that a spline goes through, (s,) each: `y` at `x`, and u = x / 2^exponent."""

    x: Array
    y: Array
    u: Array
    exponent: int


def points_of(data: Samples) -> Points:
    """The distinct x of the data and the weighted mean y there. Raises InputError for what has no spline."""
    data = given(data)
    x, y = data.distinct.x, data.distinct.y
    closest = np.argmin(np.diff(x))
    if x[closest + 1] - x[closest] < _CLOSEST * data.span:
        pair = f"{x[closest]} and {x[closest + 1]}"
        raise InputError(f"data has x {pair}, too close for a spline over a span of {data.span:g}: merge them")
    exponent = math.frexp(data.span)[1]
    return Points(x, y, np.ldexp(x, -exponent), exponent)


def extended(points: Points, coefficients: Array, breaks: Array | None = None) -> Spline:
    """The Spline with these (degree + 1, n - 1) coefficients, in u, between n breaks; a line on each side.

    The breaks are the points, unless they are finer; the outermost are the first and the last point. The lines
    take up the value and the slope of the outermost pieces at the first and the last point. They are pieces like
    any other, which SciPy extrapolates, so that nothing outside the data is a special case.
    """
    u = points.u if breaks is None else breaks
    inner = PPoly.construct_fast(coefficients, u)
    before, after = 2 * u[0] - u[1], 2 * u[-1] - u[-2]  # as wide as the next piece: any width would do
    left, right = np.zeros((2, len(coefficients), 1))
    left[-2:, 0] = inner(u[0], 1), inner(u[0]) - (u[0] - before) * inner(u[0], 1)
    right[-2:, 0] = inner(u[-1], 1), points.y[-1]
    pieces = PPoly(np.hstack([left, coefficients, right]), np.concatenate([[before], u, [after]]))
    return Spline(points.x, pieces, points.exponent)
