"""How long a function or a file may be, and how many parameters a function may take; docstrings do not count."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src"
FILE, BODY, PARAMETERS, COMPILED_PARAMETERS = 350, 60, 8, 10
COMPILED = {"kernel", "entry", "inner", "leaf"}  # the decorators of `knotflow.engine.compiled`
# What the users of these name is listed in their signatures, keyword by keyword.
MANY_PARAMETERS = {
    "knotflow/fitting/fits.py: fit": 13,
    "knotflow/cli/app.py: fit": 25,  # every option of the command
    "knotflow/data/samples.py: from_csv": 12,  # every mark that a file may have
    "knotflow/dynamics/evolve.py: evolve": 10,
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(text: str) -> Iterator[Function]:
    yield from (node for node in ast.walk(ast.parse(text)) if isinstance(node, Function))


def lines(function: Function) -> int:
    """The lines of a function, decorators and docstring left out."""
    text = function.body[0] if ast.get_docstring(function, clean=False) is not None else None
    documentation = text.end_lineno - text.lineno + 1 if text else 0
    return function.end_lineno - function.lineno + 1 - documentation


def parameters(function: Function) -> int:
    """How many there are, * and ** included, self and cls not."""
    a = function.args
    names = [each.arg for each in [*a.posonlyargs, *a.args]]
    more = len(a.kwonlyargs) + (a.vararg is not None) + (a.kwarg is not None)
    return len(names) - (names[:1] in (["self"], ["cls"])) + more


def most_parameters(function: Function) -> int:
    """How many it may have: scalars go into compiled code one by one."""
    names = {ast.unparse(each).partition("(")[0] for each in function.decorator_list}
    return COMPILED_PARAMETERS if names & COMPILED else PARAMETERS


TEXTS = {path.relative_to(SOURCE).as_posix(): path.read_text("utf-8") for path in SOURCE.glob("knotflow*/**/*.py")}


def test_what_is_counted() -> None:
    text = """
@leaf(forceinline=True)
def few(self, a, b, /, c, *more, d=1, **rest):
    \"\"\"Two

    lines and a blank one.\"\"\"
    return a
"""
    (function,) = functions(text)
    assert (lines(function), parameters(function), most_parameters(function)) == (2, 6, COMPILED_PARAMETERS)


def test_no_file_is_long() -> None:
    assert {name: n for name, text in TEXTS.items() if (n := text.count("\n")) > FILE} == {}


def test_no_function_is_long() -> None:
    wrong = {f"{name}: {f.name}": lines(f) for name, text in TEXTS.items() for f in functions(text)}
    assert {name: n for name, n in wrong.items() if n > BODY} == {}


def test_no_function_takes_many_parameters() -> None:
    many = {
        f"{name}: {f.name}": parameters(f)
        for name, text in TEXTS.items()
        for f in functions(text)
        if parameters(f) > most_parameters(f)
    }
    assert many == MANY_PARAMETERS
