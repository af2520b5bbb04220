"""Law: what a, b and c are drawn from, independently. And the laws of the usual initialisers.

What is drawn from the named ones is in `knotflow.initial`: ``kf.initial.he(m, rng)`` is ``kf.laws.he(m).draw(m, rng)``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Literal, SupportsIndex

import numpy as np

from knotflow._checks import choice, count, freeze, generator, number
from knotflow._typing import Array
from knotflow.laws.closed_form import Gaussian, Uniform
from knotflow.laws.knot_law import KnotLaw
from knotflow.network.relunet import ReLUNet

__all__ = ["HE_SIGMA", "Law", "gaussian", "glorot", "he", "pytorch", "uniform"]

HE_SIGMA = math.sqrt(2.0)


@dataclass(frozen=True)
class Law:
    """Independent laws of a, b, c and of the output bias, each symmetric about 0, with one scale each.

    Parameters
    ----------
    family : {"gaussian", "uniform"}
        "gaussian": the scales are standard deviations; "uniform": bounds, U(-scale, scale).
    a, b, c : float
        The scales, finite and >= 0; 0 is the constant 0.
    bias : float, default 0.0
        The scale of the output bias.

    Raises
    ------
    InputError
        For another family, and scales that are negative or not finite.

    See Also
    --------
    KnotLaw : a law of (a, b) as kernels need it; `knot_law` of a Law is one.

    Notes
    -----
    O(m) for a draw of m neurons.

    Examples
    --------
    >>> import numpy as np, knotflow as kf
    >>> law = kf.laws.he(50)
    >>> law
    Law(family='gaussian', a=1.4142135623730951, b=1.4142135623730951, c=0.2, bias=0.0)
    >>> len(law.draw(50, np.random.default_rng(0)))
    50
    >>> law.knot_law()
    Gaussian(sigma_a=1.4142135623730951, sigma_b=1.4142135623730951, c2=0.04000000000000001)
    """

    family: Literal["gaussian", "uniform"]
    a: float
    b: float
    c: float
    bias: float = 0.0

    def __post_init__(self) -> None:
        choice("family", self.family, ("gaussian", "uniform"))
        for field in fields(self)[1:]:
            freeze(self, **{field.name: number(field.name, getattr(self, field.name), least=0.0)})

    def draw(self, m: SupportsIndex, rng: np.random.Generator, norm: float = 1.0) -> ReLUNet:
        """A network of m neurons and this norm. From `rng` come all a, then all b, all c, and the output bias. O(m)."""
        m, rng = count("m", m, least=1), generator(rng)
        a, b, c = (self._numbers(scale, m, rng) for scale in (self.a, self.b, self.c))
        return ReLUNet(a, b, c, norm, float(self._numbers(self.bias, 1, rng)[0]))

    def _numbers(self, scale: float, size: int, rng: np.random.Generator) -> Array:
        with np.errstate(over="ignore"):  # refused by name
            return scale * (rng.standard_normal(size) if self.family == "gaussian" else rng.uniform(-1, 1, size))

    def knot_law(self) -> KnotLaw:
        """The law of (a, b), and E[c^2], as the kernels of infinitely wide networks need it."""
        if self.family == "gaussian":
            return Gaussian(self.a, self.b, self.c**2)
        return Uniform(self.a, self.b, self.c**2 / 3)


def pytorch(m: SupportsIndex) -> Law:
    """The default of torch.nn.Linear: a, b ~ U(-1, 1) and c, bias ~ U(-1/sqrt m, 1/sqrt m).

    Parameters
    ----------
    m : int
        The width, at least 1.

    Returns
    -------
    Law

    Raises
    ------
    InputError
        If `m` is not a whole number of at least 1.

    Notes
    -----
    O(1).

    References
    ----------
    PyTorch's `kaiming_uniform_` with a = sqrt 5, which Sahs et al. 2022 call "He".

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.laws.pytorch(100).c
    0.1
    """
    bound = 1 / math.sqrt(count("m", m, least=1))
    return Law("uniform", a=1.0, b=1.0, c=bound, bias=bound)


def he(m: SupportsIndex, sigma_b: float = HE_SIGMA) -> Law:
    """He's law: standard deviations sqrt 2 of a, sigma_b of b, sqrt(2/m) of c; bias 0.

    Parameters
    ----------
    m : int
        The width, at least 1.
    sigma_b : float, default sqrt(2)
        The standard deviation of b.

    Returns
    -------
    Law

    Raises
    ------
    InputError
        If `m` is not a whole number of at least 1, or a scale is negative or not finite.

    Notes
    -----
    O(1).

    References
    ----------
    He et al. 2015, equation (10); Sahs et al. 2022, theorem 2.

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.laws.he(200, sigma_b=0.5).c
    0.1
    """
    return Law("gaussian", a=HE_SIGMA, b=number("sigma_b", sigma_b, least=0.0), c=math.sqrt(2 / count("m", m, least=1)))


def glorot(m: SupportsIndex, sigma_b: float | None = None) -> Law:
    """Glorot's law: standard deviations sqrt(2/(m + 1)) of a and c, sigma_b of b (None: that of a); bias 0.

    Parameters
    ----------
    m : int
        The width, at least 1.
    sigma_b : float, optional
        The standard deviation of b.

    Returns
    -------
    Law

    Raises
    ------
    InputError
        If `m` is not a whole number of at least 1, or a scale is negative or not finite.

    Notes
    -----
    O(1).

    References
    ----------
    Glorot and Bengio 2010, equation (12), with fan-in 1 and fan-out m; Sahs et al. 2022, theorem 2.

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.laws.glorot(7).a
    0.5
    """
    sigma = math.sqrt(2 / (count("m", m, least=1) + 1))
    return Law("gaussian", a=sigma, b=sigma if sigma_b is None else number("sigma_b", sigma_b, least=0.0), c=sigma)


def gaussian(m: SupportsIndex, sigma_a: float = 1.0, sigma_b: float = 1.0, sigma_c: float = 1.0) -> Law:
    """Gaussian laws with standard deviations as given, whatever the width m; bias 0.

    Parameters
    ----------
    m : int
        The width, at least 1.
    sigma_a, sigma_b, sigma_c : float, default 1.0
        The standard deviations, >= 0.

    Returns
    -------
    Law

    Raises
    ------
    InputError
        If `m` is not a whole number of at least 1, or a scale is negative or not finite.

    Notes
    -----
    O(1).

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.laws.gaussian(10, sigma_b=0.5).knot_law()
    Gaussian(sigma_a=1.0, sigma_b=0.5, c2=1.0)
    """
    count("m", m, least=1)
    scales = {"sigma_a": sigma_a, "sigma_b": sigma_b, "sigma_c": sigma_c}
    return Law("gaussian", *(number(name, value, least=0.0) for name, value in scales.items()))


def uniform(m: SupportsIndex, bound_a: float = 1.0, bound_b: float = 1.0, bound_c: float = 1.0) -> Law:
    """Uniform laws with bounds as given, whatever the width m; bias 0.

    Parameters
    ----------
    m : int
        The width, at least 1.
    bound_a, bound_b, bound_c : float, default 1.0
        The bounds, >= 0: a ~ U(-bound_a, bound_a).

    Returns
    -------
    Law

    Raises
    ------
    InputError
        If `m` is not a whole number of at least 1, or a scale is negative or not finite.

    Notes
    -----
    O(1).

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.laws.uniform(10, bound_b=2.0).b
    2.0
    """
    count("m", m, least=1)
    scales = {"bound_a": bound_a, "bound_b": bound_b, "bound_c": bound_c}
    return Law("uniform", *(number(name, value, least=0.0) for name, value in scales.items()))
