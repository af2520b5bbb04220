"""What the regressors share: reading X, y and weights, and giving predictions back."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils import Tags, check_array
from sklearn.utils.validation import check_is_fitted, validate_data

from knotflow._checks import choice
from knotflow._typing import Array
from knotflow.data import Samples
from knotflow.errors import InputError

__all__ = ["Univariate"]

_OUTPUTS = ("default", "pandas")


class Univariate(RegressorMixin, BaseEstimator):
    """A regressor of one feature: a subclass makes the curve in `_fit_curve`, everything else is here."""

    _curve: Callable[[Array], Array]

    @abstractmethod
    def _fit_curve(self, data: Samples) -> Callable[[Array], Array]:
        """The fitted function; sets the attributes that end in an underscore."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the curve to (X, y).

        Parameters
        ----------
        X : array_like of shape (n,) or (n, 1)
            The feature, in any order; at least two x must differ.
        y : array_like of shape (n,)
            The target.
        sample_weight : array_like of shape (n,), optional
            At least 0, and 1 when left out: weight 2 is the sample twice, weight 0 leaves it out.

        Returns
        -------
        self

        Raises
        ------
        InputError
            For a parameter out of its range, more than one feature, weights below 0 and fewer than two distinct x.
        """
        X, values = validate_data(self, _table(X), y, dtype=np.float64, ensure_min_samples=2, y_numeric=True)
        x, weights = self._feature(X), _weights(sample_weight, X)
        kept = weights > 0
        data = Samples(x[kept], values[kept].astype(np.float64), weights[kept])
        self._y_name = getattr(y, "name", None)
        self._curve = self._fit_curve(data)
        return self

    def predict(self, X: Any) -> Any:
        """The curve at X; outside the data it is what the fitted function is there.

        Parameters
        ----------
        X : array_like of shape (n,) or (n, 1)
            Named as the feature was, if it is a table.

        Returns
        -------
        ndarray of shape (n,), or Series after ``set_output(predict="pandas")``
            The predictions.
        """
        places = self._places(X)
        return self._given_back(self._curve(places), X)

    def set_output(self, *, predict: str | None = None) -> Self:
        """Choose what `predict` returns: an array, or a Series of pandas.

        Parameters
        ----------
        predict : {"default", "pandas"}, optional
            "pandas": a Series named as y was, with the index of X if X has one. "default": an array, which
            scikit-learn's stacking and target transformers need. None leaves it as it is.

        Returns
        -------
        self

        Raises
        ------
        InputError
            For another word.
        """
        if predict is not None:
            self._sklearn_output_config = {"predict": choice("predict", predict, _OUTPUTS)}  # `clone` copies it
        return self

    def _places(self, X: Any) -> Array:
        """(n,) where the curve is asked for."""
        check_is_fitted(self)
        return self._feature(validate_data(self, _table(X), dtype=np.float64, reset=False))

    def _feature(self, X: Array) -> Array:
        """(n,) the only column of X."""
        if X.shape[1] != 1:
            raise InputError(f"X has {X.shape[1]} features: it must have 1, as this is a curve over one variable")
        return X[:, 0]

    def _given_back(self, values: Array, X: Any) -> Any:
        if getattr(self, "_sklearn_output_config", {}).get("predict") != "pandas":
            return values
        import pandas as pd

        index = X.index if isinstance(X, pd.DataFrame | pd.Series) else None
        return pd.Series(values, index=index, name=self._y_name)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = True
        tags.regressor_tags.poor_score = True  # of the ten features that the tag asks about, it takes one
        return tags


def _table(X: Any) -> Any:
    """X with one column if it has one dimension: a Series keeps its name."""
    if hasattr(X, "to_frame"):
        return X.to_frame()
    try:
        array = X if hasattr(X, "shape") else np.asarray(X)
    except ValueError:  # ragged: scikit-learn says so
        return X
    return array.reshape(-1, 1) if array.ndim == 1 and isinstance(array, np.ndarray) else X


def _weights(sample_weight: Any, X: Array) -> Array:
    """(n,) weights, 1 if none are given."""
    if sample_weight is None:
        return np.ones(len(X))
    weights = check_array(sample_weight, dtype=np.float64, ensure_2d=False, input_name="sample_weight")
    if weights.shape != (len(X),):
        raise InputError(f"sample_weight has shape {weights.shape}: it must have shape ({len(X)},), as y has")
    if np.any(weights < 0):
        i = int(np.argmax(weights < 0))
        raise InputError(f"sample_weight[{i}] is {weights[i]}: it must be at least 0")
    if not np.any(weights > 0):
        raise InputError("sample_weight is 0 everywhere: sample weights must contain at least one non-zero number")
    return weights
