"""Write what the tests hold the ledger and the reproduction to: `make pins` runs it, and its changes are to be read.

    tools/pins.py ledger        the status of every entry, quick and full: about two minutes on two cores
    tools/pins.py verdicts DIR  the verdict of every item, quick and full, its trials in DIR: about ten minutes
    tools/pins.py watch [NAME]  for every public function that entries call, an entry that notices when it is wrong

A status or a verdict that flips is a decision: whoever writes it down here has looked at why.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import watch

from knotflow_papers import ledger, reproduce, select
from knotflow_papers.ledger import Entry

HOME = Path(__file__).parents[1] / "tests" / "papers" / "data"
SLOWEST = 5.0  # seconds: what takes longer when a function is wrong is no check for the tests


def read(name: str) -> dict[str, Any]:
    """What stands in a file of pins; empty if there is none."""
    path = HOME / f"{name}.json"
    return json.loads(path.read_text("utf-8")) if path.exists() else {}


def write(name: str, values: Mapping[str, Any]) -> None:
    HOME.mkdir(exist_ok=True)
    (HOME / f"{name}.json").write_text(json.dumps(values, indent=1, ensure_ascii=False) + "\n", "utf-8")


def statuses() -> dict[str, dict[str, str]]:
    """The status of every entry, in a quick and in a full run."""
    runs = {word: ledger.run(ledger.entries(), quick=word == "quick") for word in ("quick", "full")}
    return {
        quick.entry.id: {"quick": quick.status, "full": full.status}
        for quick, full in zip(runs["quick"], runs["full"], strict=True)
    }


def verdicts(out: Path) -> dict[str, dict[str, str]]:
    """The verdict of every item, in a quick and in a full run."""
    items = [each for each in select([]) if not each.lacking]
    runs = {word: reproduce(items, out / word, quick=word == "quick") for word in ("quick", "full")}
    return {
        quick.experiment.name: {"quick": quick.verdict.status, "full": full.verdict.status}
        for quick, full in zip(runs["quick"], runs["full"], strict=True)
    }


# -- who notices -----------------------------------------------------------------------------------------


class TooSlow(BaseException):
    """Out of a check that takes too long; no Exception, which the check would take for its own."""


def _stop(*_: object) -> None:
    raise TooSlow


def status(entry: Entry, within: Any = None) -> str:
    """The quick status of an entry within a context; "" if it takes too long."""
    signal.signal(signal.SIGALRM, _stop)
    signal.setitimer(signal.ITIMER_REAL, 2 * SLOWEST)
    began = time.process_time()
    try:
        with within or nullcontext():
            found = ledger.check(entry, quick=True).status
    except TooSlow:
        return ""
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return found if time.process_time() - began < SLOWEST else ""


def callers() -> dict[str, list[tuple[Entry, str]]]:
    """The entries that call each public function, the quickest first, with their statuses."""
    found: dict[str, list[tuple[float, Entry, str]]] = {}
    for entry in ledger.entries():
        addresses: set[str] = set()
        began = time.process_time()
        with watch.recorded(addresses):
            right = ledger.check(entry, quick=True).status
        for address in addresses:
            found.setdefault(address, []).append((time.process_time() - began, entry, right))
    order: Callable[[tuple[float, Entry, str]], Any] = lambda each: (each[0], each[1].id)  # noqa: E731
    return {address: [each[1:] for each in sorted(found[address], key=order)] for address in sorted(found)}


def watchers(only: str = "") -> dict[str, dict[str, str | None]]:
    """For every public function that entries call and every change of its numbers, an entry that notices, or None.

    With `only` the functions whose address contains it; what stands in the file about others is kept.
    """
    places, found, before = watch.functions(), {}, read("watch")
    for address, entries in callers().items():
        if only not in address and address in before:
            found[address] = before[address]
            continue
        fit = [each for each in entries if status(each[0], watch.broken(places[address], lambda v: v)) == each[1]]
        found[address] = {
            name: next(
                (e.id for e, right in fit if status(e, watch.broken(places[address], change)) not in ("", right)), None
            )
            for name, change in watch.CHANGES.items()
        }
        print(address, found[address], flush=True)
    return found


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["ledger"]:
            write("statuses", statuses())
        case ["verdicts", out]:
            write("verdicts", verdicts(Path(out)))
        case ["watch", *only]:
            write("watch", watchers(*only))
        case _:
            sys.exit(__doc__)
