"""Laws of a, b and c, and the laws of knots that they lead to."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats

import knotflow as kf
from knotflow.laws import Gaussian, Independent, KnotLaw, Law, Placed, Uniform, UniformKnots

LAWS = {
    "gaussian": Gaussian(1.3, 0.7, 0.4),
    "uniform": Uniform(0.6, 1.7, 0.2),
    "uniform knots": UniformKnots(-1.0, 2.5, right=0.3),
    "placed": Placed(lambda u: 0.75 * (1 - (u - 1) ** 2), 0.0, 2.0, right=0.8),
    "independent": Independent(stats.norm(0, 1.3), stats.norm(0.2, 0.7)),
}


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS)
def test_the_parts_of_a_law_belong_together(law):
    """Everything a law says is an integral over its knots; here each is done again by SciPy, on one lopsided case."""
    p, q = 0.7, -0.4
    lo, hi = law.support

    def over(a, b, f):
        cuts = [u for u in law.breaks if a < u < b]
        return integrate.quad(f, a, b, points=cuts or None)[0] if math.isfinite(a + b) else integrate.quad(f, a, b)[0]

    below, above = law.below(np.array([p]))[:, 0], law.above(np.array([q]))[:, 0]
    for k in range(3):
        expected = over(lo, p, lambda u: float(law.nu(np.array([u]))[0][0]) * (p - u) ** k)  # noqa: B023
        assert below[k] == pytest.approx(expected, rel=1e-7)
        expected = over(q, hi, lambda u: float(law.nu(np.array([u]))[1][0]) * (u - q) ** k)  # noqa: B023
        assert above[k] == pytest.approx(expected, rel=1e-7)
    right, left = law.active(np.array([p]))
    assert right[0] == pytest.approx(over(lo, p, lambda u: float(law.knots(np.array([u]))[0][0])), rel=1e-7)
    assert left[0] == pytest.approx(over(p, hi, lambda u: float(law.knots(np.array([u]))[1][0])), rel=1e-7)


@pytest.mark.parametrize("family", ["gaussian", "uniform"])
def test_a_law_and_its_law_of_knots_are_of_the_same_neurons(family):
    law = Law(family, a=1.5, b=0.5, c=2.0)
    known = law.knot_law()
    assert isinstance(known, KnotLaw)
    net = law.draw(200_000, np.random.default_rng(3))
    facing = net.orientations > 0
    expected = [np.mean(facing & (net.knots < 0.3)), np.mean(~facing & (net.knots > 0.3))]
    np.testing.assert_allclose([float(each) for each in known.active(np.array(0.3))], expected, atol=0.004)
    assert known.c2 == pytest.approx(np.mean(net.c**2), rel=0.01)


@pytest.mark.parametrize("name", ["pytorch", "he", "glorot", "gaussian", "uniform"])
def test_an_initialiser_and_its_law_are_one(name):
    law = getattr(kf.laws, name)(30)
    drawn, same = (
        law.draw(30, np.random.default_rng(5), norm=3.0),
        getattr(kf.initial, name)(30, np.random.default_rng(5), norm=3.0),
    )
    for field in ("a", "b", "c", "norm", "bias"):
        np.testing.assert_array_equal(getattr(drawn, field), getattr(same, field))
    assert kf.initial.law(name, m=30) == law.knot_law() == kf.kernels.law(law)


def test_another_family_is_refused():
    with pytest.raises(kf.InputError, match="family is 'cauchy': it must be one of 'gaussian', 'uniform'"):
        Law("cauchy", 1.0, 1.0, 1.0)
