"""nu, the weight in the norm of the kernel regime (public as `kf.kernels.nu`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, SupportsIndex

from numpy.typing import ArrayLike

from knotflow._checks import numbers
from knotflow._typing import Array
from knotflow.initial.resolve import Start, law
from knotflow.laws.knot_law import KnotLaw

__all__ = ["Weight", "nu", "nu_minus", "nu_plus"]


@dataclass(frozen=True)
class Weight:
    """nu(u), or one facing's part of it: the density of knots at u times E[a^2 | knot = u]. Called with any shape."""

    law: KnotLaw
    facing: int = 0

    def __call__(self, u: ArrayLike) -> Array:
        plus, minus = self.law.nu(numbers("u", u))
        return (plus + minus if self.facing == 0 else plus if self.facing > 0 else minus)[()]


def nu(init: Start, m: SupportsIndex | None = None, **options: Any) -> Weight:
    """nu = nu^+ + nu^-, the weight in the norm of the kernel regime, int f''^2 / nu + ...; a callable.

    It is the density of knots **times** E[a^2 | knot]; the two agree only where |a| = 1. Its integral is E[a^2].

    Source: Williams et al. 2019, Theorem 5, where |a| is printed for |a|^3. `law` has the arguments. Raises InputError
    on use if knots have no density.
    """
    return Weight(law(init, m, **options))


def nu_plus(init: Start, m: SupportsIndex | None = None, **options: Any) -> Weight:
    """The part of `nu` that right-facing neurons have."""
    return Weight(law(init, m, **options), 1)


def nu_minus(init: Start, m: SupportsIndex | None = None, **options: Any) -> Weight:
    """The part of `nu` that left-facing neurons have."""
    return Weight(law(init, m, **options), -1)
