"""Scaling: standard units and the user's."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from knotflow._checks import freeze, number, numeric, vector
from knotflow._typing import Array
from knotflow.errors import InputError

if TYPE_CHECKING:
    from knotflow.network.relunet import ReLUNet

__all__ = ["Scaling"]


@dataclass(frozen=True)
class Scaling:
    """Standard units and the user's: x = x_shift + x_scale u and y = y_shift + y_scale v.

    Parameters
    ----------
    x_shift, y_shift : float
    x_scale, y_scale : float
        Greater than 0.

    See Also
    --------
    Samples.standardised : makes one.
    ReLUNet.in_units : takes a network from standard units to the user's.

    Examples
    --------
    >>> import knotflow as kf
    >>> scaling = kf.data.Scaling(x_shift=30.0, x_scale=2.0, y_shift=0.0, y_scale=10.0)
    >>> scaling.x_to_standard(34.0), scaling.y_to_user([0.0, -1.5])
    (np.float64(2.0), array([  0., -15.]))
    """

    x_shift: float
    x_scale: float
    y_shift: float
    y_scale: float

    def __post_init__(self) -> None:
        freeze(self, x_shift=number("x_shift", self.x_shift), y_shift=number("y_shift", self.y_shift))
        freeze(self, x_scale=number("x_scale", self.x_scale, above=0.0))
        freeze(self, y_scale=number("y_scale", self.y_scale, above=0.0))

    @classmethod
    def of(cls, x: Array, y: Array, weights: Array) -> Scaling:
        """Means of x and y as the shifts and standard deviations as the scales, all with `weights`. O(n)."""
        x = vector("x", x)
        y, weights = vector("y", y, len(x), "x"), vector("weights", weights, len(x), "x")
        if len(x) == 0 or not weights.min() > 0:
            raise InputError("x is empty or a weight is not > 0: there must be a sample, and every weight must be > 0")
        return cls(*_centre_and_scale(x, weights), *_centre_and_scale(y, weights))

    def x_to_standard(self, x: ArrayLike) -> Array:
        """u = (x - x_shift) / x_scale."""
        with np.errstate(over="ignore"):
            return (numeric("x", x) - self.x_shift) / self.x_scale

    def x_to_user(self, u: ArrayLike) -> Array:
        """x = x_shift + x_scale u."""
        with np.errstate(over="ignore"):
            return self.x_shift + self.x_scale * numeric("u", u)

    def y_to_standard(self, y: ArrayLike) -> Array:
        """v = (y - y_shift) / y_scale."""
        with np.errstate(over="ignore"):
            return (numeric("y", y) - self.y_shift) / self.y_scale

    def y_to_user(self, v: ArrayLike) -> Array:
        """y = y_shift + y_scale v."""
        with np.errstate(over="ignore"):
            return self.y_shift + self.y_scale * numeric("v", v)

    def net_to_user(self, net: ReLUNet) -> ReLUNet:
        """The old name of `ReLUNet.in_units`."""
        warnings.warn(
            "Scaling.net_to_user(net) is deprecated: use net.in_units(scaling)", DeprecationWarning, stacklevel=2
        )
        if not hasattr(net, "in_units"):
            raise InputError(f"net is of type {type(net).__name__}: it must be a ReLUNet")
        return net.in_units(self)


def _centre_and_scale(values: Array, weights: Array) -> tuple[float, float]:
    """Weighted mean and standard deviation, safe from overflow; the scale of a constant is 1."""
    lo = float(values.min())
    width = float(values.max()) - lo
    if width == 0:
        return lo, 1.0
    p = weights / weights.max()
    z, p = (values - lo) / width, p / p.sum()
    mean = float(p @ z)
    deviation = math.sqrt(p @ (z - mean) ** 2)
    return (
        lo + width * mean,
        width * deviation or width,
    )  # weights too uneven for a deviation: the width will do
