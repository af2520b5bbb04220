"""Interpolation and smoothing with kernels: the linear-cost solve against dense linear algebra, SciPy and the sheet."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats
from scipy.interpolate import CubicSpline, make_smoothing_spline

import knotflow as kf
from knotflow.kernels import Gaussian, Independent, Placed, Uniform, UniformKnots

LAWS = {
    "gaussian": Gaussian(0.8, 1.1, 1.0),
    "uniform": Uniform(1.0, 0.7),
    "lopsided knots": UniformKnots(-2.0, 3.0, 0.3),
    "right-facing": UniformKnots(-2.0, 3.0, 1.0),
    "left-facing": UniformKnots(-2.0, 3.0, 0.0),
    "any knots": Placed(stats.norm(0, 1).pdf, right=0.7, rtol=1e-13),
    "without symmetry": Independent(stats.norm(0.2, 0.7), stats.gamma(2, -1), rtol=1e-12),
}
# Neighbouring samples of the papers' experiment.
X = np.linspace(-1, 1, 10)
SQUARE = kf.Samples(X, np.sign(np.sin(2 * np.pi * X + 0.4)))
FINE = np.linspace(-1, 1, 2001)
NATURAL = CubicSpline(SQUARE.x, SQUARE.y, bc_type="natural")


def dense(law, data, z, nugget, affine):
    """f(z), k and k^T K k by the augmented dense system, in the kernel's own terms."""
    kernel, (x, y, weight) = kf.kernels.rf(law), (data.distinct.x, data.distinct.y, data.distinct.weight)
    n, p = len(x), 2 if affine else 0
    basis = np.stack([x, np.ones(n)], 1)[:, :p]
    K = kernel(x)
    matrix = np.block([[K + nugget * np.diag(1 / weight), basis], [basis.T, np.zeros((p, p))]])
    solved = np.linalg.solve(matrix, np.concatenate([y, np.zeros(p)]))
    k, line = solved[:n], np.append(solved[n:], [0.0, 0.0])
    return kernel(z, x) @ k + line[0] * z + line[1], k, k @ K @ k


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("nugget", [0.0, 0.02])
def test_linear_cost_solve_is_the_dense_solve(name, affine, nugget):
    rng = np.random.default_rng(4)
    x = np.array([-1.3, -0.9, -0.75, 0.0, 0.2, 0.9, 1.4])
    data = kf.Samples(x, rng.normal(size=7), rng.uniform(0.5, 2, 7))
    z = np.concatenate([x, [-3.0, -1.9, -0.8, 0.1, 1.0, 2.9, 4.0]])
    f = kf.kernels.interpolate(kf.kernels.rf(LAWS[name]), data, nugget, affine=affine)
    values, k, norm = dense(LAWS[name], data, z, nugget, affine)
    tolerance = 1e-6 if nugget == 0 else 1e-10  # the dense matrix has a condition number of up to 1e8
    np.testing.assert_allclose(f(z), values, rtol=0, atol=tolerance * np.abs(values).max())
    np.testing.assert_allclose(f.coefficients, k, rtol=0, atol=tolerance * np.abs(k).max())
    assert f.norm_squared == pytest.approx(norm, rel=tolerance)


@given(
    st.lists(st.floats(-5, 5), min_size=2, max_size=8, unique=True),
    st.sampled_from(["gaussian", "uniform"]),
    st.booleans(),
    st.integers(0, 10**6),
)
def test_smoothing_anything_is_the_dense_solve(x, name, affine, seed):
    x = np.sort(x)
    assume(np.diff(x).min() > 1e-3)
    rng = np.random.default_rng(seed)
    data = kf.Samples(np.append(x, x[0]), rng.normal(size=len(x) + 1), rng.uniform(0.1, 3, len(x) + 1))
    z = np.concatenate([x, rng.uniform(-8, 8, 5)])
    f = kf.kernels.interpolate(kf.kernels.rf(LAWS[name]), data, 0.3, affine=affine)
    values = dense(LAWS[name], data, z, 0.3, affine)[0]
    np.testing.assert_allclose(f(z), values, rtol=0, atol=1e-9 * max(1, np.abs(values).max()))


