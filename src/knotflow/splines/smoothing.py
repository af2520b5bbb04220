"""The smoothing spline: between the natural cubic spline and the line of least squares."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from knotflow._checks import number
from knotflow._deprecated import keyword_only
from knotflow._typing import Array
from knotflow.data import Samples
from knotflow.data.samples import given
from knotflow.errors import InputError
from knotflow.splines.natural import interpolant
from knotflow.splines.spline import Points, Spline, extended, points_of

_PER_DECADE = 2  # values of the penalty tried before the best is refined
_MOST_TRIED = 200
_FLAT = 1e-8  # criteria that differ less, relatively, count as equal


@dataclass(frozen=True, eq=False, repr=False)
class SmoothingSpline(Spline):
    """A natural cubic spline that passes near the data, with what was asked of it. Made by `smoothing`.

    Attributes
    ----------
    penalty : float
        lam / span^3, a number without a unit: 0 interpolates, inf is the line of least squares.
    lam : float
        The factor of int f''^2, in the units of w x^3: the `lam` of SciPy's make_smoothing_spline.
    df : float
        Effective degrees of freedom, sum_j d f(x_j) / d y_j: from s at penalty 0 down to 2.
    gcv : float
        n sum_j w_j (f(x_j) - y_j)^2 / (n - df)^2 with n = sum_j w_j; nan unless n > df.

    Notes
    -----
    O(log s) for each value.

    Examples
    --------
    >>> import knotflow as kf
    >>> f = kf.splines.smoothing(kf.Samples([0, 1, 2, 3], [0, 1, 0, 1]), lam=2.0)
    >>> round(f.penalty * 27, 12), 2 < f.df < 4
    (2.0, True)
    """

    penalty: float
    lam: float
    df: float
    gcv: float

    def __repr__(self) -> str:
        return f"Smoothing{super().__repr__()[:-1]}, penalty {self.penalty:.4g}, df {self.df:.4g})"


@keyword_only("penalty")
def smoothing(data: Samples, *, lam: float | None = None, penalty: float | None = None) -> SmoothingSpline:
    """The smoothing spline: a natural cubic spline near the data, with its knots at the distinct x.

    Minimises  sum_j w_j (f(x_j) - y_j)^2 + lam int f''(x)^2 dx,    lam = penalty * span^3.

    Parameters
    ----------
    data : Samples
        s distinct x; ties count with their total weight. A weight of 2 is the sample twice: if weights are
        precisions, scale them to the mean 1.
    lam : float, optional
        The factor of int f''^2 >= 0, as in SciPy's make_smoothing_spline; it has the units of w x^3.
    penalty : float, optional
        The same without a unit, >= 0: 0 gives the natural spline through the (mean) data, inf the line of least
        squares. At most one of `lam` and `penalty` may be given. If neither is, the penalty is chosen by
        generalised cross-validation: the one with the least `gcv`, and the largest of those where it is flat.

    Returns
    -------
    SmoothingSpline
        A `Spline` with `lam`, `penalty`, `df` and `gcv`.

    Raises
    ------
    InputError
        If `data` is not Samples or has two x closer than 1e-50 of the span, if `lam` or `penalty` is not a number
        of at least 0, if both are given, and if neither is while the weights add up to less than s.

    Notes
    -----
    O(s) for one penalty, by rotations that never form a square of the least-squares matrix; about 100 times that if
    it is to be chosen. The second argument by position is `penalty`, for one more release; then it will be `lam`.

    References
    ----------
    Reinsch 1967. Craven and Wahba 1979, equation (1.9), for the criterion. Wecker and Ansley 1983 for the
    state-space form. It is the counterpart of a network that trains c alone, from 0, for a finite time.

    Examples
    --------
    >>> import knotflow as kf
    >>> data = kf.Samples([0, 1, 2, 3], [0, 1, 0, 1])
    >>> kf.splines.smoothing(data, lam=0.0)(data.x).round(12)
    array([0., 1., 0., 1.])
    >>> kf.splines.smoothing(data, penalty=float("inf")).derivative()([0.0, 9.0]).round(12)
    array([0.2, 0.2])
    """
    problem = _problem(data)
    if lam is not None and penalty is not None:
        raise InputError(f"lam is {lam!r} and penalty is {penalty!r}: at most one of them must be given")
    if lam is not None:
        lam = _at_least_0("lam", lam)
        with np.errstate(over="ignore", under="ignore"):
            return _solved(problem, float(lam / _cube_of_span(problem.points)), lam)
    return _solved(problem, _chosen(problem) if penalty is None else _at_least_0("penalty", penalty))


def _at_least_0(name: str, value: Any) -> float:
    return math.inf if isinstance(value, float) and value == math.inf else number(name, value, least=0.0)


def _cube_of_span(points: Points) -> Any:
    return np.float64(points.x[-1] - points.x[0]) ** 3


class _Problem(NamedTuple):
    """The distinct points in u, their weights, the line of least squares (at the first u, slope), y less that line."""

    points: Points
    weight: Array
    line: tuple[float, float]
    rest: Array
    within: float
    span: float

    @property
    def negligible(self) -> float:
        """A penalty that moves no fitted value by more than about 1e-18 of y: the largest eigenvalue's bound."""
        return 1e-20 * float(self.weight.min() * (np.diff(self.points.u).min() / self.span) ** 3)

    @property
    def overwhelming(self) -> float:
        """A penalty that leaves about 1e-18 of y beside the line: the smallest eigenvalue's bound."""
        return 1e18 * float(self.weight.sum())


