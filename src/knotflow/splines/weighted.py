"""The weighted natural spline: what wide networks come close to in the kernel regime, whatever their initialiser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from knotflow._checks import function, numbers, numeric
from knotflow._typing import Array
from knotflow.data import Samples
from knotflow.errors import InputError
from knotflow.splines.spline import Indices, Points, Spline, extended, points_of

Density = Callable[[Array], Any]

_LINE = 1e-12  # relative error of the density on a piece at which it is accepted
_MASS = 1e-13  # or: what the error may add to the integrals of the two hats squared, relatively
_MOST_PIECES = 50_000  # above eight for each sample
_GAUSS = (np.polynomial.legendre.leggauss(7)[0] + 1) / 2
_CHECKED = np.array([0.0, 0.01, 0.22, 0.61, 0.99, 1.0])  # where the polynomial is compared with the density
_FEWEST_PROBES, _MOST_PROBES, _ALL_PROBES = 8, 256, 16_384  # in each cell; in all of them together
_FEW_NUMBERS = 64
_TURN = (5**0.5 - 1) / 2


def weighted(data: Samples, density: Density | Any, *, breaks: ArrayLike | None = None) -> Spline:
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
    breaks : array_like, optional
        Where nu jumps or has kinks, in any order. They are found without it, unless a part of nu is narrow: see Notes.
        Those of an initialiser are known.

    Returns
    -------
    Spline
        Its knots are the distinct x; it has more pieces where nu needs them.

    Raises
    ------
    InputError
        If `data` is not Samples or has two x closer than 1e-50 of the span, if the density is negative, not
        finite, 0 all along two neighbouring intervals, or too rough to integrate, and if `breaks` are not finite.

    Notes
    -----
    O(s + pieces). nu is replaced by a piecewise polynomial, refined until its integrals between samples are right to
    1e-10. For that density f is exact up to rounding, a piecewise polynomial itself.

    Nothing is known of nu but its values where it is looked at: in each cell, between neighbouring samples and breaks,
    just inside both ends, in the middle and at N spread points, N = 16384 over the number of cells but 8 to 256. One
    jump in a cell is found wherever it is, and every feature that is wider than 2 / N of the cell. A narrower one,
    such as a spike that returns to what was before it, may be missed: put its ends into `breaks`.

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
    nu, known = _function(density)
    given = known if breaks is None else np.concatenate([known, numbers("breaks", breaks).ravel()])
    mesh = _refined(points, nu, np.ldexp(given, -points.exponent))
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


def _function(density: Density | Any) -> tuple[Density, Array]:
    """nu itself, or that of an initialiser, and the breaks that are known of it."""
    from knotflow.initial.registry import INITIALISERS, Initialiser
    from knotflow.initial.weight import Weight, nu
    from knotflow.laws.drawn import Law

    starts = [each.start for each in INITIALISERS.values()]
    if isinstance(density, (str, Initialiser, Law)) or any(density is start for start in starts):
        density = nu(density)
    known = np.array(density.law.breaks if isinstance(density, Weight) else (), dtype=float)
    found = function("density", density, "an array, nu(x), or an initialiser such as 'gaussian'")
    return found, known[np.isfinite(known)]


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


class _Cells(NamedTuple):
    """Pieces of the line, one a row: both ends, and the interval between samples that each belongs to."""

    left: Array
    right: Array
    owner: Indices

    def kept(self, which: Indices) -> _Cells:
        return _Cells(*(each[which] for each in self))

    def halved(self) -> _Cells:
        middle = self.left + (self.right - self.left) / 2
        ends = np.append(self.left, middle), np.append(middle, self.right)
        return _Cells(*ends, np.append(self.owner, self.owner))

    @property
    def halvable(self) -> Indices:
        """Whether there is a number in between."""
        middle = self.left + (self.right - self.left) / 2
        return (middle > self.left) & (middle < self.right)

    @property
    def crowded(self) -> Indices:
        """Whether there are so few numbers in between that polynomials make no sense."""
        return self.right - self.left <= _FEW_NUMBERS * (np.nextafter(self.left, self.right) - self.left)


class _Probes(NamedTuple):
    """Where nu was looked at to begin with: cell of each value, place in it and value."""

    cell: Indices
    at: Array
    value: Array


def _refined(points: Points, nu: Density, breaks: Array) -> _Mesh:
    """A parabola in each cell between samples and breaks if it will do; else polynomials of degree 6 and halving."""
    u = points.u
    edges = np.union1d(u, breaks[(breaks > u[0]) & (breaks < u[-1])])
    cells = _Cells(edges[:-1], edges[1:], np.searchsorted(u, edges[:-1], side="right") - 1)
    _values(nu, points.x)  # a fault at a sample itself is the easiest to see
    three, values = _looked_at(points, nu, cells, np.array([0.0, 0.5, 1.0]))
    coefficients = np.pad(_through(three, values), ((0, 0), (0, len(_GAUSS) - 3)))
    probes = _probes(points, nu, cells)
    error = _misfit(probes, coefficients, np.zeros(len(values)), cells)
    rough = error > _LINE * values.max(axis=1)
    if not rough.any():
        return _Mesh(edges, np.searchsorted(edges, u), coefficients[:, :3])
    return _halved(points, nu, cells, coefficients, probes, rough)


def _looked_at(points: Points, nu: Density, cells: _Cells, parts: Array) -> tuple[Array, Array]:
    """Places near these parts of the cells, 0 to 1, as float64 has them, and nu there; not at the ends themselves.

    0 and 1 are the numbers next to the ends: a jump at an end is of the cell beside it. In a cell of a few numbers
    only, they count from its left end on: a jump that is between two numbers is taken to be at the second.
    """
    left, right = cells.left[:, None], cells.right[:, None]
    lowest = np.where(cells.crowded[:, None], left, np.nextafter(left, right))
    at = np.clip(left + (right - left) * parts, lowest, np.nextafter(right, left))
    return (at - left) / (right - left), _values(nu, np.ldexp(at.ravel(), points.exponent)).reshape(at.shape)


def _through(t: Array, values: Array) -> Array:
    """Ascending coefficients of the polynomials through (k, n) values at t, by Newton; a t may occur twice."""
    differences, n = values.copy(), t.shape[1]
    for order in range(1, n):
        step, change = t[:, order:] - t[:, :-order], np.diff(differences[:, order - 1 :])
        differences[:, order:] = np.divide(change, step, out=np.zeros_like(step), where=step != 0)
    coefficients = np.zeros_like(values)
    for i in range(n - 1, -1, -1):
        coefficients[:, 1:] = coefficients[:, :-1] - t[:, i : i + 1] * coefficients[:, 1:]
        coefficients[:, 0] = differences[:, i] - t[:, i] * coefficients[:, 0]
    return coefficients


def _probes(points: Points, nu: Density, cells: _Cells) -> _Probes:
    """Values at points that are spread over each cell, in each one otherwise, so that nothing periodic hides."""
    count = len(cells.left)
    each = int(np.clip(_ALL_PROBES // count, _FEWEST_PROBES, _MOST_PROBES))
    shift = np.arange(count)[:, None] * _TURN + np.arange(each) * _TURN**2
    part = (np.arange(each) + shift % 1) / each
    at = (cells.left[:, None] + (cells.right - cells.left)[:, None] * part).ravel()
    return _Probes(np.repeat(np.arange(count), each), at, _values(nu, np.ldexp(at, points.exponent)))


def _misfit(probes: _Probes, coefficients: Array, error: Array, cells: _Cells) -> Array:
    """The error of each cell's polynomial, with that at the probes in it."""
    cell = probes.cell
    inside = (probes.at > cells.left[cell]) & (probes.at < cells.right[cell])
    t = (probes.at - cells.left[cell]) / (cells.right - cells.left)[cell]
    value = _value(coefficients[cell], t)
    result = error.copy()
    np.maximum.at(result, cell[inside], np.abs(value - probes.value)[inside])
    return result