@pytest.mark.parametrize(
    "kernel",
    [
        kf.kernels.rf("rademacher", B=1.0),
        kf.kernels.rf("rademacher", B=3.0),
        kf.kernels.rf("uniform"),
        kf.kernels.rf("uniform", bound_b=4.0),
        kf.kernels.rf(UniformKnots(-1.5, 1.0, 1.0)),
        kf.kernels.rf("uniform_knots", where=SQUARE),
    ],
)
def test_with_an_affine_part_and_constant_nu_it_is_the_natural_cubic_spline(kernel):
    f = kf.kernels.interpolate(kernel, SQUARE, affine=True)
    np.testing.assert_allclose(f(FINE), NATURAL(FINE), rtol=0, atol=1e-9)
    np.testing.assert_allclose(f(FINE, 1), NATURAL(FINE, 1), rtol=0, atol=1e-9)
    np.testing.assert_allclose(f.curvature(FINE), NATURAL(FINE, 2), rtol=0, atol=1e-9)
    outside = np.array([-1.5, 2.0])
    ends = NATURAL(np.sign(outside)) + NATURAL(np.sign(outside), 1) * (outside - np.sign(outside))
    np.testing.assert_allclose(f(outside), ends, rtol=0, atol=1e-9)


def test_at_a_hundred_thousand_samples_it_still_is_the_natural_cubic_spline():
    rng = np.random.default_rng(0)
    x = np.sort(rng.uniform(-1, 1, 100_000))
    data = kf.Samples(x, np.sin(9 * x))
    f = kf.kernels.interpolate(kf.kernels.rf("uniform"), data, affine=True)
    z = rng.uniform(-1, 1, 20_000)
    np.testing.assert_allclose(f(z), CubicSpline(x, data.y, bc_type="natural")(z), rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("make", "distances"),
    [
        (
            lambda B: kf.kernels.rf("rademacher", B=B),
            [3.26e-2, 6.77e-3, 2.52e-3, 1.13e-3, 5.40e-4, 2.65e-4, 1.31e-4, 6.54e-5, 8.35e-6, 8.34e-7, 8.3e-9],
        ),
        (
            lambda B: kf.kernels.rf("uniform", bound_b=B),
            [1.24e-2, 4.11e-3, 1.75e-3, 8.23e-4, 4.00e-4, 1.98e-4, 9.83e-5, 4.90e-5, 6.26e-6, 6.26e-7, 6.3e-9],
        ),
    ],
)
def test_the_plain_interpolant_comes_to_the_natural_spline_as_knots_spread(make, distances):
    for B, distance in zip([1, 2, 4, 8, 16, 32, 64, 128, 1e3, 1e4, 1e6], distances, strict=True):
        f = kf.kernels.interpolate(make(float(B)), SQUARE)
        assert np.abs(f(FINE) - NATURAL(FINE)).max() == pytest.approx(distance, rel=0.01)


def test_with_a_nugget_it_is_scipys_smoothing_spline():
    rng = np.random.default_rng(0)
    x = np.linspace(-1, 1, 1000) + rng.uniform(0, 5e-4, 1000)  # closer samples cost SciPy its digits
    x[-1] = 1.0
    data = kf.Samples(x, np.sin(9 * x) + 0.1 * rng.normal(size=1000), rng.uniform(0.5, 2, 1000))
    for nugget in (1e-6, 1e-4, 1e-3):
        f = kf.kernels.interpolate(kf.kernels.rf("uniform"), data, nugget, affine=True)
        rival = make_smoothing_spline(x, data.y, data.weights, lam=8 * nugget)  # nu = 1/8 on [-1, 1]
        np.testing.assert_allclose(f(x), rival(x), rtol=0, atol=1e-8)


def test_the_plain_interpolant_comes_to_the_natural_spline_for_gaussian_laws():
    for sigma, distance in ((1, 7.2e-2), (2, 2.4e-2), (8, 2.8e-3), (32, 4.2e-4), (128, 8.9e-5)):
        f = kf.kernels.interpolate(kf.kernels.rf("gaussian", sigma_b=float(sigma)), SQUARE)
        assert np.abs(f(FINE) - NATURAL(FINE)).max() == pytest.approx(distance, rel=0.02)


def test_end_curvatures_of_the_plain_interpolant():
    """Natural it is not: f''(x_s) = 2 nu [x_s gamma / E b^2 - beta / E a^2], as the sheet has it."""
    for kernel, bend in ((kf.kernels.rf("rademacher"), -13.4), (kf.kernels.rf("uniform"), -5.1)):
        f = kf.kernels.interpolate(kernel, SQUARE)
        assert f.curvature(1.0) == pytest.approx(bend, abs=0.05)


