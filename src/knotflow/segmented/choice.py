"""How many pieces: the number that information or cross-validation calls for."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np

from knotflow._checks import choice, count, flag, instance
from knotflow._deprecated import keyword_only
from knotflow._typing import Array
from knotflow.data import Samples
from knotflow.data.samples import given
from knotflow.errors import InputError
from knotflow.segmented.optimum import Monotone, most_pieces, path
from knotflow.segmented.segments import Segments

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
) -> Segments:
    """The optimal fit with as many pieces as `rule` calls for, at most `pieces`.

    Parameters
    ----------
    data : Samples
        s distinct x.
    pieces : int
        The largest number of pieces that is tried.
    rule : {"bic", "cv"}
        "bic": the least `bic`. "cv": the least `cross_validation`, which tries no more pieces than the smallest
        training set allows. Of equals the fewest pieces win.
    continuous, min_length, monotone
        As in `optimal`.
    folds : int
        For "cv": in how many parts the distinct x are divided, between 2 and s / 2.

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
    O(pieces s^2) for "bic", and `folds` times as much for "cv".

    Examples
    --------
    >>> import knotflow as kf
    >>> data = kf.Samples([0, 1, 2, 3, 4, 5, 6], [3, 2, 1, 0, 1, 2, 3])
    >>> kf.segmented.choose(data, 4).pieces
    2
    """
    choice("rule", rule, get_args(Rule))
    options: Any = {"continuous": continuous, "min_length": min_length, "monotone": monotone}
    fits = path(data, pieces, **options)
    if rule == "bic":
        return fits[int(np.argmin([bic(fit, data, continuous=continuous) for fit in fits]))]
    return fits[int(np.argmin(cross_validation(data, pieces, folds=folds, **options)))]


@keyword_only("continuous")
def bic(fit: Segments, data: Samples, *, continuous: bool = False) -> float:
    """The Bayesian information criterion, N log(error / N) + p log N: less is better.

    Parameters
    ----------
    fit : Segments
        A fit to the data, with k pieces.
    data : Samples
        N is the sum of its weights: a weight of 2 is two samples.
    continuous : bool
        Whether the pieces were made to meet. Then p = 2 k, else p = 3 k - 1: k lines and the positions of k - 1 knots.

    Returns
    -------
    float
        The criterion. The error of a perfect fit counts as the rounding of the samples, so that it is finite.

    Raises
    ------
    InputError
        If `data` is not Samples.

    Notes
    -----
    O(n).

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
    total = float(data.weights.sum())
    parameters = 2 * fit.pieces if flag("continuous", continuous) else 3 * fit.pieces - 1
    rounding = _ROUNDING**2 * float(np.sum(data.weights * data.y**2))
    error = max(fit.error, rounding, np.finfo(np.float64).tiny)
    return total * float(np.log(error / total)) + parameters * float(np.log(total))


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
    O(folds pieces s^2).

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
        fits = path(train, len(errors), continuous=continuous, min_length=min_length, monotone=monotone)
        errors += [np.sum(test.weights * (fit(test.x) - test.y) ** 2) for fit in fits]
    return errors
