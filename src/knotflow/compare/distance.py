"""How far a function is from every spline of the family, over the range of the data."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import PPoly

from knotflow._checks import function, numeric
from knotflow._typing import Array
from knotflow._values import FrozenMapping
from knotflow.data.samples import Samples, given
from knotflow.errors import InputError
from knotflow.network import CPWL, ReLUNet
from knotflow.network.subject import network_of
from knotflow.splines.linear import linear
from knotflow.splines.natural import natural
from knotflow.splines.smoothing import smoothing
from knotflow.splines.spline import Spline
from knotflow.splines.tv import tv
from knotflow.splines.weighted import Density, weighted

Function = ReLUNet | CPWL | Spline | Callable[[Array], ArrayLike]

__all__ = ["Distance", "distances", "sup_distance"]

_GRID = 4096  # even pieces at whose ends a function of unknown form is read off


class Distance(NamedTuple):
    """How far two functions are from each other between the first and the last sample.

    Attributes
    ----------
    sup : float
        max |f - g|, in the units of y.
    l2 : float
        sqrt(int (f - g)^2 dx), in y sqrt(x).
    curvature : float
        int |f'' - g''|, the total variation of f' - g', jumps included, in y / x.

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.compare.Distance(sup=0.5, l2=0.2, curvature=3.0).sup
    0.5
    """

    sup: float
    l2: float
    curvature: float


def distances(
    f: Function, data: Samples, *, density: Density | Any = None, penalty: float | None = None, lam: float | None = None
) -> Mapping[str, Distance]:
    """The `Distance` of f to every spline of the data, by its name. It tells which regime f is in.

        natural, linear      through the data
        weighted             if `density` is given
        smoothing            with `penalty`, chosen by cross-validation if None
        tv                   with `lam`; None takes the one where tv is as far from the data as smoothing is,
                             sum w (tv - y)^2 = sum w (smoothing - y)^2, up to 1%

    Parameters
    ----------
    f : ReLUNet, CPWL, Spline or callable
        For the first three the distances are exact up to rounding. Of any other function of an array the differences
        are read off at the samples and at 4097 even places, and joined by straight lines.
    data : Samples
    density : optional
        nu of the weighted spline, as `kf.splines.weighted` takes it.
    penalty, lam : float, optional
        Of the smoothing spline and of the total-variation spline.

    Returns
    -------
    mapping of str to Distance
        Read-only.

    Raises
    ------
    InputError
        If f is none of these, and for what the splines refuse.

    Notes
    -----
    O(m log m + s) and the splines' own cost. `kf.splines.compare` is the same function.

    Examples
    --------
    >>> import knotflow as kf
    >>> data = kf.Samples([0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 0.0, 1.0])
    >>> far = kf.compare.distances(kf.splines.natural(data), data)
    >>> far["natural"].sup, far["linear"].sup > 0.1
    (0.0, True)
    """
    data = given(data)
    smooth = smoothing(data, penalty=penalty)
    members: dict[str, Spline] = {"natural": natural(data), "linear": linear(data)}
    if density is not None:
        members["weighted"] = weighted(data, density)
    members |= {"smoothing": smooth, "tv": tv(data, _matching(data, smooth) if lam is None else lam)}
    if isinstance(f, (ReLUNet, CPWL)):
        polygon = f.cpwl() if isinstance(f, ReLUNet) else f
        f = Spline(polygon.knots, polygon.to_ppoly(*data.range), 0)
    if isinstance(f, Spline):
        return FrozenMapping({name: _between(f, member, data) for name, member in members.items()})
    x, y = _read_off(f, data)
    return FrozenMapping({name: _distance(_polygon(y - member(x)), x) for name, member in members.items()})


def sup_distance(net: ReLUNet, spline: Spline) -> float:
    """max |f(x) - spline(x)| between the first and the last knot of a spline of degree at most 3. Exact.

    Parameters
    ----------
    net : ReLUNet
        m neurons.
    spline : Spline
        s knots, of degree at most 3.

    Returns
    -------
    float
        In the units of y.

    Raises
    ------
    InputError
        If `net` is no ReLUNet or `spline` no Spline.

    Notes
    -----
    Between neighbours among the knots of both, f is linear and the spline a cubic, so the difference has its
    extremes at the ends and at the roots of a quadratic. Exact up to rounding. O((m + s) log(m + s)).

    Examples
    --------
    >>> import knotflow as kf
    >>> data = kf.Samples([0.0, 1.0, 2.0], [0.0, 1.0, 2.0])
    >>> kf.compare.sup_distance(kf.ReLUNet([1.0], [-1.0], [1.0]), kf.splines.natural(data))
    1.0
    """
    function = network_of(net).cpwl()
    if not isinstance(spline, Spline):
        raise InputError(f"spline is of type {type(spline).__name__}: it must be a Spline, made in kf.splines")
    low, high = spline.knots[0], spline.knots[-1]
    inner = function.knots[(function.knots > low) & (function.knots < high)]
    ends = np.union1d(inner, spline.knots)
    left, width = ends[:-1], np.diff(ends)
    slope = function.slopes[np.searchsorted(function.knots, left, side="right")]
    # Three values within a piece determine the quadratic difference of slopes, whatever the scale of x and y.
    c, p, q = (spline.derivative(1)(left + part * width) - slope for part in (0.0, 1 / 3, 2 / 3))
    a = 4.5 * (c - 2 * p + q)
    roots = _unit_roots(a, 3 * (p - c) - a / 3, c)
    x = np.concatenate([ends, (left + width * roots).ravel()])
    return float(np.max(np.abs(net(x) - spline(x))))


def _unit_roots(a: Array, b: Array, c: Array) -> Array:
    """The roots of a t^2 + b t + c in [0, 1], shape (2, n); 0 stands for a root that is not there."""
    q = -(b + np.copysign(np.sqrt(np.maximum(b * b - 4 * a * c, 0)), b)) / 2  # without cancellation
    roots = np.zeros((2, len(a)))
    np.divide(q, a, out=roots[0], where=np.abs(q) < np.abs(a))
    np.divide(c, q, out=roots[1], where=np.abs(c) < np.abs(q))
    return np.where(roots > 0, roots, 0.0)


def _squares(data: Samples, f: Spline) -> float:
    points = data.distinct
    return float(points.weight @ (f(points.x) - points.y) ** 2)


def _matching(data: Samples, smooth: Spline) -> float:
    """lam with the residual sum of squares of `smooth`, by halving on a logarithmic scale."""
    wanted, points = _squares(data, smooth), data.distinct
    unit = float(points.weight.sum()) * max(float(np.ptp(points.y)), np.finfo(float).tiny) * data.span
    low, high = -40.0, 5.0  # of log2(lam / unit): from the interpolant to the line of least squares
    for _ in range(40):
        middle = (low + high) / 2
        squares = _squares(data, tv(data, unit * 2.0**middle))
        if abs(squares - wanted) <= 0.01 * wanted:
            return unit * 2.0**middle
        low, high = (low, middle) if squares > wanted else (middle, high)
    return unit * 2.0**low


def _read_off(f: Any, data: Samples) -> tuple[Array, Array]:
    """Places in the range of the data, and f there."""
    function("f", f, "an array, or a network or a spline")
    x = np.union1d(data.distinct.x, np.linspace(*data.range, _GRID + 1))
    try:
        y = np.broadcast_to(numeric("f(x)", f(x)), x.shape)
    except ValueError as error:  # of the shape
        raise InputError(f"f does not map an array of x to an array of that shape: {error}") from None
    if not np.isfinite(y).all():
        wrong = np.flatnonzero(~np.isfinite(y))[0]
        raise InputError(f"f is {y[wrong]} at x = {x[wrong]:g}: it must be finite over the range of the data")
    return x, y


def _polygon(values: Array) -> Array:
    return np.stack([np.diff(values), values[:-1]])


def _between(f: Spline, g: Spline, data: Samples) -> Distance:
    """The distance of two splines, from their difference on the pieces of both."""
    lo, hi = data.range
    breaks = np.concatenate([np.ldexp(each.pieces.x, each.exponent) for each in (f, g)])
    breaks = np.union1d(breaks[(breaks > lo) & (breaks < hi)], [lo, hi])
    ours, theirs = (_local(each, breaks[:-1], np.diff(breaks)) for each in (f, g))
    degree = max(len(ours), len(theirs))
    ours, theirs = (np.pad(each, ((degree - len(each), 0), (0, 0))) for each in (ours, theirs))
    return _distance(ours - theirs, breaks)


def _distance(coefficients: Array, breaks: Array) -> Distance:
    """Of a difference with these coefficients on each piece, in a variable from 0 to 1."""
    width, span = np.diff(breaks), breaks[-1] - breaks[0]
    difference = PPoly(coefficients, np.arange(len(breaks), dtype=float))
    nodes, weights = np.polynomial.legendre.leggauss(len(coefficients))
    squares = difference((nodes + 1) / 2 + np.arange(len(width))[:, None]) ** 2 @ weights / 2
    l2 = math.sqrt(float(width / span @ squares)) * math.sqrt(span)
    return Distance(_largest(difference), l2, _turning(difference, width))


def _local(f: Spline, left: Array, width: Array) -> Array:
    """(degree + 1, n) coefficients of f from each left end, in (x - left) / width, the highest first."""
    u, h = np.ldexp(left, -f.exponent), np.ldexp(width, -f.exponent)
    return np.stack([f.pieces(u, k) * h**k / math.factorial(k) for k in range(len(f.pieces.c) - 1, -1, -1)])


def _largest(difference: PPoly) -> float:
    """max |difference|: at a break or where its slope is 0."""
    return float(np.abs(difference(np.append(difference.x, _roots(difference.derivative())))).max())


def _turning(difference: PPoly, width: Array) -> float:
    """The total variation of the slope: from break to break by way of its extremes, and the jumps at breaks."""
    slope, n = difference.derivative(), len(width)
    inner = _roots(slope.derivative())
    piece = np.concatenate([np.arange(n), np.clip(inner.astype(int), 0, n - 1), np.arange(n)])
    at = np.concatenate([np.zeros(n), inner - piece[n:-n], np.ones(n)])
    values = np.sum(slope.c[:, piece] * at ** np.arange(len(slope.c) - 1, -1, -1)[:, None], axis=0) / width[piece]
    return float(np.abs(np.diff(values[np.lexsort((at, piece))])).sum())


def _roots(polynomial: PPoly) -> Array:
    """Where the pieces are 0, unless they are 0 all along."""
    if len(polynomial.c) == 1:
        return np.empty(0)
    roots = polynomial.roots(discontinuity=False, extrapolate=False)
    return roots[np.isfinite(roots)]
