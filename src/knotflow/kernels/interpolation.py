"""Interpolation and smoothing with a kernel, in closed form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import overload

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from knotflow._checks import extent, flag, function, in_range, number, numbers
from knotflow._deprecated import keyword_only
from knotflow._typing import Array
from knotflow._values import immutable
from knotflow.data import Distinct, Samples
from knotflow.data.samples import given
from knotflow.errors import InputError
from knotflow.kernels.kernel_spline import KernelSpline, solve
from knotflow.kernels.limit import RandomFeatures

__all__ = ["Kernel", "KernelInterpolant", "gram", "interpolate"]

Kernel = Callable[[Array, Array], Array]

_EPS = np.finfo(np.float64).eps


@dataclass(frozen=True, eq=False, repr=False)
@immutable
class KernelInterpolant:
    """f(z) = sum_j k_j K(z, x_j) + slope z + constant, from a dense solve.

    Attributes
    ----------
    kernel : callable
        K.
    x : (s,) ndarray
        The places of the distinct samples.
    values : (s,) ndarray
        f there.
    coefficients : (s,) ndarray
        k.
    affine : (float, float)
        (slope, constant), 0 if there is no affine part.
    norm_squared : float
        k^T K k.

    Notes
    -----
    O(s) for each z.

    Examples
    --------
    >>> import knotflow as kf
    >>> f = kf.kernels.interpolate(kf.kernels.ntk("gaussian"), kf.Samples([-1, 0, 1], [0, -1, 1]))
    >>> f
    KernelInterpolant(3 samples in [-1, 1])
    >>> f([-1, 0, 1]).round(9) + 0.0
    array([ 0., -1.,  1.])
    """

    kernel: Kernel
    x: Array
    values: Array
    coefficients: Array
    affine: tuple[float, float]
    norm_squared: float

    def __call__(self, z: ArrayLike) -> Array:
        """f(z), in the shape of z."""
        z = numbers("z", z)
        flat, (slope, constant) = z.ravel(), self.affine
        f = in_range("z", flat, lambda: gram(self.kernel, flat, self.x) @ self.coefficients + slope * flat + constant)
        return f.reshape(z.shape)[()]

    def __repr__(self) -> str:
        return f"KernelInterpolant({len(self.x)} samples in {extent(self.x)})"


@overload
def interpolate(
    kernel: RandomFeatures, data: Samples, nugget: float = 0.0, *, affine: bool = False
) -> KernelSpline: ...
@overload
def interpolate(
    kernel: Kernel, data: Samples, nugget: float = 0.0, *, affine: bool = False
) -> KernelSpline | KernelInterpolant: ...
@keyword_only("affine")
def interpolate(
    kernel: Kernel, data: Samples, nugget: float = 0.0, *, affine: bool = False
) -> KernelSpline | KernelInterpolant:
    """The function of least norm through the data, or near them: where training at infinite width ends.

    It minimises ||f - affine part||_K^2 over all f that go through the data; with a nugget, the sum of that and
    (1/nugget) sum_j w_j (f(x_j) - y_j)^2.

        f = sum_j k_j K(x_j, .) + slope x + constant,    (K + nugget diag(1/w)) k + X (slope, constant) = y,  X^T k = 0

    Parameters
    ----------
    kernel : callable
        Of `rf`, `ntk`, `empirical_ntk`, or any function that takes (n,) and (s,) and gives the matrix (n, s).
    data : Samples
        s distinct x.
    nugget : float
        >= 0. If it is not 0, f need not go through the data, and repeated x are averaged.
    affine : bool
        Whether f has a slope and a constant that cost nothing, the skip connection of a network.

    Returns
    -------
    KernelSpline or KernelInterpolant
        f, callable: a KernelSpline for a kernel of `rf`.

    Raises
    ------
    InputError
        For repeated x with different y and no nugget, and for a Gram matrix that is singular to rounding.

    Notes
    -----
    O(s) for `rf` of any law; O(s^3) for other kernels.

    Without a nugget f is where the kernel's gradient flow from f = 0 ends, whatever norm and m. With `rf` and an affine
    part it is the weighted natural spline, argmin int f''^2 / nu; that is the natural cubic spline where nu is constant
    over the data ("rademacher", "uniform" and "uniform_knots" that reach over them), and only there. Without the affine
    part it approaches that one as the knots spread over (-B, B): at the distance O(1/B).

    References
    ----------
    Williams et al. 2019, eqs. (15) and (16) and Theorem 5, corrected.

    Examples
    --------
    >>> import knotflow as kf
    >>> data = kf.Samples([-1, 0, 0.5, 1], [0, -1, 0, 1])
    >>> kernel = kf.kernels.rf("uniform")
    >>> f = kf.kernels.interpolate(kernel, data, affine=True)
    >>> f([-0.5, 0.25]).round(4), kf.splines.natural(data)([-0.5, 0.25]).round(4)
    (array([-0.8913, -0.5734]), array([-0.8913, -0.5734]))
    >>> kf.kernels.interpolate(kernel, data)([-0.5, 0.25]).round(4)
    array([-0.8655, -0.5776])
    """
    data = given(data)
    points, affine = data.distinct, flag("affine", affine)
    size = number("nugget", nugget, least=0.0)
    if size == 0 and points.within > 0:
        raise _repeated(data)
    noise = in_range("nugget", size, lambda: size / points.weight)
    if isinstance(kernel, RandomFeatures):
        return solve(kernel.law, points.x, points.y, noise, affine)
    return _dense(kernel, points, noise, affine)


def _repeated(data: Samples) -> InputError:
    same = np.diff(data.x) == 0
    j = int(np.argmax(same & (np.diff(data.y) != 0)))
    return InputError(
        f"data has x = {data.x[j]:g} with y = {data.y[j]:g} and y = {data.y[j + 1]:g}: no function goes through both."
        " Take the means, Samples(data.distinct.x, data.distinct.y, data.distinct.weight), or smooth with nugget > 0"
    )


def gram(kernel: Kernel, x: Array, x2: Array) -> Array:
    """kernel(x, x2) as a matrix, or InputError."""
    function("kernel", kernel, "x and x2, as kf.kernels.rf(init) is", 2)
    matrix = numbers("kernel(x, x2)", kernel(x, x2))
    if matrix.shape != (x.size, x2.size):
        raise InputError(
            f"kernel(x, x2) has shape {matrix.shape} for x of shape {x.shape} and x2 of shape {x2.shape}: it must have"
            f" shape {(x.size, x2.size)}, all pairs; for a formula k(x, x2) pass lambda x, z: k(x[:, None], z)"
        )
    return matrix


def _dense(kernel: Kernel, points: Distinct, noise: Array, affine: bool) -> KernelInterpolant:
    x, y = points.x, points.y
    K = gram(kernel, x, x)
    matrix = K + np.diag(noise)
    scale = np.sqrt(np.diag(matrix))
    if not np.all(scale > 0):
        raise _singular(f"K(x, x) is {matrix[(j := int(np.argmin(scale > 0))), j]:g} at x = {x[j]:g}")
    try:
        factor = cho_factor(matrix / np.multiply.outer(scale, scale), lower=True)
    except LinAlgError:
        raise _singular("a pivot is not positive") from None
    pivots = np.abs(np.diag(factor[0]))
    if pivots.min() ** 2 < 4 * len(x) * _EPS:
        raise _singular(f"a pivot is {pivots.min() ** 2:.1e}, no more than rounding")

    def solve(right: Array) -> Array:
        return (cho_solve(factor, (right.T / scale).T).T / scale).T

    slope = constant = 0.0
    middle, half = (x[0] + x[-1]) / 2, (x[-1] - x[0]) / 2
    if affine:
        basis = np.stack([(x - middle) / half, np.ones_like(x)], axis=1)
        spread = solve(basis)
        steepness, level = np.linalg.solve(basis.T @ spread, spread.T @ y)
        slope, constant = float(steepness) / half, float(level - steepness * middle / half)
    k = solve(y - slope * x - constant)
    h = K @ k
    return KernelInterpolant(kernel, x, h + slope * x + constant, k, (slope, constant), float(k @ h))


def _singular(why: str) -> InputError:
    return InputError(
        f"the Gram matrix is singular ({why}): some samples cannot be told apart by this kernel. Smooth with"
        " nugget > 0, drop or average samples, or take a kernel of more knots"
    )
