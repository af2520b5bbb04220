"""What the README says is so."""

from __future__ import annotations

import doctest
import re
import shlex
from pathlib import Path

import pytest

from knotflow.cli import main

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text("utf-8")


def test_the_examples_give_what_they_say() -> None:
    examples = doctest.DocTestParser().get_doctest(TEXT, {}, "README.md", "README.md", 0)
    assert len(examples.examples) > 10
    messages: list[str] = []
    runner = doctest.DocTestRunner(verbose=False)
    assert runner.run(examples, out=messages.append).failed == 0, "".join(messages)


def test_the_make_targets_exist() -> None:
    named = {
        word
        for line in re.findall(r"`make ([a-z ]+)`|^    make ([a-z ]+)", TEXT, re.M)
        for word in "".join(line).split()
    }
    targets = set(re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(), re.M))
    assert {"demo", "test", "bench"} <= named <= targets


def test_the_files_exist() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", TEXT)
    layout = TEXT.split("## Layout")[1].split("## ")[0]
    tree = re.findall(r"^      (\S+)", layout, re.M)
    assert links
    assert len(tree) > 10
    missing = [name for name in links if not (ROOT / name).exists()]
    missing += [name for name in tree if not (ROOT / "src/knotflow" / name).exists()]
    assert missing == []


@pytest.mark.parametrize("command", re.findall(r"^    \.venv/bin/knotflow (fit .*)$", TEXT, re.M))
def test_the_commands_are_understood(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(shlex.split(command)) == 2
    assert "data.csv: there is no such file" in capsys.readouterr().err
