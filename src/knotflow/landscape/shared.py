"""What the rooms' modules share: residuals, parameter vectors, and the check that there is something to look at."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from knotflow._typing import Array
from knotflow.dynamics.checks import subject
from knotflow.dynamics.tangent import PARAMETERS, trained
from knotflow.errors import InputError
from knotflow.network import ReLUNet
from knotflow.samples import Samples

ALL = frozenset(PARAMETERS)
Flags = NDArray[np.bool_]
P = ParamSpec("P")
T = TypeVar("T")


def checked(function: Callable[Concatenate[ReLUNet, Samples, P], T]) -> Callable[Concatenate[ReLUNet, Samples, P], T]:
    """The function of a network and samples, which raises InputError if it is given something else."""

    @wraps(function)
    def call(net: ReLUNet, data: Samples, *args: P.args, **options: P.kwargs) -> T:
        subject(net, data)
        return function(net, data, *args, **options)

    return call


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
    lo, hi = data.range
    return InputError(
        f"no neuron of net is active at a sample (x in [{lo:g}, {hi:g}]): the loss does not depend on a, b or c; "
        "start from a network with active neurons"
    )


def parts(train: Iterable[str]) -> tuple[str, ...]:
    """The trained parameters in the order in which vectors hold them: a, b, c, bias."""
    on = trained(train)
    return tuple(name for name in PARAMETERS if name in on)


def size(names: tuple[str, ...], m: int) -> int:
    """How many numbers those parameters are."""
    return sum(1 if name == "bias" else m for name in names)


def neuron_index(net: ReLUNet, i: object) -> int:
    """i as the number of a neuron with a knot, or InputError."""
    try:
        index = operator.index(i)  # type: ignore[arg-type]
    except TypeError:
        raise InputError(f"i is {i!r}: it must be the number of a neuron, an integer") from None
    if not -len(net) <= index < len(net):
        raise InputError(f"i is {index}: net has {len(net)} neurons, so it must be in 0..{len(net) - 1}")
    index %= len(net)
    if not np.isfinite(net.knots[index]):
        raise InputError(f"neuron {index} has a = {net.a[index]:g}: it has no knot that could move")
    return index
