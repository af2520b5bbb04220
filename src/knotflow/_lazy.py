"""The loader behind every lazy face: a module attribute that is imported when it is first asked for."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

__all__ = ["lazy"]


def lazy(
    package: str, where: Mapping[str, Iterable[str]], rooms: Iterable[str] = ()
) -> tuple[list[str], Callable[[str], Any], Callable[[], list[str]]]:
    """`__all__`, `__getattr__` and `__dir__` of a package whose names are loaded on first use.

    package  its `__name__`
    where    for each of its modules, the names that it holds: ``{"fitting": ("fit", "Fit")}``
    rooms    its modules that are public themselves
    """
    module_of = {name: module for module, names in where.items() for name in names}
    public = sorted([*module_of, *rooms])

    def load(name: str) -> Any:
        if name in module_of:
            value = getattr(importlib.import_module(f"{package}.{module_of[name]}"), name)
        elif name in rooms:
            value = importlib.import_module(f"{package}.{name}")
        else:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        setattr(sys.modules[package], name, value)
        return value

    return public, load, lambda: public
