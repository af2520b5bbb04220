"""Every public name has a docstring with its claim, its arguments, its cost and an example; every example runs."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import inspect
import pkgutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import knotflow as kf

_SPEC = importlib.util.spec_from_file_location("docstrings", Path(__file__).parents[1] / "tools" / "docstrings.py")
docstrings = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(docstrings)

PUBLIC = docstrings.public()
FUNCTIONS = {address: value for address, value in PUBLIC.items() if inspect.isfunction(value)}
CLASSES = {address: value for address, value in PUBLIC.items() if inspect.isclass(value)}
MEMBERS = {
    f"{address}.{name}": (cls, name, f) for address, cls in CLASSES.items() for name, f in docstrings.members(cls)
}

# What examples need that is not always installed.
EXTRAS = {
    "knotflow.deep.training": "torch",
    **{f"knotflow.estimators.{name}": "sklearn" for name in ("adaptive", "flow", "kernel", "piecewise")},
}
# These refuse no argument: whatever they are given, they keep or show it.
REFUSE_NOTHING = {"kf.papers.chosen", "kf.papers.printed", "kf.papers.product", "kf.report.card"}
# Errors and warnings are made from a message alone; KnotLaw is the base class of the laws, which have parameters.
WITHOUT_FIELDS = {
    "kf.DivergenceWarning",
    "kf.InputError",
    "kf.KnotflowError",
    "kf.StabilityWarning",
    "kf.kernels.KnotLaw",
}
# Former names: the docstring says which name they have now.
FORMER = ("The former name of", "The old name of")
# A shift of these shares, in %, downwards is a loss; "cost" and "example" are without exception (below).
LEAST = {
    "functions": {"formula": 57, "shapes": 60, "source": 68},
    "classes": {"formula": 52, "shapes": 63, "source": 31},
}


def modules() -> list[str]:
    """All modules of both packages with an example."""
    found = []
    for package in ("knotflow", "knotflow_papers"):
        home = importlib.import_module(package)
        found += [package] + [each.name for each in pkgutil.walk_packages(home.__path__, f"{package}.")]
    return [name for name in found if ">>>" in Path(importlib.util.find_spec(name).origin).read_text("utf-8")]


def text(value: Any) -> str:
    return inspect.getdoc(value) or ""


def has_arguments(function: Any) -> bool:
    return bool(inspect.signature(function).parameters)


@pytest.mark.parametrize("name", modules())
def test_the_examples_give_what_they_say(name: str) -> None:
    if name in EXTRAS:
        pytest.importorskip(EXTRAS[name])
    printed: list[str] = []
    for test in doctest.DocTestFinder().find(importlib.import_module(name), extraglobs={"np": np, "kf": kf}):
        doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=printed.append)
    assert "".join(printed) == ""


def test_docstrings_begin_with_a_claim() -> None:
    assert [address for address, value in PUBLIC.items() if not docstrings.coverage(text(value))["claim"]] == []


def test_every_public_name_shows_an_example_that_runs() -> None:
    assert [address for address, value in PUBLIC.items() if not docstrings.coverage(text(value))["example"]] == []


def test_functions_describe_their_arguments_in_the_order_of_the_signature() -> None:
    wrong = {}
    for address, value in FUNCTIONS.items():
        names = list(inspect.signature(value).parameters)
        described = docstrings.described(docstrings.sections(text(value)).get("Parameters", ""))
        if [name for name in described if name in names] != names:
            wrong[address] = (names, described)
    assert wrong == {}


def test_functions_say_what_they_return() -> None:
    assert [address for address, value in FUNCTIONS.items() if "Returns" not in docstrings.sections(text(value))] == []


def test_functions_say_what_they_refuse() -> None:
    silent = {a for a, f in FUNCTIONS.items() if has_arguments(f) and "Raises" not in docstrings.sections(text(f))}
    assert silent == REFUSE_NOTHING


def test_functions_say_what_they_cost() -> None:
    assert [address for address, value in FUNCTIONS.items() if not docstrings.coverage(text(value))["cost"]] == []


def test_classes_describe_their_fields() -> None:
    headings = {"Parameters", "Attributes"}
    assert {a for a, cls in CLASSES.items() if not headings & set(docstrings.sections(text(cls)))} == WITHOUT_FIELDS


def test_methods_and_properties_begin_with_a_claim() -> None:
    first = {address: docstrings.member_text(cls, name).split("\n")[0] for address, (cls, name, _) in MEMBERS.items()}
    assert {address: line for address, line in first.items() if not line.rstrip().endswith((".", ":", "?"))} == {}


def test_methods_name_their_arguments() -> None:
    missing = []
    for address, (cls, name, function) in MEMBERS.items():
        described = docstrings.member_text(cls, name)
        names = [each for each in inspect.signature(function).parameters if each not in ("self", "cls")]
        if not described.startswith(FORMER):
            missing += [f"{address}: {each}" for each in names if each not in described]
    assert missing == []


@pytest.mark.parametrize("kind", LEAST)
@pytest.mark.parametrize("what", ["formula", "shapes", "source"])
def test_the_share_of_docstrings_with_a_formula_shapes_or_a_source_does_not_fall(kind: str, what: str) -> None:
    values = FUNCTIONS if kind == "functions" else CLASSES
    lacking = [address for address, value in values.items() if not docstrings.coverage(text(value))[what]]
    assert 100 * (1 - len(lacking) / len(values)) >= LEAST[kind][what], lacking
