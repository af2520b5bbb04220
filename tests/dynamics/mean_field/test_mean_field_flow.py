"""Infinite width: nodes against Monte Carlo, the field against autograd and finite differences, Lemma 2 by probes."""

from __future__ import annotations

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad
from scipy.integrate import dblquad

import knotflow as kf
from knotflow.dynamics import mean_field
from knotflow.initial.laws import Law

METRICS = ("full", "cylinder", "polar")


def points() -> kf.Samples:
    return kf.Samples([-1.3, -0.6, -0.1, 0.4, 0.5, 1.2], [1, -0.5, 0.7, 0.2, -1, 0.6], [1, 2, 1, 1, 0.5, 1])


def tied() -> kf.Samples:
    rng = np.random.default_rng(4)
    x = np.append(rng.exponential(0.7, 6) - 0.4, [0.1, 0.1])
    return kf.Samples(x, rng.normal(size=8), rng.uniform(0.5, 2, 8))


def net(m: int = 15, seed: int = 2) -> kf.ReLUNet:
    return kf.initial.gaussian(m, np.random.default_rng(seed), norm=float(m))


def run(start: mean_field.Particles, data, T, metric="full", rtol=1e-6, **options):
    return kf.evolve(
        start.net, data, kf.MeanFieldFlow(metric, start.weights, rtol=rtol), until=T, save_at=[], **options
    )


# --- nodes ------------------------------------------------------------------------------------------------------

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


# --- the flow ---------------------------------------------------------------------------------------------------


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
        data, kf.MeanFieldFlow(metric, weights, rtol=1e-8), until=1.0, save_at=[],
    )  # fmt: skip
    np.testing.assert_allclose(one.final(grid), two.final(grid), atol=1e-7)
    np.testing.assert_allclose(two.final.knots[0], two.final.knots[1], rtol=1e-7)


def test_files(tmp_path):
    start = mean_field.particles("uniform", tied(), 256, metric="cylinder")
    half = run(start, tied(), 0.3, "cylinder")
    loaded = kf.load_trajectory(half.save(tmp_path / "half"))
    assert loaded.dynamics == half.dynamics
    whole, joined = run(start, tied(), 0.6, "cylinder"), loaded.resume(until=0.6, save_at=[])
    np.testing.assert_allclose(joined.final.c, whole.final.c, atol=1e-6)


# --- the field --------------------------------------------------------------------------------------------------


def loss(r, theta, weights, data):
    """L of the particles, by its definition; for autograd."""
    h = anp.outer(data.x, anp.cos(theta)) + anp.sin(theta)
    return 0.5 * anp.sum(data.weights * (anp.dot(anp.maximum(h, 0), weights * r) - data.y) ** 2)


def test_the_velocity_is_minus_the_gradient_of_the_loss_over_the_weight():
    data, z = tied(), net()
    view, m = z.canonical(), len(z)
    for metric, scale in (("cylinder", 1.0), ("polar", 1 / view.r**2)):
        r, theta = mean_field.velocity(z, data, view.r, view.theta, metric)
        share = np.full(m, 1 / m)
        np.testing.assert_allclose(r, -m * grad(loss, 0)(view.r, view.theta, share, data), atol=1e-13)
        np.testing.assert_allclose(theta, -m * scale * grad(loss, 1)(view.r, view.theta, share, data), rtol=1e-10)
    e = 1e-6
    up, down = (mean_field.potential(z, data, view.r + side, view.theta) for side in (e, -e))
    np.testing.assert_allclose(mean_field.velocity(z, data, view.r, view.theta)[0], -(up - down) / (2 * e), atol=1e-8)


@pytest.mark.parametrize("metric", METRICS)
def test_the_velocity_and_the_residual_ode_are_those_of_the_flow(metric):
    data, z, dt = tied(), net(), 1e-5
    at = data.distinct.x
    run = kf.evolve(z, data, kf.MeanFieldFlow(metric, rtol=1e-12), until=2 * dt, save_at=[dt])
    assert run.events.size == 0

    def slope(now, near, far):  # at the time 0, from the times 0, dt and 2 dt
        return (4 * near - far - 3 * now) / (2 * dt)

    (r, theta, delta), near, far = (state(run.net_at(k), metric) for k in range(3))
    moves = [mean_field.velocity(z, data, *place, metric, d) for *place, d in zip(r, theta, delta, strict=True)]
    np.testing.assert_allclose(
        np.transpose(moves), [slope(r, near[0], far[0]), slope(theta, near[1], far[1])], atol=1e-5
    )
    plane = [
        complex(*mean_field.velocity(z, data, *place, metric, d, plane=True))
        for *place, d in zip(r, theta, delta, strict=True)
    ]
    here, close, later = (np.abs(s[0]) * np.exp(1j * s[1]) for s in ((r, theta), near, far))
    np.testing.assert_allclose(plane, slope(here, close, later), atol=1e-5)
    ode = mean_field.residual_ode(z, data, metric)
    np.testing.assert_allclose(ode.slope, slope(*(run.net_at(k)(at) for k in range(3))), atol=1e-5)
    assert ode.sigma.shape == (2 * at.size, 2, 2)
    assert np.all(np.linalg.eigvalsh(ode.sigma) >= -1e-15)


