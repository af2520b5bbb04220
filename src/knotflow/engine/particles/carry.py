"""One particle through a step: substeps, and the events between them. `step` says what moves.

Within a step (q1, q0) on each arc are quadratics in time, so that a particle moves on its own, in as many substeps as
it needs, a new one after each event. Times here are fractions of the step.

Events: the knot meets a sample and crosses it or slides there (with h = a x - b, h' = -c <q, x~>: c times <q, x~> on
both sides of the border decides); the sides stop pushing it back; c changes its sign while the knot slides, or under a
penalty; the origin of the plane is reached, where the particle has no direction, and is left once one descends.
Mode g < 2s is arc g, mode 2s + k slides along border k, and mode 4s is the origin.

Source: Williams et al. 2019, eqs. (8) to (12) and (16), corrected.
"""

from __future__ import annotations

import numpy as np

from knotflow.engine.arcs import active_arc, border_sample
from knotflow.engine.codes import CROSS, FLIP, LEAVE, RELEASE, REST, STICK
from knotflow.engine.compiled import inner
from knotflow.engine.flow.events import write
from knotflow.engine.flow.filippov import NONE, home_arc
from knotflow.engine.flow.radau import NODES
from knotflow.engine.flow.state import EPS
from knotflow.engine.particles.rules import (
    ORIGIN,
    SIGN,
    UPPER,
    border,
    depart,
    departs,
    may_rest,
    place,
    release,
    side,
    sign_of,
    still,
    wakes,
)
from knotflow.engine.particles.state import CYLINDER, PLANE
from knotflow.engine.particles.substep import at, substep

# More substeps than this in one step mean that the step is too long.
MAX_SUBSTEPS = 2000


# --- finding the first event of a substep -----------------------------------------------------------------------


@inner
def _clear(what, group, sign, y, prob):
    """> 0 as long as the particle y has not run into ``what``."""
    s = prob.x.size
    if what == SIGN:
        return y[0] * sign
    if what == ORIGIN:
        if group < 2 * s:
            return np.hypot(y[1], y[2]) - prob.tiny
        return y[1] if group < 3 * s else -y[1]
    k = border(what, group, s)
    h = y[1] * prob.x[border_sample(k, s)] - y[2]
    return h if active_arc(k, s) == group else -h


@inner
def _applies(what, group, prob):
    """Whether a particle of the group can run into ``what``, as an event."""
    s = prob.x.size
    stuck, penalty = group >= 2 * s, prob.lam > 0.0
    if what == SIGN:
        return prob.metric == CYLINDER and (stuck or penalty)
    if what == ORIGIN:
        return prob.metric == PLANE and (stuck or penalty)
    return not stuck and group > 0


@inner
def _locate(what, low, high, group, sign, prob, work):
    """When ``what`` is run into, between a fraction where all is clear and one where it is not."""
    y = work.probe
    at(low, work, y)
    f_low = _clear(what, group, sign, y, prob)
    at(high, work, y)
    f_high = _clear(what, group, sign, y, prob)
    for n in range(100):
        if high - low <= 2.0 * EPS * high:
            break
        fraction = f_low / (f_low - f_high) if n % 3 < 2 and f_low > f_high else 0.5
        middle = low + min(max(fraction, 1e-3), 1.0 - 1e-3) * (high - low)
        at(middle, work, y)
        value = _clear(what, group, sign, y, prob)
        if value > 0.0:
            low, f_low = middle, value
        else:
            high, f_high = middle, value
    return high


@inner
def _rounding(what, group, sign, y, prob):
    """Whether the particle misses its side of the border by no more than rounding."""
    return -_clear(what, group, sign, y, prob) <= 64.0 * EPS * prob.reach * np.hypot(y[1], y[2])


@inner
def _last_clear(what, low, high, group, sign, prob, work):
    """A fraction in [low, high) where the particle is clear of ``what``; -1 if none is found.

    At low it may stand on what it runs into: then it moved off it and came back, or never left.
    """
    part = low
    for n in range(41):
        at(part, work, work.probe)
        if _clear(what, group, sign, work.probe, prob) > 0.0:
            return part
        part = low + (high - low) * 0.5 ** (n + 1)
    return -1.0


@inner
def _first_event(group, sign, skip, prob, work):
    """(fraction of the substep, what) of its first event; (2, -1) if there is none.

    ``skip``: the border on which the particle stands; leaving it by less than rounding error is no event.
    """
    y, s = work.spot, prob.x.size
    low = 0.0
    for n in range(3):
        node = NODES[n]
        first, event = 2.0, -1
        at(node, work, y)
        for what in range(4):
            if not _applies(what, group, prob) or _clear(what, group, sign, y, prob) >= 0.0:
                continue
            since = _last_clear(what, low, node, group, sign, prob, work)
            if since >= 0.0:
                when = _locate(what, since, node, group, sign, prob, work)
                if when < first:
                    first, event = when, what
            elif not (what <= UPPER and border(what, group, s) == skip and _rounding(what, group, sign, y, prob)):
                return low, what
        if event >= 0:
            return first, event
        low = node
    return 2.0, -1


# --- through the step -------------------------------------------------------------------------------------------------


