"""How many pieces: the number that information or cross-validation calls for.

Where samples are few, the criterion of Schwarz pays for ever more pieces: two samples a piece leave no error, and its
logarithm falls without end. So `choose` multiplies what the parameters cost by N / (N - 2 k - 2), as McQuarrie 1999
does in linear regression, here with the two coefficients of each of k lines. It is infinite where they use up the
samples. An error of 0 says something only where the pieces have three samples on average, which a line need not meet.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np

from knotflow._checks import choice, count, flag, instance
from knotflow._deprecated import keyword_only
from knotflow._typing import Array
from knotflow.data import Samples
from knotflow.data.samples import given
from knotflow.data.weighting import WeightsAre, sample_count
from knotflow.errors import InputError
from knotflow.segmented.optimum import Monotone, check_pieces, most_pieces, optimal, path, searched
from knotflow.segmented.segments import Segments

_SEARCHED = 200  # distinct x: above, continuous fits to training sets are searched for
_ROUNDING = 64 * np.finfo(np.float64).eps

Rule = Literal["bic", "cv"]


@keyword_only("rule", "continuous", "min_length", "monotone", "folds")
def choose(
    data: Samples,
    pieces: int,
    *,
    rule: Rule = "bic",
    continuous: bool = False,
    min_length: int = 1,
    monotone: Monotone | None = None,
    folds: int = 5,
    weights_are: WeightsAre = "frequencies",
) -> Segments:
    """The optimal fit with as many pieces as `rule` calls for, at most `pieces`.

    Parameters
    ----------
    data : Samples
        s distinct x.
    pieces : int
        The largest number of pieces that is tried.
    rule : {"bic", "cv"}
        "bic": the least `bic` in its form for small samples, see the notes. "cv": the least `cross_validation`,
        which tries no more pieces than the smallest training set allows. Of equals the fewest pieces win.
    continuous, min_length, monotone
        As in `optimal`.
    folds : int
        For "cv": in how many parts the distinct x are divided, between 2 and s / 2.
    weights_are : {"frequencies", "precisions"}
        As in `bic`. The choice by "cv" does not depend on it.

    Returns
    -------
    Segments
        The fit that was chosen.

    Raises
    ------
    InputError
        For other arguments, and what `optimal` raises.

    Notes
    -----
    "bic" takes the least N log(error / N) + p log(N) N / (N - 2 k - 2), where N and p are those of `bic`: for large N
    that is `bic`. Pieces of two samples have no error whatever the data are, so that `bic` itself falls without
    end as k grows. If a fit is exact, and has three samples a piece on average, the fewest such pieces are taken.

    O(pieces s^2) for "bic", and `folds` times as much for "cv".

    References
    ----------
    McQuarrie 1999, Statistics & Probability Letters 44, 79-86, for N / (N - 2 k - 2) with 2 k coefficients.

    Examples
    --------
    >>> import knotflow as kf
    >>> data = kf.Samples([0, 1, 2, 3, 4, 5, 6], [3, 2, 1, 0, 1, 2, 3])
    >>> kf.segmented.choose(data, 4).pieces
    2
    """
    data = given(data)
    choice("rule", rule, get_args(Rule))
    choice("weights_are", weights_are, get_args(WeightsAre))
    options: Any = {"continuous": continuous, "min_length": min_length, "monotone": monotone}
    if rule == "bic":
        total = sample_count(data, weights_are)
        fits = path(data, pieces, **options)
        return fits[int(np.argmin([_small_sample(fit, data, continuous, total) for fit in fits]))]
    errors = cross_validation(data, pieces, folds=folds, **options)
    check_pieces(data, pieces, continuous, min_length)
    return optimal(data, int(np.argmin(errors)) + 1, **options)


def _small_sample(fit: Segments, data: Samples, continuous: bool, total: float) -> float:
    """The criterion of `choose`: inf where 2 k coefficients leave nothing of the samples, -inf for exact fits."""
    k, s = fit.pieces, len(data.distinct.x)
    if fit.error <= _floor(data):
        enough = 2 * k + 1 if continuous else 3 * k  # three a piece; a sample at a knot is in both its pieces
        return -math.inf if s >= enough else math.inf
    spare = total - 2 * k - 2
    if spare <= 0:
        return math.inf
    return _misfit(fit, data, total) + _parameters(k, continuous) * math.log(total) * (total / spare)


def _floor(data: Samples) -> float:
    """The error that rounding of the samples may make."""
    rounding = _ROUNDING**2 * float(np.sum(data.weights * data.y**2))
    return max(rounding, float(np.finfo(np.float64).tiny))


def _misfit(fit: Segments, data: Samples, total: float) -> float:
    """N log(error / N), in weights that add up to N = `total`."""
    return total * math.log(max(fit.error, _floor(data)) / float(data.weights.sum()))


def _parameters(pieces: int, continuous: bool) -> int:
    return 2 * pieces if continuous else 3 * pieces - 1


@keyword_only("continuous")
def bic(fit: Segments, data: Samples, *, continuous: bool = False, weights_are: WeightsAre = "frequencies") -> float:
    """The Bayesian information criterion, N log(error / N) + p log N: less is better.

    Parameters
    ----------
    fit : Segments
        A fit to the data, with k pieces.
    data : Samples
        N samples, see `weights_are`.
    continuous : bool
        Whether the pieces were made to meet. Then p = 2 k, else p = 3 k - 1: k lines and the positions of k - 1 knots.
    weights_are : {"frequencies", "precisions"}
        "frequencies": a weight of 2 is two samples, and N is the sum of the weights. "precisions": the variance of a
        sample is inverse to its weight; the weights are scaled to the mean 1, so that N is how many samples there
        are and the unit of the weights does not matter.

    Returns
    -------
    float
        The criterion. The error of a perfect fit counts as the rounding of the samples, so that it is finite.

    Raises
    ------
    InputError
        If `data` is not Samples, for other arguments, and if frequencies add up to less than the number of distinct x.

    Notes
    -----
    O(n). For a choice among small samples see `choose`.

    References
    ----------
    Schwarz 1978, Annals of Statistics 6, 461-464.

    Examples
    --------
    >>> import knotflow as kf
    >>> data = kf.Samples([0, 1, 2, 3], [0, 1, 0, 1])
    >>> round(kf.segmented.bic(kf.segmented.optimal(data, 1), data), 4)
    -3.6652
    """
    data = given(data)
    instance("fit", fit, Segments, "Segments, as kf.segmented.optimal(data, pieces) returns them")
    flag("continuous", continuous)
    total = sample_count(data, weights_are)
    return _misfit(fit, data, total) + _parameters(fit.pieces, continuous) * math.log(total)


@keyword_only("continuous", "min_length", "monotone", "folds")
def cross_validation(
    data: Samples,
    pieces: int,
    *,
    continuous: bool = False,
    min_length: int = 1,
    monotone: Monotone | None = None,
    folds: int = 5,
) -> Array:
    """sum_j w_j (f_k(x_j) - y_j)^2 over the samples that f_k, the optimal fit with k pieces, was not made for.

    The j-th distinct x is in fold j mod `folds`, and is predicted by the fits to the other folds.

    Parameters
    ----------
    data : Samples
        s distinct x.
    pieces : int
        The largest number of pieces that is tried.
    continuous, min_length, monotone
        As in `optimal`.
    folds : int
        In how many parts the distinct x are divided, between 2 and s / 2.

    Returns
    -------
    ndarray of shape (K,)
        The errors for k = 1, ..., K; K is `pieces`, or what the smallest training set allows.

    Raises
    ------
    InputError
        For other arguments, and what `optimal` raises.

    Notes
    -----
    O(folds pieces s^2). Continuous fits without `monotone` to more than 200 distinct x are the lowest that a search
    finds, which takes much less time than the proof that nothing is lower.

    Examples
    --------
    >>> import knotflow as kf
    >>> data = kf.Samples([0, 1, 2, 3, 4, 5, 6], [3, 2, 1, 0, 1, 2, 3])
    >>> kf.segmented.cross_validation(data, 2, folds=2).round(3)
    array([9.778, 2.   ])
    """
    data = given(data)
    s = len(data.distinct.x)
    flag("continuous", continuous)
    folds = count("folds", folds, least=1)
    if folds < 2 or folds > s // 2:
        raise InputError(f"folds is {folds}: it must be between 2 and half the number of distinct x, {s // 2}")
    pieces, min_length = count("pieces", pieces, least=1), count("min_length", min_length, least=1)
    fold = np.searchsorted(data.distinct.x, data.x) % folds
    parts = [
        tuple(Samples(data.x[kept], data.y[kept], data.weights[kept]) for kept in (fold != j, fold == j))
        for j in range(folds)
    ]
    most = min(most_pieces(train, continuous, min_length) for train, _ in parts)
    errors = np.zeros(min(pieces, most))
    for train, test in parts:
        if continuous and monotone is None and len(train.distinct.x) > _SEARCHED:
            fits: Sequence[Segments] = searched(train, len(errors), min_length)
        else:
            fits = path(train, len(errors), continuous=continuous, min_length=min_length, monotone=monotone)
        errors += [np.sum(test.weights * (fit(test.x) - test.y) ** 2) for fit in fits]
    return errors
