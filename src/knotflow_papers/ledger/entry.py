"""What the ledger is made of: a statement, an oracle, and a check that measures one against the other."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

Body = TypeVar("Body", bound="Callable[..., Outcome]")
HOLDS, CORRECTED, FAILS, ERROR = "holds", "holds corrected", "fails as printed", "error"


@dataclass(frozen=True)
class Outcome:
    """What a check measured; made by `holds`, `corrected` and `fails`.

    printed         error of the statement as printed; None where there is nothing to measure, such as an open question
    corrected       error of the corrected statement; None if there is none
    tolerance       up to which an error counts as rounding, or as the noise of the oracle
    counterexample  numbers that show how the printed statement fails

    Raises ValueError for an error that is not finite.
    """

    printed: float | None
    corrected: float | None
    tolerance: float
    counterexample: str = ""

    def __post_init__(self) -> None:
        finite([error for error in (self.printed, self.corrected) if error is not None])


def finite(values: ArrayLike) -> NDArray[np.float64]:
    """The values as an array. Raises ValueError for one that is not finite: comparisons would pass over a NaN."""
    array = np.asarray(values, dtype=float)
    if not np.all(np.isfinite(array)):
        raise ValueError(f"a measured value is {array[~np.isfinite(array)].flat[0]}: it must be finite")
    return array


def largest(*errors: float) -> float:
    """The largest of errors. Raises ValueError for one that is not finite."""
    return float(np.max(finite(errors)))


def holds(*errors: float, tol: float) -> Outcome:
    """The statement is to hold as printed: each of the errors is to be at most `tol`."""
    return Outcome(largest(*errors), None, tol)


def corrected(printed: float | None, *correct: float, tol: float, note: str = "") -> Outcome:
    """The error of the statement as printed, and the errors of the corrected one, which are to be at most `tol`.

    note  numbers that show how the printed statement fails
    """
    return Outcome(printed, largest(*correct), tol, note)


def fails(printed: float, *, tol: float, note: str) -> Outcome:
    """The statement fails as printed, and nothing is known to hold in its place."""
    return Outcome(printed, None, tol, note)


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """One outcome of several trials: the largest errors, with the counterexample of the largest printed one."""
    found = list(outcomes)
    printed = [each.printed for each in found if each.printed is not None]
    correct = [each.corrected for each in found if each.corrected is not None]
    shown = max(found, key=lambda each: -1.0 if each.printed is None else each.printed)
    return Outcome(
        largest(*printed) if printed else None,
        largest(*correct) if correct else None,
        shown.tolerance,
        shown.counterexample,
    )


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
        """The status that follows from what was measured.

        HOLDS; CORRECTED if the corrected statement holds; FAILS if the printed one does not and nothing stands in its
        place; ERROR if the statement that should hold does not.
        """
        if outcome.printed is not None and outcome.printed <= outcome.tolerance:
            return HOLDS
        if outcome.corrected is not None:
            return CORRECTED if outcome.corrected <= outcome.tolerance else ERROR
        return FAILS if outcome.counterexample else ERROR


_BOOK: dict[str, dict[str, Entry]] = {}  # the entries of each module, by id


def claim(
    name: str,
    *,
    place: str,
    statement: str,
    oracle: str,
    corrected: str = "",
    trials: tuple[int, int] = (1, 1),
    paper: str = "",
) -> Callable[[Body], Body]:
    """Put a check into the ledger. The function is returned as it is.

    The check is a function of `rng`, or of `rng` and `quick`. Parameters as in `Entry`, and:

    trials  how often it is called, in a full and in a quick run, with one generator; the worst of them counts
    paper   the paper's key; by default the package in which the function is: ``knotflow_papers.<paper>``
    """

    def enter(body: Body) -> Body:
        own = body.__module__
        asks = "quick" in inspect.signature(body).parameters

        def check(rng: np.random.Generator, quick: bool) -> Outcome:
            return worst(body(rng, quick) if asks else body(rng) for _ in range(trials[int(quick)]))

        entries = _BOOK.setdefault(own, {})
        if name in entries:
            raise ValueError(f"name is {name!r}: another entry of {own} has it")
        entries[name] = Entry(name, paper or _paper_of(own), place, statement, corrected, oracle, check)
        return body

    return enter


def _paper_of(module: str) -> str:
    """The paper in whose package a module is."""
    package, _, rest = module.partition(".")
    if package != "knotflow_papers":
        raise ValueError(f"paper is '' for a claim in {module}: it must be given outside of knotflow_papers")
    return rest.partition(".")[0]


def entries_of(module: str) -> tuple[Entry, ...]:
    """The entries of a module that has been imported, in the order of its lines."""
    return tuple(_BOOK.get(module, {}).values())
