"""What moves the particles, and the residuals that follow from where they are.

A particle's velocity is in `substep`; here are the sums over all particles: f - y, its derivative, the tangent kernel.
"""

from __future__ import annotations

import numpy as np

from knotflow.engine import tangent
from knotflow.engine.arcs import border_sample, inactive_arc
from knotflow.engine.compiled import inner, kernel
from knotflow.engine.flow.filippov import home_arc, slide
from knotflow.engine.flow.modes import LEAST
from knotflow.engine.flow.radau import POWERS
from knotflow.engine.flow.state import Array
from knotflow.engine.particles.carry import accumulate, carry
from knotflow.engine.particles.rules import depart, departs, drive, may_rest, sign_of, still, wakes
from knotflow.engine.particles.state import Problem, Run, Work, bind
from knotflow.engine.particles.substep import velocity
from knotflow.engine.sums import arc_sums, predict


def present_residuals(run: Run, prob: Problem, work: Work) -> None:
    """Fill run.r from the particles as they are; O(m + s)."""
    fill_residuals(*bind(prob, run, work))


def derivatives(run: Run, prob: Problem, work: Work) -> float:
    """How things move now; O(m + s). Returns the rate at which the energy falls.

    Fills work.slope with dr/dt, and s11, s12, s22 with the tangent kernel's sums per arc (see `tangent`), without the
    penalty's share.
    """
    return float(fill_derivatives(*bind(prob, run, work)))


def kernel_matrix(prob: Problem, work: Work) -> Array:
    """W^(1/2) K W^(1/2) with the sums that `look` found; O(s^2)."""
    return np.asarray(tangent.matrix(work.s11, work.s12, work.s22, prob.x, np.sqrt(prob.weight), 0.0))


@kernel
def fill_residuals(prob, run, work):
    s, z, y = prob.x.size, run.z, work.spot
    sums = work.sums[0]
    sums[:] = 0.0
    for i in range(run.group.size):
        y[0], y[1], y[2] = z[0, i], z[1, i], z[2, i]
        accumulate(sums, np.int64(run.group[i]), run.share[i], y, s)
    predict(sums[0], sums[1], prob.x, prob.bias, 1.0, run.r)
    for j in range(s):
        run.r[j] -= prob.y[j]


@kernel
def drives(prob, work):
    """Fill work.coefs with every mode's (q1, q0) as quadratics, from the residuals at the nodes; O(s)."""
    s, coefs, nodes = prob.x.size, work.coefs, work.nodes
    q0, q1, weighted = np.empty(2 * s), np.empty(2 * s), np.empty(s)
    coefs[:] = 0.0
    for k in range(3):
        for j in range(s):
            weighted[j] = nodes[k, j] * prob.weight[j]
        arc_sums(weighted, prob.x, prob.pace, q0, q1)
        for g in range(2 * s):
            for p in range(3):
                coefs[g, 0, p] += POWERS[p, k] * q1[g]
                coefs[g, 1, p] += POWERS[p, k] * q0[g]
    for k in range(2 * s):
        home, x = inactive_arc(k, s), prob.x[border_sample(k, s)]
        for p in range(3):
            coefs[2 * s + k, 0, p], coefs[2 * s + k, 1, p] = slide(coefs[home, 0, p], coefs[home, 1, p], x, 1.0, 1.0)


@inner
def hold(prob, run, work):
    """Take the residuals as they are for the whole step."""
    for k in range(3):
        for j in range(run.r.size):
            work.nodes[k, j] = run.r[j]
    drives(prob, work)


@kernel
def carry_all(prob, run, work, dt, first, keep):
    """Take all particles through a step and note them at the nodes; O(m). False if the step is too long.

    ``keep`` decides whether they stay where the step takes them. Events are logged from place ``first`` on.
    """
    z, y, group = run.z, work.value, run.group
    work.sums[:] = 0.0
    work.size[0] = first
    for i in range(group.size):
        y[0], y[1], y[2] = z[0, i], z[1, i], z[2, i]
        to = carry(i, np.int64(group[i]), run.share[i], dt, prob, work)
        if to < 0:
            return False
        if keep:
            z[0, i], z[1, i], z[2, i] = y[0], y[1], y[2]
            group[i] = to
    return True


@inner
def _moving(i, y, prob, run, work):
    """The mode of a particle, put into y, which moves now; -1 if it does not."""
    z, coefs, group = run.z, work.coefs, np.int64(run.group[i])
    y[0], y[1], y[2] = z[0, i], z[1, i], z[2, i]
    if group == 4 * prob.x.size:
        return -1 if departs(0.0, y, prob, coefs) > 0.0 else depart(0.0, y, prob, coefs)
    if still(group, prob) or (may_rest(y, prob) and wakes(0.0, group, y, prob, coefs) > 0.0):
        return -1
    return group


@kernel
def fill_derivatives(prob, run, work):
    hold(prob, run, work)
    s, y, v, sums = prob.x.size, work.value, work.spot, work.sums[0]
    s11, s12, s22, coefs = work.s11, work.s12, work.s22, work.coefs
    sums[:] = 0.0
    s11[:] = 0.0
    s12[:] = 0.0
    s22[:] = 0.0
    falls = 0.0
    for i in range(run.group.size):
        group, share = _moving(i, y, prob, run, work), run.share[i]
        if group < 0:
            continue
        home = home_arc(group, s)
        q1, q0 = drive(group, 0.0, coefs)
        velocity(q1, q0, sign_of(0.0, group, y, coefs), y, prob, v)
        sums[0, home] += share * (v[0] * y[1] + y[0] * v[1])
        sums[1, home] += share * (v[0] * y[2] + y[0] * v[2])
        falls += share * (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]) / prob.pace
        n = np.hypot(y[1], y[2])
        d1, d0 = y[1] / n, -y[2] / n
        along, across = 1.0, 0.0 if group >= 2 * s else y[0] * y[0]  # of S in the directions d and t
        scale = prob.pace * share
        s11[home] += scale * (along * d1 * d1 + across * d0 * d0)
        s12[home] += scale * (along - across) * d1 * d0
        s22[home] += scale * (along * d0 * d0 + across * d1 * d1)
    predict(sums[0], sums[1], prob.x, 0.0, 1.0, work.slope)
    return falls


def rate(run: Run, prob: Problem, work: Work) -> float:
    """The largest eigenvalue of K W, by two rounds of a power iteration that goes on from step to step; O(s^2).

    As `flow.modes.rate`.
    """
    matrix, value = kernel_matrix(prob, work), 0.0
    diagonal = np.diag(matrix)
    for n in range(4):
        if n == 2:
            if value >= LEAST * diagonal.max():
                break
            run.power[:] = diagonal == diagonal.max()
        out = matrix @ run.power
        value = np.sqrt((out * out).sum()) / max(np.sqrt((run.power * run.power).sum()), 1e-300)
        if value > 0.0:
            run.power[:] = out / np.sqrt((out * out).sum())
    return float(value)
