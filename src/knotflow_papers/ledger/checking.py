"""Find the ledger's entries and check them."""

from __future__ import annotations

import importlib
import pkgutil
import time
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from knotflow import InputError
from knotflow._checks import every, flag, function, instance
from knotflow._extras import needing_extras
from knotflow_papers.ledger.entry import ERROR, Entry, Outcome, entries_of
from knotflow_papers.processes import number_of_processes, pool_of

PAPERS = ("williams2019", "sahs2022", "additions")  # additions are in neither paper


@dataclass(frozen=True)
class Line:
    """An entry with what its check gave.

    Attributes
    ----------
    entry : Entry
    outcome : Outcome
    status : str
        HOLDS, CORRECTED, FAILS or ERROR.
    seconds : float
        Processor time of the check.
    trouble : str
        The text of the exception if it raised one.
    """

    entry: Entry
    outcome: Outcome
    status: str
    seconds: float
    trouble: str = ""


@cache
def entries() -> tuple[Entry, ...]:
    """All entries: the claims in every module of the papers' ledgers, in the order of papers, modules and lines.

    Returns
    -------
    tuple of Entry

    Raises
    ------
    InputError
        Without autograd, the oracle of many of them.
    """
    with needing_extras():
        import autograd  # noqa: F401
    found: list[Entry] = []
    for paper in PAPERS:
        package = importlib.import_module(f"knotflow_papers.{paper}.ledger")
        for module in pkgutil.iter_modules(package.__path__):
            found += entries_of(importlib.import_module(f"{package.__name__}.{module.name}").__name__)
    names = [entry.id for entry in found]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"ids of the ledger occur twice: {sorted(twice)}")
    return tuple(found)


def chosen(wanted: Sequence[str]) -> tuple[Entry, ...]:
    """The entries whose id contains one of the words, in upper or lower case.

    Parameters
    ----------
    wanted : sequence of str
        The words; empty for all entries.

    Returns
    -------
    tuple of Entry

    Raises
    ------
    InputError
        For a word that no id contains.
    """
    known = entries()
    wanted = every("wanted", wanted, str, "words")
    for word in wanted:
        if not any(word.lower() in entry.id.lower() for entry in known):
            raise InputError(
                f"id is {word!r}: no entry of the ledger has it; `knotflow ledger --quick` lists all of them"
            )
    return tuple(e for e in known if not wanted or any(word.lower() in e.id.lower() for word in wanted))


def check(entry: Entry, quick: bool = False) -> Line:
    """Check one entry. Its random numbers depend on its id only; an exception becomes a line with status ERROR."""
    instance("entry", entry, Entry, "an Entry, as entries() has them")
    flag("quick", quick)
    rng, began = np.random.default_rng(zlib.crc32(entry.id.encode())), time.process_time()
    try:
        outcome, trouble = entry.check(rng, quick), ""
        status = entry.status(outcome)
    except Exception as error:  # one entry's failure must not hide the others
        outcome, trouble, status = Outcome(None, None, 0.0), f"{type(error).__name__}: {error}", ERROR
    return Line(entry, outcome, status, time.process_time() - began, trouble)


def run(
    wanted: Sequence[Entry],
    *,
    quick: bool = False,
    processes: int | None = None,
    progress: Callable[[int, int], Any] | None = None,
) -> list[Line]:
    """Check entries in processes.

    Parameters
    ----------
    wanted : sequence of Entry
        From `entries` or `chosen`.
    quick : bool
        Whether to take fewer and smaller cases.
    processes : int, optional
        Their number; None for one for each core, 1 for this process.
    progress : callable, optional
        ``progress(done, total)``, called after each entry.

    Returns
    -------
    list of Line
        In the order of `wanted`.

    Raises
    ------
    InputError
        If `processes` is not a whole number of at least 1.
    """
    wanted, processes = every("wanted", wanted, Entry, "Entries, as entries() has them"), number_of_processes(processes)
    flag("quick", quick)
    if progress is not None:
        function("progress", progress, "two numbers: done, total", 2)
    if processes == 1 or not wanted:
        lines = []
        for entry in wanted:
            lines.append(check(entry, quick))
            if progress:
                progress(len(lines), len(wanted))
        return lines
    with pool_of(min(processes, len(wanted))) as workers:
        tasks = {workers.submit(_check_id, each.id, quick): k for k, each in enumerate(wanted)}
        done: dict[int, Line] = {}
        for task in as_completed(tasks):
            k = tasks[task]
            done[k] = Line(wanted[k], *task.result())
            if progress:
                progress(len(done), len(wanted))
    return [done[k] for k in range(len(wanted))]


def _check_id(name: str, quick: bool) -> tuple[Outcome, str, float, str]:
    """What `check` gives except the entry, whose check cannot be pickled."""
    line = check(next(entry for entry in entries() if entry.id == name), quick)
    return line.outcome, line.status, line.seconds, line.trouble
