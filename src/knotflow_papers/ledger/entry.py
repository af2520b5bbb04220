"""What the ledger is made of: a statement, an oracle, and a check that measures one against the other."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from knotflow_papers.ledger import kinds

Body = TypeVar("Body", bound="Callable[..., Outcome]")
HOLDS, CORRECTED, FAILS, ERROR = "holds", "holds corrected", "fails as printed", "error"


@dataclass(frozen=True)
class Outcome:
    """What a check measured; made by `holds`, `corrected` and `fails`.

    Attributes
    ----------
    printed : float, optional
        Error of the statement as printed; None where there is nothing to measure, such as an open question.
    corrected : float, optional
        Error of the corrected statement; None if there is none.
    tolerance : float
        Up to which an error counts as rounding, or as the noise of the oracle.
    counterexample : str
        Numbers that show how the printed statement fails.

    Raises
    ------
    ValueError
        For an error that is not finite.
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
    """The outcome of a statement that is to hold as printed: each of the errors is to be at most `tol`.

    Examples
    --------
    >>> holds(1e-12, 3e-12, tol=1e-9).printed
    3e-12
    """
    return Outcome(largest(*errors), None, tol)


def corrected(printed: float | None, *correct: float, tol: float, note: str = "") -> Outcome:
    """The outcome of a statement that is to hold in a corrected form.

    Parameters
    ----------
    printed : float, optional
        The error of the statement as printed; None if there is nothing to measure.
    *correct : float
        The errors of the corrected statement, which are to be at most `tol`.
    tol : float
        The tolerance.
    note : str
        Numbers that show how the printed statement fails.
    """
    return Outcome(printed, largest(*correct), tol, note)


def fails(printed: float, *, tol: float, note: str) -> Outcome:
    """The outcome of a statement that fails as printed, where nothing is known to hold in its place."""
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

    Attributes
    ----------
    id : str
        How people refer to it, such as "W Lemma 2" or "S Thm 3"; unique.
    paper : str
        "williams2019", "sahs2022" or, for a statement in neither, "additions".
    place, statement : str
        Where it stands in the paper, and what is printed there, in one line.
    corrected : str
        What is true in its place, or "".
    oracle : str
        What it is checked against; `compares` says whether knotflow's own numbers are on both sides.
    check : callable
        ``check(rng, quick)`` measures; ``quick`` asks for fewer or smaller cases.
    """

    id: str
    paper: str
    place: str
    statement: str
    corrected: str
    oracle: str
    check: Callable[[np.random.Generator, bool], Outcome]

    @property
    def kind(self) -> str:
        """Of which of the `kinds` it is, if its statement does not hold as printed; else ""."""
        root = kinds.roots().get(self.id)
        return root.kind if root else ""

    @property
    def cause(self) -> str:
        """The mistake that it comes from, in a sentence; "" if there is none."""
        root = kinds.roots().get(self.id)
        return root.cause if root else ""

    @property
    def compares(self) -> str:
        """What it compares: one of `kinds.COMPARED`."""
        return kinds.compared().get(self.id, kinds.ORACLE)

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
    """A decorator that puts a check into the ledger and returns the function as it is.

    The check is a function of `rng`, or of `rng` and `quick`.

    Parameters
    ----------
    name, place, statement, oracle, corrected : str
        As in `Entry`; `name` is its id.
    trials : tuple of int
        How often the check is called, in a full and in a quick run, with one generator. The largest errors count.
    paper : str
        The paper's key; by default that of the package in which the function is, ``knotflow_papers.<paper>``.

    Returns
    -------
    callable
        The decorator.

    Raises
    ------
    ValueError
        If another entry of the module has this name.
    """

    def enter(body: Body) -> Body:
        own = body.__module__
        asks = "quick" in inspect.signature(body).parameters

        entries = _BOOK.setdefault(own, {})
        if name in entries:
            raise ValueError(f"name is {name!r}: another entry of {own} has it")
        entries[name] = Entry(
            name, paper or _paper_of(own), place, statement, corrected, oracle, _Trials(body, trials, asks)
        )
        return body

    return enter


@dataclass(frozen=True)
class _Trials:
    """A check: the worst outcome of some trials of the body of a claim, and of fewer if it is to be quick."""

    body: Callable[..., Any]
    trials: tuple[int, int]
    asks: bool

    def __call__(self, rng: np.random.Generator, quick: bool) -> Outcome:
        return worst(self.body(rng, quick) if self.asks else self.body(rng) for _ in range(self.trials[int(quick)]))


def _paper_of(module: str) -> str:
    """The paper in whose package a module is."""
    package, _, rest = module.partition(".")
    if package != "knotflow_papers":
        raise ValueError(f"paper is '' for a claim in {module}: it must be given outside of knotflow_papers")
    return rest.partition(".")[0]


def entries_of(module: str) -> tuple[Entry, ...]:
    """The entries of a module that has been imported, in the order of its lines."""
    return tuple(_BOOK.get(module, {}).values())
