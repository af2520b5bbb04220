"""Every public name has a docstring with its claim, its arguments and an example; every example runs."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import knotflow as kf

LEAST_SHARE = 0.95  # of the public functions and classes that must show an example
MODULES = [module.name for module in pkgutil.walk_packages(kf.__path__, "knotflow.") if "__main__" not in module.name]


def public() -> dict[str, Any]:
    """All public functions and classes by their public address, each once."""
    found: dict[int, tuple[str, Any]] = {}
    rooms = [("kf", kf)] + [(f"kf.{name}", getattr(kf, name)) for name in kf.__all__]
    for address, room in rooms:
        for name in room.__all__ if isinstance(room, ModuleType) else ():
            value = getattr(room, name)
            if (inspect.isfunction(value) or inspect.isclass(value)) and value.__module__.startswith("knotflow"):
                found.setdefault(id(value), (f"{address}.{name}", value))
    return dict(found.values())


PUBLIC = public()


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_give_what_they_say(name: str) -> None:
    printed: list[str] = []
    for test in doctest.DocTestFinder().find(importlib.import_module(name), extraglobs={"np": np, "kf": kf}):
        doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=printed.append)
    assert "".join(printed) == ""


def test_docstrings_begin_with_a_claim() -> None:
    first = {address: (inspect.getdoc(value) or "").split("\n")[0] for address, value in PUBLIC.items()}
    assert {address: line for address, line in first.items() if not line.endswith((".", ":", "?"))} == {}


def test_nearly_every_public_name_shows_an_example() -> None:
    without = [address for address, value in PUBLIC.items() if ">>>" not in (inspect.getdoc(value) or "")]
    assert len(without) <= (1 - LEAST_SHARE) * len(PUBLIC), without


def test_functions_document_their_arguments() -> None:
    missing = []
    for address, value in PUBLIC.items():
        if inspect.isfunction(value):
            text = inspect.getdoc(value) or ""
            missing += [f"{address}: {name}" for name in inspect.signature(value).parameters if name not in text]
    assert missing == []
