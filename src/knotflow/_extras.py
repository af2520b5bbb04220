"""Libraries that only parts of knotflow need: a missing one is named with the command that installs it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from knotflow.errors import MissingLibraryError

__all__ = ["needing_extras"]

# For each library: how people call it, and the extra that brings it.
_EXTRAS = {
    "matplotlib": ("matplotlib", "plots"),
    "imageio_ffmpeg": ("imageio-ffmpeg", "plots"),
    "jinja2": ("Jinja2", "report"),
    "typer": ("Typer", "cli"),
    "rich": ("Rich", "cli"),
    "autograd": ("autograd", "papers"),
    "xarray": ("xarray", "papers"),
    "openpyxl": ("openpyxl", "excel"),
    "pyarrow": ("PyArrow", "parquet"),
    "torch": ("PyTorch", "torch"),
}


@contextmanager
def needing_extras() -> Iterator[None]:
    """Turn the failed import of a library of an extra into a MissingLibraryError that says how to install it."""
    try:
        yield
    except ModuleNotFoundError as error:
        root = (error.name or "").partition(".")[0]
        if root not in _EXTRAS:
            raise
        library, extra = _EXTRAS[root]
        raise MissingLibraryError(
            f'this needs {library}, which is not installed: pip install "knotflow[{extra}]"'
        ) from None
