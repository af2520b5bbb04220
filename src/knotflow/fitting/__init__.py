"""The short way in: data -> standardise, initialise, choose delta, train -> a network in the user's units.

fits         `fit` and what it returns, `Fit`
regimes      the three values of delta = c^2 - a^2 - b^2 that have a name
start        the network that training starts from
choices      the ways to train that have a name, each with its default learning rate
convergence  how far a run came
"""

from __future__ import annotations

from knotflow.fitting.choices import DYNAMICS
from knotflow.fitting.fits import Fit, fit
from knotflow.fitting.regimes import REGIMES, Regime
from knotflow.fitting.start import start_network

__all__ = ["DYNAMICS", "REGIMES", "Fit", "Regime", "fit", "start_network"]
