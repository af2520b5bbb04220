"""Every public object can be pickled and copied; the copy is equal, bit for bit, and its arrays are read-only."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Mapping
from functools import cached_property
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
import pytest
from tests.helpers.public import DATA, EXAMPLES, METHODS, NET, OTHER_CONVENTIONS, example, run

import knotflow as kf

WAYS = {
    "pickle": lambda value: pickle.loads(pickle.dumps(value)),
    "oldest pickle": lambda value: pickle.loads(pickle.dumps(value, protocol=2)),
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}
# Operators over the engine's arrays, which numba wants to be writable: not values.
OPERATORS = {"hessian product", "tangent kernel"}


def assert_same(one: Any, other: Any, path: str = "value") -> None:
    """Field by field the same, arrays bit for bit."""
    assert type(one) is type(other), path
    if isinstance(one, np.ndarray):
        assert (one.dtype, one.shape) == (other.dtype, other.shape), path
        assert one.tobytes() == other.tobytes(), path
    elif isinstance(one, Mapping):
        assert list(one) == list(other), path
        for name in one:
            assert_same(one[name], other[name], f"{path}[{name!r}]")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), path
        for k, (left, right) in enumerate(zip(one, other, strict=True)):
            assert_same(left, right, f"{path}[{k}]")
    elif isinstance(one, np.random.Generator):
        assert one.bit_generator.state == other.bit_generator.state, path
    elif isinstance(one, np.random.RandomState):
        assert_same(one.get_state(legacy=False), other.get_state(legacy=False), path)
    elif isinstance(one, FunctionType | type | ModuleType):
        assert one is other, path
    elif hasattr(one, "__dict__") and not isinstance(one, BaseException):
        fields = {name for name in vars(one) if not isinstance(getattr(type(one), name, None), cached_property)}
        for name in fields:
            assert_same(vars(one)[name], vars(other)[name], f"{path}.{name}")
    else:
        assert one == other or repr(one) == repr(other), path


def own_arrays(value: Any, path: str = "value") -> dict[str, np.ndarray]:
    """The arrays that belong to a value: in its fields and cached properties, in containers and values among them."""
    if isinstance(value, np.ndarray):
        return {path: value}
    if isinstance(value, Mapping):
        parts = {f"{path}[{name!r}]": part for name, part in value.items()}
    elif isinstance(value, tuple | list):
        parts = {f"{path}[{k}]": part for k, part in enumerate(value)}
    elif type(value).__module__.startswith("knotflow") and hasattr(value, "__dict__"):
        parts = {f"{path}.{name}": part for name, part in vars(value).items()}
    else:  # SciPy's objects are SciPy's
        return {}
    return {at: array for name, part in parts.items() for at, array in own_arrays(part, name).items()}


def classes() -> dict[type, str]:
    """Every public class with its address."""
    found: dict[type, str] = {}
    rooms = {"kf": kf} | {f"kf.{name}": getattr(kf, name) for name in kf.__all__ if name not in OTHER_CONVENTIONS}
    rooms["kf.papers.ledger"] = kf.papers.ledger
    for address, room in rooms.items():
        for name in getattr(room, "__all__", ()) if isinstance(room, ModuleType) else ():
            value = getattr(room, name)
            if inspect.isclass(value) and value.__module__.startswith("knotflow") and not inspect.isabstract(value):
                found.setdefault(value, f"{address}.{name}")
    return found


def test_every_public_class_has_an_example() -> None:
    held = {type(example(name)) for name in EXAMPLES}
    assert not {address for cls, address in classes().items() if cls not in held}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", EXAMPLES)
def test_copies_are_the_same_and_stay_read_only(name: str, way: str) -> None:
    value = example(name)
    copied = WAYS[way](value)
    assert_same(value, copied)
    if name not in OPERATORS:
        assert not {at for at, array in own_arrays(copied).items() if array.flags.writeable}
        assert not {at for at, array in own_arrays(value).items() if array.flags.writeable}


def test_operators_work_as_before_when_copied() -> None:
    product, kernel = example("hessian product"), example("tangent kernel")
    for way in WAYS.values():
        v, w = np.arange(product.shape[0]), np.arange(len(kernel.x))
        assert np.array_equal(way(product) @ v, product @ v)
        assert np.array_equal(way(kernel) @ w, kernel @ w)


@pytest.mark.parametrize("name", sorted(set(EXAMPLES) - OPERATORS))
def test_replacing_a_field_by_a_writable_array_keeps_its_own_copy(name: str) -> None:
    value = example(name)
    if not dataclasses.is_dataclass(value):
        return
    parameters = inspect.signature(type(value)).parameters
    arrays = {
        field.name: np.array(held)
        for field in dataclasses.fields(value)
        if field.name in parameters and isinstance(held := getattr(value, field.name), np.ndarray)
    }
    replaced = dataclasses.replace(value, **arrays)
    for field, array in arrays.items():
        held = getattr(replaced, field)
        assert not held.flags.writeable, field
        assert not np.shares_memory(held, array), field
        assert array.flags.writeable, "the caller's array is as it was"


@pytest.mark.parametrize("name", METHODS)
def test_a_copied_run_goes_on_as_the_run_does(name: str) -> None:
    more = {"until": 0.2} if "flow" in name else {"steps": 4}
    going_on = run(name).resume(**more)
    for way in WAYS.values():
        copied = way(run(name))
        for _ in range(2):  # the state is not used up
            assert_same(copied.resume(**more).final, going_on.final)


def test_cached_values_agree_with_the_copy() -> None:
    data = kf.Samples([2.0, 0.0, 1.0, 1.0], [5.0, 1.0, 2.0, 4.0])
    data.distinct  # noqa: B018 -- computed before it is copied
    twin = copy.deepcopy(data)
    with pytest.raises(ValueError, match="read-only"):
        twin.x[0] = -99.0
    assert_same(twin.distinct, data.distinct)
    assert twin.distinct.x is not data.distinct.x


def test_a_copy_of_a_network_computes_bit_for_bit_the_same() -> None:
    x = np.linspace(-3, 3, 101)
    for way in WAYS.values():
        assert way(NET)(x).tobytes() == NET(x).tobytes()
        assert way(DATA).distinct.y.tobytes() == DATA.distinct.y.tobytes()
