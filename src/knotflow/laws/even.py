"""The standard forms of the densities of knots and delta-slopes, all even, as scipy.stats distributions.

Every one is given by log p and by its upper tail T(t) = P(X > t) for t >= 0, so that neither cdf, sf, logcdf, logsf,
ppf nor isf subtracts from 1 where it matters. Scales are added by scipy: ``law(scale=...)`` is frozen.
"""

# mypy: disable-error-code="override"
# Distributions without shape parameters name none, which scipy asks of them and mypy objects to.

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special, stats

from knotflow._typing import Array

__all__ = [
    "Even",
    "cauchy",
    "laplace",
    "normal_knot",
    "normal_product",
    "triangle",
    "uniform_knot",
    "uniform_product",
    "uniform_quotient",
]

_LEGENDRE = np.polynomial.legendre.leggauss(48)


class Even(stats.rv_continuous):
    """A density with p(-x) = p(x): subclasses give `_logpdf`, `_logtail` and, where it is known, `_quantile`."""

    def _pdf(self, x: Array, *shape: Array) -> Array:
        return np.exp(self._logpdf(x, *shape))

    def _logtail(self, t: Array, *shape: Array) -> Array:
        with np.errstate(divide="ignore"):
            return np.log(self._tail(t, *shape))

    def _tail(self, t: Array, *shape: Array) -> Array:
        return np.exp(self._logtail(t, *shape))

    def _sf(self, x: Array, *shape: Array) -> Array:
        tail = self._tail(np.abs(x), *shape)
        return np.where(x > 0, tail, 1 - tail)

    def _cdf(self, x: Array, *shape: Array) -> Array:
        return self._sf(-x, *shape)

    def _logsf(self, x: Array, *shape: Array) -> Array:
        t = np.abs(x)
        return np.where(x > 0, self._logtail(t, *shape), np.log1p(-self._tail(t, *shape)))

    def _logcdf(self, x: Array, *shape: Array) -> Array:
        return self._logsf(-x, *shape)

    def _isf(self, q: Array, *shape: Array) -> Array:
        t = self._quantile(np.minimum(q, 1 - q), *shape)
        return np.where(q < 0.5, t, -t)

    def _ppf(self, q: Array, *shape: Array) -> Array:
        return -self._isf(q, *shape)

    def _quantile(self, q: Array, *shape: Array) -> Array:
        """The t >= 0 with T(t) = q, for 0 < q <= 1/2: by bisection on log T, to the last digit."""
        q, shape = np.broadcast_arrays(q, *shape)[0], np.broadcast_arrays(q, *shape)[1:]
        goal, hi = np.log(q), np.ones(q.shape)
        while np.any(short := self._logtail(hi, *shape) > goal):
            hi = np.where(short, 2 * hi, hi)
        lo = np.zeros(q.shape)
        for _ in range(100):
            mid = lo + (hi - lo) / 2
            beyond = self._logtail(mid, *shape) <= goal
            lo, hi = np.where(beyond, lo, mid), np.where(beyond, mid, hi)
        return hi

    def _munp(self, n: int, *shape: Array) -> Any:
        return self._even_moment(n, *shape) if n % 2 == 0 else 0.0 * self._even_moment(2, *shape)

    def _even_moment(self, n: int, *shape: Array) -> Any:
        """E X^n for even n >= 2."""
        raise NotImplementedError


class _HeavyTailed(Even):
    """Tails like 1/t: no moment exists."""

    def _even_moment(self, n: int, *shape: Array) -> Any:
        return np.nan


class _Cauchy(_HeavyTailed):
    """Quotient of two standard normal variables. Not `scipy.stats.cauchy`, which draws other numbers from a seed."""

    def _logpdf(self, x: Array) -> Array:
        return -np.log(np.pi) - 2 * np.log(np.hypot(1, x))

    def _tail(self, t: Array) -> Array:
        return np.arctan2(1, t) / np.pi

    def _quantile(self, q: Array) -> Array:
        return 1 / np.tan(np.pi * q)

    def _rvs(self, size: Any = None, random_state: Any = None) -> Array:
        return random_state.standard_cauchy(size)


class _UniformQuotient(_HeavyTailed):
    """Quotient of two variables U(-1, 1): density 1/4 on [-1, 1] and 1/(4 x^2) outside."""

    def _logpdf(self, x: Array) -> Array:
        return -np.log(4) - 2 * np.log(np.maximum(np.abs(x), 1))

    def _tail(self, t: Array) -> Array:
        return np.where(t < 1, 0.5 - t / 4, 0.25 / np.maximum(t, 1))

    def _quantile(self, q: Array) -> Array:
        return np.where(q > 0.25, 2 - 4 * q, 0.25 / q)

    def _rvs(self, size: Any = None, random_state: Any = None) -> Array:
        return random_state.uniform(-1, 1, size) / (1 - random_state.uniform(0, 1, size))


