"""What samples must be: finite numbers of one length, positive weights, x with a span, a loss that is a float64."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from knotflow._checks import numeric
from knotflow._typing import Array
from knotflow.data.frames import plain
from knotflow.errors import InputError

__all__ = ["check_lengths", "check_magnitudes", "check_weights", "finite", "read_only"]

# Beyond these, 1 / span and the sums over x leave the range of float64.
_SMALLEST_SPAN, _LARGEST_SPAN = 1e-300, 1e300


def finite(name: str, values: Any) -> Array:
    """`values` as finite float64 of shape (n,), n >= 1, or InputError."""
    numbers = numeric(name, plain(values))
    if numbers.ndim != 1:
        raise InputError(f"{name} has shape {numbers.shape}: it must be one-dimensional, for example {name}.ravel()")
    if numbers.size == 0:
        raise InputError(f"{name} is empty: at least two samples with distinct x are needed")
    bad = np.flatnonzero(~np.isfinite(numbers))
    if bad.size:
        more = f" ({bad.size} values are not finite)" if bad.size > 1 else ""
        raise InputError(f"{name}[{bad[0]}] is {numbers[bad[0]]}: every value must be finite; drop or fill it{more}")
    return numbers


def check_lengths(x: Array, y: Array, weights: Array) -> None:
    """Refuse arrays that are not of one length."""
    for name, values in (("y", y), ("weights", weights)):
        if len(values) != len(x):
            raise InputError(f"{name} has length {len(values)}: it must have length {len(x)}, as x has")


def check_weights(weights: Array) -> None:
    """Refuse weights that are not positive."""
    bad = np.flatnonzero(weights <= 0)
    if bad.size:
        raise InputError(f"weights[{bad[0]}] is {weights[bad[0]]}: every weight must be > 0; drop the sample instead")


def check_magnitudes(x: Array, y: Array, weights: Array) -> None:
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


def read_only(values: Array) -> Array:
    """The same array, which cannot be written to any more."""
    values.setflags(write=False)
    return values
