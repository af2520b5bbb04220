"""How knots cut the data into pieces: lonely samples, and global minima with a lonely partition."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from knotflow._checks import count, number, vector
from knotflow._typing import Array, Flags, Ints
from knotflow.data import Samples
from knotflow.data.samples import given
from knotflow.errors import InputError
from knotflow.landscape.places import placed, placed_knots
from knotflow.network import ReLUNet
from knotflow.network.bdso import BDSO
from knotflow.network.subject import checked

__all__ = ["is_lonely", "lonely_knots", "lonely_minimum", "lonely_samples", "partition"]


@checked
def partition(net: ReLUNet, data: Samples) -> Ints:
    """The piece that each distinct sample lies in: piece p if p knots are at or left of it.

    The pieces are [knot_p, knot_{p+1}) of the sorted knots; neurons without a knot cut nothing. A knot is at a
    sample if it is up to rounding, |a x - b| <= 9e-16 (|a x| + |b|).

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

    Raises
    ------
    InputError
        If they are no network and no samples.

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
    knots = placed_knots(net, data.distinct.x)
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

    Raises
    ------
    InputError
        If they are no network and no samples.

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

    Raises
    ------
    InputError
        If they are no network and no samples.

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
    m, x = count("m", m, least=1), given(data).distinct.x
    if m + 1 < len(x):
        raise InputError(f"m is {m}: it must be at least {len(x) - 1}, for a lonely partition of {len(x)} samples")
    where = vector("pieces", pieces, len(x), "the distinct x")
    if np.any(where != np.floor(where)) or np.any(np.diff(where) < 1) or where[0] < 0 or where[-1] > m:
        raise InputError(f"pieces is {where.tolist()}: it must be {len(x)} integers in 0..{m} that ascend strictly")
    counts = np.diff(where, prepend=0, append=m).astype(int)
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
        At least one in [x_j, x_{j+1}) for every two neighbouring samples. Those of a lonely partition are, if none
        is at a sample; `lonely_knots` makes such knots.
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
    data = given(data)
    x, y = data.distinct.x, data.distinct.y
    knots, free = np.sort(placed(vector("knots", knots), x)), number("free", free)
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
    return ReLUNet.from_bdso(BDSO(knots, slopes, np.ones(len(knots)), float(y[0] - others[0]), norm))
