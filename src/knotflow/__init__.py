"""knotflow: how gradient descent trains a one-hidden-layer ReLU network with one input.

    f(x) = bias + (1/norm) * sum_i c_i * max(a_i x - b_i, 0)        L = 1/2 sum_j (f(x_j) - y_j)^2

Everything public is listed here. Names load on first use, so that ``import knotflow`` is light. Their types are in
`__init__.pyi`, which `make stubs` writes from this list.
"""

from __future__ import annotations

from knotflow._lazy import lazy
from knotflow._version import __version__ as __version__

_WHERE = {
    "data": ("Samples", "datasets", "targets"),
    "network": ("ReLUNet",),
    "dynamics": (
        "SGD",
        "Adam",
        "CanonicalFlow",
        "GradientDescent",
        "GradientFlow",
        "LazyFlow",
        "MeanFieldFlow",
        "Trajectory",
        "evolve",
        "gradient",
        "gradient_flow_gap",
        "load_trajectory",
        "stability_limit",
    ),
    "plots": ("animate",),
    "fitting": ("Fit", "fit"),
    "errors": ("DivergenceWarning", "InputError", "KnotflowError", "StabilityWarning"),
}
_ROOMS = (
    "compare",
    "data",
    "deep",
    "dynamics",
    "estimators",
    "initial",
    "kernels",
    "landscape",
    "laws",
    "multivariate",
    "plots",
    "report",
    "segmented",
    "splines",
    "views",
)
_ELSEWHERE = {"papers": "knotflow_papers"}

__all__, __getattr__, __dir__ = lazy(__name__, _WHERE, _ROOMS, elsewhere=_ELSEWHERE)
