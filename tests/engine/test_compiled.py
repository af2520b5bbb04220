"""The cache of compiled code: never stale, shared by processes, and no cause of failure."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from knotflow.engine import compiled, quicker

pytestmark = pytest.mark.slow

ROOT = Path(compiled.__file__).parents[1]

CONSTANTS = "RATE = 2.0\n"
KERNELS = """
from knotflow.engine.compiled import kernel
from knotflow.engine.constants import RATE  # a comment (in parentheses)

@kernel
def inner(x):
    return RATE * x

@kernel
def outer(x):
    return inner(x) + 1.0
"""
CALL = """
from knotflow.engine import compiled
from knotflow.engine.kernels import outer
print(outer(3.0), compiled.misses())
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A directory with a small package named knotflow: the real `compiled`, a constant and two kernels that use it."""
    engine = tmp_path / "src" / "knotflow" / "engine"
    engine.mkdir(parents=True)
    for module in (compiled, quicker):
        shutil.copy(module.__file__, engine)
    for folder in (engine, engine.parent):
        (folder / "__init__.py").write_text("")
    (engine / "constants.py").write_text(CONSTANTS)
    (engine / "kernels.py").write_text(KERNELS)
    return tmp_path


def environment(package: Path, cache: Path | None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    return {**kept, "PYTHONPATH": str(package / "src"), **({"NUMBA_CACHE_DIR": str(cache)} if cache else {})}


def command(code: str) -> list[str]:
    return [sys.executable, "-W", "always", "-c", textwrap.dedent(code)]


def call(package: Path, cache: Path | None, code: str = CALL) -> tuple[list[str], str]:
    """What a new process prints, and its words on stderr."""
    env = environment(package, cache)
    done = subprocess.run(command(code), env=env, capture_output=True, text=True, check=False, cwd=package)
    assert done.returncode == 0, done.stderr
    return done.stdout.split(), done.stderr


# -- the digest ------------------------------------------------------------------------------------------


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the package's sources, and digests of the copy in place of the original."""
    copy = tmp_path / "knotflow"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(compiled, "_ROOT", copy)
    forget()
    yield copy
    forget()


def forget() -> None:
    for remembered in (compiled.digest, compiled._imports, compiled._source):
        remembered.cache_clear()


def modules() -> list[str]:
    """The modules of knotflow that hold compiled functions."""
    paths = [path for path in sorted(ROOT.rglob("*.py")) if "\n@kernel" in path.read_text("utf-8")]
    return [".".join(["knotflow", *path.relative_to(ROOT).with_suffix("").parts]) for path in paths]


def importers(changed: str) -> set[str]:
    """Of the engine's first modules those that import `changed`, directly or not, as Python finds in a process."""
    code = f"import sys, importlib; importlib.import_module(sys.argv[1]); print({changed!r} in sys.modules)"
    found: set[str] = set()
    for module in [module for module in modules() if ".engine." in module][:4]:
        done = subprocess.run([sys.executable, "-c", code, module], capture_output=True, text=True, check=True)
        found |= {module} if done.stdout.strip() == "True" else set()
    return found


def digests() -> Mapping[str, str]:
    forget()
    return {module: compiled.digest(module) for module in modules()}


def changed_by(copied: Path, name: str) -> set[str]:
    before = digests()
    (copied / name).write_text((copied / name).read_text("utf-8") + "\n# changed\n")
    after = digests()
    return {module for module in before if before[module] != after[module]}


def test_a_change_reaches_the_modules_that_import_the_file_and_no_others(copied: Path) -> None:
    changed = changed_by(copied, "segmented/value_functions.py")
    assert "knotflow.segmented.value_functions" in changed
    assert not any(".engine." in module or ".splines." in module for module in changed)


def test_a_change_of_the_engines_ground_reaches_whatever_stands_on_it(copied: Path) -> None:
    changed = changed_by(copied, "engine/arcs.py")
    assert importers("knotflow.engine.arcs") <= changed
    assert not any(".segmented." in module for module in changed)


def test_a_change_outside_of_what_is_imported_changes_no_digest(copied: Path) -> None:
    assert changed_by(copied, "cli/app.py") == set()


