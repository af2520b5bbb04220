"""Knots where a target bends: against the density they should have, and on targets that do not bend."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate

import knotflow as kf
from knotflow.initial import curvature_knots


def rng():
    return np.random.default_rng(0)


def test_knots_are_quantiles_of_the_density():
    net = curvature_knots(40, rng(), np.exp, (-1.0, 3.0), spread=0.0)
    share = [integrate.quad(lambda x: np.exp(0.4 * x), -1, knot)[0] for knot in net.knots]
    total = integrate.quad(lambda x: np.exp(0.4 * x), -1, 3)[0]
    np.testing.assert_allclose(np.array(share) / total, (np.arange(40) + 0.5) / 40, atol=1e-5)
    assert set(net.a) == {-1.0, 1.0}
    assert np.all(net.c == 0)


def test_samples_and_their_function_agree():
    x = np.linspace(-2, 2, 801)
    by_samples = curvature_knots(25, rng(), kf.Samples(x, np.arctan(3 * x)))
    by_function = curvature_knots(25, rng(), lambda x: np.arctan(3 * x), (-2.0, 2.0))
    np.testing.assert_allclose(by_samples.knots, by_function.knots, atol=0.02)


def test_a_kink_draws_the_knots():
    data = kf.Samples(np.linspace(-2, 2, 41), np.abs(np.linspace(-2, 2, 41) - 0.3))
    knots = curvature_knots(50, rng(), data, spread=0.2).knots
    assert np.mean(np.abs(knots - 0.3) < 0.11) > 0.7
    assert knots.min() < -1.5
    assert knots.max() > 1.5


@pytest.mark.parametrize("target", [kf.Samples([0.0, 1.0], [3.0, 3.0]), kf.Samples([0.0, 0.3, 1.0], [2.0, 2.0, 2.0])])
def test_straight_targets_are_tiled(target):
    np.testing.assert_allclose(curvature_knots(5, rng(), target).knots, [0.1, 0.3, 0.5, 0.7, 0.9], atol=1e-12)
    line = curvature_knots(5, rng(), lambda x: 3e5 * x + 1, (0.0, 1.0))
    np.testing.assert_allclose(line.knots, [0.1, 0.3, 0.5, 0.7, 0.9], atol=1e-12)


def test_adapted_knots_fit_better_than_even_ones():
    x = np.linspace(-2, 2, 400)
    y = np.arctan(20 * x)

    def error(net):
        features = np.maximum(np.multiply.outer(x, net.a) - net.b, 0)
        columns = np.c_[features, x, np.ones_like(x)]
        return np.sum((columns @ np.linalg.lstsq(columns, y, rcond=None)[0] - y) ** 2)

    adapted = error(curvature_knots(15, rng(), kf.Samples(x, y)))
    assert adapted < 0.1 * error(kf.initial.uniform_knots(15, rng(), (-2.0, 2.0)))


def test_bad_arguments_are_refused():
    with pytest.raises(kf.InputError, match=r"target is 3: it must be Samples or a function"):
        curvature_knots(5, rng(), 3)
    with pytest.raises(kf.InputError, match=r"where is None: with a function as the target it must be an interval"):
        curvature_knots(5, rng(), np.sin)
    with pytest.raises(kf.InputError, match=r"power is -1\S*: it must be a finite number >= 0"):
        curvature_knots(5, rng(), np.sin, (0.0, 1.0), power=-1)
    with pytest.raises(kf.InputError, match=r"spread is 1\.5: it must be a finite number >= 0 and <= 1"):
        curvature_knots(5, rng(), np.sin, (0.0, 1.0), spread=1.5)
    with pytest.raises(kf.InputError, match=r"the interval \(1, 0\) is empty"):
        curvature_knots(5, rng(), np.sin, (1.0, 0.0))
