"""What a run of the flow holds: the problem, what moves, and scratch.

Each record is written twice. In Python it is a NamedTuple. In compiled code it is a *structref* with the same fields:
one pointer, whatever the number of fields. A function that takes a NamedTuple of 20 arrays is typed and compiled with
all of them, at every call; with a pointer it compiles several times faster. `bind` makes the second from the first;
both hold the same arrays.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba.core import types
from numba.experimental import structref
from numpy.typing import NDArray

from knotflow.engine.arcs import borders
from knotflow.engine.compiled import kernel

Array = NDArray[Any]

# Places in Run.counts. FRESH: Newton's Jacobian is up to date. HELD: the next step may not be longer than this one.
# PATIENCE: the steps left until many crossings in a step are tried as a batch again, after WAIT the last time.
STEPS, REJECTED, SOLVES, REFRESHED, EVENTS, STIFF, FRESH, HELD, WAIT, PATIENCE = range(10)
# Places in Run.real. DT: the step planned. RATE: the largest eigenvalue of the tangent kernel.
TIME, DT, _, RATE = range(4)

EPS = 2.0**-52


class Problem(NamedTuple):
    """What stays the same: s distinct samples, their borders, what is trained."""

    x: Array  # (s,)
    y: Array  # (s,)
    weight: Array  # (s,)
    lower: Array  # (2s,) abscissae of each arc's lower and upper border
    upper: Array
    noise: Array  # (s,) rounding error of q . (x_j, 1)
    ta: float  # 1 where a, b, c, bias are trained, else 0
    tb: float
    tc: float
    tbias: float
    inv_norm: float
    tol: float  # allowed error of f at the samples in a step
    size: float  # of y and of f at the start: what rounding errors are measured against


class Run(NamedTuple):
    """What moves; all that the next step needs. m neurons, 4s modes: 2s arcs, and sliding along one of 2s borders."""

    z: Array  # (3, m) a, b, c
    bias: Array  # (1,)
    group: Array  # (m,) int32: mode of each neuron, g for arc g, 2s + k for sliding along border k
    moments: Array  # (4s, 6) sums of aa, ab, bb, ac, bc, cc
    sign: Array  # (2s,) common sign of c of the neurons that slide along a border, 0 if there are none
    r: Array  # (s,) f - y
    basis: Array  # (s, s) eigenvectors of the kernel that Newton's method uses; (s,) eigenvalues
    eigen: Array
    counts: Array  # (10,) int64
    real: Array  # (4,)


class Work(NamedTuple):
    """Scratch of a step, by the file that fills it."""

    # modes: the collocation
    q0: Array  # (3, 2s) the arcs' sums at the nodes
    q1: Array
    coef: Array  # (4s, 2, 3) q1(t) and q0(t) of every mode as powers of the fraction of the step
    lam: Array  # (4, 4s, 9) propagators from the start of the step to the nodes, and to its end
    nodes: Array  # (3, s) the residuals at the nodes less those at the start of the step
    delta: Array  # (3, s) their defect, then their correction
    from0: Array  # (2s,) the arcs' sums at the start of the step, 0 where they are no more than rounding
    from1: Array
    spare: Array  # (3, s)
    weighted: Array  # (s,)
    ca: Array  # (2s,) the arcs' sums of c a and c b
    cb: Array
    # the tangent kernel
    slope: Array  # (s,) dr/dt at the start of the step
    s11: Array  # (2s,) its sums per arc
    s12: Array
    s22: Array
    power: Array  # (s,) power iteration for the largest eigenvalue
    # crossings
    reach: Array  # (4s, 2) how far a step moves the coefficients of c, and of a or b, of a border's h
    ids: Array  # (m,) int32 neurons that meet a border in this step
    when: Array  # (m,) when, as a fraction of the step
    border: Array  # (m,) int32 which border
    # batch
    extra: Array  # (3, 2, 2s) at each node, what events in the step add to ca and cb
    smooth: Array  # (3, s) the nodes without the events
    before: Array  # (3, s) and those of the last iteration
    # the event log, which the caller owns
    times: Array  # (room,)
    rows: Array  # (room, 3) int64: neuron, border, kind


class Struct(types.StructRef):
    """The type of a structref. Its name holds no field types: it becomes a part of the name of every function."""

    def __init__(self, fields: Any) -> None:
        super().__init__(fields)
        self.name = f"{type(self).__module__}.{type(self).__name__}"


@structref.register
class ProblemType(Struct):
    """The type of `Problem` in compiled code."""


@structref.register
class RunType(Struct):
    """The type of `Run` in compiled code."""


@structref.register
class WorkType(Struct):
    """The type of `Work` in compiled code."""


class ProblemRef(structref.StructRefProxy):
    """`Problem` as compiled code takes it."""


class RunRef(structref.StructRefProxy):
    """`Run` as compiled code takes it."""


class WorkRef(structref.StructRefProxy):
    """`Work` as compiled code takes it."""


for _proxy, _type, _fields in (
    (ProblemRef, ProblemType, Problem._fields),
    (RunRef, RunType, Run._fields),
    (WorkRef, WorkType, Work._fields),
):
    structref.define_constructor(_proxy, _type, list(_fields))
    structref.define_boxing(_type, _proxy)


@kernel
def bind(prob, run, work):
    """The records as compiled code takes them. They hold the same arrays."""
    return ProblemRef(*prob), RunRef(*run), WorkRef(*work)


def problem(x: Array, y: Array, weight: Array, norm: float, train: frozenset[str], tol: float, size: float) -> Problem:
    """The constants of a run."""
    lower, upper = borders(x)
    ta, tb, tc, tbias = (float(p in train) for p in ("a", "b", "c", "bias"))
    noise = 64 * EPS / norm * size * (np.abs(x) * np.sum(weight * np.abs(x)) + np.sum(weight))
    return Problem(x, y, weight, lower, upper, noise, ta, tb, tc, tbias, 1.0 / norm, float(tol), float(size))


def start(a: Array, b: Array, c: Array, bias: float, x: Array) -> tuple[Run, Work]:
    """A run at its start; ``enter`` must find the modes."""
    m, s = a.size, x.size
    run = Run(
        np.stack([a, b, c]), np.array([float(bias)]), np.zeros(m, np.int32), np.zeros((4 * s, 6)), np.zeros(2 * s),
        np.zeros(s), np.eye(s), np.zeros(s), np.zeros(10, np.int64), np.zeros(4),
    )  # fmt: skip
    return run, workspace(m, s)


def workspace(m: int, s: int) -> Work:
    """Scratch for m neurons and s distinct samples."""
    nodes, arcs = (3, s), 2 * s
    return Work(
        q0=np.zeros((3, arcs)), q1=np.zeros((3, arcs)), coef=np.zeros((4 * s, 2, 3)), lam=np.zeros((4, 4 * s, 9)),
        nodes=np.zeros(nodes), delta=np.zeros(nodes), from0=np.zeros(arcs), from1=np.zeros(arcs),
        spare=np.zeros(nodes), weighted=np.zeros(s), ca=np.zeros(arcs), cb=np.zeros(arcs),
        slope=np.zeros(s), s11=np.zeros(arcs), s12=np.zeros(arcs), s22=np.zeros(arcs), power=np.ones(s),
        reach=np.zeros((4 * s, 2)), ids=np.zeros(m, np.int32), when=np.zeros(m), border=np.zeros(m, np.int32),
        extra=np.zeros((3, 2, arcs)), smooth=np.zeros(nodes), before=np.zeros(nodes),
        times=np.zeros(0), rows=np.zeros((0, 3), np.int64),
    )  # fmt: skip
