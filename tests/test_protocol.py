"""What holds for all public functions that take samples or a network: anything else is refused by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import knotflow as kf

DATA = kf.Samples([0.0, 0.4, 1.0, 1.7, 2.5], [1.0, -0.5, 0.3, 0.2, 2.0])
NET = kf.ReLUNet([1.0, -1.0, 2.0], [0.3, -1.5, 0.5], [1.0, 0.7, -0.4], norm=2.0)
WRONG_DATA = {
    "text": "x",
    "None": None,
    "a number": 3.0,
    "an array": np.ones(5),
    "a pair": ([0, 1], [1, 2]),
    "a net": NET,
}
WRONG_NET = {"text": "x", "None": None, "a number": 3.0, "an array": np.ones(5), "samples": DATA}
# What else these functions cannot do without.
OTHERS = {
    "lam": 0.1, "pieces": 2, "i": 0, "index": 0, "density": lambda x: 1.0 + 0 * x, "f": NET, "lr": 1e-3, "until": 1.0,
    "dynamics": kf.GradientDescent(lr=1e-3), "most": 3, "v": np.ones(9), "vector": np.ones(9), "fit": None, "k": 2,
    "kernel": kf.kernels.rf("uniform"), "init": "uniform", "law": "uniform", "delta_slopes": np.ones(3), "m": 5,
    "rng": np.random.default_rng(0), "x": np.zeros(3), "networks": None, "steps": 3,
}  # fmt: skip
# These take the path of a file or a pair of arrays as well; what they refuse is tested with them.
ALSO_TABLES = {"kf.fit"}


def functions(argument: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    """All public functions with this argument, by their public address."""
    rooms = [("kf", kf)] + [(f"kf.{name}", getattr(kf, name)) for name in kf.__all__]
    for address, room in rooms:
        for name in room.__all__ if isinstance(room, ModuleType) else ():
            value = getattr(room, name)
            if inspect.isfunction(value) and argument in inspect.signature(value).parameters:
                yield f"{address}.{name}", value


def arguments(function: Callable[..., Any]) -> dict[str, Any]:
    """Arguments that are right, for all that have no default."""
    given = {"data": DATA, "net": NET, **OTHERS}
    needed = [
        p for p in inspect.signature(function).parameters.values() if p.default is p.empty and p.kind < p.VAR_KEYWORD
    ]
    return {p.name: given.get(p.name) for p in needed if p.kind != p.VAR_POSITIONAL}


WITH_DATA = {address: f for address, f in functions("data") if address not in ALSO_TABLES}
WITH_NET = {address: f for address, f in functions("net") if not address.startswith("kf.multivariate")}


@pytest.mark.parametrize("wrong", WRONG_DATA)
@pytest.mark.parametrize("address", WITH_DATA)
def test_what_is_no_samples_is_refused(address: str, wrong: str) -> None:
    parameter = inspect.signature(WITH_DATA[address]).parameters["data"]
    if WRONG_DATA[wrong] is None and parameter.default is None:
        pytest.fail(f"{address}: data has the default None; leave it out of this test by name")
    with pytest.raises(kf.InputError, match="data"):
        WITH_DATA[address](**{**arguments(WITH_DATA[address]), "data": WRONG_DATA[wrong]})


@pytest.mark.parametrize("wrong", WRONG_NET)
@pytest.mark.parametrize("address", WITH_NET)
def test_what_is_no_network_is_refused(address: str, wrong: str) -> None:
    with pytest.raises(kf.InputError, match="net"):
        WITH_NET[address](**{**arguments(WITH_NET[address]), "net": WRONG_NET[wrong]})
