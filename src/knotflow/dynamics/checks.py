"""The check that what is run is a network, and what it is trained on are samples."""

from __future__ import annotations

from typing import Any

from knotflow.errors import InputError
from knotflow.network import ReLUNet
from knotflow.samples import Samples


def subject(net: Any, data: Any) -> None:
    """InputError unless they are a network and samples."""
    if not isinstance(net, ReLUNet):
        raise InputError(f"net is of type {type(net).__name__}: it must be a ReLUNet")
    if not isinstance(data, Samples):
        raise InputError(f"data is of type {type(data).__name__}: it must be Samples, made by Samples(x, y)")
