"""What functions of a network and samples begin with: that it is one and that they are, and what they give together."""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

import numpy as np

from knotflow._checks import is_whole, shown
from knotflow._typing import Array, Flags
from knotflow.data.samples import Samples, given
from knotflow.errors import InputError
from knotflow.network.relunet import ReLUNet

__all__ = [
    "active",
    "checked",
    "network_of",
    "neuron_index",
    "nothing_active",
    "preactivations",
    "residuals",
    "subject",
]

P = ParamSpec("P")
T = TypeVar("T")


def network_of(net: Any) -> ReLUNet:
    """`net`, if it is a ReLUNet; else InputError."""
    if not isinstance(net, ReLUNet):
        raise InputError(f"net is of type {type(net).__name__}: it must be a ReLUNet")
    return net


def subject(net: Any, data: Any) -> Samples:
    """`data` as samples; InputError unless they are a network and samples."""
    network_of(net)
    return given(data)


def checked(function: Callable[Concatenate[ReLUNet, Samples, P], T]) -> Callable[Concatenate[ReLUNet, Samples, P], T]:
    """The function of a network and samples, which raises InputError if it is given something else."""

    @wraps(function)
    def call(net: ReLUNet, data: Samples, *args: P.args, **options: P.kwargs) -> T:
        return function(net, subject(net, data), *args, **options)

    return cast("Callable[Concatenate[ReLUNet, Samples, P], T]", call)  # `wraps` keeps the names net and data


def residuals(net: ReLUNet, data: Samples) -> Array:
    """(s,) f(x_j) - y_j at the distinct samples, with their mean y."""
    return net(data.distinct.x) - data.distinct.y


def preactivations(net: ReLUNet, x: Array) -> Array:
    """(m, s) a_i x_j - b_i."""
    return np.multiply.outer(net.a, x) - net.b[:, None]


def active(net: ReLUNet, data: Samples) -> Flags:
    """(m, s) whether neuron i is active at distinct sample j. InputError if no neuron is active at any."""
    on = preactivations(net, data.distinct.x) > 0
    if not on.any():
        raise nothing_active(data)
    return on


def nothing_active(data: Samples) -> InputError:
    """The error for a network whose loss does not depend on its neurons."""
    lo, hi = data.range
    return InputError(
        f"no neuron of net is active at a sample (x in [{lo:g}, {hi:g}]): the loss does not depend on a, b or c; "
        "start from a network with active neurons"
    )


def neuron_index(net: ReLUNet, i: object) -> int:
    """i as the number of a neuron with a knot, or InputError."""
    if not is_whole(i):
        raise InputError(f"i is {shown(i)}: it must be the number of a neuron, an integer")
    index = operator.index(i)  # type: ignore[arg-type]
    if not -len(net) <= index < len(net):
        raise InputError(f"i is {shown(index)}: net has {len(net)} neurons, so it must be in 0..{len(net) - 1}")
    index %= len(net)
    if not np.isfinite(net.knots[index]):
        raise InputError(f"neuron {index} has a = {net.a[index]:g}: it has no knot that could move")
    return index