@pytest.mark.parametrize("name", ["gaussian", "uniform", "lopsided knots", "without symmetry"])
def test_derivatives_are_those_of_the_function(name):
    f = kf.kernels.interpolate(kf.kernels.rf(LAWS[name]), SQUARE)
    z, h = np.array([-2.7, -1.2, -0.93, -0.1, 0.31, 0.97, 1.6, 5.0]), 1e-4
    np.testing.assert_allclose(f(z, 1), (f(z + h) - f(z - h)) / (2 * h), rtol=1e-5, atol=1e-5)
    slope = f.derivative()
    central = (slope(z + h) - slope(z - h)) / (2 * h)
    np.testing.assert_allclose(f.curvature(z), central, rtol=1e-5, atol=1e-5)


def test_derivatives_are_functions_as_those_of_splines_are():
    f = kf.kernels.interpolate(RF, SQUARE)
    np.testing.assert_array_equal(f.derivative()(FINE), f(FINE, nu=1))
    np.testing.assert_array_equal(f.derivative(2)(FINE), f.curvature(FINE))
    np.testing.assert_array_equal(f.derivative().derivative()(FINE), f(FINE, nu=2))
    np.testing.assert_array_equal(f.derivative(0)(FINE), f(FINE))
    np.testing.assert_array_equal(f.knots, SQUARE.x)
    assert repr(f.derivative(2)) == f"Derivative(order 2 of {f!r})"
    with pytest.raises(kf.InputError, match="nu is 3: it must be a whole number from 0 to 2"):
        f(0.0, nu=3)
    with pytest.raises(kf.InputError, match="nu is -1: it must be a whole number of at least 0"):
        f.derivative(-1)
    with pytest.warns(DeprecationWarning, match=r"derivative\(x\) for values is now f\(x, nu=1\)") as seen:
        np.testing.assert_array_equal(f.derivative(FINE), f(FINE, 1))
    assert seen[0].filename == __file__


def test_affine_by_position_still_works():
    with pytest.warns(DeprecationWarning, match="giving interpolate its affine by position is deprecated") as seen:
        f = kf.kernels.interpolate(RF, SQUARE, 0.1, True)
    assert seen[0].filename == __file__
    np.testing.assert_array_equal(f(FINE), kf.kernels.interpolate(RF, SQUARE, nugget=0.1, affine=True)(FINE))


def test_two_samples_and_shapes():
    data = kf.Samples([0.0, 2.0], [1.0, -1.0])
    f = kf.kernels.interpolate(kf.kernels.rf("gaussian"), data)
    values = dense(Gaussian(), data, np.array([-1.0, 1.0, 3.0]), 0.0, False)[0]
    np.testing.assert_allclose(f([-1.0, 1.0, 3.0]), values, atol=1e-13)
    assert f(np.zeros((2, 3))).shape == (2, 3)
    assert np.ndim(f(0.5)) == 0
    line = kf.kernels.interpolate(kf.kernels.rf("gaussian"), data, affine=True)
    np.testing.assert_allclose(line([-1.0, 5.0]), [2.0, -4.0], atol=1e-14)
    assert repr(f) == "KernelSpline(Gaussian(sigma_a=1.0, sigma_b=1.0, c2=1.0); 2 samples in [0, 2])"


def test_scaling_of_y_and_a_large_nugget():
    f = kf.kernels.interpolate(kf.kernels.rf("gaussian"), SQUARE)
    g = kf.kernels.interpolate(kf.kernels.rf("gaussian"), kf.Samples(SQUARE.x, -3 * SQUARE.y))
    np.testing.assert_allclose(g(FINE), -3 * f(FINE), atol=1e-12)
    flat = kf.kernels.interpolate(kf.kernels.rf("gaussian"), SQUARE, nugget=1e12)
    assert np.abs(flat(FINE)).max() < 1e-10
    line = kf.kernels.interpolate(kf.kernels.rf("gaussian"), SQUARE, nugget=1e12, affine=True)
    np.testing.assert_allclose(line(FINE), np.polyval(np.polyfit(SQUARE.x, SQUARE.y, 1), FINE), atol=1e-9)


