"""The list of public names: complete, loaded by name, with types that are up to date."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import knotflow

STUBS = Path(__file__).parents[1] / "tools" / "stubs.py"
# The contract: these names, whatever else there is.
CONTRACT = """
    Samples ReLUNet evolve GradientDescent SGD Adam GradientFlow CanonicalFlow MeanFieldFlow LazyFlow Trajectory
    load_trajectory gradient gradient_flow_gap stability_limit fit Fit animate targets datasets
    InputError KnotflowError StabilityWarning DivergenceWarning
    compare data deep dynamics estimators initial kernels landscape laws multivariate papers plots report segmented
    splines views
"""
NAMES = CONTRACT.split()
ROOMS = {
    "compare": "Distance NUMBERS Number distances summarise sup_distance",
    "data": "Distinct Samples Scaling datasets targets",
    "datasets": "DATASETS Dataset load motorcycle names nile",
    "initial": "INITIALISERS InitialRoughness Initialiser JointDensity Law curvature_knots delta_slope_density "
    "gaussian glorot he init_scale joint_density knot_density law pytorch roughness spiky uniform uniform_knots",
    "kernels": "Gaussian Independent KnotLaw Placed Uniform UniformKnots Weight law nu nu_minus nu_plus",
    "laws": "Gaussian Independent KnotLaw Law Placed Uniform UniformKnots gaussian glorot he pytorch uniform",
    "splines": "Distance compare",
    "views": "BDSO CPWL Canonical",
}


def test_the_public_names_are_those_of_the_contract() -> None:
    assert sorted(NAMES) == knotflow.__all__ == dir(knotflow)


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(knotflow, name) is not None


@pytest.mark.parametrize("room", ROOMS)
def test_the_rooms_hold_their_names(room: str) -> None:
    module = getattr(knotflow, room)
    for name in ROOMS[room].split():
        assert name in module.__all__
        assert getattr(module, name) is not None


@pytest.mark.parametrize("room", ["initial", "splines"])
def test_lazy_rooms_list_what_they_hold(room: str) -> None:
    module = importlib.import_module(f"knotflow.{room}")
    assert dir(module) == sorted(module.__all__)
    with pytest.raises(AttributeError, match=f"module 'knotflow.{room}' has no attribute 'nothing'"):
        _ = module.nothing


def test_a_name_in_two_rooms_is_one_thing() -> None:
    assert knotflow.splines.compare is knotflow.compare.distances
    assert knotflow.kernels.Gaussian is knotflow.laws.Gaussian
    assert knotflow.initial.Law is knotflow.laws.Law
    assert knotflow.views.BDSO is importlib.import_module("knotflow.network").BDSO


def test_unknown_names_are_refused() -> None:
    with pytest.raises(AttributeError, match="module 'knotflow' has no attribute 'nothing'"):
        _ = knotflow.nothing


def test_the_types_are_up_to_date() -> None:
    done = subprocess.run([sys.executable, str(STUBS), "--check"], check=False)
    assert done.returncode == 0, "run make stubs"
