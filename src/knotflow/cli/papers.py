"""The commands about both papers: list, reproduce, ledger, video."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from knotflow.cli import console
from knotflow.errors import InputError

if TYPE_CHECKING:
    from knotflow.dynamics import Trajectory
    from knotflow_papers import Experiment, Outcome

__all__ = ["LEDGER_HELP", "REPRODUCE_HELP", "VIDEO_HELP", "ledger", "list_items", "reproduce", "video"]

REPRODUCE_HELP = """\b
Examples:
  knotflow reproduce                     everything, as the papers say
  knotflow reproduce --quick             everything, reduced
  knotflow reproduce williams2019        the items of one paper
  knotflow reproduce williams2019-figure-4 --out figure4
  knotflow list                          the names of the items

\b
Written into --out:
  report.html    claims, pictures, what was measured, verdicts
  figures/       each picture as PNG and SVG
  data/          the data behind each as NetCDF
  trials/        what was computed: an interrupted run goes on there

\b
Exit code: 0 done, 1 an item is not reproduced, 2 the input is wrong,
130 interrupted (finished trials are kept).
"""

LEDGER_HELP = """\b
Examples:
  knotflow ledger --quick        every entry, with fewer cases
  knotflow ledger "Thm 5" Lemma  entries whose id contains one of these

\b
Written into --out: ledger.html, ledger.json, ledger.md

\b
Exit code: 0 done, 1 an entry that should hold does not, 2 the input is wrong.
"""

VIDEO_HELP = """\b
Examples:
  knotflow video williams2019-figure-6        an item's run
  knotflow video demo-report/adaptive.npz     a run of your own
  knotflow video run.npz --frames 400 --out run.mp4

\b
The items that have a film are those that knotflow list marks.
"""

Out = Annotated[Path, typer.Option(help="Directory for the results.")]
Quick = Annotated[bool, typer.Option("--quick", help="Fewer and smaller cases.")]
Processes = Annotated[int | None, typer.Option(help="Processes.  [default: one for each core]")]


def list_items() -> None:
    """List the figures and tables that can be reproduced."""
    from rich.console import Console
    from rich.table import Table

    from knotflow import papers

    table = Table(box=None, pad_edge=False, caption="* has a film: knotflow video NAME", caption_justify="left")
    table.add_column("name", no_wrap=True)
    table.add_column("")
    table.add_column("what it shows")
    for name, each in papers.experiments().items():
        table.add_row(name, "*" if each.film else "", each.title + (f" ({each.lacking})" if each.lacking else ""))
    Console().print(table)


def reproduce(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="Items or papers; none: all.", metavar="[NAME]...")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer trials, neurons and epochs.")] = False,
    out: Out = Path("reproduction"),
    processes: Processes = None,
) -> None:
    """Reproduce the papers' figures and tables and write a report."""
    from knotflow import papers
    from knotflow._paths import directory

    experiments, left_out = _possible(papers.select(names or []))
    directory("out", out)
    began = time.monotonic()
    try:
        with console.counting("trials") as show:
            outcomes = papers.reproduce(
                experiments,
                out,
                quick=quick,
                processes=processes,
                progress=lambda step: show(step.done, step.total, step.name),
            )
    except KeyboardInterrupt:
        print(f"interrupted: finished trials are kept in {out}, and the same command goes on there", file=sys.stderr)
        raise typer.Exit(console.INTERRUPTED) from None
    seconds = time.monotonic() - began
    report = papers.write_report(outcomes, out / "report.html", command=context.obj, seconds=seconds, left_out=left_out)
    _print_verdicts(outcomes)
    print(f"Report: {report}")
    if any(outcome.verdict.status == "not reproduced" for outcome in outcomes):
        raise typer.Exit(console.NOT_REPRODUCED)


def _possible(experiments: list[Experiment]) -> tuple[list[Experiment], list[str]]:
    """The items that can run here, and in words those that cannot; InputError if none can."""
    left_out = [f"{each.name} {each.lacking}" for each in experiments if each.lacking]
    for words in left_out:
        print(f"left out: {words}", file=sys.stderr)
    possible = [each for each in experiments if not each.lacking]
    if not possible:
        raise InputError("; ".join(left_out))
    return possible, left_out


def _print_verdicts(outcomes: Sequence[Outcome]) -> None:
    from rich.console import Console
    from rich.table import Table

    colours = {"reproduced": "green", "reproduced with a correction": "yellow", "not reproduced": "red"}
    table = Table(box=None, pad_edge=False)
    table.add_column("item", no_wrap=True)
    table.add_column("verdict")
    for outcome in outcomes:
        status = outcome.verdict.status
        table.add_row(outcome.experiment.name, f"[{colours[status]}]{status}[/]")
    Console().print(table)


def ledger(
    ids: Annotated[list[str] | None, typer.Argument(help="Parts of their ids; none: all.", metavar="[ID]...")] = None,
    quick: Quick = False,
    out: Out = Path("ledger"),
    processes: Processes = None,
) -> None:
    """Check every statement of both papers against independent oracles and write a table."""
    from knotflow._paths import directory
    from knotflow_papers import ledger as book

    wanted = book.chosen(ids or [])
    directory("out", out)
    with console.counting("entries") as show:
        lines = book.run(wanted, quick=quick, processes=processes, progress=lambda k, n: show(k, n, ""))
    console.print_rows(("id", "statement", "status", "error", "s"), book.rows(lines))
    print(f"Ledger: {book.write(lines, out)[0]}")
    if any(line.status == book.ERROR for line in lines):
        raise typer.Exit(console.NOT_REPRODUCED)


def video(
    run: Annotated[str, typer.Argument(help="An item of a paper, or a run's .npz file.", metavar="NAME|FILE")],
    out: Annotated[Path | None, typer.Option(help="The file.  [default: the name with .mp4]")] = None,
    frames: Annotated[int, typer.Option(help="Number of pictures, 25 a second.")] = 200,
) -> None:
    """Make an MP4 of a training run: the function, its knots and the neurons in the (u, v) plane."""
    from knotflow import plots
    from knotflow._paths import directory

    target = out or Path(f"{Path(run).stem}.mp4")
    directory("out", target.parent)
    trajectory, title = _film(run)
    with console.counting("frames") as show:
        plots.animate(trajectory, target, frames=frames, title=title, progress=lambda k, n: show(k, n, ""))
    print(f"Video: {target}")


def _film(run: str) -> tuple[Trajectory, str]:
    """The trajectory of a file or of an item, and what it is called."""
    from knotflow import papers
    from knotflow.dynamics import load_trajectory

    if Path(run).exists():
        return load_trajectory(run), Path(run).stem
    there = papers.experiments()
    films = {name: (each, each.film, each.title) for name, each in there.items() if each.film}
    films |= {f"{name}-{more}": (each, film, more) for name, each in there.items() for more, film in each.films.items()}
    if run not in films:
        raise InputError(f"{run} is neither a file nor an item with a film; those are {', '.join(films)}")
    each, film, words = films[run]
    return film(each.settings()), f"{each.paper.cite if each.paper else ''}, {each.item}: {words}"
