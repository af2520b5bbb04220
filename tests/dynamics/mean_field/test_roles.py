"""What samples do to knots, by probes on both sides of every ray and by the events of the flow."""

from __future__ import annotations

import numpy as np

import knotflow as kf
from helpers.particle_cases import net, tied
from knotflow.dynamics import mean_field


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
    for when, i, j, *_ in sticks[:6].tolist():
        now = kf.evolve(z, data, flow, until=when * (1 + 1e-9), save_at=[]).final
        rows = mean_field.sample_roles(now, data)
        facing, sign = ("right" if now.a[i] > 0 else "left"), np.sign(now.c[i])
        role = rows[(rows["sample"] == j) & (rows["facing"] == facing) & (rows["sign"] == sign)]["role"]
        assert role.tolist() == ["attractor"]
