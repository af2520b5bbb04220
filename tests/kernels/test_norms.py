"""The norm of the kernel regime, against k^T K k and what a fine interpolation costs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import knotflow as kf
from knotflow.kernels import Gaussian, Independent, Uniform, UniformKnots

X = np.array([-1.3, -0.9, -0.2, 0.4, 1.1])
DATA = kf.Samples(X, [0.3, -1.0, 0.8, 0.1, 1.2])
LAWS = {
    "gaussian": Gaussian(0.8, 1.1, 1.0),
    "uniform": Uniform(1.0, 0.7),
    "knots": UniformKnots(-2.0, 2.0),
    "lopsided knots": UniformKnots(-2.0, 3.0, 0.3),
}


def parts_by_quadrature(law, x, k):
    """For a symmetric law with E ab = 0: int f''^2/nu and the affine part, from f'' = nu/2 sum k_j |u - x_j|."""
    t = np.linspace(-np.pi / 2, np.pi / 2, 2_000_001)[1:-1]
    u = np.tan(t)
    bend = 0.5 * np.abs(u[:, None] - x) @ k
    nu = sum(law.nu(u))
    curvature = np.sum(nu * bend**2 * (1 + u * u)) * (t[1] - t[0])
    return curvature, np.array([k @ x, k.sum()]) @ law.affine @ np.array([k @ x, k.sum()])


@pytest.mark.parametrize("name", LAWS)
def test_an_interpolant_costs_k_K_k(name):
    law = LAWS[name]
    f = kf.kernels.interpolate(kf.kernels.rf(law), DATA)
    K = kf.kernels.rf(law)(X)
    k = np.linalg.solve(K, DATA.y)
    assert kf.kernels.norm_squared(f, law) == pytest.approx(k @ K @ k, rel=1e-9)
    if name in ("gaussian", "uniform"):
        assert kf.kernels.norm_parts(f, law) == pytest.approx(parts_by_quadrature(law, X, k), rel=1e-4)


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("which", ["natural", "free"])
def test_a_spline_costs_what_interpolating_it_ever_more_finely_comes_to(name, which):
    """From below, at the rate of the fineness squared: the interpolant is the cheapest function through the points."""
    law = LAWS[name]
    free = kf.kernels.interpolate(kf.kernels.rf(law), DATA, affine=True)
    f = kf.splines.natural(DATA) if which == "natural" else free
    exact = kf.kernels.norm_squared(f, law)
    lo, hi = (-2.0, law.hi) if isinstance(law, UniformKnots) else (-1.3, 1.1)
    costs = []
    for n in (200, 400):
        x = np.union1d(np.linspace(lo, hi, n), X)
        if not isinstance(law, UniformKnots):
            x = np.concatenate([-np.geomspace(1e3, 1.31, n), x, np.geomspace(1.11, 1e3, n)])
        costs.append(kf.kernels.interpolate(kf.kernels.rf(law), kf.Samples(x, f(x))).norm_squared)
    assert costs[0] < costs[1] < exact * (1 + 1e-9)
    assert costs[1] == pytest.approx(exact, rel=2e-3)
    assert costs[1] + (costs[1] - costs[0]) / 3 == pytest.approx(exact, rel=3e-4)


def test_the_interpolant_is_the_cheapest():
    for law in LAWS.values():
        best = kf.kernels.interpolate(kf.kernels.rf(law), DATA)
        free = kf.kernels.interpolate(kf.kernels.rf(law), DATA, affine=True)
        costs = {name: kf.kernels.norm_parts(f, law) for name, f in (("best", best), ("free", free))}
        natural = kf.kernels.norm_parts(kf.splines.natural(DATA), law)
        assert sum(costs["best"]) < min(sum(costs["free"]), sum(natural))
        assert costs["free"].curvature <= min(costs["best"].curvature, natural.curvature) * (1 + 1e-12)
        assert costs["free"].curvature == pytest.approx(free.norm_squared)


def test_symmetric_laws_price_the_mean_of_the_asymptotic_lines():
    f = kf.splines.natural(DATA)
    left, right = f.derivative()(-5.0), f.derivative()(5.0)
    slope = (left + right) / 2
    constant = (f(-5.0) + 5 * left + f(5.0) - 5 * right) / 2
    law = Gaussian(0.8, 1.1)
    expected = 4 * (slope**2 / 0.64 + constant**2 / 1.21)
    assert kf.kernels.norm_parts(f, law).affine == pytest.approx(expected, rel=1e-9)
    numeric = Independent(stats.norm(0, 0.8), stats.norm(0, 1.1))
    assert kf.kernels.norm_parts(f, numeric) == pytest.approx(kf.kernels.norm_parts(f, law), rel=1e-7)


def test_affine_functions_and_networks():
    line = kf.ReLUNet([1.0, -1.0], [0.0, 0.0], [2.0, -2.0], bias=3.0)
    assert kf.kernels.norm_parts(line, "gaussian") == pytest.approx((0.0, 4 * (4 + 9)))
    assert kf.kernels.norm_squared(line.cpwl(), "gaussian") == pytest.approx(52)
    exact = kf.kernels.interpolate(
        kf.kernels.rf("gaussian"), kf.Samples(np.linspace(-900, 900, 4001), 3 + 2 * np.linspace(-900, 900, 4001))
    )
    assert exact.norm_squared == pytest.approx(52, rel=1e-2)
    kinked = kf.ReLUNet([1.0], [0.0], [2.0])
    assert kf.kernels.norm_squared(kinked, "gaussian") == np.inf
    assert kf.kernels.norm_squared(kf.splines.linear(DATA), "gaussian") == np.inf


def test_what_is_not_in_the_space_costs_infinitely_much():
    f = kf.splines.natural(DATA)
    assert kf.kernels.norm_squared(f, UniformKnots(-1.0, 1.0)) == np.inf  # it bends where there are no knots
    assert kf.kernels.norm_squared(f, UniformKnots(-2.0, 2.0, 1.0)) == np.inf  # a line without left-facing neurons
    with pytest.raises(kf.InputError, match="f is of type int: it must be a spline"):
        kf.kernels.norm_squared(3, "gaussian")
    other = kf.kernels.interpolate(kf.kernels.rf("uniform"), DATA)
    with pytest.raises(kf.InputError, match="f interpolates with the kernel of another law"):
        kf.kernels.norm_squared(other, "gaussian")


@pytest.mark.parametrize("offset", [0.0, 2.0**20, -(2.0**30)])
@pytest.mark.parametrize("gap", [None, 1e-9])
def test_the_curvature_of_close_and_far_samples_is_that_of_their_second_derivatives(offset, gap):
    """Between samples f'' is straight and nu constant: int f''^2 / nu = sum h (m^2 + m n + n^2) / (3 nu)."""
    rng = np.random.default_rng(2)
    x = np.arange(6) + rng.integers(0, 2**9, 6) / 2**10
    x = x if gap is None else np.sort(np.append(x, x[:3] + (gap if offset == 0 else np.spacing(abs(offset) + 8))))
    data = kf.Samples(x + offset, rng.normal(size=len(x)))
    where = offset - 10.0, offset + 20.0
    f = kf.splines.natural(data)
    h, c = np.diff(data.x), np.ldexp(f.pieces.c[:, 1:-1], f.exponent * np.arange(-3, 1)[:, None])
    start = 2 * c[1]
    end = start + 6 * c[0] * h
    nu = kf.kernels.nu("uniform_knots", where=where)(data.x[0])
    expected = np.sum(h * (start**2 + start * end + end**2)) / (3 * nu)
    assert kf.kernels.norm_parts(f, "uniform_knots", where=where).curvature == pytest.approx(expected, rel=1e-9)
    if gap is None:
        kernel = kf.kernels.interpolate(kf.kernels.rf("uniform_knots", where=where), data, affine=True)
        parts = kf.kernels.norm_parts(kernel, "uniform_knots", where=where)
        assert parts.curvature == pytest.approx(expected, rel=1e-7)
