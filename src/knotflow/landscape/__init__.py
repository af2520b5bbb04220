"""What the loss looks like around a network.

    along one knot       loss_slice (exact, piecewise quadratic), knot_types, psi, knot_velocities
    in two dimensions    knot_section, loss_section
    critical points      is_critical, critical_point; partition, lonely_samples, is_lonely, partition_count,
                         lonely_partition_count, lonely_probability, lonely_share, expected_lonely_share;
                         lonely_knots and lonely_minimum make a global minimum with a given lonely partition
    second derivatives   hessian, HessianProduct, jacobian; hessian_spectrum, sharpness, stable_learning_rate;
                         null_space, hessian_rank; delta_slope_hessian

The loss is that of `ReLUNet.loss`, 1/2 sum_j w_j (f(x_j) - y_j)^2, and the residual f(x_j) - y_j. Parameter vectors
hold a, b, c one after the other and the bias last. Where samples share an x, functions of samples are on the
distinct x.
"""

from knotflow.landscape.critical import CriticalPoint, critical_point, is_critical
from knotflow.landscape.delta_slopes import DeltaSlopeHessian, delta_slope_hessian
from knotflow.landscape.hessian import HessianProduct, hessian, jacobian
from knotflow.landscape.knots import knot_types, knot_velocities, psi
from knotflow.landscape.null_space import NullSpace, null_space
from knotflow.landscape.partitions import (
    Chance,
    expected_lonely_share,
    is_lonely,
    lonely_knots,
    lonely_minimum,
    lonely_partition_count,
    lonely_probability,
    lonely_samples,
    lonely_share,
    partition,
    partition_count,
)
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
