"""Samples to test with."""

from __future__ import annotations

import numpy as np

import knotflow as kf


def lopsided(seed: int) -> kf.Samples:
    """Twelve weighted samples crowded to the left, some of them tied."""
    rng = np.random.default_rng(seed)
    x = np.append(rng.exponential(0.7, 9) - 0.4, [0.1, 0.1, 0.5])
    return kf.Samples(x, rng.normal(size=12), rng.uniform(0.5, 2, 12))
