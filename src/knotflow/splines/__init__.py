"""What networks turn into: splines through the data, one member of the family a file.

Every member takes `Samples` and returns a `Spline`: a callable with `knots`, `derivative` and `integral`.
"""

from __future__ import annotations

from knotflow.splines.linear import linear
from knotflow.splines.natural import natural
from knotflow.splines.spline import Spline

__all__ = ["Spline", "linear", "natural"]
