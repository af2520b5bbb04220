"""The examples in docstrings run and give what they say, and every public name of the rooms below has one."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest

import knotflow

MODULES = [module.name for module in pkgutil.walk_packages(knotflow.__path__, "knotflow.")]
WITH_EXAMPLES = ("compare", "data", "data.datasets", "initial", "laws", "network")


def examples(module: ModuleType) -> list[doctest.DocTest]:
    return [each for each in doctest.DocTestFinder().find(module) if each.examples]


@pytest.mark.parametrize("name", [name for name in MODULES if not name.endswith("__main__")])
def test_the_examples_give_what_they_say(name: str) -> None:
    messages: list[str] = []
    for each in examples(importlib.import_module(name)):
        doctest.DocTestRunner().run(each, out=messages.append)
    assert "".join(messages) == ""


@pytest.mark.parametrize("room", WITH_EXAMPLES)
def test_every_public_name_has_an_example(room: str) -> None:
    module = importlib.import_module(f"knotflow.{room}")
    public = {name: getattr(module, name) for name in module.__all__}
    documented = {name: each for name, each in public.items() if inspect.isclass(each) or inspect.isfunction(each)}
    assert documented
    assert [name for name, each in documented.items() if ">>>" not in (each.__doc__ or "")] == []
