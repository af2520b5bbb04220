"""The kernels of laws, against quadrature, Monte Carlo and each other."""

from __future__ import annotations

import math
from dataclasses import astuple
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

import knotflow as kf
from knotflow.kernels import Gaussian, Independent, Placed, Uniform, UniformKnots

# Lopsided, tied, at 0, at the ends of supports and outside them.
POINTS = np.array([-3.1, -1.0, -0.4, 0.0, 0.0, 0.3, 1.0, 1.7, 4.0])

CLOSED = {
    "gaussian": (Gaussian(0.7, 1.2, 0.5), stats.norm(0, 0.7), stats.norm(0, 1.2)),
    "uniform": (Uniform(0.8, 1.1, 0.5), stats.uniform(-0.8, 1.6), stats.uniform(-1.1, 2.2)),
}
KNOTS = {
    "centred": UniformKnots(-1.0, 1.0, 0.5, 0.5),
    "lopsided": UniformKnots(-0.5, 1.7, 0.3, 0.5),
    "one facing": UniformKnots(-0.5, 1.0, 1.0, 0.5),
}
LAWS = {name: law for name, (law, _, _) in CLOSED.items()} | KNOTS


def plain_density(dist):
    """The pdf of a normal or uniform law, without the checks that make SciPy's slow."""
    lo, hi = dist.support()
    if np.isfinite(lo):
        return lambda u: 1 / (hi - lo)
    s = dist.std()
    return lambda u: math.exp(-u * u / (2 * s * s)) / (s * math.sqrt(2 * math.pi))


def expectation(a, b, power, z, z2):
    """E[(a z - b)_+^power (a z2 - b)_+^power] by nested quadrature over b then a, split at all kinks."""
    (a_lo, a_hi), (b_lo, b_hi) = (dist.support() if np.isfinite(dist.support()[0]) else (-12, 12) for dist in (a, b))
    p_a, p_b = plain_density(a), plain_density(b)

    def given_a(value):
        top = min(value * z, value * z2, b_hi)
        if top <= b_lo:
            return 0.0
        return integrate.quad(
            lambda u: ((value * z - u) * (value * z2 - u)) ** power * p_b(u), b_lo, top, epsabs=1e-13, epsrel=1e-12
        )[0]

    kinks = sorted({0.0, *(float(np.clip(edge / v, a_lo, a_hi)) for v in (z, z2) if v for edge in (b_lo, b_hi))})
    cuts = [a_lo, *kinks, a_hi]
    return sum(
        integrate.quad(lambda v: given_a(v) * p_a(v), lo, hi, epsabs=1e-13, epsrel=1e-12)[0]
        for lo, hi in pairwise(cuts)
    )