# -- other kernels -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("affine", [False, True])
def test_the_tangent_kernel_interpolates_with_kinks_at_the_samples(affine):
    kernel = kf.kernels.ntk("gaussian")
    f = kf.kernels.interpolate(kernel, SQUARE, affine=affine)
    np.testing.assert_allclose(f(SQUARE.x), SQUARE.y, atol=1e-10)
    if affine:
        assert abs(f.coefficients.sum()) < 1e-9
        assert abs(f.coefficients @ SQUARE.x) < 1e-9
    else:
        np.testing.assert_allclose(f.coefficients, np.linalg.solve(kernel(SQUARE.x), SQUARE.y), rtol=1e-8)
    h = 1e-7
    inner = SQUARE.x[1:-1]
    jump = (f(inner + h) - 2 * f(inner) + f(inner - h)) / h
    density = 1 / (np.pi * (1 + inner**2))
    np.testing.assert_allclose(jump, -(1 + inner**2) * density * f.coefficients[1:-1], rtol=1e-3)


def test_any_function_will_do_as_a_kernel():
    f = kf.kernels.interpolate(lambda x, z: np.exp(-((x[:, None] - z) ** 2)), SQUARE, nugget=1e-3)
    K = np.exp(-(np.subtract.outer(X, X) ** 2))
    k = np.linalg.solve(K + 1e-3 * np.eye(10), SQUARE.y)
    np.testing.assert_allclose(f(X), K @ k, atol=1e-9)
    assert f.norm_squared == pytest.approx(k @ K @ k)
    assert repr(f) == "KernelInterpolant(10 samples in [-1, 1])"


TIED = kf.Samples([0.0, 1.0, 1.0, 2.0], [0.0, 1.0, 3.0, 1.0])
COMPACT = kf.Samples([-0.5, 0.5, 1.5, 2.0, 3.0], [0.0, 1.0, 0.0, 1.0, 0.5])
RF = kf.kernels.rf("gaussian")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda k: k(RF, [1.0, 2.0]), "data is of type list: it must be Samples"),
        (lambda k: k(RF, SQUARE, nugget=-1.0), "nugget is -1.0: it must be a finite number >= 0"),
        (lambda k: k(RF, TIED), r"data has x = 1 with y = 1 and y = 3: .* Take the means, .* smooth with nugget > 0"),
        (lambda k: k(RF, SQUARE, affine=1), "affine is 1: it must be True or False"),
        (lambda k: k(kf.kernels.ntk("he"), TIED), "no function goes through both"),
        (
            lambda k: k(kf.kernels.rf("rademacher"), COMPACT),
            r"singular near x = 2: .*; 3 samples lie outside \[-1, 1\], where all knots are. Take a law",
        ),
        (lambda k: k(kf.kernels.rf(UniformKnots(-0.5, 4.0, 1.0)), COMPACT), "singular near x = -0.5"),
        (lambda k: k(kf.kernels.rf(Gaussian(1.0, 0.0)), COMPACT), "the Gram matrix is singular"),
        (lambda k: k(kf.kernels.empirical_rf(kf.ReLUNet([1, 1], [0, 1], [1, 1])), SQUARE), r"K\(x, x\) is 0 at x = -1"),
        (lambda k: k(lambda x, z: np.outer(1 + x**2, 1 + z**2), SQUARE), "singular .* Smooth with nugget > 0"),
        (lambda k: k(lambda x, z: x * z, SQUARE), r"kernel\(x, x2\) has shape \(10,\) .* must have shape \(10, 10\)"),
        (lambda k: k("gaussian", SQUARE), "kernel is 'gaussian': it must be a function"),
    ],
)
def test_what_has_no_interpolant_is_refused_with_a_remedy(call, message):
    with pytest.raises(kf.InputError, match=message):
        call(kf.kernels.interpolate)


def test_the_remedies_work():
    means = kf.Samples(TIED.distinct.x, TIED.distinct.y, TIED.distinct.weight)
    assert kf.kernels.interpolate(RF, means)(1.0) == pytest.approx(2.0)
    assert np.isfinite(kf.kernels.interpolate(RF, TIED, nugget=1e-6)(1.0))
    assert np.isfinite(kf.kernels.interpolate(kf.kernels.rf("rademacher"), COMPACT, nugget=1e-6)(2.5))
    wide = kf.kernels.interpolate(kf.kernels.rf("rademacher", B=3.0), COMPACT)
    np.testing.assert_allclose(wide(COMPACT.x), COMPACT.y, atol=1e-12)
