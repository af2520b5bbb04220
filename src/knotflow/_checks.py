"""The checks at the boundary: an argument as what it must be, or an InputError that says what that is.

Every message has one form: ``name is value: it must be ...``.
"""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Iterable
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from knotflow._typing import Array
from knotflow.errors import InputError

__all__ = [
    "choice",
    "count",
    "directory",
    "extent",
    "flag",
    "freeze",
    "generator",
    "interval",
    "is_whole",
    "number",
    "numbers",
    "per_neuron",
    "vector",
]


def numbers(name: str, values: ArrayLike) -> Array:
    """`values` as finite float64 of any shape: a new array."""
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"{name} is not an array of numbers: {error}") from None
    if array.dtype.kind not in "biuf":
        raise InputError(f"{name} has dtype {array.dtype}: it must hold real numbers")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        at = f"[{', '.join(map(str, where))}]" if where else ""
        raise InputError(f"{name}{at} is {array[where]}: every value must be finite")
    return array


def vector(name: str, values: ArrayLike, size: int | None = None, like: str = "") -> Array:
    """`values` as a read-only float64 copy of shape (size,); `like` names the argument whose size it is."""
    array = numbers(name, values)
    if array.ndim != 1:
        raise InputError(f"{name} has shape {array.shape}: it must be one-dimensional")
    if size is not None and len(array) != size:
        raise InputError(f"{name} has length {len(array)}: it must have length {size}, as {like} has")
    array.setflags(write=False)
    return array


def per_neuron(name: str, value: ArrayLike, m: int) -> Array:
    """A number, spread over the m neurons, or one number for each."""
    array = numbers(name, value)
    if array.shape not in ((), (m,)):
        raise InputError(f"{name} has shape {array.shape}: it must be a number or have shape ({m},), one per neuron")
    return np.broadcast_to(array, m)


def number(
    name: str,
    value: object,
    *,
    above: float = -np.inf,
    least: float = -np.inf,
    below: float = np.inf,
    most: float = np.inf,
) -> float:
    """`value` as a finite float with above < value < below and least <= value <= most. bool is refused."""
    if isinstance(value, Real) and not isinstance(value, bool):
        result = float(value)
        if math.isfinite(result) and above < result < below and least <= result <= most:
            return result
    signs = {">": above, ">=": least, "<": below, "<=": most}
    bounds = [f"{sign} {bound:g}" for sign, bound in signs.items() if math.isfinite(bound)]
    raise InputError(f"{name} is {value!r}: it must be a finite number{' ' * bool(bounds)}{' and '.join(bounds)}")


def is_whole(value: object) -> bool:
    """Whether `value` is an integer, NumPy's included; bool is not."""
    if isinstance(value, bool | np.bool_) or not hasattr(value, "__index__"):
        return False
    return not isinstance(value, np.ndarray) or value.ndim == 0


def count(name: str, value: object, *, least: int = 0, most: int | None = None) -> int:
    """`value` as an int with least <= value <= most. bool is refused, NumPy's integers are not."""
    if is_whole(value):
        result = operator.index(value)  # type: ignore[arg-type]
        if result >= least and (most is None or result <= most):
            return result
    bounds = f"of at least {least}" if most is None else f"from {least} to {most}"
    raise InputError(f"{name} is {value!r}: it must be a whole number {bounds}")


def directory(name: str, value: str | os.PathLike[str]) -> Path:
    """`value` as the path of a directory that is there, or that can be made."""
    path = Path(value)
    there = next(each for each in (path, *path.absolute().parents) if each.exists())
    if not there.is_dir():
        raise InputError(f"{name} is {path}: it must be a directory, but {there} is a file; choose another name")
    if not os.access(there, os.W_OK | os.X_OK):
        raise InputError(f"{name} is {path}: there is no permission to write to {there}; choose another directory")
    return path


def flag(name: str, value: object) -> bool:
    """`value` as a bool; numbers are refused."""
    if not isinstance(value, bool | np.bool_):
        raise InputError(f"{name} is {value!r}: it must be True or False")
    return bool(value)


def choice(name: str, value: object, options: Iterable[str]) -> str:
    """`value`, if it is one of the words in `options`."""
    words = list(options)
    if not isinstance(value, str) or value not in words:
        raise InputError(f"{name} is {value!r}: it must be one of {', '.join(map(repr, words))}")
    return value


def generator(rng: object) -> np.random.Generator:
    """`rng`, if it is a numpy Generator."""
    if not isinstance(rng, np.random.Generator):
        raise InputError(f"rng is {rng!r}: it must be a numpy Generator; make one with numpy.random.default_rng(seed)")
    return rng


def interval(lo: float, hi: float) -> tuple[float, float]:
    """(lo, hi) as finite floats with lo < hi."""
    lo, hi = number("lo", lo), number("hi", hi)
    if not lo < hi:
        raise InputError(f"the interval ({lo:g}, {hi:g}) is empty: lo must be less than hi")
    return lo, hi


def freeze(record: Any, **fields: Any) -> None:
    """Set fields of a frozen record while it is being made."""
    for name, value in fields.items():
        object.__setattr__(record, name, value)


def extent(values: Array) -> str:
    """The interval "[smallest, largest]", for a repr, with digits enough to tell them apart."""
    low, high = float(np.min(values)), float(np.max(values))
    digits = next((d for d in range(6, 17) if _apart(low, high, d)), 17)
    if digits > 6 and max(abs(low), abs(high)) < 1e15:
        digits = max(digits, len(f"{max(abs(low), abs(high)):.0f}"))  # no power of ten
    return f"[{low:.{digits}g}, {high:.{digits}g}]"


def _apart(low: float, high: float, digits: int) -> bool:
    """Whether their distance shows to a thousandth in so many digits."""
    error = max(abs(float(f"{end:.{digits}g}") - end) for end in (low, high))
    return not error > 1e-3 * (high - low) or low == high