def _halved(points: Points, nu: Density, cells: _Cells, parabolas: Array, probes: _Probes, rough: Indices) -> _Mesh:
    """The mesh where the cells `rough` have polynomials of degree 6 on as many pieces as it takes."""
    kept = [(cells.left[~rough], parabolas[~rough])]
    mass = np.zeros((2, len(points.u) - 1))
    _add(mass, points, cells.kept(~rough), parabolas[~rough])
    total = int(np.count_nonzero(~rough))
    cells, probes = cells.kept(rough), _below(probes, rough)
    while len(cells.left):
        if total + len(cells.left) > 8 * len(points.u) + _MOST_PIECES:
            at = np.ldexp(cells.left[len(cells.left) // 2], points.exponent)
            raise InputError(f"density is too rough to integrate, for example near x = {at:g}: smooth it")
        coefficients, error, top = _interpolated(points, nu, cells)
        error = _misfit(probes, coefficients, error, cells)
        all_mass = mass.copy()
        _add(all_mass, points, cells, coefficients)
        small = np.all(error * _hats(points, cells) <= _MASS * all_mass[:, cells.owner], axis=0)
        done = (error <= _LINE * top) | small | ~cells.halvable
        _add(mass, points, cells.kept(done), coefficients[done])
        kept.append((cells.left[done], coefficients[done]))
        total += int(np.count_nonzero(done))
        probes, cells = _below(probes, ~done), cells.kept(~done)
        middle = cells.left + (cells.right - cells.left) / 2
        lower = probes.at < middle[probes.cell]
        probes = probes._replace(cell=np.where(lower, probes.cell, probes.cell + len(middle)))
        cells = cells.halved()
    starts = np.concatenate([each for each, _ in kept])
    order = np.argsort(starts)
    breaks = np.append(starts[order], points.u[-1])
    return _Mesh(breaks, np.searchsorted(breaks, points.u), np.concatenate([each for _, each in kept])[order])


def _below(probes: _Probes, stays: Indices) -> _Probes:
    """The probes in the cells that stay, with the new numbers of these."""
    number = np.cumsum(stays) - 1
    which = stays[probes.cell]
    return _Probes(number[probes.cell[which]], probes.at[which], probes.value[which])


def _hats(points: Points, cells: _Cells) -> Array:
    """(2, k) the integrals over the cells of the squared hats of both samples, over the width of their interval."""
    lo, hi = points.u[cells.owner], points.u[cells.owner + 1]
    start, stop = (cells.left - lo) / (hi - lo), (cells.right - lo) / (hi - lo)
    near, far = (hi - cells.right) / (hi - lo), (hi - cells.left) / (hi - lo)
    left = (far**2 + far * near + near**2) / 3
    right = (stop**2 + stop * start + start**2) / 3
    return (stop - start) * np.stack([left, right])


def _add(mass: Array, points: Points, cells: _Cells, coefficients: Array) -> None:
    """Add to (2, s - 1) about the integrals of nu times the squared hats, over the width of the interval."""
    mean = np.maximum(coefficients @ (1 / np.arange(1, coefficients.shape[1] + 1)), 0.0)
    for row, hat in zip(mass, _hats(points, cells), strict=True):
        np.add.at(row, cells.owner, mean * hat)


def _interpolated(points: Points, nu: Density, cells: _Cells) -> tuple[Array, Array, Array]:
    """Polynomials through nu at Gauss points of the pieces, their errors elsewhere, and the largest nu seen."""
    t, values = _looked_at(points, nu, cells, np.append(_GAUSS, _CHECKED))
    inner, check = values[:, : len(_GAUSS)], values[:, len(_GAUSS) :]
    coefficients = _through(t[:, : len(_GAUSS)], inner)
    crowded = cells.crowded
    coefficients[crowded] = 0.0
    coefficients[crowded, 0] = check[crowded, 0]
    error = np.abs(_value(coefficients[:, None], t[:, len(_GAUSS) :]) - check).max(axis=1)
    return coefficients, error, values.max(axis=1)


def _value(coefficients: Array, t: Array) -> Array:
    """The polynomials at t."""
    value = np.zeros_like(t)
    for column in range(coefficients.shape[-1] - 1, -1, -1):
        value = value * t + coefficients[..., column]
    return value


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
