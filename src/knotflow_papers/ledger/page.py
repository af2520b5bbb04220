"""The ledger as a table: HTML, JSON and Markdown."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from knotflow._checks import every
from knotflow._paths import directory
from knotflow_papers.ledger.checking import Line
from knotflow_papers.ledger.entry import CORRECTED, ERROR, FAILS, HOLDS
from knotflow_papers.page import render, write_text

_TITLES = {
    "williams2019": "Williams et al. 2019, Gradient Dynamics of Shallow Univariate ReLU Networks",
    "sahs2022": "Sahs et al. 2022, Shallow Univariate ReLU Networks as Splines",
    "additions": "Additions, which are in neither paper",
}
_STATES = (HOLDS, CORRECTED, FAILS, ERROR)


def error(line: Line) -> float | None:
    """The error of the statement that the status speaks of: the corrected one if that is what holds."""
    return line.outcome.corrected if line.status == CORRECTED else line.outcome.printed


def number(value: float | None) -> str:
    """Two digits, or a dash."""
    return "–" if value is None else "0" if value == 0 else f"{value:.1e}"


def rows(lines: Sequence[Line]) -> list[tuple[str, str, str, str, str]]:
    """Id, statement, status, measured error, seconds of every line."""
    return [
        (line.entry.id, line.entry.statement, line.status, number(error(line)), f"{line.seconds:.1f}")
        for line in every("lines", lines, Line, "Lines, as run returns them")
    ]


def counts(lines: Sequence[Line]) -> dict[str, int]:
    """How many lines there are of each status that occurs."""
    count = Counter(line.status for line in lines)
    return {state: count[state] for state in _STATES if count[state]}


def write(lines: Sequence[Line], out: str | PathLike[str]) -> list[Path]:
    """``ledger.html``, ``ledger.json`` and ``ledger.md`` in the directory; their paths, the page first."""
    lines, root = every("lines", lines, Line, "Lines, as run returns them"), directory("out", out)
    root.mkdir(parents=True, exist_ok=True)
    texts = {"ledger.html": _html(lines), "ledger.json": _json(lines), "ledger.md": _markdown(lines)}
    for name, text in texts.items():
        write_text(root / name, text)
    return [root / name for name in texts]


def _json(lines: Sequence[Line]) -> str:
    listed = [
        {
            "id": line.entry.id,
            "paper": line.entry.paper,
            "place": line.entry.place,
            "printed": line.entry.statement,
            "corrected": line.entry.corrected,
            "status": line.status,
            "error_printed": line.outcome.printed,
            "error_corrected": line.outcome.corrected,
            "tolerance": line.outcome.tolerance,
            "counterexample": line.outcome.counterexample,
            "oracle": line.entry.oracle,
            "seconds": round(line.seconds, 3),
            "trouble": line.trouble,
        }
        for line in lines
    ]
    return json.dumps(listed, indent=2, ensure_ascii=False, default=float) + "\n"


def _markdown(lines: Sequence[Line]) -> str:
    def cell(text: str) -> str:
        return text.replace("|", "\\|").replace("\n", " ")

    columns = ("id", "where", "printed", "instead", "status", "error printed", "corrected", "tolerance", "oracle")
    head = "| " + " | ".join((*columns, "counterexample", "s")) + " |"
    body = [
        "| " + " | ".join(cell(text) for text in (
            line.entry.id, line.entry.place, line.entry.statement, line.entry.corrected or "–", line.status,
            number(line.outcome.printed), number(line.outcome.corrected), number(line.outcome.tolerance),
            line.entry.oracle, line.outcome.counterexample or line.trouble or "–", f"{line.seconds:.1f}",
        )) + " |"
        for line in lines
    ]  # fmt: skip
    total = ", ".join(f"{count} {state}" for state, count in counts(lines).items())
    return "\n".join(["# The ledger", "", f"{len(lines)} entries: {total}.", "", head, "|" + " --- |" * 11, *body, ""])


def _html(lines: Sequence[Line]) -> str:
    papers = {title: [line for line in lines if line.entry.paper == paper] for paper, title in _TITLES.items()}
    return render(
        "ledger/ledger.html",
        papers={title: listed for title, listed in papers.items() if listed},
        counts=counts(lines),
        number=number,
        total=len(lines),
        seconds=sum(line.seconds for line in lines),
    )
