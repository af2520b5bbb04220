"""knotflow: how gradient descent trains a one-hidden-layer ReLU network with one input.

    f(x) = bias + (1/norm) * sum_i c_i * max(a_i x - b_i, 0)        L = 1/2 sum_j (f(x_j) - y_j)^2

Everything public is listed here. Names load on first use, so that ``import knotflow`` is light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import knotflow.deep as deep
    import knotflow.multivariate as multivariate
    from knotflow import (
        dynamics,
        initial,
        kernels,
        landscape,
        papers,
        plots,
        report,
        segmented,
        splines,
        views,
    )
    from knotflow.dynamics import (
        SGD,
        Adam,
        CanonicalFlow,
        GradientDescent,
        GradientFlow,
        LazyFlow,
        MeanFieldFlow,
        Trajectory,
        evolve,
        gradient,
        gradient_flow_gap,
        load_trajectory,
        stability_limit,
    )
    from knotflow.errors import DivergenceWarning, InputError, KnotflowError, StabilityWarning
    from knotflow.fitting import Fit, fit
    from knotflow.network import ReLUNet
    from knotflow.plots.animate import animate
    from knotflow.samples import Samples, targets

_ROOMS = (
    "deep",
    "dynamics",
    "initial",
    "kernels",
    "landscape",
    "multivariate",
    "papers",
    "plots",
    "report",
    "segmented",
    "splines",
    "views",
)
_NAMES = {
    "Samples": "samples",
    "targets": "samples",
    "ReLUNet": "network",
    "evolve": "dynamics",
    "gradient": "dynamics",
    "stability_limit": "dynamics",
    "GradientDescent": "dynamics",
    "GradientFlow": "dynamics",
    "CanonicalFlow": "dynamics",
    "MeanFieldFlow": "dynamics",
    "LazyFlow": "dynamics",
    "gradient_flow_gap": "dynamics",
    "SGD": "dynamics",
    "Adam": "dynamics",
    "Trajectory": "dynamics",
    "load_trajectory": "dynamics",
    "animate": "plots",
    "fit": "fitting",
    "Fit": "fitting",
    "KnotflowError": "errors",
    "InputError": "errors",
    "StabilityWarning": "errors",
    "DivergenceWarning": "errors",
}

__all__ = [
    "SGD",
    "Adam",
    "CanonicalFlow",
    "DivergenceWarning",
    "Fit",
    "GradientDescent",
    "GradientFlow",
    "InputError",
    "KnotflowError",
    "LazyFlow",
    "MeanFieldFlow",
    "ReLUNet",
    "Samples",
    "StabilityWarning",
    "Trajectory",
    "animate",
    "deep",
    "dynamics",
    "evolve",
    "fit",
    "gradient",
    "gradient_flow_gap",
    "initial",
    "kernels",
    "landscape",
    "load_trajectory",
    "multivariate",
    "papers",
    "plots",
    "report",
    "segmented",
    "splines",
    "stability_limit",
    "targets",
    "views",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return importlib.import_module(f"knotflow.{name}")
    if name in _NAMES:
        value = getattr(importlib.import_module(f"knotflow.{_NAMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'knotflow' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
