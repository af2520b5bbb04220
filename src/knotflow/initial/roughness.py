"""How rough the initial function is: the law of sum_i (c_i a_i / norm)^2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike

from knotflow._checks import count, freeze, generator, instance, number, numbers
from knotflow._typing import Array
from knotflow._values import immutable
from knotflow.errors import InputError
from knotflow.initial.resolve import named_law
from knotflow.laws.drawn import Law

__all__ = ["InitialRoughness", "roughness"]

# This many delta-slopes are drawn at a time.
_BLOCK = 1 << 20


def roughness(law: str | Law, m: SupportsIndex, *, norm: float = 1.0, **scales: float) -> InitialRoughness:
    """The law of the roughness sum_i (c_i a_i / norm)^2 of a start with m neurons.

    Parameters
    ----------
    law : str or Law
        A `Law`, or the name of one, as for `knot_density`.
    m : int
        The number of neurons, at least 1.
    norm : float, default 1.0
        Of the network, > 0.
    **scales : float
        What the law of that name takes, for example sigma_b.

    Returns
    -------
    InitialRoughness
        With mean, variance, a tail bound and simulation. That of one network is `net.roughness`.

    Raises
    ------
    InputError
        For another name, scales that the law does not take, and `m` or `norm` out of range.

    Notes
    -----
    O(1).

    References
    ----------
    Sahs et al. 2022, theorem 2.

    Examples
    --------
    >>> import knotflow as kf
    >>> rho = kf.initial.roughness("he", 64)
    >>> round(rho.mean, 12), round(rho.variance, 12)
    (4.0, 2.0)
    """
    return InitialRoughness(named_law(law, m, scales), m, norm)  # type: ignore[arg-type]


@dataclass(frozen=True)
@immutable
class InitialRoughness:
    """The roughness rho of m independent neurons, as a random variable.

    With k = (scale of a)(scale of c)/norm,

        Gaussian  mean m k^2,   variance 8 m k^4
        uniform   mean m k^2/9, variance m k^4 (1/25 - 1/81)

    Parameters
    ----------
    law : Law
        Of a, b and c.
    m : int
        The number of neurons.
    norm : float, default 1.0
        Of the network.

    Notes
    -----
    He: mean 4, variance 128/m. Glorot: 4 m/(m+1)^2 and 128 m/(m+1)^4. PyTorch: 1/9 and (56/2025)/m.
    Each delta-slope shrinks as m grows; under He the roughness does not.

    References
    ----------
    Sahs et al. 2022, theorem 2.

    Examples
    --------
    >>> import numpy as np, knotflow as kf
    >>> rho = kf.initial.roughness("he", 100)
    >>> round(float(rho.tail_bound(2.0)), 4)
    0.2424
    >>> rho.rvs(3, np.random.default_rng(0)).shape
    (3,)
    """

    law: Law
    m: int
    norm: float = 1.0

    def __post_init__(self) -> None:
        instance("law", self.law, Law, "a Law, such as kf.laws.gaussian(m)")
        freeze(self, m=count("m", self.m, least=1), norm=number("norm", self.norm, above=0.0))

    @property
    def _unit(self) -> float:
        return (self.law.a * self.law.c / self.norm) ** 2

    @property
    def mean(self) -> float:
        """E rho."""
        return self.m * self._unit * (1.0 if self.law.family == "gaussian" else 1 / 9)

    @property
    def variance(self) -> float:
        """Var rho."""
        return self.m * self._unit**2 * (8.0 if self.law.family == "gaussian" else 1 / 25 - 1 / 81)

    def tail_bound(self, excess: ArrayLike) -> Array:
        """Cantelli: P(rho - mean >= excess) <= variance / (variance + excess^2), for excess > 0; a loose bound."""
        excess = numbers("excess", excess)
        if np.any(excess <= 0):
            raise InputError(f"excess is {excess.min():g}: the bound is for an excess over the mean that is > 0")
        variance = self.variance
        with np.errstate(over="ignore"):  # the bound is then 0
            return np.asarray(variance / (variance + excess**2))[()]

    def rvs(self, size: int, rng: np.random.Generator) -> Array:
        """(size,) independent draws from `rng`, exactly distributed: sums of m squares of products. O(size m)."""
        rng, size = generator(rng), count("size", size)
        draw = rng.standard_normal if self.law.family == "gaussian" else lambda shape: rng.uniform(-1, 1, shape)
        total = np.empty(size)
        rows = max(1, _BLOCK // self.m)
        for start in range(0, size, rows):
            shape = (min(rows, size - start), self.m)
            total[start : start + rows] = np.sum((draw(shape) * draw(shape)) ** 2, axis=1)
        return self._unit * total

    def simulated(self, size: int, rng: np.random.Generator) -> Any:
        """The distribution of `rvs(size, rng)`: `scipy.stats.ecdf`, with cdf, sf and their errors."""
        from scipy import stats

        return stats.ecdf(self.rvs(count("size", size, least=1), rng))
