"""Laws of (a, b) whose integrals have closed forms: Gaussian, uniform, and knots spread evenly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from knotflow._checks import freeze, interval, number
from knotflow._typing import Array
from knotflow.errors import InputError
from knotflow.laws.knot_law import KnotLaw

__all__ = ["Gaussian", "Uniform", "UniformKnots"]


def _even(second_a: float, mixed: float, second_b: float) -> Array:
    """M of a symmetric law: w = nu / 4."""
    return np.array([[second_a, -mixed], [-mixed, second_b]]) / 4


# -- Gaussian ----------------------------------------------------------------------------------------------


def _x_minus_sin(x: Array) -> Array:
    """x - sin x for x >= 0, to a few roundings."""
    small = np.minimum(x, 1.0)
    total, term = np.zeros_like(small), small**3 / 6
    for k in range(5, 23, 2):
        total = total + term
        term = -term * small**2 / ((k - 1) * k)
    return np.where(x < 1.0, total, x - np.sin(x))


def _sin_squared(angle: Array) -> Array:
    """int_0^angle sin^2."""
    return _x_minus_sin(2 * angle) / 4


def _sin_sin(angle: Array) -> Array:
    """int_0^angle sin(t) sin(angle - t) dt = (sin(angle) - angle cos(angle)) / 2."""
    return angle * np.sin(angle / 2) ** 2 - _x_minus_sin(angle) / 2


@dataclass(frozen=True)
class Gaussian(KnotLaw):
    """a ~ N(0, sigma_a^2), b ~ N(0, sigma_b^2), independent.

        nu(u) = (2/pi) (sigma_a sigma_b)^3 / (sigma_b^2 + sigma_a^2 u^2)^2;  the knots are Cauchy(sigma_b / sigma_a)

    Parameters
    ----------
    sigma_a, sigma_b : float, default 1.0
        Standard deviations, at least 0 and not both 0.
    c2 : float, default 1.0
        E[c^2].

    Raises
    ------
    InputError
        For a negative or infinite deviation, and if both are 0.

    Notes
    -----
    Any law of (a, b) that depends on a^2 + b^2 only has the kernels of sigma_a^2 = sigma_b^2 = E[a^2 + b^2] / 2.
    In the angle phi of (sigma_b, sigma_a u) every integral is one of sin^2 or sin sin.

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.laws.Gaussian(sigma_b=2.0).active(2.0)
    (np.float64(0.375), np.float64(0.125))
    """

    sigma_a: float = 1.0
    sigma_b: float = 1.0
    c2: float = 1.0

    def __post_init__(self) -> None:
        for name in ("sigma_a", "sigma_b", "c2"):
            freeze(self, **{name: number(name, getattr(self, name), least=0.0)})
        if self.sigma_a == self.sigma_b == 0:
            raise InputError("sigma_a and sigma_b are both 0: no neuron would do anything")

    def nu(self, u: Array) -> tuple[Array, Array]:
        self._must_have_density()
        half = (self.sigma_a * self.sigma_b) ** 3 / (np.pi * self._size(u) ** 4)
        return half, half

    def knots(self, u: Array) -> tuple[Array, Array]:
        self._must_have_density()
        half = self.sigma_a * self.sigma_b / (2 * np.pi * self._size(u) ** 2)
        return half, half

    def _must_have_density(self) -> None:
        for name, where in (("sigma_a", "no neuron has a knot"), ("sigma_b", "every knot is at 0")):
            if getattr(self, name) == 0:
                raise InputError(f"{name} is 0: {where}, so that knots have no density")

    def _size(self, x: Array) -> Array:
        return np.hypot(self.sigma_b, self.sigma_a * np.asarray(x, float))

    def _angle(self, p: Array) -> Array:
        """Of the knots below p, in (0, pi)."""
        return np.arctan2(self.sigma_b, -self.sigma_a * np.asarray(p, float))

    def active(self, x: Array) -> tuple[Array, Array]:
        return self._angle(x) / (2 * np.pi), self._angle(-x) / (2 * np.pi)

    def below(self, p: Array) -> Array:
        angle, size = self._angle(p), self._size(p)
        one, two = _sin_sin(angle), _sin_squared(angle)
        return np.stack([self.sigma_a**2 * two, self.sigma_a * size * one, size**2 * two]) / np.pi

    def above(self, q: Array) -> Array:
        return self.below(-q)

    def moments(self, lo: Array, hi: Array) -> Array:
        sa, sb, low, high = self.sigma_a, self.sigma_b, self._size(lo), self._size(hi)
        angle = np.arctan2(sa * sb * (hi - lo), sb**2 + sa**2 * lo * hi)
        one, two = _sin_sin(angle), _sin_squared(angle)
        either = np.stack([low**2 * two, low * high * one, high**2 * two]) / np.pi
        return np.stack([either, either])

    @property
    def affine(self) -> Array:
        return _even(self.sigma_a**2, 0.0, self.sigma_b**2)


# -- uniform -----------------------------------------------------------------------------------------------


def _product(width: Array, f: tuple[Array, Array], g: tuple[Array, Array]) -> Array:
    """int of f g over an interval of that width, both linear, from their values at its ends."""
    return width / 6 * (2 * (f[0] * g[0] + f[1] * g[1]) + f[0] * g[1] + f[1] * g[0])


def _pieces(lo: Array, hi: Array, c: Array, d: Array, tail: bool) -> Array:
    """int over [c, d] within [lo, hi] of (u-lo)^2, (u-lo)(hi-u), (hi-u)^2, or of the same over u^4 (in 1/|u|)."""
    width = (d - c) / (c * d) if tail else d - c
    scale_c, scale_d = (np.abs(c), np.abs(d)) if tail else (1.0, 1.0)
    rise = ((c - lo) / scale_c, (d - lo) / scale_d)
    fall = ((hi - c) / scale_c, (hi - d) / scale_d)
    return np.stack([_product(width, rise, rise), _product(width, rise, fall), _product(width, fall, fall)])


@dataclass(frozen=True)
class Uniform(KnotLaw):
    """a ~ U(-bound_a, bound_a), b ~ U(-bound_b, bound_b), independent.

    With R = bound_b / bound_a:  nu(u) = bound_a^3 / (8 bound_b) min(1, R/|u|)^4, constant on |u| <= R.

    Parameters
    ----------
    bound_a, bound_b : float, default 1.0
        Greater than 0.
    c2 : float, default 1/3
        E[c^2].

    Raises
    ------
    InputError
        Unless both bounds are finite and > 0.

    Notes
    -----
    Beyond R the integrals are those of polynomials in 1/u.

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.laws.Uniform().nu(0.5)
    (np.float64(0.0625), np.float64(0.0625))
    """

    bound_a: float = 1.0
    bound_b: float = 1.0
    c2: float = 1 / 3

    def __post_init__(self) -> None:
        for name in ("bound_a", "bound_b"):
            freeze(self, **{name: number(name, getattr(self, name), above=0.0)})
        freeze(self, c2=number("c2", self.c2, least=0.0))

    @property
    def _edge(self) -> float:
        return self.bound_b / self.bound_a

    @property
    def _height(self) -> float:
        """nu^+ = nu^- within the edge; over u^4, beyond it."""
        return self.bound_a**3 / (16 * self.bound_b)

    def _share(self, u: Array) -> Array:
        return self._edge / np.maximum(np.abs(u), self._edge)

    def nu(self, u: Array) -> tuple[Array, Array]:
        half = self._height * self._share(u) ** 4
        return half, half

    def knots(self, u: Array) -> tuple[Array, Array]:
        half = self._share(u) ** 2 / (8 * self._edge)
        return half, half

    def active(self, x: Array) -> tuple[Array, Array]:
        return self._cumulative(x), self._cumulative(-x)

    def _cumulative(self, x: Array) -> Array:
        """Half of Pr(knot < x)."""
        edge = self._edge
        tail = edge / np.maximum(np.abs(x), edge) / 8
        return np.where(x < -edge, tail, np.where(x > edge, 0.5 - tail, 0.25 + np.clip(x, -edge, edge) / (8 * edge)))

    def below(self, p: Array) -> Array:
        p = np.asarray(p, float)
        edge = self._edge
        left, middle, right = np.minimum(p, -edge), np.clip(p, -edge, edge), np.maximum(p, edge)
        zero, one = np.zeros_like(p), np.ones_like(p)

        def powers(width: Array, f: tuple[Array, Array], g: tuple[Array, Array]) -> Array:
            return np.stack([_product(width, g, g), _product(width, f, g), _product(width, f, f)])

        v = -1 / left  # from v = 0 at u = -inf
        tails = powers(v, (one, (p - left) * v), (zero, v))
        ends = (np.maximum(p - edge, 0) / edge, (p - right) / right)
        tails += powers(np.where(p > edge, (right - edge) / (edge * right), 0.0), ends, (one / edge, 1 / right))
        inside = powers(middle + edge, (np.maximum(p + edge, 0), np.maximum(p - middle, 0)), (one, one))
        return self._height * (edge**4 * tails + inside)

    def above(self, q: Array) -> Array:
        return self.below(-q)

    def moments(self, lo: Array, hi: Array) -> Array:
        edge = self._edge
        inside = _pieces(lo, hi, np.clip(lo, -edge, edge), np.clip(hi, -edge, edge), tail=False)
        inside = np.where((lo < edge) & (hi > -edge), inside, 0.0)
        for c, d in (
            (np.minimum(lo, -edge), np.minimum(hi, -edge)),
            (np.maximum(lo, edge), np.maximum(hi, edge)),
        ):
            inside = inside + np.where(d > c, edge**4 * _pieces(lo, hi, c, d, tail=True), 0.0)
        either = self._height * inside
        return np.stack([either, either])

    @property
    def affine(self) -> Array:
        return _even(self.bound_a**2 / 3, 0.0, self.bound_b**2 / 3)

    @property
    def breaks(self) -> tuple[float, ...]:
        return -self._edge, self._edge


@dataclass(frozen=True)
class UniformKnots(KnotLaw):
    """a = +-1 with Pr(a = 1) = right, and knots u = b/a ~ U(lo, hi), independent of a.

    Parameters
    ----------
    lo, hi : float
        The interval of the knots, (-1, 1) when left out.
    right : float, default 0.5
        In [0, 1]: the share of right-facing neurons.
    c2 : float, default 0.0
        E[c^2].

    Raises
    ------
    InputError
        Unless lo < hi, both finite, and 0 <= right <= 1.

    Notes
    -----
    nu is 1 / (hi - lo) on [lo, hi], and 0 outside, where every function of this law is a line. With lo = -hi and
    right = 1/2 it is a = +-1, b ~ U(-hi, hi).

    Examples
    --------
    >>> import numpy as np, knotflow as kf
    >>> kf.laws.UniformKnots(0.0, 4.0, right=0.75).nu(np.array([1.0, 5.0]))
    (array([0.1875, 0.    ]), array([0.0625, 0.    ]))
    """

    lo: float = -1.0
    hi: float = 1.0
    right: float = 0.5
    c2: float = 0.0

    def __post_init__(self) -> None:
        lo, hi = interval(self.lo, self.hi)
        freeze(
            self,
            lo=lo,
            hi=hi,
            right=number("right", self.right, least=0.0, most=1.0),
            c2=number("c2", self.c2, least=0.0),
        )

    def _weights(self) -> tuple[float, float]:
        width = self.hi - self.lo
        return self.right / width, (1 - self.right) / width

    def nu(self, u: Array) -> tuple[Array, Array]:
        inside = (u >= self.lo) & (u <= self.hi)
        plus, minus = self._weights()
        return np.where(inside, plus, 0.0), np.where(inside, minus, 0.0)

    def knots(self, u: Array) -> tuple[Array, Array]:
        return self.nu(u)

    def active(self, x: Array) -> tuple[Array, Array]:
        plus, minus = self._weights()
        inside = np.clip(x, self.lo, self.hi)
        return plus * (inside - self.lo), minus * (self.hi - inside)

    def below(self, p: Array) -> Array:
        p = np.asarray(p, float)
        return self._weights()[0] * self._powers(np.clip(p, self.lo, self.hi) - self.lo, p - self.hi)

    def above(self, q: Array) -> Array:
        q = np.asarray(q, float)
        return self._weights()[1] * self._powers(self.hi - np.clip(q, self.lo, self.hi), self.lo - q)

    @staticmethod
    def _powers(width: Array, beyond: Array) -> Array:
        """int of (beyond + v)^k over 0 < v < width, k = 0, 1, 2; beyond counts where it is positive."""
        beyond = np.maximum(beyond, 0.0)
        ends, one = (beyond, beyond + width), np.ones_like(width)
        return np.stack([width, width * (beyond + width / 2), _product(width, ends, ends) * one])

    def moments(self, lo: Array, hi: Array) -> Array:
        c, d = np.clip(lo, self.lo, self.hi), np.clip(hi, self.lo, self.hi)
        one = np.where(d > c, _pieces(lo, hi, c, d, tail=False), 0.0)
        plus, minus = self._weights()
        return np.stack([plus * one, minus * one])

    @property
    def affine(self) -> Array:
        mean = (self.lo + self.hi) / 2
        square = mean**2 + (self.hi - self.lo) ** 2 / 12
        return self.right * (1 - self.right) * np.array([[1.0, -mean], [-mean, square]])

    @property
    def support(self) -> tuple[float, float]:
        return self.lo, self.hi

    @property
    def breaks(self) -> tuple[float, ...]:
        return self.lo, self.hi