def state(trained: kf.ReLUNet, metric: str):
    """(r, theta, delta) of particles of weight 1/m that a trajectory of norm 1 holds."""
    m = len(trained)
    particles = trained.replace(a=trained.a * m**0.5, b=trained.b * m**0.5, c=trained.c * m**0.5, norm=m)
    view = particles.canonical()
    return view.r, view.theta, view.delta


def test_sigma_is_an_integral_over_the_arcs_by_brute_force():
    data, z = tied(), net(40)
    d, view = data.distinct, z.canonical()
    rho, slope = d.weight * (z(d.x) - d.y), np.zeros(d.x.size)
    for r, theta in zip(view.r, view.theta, strict=True):
        direction, normal = np.array([np.cos(theta), np.sin(theta)]), np.array([-np.sin(theta), np.cos(theta)])
        rows = np.stack([d.x, np.ones_like(d.x)], axis=1)
        active = rows @ direction > 0
        g = (active * rho) @ rows
        sigma = r**2 * np.outer(normal, normal) + np.outer(direction, direction)
        slope -= active * (rows @ sigma @ g) / len(z)
    np.testing.assert_allclose(mean_field.residual_ode(z, data, "cylinder").slope, slope, atol=1e-12)


def test_roles_are_what_probes_on_both_sides_do():
    seen = set()
    for seed in range(40):
        rng = np.random.default_rng(seed)
        data = kf.Samples(rng.normal(size=6), rng.normal(size=6), rng.uniform(0.5, 2, 6))
        z = net(8, seed)
        table = mean_field.sample_roles(z, data)
        assert len(table) == 24
        for row in table:
            ray = -np.arctan(data.distinct.x[row["sample"]]) + (np.pi if row["facing"] == "left" else 0.0)
            below, above = (mean_field.velocity(z, data, float(row["sign"]), ray + side)[1] for side in (-1e-7, 1e-7))
            dead = row["role"] in ("death", "dead border")
            if dead:
                inside = below if below != 0 else above
                towards = inside > 0 if below != 0 else inside < 0
                assert (row["role"] == "death") == towards
            else:
                role = "attractor" if below > 0 > above else "repeller" if below < 0 < above else "passthrough"
                assert role == row["role"]
            seen.add(str(row["role"]))
    assert seen == {"attractor", "repeller", "passthrough", "death", "dead border"}


def test_knots_stick_where_the_roles_say_that_they_can():
    data, z = tied(), net(40)
    flow = kf.MeanFieldFlow("cylinder", rtol=1e-8)
    events = kf.evolve(z, data, flow, until=2.0, save_at=[]).events
    sticks = events[events["kind"] == "stick"]
    assert len(sticks) > 2
    for when, i, j, _ in sticks[:6].tolist():
        now = kf.evolve(z, data, flow, until=when * (1 + 1e-9), save_at=[]).final
        rows = mean_field.sample_roles(now, data)
        facing, sign = ("right" if now.a[i] > 0 else "left"), np.sign(now.c[i])
        role = rows[(rows["sample"] == j) & (rows["facing"] == facing) & (rows["sign"] == sign)]["role"]
        assert role.tolist() == ["attractor"]


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
        (lambda n, d: mean_field.particles("spiky", d), "law is 'spiky': it must be a Law or one of pytorch"),
        (lambda n, d: mean_field.particles("he", d, 0), "nodes is 0"),
        (lambda n, d: mean_field.particles("he", d, 3), "it must be at least 24, two for each of 12 arcs"),
        (lambda n, d: mean_field.particles("he", d, 100, "sobol", rng=np.random.default_rng(0)), "power of 2"),
        (lambda n, d: mean_field.particles("he", d, 100, "random"), "rng is None"),
        (lambda n, d: mean_field.particles("he", d, 100, "simpson"), "rule is 'simpson'"),
        (lambda n, d: mean_field.particles("he", d, 100, metric="flat"), "metric is 'flat'"),
        (lambda n, d: mean_field.particles(Law("gaussian", 0.0, 1.0, 1.0), d), "needs both to be random"),
        (lambda n, d: mean_field.velocity(n, d, 1.0, 0.0, "flat"), "metric is 'flat'"),
        (lambda n, d: mean_field.velocity(n, d, np.nan, 0.0), "r"),
    ],
)
def test_bad_input_gets_a_clear_error(make, message):
    with pytest.raises(kf.InputError, match=message):
        make(net(5), points())