class _Solution(NamedTuple):
    states: Array  # (4, s), see `loops.smoothed`
    df: float
    gcv: float


def _problem(data: Samples) -> _Problem:
    data = given(data)
    points, weight = points_of(data), data.distinct.weight
    line = least_squares_line(points.u, points.y, weight)
    rest = points.y - (line[0] + line[1] * (points.u - points.u[0]))
    return _Problem(points, weight, line, rest, data.distinct.within, float(points.u[-1] - points.u[0]))


def least_squares_line(u: Array, y: Array, weight: Array) -> tuple[float, float]:
    """(value at the first u, slope) of the line of least weighted squares."""
    share = weight / weight.sum()
    t, v = u - u[0], y - y[0]
    t_mean, v_mean = float(share @ t), float(share @ v)
    slope = float(share @ ((t - t_mean) * (v - v_mean))) / float(share @ (t - t_mean) ** 2)
    return float(y[0]) + (v_mean - slope * t_mean), slope


def _evaluated(problem: _Problem, penalty: float) -> _Solution:
    """The solution for a penalty between negligible and inf, in u and beside the line."""
    from knotflow.splines.loops import smoothed

    if penalty >= problem.overwhelming or len(problem.rest) == 2:
        states, df = np.zeros((4, len(problem.rest))), 2.0
    else:
        lam = penalty * problem.span**3
        states, leverage = smoothed(np.diff(problem.points.u), problem.rest, problem.weight, lam)
        df = float(leverage.sum())
    return _Solution(states, df, _gcv(problem, states[0], df))


def _gcv(problem: _Problem, fitted: Array, df: float) -> float:
    n = float(problem.weight.sum())
    squares = 2 * problem.within + float(problem.weight @ (fitted - problem.rest) ** 2)
    return n * squares / (n - df) ** 2 if n > df else math.nan


def _chosen(problem: _Problem) -> float:
    """The penalty with the least GCV: the best on a grid, and refined between its neighbours."""
    n, s = float(problem.weight.sum()), len(problem.rest)
    if n < s * (1 - 1e-12):
        raise InputError(
            f"penalty is None, but the weights add up to {n:g} for {s} distinct x: cross-validation counts "
            "weights as samples; scale them to the mean 1, or give a penalty"
        )
    if s == 2:
        return math.inf
    # At the lowest penalty half of the neighbours are told apart, at the highest none.
    least = 1e-6 * float(np.median(problem.weight)) * (float(np.median(np.diff(problem.points.u))) / problem.span) ** 3
    lowest, highest = math.log(least), math.log(1e-14 * problem.overwhelming)
    count = min(_MOST_TRIED, math.ceil((highest - lowest) / math.log(10) * _PER_DECADE))
    grid = np.append(np.linspace(lowest, highest, count), math.inf)
    rounding = (4 * np.finfo(float).eps * float(np.abs(problem.points.y).max())) ** 2

    def criterion(log: float) -> float:
        return _evaluated(problem, math.exp(log) if log < math.inf else math.inf).gcv + rounding

    values = np.array([criterion(log) for log in grid])
    best = int(np.flatnonzero(values <= np.nanmin(values) * (1 + _FLAT))[-1])
    if best in (0, count):
        return float(np.exp(grid[best]))
    between = (grid[best - 1], min(grid[best + 1], highest + 1))
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(criterion, bounds=between, method="bounded", options={"xatol": 1e-7})
    return math.exp(found.x if found.fun <= values[best] else grid[best])


def _solved(problem: _Problem, penalty: float, lam: float | None = None) -> SmoothingSpline:
    """The spline with its numbers; `lam`, if it is known, is that of the penalty."""
    points, h = problem.points, np.diff(problem.points.u)
    if lam is None:
        with np.errstate(over="ignore"):
            lam = float(penalty * _cube_of_span(points))
    if penalty <= problem.negligible and len(h) > 1:
        spline, df, gcv = interpolant(points), float(len(points.x)), _gcv(problem, problem.rest, len(points.x))
    else:
        (f, slope, kick, turn), df, gcv = _evaluated(problem, penalty)
        f = f + problem.line[0] + problem.line[1] * (points.u - points.u[0])
        start = (6 * kick[:-1] / h - 2 * turn[:-1]) / h  # f'' at the left end of each interval
        change = 2 * (turn[:-1] / h - start)  # of f'' over the interval
        coefficients = np.stack([change / h / 6, start / 2, slope[:-1] + problem.line[1], f[:-1]])
        spline = extended(points._replace(y=f), coefficients)
    return SmoothingSpline(spline.knots, spline.pieces, spline.exponent, penalty, lam, df, gcv)
