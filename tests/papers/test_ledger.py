"""The ledger: its rules and its page. What every entry says is in test_pins.py."""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import knotflow as kf
from knotflow.cli import main
from knotflow_papers import ledger
from knotflow_papers.ledger import (
    CORRECTED,
    ERROR,
    FAILS,
    HOLDS,
    Entry,
    Outcome,
    checking,
    corrected,
    fails,
    holds,
    kinds,
    page,
)
from knotflow_papers.ledger.entry import entries_of, finite, largest

pytestmark = pytest.mark.papers


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
        (holds(1e-12, tol=1e-9), HOLDS),
        (holds(1e-12, 1.0, tol=1e-9), ERROR),
        (corrected(1.0, 1e-12, tol=1e-9, note="1 is not 2"), CORRECTED),
        (corrected(1.0, 1e-12, 1.0, tol=1e-9, note="1 is not 2"), ERROR),
        (fails(1.0, tol=1e-9, note="1 is not 2"), FAILS),
    ],
)
def test_the_status_follows_from_the_numbers(outcome: Outcome, status: str) -> None:
    assert entry(outcome).status(outcome) == status


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_an_error_that_is_not_finite_does_not_pass(value: float) -> None:
    for made in (
        lambda: Outcome(value, None, 1e-9),
        lambda: Outcome(1.0, value, 1e-9),
        lambda: holds(0.0, value, tol=1e-9),
        lambda: corrected(1.0, 0.0, value, tol=1e-9),
        lambda: largest(0.0, value),
        lambda: finite([[0.0], [value]]),
    ):
        with pytest.raises(ValueError, match=f"a measured value is {value}: it must be finite"):
            made()
    each = Entry("T 1", "sahs2022", "", "", "", "", lambda rng, quick: holds(value, 0.0, tol=1e-9))
    assert ledger.check(each).status == ERROR


# -- claims ----------------------------------------------------------------------------------------------

DRAWN: list[float] = []


@ledger.claim("T 2", place="", statement="", oracle="", trials=(5, 2), paper="sahs2022")
def drawn(rng: np.random.Generator) -> Outcome:
    DRAWN.append(rng.uniform())
    return corrected(DRAWN[-1], 1 - DRAWN[-1], tol=0.0, note=f"{DRAWN[-1]}")


@ledger.claim("T 3", place="", statement="", oracle="", paper="williams2019")
def told(rng: np.random.Generator, quick: bool) -> Outcome:
    return holds(float(quick), tol=0.0)


def test_a_claim_is_entered_and_stays_a_function() -> None:
    entries = entries_of(__name__)
    assert [(each.id, each.paper) for each in entries] == [("T 2", "sahs2022"), ("T 3", "williams2019")]
    assert told(np.random.default_rng(0), True) == holds(1.0, tol=0.0)
    assert [entries[1].check(np.random.default_rng(0), quick) for quick in (False, True)] == [
        holds(0.0, tol=0.0),
        holds(1.0, tol=0.0),
    ]
    assert ledger.entries()[0].paper == "williams2019"
    with pytest.raises(ValueError, match=r"name is 'T 3': another entry of .* has it"):
        ledger.claim("T 3", place="", statement="", oracle="", paper="sahs2022")(told)


@pytest.mark.parametrize(("quick", "trials"), [(False, 5), (True, 2)])
def test_the_worst_of_the_trials_counts(quick: bool, trials: int) -> None:
    DRAWN.clear()
    outcome = entries_of(__name__)[0].check(np.random.default_rng(7), quick)
    np.testing.assert_array_equal(DRAWN, np.random.default_rng(7).uniform(size=trials))
    assert outcome == Outcome(max(DRAWN), 1 - min(DRAWN), 0.0, str(max(DRAWN)))


def test_a_check_that_raises_is_an_error_and_hides_no_other() -> None:
    def broken(rng: np.random.Generator, quick: bool) -> Outcome:
        raise ZeroDivisionError("by nought")

    lines = ledger.run([Entry("T 1", "sahs2022", "", "", "", "", broken), entry(Outcome(0.0, None, 0.0))], processes=1)
    assert [line.status for line in lines] == [ERROR, HOLDS]
    assert lines[0].trouble == "ZeroDivisionError: by nought"


def test_there_are_many_entries_with_their_own_names() -> None:
    every = ledger.entries()
    assert len(every) >= 70
    assert len({each.id for each in every}) == len(every)
    assert {each.paper for each in every} == {"williams2019", "sahs2022", "additions"}
    assert all(each.statement and each.place and each.oracle for each in every)


def test_the_page_counts_kinds_causes_and_what_is_compared() -> None:
    def line(name: str, status: str) -> ledger.Line:
        return ledger.Line(Entry(name, "sahs2022", "", "", "", "", None), Outcome(0.0, None, 0.0), status, 0.0)

    lines = [line("S Eq 6", CORRECTED), line("S Eq 7", CORRECTED), line("S Table 3 sine", FAILS), line("S Eq 2", HOLDS)]
    lines.append(line("S Eq 10", ERROR))  # says nothing about the paper
    counted = {kind: numbers for kind, _, *numbers in page.kind_counts(lines)}
    assert counted == {kinds.SLIP: [2, 1], kinds.ERROR: [1, 1]}
    assert {short: n for short, _, n in page.compared_counts(lines)} == {kinds.ORACLE: 4, kinds.RUNS: 1}


def test_the_readme_counts_what_the_ledger_has() -> None:
    text = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| (\w+)\S* .*\| (\d+ \| \d+) \|$", text, re.MULTILINE))
    words = {kinds.ERROR: "errors", kinds.HYPOTHESIS: "conditions", kinds.SLIP: "slips"}
    words |= {kinds.OVER_READING: "readings", kinds.ADDITION: "additions"}
    for kind, word in words.items():
        of_kind = [root for root in kinds.ROOTS if root.kind == kind]
        assert rows[word] == f"{len(of_kind)} | {sum(len(root.ids) for root in of_kind)}"
    pinned = json.loads((Path(__file__).parent / "data" / "statuses.json").read_text("utf-8"))
    full = Counter(status["full"] for status in pinned.values())
    sentence = r"(\d+) hold as printed. The other (\d+) come.*For (\d+) a corrected.*for (\d+) nothing"
    held = re.search(sentence, text, re.DOTALL)
    expected = (full[HOLDS], full[CORRECTED] + full[FAILS], full[CORRECTED], full[FAILS])
    assert tuple(map(int, held.groups())) == expected
    count = Counter(each.compares for each in ledger.entries())
    compared = tuple(count[kind] for kind in (kinds.ORACLE, kinds.RUNS, kinds.PARTS, kinds.ALONE))
    pattern = r"oracles: (\d+) entries.*?which (\d+) .*? (\d+) look.*?(\d+) compare two.*?(\d+) check"
    numbers = re.search(pattern, text, re.DOTALL)
    assert tuple(map(int, numbers.groups())) == (len(ledger.entries()), *compared)


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


def test_what_the_ledger_needs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "autograd", None)
    checking.entries.cache_clear()
    with pytest.raises(kf.KnotflowError, match=r"this needs autograd.*pip install \"knotflow\[papers\]\""):
        ledger.entries()


def test_unknown_entries_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ledger", "no such"]) == 2
    assert "id is 'no such': no entry of the ledger has it" in capsys.readouterr().err
    with pytest.raises(kf.InputError, match="processes is 0: it must be a whole number of at least 1"):
        ledger.run(ledger.chosen(["S Thm 1"]), processes=0)
