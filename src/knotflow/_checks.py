"""The checks at the boundary: an argument as what it must be, or an InputError that says what that is.

Every message has one form: ``name is value: it must be ...``.
"""

from __future__ import annotations

import inspect
import math
import operator
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from numbers import Real
from typing import Any, NoReturn, TypeVar

import numpy as np
from numpy.ma import MaskedArray, is_masked
from numpy.typing import ArrayLike

from knotflow._typing import Array, Ints
from knotflow.errors import InputError

__all__ = [
    "as_float",
    "beyond_float64",
    "choice",
    "count",
    "every",
    "extent",
    "fitting",
    "flag",
    "freeze",
    "function",
    "generator",
    "in_range",
    "indices",
    "instance",
    "interval",
    "is_whole",
    "items",
    "number",
    "numbers",
    "numeric",
    "pair",
    "per_neuron",
    "shown",
    "text",
    "vector",
]

T = TypeVar("T")

_LARGEST_COUNT = np.iinfo(np.int64).max
_HOLDING = (MaskedArray, list, tuple)  # what may hold a mask
_LONGEST = 200  # characters of a value that a message repeats


def shown(value: object) -> str:
    """`value` as a message repeats it: its repr, cut where it is long, or its type where it has none."""
    try:
        written = repr(value)
    except Exception:  # whatever a foreign class raises
        return f"a {type(value).__name__}"
    return written if len(written) <= _LONGEST else f"{written[: _LONGEST - 3]}..."


def numeric(name: str, values: ArrayLike) -> Array:
    """`values` as float64 of any shape, finite or not: a new array. Masked entries, bools and texts are refused."""
    _refuse_masked(name, values)
    try:
        array = np.asarray(values)
    except Exception as error:  # whatever the conversion of a foreign class raises
        raise InputError(f"{name} is not an array of numbers: {shown(error)[:_LONGEST]}") from None
    if array.dtype.kind not in "iuf":
        hint = "write 1.0 and 0.0 if they are meant" if array.dtype.kind == "b" else "convert it to float first"
        raise InputError(f"{name} has dtype {array.dtype}: it must hold real numbers; {hint}")
    if array.dtype.itemsize <= 8:
        return array.astype(np.float64)
    with np.errstate(over="ignore"):
        result = array.astype(np.float64)
    if (np.isinf(result) & np.isfinite(array)).any():
        raise InputError(f"{name} has a {array.dtype} beyond float64: every value must be a float64")
    return result


def _refuse_masked(name: str, values: object) -> None:
    """InputError if some entries of `values`, a masked array or a list of such, are masked."""
    if isinstance(values, np.ndarray):
        parts: Sequence[Any] = (values,) if isinstance(values, MaskedArray) else ()
    else:
        parts = _masked_arrays(values)
    hidden = sum(int(np.sum(np.ma.getmaskarray(part))) for part in parts if is_masked(part))
    if hidden:
        are = "1 masked value" if hidden == 1 else f"{hidden} masked values"
        raise InputError(f"{name} has {are}: drop or fill them, for example {name}.compressed()")


def _masked_arrays(values: object) -> list[Any]:
    """The masked arrays in lists and tuples, and in those that they hold."""
    if isinstance(values, MaskedArray):
        return [values]
    if not isinstance(values, list | tuple) or not any(issubclass(kind, _HOLDING) for kind in set(map(type, values))):
        return []
    return [found for each in values for found in _masked_arrays(each)]


def numbers(name: str, values: ArrayLike) -> Array:
    """`values` as finite float64 of any shape: a new array. What `numeric` refuses is refused."""
    array = numeric(name, values)
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
    infinite: bool = False,
) -> float:
    """`value` as a float with above < value < below and least <= value <= most, finite unless `infinite`; no bool."""
    result = as_float(value)
    if infinite and math.isinf(result) and least <= result <= most and (above < result or above == result < 0):
        return result
    if math.isfinite(result) and above < result < below and least <= result <= most:
        return result
    signs = {">": above, ">=": least, "<": below, "<=": most}
    bounds = [f"{sign} {bound:g}" for sign, bound in signs.items() if math.isfinite(bound)]
    what = "a number, finite or infinite" if infinite else "a finite number"
    raise InputError(f"{name} is {shown(value)}: it must be {what}{' ' * bool(bounds)}{' and '.join(bounds)}")


def as_float(value: object) -> float:
    """`value`, if it is a real number, as a float; NaN for all else, bools, times and ints beyond float64 too."""
    if not isinstance(value, Real) or isinstance(value, bool | np.timedelta64):
        return math.nan
    try:
        result = float(value)
        return result if math.isfinite(result) or value == result else math.nan
    except Exception:  # an int beyond float64; whatever the conversion of a foreign class raises
        return math.nan


def is_whole(value: object) -> bool:
    """Whether `value` is an integer, NumPy's included; bool is not."""
    if isinstance(value, bool | np.bool_ | MaskedArray) or not hasattr(value, "__index__"):
        return False
    try:
        operator.index(value)
    except Exception:  # an array that is not one integer, a class, whatever a foreign class raises
        return False
    return not (isinstance(value, np.ndarray) and value.dtype.kind == "b")


