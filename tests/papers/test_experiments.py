"""What an experiment is made of: checks, verdicts, datasets, the registry."""

from __future__ import annotations

import pickle
import re

import numpy as np
import pytest

import knotflow as kf
import knotflow_papers
from helpers import toys
from helpers.toys import toy
from knotflow_papers import Check, Verdict, compute, experiments, printed, product, select
from knotflow_papers.reproduction.dataset import grid, load_trial, save_dataset, save_trial, trial_path
from knotflow_papers.williams2019.figures import figure_01

pytestmark = pytest.mark.papers


def holds(good: bool, as_printed: bool = False) -> Check:
    return Check("x < 1", good, f"x: {0 if good else 2}", as_printed)


# -- verdicts --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("checks", "status"),
    [
        ([holds(True), holds(True, True)], "reproduced"),
        ([holds(True), holds(False, True)], "reproduced with a correction"),
        ([holds(False), holds(True, True)], "not reproduced"),
        ([holds(False), holds(False, True)], "not reproduced"),
    ],
)
def test_the_verdict_follows_from_the_checks(checks: list[Check], status: str) -> None:
    assert Verdict(tuple(checks)).status == status


def test_the_sentence_has_the_numbers_and_begins_with_what_fails() -> None:
    verdict = Verdict((holds(True), holds(False, True)))
    assert verdict.sentence == "As printed, fails: x: 2; x: 0."


def test_checks_compare_and_nan_never_holds() -> None:
    assert Check.below("x", 1.0, 2.0).holds
    assert not Check.below("x", 2.0, 2.0).holds
    assert Check.above("x", 3.0, 2.0).holds
    assert not Check.above("x", 2.0, 2.0).holds
    assert Check.monotone("x", [3, 2, 1], "falls").holds
    assert not Check.monotone("x", [3, 2, 2], "falls").holds
    assert Check.monotone("x", [1, 2, 5], "rises").holds
    for check in (Check.below("x", np.nan, 2), Check.above("x", np.nan, 2), Check.monotone("x", [1, np.nan], "rises")):
        assert not check.holds
    assert Check.below("x at m = 2,", 1.25e-7, 1).measured == "x at m = 2: 1.25e-07"


# -- datasets --------------------------------------------------------------------------------------------


def test_trials_become_dimensions_and_gaps_become_nan() -> None:
    trials = [{"m": 2, "seed": 0}, {"m": 3, "seed": 0}, {"m": 3, "seed": 5}]
    results = [
        {"x": ("x", [0.0, 1.0]), "f": ("x", [10.0 * k, 10.0 * k + 1]), "w": ("row", np.arange(t["m"])), "loss": k}
        for k, t in enumerate(trials)
    ]
    data = grid(trials, results)
    assert data.f.dims == ("m", "seed", "x")
    assert data.x.values.tolist() == [0.0, 1.0]
    assert data.f.sel(m=3, seed=5).values.tolist() == [20.0, 21.0]
    assert np.isnan(data.loss.sel(m=2, seed=5))
    np.testing.assert_array_equal(data.w.sel(m=2, seed=0), [0, 1, np.nan])
    assert data.loss.sel(m=3, seed=0) == 1


def test_datasets_come_back_from_netcdf(tmp_path) -> None:
    import xarray as xr

    trials = product(law=("uniform", "gaussian"), delta=(-np.inf, 0.0))
    data = grid(trials, [{"f": ("x", np.full(3, k))} for k in range(4)])
    save_dataset(data, tmp_path / "d.nc")
    with xr.open_dataset(tmp_path / "d.nc", engine="scipy") as back:
        assert back.f.sel(law="gaussian", delta=-np.inf).values.tolist() == [2, 2, 2]


def test_trials_come_back_from_files(tmp_path) -> None:
    save_trial(tmp_path / "t.npz", {"m": 2}, {"loss": 0.5, "f": (("a", "b"), np.eye(2))}, 1.5)
    result, seconds = load_trial(tmp_path / "t.npz")
    assert seconds == 1.5
    assert result["f"][0] == ("a", "b")
    np.testing.assert_array_equal(result["f"][1], np.eye(2))
    assert result["loss"] == ((), 0.5)


def test_the_file_of_a_trial_tells_version_parameters_and_labels_apart(tmp_path) -> None:
    def path(trial=None, **options):
        experiment = toy("log", **options)
        return trial_path(tmp_path, experiment, experiment.settings(), trial or {"m": 5, "seed": 0})

    paths = {path(), path(scale=2.0), path(version=2), path({"m": 5, "seed": 1}), path(m=(5,))}
    assert len(paths) == 5
    assert path() == path()
    assert path({"seed": 0, "m": 5}) == path()


# -- the registry ----------------------------------------------------------------------------------------


def test_the_figures_of_williams_2019_are_there_in_order() -> None:
    names = [name for name in experiments() if name.startswith("williams2019")]
    assert names == [f"williams2019-figure-{k}" for k in range(1, 10)]


