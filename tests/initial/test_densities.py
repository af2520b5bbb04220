"""Densities of knots and delta-slopes, and the roughness, against quadrature, sampling and networks."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, special, stats

import knotflow as kf
from knotflow.initial import Law, joint_density

pytestmark = pytest.mark.slow

GAUSS, UNIFORM = Law("gaussian", 0.7, 1.3, 0.4), Law("uniform", 0.7, 1.3, 0.4)
NORM = 2.0
LAWS = {"gaussian": GAUSS, "uniform": UNIFORM}
DENSITIES = {
    f"{family} {name}": density
    for family, joint in ((family, joint_density(law, norm=NORM)) for family, law in LAWS.items())
    for name, density in {
        "knots": joint.knots,
        "delta-slopes": joint.delta_slopes,
        "delta-slopes given a knot": joint.delta_slopes_given(-3.0),
        "knots given a delta-slope": joint.knots_given(0.05),
        "knots given a large delta-slope": joint.knots_given(0.13),
        "knots given a small delta-slope": joint.knots_given(-1e-6),
    }.items()
}
each_density = pytest.mark.parametrize("density", DENSITIES.values(), ids=DENSITIES.keys())
each_law = pytest.mark.parametrize("law", LAWS.values(), ids=LAWS.keys())


@each_density
def test_cdf_is_the_integral_of_pdf(density):
    lo, hi = density.support()
    x = [-2.3, -0.1, -0.01, 0.003, 0.02, 0.11, 0.139, 0.5, 3.0]
    by_quadrature = [integrate.quad(density.pdf, 0, t, epsabs=1e-13, epsrel=1e-12, limit=200)[0] for t in x]
    np.testing.assert_allclose(density.cdf(x), 0.5 + np.array(by_quadrature), atol=1e-11, rtol=0)
    np.testing.assert_allclose(density.sf(x) + density.cdf(x), 1.0, rtol=1e-15)
    assert density.cdf(lo) == 0
    assert density.cdf(hi) == 1


@each_density
def test_quantiles_invert_both_tails(density):
    q = np.array([1e-300, 1e-14, 1e-5, 0.1, 0.25, 0.3, 0.499, 0.5, 0.6, 0.99])
    if np.isfinite(density.support()[1]):  # float64 has no numbers that near to a bound of order 1
        q = q[2:]
    np.testing.assert_allclose(density.cdf(density.ppf(q)), q, rtol=1e-9)
    np.testing.assert_allclose(density.sf(density.isf(q)), q, rtol=1e-9)
    np.testing.assert_allclose(density.isf(q), -density.ppf(q), rtol=1e-12)
    np.testing.assert_allclose(density.logsf(density.isf(q)), np.log(q), rtol=1e-8, atol=1e-12)


@each_density
def test_a_million_samples_follow_it(density):
    samples = density.rvs(1_000_000, random_state=np.random.default_rng(7))
    edges = density.ppf(np.linspace(0, 1, 2001)[1:-1])  # of the counts in 2000 equally likely cells
    counts = np.bincount(np.searchsorted(edges, samples), minlength=2000)
    assert stats.chisquare(counts).pvalue > 1e-3
    assert stats.kstest(samples[:100_000], density.cdf).pvalue > 1e-3


@each_density
def test_moments_where_they_exist(density):
    mean, variance, skew, kurtosis = (float(v) for v in density.stats("mvsk"))
    if density.dist.name in ("cauchy", "uniform_quotient"):
        assert np.isnan([mean, variance]).all()
        return
    assert (mean, skew) == (0, 0)
    top = min(density.support()[1], density.isf(1e-30))
    cuts = np.concatenate([[0], np.geomspace(1e-6 * top, top, 40)])
    for order, expected in ((2, variance), (4, (kurtosis + 3) * variance**2)):
        parts = [integrate.quad(lambda x, n=order: x**n * density.pdf(x), *p)[0] for p in np.c_[cuts[:-1], cuts[1:]]]
        assert 2 * sum(parts) == pytest.approx(expected, rel=1e-8)
        assert density.moment(order) == pytest.approx(expected, rel=1e-12)


def pieces(f, start, lengths):
    """The integral of f from `start`, over consecutive pieces of these lengths."""
    ends = start + np.cumsum([0.0, *lengths])
    return sum(integrate.quad(f, lo, hi, epsabs=0, epsrel=1e-12)[0] for lo, hi in pairwise(ends))


def test_tails_stay_accurate():
    slopes = kf.initial.delta_slope_density("gaussian")
    for t in (1e-9, 0.3, 0.999, 1.001, 3.0, 40.0, 690.0):
        # The integral of K_0 beyond t is that of exp(-t cosh u) / cosh u over u > 0.
        width = min(1.0, t**-0.5)
        tail = pieces(
            lambda u, t=t: np.exp(-t * (np.cosh(u) - 1)) / np.cosh(u), 0.0, width * np.array([1, 2, 4, 8, 24])
        )
        assert slopes.logsf(t) == pytest.approx(np.log(tail / np.pi) - t, rel=1e-12)
    assert slopes.logpdf(1e5) == pytest.approx(-1e5 + 0.5 * np.log(1 / (2e5 * np.pi)), rel=1e-9)
    assert slopes.pdf(0) == np.inf
    assert kf.initial.knot_density("he", m=3).sf(1e200) == pytest.approx(1e-200 / np.pi, rel=1e-14)
    assert joint_density(GAUSS).delta_slopes_given(0.0).logsf(1e4) == pytest.approx(-1e4 / 0.28 - np.log(2), rel=1e-14)
    assert np.isfinite(joint_density(GAUSS).logpdf(1e200, 3.0))


def test_the_conditional_of_knots_far_and_near():
    joint = joint_density(Law("gaussian", 1.0, 1.0, 1.0))
    for k in (1e-12, 1e-3, 0.3, 0.99, 1.01, 50.0):
        for knot in (1e-3, 0.5, 3.0, 1e3):
            s = np.arcsinh(knot)
            # exp(-k (cosh t - cosh s)) without cancellation
            f = lambda t, k=k, s=s: np.exp(-2 * k * np.sinh((t + s) / 2) * np.sinh((t - s) / 2))  # noqa: E731
            tail = pieces(f, s, [1e-3, 0.05, 0.2, 1, 2, 4, 8, 16, 4]) / (2 * special.kve(0, k))
            expected = np.log(tail) - 2 * k * np.sinh(s / 2) ** 2
            assert joint.knots_given(k).logsf(knot) == pytest.approx(expected, rel=1e-11, abs=1e-12)


@each_law
def test_joint_density_has_its_marginals(law):
    joint = joint_density(law, norm=NORM)
    for knot in (-2.5, 0.3, 4.0):
        top = joint.delta_slopes_given(knot).isf(1e-17) if law.family == "gaussian" else 0.14
        marginal = 2 * pieces(lambda u, x=knot: joint.pdf(x, u), 0.0, [top / 50, top / 5, top * 0.78])
        assert marginal == pytest.approx(joint.knots.pdf(knot), rel=1e-9)
    for slope in (-0.07, 0.02):
        in_log = lambda t, u=slope: joint.pdf(np.exp(t), u) * np.exp(t)  # noqa: E731
        end = 6.0 if law.family == "gaussian" else np.log(joint.knots_given(slope).support()[1])
        kink = np.log(13 / 7)
        marginal = 2 * pieces(in_log, -32.0, [20, 10, kink + 2, (end - kink) / 2, (end - kink) / 2])
        assert marginal == pytest.approx(joint.delta_slopes.pdf(slope), rel=1e-9)
        knots = np.array([-9.0, -0.4, 0.0, 2.0])
        conditional = joint.knots_given(slope).pdf(knots) * joint.delta_slopes.pdf(slope)
        np.testing.assert_allclose(conditional, joint.pdf(knots, slope), rtol=1e-12)


def test_printed_joint_densities():
    x, u = np.array([-3.0, 0.2, 1.9, 40.0]), np.array([0.01, -0.05, 0.1, 0.004])
    a, b, c = 0.7, 1.3, 0.4 / NORM
    q = np.sqrt(b**2 + a**2 * x**2)
    gaussian = np.exp(-np.abs(u) * q / (a * b * c)) / (2 * np.pi * c * q)
    np.testing.assert_allclose(joint_density(GAUSS, norm=NORM).pdf(x, u), gaussian, rtol=1e-12)
    uniform = np.maximum(np.minimum(b / np.abs(x), a) - np.abs(u) / c, 0) / (4 * a * b * c)
    np.testing.assert_allclose(joint_density(UNIFORM, norm=NORM).pdf(x, u), uniform, rtol=1e-12)
    z = np.abs(u) / (a * c)
    np.testing.assert_allclose(
        joint_density(GAUSS, norm=NORM).delta_slopes.pdf(u), special.k0(z) / (np.pi * a * c), rtol=1e-13
    )


@pytest.mark.parametrize("name", ["pytorch", "he", "glorot", "gaussian", "uniform"])
def test_networks_follow_their_law(name):
    m = 1_000_000
    net = getattr(kf.initial, name)(m, np.random.default_rng(3), norm=0.7)
    knots, slopes = kf.initial.knot_density(name, m), kf.initial.delta_slope_density(name, m, norm=0.7)
    given = joint_density(name, m, norm=0.7).delta_slopes_given(net.knots).cdf(net.delta_slopes)
    assert stats.kstest(net.knots, knots.cdf).pvalue > 1e-3
    assert stats.kstest(net.delta_slopes, slopes.cdf).pvalue > 1e-3
    assert stats.kstest(given, "uniform").pvalue > 1e-3
    side = net.orientations > 0
    assert stats.ks_2samp(net.knots[side], net.knots[~side]).pvalue > 1e-3


@each_law
def test_pairs_are_drawn_from_the_joint_density(law):
    joint = joint_density(law)
    knots, slopes = joint.rvs(200_000, np.random.default_rng(2))
    assert stats.kstest(joint.delta_slopes_given(knots).cdf(slopes), "uniform").pvalue > 1e-3
    assert stats.kstest(slopes, joint.delta_slopes.cdf).pvalue > 1e-3


def test_scales_reach_the_law():
    assert kf.initial.knot_density("he", m=9, sigma_b=3.0).sf(3 / 2**0.5) == pytest.approx(0.25, rel=1e-14)
    assert kf.initial.knot_density("uniform", bound_b=2.0).pdf(0.5) == pytest.approx(1 / 8, rel=1e-14)


def test_bad_laws_are_refused():
    with pytest.raises(kf.InputError, match=r"law is 'spiky': it must be a Law or one of 'pytorch', 'he'"):
        kf.initial.knot_density("spiky", m=3)
    with pytest.raises(kf.InputError, match=r"law is 3: it must be a Law"):
        kf.initial.knot_density(3)
    with pytest.raises(kf.InputError, match=r"m is None: the law 'he' depends on the width m"):
        kf.initial.knot_density("he")
    with pytest.raises(kf.InputError, match=r"sigma: the law 'he' does not take these scales"):
        kf.initial.knot_density("he", m=3, sigma=1.0)
    with pytest.raises(kf.InputError, match=r"sigma_b given with a Law, which has its scales"):
        kf.initial.knot_density(GAUSS, sigma_b=1.0)
    with pytest.raises(kf.InputError, match=r"the scale of b is 0: every knot is at 0, and there is no density"):
        kf.initial.knot_density("he", m=3, sigma_b=0.0)
    with pytest.raises(kf.InputError, match=r"norm is 0: it must be a finite number > 0"):
        kf.initial.delta_slope_density(GAUSS, norm=0)
    with pytest.raises(kf.InputError, match=r"delta_slope is 0: the knots given it have no density"):
        joint_density(GAUSS).knots_given([0.1, 0.0])
    with pytest.raises(kf.InputError, match=r"delta_slope is outside the bound 0\.28"):
        joint_density(UNIFORM).knots_given(0.28)


@pytest.mark.parametrize(
    ("name", "mean", "variance"),
    [
        ("he", lambda m: 4, lambda m: 128 / m),
        ("glorot", lambda m: 4 * m / (m + 1) ** 2, lambda m: 128 * m / (m + 1) ** 4),
        ("pytorch", lambda m: 1 / 9, lambda m: 56 / 2025 / m),
    ],
)
def test_roughness_of_the_paper(name, mean, variance):
    m, n = 20, 40_000
    law = kf.initial.roughness(name, m)
    assert law.mean == pytest.approx(mean(m), rel=1e-12)
    assert law.variance == pytest.approx(variance(m), rel=1e-12)
    drawn = law.rvs(n, np.random.default_rng(1))
    assert abs(drawn.mean() - law.mean) < 4 * np.sqrt(law.variance / n)
    assert abs(drawn.var() - law.variance) < 4 * np.std((drawn - law.mean) ** 2) / np.sqrt(n)
    for deviations in (1.0, 2.0, 4.0):
        excess = deviations * np.sqrt(law.variance)
        assert law.tail_bound(excess) == pytest.approx(1 / (1 + deviations**2), rel=1e-12)
        assert np.mean(drawn - law.mean >= excess) < law.tail_bound(excess)


def test_simulated_roughness_is_that_of_networks():
    rng = np.random.default_rng(5)
    nets = [kf.initial.he(30, rng, norm=3.0).roughness for _ in range(3000)]
    law = kf.initial.roughness("he", 30, norm=3.0)
    assert stats.ks_2samp(nets, law.rvs(30_000, rng)).pvalue > 1e-3
    simulated = law.simulated(20_000, rng)
    assert simulated.cdf.evaluate(law.mean) == pytest.approx(np.mean(np.array(nets) <= law.mean), abs=0.04)
    with pytest.raises(kf.InputError, match=r"excess is -1: the bound is for an excess over the mean that is > 0"):
        law.tail_bound([2.0, -1.0])
    with pytest.raises(kf.InputError, match=r"m is 0: it must be a whole number of at least 1"):
        kf.initial.roughness("he", 0)
