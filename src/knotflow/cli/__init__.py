"""The command line: a thin skin over the library. Heavy imports happen inside the commands.

app      the command `knotflow`: fit, demo, warm-up; errors become one line, warnings too
papers   the commands about both papers: list, reproduce, ledger, video
console  tables, progress bars and plain lines, and the exit codes
"""

from __future__ import annotations

from knotflow._extras import needing_extras

with needing_extras():
    from knotflow.cli.app import app, main

__all__ = ["app", "main"]
