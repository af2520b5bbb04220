"""The weighted natural spline: what wide networks come close to in the kernel regime, whatever their initialiser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from knotflow._checks import function, numeric
from knotflow._typing import Array
from knotflow.data import Samples
from knotflow.errors import InputError
from knotflow.splines.spline import Indices, Points, Spline, extended, points_of

Density = Callable[[Array], Any]

_LINE = 1e-12  # relative error of the density on a piece at which it is accepted
_MASS = 1e-13  # or: error times width of the piece, over width of the interval and largest density on it
_BEND = 1e-6  # relative height of an arc of the density above its chord up to which a parabola may do
_NOISE = 32 * np.finfo(float).eps  # of the density, as computed
_MOST_PIECES = 50_000  # above eight for each sample
_GAUSS = (np.polynomial.legendre.leggauss(7)[0] + 1) / 2
_COEFFICIENTS = np.linalg.inv(np.vander(_GAUSS, increasing=True))
_CHECKED = np.array([0.01, 0.22, 0.61, 0.99])  # where the polynomial is compared with the density
_CHECK = np.vander(_CHECKED, len(_GAUSS), increasing=True)


def weighted(data: Samples, density: Density | Any) -> Spline:
    """The interpolant of least int f''(x)^2 / nu(x) dx, f'' = 0 where nu = 0; straight outside the data.

        f'' = nu s,    s continuous, straight between the samples, 0 at both ends,
        sum_k s_k int hat_j hat_k nu = [x_j, x_(j+1)] y - [x_(j-1), x_j] y        at every inner sample j

    with the piecewise linear hats.

    Parameters
    ----------
    data : Samples
        s distinct x; with ties, f goes through the weighted mean of y.
    density : callable or initialiser
        nu: a function of an array of x, with finite values >= 0 of which only the proportions matter. It may jump
        and have kinks. Or an initialiser (its name, its function, its `Law`), which stands for
        `knotflow.kernels.nu` of it. A constant nu gives the natural cubic spline.

    Returns
    -------
    Spline
        Its knots are the distinct x; it has more pieces where nu needs them.

    Raises
    ------
    InputError
        If `data` is not Samples or has two x closer than 1e-50 of the span, and if the density is negative, not
        finite, 0 all along two neighbouring intervals, or too rough to integrate.

    Notes
    -----
    O(s + pieces). nu is replaced by a piecewise polynomial, refined until its integrals between samples are right to
    1e-10. For that density f is exact up to rounding, a piecewise polynomial itself.

    References
    ----------
    Williams et al. 2019, theorem 5, with the weight and the affine part corrected: the limit of wide networks that
    train c alone, if an affine part of f is free.

    Examples
    --------
    >>> import knotflow as kf
    >>> data = kf.Samples([0, 1, 2], [0, 1, 0])
    >>> f = kf.splines.weighted(data, lambda x: 1.0 + x)
    >>> f(data.x).round(12)
    array([0., 1., 0.])
    >>> bool(abs(kf.splines.weighted(data, lambda x: 1.0)(0.5) - kf.splines.natural(data)(0.5)) < 1e-12)
    True
    """
    from knotflow.splines.loops import weighted_pieces

    points = points_of(data)
    nu = _function(density)
    mesh = _refined(points, nu)
    _check_mass(points, mesh)
    coefficients = weighted_pieces(points.u, points.y, mesh.breaks, mesh.first, mesh.nu)
    return extended(points, coefficients, mesh.breaks)


class _Mesh(NamedTuple):
    """nu as a piecewise polynomial.

    The breaks (p + 1,) in u; the first piece of every sample interval and, one past the last, p; ascending
    coefficients (p, degree + 1) in the local variable from 0 to 1.
    """

    breaks: Array
    first: Indices
    nu: Array


def _function(density: Density | Any) -> Density:
    """nu itself, or that of an initialiser."""
    from knotflow.initial.registry import INITIALISERS, Initialiser
    from knotflow.initial.weight import nu
    from knotflow.laws.drawn import Law

    starts = [each.start for each in INITIALISERS.values()]
    if isinstance(density, (str, Initialiser, Law)) or any(density is start for start in starts):
        return nu(density)
    return function("density", density, "an array, nu(x), or an initialiser such as 'gaussian'")


def _values(nu: Density, x: Array) -> Array:
    """nu(x), checked; a density that returns one number is constant."""
    try:
        values = np.broadcast_to(numeric("density(x)", nu(x)), x.shape)
    except ValueError as error:  # of the shape
        raise InputError(f"density does not map an array of x to an array of that shape: {error}") from None
    if not values.min() >= 0 or not values.max() < np.inf:
        wrong = np.flatnonzero(~((values >= 0) & np.isfinite(values)))[0]
        raise InputError(f"density is {values[wrong]:g} at x = {x[wrong]:g}: it must be finite and at least 0")
    return values


def _refined(points: Points, nu: Density) -> _Mesh:
    """Parabolas through both ends and the middle of the intervals if they will do; else polynomials and halving."""
    u, h = points.u, np.diff(points.u)
    x = np.empty(2 * len(u) - 1)
    x[::2], x[1::2] = u, u[:-1] + h / 2
    values = _values(nu, np.ldexp(x, points.exponent))
    left, middle, right = values[:-2:2], values[1::2], values[2::2]
    bend = left - 2 * middle + right
    rough = np.flatnonzero((np.abs(bend) > _BEND * middle) | (_misfit(h, bend, middle) > _LINE * middle))
    parabolas = np.stack([left, right - left - 2 * bend, 2 * bend], axis=1)
    if not len(rough):
        return _Mesh(u, np.arange(len(u)), parabolas)
    return _halved(points, nu, parabolas, rough)


def _misfit(h: Array, bend: Array, size: Array) -> Array:
    """How far parabolas may be from nu: the third differences with the neighbours, which see a kink too."""
    unsure = _NOISE * size / h**2
    third = np.maximum(np.abs(np.diff(bend / h**2)) - unsure[:-1] - unsure[1:], 0) / (h[:-1] + h[1:])
    worst = np.zeros(len(h))
    worst[:-1] = third
    np.maximum(worst[1:], third, out=worst[1:])
    return worst * h**3


def _halved(points: Points, nu: Density, parabolas: Array, rough: Indices) -> _Mesh:
    """The mesh where the intervals `rough` have polynomials of degree 6 on as many pieces as it takes."""
    u, smooth = points.u, np.delete(np.arange(len(parabolas)), rough)
    kept = [(u[smooth], np.pad(parabolas[smooth], ((0, 0), (0, len(_GAUSS) - 3))))]
    owner, left, right = rough, u[rough], u[rough + 1]
    largest, total = np.zeros(len(parabolas)), len(smooth)
    while len(owner):
        if total + len(owner) > 8 * len(u) + _MOST_PIECES:
            at = np.ldexp(left[len(left) // 2], points.exponent)
            raise InputError(f"density is too rough to integrate, for example near x = {at:g}: smooth it")
        coefficients, error, top = _interpolated(points, nu, left, right)
        np.maximum.at(largest, owner, top)
        share = (right - left) / (u[owner + 1] - u[owner])
        middle = left + (right - left) / 2
        done = (error <= _LINE * top) | (error * share <= _MASS * largest[owner])
        done |= (middle <= left) | (middle >= right)  # no number in between
        kept.append((left[done], coefficients[done]))
        total += int(np.count_nonzero(done))
        left, right, middle, owner = left[~done], right[~done], middle[~done], owner[~done]
        left, right, owner = np.append(left, middle), np.append(middle, right), np.append(owner, owner)
    starts = np.concatenate([each for each, _ in kept])
    order = np.argsort(starts)
    breaks = np.append(starts[order], u[-1])
    return _Mesh(breaks, np.searchsorted(breaks, u), np.concatenate([each for _, each in kept])[order])


def _interpolated(points: Points, nu: Density, left: Array, right: Array) -> tuple[Array, Array, Array]:
    """Polynomials through nu at Gauss points of the pieces, their errors elsewhere, and the largest nu seen."""
    at = left[:, None] + (right - left)[:, None] * np.append(_GAUSS, _CHECKED)
    values = _values(nu, np.ldexp(at.ravel(), points.exponent)).reshape(at.shape)
    inner, check = values[:, : len(_GAUSS)], values[:, len(_GAUSS) :]
    base = inner[:, :1]
    coefficients = (inner - base) @ _COEFFICIENTS.T  # of the difference, which rounding spoils less
    error = np.abs(base + coefficients @ _CHECK.T - check).max(axis=1)
    coefficients[:, 0] += base[:, 0]
    return coefficients, error, values.max(axis=1)


def _check_mass(points: Points, mesh: _Mesh) -> None:
    """Refuse a density that leaves a sample no place nearby to bend."""
    per_piece = mesh.nu @ (1 / np.arange(1, mesh.nu.shape[1] + 1)) * np.diff(mesh.breaks)
    if per_piece.min() > 0:
        return
    mass = np.add.reduceat(per_piece, mesh.first[:-1])
    empty = np.flatnonzero(~(mass[:-1] + mass[1:] > 0))
    if len(empty):
        lo, x, hi = points.x[empty[0] : empty[0] + 3]
        raise InputError(
            f"density is 0 from x = {lo:g} to {hi:g}, so no curve can bend at the sample x = {x:g}: "
            "it must be positive somewhere on one side of every inner sample, up to its neighbour"
        )
