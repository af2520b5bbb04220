"""The network that training starts from."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from knotflow._checks import as_float, choice, count, shown
from knotflow.errors import InputError
from knotflow.fitting.regimes import chosen_delta
from knotflow.initial import INITIALISERS, uniform_knots

if TYPE_CHECKING:
    from knotflow.data import Samples
    from knotflow.network import ReLUNet

__all__ = ["start_network"]


def start_network(
    data: Samples,
    *,
    regime: str = "between",
    delta: float | None = None,
    width: int = 1000,
    init: str = "pytorch",
    norm: float | str | None = None,
    seed: int = 0,
) -> ReLUNet:
    """The network that `fit` starts from.

    Parameters
    ----------
    data : Samples
        In standardised units.
    regime, delta, width, init, norm, seed
        As in `knotflow.fit`.

    Returns
    -------
    ReLUNet
        `width` neurons of the given delta.

    Raises
    ------
    InputError
        For arguments that are not as there, and if `init` has neurons that no rescaling brings to the delta
        ("uniform_knots" has c = 0, which only a negative delta allows).

    Notes
    -----
    O(width).

    Examples
    --------
    >>> import knotflow as kf
    >>> from knotflow.fitting import start_network
    >>> net = start_network(kf.Samples([-1, 0, 1], [0, 1, -1]), regime="kernel", width=4)
    >>> net.delta.round(6).tolist()
    [-10000.0, -10000.0, -10000.0, -10000.0]
    """
    width, rng = count("width", width, least=1), np.random.default_rng(count("seed", seed))
    starts = {name: each.start for name, each in INITIALISERS.items() if each.law}
    starts["uniform_knots"] = lambda m, rng, norm: uniform_knots(m, rng, data, norm=norm)
    net = starts[choice("init", init, starts)](width, rng, norm=_norm(norm, width))
    return net.with_delta(chosen_delta(regime, delta)[0])


def _norm(norm: float | str | None, width: int) -> float:
    """The number that 1, "sqrt" or "m" stands for; None is "sqrt"."""
    named = {None: math.sqrt(width), "sqrt": math.sqrt(width), "m": float(width)}
    if norm is None or (isinstance(norm, str) and norm in named):
        return named[norm]
    value = _written(norm) if isinstance(norm, str) else as_float(norm)
    if not 0 < value < math.inf:
        raise InputError(
            f'norm is {shown(norm)}: it must be a positive number, "sqrt" (of the width) or "m" (the width)'
        )
    return value


def _written(norm: str) -> float:
    """The number that a text from the command line is, or NaN."""
    try:
        return float(norm)
    except ValueError:
        return math.nan