def test_a_face_that_loads_on_demand_stands_for_all_its_files(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = package / "src" / "knotflow" / "room"
    room.mkdir()
    (room / "__init__.py").write_text("__all__, __getattr__, __dir__ = lazy(__name__, {'part': ('name',)})\n")
    (room / "part.py").write_text("name = 1\n")
    (room.parent / "engine" / "user.py").write_text("from knotflow.room import name\n")
    monkeypatch.setattr(compiled, "_ROOT", room.parent)
    forget()
    before = compiled.digest("knotflow.engine.user"), compiled.digest("knotflow.engine.kernels")
    (room / "part.py").write_text("name = 2\n")
    forget()
    after = compiled.digest("knotflow.engine.user"), compiled.digest("knotflow.engine.kernels")
    forget()
    assert before[0] != after[0]
    assert before[1] == after[1]


@pytest.mark.parametrize("module", ["__main__", "another.package", "knotflow_papers.ledger", "knotflow.no_such"])
def test_modules_that_are_no_file_of_the_package_have_no_place(module: str) -> None:
    assert compiled._place(module) is None


# -- processes -------------------------------------------------------------------------------------------


def test_a_changed_constant_of_another_module_changes_the_result(package: Path) -> None:
    cache = package / "cache"
    assert call(package, cache)[0] == ["7.0", "2"]
    assert call(package, cache)[0] == ["7.0", "0"]
    (package / "src/knotflow/engine/constants.py").write_text(CONSTANTS.replace("2.0", "5.0"))
    assert call(package, cache)[0] == ["16.0", "2"]
    (package / "src/knotflow/engine/constants.py").write_text(CONSTANTS)
    assert call(package, cache)[0] == ["7.0", "0"]  # the code of the former sources was kept


def test_without_a_setting_the_cache_is_beside_the_sources(package: Path) -> None:
    assert call(package, None)[0] == ["7.0", "2"]
    assert call(package, None)[0] == ["7.0", "0"]
    assert (package / "src/knotflow/__pycache__/kernels").is_dir()


def test_processes_that_compile_at_once_share_a_cache(package: Path) -> None:
    cache = package / "cache"
    env = environment(package, cache)
    both = [subprocess.Popen(command(CALL), env=env, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    results = [process.communicate()[0].split() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert [result[0] for result in results] == ["7.0", "7.0"]
    assert call(package, cache)[0] == ["7.0", "0"]


def test_a_directory_that_cannot_be_written_to_warns_and_works(package: Path) -> None:
    (package / "file").write_text("")
    out, err = call(package, package / "file" / "cache")
    assert out[0] == "7.0"
    assert err.count("CacheWarning: compiled code could not be written to") == 1
    assert str(package / "file" / "cache") in err
    assert "the next process will compile again" in err


@pytest.mark.parametrize("where", ["save", "makedirs"])
def test_a_full_disk_warns_once_and_works(package: Path, where: str) -> None:
    full = {
        "save": "import numba.core.caching as c\nc.IndexDataCacheFile._open_for_write = full",
        "makedirs": "import numba.core.caching as c\nc._CacheLocator.ensure_cache_path = full",
    }[where]
    code = f"""
import errno, numba
def full(*_): raise OSError(errno.ENOSPC, "No space left on device")
{full}
{CALL}"""
    out, err = call(package, package / "cache", code)
    assert out[0] == "7.0"
    assert err.count("CacheWarning: compiled code could not be written to") == 1
    assert not list(package.rglob("*.nbi"))
    assert not list(package.rglob("*.nbc"))


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
def test_damaged_files_are_made_again(package: Path, suffix: str) -> None:
    cache = package / "cache"
    call(package, cache)
    for path in cache.rglob(f"*.{suffix}"):
        path.write_bytes(path.read_bytes()[:-20])
    out, err = call(package, cache)
    assert out == ["7.0", "2"]
    assert err.count("CacheWarning: compiled code in") == 1
    assert "it is made again" in err
    out, err = call(package, cache)
    assert out == ["7.0", "0"]
    assert err == ""


def test_former_code_goes_after_a_week(package: Path) -> None:
    cache = package / "cache"
    call(package, cache)
    (former,) = (cache / "knotflow").glob("engine.kernels-*")
    kept = former.with_name("engine.kernels-" + "a" * 16)
    other = former.with_name("engine.kernels.more-" + "a" * 16)
    for path in (kept, other):
        path.mkdir()
    for path in (former, other):
        os.utime(path, (1.0, 1.0))
    (package / "src/knotflow/engine/constants.py").write_text("RATE = 3.0\n")
    assert call(package, cache)[0] == ["10.0", "2"]
    assert not former.exists()
    assert kept.exists()
    assert other.exists()


# -- messages --------------------------------------------------------------------------------------------


def test_the_first_function_that_is_compiled_is_announced_once(package: Path) -> None:
    code = "from knotflow.engine import compiled\ncompiled.announce_with(lambda: print('compiling'))\n" + CALL
    assert call(package, package / "cache", code)[0] == ["compiling", "7.0", "2"]
    assert call(package, package / "cache", code)[0] == ["7.0", "0"]


def test_a_library_says_nothing_where_there_is_no_terminal(package: Path) -> None:
    assert call(package, package / "cache")[1] == ""


def test_a_terminal_is_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    compiled.announce()
    assert "compiling the engine, once" in capsys.readouterr().err


def test_code_that_is_not_to_be_compiled_runs_as_it_is(package: Path) -> None:
    env = {**environment(package, package / "cache"), "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(command(CALL), env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["7.0", "0"]
