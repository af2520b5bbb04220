"""Both papers, reproduced: the package `knotflow_papers` under the name that users know, `knotflow.papers`.

It is a client of this package, so it stands above it, and is loaded by name when one of its names is asked for.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOME = "knotflow_papers"


def __getattr__(name: str) -> Any:
    if name.startswith("__"):  # of this module itself, which has no submodules
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME), name)


def __dir__() -> list[str]:
    return sorted(importlib.import_module(_HOME).__all__)
