"""Expectations over the laws of a neuron's (a, b), by SciPy's quadrature: the oracle of the infinite-width entries."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import quad

from knotflow_papers.ledger.oracles import Array

Function = Callable[[Array, Array], Array]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(4)  # exact for the cubics in b


def product(x: float, x2: float) -> Function:
    """(ax - b)_+ (ax' - b)_+."""
    return lambda a, b: np.maximum(a * x - b, 0.0) * np.maximum(a * x2 - b, 0.0)


def together(x: float, x2: float) -> Function:
    """1(ax > b) 1(ax' > b)."""
    return lambda a, b: np.where((a * x > b) & (a * x2 > b), 1.0, 0.0)


def between(f: Callable[[float], float], cuts: ArrayLike) -> float:
    """int f from the first cut to the last, by SciPy's quad on each interval between cuts."""
    ends = np.unique(cuts)
    return sum(
        quad(f, lo, hi, epsabs=1e-15, epsrel=1e-13, limit=200)[0] for lo, hi in pairwise(ends) if hi - lo > 1e-14
    )


def _over_b(f: Function, a: float, lo: float, hi: float, x: float, x2: float) -> float:
    """int_lo^hi f(a, b) db, f a cubic of b on either side of ax and ax'."""
    cuts = np.unique(np.clip([lo, a * x, a * x2, hi], lo, hi))
    half = np.diff(cuts)[:, None] / 2
    return float(np.sum(half * _WEIGHTS * f(np.asarray(a), cuts[:-1, None] + half * (1 + _NODES))))


def over_uniform(f: Function, x: float, x2: float, A: float = 1.0, B: float = 1.0) -> float:
    """E f(a, b), a ~ U(-A, A), b ~ U(-B, B)."""
    edges = [s * B / v for v in (x, x2) if v != 0 for s in (-1, 1)]
    cuts = [-A, 0.0, A, *(e for e in edges if abs(e) < A)]
    return between(lambda a: _over_b(f, a, -B, B, x, x2), cuts) / (4 * A * B)


def over_signs(f: Function, x: float, x2: float, B: float = 1.0, right: float = 0.5) -> float:
    """E f(a, b), a = +-1 with Pr(a = 1) = right, b ~ U(-B, B)."""
    return sum(p / (2 * B) * _over_b(f, a, -B, B, x, x2) for a, p in ((1.0, right), (-1.0, 1 - right)))


def over_gaussian(f: Function, x: float, x2: float, sa: float = 1.0, sb: float = 1.0, degree: int = 2) -> float:
    """E f(a, b), a ~ N(0, sa^2), b ~ N(0, sb^2), f homogeneous of degree 0, 2 or 4: an integral over angles."""
    radial = {0: 1.0, 2: 2.0, 4: 8.0}[degree]  # E R^degree, R^2 ~ chi^2_2
    turns = [np.arctan2(sa * v, sb) + k * np.pi for v in (x, x2) for k in (-1, 0, 1)]
    cuts = [-np.pi, np.pi, *(t for t in turns if abs(t) < np.pi)]
    inside = between(lambda t: float(f(sa * np.asarray(np.cos(t)), sb * np.asarray(np.sin(t)))), cuts)
    return radial * inside / (2 * np.pi)


def matrix(mean: Callable[[float, float], float], x: ArrayLike, x2: ArrayLike | None = None) -> Array:
    """mean(x_i, x2_j) for all pairs."""
    x = np.asarray(x, float)
    return np.array([[mean(float(p), float(q)) for q in np.asarray(x if x2 is None else x2)] for p in x])
