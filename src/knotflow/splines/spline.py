"""What every member of the family returns: a piecewise polynomial that is linear outside its knots."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PPoly

from knotflow.data import Samples
from knotflow.errors import InputError

Array = NDArray[np.float64]
Indices = NDArray[Any]  # of whole numbers, or a mask

_CLOSEST = 1e-50  # least distance of two knots over their span: its cube still divides any y that Samples takes


@dataclass(frozen=True, eq=False, repr=False)
class Spline:
    """A piecewise polynomial f on the whole line, with a line on each side of it.

    Calling it gives f(x) in the shape of x, in O(log s) for each x. At a knot where a value or a derivative
    jumps, it is the one from the right.

    The pieces are kept in u = x / 2^exponent, where the knots span between 1/2 and 1, so that no power of a
    knot distance leaves the range of float64; dividing by a power of two does not round.

    knots     ascending, read-only: the distinct x of the data, or what the member says
    pieces    SciPy's polynomials in u, the two outer lines included; there may be more of them than knots
    exponent  see above
    """

    knots: Array
    pieces: PPoly
    exponent: int

    def __call__(self, x: ArrayLike) -> Array:
        return self.pieces(np.ldexp(np.asarray(x, dtype=float), -self.exponent))

    def derivative(self, order: int = 1) -> Spline:
        """The derivative of that order within the pieces, as a Spline on the same knots.

        Jumps leave no trace in it: the second derivative of a linear spline is 0 everywhere. Raises
        InputError unless `order` is an integer >= 0.
        """
        try:
            times = operator.index(order)
        except TypeError:
            times = -1
        if times < 0:
            raise InputError(f"order is {order!r}: it must be an integer, at least 0")
        pieces = self.pieces.derivative(times)
        return Spline(self.knots, PPoly(np.ldexp(pieces.c, -self.exponent * times), pieces.x), self.exponent)

    def integral(self, a: float, b: float) -> float:
        """int_a^b f(x) dx, negated when a > b. O(s). Raises InputError if a bound is not finite."""
        for name, bound in (("a", a), ("b", b)):
            if not math.isfinite(bound):
                raise InputError(f"{name} is {bound}: the bounds of an integral must be finite")
        lo, hi = math.ldexp(a, -self.exponent), math.ldexp(b, -self.exponent)
        return math.ldexp(float(self.pieces.integrate(lo, hi)), self.exponent)

    def __repr__(self) -> str:
        count = len(self.knots)
        where = f" in [{self.knots[0]:.6g}, {self.knots[-1]:.6g}]" if count else ""
        return f"Spline(degree {self.pieces.c.shape[0] - 1}, {count} knots{where})"


class Points(NamedTuple):
    """The points that a spline goes through, (s,) each: `y` at `x`, and u = x / 2^exponent."""

    x: Array
    y: Array
    u: Array
    exponent: int


def points_of(data: Samples) -> Points:
    """The distinct x of the data and the weighted mean y there. Raises InputError for what has no spline."""
    if not isinstance(data, Samples):
        raise InputError(f"data is of type {type(data).__name__}: it must be Samples, made by Samples(x, y)")
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
