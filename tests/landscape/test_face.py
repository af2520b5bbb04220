"""Every function of a network and its data says so when it is given something else."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import knotflow as kf

OPTIONS = {"i": 0, "knots": np.zeros(2), "delta_slopes": np.zeros(2), "orientation": 1}
OPTIONS |= {"first": np.ones(4), "second": np.ones(4), "along": np.zeros(2), "across": np.zeros(2)}
FUNCTIONS = [
    name
    for name in kf.landscape.__all__
    if (function := getattr(kf.landscape, name))
    and (inspect.isfunction(function) or name == "HessianProduct")
    and list(inspect.signature(function).parameters)[:2] == ["net", "data"]
]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_other_subjects_are_refused(name):
    function = getattr(kf.landscape, name)
    options = {key: OPTIONS[key] for key in inspect.signature(function).parameters if key in OPTIONS}
    net, data = kf.initial.pytorch(4, np.random.default_rng(0)), kf.Samples([0, 1, 3], [1, 0, 2])
    with pytest.raises(kf.InputError, match="net is of type int: it must be a ReLUNet"):
        function(3, data, **options)
    with pytest.raises(kf.InputError, match=r"data is of type list: it must be Samples, made by Samples\(x, y\)"):
        function(net, [1, 2], **options)


def test_all_of_them_are_tried():
    assert len(FUNCTIONS) > 15


def test_which_parameters_count_by_default():
    """All of them for what L is as a function, {"a", "b", "c"} for a motion, as the face says."""
    defaults = {
        name: parameters["train"].default
        for name in kf.landscape.__all__
        if name in FUNCTIONS and "train" in (parameters := inspect.signature(getattr(kf.landscape, name)).parameters)
    }
    assert defaults.pop("knot_types") is None  # its old keyword
    assert defaults.pop("knot_velocities") == {"a", "b", "c"}
    assert inspect.signature(kf.stability_limit).parameters["train"].default == {"a", "b", "c"}
    assert sorted(defaults) == [
        "HessianProduct",
        "critical_point",
        "hessian",
        "hessian_rank",
        "hessian_spectrum",
        "is_critical",
        "jacobian",
        "sharpness",
        "stable_learning_rate",
    ]
    assert all(default == {"a", "b", "c", "bias"} for default in defaults.values())
