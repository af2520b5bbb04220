"""Samples: sorted, validated data, from arrays, from a CSV file or from a target function of the papers."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from knotflow._csv import read_columns
from knotflow.errors import InputError

if TYPE_CHECKING:
    from knotflow.network import ReLUNet

Array = NDArray[np.float64]
Named = TypeVar("Named", bound=Callable[..., Any])

__all__ = ["Catalogue", "Distinct", "Samples", "Scaling", "datasets", "targets"]

# Beyond these, 1 / span and the sums over x leave the range of float64.
_SMALLEST_SPAN, _LARGEST_SPAN = 1e-300, 1e300


@dataclass(frozen=True, init=False, eq=False, repr=False)
class Samples:
    """n weighted points (x_j, y_j), sorted by x; the loss of a function f is 1/2 sum_j w_j (f(x_j) - y_j)^2.

    `x`, `y` and `weights` are one-dimensional sequences of n finite numbers in any order; the same x may
    occur many times, but at least two x must differ. `weights` are positive, and 1 when left out: weight 2 is
    the sample twice. `x_name` and `y_name` are what axes and messages call the two.

    The attributes `x`, `y` and `weights` are (n,) float64, ascending in x (stable for ties) and read-only.

    Cost: O(n log n). Raises InputError for anything else, naming the argument and the index.
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
        object.__setattr__(self, "x_name", x_name)
        object.__setattr__(self, "y_name", y_name)

    def __len__(self) -> int:
        return len(self.x)

    def __repr__(self) -> str:
        y = f"[{self.y.min():.6g}, {self.y.max():.6g}]"
        ties = f"; {len(self.distinct.x)} distinct x" if self.has_ties else ""
        weighted = "; weighted" if np.any(self.weights != 1) else ""
        lo, hi = self.range
        x = f"[{lo:.6g}, {hi:.6g}]"
        return f"Samples({len(self)} points, {self.x_name} in {x}, {self.y_name} in {y}{ties}{weighted})"

    @cached_property
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
        """The same samples with mean 0 and standard deviation 1 in x and in y, and the way back.

        Means and deviations are weighted, so that a weight of 2 still is the sample twice; the deviation
        divides by the total weight. A constant y is shifted only (scale 1). Weights and names stay. Distinct
        x that are closer than float64 resolves at the size of x - mean become ties. Cost: O(n).
        """
        scaling = Scaling(*_centre_and_scale(self.x, self.weights), *_centre_and_scale(self.y, self.weights))
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

        The delimiter (comma, semicolon, tab, pipe or blanks) and whether the first row is a header are found;
        cells may be quoted and blank lines do not count. In a semicolon file "1,5" is 1.5.

        x, y     a column by its name, or by its number from 0 (a text of digits that is no column's name
                 counts as a number). None: the first, respectively the second, column that holds any number.
                 A first column without a name that just counts the rows from 0 or 1, as R and pandas write
                 it, is not one of the columns: neither for the defaults nor for the numbers.
        missing  what to do with a row whose x or y is missing (empty, NA, NaN, null, None or "."; in any
                 case): "error", or "drop" to leave the row out.

        The names of the columns become `x_name` and `y_name`. Raises InputError for a file that cannot be
        read or is ragged, a column that is not there, a text or an infinite number where a number is expected
        (with the line as an editor counts it and the column), and for what Samples refuses.
        """
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
        """y_j = f(x_j) + noise * z_j, the z_j standard normal, drawn from `rng` in the order of `x`.

        `f` takes and returns an (n,) array. Raises InputError if `noise` is negative or not finite, or is
        positive without an `rng`.
        """
        xs = _vector("x", x)
        ys = _vector("f(x)", f(xs))
        if not (math.isfinite(noise) and noise >= 0):
            raise InputError(f"noise is {noise}: it is a standard deviation and must be finite and at least 0")
        if noise == 0:
            return cls(xs, ys)
        if rng is None:
            raise InputError(f"noise is {noise} but rng is None: pass rng=numpy.random.default_rng(seed)")
        return cls(xs, ys + noise * rng.standard_normal(len(ys)))


@dataclass(frozen=True, eq=False)
class Distinct:
    """One point per distinct x. For every f, with n samples and s distinct x,

        1/2 sum_{j<n} w_j (f(x_j) - y_j)^2 = within + 1/2 sum_{k<s} weight_k (f(x_k) - y_k)^2

    x       (s,) ascending, s >= 2
    y       (s,) weighted mean of the y at each x
    weight  (s,) summed weight at each x
    within  1/2 sum_j w_j (y_j - mean at x_j)^2, the part of the loss that no function of x can remove
    """

    x: Array
    y: Array
    weight: Array
    within: float


@dataclass(frozen=True)
class Scaling:
    """Standard units and the user's: x = x_shift + x_scale u and y = y_shift + y_scale v, both scales > 0."""

    x_shift: float
    x_scale: float
    y_shift: float
    y_scale: float

    def x_to_standard(self, x: ArrayLike) -> Array:
        """u = (x - x_shift) / x_scale."""
        return (np.asarray(x, dtype=float) - self.x_shift) / self.x_scale

    def x_to_user(self, u: ArrayLike) -> Array:
        """x = x_shift + x_scale u."""
        return self.x_shift + self.x_scale * np.asarray(u, dtype=float)

    def y_to_standard(self, y: ArrayLike) -> Array:
        """v = (y - y_shift) / y_scale."""
        return (np.asarray(y, dtype=float) - self.y_shift) / self.y_scale

    def y_to_user(self, v: ArrayLike) -> Array:
        """y = y_shift + y_scale v."""
        return self.y_shift + self.y_scale * np.asarray(v, dtype=float)

    def net_to_user(self, net: ReLUNet) -> ReLUNet:
        """The same function in the user's units: x -> y_shift + y_scale net((x - x_shift) / x_scale). O(m).

        a / x_scale, b + a x_shift / x_scale, y_scale c, y_shift + y_scale bias; the norm stays.
        """
        a = net.a / self.x_scale
        return net.replace(
            a=a, b=net.b + a * self.x_shift, c=self.y_scale * net.c, bias=float(self.y_to_user(net.bias))
        )


