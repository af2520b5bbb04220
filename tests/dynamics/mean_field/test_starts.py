"""Starts of infinite width: moments of the law, and Monte Carlo."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import dblquad

import knotflow as kf
from helpers.particle_cases import METRICS, net, points, run
from knotflow.dynamics import mean_field
from knotflow.laws import Law

pytestmark = pytest.mark.slow

LAWS = [Law("gaussian", 1.0, 0.6, 1.3), Law("uniform", 1.0, 0.6, 1.3)]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.family)
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("rule", ["quadrature", "sobol"])
def test_nodes_have_the_moments_of_the_law(law, metric, rule):
    start = mean_field.particles(law, points(), 4096, rule, metric, np.random.default_rng(0))
    assert sum(start.weights) == pytest.approx(1, abs=1e-6)
    assert len(start.net) == len(start.weights) <= 4096
    z = start.net
    x = 0.4
    h = np.maximum(z.a * x - z.b, 0)
    accurate = 1e-9 if rule == "quadrature" else 2e-2
    assert z.c @ h == pytest.approx(0, abs=accurate)
    up = (z.c * h)[z.c > 0].sum()  # E max(c, 0) max(a x - b, 0)
    if law.family == "gaussian":
        truth = law.c / np.sqrt(2 * np.pi) * np.hypot(law.a * x, law.b) / np.sqrt(2 * np.pi)
    else:
        inner = dblquad(lambda b, a: max(a * x - b, 0), -law.a, law.a, -law.b, law.b, epsabs=1e-10)[0]
        truth = law.c / 4 * inner / (4 * law.a * law.b)
    assert up == pytest.approx(truth, abs=1e-6 if rule == "quadrature" else 2e-3)


def test_the_error_of_draws_and_of_the_quadrature():
    data, T = points(), 1.5
    at = data.distinct.x
    truth = run(mean_field.particles("gaussian", data, 8192), data, T).final(at)
    sizes, drawn, exact = np.array([64, 256, 1024]), [], []
    for size in sizes:
        errors = [
            run(mean_field.particles("gaussian", data, int(size), "random", rng=rng), data, T).final(at) - truth
            for rng in np.random.default_rng(7).spawn(24)
        ]
        drawn.append(np.sqrt(np.mean(np.square(errors))))
        quadrature = run(mean_field.particles("gaussian", data, int(size)), data, T).final(at) - truth
        exact.append(np.sqrt(np.mean(quadrature**2)))
    slope = np.polyfit(np.log(sizes), np.log(drawn), 1)[0]
    assert abs(slope + 0.5) < 0.15, (slope, drawn)
    assert np.polyfit(np.log(sizes), np.log(exact), 1)[0] < -0.75, exact
    assert exact[-1] < drawn[-1] / 10


@pytest.mark.parametrize("metric", ["cylinder", "polar"])
def test_canonical_draws_agree_with_the_quadrature(metric):
    data, T = points(), 1.0
    at = data.distinct.x
    truth = run(mean_field.particles("gaussian", data, 1024, metric=metric), data, T, metric, 1e-5).final(at)
    sobol = mean_field.particles("gaussian", data, 1024, "sobol", metric, np.random.default_rng(0))
    assert np.abs(run(sobol, data, T, metric, 1e-5).final(at) - truth).max() < 8e-3
    gaps = []
    for rng in np.random.default_rng(1).spawn(12):
        start = mean_field.particles("gaussian", data, 256, "random", metric, rng)
        gaps.append(run(start, data, T, metric, 1e-5).final(at) - truth)
    z = np.mean(gaps, axis=0) / (np.std(gaps, axis=0, ddof=1) / np.sqrt(len(gaps)))
    assert np.abs(z).max() < 4


def test_wide_networks_approach_the_mean_field():
    data, T = points(), 0.5
    at = data.distinct.x
    truth = run(mean_field.particles("gaussian", data, 8192), data, T).final(at)
    widths, errors = np.array([1_000, 10_000, 100_000]), []
    for m in widths:
        gaps = []
        for rng in np.random.default_rng(int(m)).spawn(4 if m < 100_000 else 3):
            start = kf.initial.gaussian(int(m), rng, norm=float(m))
            gaps.append(kf.evolve(start, data, kf.GradientFlow(1e-5), until=m * T, save_at=[]).final(at) - truth)
        errors.append(np.sqrt(np.mean(np.square(gaps))))
    assert abs(np.polyfit(np.log(widths), np.log(errors), 1)[0] + 0.5) < 0.15, errors


def test_the_former_name_works_and_warns():
    with pytest.warns(
        DeprecationWarning, match="dynamics.mean_field.start is deprecated: use dynamics.particles"
    ) as record:
        old = mean_field.start("gaussian", points(), 256)
    assert record[0].filename == __file__
    new = kf.dynamics.particles("gaussian", points(), 256)
    np.testing.assert_array_equal(old.net.a, new.net.a)
    assert old.weights == new.weights
    assert repr(new) == f"Particles({len(new.weights)} of total weight 1)"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda n, d: mean_field.particles("spiky", d), "law is 'spiky': it must be a Law or one of pytorch"),
        (lambda n, d: mean_field.particles("he", d, 0), "nodes is 0"),
        (lambda n, d: mean_field.particles("he", d, 3), "it must be at least 24, two for each of 12 arcs"),
        (lambda n, d: mean_field.particles("he", d, 100, "sobol", rng=np.random.default_rng(0)), "power of 2"),
        (lambda n, d: mean_field.particles("he", d, 100, "random"), "rng is None"),
        (lambda n, d: mean_field.particles("he", d, 100, "simpson"), "rule is 'simpson'"),
        (lambda n, d: mean_field.particles("he", d, 100, metric="flat"), "metric is 'flat'"),
        (lambda n, d: mean_field.particles(Law("gaussian", 0.0, 1.0, 1.0), d), "needs both to be random"),
    ],
)
def test_bad_input_gets_a_clear_error(make, message):
    with pytest.raises(kf.InputError, match=message):
        make(net(5), points())