class _NormalProduct(Even):
    """Product of two standard normal variables: density K_0(|x|) / pi."""

    # exp(t) pi T(t) = int_0^inf exp(-v^2) / (1 + v^2/t) / sqrt(t/2 + v^2/4) dv: the trapezoidal rule is exact to
    # rounding for t >= 1 with this step, because the integrand is even and its poles are at least sqrt(t) away.
    _STEP = 1 / 6

    def _logpdf(self, x: Array) -> Array:
        t = np.abs(x)
        return np.log(special.k0e(t) / np.pi) - t

    def _logtail(self, t: Array) -> Array:
        far = np.maximum(t, 1)
        total = 0.5 / np.sqrt(far / 2)
        for v2 in (self._STEP * np.arange(1, 38)) ** 2:
            total = total + np.exp(-v2) / ((1 + v2 / far) * np.sqrt(far / 2 + v2 / 4))
        near = 0.5 - special.iti0k0(np.minimum(t, 1))[1] / np.pi
        return np.where(t < 1, np.log(near), np.log(self._STEP / np.pi * total) - far)

    def _rvs(self, size: Any = None, random_state: Any = None) -> Array:
        return random_state.standard_normal(size) * random_state.standard_normal(size)

    def _even_moment(self, n: int) -> float:
        return float(special.factorial2(n - 1)) ** 2


class _UniformProduct(Even):
    """Product of two variables U(-1, 1): density -log(|x|) / 2 on [-1, 1]."""

    def _logpdf(self, x: Array) -> Array:
        with np.errstate(divide="ignore"):
            return np.log(-np.log(np.abs(x)) / 2)

    def _tail(self, t: Array) -> Array:
        e = 1 - t
        return 0.5 * np.where(t < 0.5, e + special.xlogy(t, t), e * e - t * _log_excess(np.minimum(e, 0.5)))

    def _rvs(self, size: Any = None, random_state: Any = None) -> Array:
        return random_state.uniform(-1, 1, size) * random_state.uniform(-1, 1, size)

    def _even_moment(self, n: int) -> float:
        return 1.0 / (n + 1) ** 2


class _Laplace(Even):
    """exp(-|x|) / 2. Not `scipy.stats.laplace`, whose logpdf is -inf from |x| = 745 on."""

    def _logpdf(self, x: Array) -> Array:
        return -np.log(2) - np.abs(x)

    def _logtail(self, t: Array) -> Array:
        return -np.log(2) - t

    def _quantile(self, q: Array) -> Array:
        return -np.log(2 * q)

    def _rvs(self, size: Any = None, random_state: Any = None) -> Array:
        return random_state.laplace(size=size)

    def _even_moment(self, n: int) -> float:
        return float(special.factorial(n))


class _Triangle(Even):
    """1 - |x| on [-1, 1]."""

    def _logpdf(self, x: Array) -> Array:
        with np.errstate(divide="ignore"):
            return np.log1p(-np.abs(x))

    def _tail(self, t: Array) -> Array:
        return 0.5 * (1 - t) ** 2

    def _quantile(self, q: Array) -> Array:
        return 1 - np.sqrt(2 * q)

    def _rvs(self, size: Any = None, random_state: Any = None) -> Array:
        return random_state.uniform(size=size) - random_state.uniform(size=size)

    def _even_moment(self, n: int) -> float:
        return 2.0 / ((n + 1) * (n + 2))


