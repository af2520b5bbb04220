"""The piecewise linear fit of least error, by dynamic programming."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from knotflow._checks import choice, count, flag
from knotflow._deprecated import keyword_only
from knotflow.data import Samples
from knotflow.data.samples import given
from knotflow.errors import InputError
from knotflow.segmented.lines import Nodes, Standard, joined, separate
from knotflow.segmented.segments import Segments

Monotone = Literal["increasing", "decreasing"]

# Guesses where each optimum is between its bounds. A low guess leaves little to look at, and what is found below it
# is the optimum; where nothing is, a higher one follows.
_SHARES = (1 / 16, 1 / 4, 1.0)


@keyword_only("continuous", "min_length", "monotone")
def optimal(
    data: Samples, pieces: int, *, continuous: bool = False, min_length: int = 1, monotone: Monotone | None = None
) -> Segments:
    """The piecewise linear f with exactly `pieces` pieces and the least sum_j w_j (f(x_j) - y_j)^2.

    By default the pieces need not meet: the optimum is over all partitions of the samples, and no continuous
    function with as many pieces, such as a network's, has a smaller error. A knot between two samples is placed
    where the lines meet if that is between them, else in the middle.

    Parameters
    ----------
    data : Samples
        s distinct x. Samples with one x are one sample, with the mean y and the total weight.
    pieces : int
        How many pieces, at least 1.
    continuous : bool
        Whether the pieces meet, at samples: the optimum is over all continuous f with knots at distinct x.
        Knots between samples, which a network may have, can do better.
    min_length : int
        How many distinct x each piece has at least. A knot at a sample counts for both its pieces.
    monotone : {None, "increasing", "decreasing"}
        "increasing": no slope is negative and f does not fall from any sample to the next. A continuous f then
        rises everywhere; where two pieces do not meet, lines that are too steep may still overlap between the
        samples at the knot. "decreasing": the same for -f.

    Returns
    -------
    Segments
        The fit, exact up to rounding.

    Raises
    ------
    InputError
        For more pieces than the distinct x allow, and for other arguments.

    Notes
    -----
    O(k s^2) at most for k pieces: 3 s for s = 20,000 and k = 50. With constraints the dynamic programme runs over
    functions of the last value: O(k s^2) times the square of their rows, see `value_functions`. Branch and bound
    leaves less of it the better the data obey the constraint: from less than a second to a minute for s = 1000,
    k = 10. `path` has the fits with 1, ..., k pieces in one run, without constraints at the same cost.

    References
    ----------
    Sahs et al. 2022, section 3.1. Bai and Perron 1998, Econometrica 66, for the dynamic programme.

    Examples
    --------
    >>> import knotflow as kf
    >>> data = kf.Samples([0, 1, 2, 3, 4, 5], [2, 1, 0, 1, 2, 3])
    >>> kf.segmented.optimal(data, 2, continuous=True).knots
    array([2.])
    >>> kf.segmented.optimal(data, 1, monotone="increasing")
    Segments(1 piece, continuous; error=4.34286)
    """
    return _fits(data, count("pieces", pieces, least=1), continuous, min_length, monotone, only_last=True)[-1]


@keyword_only("continuous", "min_length", "monotone")
def path(
    data: Samples, pieces: int, *, continuous: bool = False, min_length: int = 1, monotone: Monotone | None = None
) -> tuple[Segments, ...]:
    """The optimal fits with 1, 2, ..., `pieces` pieces, in one run.

    Parameters
    ----------
    data, pieces, continuous, min_length, monotone
        As in `optimal`.

    Returns
    -------
    tuple of Segments
        The fit with k pieces at place k - 1.

    Raises
    ------
    InputError
        As in `optimal`.

    Notes
    -----
    O(pieces s^2), the cost of the last fit alone; with constraints up to the sum of the costs.

    Examples
    --------
    >>> import knotflow as kf
    >>> data = kf.Samples([0, 1, 2, 3, 4, 5], [2, 1, 0, 1, 2, 3])
    >>> [round(fit.error, 3) for fit in kf.segmented.path(data, 3)]
    [4.343, 0.0, 0.0]
    """
    return _fits(data, count("pieces", pieces, least=1), continuous, min_length, monotone)


def most_pieces(data: Samples, continuous: bool, min_length: int) -> int:
    """The largest number of pieces that the data allow."""
    s = len(data.distinct.x)
    return (s - 1) // max(min_length - 1, 1) if continuous else s // min_length


def _fits(
    data: Samples, pieces: int, continuous: bool, min_length: int, monotone: Monotone | None, only_last: bool = False
) -> tuple[Segments, ...]:
    data = given(data)
    flag("continuous", continuous)
    min_length = count("min_length", min_length, least=1)
    if monotone is not None:
        choice("monotone", monotone, get_args(Monotone))
    most = most_pieces(data, continuous, min_length)
    if pieces > most:
        kind = "a continuous fit" if continuous else "a fit"
        least = f" of at least {min_length}" if min_length > 1 else ""
        raise InputError(
            f"pieces is {pieces}: it must be at most {most}, because {kind} to {len(data.distinct.x)} distinct x has "
            f"at most {most} pieces{least}"
        )
    points = Standard.of(data)
    counts = [pieces] if only_last else list(range(1, pieces + 1))
    if not continuous and monotone is None:
        return tuple(
            points.segments(data, nodes, separate(points, nodes), meet=False)
            for nodes in _partitions(points, counts, min_length)
        )
    sign = -1.0 if monotone == "decreasing" else 1.0
    upright = replace(points, v=sign * points.v, y_scale=sign * points.y_scale)
    return tuple(
        upright.segments(data, nodes, joined(upright, nodes, continuous, monotone is not None), continuous)
        for nodes in _constrained(upright, counts, min_length, continuous, monotone is not None)
    )


def _partitions(points: Standard, counts: list[int], min_length: int) -> list[Nodes]:
    from knotflow.segmented.partitions import least_errors, trace

    problem = points.u, points.v, points.w
    least = least_errors(*problem, counts[-1], min_length)
    return [np.append(trace(*problem, least, k, min_length), len(points.u)) for k in counts]


def _constrained(points: Standard, counts: list[int], min_length: int, continuous: bool, rising: bool) -> list[Nodes]:
    from knotflow.segmented.bounds import Bounds
    from knotflow.segmented.value_functions import Points, Rules, constrained_nodes

    length = max(min_length - 1, 1) if continuous else min_length
    problem = Points(points.u, points.v, points.w)
    rules = Rules(length, continuous, rising)
    bounds = Bounds(points, counts, min_length, continuous, rising)
    found: dict[int, Nodes] = {}
    for share in (*_SHARES, np.inf):  # without a bound there is always an optimum, whatever rounding did to the bounds
        missing = [k for k in counts if k not in found]
        if missing:
            nodes = constrained_nodes(problem, bounds.caps(missing, share), rules)
            found |= {k: nodes[k - 1, : k + 1] for k in missing if nodes[k - 1, 0] == 0}
    return [found[k] for k in counts]
