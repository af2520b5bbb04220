"""What holds for all public names alike: no samples, no network, and scalars out of their range are refused by name."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from tests.helpers.calls import EXTRAS, MADE, arguments
from tests.helpers.public import DATA, NET, public

import knotflow as kf

WRONG_DATA = {
    "text": "x",
    "None": None,
    "a number": 3.0,
    "an array": np.ones(5),
    "a pair": ([0, 1], [1, 2]),
    "a net": NET,
}
WRONG_NET = {"text": "x", "None": None, "a number": 3.0, "an array": np.ones(5), "samples": DATA}


# Left out of the tests of data and net, each for its reason:
ALSO_TABLES = {"kf.fit"}  # takes a pair of arrays and the path of a file as well; what it refuses is tested with it
ALSO_PAIRS = {"kf.multivariate.descend", "kf.multivariate.gradient", "kf.multivariate.velocities"}  # (x, y) of D inputs
OF_A_FIT = {"kf.plots.fit_plot", "kf.plots.uv_plane"}  # a fit has its data: then `data` is left out, None


def having(argument: str, *without: set[str]) -> dict[str, Callable[..., Any]]:
    """The public functions with this argument, but for those left out."""
    return {
        address: function
        for address, function in public(inspect.isfunction)
        if argument in inspect.signature(function).parameters and address not in set().union(*without)
    }


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
