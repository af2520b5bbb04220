"""How knots cut the data into pieces: lonely samples, how many partitions there are, and how likely lonely ones are."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from knotflow._checks import number, vector
from knotflow._typing import Array
from knotflow.data import Samples
from knotflow.errors import InputError
from knotflow.landscape.shared import Flags, checked
from knotflow.network import ReLUNet
from knotflow.network.bdso import BDSO


@checked
def partition(net: ReLUNet, data: Samples) -> NDArray[np.int64]:
    """(s,) the piece of each distinct sample: p if p knots are at or left of it, 0..m. O((m + s) log m).

    Pieces are [knot_p, knot_{p+1}) of the sorted knots; neurons without a knot cut nothing.
    """
    knots = net.knots
    return np.searchsorted(np.sort(knots[np.isfinite(knots)]), data.distinct.x, side="right")


@checked
def lonely_samples(net: ReLUNet, data: Samples) -> Flags:
    """(s,) whether a distinct sample is alone in its piece."""
    piece = partition(net, data)
    return np.bincount(piece)[piece] == 1


@checked
def is_lonely(net: ReLUNet, data: Samples) -> bool:
    """Whether the partition is lonely: every distinct sample is alone in its piece."""
    return bool(lonely_samples(net, data).all())


def partition_count(m: int, s: int) -> int:
    """binomial(m + s, m): in how many orders m knots and s samples can come. Sahs et al. 2022, theorem 4."""
    m, s = _count("m", m, 0), _count("s", s, 0)
    return math.comb(m + s, m)


def lonely_partition_count(m: int, s: int) -> int:
    """binomial(m + 1, s): how many of these partitions are lonely; exponential in s at fixed m/s. O(s).

    Source: Sahs et al. 2022, lemma 1; the O(s^(c s)) printed there is true and far too large.
    """
    m, s = _count("m", m, 0), _count("s", s, 0)
    return math.comb(m + 1, s)


class Chance(NamedTuple):
    """A probability, exactly, and by the formula for many knots and samples."""

    exact: float
    approximation: float


Layout = Literal["random", "equispaced"]


def lonely_probability(m: int, s: int, knots: Layout = "random") -> Chance:
    """The probability that m knots and s random samples make a lonely partition. O(s).

        "random"      knots and samples independent, of one continuous law:
                      binomial(m+1, s) / binomial(m+s, s), about exp(-s^2 / m)
        "equispaced"  samples uniform between the outermost of m >= 2 equispaced knots, M = m - 1 cells:
                      prod_{k<s} (1 - k/M), about exp(-s (s - 1) / (2M))

    Source: Sahs et al. 2022, remark 1. The 1 - exp(-s^2/(m+1)) printed there is the complement, and lacks a factor
    1/2 for equispaced knots. Raises InputError for other arguments.
    """
    m, s = _count("m", m, 1), _count("s", s, 1)
    cells = _cells(m, knots)
    if cells is None:
        ratios = (m + 1 - np.arange(s)) / (m + np.arange(1, s + 1))
        return Chance(float(np.prod(np.maximum(ratios, 0.0))), math.exp(-(s**2) / m))
    exact = float(np.prod(np.maximum(1 - np.arange(s) / cells, 0.0)))
    return Chance(exact, math.exp(-s * (s - 1) / (2 * cells)))


def lonely_share(m: int, s: int, knots: Layout = "random") -> float:
    """The expected share of lonely samples, layouts as for `lonely_probability`.

    "random": m (m + 1) / ((s + m) (s + m - 1)); "equispaced": (1 - 1/M)^(s-1). Source: Sahs et al. 2022, figure 14.
    """
    m, s = _count("m", m, 1), _count("s", s, 1)
    cells = _cells(m, knots)
    if cells is None:
        return 1.0 if s == 1 else m * (m + 1) / ((s + m) * (s + m - 1))
    return (1 - 1 / cells) ** (s - 1)


def expected_lonely_share(data: Samples, m: int, knots: Any | Callable[[Array], Array]) -> float:
    """The expected share of lonely samples for these data and m independent knots. O(s).

    knots   their law: a frozen distribution, as `kf.initial.knot_density`, or its cdf

    Source: Sahs et al. 2022, figure 14. Raises InputError if `knots` is neither.
    """
    m, cdf = _count("m", m, 1), getattr(knots, "cdf", knots)
    if not callable(cdf):
        raise InputError(f"knots is {knots!r}: it must be a distribution or a cdf")
    gap = np.diff(np.asarray(cdf(data.distinct.x), dtype=float))
    empty, neighbours = (1 - gap) ** m, np.maximum(1 - gap[:-1] - gap[1:], 0.0) ** m
    # Lonely: a knot in the gap before it and one in the gap after it. The outer samples have one gap each.
    crowded = np.append(0.0, empty) + np.append(empty, 0.0) - np.concatenate([[0.0], neighbours, [0.0]])
    return float(np.mean(1 - crowded))


def lonely_knots(data: Samples, pieces: ArrayLike, m: int) -> Array:
    """(m,) ascending knots that put distinct sample j into piece pieces[j]: pieces ascend strictly, in 0..m. O(m + s).

    pieces[0] knots lie left of the data, pieces[j+1] - pieces[j] between samples j and j + 1, evenly, the others
    right of it. Raises InputError for other pieces, also if m + 1 < s: there is then no lonely partition.
    """
    m, x = _count("m", m, 1), data.distinct.x
    if m + 1 < len(x):
        raise InputError(f"m is {m}: a lonely partition of {len(x)} samples takes at least {len(x) - 1} knots")
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
    """A network with these knots through all distinct samples: a global minimum of L. O(m log m + s).

    All neurons face right. The first knot of every gap between samples takes the slope to the next sample; the
    delta-slope of every other neuron is `free`, any number: there are infinitely many such minima.

    knots   (m,) with at least one in [x_j, x_{j+1}) for every two neighbouring samples, as the knots of a lonely
            partition are that are not at samples; `lonely_knots` makes them

    Source: Sahs et al. 2022, lemma 1, with a bias instead of the free slope on the left that a network lacks.
    Raises InputError if two neighbouring samples have no knot in between.
    """
    knots, free = np.sort(vector("knots", knots)), number("free", free)
    x, y = data.distinct.x, data.distinct.y
    first = np.searchsorted(knots, x[:-1], side="left")
    lonely = (first < len(knots)) & (np.append(knots, np.inf)[first] < x[1:])
    if not lonely.all():
        j = int(np.argmin(lonely))
        raise InputError(
            f"knots has none in [{x[j]:g}, {x[j + 1]:g}), between two samples: the partition is not lonely"
        )
    slopes = np.full(len(knots), free)
    slopes[first] = 0.0
    reach, slope = (np.concatenate([[0.0], v]) for v in (np.cumsum(slopes * knots), np.cumsum(slopes)))
    count = np.searchsorted(knots, x, side="left")
    others = slope[count] * x - reach[count]  # what the free neurons are at the samples
    need, running = np.diff(y - others), 0.0
    for j, p in enumerate(first):
        # The chosen neurons so far have the slope `running`; this one makes up what is missing at x[j + 1].
        slopes[p] += (need[j] - running * (x[j + 1] - x[j])) / (x[j + 1] - knots[p])
        running += slopes[p]
    return BDSO(knots, slopes, np.ones(len(knots)), float(y[0] - others[0]), norm).network()


def _cells(m: int, knots: str) -> int | None:
    """The number of cells between equispaced knots, None for random ones."""
    if knots == "random":
        return None
    if knots != "equispaced":
        raise InputError(f'knots is {knots!r}: it must be "random" or "equispaced"')
    if m < 2:
        raise InputError(f"m is {m}: equispaced knots have a cell between them from m = 2 on")
    return m - 1


def _count(name: str, value: int, least: int) -> int:
    try:
        count = operator.index(value)
    except TypeError:
        raise InputError(f"{name} is {value!r}: it must be an integer of at least {least}") from None
    if count < least:
        raise InputError(f"{name} is {count}: it must be at least {least}")
    return count
