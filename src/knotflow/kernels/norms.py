"""The norm of the kernel regime: what the curvature and the affine part of a function cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, SupportsIndex

import numpy as np

from knotflow._typing import Array, Ints
from knotflow.errors import InputError
from knotflow.initial.resolve import Start, law
from knotflow.kernels.kernel_spline import KernelSpline
from knotflow.laws import KnotLaw
from knotflow.laws.integration import integrate
from knotflow.network import CPWL, ReLUNet
from knotflow.splines.spline import Spline

__all__ = ["NormParts", "norm_parts", "norm_squared"]

Function = Spline | KernelSpline | ReLUNet | CPWL

_RTOL = 1e-11
# Jumps of the slope, or a bend where there are no knots, up to this share of the largest are rounding.
_ROUNDING = 1e-9


class NormParts(NamedTuple):
    """The two parts of a squared norm; it is their sum.

    Attributes
    ----------
    curvature : float
        int f''^2 / nu.
    affine : float
        l^T M^-1 l of the affine part, see `norm_parts`.

    Examples
    --------
    >>> import knotflow as kf
    >>> line = kf.ReLUNet([1], [-9], [1], bias=-9)
    >>> kf.kernels.norm_parts(line.cpwl(), "gaussian").curvature
    inf
    >>> constant = kf.ReLUNet([0], [-1], [0], bias=2)
    >>> kf.kernels.norm_parts(constant, "gaussian")
    NormParts(curvature=0.0, affine=16.0)
    """

    curvature: float
    affine: float


class _Shape(NamedTuple):
    """A function that is a line outside its breaks: f'' within, and the line on the left.

    `bend(j, t)` is f'' at the distance t, (n, k), right of the breaks j, (n,): a place itself would be rounded to much
    of the distance where breaks are close together or far from 0.
    """

    breaks: Array
    bend: Callable[[Ints, Array], Array]
    slope: float
    constant: float
    jumps: bool  # whether its slope jumps, so that it has no f''


def norm_parts(f: Function, init: Start, m: SupportsIndex | None = None, **options: Any) -> NormParts:
    """The squared norm of f in the space of the random-feature kernel of `init`, in its two parts.

        ||f||^2 = int f''^2 / nu + l^T M^-1 l,    M = int w (1, -u)(1, -u)^T du,    w = nu^+ nu^- / nu
        l = (beta, gamma):  f(x) - int (f''/nu) [nu^+ (x - u)_+ + nu^- (u - x)_+] du = beta x + gamma

    If (a, b) and (-a, -b) are equally likely, l is the mean of the two asymptotic lines of f and M^-1 is 4 times the
    inverse of [[E a^2, -E ab], [-E ab, E b^2]].

    Parameters
    ----------
    f : Spline, KernelSpline, ReLUNet or CPWL
        A spline of `kf.splines` that is a line outside its knots, or what `interpolate` gives for this law; a network
        or its `cpwl()`.
    init : str, callable or law
        The initialiser, see `law`.
    m : int, optional
        The width, for starts whose scales depend on it.
    **options
        Of the initialiser, such as sigma_b.

    Returns
    -------
    NormParts
        Both parts, to 1e-9. Both are infinite where f is not in the space: its slope jumps (a network, unless it is
        affine), it bends where nu = 0, or it has a line although neurons face one way only.

    Raises
    ------
    InputError
        For another f, and for what `law` refuses.

    Notes
    -----
    O(s) integrals, each by adaptive quadrature.

    References
    ----------
    Williams et al. 2019, Theorem 5, with the weight corrected and the affine part, which it lacks.

    Examples
    --------
    >>> import knotflow as kf
    >>> data = kf.Samples([-1, 0, 1], [0, -1, 1])
    >>> parts = kf.kernels.norm_parts(kf.splines.natural(data), "uniform_knots", where=(-1, 1))
    >>> round(parts.curvature, 6), round(parts.affine, 6)
    (27.0, 37.75)
    """
    start = law(init, m, **options)
    if isinstance(f, KernelSpline) and f.law == start and np.any(f.line):
        return _of_interpolant(f)
    shape = _shape(f)
    if shape.jumps:
        return NormParts(np.inf, np.inf)
    integrals = _integrals(shape, start)
    if not np.isfinite(integrals).all():
        return NormParts(np.inf, np.inf)
    curvature, steeper, lower = integrals
    return NormParts(float(curvature), _affine(np.array([shape.slope + steeper, shape.constant - lower]), start))


def norm_squared(f: Function, init: Start, m: SupportsIndex | None = None, **options: Any) -> float:
    """The squared norm of f in the space of the random-feature kernel of `init`, the sum of its `norm_parts`.

    It is the least ||density of c||^2 that gives f: sum_i c_i^2 over m neurons, times m / norm^2, approaches it.

    Parameters
    ----------
    f : Spline, KernelSpline, ReLUNet or CPWL
        As for `norm_parts`.
    init : str, callable or law
        The initialiser, see `law`.
    m : int, optional
        The width, for starts whose scales depend on it.
    **options
        Of the initialiser, such as sigma_b.

    Returns
    -------
    float
        Infinite where f is not in the space.

    Raises
    ------
    InputError
        For another f, and for what `law` refuses.

    Notes
    -----
    The cost is that of `norm_parts`.

    References
    ----------
    Williams et al. 2019, Theorem 5, corrected.

    Examples
    --------
    >>> import knotflow as kf
    >>> data = kf.Samples([-1, 0, 1], [0, -1, 1])
    >>> f = kf.kernels.interpolate(kf.kernels.rf("gaussian"), data)
    >>> round(kf.kernels.norm_squared(f, "gaussian"), 6), round(f.norm_squared, 6)
    (30.521767, 30.521767)
    """
    return sum(norm_parts(f, init, m, **options))


def _of_interpolant(f: KernelSpline) -> NormParts:
    """f = sum_j k_j K(x_j, .) has l = M X^T k, so that the affine part is (X^T k)^T M (X^T k)."""
    slope = (f.line[1] - f.line[0]) / (f.x[-1] - f.x[0])
    moments = np.array([f.line[0] - slope * f.x[0], -slope])  # e(u) = sum k_j x_j - u sum k_j
    affine = float(moments @ f.law.affine @ moments)
    return NormParts(f.norm_squared - affine, affine)


def _shape(f: Any) -> _Shape:
    if isinstance(f, ReLUNet):
        f = f.cpwl()
    if isinstance(f, CPWL):
        constant = f.intercept if len(f.knots) == 0 else f.values[0] - f.slopes[0] * f.knots[0]
        return _Shape(np.zeros(2), lambda _, t: np.zeros_like(t), float(f.slopes[0]), float(constant), len(f.knots) > 0)
    if isinstance(f, KernelSpline):
        if np.any(f.line):
            raise InputError(
                "f interpolates with the kernel of another law and bends outside the data: it must have affine=True"
            )
        slope = float(f(f.x[0], 1))
        breaks = np.unique(np.concatenate([f.x, [b for b in f.law.breaks if f.x[0] < b < f.x[-1]]]))
        return _Shape(breaks, _curvature(f, breaks), slope, float(f.values[0] - slope * f.x[0]), False)
    if isinstance(f, Spline):
        return _of_spline(f)
    raise InputError(f"f is of type {type(f).__name__}: it must be a spline of kf.splines, an interpolant or a network")


def _curvature(f: KernelSpline, breaks: Array) -> Callable[[Ints, Array], Array]:
    """nu L of an interpolant with a line that costs nothing."""

    def bend(j: Ints, t: Array) -> Array:
        k = np.clip(np.searchsorted(f.x, breaks[j], side="right") - 1, 0, len(f.x) - 2)
        part = ((breaks[j] - f.x[k])[:, None] + t) / (f.x[k + 1] - f.x[k])[:, None]
        plus, minus = f.law.nu(breaks[j][:, None] + t)
        return (plus + minus) * ((1 - part) * f.polygon[k][:, None] + part * f.polygon[k + 1][:, None])

    return bend


def _of_spline(f: Spline) -> _Shape:
    pieces = f.pieces
    first, second = pieces.derivative(1), f.derivative(2).pieces.c

    def bend(j: Ints, t: Array) -> Array:
        local, value = np.ldexp(t, -f.exponent), np.zeros_like(t)
        for row in second:
            value = value * local + row[j + 1][:, None]
        return value

    inner = pieces.x[1:-1]
    before = sum(row * np.diff(pieces.x)[:-1] ** k for k, row in enumerate(first.c[::-1, :-1]))
    jump, steepest = np.abs(first(inner) - before), np.abs(first(inner)).max()
    breaks = np.ldexp(inner, f.exponent)
    slope = float(f.derivative(1)(2 * breaks[0] - breaks[1]))
    constant = float(f(breaks[0])) - slope * float(breaks[0])
    return _Shape(breaks, bend, slope, constant, bool(np.any(jump > _ROUNDING * steepest)))


def _integrals(shape: _Shape, start: KnotLaw) -> Array:
    """int f''^2/nu, int f'' nu^-/nu, int f'' u nu^-/nu; infinite where f bends and nu is 0."""
    lo, hi = float(shape.breaks[0]), float(shape.breaks[-1])
    if lo == hi:
        return np.zeros(3)
    cuts = [b for b in start.breaks if lo < b < hi]
    edges = np.unique(np.concatenate([shape.breaks, cuts]))
    width, piece = np.diff(edges), np.searchsorted(shape.breaks, edges[:-1], side="right") - 1
    ahead = (edges[:-1] - shape.breaks[piece])[:, None]
    bend = np.abs(shape.bend(piece, ahead + width[:, None] / 2))[:, 0]
    nu = sum(start.nu(edges[:-1] + width / 2))
    if np.any((nu == 0) & (bend > _ROUNDING * bend.max())):
        return np.full(3, np.inf)
    used = np.flatnonzero(nu > 0)

    def integrand(t: Array, which: Ints) -> Array:
        which = used[which]
        u = edges[which][:, None] + t
        plus, minus = start.nu(u)
        bend = shape.bend(piece[which], ahead[which] + t)
        share = minus / (plus + minus)
        parts = [bend * bend / (plus + minus), *_signed(bend * share), *_signed(bend * share * u)]
        return np.stack(parts)

    curvature, a, b, c, d = integrate(integrand, np.zeros(len(used)), width[used], _RTOL, "f''^2 / nu").sum(axis=1)
    return np.array([curvature, a - b, c - d])


def _signed(v: Array) -> tuple[Array, Array]:
    return np.maximum(v, 0), np.maximum(-v, 0)


def _affine(line: Array, start: KnotLaw) -> float:
    """l^T M^+ l, infinite if l is not in the range of M."""
    M = start.affine
    values, vectors = np.linalg.eigh(M)
    along = vectors.T @ line
    seen = values > 1e-14 * max(values[-1], np.finfo(float).tiny)
    if np.any(np.abs(along[~seen]) > _ROUNDING * max(np.abs(line).max(), np.finfo(float).tiny)):
        return np.inf
    return float(np.sum(along[seen] ** 2 / values[seen]))
