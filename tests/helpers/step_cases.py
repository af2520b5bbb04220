"""The samples, the network and the loops in NumPy that the tests of steps share."""

from __future__ import annotations

import numpy as np

import knotflow as kf
from knotflow.engine import dense

NAMES = ("a", "b", "c", "bias")


def data(n=12, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.exponential(0.8, n) - 0.7
    x[2] = x[5]
    return kf.Samples(x, np.cos(2 * x) + rng.normal(0.3, 0.4, n), rng.uniform(0.3, 2.0, n))


def net(m=30, seed=1):
    rng = np.random.default_rng(seed)
    return kf.ReLUNet(rng.normal(0.2, 1, m), rng.normal(0.1, 1, m), rng.normal(-0.1, 1, m), norm=m**0.5, bias=0.2)


def full_gradient(values, start, samples):
    return dense.gradient(*values, start.norm, samples.x, samples.y, samples.weights)
