"""The loader behind every lazy face: a module attribute that is imported when it is first asked for."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

__all__ = ["lazy"]


def lazy(
    package: str,
    where: Mapping[str, Iterable[str]],
    rooms: Iterable[str] = (),
    *,
    here: Iterable[str] = (),
    elsewhere: Mapping[str, str] | None = None,
) -> tuple[list[str], Callable[[str], Any], Callable[[], list[str]]]:
    """`__all__`, `__getattr__` and `__dir__` of a package whose names are loaded on first use.

    package    its `__name__`
    where      for each of its modules, the names that it holds: ``{"fitting": ("fit", "Fit")}``
    rooms      its modules that are public themselves
    here       public names that it holds already
    elsewhere  names that lie outside it, each with its module and, after a colon, its name there:
               ``{"compare": "knotflow.compare.distance:distances", "papers": "knotflow_papers"}``
    """
    places = {name: f"{package}.{module}:{name}" for module, names in where.items() for name in names}
    places |= {name: f"{package}.{name}" for name in rooms} | dict(elsewhere or {})
    public = sorted({*places, *here})

    def load(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, _, attribute = places[name].partition(":")
        value = importlib.import_module(module)
        if attribute:
            value = getattr(value, attribute)
        setattr(sys.modules[package], name, value)
        return value

    return public, load, lambda: public