def given(data: Any) -> Samples:
    """`data`, if it is Samples; else an InputError that says what to do."""
    if not isinstance(data, Samples):
        raise InputError(f"data is of type {type(data).__name__}: it must be Samples, made by Samples(x, y)")
    return data


# -- validation ------------------------------------------------------------------------------------------


def _vector(name: str, values: ArrayLike) -> Array:
    """`values` as finite float64 of shape (n,), n >= 1, or InputError."""
    numbers = _numeric(name, values)
    if numbers.ndim != 1:
        raise InputError(f"{name} has shape {numbers.shape}: it must be one-dimensional, for example {name}.ravel()")
    if numbers.size == 0:
        raise InputError(f"{name} is empty: at least two samples with distinct x are needed")
    bad = np.flatnonzero(~np.isfinite(numbers))
    if bad.size:
        more = f" ({bad.size} values are not finite)" if bad.size > 1 else ""
        raise InputError(f"{name}[{bad[0]}] is {numbers[bad[0]]}: every value must be finite; drop or fill it{more}")
    return numbers


def _numeric(name: str, values: ArrayLike) -> Array:
    if np.ma.is_masked(values):
        raise InputError(f"{name} has masked values: drop or fill them, for example {name}.compressed()")
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"{name} is not an array of numbers: {error}") from None
    if array.dtype.kind not in "biuf":
        raise InputError(f"{name} has dtype {array.dtype}: it must hold real numbers; convert it to float first")
    with np.errstate(over="ignore"):  # a long double too large for float64 becomes inf, and is refused as such
        return array.astype(np.float64)


def _check_lengths(x: Array, y: Array, weights: Array) -> None:
    for name, values in (("y", y), ("weights", weights)):
        if len(values) != len(x):
            raise InputError(f"{name} has length {len(values)} and x has length {len(x)}: they must be equal")


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


def _centre_and_scale(values: Array, weights: Array) -> tuple[float, float]:
    """Weighted mean and standard deviation, safe from overflow; the scale of a constant is 1."""
    lo = float(values.min())
    width = float(values.max()) - lo
    if width == 0:
        return lo, 1.0
    z, p = (values - lo) / width, weights / weights.sum()
    mean = float(p @ z)
    deviation = math.sqrt(p @ (z - mean) ** 2)
    return (
        lo + width * mean,
        width * deviation or width,
    )  # weights too uneven for a deviation: the width will do


# -- target functions and data sets ----------------------------------------------------------------------


class Catalogue(Mapping[str, Named]):
    """Functions by name: `targets.sine`, `targets["sine"]`, `list(targets)`. It cannot be changed."""

    def __init__(self, *functions: Named) -> None:
        vars(self).update({f.__name__: f for f in functions})

    def __getitem__(self, name: str) -> Named:
        return vars(self)[name]

    def __iter__(self) -> Iterator[str]:
        return iter(vars(self))

    def __len__(self) -> int:
        return len(vars(self))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"cannot set {name!r}: a Catalogue does not change")

    def __repr__(self) -> str:
        return f"Catalogue({', '.join(self)})"

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Named: ...


