"""Files of runs: those of format 2 are read and carried on, and the names in files do not depend on the engine's."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import knotflow as kf
from knotflow.dynamics import archive

FORMAT_2 = Path(__file__).parents[1] / "data" / "format2"
ALL = {"a", "b", "c", "bias"}
# How the files of format 2 were made, by knotflow 0.1.0 of before format 3: `few` by `small`.
MADE = {
    "GradientDescent": lambda lr: kf.GradientDescent(lr, weight_decay=1e-3, train=ALL),
    "Momentum": lambda lr: kf.GradientDescent(lr, momentum=0.5),
    "SGD": lambda lr: kf.SGD(0.1 * lr, batch=3, rng=5),
    "Adam": lambda lr: kf.Adam(0.003),
    "GradientFlow": lambda lr: kf.GradientFlow(1e-6),
    "CanonicalFlow": lambda lr: kf.CanonicalFlow("polar", lam=0.02, rtol=1e-5),
    "MeanFieldFlow": lambda lr: kf.MeanFieldFlow("cylinder", rtol=1e-5),
    "LazyFlow": lambda lr: kf.LazyFlow({"c", "bias"}),
}
FAR = {"GradientFlow": 1.0, "CanonicalFlow": 4.0, "MeanFieldFlow": 1.0, "LazyFlow": 1.0}


def small() -> kf.ReLUNet:
    rng = np.random.default_rng(3)
    a, b, c = rng.normal(0.2, 1, 12), rng.normal(0.1, 1, 12), rng.normal(-0.1, 1, 12)
    return kf.ReLUNet(a, b, c, norm=3.0, bias=0.2)


def few() -> kf.Samples:
    rng = np.random.default_rng(2)
    x = rng.exponential(0.8, 9) - 0.7
    x[3] = x[7]
    return kf.Samples(x, np.cos(2 * x) + rng.normal(0.3, 0.4, 9), rng.uniform(0.3, 2.0, 9), x_name="age", y_name="size")


@pytest.mark.parametrize("name", MADE)
def test_a_file_of_format_2_is_read_and_carried_on(name, tmp_path):
    with np.load(FORMAT_2 / f"{name}.npz") as file:
        assert json.loads(str(file["about"]))["format"] == 2
    old = kf.load_trajectory(FORMAT_2 / f"{name}.npz")
    method = MADE[name](0.3 * kf.stability_limit(small(), few()))
    far, rest, save = {"steps": 40}, {"steps": 40}, {"save_every": 20}
    if name in FAR:
        far, rest, save = {"until": FAR[name]}, {"until": 2 * FAR[name]}, {"save_at": [FAR[name] / 2]}
    new = kf.evolve(small(), few(), method, **far, **save)
    assert type(old.dynamics) is type(method)
    assert old.train == method.train
    # The integrator of the flow takes other steps since: its runs agree up to their tolerance.
    near = {"rtol": 3e-6, "atol": 3e-6} if name == "GradientFlow" else {"rtol": 1e-9, "atol": 1e-11}
    if name != "GradientFlow":
        np.testing.assert_array_equal(old.steps, new.steps)
    for field in ("times", "loss", "a", "b", "c", "bias"):
        np.testing.assert_allclose(getattr(old, field), getattr(new, field), err_msg=field, **near)
    np.testing.assert_array_equal(old.events["kind"], new.events["kind"])
    on, again = old.resume(**rest), new.resume(**rest)
    assert on.state.keys() == again.state.keys()
    np.testing.assert_allclose(on.final(few().x), again.final(few().x), **near | {"atol": max(near["atol"], 1e-9)})
    np.testing.assert_array_equal(on.events["kind"], again.events["kind"])
    third = kf.load_trajectory(old.save(tmp_path / "run"))
    assert archive.read(tmp_path / "run.npz").about["format"] == archive.FORMAT == 3
    np.testing.assert_array_equal(third.resume(**rest).final.c, on.final.c)


def test_names_in_files_are_not_those_of_the_engine(tmp_path):
    """A field of the engine that is renamed must not change them: they are written out here."""
    expected = {
        "GradientDescent": {"a", "b", "c", "bias", "order"},  # few neurons on few samples: all pairs are taken
        "SGD": {"place", "boundary", "batches_left", "batches_rng"},
        "Momentum": {"parameters", "bias", "first_moment", "second_moment", "bias_moments", "arc", "steps_taken"},
        "GradientFlow": {"parameters", "bias", "mode", "second_moments", "residuals", "registers", "power_iteration"},
        "CanonicalFlow": {"parameters", "mode", "weights", "residuals", "kernel_basis", "kernel_eigenvalues"},
        "LazyFlow": {"time"},
    }
    for name, names in expected.items():
        far = {"until": 0.1} if name in FAR else {"steps": 2}
        run = kf.evolve(small(), few(), MADE[name](1e-3), **far)
        content = archive.read(run.save(tmp_path / name))
        assert names <= content.state.keys(), name


def test_settings_are_plain_values():
    described = archive.settings(kf.SGD(0.1, 3, np.random.default_rng(7), {"c"}))
    assert described["method"] == "SGD"
    assert (described["lr"], described["batch"], described["train"]) == (0.1, 3, ["c"])
    again = archive.generator(json.loads(archive.as_text(described["rng"])))
    np.testing.assert_array_equal(again.permutation(50), np.random.default_rng(7).permutation(50))


def test_unknown_methods_are_named(tmp_path):
    run = kf.evolve(small(), few(), kf.LazyFlow(), until=1.0)
    content = archive.read(run.save(tmp_path / "run"))
    content.about["dynamics"]["method"] = "Newton"
    path = archive.write(tmp_path / "other", content._replace(about=content.about))
    with pytest.raises(kf.InputError, match="method is 'Newton': it must be one of 'GradientDescent', 'SGD'"):
        kf.load_trajectory(path)
