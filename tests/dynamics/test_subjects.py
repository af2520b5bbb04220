"""What is no network or no samples is refused before anything runs."""

from __future__ import annotations

import numpy as np
import pytest

import knotflow as kf

DATA = kf.Samples([0.0, 1.0, 2.0], [1.0, 0.0, 2.0])
NET = kf.initial.gaussian(5, np.random.default_rng(0))
DYNAMICS = [
    (kf.GradientDescent(1e-3), {"steps": 5}),
    (kf.GradientFlow(), {"until": 1.0}),
    (kf.CanonicalFlow(), {"until": 1.0}),
    (kf.MeanFieldFlow(), {"until": 1.0}),
    (kf.LazyFlow(), {"until": 1.0}),
]


@pytest.mark.parametrize(("dynamics", "how_far"), DYNAMICS)
def test_every_dynamics_wants_a_network_and_samples(dynamics, how_far) -> None:
    with pytest.raises(kf.InputError, match="data is of type tuple: it must be Samples"):
        kf.evolve(NET, (DATA.x, DATA.y), dynamics, **how_far)
    with pytest.raises(kf.InputError, match="net is of type Samples: it must be a ReLUNet"):
        kf.evolve(DATA, NET, dynamics, **how_far)


@pytest.mark.parametrize("ask", [kf.stability_limit, kf.gradient, lambda n, d: kf.gradient_flow_gap(n, d, 1e-3, 1.0)])
def test_what_is_asked_of_a_network_wants_one_too(ask) -> None:
    with pytest.raises(kf.InputError, match="data is of type int: it must be Samples"):
        ask(NET, 3)
    with pytest.raises(kf.InputError, match="net is of type int: it must be a ReLUNet"):
        ask(3, DATA)


def test_steps_have_nothing_between_them() -> None:
    run = kf.evolve(NET, DATA, kf.GradientDescent(1e-3), steps=10)
    with pytest.raises(kf.InputError, match="GradientDescent moves in steps and has no network between them"):
        run.net_at_time(5e-3)
