"""The checks of paths: of a file to read or to write, and of a directory."""

from __future__ import annotations

import os
from pathlib import Path

from knotflow._checks import shown
from knotflow.errors import InputError

__all__ = ["directory", "file_path", "new_file"]


def file_path(name: str, value: object) -> Path:
    """`value`, a str or an os.PathLike, as a path. Not a number, which Python would take for that of an open file."""
    try:
        written = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    except Exception:  # whatever a foreign class raises
        written = None
    if not isinstance(written, str) or not written or "\0" in written:
        raise InputError(f"{name} is {shown(value)}: it must be a path, as a str or a pathlib.Path")
    return Path(written)


def new_file(name: str, value: object) -> Path:
    """`value` as the path of a file to write."""
    path = file_path(name, value)
    if path.is_dir():
        raise InputError(f"{name} is {path}: it must be the path of a file, but this is a directory")
    return path


def directory(name: str, value: object) -> Path:
    """`value` as the path of a directory that is there, or that can be made."""
    path = file_path(name, value)
    there = next(each for each in (path, *path.absolute().parents) if each.exists())
    if not there.is_dir():
        raise InputError(f"{name} is {path}: it must be a directory, but {there} is a file; choose another name")
    if not os.access(there, os.W_OK | os.X_OK):
        raise InputError(f"{name} is {path}: there is no permission to write to {there}; choose another directory")
    return path
