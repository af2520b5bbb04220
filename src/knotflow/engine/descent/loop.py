"""The loop: steps until all are taken, the loss is small enough or too large; rebuilds where they are due.

One step multiplies every neuron of arc g by one matrix (with E = lr/norm times the arc's residual sums)

    (a, b, c) -> L_g (a, b, c),      L_g = [[1, 0, -E1], [0, 1, E0], [-E1, E0, 1]]

so a neuron that stays on its arc needs no work of its own: the arc is advanced instead. Weight decay scales the
diagonal of L_g; the row of an untrained parameter is that of the identity; a minibatch only changes the sums E.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from knotflow.engine.codes import DIVERGED, DONE, REACHED
from knotflow.engine.compiled import entry, leaf
from knotflow.engine.descent import boundary, interior
from knotflow.engine.descent.layout import add_overflow, groups_in_use, predict, set_sums
from knotflow.engine.descent.rebuild import choose_interval, fill, schedule
from knotflow.engine.descent.state import AGE, NEW, OVERFLOW, SLOTS, WAIT
from knotflow.engine.sums import residuals

NO_REBUILD = -1  # in place of a rebuild interval


@leaf
def _batch_residuals(picks, begin, end, prob, forward):
    """Residual sums of a minibatch, times n / size: their mean over batches is those of all samples."""
    batch, f, r = prob.batch, forward.f, forward.r
    for j in range(r.size):
        r[j] = 0.0
    scale = batch.y.size / (end - begin)
    for p in range(begin, end):
        k = picks[p]
        j = batch.point[k]
        r[j] += scale * batch.weight[k] * (f[j] - batch.y[k])


@entry
def run(state, prob, picks, ends, steps, stop_loss, blow_up):
    """Take up to ``steps`` steps; (steps taken, why it ended, loss there).

    Step t uses the samples picks[ends[t]:ends[t + 1]]; all of them if ``ends`` is empty. The loss is that of all.
    """
    buckets, registers, bias, f, r = (
        state.buckets,
        state.registers,
        state.neurons.bias,
        state.forward.f,
        state.forward.r,
    )
    x, s, train, keep, loss = prob.x, prob.x.size, prob.train, prob.keep, 0.0
    overflowed: Any = np.bool_(False)  # not the literal, for which numba compiles once more
    interval = 0 if registers[AGE] == NEW else NO_REBUILD
    for t in range(steps + 1):
        if interval != NO_REBUILD:
            fill(state, prob, interval)
            schedule(registers, state.neurons.place.size, overflowed)
            interval = NO_REBUILD
        predict(buckets, x, bias[0], prob.inv_norm, state.forward.right, f)
        loss = residuals(f, prob.y, prob.weight, r)
        if not loss <= blow_up:
            return t, DIVERGED, loss
        if loss <= stop_loss:
            return t, REACHED, loss
        if t == steps:
            break
        if ends.size > 0:
            _batch_residuals(picks, ends[t], ends[t + 1], prob, state.forward)
        set_sums(buckets, registers[OVERFLOW], x, r, prob.lr * prob.inv_norm)
        if train[3] != 0.0:
            total = 0.0
            for j in range(s):
                total += r[j]
            bias[0] = keep[3] * bias[0] - prob.lr * total
        crossings = boundary.step(buckets, state.lanes, groups_in_use(s, registers[OVERFLOW]), train, keep)
        overflowed = crossings > 0 and not boundary.migrate(
            state.neurons, buckets, state.lanes, registers, prob, crossings
        )
        add_overflow(buckets, registers[OVERFLOW], s)
        exceeded = interior.step(state.interior, registers[SLOTS], buckets.table, train, keep)
        registers[AGE] += 1
        if exceeded or overflowed or registers[AGE] >= registers[WAIT]:
            interval = choose_interval(state, prob, overflowed)
    return steps, DONE, loss
