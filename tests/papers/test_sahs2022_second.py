"""Figures 9 to 15 and Table 3 of Sahs et al. (2022), reduced; and the parts that they are made of."""

from __future__ import annotations

import numpy as np
import pytest

import knotflow as kf
from knotflow.cli import main
from knotflow_papers import Check, compute, experiments
from knotflow_papers.sahs2022 import batchnorm, gap, spiky
from knotflow_papers.sahs2022.figures import figure_09, figure_14

pytestmark = pytest.mark.papers

# name, a result, what is done to it, the statement that must no longer hold
BREAKS = [
    ("figure-9", "mse", lambda v: v[::-1], "loss of dynamic programming to that of greedy merging"),
    ("figure-10", "flow_test", lambda v: v[::-1], "by the exact flow"),
    ("figure-11", "turn", lambda v: v[::-1], "change of slope"),
    ("figure-12", "spread", lambda v: v[:, ::-1], "standard deviation of the delta-slopes"),
    ("figure-13", "test", lambda v: v[:, ::-1], "median test loss from the spiky start"),
    ("figure-14", "curve", lambda v: v[::-1], "neurons that 90% lonely samples take"),
    ("figure-15", "natural", lambda v: v[:, ::-1], "distance to the cubic spline"),
    ("table-3", "test", lambda v: v[..., ::-1, :], "Arctan, shallow"),
]
NEEDS_TORCH = {"figure-13", "table-3"}


@pytest.mark.parametrize(("name", "variable", "broken", "statement"), BREAKS)
def test_a_quick_run_is_finite_and_a_broken_result_changes_its_verdict(name, variable, broken, statement) -> None:
    if name in NEEDS_TORCH:
        pytest.importorskip("torch")
    experiment = experiments()[f"sahs2022-{name}"]
    p = experiment.settings(True)
    data = compute(experiment, quick=True)
    for each in data.data_vars.values():
        assert np.isfinite(each.values).any()
        assert not np.isinf(each.values).any()
    before = experiment.verdict(p, data)
    assert all(np.isfinite(_numbers(check)).all() for check in before.checks)
    changed = data.assign({variable: (data[variable].dims, broken(data[variable].values))})
    after = experiment.verdict(p, changed)
    held = {check.statement for check in before.checks if check.holds and statement in check.statement}
    assert held - {check.statement for check in after.checks if check.holds}
    assert after.sentence != before.sentence
    if not any(check.printed for check in before.checks if check.statement in held):
        assert after.status == "not reproduced"
    experiment.draw(p, data)
    if experiment.table:
        head, rows = experiment.table(p, data)
        assert all(len(row) == len(head) for row in rows)


def _numbers(check: Check) -> list[float]:
    return [float(word) for word in check.measured.rpartition(": ")[2].split(", ")]


def test_what_needs_pytorch_says_so_where_it_is_missing(monkeypatch, tmp_path, capsys) -> None:
    monkeypatch.setattr("knotflow_papers.reproduction.experiment.find_spec", lambda name: None)
    lacking = {name for name, each in experiments().items() if each.lacking}
    assert lacking == {f"sahs2022-{name}" for name in NEEDS_TORCH}
    assert main(["list"]) == 0
    assert " ".join(capsys.readouterr().out.split()).count("(needs torch: make torch)") == len(NEEDS_TORCH)
    assert main(["reproduce", "sahs2022-figure-13", "--out", str(tmp_path)]) == 2
    assert "error: sahs2022-figure-13 needs torch: make torch" in capsys.readouterr().err
    command = ["reproduce", "sahs2022-figure-13", "sahs2022-figure-11", "--quick", "--processes", "1"]
    assert main([*command, "--out", str(tmp_path)]) == 0
    assert "Left out: sahs2022-figure-13 needs torch: make torch." in (tmp_path / "report.html").read_text("utf-8")


def test_films_of_an_item_have_names_of_their_own(monkeypatch, tmp_path) -> None:
    made = []
    monkeypatch.setattr("knotflow.plots.animate", lambda trajectory, *_, **options: made.append((trajectory, options)))
    for name in ("sahs2022-figure-14", "sahs2022-figure-14-he"):
        assert main(["video", name, "--out", str(tmp_path / "f.mp4")]) == 0
    (uniform, options), (he, _) = made
    assert options["title"].startswith("Sahs et al. (2022), Figure 14: ")
    assert np.abs(uniform.net_at(0).c).max() == 0 < np.abs(he.net_at(0).c).max()


# -- batch normalisation ---------------------------------------------------------------------------------


