"""Samples: sorted, validated data, from arrays, from a CSV file or from a function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from os import PathLike
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike

from knotflow._checks import choice, extent, freeze, function, generator, number, text
from knotflow._paths import file_path
from knotflow._typing import Array
from knotflow._values import derived, immutable
from knotflow.data.cells import Columns
from knotflow.data.checks import check_lengths, check_magnitudes, check_weights, finite, read_only
from knotflow.data.csv import read_columns
from knotflow.data.distinct import Distinct
from knotflow.data.frames import frame_columns, is_frame, is_series, name_of, read_table, table_columns
from knotflow.data.options import Options, Wanted
from knotflow.data.origin import Origin, counted, floats
from knotflow.data.scaling import Scaling
from knotflow.errors import InputError

__all__ = ["Samples", "given"]


@dataclass(frozen=True, init=False, eq=False, repr=False)
@immutable
class Samples:
    """n weighted points (x_j, y_j), sorted by x.

    The loss of a function f is 1/2 sum_j w_j (f(x_j) - y_j)^2.

    Parameters
    ----------
    x, y : array_like of shape (n,)
        Finite numbers in any order; the same x may occur many times, but at least two x must differ. x may hold dates
        or durations (NumPy's, Python's or pandas'); those with a time zone are taken in UTC. Instead of both, a
        DataFrame (`from_frame`) or a Series, whose index is x.
    weights : array_like of shape (n,), optional
        Positive, and 1 when left out: weight 2 is the sample twice.
    x_name, y_name : str, optional
        What axes and messages call the two: the names of Series by default, or else x and y.
    unit : str, optional
        In what dates and durations are counted: "days" by default, or "weeks", "hours", "minutes", "seconds",
        "milliseconds", "microseconds", "nanoseconds".
    origin : Origin, optional
        That of other samples: x is counted as there. By default from the first date.

    Attributes
    ----------
    x, y, weights : ndarray of shape (n,)
        float64, ascending in x (stable for ties) and read-only.
    origin : Origin or None
        What x counts: the date at x = 0 and the unit, for dates, durations and integers beyond 2^53.

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
    >>> kf.Samples(np.array(["2024-02-28", "2024-03-01"], "M8[D]"), [5.0, 1.0], x_name="when")
    Samples(2 points, when in [2024-02-28, 2024-03-01], y in [1, 5])
    """

    x: Array
    y: Array
    weights: Array
    x_name: str
    y_name: str
    origin: Origin | None

    def __init__(
        self,
        x: Any,
        y: ArrayLike | None = None,
        weights: ArrayLike | None = None,
        *,
        x_name: str | None = None,
        y_name: str | None = None,
        unit: str | None = None,
        origin: Origin | None = None,
    ) -> None:
        if y is None:
            columns = table_columns(x, weights)
            x, y, weights = columns.x, columns.y, columns.weights
            x_name, y_name = x_name or columns.x_name, y_name or columns.y_name
        x_name = text("x_name", x_name or name_of(x) or "x")
        y_name = text("y_name", y_name or name_of(y) or "y")
        x, origin = counted(x, unit, origin)
        xs, ys = finite("x", x), finite("y", y)
        ws = np.ones(len(xs)) if weights is None else finite("weights", weights)
        check_lengths(xs, ys, ws)
        check_weights(ws)
        check_magnitudes(xs, ys, ws)
        if np.any(xs[1:] < xs[:-1]):
            order = np.argsort(xs, kind="stable")
            xs, ys, ws = xs[order], ys[order], ws[order]
        freeze(self, x=read_only(xs), y=read_only(ys), weights=read_only(ws))
        freeze(self, x_name=x_name, y_name=y_name, origin=origin)

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        ties = f"; {len(self.distinct.x)} distinct x" if self.has_ties else ""
        weighted = "; weighted" if np.any(self.weights != 1) else ""
        x = f"{self.x_name} in {self.origin.extent(self.x) if self.origin else extent(self.x)}"
        y = f"{self.y_name} in {extent(self.y)}"
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
        return Distinct(read_only(self.x[first]), read_only(mean), read_only(weight), within)

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

    @property
    def x_label(self) -> str:
        """What x is, with what it counts: "when (days since 2024-01-01)"."""
        return self.origin.label(self.x_name) if self.origin else self.x_name

    @property
    def dated(self) -> bool:
        """Whether x counts dates."""
        return self.origin is not None and self.origin.kind == "date"

    def to_x(self, values: ArrayLike) -> Array:
        """Any `values` of the kind of x (dates, durations, numbers) as numbers as x is. O(n)."""
        return self.origin.to_x(values) if self.origin else floats(values)

    def from_x(self, x: ArrayLike) -> Any:
        """Numbers `x` as what they count: dates, durations, integers, or themselves. O(n)."""
        return self.origin.from_x(x) if self.origin else np.asarray(x, dtype=float)

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
        weights: str | int | None = None,
        missing: Literal["error", "drop"] = "error",
        sep: str | None = None,
        decimal: str | None = None,
        thousands: str | None = None,
        header: int | str | None = None,
        comment: str | None = None,
        encoding: str | None = None,
        unit: str | None = None,
    ) -> Samples:
        """Samples from columns of a delimited text file, a workbook (.xlsx, the first sheet) or a Parquet file.

        What is not said is found: separator (comma, semicolon, tab, pipe or blanks), header, a row of units below it,
        titles above it, comments (lines that begin with #, % or //), marks of decimals and thousands, UTF-8 or UTF-16.
        Headers that a log repeats are left out. Where a file can be read in two ways that give different numbers, it
        is refused, with both.

        Parameters
        ----------
        path : str or path
            The file. Workbooks need ``knotflow[excel]``, Parquet files ``knotflow[parquet]``.
        x, y : str or int, optional
            A column by its name, or by its number from 0 (a text of digits that is no column's name counts as a
            number). None: the first two that hold numbers or dates, and if one of them holds dates, that is x; without
            a header only if there are no more than two. A first column without a name is an index if it counts the
            rows from 0 or 1, or holds whole numbers before two others that hold numbers: it is no column then,
            neither for the defaults nor for the numbers.
        weights : str or int, optional
            The column of the weights.
        missing : {"error", "drop"}
            What to do with a row whose x, y or weight is missing (empty, NA, N/A, NaN, null, None, ".", "-", "?",
            #N/A and other errors of Excel; in any case): "error", or "drop" to leave the row out.
        sep : str, optional
            Between columns: one character, "tab" or "space" (any run of blanks).
        decimal : {".", ","}, optional
            Before decimals.
        thousands : str, optional
            Between groups of three digits: ",", ".", "'", "space", or "none".
        header : int or "none", optional
            The line of the header, counted from 1.
        comment : str, optional
            What begins a comment, or "none".
        encoding : str, optional
            For example "latin-1".
        unit : str, optional
            In what dates are counted, "days" by default.

        Returns
        -------
        Samples
            The names of the columns are its `x_name` and `y_name`; a sign (%, $, €, ...) in every cell joins them.

        Raises
        ------
        InputError
            For a file that cannot be read, is ragged or has two readings, a column that is not there, a text or an
            infinite number where a number is expected (with the line as an editor counts it and the column), and for
            what Samples refuses.
        """
        path = file_path("path", path)
        marks = {"sep": sep, "decimal": decimal, "thousands": thousands, "comment": comment, "encoding": encoding}
        try:
            options, wanted = Options.of(missing, header, **marks), Wanted(x, y, weights)
            table = read_table(path, wanted, options) or read_columns(path, wanted, options)
            return cls._of(table, unit)
        except InputError as error:
            raise InputError(f"{path}: {error}") from None

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        x: str | int | None = None,
        y: str | int | None = None,
        *,
        weights: str | int | None = None,
        missing: Literal["error", "drop"] = "error",
        unit: str | None = None,
    ) -> Samples:
        """Samples from columns of a DataFrame `frame`, chosen and named as in `from_csv`.

        Its index is the first column if it has a name, or holds dates or durations. `x`, `y`, `weights`, `missing`
        and `unit` are as in `from_csv`. O(n log n).

        Raises
        ------
        InputError
            For a column that is not there or holds no numbers, a missing value, and for what Samples refuses.
        """
        choice("missing", missing, ("error", "drop"))
        return cls._of(frame_columns(frame, Wanted(x, y, weights), missing), unit)

    @classmethod
    def _of(cls, table: Columns, unit: str | None) -> Samples:
        return cls(table.x, table.y, table.weights, x_name=table.x_name, y_name=table.y_name, unit=unit)

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
        xs = finite("x", x)
        ys = finite("f(x)", function("f", f)(xs))
        noise = number("noise", noise, least=0.0)
        if rng is not None:
            generator(rng)
        if noise == 0:
            return cls(xs, ys)
        return cls(xs, ys + noise * generator(rng).standard_normal(len(ys)))


def given(data: Any) -> Samples:
    """`data` as Samples, if it is Samples, a DataFrame or a Series; else InputError."""
    if isinstance(data, Samples):
        return data
    if is_frame(data) or is_series(data):
        return Samples(data)
    raise InputError(f"data is of type {type(data).__name__}: it must be Samples, made by Samples(x, y)")
