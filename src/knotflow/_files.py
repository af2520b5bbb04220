"""Files that are there completely or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["atomic_write"]


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A path to write to in place of `path`, which it replaces when the block ends without an error.

    The new path is in the same directory (made if it is missing) and keeps the suffix, so that writers that
    go by the suffix are content. A reader sees the old file or the new one, never a part; after an error the
    old file is as it was and nothing is left behind. Raises OSError as the file system does.

        with atomic_write("run.npz") as temporary:
            np.savez(temporary, ...)
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.stem}-{secrets.token_hex(4)}{target.suffix}")
    try:
        yield temporary
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
