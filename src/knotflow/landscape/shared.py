"""What the rooms' modules share: residuals, parameter vectors, and the check that there is something to look at."""

from __future__ import annotations

from collections.abc import Iterable

from knotflow._typing import Flags
from knotflow.dynamics.tangent import PARAMETERS, trained
from knotflow.network.subject import active, checked, neuron_index, nothing_active, preactivations, residuals

__all__ = [
    "ALL",
    "Flags",
    "active",
    "checked",
    "neuron_index",
    "nothing_active",
    "parts",
    "preactivations",
    "residuals",
    "size",
]

ALL = frozenset(PARAMETERS)


def parts(train: Iterable[str]) -> tuple[str, ...]:
    """The trained parameters in the order in which vectors hold them: a, b, c, bias."""
    on = trained(train)
    return tuple(name for name in PARAMETERS if name in on)


def size(names: tuple[str, ...], m: int) -> int:
    """How many numbers those parameters are."""
    return sum(1 if name == "bias" else m for name in names)
