"""One network seen three ways. Every view is a frozen value and knows the way back, `to_net()`.

Canonical  r, theta and delta of each neuron: all there is to know about a network
BDSO       knot, delta-slope and orientation of each neuron: its function, neuron by neuron
CPWL       the function alone: sorted knots, values and slopes
"""

from knotflow.views.bdso import BDSO
from knotflow.views.canonical import Canonical
from knotflow.views.cpwl import CPWL

__all__ = ["BDSO", "CPWL", "Canonical"]
