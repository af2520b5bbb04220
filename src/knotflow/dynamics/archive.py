"""A run as one file: named arrays and a JSON description, in NumPy's .npz. It knows no class of ours.

Format 3 holds the arrays under their names, the session's state under ``state_`` names, and ``about``, a JSON object.
Format 2 is read too: there ``about["dynamics"]`` is text within the text, and the names of the state are the engine's
of that time. `STATE_OF_2` lists them beside the names of format 3, which do not change when the engine's do; those of
gradient descent, whose state is several records, stand beside these (`engine.descent`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from knotflow._files import atomic_write
from knotflow._paths import new_file
from knotflow._typing import AnyArray
from knotflow.errors import InputError

__all__ = ["FORMAT", "STATE_OF_2", "Content", "as_text", "generator", "read", "settings", "with_probability", "write"]

FORMAT = 3
_READS = (2, 3)
_STATE = "state_"

# The names of format 2 that are not those of format 3, for each state by a name that only it has.
STATE_OF_2: Mapping[str, Mapping[str, str]] = {
    "params": {
        "params": "parameters",
        "first": "first_moment",
        "second": "second_moment",
        "bias_history": "bias_moments",
        "ca": "sums_ca",
        "cb": "sums_cb",
        "taken": "steps_taken",
    },
    "z": {
        "z": "parameters",
        "group": "mode",
        "moments": "second_moments",
        "sign": "sliding_sign",
        "share": "weights",
        "r": "residuals",
        "basis": "kernel_basis",
        "eigen": "kernel_eigenvalues",
        "power": "power_iteration",
        "counts": "registers",
        "real": "real_registers",
    },
}


class Content(NamedTuple):
    """What a file holds."""

    arrays: dict[str, AnyArray]
    state: dict[str, AnyArray] | None
    about: dict[str, Any]


def write(path: str | os.PathLike[str], content: Content) -> Path:
    """Write a file, whole or not at all, with the suffix .npz added if it is missing; returns its path."""
    target = new_file("path", path)
    if target.suffix != ".npz":
        target = target.with_name(target.name + ".npz")
    about = np.array(as_text({"format": FORMAT, **content.about}))
    state: dict[str, Any] = {f"{_STATE}{name}": value for name, value in (content.state or {}).items()}
    arrays: dict[str, Any] = dict(content.arrays)
    with atomic_write(target) as temporary:
        np.savez_compressed(temporary, about=about, **arrays, **state)
    return target


def read(path: str | os.PathLike[str]) -> Content:
    """What `write` wrote, in format 3 whichever the file has. InputError for another format; else what NumPy raises."""
    with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    about = json.loads(str(arrays.pop("about")))
    if about["format"] not in _READS:
        raise InputError(f"{path} has format {about['format']}: this version of knotflow reads 2 and {FORMAT}")
    state = {name.removeprefix(_STATE): arrays.pop(name) for name in list(arrays) if name.startswith(_STATE)}
    if about["format"] == 2:
        about["dynamics"] = json.loads(about["dynamics"])
        state = _renamed(state)
    return Content(arrays, state or None, about)


def _renamed(state: dict[str, AnyArray]) -> dict[str, AnyArray]:
    """The state of a file of format 2 under the names of format 3."""
    names = next((names for mark, names in STATE_OF_2.items() if mark in state), {})
    return {names.get(name, name): value for name, value in state.items()}


# --- records as text --------------------------------------------------------------------------------------------


def settings(record: Any) -> dict[str, Any]:
    """The name of a dataclass record and its fields, in what JSON can hold."""
    found: dict[str, Any] = {"method": type(record).__name__}
    for entry in fields(record):
        value = getattr(record, entry.name)
        if isinstance(value, frozenset):
            value = sorted(value)
        elif isinstance(value, np.random.Generator):
            value = value.bit_generator.state
        found[entry.name] = value
    return found


def with_probability(events: AnyArray, kind: np.dtype[Any]) -> AnyArray:
    """A table of events as ``kind`` has it; before events had a probability, each of them was taken for certain."""
    table = np.ones(events.size, kind)
    for name in events.dtype.names or ():
        table[name] = events[name]
    return table


def as_text(value: Any) -> str:
    """``value`` as JSON; arrays and NumPy's numbers become lists and numbers."""
    return json.dumps(value, default=lambda array: array.tolist())


def generator(state: Mapping[str, Any]) -> np.random.Generator:
    """The random generator whose bit generator has this state."""
    bits = getattr(np.random, state["bit_generator"])()
    bits.state = state
    return np.random.Generator(bits)
