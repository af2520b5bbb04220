"""Knots where a target bends."""

from __future__ import annotations

from collections.abc import Callable
from typing import SupportsIndex

import numpy as np
from numpy.typing import ArrayLike

from knotflow._checks import count, function, generator, interval, number, pair, per_neuron, shown, vector
from knotflow._typing import Array
from knotflow.data.samples import Samples
from knotflow.errors import InputError
from knotflow.network.relunet import ReLUNet

__all__ = ["curvature_knots"]

Target = Samples | Callable[[Array], ArrayLike]

_CELLS = 4096


def curvature_knots(
    m: SupportsIndex,
    rng: np.random.Generator,
    target: Target,
    where: tuple[float, float] | None = None,
    *,
    power: float = 0.4,
    spread: float = 0.1,
    output: ArrayLike = 0.0,
    norm: float = 1.0,
) -> ReLUNet:
    """Knots where `target` bends: a = +-1 at random, b = a * knot; c = `output`, bias = 0. O(m + s).

    The density of knots is (1 - spread) times |f''|^power, normalised, plus `spread` times the uniform one, and
    knot i is its (i + 1/2)/m quantile, ascending. Where f'' = 0 everywhere the knots are tiled evenly.

    Parameters
    ----------
    m : int
        The number of neurons.
    rng : numpy.random.Generator
        The signs of a are drawn from it first.
    target : Samples or callable
        Samples: f'' by second divided differences at the inner distinct x (noise counts as curvature: smooth noisy
        data first), linear in between and constant beyond. Or a function of an (n,) array.
    where : (lo, hi), optional
        Required with a function; None is the range of the samples.
    power : float, default 0.4
        At least 0. 2/5 is the best for the squared error of a linear spline with many knots; 0 is uniform.
    spread : float, default 0.1
        In [0, 1].
    output : float or array_like of shape (m,), default 0.0
        c. At 0 the network is f = 0.
    norm : float, default 1.0

    Returns
    -------
    ReLUNet

    Raises
    ------
    InputError
        For other arguments.

    References
    ----------
    De Boor 2001, chapter XII (the density, for the L2 norm); Sahs et al. 2022, section 3 (knots where they are needed).

    Examples
    --------
    >>> import numpy as np, knotflow as kf
    >>> kf.initial.curvature_knots(8, np.random.default_rng(0), lambda x: np.exp(4 * x), (0.0, 1.0)).knots.round(2)
    array([0.12, 0.32, 0.48, 0.61, 0.72, 0.81, 0.89, 0.97])
    """
    m, rng = count("m", m, least=1), generator(rng)
    power, spread = number("power", power, least=0.0), number("spread", spread, least=0.0, most=1.0)
    c = per_neuron("output", output, m)
    grid, curvature = _curvature(target, where)
    a = rng.choice([-1.0, 1.0], m)
    with np.errstate(over="ignore"):
        density = np.abs(curvature) ** power
    if not np.isfinite(density.sum()):
        raise InputError(f"power is {power:g}: it must be smaller, |f''|^power is beyond float64")
    return ReLUNet(a, a * _quantiles(grid, density, spread, (np.arange(m) + 0.5) / m), c, norm)


def _curvature(
    target: Samples | Callable[[Array], ArrayLike], where: tuple[float, float] | None
) -> tuple[Array, Array]:
    """Edges of cells, and f'' in their middles."""
    if isinstance(target, Samples):
        lo, hi = target.range if where is None else interval(*pair("where", where, "an interval (lo, hi)"))
        grid = np.linspace(lo, hi, _CELLS + 1)
        x, y = target.distinct.x, target.distinct.y
        if len(x) == 2:
            return grid, np.zeros(_CELLS)
        bend = 2 * np.diff(np.diff(y) / np.diff(x)) / (x[2:] - x[:-2])
        return grid, np.interp((grid[1:] + grid[:-1]) / 2, x[1:-1], bend)
    if not callable(target):
        raise InputError(f"target is {shown(target)}: it must be Samples or a function")
    if where is None:
        raise InputError("where is None: with a function as the target it must be an interval (lo, hi)")
    lo, hi = interval(*pair("where", where, "an interval (lo, hi)"))
    function("target", target)
    grid = np.linspace(lo, hi, _CELLS + 1)
    # Differences over a few cells: over one, rounding would be mistaken for curvature.
    step = 4 * (hi - lo) / _CELLS
    middle = np.clip((grid[1:] + grid[:-1]) / 2, lo + step, hi - step)
    before, here, after = (vector("target(x)", target(middle + shift), _CELLS, "x") for shift in (-step, 0.0, step))
    bend = (before - 2 * here + after) / step**2
    noise = 8 * np.finfo(float).eps * max(np.max(np.abs(here)), 1e-300) / step**2
    return grid, np.where(np.abs(bend) > noise, bend, 0.0)


def _quantiles(grid: Array, density: Array, spread: float, p: Array) -> Array:
    """Quantiles of a density that is constant on cells, mixed with the uniform one."""
    total = density.sum()
    share = density / total if total > 0 else np.full(len(density), 1 / len(density))
    share = (1 - spread) * share + spread / len(density)
    cumulative = np.concatenate([[0.0], np.cumsum(share)])
    return np.interp(p * cumulative[-1], cumulative, grid)
