"""Which entries of the ledger call which public functions, and what an entry says when such a function is wrong.

`recorded` lists the calls, `broken` puts a wrong function in the place of a right one for a while. A function is one
of a public module, or a method, property or ``__call__`` of a public class. tools/pins.py and the tests use this.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import importlib
import inspect
import numbers
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import CodeType, FrameType, ModuleType
from typing import Any

import numpy as np

import knotflow as kf

Change = Callable[[Any], Any]
Place = tuple[Any, str]  # a module or a class, and a name in it

CHANGES: Mapping[str, Change] = {
    "nan": lambda value: value * np.nan,
    "negative": lambda value: -value,
    "scaled": lambda value: 1.01 * value,
}


# -- what there is ---------------------------------------------------------------------------------------


def _faces() -> Iterator[tuple[str, ModuleType]]:
    """knotflow, its rooms, and the packages in rooms, by their public addresses."""
    yield "kf", kf
    for room in ("data", "deep", "dynamics", "initial", "kernels", "landscape", "laws", "multivariate", "segmented"):
        yield f"kf.{room}", getattr(kf, room)
    for room in ("splines", "views"):
        yield f"kf.{room}", getattr(kf, room)
    for package in (kf.dynamics, kf.initial, kf.splines):
        for each in pkgutil.iter_modules(package.__path__):
            if each.ispkg:
                name = f"{package.__name__}.{each.name}"
                yield f"kf{name.removeprefix('knotflow')}", importlib.import_module(name)


def functions() -> dict[str, list[Place]]:
    """Every public function by its first address, with all places where it stands."""
    found: dict[int, tuple[str, list[Place]]] = {}
    for address, face in _faces():
        for name in face.__all__:
            value = getattr(face, name)
            if callable(value) and not inspect.isclass(value) and str(_module(value)).startswith("knotflow"):
                found.setdefault(id(value), (f"{address}.{name}", []))[1].append((face, name))
            elif inspect.isclass(value) and value.__module__.startswith("knotflow"):
                for member in _members(value):
                    found.setdefault(id(vars(value)[member]), (f"{address}.{name}.{member}", [(value, member)]))
    return dict(found.values())


def _module(value: Any) -> Any:
    return getattr(value, "__module__", "")


def _members(cls: type) -> Iterator[str]:
    """The public methods and properties that a class defines itself, and its call."""
    kinds = (property, functools.cached_property, classmethod, staticmethod)
    for name, value in vars(cls).items():
        if (name == "__call__" or not name.startswith("_")) and (inspect.isfunction(value) or isinstance(value, kinds)):
            yield name


# -- results with other numbers in them --------------------------------------------------------------------


def changed(value: Any, change: Change) -> Any:
    """The value with every number in it changed; the value itself if there is none.

    Of a network its outer weights are changed, of other records what they hold of numbers, arrays and networks.
    """
    if isinstance(value, bool | np.bool_ | str) or value is None:
        return value
    if isinstance(value, numbers.Number):
        return change(value)
    if isinstance(value, np.ndarray):
        return change(value) if value.dtype.kind in "fciu" and value.size else value
    if isinstance(value, kf.ReLUNet):
        return _with(value, {"c": change(value.c)})
    if isinstance(value, tuple | list):
        parts = [changed(part, change) for part in value]
        if all(new is old for new, old in zip(parts, value, strict=True)):
            return value
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        plain = numbers.Number | np.ndarray | kf.ReLUNet
        new = {name: changed(part, change) for name, part in fields.items() if isinstance(part, plain)}
        new = {name: part for name, part in new.items() if part is not fields[name]}
        return _with(value, new) if new else value
    if inspect.isfunction(value):
        return functools.wraps(value)(lambda *args, **options: changed(value(*args, **options), change))
    return value


def _with(record: Any, values: Mapping[str, Any]) -> Any:
    """A copy of a frozen record with other values in it; what it keeps of earlier computations is dropped."""
    new = copy.copy(record)
    for name in [name for name in getattr(new, "__dict__", {}) if name not in _fields(record)]:
        del new.__dict__[name]
    for name, value in values.items():
        object.__setattr__(new, name, value)
    return new


def _fields(record: Any) -> set[str]:
    return {field.name for field in dataclasses.fields(record)} if dataclasses.is_dataclass(record) else {*vars(record)}


# -- other functions in their places -----------------------------------------------------------------------


def _wrapped(value: Any, after: Callable[[Any], Any]) -> Any:
    """A function, method or property whose results go through `after`."""

    def around(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def inner(*args: Any, **options: Any) -> Any:
            return after(function(*args, **options))

        return inner

    if isinstance(value, property):
        return property(around(value.fget), doc=value.__doc__)  # type: ignore[arg-type]
    if isinstance(value, functools.cached_property):
        return functools.cached_property(around(value.func))
    if isinstance(value, classmethod | staticmethod):
        return type(value)(around(value.__func__))
    return around(value)


@contextmanager
def broken(places: list[Place], change: Change) -> Iterator[None]:
    """Within the block every number that the function at these places gives is changed."""
    before = [(home, name, vars(home).get(name), name in vars(home)) for home, name in places]
    home, name = places[0]
    right = vars(home)[name] if inspect.isclass(home) else getattr(home, name)
    wrong = _wrapped(right, lambda result: changed(result, change))
    if isinstance(wrong, functools.cached_property):
        wrong.__set_name__(home, name)
    try:
        for home, name in places:
            setattr(home, name, wrong)
        yield
    finally:
        for home, name, value, there in before:
            setattr(home, name, value) if there else delattr(home, name)


def _codes(place: Place) -> Iterator[CodeType]:
    """The codes of a function, method or property, from the outermost decorator to the innermost function."""
    home, name = place
    value = vars(home)[name] if inspect.isclass(home) else getattr(home, name)
    for part in ("fget", "func", "__func__"):
        value = getattr(value, part, value)
    while value is not None:
        if hasattr(value, "__code__"):
            yield value.__code__
        value = getattr(value, "__wrapped__", None)


@contextmanager
def recorded(into: set[str]) -> Iterator[None]:
    """Within the block, `into` gets the addresses of the functions that give numbers to others than knotflow.

    A profiler sees the calls: the functions stay what they are, as some of knotflow know others by identity.
    """
    chains = {address: list(_codes(places[0])) for address, places in functions().items()}
    addresses = {codes[-1]: address for address, codes in chains.items() if codes}
    around = {code for codes in chains.values() for code in codes[:-1]}

    def seen(frame: FrameType, event: str, result: Any) -> None:
        if event != "return" or (address := addresses.get(frame.f_code)) is None or address in into:
            return
        caller = frame.f_back
        while caller and caller.f_code in around:
            caller = caller.f_back
        if caller and f"{caller.f_globals.get('__name__', '')}.".startswith("knotflow."):
            return
        if changed(result, CHANGES["negative"]) is not result:
            into.add(address)

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        yield
    finally:
        sys.setprofile(before)
