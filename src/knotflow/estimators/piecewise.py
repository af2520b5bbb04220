"""The piecewise linear fit of least error as a regressor."""

from __future__ import annotations

from collections.abc import Callable

from knotflow._checks import count
from knotflow._typing import Array
from knotflow.data import Samples
from knotflow.estimators.base import Univariate
from knotflow.segmented import Segments, choose, optimal
from knotflow.segmented.choice import Rule
from knotflow.segmented.optimum import Monotone, most_pieces

__all__ = ["PiecewiseLinearRegressor"]


class PiecewiseLinearRegressor(Univariate):
    """The piecewise linear fit of least squares with k pieces, k given or chosen.

    Minimises  sum_j w_j (f(x_j) - y_j)^2  over all f with k pieces and knots at samples, exactly.

    Parameters
    ----------
    pieces : int, optional
        k. None, the default: as many as `rule` calls for, at most `max_pieces`.
    max_pieces : int
        The largest k that is tried, or what the data allow if that is less.
    rule : {"bic", "cv"}
        How k is chosen, see `kf.segmented.choose`.
    continuous : bool
        Whether the pieces meet.
    min_length : int
        How many distinct x each piece has at least.
    monotone : {None, "increasing", "decreasing"}
        What every slope must be.
    folds : int
        For the rule "cv".

    Attributes
    ----------
    segments_ : Segments
        The curve, see `kf.segmented.optimal`.
    n_pieces_ : int
        k.
    knots_ : ndarray of shape (k - 1,)
        Where one piece ends and the next begins.
    n_features_in_ : int
        1.
    feature_names_in_ : ndarray of shape (1,)
        The name of the feature, if X had one.

    Notes
    -----
    O(k s^2) at most for s distinct x, and `folds` times that for "cv"; continuous fits cost more.

    References
    ----------
    Sahs et al. 2022, section 3.1. Schwarz 1978, for the rule "bic".

    Examples
    --------
    >>> from knotflow.estimators import PiecewiseLinearRegressor
    >>> model = PiecewiseLinearRegressor().fit([0, 1, 2, 3, 4, 5, 6], [3, 2, 1, 0, 1, 2, 3])
    >>> model.n_pieces_, model.knots_
    (2, array([3.]))
    >>> model.predict([7.0]).round(9)
    array([4.])
    """

    segments_: Segments
    n_pieces_: int
    knots_: Array

    def __init__(
        self,
        pieces: int | None = None,
        *,
        max_pieces: int = 10,
        rule: Rule = "bic",
        continuous: bool = True,
        min_length: int = 1,
        monotone: Monotone | None = None,
        folds: int = 5,
    ) -> None:
        self.pieces = pieces
        self.max_pieces = max_pieces
        self.rule = rule
        self.continuous = continuous
        self.min_length = min_length
        self.monotone = monotone
        self.folds = folds

    def _fit_curve(self, data: Samples) -> Callable[[Array], Array]:
        allowed = most_pieces(data, self.continuous, count("min_length", self.min_length, least=1))
        most = min(count("max_pieces", self.max_pieces, least=1), max(allowed, 1))
        if self.pieces is None:
            self.segments_ = choose(
                data,
                most,
                rule=self.rule,
                continuous=self.continuous,
                min_length=self.min_length,
                monotone=self.monotone,
                folds=self.folds,
            )
        else:
            self.segments_ = optimal(
                data,
                self.pieces,
                continuous=self.continuous,
                min_length=self.min_length,
                monotone=self.monotone,
            )
        self.n_pieces_, self.knots_ = self.segments_.pieces, self.segments_.knots
        return self.segments_
