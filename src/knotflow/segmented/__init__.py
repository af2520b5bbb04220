"""How well descent could have done: piecewise linear fits that are optimal, or nearly so.

    optimal            the fit with k pieces of least error, by dynamic programming; continuous, monotone, or neither
    path               the optimal fits with 1, ..., k pieces, for the cost of one
    greedy             a fit with a guarantee, by merging, in linear time (Acharya et al. 2016)
    choose             the optimal fit with as many pieces as BIC or cross-validation calls for
    bic                the Bayesian information criterion of a fit
    cross_validation   the error of optimal fits on samples left out, by the number of pieces
    Segments           what all of them return

`Segments` has the knots, slopes, values and error of a fit. It is callable; `Segments.network()` is a network with this
function, and `Segments.of(net, data)` is the way back.
"""

from knotflow.segmented.choice import bic, choose, cross_validation
from knotflow.segmented.greedy import greedy
from knotflow.segmented.optimum import optimal, path
from knotflow.segmented.segments import Segments

__all__ = ["Segments", "bic", "choose", "cross_validation", "greedy", "optimal", "path"]