@pytest.mark.parametrize("name", experiments())
def test_every_experiment_can_travel_and_says_what_it_is(name: str) -> None:
    experiment = experiments()[name]
    assert pickle.loads(pickle.dumps(experiment)) == experiment
    for text in (experiment.title, experiment.claim, experiment.citation):
        assert text.strip() == text != ""
    assert experiment.claim.endswith(".")
    assert len(experiment.trials(experiment.settings(True))) <= len(experiment.trials(experiment.settings()))
    for parameter in experiment.parameters.values():
        assert parameter.source


def test_items_are_chosen_by_name_or_by_paper() -> None:
    assert [each.name for each in select(["williams2019-figure-4", "williams2019-figure-2"])] == [
        "williams2019-figure-2",
        "williams2019-figure-4",
    ]
    assert len(select(["williams2019"])) == 9
    assert list(select([])) == list(experiments().values())
    with pytest.raises(kf.InputError, match=r"name is 'figure-4': it must be one of williams2019-figure-1, "):
        select(["figure-4"])


def test_an_experiment_takes_its_parts_from_the_module_and_names_the_missing_one(monkeypatch) -> None:
    words = {"item": "Figure 2", "title": "a toy", "claim": "Sums are sums.", "where": "section 1"}
    with pytest.raises(kf.InputError, match=r"module is helpers\.toys: it must define PARAMETERS, as every experiment"):
        kf.papers.experiment("helpers.toys", **words)
    parameters = {"m": printed(1, "table 1")}
    monkeypatch.setattr(toys, "PARAMETERS", parameters, raising=False)
    made = kf.papers.experiment("helpers.toys", **words, note="so it is", version=3)
    assert (made.parameters, made.run, made.check, made.film) == (parameters, toys.run, toys.check, None)
    assert (made.citation, made.note, made.version) == ("section 1", "so it is", 3)


def test_the_names_of_both_papers_are_in_kf_papers() -> None:
    assert kf.papers.Check is Check
    assert set(dir(kf.papers)) == set(knotflow_papers.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = kf.papers.nothing


# -- a result broken on purpose --------------------------------------------------------------------------

BREAKS = [
    ("williams2019-figure-2", "off_radius", lambda v: v + 0.1, "not reproduced"),
    ("williams2019-figure-2", "ratio", lambda v: v[::-1], "not reproduced"),
    ("williams2019-figure-7", "flow_moved", lambda v: v + 0.1, "not reproduced"),
    ("williams2019-figure-7", "flow_c", lambda v: v * 0, "not reproduced"),
    ("williams2019-figure-1", "knot_error_printed", lambda v: v * 0, "reproduced with a correction"),
    ("williams2019-figure-1", "bend", lambda v: v + 1e-3, "not reproduced"),
    ("williams2019-figure-1", "regions", lambda v: v - 1, "not reproduced"),
    ("williams2019-figure-6", "descent_loss", lambda v: v * 0, "reproduced"),
    ("williams2019-figure-6", "stuck", lambda v: v * 0, "not reproduced"),
]


@pytest.fixture(scope="module")
def datasets() -> dict:
    return {}


@pytest.mark.parametrize(("name", "variable", "broken", "status"), BREAKS)
def test_breaking_a_result_changes_the_verdict(datasets, name, variable, broken, status) -> None:
    experiment = experiments()[name]
    p = experiment.settings(True)
    if name not in datasets:
        datasets[name] = compute(experiment, quick=True)
    data = datasets[name]
    before = experiment.verdict(p, data)
    assert before.status != "not reproduced", before.sentence
    changed = data.assign({variable: (data[variable].dims, broken(data[variable].values))})
    after = experiment.verdict(p, changed)
    assert after.status == status
    assert after.sentence != before.sentence
    assert re.search(r"\d", after.sentence)


# -- figure 1 of Williams et al. (2019) ------------------------------------------------------------------


def test_corners_are_measured_where_neurons_have_met() -> None:
    missed = figure_01._corners_missed
    b = np.array([0.2, 0.2 + 1e-16, 0.2 - 1e-16, -0.5, -0.5, 3.0])
    net = kf.ReLUNet([1, -1, 1, 1, 1, 1], b * [1, -1, 1, 1, 1, 1], [1, 2, -0.5, 1, 3, 1])
    assert missed(net, -1, 1) < 1e-12
    assert missed(net.replace(c=np.array([1, 2, -0.5, 1, 3, 1e3])), -1, 1) < 1e-8
    assert np.isnan(missed(net, 0.3, 1))


def test_a_corner_that_is_wrong_is_found(monkeypatch) -> None:
    net = kf.ReLUNet([1, -1, 1], [0.2, -0.2, -0.5], [1, 2, 1])
    right = net.delta_slopes
    monkeypatch.setattr(kf.ReLUNet, "delta_slopes", property(lambda self: right + np.array([0, 0.1, 0])))
    assert figure_01._corners_missed(net, -1, 1) == pytest.approx(0.1)
