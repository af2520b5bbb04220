"""The HTML report of a reproduction, one self-contained page."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from knotflow._checks import every, number, text
from knotflow._paths import new_file
from knotflow_papers.page import render, write_text
from knotflow_papers.reproduction import torch_time

if TYPE_CHECKING:
    from knotflow_papers.reproduction.runner import Outcome

_STATES = ("reproduced", "reproduced with a correction", "not reproduced")


def write_report(
    outcomes: Sequence[Outcome],
    path: str | PathLike[str],
    *,
    command: str | None = None,
    seconds: float | None = None,
    left_out: Sequence[str] = (),
) -> Path:
    """Write one HTML page with, per item, the claim, the picture, what was measured, the verdict and the files.

    The page needs no other file and no network. The time that the training would take in PyTorch is measured if
    PyTorch is installed and the runs are the full ones.

    Parameters
    ----------
    outcomes : sequence of Outcome
        From `reproduce`.
    path : path
        The file; it appears whole or not at all.
    command : str, optional
        The command that made the page, as the page shows it.
    seconds : float, optional
        How long that took.
    left_out : sequence of str
        The items that could not run, and why.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    OSError
        As the file system does.

    Notes
    -----
    The cost is that of reading the pictures.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_report([], Path(folder) / "report.html", command="knotflow reproduce").name
    'report.html'
    """
    from knotflow_papers.reproduction.runner import Outcome

    outcomes, page = every("outcomes", outcomes, Outcome, "Outcomes, as reproduce returns them"), new_file("path", path)
    if command is not None:
        text("command", command)
    if seconds is not None:
        number("seconds", seconds, least=0.0)
    left_out = every("left_out", left_out, str, "texts")
    count: Counter[str] = Counter(outcome.verdict.status for outcome in outcomes)
    html = render(
        "reproduction/reproduction.html",
        papers=_by_paper(outcomes, page.parent),
        count=[(state, count[state]) for state in _STATES if count[state]],
        items=len(outcomes),
        quick=any(outcome.quick for outcome in outcomes),
        command=command,
        seconds=seconds,
        left_out=left_out,
    )
    write_text(page, html)
    return page


def _by_paper(outcomes: Sequence[Outcome], home: Path) -> list[tuple[Any, list[dict[str, Any]]]]:
    papers: dict[Any, list[dict[str, Any]]] = {}
    for outcome in outcomes:
        papers.setdefault(outcome.experiment.paper, []).append(_item(outcome, home))
    return list(papers.items())


def _item(outcome: Outcome, home: Path) -> dict[str, Any]:
    experiment = outcome.experiment
    return {
        "experiment": experiment,
        "status": outcome.verdict.status,
        "sentence": outcome.verdict.sentence,
        "checks": outcome.verdict.checks,
        "picture": base64.b64encode(outcome.picture.read_bytes()).decode(),
        "table": outcome.table,
        "parameters": [
            (name, _shown(getattr(outcome.settings, name)), each.source, each.printed)
            for name, each in experiment.parameters.items()
        ],
        "files": [_relative(path, home) for path in outcome.files],
        "seconds": _duration(outcome.seconds),
        "torch": torch_time.sentence(experiment.descents(outcome.settings), outcome.seconds)
        if experiment.descents and not outcome.quick
        else None,
    }


def _relative(path: Path, home: Path) -> str:
    return path.relative_to(home).as_posix() if path.is_relative_to(home) else path.as_posix()


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Iterable):
        return ", ".join(map(_shown, value))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.1f} min"
