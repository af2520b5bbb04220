"""`kernel`: numba's `njit` with a cache that is never stale, never half written and need not be writable.

numba's own cache of a function watches the function's file alone. Yet compiled code holds the code of the functions
it calls and the places of the fields it reads, which stand in other files: after a change there numba would go on
with the old ones. So the compiled code of a module is kept in a directory named by a digest of the module's source and
of all the sources of knotflow that it imports: a change in any of them means another directory.

The directory is `NUMBA_CACHE_DIR` if that is set, else `__pycache__` of the package, else the user's cache directory.
If none can be written to, every process compiles for itself, with a warning.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import numba

try:
    import fcntl
except ImportError:  # Windows: numba itself waits there for files in use
    fcntl = None  # type: ignore[assignment]

__all__ = ["CacheWarning", "announce", "cache_directory", "digest", "inner", "kernel"]

_settings: Any = numba.config
_ROOT = Path(__file__).resolve().parents[1]
_IMPORT = re.compile(r"^\s*(?:from (knotflow[\w.]*) import (\([^)]*\)|.*)|import (knotflow[\w.]*))", re.MULTILINE)
_STALE_AFTER = 7 * 86400  # seconds: until then another process may still use the code of former sources


class CacheWarning(UserWarning):
    """Compiled code could not be kept: the next process compiles again."""


def kernel(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """`numba.njit` with this module's cache; a decorator, with or without njit's options."""
    if function is None:
        return lambda f: kernel(f, **options)
    options = {"no_cfunc_wrapper": True} | options  # a C callback of the function, which nothing asks for
    place = _place(function.__module__)
    if place is None:
        return numba.njit(**options)(function)
    before, _settings.CACHE_DIR = _settings.CACHE_DIR, str(place)
    try:
        dispatcher = numba.njit(cache=True, **options)(function)
    finally:
        _settings.CACHE_DIR = before
    _guard(dispatcher._cache)
    return dispatcher


def inner(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """`numba.njit` for what only compiled code calls; a decorator, with or without njit's options.

    It has no entry from Python and no place in the cache: the kernels that call it hold its code. That halves the time
    that a small function takes to compile.
    """
    if function is None:
        return lambda f: inner(f, **options)
    alone: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    dispatcher: Any = numba.njit(**alone, **options)(function)

    def refuse(*arguments: Any, **named: Any) -> Any:
        raise TypeError(f"{function.__name__} is called from Python: it must be called from compiled code")

    # Without an entry a call from Python would end the process: it finds no compiled code and is refused.
    dispatcher._insert = lambda *arguments, **named: None
    dispatcher._compile_for_args = refuse
    return dispatcher


# -- where ---------------------------------------------------------------------------------------------------


@cache
def cache_directory() -> Path | None:
    """The directory for compiled code, made if it is missing; None, with a warning, if there is none to write to."""
    for base in _candidates():
        try:
            base.mkdir(parents=True, exist_ok=True)
            probe = base / f".writable-{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError:
            continue
        return base
    _warn(f"no directory for compiled code can be written to (tried {', '.join(map(str, _candidates()))})")
    return None


def _candidates() -> list[Path]:
    if _settings.CACHE_DIR:
        return [Path(_settings.CACHE_DIR) / "knotflow"]
    home = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or os.path.expanduser("~/.cache")
    return [_ROOT / "__pycache__" / "kernels", Path(home) / "knotflow" / "kernels"]


@cache
def _place(module: str) -> Path | None:
    """The directory for a module's compiled code. Those of its former sources go, once nobody can be using them."""
    base = cache_directory()
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
        total.update(path.relative_to(_ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()


@cache
def _imports(path: Path) -> list[Path]:
    """The files of knotflow that a file names in its import statements."""
    files = []
    for package, names, module in _IMPORT.findall(path.read_text(encoding="utf-8")):
        listed = re.sub(r"#.*", "", names).strip("() \n").split(",")
        modules = [f"{package}.{name.split()[0]}" for name in listed if name.split()] if package else []
        files += [file for file in map(_file, [package or module, *modules]) if file]
    return files


def _file(module: str) -> Path | None:
    """The source file of a module of knotflow; None for a name that is none."""
    stem = _ROOT.joinpath(*module.split(".")[1:])
    return next((path for path in (stem.with_suffix(".py"), stem / "__init__.py") if path.is_file()), None)


# -- reading and writing -------------------------------------------------------------------------------------


def _guard(store: Any) -> None:
    """Let a function's cache write under a lock, and go on without it if a file cannot be read or written."""
    load, save = store.load_overload, store.save_overload

    def guarded_load(signature: Any, context: Any) -> Any:
        try:
            found = load(signature, context)
        except Exception as error:  # a damaged file may raise anything
            _warn(f"compiled code in {store.cache_path} could not be read ({error})")
            found = None
        if found is None:
            announce()
        return found

    def guarded_save(signature: Any, compiled: Any) -> None:
        try:
            with _locked(store.cache_path):
                save(signature, compiled)
        except OSError as error:
            _warn(f"compiled code could not be written to {store.cache_path} ({error})")

    store.load_overload, store.save_overload = guarded_load, guarded_save


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


@cache
def _warn(message: str) -> None:
    warnings.warn(f"{message}: the next process will compile again", CacheWarning, stacklevel=2)


@cache
def announce() -> None:
    """Say once, on a terminal, why nothing seems to happen: a function was not in the cache."""
    if sys.stderr and sys.stderr.isatty():
        print("compiling the engine, once (`knotflow warm-up` does all of it ahead)", file=sys.stderr, flush=True)
