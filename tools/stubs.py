"""Write `src/knotflow/__init__.pyi`, the types of the lazy face, from its own lists. `make stubs` runs it.

With --check nothing is written: the exit status is 1 if the file is not up to date.
"""

from __future__ import annotations

import sys
from pathlib import Path

import knotflow

TARGET = Path(knotflow.__file__).with_suffix(".pyi")
HEAD = "# Written by tools/stubs.py (make stubs) from __init__.py: change that.\n"


def text() -> str:
    """The stub: every public name as an explicit re-export."""
    face = vars(knotflow)
    places = {module: tuple(names) for module, names in face["_WHERE"].items()}
    places |= {"": face["_ROOMS"], "_version": ("__version__",)}
    lines = [f"from .{module} import {name} as {name}\n" for module in sorted(places) for name in places[module]]
    modules = {name: place.partition(":")[0] for name, place in face["_ELSEWHERE"].items()}
    imports = [f"import {module}\n" for module in sorted(set(modules.values()))]
    aliases = [f"{name} = {module}\n" for name, module in modules.items()]
    return "".join([HEAD, *imports, "\n", *lines, "\n", *aliases])


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        sys.exit(TARGET.read_text("utf-8") != text())
    TARGET.write_text(text(), "utf-8")
