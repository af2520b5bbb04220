"""What networks turn into: splines through or near the data, one member of the family a file.

    natural          least int f''^2 through the data: wide networks in the kernel regime, if knots are spread evenly
    weighted         least int f''^2 / nu: the same for any initialiser or density
    smoothing        least squares + lam int f''^2: the kernel regime before its end
    linear           straight between the data: one of the least int |f''| through them
    tv               least squares + lam int |f''|: the adaptive regime; with the canonical weight, that of networks
    Spline           what all of them return: callable, with `knots`, `derivative` and `integral`
    SmoothingSpline  the `Spline` of `smoothing`, with `lam`, `penalty`, `df` and `gcv`; `band` says how sure it is
    Band             what that returns: the lower and the upper edge
    TVSpline         the `Spline` of `tv`, with `lam`, `penalty`, `norm`, `objective`, `gap` and `network()`
    compare          how far a network or any function is from each of them, as a `Distance`

Every member takes `Samples` first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from knotflow._lazy import lazy
from knotflow.splines.bands import Band
from knotflow.splines.linear import linear
from knotflow.splines.natural import natural
from knotflow.splines.smoothing import SmoothingSpline, smoothing
from knotflow.splines.spline import Spline
from knotflow.splines.tv import TVSpline, tv
from knotflow.splines.weighted import weighted

if TYPE_CHECKING:
    from knotflow.compare.distance import Distance
    from knotflow.compare.distance import distances as compare

__all__ = [
    "Band",
    "Distance",
    "SmoothingSpline",
    "Spline",
    "TVSpline",
    "compare",
    "linear",
    "natural",
    "smoothing",
    "tv",
    "weighted",
]

# The comparison lies above this room: it is loaded by name.
_, __getattr__, __dir__ = lazy(
    __name__,
    {},
    here=__all__,
    elsewhere={"compare": "knotflow.compare.distance:distances", "Distance": "knotflow.compare.distance:Distance"},
)
