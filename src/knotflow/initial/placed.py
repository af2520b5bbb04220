"""Networks whose knots are placed rather than drawn with the weights."""

from __future__ import annotations

from typing import Literal, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike

from knotflow._checks import choice, count, generator, interval, pair, per_neuron, vector
from knotflow.data.samples import Samples
from knotflow.errors import InputError
from knotflow.network.bdso import BDSO, Gauge
from knotflow.network.relunet import ReLUNet

__all__ = ["spiky", "uniform_knots"]


def uniform_knots(
    m: SupportsIndex,
    rng: np.random.Generator,
    where: Samples | tuple[float, float],
    *,
    spacing: Literal["tiled", "random"] = "tiled",
    output: Literal["zero"] | ArrayLike = "zero",
    norm: float = 1.0,
) -> ReLUNet:
    """Knots spread uniformly over an interval: a = +-1 at random, b = a * knot; c = `output`, bias = 0. O(m).

    Parameters
    ----------
    m : int
        The number of neurons.
    rng : numpy.random.Generator
        The signs of a are drawn from it first.
    where : (lo, hi) or Samples
        The interval; that of samples is their range.
    spacing : {"tiled", "random"}
        "tiled": the middles of m equal cells, ascending; "random": independent, U(lo, hi).
    output : "zero", float or array_like of shape (m,)
        c. At zero f = 0, and the first step of descent moves c only.
    norm : float, default 1.0

    Returns
    -------
    ReLUNet

    Raises
    ------
    InputError
        For other arguments, and unless lo < hi.

    Notes
    -----
    Knots outside the data see no gradient, and data outside the knots only lines.

    References
    ----------
    Sahs et al. 2022, appendix A.4.

    Examples
    --------
    >>> import numpy as np, knotflow as kf
    >>> kf.initial.uniform_knots(4, np.random.default_rng(0), (0.0, 8.0)).knots
    array([1., 3., 5., 7.])
    """
    m, rng = count("m", m, least=1), generator(rng)
    choice("spacing", spacing, ("tiled", "random"))
    lo, hi = _interval(where)
    c = per_neuron("output", 0.0 if isinstance(output, str) and output == "zero" else output, m)
    a = rng.choice([-1.0, 1.0], m)
    position = (np.arange(m) + 0.5) / m if spacing == "tiled" else rng.uniform(size=m)
    return ReLUNet(a, a * (lo + position * (hi - lo)), c, norm)


def _interval(where: Samples | tuple[float, float]) -> tuple[float, float]:
    if isinstance(where, Samples):
        return where.range
    return interval(*pair("where", where, "an interval (lo, hi) or Samples"))


def spiky(knots: ArrayLike, values: ArrayLike, *, gauge: Gauge = "unit", norm: float = 1.0) -> ReLUNet:
    """The piecewise linear function through k >= 2 points, from k - 1 right-facing neurons. O(k).

    Neuron p has its knot at knots[p], p = 0..k-2; the first has the slope of the first piece and every
    other one the change of slope at its knot; the bias is values[0].

    Parameters
    ----------
    knots : array_like of shape (k,)
        Ascending.
    values : array_like of shape (k,)
        The function there.
    gauge : {"unit", "equal", "balanced"}
        What |a| is, see `BDSO.lift`.
    norm : float, default 1.0
        Goes into c: the function is the same for every norm.

    Returns
    -------
    ReLUNet

    Raises
    ------
    InputError
        For other shapes, and knots that do not ascend.

    Notes
    -----
    f is constant left of knots[0] and keeps its last slope right of knots[k-2]; place knots[0] at or before the
    first sample. `ReLUNet.from_cpwl` has both outer slopes free.

    References
    ----------
    Sahs et al. 2022, section 3 and appendix A.1 and A.2, "spiky" and "uniform" initialisation.

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.initial.spiky([0.0, 1.0, 2.0], [1.0, 3.0, 2.0])([0.0, 0.5, 2.0])
    array([1., 2., 2.])
    """
    knots = vector("knots", knots)
    values = vector("values", values, len(knots), "knots")
    if len(knots) < 2:
        raise InputError(f"knots has length {len(knots)}: a piecewise linear function takes at least 2 points")
    gaps = np.diff(knots)
    if np.any(gaps <= 0):
        p = int(np.argmax(gaps <= 0)) + 1
        raise InputError(f"knots[{p}] is {knots[p]:g} after {knots[p - 1]:g}: knots must ascend strictly")
    changes = np.diff(np.diff(values) / gaps, prepend=0.0)
    return BDSO(knots[:-1], changes, np.ones(len(changes)), float(values[0]), norm).network(gauge)
