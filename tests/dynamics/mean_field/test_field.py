"""The field that moves particles, against autograd, finite differences and brute force."""

from __future__ import annotations

import autograd.numpy as anp
import numpy as np
import pytest
from autograd import grad

import knotflow as kf
from helpers.particle_cases import METRICS, net, points, tied
from knotflow.dynamics import mean_field


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


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda n, d: mean_field.velocity(n, d, 1.0, 0.0, "flat"), "metric is 'flat'"),
        (lambda n, d: mean_field.velocity(n, d, np.nan, 0.0), "r"),
    ],
)
def test_bad_input_gets_a_clear_error(make, message):
    with pytest.raises(kf.InputError, match=message):
        make(net(5), points())
