"""Neurons that have halted in a step, at an event after which the flow goes on in more ways than one.

A neuron that slides into a = b = 0 has no direction there. One whose c changes its sign while it slides is from then on
pushed away from both sides of its border. `odds` has the probability with which descent takes each way, and `go_on`
lets the neurons go on in the ways that were chosen.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from knotflow.engine.arcs import active_arc, border_sample, inactive_arc
from knotflow.engine.codes import FLIP
from knotflow.engine.compiled import kernel
from knotflow.engine.flow.crossings import position
from knotflow.engine.flow.filippov import put_on_border
from knotflow.engine.flow.flips import odds_of_flip
from knotflow.engine.flow.modes import gather, present_residuals
from knotflow.engine.flow.origin import Neuron
from knotflow.engine.flow.phases import odds_at_origin
from knotflow.engine.flow.state import TIME, Array, Problem, Run, Work, bind, field_of

# Ways with a smaller share than this are left out: the velocities at the event are not known better.
LEAST_ODDS = 1e-6


class Halt(NamedTuple):
    """A neuron that has halted."""

    neuron: int
    border: int
    kind: int  # FLIP, or REST for a = b = 0
    event: int  # its place in the log
    when: float  # as a fraction of the step
    time: float


def halts(run: Run, work: Work) -> list[Halt]:
    """The neurons that halted in the last step, in the order of time."""
    n = int(work.halts[0])
    found = []
    for (neuron, border, kind, event), (when, end, dt) in zip(
        work.halted[:n].tolist(), work.halted_at[:n].tolist(), strict=True
    ):
        found.append(Halt(neuron, border, kind, event, when, float(run.real[TIME]) - (end - when) * dt))
    return sorted(found, key=lambda halt: (halt.when, halt.neuron))


def odds(halt: Halt, run: Run, prob: Problem, work: Work) -> Array:
    """(4s,) the probability of each mode in which the neuron goes on; mode 0 is the dead arc. O(s) and the phases."""
    s, found = prob.x.size, np.zeros(4 * prob.x.size)
    q1, q0 = halt.when ** np.arange(3) @ work.coef[:, :, : 2 * s]
    q1, q0 = prob.ta * q1, prob.tb * q0
    if halt.kind == FLIP:
        inactive, active = inactive_arc(halt.border, s), active_arc(halt.border, s)
        push = np.abs(prob.x[border_sample(halt.border, s)] * q1 + q0)
        found[active] = odds_of_flip(push[inactive], push[active])
        found[inactive] = 1.0 - found[active]
    else:
        found = odds_at_origin(halt.border, prob.x, run.z[2, halt.neuron] * np.stack([-q1, q0], axis=1))
    found[found < LEAST_ODDS] = 0.0
    return found / found.sum()  # exactly 1 where one is left


def go_on(modes: dict[int, int], run: Run, prob: Problem, work: Work) -> None:
    """Let neurons that have halted go on to the end of the step: ``modes`` has the mode of each."""
    for neuron, mode in modes.items():
        run.group[neuron] = mode
    _go_on(*bind(prob, run, work))
    work.halts[0] = 0


@kernel
def _go_on(prob, run, work):
    s, z = prob.x.size, run.z
    for n in range(work.halts[0]):
        i = work.halted[n, 0]
        when, end, dt = work.halted_at[n, 0], work.halted_at[n, 1], work.halted_at[n, 2]
        g, field = np.int64(run.group[i]), field_of(dt, prob, work)
        if when < end:
            neuron = position(Neuron(z[0, i], z[1, i], z[2, i], g), when, end, field)
            z[0, i], z[1, i], z[2, i] = neuron.a, neuron.b, neuron.c
        if g >= 2 * s:
            z[0, i], z[1, i] = put_on_border(z[0, i], z[1, i], g - 2 * s, field)
    gather(prob, run)
    present_residuals(prob, run, work)