@inner
def _tidy(y, group, prob):
    """Take rounding errors off: directions have length 1, and what slides along a border is exactly there."""
    if group >= 2 * prob.x.size:
        place(y, group - 2 * prob.x.size, prob)
    elif prob.metric == CYLINDER:
        n = np.hypot(y[1], y[2])
        y[1] /= n
        y[2] /= n


@inner
def accumulate(sums, group, weight, y, s):
    """Add the particle to its arc's sums of weight c a and weight c b."""
    home = home_arc(group, s)
    sums[0, home] += weight * y[0] * y[1]
    sums[1, home] += weight * y[0] * y[2]


@inner
def log(now, i, k, kind, work):
    """Write the event down if there is room; it is counted in any case."""
    work.size[0] = write(work.times, work.rows, work.size[0], now, i, k, kind)


@inner
def _meet_sign(i, now, group, stuck_at, y, prob, work):
    """What becomes of a particle whose c came to 0: (its mode, the border it stands on or -1)."""
    y[0] = 0.0
    if prob.lam > 0.0 and wakes(now, group, y, prob, work.coefs) > now:
        log(now, i, stuck_at, REST, work)
        return group, -1
    if stuck_at < 0:
        return group, -1
    log(now, i, stuck_at, FLIP, work)
    return side(stuck_at, sign_of(now, group, y, work.coefs), now, NONE, prob, work.coefs), stuck_at


@inner
def _meet(what, i, now, group, sign, y, prob, work):
    """What becomes of a particle that ran into ``what``: (its mode, the border it stands on or -1)."""
    s = prob.x.size
    stuck_at = group - 2 * s if group >= 2 * s else -1
    if what == SIGN:
        return _meet_sign(i, now, group, stuck_at, y, prob, work)
    at_origin, k = what == ORIGIN, -1
    if what <= UPPER:
        k = border(what, group, s)
        place(y, k, prob)  # through the origin all borders are met at once
        at_origin = _applies(ORIGIN, group, prob) and np.hypot(y[1], y[2]) <= prob.tiny
    if at_origin:
        y[1] = y[2] = 0.0
        log(now, i, stuck_at, REST, work)
        return 4 * s, -1
    to = side(k, sign, now, group, prob, work.coefs)
    if to != group:
        log(now, i, k, STICK if to >= 2 * s else CROSS, work)
    return to, k


@inner
def _wait(i, now, group, prob, work):
    """(time, mode) when a particle at the origin, or at rest at r = 0, moves off; the time ``now`` if it does not wait.

    Where it waits it adds nothing to f.
    """
    s, y, coefs = prob.x.size, work.value, work.coefs
    if group == 4 * s:
        then = departs(now, y, prob, coefs)
        if then < 1.0:
            group = depart(then, y, prob, coefs)
            log(then, i, group - 2 * s if group >= 2 * s else -1, LEAVE, work)
        return then, group
    if may_rest(y, prob):
        then = min(wakes(now, group, y, prob, coefs), 1.0)
        if now < then < 1.0:
            log(then, i, group - 2 * s if group >= 2 * s else -1, LEAVE, work)
        return then, group
    return now, group


@inner
def _travel(i, now, end, node, skip, group, weight, dt, prob, work):
    """One substep towards ``end``, to its first event: (time, next node, border it stands on or -1, mode)."""
    s, y = prob.x.size, work.value
    sign = sign_of(now, group, y, work.coefs)
    h = substep(now, end, group, sign, dt, prob, work)
    part, what = _first_event(group, sign, skip, prob, work)
    part = min(part, 1.0)
    then = end if part == 1.0 and h == end - now else now + part * h
    while node < 3 and NODES[node] <= then:
        at(min((NODES[node] - now) / h, 1.0), work, work.spot)
        accumulate(work.sums[node], group, weight, work.spot, s)
        node += 1
    at(part, work, y)
    _tidy(y, group, prob)
    skip = -1
    if what >= 0:
        group, skip = _meet(what, i, then, group, sign, y, prob, work)
    return then, node, skip, group


@inner
def carry(i, group, weight, dt, prob, work):
    """Take particle i, in work.value, through the step, adding it to the sums at the nodes; its mode there, or -1.

    -1: it needs too many substeps.
    """
    s, y = prob.x.size, work.value
    now, node, skip, left = 0.0, np.int64(0), NONE, MAX_SUBSTEPS
    while now < 1.0 and not still(group, prob):
        left -= 1
        if left == 0:
            return -1
        at_origin = group == 4 * s
        then, group = _wait(i, now, group, prob, work)
        if at_origin or then > now:
            now = then
            while node < 3 and NODES[node] <= now:
                node += 1
            continue
        end = 1.0
        if group >= 2 * s:
            sign = sign_of(now, group, y, work.coefs)
            end, to = release(group - 2 * s, sign, now, prob, work.coefs)
            if end <= now:
                log(now, i, group - 2 * s, RELEASE, work)
                group, skip = to, group - 2 * s
                continue
            end = min(end, 1.0)
        now, node, skip, group = _travel(i, now, end, node, skip, group, weight, dt, prob, work)
    return group
