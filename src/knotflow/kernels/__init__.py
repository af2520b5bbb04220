"""Infinite width in closed form: kernels, what they interpolate and how they train, and the norm that they minimise.

    limit           rf, ntk: the kernels of an initialiser
    empirical       empirical_rf, empirical_ntk: the kernels of one network
    interpolation   interpolate: the end of training
    kernel_spline   KernelSpline: interpolants of random-feature kernels, in O(s)
    kernel_path     lazy: training at infinite width, at every time (`kf.LazyFlow` is that of a network)
    norms           norm_squared, norm_parts: the squared norm of a function
    features        features, minimum_norm: the end of training at finite width

What an initialiser may be beside its name: a law, one of Gaussian, Uniform, UniformKnots, Placed, Independent. `law`
finds the one that a name means. They come from `kf.laws` and `kf.initial`, as do nu, nu_plus and nu_minus, the weight
of the norm.

Kernels are per neuron: m neurons, divided by norm, train with m / norm^2 times them, in the time t = lr * steps.

Modules are loaded when a name of theirs is first used: kernels alone need no SciPy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from knotflow import _lazy
from knotflow.initial.resolve import law as law
from knotflow.initial.weight import Weight as Weight
from knotflow.initial.weight import nu as nu
from knotflow.initial.weight import nu_minus as nu_minus
from knotflow.initial.weight import nu_plus as nu_plus
from knotflow.kernels.features import FeatureMap as FeatureMap
from knotflow.kernels.features import features as features  # not lazy: the module has the same name
from knotflow.kernels.features import minimum_norm as minimum_norm
from knotflow.laws import Gaussian as Gaussian
from knotflow.laws import Independent as Independent
from knotflow.laws import KnotLaw as KnotLaw
from knotflow.laws import Placed as Placed
from knotflow.laws import Uniform as Uniform
from knotflow.laws import UniformKnots as UniformKnots

if TYPE_CHECKING:
    from knotflow.kernels.empirical import EmpiricalKernel, empirical_ntk, empirical_rf
    from knotflow.kernels.interpolation import KernelInterpolant, interpolate
    from knotflow.kernels.kernel_path import KernelPath, lazy
    from knotflow.kernels.kernel_spline import KernelSpline
    from knotflow.kernels.limit import RandomFeatures, Tangent, Terms, ntk, rf
    from knotflow.kernels.norms import NormParts, norm_parts, norm_squared

_WHERE = {
    "empirical": ("EmpiricalKernel", "empirical_ntk", "empirical_rf"),
    "interpolation": ("KernelInterpolant", "interpolate"),
    "kernel_path": ("KernelPath", "lazy"),
    "kernel_spline": ("KernelSpline",),
    "limit": ("RandomFeatures", "Tangent", "Terms", "ntk", "rf"),
    "norms": ("NormParts", "norm_parts", "norm_squared"),
}
__getattr__ = _lazy.lazy(__name__, _WHERE)[1]

__all__ = [
    "EmpiricalKernel",
    "FeatureMap",
    "Gaussian",
    "Independent",
    "KernelInterpolant",
    "KernelPath",
    "KernelSpline",
    "KnotLaw",
    "NormParts",
    "Placed",
    "RandomFeatures",
    "Tangent",
    "Terms",
    "Uniform",
    "UniformKnots",
    "Weight",
    "empirical_ntk",
    "empirical_rf",
    "features",
    "interpolate",
    "law",
    "lazy",
    "minimum_norm",
    "norm_parts",
    "norm_squared",
    "ntk",
    "nu",
    "nu_minus",
    "nu_plus",
    "rf",
]


def __dir__() -> list[str]:
    return __all__
