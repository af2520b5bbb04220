"""The flow with a total variation penalty ends at the TV spline of the canonical parametrisation."""

from __future__ import annotations

import numpy as np
import pytest

import knotflow as kf

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("seed", "lam"), [(1, 0.02), (4, 0.05)])
def test_the_limit_is_the_canonical_tv_spline(seed: int, lam: float) -> None:
    rng = np.random.default_rng(seed)
    data = kf.Samples(np.sort(rng.uniform(-1, 1, 5)), rng.normal(size=5))
    start = kf.initial.gaussian(400, rng, norm=400.0)
    flow = kf.CanonicalFlow("cylinder", lam=lam, rtol=1e-5)
    run = kf.evolve(start, data, flow, until=4e6, save_at=[])
    spline = kf.splines.tv(data, lam, weight="canonical")
    least = 0.5 * np.sum((spline(data.x) - data.y) ** 2) + lam * spline.norm
    assert flow.objective(run.final, data) == pytest.approx(least, rel=1e-8)
    assert flow.objective(run.final, data) > least * (1 - 1e-12)
    assert np.abs(run.final(data.x) - spline(data.x)).max() < 1e-4 * np.ptp(data.y)
