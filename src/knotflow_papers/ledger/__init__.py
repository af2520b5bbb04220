"""Every statement of both papers, checked: `entries`, `run`, `write`.

entry         what an entry is, and how its status follows from what was measured
kinds         what an entry says of the paper, of which mistake, and what it compares
oracles       random cases, networks and gradients written out by their definitions, and errors
expectations  expectations over the laws of neurons by quadrature: the oracle of infinite width
checking      find the entries and check them, in several processes
page          the table as HTML, JSON and Markdown

The entries are in ``<paper>/ledger/``, a module for each section. To add one, decorate its check with `claim` there:

    @claim(
        "W Eq 5",
        place="eqs (4), (5)",
        statement="what is printed, in one line",
        corrected="what is true in its place",          # if it does not hold
        oracle="what it is checked against",
        trials=(50, 5),                                 # calls in a full and in a quick run, the worst counts
    )
    def eq_5(rng: Rng) -> Outcome:                      # or (rng, quick)
        return corrected(printed, correct, tol=1e-9, note="numbers")       # or holds(error, tol=...)
"""

from knotflow_papers.ledger.checking import Line, check, chosen, entries, run
from knotflow_papers.ledger.entry import (
    CORRECTED,
    ERROR,
    FAILS,
    HOLDS,
    Entry,
    Outcome,
    claim,
    corrected,
    fails,
    holds,
)
from knotflow_papers.ledger.page import rows, write

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
    "claim",
    "corrected",
    "entries",
    "fails",
    "holds",
    "rows",
    "run",
    "write",
]
