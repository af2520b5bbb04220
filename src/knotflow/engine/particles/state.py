"""What a run of the particles holds: the problem, what moves, scratch. `flow.state` says why each is written twice."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba.experimental import structref

from knotflow.engine.arcs import find_arcs
from knotflow.engine.compiled import kernel
from knotflow.engine.flow.state import EPS, Array, Struct

CYLINDER, PLANE = range(2)
# Corrections that the iteration for the residuals remembers.
WINDOW = 5


class Problem(NamedTuple):
    """What stays the same."""

    x: Array  # (s,) distinct
    y: Array  # (s,)
    weight: Array  # (s,)
    noise: Array  # (s,) rounding error of q . (x_j, 1)
    loud: float  # the largest of them
    metric: int
    lam: float  # times pace
    pace: float
    reach: float  # largest |(x_j, 1)|
    tiny: float  # |(a, b)| that counts as 0 under a penalty in the plane
    bias: float
    tol: float  # allowed error of f at the samples in a step
    size: float  # of y and of f at the start


class Motion(NamedTuple):
    """How particles move."""

    metric: int  # CYLINDER or PLANE
    lam: float  # the penalty
    pace: float  # what all velocities are multiplied by


class Run(NamedTuple):
    """What moves; all that the next step needs."""

    z: Array  # (3, m) c, a, b
    group: Array  # (m,) int32: mode of each particle, g for arc g, 2s + k for sliding along border k, 4s at the origin
    share: Array  # (m,) the weights
    r: Array  # (s,) f - y
    basis: Array  # (s, s) eigenvectors of the kernel that Newton's method uses; (s,) eigenvalues
    eigen: Array
    power: Array  # (s,) power iteration for the largest eigenvalue
    counts: Array  # (8,) int64, places as in `flow.state`
    real: Array  # (4,)


class Path(NamedTuple):
    """Scratch: the particle (c, a, b) in a substep."""

    stage: Array  # (7, 3) velocities at the stages
    value: Array  # (3,) the particle before the substep
    next: Array  # (3,) and after it
    dense: Array  # (5, 3) its dense output
    spot: Array  # (3,)
    probe: Array  # (3,)


class Log(NamedTuple):
    """Events."""

    times: Array  # (room,) as fractions of the step, until the step is taken
    rows: Array  # (room, 3) int64: particle, border or -1, kind
    size: Array  # (1,) int64


class Work(NamedTuple):
    """Scratch of a step."""

    coefs: Array  # (4s + 1, 2, 3) q1(t) and q0(t) of every mode as powers of the fraction of the step
    nodes: Array  # (3, s) residuals at the nodes
    delta: Array  # (3, s)
    spare: Array  # (3, s)
    slope: Array  # (s,) dr/dt at the start of the step
    sums: Array  # (3, 2, 2s) the arcs' sums of weight c a and weight c b at the nodes
    s11: Array  # (2s,) the tangent kernel's sums per arc
    s12: Array
    s22: Array
    tried: Array  # (WINDOW + 1, 3s) the last guesses of the nodes, and their corrections
    gained: Array
    path: Path
    events: Log


class Flat(NamedTuple):
    """What compiled code needs of `Work`."""

    coefs: Array
    nodes: Array
    slope: Array
    sums: Array
    s11: Array
    s12: Array
    s22: Array
    stage: Array
    value: Array
    next: Array
    dense: Array
    spot: Array
    probe: Array
    times: Array
    rows: Array
    size: Array


@structref.register
class ProblemType(Struct):
    """The type of `Problem` in compiled code."""


@structref.register
class RunType(Struct):
    """The type of `Run` in compiled code."""


@structref.register
class WorkType(Struct):
    """The type of `Flat` in compiled code."""


class ProblemRef(structref.StructRefProxy):
    """`Problem` as compiled code takes it."""


class RunRef(structref.StructRefProxy):
    """`Run` as compiled code takes it."""


class WorkRef(structref.StructRefProxy):
    """`Flat` as compiled code takes it."""


for _proxy, _type, _record in (
    (ProblemRef, ProblemType, Problem),
    (RunRef, RunType, Run),
    (WorkRef, WorkType, Flat),
):
    structref.define_constructor(_proxy, _type, list(_record._fields))
    structref.define_boxing(_type, _proxy)


@kernel
def _bind(prob, run, flat):
    return ProblemRef(*prob), RunRef(*run), WorkRef(*flat)


def bind(prob: Problem, run: Run, work: Work) -> tuple[Any, Any, Any]:
    """The records as compiled code takes them. They hold the same arrays."""
    flat = Flat(
        work.coefs, work.nodes, work.slope, work.sums, work.s11, work.s12, work.s22, *work.path, *work.events
    )  # fmt: skip
    return _bind(prob, run, flat)


def problem(x: Array, y: Array, weight: Array, motion: Motion, bias: float, tol: float, size: float) -> Problem:
    """The constants of a run."""
    pace = float(motion.pace)
    noise = 64 * EPS * pace * size * (np.abs(x) * np.sum(weight * np.abs(x)) + np.sum(weight))
    reach = float(np.hypot(1.0, x).max())
    return Problem(
        x, y, weight, noise, float(noise.max()), motion.metric, float(motion.lam * pace), pace, reach,
        float(0.1 * tol / reach), float(bias), float(tol), float(size),
    )  # fmt: skip


def start(a: Array, b: Array, c: Array, share: Array, x: Array) -> tuple[Run, Work]:
    """A run at its start; ``enter`` must settle which particles stand on a sample."""
    m, s = a.size, x.size
    group = np.empty(m, np.int32)
    find_arcs(a, b, x, group)
    run = Run(
        np.stack([c, a, b]), group, share, np.zeros(s), np.eye(s), np.zeros(s), np.ones(s), np.zeros(8, np.int64),
        np.zeros(4),
    )  # fmt: skip
    path = Path(np.zeros((7, 3)), np.zeros(3), np.zeros(3), np.zeros((5, 3)), np.zeros(3), np.zeros(3))
    room = 8 * m + 8192
    work = Work(
        np.zeros((4 * s + 1, 2, 3)), np.zeros((3, s)), np.zeros((3, s)), np.zeros((3, s)), np.zeros(s),
        np.zeros((3, 2, 2 * s)), np.zeros(2 * s), np.zeros(2 * s), np.zeros(2 * s),
        np.zeros((WINDOW + 1, 3 * s)), np.zeros((WINDOW + 1, 3 * s)), path,
        Log(np.zeros(room), np.zeros((room, 3), np.int64), np.zeros(1, np.int64)),
    )  # fmt: skip
    return run, work
