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
from knotflow.cli import console
from knotflow.engine import compiled

SOURCE = Path(kf.__file__).parent

USE = """
import numpy as np, knotflow as kf
from knotflow.engine import compiled
x = np.linspace(0, 3, 40)
fit = kf.fit((x, np.sin(2 * x)), steps=100)
kf.fit((x[:9], np.cos(x[:9])), width=20, regime="adaptive", steps=100, dynamics="flow")
kf.evolve(fit.trajectory.start, fit.trajectory.data, kf.GradientFlow(train={"a", "b", "c", "bias"}), until=0.1)
print(compiled.misses())
"""

pytestmark = pytest.mark.slow  # it compiles all there is


def fresh(words: list[str], cache: Path) -> tuple[str, str]:
    """What a new process with the compiled code of `cache` prints, and its words on stderr."""
    env = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    done = subprocess.run([sys.executable, *words], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


def test_a_first_fit_says_that_it_compiles_and_after_the_warm_up_nothing_does(tmp_path: Path) -> None:
    cache, data = tmp_path / "cache", tmp_path / "data.csv"
    data.write_text("x,y\n0,1\n1,0\n3,2\n")
    options = ["--regime", "kernel", "--width", "9", "--steps", "20", "--out", str(tmp_path)]
    command = ["-m", "knotflow", "fit", str(data), *options]
    line = f"compiling the engine, once: about {console.COMPILING} s"
    assert fresh(command, cache)[1].count(line) == 1
    assert line not in fresh(command, cache)[1]
    wanted = ("flow", "descent", "fit")
    places = [(i, k) for i, lane in enumerate(warm_up.LANES) for k, case in enumerate(lane) if case.name in wanted]
    filling = f"""
from knotflow import warm_up
print(sum(warm_up._run(lane, k).compiled for lane, k in {places}))
"""
    assert int(fresh(["-c", filling], cache)[0]) > 10
    assert fresh(["-c", USE], cache)[0].split() == ["0"]


@pytest.fixture(scope="module")
def warm() -> subprocess.CompletedProcess[str]:
    """The command itself, on the cache at hand."""
    command = [sys.executable, "-m", "knotflow", "warm-up"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command_says_what_was_compiled_and_where_it_is(warm: subprocess.CompletedProcess[str]) -> None:
    assert warm.returncode == 0, warm.stderr
    cases = [case.name for lane in warm_up.LANES for case in lane]
    lines = warm.stdout.splitlines()
    assert [name for name in cases if not any(line.startswith(f"{name} ") for line in lines)] == []
    assert re.search(r"Compiled [\d,]+ functions in \d+ s, kept in ", warm.stdout)
    assert "".join(str(compiled.cache_directory()).split()) in "".join(warm.stdout.split())
    assert re.search(rf"parts: {len(cases)} of {len(cases)}, [\d.]+ s", warm.stderr)


def test_then_no_case_compiles_and_together_they_need_every_module_with_compiled_code(
    warm: subprocess.CompletedProcess[str],
) -> None:
    code = """
import sys
from knotflow import warm_up
from knotflow.engine import compiled
for lane in warm_up.LANES:
    for case in lane:
        case.run()
print(compiled.misses())
print(*(module.__file__ for name, module in list(sys.modules.items()) if name.startswith("knotflow.")), sep="\\n")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    missed, *loaded = done.stdout.splitlines()
    cached = re.compile(r"^@(?:kernel|entry)\b", re.MULTILINE)
    holders = {path for path in SOURCE.rglob("*.py") if cached.search(path.read_text("utf-8"))}
    holders.remove(SOURCE / "engine" / "descent" / "inspection.py")  # for tests
    assert len(holders) > 10
    assert holders <= set(map(Path, loaded))
    assert missed == "0"


@pytest.mark.parametrize("processes", [0, 3, 1.5])
def test_there_are_one_or_two_processes(processes: int) -> None:
    with pytest.raises(kf.InputError, match=r"processes is .*: it must be a whole number from 1 to 2"):
        warm_up.warm_up(processes=processes)
