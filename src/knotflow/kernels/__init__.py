"""Infinite width in closed form: kernels, what they interpolate and how they train, and the norm that they minimise.

    kernels         rf, ntk: of an initialiser; empirical_rf, empirical_ntk: of one network; nu: the norm's weight
    interpolation   interpolate: the end of training, in O(s) for rf; features, minimum_norm: the same at finite width
    training        lazy: the function at every time (`kf.LazyFlow` is that of a network)
    the norm        norm_squared, norm_parts
    laws            Gaussian, Uniform, UniformKnots, Placed, Independent: what an initialiser may be beside its name

Kernels are per neuron: m neurons, divided by norm, train with m / norm^2 times them, in the time t = lr * steps.

limit           kernels of laws
empirical       kernels of networks
linear          interpolation in O(s)
interpolation   `interpolate`, and the dense solve
paths           the flow of a kernel over time
norms           the squared norm of a function
features        minimum-norm solutions
"""

from __future__ import annotations

from knotflow.initial.resolve import law
from knotflow.initial.weight import Weight, nu, nu_minus, nu_plus
from knotflow.kernels.empirical import EmpiricalKernel, empirical_ntk, empirical_rf
from knotflow.kernels.features import FeatureMap, features, minimum_norm
from knotflow.kernels.interpolation import KernelInterpolant, interpolate
from knotflow.kernels.limit import RandomFeatures, Tangent, Terms, ntk, rf
from knotflow.kernels.linear import KernelSpline
from knotflow.kernels.norms import NormParts, norm_parts, norm_squared
from knotflow.kernels.paths import KernelPath, lazy
from knotflow.laws import Gaussian, Independent, KnotLaw, Placed, Uniform, UniformKnots

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
