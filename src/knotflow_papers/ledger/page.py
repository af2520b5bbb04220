"""The ledger as a table: HTML, JSON and Markdown."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from knotflow._checks import every
from knotflow._paths import directory
from knotflow_papers.ledger import kinds
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


def _open(lines: Sequence[Line]) -> list[Line]:
    """The lines whose statement does not hold as printed, so far as its kind is known."""
    return [line for line in lines if line.status in {CORRECTED, FAILS} and line.entry.kind]


def kind_counts(lines: Sequence[Line]) -> list[tuple[str, str, int, int]]:
    """Kind, what it means, entries and their causes, of what does not hold as printed."""
    found = _open(lines)
    listed = []
    for kind, meaning in kinds.KINDS.items():
        causes = [line.entry.cause for line in found if line.entry.kind == kind]
        if causes:
            listed.append((kind, meaning, len(causes), len(set(causes))))
    return listed


def compared_counts(lines: Sequence[Line]) -> list[tuple[str, str, int]]:
    """What entries compare, in short and in words, and how many there are."""
    count = Counter(line.entry.compares for line in lines)
    return [(short, words, count[short]) for short, words in kinds.COMPARED.items() if count[short]]


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
            "kind": line.entry.kind,
            "cause": line.entry.cause,
            "compares": line.entry.compares,
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

    said = ("id", "where", "printed", "instead", "status", "kind", "cause")
    columns = (*said, "error printed", "corrected", "tolerance", "compares", "oracle")
    head = "| " + " | ".join((*columns, "counterexample", "s")) + " |"
    body = [
        "| " + " | ".join(cell(text) for text in (
            line.entry.id, line.entry.place, line.entry.statement, line.entry.corrected or "–", line.status,
            line.entry.kind or "–", line.entry.cause or "–",
            number(line.outcome.printed), number(line.outcome.corrected), number(line.outcome.tolerance),
            line.entry.compares, line.entry.oracle,
            line.outcome.counterexample or line.trouble or "–", f"{line.seconds:.1f}",
        )) + " |"
        for line in lines
    ]  # fmt: skip
    total = ", ".join(f"{count} {state}" for state, count in counts(lines).items())
    of_kinds = [f"- {kind}, {meaning}: {n} entries, {causes} causes" for kind, meaning, n, causes in kind_counts(lines)]
    of_compared = [f"- {words}: {n} entries" for _, words, n in compared_counts(lines)]
    parts = ["# The ledger", "", f"{len(lines)} entries: {total}.", ""]
    if of_kinds:
        parts += ["What does not hold as printed:", "", *of_kinds, ""]
    parts += ["What entries compare:", "", *of_compared, "", head, "|" + " --- |" * (len(columns) + 2), *body, ""]
    return "\n".join(parts)


def _html(lines: Sequence[Line]) -> str:
    papers = {title: [line for line in lines if line.entry.paper == paper] for paper, title in _TITLES.items()}
    return render(
        "ledger/ledger.html",
        papers={title: listed for title, listed in papers.items() if listed},
        counts=counts(lines),
        kinds=kind_counts(lines),
        compared=compared_counts(lines),
        number=number,
        total=len(lines),
        seconds=sum(line.seconds for line in lines),
    )
