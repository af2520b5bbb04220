"""numba's `njit`, four ways, with a cache that is never stale, never half written and need not be writable.

kernel  what Python calls: cached
entry   a kernel that makes no array
inner   what only compiled code calls: it has no entry from Python
leaf    an inner function that makes no array, nor calls one that does

numba's own cache of a function watches the function's file alone. Yet compiled code holds the code of the functions
it calls and the places of the fields it reads, which stand in other files: after a change there numba would go on
with the old ones. So the compiled code of a module is kept in a directory named by a digest of the module's source and
of all the sources of knotflow that it imports: a change in any of them means another directory.

The directory is `NUMBA_CACHE_DIR` if that is set, else `__pycache__` of the package, else the user's cache directory.
If none can be written to, every process compiles for itself, with a warning. A file of the cache that cannot be read
is removed and made again.

`misses` counts what this process had to compile, and `announce_with` chooses what is called at the first.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import numba

from knotflow.engine.quicker import Part

try:
    import fcntl
except ImportError:  # Windows: numba itself waits there for files in use
    fcntl = None  # type: ignore[assignment]

__all__ = [
    "CacheWarning",
    "announce",
    "announce_with",
    "cache_directory",
    "digest",
    "entry",
    "inner",
    "kernel",
    "leaf",
    "misses",
]

_settings: Any = numba.config
_settings_lock = threading.Lock()
_ROOT = Path(__file__).resolve().parents[1]
_NAMES = r"\((?:[^)#]|#.*)*\)|.*"  # what follows `import`: one line, or several in parentheses, comments included
_IMPORT = re.compile(rf"^\s*(?:from (knotflow(?:\.\w+)*) import ({_NAMES})|import (knotflow(?:\.\w+)*))", re.MULTILINE)
_LAZY = re.compile(r"^\S.*\blazy\(", re.MULTILINE)
_STALE_AFTER = 7 * 86400  # seconds: until then another process may still use the code of former sources


class CacheWarning(UserWarning):
    """Compiled code could not be kept: the next process compiles again."""


# Of functions that make no array: they count no references of arrays, and a division by zero gives what IEEE says. That
# halves the time to compile them, and an array in a record costs no more than a bare one.
_LEAN: dict[str, Any] = {"_nrt": False, "error_model": "numpy"}


def kernel(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """`numba.njit` with the module's cache; a decorator, with or without njit's options."""
    if function is None:
        return lambda f: kernel(f, **options)
    options = {"no_cfunc_wrapper": True} | options  # a C callback of the function, which nothing asks for
    place = None if _settings.DISABLE_JIT else _place(function.__module__)
    dispatcher = place and _cached(function, place, options)
    return dispatcher or numba.njit(**options)(function)


def entry(function: Callable[..., Any]) -> Any:
    """A `kernel` that makes no array, nor calls what does."""
    return kernel(function, **_LEAN)


def _cached(function: Callable[..., Any], place: Path, options: dict[str, Any]) -> Any:
    """The compiled function with its cache in `place`; None, with a warning, if it cannot be written there."""
    with _settings_lock:
        before, _settings.CACHE_DIR = _settings.CACHE_DIR, str(place)
        try:
            dispatcher: Any = numba.njit(cache=True, **options)(function)
        except RuntimeError:  # numba found no directory at all
            dispatcher = None
        finally:
            _settings.CACHE_DIR = before
    if dispatcher is None or not Path(dispatcher._cache.cache_path).is_relative_to(place):
        _unwritten(place)  # numba would take a directory of its own
        return None
    _guard(dispatcher._cache)
    return dispatcher


def inner(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """`numba.njit` for what only compiled code calls; a decorator, with or without njit's options.

    It has no entry from Python, no machine code of its own and no place in the cache: the kernels that call it hold its
    code. That halves the time that a small function takes to compile.
    """
    if function is None:
        return lambda f: inner(f, **options)
    njit: Any = numba.njit  # its annotations leave these options out
    lean = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "pipeline_class": Part}
    dispatcher = njit(**lean, **options)(function)

    def refuse(*arguments: Any, **named: Any) -> Any:
        raise TypeError(f"{function.__name__} is called from Python: it must be called from compiled code")

    # Without an entry a call from Python would end the process: it finds no compiled code and is refused.
    dispatcher._insert = lambda *arguments, **named: None
    dispatcher._compile_for_args = refuse
    return dispatcher


def leaf(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """An `inner` function that makes no array, nor calls one that does."""
    return inner(function, **_LEAN, **options)


# -- what was not there ---------------------------------------------------------------------------------------------


class _Misses:
    """How many functions were not in the cache, and what is called at the first."""

    count = 0
    listener: Callable[[], object] | None = None


def misses() -> int:
    """How many functions this process compiled because the cache did not have them."""
    return _Misses.count


def announce_with(listener: Callable[[], object]) -> None:
    """Call `listener()` in place of `announce()` when this process first has to compile."""
    _Misses.listener = listener


def announce() -> None:
    """Say on a terminal why nothing seems to happen: a function was not in the cache."""
    if sys.stderr and sys.stderr.isatty():
        print("compiling the engine, once (`knotflow warm-up` does all of it ahead)", file=sys.stderr, flush=True)


def _count_miss() -> None:
    _Misses.count += 1
    if _Misses.count == 1:
        (_Misses.listener or announce)()


# -- where ---------------------------------------------------------------------------------------------------


@cache
def cache_directory() -> Path | None:
    """The directory for compiled code, made if it is missing; None, with a warning, if there is none to write to."""
    for base in _candidates():
        try:
            base.mkdir(parents=True, exist_ok=True)
            probe = base / f".writable-{os.getpid()}-{threading.get_ident()}"
            probe.touch()
            probe.unlink(missing_ok=True)
        except OSError:
            continue
        return base
    _unwritten(" nor ".join(map(str, _candidates())))
    return None


def _candidates() -> list[Path]:
    if _settings.CACHE_DIR:
        return [Path(_settings.CACHE_DIR).absolute() / "knotflow"]
    home = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or os.path.expanduser("~/.cache")
    users = [Path(home) / "knotflow" / "kernels"] if os.path.isabs(home) else []
    return [_ROOT / "__pycache__" / "kernels", *users]


@cache
def _place(module: str) -> Path | None:
    """The directory for a module's compiled code. Those of its former sources go, once nobody can be using them.

    None if there is no directory to write to, and for a module that is no file of knotflow: it has no digest.
    """
    base = cache_directory() if _file(module) else None
    if base is None:
        return None
    place = base / f"{module.removeprefix('knotflow.')}-{digest(module)}"
    if not place.exists():
        for former in base.glob(f"{module.removeprefix('knotflow.')}-{'[0-9a-f]' * 16}"):
            with suppress(OSError):
                if time.time() - former.stat().st_mtime > _STALE_AFTER:
                    shutil.rmtree(former, ignore_errors=True)
    return place


@cache
def digest(module: str) -> str:
    """16 hexadecimal digits of the sources of a module and of all in knotflow that it imports, and numba's version."""
    found: set[Path] = set()
    waiting = [path for path in [_file(module)] if path]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imports(path)
    total = hashlib.blake2b(numba.__version__.encode(), digest_size=8)
    for path in sorted(found):
        total.update(path.relative_to(_ROOT).as_posix().encode() + b"\0" + _source(path) + b"\0")
    return total.hexdigest()


