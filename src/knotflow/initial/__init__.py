"""Where networks start.

    by law       pytorch, he, glorot, gaussian, uniform: called with (m, rng)
    by knots     uniform_knots: knots spread over an interval;  spiky: through given points
                 curvature_knots: where a target bends
    init_scale   (a, b, c) -> (alpha a, alpha b, c / alpha), from any start

and what theory says of a start drawn from a law, before it is drawn:

    knot_density, delta_slope_density, joint_density   distributions in the manner of scipy.stats
    roughness                                          its mean, variance, tail bound, and simulation

    law                                                the law of kf.laws that a name or a function means

`INITIALISERS` lists the starts with their citations. Every one takes `norm`. A law is that of (a, b, c) as
named, whatever the norm: a norm other than 1 divides the function. Only `spiky` has its c absorb the
norm, to realise its function. The laws themselves are in `kf.laws`.

drawn       pytorch, he, glorot, gaussian, uniform
placed      uniform_knots, spiky
adapted     curvature_knots
scale       init_scale
roughness   the law of the roughness at the start
densities   densities of knots and delta-slopes
registry    INITIALISERS: the starts as data
resolve     what a user may call a law by
weight      nu, the weight of the kernel regime (public as kf.kernels.nu)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from knotflow._lazy import lazy
from knotflow.initial.adapted import curvature_knots
from knotflow.initial.drawn import gaussian, glorot, he, pytorch, uniform
from knotflow.initial.placed import spiky, uniform_knots
from knotflow.initial.registry import INITIALISERS, Initialiser
from knotflow.initial.resolve import law
from knotflow.initial.roughness import InitialRoughness, roughness
from knotflow.initial.scale import init_scale
from knotflow.laws.drawn import Law

if TYPE_CHECKING:
    from knotflow.initial.densities import JointDensity, delta_slope_density, joint_density, knot_density

__all__ = [
    "INITIALISERS",
    "InitialRoughness",
    "Initialiser",
    "JointDensity",
    "Law",
    "curvature_knots",
    "delta_slope_density",
    "gaussian",
    "glorot",
    "he",
    "init_scale",
    "joint_density",
    "knot_density",
    "law",
    "pytorch",
    "roughness",
    "spiky",
    "uniform",
    "uniform_knots",
]

# These need scipy.stats, which nothing that only starts a network should load.
_, __getattr__, __dir__ = lazy(
    __name__, {"densities": ("JointDensity", "delta_slope_density", "joint_density", "knot_density")}, here=__all__
)
