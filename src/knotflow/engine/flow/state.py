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
from knotflow.engine.compiled import inner, kernel

Array = NDArray[Any]

# Places in Run.counts. HELD: the next step may not be longer than this one. LISTED: neurons that might have met
# something in the last step. REFRESHED, STIFF and FRESH are the particles'.
STEPS, REJECTED, SOLVES, REFRESHED, EVENTS, STIFF, FRESH, HELD, LISTED = range(9)
# Places in Run.real. DT: the step planned. CUT: the most for the next one alone, if not 0. RATE: the largest eigenvalue
# of the tangent kernel.
TIME, DT, CUT, RATE = range(4)

EPS = 2.0**-52
# A sum of residuals is taken for 0 within this part of its terms.
ROUNDING = 16.0 * EPS
# The part of the tolerance that goes to the propagators of single neurons.
SLACK = 0.01


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
    r: Array  # (s,) f - y
    counts: Array  # (10,) int64
    real: Array  # (4,)


class Work(NamedTuple):
    """Scratch of a step, by the file that fills it."""

    # modes: the collocation
    q0: Array  # (3, 2s) the arcs' sums at the nodes
    q1: Array
    coef: Array  # (2, 3, 4s) q1(t) and q0(t) of every mode as powers of the fraction of the step
    lam: Array  # (3, 36s) propagators from the start of the step to the nodes; the last node is its end
    nodes: Array  # (3, s) the residuals at the nodes less those at the start of the step
    delta: Array  # (3, s) their defect, then their correction
    from0: Array  # (2s,) the arcs' sums at the start of the step, 0 where they are no more than rounding
    from1: Array
    weighted: Array  # (s,)
    spare: Array  # (s,)
    ca: Array  # (2s,) the arcs' sums of c a and c b
    cb: Array
    # the tangent kernel
    slope: Array  # (s,) dr/dt at the start of the step
    s11: Array  # (2s,) its sums per arc
    s12: Array
    s22: Array
    sums: Array  # (2, 2s)
    power: Array  # (s,) power iteration for the largest eigenvalue
    # newton: two systems, one real and one complex
    right: Array  # (3, s) the kernel's sums over the right-facing and the left-facing arcs active at a sample
    left: Array
    g: Array  # (s, 4) generators of the kernel
    h: Array
    column: Array  # (4,) complex
    middle: Array  # (4, 4) complex
    factor: Array  # (2, s, 5) complex
    sides: Array  # (2, s) complex
    # meetings: neurons that may change their mode in this step
    reach: Array  # (4s, 2) how far a step moves the coefficients of c, and of a or b, of a border's h
    near: Array  # (m,) int32 these neurons, ascending
    first: Array  # (m,) when the first event of each is, as a fraction of the step; 2 for none
    last: Array  # (m, 3) a, b, c of each at the end of the step
    into: Array  # (m,) int32 and its mode
    releases: Array  # (2s, 2) when borders release neurons with c > 0, and with c < 0, that slide from the start on
    # kinks: the events' effect
    extra: Array  # (2s, 6) at each node, what events in the step add to ca and cb
    kinks: Array  # (2s, 12) kinks in ca and cb at the nodes; the same as quadratics that have their integrals
    corner: Array  # (3, s) kinks in the residuals at the nodes
    bend: Array  # (3, s) what the quadratics take beside the residuals
    # undecided: neurons that halt at an event in this step until it is decided where they go
    halts: Array  # (1,) int64 how many
    halted: Array  # (m, 4) int64 neuron, border, kind, number of the event in the log
    halted_at: Array  # (m, 3) when and the end of the step, as fractions of it, and its length
    # the event log, which the caller owns
    times: Array  # (room,)
    rows: Array  # (room, 3) int64: neuron, border, kind


class Field(NamedTuple):
    """What moves one neuron within a step; few arrays, that functions without references can take."""

    x: Array  # of `Problem`
    noise: Array
    coef: Array  # of `Work`
    dt: float
    ta: float
    tb: float
    tc: float
    slack: float  # how much of a neuron's change a step may get wrong


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


@inner
def field_of(dt, prob, work):
    """What moves the neurons in a step of length dt."""
    return Field(prob.x, prob.noise, work.coef, dt, prob.ta, prob.tb, prob.tc, SLACK * prob.tol / prob.size)


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
        np.stack([a, b, c]), np.array([float(bias)]), np.zeros(m, np.int32), np.zeros((4 * s, 6)),
        np.zeros(s), np.zeros(10, np.int64), np.zeros(4),
    )  # fmt: skip
    return run, workspace(m, s)


def workspace(m: int, s: int) -> Work:
    """Scratch for m neurons and s distinct samples."""
    nodes, arcs = (3, s), 2 * s
    return Work(
        q0=np.zeros((3, arcs)), q1=np.zeros((3, arcs)), coef=np.zeros((2, 3, 4 * s)), lam=np.zeros((3, 36 * s)),
        nodes=np.zeros(nodes), delta=np.zeros(nodes), from0=np.zeros(arcs), from1=np.zeros(arcs),
        weighted=np.zeros(s), spare=np.zeros(s),
        ca=np.zeros(arcs), cb=np.zeros(arcs),
        slope=np.zeros(s), s11=np.zeros(arcs), s12=np.zeros(arcs), s22=np.zeros(arcs), sums=np.zeros((2, arcs)),
        power=np.ones(s),
        right=np.zeros(nodes), left=np.zeros(nodes), g=np.zeros((s, 4)), h=np.zeros((s, 4)),
        column=np.zeros(4, complex), middle=np.zeros((4, 4), complex), factor=np.zeros((2, s, 5), complex),
        sides=np.zeros((2, s), complex),
        reach=np.zeros((4 * s, 2)), near=np.zeros(m, np.int32), first=np.zeros(m), last=np.zeros((m, 3)),
        into=np.zeros(m, np.int32), releases=np.zeros((arcs, 2)),
        extra=np.zeros((arcs, 6)), kinks=np.zeros((arcs, 12)), corner=np.zeros(nodes), bend=np.zeros(nodes),
        halts=np.zeros(1, np.int64), halted=np.zeros((m, 4), np.int64), halted_at=np.zeros((m, 3)),
        times=np.zeros(0), rows=np.zeros((0, 3), np.int64),
    )  # fmt: skip