@cache
def _source(path: Path) -> bytes:
    return path.read_bytes()


@cache
def _imports(path: Path) -> list[Path]:
    """The files of knotflow that a file may take code from: those that its import statements name.

    A face that loads its names when they are asked for names no file: then all files of its package count.
    """
    text = _source(path).decode()
    files = sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" and _LAZY.search(text) else []
    for package, names, module in _IMPORT.findall(text):
        listed = re.sub(r"#.*", "", names).strip("() \n").split(",")
        modules = [f"{package}.{name.split()[0]}" for name in listed if name.split()] if package else []
        files += [file for file in map(_file, [package or module, *modules]) if file]
    return files


def _file(module: str) -> Path | None:
    """The source file of a module of knotflow; None for a name that is none."""
    package, *parts = module.split(".")
    stem = _ROOT.joinpath(*parts)
    files = (stem.with_suffix(".py"), stem / "__init__.py") if parts else (stem / "__init__.py",)
    return next((path for path in files if path.is_file()), None) if package == "knotflow" else None


# -- reading and writing -------------------------------------------------------------------------------------


def _guard(store: Any) -> None:
    """Let a function's cache write under a lock, and go on without it if a file cannot be read or written."""
    load, save = store.load_overload, store.save_overload

    def guarded_load(signature: Any, context: Any) -> Any:
        try:
            found = load(signature, context)
        except Exception as error:  # a damaged file may raise anything
            _warn_once("read", f"compiled code in {store.cache_path} could not be read ({error!r}): it is made again")
            _remove(store)
            found = None
        if found is None:
            _count_miss()
        return found

    def guarded_save(signature: Any, compiled: Any) -> None:
        try:
            with _locked(store.cache_path):
                save(signature, compiled)
        except OSError as error:
            _unwritten(f"{store.cache_path} ({error})")

    store.load_overload, store.save_overload = guarded_load, guarded_save


def _remove(store: Any) -> None:
    """Remove the index of a function's cache: numba reads it before it writes, and would fail there again."""
    with suppress(OSError), _locked(store.cache_path):
        os.unlink(store._cache_file._index_path)


@contextmanager
def _locked(directory: str) -> Iterator[None]:
    """One writer at a time: numba reads the index of a function, adds to it and writes it back."""
    if fcntl is None:
        yield
        return
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, ".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _unwritten(where: object) -> None:
    _warn_once("write", f"compiled code could not be written to {where}: the next process will compile again")


_told: set[str] = set()


def _warn_once(kind: str, message: str) -> None:
    """Warn, but of each kind of trouble only once: what is wrong for one function is wrong for a hundred."""
    if kind not in _told:
        _told.add(kind)
        warnings.warn(message, CacheWarning, stacklevel=3)
