"""One network, seen four ways.

    relunet     ReLUNet: the parameters a, b, c, norm and bias, and what they mean
    canonical   Canonical: (r, theta) and delta of each neuron, all there is to know about a network
    bdso        BDSO: knot, delta-slope and orientation of each neuron, its function neuron by neuron
    cpwl        CPWL: the function alone, sorted knots, values and slopes

    parameters  what every view gives back (`lift`)
    function    where neurons switch, and the network's values
    torch       parameters from and to PyTorch modules
    subject     the check that something is a network and something its data, and what they give together

The views are plain records. A network has `canonical()`, `bdso()` and `cpwl()`; a view has `network()`.
"""

from __future__ import annotations

from knotflow.network.bdso import BDSO, Gauge
from knotflow.network.canonical import Canonical
from knotflow.network.cpwl import CPWL
from knotflow.network.relunet import ReLUNet

__all__ = ["BDSO", "CPWL", "Canonical", "Gauge", "ReLUNet"]
