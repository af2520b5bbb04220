"""The samples and the network that the mean-field tests share."""

from __future__ import annotations

import numpy as np

import knotflow as kf
from knotflow.dynamics import mean_field

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
