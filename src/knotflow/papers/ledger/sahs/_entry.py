"""An entry of this paper from its check."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from knotflow.papers.ledger.entry import Entry, Outcome

PAPER = "sahs2022"


def claim(
    name: str, *, place: str, statement: str, oracle: str, corrected: str = ""
) -> Callable[[Callable[[np.random.Generator, bool], Outcome]], Entry]:
    """Make the check below it an entry."""

    def made(check: Callable[[np.random.Generator, bool], Outcome]) -> Entry:
        return Entry(name, PAPER, place, statement, corrected, oracle, check)

    return made
