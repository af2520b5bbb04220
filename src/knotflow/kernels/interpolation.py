"""Interpolation and smoothing with a kernel, in closed form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from knotflow._checks import extent, number, numbers
from knotflow.data import Distinct, Samples
from knotflow.errors import InputError
from knotflow.kernels import linear
from knotflow.kernels.limit import RandomFeatures

Array = NDArray[np.float64]
Kernel = Callable[[Array, Array], Array]

_EPS = np.finfo(np.float64).eps


@dataclass(frozen=True, eq=False, repr=False)
class KernelInterpolant:
    """f(z) = sum_j k_j K(z, x_j) + slope z + constant, from a dense solve. O(s) for each z.

    x             (s,) the distinct samples' places; values (s,): f there
    coefficients  (s,) k
    affine        (slope, constant), 0 if there is no affine part
    norm_squared  k^T K k
    """

    kernel: Kernel
    x: Array
    values: Array
    coefficients: Array
    affine: tuple[float, float]
    norm_squared: float

    def __call__(self, z: ArrayLike) -> Array:
        z = numbers("x", z)
        flat = z.ravel()
        f = gram(self.kernel, flat, self.x) @ self.coefficients + self.affine[0] * flat + self.affine[1]
        return f.reshape(z.shape)[()]

    def __repr__(self) -> str:
        return f"KernelInterpolant({len(self.x)} samples in {extent(self.x)})"


def interpolate(
    kernel: Kernel, data: Samples, nugget: float = 0.0, affine: bool = False
) -> linear.KernelSpline | KernelInterpolant:
    """The minimum of ||f - affine part||_K^2 over f that go through the data; with a nugget, of that +
    (1/nugget) sum_j w_j (f(x_j) - y_j)^2.

        f = sum_j k_j K(x_j, .) + slope x + constant,    (K + nugget diag(1/w)) k + X (slope, constant) = y,  X^T k = 0

    kernel   of `rf`, `ntk`, `empirical_ntk`, or any function that takes (n,) and (s,) and gives the matrix (n, s)
    nugget   >= 0: f need not go through the data, and repeated x are averaged
    affine   whether f has a slope and a constant that cost nothing, the skip connection of a network

    Without a nugget f is where the kernel's gradient flow from f = 0 ends, whatever norm and m. With `rf` and an affine
    part it is the weighted natural spline, argmin int f''^2 / nu; that is the natural cubic spline where nu is constant
    over the data ("rademacher", "uniform" and "uniform_knots" that reach over them), and only there. Without the affine
    part it comes close to that as the knots spread: at the distance O(1/B).

    Cost: O(s) for `rf` of any law, s = 1,000,000 included; O(s^3) for other kernels.
    Source: Williams et al. 2019, eqs. (15) and (16) and Theorem 5, mended. Raises InputError for repeated x with
    different y and no nugget, and for a Gram matrix that is singular to rounding.
    """
    points = points_of(data)
    size = number("nugget", nugget)
    if size < 0:
        raise InputError(f"nugget is {size:g}: it must be at least 0")
    if size == 0 and points.within > 0:
        raise _repeated(data)
    noise = size / points.weight
    if isinstance(kernel, RandomFeatures):
        return linear.solve(kernel.law, points.x, points.y, noise, affine)
    return _dense(kernel, points, noise, affine)


def points_of(data: Samples) -> Distinct:
    if not isinstance(data, Samples):
        raise InputError(f"data is of type {type(data).__name__}: it must be Samples, made by Samples(x, y)")
    return data.distinct


def _repeated(data: Samples) -> InputError:
    same = np.diff(data.x) == 0
    j = int(np.argmax(same & (np.diff(data.y) != 0)))
    return InputError(
        f"data has x = {data.x[j]:g} with y = {data.y[j]:g} and y = {data.y[j + 1]:g}: no function goes through both."
        " Take the means, Samples(data.distinct.x, data.distinct.y, data.distinct.weight), or smooth with nugget > 0"
    )


def gram(kernel: Kernel, x: Array, x2: Array) -> Array:
    """kernel(x, x2) as a matrix, or InputError."""
    if not callable(kernel):
        raise InputError(f"kernel is {kernel!r}: it must be a function of x and x2, as kf.kernels.rf(init) is")
    matrix = np.asarray(kernel(x, x2), dtype=float)
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
