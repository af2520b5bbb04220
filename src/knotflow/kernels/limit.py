"""The kernels of infinitely wide networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike, NDArray

from knotflow._checks import numbers
from knotflow.initial.resolve import Start, law
from knotflow.laws.knot_law import KnotLaw

Array = NDArray[np.float64]


class Terms(NamedTuple):
    """The tangent kernel's parts, by the parameters that they come from; their sum is the kernel."""

    a: Array
    b: Array
    c: Array


def pairs(x: ArrayLike, x2: ArrayLike | None) -> tuple[Array, Array]:
    """Both as float64, shaped so that they broadcast to the result: of all pairs, unless one has more than one axis."""
    left = numbers("x", x)
    right = left if x2 is None else numbers("x2", x2)
    if left.ndim <= 1 and right.ndim <= 1:
        return left.reshape(left.shape + (1,) * right.ndim), right
    return left, right


@dataclass(frozen=True)
class RandomFeatures:
    """K(x, x') = E[(a x - b)_+ (a x' - b)_+], the kernel of training c alone.

    kernel(x, x2) with numbers or sequences gives all pairs, in the shape x.shape + x2.shape; arrays of two or more
    axes broadcast. x2 = None is x2 = x. A network of m neurons trains c with (m / norm^2) K, in the time t = lr * steps
    of the gradient flow, whatever c is; `empirical_rf` is that at finite width.

    On the whole line, and without cancellation: every entry is accurate to a few roundings of itself (to the tolerance
    of a law with a quadrature). O(n) evaluations of the law and O(n n2) multiplications.

    Source: Williams et al. 2019, arXiv eqs. (23) and (29).
    """

    law: KnotLaw

    def __call__(self, x: ArrayLike, x2: ArrayLike | None = None) -> Array:
        x, x2 = pairs(x, x2)
        below, above = self.law.below(x), self.law.above(x)
        below2, above2 = (below, above) if x is x2 else (self.law.below(x2), self.law.above(x2))
        gap, first = np.abs(x - x2), x <= x2
        lower = np.where(first, below[2] + gap * below[1], below2[2] + gap * below2[1])
        return (lower + np.where(first, above2[2] + gap * above2[1], above[2] + gap * above[1]))[()]


@dataclass(frozen=True)
class Tangent:
    """K(x, x') = E[(a x - b)_+ (a x' - b)_+] + E[c^2] (1 + x x') Pr(a x > b, a x' > b), of training a, b and c.

    Called as `RandomFeatures` is. A network of m neurons, c independent of (a, b), trains with (m / norm^2) K in the
    time t = lr * steps; `empirical_ntk` is that at finite width. If the output bias is trained, 1 is added to it.

    `terms(x, x2)` has the three parts: a (E[c^2] x x' Pr), b (E[c^2] Pr) and c (the random-feature kernel). The a and b
    parts have kinks on the diagonal, so that interpolants are not splines of class C1: their slope jumps at every x_j.

    Source: Williams et al. 2019, arXiv eq. (27), with c independent of (a, b) and the factor m / norm^2 that it takes.
    """

    law: KnotLaw

    def __call__(self, x: ArrayLike, x2: ArrayLike | None = None) -> Array:
        a, b, c = self.terms(x, x2)
        return a + b + c

    def terms(self, x: ArrayLike, x2: ArrayLike | None = None) -> Terms:
        """The parts that belong to a, to b and to c."""
        features = RandomFeatures(self.law)(x, x2)
        x, x2 = pairs(x, x2)
        both = self.law.c2 * _both_active(self.law, x, x2)[()]
        return Terms((x * x2)[()] * both, both, features)


def _both_active(law: KnotLaw, x: Array, x2: Array) -> Array:
    """Pr(a x > b, a x' > b)."""
    (right, left), (right2, left2) = law.active(x), law.active(x2)
    return np.minimum(right, right2) + np.minimum(left, left2)


def rf(init: Start, m: SupportsIndex | None = None, **options: Any) -> RandomFeatures:
    """The random-feature kernel of an initialiser, a callable: see `RandomFeatures`, and `law` for the arguments."""
    return RandomFeatures(law(init, m, **options))


def ntk(init: Start, m: SupportsIndex | None = None, **options: Any) -> Tangent:
    """The tangent kernel of an initialiser at its start, a callable: see `Tangent`, and `law` for the arguments."""
    return Tangent(law(init, m, **options))
