"""The command line, as a user meets it."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
import pytest
from rich.console import Console

import knotflow as kf
from knotflow.cli import console, main

pytestmark = pytest.mark.slow

X = [0.0, 1.0, 2.5, 3.0, 4.2, 6.0]
Y = [1.0, 3.0, 2.0, 5.0, 4.0, 4.5]
QUICK = ("--width", "20", "--steps", "200")
FIELD = Path(__file__).parents[1] / "data" / "field"
REGIMES = ("kernel", "between", "adaptive")


def write(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


@pytest.fixture
def table(tmp_path: Path) -> str:
    return write(tmp_path / "data.csv", "when,what\n" + "".join(f"{x},{y}\n" for x, y in zip(X, Y, strict=True)))


class Run(NamedTuple):
    out: Path
    code: int
    stdout: str
    stderr: str


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """One fit of a CSV file in all regimes, in a process of its own, not on a terminal."""
    folder = tmp_path_factory.mktemp("run")
    text = "id,what,when\n" + "".join(f"{i},{y},{x}\n" for i, (x, y) in enumerate(zip(X, Y, strict=True)))
    data = write(folder / "data.csv", text)
    out = folder / "a" / "new folder"
    kf.fit((X, Y), width=20, steps=1)  # what it compiles is announced, and is compiled here
    words = ["fit", data, "--x", "when", "--y", "what", *QUICK, "--seed", "3", "--out", str(out)]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "knotflow", *words], capture_output=True, text=True, check=False
    )
    return Run(out, done.returncode, done.stdout, done.stderr)


def read(path: Path) -> tuple[list[str], list[list[str]]]:
    with path.open(newline="", encoding="utf-8") as file:
        header, *rows = csv.reader(file)
    return header, rows


# -- a whole run -----------------------------------------------------------------------------------------


def test_a_run_succeeds_and_says_where_the_report_is(run: Run) -> None:
    assert run.code == 0, run.stderr
    assert run.stdout.rstrip().endswith(f"Report: {run.out / 'report.html'}")
    for regime in REGIMES:
        assert f"\n{regime}: not converged: the excess loss still fell by" in run.stdout


def test_there_is_no_animation_where_there_is_no_terminal(run: Run) -> None:
    assert "\x1b" not in run.stdout + run.stderr
    lines = run.stderr.splitlines()
    assert len(lines) == 3
    for line, regime in zip(lines, REGIMES, strict=True):
        assert line.startswith(f"{regime}: step 200 of 200, loss ")


def test_all_files_are_there_and_nothing_else(run: Run) -> None:
    names = {path.name for path in run.out.iterdir()}
    expected = {"report.html", "curve.csv", "knots.csv", "summary.json", *(f"{r}.npz" for r in REGIMES)}
    assert names >= expected
    assert all(name.startswith("report-") and name.endswith(".png") for name in names - expected)
    assert len(names - expected) >= 4 * len(REGIMES)


def test_the_runs_are_those_of_the_library(run: Run) -> None:
    for regime in REGIMES:
        stored = kf.load_trajectory(run.out / f"{regime}.npz")
        fit = kf.fit((X, Y), regime=regime, width=20, steps=200, seed=3)
        np.testing.assert_array_equal(stored.final.c, fit.trajectory.final.c)
        np.testing.assert_array_equal(stored.steps, fit.trajectory.steps)


def test_the_curve_holds_every_function_also_at_the_samples(run: Run) -> None:
    header, rows = read(run.out / "curve.csv")
    assert header == ["when", *REGIMES, "natural_cubic", "linear"]
    x, *columns = np.array(rows, dtype=float).T
    assert set(X) <= set(x)
    assert np.all(np.diff(x) > 0)
    assert (x[0], x[-1]) == pytest.approx((-0.3, 6.3))
    fit = kf.fit((X, Y), regime="between", width=20, steps=200, seed=3)
    np.testing.assert_array_equal(columns[1], fit(x))
    at = np.searchsorted(x, X)
    for interpolant in columns[3:]:
        np.testing.assert_allclose(interpolant[at], Y, rtol=1e-12)


def test_the_knots_are_those_of_every_neuron(run: Run) -> None:
    header, rows = read(run.out / "knots.csv")
    assert header == ["regime", "neuron", "knot", "orientation", "delta_slope", "delta", "knot_at_start"]
    assert len(rows) == 3 * 20
    fit = kf.fit((X, Y), regime="adaptive", width=20, steps=200, seed=3)
    mine = [row for row in rows if row[0] == "adaptive"]
    knots = np.array([row[2] for row in mine], float)
    neuron = np.array([row[1] for row in mine], int)
    assert np.all(np.diff(knots) >= 0)
    assert sorted(neuron) == list(range(20))
    np.testing.assert_array_equal(knots, fit.net.knots[neuron])
    np.testing.assert_array_equal([int(row[3]) for row in mine], fit.net.orientations[neuron])
    np.testing.assert_array_equal([float(row[4]) for row in mine], fit.net.delta_slopes[neuron])
    np.testing.assert_allclose([float(row[5]) for row in mine], 1e4, rtol=1e-3)
    before = fit.scaling.x_to_user(fit.trajectory.start.knots)[neuron]
    np.testing.assert_allclose([float(row[6]) for row in mine], before, rtol=1e-12)


def test_the_summary_is_strict_json_with_settings_numbers_and_versions(run: Run) -> None:
    def refuse(constant: str) -> float:
        raise AssertionError(constant)

    summary = json.loads((run.out / "summary.json").read_text("utf-8"), parse_constant=refuse)
    assert summary["versions"]["knotflow"] == kf.__version__
    assert {"python", "numpy", "scipy", "numba"} <= set(summary["versions"])
    assert summary["data"] == {"x": "when", "y": "what", "samples": 6, "distinct_x": 6}
    assert list(summary["fits"]) == list(REGIMES)
    kernel = summary["fits"]["kernel"]
    assert kernel["settings"]["seed"] == 3
    assert kernel["settings"]["delta"] == -1e4
    assert kernel["status"] == "finished"
    fit = kf.fit((X, Y), **{**kernel["settings"], "train": tuple(kernel["settings"]["train"])})
    assert kernel["loss"] == fit.summary["loss"]


def test_the_report_says_which_command_made_it(run: Run) -> None:
    page = (run.out / "report.html").read_text("utf-8")
    assert "knotflow fit" in page
    assert "--seed 3 --out" in page


@pytest.mark.slow
def test_demo_fits_the_motorcycle_data_and_a_library_fit_saves_the_same_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--steps", "20", "--out", str(tmp_path / "demo")]) == 0
    assert "133 points" in capsys.readouterr().out
    summary = json.loads((tmp_path / "demo" / "summary.json").read_text("utf-8"))
    assert summary["data"]["distinct_x"] == 94
    assert list(summary["fits"]) == list(REGIMES)
    files = kf.fit((X, Y), regime="kernel", width=20, steps=20).save(tmp_path / "one")
    assert sorted(files) == sorted((tmp_path / "one").iterdir())
    assert (tmp_path / "one" / "kernel.npz").exists()


def test_a_delta_of_ones_own_is_one_run(table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", table, *QUICK, "--delta", "-2.5", "--out", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "delta=-2.5.npz").exists()
    assert len(list((tmp_path / "out").glob("*.npz"))) == 1


# -- when things go wrong --------------------------------------------------------------------------------

BAD_FILES = {
    "": "the file is empty",
    "x,y\n": "no rows of data",
    "x,y\n1,2\n": "there is only one x",
    "x,y\n1,2\n1,3\n": "all 2 x are equal to 1.0",
    "x,y\n1,2\n2,nan\n3,4\n": "line 3, column 'y': the value is missing ('nan')",
    "x,y\n1,2\n2,inf\n3,4\n": "line 3, column 'y': 'inf' is infinite",
    "x,y\n1,2\n2,two\n3,4\n": "line 3, column 'y': 'two' is not a number",
}
BAD_WORDS = {
    "--x time": "x is 'time': no such column",
    "--y 7": "there is no column 7",
    "--width -1": "width is -1: it must be a whole number of at least 1",
    "--width many": "--width",
    "--steps -5": "steps is -5: it must be a whole number of at least 0",
    "--lr 0": "lr is 0.0: it must be a finite number > 0",
    "--lr -1": "lr is -1.0: it must be a finite number > 0",
    "--init zeros": "init is 'zeros': it must be one of 'pytorch', 'he'",
    "--init uniform_knots": "delta is 10000 for neuron 0, which no rescaling can reach",
    "--norm root": "norm is 'root': it must be a positive number",
    "--regime lazy": "regime is 'lazy': it must be one of 'kernel', 'between', 'adaptive'",
    "--delta nan": "delta is nan: it must be finite",
    "--seed -1": "seed is -1: it must be a whole number of at least 0",
    "--missing ignore": "missing is 'ignore': it must be one of 'error', 'drop'",
    "--sep ab": "sep is 'ab': it must be one character",
    "--sep ;": "the file has only one column",
    "--decimal x": "decimal is 'x': it must be one of '.', ','",
    "--thousands 0": "thousands is '0': it must be ','",
    "--header 0": "header is 0: it must be the number of a line, counted from 1, or 'none'",
    "--header 99": "header is 99: line 99 must hold the names",
    "--header none": "line 1, column 0: 'when' is not a number",
    "--encoding klingon": "encoding is 'klingon': it must be the name of one",
    "--weights w": "weights is 'w': no such column",
    "--weights what --y when --x 0": "x and y are both column 'when'",
    "--unit days": "unit is 'days', but x holds no dates",
    "--dynamics newton": "dynamics is 'newton': it must be one of 'descent', 'sgd', 'adam'",
    "--batch 3": 'only "sgd" has minibatches',
    "--dynamics sgd --batch 99": "batch is 99: it must be at most 6",
    "--depth 3": "No such option: --depth",
}


def refused(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    stdout, stderr = capsys.readouterr()
    assert stdout == ""
    assert stderr.startswith("error: ")
    assert stderr.count("\n") == 1
    assert message in stderr


@pytest.mark.parametrize(("text", "message"), BAD_FILES.items())
def test_bad_files(text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "bad.csv", text)
    refused(["fit", path, "--out", str(tmp_path / "out")], message, capsys)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("words", "message"), BAD_WORDS.items())
def test_bad_options(words: str, message: str, table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    refused(["fit", table, "--out", str(tmp_path / "out"), *words.split()], message, capsys)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fit"], "Missing argument 'data'"),
        (["fit", "no-such.csv"], "no-such.csv: there is no such file"),
        (["fit", "."], "it is a directory"),
        (["fti"], "No such command 'fti'"),
    ],
)
def test_bad_commands(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    refused(words, message, capsys)


def test_a_file_in_the_way_of_the_results(table: str, capsys: pytest.CaptureFixture[str]) -> None:
    refused(["fit", table, *QUICK, "--out", table], "it must be a directory, but", capsys)
    refused(["fit", table, *QUICK, "--out", f"{table}/deeper"], "it must be a directory, but", capsys)


def test_missing_values_can_be_dropped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "gaps.csv", "x,y\n1,2\n2,\n3,4\n,5\n4,1\n")
    words = ["fit", path, *QUICK, "--regime", "kernel", "--missing", "drop", "--out", str(tmp_path / "out")]
    assert main(words) == 0
    assert "Samples(3 points" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "words", "said"),
    [
        ("unit_closing_tag.csv", "", "rate [/s] against time [s]"),
        ("iso_dates.csv", "--unit hours", "date in [2024-01-01, 2024-01-12]"),
        ("semicolon_thousands_comma.csv", "--thousands , --sep ;", "y in [15, 150000]"),
        ("tab_decimal_comma_nohdr.tsv", "--decimal , --header none --comment none", "x in [0.1, 1.2]"),
        ("thousands_quoted.csv", "--encoding ascii", "y in [1250, 2100]"),
        ("pandas_gappy_index.csv", "--weights 1 --x 0 --y 1", None),
    ],
)
def test_files_of_the_field(
    name: str, words: str, said: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    code = main(["fit", str(FIELD / name), *QUICK, "--regime", "kernel", *words.split(), "--out", str(out)])
    stdout, stderr = capsys.readouterr()
    if said is None:
        assert (code, stdout) == (2, "")
        assert "y and weights are both column 'y': name two columns" in stderr
        return
    assert code == 0, stderr
    assert said in stdout
    assert stdout.rstrip().endswith(f"Report: {out / 'report.html'}")
    if name == "iso_dates.csv":
        assert all(row[0].startswith(("2023-12-31T", "2024-01-")) for row in read(out / "curve.csv")[1])
        assert (
            json.loads((out / "summary.json").read_text("utf-8"))["data"]["x_counts"] == "date (hours since 2024-01-01)"
        )


def test_divergence_warns_writes_what_there_is_and_exits_with_1(
    table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["fit", table, *QUICK, "--regime", "kernel", "--lr", "1", "--out", str(tmp_path / "out")]
    assert main(words) == 1
    stdout, stderr = capsys.readouterr()
    warnings = [line for line in stderr.splitlines() if line.startswith("warning: ")]
    assert len(warnings) == 2
    assert "lr is 1, above the stability bound" in warnings[0]
    assert "diverged at step" in warnings[1]
    assert "the stability bound" in stdout
    assert (tmp_path / "out" / "report.html").exists()
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["fits"]["kernel"]["status"] == "diverged"


@pytest.mark.slow
def test_ctrl_c_writes_what_was_computed_and_exits_with_130(table: str, tmp_path: Path) -> None:
    kf.fit((X, Y), width=20, steps=1)
    out = tmp_path / "out"
    words = ["fit", table, "--width", "20", "--steps", str(10**11), "--out", str(out)]
    process = subprocess.Popen(
        [sys.executable, "-m", "knotflow", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    assert "kernel: step" in process.stderr.readline()  # the first line of progress: it is training
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=120)
    assert process.returncode == 130, stderr
    assert "interrupted" in stderr
    assert "Traceback" not in stderr
    assert "kernel: interrupted" in stdout
    run = kf.load_trajectory(out / "kernel.npz")
    assert run.status == "interrupted"
    assert run.steps[-1] > 0
    assert (out / "report.html").exists()
    assert not (out / "between.npz").exists()


def test_the_former_name_of_an_option_says_the_present_one(
    table: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["fit", table, *QUICK, "--regime", "kernel", "--optimizer", "adam", "--out", str(tmp_path / "out")]
    assert main(words) == 0
    assert "warning: --optimizer is now called --dynamics" in capsys.readouterr().err
    assert (
        json.loads((tmp_path / "out" / "summary.json").read_text())["fits"]["kernel"]["settings"]["dynamics"] == "adam"
    )


# -- help ------------------------------------------------------------------------------------------------


COMMANDS = ("fit", "demo", "warm-up", "list", "reproduce", "ledger", "video")


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], *([command, "--help"] for command in COMMANDS)])
def test_help_teaches_by_example_within_80_columns(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert main(words) == 0
    text = capsys.readouterr().out
    assert max(map(len, text.splitlines())) <= 80
    if words in ([], ["--help"], ["-h"], ["fit", "--help"]):
        assert "\n    knotflow fit data.csv --x times --y" in text
    if words[:1] == ["fit"]:
        assert "--dynamics" in text
        assert "--optimizer" not in text


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"knotflow {kf.__version__}\n"


def test_the_bar_on_a_terminal_shows_loss_and_time_left() -> None:
    screen = io.StringIO()
    with console.training(Console(file=screen, force_terminal=True, width=100)) as follow:
        show = follow("kernel")
        show(SimpleNamespace(step=50, steps=200, loss=0.125, seconds=3.0, remaining=9.0, fraction=0.25))
        time.sleep(0.25)  # the bar is drawn a few times a second
    assert "\x1b[" in screen.getvalue()
    assert "25 %" in screen.getvalue()
    assert "loss 0.125" in screen.getvalue()
    assert "9 s left" in screen.getvalue()
