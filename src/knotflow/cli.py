"""The command line: a thin skin over the library. Heavy imports happen inside the commands."""

from __future__ import annotations

import os
import shlex
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any

import typer

import knotflow
from knotflow.errors import DivergenceWarning, InputError, KnotflowError, StabilityWarning

if TYPE_CHECKING:
    from rich.console import Console

    from knotflow.dynamics import Progress
    from knotflow.fitting import Fit
    from knotflow.samples import Samples

app = typer.Typer(
    name="knotflow",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

_DIVERGED, _BAD_INPUT, _INTERRUPTED = 1, 2, 130
_QUIET = 5.0  # seconds between two lines of progress where nothing can be animated

_ABOUT = """Train ReLU networks on univariate data and see which spline they become."""

_EXAMPLES = """\b
Examples:
  knotflow demo                       motorcycle data, all regimes, a minute
  knotflow fit data.csv               the first two columns of your own file
  knotflow fit data.csv --x times --y accel --out results
  knotflow fit --help                 everything about fitting
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

    from knotflow import fitting, results

    standard, _ = data.standardised()
    for regime in regimes:  # before the first run: what is wrong with a later one
        fitting.start_network(standard, regime=regime, **start)
    _check_directory(out)
    fits: list[Fit] = []
    with _progress(Console(stderr=True)) as follow:
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


# -- on the terminal -------------------------------------------------------------------------------------


@contextmanager
def _progress(console: Console) -> Iterator[Callable[[str], Callable[[Progress], None]]]:
    """For each regime what shows its progress: a bar, or now and then a line where nothing can move."""
    if not console.is_terminal:
        yield _lines
        return
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description:9}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %  loss {task.fields[loss]:<8.4g}  {task.fields[left]}"),
    )
    with Bars(*columns, console=console) as bars:
        yield lambda regime: _bar(bars, regime)


def _bar(bars: Any, regime: str) -> Callable[[Progress], None]:
    task = bars.add_task(regime, total=None, loss=float("nan"), left="starting")

    def show(now: Progress) -> None:
        left = f"{now.seconds:.0f} s" if now.fraction == 1.0 else f"{_left(now)} left"
        known = now.fraction is not None
        bars.update(task, total=1.0 if known else None, completed=now.fraction or 0.0, loss=now.loss, left=left)

    return show


def _lines(regime: str) -> Callable[[Progress], None]:
    due, done = monotonic() + _QUIET, False

    def show(now: Progress) -> None:
        nonlocal due, done
        finished = now.fraction == 1.0
        if done or (not finished and monotonic() < due):
            return
        due, done = monotonic() + _QUIET, finished
        of = "" if now.steps is None else f" of {now.steps:,}"
        state = f"{regime}: step {now.step:,}{of}, loss {now.loss:.4g}"
        end = f", {now.seconds:.1f} s" if finished else f", {_left(now)} left"
        print(state + end, file=sys.stderr)

    return show


def _left(now: Progress) -> str:
    return "? s" if now.remaining is None else f"{now.remaining:.0f} s"


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
