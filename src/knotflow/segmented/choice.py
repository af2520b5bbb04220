"""How many pieces: the number that information or cross-validation calls for."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from knotflow._typing import Array
from knotflow.data import Samples
from knotflow.errors import InputError
from knotflow.segmented.optimum import Monotone, count, most_pieces, path
from knotflow.segmented.segments import Segments, check_data

_ROUNDING = 64 * np.finfo(np.float64).eps

Rule = Literal["bic", "cv"]


def choose(
    data: Samples,
    pieces: int,
    rule: Rule = "bic",
    continuous: bool = False,
    min_length: int = 1,
    monotone: Monotone | None = None,
    folds: int = 5,
) -> Segments:
    """The optimal fit with as many pieces as `rule` calls for, at most `pieces`.

    "bic"  the least `bic`
    "cv"   the least error on samples left out: the j-th distinct x is in fold j mod `folds`, and the fits to the
           other folds predict it. As many pieces are tried as the smallest training set allows

    The first of equals wins. O(pieces s^2) for "bic", and `folds` times as much for "cv". Raises InputError for
    other arguments, and what `optimal` raises.
    """
    if rule not in get_args(Rule):
        raise InputError(f"rule is {rule!r}: it must be 'bic' or 'cv'")
    fits = path(data, pieces, continuous, min_length, monotone)
    if rule == "bic":
        return fits[int(np.argmin([bic(fit, data, continuous) for fit in fits]))]
    errors = cross_validation(data, pieces, continuous, min_length, monotone, folds)
    return fits[int(np.argmin(errors))]


def bic(fit: Segments, data: Samples, continuous: bool = False) -> float:
    """N log(error / N) + p log N, for N the sum of the weights and p parameters: a weight of 2 is two samples.

    A fit with k pieces has p = 3 k - 1: k lines and the positions of k - 1 knots; p = 2 k if the pieces were made to
    meet (`continuous`).
    The error of a perfect fit counts as the rounding of the samples: it does not fall for ever.
    """
    check_data(data)
    total = float(data.weights.sum())
    parameters = 2 * fit.pieces if continuous else 3 * fit.pieces - 1
    rounding = _ROUNDING**2 * float(np.sum(data.weights * data.y**2))
    error = max(fit.error, rounding, np.finfo(np.float64).tiny)
    return total * float(np.log(error / total)) + parameters * float(np.log(total))


def cross_validation(
    data: Samples,
    pieces: int,
    continuous: bool = False,
    min_length: int = 1,
    monotone: Monotone | None = None,
    folds: int = 5,
) -> Array:
    """(K,) sum_j w_j (f_k(x_j) - y_j)^2 over the samples that f_k, the optimal fit with k pieces, was not made for.

    k = 1, ..., K; K is `pieces`, or what the smallest training set allows. See `choose`.
    """
    check_data(data)
    s = len(data.distinct.x)
    if not 2 <= count("folds", folds) <= s // 2:
        raise InputError(f"folds is {folds}: it must be between 2 and half the number of distinct x, {s // 2}")
    fold = np.searchsorted(data.distinct.x, data.x) % folds
    parts = [
        tuple(Samples(data.x[kept], data.y[kept], data.weights[kept]) for kept in (fold != j, fold == j))
        for j in range(folds)
    ]
    most = min(most_pieces(train, continuous, min_length) for train, _ in parts)
    errors = np.zeros(min(count("pieces", pieces), most))
    for train, test in parts:
        fits = path(train, len(errors), continuous, min_length, monotone)
        errors += [np.sum(test.weights * (fit(test.x) - test.y) ** 2) for fit in fits]
    return errors
