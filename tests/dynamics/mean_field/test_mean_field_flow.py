"""The flow of weighted particles, against the flows that it contains."""

from __future__ import annotations

import numpy as np
import pytest

import knotflow as kf
from helpers.particle_cases import METRICS, net, points, run, tied
from knotflow.dynamics import mean_field


@pytest.mark.parametrize("metric", ["cylinder", "polar"])
def test_equal_weights_are_the_canonical_flow_m_times_as_fast(metric):
    data, z, grid = tied(), net(), np.linspace(-1, 2, 50)
    wide = kf.evolve(z, data, kf.MeanFieldFlow(metric, lam=0.05, rtol=1e-8), until=1.0, save_at=[])
    slow = kf.evolve(z, data, kf.CanonicalFlow(metric, 0.05, 1e-8), until=15.0, save_at=[])
    np.testing.assert_allclose(wide.final(grid), slow.final(grid), atol=1e-7)
    assert wide.events["kind"].tolist() == slow.events["kind"].tolist()


def test_the_full_flow_is_gradient_flow_over_the_norm():
    data, z, grid = tied(), net(), np.linspace(-1, 2, 50)
    wide = kf.evolve(z, data, kf.MeanFieldFlow(rtol=1e-8), until=2.0, save_at=[])
    slow = kf.evolve(z, data, kf.GradientFlow(1e-8), until=2.0 * z.norm, save_at=[])
    np.testing.assert_allclose(wide.final(grid), slow.final(grid), atol=1e-7)
    scaled = z.replace(a=z.a * 15**0.25, b=z.b * 15**0.25, c=z.c * 15**0.25, norm=15**0.5)
    np.testing.assert_allclose(scaled.replace(norm=15.0 * 15**-0.5)(grid), z(grid) * 15, atol=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_a_weight_does_not_change_a_velocity(metric):
    # One particle of weight 3/4 is two of weight 1/4 and 1/2.
    data, grid = tied(), np.linspace(-1, 2, 50)
    a, b, c = np.array([[0.8, -1.0], [0.2, -0.3], [1.2, -0.7]])
    split, weights = [0, 0, 1], (0.25, 0.5, 0.25)
    whole, parts = np.sqrt([0.75, 0.25]), np.sqrt(weights)
    one = kf.evolve(
        kf.ReLUNet(whole * a, whole * b, whole * c),
        data,
        kf.MeanFieldFlow(metric, (0.75, 0.25), rtol=1e-8),
        until=1.0,
        save_at=[],
    )
    two = kf.evolve(
        kf.ReLUNet(parts * a[split], parts * b[split], parts * c[split]),
        data,
        kf.MeanFieldFlow(metric, weights, rtol=1e-8),
        until=1.0,
        save_at=[],
    )
    np.testing.assert_allclose(one.final(grid), two.final(grid), atol=1e-7)
    np.testing.assert_allclose(two.final.knots[0], two.final.knots[1], rtol=1e-7)


def test_files(tmp_path):
    start = mean_field.particles("uniform", tied(), 256, metric="cylinder")
    half = run(start, tied(), 0.3, "cylinder")
    loaded = kf.load_trajectory(half.save(tmp_path / "half"))
    assert loaded.dynamics == half.dynamics
    whole, joined = run(start, tied(), 0.6, "cylinder"), loaded.resume(until=0.6, save_at=[])
    np.testing.assert_allclose(joined.final.c, whole.final.c, atol=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda n, d: kf.MeanFieldFlow("flat"), "metric is 'flat': it must be one of \"full\"".replace('"', "'")),
        (lambda n, d: kf.MeanFieldFlow(lam=0.1), "it must be 0 unless the metric is"),
        (lambda n, d: kf.MeanFieldFlow("polar", lam=-0.1), "lam is -0.1"),
        (lambda n, d: kf.MeanFieldFlow(weights=[0.5, -0.5]), "it must be numbers > 0, one for each"),
        (lambda n, d: kf.MeanFieldFlow(rtol=0.0), "rtol is 0.0"),
        (lambda n, d: kf.evolve(n, d, kf.MeanFieldFlow(weights=[1.0]), until=1.0), "weights has length 1"),
        (lambda n, d: kf.evolve(n, d, kf.MeanFieldFlow()), "until is missing"),
    ],
)
def test_bad_input_gets_a_clear_error(make, message):
    with pytest.raises(kf.InputError, match=message):
        make(net(5), points())
