"""The densities of knots and delta-slopes at a random start: joint, marginal and conditional."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, SupportsIndex

import numpy as np
from numpy.typing import ArrayLike

from knotflow._checks import count, fitting, freeze, generator, instance, number, numbers
from knotflow._typing import Array
from knotflow._values import immutable
from knotflow.errors import InputError
from knotflow.initial.resolve import named_law
from knotflow.laws import even
from knotflow.laws.drawn import Law

__all__ = ["JointDensity", "delta_slope_density", "joint_density", "knot_density"]


def knot_density(law: str | Law, m: SupportsIndex | None = None, **scales: float) -> Any:
    """The density of a knot b/a, as a frozen distribution of scipy.stats (pdf, cdf, sf, ppf, isf, rvs, ...).

        Gaussian  Cauchy with scale sigma_b / sigma_a
        uniform   with r = bound_b / bound_a: 1/(4 r) on [-r, r] and r / (4 x^2) outside

    Parameters
    ----------
    law : str or Law
        A `Law`, or the name of one: "pytorch", "he", "glorot", "gaussian", "uniform".
    m : int, optional
        The width, for a name; "gaussian" and "uniform" do not need it.
    **scales : float
        What the law of that name takes, for example sigma_b.

    Returns
    -------
    frozen distribution
        With pdf, cdf, sf, ppf, isf and rvs.

    Raises
    ------
    InputError
        For another name, and if the law of a or b is the constant 0 (no density).

    Notes
    -----
    A knot has no mean: moments are NaN. The orientation is +-1 with probability 1/2 each and independent of knot and
    delta-slope. O(1) for each value.

    References
    ----------
    Sahs et al. 2022, theorem 1 and corollary 1.

    Examples
    --------
    >>> import knotflow as kf
    >>> knots = kf.initial.knot_density("gaussian", sigma_b=2.0)
    >>> round(float(knots.cdf(2.0)), 12), round(float(knots.isf(0.25)), 12)
    (0.75, 2.0)
    """
    return joint_density(law, m, **scales).knots


def delta_slope_density(law: str | Law, m: SupportsIndex | None = None, *, norm: float = 1.0, **scales: float) -> Any:
    """The density of a delta-slope c a / norm, as a frozen distribution of scipy.stats.

        Gaussian  K_0(|u|/k) / (pi k), k = sigma_a sigma_c / norm: variance k^2, excess kurtosis 6
        uniform   log(k/|u|) / (2 k) on [-k, k], k = bound_a bound_c / norm: variance k^2/9, excess kurtosis 6/25

    Parameters
    ----------
    law : str or Law
        A `Law`, or the name of one: "pytorch", "he", "glorot", "gaussian", "uniform".
    m : int, optional
        The width, for a name; "gaussian" and "uniform" do not need it.
    norm : float, default 1.0
        Of the network, > 0.
    **scales : float
        What the law of that name takes, for example sigma_b.

    Returns
    -------
    frozen distribution
        With pdf, cdf, sf, ppf, isf, rvs and moments.

    Raises
    ------
    InputError
        For another name, and if the law of a or c is the constant 0 (no density).

    Notes
    -----
    Both are infinite at 0. O(1) for each value.

    References
    ----------
    Sahs et al. 2022, corollary 1; the kurtosis printed in appendix B.4 is corrected.

    Examples
    --------
    >>> import knotflow as kf
    >>> round(float(kf.initial.delta_slope_density("he", 50).std()), 12)
    0.282842712475
    """
    return joint_density(law, m, norm=norm, **scales).delta_slopes


def joint_density(
    law: str | Law, m: SupportsIndex | None = None, *, norm: float = 1.0, **scales: float
) -> JointDensity:
    """The joint density of knot and delta-slope of one neuron.

    For a Gaussian law, for example, exp(-|u| q / (s_a s_b s_c)) / (2 pi s_c q) with q = sqrt(s_b^2 + s_a^2 x^2); see
    `JointDensity`.

    Parameters
    ----------
    law : str or Law
        A `Law`, or the name of one: "pytorch", "he", "glorot", "gaussian", "uniform".
    m : int, optional
        The width, for a name; "gaussian" and "uniform" do not need it.
    norm : float, default 1.0
        Of the network, > 0.
    **scales : float
        What the law of that name takes, for example sigma_b.

    Returns
    -------
    JointDensity

    Raises
    ------
    InputError
        For another name, and if the law of a, b or c is the constant 0 (no density).

    Notes
    -----
    O(1) for each value.

    References
    ----------
    Sahs et al. 2022, theorem 1.

    Examples
    --------
    >>> import knotflow as kf
    >>> kf.initial.joint_density("uniform").pdf(0.0, [0.25, 0.5]).round(12)
    array([0.1875, 0.125 ])
    """
    return JointDensity(named_law(law, m, scales), norm)


@dataclass(frozen=True)
@immutable
class JointDensity:
    """The law of (knot, delta-slope) = (b/a, c a/norm) of one neuron whose a, b, c follow `law`.

        Gaussian  exp(-|u| q / (s_a s_b s_c)) / (2 pi s_c q),      q = sqrt(s_b^2 + s_a^2 x^2)
        uniform   (h - |u|/k_c)_+ / (4 k_a k_b k_c),               h = min(k_b/|x|, k_a)

    at the knot x and the delta-slope u, with the scale of c divided by the norm.

    Parameters
    ----------
    law : Law
    norm : float, default 1.0

    Raises
    ------
    InputError
        If the law of a, b or c is the constant 0.

    Notes
    -----
    O(1) for each value.

    References
    ----------
    Sahs et al. 2022, theorem 1 and corollary 1.

    Examples
    --------
    >>> import knotflow as kf
    >>> joint = kf.initial.JointDensity(kf.laws.gaussian(1))
    >>> round(float(joint.delta_slopes_given(0.0).std()), 12)
    1.414213562373
    """

    law: Law
    norm: float = 1.0

    def __post_init__(self) -> None:
        instance("law", self.law, Law, "a Law, such as kf.laws.gaussian(m)")
        freeze(self, norm=number("norm", self.norm, above=0.0))
        for name, why in (("a", "there are no knots"), ("b", "every knot is at 0"), ("c", "every delta-slope is 0")):
            if getattr(self.law, name) == 0:
                raise InputError(f"the scale of {name} is 0: {why}, and there is no density")

    @property
    def _knot_scale(self) -> float:
        return self.law.b / self.law.a

    @property
    def _slope_scale(self) -> float:
        return self.law.a * self.law.c / self.norm

    @property
    def _gaussian(self) -> bool:
        return self.law.family == "gaussian"

    @property
    def knots(self) -> Any:
        """The marginal density of the knot, frozen."""
        return (even.cauchy if self._gaussian else even.uniform_quotient)(scale=self._knot_scale)

    @property
    def delta_slopes(self) -> Any:
        """The marginal density of the delta-slope, frozen."""
        return (even.normal_product if self._gaussian else even.uniform_product)(scale=self._slope_scale)

    def delta_slopes_given(self, knot: ArrayLike) -> Any:
        """The density of the delta-slope at a knot x, or at an array of them, frozen.

        Gaussian  Laplace with scale s_a s_b s_c / q
        uniform   symmetric triangle on [-k_c h, k_c h]
        """
        x = np.abs(numbers("knot", knot)) / self._knot_scale
        if self._gaussian:
            return even.laplace(scale=self._slope_scale / np.hypot(1, x))
        return even.triangle(scale=self._slope_scale / np.maximum(1, x))

    def knots_given(self, delta_slope: ArrayLike) -> Any:
        """The density of the knot given u = `delta_slope`, a number or an array of them, frozen.

        With k = |u| / (s_a s_c), norm included, and z = x / (s_b / s_a):

            Gaussian  exp(-k sqrt(1 + z^2)) / (2 K_0(k) sqrt(1 + z^2)) dz, all moments exist
            uniform   (min(1, 1/|z|) - k)_+ / (2 log(1/k)) dz

        Raises InputError at u = 0, where the limit has no density, and for uniform laws if k >= 1.
        """
        k = np.abs(numbers("delta_slope", delta_slope)) / self._slope_scale
        if np.any(k == 0):
            raise InputError("delta_slope is 0: the knots given it have no density; take it away from 0")
        if not self._gaussian and np.any(k >= 1):
            raise InputError(f"delta_slope is outside the bound {self._slope_scale:g}: its size must be less")
        return (even.normal_knot if self._gaussian else even.uniform_knot)(k, scale=self._knot_scale)

    def logpdf(self, knot: ArrayLike, delta_slope: ArrayLike) -> Array:
        """log of the density at (knot, delta_slope), broadcast against each other; finite far in the tails."""
        knot, delta_slope = numbers("knot", knot), numbers("delta_slope", delta_slope)
        fitting(knot=knot, delta_slope=delta_slope)
        with np.errstate(over="ignore"):  # far away the density is 0
            return np.asarray(self.knots.logpdf(knot) + self.delta_slopes_given(knot).logpdf(delta_slope))[()]

    def pdf(self, knot: ArrayLike, delta_slope: ArrayLike) -> Array:
        """The density at (knot, delta_slope)."""
        with np.errstate(under="ignore"):
            return np.exp(self.logpdf(knot, delta_slope))

    def rvs(self, size: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """`size` knots and their delta-slopes, drawn as pairs with `rng`. O(size)."""
        rng = generator(rng)
        size = count("size", size)
        knots = self.knots.rvs(size, random_state=rng)
        return knots, self.delta_slopes_given(knots).rvs(random_state=rng, size=size)
