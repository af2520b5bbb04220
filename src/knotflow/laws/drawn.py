"""The laws of random starts, as data: what is drawn from them is in `random.py`."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass, fields
from typing import Literal, SupportsIndex

import numpy as np

from knotflow._checks import number
from knotflow.errors import InputError
from knotflow.network import ReLUNet

HE_SIGMA = math.sqrt(2.0)


@dataclass(frozen=True)
class Law:
    """Independent laws of a, b, c and of the output bias, each symmetric about 0, with one scale each.

    family         "gaussian": the scales are standard deviations; "uniform": bounds, U(-scale, scale)
    a, b, c, bias  the scales, finite and >= 0; 0 is the constant 0
    """

    family: Literal["gaussian", "uniform"]
    a: float
    b: float
    c: float
    bias: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self)[1:]:
            scale = number(field.name, getattr(self, field.name))
            if scale < 0:
                what = "standard deviation" if self.family == "gaussian" else "bound"
                raise InputError(f"the {what} of {field.name} is {scale:g}: it must be at least 0")

    def draw(self, m: SupportsIndex, rng: np.random.Generator, norm: float = 1.0) -> ReLUNet:
        """A network of m neurons: all a are drawn first, then all b, all c, and the output bias. O(m)."""
        m, rng = width(m), generator(rng)
        a, b, c = (self._numbers(scale, m, rng) for scale in (self.a, self.b, self.c))
        return ReLUNet(a, b, c, norm, float(self._numbers(self.bias, 1, rng)[0]))

    def _numbers(self, scale: float, size: int, rng: np.random.Generator) -> np.ndarray:
        return scale * (rng.standard_normal(size) if self.family == "gaussian" else rng.uniform(-1, 1, size))


def pytorch(m: SupportsIndex) -> Law:
    """a, b ~ U(-1, 1) and c, bias ~ U(-1/sqrt m, 1/sqrt m)."""
    bound = 1 / math.sqrt(width(m))
    return Law("uniform", a=1.0, b=1.0, c=bound, bias=bound)


def he(m: SupportsIndex, sigma_b: float = HE_SIGMA) -> Law:
    """Standard deviations sqrt 2 of a, sigma_b of b, sqrt(2/m) of c; bias 0."""
    return Law("gaussian", a=HE_SIGMA, b=sigma_b, c=math.sqrt(2 / width(m)))


def glorot(m: SupportsIndex, sigma_b: float | None = None) -> Law:
    """Standard deviations sqrt(2/(m + 1)) of a and c, sigma_b of b (None: that of a); bias 0."""
    sigma = math.sqrt(2 / (width(m) + 1))
    return Law("gaussian", a=sigma, b=sigma if sigma_b is None else sigma_b, c=sigma)


def gaussian(m: SupportsIndex, sigma_a: float = 1.0, sigma_b: float = 1.0, sigma_c: float = 1.0) -> Law:
    """Standard deviations as given, whatever m; bias 0."""
    return Law("gaussian", a=sigma_a, b=sigma_b, c=sigma_c)


def uniform(m: SupportsIndex, bound_a: float = 1.0, bound_b: float = 1.0, bound_c: float = 1.0) -> Law:
    """Bounds as given, whatever m; bias 0."""
    return Law("uniform", a=bound_a, b=bound_b, c=bound_c)


def width(m: SupportsIndex) -> int:
    """The number of neurons, at least 1, or InputError."""
    try:
        size = operator.index(m)
    except TypeError:
        raise InputError(f"m is {m!r}: the number of neurons must be an integer of at least 1") from None
    if size < 1:
        raise InputError(f"m is {size}: the number of neurons must be at least 1")
    return size


def generator(rng: np.random.Generator) -> np.random.Generator:
    """The source of randomness, or InputError."""
    if not isinstance(rng, np.random.Generator):
        raise InputError(f"rng is {rng!r}: it must be a numpy Generator; make one with numpy.random.default_rng(seed)")
    return rng
