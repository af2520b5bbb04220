"""A trained network as a regressor, with a choice of when its training stops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from knotflow._checks import number
from knotflow._typing import Array
from knotflow.data import Samples
from knotflow.dynamics import GradientFlow, Trajectory, evolve, stability_limit
from knotflow.estimators.base import Univariate
from knotflow.estimators.folds import parts
from knotflow.fitting.start import start_network
from knotflow.network import ReLUNet

__all__ = ["ReLUFlowRegressor"]

_TRIED = np.geomspace(1.0, 1e5, 51)  # stopping times, in units of the fastest mode's time at the start


class ReLUFlowRegressor(Univariate):
    """A ReLU network of one hidden layer, trained by the exact gradient flow to a time.

    f(x) = bias + (1/norm) sum_i c_i max(a_i x - b_i, 0),  d(a, b, c)/dt = -grad L,  L = 1/2 sum_j w_j (f(x_j) - y_j)^2.

    Parameters
    ----------
    time : float, optional
        When training stops: the time t of the flow, >= 0, on data of mean 0 and standard deviation 1. None, the
        default, stops early: of 51 times the one with the least cross-validated error.
    regime : {"between", "kernel", "adaptive"}
        delta = c^2 - a^2 - b^2 of every neuron at the start: -1, -10 000 or 10 000.
    width : int
        Number of neurons, m.
    init : str
        How they are drawn: "pytorch", "he", "glorot", "gaussian", "uniform" or "uniform_knots".
    rtol : float
        Accuracy of the flow.
    folds : int
        For the choice of the time: the j-th distinct x is left out of part j mod folds. At least 2.
    random_state : int, RandomState or None
        Of the draw; the default repeats itself.

    Attributes
    ----------
    net_ : ReLUNet
        In the units of the data.
    trajectory_ : Trajectory
        The training, on data of mean 0 and standard deviation 1.
    time_ : float
        The time that was given or chosen.
    times_ : ndarray of shape (51,)
        The times that were compared; only if the time was chosen.
    cv_errors_ : ndarray of shape (51,)
        The mean squared error there on samples that were left out, in the units of y^2; only if the time was chosen.
    n_features_in_ : int
        1.
    feature_names_in_ : ndarray of shape (1,)
        The name of the feature, if X had one.

    Notes
    -----
    One pass along the path gives all stopping times: the choice costs `folds` runs more. A step of the flow is O(m + s)
    for s distinct x. A part that holds the share p of the weight is compared at the time t / p, as the loss is a sum.

    References
    ----------
    Williams et al. 2019, equation (2) and section 3.

    Examples
    --------
    >>> from knotflow.estimators import ReLUFlowRegressor
    >>> model = ReLUFlowRegressor(time=50.0, width=20).fit([0.0, 1.0, 3.0], [1.0, 0.0, 2.0])
    >>> model.predict([0.0, 1.0, 3.0]).round(1)
    array([1., 0., 2.])
    """

    net_: ReLUNet
    trajectory_: Trajectory
    time_: float
    times_: Array
    cv_errors_: Array

    def __init__(
        self,
        time: float | None = None,
        *,
        regime: str = "between",
        width: int = 100,
        init: str = "pytorch",
        rtol: float = 1e-6,
        folds: int = 5,
        random_state: Any = 0,
    ) -> None:
        self.time = time
        self.regime = regime
        self.width = width
        self.init = init
        self.rtol = rtol
        self.folds = folds
        self.random_state = random_state

    def _fit_curve(self, data: Samples) -> Callable[[Array], Array]:
        standard, scaling = data.standardised()
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        net = start_network(standard, regime=self.regime, width=self.width, init=self.init, seed=seed)
        flow = GradientFlow(rtol=self.rtol)
        if self.time is None:
            self.times_ = _TRIED * stability_limit(net, standard) / 2
            self.cv_errors_ = _errors(net, standard, flow, self.times_, self.folds) * scaling.y_scale**2
            self.time_ = float(self.times_[np.argmin(self.cv_errors_)])
        else:
            self.time_ = number("time", self.time, least=0.0)
        self.trajectory_ = evolve(net, standard, flow, until=self.time_)
        self.net_ = self.trajectory_.final.in_units(scaling)
        return self.net_


def _errors(net: ReLUNet, data: Samples, flow: GradientFlow, times: Array, folds: object) -> Array:
    """The mean squared error on what is left out, at each time."""
    errors = np.zeros(len(times))
    for part in parts(data, folds):
        own = times / part.share
        run = evolve(net, part.train, flow, until=float(own[-1]), save_at=own)
        # A run that ends early stays where it is.
        saved = np.minimum(np.searchsorted(run.times, own * (1 - 1e-12)), len(run) - 1)
        errors += part.error(np.stack([run.net_at(k)(part.x) for k in saved]))
    return errors / data.weights.sum()
