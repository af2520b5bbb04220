"""The regimes: the values of delta = c^2 - a^2 - b^2 that have a name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from knotflow._checks import choice, number
from knotflow._values import FrozenMapping
from knotflow.errors import InputError

__all__ = ["REGIMES", "Regime", "chosen_delta"]


@dataclass(frozen=True)
class Regime:
    """A value of delta = c^2 - a^2 - b^2, what training from it looks like, and where that was shown.

    Attributes
    ----------
    name : str
        What `knotflow.fit` calls it.
    delta : float
        Of every neuron at the start, in standardised units.
    shows : str
        What training from there looks like.
    source : str
        Paper, section and theorem.

    Examples
    --------
    >>> from knotflow.fitting import REGIMES
    >>> {name: regime.delta for name, regime in REGIMES.items()}
    {'kernel': -10000.0, 'between': -1.0, 'adaptive': 10000.0}
    """

    name: str
    delta: float
    shows: str
    source: str


_LISTED = (
    Regime(
        "kernel",
        -1e4,
        "the knots stay where they are: a smooth, cubic-like spline",
        "Williams et al. 2019, section 3.3 and Theorem 5; Sahs et al. 2022, section 2.6",
    ),
    Regime(
        "between",
        -1.0,  # the scale of 2 norm |r| / m here, where neurons turn and grow at comparable rates
        "the knots move while the slopes grow: between both",
        "Williams et al. 2019, section 3.2 and figure 4",
    ),
    Regime(
        "adaptive",
        1e4,
        "the knots gather at samples: a linear spline with few pieces",
        "Williams et al. 2019, section 3.1 and Lemma 2",
    ),
)
REGIMES: Mapping[str, Regime] = FrozenMapping({regime.name: regime for regime in _LISTED})


def chosen_delta(regime: str, delta: float | None) -> tuple[float, str]:
    """delta and what to call the fit: the regime, or the delta that took its place."""
    usual = REGIMES[choice("regime", regime, REGIMES)].delta
    if delta is None:
        return usual, regime
    if isinstance(delta, float) and not math.isfinite(delta):
        raise InputError(f"delta is {delta}: it must be finite; the regimes are limits, and 10000 is close to them")
    asked = number("delta", delta)
    return asked, regime if asked == usual else f"delta={asked:g}"