@pytest.mark.parametrize("name", CLOSED)
@pytest.mark.parametrize(("z", "z2"), [(-0.4, 0.3), (0.0, 0.0), (1.7, 4.0), (-3.1, 1.7), (0.3, 0.3)])
def test_closed_forms_agree_with_quadrature_over_a_and_b(name, z, z2):
    law, a, b = CLOSED[name]
    features = expectation(a, b, 1, z, z2)
    both = expectation(a, b, 0, z, z2)
    assert kf.kernels.rf(law)(z, z2) == pytest.approx(features, rel=1e-10, abs=1e-12)
    assert kf.kernels.ntk(law)(z, z2) == pytest.approx(features + 0.5 * (1 + z * z2) * both, rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("name", KNOTS)
def test_uniform_knots_agree_with_quadrature_over_knots(name):
    law = KNOTS[name]
    for z in POINTS[::2]:
        for z2 in POINTS[1::3]:
            low, high = sorted((z, z2))
            cuts = np.unique(np.clip([law.lo, low, high, law.hi], law.lo, law.hi))

            def total(f, cuts=cuts):
                return sum(integrate.quad(f, *pair, epsabs=1e-14)[0] for pair in pairwise(cuts))

            def features(u, z=z, z2=z2):
                right, left = max(z - u, 0) * max(z2 - u, 0), max(u - z, 0) * max(u - z2, 0)
                return (law.right * right + (1 - law.right) * left) / (law.hi - law.lo)

            def active(u, low=low, high=high):
                return (law.right * (u < low) + (1 - law.right) * (u > high)) / (law.hi - law.lo)

            assert kf.kernels.rf(law)(z, z2) == pytest.approx(total(features), rel=1e-10, abs=1e-14)
            terms = kf.kernels.ntk(law).terms(z, z2)
            assert terms.b == pytest.approx(0.5 * total(active), rel=1e-10, abs=1e-14)
            assert terms.a == pytest.approx(0.5 * z * z2 * total(active), rel=1e-10, abs=1e-14)


def test_kernel_of_gaussian_knots_has_the_known_closed_form():
    s = 0.8
    p, q = np.minimum.outer(POINTS, POINTS), np.maximum.outer(POINTS, POINTS)
    mass = stats.norm.cdf(q / s) - stats.norm.cdf(p / s)
    phi = stats.norm.pdf
    expected = 0.5 * ((p * q + s * s) * (1 - mass) + s * (q * phi(p / s) - p * phi(q / s)))
    found = kf.kernels.rf(Placed(stats.norm(0, s).pdf))(POINTS)
    np.testing.assert_allclose(found, expected, atol=1e-10)


@pytest.mark.parametrize("name", CLOSED)
def test_laws_of_any_density_agree_with_closed_forms(name):
    law, a, b = CLOSED[name]
    numeric = Independent(a, b, 0.5)
    x, u = POINTS[::2], np.array([-2.0, -0.3, 0.0, 0.6, 3.0])
    np.testing.assert_allclose(kf.kernels.ntk(numeric)(x), kf.kernels.ntk(law)(x), rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(numeric.nu(u), law.nu(u), rtol=1e-9)
    np.testing.assert_allclose(numeric.knots(u), law.knots(u), rtol=1e-9)
    np.testing.assert_allclose(numeric.affine, law.affine, atol=1e-9)
    lo, hi = np.array([-5.0, -0.5, 1.0]), np.array([-2.0, 0.1, 9.0])
    np.testing.assert_allclose(numeric.moments(lo, hi), law.moments(lo, hi), rtol=1e-9)


def test_a_law_without_symmetry_agrees_with_monte_carlo():
    a, b = stats.norm(0.3, 0.7), stats.gamma(2, -1)
    rng = np.random.default_rng(5)
    A, B = a.rvs(400_000, random_state=rng), b.rvs(400_000, random_state=rng)
    x = np.array([-1.2, 0.0, 0.5, 2.0])
    h = np.maximum(np.multiply.outer(x, A) - B, 0)
    K = kf.kernels.rf(Independent(a, b))(x)
    for i in range(len(x)):
        for j in range(i + 1):
            draws = h[i] * h[j]
            assert abs(K[i, j] - draws.mean()) < 4 * draws.std() / np.sqrt(len(draws))


@pytest.mark.parametrize("init", ["gaussian", "uniform", "he", "glorot", "pytorch", "rademacher", "uniform_knots"])
def test_every_initialiser_agrees_with_monte_carlo_of_its_networks(init):
    m, rng = 200_000, np.random.default_rng(11)
    if init == "rademacher":
        net = kf.ReLUNet(rng.choice([-1.0, 1.0], m), rng.uniform(-1, 1, m), np.zeros(m))
    elif init == "uniform_knots":
        net = kf.initial.uniform_knots(m, rng, (-1, 1), spacing="random")
    else:
        net = getattr(kf.initial, init)(m, rng)
    x = np.array([-1.4, -0.3, 0.0, 0.8, 2.5])
    h = np.maximum(np.multiply.outer(x, net.a) - net.b, 0)
    active = np.multiply.outer(x, net.a) > net.b
    K, T = kf.kernels.rf(init, m)(x), kf.kernels.ntk(init, m)(x)
    for i in range(len(x)):
        for j in range(i + 1):
            features = h[i] * h[j]
            tangent = features + net.c**2 * (1 + x[i] * x[j]) * (active[i] & active[j])
            for value, draws in ((K[i, j], features), (T[i, j], tangent)):
                assert abs(value - draws.mean()) <= 4 * draws.std() / np.sqrt(m)


@pytest.mark.parametrize("name", LAWS)
def test_gram_matrices_are_symmetric_and_positive_semidefinite_to_rounding(name):
    rng = np.random.default_rng(2)
    x = np.concatenate([POINTS, rng.normal(size=60), rng.normal(size=10) * 1e4, [1e8, -1e8]])
    for kernel in (kf.kernels.rf(LAWS[name]), kf.kernels.ntk(LAWS[name])):
        K = kernel(x)
        assert np.array_equal(K, K.T)
        size = np.sqrt(np.diag(K))
        assert np.linalg.eigvalsh(K / np.maximum(np.outer(size, size), 1e-300)).min() > -1e-13


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.sampled_from(sorted(LAWS)))
def test_cauchy_schwarz_and_reflection(z, z2, name):
    law = LAWS[name]
    for kernel in (kf.kernels.rf, kf.kernels.ntk):
        k = kernel(law)
        assert k(z, z2) == k(z2, z)
        assert -1e-300 <= k(z, z2) ** 2 * (z * z2 > -1) <= k(z, z) * k(z2, z2) * (1 + 1e-12) + 1e-300
    if isinstance(law, Gaussian | Uniform):
        assert kf.kernels.rf(law)(-z, -z2) == pytest.approx(kf.kernels.rf(law)(z, z2), rel=1e-12)


def test_far_apart_points_keep_their_digits():
    """K(-z, z) falls to 0 as z grows, while K(z, z) grows: formulas in powers of z would leave nothing of it."""
    z = 1e6
    # Uniform a, b on (-1, 1): twice int over u > z of (u^-4 / 16) (u - z)(u + z) du.
    assert kf.kernels.rf("uniform")(-z, z) == pytest.approx(2 / 16 * (1 - 1 / 3) / z, rel=1e-14)
    # Gaussian: sqrt(1 + z^2)^2 (sin E - E cos E) / (2 pi), E = 2 atan(1/z), by its series.
    E = 2 * np.arctan(1 / z)
    series = (1 + z * z) * (E**3 / 3 - E**5 / 30) / (2 * np.pi)
    assert kf.kernels.rf("gaussian")(-z, z) == pytest.approx(series, rel=1e-14)


def test_degenerate_gaussian_laws_are_their_limits():
    x = POINTS
    same = np.multiply.outer(x, x) * (np.multiply.outer(x, x) > 0)
    np.testing.assert_allclose(kf.kernels.rf(Gaussian(0.7, 0.0))(x), 0.49 / 2 * same, atol=1e-15)
    np.testing.assert_allclose(kf.kernels.rf(Gaussian(0.0, 0.7))(x), np.full((9, 9), 0.49 / 2), rtol=1e-14)


def test_shapes_are_all_pairs_or_broadcast():
    k, x, x2 = kf.kernels.ntk("gaussian"), np.array([0.1, -2.0, 3.0]), np.array([1.0, 2.0])
    assert k(x, x2).shape == (3, 2)
    assert np.ndim(k(0.5, 0.2)) == 0
    assert k(0.5, x2).shape == (2,)
    assert k(x).shape == (3, 3)
    np.testing.assert_array_equal(k(x[:, None], x2[None]), k(x, x2))
    with pytest.raises(kf.InputError, match=r"x\[1\] is nan: every value must be finite"):
        k([0.0, np.nan])


# -- nu ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LAWS)
def test_nu_integrates_to_the_second_moment_and_knots_to_one(name):
    law = LAWS[name]
    second = {"gaussian": 0.49, "uniform": 0.64 / 3}.get(name, 1.0)
    nu = kf.kernels.nu(law)
    edges = [-np.inf, *(law.breaks or (0.0,)), np.inf]

    def total(f):
        return sum(integrate.quad(f, lo, hi, epsabs=1e-13)[0] for lo, hi in pairwise(edges))

    assert total(nu) == pytest.approx(second, rel=1e-10)
    assert total(lambda u: sum(law.knots(np.asarray(u)))) == pytest.approx(1, rel=1e-10)
    u = np.linspace(-3, 3, 41)
    np.testing.assert_allclose(kf.kernels.nu_plus(law)(u) + kf.kernels.nu_minus(law)(u), nu(u), rtol=1e-15)


def test_nu_is_the_fourth_derivative_of_the_kernel():
    """For a symmetric law d^2/dx^2 d^2/dx'^2 K = nu(x) delta(x - x') ... so that the cubic |x - x'|^3 has nu / 12."""
    for name, u in (("gaussian", 1.0), ("uniform", 0.2), ("uniform", 2.5)):
        law, h = LAWS[name], 1e-2
        t = u + h * np.arange(-2, 3)
        K = kf.kernels.rf(law)(t)
        second = np.array([1.0, -2.0, 1.0])
        crossed = second @ K[:3, 2:] @ second  # not overlapping: the smooth part alone
        straight = second @ K[1:4, 1:4] @ second
        # The second differences of white noise nu: hats of mass nu h^3 (2/3), and (1/6) h^3 at one step apart.
        assert straight == pytest.approx(2 / 3 * h**3 * kf.kernels.nu(law)(u), rel=1e-2)
        assert abs(crossed) < 1e-2 * straight


def test_the_value_of_nu_in_the_sheet():
    assert kf.kernels.nu(Uniform(0.8, 1.0))(0.0) == pytest.approx(0.064)
    assert kf.kernels.nu(Uniform(0.8, 1.0))(2.5) == pytest.approx(0.004)
    assert kf.kernels.nu(Gaussian(0.7, 1.2))(1.0) == pytest.approx(0.1012986, rel=1e-6)


# -- what names a law --------------------------------------------------------------------------------------


def test_names_functions_records_and_laws_mean_the_same():
    law = kf.kernels.law
    record, drawn = kf.initial.INITIALISERS["gaussian"], kf.initial.Law("gaussian", 1, 1, 1)
    for init in ("gaussian", kf.initial.gaussian, record, drawn):
        assert law(init) == Gaussian(1.0, 1.0, 1.0)
    assert law("uniform") == Uniform(1.0, 1.0, 1 / 3)
    assert astuple(law("pytorch", 50)) == pytest.approx((1.0, 1.0, 1 / 150))
    assert law("pytorch").c2 == law("he").c2 == 0.0
    assert astuple(law("he", 8)) == pytest.approx((2**0.5, 2**0.5, 0.25))
    assert astuple(law("glorot", 8)) == pytest.approx(((2 / 9) ** 0.5, (2 / 9) ** 0.5, 2 / 9))
    x = np.array([-0.3, 1.2])
    np.testing.assert_allclose(kf.kernels.ntk("glorot")(x) * 2 / 9, kf.kernels.ntk("glorot", 8)(x), rtol=1e-14)
    data = kf.Samples([0.0, 3.0, 1.0], [1.0, 2.0, 0.0])
    assert law("uniform_knots", where=data) == law("uniform_knots", where=(0, 3)) == UniformKnots(0, 3)
    assert law("rademacher", B=2) == UniformKnots(-2, 2)
    assert law("gaussian", sigma_b=2.0) == Gaussian(1.0, 2.0, 1.0)
    assert law(UniformKnots(0, 1)) == UniformKnots(0, 1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda k: k.rf("spiky"), r"init is 'spiky': it must be one of \"pytorch\", \"he\""),
        (lambda k: k.rf(3.0), "init is 3.0: it must be one of"),
        (lambda k: k.rf("gaussian", sigma=1.0), "the options \\['sigma'\\] do not fit the initialiser 'gaussian'"),
        (lambda k: k.rf(Gaussian(), sigma_b=2.0), "sigma_b is given beside a law"),
        (lambda k: k.rf("glorot", sigma_b=2.0), "m is missing: with sigma_b given"),
        (lambda k: k.rf("he", 0), "m is 0: it must be a whole number of at least 1"),
        (lambda k: k.rf("rademacher", B=0.0), "B is 0.0: it must be a finite number > 0"),
        (lambda k: Gaussian(-1.0), "sigma_a is -1.0: it must be a finite number >= 0"),
        (lambda k: Gaussian(0.0, 0.0), "sigma_a and sigma_b are both 0"),
        (lambda k: k.nu("he", sigma_b=0.0)(1.0), "sigma_b is 0: every knot is at 0"),
        (lambda k: k.nu(Gaussian(0.0))(1.0), "sigma_a is 0: no neuron has a knot"),
        (lambda k: Uniform(0.0), "bound_a is 0.0: it must be a finite number > 0"),
        (lambda k: UniformKnots(1, 1), r"the interval \(1, 1\) is empty"),
        (lambda k: UniformKnots(right=1.2), "right is 1.2: it must be a finite number >= 0 and <= 1"),
        (lambda k: Placed(3.0), "density is 3.0: it must be a function of the knot"),
        (lambda k: Placed(stats.norm.pdf, 2.0, 1.0), r"the support \(2, 1\) is empty"),
        (lambda k: Placed(lambda u: 0.5 * stats.norm.pdf(u)), "density integrates to 0.5 over its support"),
        (lambda k: Placed(stats.norm.pdf, rtol=1.0), "rtol is 1.0: it must be a finite number >= 1e-13 and <= 0.01"),
        (lambda k: Placed(stats.cauchy.pdf), "an integral of density did not converge .* is its second moment finite"),
        (lambda k: Independent(3.0, stats.norm()), "a is 3.0: it must be a continuous distribution"),
        (lambda k: Independent(stats.norm(), stats.t(2)), "an integral of a law did not converge"),
    ],
)
def test_bad_laws_are_refused(call, message):
    with pytest.raises(kf.InputError, match=message):
        call(kf.kernels)
