"""The command `knotflow`: fit, demo, warm-up, and those about the papers."""

from __future__ import annotations

import shlex
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import knotflow
from knotflow.cli import console, papers
from knotflow.errors import KnotflowError

if TYPE_CHECKING:
    from knotflow.data import Samples
    from knotflow.fitting import Fit

__all__ = ["app", "main"]

app = typer.Typer(
    name="knotflow",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

_ABOUT = """Train ReLU networks on univariate data and see which spline they become."""

_EXAMPLES = """\b
Examples:
  knotflow demo                       motorcycle data, all regimes, a minute
  knotflow fit data.csv               the first two columns of your own file
  knotflow fit data.csv --x times --y accel --out results
  knotflow fit --help                 everything about fitting
  knotflow warm-up                    compile everything ahead, once
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
  knotflow fit data.csv --sep ";" --decimal ,           say how to read it
  knotflow fit data.csv --delta -5 --width 300          a delta of your own
  knotflow fit data.csv --dynamics flow    the exact gradient flow
  knotflow fit data.csv --dynamics sgd --batch 8 --seed 3
  knotflow fit data.csv --regime kernel --init uniform_knots    evenly spread

\b
Regimes, by delta = c² - a² - b² at the start:
  kernel    -10000  the knots stay: a smooth, cubic-like spline
  between       -1  knots move while slopes grow
  adaptive   10000  knots gather at samples: a linear spline, few pieces

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

_WARM_UP_HELP = """\b
The first run of each kind compiles its part of the engine, which takes
seconds; the compiled code is kept, and later runs start at once. This
command does all of it ahead. The place is __pycache__ of the package, or
NUMBA_CACHE_DIR if that is set.

\b
Example:
  knotflow warm-up                         a minute or two, once
"""


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
    data: Annotated[Path, typer.Argument(help="A file with a column x and a column y: text, .xlsx, .parquet.")],
    x: Annotated[str | None, typer.Option(help="Column of x: its name, or its number from 0.")] = None,
    y: Annotated[str | None, typer.Option(help="Column of y.")] = None,
    weights: Annotated[str | None, typer.Option(help="Column of weights.")] = None,
    missing: Annotated[str, typer.Option(help="Rows with an empty x or y: error or drop.")] = "error",
    sep: Annotated[str | None, typer.Option(help="Between columns: a character, tab or space.")] = None,
    decimal: Annotated[str | None, typer.Option(help="Before decimals: . or ,  [default: found]")] = None,
    thousands: Annotated[
        str | None, typer.Option(help="Between groups of digits: , . ' space or none.  [default: found]")
    ] = None,
    header: Annotated[str | None, typer.Option(help="Line of the header, from 1, or none.  [default: found]")] = None,
    comment: Annotated[str | None, typer.Option(help="What begins a comment, or none.  [default: # % //]")] = None,
    encoding: Annotated[str | None, typer.Option(help="For example latin-1.  [default: UTF-8, UTF-16]")] = None,
    unit: Annotated[str | None, typer.Option(help="What dates are counted in: days, hours, ...")] = None,
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
    dynamics: Annotated[str, typer.Option(help="descent, sgd, adam or flow (exact).")] = "descent",
    optimizer: Annotated[str | None, typer.Option(hidden=True)] = None,
    batch: Annotated[int | None, typer.Option(help="Samples in a minibatch, for sgd.  [default: 16]")] = None,
    out: papers.Out = Path("knotflow-report"),
) -> None:
    """Fit a CSV file and write a report.

    Trains a network in each regime on the standardised data and compares it with the natural cubic and the
    linear spline through the same points.
    """
    from knotflow.data import Samples

    if optimizer is not None:
        warnings.warn("--optimizer is now called --dynamics", DeprecationWarning, stacklevel=1)
    marks = {"sep": sep, "decimal": decimal, "thousands": thousands, "comment": comment, "encoding": encoding}
    reading: dict[str, Any] = {"weights": weights, "missing": missing, "header": header, "unit": unit, **marks}
    samples = Samples.from_csv(data, x, y, **reading)
    start = {"delta": delta, "width": width, "init": init, "norm": norm, "seed": seed}
    training = {"steps": steps, "lr": lr, "dynamics": optimizer or dynamics, "batch": batch}
    _run(samples, _regimes(regime, delta), start, training, out, context.obj)


@app.command()
def demo(
    context: typer.Context,
    out: papers.Out = Path("demo-report"),
    steps: Annotated[int, typer.Option(help="Training steps.")] = 500_000,
) -> None:
    """Fit the motorcycle data in all three regimes.

    133 accelerations of a head in simulated crashes (Silverman 1985), with tied times.
    """
    from knotflow.data import datasets

    _run(datasets.motorcycle(), _regimes("all", None), {}, {"steps": steps}, out, context.obj)


@app.command("warm-up", epilog=_WARM_UP_HELP)
def warm_up(
    processes: Annotated[
        int | None, typer.Option(help="Processes, 1 or 2.  [default: 2, if there are 2 cores]")
    ] = None,
) -> None:
    """Compile the engine ahead, once."""
    from knotflow import warm_up as ahead
    from knotflow.engine.compiled import cache_directory

    with console.counting("parts") as show:
        report = ahead.warm_up(processes=processes, progress=show)
    console.print_rows(
        ("part", "compiled", "s", "what"),
        [(done.name, f"{done.compiled:,}", f"{done.seconds:.1f}", done.what) for done in report.parts],
    )
    print(f"Compiled {report.compiled:,} functions in {report.seconds:.0f} s, kept in {cache_directory()}")


app.command("list")(papers.list_items)
app.command(epilog=papers.REPRODUCE_HELP)(papers.reproduce)
app.command(epilog=papers.LEDGER_HELP)(papers.ledger)
app.command(epilog=papers.VIDEO_HELP)(papers.video)


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; errors become one line on stderr."""
    words = list(sys.argv[1:] if args is None else args)
    try:
        with console.one_line_warnings():
            command = shlex.join(["knotflow", *words])
            return app(words or ["--help"], "knotflow", obj=command, standalone_mode=False) or 0
    except (KnotflowError, OSError, typer.TyperException) as error:
        text = error.format_message() if isinstance(error, typer.TyperException) else str(error)
        print("error:", " ".join(text.split()), file=sys.stderr)
        return console.BAD_INPUT
    except (KeyboardInterrupt, typer.Abort):
        return console.INTERRUPTED


# -- running ---------------------------------------------------------------------------------------------


def _regimes(regime: str, delta: float | None) -> list[str]:
    """The regimes to run: a delta of one's own takes the place of all of them."""
    from knotflow.fitting import REGIMES

    if regime == "all":
        return ["between"] if delta is not None else list(REGIMES)
    return [regime]


def _run(
    data: Samples, regimes: list[str], start: dict[str, Any], training: dict[str, Any], out: Path, command: str
) -> None:
    """Train in every regime, write the results, print the table; on Ctrl-C with what there is."""
    from knotflow import fitting
    from knotflow._paths import directory

    standard, _ = data.standardised()
    for regime in regimes:  # before the first run: what is wrong with a later one
        fitting.start_network(standard, regime=regime, **start)
    directory("out", out)
    fits = _fits(data, regimes, {**start, **training})
    interrupted = len(fits) < len(regimes) or fits[-1].trajectory.status == "interrupted"
    if fits:
        from knotflow import report

        report.save(fits, out, command=command)
        console.print_fits(fits)
        print(f"Report: {out / 'report.html'}")
    if interrupted:
        print("interrupted: the results are those of the steps until then", file=sys.stderr)
        raise typer.Exit(console.INTERRUPTED)
    if any(fit.trajectory.status == "diverged" for fit in fits):
        raise typer.Exit(console.DIVERGED)


def _fits(data: Samples, regimes: list[str], settings: dict[str, Any]) -> list[Fit]:
    """A fit in every regime, or until Ctrl-C."""
    from knotflow import fitting
    from knotflow.engine.compiled import announce_with

    announce_with(console.compiling)
    fits: list[Fit] = []
    with console.training() as follow:
        for regime in regimes:
            try:
                fits.append(fitting.fit(data, regime=regime, **settings, progress=follow(regime)))
            except KeyboardInterrupt:
                break
            if fits[-1].trajectory.status == "interrupted":
                break
    return fits
