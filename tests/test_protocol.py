"""What holds for all public names alike: no samples, no network, and scalars out of their range are refused by name."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import knotflow as kf
from knotflow.errors import MissingLibraryError

DATA = kf.Samples([0.0, 0.4, 1.0, 1.7, 2.5], [1.0, -0.5, 0.3, 0.2, 2.0])
NET = kf.ReLUNet([1.0, -1.0, 2.0], [0.3, -1.5, 0.5], [1.0, 0.7, -0.4], norm=2.0)
RNG = np.random.default_rng(0)
WRONG_DATA = {
    "text": "x",
    "None": None,
    "a number": 3.0,
    "an array": np.ones(5),
    "a pair": ([0, 1], [1, 2]),
    "a net": NET,
}
WRONG_NET = {"text": "x", "None": None, "a number": 3.0, "an array": np.ones(5), "samples": DATA}


def plain_density(x: np.ndarray) -> np.ndarray:
    return 1.0 + 0 * x


# What the public functions and classes cannot do without, by the name of the argument.
RIGHT = {
    "data": DATA, "net": NET, "x": [0.0, 0.5, 1.0], "lam": 0.1, "pieces": 2, "i": 0, "density": plain_density, "f": NET,
    "lr": 1e-3, "until": 1.0, "dynamics": kf.GradientDescent(lr=1e-3), "kernel": kf.kernels.rf("uniform"),
    "init": "uniform", "law": "uniform", "delta_slopes": [0.1, 0.2], "m": 5, "s": 3, "rng": RNG, "steps": 3,
    "knots": [0.1, 0.6, 1.2, 2.0], "spline": kf.splines.natural(DATA), "widths": [2], "networks": 1, "alpha": 2.0,
    "r": [0.1], "theta": [0.2], "first": np.ones(9), "second": np.arange(9.0), "along": [0.0, 1.0], "across": [0.0],
    "orientation": 1, "target": lambda x: x**2, "values": [1.0, 0.0, 2.0, 1.0], "where": (0.0, 2.5), "batch": 2,
    "dimensions": 2, "a": [[1.0, 2.0]], "b": [0.1], "c": [0.3], "y": [0.0, 1.0, 0.5], "matrix": [[1.0, 2.0]],
}  # fmt: skip
# Where the same name means something else.
INSTEAD: dict[str, dict[str, Any]] = {
    "kf.evolve": {"steps": 3},
    "kf.fit": {"dynamics": "sgd"},
    "kf.deep.train": {"networks": [kf.deep.draw([2], RNG)]},
    "kf.ReLUNet": {"a": [1.0], "b": [0.1], "c": [0.3]},
    "kf.initial.curvature_knots": {"where": (0.0, 1.0)},
    "kf.multivariate.descend": {"net": kf.multivariate.Net([[1.0]], [0.1], [0.3])},
    "kf.segmented.choose": {"rule": "cv", "folds": 2},
    "kf.segmented.cross_validation": {"folds": 2},
    "kf.initial.InitialRoughness": {"law": kf.laws.he(5)},
    "kf.initial.JointDensity": {"law": kf.laws.he(5)},
    "kf.initial.Law": {"family": "gaussian", "a": 1.0, "b": 1.0, "c": 1.0},
    "kf.landscape.expected_lonely_share": {"knots": plain_density},
    "kf.landscape.lonely_knots": {"pieces": [0, 1, 2, 3, 4]},
    "kf.landscape.lonely_probability": {"knots": "random"},
    "kf.landscape.lonely_share": {"knots": "random"},
    "kf.segmented.bic": {"fit": kf.segmented.optimal(DATA, 2)},
}
# What functions need that is not always installed.
EXTRAS = {"kf.deep.train": "torch"}

# Left out of the tests of data and net, each for its reason:
ALSO_TABLES = {"kf.fit"}  # takes a pair of arrays and the path of a file as well; what it refuses is tested with it
ALSO_PAIRS = {"kf.multivariate.descend", "kf.multivariate.gradient", "kf.multivariate.velocities"}  # (x, y) of D inputs
OF_A_FIT = {"kf.plots.fit_plot", "kf.plots.uv_plane"}  # a fit has its data: then `data` is left out, None


def public(kind: Callable[[Any], bool]) -> Iterator[tuple[str, Any]]:
    """All public functions or classes of knotflow by their public address, each once."""
    seen = set()
    rooms = [("kf", kf)] + [(f"kf.{name}", getattr(kf, name)) for name in kf.__all__]
    for address, room in rooms:
        for name in room.__all__ if isinstance(room, ModuleType) else ():
            try:
                value = getattr(room, name)
            except MissingLibraryError:  # the tests of that room say so
                continue
            if kind(value) and value not in seen and value.__module__.startswith("knotflow."):
                seen.add(value)
                yield f"{address}.{name}", value


def having(argument: str, *without: set[str]) -> dict[str, Callable[..., Any]]:
    """The public functions with this argument, but for those left out."""
    return {
        address: function
        for address, function in public(inspect.isfunction)
        if argument in inspect.signature(function).parameters and address not in set().union(*without)
    }


def arguments(address: str, function: Callable[..., Any]) -> dict[str, Any]:
    """Arguments that are right: all that have no default, and those of INSTEAD."""
    parameters = inspect.signature(function).parameters.values()
    instead = INSTEAD.get(address, {})
    needed = {p.name for p in parameters if p.default is p.empty and p.kind < p.VAR_POSITIONAL}
    return {**{name: RIGHT[name] for name in needed - set(instead)}, **instead}


def needs(address: str) -> None:
    if address in EXTRAS:
        pytest.importorskip(EXTRAS[address])


WITH_DATA = having("data", ALSO_TABLES, ALSO_PAIRS, OF_A_FIT)
WITH_NET = having("net", ALSO_PAIRS)


@pytest.mark.parametrize("wrong", WRONG_DATA)
@pytest.mark.parametrize("address", WITH_DATA)
def test_what_is_no_samples_is_refused(address: str, wrong: str) -> None:
    needs(address)
    with pytest.raises(kf.InputError, match="data"):
        WITH_DATA[address](**{**arguments(address, WITH_DATA[address]), "data": WRONG_DATA[wrong]})


@pytest.mark.parametrize("wrong", WRONG_NET)
@pytest.mark.parametrize("address", WITH_NET)
def test_what_is_no_network_is_refused(address: str, wrong: str) -> None:
    with pytest.raises(kf.InputError, match=r"\bnet\b"):
        WITH_NET[address](**{**arguments(address, WITH_NET[address]), "net": WRONG_NET[wrong]})


# -- scalars ---------------------------------------------------------------------------------------------

# The classes that a user makes; all others are results.
MADE = {
    "kf.Adam", "kf.CanonicalFlow", "kf.GradientDescent", "kf.GradientFlow", "kf.MeanFieldFlow", "kf.ReLUNet", "kf.SGD",
    "kf.initial.InitialRoughness", "kf.initial.JointDensity", "kf.initial.Law", "kf.kernels.Gaussian",
    "kf.kernels.Uniform", "kf.kernels.UniformKnots", "kf.multivariate.Net",
}  # fmt: skip
# Needs a run and a file: what it refuses is tested with it.
OF_A_RUN = {"kf.animate"}
WRONG_NUMBERS = {"NaN": np.nan, "inf": np.inf, "text": "x", "negative": -1.0, "bool": True}
WRONG_COUNTS = {**WRONG_NUMBERS, "negative": -1, "a fraction": 2.5}
WRONG_FLAGS = {"a number": 2, "text": "x"}
SIGNED = {"bias", "delta", "free", "hi", "intercept", "lo", "start"}  # any finite number
INDICES = {"i", "orientation"}  # -1 is the last neuron, or facing left
# Of a flow, where GradientDescent refuses the argument as such: has a test of its own.
OF_A_FLOW = {("kf.evolve", "until")}
# Right, although it looks wrong: an infinite penalty gives the line of least squares.
LIMITS = {("kf.splines.smoothing", "lam"), ("kf.splines.smoothing", "penalty"), ("kf.compare.distances", "penalty")}


def scalars() -> Iterator[tuple[str, Callable[..., Any], str, dict[str, Any]]]:
    """Each public argument that is annotated as one number or flag, with what is wrong for it."""
    functions = dict(public(inspect.isfunction)) | {a: c for a, c in public(inspect.isclass) if a in MADE}
    for address, function in functions.items():
        for name, parameter in inspect.signature(function).parameters.items():
            kinds = set(str(parameter.annotation).split(" | "))
            left_out = address in OF_A_RUN or (address, name) in OF_A_FLOW or parameter.kind == parameter.VAR_KEYWORD
            if "float" in kinds and not left_out:
                yield address, function, name, WRONG_NUMBERS
            elif kinds & {"int", "SupportsIndex"} and not left_out:
                yield address, function, name, WRONG_COUNTS
            elif "bool" in kinds:
                yield address, function, name, WRONG_FLAGS


def wrong_scalars() -> Iterator[Any]:
    for address, function, name, wrong in scalars():
        for label, value in wrong.items():
            signed = label == "negative" and name in SIGNED | INDICES
            limit = label == "inf" and (address, name) in LIMITS
            if not signed and not limit:
                yield pytest.param(address, function, name, value, id=f"{address}-{name}-{label}")


@pytest.mark.parametrize(("address", "function", "name", "value"), list(wrong_scalars()))
def test_scalars_out_of_their_range_are_refused_by_name(
    address: str, function: Callable[..., Any], name: str, value: Any
) -> None:
    needs(address)
    with pytest.raises(kf.InputError, match=rf"^{name} is .*{re.escape(str(value))}.*: it must be "):
        function(**{**arguments(address, function), name: value})


@pytest.mark.parametrize("value", [np.nan, np.inf, "x", -1.0, True])
@pytest.mark.parametrize("flow", [kf.GradientFlow(), kf.CanonicalFlow(), kf.MeanFieldFlow(), kf.LazyFlow()])
def test_times_out_of_their_range_are_refused_by_name(flow: Any, value: Any) -> None:
    with pytest.raises(kf.InputError, match=r"^until is .*: it must be "):
        kf.evolve(NET, DATA, flow, until=value)
