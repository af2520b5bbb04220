"""Values: records whose arrays cannot be written to, as they are made and as they are copied.

`immutable` is the one place that says how a record is pickled and copied: `pickle`, `copy.copy`, `copy.deepcopy` and
process pools all ask `__reduce_ex__`. NumPy forgets there that an array is read-only, and a cached property would hold
its own copy of what it was made from; so the arrays are made read-only again, and cached properties are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, wraps
from typing import Any, TypeVar

import numpy as np

__all__ = ["FrozenMapping", "derived", "immutable", "read_only"]

C = TypeVar("C", bound=type)
K = TypeVar("K")
V = TypeVar("V")


def immutable(cls: C) -> C:
    """Class decorator of a record, below `dataclass` or above a NamedTuple: its arrays are read-only, copied or not.

    An array that can be written to is copied as the record is made: it may be somebody else's.
    """
    record: Any = cls
    record.__reduce_ex__ = _reduce
    if issubclass(cls, tuple):
        record.__new__ = _frozen_at_birth(cls.__new__)
    else:
        record.__post_init__ = _frozen_after(getattr(cls, "__post_init__", None))
    return cls


def _frozen_at_birth(new: Callable[..., Any]) -> Callable[..., Any]:
    """`__new__` of a NamedTuple, with read-only arrays."""

    def made(cls: type, *parts: Any, **named: Any) -> Any:
        return tuple.__new__(cls, map(_owned, new(cls, *parts, **named)))

    made.__wrapped__ = new  # type: ignore[attr-defined]  # for inspect.signature
    return made


def _frozen_after(own: Callable[[Any], None] | None) -> Callable[[Any], None]:
    """`__post_init__` of a dataclass, with read-only arrays after it."""

    def after(self: Any) -> None:
        if own is not None:
            own(self)
        for name, held in vars(self).items():
            if isinstance(held, np.ndarray | dict):
                object.__setattr__(self, name, _owned(held))

    return after


def _owned(held: Any) -> Any:
    """An array, or those of a dict, as read-only ones that nobody else can write to; all else as it is."""
    if type(held) is dict:
        return {name: _owned(part) for name, part in held.items()}
    if not isinstance(held, np.ndarray) or not held.flags.writeable:
        return held
    array = held.copy()
    array.setflags(write=False)
    return array


def _reduce(self: Any, protocol: Any) -> tuple[Any, ...]:
    cls = type(self)
    if isinstance(self, tuple):
        return _restored, (cls, tuple(self))
    state = {name: held for name, held in vars(self).items() if not _cached(cls, name)}
    return _restored, (cls, state)


def _cached(cls: type, name: str) -> bool:
    return isinstance(getattr(cls, name, None), cached_property)


def _restored(cls: type, state: Any) -> Any:
    """The record with this state, which is its own."""
    _freeze(state)
    if issubclass(cls, tuple):
        return tuple.__new__(cls, state)
    made = object.__new__(cls)
    vars(made).update(state)
    return made


def read_only(*arrays: Any) -> tuple[Any, ...]:
    """These arrays, which nobody else holds, made read-only."""
    _freeze(arrays)
    return arrays


def _freeze(held: Any) -> None:
    """Make the arrays read-only that are held, in containers too."""
    if isinstance(held, np.ndarray):
        held.setflags(write=False)
    elif isinstance(held, dict):
        for each in held.values():
            _freeze(each)
    elif isinstance(held, list | tuple):
        for each in held:
            _freeze(each)


class derived(cached_property[V]):  # noqa: N801 -- as `property`
    """A `cached_property` of a value: its arrays cannot be written to, nor is it copied with the value."""

    def __init__(self, compute: Callable[[Any], V]) -> None:
        @wraps(compute)
        def frozen(self: Any) -> V:
            found = compute(self)
            _freeze(found)
            return found

        super().__init__(frozen)


class FrozenMapping(Mapping[K, V]):
    """A mapping that does not change, and that can be pickled, unlike `types.MappingProxyType`."""

    def __init__(self, held: Mapping[K, V]) -> None:
        self._held = dict(held)

    def __getitem__(self, key: K) -> V:
        return self._held[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self._held)

    def __len__(self) -> int:
        return len(self._held)

    def __repr__(self) -> str:
        return repr(self._held)
