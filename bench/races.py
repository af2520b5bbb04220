"""The race: one gradient-descent step of knotflow, of its rivals and of the floor, on every case."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench import rivals
from bench.cases import Case, Problem, problem
from bench.clock import Stretch, ns_per_step
from bench.tables import Table, nanoseconds, verdict

AGREEMENT = 1e-9
RIVALS = {"torch": rivals.torch_eager, "jax": rivals.jax_scan}


class DisagreementError(Exception):
    """Two contenders did not reach the same parameters: their times cannot be compared."""


@dataclass(frozen=True)
class Result:
    """Nanoseconds per step of everyone on one case, and how far apart the contenders ended."""

    case: Case
    start: float
    warm: float
    floor: float
    torch: float | None
    jax: float | None
    disagreement: float | None


def disagreement(case: Case, prob: Problem) -> float:
    """Largest parameter difference from knotflow after `dense_steps`, over how far parameters moved."""
    ours = rivals.knotflow(prob)(case.dense_steps)
    moved = _largest_difference(ours, (prob.net.a, prob.net.b, prob.net.c))
    worst = 0.0
    for name, rival in RIVALS.items():
        apart = _largest_difference(ours, rival(prob)(case.dense_steps)) / moved
        if not apart <= AGREEMENT:
            raise DisagreementError(f"{case.name}: knotflow and {name} differ by {apart:.2g} after training")
        worst = max(worst, apart)
    return worst


def _largest_difference(ours: rivals.Parameters, theirs: rivals.Parameters) -> float:
    return max(float(np.abs(p - q).max()) for p, q in zip(ours, theirs, strict=True))


def measure(case: Case, rounds: int) -> Result:
    """Time one case: knotflow from the start and after its warm-up, its rivals, and the floor."""
    prob = problem(case.m, case.s, case.delta, case.scaled)
    dense = case.dense_steps is not None
    apart = disagreement(case, prob) if dense else None
    stretches = {
        "start": Stretch(rivals.knotflow(prob), 1, 1 + case.steps),
        "warm": Stretch(rivals.warm(prob, case.warm_up), 1, 1 + case.steps),
        "floor": Stretch(rivals.floor(prob), 1, 1 + case.steps),
    }
    if dense:
        stretches |= {name: Stretch(rival(prob), 1, 1 + case.dense_steps) for name, rival in RIVALS.items()}
    times = {"torch": None, "jax": None} | ns_per_step(stretches, rounds)
    return Result(case, disagreement=apart, **times)


def times_table(results: list[Result]) -> Table:
    """Cost of one step, everyone."""
    rows = tuple(
        (
            r.case.name,
            nanoseconds(r.start),
            nanoseconds(r.warm),
            nanoseconds(r.floor),
            nanoseconds(r.torch),
            nanoseconds(r.jax),
            "-" if r.disagreement is None else f"{r.disagreement:.1e}",
        )
        for r in results
    )
    columns = ("case", "knotflow, start", "knotflow, warm", "floor", "PyTorch", "JAX", "disagreement")
    return Table("One full-batch gradient-descent step, float64", columns, rows)


def ratios(result: Result, phase: str) -> tuple[str, ...]:
    """PyTorch / knotflow, JAX / knotflow and knotflow / floor in one phase, beside their targets."""
    ours = getattr(result, phase)
    cells = [result.case.name, phase]
    for name in ("torch", "jax", "floor"):
        theirs, target = getattr(result, name), getattr(result.case.target, name)
        if theirs is None:
            cells.append("-")
            continue
        ratio = ours / theirs if name == "floor" else theirs / ours
        cells.append(f"{ratio:,.3g}x" if target is None else verdict(ratio, target, at_most=name == "floor"))
    return tuple(cells)


def ratios_table(results: list[Result]) -> Table:
    """Speed relative to rivals and floor, in both phases."""
    rows = tuple(ratios(r, phase) for r in results for phase in ("start", "warm"))
    columns = ("case", "phase", "faster than PyTorch", "faster than JAX", "times the floor")
    return Table("knotflow against its rivals and the floor", columns, rows)
