"""The command line: a thin skin over the library. Heavy imports happen inside the commands."""

from __future__ import annotations

import os
import shlex
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import knotflow
from knotflow.errors import DivergenceWarning, InputError, KnotflowError, StabilityWarning

if TYPE_CHECKING:
    from knotflow.dynamics import Trajectory
    from knotflow.fitting import Fit
    from knotflow.samples import Samples
    from knotflow_papers import Experiment, Outcome

app = typer.Typer(
    name="knotflow",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

_DIVERGED, _NOT_REPRODUCED, _BAD_INPUT, _INTERRUPTED = 1, 1, 2, 130

_ABOUT = """Train ReLU networks on univariate data and see which spline they become."""

_EXAMPLES = """\b
Examples:
  knotflow demo                       motorcycle data, all regimes, a minute
  knotflow fit data.csv               the first two columns of your own file
  knotflow fit data.csv --x times --y accel --out results
  knotflow fit --help                 everything about fitting
  knotflow reproduce --quick          both papers' figures, a minute
  knotflow ledger --quick             both papers' statements, checked
  knotflow video demo-report/adaptive.npz    a film of a run
"""

_FIT_EXAMPLES = """\b
Examples:
  knotflow fit data.csv                    first two columns, all regimes
  knotflow fit data.csv --x times --y 2    columns by name, or number from 0
  knotflow fit data.csv --regime adaptive  only the adaptive linear spline
  knotflow fit data.csv --missing drop     leave out rows with an empty cell
  knotflow fit data.csv --delta -5 --width 300          a delta of your own
  knotflow fit data.csv --optimizer sgd --batch 8 --seed 3
  knotflow fit data.csv --regime kernel --init uniform_knots    evenly spread

\b
Written into --out:
  report.html      everything on one page
  report-*.png     its figures: functions, neurons, knots and losses
  curve.csv        the fitted functions, natural cubic and linear spline
  knots.csv        every neuron's knot, delta-slope and orientation
  summary.json     the numbers and the settings
  <regime>.npz     the run: knotflow.load_trajectory("<regime>.npz")

\b
Exit code: 0 done, 1 a run diverged, 2 the input is wrong,
130 interrupted (Ctrl-C keeps what was computed).
"""

_REPRODUCE_EXAMPLES = """\b
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

_LEDGER_EXAMPLES = """\b
Examples:
  knotflow ledger --quick        every entry, with fewer cases
  knotflow ledger "Thm 5" Lemma  entries whose id contains one of these

\b
Written into --out: ledger.html, ledger.json, ledger.md

\b
Exit code: 0 done, 1 an entry that should hold does not, 2 the input is wrong.
"""

_VIDEO_EXAMPLES = """\b
Examples:
  knotflow video williams2019-figure-6        an item's run
  knotflow video demo-report/adaptive.npz     a run of your own
  knotflow video run.npz --frames 400 --out run.mp4

\b
The items that have a film are those that knotflow list marks.
"""

Out = Annotated[Path, typer.Option(help="Directory for the results.")]


@app.callback(invoke_without_command=True, help=_ABOUT, epilog=_EXAMPLES)
def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        print(f"knotflow {knotflow.__version__}")
        raise typer.Exit


@app.command(epilog=_FIT_EXAMPLES)
def fit(
    context: typer.Context,
    data: Annotated[Path, typer.Argument(help="A delimited text file with a column x and a column y.")],
    x: Annotated[str | None, typer.Option(help="Column of x: its name, or its number from 0.")] = None,
    y: Annotated[str | None, typer.Option(help="Column of y.")] = None,
    missing: Annotated[str, typer.Option(help="Rows with an empty x or y: error or drop.")] = "error",
    regime: Annotated[str, typer.Option(help="kernel, between, adaptive or all.")] = "all",
    delta: Annotated[float | None, typer.Option(help="c² - a² - b² at the start, in place of a regime.")] = None,
    width: Annotated[int, typer.Option(help="Number of neurons.")] = 1000,
    init: Annotated[str, typer.Option(help="pytorch, he, glorot, gaussian, uniform or uniform_knots.")] = "pytorch",
    norm: Annotated[str, typer.Option(help="1, sqrt or m (of the width), or a positive number.")] = "sqrt",
    steps: Annotated[int, typer.Option(help="Training steps.")] = 500_000,
    lr: Annotated[
        float | None,
        typer.Option(help="Learning rate, in standardised units.  [default: a half or a tenth of the stable]"),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the initial network and of the minibatches.")] = 0,
    optimizer: Annotated[
        str, typer.Option("--optimizer", "--dynamics", help="descent, sgd, adam or flow (exact).")
    ] = "descent",
    batch: Annotated[int | None, typer.Option(help="Samples in a minibatch, for sgd.  [default: 16]")] = None,
    out: Out = Path("knotflow-report"),
) -> None:
    """Fit a CSV file and write a report.

    Trains a network in each regime on the standardised data and compares it with the natural cubic and the
    linear spline through the same points.
    """
    from knotflow.samples import Samples

    if missing not in ("error", "drop"):
        raise InputError(f"missing is {missing!r}: it must be error or drop")
    samples = Samples.from_csv(data, x, y, missing=missing)  # type: ignore[arg-type]
    start = {"delta": delta, "width": width, "init": init, "norm": norm, "seed": seed}
    training = {"steps": steps, "lr": lr, "dynamics": optimizer, "batch": batch}
    _run(samples, _regimes(regime, delta), start, training, out, context.obj)


@app.command()
def demo(
    context: typer.Context,
    out: Out = Path("demo-report"),
    steps: Annotated[int, typer.Option(help="Training steps.")] = 500_000,
) -> None:
    """Fit the motorcycle data in all three regimes.

    133 accelerations of a head in simulated crashes (Silverman 1985), with tied times.
    """
    from knotflow.samples import datasets

    _run(datasets.motorcycle(), _regimes("all", None), {}, {"steps": steps}, out, context.obj)


@app.command("list")
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


@app.command(epilog=_REPRODUCE_EXAMPLES)
def reproduce(
    context: typer.Context,
    names: Annotated[list[str] | None, typer.Argument(help="Items or papers; none: all.", metavar="[NAME]...")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer trials, neurons and epochs.")] = False,
    out: Out = Path("reproduction"),
    processes: Annotated[int | None, typer.Option(help="Processes.  [default: one for each core]")] = None,
) -> None:
    """Reproduce the papers' figures and tables and write a report."""
    from rich.console import Console

    from knotflow import papers, terminal

    experiments, left_out = _possible(papers.select(names or []))
    _check_directory(out)
    began = time.monotonic()
    try:
        with terminal.counting(Console(stderr=True), "trials") as show:
            outcomes = papers.reproduce(
                experiments,
                out,
                quick=quick,
                processes=processes,
                progress=lambda step: show(step.done, step.total, step.name),
            )
    except KeyboardInterrupt:
        print(f"interrupted: finished trials are kept in {out}, and the same command goes on there", file=sys.stderr)
        raise typer.Exit(_INTERRUPTED) from None
    seconds = time.monotonic() - began
    report = papers.write_report(outcomes, out / "report.html", command=context.obj, seconds=seconds, left_out=left_out)
    _print_verdicts(outcomes)
    print(f"Report: {report}")
    if any(outcome.verdict.status == "not reproduced" for outcome in outcomes):
        raise typer.Exit(_NOT_REPRODUCED)


def _possible(experiments: list[Experiment]) -> tuple[list[Experiment], list[str]]:
    """The items that can run here, and in words those that cannot; InputError if none can."""
    left_out = [f"{each.name} {each.lacking}" for each in experiments if each.lacking]
    for words in left_out:
        print(f"left out: {words}", file=sys.stderr)
    possible = [each for each in experiments if not each.lacking]
    if not possible:
        raise InputError("; ".join(left_out))
    return possible, left_out


@app.command(epilog=_LEDGER_EXAMPLES)
def ledger(
    ids: Annotated[list[str] | None, typer.Argument(help="Parts of their ids; none: all.", metavar="[ID]...")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer and smaller cases.")] = False,
    out: Out = Path("ledger"),
    processes: Annotated[int | None, typer.Option(help="Processes.  [default: one for each core]")] = None,
) -> None:
    """Check every statement of both papers against independent oracles and write a table."""
    from rich.console import Console

    from knotflow import terminal
    from knotflow.papers import ledger as book

    wanted = book.chosen(ids or [])
    _check_directory(out)
    with terminal.counting(Console(stderr=True), "entries") as show:
        lines = book.run(wanted, quick=quick, processes=processes, progress=lambda k, n: show(k, n, ""))
    _print_rows(("id", "statement", "status", "error", "s"), book.rows(lines))
    print(f"Ledger: {book.write(lines, out)[0]}")
    if any(line.status == book.ERROR for line in lines):
        raise typer.Exit(_NOT_REPRODUCED)


@app.command(epilog=_VIDEO_EXAMPLES)
def video(
    run: Annotated[str, typer.Argument(help="An item of a paper, or a run's .npz file.", metavar="NAME|FILE")],
    out: Annotated[Path | None, typer.Option(help="The file.  [default: the name with .mp4]")] = None,
    frames: Annotated[int, typer.Option(help="Number of pictures, 25 a second.")] = 200,
) -> None:
    """Make an MP4 of a training run: the function, its knots and the neurons in the (u, v) plane."""
    from rich.console import Console

    from knotflow import plots, terminal

    target = out or Path(f"{Path(run).stem}.mp4")
    _check_directory(target.parent)
    trajectory, title = _film(run)
    with terminal.counting(Console(stderr=True), "frames") as show:
        plots.animate(trajectory, target, frames=frames, title=title, progress=lambda k, n: show(k, n, ""))
    print(f"Video: {target}")


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; errors become one line on stderr."""
    words = list(sys.argv[1:] if args is None else args)
    try:
        with _one_line_warnings():
            command = shlex.join(["knotflow", *words])
            return app(words or ["--help"], "knotflow", obj=command, standalone_mode=False) or 0
    except (KnotflowError, OSError, typer.TyperException) as error:
        text = error.format_message() if isinstance(error, typer.TyperException) else str(error)
        print("error:", " ".join(text.split()), file=sys.stderr)
        return _BAD_INPUT
    except (KeyboardInterrupt, typer.Abort):
        return _INTERRUPTED


# -- papers ----------------------------------------------------------------------------------------------


def _print_verdicts(outcomes: list[Outcome]) -> None:
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


def _print_rows(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*map(escape, row))
    Console().print(table)


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


# -- running ---------------------------------------------------------------------------------------------


def _regimes(regime: str, delta: float | None) -> list[str]:
    """The regimes to run: a delta of one's own takes the place of all of them."""
    from knotflow.fitting import REGIMES

    if regime == "all":
        return ["between"] if delta is not None else list(REGIMES)
    return [regime]


def _run(
    data: Samples,
    regimes: list[str],
    start: dict[str, Any],
    training: dict[str, Any],
    out: Path,
    command: str,
) -> None:
    """Train in every regime, write the results, print the table; on Ctrl-C with what there is."""
    from rich.console import Console

    from knotflow import fitting, results, terminal

    standard, _ = data.standardised()
    for regime in regimes:  # before the first run: what is wrong with a later one
        fitting.start_network(standard, regime=regime, **start)
    _check_directory(out)
    fits: list[Fit] = []
    with terminal.training(Console(stderr=True)) as follow:
        for regime in regimes:
            try:
                fits.append(fitting.fit(data, regime=regime, **start, **training, progress=follow(regime)))
            except KeyboardInterrupt:
                break
            if fits[-1].trajectory.status == "interrupted":
                break
    interrupted = len(fits) < len(regimes) or fits[-1].trajectory.status == "interrupted"
    if fits:
        results.save(fits, out, command=command)
        _print_table(fits)
        print(f"Report: {out / 'report.html'}")
    if interrupted:
        print("interrupted: the results are those of the steps until then", file=sys.stderr)
        raise typer.Exit(_INTERRUPTED)
    if any(fit.trajectory.status == "diverged" for fit in fits):
        raise typer.Exit(_DIVERGED)


def _check_directory(out: Path) -> None:
    """Whether `out` can be written to, before an hour is spent on what to write."""
    there = next(path for path in (out, *out.absolute().parents) if path.exists())
    if not there.is_dir():
        raise InputError(f"out is {out}: it must be a directory, but {there} is a file; choose another name")
    if not os.access(there, os.W_OK | os.X_OK):
        raise InputError(f"out is {out}: there is no permission to write to {there}; choose another directory")


def _print_table(fits: list[Fit]) -> None:
    from rich.console import Console
    from rich.table import Table

    print(data := fits[0].data)
    even = fits[0].summary["fraction_expected"]
    table = Table(
        title=f"{data.y_name} against {data.x_name}",
        caption="Bends: places that hold 95% of the change of slope. Knots at samples: within 1% of the range"
        f" ({even:.0%} if spread evenly).",
        title_justify="left",
        caption_justify="left",
    )
    table.add_column("regime")
    for heading in ("RMS\nresidual", "bends", "knots at\nsamples", "max distance to\nnatural cubic"):
        table.add_column(heading, justify="right")
    table.add_column("max distance\nto linear", justify="right")
    for fit in fits:
        s = fit.summary
        table.add_row(
            fit.regime,
            f"{s['rms_residual']:.4g}",
            f"{s['bends']}",
            f"{s['fraction_near_samples']:.0%}",
            f"{s['cubic_distance']:.4g}",
            f"{s['linear_distance']:.4g}",
        )
    Console().print(table)
    for fit in fits:
        print(f"{fit.regime}: {fit.summary['verdict']}")


@contextmanager
def _one_line_warnings() -> Iterator[None]:
    """Warnings of knotflow as one line each, without the place in the source."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        print("warning:", " ".join(str(message).split()), file=sys.stderr)

    with warnings.catch_warnings():
        for category in (StabilityWarning, DivergenceWarning):
            warnings.simplefilter("always", category)
        warnings.showwarning = show
        yield
