"""How knots cut the data into pieces: lonely samples, how many partitions there are, and how likely lonely ones are."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from knotflow._checks import choice, count, number, vector
from knotflow._typing import Array, Flags, Ints
from knotflow.errors import InputError
from knotflow.landscape.subject import checked
from knotflow.network import ReLUNet
from knotflow.samples import Samples
from knotflow.views.bdso import BDSO

__all__ = [
    "Chance",
    "expected_lonely_share",
    "is_lonely",
    "lonely_knots",
    "lonely_minimum",
    "lonely_partition_count",
    "lonely_probability",
    "lonely_samples",
    "lonely_share",
    "partition",
    "partition_count",
]


@checked
def partition(net: ReLUNet, data: Samples) -> Ints:
    """The piece that each distinct sample lies in: piece p if p knots are at or left of it.

    The pieces are [knot_p, knot_{p+1}) of the sorted knots; neurons without a knot cut nothing.

    Parameters
    ----------
    net : ReLUNet
        m neurons.
    data : Samples
        s distinct x.

    Returns
    -------
    (s,) ndarray of int
        Numbers of pieces, in 0..m, ascending.

    Notes
    -----
    O((m + s) log m).

    References
    ----------
    Sahs et al. 2022, section 2.3.

    Examples
    --------
    >>> import knotflow as kf
    >>> net, data = kf.ReLUNet([1, 1], [0.5, 0.7], [1, 1]), kf.Samples([-1, 0, 1], [0, -1, 1])
    >>> kf.landscape.partition(net, data)
    array([0, 0, 2])
    """
    knots = net.knots
    return np.searchsorted(np.sort(knots[np.isfinite(knots)]), data.distinct.x, side="right")


@checked
def lonely_samples(net: ReLUNet, data: Samples) -> Flags:
    """Whether each distinct sample is lonely: alone in its piece.

    Parameters
    ----------
    net : ReLUNet
        m neurons.
    data : Samples
        s distinct x.

    Returns
    -------
    (s,) ndarray of bool
        True for a lonely sample.

    Notes
    -----
    O((m + s) log m).

    References
    ----------
    Sahs et al. 2022, section 2.3.

    Examples
    --------
    >>> import knotflow as kf
    >>> net, data = kf.ReLUNet([1, 1], [0.5, 0.7], [1, 1]), kf.Samples([-1, 0, 1], [0, -1, 1])
    >>> kf.landscape.lonely_samples(net, data)
    array([False, False,  True])
    """
    piece = partition(net, data)
    return np.bincount(piece)[piece] == 1


@checked
def is_lonely(net: ReLUNet, data: Samples) -> bool:
    """Whether the partition is lonely: every distinct sample is alone in its piece.

    Parameters
    ----------
    net : ReLUNet
        m neurons.
    data : Samples
        s distinct x.

    Returns
    -------
    bool

    Notes
    -----
    O((m + s) log m).

    References
    ----------
    Sahs et al. 2022, section 2.3.

    Examples
    --------
    >>> import knotflow as kf
    >>> net, data = kf.ReLUNet([1, 1], [0.5, -0.7], [1, 1]), kf.Samples([-1, 0, 1], [0, -1, 1])
    >>> kf.landscape.is_lonely(net, data)
    True
    """
    return bool(lonely_samples(net, data).all())


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
        chance = super().__new__(cls, exact)
        chance._approximation = float(approximation)
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
    if not isinstance(data, Samples):
        raise InputError(f"data is of type {type(data).__name__}: it must be Samples, made by Samples(x, y)")
    m, cdf = count("m", m, least=1), getattr(knots, "cdf", knots)
    if not callable(cdf):
        raise InputError(f"knots is {knots!r}: it must be a distribution or a cdf")
    gap = np.diff(np.asarray(cdf(data.distinct.x), dtype=float))
    empty, neighbours = (1 - gap) ** m, np.maximum(1 - gap[:-1] - gap[1:], 0.0) ** m
    # Lonely: a knot in the gap before it and one in the gap after it. The outer samples have one gap each.
    shared = np.append(0.0, empty) + np.append(empty, 0.0) - np.concatenate([[0.0], neighbours, [0.0]])
    return float(np.mean(1 - shared))


def lonely_knots(data: Samples, pieces: ArrayLike, m: int) -> Array:
    """Knots that put distinct sample j into piece pieces[j] of a lonely partition.

    pieces[0] knots lie left of the data, pieces[j+1] - pieces[j] between samples j and j + 1, evenly, the others
    right of it.

    Parameters
    ----------
    data : Samples
        s distinct x.
    pieces : (s,) array_like of int
        The pieces, strictly ascending, in 0..m.
    m : int
        Number of knots, at least s - 1.

    Returns
    -------
    (m,) ndarray
        The knots, ascending.

    Raises
    ------
    InputError
        For other pieces, and if m < s - 1: there is then no lonely partition.

    Notes
    -----
    O(m + s).

    References
    ----------
    Sahs et al. 2022, lemma 1.

    Examples
    --------
    >>> import knotflow as kf
    >>> data = kf.Samples([0, 1, 2], [1, 0, 4])
    >>> kf.landscape.lonely_knots(data, [0, 1, 3], 4).round(3)
    array([0.5  , 1.333, 1.667, 2.5  ])
    """
    m, x = count("m", m, least=1), data.distinct.x
    if m + 1 < len(x):
        raise InputError(f"m is {m}: it must be at least {len(x) - 1}, for a lonely partition of {len(x)} samples")
    given = vector("pieces", pieces, len(x), "the distinct x")
    if np.any(given != np.floor(given)) or np.any(np.diff(given) < 1) or given[0] < 0 or given[-1] > m:
        raise InputError(f"pieces is {given.tolist()}: it must be {len(x)} integers in 0..{m} that ascend strictly")
    counts = np.diff(given, prepend=0, append=m).astype(int)
    outer = (x[-1] - x[0]) / 2
    edges = np.concatenate([[x[0] - outer], x, [x[-1] + outer]])
    return np.concatenate(
        [
            lo + (hi - lo) * np.arange(1, n + 1) / (n + 1)
            for lo, hi, n in zip(edges[:-1], edges[1:], counts, strict=True)
        ]
    )


def lonely_minimum(data: Samples, knots: ArrayLike, *, free: float = 0.0, norm: float = 1.0) -> ReLUNet:
    """A network with these knots through all distinct samples: a global minimum of L.

    All neurons face right. The first knot of every gap between samples takes the slope to the next sample; the
    delta-slope of every other neuron is `free`: there are infinitely many such minima.

    Parameters
    ----------
    data : Samples
        s distinct x.
    knots : (m,) array_like
        At least one in [x_j, x_{j+1}) for every two neighbouring samples. The knots of a lonely partition are such,
        unless they are at samples; `lonely_knots` makes them.
    free : float
        The delta-slope of the neurons that are not needed.
    norm : float
        The norm of the network.

    Returns
    -------
    ReLUNet
        m neurons.

    Raises
    ------
    InputError
        If two neighbouring samples have no knot between them.

    Notes
    -----
    O(m log m + s).

    References
    ----------
    Sahs et al. 2022, lemma 1, with a bias instead of the free slope on the left that a network lacks.

    Examples
    --------
    >>> import knotflow as kf
    >>> data = kf.Samples([0, 1, 2], [1, 0, 4])
    >>> net = kf.landscape.lonely_minimum(data, [0.5, 1.5])
    >>> net([0, 1, 2]).tolist(), kf.landscape.is_critical(net, data)
    ([1.0, 0.0, 4.0], True)
    """
    knots, free = np.sort(vector("knots", knots)), number("free", free)
    x, y = data.distinct.x, data.distinct.y
    first = np.searchsorted(knots, x[:-1], side="left")
    lonely = (first < len(knots)) & (np.append(knots, np.inf)[first] < x[1:])
    if not lonely.all():
        j = int(np.argmin(lonely))
        raise InputError(
            f"knots has none in [{x[j]:g}, {x[j + 1]:g}): it must have one between every two neighbouring "
            "samples, as in a lonely partition"
        )
    slopes = np.full(len(knots), free)
    slopes[first] = 0.0
    reach, slope = (np.concatenate([[0.0], v]) for v in (np.cumsum(slopes * knots), np.cumsum(slopes)))
    before = np.searchsorted(knots, x, side="left")
    others = slope[before] * x - reach[before]  # what the free neurons are at the samples
    need, running = np.diff(y - others), 0.0
    for j, p in enumerate(first):
        # The chosen neurons so far have the slope `running`; this one makes up what is missing at x[j + 1].
        slopes[p] += (need[j] - running * (x[j + 1] - x[j])) / (x[j + 1] - knots[p])
        running += slopes[p]
    return BDSO(knots, slopes, np.ones(len(knots)), float(y[0] - others[0]), norm).to_net()


def _cells(m: int, knots: str) -> int | None:
    """The number of cells between equispaced knots, None for random ones."""
    if choice("knots", knots, ("random", "equispaced")) == "random":
        return None
    if m < 2:
        raise InputError(f"m is {m}: it must be at least 2, as equispaced knots have m - 1 cells between them")
    return m - 1
