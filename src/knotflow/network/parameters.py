"""What every view gives back: the parameters of a network."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from numpy.typing import ArrayLike

from knotflow._checks import instance, number, vector
from knotflow._typing import Array
from knotflow.errors import InputError

if TYPE_CHECKING:
    from knotflow.network.relunet import ReLUNet

__all__ = ["Parameters", "built_by_views", "given_parameters", "old_to_net"]

Class = TypeVar("Class", bound=type)
_BUILT: list[type] = []


class Parameters(NamedTuple):
    """The parameters of a network: a, b, c of shape (m,), the norm and the output bias."""

    a: Array
    b: Array
    c: Array
    norm: float
    bias: float

    def network(self) -> ReLUNet:
        """The network with these parameters."""
        return _BUILT[0](*self)


def built_by_views(cls: Class) -> Class:
    """Class decorator: what `network()` of a view makes. The class lies above the views, which do not import it."""
    _BUILT[:] = [cls]
    return cls


def old_to_net(view: str) -> None:
    """Say that `to_net` of a view is the old name."""
    warnings.warn(f"{view}.to_net() is deprecated: use {view}.network()", DeprecationWarning, stacklevel=3)


def given_parameters(
    view: str, a: ArrayLike | ReLUNet, b: ArrayLike | None, c: ArrayLike | None, norm: float, bias: float
) -> Parameters:
    """What `of` of a view was given: arrays, or a whole network, the old way."""
    if b is None or c is None:
        warnings.warn(f"{view}.of(net) is deprecated: use net.{view.lower()}()", DeprecationWarning, stacklevel=3)
        net: Any = instance("a", a, _BUILT[0], "an array, or a ReLUNet alone")
        if b is not None or c is not None:
            raise InputError("b and c are given for a network, or only one of them: give a, b and c, or a ReLUNet")
        return Parameters(net.a, net.b, net.c, net.norm, net.bias)
    arrays: Any = a
    given = vector("a", arrays)
    b, c = vector("b", b, len(given), "a"), vector("c", c, len(given), "a")
    return Parameters(given, b, c, number("norm", norm, above=0.0), number("bias", bias))
