"""The engine's records as named arrays and back: a field may be renamed in the engine, its name in files stays.

Each table lists the fields of one of the engine's records whose names in files differ. Today these are the fields of
format 2. Whoever renames a field of the engine writes its table out here; `archive` keeps that of format 2. Gradient
descent has such a table of its own (`engine.descent.saved` and `restored`), since its state is several records.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from knotflow.dynamics.archive import STATE_OF_2
from knotflow.dynamics.protocol import Snapshot

__all__ = ["FLOW", "MOMENTS", "as_fields", "as_saved", "fill"]

MOMENTS: Mapping[str, str] = STATE_OF_2["params"]
FLOW: Mapping[str, str] = STATE_OF_2["z"]  # of the gradient flow and of particles


def as_saved(record: Any, names: Mapping[str, str]) -> Snapshot:
    """The arrays of a NamedTuple under their names in files; not copied."""
    return {names.get(field, field): value for field, value in record._asdict().items()}


def as_fields(saved: Snapshot, names: Mapping[str, str]) -> Snapshot:
    """The saved arrays under the field names of a record; not copied."""
    fields = {name: field for field, name in names.items()}
    return {fields.get(name, name): value for name, value in saved.items()}


def fill(record: Any, saved: Snapshot, names: Mapping[str, str]) -> None:
    """Copy the saved arrays into those of a NamedTuple."""
    for field, array in record._asdict().items():
        array[...] = saved[names.get(field, field)]
