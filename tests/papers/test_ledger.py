"""The ledger: its rules, and the quick form of every entry."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import knotflow as kf
from knotflow.cli import main
from knotflow.papers import ledger
from knotflow.papers.ledger import CORRECTED, ERROR, FAILS, HOLDS, Entry, Outcome


def entry(outcome: Outcome, corrected: str = "") -> Entry:
    return Entry("T 1", "sahs2022", "nowhere", "1 = 2", corrected, "counting", lambda rng, quick: outcome)


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        (Outcome(1e-12, None, 1e-9), HOLDS),
        (Outcome(1e-12, 1e-12, 1e-9), HOLDS),
        (Outcome(1.0, 1e-12, 1e-9, "1 is not 2"), CORRECTED),
        (Outcome(1.0, None, 1e-9, "1 is not 2"), FAILS),
        (Outcome(None, 1e-12, 1e-9), CORRECTED),
        (Outcome(1.0, 1.0, 1e-9, "1 is not 2"), ERROR),
        (Outcome(1.0, None, 1e-9), ERROR),
        (Outcome(float("nan"), None, 1e-9), ERROR),
    ],
)
def test_the_status_follows_from_the_numbers(outcome: Outcome, status: str) -> None:
    assert entry(outcome).status(outcome) == status


def test_a_check_that_raises_is_an_error_and_hides_no_other() -> None:
    def broken(rng: np.random.Generator, quick: bool) -> Outcome:
        raise ZeroDivisionError("by nought")

    lines = ledger.run(
        [Entry("T 1", "sahs2022", "", "", "", "", broken), entry(Outcome(0.0, None, 0.0))], processes=1
    )  # fmt: skip
    assert [line.status for line in lines] == [ERROR, HOLDS]
    assert lines[0].trouble == "ZeroDivisionError: by nought"


def test_there_are_many_entries_with_their_own_names() -> None:
    every = ledger.entries()
    assert len(every) >= 70
    assert len({each.id for each in every}) == len(every)
    assert {each.paper for each in every} == {"williams2019", "sahs2022"}
    assert all(each.statement and each.place and each.oracle for each in every)


@pytest.mark.parametrize("each", ledger.entries(), ids=lambda each: each.id)
def test_what_should_hold_holds(each: Entry) -> None:
    line = ledger.check(each, quick=True)
    assert line.status != ERROR, line.trouble or line.outcome
    assert (line.status == HOLDS) or each.corrected or line.outcome.counterexample


def test_a_wrong_answer_of_knotflow_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    (each,) = (e for e in ledger.entries() if e.id == "S Cor 3 facings")
    assert ledger.check(each, quick=True).status == CORRECTED
    right = kf.landscape.hessian_rank
    monkeypatch.setattr(kf.landscape, "hessian_rank", lambda *args: right(*args) + 1)
    assert ledger.check(each, quick=True).status == ERROR


def test_the_command_writes_three_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ledger", "S Thm 1", "--quick", "--out", str(tmp_path), "--processes", "2"]) == 0
    out = capsys.readouterr().out
    assert "S Thm 1" in out
    listed = json.loads((tmp_path / "ledger.json").read_text())
    names = [each["id"] for each in listed]
    assert names == [e.id for e in ledger.chosen(["S Thm 1"])]
    for name in names:
        assert name in (tmp_path / "ledger.html").read_text()
        assert name in (tmp_path / "ledger.md").read_text()
    once = ledger.run(ledger.chosen(["S Thm 1"]), quick=True, processes=1)
    assert [each["error_printed"] for each in listed] == [line.outcome.printed for line in once]


def test_unknown_entries_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ledger", "no such"]) == 2
    assert "id is 'no such': no entry of the ledger has it" in capsys.readouterr().err
    with pytest.raises(kf.InputError, match="processes is 0: it must be at least 1"):
        ledger.run(ledger.chosen(["S Thm 1"]), processes=0)
