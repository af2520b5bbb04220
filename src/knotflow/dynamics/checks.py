"""The checks that the settings of every method share."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np

from knotflow.errors import InputError
from knotflow.network import ReLUNet
from knotflow.samples import Samples


def freeze(record: Any, **values: Any) -> None:
    """Set fields of a frozen record, while it is made."""
    for name, value in values.items():
        object.__setattr__(record, name, value)


def subject(net: Any, data: Any) -> None:
    """InputError unless they are a network and samples."""
    if not isinstance(net, ReLUNet):
        raise InputError(f"net is of type {type(net).__name__}: it must be a ReLUNet")
    if not isinstance(data, Samples):
        raise InputError(f"data is of type {type(data).__name__}: it must be Samples, made by Samples(x, y)")


def number(name: str, value: Any, *, above: float = -np.inf, least: float = -np.inf, below: float = np.inf) -> float:
    """``value`` as a float, if it is a finite number in the range; InputError otherwise."""
    if isinstance(value, Real) and not isinstance(value, bool):
        result = float(value)
        if np.isfinite(result) and above < result < below and result >= least:
            return result
    low = f"> {above:g}" if above > -np.inf else f">= {least:g}"
    high = f" and < {below:g}" if below < np.inf else ""
    raise InputError(f"{name} is {value!r}; it must be a finite number {low}{high}")
