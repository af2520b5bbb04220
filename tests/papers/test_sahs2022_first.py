"""Figures 1 to 8 and Tables 1 and 2 of Sahs et al. (2022): finite data, a verdict, and one result broken on purpose."""

from __future__ import annotations

import re

import numpy as np
import pytest

from knotflow_papers import Verdict, compute, experiments

pytestmark = pytest.mark.papers

CORRECTED = "reproduced with a correction"
STATUS = {
    "figure-1": CORRECTED,
    "figure-2": CORRECTED,
    "figure-3": CORRECTED,
    "figure-4": CORRECTED,
    "figure-5": CORRECTED,
    "figure-6": "reproduced",
    "figure-7": "reproduced",
    "figure-8": "reproduced",
    "table-1": CORRECTED,
    "table-2": "not reproduced",
}
# item, result, how it is broken, the verdict then
BREAKS = [
    ("figure-1", "change_loss", lambda v: v + 1e-6, "not reproduced"),
    ("figure-1", "v", lambda v: v + 0.1, "not reproduced"),
    ("figure-1", "away", lambda v: v * 0, "reproduced"),
    ("figure-2", "jump", lambda v: v + 1e-3, "not reproduced"),
    ("figure-2", "jump_printed", lambda v: v * 0, "reproduced"),
    ("figure-3", "wrong", lambda v: v + 1, "not reproduced"),
    ("figure-3", "attractor", lambda v: v * 0, "not reproduced"),
    ("figure-4", "share", lambda v: v[:, ::-1], "not reproduced"),
    ("figure-4", "printed", lambda v: np.exp(-1 / (2 * np.array([0.125, 0.25, 0.5, 1, 2, 5, 20]))) + 0 * v, CORRECTED),
    ("figure-5", "loss", lambda v: v + 1e-3, "not reproduced"),
    ("figure-5", "zeros_missed", lambda v: v + 100, "reproduced"),
    ("figure-6", "constant", lambda v: v + 1e-3, "not reproduced"),
    ("figure-6", "angle", lambda v: v * 0, "not reproduced"),
    ("figure-7", "distance", lambda v: -np.sort(-v, axis=1), "not reproduced"),
    ("figure-7", "at_peaks", lambda v: v * 0, "not reproduced"),
    ("figure-8", "error", lambda v: v + 0.1, "not reproduced"),
    ("figure-8", "excess", lambda v: -v, "not reproduced"),
    ("table-1", "test", lambda v: v[:, ::-1], "not reproduced"),
    ("table-1", "outside", lambda v: v * 0, "not reproduced"),
]


@pytest.fixture(scope="module")
def datasets() -> dict:
    return {}


def verdict(datasets: dict, item: str, change=None) -> Verdict:
    experiment = experiments()[f"sahs2022-{item}"]
    if item not in datasets:
        datasets[item] = compute(experiment, quick=True)
    data = datasets[item]
    return experiment.verdict(experiment.settings(True), change(data) if change else data)


@pytest.mark.parametrize("item", STATUS)
def test_a_quick_run_gives_finite_data_and_a_verdict(datasets, item) -> None:
    found = verdict(datasets, item)
    assert found.status == STATUS[item], found.sentence
    assert re.search(r"\d", found.sentence)
    assert not re.search(r"\bnan\b", found.sentence)
    numbers = [values for values in datasets[item].data_vars.values() if np.issubdtype(values.dtype, np.number)]
    assert numbers
    for values in numbers:
        assert np.isfinite(values.values).any()
        assert not np.isinf(values.values).any()


@pytest.mark.parametrize(("item", "variable", "broken", "status"), BREAKS)
def test_breaking_a_result_changes_the_verdict(datasets, item, variable, broken, status) -> None:
    before = verdict(datasets, item)

    def change(data):
        return data.assign({variable: (data[variable].dims, broken(data[variable].values))})

    after = verdict(datasets, item, change)
    assert after.sentence != before.sentence
    assert after.status == status


@pytest.mark.parametrize("item", STATUS)
def test_pictures_and_tables_can_be_made(datasets, item) -> None:
    verdict(datasets, item)
    experiment = experiments()[f"sahs2022-{item}"]
    p = experiment.settings(True)
    assert experiment.draw(p, datasets[item]).axes
    if experiment.table:
        header, rows = experiment.table(p, datasets[item])
        assert rows
        assert all(len(row) == len(header) for row in rows)


def test_table_2_is_reproduced_if_the_trained_networks_are_where_the_paper_has_them(datasets) -> None:
    import xarray as xr

    assert verdict(datasets, "table-2").status == "not reproduced"
    near, far, residual = (0.1 * datasets["table-2"].apart.max() * factor for factor in (1, 9, 0.001))

    def claimed(data, worst=far):
        straight, flat = data.alpha.isin([3.0, 10.0]), data.start.isin(["uniform", "flat"])
        there = data.linear.notnull()
        return data.assign(
            linear=xr.where(flat & straight, near, far).where(there),
            natural=xr.where(flat & ~straight, near, worst).where(there),
            missed=xr.where(data.alpha < 1, 1.0, residual).where(there),
        )

    assert verdict(datasets, "table-2", claimed).status == "reproduced"
    assert verdict(datasets, "table-2", lambda data: claimed(data, near / 2)).status == "not reproduced"


def test_the_film_of_figure_7_is_the_run_that_it_shows(datasets) -> None:
    verdict(datasets, "figure-7")
    experiment = experiments()["sahs2022-figure-7"]
    film = experiment.film(experiment.settings(True))
    np.testing.assert_array_equal(film.final.a, datasets["figure-7"].a.isel(seed=0, epoch=-1))
