"""What the ledger and the reproduction say stands in files, and an entry notices when a public function is wrong.

`make pins` writes the files. What flips here is a decision to be made, not a file to be written again.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest

from knotflow_papers import Verdict, compute, experiments, ledger
from knotflow_papers.ledger import CORRECTED, FAILS, HOLDS, Entry, kinds

pytestmark = pytest.mark.papers

_SPEC = importlib.util.spec_from_file_location("watch", Path(__file__).parents[2] / "tools" / "watch.py")
watch = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(watch)


def pinned(name: str) -> dict[str, dict[str, Any]]:
    return json.loads((Path(__file__).parent / "data" / f"{name}.json").read_text("utf-8"))


STATUSES, VERDICTS, WATCH = pinned("statuses"), pinned("verdicts"), pinned("watch")
ENTRIES = {each.id: each for each in ledger.entries()}
PLACES = watch.functions()


# -- statuses and verdicts -------------------------------------------------------------------------------


def test_every_entry_and_item_is_pinned() -> None:
    assert list(STATUSES) == list(ENTRIES)
    assert list(VERDICTS) == list(experiments())
    assert {status for each in STATUSES.values() for status in each.values()} <= {HOLDS, CORRECTED, FAILS}
    assert all(set(each) == {"quick", "full"} for each in (*STATUSES.values(), *VERDICTS.values()))


@pytest.mark.parametrize("each", ENTRIES.values(), ids=ENTRIES)
def test_the_status_in_a_quick_run_is_the_pinned_one_and_its_calls_are_watched(each: Entry) -> None:
    called: set[str] = set()
    with watch.recorded(called):
        line = ledger.check(each, quick=True)
    assert line.status == STATUSES[each.id]["quick"], line.trouble or line.outcome
    assert line.status == HOLDS or each.corrected or line.outcome.counterexample
    assert called <= set(WATCH)
    assert not called or each.compares != kinds.ALONE


@pytest.mark.full
@pytest.mark.parametrize("each", ENTRIES.values(), ids=ENTRIES)
def test_the_status_in_a_full_run_is_the_pinned_one(each: Entry) -> None:
    line = ledger.check(each)
    assert line.status == STATUSES[each.id]["full"], line.trouble or line.outcome


def verdict(name: str, quick: bool) -> Verdict:
    experiment = experiments()[name]
    if experiment.needs:
        pytest.importorskip(experiment.needs)
    return experiment.verdict(experiment.settings(quick), compute(experiment, quick=quick))


@pytest.mark.parametrize("name", VERDICTS)
def test_the_verdict_of_a_quick_run_is_the_pinned_one(name: str) -> None:
    found = verdict(name, quick=True)
    assert found.status == VERDICTS[name]["quick"], found.sentence


@pytest.mark.full
@pytest.mark.parametrize("name", VERDICTS)
def test_the_verdict_of_a_full_run_is_the_pinned_one(name: str) -> None:
    found = verdict(name, quick=False)
    assert found.status == VERDICTS[name]["full"], found.sentence


# -- kinds -----------------------------------------------------------------------------------------------


def test_what_does_not_hold_as_printed_has_a_kind_and_a_cause() -> None:
    not_as_printed = {name for name, status in STATUSES.items() if status["full"] != HOLDS}
    listed = [name for root in kinds.ROOTS for name in root.ids]
    assert len(listed) == len(set(listed))
    assert set(listed) == not_as_printed
    assert all(root.kind in kinds.KINDS and root.cause for root in kinds.ROOTS)
    assert set(kinds.compared()) <= set(ENTRIES)
    assert {each.compares for each in ENTRIES.values()} == set(kinds.COMPARED)


# -- functions that are wrong ----------------------------------------------------------------------------

EVEN = "the law is even in c, and what entries ask of its draws has more noise than 1%"
IDENTITY = "others know this function by identity: what stands in its place is refused"
BASIS = "columns of a basis: any sign or length will do"
WITHOUT_C = "the network is not trained in c, or its kernel does not depend on the sign of c"
NOISE = "compared with a simulation whose noise is larger than 1%, or with a bound"
# Why no entry notices, by address and changes.
UNNOTICED = {
    ("kf.deep.draw", "negative scaled"): EVEN,
    ("kf.initial.glorot", "negative scaled"): EVEN,
    ("kf.initial.he", "negative scaled"): EVEN,
    ("kf.initial.pytorch", "negative scaled"): EVEN,
    ("kf.initial.spiky", "negative scaled"): EVEN,
    ("kf.initial.uniform_knots", "negative scaled"): EVEN,
    ("kf.initial.gaussian", "nan negative scaled"): IDENTITY,
    ("kf.initial.uniform", "nan negative scaled"): IDENTITY,
    ("kf.LazyFlow.linearised", "negative scaled"): "its start has c = 0",
    ("kf.kernels.FeatureMap.range", "negative scaled"): BASIS,
    ("kf.kernels.FeatureMap.row_space", "negative"): BASIS,
    ("kf.landscape.null_space", "negative"): BASIS,
    ("kf.kernels.empirical_ntk", "negative"): WITHOUT_C,
    ("kf.kernels.empirical_rf", "negative scaled"): WITHOUT_C,
    ("kf.initial.InitialRoughness.tail_bound", "scaled"): NOISE,
    ("kf.landscape.Chance.exact", "scaled"): NOISE,
    ("kf.landscape.expected_lonely_share", "scaled"): NOISE,
    ("kf.landscape.lonely_knots", "scaled"): "knots that are 1% elsewhere are lonely, too",
}


def test_what_no_entry_notices_has_a_reason() -> None:
    unnoticed = {(name, change) for name, by in WATCH.items() for change, who in by.items() if not who}
    assert unnoticed == {(name, change) for name, changes in UNNOTICED for change in changes.split()}
    assert set(WATCH) <= set(PLACES)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "change"), [(name, change) for name, by in WATCH.items() for change, who in by.items() if who]
)
def test_an_entry_notices_a_wrong_function(name: str, change: str) -> None:
    who = WATCH[name][change]
    with watch.broken(PLACES[name], watch.CHANGES[change]):
        line = ledger.check(ENTRIES[who], quick=True)
    assert line.status != STATUSES[who]["quick"], f"{who} is {line.status} although {name} is wrong"
