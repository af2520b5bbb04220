"""What is no network or no samples is refused before anything is computed. (Runs: see test_protocol.)"""

from __future__ import annotations

import pytest

import knotflow as kf
from helpers.methods import data, net

ASKED = {
    "stability_limit": kf.stability_limit,
    "gradient": kf.gradient,
    "gradient_flow_gap": lambda n, d: kf.gradient_flow_gap(n, d, 1e-3, 1.0),
    "potential": lambda n, d: kf.dynamics.potential(n, d, 1.0, 0.0),
    "velocity": lambda n, d: kf.dynamics.velocity(n, d, 1.0, 0.0),
    "residual_ode": kf.dynamics.residual_ode,
    "sample_roles": kf.dynamics.sample_roles,
    "linearised": lambda n, d: kf.LazyFlow().linearised(n, d),
}


@pytest.mark.parametrize("name", ASKED)
def test_what_is_asked_of_a_network_wants_one_and_samples(name):
    with pytest.raises(kf.InputError, match="data is of type int: it must be Samples"):
        ASKED[name](net(), 3)
    with pytest.raises(kf.InputError, match="net is of type int: it must be a ReLUNet"):
        ASKED[name](3, data())


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (lambda: kf.gradient(net(), data()), "Gradient(40 neurons, Euclidean norm "),
        (lambda: kf.dynamics.TangentKernel(net(), data().distinct.x), "TangentKernel(39 samples)"),
        (lambda: kf.dynamics.residual_ode(net(), data()), "ResidualODE(39 samples, 78 arcs)"),
        (lambda: kf.LazyFlow({"c"}).linearised(net(), data()), "Linearised(40 neurons with c trained on x in [-0."),
        (lambda: kf.dynamics.particles("he", data(), 200), "Particles("),
    ],
)
def test_reprs_are_short(value, text):
    found = repr(value())
    assert found.startswith(text)
    assert len(found) < 120