def square_wave(x: ArrayLike) -> Array:
    """sign(sin(2 pi x + 0.4)). Williams et al. 2019, section 4: 10 samples of it, on [-1, 1].

    The paper prints no formula; the phase keeps the jumps off the samples and the data lopsided.
    """
    return np.sign(np.sin(2 * np.pi * np.asarray(x, dtype=float) + 0.4))


def sine(x: ArrayLike) -> Array:
    """sin(pi x). Williams et al. 2019, figure 5; Sahs et al. 2022, tables 1 and 3, on [-2, 2].

    Sahs et al. print sin(x), but their table 3 has losses that only two periods or so can give.
    """
    return np.sin(np.pi * np.asarray(x, dtype=float))


def quadratic(x: ArrayLike) -> Array:
    """x^2 / 2. Sahs et al. 2022, tables 1 and 3 (appendix A.1 and A.2), on [-2, 2]."""
    return np.asarray(x, dtype=float) ** 2 / 2


def cubic(x: ArrayLike) -> Array:
    """x^3/3 + x^2/2 - x/2. Sahs et al. 2022, table 3 (appendix A.2), on [-2, 2].

    The print of the coefficients is hard to read: these are the likeliest.
    """
    x = np.asarray(x, dtype=float)
    return x**3 / 3 + x**2 / 2 - x / 2


def arctan(x: ArrayLike) -> Array:
    """arctan(x). Sahs et al. 2022, table 3 (appendix A.2), on [-2, 2]."""
    return np.arctan(np.asarray(x, dtype=float))


def exponential(x: ArrayLike) -> Array:
    """exp(x / 2). Sahs et al. 2022, table 3 (appendix A.2), on [-2, 2]."""
    return np.exp(np.asarray(x, dtype=float) / 2)


def sawtooth(x: ArrayLike) -> Array:
    """Continuous zigzag of period 1 from -1 at the integers to 1 halfway between them.

    Sahs et al. 2022, table 3 (appendix A.2): on [-2, 2], with -1 at both ends and 4 peaks of 1.
    """
    x = np.asarray(x, dtype=float)
    return 4 * np.abs(x - np.round(x)) - 1


def smooth_gap(x: ArrayLike) -> Array:
    """x/2 + sign(x)/2, sampled on both sides of the gap [-0.5, 0.5]: bridging it takes mild turns.

    After Sahs et al. 2022, figures 10 and 11 (left); the paper prints no formula.
    """
    x = np.asarray(x, dtype=float)
    return 0.5 * x + 0.5 * np.sign(x)


def sharp_gap(x: ArrayLike) -> Array:
    """-x/2 + 3 sign(x)/2, sampled on both sides of the gap [-0.5, 0.5]: bridging it takes two sharp turns.

    After Sahs et al. 2022, figures 10 and 11 (right); the paper prints no formula.
    """
    x = np.asarray(x, dtype=float)
    return -0.5 * x + 1.5 * np.sign(x)


def motorcycle() -> Samples:
    """Head acceleration (g) against time (ms) in a motorcycle impact: 133 samples at 94 distinct times.

    Silverman 1985, J. R. Statist. Soc. B 47, 1-52; `mcycle` in R's package MASS.
    """
    data = _shipped("mcycle.csv", "times", "accel")
    return dataclasses.replace(data, x_name="time (ms)", y_name="acceleration (g)")


def nile() -> Samples:
    """Annual flow of the Nile at Aswan (1e8 m^3), 1871 to 1970: 100 samples with a drop at 1898.

    Cobb 1978, Biometrika 65, 243-251; `Nile` in R.
    """
    return dataclasses.replace(_shipped("nile.csv", "year", "volume"), x_name="year", y_name="flow (1e8 m³)")


def _shipped(file: str, x: str, y: str) -> Samples:
    from importlib.resources import as_file, files

    with as_file(files("knotflow") / "data" / file) as path:
        return Samples.from_csv(path, x, y)


targets: Catalogue[Callable[[ArrayLike], Array]] = Catalogue(
    square_wave, sine, quadratic, cubic, arctan, exponential, sawtooth, smooth_gap, sharp_gap
)
datasets: Catalogue[Callable[[], Samples]] = Catalogue(motorcycle, nile)
