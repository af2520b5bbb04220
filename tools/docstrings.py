"""How complete the docstrings of the public names are, as a table. tests/test_docstrings.py uses these functions."""

from __future__ import annotations

import doctest
import functools
import inspect
import re
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import knotflow as kf
from knotflow.errors import MissingLibraryError

_HEADINGS = "Parameters|Attributes|Returns|Raises|Notes|References|Examples|See Also|Warns"
_SECTION = re.compile(rf"^({_HEADINGS})\n-+$", re.MULTILINE)
_ENTRY = re.compile(r"^(\*{0,2}\w+(?:, \*{0,2}\w+)*)(?: : .*)?$", re.MULTILINE)
_COST = re.compile(r"\bO\(|\bThe cost is\b|\ba second\b")
_SOURCE = re.compile(r"\b(?:18|19|20)\d\d\b|\bLemma\b|\btheorem\b|\bequation\b", re.IGNORECASE)


def public() -> dict[str, Any]:
    """All public functions and classes by their public address, each once."""
    found: dict[int, tuple[str, Any]] = {}
    rooms = [("kf", kf)] + [(f"kf.{name}", getattr(kf, name)) for name in dir(kf)]
    for address, room in rooms:
        for name in room.__all__ if isinstance(room, ModuleType) else ():
            try:
                value = getattr(room, name)
            except MissingLibraryError:  # the tests of that room say so
                continue
            if (inspect.isfunction(value) or inspect.isclass(value)) and value.__module__.startswith("knotflow"):
                found.setdefault(id(value), (f"{address}.{name}", value))
    return dict(found.values())


def members(cls: type) -> Iterator[tuple[str, Any]]:
    """The public methods and properties that a class defines itself, as functions."""
    for name, value in vars(cls).items():
        function = value
        if isinstance(value, property):
            function = value.fget
        elif isinstance(value, functools.cached_property):
            function = value.func
        elif isinstance(value, classmethod | staticmethod):
            function = value.__func__
        if not name.startswith("_") and inspect.isfunction(function):
            yield name, function


def member_text(cls: type, name: str) -> str:
    """The docstring of a method or property, its own or that of the class it is inherited from."""
    own = (getattr(vars(base)[name], "__doc__", None) for base in cls.__mro__ if name in vars(base))
    return inspect.cleandoc(next(filter(None, own), ""))


def sections(text: str) -> dict[str, str]:
    """The text by section; what precedes the first one is ""."""
    first, *rest = _SECTION.split(text)
    return {"": first, **dict(zip(rest[::2], rest[1::2], strict=True))}


def described(text: str) -> list[str]:
    """The names that a section of parameters describes, in its order."""
    return [name.strip().lstrip("*") for entry in _ENTRY.findall(text) for name in entry.split(",")]


def examples(text: str) -> int:
    """The number of lines of the examples that run."""
    found = doctest.DocTestParser().get_examples(text)
    return sum(not example.options.get(doctest.SKIP) for example in found)


def coverage(text: str) -> dict[str, bool]:
    """What a docstring has: by section where there is one, by pattern where there is none."""
    parts = sections(text)
    return {
        "claim": parts[""].split("\n")[0].endswith((".", ":", "?")),
        "formula": re.search(r"[=^]|\bint\b|\bsum|<=", parts[""] + parts.get("Notes", "")) is not None,
        "shapes": re.search(r"\([a-zA-Z0-9+ -]+,[a-zA-Z0-9+ -]*\)", text) is not None,
        "cost": _COST.search(text) is not None,
        "raises": "Raises" in parts or "InputError" in text,
        "source": "References" in parts or _SOURCE.search(text) is not None,
        "example": examples(text) > 0,
    }


def table() -> str:
    """Shares in %, of all public functions and of all public classes."""
    texts = {address: (value, inspect.getdoc(value) or "") for address, value in public().items()}
    rows = {
        "functions": [coverage(text) for value, text in texts.values() if inspect.isfunction(value)],
        "classes": [coverage(text) for value, text in texts.values() if inspect.isclass(value)],
    }
    columns = list(rows["functions"][0])
    lines = ["| | " + " | ".join(columns) + " |", "| --- " * (len(columns) + 1) + "|"]
    for name, found in rows.items():
        shares = [f"{100 * sum(each[column] for each in found) / len(found):.0f} %" for column in columns]
        lines.append(f"| {len(found)} {name} | " + " | ".join(shares) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
