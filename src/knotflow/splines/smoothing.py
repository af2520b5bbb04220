"""The smoothing spline: between the natural cubic spline and the line of least squares."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from knotflow._checks import number, shown
from knotflow._deprecated import keyword_only
from knotflow._typing import Array
from knotflow.data import Samples
from knotflow.data.samples import given
from knotflow.errors import InputError
from knotflow.splines.natural import interpolant
from knotflow.splines.spline import Points, Spline, extended, points_of

_PER_DECADE = 4  # values of the penalty tried before the best are refined
_MOST_TRIED = 800
_WORTH_REFINING = 2.0  # local minima up to this multiple of the least on the grid
_FLAT = 1e-8  # criteria that differ less, relatively, count as equal
_END = 1e-9  # the criterion differs relatively by about so much from its limit at either end of the grid


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
    O(s) for one penalty, by rotations that never form a square of the least-squares matrix; about 150 times that if
    it is to be chosen: the least of all local minima, to 1e-6 of `gcv`. The second argument by position is
    `penalty`, for one more release; then it will be `lam`.

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
        raise InputError(f"lam is {shown(lam)} and penalty is {shown(penalty)}: at most one of them must be given")
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
    surplus: float  # sum of the weights less s
    stiffest: float  # bound of the largest eigenvalue of I - A over the penalty as that goes to 0, tight to about 60

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
    span, surplus = float(points.u[-1] - points.u[0]), math.fsum(weight - 1)
    return _Problem(points, weight, line, rest, data.distinct.within, span, surplus, _stiffest(points.u, weight, span))


def _stiffest(u: Array, weight: Array, span: float) -> float:
    """Of R^-1 Q' W^-1 Q: no more than 5 times the largest entry on the diagonal, each over that of R / 2."""
    h, light = np.diff(u) / span, 1 / weight
    p, r = 1 / h[:-1], 1 / h[1:]
    squares = p**2 * light[:-2] + (p + r) ** 2 * light[1:-1] + r**2 * light[2:]
    return 30.0 * float(np.max(squares / (h[:-1] + h[1:]), initial=0.0))


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
    squares, stiff = float(problem.weight @ (states[0] - problem.rest) ** 2), len(problem.rest) - df
    if penalty * problem.stiffest <= 1:
        squares, stiff = _near_the_data(problem, penalty)
    return _Solution(states, len(problem.rest) - stiff, _gcv(problem, squares, stiff))


def _near_the_data(problem: _Problem, penalty: float) -> tuple[float, float]:
    """The sum of squares and the trace of I - A where both vanish with the penalty."""
    from knotflow.splines.loops import barely_smoothed

    return barely_smoothed(np.diff(problem.points.u), problem.rest, problem.weight, penalty * problem.span**3)


def _gcv(problem: _Problem, squares: float, stiff: float) -> float:
    """n times the sum of squares over (n - df)^2 = (n - s + stiff)^2; nan unless n > df."""
    free = problem.surplus + stiff
    if not free > 0:
        return math.nan
    return (len(problem.rest) + problem.surplus) * ((2 * problem.within + squares) / free) / free


def _criterion(problem: _Problem, penalty: float) -> float:
    """The GCV, with what rounding of y may add to it: so that it alone never decides."""
    if penalty * problem.stiffest <= 1:
        value = _gcv(problem, *_near_the_data(problem, penalty))
    else:
        value = _evaluated(problem, penalty).gcv
    return value + (4 * np.finfo(float).eps * float(np.abs(problem.points.y).max())) ** 2


def _chosen(problem: _Problem) -> float:
    """The penalty with the least GCV: the local minima on a grid, the better ones refined between their neighbours.

    In the logarithm of the penalty every term of the GCV takes some units to change, so that the grid misses none.
    """
    s = len(problem.rest)
    if problem.surplus < -1e-12 * s:
        raise InputError(
            f"penalty is None, but the weights add up to {s + problem.surplus:g} for {s} distinct x: cross-validation "
            "counts weights as samples; scale them to the mean 1, or give a penalty"
        )
    if s == 2:
        return math.inf
    lowest, highest = math.log(_END / problem.stiffest), math.log(1e-12 * problem.overwhelming)
    count = min(_MOST_TRIED, math.ceil((highest - lowest) / math.log(10) * _PER_DECADE))
    logs = np.linspace(lowest, highest, count)

    def criterion(log: float) -> float:
        return _criterion(problem, math.exp(log))

    values = np.array([criterion(log) for log in logs])
    found = [*zip(np.exp(logs), values, strict=True), *((end, _criterion(problem, end)) for end in (0.0, math.inf))]
    found += [(math.exp(log), value) for log, value in _refined(criterion, logs, values)]
    least = np.nanmin([value for _, value in found])
    return max(float(penalty) for penalty, value in found if value <= least * (1 + _FLAT))


def _refined(criterion: Callable[[float], float], at: Array, values: Array) -> list[tuple[float, float]]:
    """The local minima next to those on the grid that are worth it, and their values."""
    from scipy.optimize import minimize_scalar

    inner = np.flatnonzero((values[1:-1] <= values[:-2]) & (values[1:-1] <= values[2:])) + 1
    inner = inner[values[inner] <= _WORTH_REFINING * np.nanmin(values)]
    inner = inner[values[inner] < np.maximum(values[inner - 1], values[inner + 1]) * (1 - _FLAT)]
    pairs = ((at[k - 1], at[k + 1]) for k in inner)
    results = (minimize_scalar(criterion, bounds=each, method="bounded", options={"xatol": 1e-5}) for each in pairs)
    return [(float(each.x), float(each.fun)) for each in results]


def _solved(problem: _Problem, penalty: float, lam: float | None = None) -> SmoothingSpline:
    """The spline with its numbers; `lam`, if it is known, is that of the penalty."""
    points, h = problem.points, np.diff(problem.points.u)
    if lam is None:
        with np.errstate(over="ignore"):
            lam = float(penalty * _cube_of_span(points))
    if penalty <= problem.negligible and len(h) > 1:
        spline, df, gcv = interpolant(points), float(len(points.x)), _gcv(problem, 0.0, 0.0)
    else:
        (f, slope, kick, turn), df, gcv = _evaluated(problem, penalty)
        f = f + problem.line[0] + problem.line[1] * (points.u - points.u[0])
        start = (6 * kick[:-1] / h - 2 * turn[:-1]) / h  # f'' at the left end of each interval
        change = 2 * (turn[:-1] / h - start)  # of f'' over the interval
        coefficients = np.stack([change / h / 6, start / 2, slope[:-1] + problem.line[1], f[:-1]])
        spline = extended(points._replace(y=f), coefficients)
    return SmoothingSpline(spline.knots, spline.pieces, spline.exponent, penalty, lam, df, gcv)
