"""What the ledger is made of: a statement, an oracle, and a check that measures one against the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

HOLDS, CORRECTED, FAILS, ERROR = "holds", "holds corrected", "fails as printed", "error"


@dataclass(frozen=True)
class Outcome:
    """What a check measured.

    printed         error of the statement as printed; None where there is nothing to measure (a definition mended)
    corrected       error of the corrected statement; None if there is none
    tolerance       up to which an error counts as rounding, or as the noise of the oracle
    counterexample  numbers that show how the printed statement fails
    """

    printed: float | None
    corrected: float | None
    tolerance: float
    counterexample: str = ""


@dataclass(frozen=True)
class Entry:
    """One equation, theorem or claim of a paper.

    id         how people refer to it, such as "W Lemma 2" or "S Thm 3"; unique
    paper      "williams2019" or "sahs2022"
    place      where it stands in the paper
    statement  what is printed, in one line
    corrected  what is true in its place, or ""
    oracle     what it is checked against, which shares no code with what it checks
    check      `check(rng, quick)` measures; ``quick`` asks for fewer or smaller cases
    """

    id: str
    paper: str
    place: str
    statement: str
    corrected: str
    oracle: str
    check: Callable[[np.random.Generator, bool], Outcome]

    def status(self, outcome: Outcome) -> str:
        """HOLDS, CORRECTED (the corrected statement does), FAILS (and nothing stands in its place) or ERROR: the
        statement that should hold does not."""
        if outcome.printed is not None and outcome.printed <= outcome.tolerance:
            return HOLDS
        if outcome.corrected is not None:
            return CORRECTED if outcome.corrected <= outcome.tolerance else ERROR
        return FAILS if outcome.counterexample else ERROR