def count(name: str, value: object, *, least: int = 0, most: int | None = None) -> int:
    """`value` as an int with least <= value <= most, within int64. bool is refused, NumPy's integers are not."""
    if is_whole(value):
        result = operator.index(value)  # type: ignore[arg-type]
        if least <= result <= (_LARGEST_COUNT if most is None else most):
            return result
    bounds = f"of at least {least}" if most is None else f"from {least} to {most}"
    raise InputError(f"{name} is {shown(value)}: it must be a whole number {bounds}")


def flag(name: str, value: object) -> bool:
    """`value` as a bool; numbers are refused."""
    if not isinstance(value, bool | np.bool_):
        raise InputError(f"{name} is {shown(value)}: it must be True or False")
    return bool(value)


def text(name: str, value: object) -> str:
    """`value`, if it is a str."""
    if not isinstance(value, str):
        raise InputError(f"{name} is {shown(value)}: it must be a str")
    return value


def choice(name: str, value: object, options: Iterable[str]) -> str:
    """`value`, if it is one of the words in `options`."""
    known = list(options)
    if not isinstance(value, str) or value not in known:
        raise InputError(f"{name} is {shown(value)}: it must be one of {', '.join(map(repr, known))}")
    return value


def generator(rng: object) -> np.random.Generator:
    """`rng`, if it is a numpy Generator."""
    if not isinstance(rng, np.random.Generator):
        made = "make one with numpy.random.default_rng(seed)"
        raise InputError(f"rng is {shown(rng)}: it must be a numpy Generator; {made}")
    return rng


def function(name: str, value: Any, of: str = "an array", arguments: int = 1) -> Callable[..., Any]:
    """`value`, if it can be called with so many arguments; `of` says what they are."""
    if not callable(value) or isinstance(value, type) or not _takes(value, arguments):
        raise InputError(f"{name} is {shown(value)}: it must be a function of {of}")
    return value


def _takes(f: Callable[..., Any], arguments: int) -> bool:
    """Whether `f` can be called with so many arguments; True where Python does not know."""
    try:
        inspect.signature(f).bind(*range(arguments))
    except TypeError:
        return False
    except Exception:  # functions in C, some of which have no signature
        return True
    return True


def fitting(**arrays: Array) -> None:
    """InputError unless these arrays can be broadcast against each other."""
    try:
        np.broadcast_shapes(*(array.shape for array in arrays.values()))
    except ValueError:
        shapes = " and ".join(f"{name} has shape {array.shape}" for name, array in arrays.items())
        raise InputError(f"{shapes}: they must fit each other, as NumPy broadcasts") from None


def in_range(name: str, values: ArrayLike, compute: Callable[[], Array]) -> Array:
    """compute(), which depends on the argument `values`; InputError where that is so large that float64 overflows."""
    with np.errstate(over="ignore", invalid="ignore"):
        result = compute()
    if not np.isfinite(result).all():
        beyond_float64(name, values)
    return result


def beyond_float64(name: str, values: ArrayLike) -> NoReturn:
    """InputError: what depends on the argument `values` is not a float64, because they are so large."""
    largest = float(np.max(np.abs(np.asarray(values, dtype=np.float64)), initial=0.0))
    raise InputError(f"{name} reaches {largest:g} in size: it must be smaller, the result is beyond float64")


def indices(name: str, values: ArrayLike, size: int = 2**53) -> Ints:
    """`values` as whole numbers from 0 to size - 1, of any shape."""
    if type(values) is np.ndarray and values.dtype == np.int64:
        array = values.copy()
    else:
        floats = numeric(name, values)
        array = np.where((floats >= 0) & (floats < 2**53) & (floats == np.floor(floats)), floats, -1).astype(np.int64)
    if array.size and not (array.min() >= 0 and array.max() < size):
        raise InputError(f"{name} is {shown(values)}: it must hold whole numbers from 0 to {size - 1}")
    return array


def instance(name: str, value: object, kind: type[T] | tuple[type[T], ...], what: str) -> T:
    """`value`, if it is of this kind; `what` says what kind that is and how to get one."""
    if not isinstance(value, kind):
        raise InputError(f"{name} is of type {type(value).__name__}: it must be {what}")
    return value


def items(name: str, values: object, what: str) -> list[Any]:
    """The members of a list, a tuple, an array or another iterable with an order; no text, mapping or set."""
    held = _members(values)
    if held is None:
        raise InputError(f"{name} is {shown(values)}: it must be a sequence of {what}")
    return held


def every(name: str, values: object, kind: type[T], what: str) -> list[T]:
    """The members of a sequence that are all of this kind."""
    held = items(name, values, what)
    for k, each in enumerate(held):
        instance(f"{name}[{k}]", each, kind, f"one of {what}")
    return held


def pair(name: str, value: object, what: str) -> tuple[Any, Any]:
    """The two members of `value`."""
    held = _members(value)
    if held is None or len(held) != 2:
        raise InputError(f"{name} is {shown(value)}: it must be {what}")
    return held[0], held[1]


def _members(values: object) -> list[Any] | None:
    """The members of an iterable with an order; None for all else, texts and mappings among it."""
    if not isinstance(values, Iterable) or isinstance(values, str | bytes | Mapping | Set):
        return None
    try:
        return list(values)
    except Exception:  # whatever a foreign class raises, or NumPy for an array without a dimension
        return None


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
