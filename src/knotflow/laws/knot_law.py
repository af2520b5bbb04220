"""Laws of a neuron's (a, b), as the kernels need them: integrals over knots, each with its own facing.

A neuron with knot u = b/a that faces right is active at x > u, one that faces left at x < u. With nu^+ and nu^- the
densities of knots of either facing times E[a^2 | knot, facing], every kernel and interpolant follows from

    below(p)_k = int_{u < p} nu^+(u) (p - u)^k du        above(q)_k = int_{u > q} nu^-(u) (u - q)^k du,   k = 0, 1, 2

and from the same over an interval. All are sums of positive terms, so that they are accurate to a few roundings
wherever x lies, which a polynomial in x would not be.

Source: Williams et al. 2019, Theorem 5, with |a|^3 for |a| in nu.
"""

from __future__ import annotations

import inspect
import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from knotflow._checks import numeric
from knotflow._typing import Array
from knotflow.errors import InputError

__all__ = ["KnotLaw"]


T = TypeVar("T")

_OF_PLACES = {"nu", "knots", "active", "below", "above", "moments"}


def _of_places(method: Callable[..., T]) -> Callable[..., T]:
    """A method of arrays of places, which may be infinite, as it was, but with its arguments checked."""
    names = list(inspect.signature(method).parameters)[1:]

    @wraps(method)
    def call(self: KnotLaw, *places: ArrayLike, **named: ArrayLike) -> T:
        places += tuple(named.pop(name) for name in names[len(places) :] if name in named)
        checked = [_places(name, values) for name, values in zip(names, places, strict=False)]
        if len(checked) == 2 and not (checked[0].ndim == 1 and checked[0].shape == checked[1].shape):
            shapes = f"{checked[0].shape} and {checked[1].shape}"
            raise InputError(f"{' and '.join(names)} have shapes {shapes}: they must have one axis and equal lengths")
        with np.errstate(over="ignore", invalid="ignore"):  # far away a moment is infinite
            return method(self, *checked, *places[len(names) :], **named)

    return call


def _places(name: str, values: ArrayLike) -> Array:
    array = values if type(values) is np.ndarray and values.dtype == np.float64 else numeric(name, values)
    if np.isnan(array).any():
        raise InputError(f"{name} has nan: it must hold numbers, which may be infinite")
    return array


class KnotLaw(ABC):
    """A law of independent neurons (a, b); c is independent of them, with E[c] = 0 and E[c^2] = c2. A value.

    Subclass it for a law of your own: what must be given is abstract here. Kernels, interpolants and norms take any.

    Notes
    -----
    A neuron with knot u = b/a that faces right is active at x > u, one that faces left at x < u. nu^+ and nu^- are the
    densities of knots of either facing times E[a^2 | knot, facing].

    References
    ----------
    Williams et al. 2019, Theorem 5, with |a|^3 for |a| in nu.

    Examples
    --------
    >>> import knotflow as kf
    >>> isinstance(kf.initial.law("pytorch"), kf.laws.KnotLaw)
    True
    """

    c2: float

    def __init_subclass__(cls, **options: Any) -> None:
        """What a law does with places takes whatever NumPy makes numbers of, and refuses all else by name."""
        super().__init_subclass__(**options)
        for name in _OF_PLACES & set(vars(cls)):
            setattr(cls, name, _of_places(vars(cls)[name]))

    @abstractmethod
    def nu(self, u: Array) -> tuple[Array, Array]:
        """(nu^+, nu^-) at u, in its shape: density of knots times E[a^2 | knot, facing]."""

    @abstractmethod
    def knots(self, u: Array) -> tuple[Array, Array]:
        """The densities of right-facing and of left-facing knots at u, in its shape; together they integrate to 1."""

    @abstractmethod
    def active(self, x: Array) -> tuple[Array, Array]:
        """(Pr(right-facing, knot < x), Pr(left-facing, knot > x)), in the shape of x."""

    @abstractmethod
    def below(self, p: Array) -> Array:
        """int_{u < p} nu^+ (p - u)^k du for k = 0, 1, 2, stacked on a new first axis."""

    @abstractmethod
    def above(self, q: Array) -> Array:
        """int_{u > q} nu^- (u - q)^k du for k = 0, 1, 2, stacked on a new first axis."""

    @abstractmethod
    def moments(self, lo: Array, hi: Array) -> Array:
        """(2, 3, n): for nu^+ and nu^-, int over [lo, hi] of (u-lo)^2, (u-lo)(hi-u) and (hi-u)^2, lo <= hi."""

    @property
    @abstractmethod
    def affine(self) -> Array:
        """(2, 2): M = int w (1, -u)(1, -u)^T du, w = nu^+ nu^- / nu; its inverse is the norm's affine part."""

    @property
    def support(self) -> tuple[float, float]:
        """The smallest interval that holds all knots."""
        return -math.inf, math.inf

    @property
    def breaks(self) -> tuple[float, ...]:
        """Where nu is not smooth."""
        return ()
