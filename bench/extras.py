"""Besides the race: how cost grows with size, and other optimisers, for information."""

from __future__ import annotations

import numpy as np

import knotflow as kf
from bench import rivals
from bench.cases import problem
from bench.clock import Stretch, exponent, ns_per_step
from bench.tables import Table, nanoseconds

WIDTHS, WIDTHS_SAMPLES = (1_000, 10_000, 100_000, 1_000_000), 100
SAMPLES, SAMPLES_WIDTH = (10, 100, 1_000, 10_000), 10_000


def scaling(rounds: int, largest: int) -> tuple[Table, dict]:
    """Cost of a knotflow step against m and against s, sizes up to `largest`, with fitted exponents."""
    widths = [m for m in WIDTHS if m <= largest]
    counts = [s for s in SAMPLES if s <= largest]
    series = {
        f"m, at s={WIDTHS_SAMPLES}": (widths, [_cost(m, WIDTHS_SAMPLES, rounds) for m in widths]),
        f"s, at m={SAMPLES_WIDTH:,}": (counts, [_cost(SAMPLES_WIDTH, s, rounds) for s in counts]),
    }
    rows, values = [], {}
    for name, (sizes, costs) in series.items():
        points = ", ".join(f"{v:,}: {nanoseconds(cost)}" for v, cost in zip(sizes, costs, strict=True))
        slope = exponent(sizes, costs)
        rows.append((name, points, f"{slope:.2f}"))
        values[name] = {"sizes": sizes, "ns": costs, "exponent": slope}
    return Table("Cost of a step against size", ("varied", "from the start", "exponent"), tuple(rows)), values


def _cost(m: int, s: int, rounds: int) -> float:
    steps = max(2_000, 20_000_000 // (m + s))  # a run of many neurons takes a third of a second to set up
    return ns_per_step({"knotflow": Stretch(rivals.knotflow(problem(m, s)), 1, 1 + steps)}, rounds)["knotflow"]


def optimisers(rounds: int) -> tuple[Table, dict]:
    """Adam and minibatch SGD beside torch.optim, for information (m = 1000, s = 100, batches of 10)."""
    import torch

    prob = problem(1_000, 100)

    def ours(make):
        return Stretch(lambda steps: kf.evolve(prob.net, prob.data, make(), steps=steps, save_at=()), 1, 5_001)

    def theirs(**options):
        return Stretch(rivals.torch_eager(prob, **options), 1, 201)

    stretches = {
        "Adam": ours(lambda: kf.Adam(1e-3)),
        "SGD": ours(lambda: kf.SGD(prob.lr, 10, np.random.default_rng(0))),
        "torch.optim.Adam": theirs(optimiser=lambda p: torch.optim.Adam(p, lr=1e-3)),
        "torch.optim.SGD": theirs(batch=10),
    }
    times = ns_per_step(stretches, rounds)
    rows = tuple(
        (name, nanoseconds(times[name]), nanoseconds(times[rival]), f"{times[rival] / times[name]:.3g}x")
        for name, rival in (("Adam", "torch.optim.Adam"), ("SGD", "torch.optim.SGD"))
    )
    columns = ("method (m=1,000 s=100, batch 10)", "knotflow", "PyTorch", "faster")
    return Table("Other optimisers, a step", columns, rows), times