@pytest.mark.torch
def test_batch_normalisation_is_that_of_pytorch() -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(5)
    x, m = np.sort(rng.normal(1.0, 2.0, 17)), 6
    y = rng.normal(size=17)
    net = batchnorm.BatchNormNet.start(m, 2, rng)
    net.gain[:], net.shift[:] = rng.normal(size=(2, 2, m))
    losses, gradient = batchnorm.losses_and_gradients(net, x, y)
    for k in range(2):
        hidden, norm, out = torch.nn.Linear(1, m), torch.nn.BatchNorm1d(m, batchnorm.EPS), torch.nn.Linear(m, 1)
        model = torch.nn.Sequential(hidden, norm, torch.nn.ReLU(), out).double()
        ours = (net.w, hidden.weight), (net.gain, norm.weight), (net.shift, norm.bias), (net.c, out.weight)
        with torch.no_grad():
            for values, theirs in ours:
                theirs.copy_(torch.tensor(values[k]).reshape(theirs.shape))
            out.bias.fill_(net.bias[k])
        loss = 0.5 * ((model(torch.tensor(x)[:, None])[:, 0] - torch.tensor(y)) ** 2).mean()
        loss.backward()
        assert losses[k] == pytest.approx(loss.item(), rel=1e-12)
        for name, (_, theirs) in zip(("w", "gain", "shift", "c"), ours, strict=True):
            np.testing.assert_allclose(getattr(gradient, name)[k], theirs.grad.numpy().ravel(), rtol=1e-8, atol=1e-12)
        assert gradient.bias[k] == pytest.approx(float(out.bias.grad), rel=1e-10)


def test_the_bound_on_learning_rates_tells_stable_from_unstable() -> None:
    x = np.linspace(-1, 1, 60)
    for factor, stable in ((0.9, True), (1.5, False)):
        net = batchnorm.BatchNormNet.start(200, 1, np.random.default_rng(3))
        limit = batchnorm.stability_limits(net, x)
        start, _ = batchnorm.losses_and_gradients(net, x, x**2)
        end = batchnorm.descended(net, x, x**2, factor * limit, 8)
        assert (end[0] < 2 * start[0]) == stable


# -- parts -----------------------------------------------------------------------------------------------


def test_optimal_fits_to_a_parabola_have_the_error_of_theory() -> None:
    p = figure_09.EXPERIMENT.settings(True)
    for pieces in (4, 16):
        error = kf.segmented.optimal(figure_09.data(p), pieces).error / p.samples
        assert error == pytest.approx(4 * (2 / pieces) ** 4 / 720, rel=0.03)


def test_roughness_in_the_gap_counts_only_what_is_there() -> None:
    net = kf.ReLUNet([1.0, -2.0, 1.0, 1.0], [0.02, 0.04, 0.4, 3.0], [3.0, 1.0, -2.0, 50.0])
    found = gap.roughness(net)  # knots 0.02, -0.02, 0.4, 3; delta-slopes 3, -2, -2, 50; jumps 3, 2, -2
    assert found["roughness"] == pytest.approx(9 + 4 + 4)
    assert found["curvature"] == pytest.approx(10 * (9 + 4 + 4))


def test_the_gap_has_no_samples() -> None:
    for case in gap.CASES:
        x = gap.samples(case, 5).x
        assert len(x) == 10
        assert np.abs(x).min() == 0.5


def test_spiky_networks_are_the_drawn_function() -> None:
    p = experiments()["sahs2022-table-3"].settings()
    draw = spiky.drawn(p, 3)
    x = np.linspace(-2, 2, 333)
    net = spiky.shallow_start(p, 3, "spiky")
    np.testing.assert_allclose(net(x), np.interp(x, draw.knots, draw.heights), atol=1e-12)
    assert len(net) == p.units == 21


def test_flat_predictions_of_the_sawtooth_lose_134() -> None:
    assert spiky.test_loss(np.zeros(401), "Sawtooth") == pytest.approx(134, abs=1)


def test_shares_of_lonely_samples_are_those_of_knots_counted_one_by_one() -> None:
    p = figure_14.EXPERIMENT.settings(True)
    p.draws, p.ratio = 3, (2,)
    result = figure_14.run(p, {"law": "uniform", "ratio": 2})
    rng = np.random.default_rng([14, 2, 0])
    x = np.random.default_rng([14]).uniform(-2, 2, p.samples)
    alone = 0
    for _ in range(p.draws):
        knots = figure_14.law_of("uniform").rvs(2 * p.samples, random_state=rng)
        cells = [sum(knot <= each for knot in knots) for each in x]
        alone += sum(cells.count(cell) == 1 for cell in cells)
    assert result["share"] == pytest.approx(alone / (p.draws * p.samples))
