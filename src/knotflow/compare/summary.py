"""What a trained network can be compared by: its loss, its roughness, its knots, its distance to splines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from knotflow._checks import instance
from knotflow._typing import Array
from knotflow.compare.distance import sup_distance
from knotflow.data.samples import Samples
from knotflow.network import CPWL, ReLUNet
from knotflow.network.subject import subject
from knotflow.splines.linear import linear
from knotflow.splines.natural import natural

if TYPE_CHECKING:
    from knotflow.dynamics import Trajectory

__all__ = ["NUMBERS", "Number", "summarise"]

_NEAR: Final = 0.01  # of the data range: a knot this close to a sample counts as being at it
_CELLS: Final = 200  # places that the data range is divided into
_MOST: Final = 0.95  # of the change of slope


class Number(NamedTuple):
    """One entry of a summary.

    Attributes
    ----------
    key : str
        In the dictionary of `summarise`.
    name : str
        In a table.
    unit : str
        "" for a pure number.
    meaning : str
        What it says.

    Examples
    --------
    >>> import knotflow as kf
    >>> [number.key for number in kf.compare.NUMBERS][:3]
    ['loss', 'floor', 'rms_residual']
    """

    key: str
    name: str
    unit: str
    meaning: str


NUMBERS: Final = (
    Number("loss", "Training loss", "y²", "½ Σ w (f(x) − y)² over the samples."),
    Number(
        "floor",
        "Floor of the loss",
        "y²",
        "The part of the loss that no function of x can remove: samples with the same x and different y. "
        "It is 0 when no x repeats.",
    ),
    Number("rms_residual", "RMS residual", "y", "√(Σ w (f(x) − y)² / Σ w)."),
    Number(
        "roughness",
        "Roughness",
        "(y/x)²",
        "Σ (c a / norm)² over all neurons, the sum of squared delta-slopes: small when many neurons share the "
        "bending. It belongs to the parameters, not to the function alone.",
    ),
    Number(
        "total_variation",
        "Total variation of the slope",
        "y/x",
        "Σ |change of slope| over the kinks of f on the whole line; knots at one place make one kink.",
    ),
    Number("pieces", "Linear pieces", "", "How many straight pieces f has inside the data range."),
    Number(
        "bends",
        "Places of bending",
        "",
        "The fewest places, each 1/200 of the data range wide, that hold 95% of the change of slope there: about "
        "how many bends one sees, where the pieces count every neuron.",
    ),
    Number(
        "knots_in_range", "Knots in the data range", "", "Neurons whose knot b/a is between the first and the last x."
    ),
    Number(
        "knots_near_samples",
        "Knots at samples",
        "",
        "Those of the knots in the data range that are within 1% of the range from some sample.",
    ),
    Number(
        "fraction_near_samples",
        "Fraction at samples",
        "",
        "Knots at samples, divided by the knots in the data range.",
    ),
    Number(
        "fraction_expected",
        "Fraction if spread evenly",
        "",
        "The part of the data range that is within 1% of some sample: the fraction that evenly spread knots would "
        "show. Only a clearly larger one means that knots gather at samples.",
    ),
    Number(
        "cubic_distance",
        "Distance to the natural cubic spline",
        "y",
        "max |f − spline| over the data range. The spline goes through every sample, or through the mean y "
        "where an x repeats.",
    ),
    Number(
        "linear_distance",
        "Distance to the linear interpolant",
        "y",
        "max |f − interpolant| over the data range. The interpolant goes through the same points.",
    ),
    Number(
        "delta_drift",
        "Drift of delta",
        "",
        "max |δ(end) − δ(start)| / max(1, |δ(start)|) over the neurons, with δ = c² − a² − b² in standardised "
        "units. Gradient flow conserves δ; finite steps, or training only some of a, b and c, do not.",
    ),
)


def summarise(net: ReLUNet, data: Samples, trajectory: Trajectory | None = None) -> dict[str, float]:
    """The numbers that tell one trained network from another, in the units of `net` and `data`.

    Parameters
    ----------
    net : ReLUNet
    data : Samples
    trajectory : Trajectory, optional
        With it the result has ``delta_drift``, in the units of the trajectory.

    Returns
    -------
    dict of str to float
        The keys are those of `NUMBERS`, which says what each is. ``fraction_near_samples`` is nan when no
        knot is in the data range.

    Raises
    ------
    InputError
        If `net` is no network or `data` no samples.

    Notes
    -----
    Distances are exact up to rounding, not taken on a grid. O(m log m + n log n).

    Examples
    --------
    >>> import knotflow as kf
    >>> data = kf.Samples([0.0, 1.0, 2.0], [0.0, 0.0, 1.0])
    >>> summary = kf.compare.summarise(kf.ReLUNet([1.0], [1.0], [1.0]), data)
    >>> summary["loss"], summary["pieces"], summary["knots_near_samples"], summary["linear_distance"]
    (0.0, 2, 1, 0.0)
    """
    data = subject(net, data)
    if trajectory is not None:
        from knotflow.dynamics import Trajectory

        instance("trajectory", trajectory, Trajectory, "a Trajectory, as kf.evolve returns it")
    function = net.cpwl()
    summary = {
        "loss": net.loss(data),
        "floor": data.distinct.within,
        "rms_residual": float(np.sqrt(2 * net.loss(data) / np.sum(data.weights))),
        "roughness": net.roughness,
        "total_variation": function.total_variation,
        "pieces": function.pieces_in(*data.range),
        "bends": _bends(function, data),
        **_gathering(net.knots, data),
        "cubic_distance": sup_distance(net, natural(data)),
        "linear_distance": sup_distance(net, linear(data)),
    }
    if trajectory is not None:
        summary["delta_drift"] = _drift(trajectory.start.delta, trajectory.final.delta)
    return summary


def _bends(function: CPWL, data: Samples) -> int:
    """How many cells of the data range hold most of the change of slope; opposite changes in a cell cancel."""
    low, high = data.range
    inside = (function.knots > low) & (function.knots < high)
    cell = ((function.knots[inside] - low) / data.span * _CELLS).astype(int)
    change = np.sort(np.abs(np.bincount(cell, function.jumps[inside], minlength=1)))[::-1]
    return int(np.searchsorted(np.cumsum(change), _MOST * np.sum(change))) + 1 if change[0] > 0 else 0


def _gathering(knots: Array, data: Samples) -> dict[str, float]:
    """How many knots are at samples, as counted and as expected of evenly spread knots."""
    x, reach = data.distinct.x, _NEAR * data.span
    inside = knots[(knots >= x[0]) & (knots <= x[-1])]
    right = np.searchsorted(x, inside).clip(1)
    near = np.minimum(np.abs(inside - x[right - 1]), np.abs(inside - x[right])) <= reach
    return {
        "knots_in_range": len(inside),
        "knots_near_samples": int(near.sum()),
        "fraction_near_samples": float(near.mean()) if len(inside) else float("nan"),
        "fraction_expected": float(np.sum(np.minimum(np.diff(x), 2 * reach)) / data.span),
    }


def _drift(start: Array, end: Array) -> float:
    return float(np.max(np.abs(end - start) / np.maximum(1.0, np.abs(start))))
