"""Where networks start.

    by law       pytorch, he, glorot, gaussian, uniform: called with (m, rng)
    by knots     uniform_knots: knots spread over an interval;  spiky: through given points
    init_scale   (a, b, c) -> (alpha a, alpha b, c / alpha), from any start

`INITIALISERS` lists them with their citations. Every one takes `norm`. A law is that of (a, b, c) as
named, whatever the norm: a norm other than 1 divides the function. Only `spiky` has its c absorb the
norm, to realise its function.
"""

from knotflow.initial.laws import Law
from knotflow.initial.placed import spiky, uniform_knots
from knotflow.initial.random import gaussian, glorot, he, pytorch, uniform
from knotflow.initial.registry import INITIALISERS, Initialiser
from knotflow.initial.scale import init_scale

__all__ = [
    "INITIALISERS",
    "Initialiser",
    "Law",
    "gaussian",
    "glorot",
    "he",
    "init_scale",
    "pytorch",
    "spiky",
    "uniform",
    "uniform_knots",
]
