"""Laws given by any density, their integrals done numerically to a stated tolerance."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from knotflow._checks import freeze, function, items, number, numeric, shown
from knotflow._typing import Array, Ints
from knotflow._values import immutable
from knotflow.errors import InputError
from knotflow.laws.integration import Integrand, Line, integrate
from knotflow.laws.knot_law import KnotLaw

__all__ = ["Independent", "Placed"]


def _tolerance(rtol: object) -> float:
    return number("rtol", rtol, least=1e-13, most=1e-2)


def _check_total(total: float, name: str, rtol: float) -> None:
    if abs(total - 1) > max(1e-6, 10 * rtol):
        raise InputError(f"{name} integrates to {total:.9g} over its support: a density must integrate to 1")


@dataclass(frozen=True)
@immutable
class Placed(KnotLaw):
    """a = +-1 with Pr(a = 1) = right, and knots b/a of any density, independent of a.

    Parameters
    ----------
    density : callable
        (n,) -> (n,), >= 0; it integrates to 1 over (lo, hi) and has a second moment.
    lo, hi : float
        The support; either may be infinite, and both are when left out.
    right : float, default 0.5
        In [0, 1]: the share of right-facing neurons.
    c2 : float, default 0.0
        E[c^2].
    rtol : float, default 1e-11
        What every integral is accurate to, from 1e-13 to 1e-2.
    points : tuple of float
        Where the density is not smooth, or has a narrow peak.

    Raises
    ------
    InputError
        For a density that does not integrate to 1, or has no second moment.

    Notes
    -----
    nu is the density itself, since |a| = 1.

    Examples
    --------
    >>> import numpy as np, knotflow as kf
    >>> law = kf.laws.Placed(lambda u: 6 * u * (1 - u), 0.0, 1.0)
    >>> kf.kernels.nu(law)([0.5, 2.0])
    array([1.5, 0. ])
    """

    density: Callable[[Array], Array]
    lo: float = -math.inf
    hi: float = math.inf
    right: float = 0.5
    c2: float = 0.0
    rtol: float = 1e-11
    points: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        freeze(
            self,
            right=number("right", self.right, least=0.0, most=1.0),
            c2=number("c2", self.c2),
            rtol=_tolerance(self.rtol),
        )
        freeze(self, lo=number("lo", self.lo, infinite=True), hi=number("hi", self.hi, infinite=True))
        points = [number("points", p) for p in items("points", self.points, "numbers")]
        freeze(self, points=tuple(sorted(points)))
        if not self.lo < self.hi:
            raise InputError(f"the support ({self.lo:g}, {self.hi:g}) is empty: lo must be less than hi")
        function("density", self.density, "the knot")
        ends = np.array([self.lo]), np.array([self.hi])
        with np.errstate(over="ignore", invalid="ignore"):  # refused by name
            everything = self._integrals(
                *ends, lambda u, _: np.stack([u**0, np.maximum(-u, 0), np.maximum(u, 0), u * u])
            )
        mass, left, right, second = (float(value) for value in everything[:, 0])
        first = right - left
        _check_total(mass, "density", self.rtol)
        freeze(self, _affine=self.right * (1 - self.right) * np.array([[mass, -first], [-first, second]]))
        freeze(self, _scale=(first, second))

    def _integrals(self, lo: Array, hi: Array, f: Integrand, size: Array | float = 1e-250) -> Array:
        """(k, n): int over [lo, hi], within the support, of density times f(u, which)."""
        line = Line(self.lo, self.hi)
        ends = line.place(np.asarray(lo, float)), line.place(np.asarray(hi, float))
        inner = line.place(np.array([p for p in self.points if self.lo < p < self.hi]))

        def integrand(t: Array, which: Ints) -> Array:
            u, slope = line.back(t)
            return f(u, which) * (self._density(u) * slope)

        cuts = [ends[0], *(np.clip(p, *ends) for p in inner), ends[1]]
        return sum(
            (integrate(integrand, a, b, self.rtol, "density", size) for a, b in pairwise(cuts)),
            np.zeros(()),
        )

    def _density(self, u: Array) -> Array:
        return numeric("density(u)", self.density(u))

    def nu(self, u: Array) -> tuple[Array, Array]:
        u = np.asarray(u, float)
        inside = (u >= self.lo) & (u <= self.hi)
        values = np.where(inside, self._density(np.where(inside, u, 0.0)), 0.0)
        return self.right * values, (1 - self.right) * values

    def knots(self, u: Array) -> tuple[Array, Array]:
        return self.nu(u)

    def active(self, x: Array) -> tuple[Array, Array]:
        flat = np.ravel(x)
        lower = self._integrals(np.full_like(flat, self.lo), flat, lambda u, _: u[None] ** 0, 1.0)
        upper = self._integrals(flat, np.full_like(flat, self.hi), lambda u, _: u[None] ** 0, 1.0)
        return self.right * lower[0].reshape(np.shape(x)), (1 - self.right) * upper[0].reshape(np.shape(x))

    def _size(self, x: Array) -> Array:
        """What an integral over all knots is at most: int density |x - u|^k du, k = 0, 1, 2."""
        first, second = vars(self)["_scale"]
        square = second - 2 * x * first + x * x
        return np.stack([np.ones_like(x), np.sqrt(square), square])

    def below(self, p: Array) -> Array:
        flat = np.ravel(np.asarray(p, float))
        powers = self._integrals(
            np.full_like(flat, self.lo), flat, lambda u, w: _powers(flat[w, None] - u), self._size(flat)
        )
        return self.right * powers.reshape(3, *np.shape(p))

    def above(self, q: Array) -> Array:
        flat = np.ravel(np.asarray(q, float))
        powers = self._integrals(
            flat, np.full_like(flat, self.hi), lambda u, w: _powers(u - flat[w, None]), self._size(flat)
        )
        return (1 - self.right) * powers.reshape(3, *np.shape(q))

    def moments(self, lo: Array, hi: Array) -> Array:
        def products(u: Array, which: Ints) -> Array:
            rise, fall = u - lo[which, None], hi[which, None] - u
            return np.stack([rise * rise, rise * fall, fall * fall])

        one = self._integrals(lo, hi, products)
        return np.stack([self.right * one, (1 - self.right) * one])

    @property
    def affine(self) -> Array:
        return vars(self)["_affine"]

    @property
    def support(self) -> tuple[float, float]:
        return self.lo, self.hi

    @property
    def breaks(self) -> tuple[float, ...]:
        return tuple(p for p in (self.lo, *self.points, self.hi) if math.isfinite(p))


def _both_sides(u: Array, _: Ints) -> Array:
    return np.stack([u**0, np.maximum(-u, 0), np.maximum(u, 0), u * u])


def _powers(v: Array) -> Array:
    return np.stack([np.ones_like(v), v, v * v])


@dataclass(frozen=True)
class Independent(KnotLaw):
    """a and b independent, of any densities: two distributions as `scipy.stats` has them (`pdf` and `support`).

        nu^+(u) = int_{t > 0} t^3 p_b(u t) p_a(t) dt,      nu^-(u) = int_{t > 0} t^3 p_b(-u t) p_a(-t) dt

    Parameters
    ----------
    a, b : distribution
        Continuous; they need not be symmetric.
    c2 : float, default 0.0
        E[c^2].
    rtol : float, default 1e-11
        What every integral is accurate to, from 1e-13 to 1e-2.

    Raises
    ------
    InputError
        For what has no density that integrates to 1 and no second moment.

    Notes
    -----
    With a = sigma_a r cos(theta), b = sigma_b r sin(theta), every integral is one over theta of
    int r^3 p_a p_b dr, accurate to rtol; a millisecond or so for each distinct x.

    Examples
    --------
    >>> import numpy as np, knotflow as kf
    >>> from scipy import stats
    >>> law = kf.laws.Independent(stats.norm(), stats.norm())
    >>> (np.pi * kf.kernels.nu(law)([0.0, 1.0])).round(9)
    array([2. , 0.5])
    """

    a: Any
    b: Any
    c2: float = 0.0
    rtol: float = 1e-11

    def __post_init__(self) -> None:
        freeze(self, c2=number("c2", self.c2), rtol=_tolerance(self.rtol))
        for name in ("a", "b"):
            law = getattr(self, name)
            if not (callable(getattr(law, "pdf", None)) and callable(getattr(law, "support", None))):
                raise InputError(
                    f"{name} is {shown(law)}: it must be a continuous distribution, as scipy.stats.norm() is"
                )
            mass, second = _mass_and_second(law, self.rtol)
            _check_total(mass, f"the density of {name}", self.rtol)
            freeze(self, **{f"_{name}": math.sqrt(second)})

    @property
    def _scales(self) -> tuple[float, float]:
        """Root mean squares of a and b."""
        return vars(self)["_a"], vars(self)["_b"]

    def _radial(self, theta: Array, power: int) -> Array:
        """sigma_a sigma_b int r^power p_a(sigma_a r cos(theta)) p_b(sigma_b r sin(theta)) dr, in the shape of theta."""
        sa, sb = self._scales
        rate_a, rate_b = sa * np.cos(theta).ravel(), sb * np.sin(theta).ravel()
        lo, hi = np.zeros_like(rate_a), np.full_like(rate_a, np.inf)
        for rate, (low, high) in ((rate_a, self.a.support()), (rate_b, self.b.support())):
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                ends = np.stack([low / rate, high / rate])
            ends = np.where(rate == 0, np.array([[-np.inf], [np.inf]]) * (low <= 0 <= high), ends)
            lo, hi = np.maximum(lo, ends.min(axis=0)), np.minimum(hi, ends.max(axis=0))
        hi = np.maximum(lo, hi)
        line = Line(0.0, math.inf)

        def integrand(t: Array, which: Ints) -> Array:
            r, slope = line.back(t)
            density = self.a.pdf(r * rate_a[which, None]) * self.b.pdf(r * rate_b[which, None])
            return (sa * sb * r**power * density * slope)[None]

        inner = max(self.rtol / 100, 1e-13)  # so that its error is no roughness to the outer integral
        return integrate(integrand, line.place(lo), line.place(hi), inner, "a law", 1e-30)[0].reshape(theta.shape)

    def _angle(self, u: Array) -> Array:
        sa, sb = self._scales
        return np.arctan2(sa * np.asarray(u, float), sb)

    def nu(self, u: Array) -> tuple[Array, Array]:
        theta, (sa, sb) = self._angle(u), self._scales
        factor = sa**3 / sb * np.cos(theta) ** 4
        return factor * self._radial(theta, 3), factor * self._radial(theta + np.pi, 3)

    def knots(self, u: Array) -> tuple[Array, Array]:
        theta, (sa, sb) = self._angle(u), self._scales
        factor = sa / sb * np.cos(theta) ** 2
        return factor * self._radial(theta, 1), factor * self._radial(theta + np.pi, 1)

    def _half_line(self, x: Array, sign: int) -> Array:
        """`below` for sign 1, `above` for -1."""
        flat, (sa, sb) = np.ravel(np.asarray(x, float)), self._scales

        def integrand(theta: Array, which: Ints) -> Array:
            slope = sa * np.cos(theta)
            powers = _powers(sign * (slope * flat[which, None] - sb * np.sin(theta)))
            turned = theta if sign > 0 else theta + np.pi
            return powers * np.stack([slope**2, slope, np.ones_like(slope)]) * self._radial(turned, 3)

        border, end = self._angle(flat), np.full_like(flat, np.pi / 2)
        lo, hi = (-end, border) if sign > 0 else (border, end)
        spread = np.hypot(sa * flat, sb)
        size = np.stack([np.full_like(flat, sa**2), sa * spread, spread**2])
        return integrate(integrand, lo, hi, self.rtol, "a law", size).reshape(3, *np.shape(x))

    def below(self, p: Array) -> Array:
        return self._half_line(p, 1)

    def above(self, q: Array) -> Array:
        return self._half_line(q, -1)

    def active(self, x: Array) -> tuple[Array, Array]:
        border = np.ravel(self._angle(x))
        end = np.full_like(border, np.pi / 2)
        right = integrate(lambda t, _: self._radial(t, 1)[None], -end, border, self.rtol, "a law", 1.0)
        left = integrate(lambda t, _: self._radial(t + np.pi, 1)[None], border, end, self.rtol, "a law", 1.0)
        return right.reshape(np.shape(x)), left.reshape(np.shape(x))

    def moments(self, lo: Array, hi: Array) -> Array:
        sa, sb = self._scales

        def products(theta: Array, which: Ints) -> Array:
            rise = sb * np.sin(theta) - sa * lo[which, None] * np.cos(theta)
            fall = sa * hi[which, None] * np.cos(theta) - sb * np.sin(theta)
            three = np.stack([rise * rise, rise * fall, fall * fall])
            return np.concatenate([three * self._radial(theta, 3), three * self._radial(theta + np.pi, 3)])

        return integrate(products, self._angle(lo), self._angle(hi), self.rtol, "a law").reshape(2, 3, -1)

    @property
    def affine(self) -> Array:
        sa, sb = self._scales

        def integrand(theta: Array, _: Ints) -> Array:
            plus, minus = self._radial(theta, 3), self._radial(theta + np.pi, 3)
            total = plus + minus
            w = np.divide(plus * minus, total, out=np.zeros_like(total), where=total > 0)
            slope, offset = sa * np.cos(theta), sb * np.sin(theta)
            mixed = slope * offset
            return w * np.stack([slope**2, np.maximum(-mixed, 0), np.maximum(mixed, 0), offset**2])

        end = np.array([np.pi / 2])
        one, left, right, two = integrate(integrand, -end, end, self.rtol, "a law")[:, 0]
        return np.array([[one, left - right], [left - right, two]])


def _mass_and_second(law: Any, rtol: float) -> tuple[float, float]:
    lo, hi = (float(end) for end in law.support())
    line = Line(lo, hi)

    def integrand(t: Array, _: Ints) -> Array:
        u, slope = line.back(t)
        density = law.pdf(u) * slope
        return np.stack([density, u * u * density])

    mass, second = integrate(integrand, line.place(np.array([lo])), line.place(np.array([hi])), rtol, "a law")
    return float(mass[0]), float(second[0])
