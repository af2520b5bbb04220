"""The command `knotflow`, also as `python -m knotflow`."""

from __future__ import annotations

import sys

from knotflow.errors import MissingLibraryError


def main() -> int:
    """Run the command line and return its exit code; without its libraries, say how to install them."""
    try:
        from knotflow.cli import main as command
    except MissingLibraryError as error:
        print("error:", error, file=sys.stderr)
        return 2
    return command()


if __name__ == "__main__":
    sys.exit(main())
