"""After the warm-up nothing is compiled."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import knotflow as kf
from knotflow import warm_up
from knotflow.cli import main
from knotflow.engine import compiled

SOURCE = Path(kf.__file__).parent
CASES = {case.name: case for lane in warm_up.LANES for case in lane}

USE = """
import numpy as np, knotflow as kf
from knotflow.engine import compiled
x = np.linspace(0, 3, 40)
fit = kf.fit((x, np.sin(2 * x)), steps=100)
kf.fit((x[:9], np.cos(x[:9])), width=20, regime="adaptive", steps=100, dynamics="flow")
kf.evolve(fit.trajectory.start, fit.trajectory.data, kf.GradientFlow(train={"a", "b", "c", "bias"}), until=0.1)
print(compiled.misses())
"""


def fresh(code: str, cache: Path) -> str:
    env = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_after_the_warm_up_a_fit_and_a_flow_compile_nothing(tmp_path: Path) -> None:
    filled = """
from knotflow import warm_up
from knotflow.engine import compiled
for lane, k in {places}:
    warm_up._run(lane, k)
print(compiled.misses())
"""
    wanted = ("flow", "descent", "fit")
    places = [(i, k) for i, lane in enumerate(warm_up.LANES) for k, case in enumerate(lane) if case.name in wanted]
    assert int(fresh(filled.format(places=places), tmp_path)) > 50
    assert fresh(USE, tmp_path).split() == ["0"]


@pytest.mark.parametrize("name", CASES)
def test_every_case_runs_and_the_cache_then_has_it(name: str) -> None:
    CASES[name].run()
    lane, k = next((i, lane.index(CASES[name])) for i, lane in enumerate(warm_up.LANES) if CASES[name] in lane)
    code = f"from knotflow import warm_up; done = warm_up._run({lane}, {k}); print(done.name, done.compiled)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{name} 0"


def test_the_cases_reach_every_module_with_compiled_code() -> None:
    holders = {path for path in SOURCE.rglob("*.py") if re.search(r"^@kernel", path.read_text("utf-8"), re.MULTILINE)}
    assert len(holders) > 10
    code = (
        "import sys; from knotflow import warm_up\n"
        "for lane in warm_up.LANES:\n    for case in lane: case.run()\n"
        "print(*(m.__file__ for n, m in sys.modules.items() if n.startswith('knotflow') and m.__file__), sep='\\n')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert holders <= set(map(Path, done.stdout.splitlines()))


def test_the_command_says_what_was_compiled_and_where_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(warm_up, "LANES", (warm_up.LANES[1][3:4],))  # workers read their own table: this one's first
    monkeypatch.setattr(warm_up, "_run", quick)
    assert main(["warm-up", "--processes", "1"]) == 0
    done = capsys.readouterr()
    assert f"kept in {compiled.cache_directory()}" in done.out
    assert re.search(r"Compiled 3 functions in \d+ s", done.out)
    assert "fit" in done.out
    assert re.search(r"parts: 1 of 1, [\d.]+ s", done.err)


def quick(lane: int, k: int) -> warm_up.Done:
    """What a worker does in the test of the command."""
    return warm_up.Done("fit", "the short way in", 3, 0.1)


@pytest.mark.parametrize("processes", [0, 3, 1.5])
def test_there_are_one_or_two_processes(processes: int) -> None:
    with pytest.raises(kf.InputError, match="processes is .*: it must be a whole number from 1 to 2"):
        warm_up.warm_up(processes=processes)
