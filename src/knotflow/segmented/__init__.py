"""How well descent could have done: piecewise linear fits that are optimal, or nearly so.

    optimal   the fit with k pieces of least error, by dynamic programming; continuous, monotone, or neither
    path      the optimal fits with 1, ..., k pieces, for the cost of one
    choose    the optimal fit with as many pieces as BIC or cross-validation calls for
    greedy    a fit with a guarantee, by merging, in linear time (Acharya et al. 2016)

All return `Segments`: knots, slopes, values and error of the fit, which is callable, and a network by `net()`;
`Segments.of(net, data)` is the way back.
"""

from knotflow.segmented.choice import bic, choose, cross_validation
from knotflow.segmented.greedy import greedy
from knotflow.segmented.optimum import optimal, path
from knotflow.segmented.segments import Segments

__all__ = ["Segments", "bic", "choose", "cross_validation", "greedy", "optimal", "path"]
