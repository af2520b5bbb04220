"""How the report puts numbers and regimes into words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from knotflow.plots.style import plural

if TYPE_CHECKING:
    from knotflow.plots.subject import Fitted

REGIMES: Final = {
    "kernel": "The outer weights learn, the inner ones hardly do: c² is far below a² + b² (δ ≪ 0). The knots stay "
    "where they were at the start, and the network is a linear model on fixed hinges. For evenly spread knots, "
    "more neurons and longer training bring it towards a cubic spline through the data.",
    "between": "All weights learn at comparable rates (δ near 0): knots move while the slopes at them grow, and the "
    "function lies between the smooth spline of the kernel regime and the few straight pieces of the adaptive one.",
    "adaptive": "The inner weights learn fastest: c² is far above a² + b² (δ ≫ 0). Knots travel, meet and gather, "
    "many of them at samples, and the function tends to a linear spline with few pieces.",
}
_TITLES: Final = {
    "kernel": "The kernel regime",
    "between": "Between the regimes",
    "adaptive": "The adaptive regime",
}
CUSTOM: Final = (
    "A run from its own δ = c² − a² − b²: the more negative δ is, the more the knots stay where they "
    "started (kernel regime); the more positive, the more they travel and gather (adaptive regime)."
)
_SUPERSCRIPT: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def title(name: str) -> str:
    """What to call the section of a run."""
    return _TITLES.get(name, name.replace("delta=", "δ = ").replace("-", "−"))


def shown(value: Any) -> str:
    """A value as a table shows it: 12,350 and 0.001234 and 1.200×10⁻⁹, four digits; other things by name."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, Sequence):
        return ", ".join(map(shown, value))
    text = f"{value:,}" if isinstance(value, int | np.integer) else _real(float(value))
    return text.replace("-", "−")


def _real(value: float) -> str:
    if value == 0 or math.isinf(value):
        return f"{value:g}".replace("inf", "∞")
    mantissa, _, power = f"{value:.3e}".partition("e")
    exponent = int(power)
    if -4 < exponent < 7:
        return f"{round(value, 3 - exponent):,.{max(3 - exponent, 0)}f}"
    return f"{mantissa}×10{str(exponent).translate(_SUPERSCRIPT)}"


def share(value: float) -> str:
    """A fraction as a percentage."""
    if math.isnan(value):
        return "–"
    return "<0.1%" if 0 < value < 0.0005 else f"{100 * value:.1f}%"


def observed(fit: Fitted) -> str:
    """What this run shows, in numbers."""
    s: Mapping[str, Any] = fit.summary
    sentences = []
    moved = _median_move(fit)
    if moved is not None:
        sentences.append(
            f"Training moved the knots that began in the data range by a median of {share(moved)} of that range."
        )
    if s["knots_in_range"]:
        sentences.append(
            f"At the end {plural(s['knots_in_range'], 'knot')} of {len(fit.net):,} can be found there, "
            f"{share(s['fraction_near_samples'])} of them at samples (within 1% of the range); evenly spread knots "
            f"would show {share(s['fraction_expected'])}."
        )
        sentences.append(f"Most of the bending of f (95%) is at {plural(s['bends'], 'place')}.")
    else:
        sentences.append("At the end no knot is in the data range: f is a straight line there.")
    sentences.append(
        f"In the units of y, f is at most {shown(s['cubic_distance'])} away from the natural cubic spline and at most "
        f"{shown(s['linear_distance'])} from the linear interpolant."
    )
    return " ".join(sentences)


def _median_move(fit: Fitted) -> float | None:
    """Median |knot(end) - knot(start)| in parts of the data range; None if no knot began in it."""
    run = fit.trajectory
    low, high = run.data.range
    start = run.start.knots
    began_inside = (start >= low) & (start <= high)
    if not began_inside.any():
        return None
    return float(np.median(np.abs(run.final.knots - start)[began_inside])) / run.data.span


def code(fit: Fitted) -> str:
    """The call that repeats a fit, in Python."""
    arguments = ", ".join(f"{name}={value!r}" for name, value in fit.settings.items())
    return f"fit = kf.fit(data, {arguments})"
