"""Integrals of densities over many intervals at once, to a stated tolerance."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from knotflow._typing import Array, Ints
from knotflow.errors import InputError

__all__ = ["Integrand", "Line", "integrate"]

Integrand = Callable[[Array, Ints], Array]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_DEPTH = 60  # halvings before an integral is given up
_NARROWEST = 1024 * np.finfo(float).eps  # relative width below which points run together
_MOST = 100_000  # intervals at once, after which it is given up too
_SPLIT = 2  # pieces to begin with, lest a narrow peak be missed


def integrate(f: Integrand, lo: Array, hi: Array, rtol: float, what: str, size: Array | float = 1e-250) -> Array:
    """(k, n): the integrals of f >= 0, with k components, over n intervals at once, to rtol of the value or of `size`.

    f(u, which) takes points (N, 16) and the interval that each row belongs to, and gives (k, N, 16). Gauss-Legendre
    on ever smaller halves, until whole and halves agree. Raises InputError, naming `what`, where they never do.
    """
    n = len(lo)
    edges = np.linspace(lo, hi, _SPLIT + 1)
    owner = np.tile(np.arange(n), _SPLIT)
    a, b = edges[:-1].ravel(), edges[1:].ravel()
    whole = _gauss(f, a, b, owner)
    total = np.zeros((len(whole), n))
    for row, values in zip(total, whole, strict=True):
        np.add.at(row, owner, values)
    for _ in range(_DEPTH):
        middle = (a + b) / 2
        halves = np.stack([_gauss(f, a, middle, owner), _gauss(f, middle, b, owner)])
        better = halves.sum(axis=0)
        for row, values in zip(total, better - whole, strict=True):
            np.add.at(row, owner, values)
        if not np.isfinite(total).all():
            break
        rough = np.any(np.abs(better - whole) > rtol * np.maximum(np.abs(total), size)[:, owner], axis=0)
        if not rough.any():
            return total
        if rough.sum() > _MOST or np.any(rough & (b - a <= _NARROWEST * np.maximum(np.abs(a), np.abs(b)))):
            break
        a, b = np.concatenate([a[rough], middle[rough]]), np.concatenate([middle[rough], b[rough]])
        whole, owner = halves[:, :, rough].swapaxes(0, 1).reshape(len(total), -1), np.tile(owner[rough], 2)
    raise InputError(f"an integral of {what} did not converge to rtol = {rtol:g}: is its second moment finite?")


def _gauss(f: Integrand, a: Array, b: Array, owner: Ints) -> Array:
    half = (b - a)[:, None] / 2
    return (f(a[:, None] + half * (1 + _NODES), owner) * (half * _WEIGHTS)).sum(axis=-1)


@dataclass(frozen=True)
class Line:
    """The interval (lo, hi), either end maybe infinite, as a finite interval of t."""

    lo: float
    hi: float

    def place(self, u: Array) -> Array:
        """t of u, ascending."""
        u = np.clip(u, self.lo, self.hi)
        if math.isfinite(self.lo) and math.isfinite(self.hi):
            return u
        if math.isfinite(self.lo):
            return _to_unit(u - self.lo)
        return -_to_unit(self.hi - u) if math.isfinite(self.hi) else np.sign(u) * _to_unit(np.abs(u))

    def back(self, t: Array) -> tuple[Array, Array]:
        """u and du/dt."""
        if math.isfinite(self.lo) and math.isfinite(self.hi):
            return t, np.ones_like(t)
        size = 1 - np.abs(t)
        u, slope = np.abs(t) / size, 1 / size**2
        if math.isfinite(self.lo):
            return self.lo + u, slope
        return (self.hi - u if math.isfinite(self.hi) else np.sign(t) * u), slope


def _to_unit(v: Array) -> Array:
    return np.where(np.isinf(v), 1.0, v / (1 + np.where(np.isinf(v), 0.0, v)))
