"""Laws: distributions of a neuron's parameters.

    drawn         Law: independent gaussian or uniform a, b, c and output bias, with `draw(m, rng)`;
                  pytorch, he, glorot, gaussian, uniform: those of the usual initialisers, for a width m
    knot_law      KnotLaw: a law of (a, b) and E[c^2] as kernels, interpolants and norms at infinite width need it
    closed_form   Gaussian, Uniform, UniformKnots: knot laws with closed forms
    quadrature    Placed, Independent: knot laws of any density
    integration   the integrals behind those
    even          symmetric one-dimensional distributions with exact tails, behind `kf.initial.knot_density`

`Law.knot_law()` leads from the first to the second. Wherever a law is asked for, an initialiser or its name will do:
`kf.initial.law` finds what it draws from.
"""

from __future__ import annotations

from knotflow.laws.closed_form import Gaussian, Uniform, UniformKnots
from knotflow.laws.drawn import Law, gaussian, glorot, he, pytorch, uniform
from knotflow.laws.knot_law import KnotLaw
from knotflow.laws.quadrature import Independent, Placed

__all__ = [
    "Gaussian",
    "Independent",
    "KnotLaw",
    "Law",
    "Placed",
    "Uniform",
    "UniformKnots",
    "gaussian",
    "glorot",
    "he",
    "pytorch",
    "uniform",
]
