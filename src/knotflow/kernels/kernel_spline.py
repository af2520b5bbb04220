"""Random-feature kernels are spline kernels: interpolation with them is a tridiagonal solve, O(s).

For f = sum_j k_j K(x_j, .), with L(u) = sum_j k_j (u - x_j)_+ and R(u) = sum_j k_j (x_j - u)_+,

    f'' = nu^- L + nu^+ R = nu L + nu^+ e,      e = R - L = sum_j k_j x_j - u sum_j k_j, a line.

L is a polygon with corners at the samples, 0 left of them and -e right of them. So the unknowns are L at the inner
samples, for which the second differences of f are a tridiagonal system, and the two ends of e, for which there are
two equations: f at the first and at the last sample. An unpenalised affine part makes e = 0: that is the weighted
natural spline. A nugget n adds y - f = n k, banded as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import LinAlgError, solve_banded, solveh_banded

from knotflow._checks import count, extent, in_range, numbers
from knotflow._derivative import Derivative, derivative
from knotflow._typing import Array, Ints
from knotflow._values import immutable
from knotflow.errors import InputError
from knotflow.laws.knot_law import KnotLaw

__all__ = ["KernelSpline", "solve"]

# Equations that agree to this are one equation.
_SINGULAR = 1e-13


@dataclass(frozen=True, eq=False, repr=False)
@immutable
class KernelSpline:
    """The interpolant of a random-feature kernel, or with a nugget the smoother: a function on the whole line.

    It is called as the splines of `kf.splines` are: f(x) in the shape of x, f(x, nu) the derivative of order nu, and
    `derivative(nu)` the same as a function; nu is at most 2. f'' jumps where the weight of the law does.

    Attributes
    ----------
    law : KnotLaw
        That of the kernel.
    x : (s,) ndarray
        The places of the distinct samples, ascending; `knots` is another name of them.
    values : (s,) ndarray
        f there.
    polygon : (s,) ndarray
        L there, see the module: f'' = nu L + nu^+ e.
    line : (2,) ndarray
        e at the first and at the last x.
    coefficients : (s,) ndarray
        k, with f = sum_j k_j K(x_j, .) (+ the affine part).
    norm_squared : float
        The squared norm of f, without an affine part that is not penalised: k^T K k.

    Notes
    -----
    O(log s) for each x. Between samples f is evaluated from the values and curvatures there, not as a sum over
    samples, so that it is as accurate at s = 1,000,000 as at 10.

    Examples
    --------
    >>> import knotflow as kf
    >>> f = kf.kernels.interpolate(kf.kernels.rf("uniform"), kf.Samples([-1, 0, 1], [0, -1, 1]))
    >>> f
    KernelSpline(Uniform(bound_a=1.0, bound_b=1.0, c2=0.3333333333333333); 3 samples in [-1, 1])
    >>> f([-1, 0.5]).round(4), f([-1, 0.5], nu=1).round(4)
    (array([ 0.    , -0.2445]), array([-1.664 ,  2.2403]))
    >>> f.derivative()([-1, 0.5]).round(4)
    array([-1.664 ,  2.2403])
    >>> float(f.curvature(0.5).round(4))
    1.9556
    """

    law: KnotLaw
    x: Array
    values: Array
    polygon: Array
    line: Array

    def __call__(self, x: ArrayLike, nu: int = 0) -> Array:
        """f(x), or its derivative of order `nu` <= 2 there, in the shape of x."""
        nu = count("nu", nu, most=2)
        places = numbers("x", x)
        return in_range("x", places, lambda: self._bend(places) if nu == 2 else self._evaluate(places, nu))

    def derivative(self, nu: int = 1) -> Derivative:
        """The derivative of order `nu` as a function. Its values alone are f(x, nu)."""
        return derivative(self, nu)

    def curvature(self, x: ArrayLike) -> Array:
        """f''(x), in the shape of x: f(x, nu=2)."""
        return self(x, 2)

    @property
    def knots(self) -> Array:
        """(s,) the places of the distinct samples, as splines name them."""
        return self.x

    def _bend(self, x: Array) -> Array:
        """f'' = nu^- L + nu^+ R."""
        plus, minus = self.law.nu(x)
        e = self._line(x)
        inside = np.interp(x, self.x, self.polygon)
        left = np.where(x > self.x[-1], -e, np.where(x < self.x[0], 0.0, inside))
        return (minus * left + plus * (left + e))[()]

    def _line(self, u: Array) -> Array:
        t = (u - self.x[0]) / (self.x[-1] - self.x[0])
        return (1 - t) * self.line[0] + t * self.line[1]

    @property
    def coefficients(self) -> Array:
        """(s,) k, with f = sum_j k_j K(x_j, .) (+ the affine part)."""
        return _corners(self.x, self.polygon, self.line)

    @property
    def norm_squared(self) -> float:
        """k^T K k: the squared norm of f without its affine part."""
        secant = np.diff(self.values) / np.diff(self.x)
        inner = float(self.polygon[1:-1] @ np.diff(secant))
        slope = (self.line[1] - self.line[0]) / (self.x[-1] - self.x[0])
        return float(inner + self.line[1] * secant[-1] - slope * self.values[-1])

    def __repr__(self) -> str:
        return f"KernelSpline({self.law!r}; {len(self.x)} samples in {extent(self.x)})"

    # -- evaluation ---------------------------------------------------------------------------------------

    def _evaluate(self, x: Array, order: int) -> Array:
        flat = x.ravel()
        out = np.empty(flat.shape)
        before, after = flat < self.x[0], flat > self.x[-1]
        inside = ~(before | after)
        out[inside] = self._inside(flat[inside], order)
        for where, end in ((before, 0), (after, -1)):
            if where.any():
                out[where] = self._outside(flat[where], end, order)
        return out.reshape(x.shape)[()]

    def _inside(self, x: Array, order: int) -> Array:
        """From the values at both neighbours, less what the curvature between bends away (Green's function)."""
        j = np.clip(np.searchsorted(self.x, x, side="right") - 1, 0, len(self.x) - 2)
        lo, hi = self.x[j], self.x[j + 1]
        h, left, right = hi - lo, x - lo, hi - x
        f_lo, f_hi = self.values[j], self.values[j + 1]
        ends = self._curve(j), self._curve(j + 1)
        t = left / h
        here = [(1 - t) * a + t * b for a, b in zip(*ends, strict=True)]
        rising = _first_moment(self.law.moments(lo, x), left, ends[0], here, rising=True)
        falling = _first_moment(self.law.moments(x, hi), right, here, ends[1], rising=False)
        if order:
            return (f_hi - f_lo + rising - falling) / h
        return (1 - t) * (f_lo - rising) + t * (f_hi - falling)

    def _outside(self, x: Array, end: int, order: int) -> Array:
        """From the value and the slope at the border. Left of it f'' = nu^+ e, right of it -nu^- e."""
        left, border = end == 0, np.full_like(x, self.x[end])
        lo, hi = (x, border) if left else (border, x)
        zero = np.zeros_like(x)
        ends = [(e, zero) if left else (zero, -e) for e in (self._line(lo), self._line(hi))]
        moments, h = self.law.moments(lo, hi), hi - lo
        rising = _first_moment(moments, h, *ends, rising=True)
        falling = _first_moment(moments, h, *ends, rising=False)
        slope = float(self._inside(self.x[[end]], 1)[0])
        if order:
            turned = (rising + falling) / h
            return slope - turned if left else slope + turned
        return self.values[end] + slope * (x - border) + (rising if left else falling)

    def _curve(self, j: Ints) -> tuple[Array, Array]:
        """R and L at the samples: what nu^+ and nu^- are multiplied by."""
        return self.polygon[j] + self._line(self.x[j]), self.polygon[j]


def _first_moment(moments: Array, h: Array, start: object, end: object, *, rising: bool) -> Array:
    """int of (u - lo), or (hi - u) if not rising, times f'' over intervals, f'' = nu^+ R + nu^- L, R and L linear."""
    total = np.zeros_like(h)
    for (square, mixed, other), at_start, at_end in zip(moments, start, end, strict=True):  # type: ignore[call-overload]
        total += mixed * at_start + square * at_end if rising else other * at_start + mixed * at_end
    return np.divide(total, h, out=np.zeros_like(h), where=h > 0)


def _corners(x: Array, polygon: Array, line: Array) -> Array:
    """k: the changes of slope of L, which has slope 0 before the first sample and that of -e after the last."""
    slope = -(line[1] - line[0]) / (x[-1] - x[0])
    return np.diff(np.diff(polygon) / np.diff(x), prepend=0.0, append=slope)


# -- the solve ---------------------------------------------------------------------------------------------


def solve(law: KnotLaw, x: Array, y: Array, nugget: Array, affine: bool) -> KernelSpline:
    """The interpolant through (x, y), x ascending and distinct, or the smoother if nugget, (s,), is not 0. O(s).

    Raises InputError where the equations are singular.
    """
    moments = law.moments(x[:-1], x[1:])
    both = moments.sum(axis=0)
    t = (x - x[0]) / (x[-1] - x[0])
    load = _loads(moments[0], x, np.stack([1 - t, t]))
    # Three columns: what the data make of L and f, and what either end of e does.
    if np.any(nugget > 0):
        polygons, values = _smooth(both, x, y, nugget, load)
    else:
        bends = np.diff(np.diff(y) / np.diff(x))
        polygons = _bend(law, both, x, np.column_stack([bends, -load]))
        values = np.column_stack([y, np.zeros((len(x), 2))])
    line = np.zeros(2) if affine else _ends(law, moments, x, polygons, values)
    weights = np.array([1.0, *line])
    return KernelSpline(law, x, *_read_only(values @ weights, polygons @ weights, line))


def _read_only(*arrays: Array) -> tuple[Array, ...]:
    for array in arrays:
        array.setflags(write=False)
    return arrays


def _loads(plus: Array, x: Array, basis: Array) -> Array:
    """(s - 2, 2): int hat_j nu^+ e at the inner samples, for e of either row of the basis."""
    square, mixed, other = plus / np.diff(x) ** 2
    columns = []
    for e in basis:
        rise = mixed * e[:-1] + square * e[1:]  # int (u - lo)/h nu^+ e
        fall = other * e[:-1] + mixed * e[1:]
        columns.append(rise[:-1] + fall[1:])
    return np.column_stack(columns)


def _bend(law: KnotLaw, both: Array, x: Array, bends: Array) -> Array:
    """(s, 3): L from sum_k L_k int hat_j hat_k nu = bends_j at inner samples; L = 0 at the first, (0, 0, -1) last."""
    square, mixed, other = both / np.diff(x) ** 2
    right, scale, off = np.zeros((len(x), 3)), np.ones(len(x)), np.zeros(len(x))
    diagonal = square[:-1] + other[1:]
    if not np.all(diagonal > 0):
        raise _singular(law, x, x[1 + int(np.argmin(diagonal > 0))])
    scale[1:-1] = 1 / np.sqrt(diagonal)
    off[2:-1] = mixed[1:-1]
    off[1:] *= scale[:-1] * scale[1:]
    right[1:-1] = bends
    right[-1, 2] = -1.0
    if len(x) > 2:
        right[-2, 2] += mixed[-1]
    try:
        solved = solveh_banded(np.stack([off, np.ones(len(x))]), right * scale[:, None], check_finite=False)
    except LinAlgError:
        raise _singular(law, x) from None
    return solved * scale[:, None]


def _smooth(both: Array, x: Array, y: Array, nugget: Array, load: Array) -> tuple[Array, Array]:
    """L and f at the samples, (s, 3) each, where y - f = nugget * k: the unknowns interleaved, one banded system."""
    s = len(x)
    h = np.diff(x)
    slopes = 1 / h
    square, mixed, other = both / h**2
    # Rows 2j: the curvature equation of sample j (L_0 = 0 and the last L given); rows 2j + 1: f_j + nugget_j k_j = y_j.
    table = np.zeros((7, 2 * s))
    right = np.zeros((2 * s, 3))
    inner = np.arange(1, s - 1)

    def put(row: Ints, column: Ints, value: Array | float) -> None:
        table[3 + row - column, column] = value

    for end in (0, s - 1):
        put(np.array([2 * end]), np.array([2 * end]), 1.0)
    right[2 * (s - 1), 2] = -1.0
    put(2 * inner, 2 * inner, square[:-1] + other[1:])
    put(2 * inner, 2 * inner - 2, mixed[:-1])
    put(2 * inner, 2 * inner + 2, mixed[1:])
    put(2 * inner, 2 * inner - 1, -slopes[:-1])
    put(2 * inner, 2 * inner + 1, slopes[:-1] + slopes[1:])
    put(2 * inner, 2 * inner + 3, -slopes[1:])
    right[2 * inner, 1:] = -load
    every = np.arange(s)
    put(2 * every + 1, 2 * every + 1, 1.0)
    put(2 * every + 1, 2 * every, -nugget * (np.r_[0.0, slopes] + np.r_[slopes, 0.0]))
    put(2 * every[1:] + 1, 2 * every[1:] - 2, nugget[1:] * slopes)
    put(2 * every[:-1] + 1, 2 * every[:-1] + 2, nugget[:-1] * slopes)
    right[1::2, 0] = y
    span = x[-1] - x[0]
    right[-1, 1:] = -nugget[-1] * np.array([1.0, -1.0]) / span  # the slope of L after the last sample
    solved = solve_banded((3, 3), table, right, check_finite=False)
    return solved[::2], solved[1::2]


def _ends(law: KnotLaw, moments: Array, x: Array, polygons: Array, values: Array) -> Array:
    """e at both ends, from what sum_j k_j K(x_j, .) and its slope are at the first sample."""
    span, h = x[-1] - x[0], x[1] - x[0]
    below, above = law.below(x[:1])[:, 0], law.above(x[-1:])[:, 0]
    # Of e, by columns: its values at the first, the second and the last sample, and its slope.
    first, last = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])
    slope = (last - first) / span
    second = first + h * slope
    (_, mixed, other), (_, mixed_minus, other_minus) = moments[:, :, 0]
    bend = other * (polygons[0] + first) + mixed * (polygons[1] + second)
    bend = (bend + other_minus * polygons[0] + mixed_minus * polygons[1]) / h
    steepness = (values[1] - values[0] - bend) / h
    value = first * below[1] - slope * below[2] + _weighted(moments[1], x, x - x[0], polygons)
    value -= last * (above[1] + span * above[0]) + slope * (above[2] + span * above[1])
    rise = first * below[0] - slope * below[1] - _weighted(moments[1], x, np.ones_like(x), polygons)
    rise += last * above[0] + slope * above[1]
    system = np.stack([value - values[0], rise - steepness])
    size = np.abs(system[:, 1:]).max(axis=1)
    if not np.all(size > 0):
        raise _singular(law, x, x[0])
    system /= size[:, None]
    if abs(np.linalg.det(system[:, 1:])) < _SINGULAR:
        raise _singular(law, x)
    return np.linalg.solve(system[:, 1:], -system[:, 0])


def _weighted(moments: Array, x: Array, g: Array, polygons: Array) -> Array:
    """(3,): int nu g P over the range, g (s,) and P (s, 3) linear between the samples."""
    square, mixed, other = moments / np.diff(x) ** 2
    return (g[:-1] * other + g[1:] * mixed) @ polygons[:-1] + (g[:-1] * mixed + g[1:] * square) @ polygons[1:]


def _singular(law: KnotLaw, x: Array, where: float | None = None) -> InputError:
    lo, hi = law.support
    outside = int(np.sum((x < lo) | (x > hi)))
    near = "" if where is None else f" near x = {where:g}"
    why = f"; {outside} samples lie outside [{lo:g}, {hi:g}], where all knots are" if outside else ""
    return InputError(
        f"the Gram matrix is singular{near}: every function of this kernel is a line, or 0, where there are no knots"
        f"{why}. Take a law whose knots cover the data, drop or average samples, or smooth with nugget > 0"
    )
