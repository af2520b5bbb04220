"""The derivative of a function whose values are f(x, nu)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import ArrayLike

from knotflow._checks import count, is_whole
from knotflow._typing import Array

__all__ = ["Derivative", "Differentiable", "derivative"]


class Differentiable(Protocol):
    """A function of one number: f(x, nu) is its derivative of order nu at x, nu = 0 its value."""

    def __call__(self, x: ArrayLike, nu: int = 0) -> Array: ...


@dataclass(frozen=True, eq=False, repr=False)
class Derivative:
    """The derivative of order `nu` of a function, itself a function: it is called as the function is."""

    function: Differentiable
    nu: int

    def __call__(self, x: ArrayLike, nu: int = 0) -> Array:
        """The value at x, or that of a further derivative of order `nu`."""
        return self.function(x, self.nu + count("nu", nu))

    def derivative(self, nu: int = 1) -> Derivative:
        """The derivative of order `nu` of this one."""
        return Derivative(self.function, self.nu + count("nu", nu))

    def __repr__(self) -> str:
        return f"Derivative(order {self.nu} of {self.function!r})"


def derivative(function: Differentiable, nu: Any) -> Any:
    """`Derivative(function, nu)`; for places instead of an order, the old way to call it, the first one's values."""
    if is_whole(nu):
        return Derivative(function, count("nu", nu))
    warnings.warn(
        "derivative(x) for values is now f(x, nu=1); derivative(nu) is a function", DeprecationWarning, stacklevel=3
    )
    return function(nu, 1)
