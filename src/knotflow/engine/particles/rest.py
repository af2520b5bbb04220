"""When nothing more happens to the particles. As `flow.rest`, whose bounds these are, by the velocities.

A mode of the tangent kernel that moves with the rate lambda, r_k' = -lambda (r_k - r_k*), moves by |r_k'| / lambda in
all and lets the energy fall by half the square of that. Under a penalty r_k* is not 0.
"""

from __future__ import annotations

import numpy as np

from knotflow.engine.codes import ARRIVED, CONVERGED, FLOOR, PAUSED
from knotflow.engine.flow.radau import refresh
from knotflow.engine.flow.rest import EVERY
from knotflow.engine.flow.state import EPS, FRESH, RATE, REJECTED, ROUNDING, STEPS, TIME
from knotflow.engine.particles.field import derivatives, kernel_matrix
from knotflow.engine.particles.state import Problem, Run, Work


def end(falls: float, left: float, flat: float, prob: Problem, run: Run, work: Work) -> int:
    """ARRIVED if nothing moves until the time asked for; CONVERGED or FLOOR, see `codes`; else PAUSED.

    ``falls``: the rate at which the energy falls. ``flat`` < 0: the time asked for is wanted.
    """
    now = run.real[TIME]
    due = run.counts[FRESH] > 0 and (run.counts[STEPS] + run.counts[REJECTED]) % EVERY == 0
    if falls == 0.0:
        return ARRIVED if flat < 0.0 else CONVERGED
    if flat >= 0.0 and now > 0.0 and now * falls <= flat:
        return CONVERGED
    code = _by_modes(falls, left, flat, prob, run, work) if due else PAUSED
    if code != PAUSED:  # Newton's Jacobian may be an old one: ask the present kernel
        falls = derivatives(run, prob, work)
        refresh(run, kernel_matrix(prob, work))
        code = _by_modes(falls, left, flat, prob, run, work)
    return code


def _by_modes(falls: float, left: float, flat: float, prob: Problem, run: Run, work: Work) -> int:
    """As ``end``, by the modes of the kernel that the run holds; O(s^2)."""
    now, top = run.real[TIME], run.real[RATE]
    if flat < 0.0:
        return ARRIVED if left * top > EPS**-0.25 and _at_rest(falls, left, prob, run, work) else PAUSED
    if now == 0.0:
        return PAUSED
    ahead = _still_falls(falls, now, prob, run, work)
    if ahead <= flat:
        return CONVERGED
    tolerated = 0.5 * prob.tol**2 * prob.weight.sum() + now * top * ROUNDING**2 * (prob.weight * run.r**2).sum()
    return FLOOR if now * top * EPS > 1.0 or ahead <= tolerated else PAUSED


def _fast(falls: float, span: float, prob: Problem, run: Run, work: Work) -> tuple[float, np.ndarray, np.ndarray]:
    """The rate at which the energy falls but for modes that die out in the span; these modes' velocities and rates."""
    fast = run.eigen * span > 1.0
    rates = run.eigen[fast]
    moves = run.basis[:, fast].T @ (np.sqrt(prob.weight) * work.slope)
    return max(falls - float((moves**2 / rates).sum()), 0.0), moves, rates


def _still_falls(falls: float, span: float, prob: Problem, run: Run, work: Work) -> float:
    """A bound for what the energy falls by in the time span, at the modes' present rates; O(s^2)."""
    slow, moves, rates = _fast(falls, span, prob, run, work)
    return slow * span + 0.5 * float(((moves / rates) ** 2).sum())


def _at_rest(falls: float, span: float, prob: Problem, run: Run, work: Work) -> bool:
    """Whether f moves by less than a tenth of the tolerance, or than rounding and ten of it, in the span; O(s^2)."""
    slow, moves, rates = _fast(falls, span, prob, run, work)
    top = run.real[RATE]
    moved = top * (slow * span * span + float((moves**2 / rates**3).sum()))
    rounding = (top * span * ROUNDING) ** 2 * (prob.weight * run.r**2).sum()
    aim = prob.tol**2 * prob.weight.min()
    return bool(moved <= max(0.01 * aim, min(rounding, 100.0 * aim)))
