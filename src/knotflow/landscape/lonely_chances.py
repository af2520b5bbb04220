"""How many partitions there are, how many are lonely, and how likely a lonely one is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np

from knotflow._checks import choice, count, function, number, shown, vector
from knotflow._typing import Array
from knotflow.data import Samples
from knotflow.data.samples import given
from knotflow.errors import InputError

__all__ = [
    "Chance",
    "expected_lonely_share",
    "lonely_partition_count",
    "lonely_probability",
    "lonely_share",
    "partition_count",
]


def partition_count(m: int, s: int) -> int:
    """In how many orders m knots and s samples can come: binomial(m + s, m).

    Parameters
    ----------
    m, s : int
        Numbers of knots and of samples, at least 0.

    Returns
    -------
    int

    Raises
    ------
    InputError
        For other numbers.

    Notes
    -----
    O(min(m, s)) multiplications of large integers.

    References
    ----------
    Sahs et al. 2022, theorem 4.

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.landscape.partition_count(2, 3)
    10
    """
    m, s = count("m", m), count("s", s)
    return math.comb(m + s, m)


def lonely_partition_count(m: int, s: int) -> int:
    """How many of the orders of m knots and s samples are lonely partitions: binomial(m + 1, s).

    Parameters
    ----------
    m, s : int
        Numbers of knots and of samples, at least 0.

    Returns
    -------
    int

    Raises
    ------
    InputError
        For other numbers.

    Notes
    -----
    O(s) multiplications of large integers. The number is exponential in s at fixed m / s.

    References
    ----------
    Sahs et al. 2022, lemma 1; the O(s^(c s)) printed there is true and far too large.

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.landscape.lonely_partition_count(3, 2)
    6
    """
    m, s = count("m", m), count("s", s)
    return math.comb(m + 1, s)


class Chance(float):
    """A number that is exact, and beside it the formula for many knots and samples.

    Attributes
    ----------
    exact : float
        The number itself.
    approximation : float
        The formula.

    Notes
    -----
    Unpacking gives both: `exact, approximation = chance`.

    Examples
    --------
    >>> import knotflow as kf
    >>> chance = kf.landscape.lonely_probability(400, 20)
    >>> chance
    Chance(0.387514, approximately 0.367879)
    >>> chance < 0.5, round(1 - chance, 3), round(chance.approximation, 3)
    (True, 0.612, 0.368)
    """

    __slots__ = ("_approximation",)
    _approximation: float

    def __new__(cls, exact: float, approximation: float) -> Chance:
        chance = super().__new__(cls, number("exact", exact))
        chance._approximation = number("approximation", approximation)
        return chance

    def __reduce__(self) -> tuple[type[Chance], tuple[float, float]]:
        return Chance, (self.exact, self.approximation)

    @property
    def exact(self) -> float:
        """The number itself."""
        return float(self)

    @property
    def approximation(self) -> float:
        """The formula for many knots and samples."""
        return self._approximation

    def __iter__(self) -> Iterator[float]:
        return iter((self.exact, self.approximation))

    def __repr__(self) -> str:
        return f"Chance({float(self):.6g}, approximately {self.approximation:.6g})"


Layout = Literal["random", "equispaced"]


def lonely_probability(m: int, s: int, knots: Layout = "random") -> Chance:
    """The probability that m knots and s random samples make a lonely partition.

        "random"      knots and samples independent, of one continuous law:
                      binomial(m+1, s) / binomial(m+s, s), about exp(-s^2 / m)
        "equispaced"  samples uniform between the outermost of m >= 2 equispaced knots, M = m - 1 cells:
                      prod_{k<s} (1 - k/M), about exp(-s (s - 1) / (2M))

    Parameters
    ----------
    m, s : int
        Numbers of knots and of samples, at least 1.
    knots : {"random", "equispaced"}
        How the knots lie, see above.

    Returns
    -------
    Chance
        The probability, with the approximation beside it.

    Raises
    ------
    InputError
        For other arguments.

    Notes
    -----
    O(s).

    References
    ----------
    Sahs et al. 2022, remark 1. The 1 - exp(-s^2/(m+1)) printed there is the complement, and lacks a factor 1/2 for
    equispaced knots.

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.landscape.lonely_probability(400, 20)
    Chance(0.387514, approximately 0.367879)
    >>> kf.landscape.lonely_probability(400, 20, "equispaced")
    Chance(0.616225, approximately 0.621145)
    """
    m, s = count("m", m, least=1), count("s", s, least=1)
    cells = _cells(m, knots)
    if cells is None:
        ratios = (m + 1 - np.arange(s)) / (m + np.arange(1, s + 1))
        return Chance(float(np.prod(np.maximum(ratios, 0.0))), math.exp(-(s**2) / m))
    exact = float(np.prod(np.maximum(1 - np.arange(s) / cells, 0.0)))
    return Chance(exact, math.exp(-s * (s - 1) / (2 * cells)))


def lonely_share(m: int, s: int, knots: Layout = "random") -> Chance:
    """The expected share of lonely samples among s random ones, for m knots.

        "random"      m (m + 1) / ((s + m) (s + m - 1)), about (m / (m + s))^2
        "equispaced"  (1 - 1/M)^(s-1) with M = m - 1 cells, about exp(-(s - 1) / M)

    Parameters
    ----------
    m, s : int
        Numbers of knots and of samples, at least 1.
    knots : {"random", "equispaced"}
        How the knots lie, as for `lonely_probability`.

    Returns
    -------
    Chance
        The share, with the approximation beside it.

    Raises
    ------
    InputError
        For other arguments.

    Notes
    -----
    O(1).

    References
    ----------
    Sahs et al. 2022, figure 14.

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.landscape.lonely_share(100, 20)
    Chance(0.707283, approximately 0.694444)
    """
    m, s = count("m", m, least=1), count("s", s, least=1)
    cells = _cells(m, knots)
    if cells is None:
        exact = 1.0 if s == 1 else m * (m + 1) / ((s + m) * (s + m - 1))
        return Chance(exact, (m / (m + s)) ** 2)
    return Chance((1 - 1 / cells) ** (s - 1), math.exp(-(s - 1) / cells))


def expected_lonely_share(data: Samples, m: int, knots: Any | Callable[[Array], Array]) -> float:
    """The expected share of lonely samples for these data and m independent knots.

    Parameters
    ----------
    data : Samples
        s distinct x.
    m : int
        Number of knots, at least 1.
    knots : distribution or callable
        The law of a knot: a frozen distribution such as `kf.initial.knot_density`, or its cdf.

    Returns
    -------
    float

    Raises
    ------
    InputError
        If `data` is not Samples, `m` is no such number, or `knots` is neither of the two.

    Notes
    -----
    O(s).

    References
    ----------
    Sahs et al. 2022, figure 14.

    Examples
    --------
    >>> import knotflow as kf
    >>> from scipy import stats
    >>> data = kf.Samples([0.1, 0.2, 0.8], [0, 1, 0])
    >>> round(kf.landscape.expected_lonely_share(data, 5, stats.uniform(0, 1)), 3)
    0.6
    """
    data = given(data)
    m, cdf = count("m", m, least=1), getattr(knots, "cdf", knots)
    function("knots", cdf, "an array, a cdf, or a distribution")
    below = vector("knots.cdf(x)", cdf(data.distinct.x), len(data.distinct.x), "the distinct x")
    gap = np.diff(below)
    if np.any(gap < 0) or below[0] < 0 or below[-1] > 1:
        raise InputError(f"knots is {shown(knots)}: its cdf must ascend from 0 to 1")
    empty, neighbours = (1 - gap) ** m, np.maximum(1 - gap[:-1] - gap[1:], 0.0) ** m
    # Lonely: a knot in the gap before it and one in the gap after it. The outer samples have one gap each.
    shared = np.append(0.0, empty) + np.append(empty, 0.0) - np.concatenate([[0.0], neighbours, [0.0]])
    return float(np.mean(1 - shared))


def _cells(m: int, knots: str) -> int | None:
    """The number of cells between equispaced knots, None for random ones."""
    if choice("knots", knots, ("random", "equispaced")) == "random":
        return None
    if m < 2:
        raise InputError(f"m is {m}: it must be at least 2, as equispaced knots have m - 1 cells between them")
    return m - 1
