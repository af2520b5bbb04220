"""Every statement of both papers, checked: `entries`, `run`, `write`.

entry     what an entry is, and how its status follows from what was measured
run       find the entries and check them, in several processes
page      the table as HTML, JSON and Markdown
williams  the entries of Williams et al. 2019
sahs      the entries of Sahs et al. 2022

To add an entry, add it to the ENTRIES of a module there, or add a module with such a tuple; nothing else changes.
"""

from knotflow.papers.ledger.entry import CORRECTED, ERROR, FAILS, HOLDS, Entry, Outcome
from knotflow.papers.ledger.page import rows, write
from knotflow.papers.ledger.run import Line, check, chosen, entries, run

__all__ = [
    "CORRECTED",
    "ERROR",
    "FAILS",
    "HOLDS",
    "Entry",
    "Line",
    "Outcome",
    "check",
    "chosen",
    "entries",
    "rows",
    "run",
    "write",
]
