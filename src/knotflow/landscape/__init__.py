"""What the loss looks like around a network.

    slices            loss_slice: the loss along one knot, exact and piecewise quadratic
    sections          knot_section, loss_section: the loss in two dimensions
    knots             knot_types, knot_velocities, psi: what samples do to knots
    critical          is_critical, critical_point
    partitions        partition, lonely_samples, is_lonely; lonely_knots and lonely_minimum make a global minimum
                      with a given lonely partition
    lonely_chances    partition_count, lonely_partition_count, lonely_probability, lonely_share,
                      expected_lonely_share
    delta_slopes      delta_slope_hessian: the loss in the delta-slopes alone
    hessian           hessian, jacobian, HessianProduct
    spectrum          hessian_spectrum, sharpness, stable_learning_rate
    null_space        null_space: the directions without curvature, by cause
    rank              hessian_rank: by counting

    hessian_product   compiled: the product in O(m + s)
    places            which knots are at samples, up to rounding: one rule for all of these

The loss is that of `ReLUNet.loss`, 1/2 sum_j w_j (f(x_j) - y_j)^2, and the residual f(x_j) - y_j. Parameter vectors
hold a, b, c one after the other and the bias last. Where samples share an x, functions of samples are on the
distinct x.

`train` says which parameters count. What describes L as a function (its Hessian, spectrum and critical points) takes
all of {"a", "b", "c", "bias"} unless it is told otherwise; what describes a motion (`knot_velocities`,
`kf.stability_limit`) takes {"a", "b", "c"}, as the methods of `kf.evolve` do. `rtol` says what counts as 0 beside the
terms that cancel; the unit of x and y drops out. It is 1e-9 where sums are compared and 1e-10 where eigenvalues are.
"""

from knotflow.landscape.critical import CriticalPoint, critical_point, is_critical
from knotflow.landscape.delta_slopes import DeltaSlopeHessian, delta_slope_hessian
from knotflow.landscape.hessian import HessianProduct, hessian, jacobian
from knotflow.landscape.knots import knot_types, knot_velocities, psi
from knotflow.landscape.lonely_chances import (
    Chance,
    expected_lonely_share,
    lonely_partition_count,
    lonely_probability,
    lonely_share,
    partition_count,
)
from knotflow.landscape.null_space import NullSpace, null_space
from knotflow.landscape.partitions import is_lonely, lonely_knots, lonely_minimum, lonely_samples, partition
from knotflow.landscape.rank import hessian_rank
from knotflow.landscape.sections import Section, knot_section, loss_section
from knotflow.landscape.slices import LossSlice, Minima, loss_slice
from knotflow.landscape.spectrum import Spectrum, hessian_spectrum, sharpness, stable_learning_rate

__all__ = [
    "Chance",
    "CriticalPoint",
    "DeltaSlopeHessian",
    "HessianProduct",
    "LossSlice",
    "Minima",
    "NullSpace",
    "Section",
    "Spectrum",
    "critical_point",
    "delta_slope_hessian",
    "expected_lonely_share",
    "hessian",
    "hessian_rank",
    "hessian_spectrum",
    "is_critical",
    "is_lonely",
    "jacobian",
    "knot_section",
    "knot_types",
    "knot_velocities",
    "lonely_knots",
    "lonely_minimum",
    "lonely_partition_count",
    "lonely_probability",
    "lonely_samples",
    "lonely_share",
    "loss_section",
    "loss_slice",
    "null_space",
    "partition",
    "partition_count",
    "psi",
    "sharpness",
    "stable_learning_rate",
]
