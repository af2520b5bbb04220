"""nu, the weight in the norm of the kernel regime (public as `kf.kernels.nu`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, SupportsIndex

from numpy.typing import ArrayLike

from knotflow._checks import count, freeze, instance, numbers
from knotflow._typing import Array
from knotflow._values import immutable
from knotflow.initial.resolve import Start, law
from knotflow.laws.knot_law import KnotLaw

__all__ = ["Weight", "nu", "nu_minus", "nu_plus"]


@dataclass(frozen=True)
@immutable
class Weight:
    """nu(u), or the part of it that neurons of one orientation have; a callable. See `nu`.

    Parameters
    ----------
    law : KnotLaw
    facing : {0, 1, -1}
        0: all neurons; 1: those that face right; -1: those that face left.

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.kernels.Weight(kf.laws.UniformKnots(-2.0, 2.0))([0.0, 3.0])
    array([0.25, 0.  ])
    """

    law: KnotLaw
    facing: int = 0

    def __post_init__(self) -> None:
        instance("law", self.law, KnotLaw, "a KnotLaw, such as kf.kernels.Uniform()")
        freeze(self, facing=count("facing", self.facing, least=-1, most=1))

    def __call__(self, u: ArrayLike) -> Array:
        plus, minus = self.law.nu(numbers("u", u))
        return (plus + minus if self.facing == 0 else plus if self.facing > 0 else minus)[()]


def nu(init: Start, m: SupportsIndex | None = None, **options: Any) -> Weight:
    """nu = nu^+ + nu^-, the weight in the norm of the kernel regime, int f''^2 / nu + ...; a callable.

    It is the density of knots **times** E[a^2 | knot]; the two agree only where |a| = 1. Its integral is E[a^2].

    Parameters
    ----------
    init : str, callable, Initialiser, Law or KnotLaw
        The start, as for `kf.initial.law`.
    m : int, optional
        The width, for starts whose scales depend on it.
    **options
        Of the initialiser, as for `kf.initial.law`.

    Returns
    -------
    Weight
        nu(u) for u of any shape; InputError on use if knots have no density.

    Raises
    ------
    InputError
        For another start, and for options that it does not take.

    Notes
    -----
    O(1) for each u.

    References
    ----------
    Williams et al. 2019, Theorem 5, where |a| is printed for |a|^3.

    Examples
    --------
    >>> import numpy as np, knotflow as kf
    >>> (np.pi * kf.kernels.nu("gaussian")([0.0, 1.0])).round(12)
    array([2. , 0.5])
    """
    return Weight(law(init, m, **options))


def nu_plus(init: Start, m: SupportsIndex | None = None, **options: Any) -> Weight:
    """nu^+(u) = density of right-facing knots times E[a^2 | knot, a > 0]: the part of `nu` of neurons with a > 0.

    Parameters
    ----------
    init : str, callable, Initialiser, Law or KnotLaw
        The start, as for `kf.initial.law`.
    m : int, optional
        The width, for starts whose scales depend on it.
    **options
        Of the initialiser, as for `kf.initial.law`.

    Returns
    -------
    Weight
        nu^+(u) for u of any shape; InputError on use if knots have no density.

    Raises
    ------
    InputError
        For another start, and for options that it does not take.

    Notes
    -----
    O(1) for each u.

    References
    ----------
    Williams et al. 2019, Theorem 5, where |a| is printed for |a|^3.

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.kernels.nu_plus("rademacher", B=2.0)(0.0)
    np.float64(0.125)
    """
    return Weight(law(init, m, **options), 1)


def nu_minus(init: Start, m: SupportsIndex | None = None, **options: Any) -> Weight:
    """nu^-(u) = density of left-facing knots times E[a^2 | knot, a < 0]: the part of `nu` of neurons with a < 0.

    Parameters
    ----------
    init : str, callable, Initialiser, Law or KnotLaw
        The start, as for `kf.initial.law`.
    m : int, optional
        The width, for starts whose scales depend on it.
    **options
        Of the initialiser, as for `kf.initial.law`.

    Returns
    -------
    Weight
        nu^-(u) for u of any shape; InputError on use if knots have no density.

    Raises
    ------
    InputError
        For another start, and for options that it does not take.

    Notes
    -----
    O(1) for each u.

    References
    ----------
    Williams et al. 2019, Theorem 5, where |a| is printed for |a|^3.

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.kernels.nu_minus("rademacher", B=2.0)(3.0)
    np.float64(0.0)
    """
    return Weight(law(init, m, **options), -1)
