"""The kernels of infinitely wide networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike

from knotflow._checks import fitting, in_range, instance, numbers
from knotflow._typing import Array
from knotflow._values import immutable
from knotflow.initial.resolve import Start, law
from knotflow.laws import KnotLaw

__all__ = ["RandomFeatures", "Tangent", "Terms", "ntk", "pairs", "rf"]


@immutable
class Terms(NamedTuple):
    """The parts of a tangent kernel, by the parameters that they come from; their sum is the kernel.

    Attributes
    ----------
    a, b, c : ndarray
        Each in the shape of the kernel.

    Examples
    --------
    >>> import knotflow as kf
    >>> terms = kf.kernels.ntk("gaussian").terms(1.0, 2.0)
    >>> [round(float(part), 4) for part in terms], round(float(kf.kernels.ntk("gaussian")(1.0, 2.0)), 4)
    ([0.8976, 0.4488, 1.5055], 2.8519)
    """

    a: Array
    b: Array
    c: Array


def pairs(x: ArrayLike, x2: ArrayLike | None) -> tuple[Array, Array]:
    """Both as float64, shaped so that they broadcast to the result: of all pairs, unless one has more than one axis."""
    left = numbers("x", x)
    right = left if x2 is None else numbers("x2", x2)
    if left.ndim > 1 or right.ndim > 1:
        fitting(x=left, x2=right)
    if left.ndim <= 1 and right.ndim <= 1:
        return left.reshape(left.shape + (1,) * right.ndim), right
    return left, right


@dataclass(frozen=True)
@immutable
class RandomFeatures:
    """K(x, x') = E[(a x - b)_+ (a x' - b)_+], the kernel of training c alone at infinite width.

    kernel(x, x2) with numbers or sequences gives all pairs, in the shape x.shape + x2.shape; arrays of two or more
    axes broadcast. x2 = None is x2 = x.

    Parameters
    ----------
    law : KnotLaw
        The law of (a, b); `rf` makes it from an initialiser.

    Notes
    -----
    O(n) evaluations of the law and O(n n2) multiplications. On the whole line, and without cancellation: every entry is
    accurate to a few roundings of itself (to the tolerance of a law with a quadrature).

    A network of m neurons trains c with (m / norm^2) K, in the time t = lr * steps of the gradient flow, whatever c is;
    `empirical_rf` is that at finite width.

    References
    ----------
    Williams et al. 2019, arXiv eqs. (23) and (29).

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.kernels.RandomFeatures(kf.kernels.Gaussian())([0, 1]).round(4)
    array([[0.5   , 0.5342],
           [0.5342, 1.    ]])
    """

    law: KnotLaw

    def __post_init__(self) -> None:
        _law(self.law)

    def __call__(self, x: ArrayLike, x2: ArrayLike | None = None) -> Array:
        """K(x, x2) of all pairs."""
        x, x2 = pairs(x, x2)
        return in_range("x", _largest(x, x2), lambda: self._of_pairs(x, x2))[()]

    def _of_pairs(self, x: Array, x2: Array) -> Array:
        below, above = self.law.below(x), self.law.above(x)
        below2, above2 = (below, above) if x is x2 else (self.law.below(x2), self.law.above(x2))
        gap, first = np.abs(x - x2), x <= x2
        lower = np.where(first, below[2] + gap * below[1], below2[2] + gap * below2[1])
        return np.asarray(lower + np.where(first, above2[2] + gap * above2[1], above[2] + gap * above[1]))


@dataclass(frozen=True)
@immutable
class Tangent:
    """K(x, x') = E[(a x - b)_+ (a x' - b)_+] + E[c^2] (1 + x x') Pr(a x > b, a x' > b), of training a, b and c.

    Called as `RandomFeatures` is. `terms(x, x2)` has the three parts: a (E[c^2] x x' Pr), b (E[c^2] Pr) and c (the
    random-feature kernel).

    Parameters
    ----------
    law : KnotLaw
        The law of (a, b) and E[c^2]; `ntk` makes it from an initialiser.

    Notes
    -----
    O(n) evaluations of the law and O(n n2) multiplications.

    A network of m neurons, c independent of (a, b), trains with (m / norm^2) K in the time t = lr * steps;
    `empirical_ntk` is that at finite width. If the output bias is trained, 1 is added to it.

    The a and b parts have kinks on the diagonal, so that interpolants are not splines of class C1: their slope jumps at
    every x_j.

    References
    ----------
    Williams et al. 2019, arXiv eq. (27), with c independent of (a, b) and the factor m / norm^2 that it takes.

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.kernels.Tangent(kf.kernels.Gaussian())([0, 1]).round(4)
    array([[1.    , 0.9092],
           [0.9092, 2.    ]])
    """

    law: KnotLaw

    def __post_init__(self) -> None:
        _law(self.law)

    def __call__(self, x: ArrayLike, x2: ArrayLike | None = None) -> Array:
        """K(x, x2) of all pairs."""
        a, b, c = self.terms(x, x2)
        return a + b + c

    def terms(self, x: ArrayLike, x2: ArrayLike | None = None) -> Terms:
        """The parts of K(x, x2) that belong to a, to b and to c."""
        features = RandomFeatures(self.law)(x, x2)
        x, x2 = pairs(x, x2)
        both = self.law.c2 * _both_active(self.law, x, x2)[()]
        return Terms(in_range("x", _largest(x, x2), lambda: (x * x2)[()] * both), both, features)


def _law(law: object) -> None:
    instance("law", law, KnotLaw, "a KnotLaw, such as kf.kernels.Uniform()")


def _largest(x: Array, x2: Array) -> float:
    return max(float(np.max(np.abs(each), initial=0.0)) for each in (x, x2))


def _both_active(law: KnotLaw, x: Array, x2: Array) -> Array:
    """Pr(a x > b, a x' > b)."""
    (right, left), (right2, left2) = law.active(x), law.active(x2)
    return np.minimum(right, right2) + np.minimum(left, left2)


def rf(init: Start, m: SupportsIndex | None = None, **options: Any) -> RandomFeatures:
    """The random-feature kernel of an initialiser: what training c alone does at infinite width.

        K(x, x') = E[(a x - b)_+ (a x' - b)_+]

    Parameters
    ----------
    init : str, callable or law
        "gaussian", "uniform", "he", "glorot", "pytorch", "rademacher", "uniform_knots", a function or a law of
        `kf.initial`, or a law of this room such as `Gaussian`: see `law`.
    m : int, optional
        The width, for starts whose scales depend on it. Without it the scales are those of infinite width.
    **options
        Of the initialiser, such as sigma_b.

    Returns
    -------
    RandomFeatures
        A callable: kernel(x, x2) has all pairs. `interpolate` solves with it in O(s).

    Raises
    ------
    InputError
        For another `init`, and for options that it does not take.

    Notes
    -----
    Per neuron: m neurons, divided by norm, train with m / norm^2 times it. O(n) evaluations of the law and O(n n2)
    multiplications for n x n2 pairs.

    References
    ----------
    Williams et al. 2019, arXiv eqs. (23) and (29).

    Examples
    --------
    >>> import knotflow as kf
    >>> kernel = kf.kernels.rf("gaussian")
    >>> kernel
    RandomFeatures(law=Gaussian(sigma_a=1.0, sigma_b=1.0, c2=1.0))
    >>> kernel([0, 1], [0, 1, 2]).round(4)
    array([[0.5   , 0.5342, 0.6421],
           [0.5342, 1.    , 1.5055]])
    """
    return RandomFeatures(law(init, m, **options))


def ntk(init: Start, m: SupportsIndex | None = None, **options: Any) -> Tangent:
    """The tangent kernel of an initialiser at its start: what training a, b and c does at infinite width.

        K(x, x') = E[(a x - b)_+ (a x' - b)_+] + E[c^2] (1 + x x') Pr(a x > b, a x' > b)

    Parameters
    ----------
    init : str, callable or law
        "gaussian", "uniform", "he", "glorot", "pytorch", "rademacher", "uniform_knots", a function or a law of
        `kf.initial`, or a law of this room such as `Gaussian`: see `law`.
    m : int, optional
        The width, for starts whose scales depend on it. Without it the scales are those of infinite width.
    **options
        Of the initialiser, such as sigma_b.

    Returns
    -------
    Tangent
        A callable: kernel(x, x2) has all pairs, kernel.terms(x, x2) its parts by parameter.

    Raises
    ------
    InputError
        For another `init`, and for options that it does not take.

    Notes
    -----
    Per neuron: m neurons, divided by norm, train with m / norm^2 times it, plus 1 if the output bias is trained. O(n)
    evaluations of the law and O(n n2) multiplications for n x n2 pairs.

    References
    ----------
    Williams et al. 2019, arXiv eq. (27), with c independent of (a, b).

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.kernels.ntk("gaussian")([0, 1], [0, 1, 2]).round(4)
    array([[1.    , 0.9092, 0.9659],
           [0.9092, 2.    , 2.8519]])
    >>> kf.kernels.ntk("he")([0, 1]).round(4)
    array([[1.    , 1.0683],
           [1.0683, 2.    ]])
    """
    return Tangent(law(init, m, **options))
