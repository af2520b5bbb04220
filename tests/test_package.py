"""The package as a whole: what importing it costs, what it offers, and the rule that nothing is skipped."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("numba", "scipy", "pandas", "matplotlib", "torch", "jinja2", "rich.progress")


def modules_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("statement", ["import knotflow", "import knotflow.cli"])
def test_importing_is_light(statement: str) -> None:
    loaded = modules_after(statement)
    assert "knotflow" in loaded
    assert not loaded & {*HEAVY, "numpy"}


def test_data_and_networks_need_nothing_heavy() -> None:
    loaded = modules_after("import knotflow as kf; kf.ReLUNet([1.0], [0.0], [2.0])(kf.Samples([0, 1], [1, 2]).x)")
    assert "numpy" in loaded
    assert not loaded & set(HEAVY)


@pytest.mark.parametrize(("forbidden", "code"), [("", 0), ("1", 1)])
def test_skips_fail_the_run_where_they_are_forbidden(tmp_path: Path, forbidden: str, code: int) -> None:
    (tmp_path / "conftest.py").write_text(Path(__file__).with_name("conftest.py").read_text())
    (tmp_path / "test_it.py").write_text("import pytest\npytest.importorskip('no_such_module')\n")
    (tmp_path / "test_other.py").write_text("def test_something(): pass\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    env = {**os.environ, "KNOTFLOW_NO_SKIPS": forbidden}
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=tmp_path, check=False)
    assert done.returncode == code, done.stdout
    assert "1 passed, 1 skipped" in done.stdout
    assert ("KNOTFLOW_NO_SKIPS forbids it" in done.stdout) == bool(forbidden)
