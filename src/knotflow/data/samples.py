"""Samples: sorted, validated data, from arrays, from a CSV file or from a function."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from knotflow._checks import extent, function, generator, number, numeric, text
from knotflow._paths import file_path
from knotflow._typing import Array
from knotflow._values import derived, immutable
from knotflow.data.csv import read_columns
from knotflow.data.scaling import Scaling
from knotflow.errors import InputError

__all__ = ["Distinct", "Samples", "given"]

# Beyond these, 1 / span and the sums over x leave the range of float64.
_SMALLEST_SPAN, _LARGEST_SPAN = 1e-300, 1e300


@dataclass(frozen=True, init=False, eq=False, repr=False)
@immutable
class Samples:
    """n weighted points (x_j, y_j), sorted by x.

    The loss of a function f is 1/2 sum_j w_j (f(x_j) - y_j)^2.

    Parameters
    ----------
    x, y : array_like of shape (n,)
        Finite numbers in any order; the same x may occur many times, but at least two x must differ.
    weights : array_like of shape (n,), optional
        Positive, and 1 when left out: weight 2 is the sample twice.
    x_name, y_name : str
        What axes and messages call the two.

    Attributes
    ----------
    x, y, weights : ndarray of shape (n,)
        float64, ascending in x (stable for ties) and read-only.

    Raises
    ------
    InputError
        For anything else, naming the argument and the index.

    Notes
    -----
    O(n log n).

    Examples
    --------
    >>> import knotflow as kf
    >>> data = kf.Samples([2.0, 0.0, 1.0, 1.0], [5.0, 1.0, 2.0, 4.0])
    >>> data
    Samples(4 points, x in [0, 2], y in [1, 5]; 3 distinct x)
    >>> data.distinct.y, data.distinct.within
    (array([1., 3., 5.]), 1.0)
    """

    x: Array
    y: Array
    weights: Array
    x_name: str
    y_name: str

    def __init__(
        self,
        x: ArrayLike,
        y: ArrayLike,
        weights: ArrayLike | None = None,
        *,
        x_name: str = "x",
        y_name: str = "y",
    ) -> None:
        xs, ys = _vector("x", x), _vector("y", y)
        ws = np.ones(len(xs)) if weights is None else _vector("weights", weights)
        _check_lengths(xs, ys, ws)
        _check_weights(ws)
        _check_magnitudes(xs, ys, ws)
        order = np.argsort(xs, kind="stable")
        for name, values in (("x", xs), ("y", ys), ("weights", ws)):
            object.__setattr__(self, name, _read_only(values[order]))
        object.__setattr__(self, "x_name", text("x_name", x_name))
        object.__setattr__(self, "y_name", text("y_name", y_name))

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        ties = f"; {len(self.distinct.x)} distinct x" if self.has_ties else ""
        weighted = "; weighted" if np.any(self.weights != 1) else ""
        x, y = f"{self.x_name} in {extent(self.x)}", f"{self.y_name} in {extent(self.y)}"
        return f"Samples({len(self)} points, {x}, {y}{ties}{weighted})"

    @derived
    def distinct(self) -> Distinct:
        """The data as any function of x sees it: one point for each distinct x. O(n), computed once."""
        first = np.flatnonzero(np.concatenate([[True], self.x[1:] != self.x[:-1]]))
        count = np.diff(np.append(first, len(self)))
        weight = np.add.reduceat(self.weights, first)
        # Means of offsets from each group's first y: exact where there is no tie, or where the tied y agree.
        offset = self.y - np.repeat(self.y[first], count)
        mean = self.y[first] + np.add.reduceat(self.weights / np.repeat(weight, count) * offset, first)
        within = 0.5 * float(np.sum(self.weights * (self.y - np.repeat(mean, count)) ** 2))
        return Distinct(_read_only(self.x[first]), _read_only(mean), _read_only(weight), within)

    @property
    def has_ties(self) -> bool:
        """Whether some x occurs more than once."""
        return len(self.distinct.x) < len(self)

    @property
    def range(self) -> tuple[float, float]:
        """(smallest x, largest x)."""
        return float(self.x[0]), float(self.x[-1])

    @property
    def span(self) -> float:
        """Largest x minus smallest x, > 0."""
        return float(self.x[-1] - self.x[0])

    def standardised(self) -> tuple[Samples, Scaling]:
        """The same samples with mean 0 and standard deviation 1 in x and in y, and the way back. O(n).

        Returns
        -------
        (Samples, Scaling)

        Notes
        -----
        Means and deviations are weighted, so that a weight of 2 still is the sample twice; the deviation
        divides by the total weight. A constant y is shifted only (scale 1). Weights and names stay. Distinct
        x that are closer than float64 resolves at the size of x - mean become ties.

        Examples
        --------
        >>> import knotflow as kf
        >>> standard, scaling = kf.Samples([0.0, 10.0], [1.0, 5.0]).standardised()
        >>> standard.x, scaling.x_to_user(standard.x)
        (array([-1.,  1.]), array([ 0., 10.]))
        """
        scaling = Scaling.of(self.x, self.y, self.weights)
        u, v = scaling.x_to_standard(self.x), scaling.y_to_standard(self.y)
        return Samples(u, v, self.weights, x_name=self.x_name, y_name=self.y_name), scaling

    @classmethod
    def from_csv(
        cls,
        path: str | PathLike[str],
        x: str | int | None = None,
        y: str | int | None = None,
        *,
        missing: Literal["error", "drop"] = "error",
    ) -> Samples:
        """Samples from two columns of a delimited text file (UTF-8, with or without a byte order mark).

        Parameters
        ----------
        path : str or path
            The file. The delimiter (comma, semicolon, tab, pipe or blanks) and whether the first row is a header
            are found; cells may be quoted and blank lines do not count. In a semicolon file "1,5" is 1.5.
        x, y : str or int, optional
            A column by its name, or by its number from 0 (a text of digits that is no column's name
            counts as a number). None: the first, respectively the second, column that holds any number.
            A first column without a name that just counts the rows from 0 or 1, as R and pandas write
            it, is not one of the columns: neither for the defaults nor for the numbers.
        missing : {"error", "drop"}
            What to do with a row whose x or y is missing (empty, NA, NaN, null, None or "."; in any
            case): "error", or "drop" to leave the row out.

        Returns
        -------
        Samples
            The names of the columns are its `x_name` and `y_name`.

        Raises
        ------
        InputError
            For a file that cannot be read or is ragged, a column that is not there, a text or an infinite number
            where a number is expected (with the line as an editor counts it and the column), and for what
            Samples refuses.
        """
        path = file_path("path", path)
        try:
            table = read_columns(path, x, y, missing)
            return cls(table.x, table.y, x_name=table.x_name or "x", y_name=table.y_name or "y")
        except InputError as error:
            raise InputError(f"{path}: {error}") from None

    @classmethod
    def from_function(
        cls,
        f: Callable[[Array], ArrayLike],
        x: ArrayLike,
        noise: float = 0.0,
        rng: np.random.Generator | None = None,
    ) -> Samples:
        """y_j = f(x_j) + noise * z_j, the z_j standard normal.

        Parameters
        ----------
        f : callable
            Takes and returns an (n,) array.
        x : array_like of shape (n,)
            In any order.
        noise : float, default 0.0
            A standard deviation, finite and at least 0.
        rng : numpy.random.Generator, optional
            Needed where `noise` is positive: the z_j are drawn from it in the order of `x`.

        Raises
        ------
        InputError
            If `noise` is negative or not finite, or is positive without an `rng`.

        Examples
        --------
        >>> import numpy as np, knotflow as kf
        >>> kf.Samples.from_function(kf.targets.quadratic, [-2.0, 0.0, 1.0]).y
        array([2. , 0. , 0.5])
        >>> kf.Samples.from_function(np.sin, range(9), noise=0.1, rng=np.random.default_rng(0))
        Samples(9 points, x in [0, 8], y in [-0.922765, 0.97334])
        """
        xs = _vector("x", x)
        ys = _vector("f(x)", function("f", f)(xs))
        noise = number("noise", noise, least=0.0)
        if rng is not None:
            generator(rng)
        if noise == 0:
            return cls(xs, ys)
        return cls(xs, ys + noise * generator(rng).standard_normal(len(ys)))


@dataclass(frozen=True, eq=False, repr=False)
@immutable
class Distinct:
    """One point per distinct x: the data as any function of x sees it.

    For every f, with n samples and s distinct x,

        1/2 sum_{j<n} w_j (f(x_j) - y_j)^2 = within + 1/2 sum_{k<s} weight_k (f(x_k) - y_k)^2

    Attributes
    ----------
    x : ndarray of shape (s,)
        Ascending, s >= 2.
    y : ndarray of shape (s,)
        Weighted mean of the y at each x.
    weight : ndarray of shape (s,)
        Summed weight at each x.
    within : float
        1/2 sum_j w_j (y_j - mean at x_j)^2, the part of the loss that no function of x can remove.

    Examples
    --------
    >>> import knotflow as kf
    >>> points = kf.Samples([0.0, 1.0, 1.0], [5.0, 2.0, 4.0]).distinct
    >>> points.x, points.y, points.weight, points.within
    (array([0., 1.]), array([5., 3.]), array([1., 2.]), 1.0)
    """

    x: Array
    y: Array
    weight: Array
    within: float

    def __repr__(self) -> str:
        return f"Distinct({len(self.x)} x in {extent(self.x)}, y in {extent(self.y)}, within={self.within:.6g})"


def given(data: Any) -> Samples:
    """`data`, if it is Samples; else InputError."""
    if not isinstance(data, Samples):
        raise InputError(f"data is of type {type(data).__name__}: it must be Samples, made by Samples(x, y)")
    return data


# -- validation ------------------------------------------------------------------------------------------


def _vector(name: str, values: ArrayLike) -> Array:
    """`values` as finite float64 of shape (n,), n >= 1, or InputError."""
    numbers = numeric(name, values)
    if numbers.ndim != 1:
        raise InputError(f"{name} has shape {numbers.shape}: it must be one-dimensional, for example {name}.ravel()")
    if numbers.size == 0:
        raise InputError(f"{name} is empty: at least two samples with distinct x are needed")
    bad = np.flatnonzero(~np.isfinite(numbers))
    if bad.size:
        more = f" ({bad.size} values are not finite)" if bad.size > 1 else ""
        raise InputError(f"{name}[{bad[0]}] is {numbers[bad[0]]}: every value must be finite; drop or fill it{more}")
    return numbers


def _check_lengths(x: Array, y: Array, weights: Array) -> None:
    for name, values in (("y", y), ("weights", weights)):
        if len(values) != len(x):
            raise InputError(f"{name} has length {len(values)}: it must have length {len(x)}, as x has")


def _check_weights(weights: Array) -> None:
    bad = np.flatnonzero(weights <= 0)
    if bad.size:
        raise InputError(f"weights[{bad[0]}] is {weights[bad[0]]}: every weight must be > 0; drop the sample instead")


def _check_magnitudes(x: Array, y: Array, weights: Array) -> None:
    """Refuse x without a span that can be divided by, and y and weights whose loss is not a float64."""
    with np.errstate(over="ignore"):
        span, total = x.max() - x.min(), weights.sum()
        loss = np.sum(weights * y**2)
    if span == 0:
        what = "there is only one x" if len(x) == 1 else f"all {len(x)} x are equal to {x[0]}"
        raise InputError(f"{what}: at least two distinct x are needed")
    if not _SMALLEST_SPAN <= span <= _LARGEST_SPAN:
        limits = f"between {_SMALLEST_SPAN:g} and {_LARGEST_SPAN:g}"
        raise InputError(f"x spans {span:g}: its span must be {limits}; change the unit of x")
    if not math.isfinite(total):
        raise InputError("the sum of weights overflows: divide the weights by their maximum")
    if not math.isfinite(loss):
        raise InputError("the sum of weights * y^2 overflows: change the unit of y, or scale the weights down")


def _read_only(values: Array) -> Array:
    values.setflags(write=False)
    return values