class _NormalKnot(Even):
    """Knot given k = |delta-slope| in standard units, Gaussian law: exp(-k h) / (2 K_0(k) h), h = sqrt(1 + x^2).

    It is that of sinh t with t of density exp(-k cosh t) / (2 K_0(k)): exp t is generalised inverse Gaussian.
    """

    def _argcheck(self, k: Array) -> Any:
        return k > 0

    def _logpdf(self, x: Array, k: Array) -> Array:
        h = np.hypot(1, x)
        return -k * _less_one(x) - np.log(2 * special.k0e(k)) - np.log(h)

    def _logtail(self, t: Array, k: Array) -> Array:
        v = np.sqrt(k * _less_one(t))
        far = 2 * k + v**2 >= 1
        with np.errstate(over="ignore", under="ignore"):
            tail = np.where(far, self._far(v, k), 0.0) + np.where(far, 0.0, self._near(np.minimum(t, 3 / k), k))
        return np.log(tail / (2 * special.k0e(k))) - np.where(far, v**2, 0.0)

    @staticmethod
    def _far(v: Array, k: Array) -> Array:
        """exp(v^2) int_v^inf exp(-w^2) 2 / sqrt(2k + w^2) dw, with w = sqrt(2k) sinh(t/2)."""
        reach = 42 / (v + np.sqrt(v**2 + 42))  # where the exponent is -42
        total = np.zeros(np.broadcast(v, k).shape)
        for node, weight in zip(*_LEGENDRE, strict=True):
            z = reach * (1 + node) / 2
            total = total + weight * np.exp(-z * (z + 2 * v)) / np.sqrt(2 * k + (v + z) ** 2)
        return reach * total

    @staticmethod
    def _near(u: Array, k: Array) -> Array:
        """exp(k) int_{asinh u}^inf exp(-k cosh t) dt: that of exp(-k e^t / 2) is known, the rest is like exp(-t)."""
        e = u + np.hypot(1, u)
        reach = np.clip(np.log(84 / (k * e)), 1, 42)  # where either factor has lost its last digit
        total = np.zeros(np.broadcast(u, k).shape)
        for node, weight in zip(*_LEGENDRE, strict=True):
            t = reach * (1 + node) / 2
            total = total + weight * np.exp(-k / 2 * e * np.exp(t)) * np.expm1(-k / 2 / e * np.exp(-t))
        return np.exp(k) * (special.exp1(k * e / 2) + reach / 2 * total)

    def _rvs(self, k: Array, size: Any = None, random_state: Any = None) -> Array:
        e = stats.geninvgauss.rvs(0, k, size=size, random_state=random_state)
        return (e - 1 / e) / 2

    def _even_moment(self, n: int, k: Array) -> Array:
        # int sinh^n t exp(-k cosh t) dt = 2 (n-1)!! K_{n/2}(k) / k^{n/2}
        return special.factorial2(n - 1) * special.kve(n // 2, k) / (k ** (n // 2) * special.k0e(k))


class _UniformKnot(Even):
    """Knot given k = |delta-slope| in standard units, uniform law: (min(1, 1/|x|) - k)_+ / (2 log(1/k))."""

    def _argcheck(self, k: Array) -> Any:
        return (k > 0) & (k < 1)

    def _get_support(self, k: Array) -> tuple[Array, Array]:
        return -1 / k, 1 / k

    def _logpdf(self, x: Array, k: Array) -> Array:
        with np.errstate(divide="ignore"):
            return np.log(np.maximum(1 / np.maximum(np.abs(x), 1) - k, 0) / (-2 * np.log(k)))

    def _tail(self, t: Array, k: Array) -> Array:
        span = -2 * np.log(k)
        outside = _log_excess(1 - np.minimum(k * np.maximum(t, 1), 1)) / span
        return np.where(t < 1, 0.5 - (1 - k) * t / span, outside)

    def _rvs(self, k: Array, size: Any = None, random_state: Any = None) -> Array:
        level = k ** random_state.uniform(size=size)  # uniform under the curve, by slices of equal height
        return random_state.uniform(-1, 1, size) / level

    def _even_moment(self, n: int, k: Array) -> Array:
        return (k**-n - 1) / (-n * (n + 1) * np.log(k))


def _less_one(x: Array) -> Array:
    """sqrt(1 + x^2) - 1."""
    t = np.abs(x)
    return t / (1 + np.hypot(1, t)) * t


def _log_excess(e: Array) -> Array:
    """-log(1 - e) - e = e^2/2 + e^3/3 + ..., 0 <= e < 1."""
    small = np.minimum(e, 0.1)
    series = small**2 * np.polynomial.polynomial.polyval(small, 1 / np.arange(2, 18))
    with np.errstate(divide="ignore"):
        return np.where(e < 0.1, series, -np.log1p(-e) - e)


cauchy = _Cauchy(name="cauchy")
uniform_quotient = _UniformQuotient(name="uniform_quotient")
normal_product = _NormalProduct(name="normal_product")
uniform_product = _UniformProduct(a=-1.0, b=1.0, name="uniform_product")
laplace = _Laplace(name="laplace")
triangle = _Triangle(a=-1.0, b=1.0, name="triangle")
normal_knot = _NormalKnot(name="normal_knot", shapes="k")
uniform_knot = _UniformKnot(name="uniform_knot", shapes="k")
