"""The total-variation spline: what networks come close to in the adaptive regime."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from knotflow._checks import choice, count, number, shown
from knotflow._deprecated import keyword_only
from knotflow._typing import Array
from knotflow._values import immutable
from knotflow.data import Samples
from knotflow.data.samples import given
from knotflow.data.weighting import WeightsAre, weighed
from knotflow.errors import InputError
from knotflow.network import CPWL, ReLUNet
from knotflow.splines.linear import linear
from knotflow.splines.smoothing import least_squares_line
from knotflow.splines.spline import Points, Spline, extended, points_of

_EPS = np.finfo(float).eps
_LARGEST = 1e200  # of lam in units of the data: the line of least squares by far


@dataclass(frozen=True, eq=False, repr=False)
@immutable
class TVSpline(Spline):
    """A polygon with few knots, and the proof that it is the best. Made by `tv`.

    Attributes
    ----------
    knots : ndarray
        Where it bends: a subset of the distinct x, or free with the canonical weight; there may be none.
    lam : float
        The factor of the norm, in the units of w x y (w y^2 over those of the norm).
    norm : float
        int |f''|, the total variation of f'; or the norm of the canonical parametrisation.
    objective : float
        1/2 sum_j w_j (f(x_j) - y_j)^2 + lam norm.
    gap : float
        No function has an objective below objective - gap.
    penalty : float
        lam over the least lam that gives the line of least squares, a number without a unit; nan with the canonical
        weight.

    Notes
    -----
    O(log s) for each value.

    Examples
    --------
    >>> import knotflow as kf
    >>> f = kf.splines.tv(kf.Samples([0, 1, 2], [1, 0, 1]), lam=0.0)
    >>> f.knots, f.norm
    (array([1.]), 2.0)
    """

    lam: float
    norm: float
    objective: float
    gap: float
    penalty: float = math.nan
    _found: ReLUNet | None = field(default=None)  # with the canonical weight: the network of that norm

    def network(self, norm: float = 1.0) -> ReLUNet:
        """A network with this function on the whole line, up to rounding.

        Parameters
        ----------
        norm : float
            The norm of the network, > 0.

        Returns
        -------
        ReLUNet
            With the canonical weight the network that was found: sum_i |c_i| hypot(a_i, b_i) / norm is the `norm` of
            the spline. Else a neuron for each knot and two more, see `ReLUNet.from_cpwl`.

        Raises
        ------
        InputError
            If `norm` is not a finite number > 0.

        Examples
        --------
        >>> import knotflow as kf
        >>> f = kf.splines.tv(kf.Samples([0, 1, 2], [1, 0, 1]), 0.1)
        >>> bool(abs(f.network()(5.0) - f(5.0)) < 1e-12)
        True
        """
        norm = number("norm", norm, above=0.0)
        if self._found is not None:
            with np.errstate(over="ignore"):  # refused by name
                return self._found.replace(c=self._found.c * norm, norm=norm)
        if not len(self.knots):
            return ReLUNet.from_cpwl(CPWL([], [], [float(self(0.0, nu=1))], float(self(0.0))), norm)
        values = self(self.knots)
        before, after = self(self.knots[0] - 1, nu=1), self(self.knots[-1], nu=1)
        chords = np.diff(values) / np.diff(self.knots)  # where f is 0 up to rounding, slopes must fit the values
        return ReLUNet.from_cpwl(CPWL(self.knots, values, np.concatenate([[before], chords, [after]])), norm)

    def __repr__(self) -> str:
        count = len(self.knots)
        return f"TVSpline(lam {self.lam:.4g}, {count} knot{'' if count == 1 else 's'}, norm {self.norm:.6g})"


@keyword_only("weight")
def tv(
    data: Samples,
    lam: float | Literal["cv"] = "cv",
    *,
    weight: Literal["canonical"] | None = None,
    penalty: float | None = None,
    folds: int = 5,
    weights_are: WeightsAre = "frequencies",
) -> TVSpline:
    """Total-variation spline: the piecewise linear fit with the fewest, smallest kinks, exactly.

    Minimises  1/2 sum_j w_j (f(x_j) - y_j)^2 + lam int |f''(x)| dx, the total variation of f', jumps included.

    Parameters
    ----------
    data : Samples
        s distinct x; ties count with their total weight.
    lam : float or "cv"
        The factor of the penalty, >= 0, in the units of w x y. 0 gives the linear interpolant; from some lam on
        the result is the line of least squares. "cv": the one with the least held-out error, see the notes, and the
        largest of equals.
    weight : {None, "canonical"}
        "canonical": the penalty is the norm of a network without a skip connection in canonical parameters,

            ||f|| = min { sum_i |c_i| hypot(a_i, b_i) : f(x) = sum_i c_i max(a_i x - b_i, 0) on the data }

        which is int sqrt(1 + x^2) |f''| where kinks alone can make the affine part of f, and more where not. It
        depends on the origin and the unit of x; the knots need not lie on samples or in the range of the data. It
        needs a number for `lam`.
    penalty : float, optional
        In the place of `lam`, the same without a unit, >= 0: lam over the least lam that gives the line of least
        squares. 0 gives the linear interpolant, and 1 or more the line.
    folds : int
        For "cv": in how many parts the distinct x are divided, between 2 and s / 2; the j-th is in part j mod `folds`.
    weights_are : {"frequencies", "precisions"}
        "frequencies": a weight of 2 is the sample twice. "precisions": the variance of a sample is inverse to its
        weight; w_j are the weights scaled to the mean 1, so that their unit does not matter.

    Returns
    -------
    TVSpline
        A `Spline` with `lam`, `penalty`, `norm`, `objective` and a duality `gap`; `network()` is a network with its
        function.

    Raises
    ------
    InputError
        If `data` is not Samples or has two x closer than 1e-50 of the span, if `lam` or `penalty` is not a finite
        number of at least 0, if both are given, for other arguments, and for "cv" or `penalty` with the canonical
        weight.
    KnotflowError
        If rounding leaves a gap of more than 1e-6 of the objective, with the canonical weight.

    Notes
    -----
    The values at the samples are unique; among the functions through them the polygon with its knots at samples is a
    minimiser, and it is the one returned. Another minimiser may have fewer knots, between the samples, where two
    neighbouring kinks have one sign.

    "cv" follows the exact path of the fits to each training set over all lam: they are affine in lam between about s
    places, so that the sum over the folds of sum_j w_j (f(x_j) - y_j)^2 over the samples left out is a parabola
    between them, and the least of all is found, not the least on a grid. A training set with the part p of the total
    weight is fitted with p lam. O(s) for each place: a few seconds for 1000 samples.

    O(s) a round: tens of rounds for noisy data (100,000 samples in less than a second), up to thousands for smooth
    data and integrated random walks (some seconds). With the canonical weight O(s k^2) a round for k knots; its gap
    is 1e-12 of the objective unless rounding stops it (lam below 1e-6 of the largest, or x far from 0 beside their
    distances). See `knotflow.splines.trend` and `knotflow.splines.canonical_tv`.

    References
    ----------
    Mammen and van de Geer 1997. Kim et al. 2009, on an even grid: l1 trend filtering. Osborne, Presnell and Turlach
    2000, and Tibshirani and Taylor 2011, section 7, for the path. Williams et al. 2019, equation (V-17), which leaves
    out |f''| with the canonical weight.

    Examples
    --------
    >>> import knotflow as kf
    >>> data = kf.Samples([0, 1, 2, 3, 4], [0, 0, 0, 1, 2])
    >>> kf.splines.tv(data, 0.0).knots
    array([2.])
    >>> f = kf.splines.tv(data, 0.1)
    >>> f
    TVSpline(lam 0.1, 1 knot, norm 0.857143)
    >>> bool(f.gap < 1e-12)
    True
    """
    data = weighed(given(data), weights_are)
    if weight is not None:
        choice("weight", weight, ["canonical"])
        if penalty is not None:
            raise InputError(f'penalty is {shown(penalty)}: it must be None with weight="canonical"; give lam')
        return _network(data, number("lam", lam, least=0.0))
    points = points_of(data)
    problem = _scaled(data, points)
    if penalty is not None:
        if not _by_folds(lam):
            raise InputError(f"lam is {shown(lam)} and penalty is {shown(penalty)}: at most one of them must be given")
        lam = number("penalty", penalty, least=0.0) * problem.largest
    elif _by_folds(lam):
        lam = problem.chosen(_folds(folds, len(points.x)))
    return _polygon(data, points, problem, number("lam", lam, least=0.0))


def _by_folds(lam: object) -> bool:
    return isinstance(lam, str) and lam == "cv"


class _Scaled(NamedTuple):
    """The problem with weights and y less its line of least squares of order 1: (s,) each."""

    u: Array
    rest: Array
    weight: Array
    line: tuple[float, float]  # at the first u, slope
    y_unit: int
    w_unit: int
    exponent: int  # of lam: its unit here is that power of two

    @property
    def largest(self) -> float:
        """The least lam that gives the line of least squares, in the units of the data."""
        from knotflow.splines.trend_path import largest

        with np.errstate(over="ignore", under="ignore"):
            return float(np.ldexp(largest(self.u, self.rest, self.weight), self.exponent))

    def chosen(self, folds: int) -> float:
        """The lam of least cross-validated error, in the units of the data."""
        from knotflow.splines.tv_choice import by_cross_validation

        with np.errstate(over="ignore", under="ignore"):
            return float(np.ldexp(by_cross_validation(self.u, self.rest, self.weight, folds), self.exponent))


def _scaled(data: Samples, points: Points) -> _Scaled:
    u, y, w = points.u, points.y, data.distinct.weight
    line = least_squares_line(u, y, w)
    rest = y - (line[0] + line[1] * (u - u[0]))
    size = float(np.abs(rest).max())
    if size <= 4 * _EPS * float(np.abs(y).max()):  # a line, up to rounding
        rest, size = np.zeros(len(u)), 1.0
    y_unit, w_unit = math.frexp(size)[1], math.frexp(w.max())[1]
    rest, w = np.ldexp(rest, -y_unit), np.ldexp(w, -w_unit)
    return _Scaled(u, rest, w, line, y_unit, w_unit, y_unit + w_unit + points.exponent)


def _folds(folds: int, s: int) -> int:
    if count("folds", folds, least=1) < 2 or folds > s // 2:
        raise InputError(f"folds is {folds}: it must be between 2 and half the number of distinct x, {s // 2}")
    return folds


def _polygon(data: Samples, points: Points, problem: _Scaled, lam: float) -> TVSpline:
    """The minimiser in the units of the data."""
    from knotflow.splines.trend import trend

    u, line, y_unit, w_unit = points.u, problem.line, problem.y_unit, problem.w_unit
    with np.errstate(over="ignore", under="ignore"):
        scaled = float(np.minimum(np.ldexp(lam, -problem.exponent), _LARGEST))
    most = problem.largest
    penalty = lam / most if most > 0 else (math.inf if lam > 0 else 0.0)
    if scaled < np.finfo(float).tiny:
        return _interpolant(data, lam, penalty)
    found = trend(u, problem.rest, problem.weight, scaled)
    breaks = u[found.knots]
    slopes = np.ldexp(np.diff(found.values) / np.diff(breaks), y_unit)
    values = np.ldexp(found.values, y_unit) + (line[0] + line[1] * (breaks - u[0]))
    kinks = points._replace(x=points.x[found.knots[1:-1]], y=values)
    kinks.x.setflags(write=False)
    spline = extended(kinks, np.stack([slopes + line[1], values[:-1]]), breaks)
    norm = math.ldexp(float(np.abs(np.diff(slopes)).sum()), -points.exponent)
    objective, gap = np.ldexp([found.objective, found.gap], 2 * y_unit + w_unit)
    objective = float(objective) + data.distinct.within
    return TVSpline(spline.knots, spline.pieces, spline.exponent, lam, norm, objective, float(gap), penalty)


def _network(data: Samples, lam: float) -> TVSpline:
    """The minimiser with the canonical weight, as a function."""
    from knotflow.splines.canonical_tv import canonical

    best = canonical(data, lam)
    polygon = best.net.cpwl()
    pieces = polygon.to_ppoly(*data.range)
    objective = (best.objective if lam > 0 else 0.0) + data.distinct.within
    return TVSpline(polygon.knots, pieces, 0, lam, best.norm, objective, best.gap, _found=best.net)


def _interpolant(data: Samples, lam: float, penalty: float) -> TVSpline:
    """The limit lam -> 0: the linear interpolant, with its knots where it bends."""
    polygon = linear(data)
    x, y = data.distinct.x, data.distinct.y
    slopes = polygon.derivative()(x[:-1])
    rounding = 4 * _EPS * np.abs(y).max() / np.diff(x)
    bends = np.abs(np.diff(slopes)) > rounding[1:] + rounding[:-1]
    norm = float(np.abs(np.diff(slopes)).sum())
    knots = x[1:-1][bends]
    knots.setflags(write=False)
    objective = data.distinct.within + lam * norm
    return TVSpline(knots, polygon.pieces, polygon.exponent, lam, norm, objective, lam * norm, penalty)
