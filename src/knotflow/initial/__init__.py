"""Where networks start.

    by law       pytorch, he, glorot, gaussian, uniform: called with (m, rng)
    by knots     uniform_knots: knots spread over an interval;  spiky: through given points
                 curvature_knots: where a target bends
    init_scale   (a, b, c) -> (alpha a, alpha b, c / alpha), from any start

and what theory says of a start drawn from a law, before it is drawn:

    knot_density, delta_slope_density, joint_density   distributions in the manner of scipy.stats
    roughness                                          its mean, variance, tail bound, and simulation

`INITIALISERS` lists them with their citations. Every one takes `norm`. A law is that of (a, b, c) as
named, whatever the norm: a norm other than 1 divides the function. Only `spiky` has its c absorb the
norm, to realise its function.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from knotflow.initial.adapted import curvature_knots
from knotflow.initial.laws import Law
from knotflow.initial.placed import spiky, uniform_knots
from knotflow.initial.random import gaussian, glorot, he, pytorch, uniform
from knotflow.initial.registry import INITIALISERS, Initialiser
from knotflow.initial.scale import init_scale

if TYPE_CHECKING:
    from knotflow.initial.densities import JointDensity, delta_slope_density, joint_density, knot_density
    from knotflow.initial.rough import InitialRoughness, roughness

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
    "pytorch",
    "roughness",
    "spiky",
    "uniform",
    "uniform_knots",
]

# These need SciPy, which nothing that only starts a network should load.
_LAZY = {
    "JointDensity": "densities",
    "delta_slope_density": "densities",
    "joint_density": "densities",
    "knot_density": "densities",
    "InitialRoughness": "rough",
    "roughness": "rough",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'knotflow.initial' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"knotflow.initial.{_LAZY[name]}"), name)
    globals()[name] = value
    return value
