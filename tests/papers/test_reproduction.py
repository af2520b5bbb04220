"""Running experiments: in processes, resumable, the same numbers always; and the report."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import xarray as xr

import knotflow as kf
from helpers import toys
from helpers.toys import toy
from knotflow.cli import main
from knotflow_papers import Step, reproduce, select, write_report

pytestmark = pytest.mark.papers


def calls(log: Path) -> list[str]:
    return sorted(log.read_text().splitlines()) if log.exists() else []


def values(out: Path, name: str) -> xr.Dataset:
    with xr.open_dataset(out / "data" / f"{name}.nc", engine="scipy") as data:
        return data.load()


def test_a_run_is_kept_and_computed_once(tmp_path: Path) -> None:
    log, out, steps = tmp_path / "log", tmp_path / "out", []
    (first,) = reproduce([toy(log)], out, processes=2, progress=steps.append)
    assert calls(log) == ["5 0", "5 1", "7 0", "7 1"]
    assert [step.done for step in steps] == [0, 0, 1, 2, 3, 4, 5]
    assert {step.total for step in steps} == {5}
    assert first.verdict.status == "reproduced with a correction"
    assert {path.suffix for path in first.files} == {".nc", ".png", ".svg"}
    assert all(path.stat().st_size > 500 for path in first.files)

    (again,) = reproduce([toy(log)], out, processes=1)
    assert len(calls(log)) == 4
    assert (again.verdict, again.seconds) == (first.verdict, first.seconds)

    reproduce([toy(log, scale=2.0)], out, processes=1)
    assert len(calls(log)) == 8


def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path) -> None:
    log, out = tmp_path / "log", tmp_path / "out"
    broken = log.with_suffix(".broken")
    broken.touch()
    (failed,) = reproduce([toy(log)], out, processes=1)
    assert failed.verdict.trouble == "RuntimeError: this trial is broken on purpose"
    done = {line for line in calls(log) if line.startswith("5")}
    assert done == {"5 0", "5 1"}
    broken.unlink()
    log.unlink()
    reproduce([toy(log)], out, processes=1)
    assert calls(log) == ["7 0", "7 1"]


def test_one_item_that_raises_does_not_end_the_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.broken").touch()
    bad, good = toy(tmp_path / "bad"), replace(toy(tmp_path / "good"), name="toy2001-figure-3")
    drawn = replace(toy(tmp_path / "drawn"), name="toy2001-figure-4", draw=toys.cannot_draw)
    steps: list[Step] = []
    outcomes = reproduce([bad, good, drawn], tmp_path / "out", processes=2, progress=steps.append)
    assert [each.verdict.status for each in outcomes] == ["error", "reproduced with a correction", "error"]
    assert outcomes[0].verdict.sentence == "It raised RuntimeError: this trial is broken on purpose."
    assert outcomes[2].verdict.trouble == "ZeroDivisionError: no picture"
    assert (outcomes[0].files, outcomes[0].picture) == ((), None)
    assert calls(tmp_path / "bad") == calls(tmp_path / "good")
    assert (steps[-1].done, steps[-1].total) == (15, 15)
    html = write_report(outcomes, tmp_path / "report.html").read_text("utf-8")
    assert html.count("data:image/png;base64,") == 1
    assert "It raised RuntimeError: this trial is broken on purpose." in html


def test_an_item_is_finished_before_the_trials_of_the_next(tmp_path: Path) -> None:
    first, second = (
        toy(tmp_path / "first"),
        replace(toy(tmp_path / "second", m=(2, 3, 4, 5, 6)), name="toy2001-figure-3"),
    )
    left: list[int] = []

    def progress(step: Step) -> None:
        if (tmp_path / "out" / "figures" / f"{first.name}.svg").exists():
            left.append(step.total - step.done)

    reproduce([first, second], tmp_path / "out", processes=1, progress=progress)
    assert left[0] >= 6, "figures wait for the trials of later items"


def test_numbers_do_not_depend_on_the_number_of_processes(tmp_path: Path) -> None:
    item = select(["williams2019-figure-2"])
    for processes in (1, 2):
        reproduce([toy(tmp_path / "log"), *item], tmp_path / str(processes), quick=processes == 3, processes=processes)
    for name in ("toy2001-figure-2", "williams2019-figure-2"):
        one, two = (values(tmp_path / count, name) for count in ("1", "2"))
        xr.testing.assert_identical(
            one.drop_vars("process", errors="ignore"), two.drop_vars("process", errors="ignore")
        )
    assert float(one.sizes["delta"]) == 5
    toys = values(tmp_path / "2", "toy2001-figure-2")
    assert set(toys.threads.values.ravel()) == {1}
    assert toys.attrs["source"] == "Toy (2001), section 1"


def test_bad_numbers_of_processes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(kf.InputError, match="processes is 0: it must be a whole number of at least 1"):
        reproduce([toy(tmp_path / "log")], tmp_path, processes=0)


# -- the items of Williams et al. (2019), reduced --------------------------------------------------------


def test_williams_2019_in_a_quick_run(tmp_path: Path) -> None:
    outcomes = reproduce(select(["williams2019"]), tmp_path, quick=True, processes=2)
    statuses = {outcome.experiment.item: outcome.verdict.status for outcome in outcomes}
    corrected = {f"Figure {k}" for k in (1, 3, 4, 5, 6, 8, 9)}
    assert {item for item, status in statuses.items() if status == "reproduced with a correction"} == corrected
    assert {item for item, status in statuses.items() if status == "reproduced"} == {"Figure 2", "Figure 7"}

    page = write_report(outcomes, tmp_path / "report.html", command="knotflow reproduce --quick", seconds=12.0)
    html = page.read_text("utf-8")
    assert html.count("data:image/png;base64,") == 9
    assert not re.search(r'(src|href)="(?!#|data:|https://arxiv|data/|figures/)', html)
    for outcome in outcomes:
        assert f'id="{outcome.experiment.name}"' in html
        for path in outcome.files:
            assert f'href="{path.relative_to(tmp_path).as_posix()}"' in html
    assert "computed in 12 s by the clock" in html
    assert "9 items" in html
    assert "of processor time" in html
    assert "knotflow video williams2019-figure-6" in html
    assert "This is a quick run" in html
    assert "PyTorch, at" not in html


# -- the command line ------------------------------------------------------------------------------------


def test_the_list_has_every_item(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name in kf.papers.experiments():
        assert any(line.startswith(name) for line in lines)
    for name in ("sahs2022-figure-7", "sahs2022-figure-14-he", "sahs2022-figure-15-alpha-0.1-fast"):
        assert any(re.match(rf"{re.escape(name)} +\*", line) for line in lines)
    assert all(len(line) <= 80 for line in lines)


def test_reproduce_writes_a_report_and_tells_progress(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    command = ["reproduce", "williams2019-figure-2", "--quick", "--processes", "1", "--out", str(out)]
    assert main(command) == 0
    done = capsys.readouterr()
    assert re.search(r"williams2019-figure-2 +reproduced", done.out)
    assert f"Report: {out / 'report.html'}" in done.out
    assert re.search(r"trials: 6 of 6, [\d.]+ s", done.err)
    assert " ".join(["knotflow", *command]) in (out / "report.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["reproduce", "figure-99"], "error: name is 'figure-99': it must be one of williams2019-figure-1"),
        (["reproduce", "--processes", "0", "williams2019-figure-2"], "error: processes is 0"),
        (["video", "nothing.npz"], "error: nothing.npz is neither a file nor an item with a film; those are williams"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    assert capsys.readouterr().err.startswith(message)


def test_ctrl_c_keeps_what_is_finished_and_exits_with_130(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "knotflow", "reproduce", "williams2019-figure-8", "--processes", "1"]
    process = subprocess.Popen([*command, "--out", str(tmp_path)], stderr=subprocess.PIPE, text=True)
    begun = time.monotonic()
    while not list(tmp_path.glob("trials/*/*.npz")) and time.monotonic() < begun + 100:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert f"interrupted: finished trials are kept in {tmp_path}" in told
    assert "Traceback" not in told
    assert not (tmp_path / "report.html").exists()
