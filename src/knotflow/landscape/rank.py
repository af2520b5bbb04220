"""The rank of the Hessian at a critical point, by counting which gaps between samples hold which knots."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from knotflow._typing import Array
from knotflow.data import Samples
from knotflow.errors import InputError
from knotflow.landscape.hessian import ALL, parts
from knotflow.landscape.places import at_samples, settled
from knotflow.network import ReLUNet
from knotflow.network.subject import active, checked, preactivations

__all__ = ["counted_rank", "hessian_rank"]


@checked
def hessian_rank(net: ReLUNet, data: Samples, train: Iterable[str] = ALL) -> int:
    """The rank of J, which is that of the Hessian where the residual terms vanish, by counting alone.

    Gaps between neighbouring samples that hold a knot cut the data into pieces of n_p samples. With F = sum_p
    min(n_p, 2): if some neuron is active on all samples, or a gap has knots of both orientations, the rank is F.
    Otherwise let C be 1 for a gap with right-facing knots and 0 for left-facing ones, 0 and 1 outside the data, and
    k1 the number of pieces of one sample across which C changes: the rank is F - [k1 = 0] with the bias and
    F - 2 + min(2, k1) without. A lonely partition has rank s with the bias: 3m + 1 - s zeros (corollary 3).

    Parameters
    ----------
    net : ReLUNet
        m neurons, every c_i != 0 and no knot at a sample.
    data : Samples
        s distinct x.
    train : iterable of str
        a, b and c, with the bias (the default) or without it.

    Returns
    -------
    int

    Raises
    ------
    InputError
        If some c_i = 0 or a knot is at a sample (up to rounding: |a x - b| <= 9e-16 (|a x| + |b|)), where the count
        does not hold, if no neuron is active at a sample, and if `train` lacks a, b or c.

    Notes
    -----
    O(m s).

    References
    ----------
    Sahs et al. 2022, corollary 3, whose side condition is superfluous with the bias and not sharp without it.

    Examples
    --------
    >>> import knotflow as kf
    >>> data = kf.Samples([0, 1, 2], [1, 0, 4])
    >>> net = kf.landscape.lonely_minimum(data, [0.5, 1.5])
    >>> kf.landscape.hessian_rank(net, data), kf.landscape.hessian_spectrum(net, data).rank
    (3, 3)
    """
    names = parts(train)
    if not frozenset("abc") <= frozenset(names):
        raise InputError(f"train is {set(names)}: it must contain a, b and c, with the bias or without it")
    active(settled(net, data), data)
    if np.any(net.c == 0):
        raise InputError(f"c[{int(np.argmax(net.c == 0))}] is 0: it must not be 0, or the count fails")
    on_sample = at_samples(net, data.distinct.x) >= 0
    if on_sample.any():
        i = int(np.argmax(on_sample))
        raise InputError(f"the knot of neuron {i} is {net.knots[i]:g}: it must not be at a sample, or the count fails")
    return counted_rank(net, data.distinct.x, "bias" in names)[0]


def counted_rank(net: ReLUNet, x: Array, bias: bool) -> tuple[int, int]:
    """The rank, and the dimension F of the functions on the samples that are affine on every piece."""
    gap, s = np.searchsorted(x, net.knots), len(x)
    inner = (gap > 0) & (gap < s)
    occupied = np.unique(gap[inner])
    sizes = np.diff(np.concatenate([[0], occupied, [s]]))
    full = int(np.sum(np.minimum(sizes, 2)))
    right = np.isin(occupied, gap[inner & (net.a > 0)])
    left = np.isin(occupied, gap[inner & (net.a < 0)])
    if np.any(right & left) or (preactivations(net, x) > 0).all(axis=1).any():
        return full, full
    change = np.diff(np.concatenate([[0], right.astype(int), [1]]))
    singles = int(np.sum((change != 0) & (sizes == 1)))
    return full - (int(singles == 0) if bias else 2 - min(2, singles)), full
