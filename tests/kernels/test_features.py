"""Minimum-norm solutions at finite width: Theorem 7 of Sahs et al. 2022, against long integration and pinv."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.linalg import null_space

import knotflow as kf
from knotflow.kernels import FeatureMap

SIZES = {"wide": (4, 9, 4), "square": (5, 5, 5), "tall": (8, 3, 3), "singular": (6, 9, 2)}


def problem(name):
    s, m, rank = SIZES[name]
    rng = np.random.default_rng(s + m)
    left, right = np.linalg.qr(rng.normal(size=(s, rank)))[0], np.linalg.qr(rng.normal(size=(m, rank)))[0]
    phi = left @ np.diag(rng.uniform(0.5, 2, rank)) @ right.T
    return phi, rng.normal(size=s), rng.normal(size=m), rng.uniform(0.3, 3, m)


@pytest.mark.parametrize("name", SIZES)
def test_it_is_where_the_flow_of_mu_ends(name):
    phi, y, start, d = problem(name)
    for metric in (np.ones_like(d), d):

        def velocity(_, mu, metric=metric):
            return metric * (phi.T @ (y - phi @ mu))

        flow = solve_ivp(velocity, (0, 600), start, "LSODA", rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(FeatureMap(phi).least_norm(y, start, metric), flow.y[:, -1], atol=1e-8)


@pytest.mark.parametrize("name", SIZES)
def test_range_and_null_space(name):
    phi, y, start, d = problem(name)
    features, (s, m, rank) = FeatureMap(phi), SIZES[name]
    assert features.rank == rank
    assert features.range.shape == (s, rank)
    assert features.null_space.shape == (m, m - rank)
    np.testing.assert_allclose(phi @ features.null_space, 0, atol=1e-13)
    np.testing.assert_allclose(features.range @ features.range.T @ phi, phi, atol=1e-13)
    np.testing.assert_allclose(features.row_space.T @ features.row_space, np.eye(rank), atol=1e-13)
    expected = null_space(phi)
    np.testing.assert_allclose(features.null_space @ features.null_space.T, expected @ expected.T, atol=1e-12)
    moved = features.least_norm(y, start) - start
    np.testing.assert_allclose(features.null_space.T @ moved, 0, atol=1e-13)
    # The residual cannot be lowered, and no other least-squares solution is nearer in the metric d.
    mu = features.least_norm(y, start, d)
    np.testing.assert_allclose(phi.T @ (y - phi @ mu), 0, atol=1e-12)
    np.testing.assert_allclose(features.null_space.T @ ((mu - start) / d), 0, atol=1e-12)


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 10**6))
def test_ties_and_zeros_do_no_harm(s, m, seed):
    rng = np.random.default_rng(seed)
    phi = rng.integers(-1, 2, (s, m)).astype(float)
    y, start = rng.normal(size=s), rng.normal(size=m)
    expected = start + np.linalg.pinv(phi) @ (y - phi @ start)
    np.testing.assert_allclose(FeatureMap(phi).least_norm(y, start), expected, atol=1e-11)


@pytest.mark.parametrize("m", [4, 200])
def test_of_a_network_it_is_where_training_c_ends(m):
    rng = np.random.default_rng(3)
    net = kf.initial.uniform(m, rng, norm=3.0).replace(bias=0.4)
    data = kf.Samples(rng.uniform(-1, 1, 7), rng.normal(size=7), rng.uniform(0.5, 2, 7))
    found = kf.kernels.minimum_norm(net, data)
    h = np.sqrt(data.weights)[:, None] * np.maximum(np.multiply.outer(data.x, net.a) - net.b, 0) / 3
    rest = np.sqrt(data.weights) * (data.y - net(data.x))
    np.testing.assert_allclose(found.c, net.c + np.linalg.lstsq(h, rest, rcond=None)[0], rtol=1e-6, atol=1e-8)
    np.testing.assert_array_equal(found.a, net.a)
    np.testing.assert_allclose(kf.kernels.minimum_norm(net, data, net.a**2).c, found.c, rtol=1e-6, atol=1e-8)


def test_the_metric_of_delta_slopes():
    rng = np.random.default_rng(3)
    net = kf.initial.gaussian(50, rng, norm=2.0)
    data = kf.Samples(rng.uniform(-1, 1, 5), rng.normal(size=5))
    found = kf.kernels.minimum_norm(net, data, d=1.0)
    np.testing.assert_allclose(found(data.x), data.y, atol=1e-9)
    assert np.linalg.norm(found.delta_slopes - net.delta_slopes) < np.linalg.norm(
        kf.kernels.minimum_norm(net, data).delta_slopes - net.delta_slopes
    )


def test_it_comes_to_the_kernel_interpolant_at_the_rate_of_monte_carlo():
    x = np.linspace(-1, 1, 10)
    data = kf.Samples(x, np.sign(np.sin(2 * np.pi * x + 0.4)))
    limit, z = kf.kernels.interpolate(kf.kernels.rf("uniform"), data), np.linspace(-1, 1, 301)
    rng, widths = np.random.default_rng(7), [1000, 4000, 16000]

    def distance(m):
        net = kf.initial.uniform(m, rng).replace(c=np.zeros(m))
        return np.abs(kf.kernels.minimum_norm(net, data)(z) - limit(z)).max()

    distances = [np.median([distance(m) for _ in range(12)]) for m in widths]
    slope = np.polyfit(np.log(widths), np.log(distances), 1)[0]
    assert slope == pytest.approx(-0.5, abs=0.15)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: FeatureMap([1.0, 2.0]), r"matrix has shape \(2,\): it must have two axes"),
        (lambda: FeatureMap(np.ones((2, 3))).least_norm([1.0]), "y has length 1: it must have length 2, as matrix has"),
        (lambda: FeatureMap(np.ones((2, 3))).least_norm([1, 2], [1, 2]), r"start has shape \(2,\)"),
        (lambda: FeatureMap(np.ones((2, 2))).least_norm([1, 2], 0, [1, 0]), r"d\[1\] is 0: it must be > 0"),
        (lambda: kf.kernels.features("net", [3.0]), "net is of type str: it must be a ReLUNet"),
        (lambda: kf.kernels.minimum_norm(3, [1, 2]), "net is of type int: it must be a ReLUNet"),
        (lambda: kf.kernels.features(kf.ReLUNet([1], [1], [1]), 3.0), r"x has shape \(\): it must be one-dim"),
        (
            lambda: kf.kernels.minimum_norm(kf.ReLUNet([1, 0], [1, 1], [1, 1]), kf.Samples([0, 1], [0, 1]), 1.0),
            r"a\[1\] is 0: it must not be 0 with d given",
        ),
    ],
)
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises(kf.InputError, match=message):
        call()


def test_short_repr():
    assert repr(FeatureMap(np.ones((5, 300)))) == "FeatureMap(5 samples, 300 features)"
