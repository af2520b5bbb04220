"""One particle through a step: Dormand-Prince substeps with dense output, and events. `step` says what moves.

Within a step (q1, q0) on each arc are quadratics in time, so that a particle moves on its own: by Dormand and Prince's
method of order 5, in as many substeps as it needs, a new one after each event. Times here are fractions of the step.

Events: the knot meets a sample and crosses it or slides there (with h = a x - b, h' = -c <q, x~>: c times <q, x~> on
both sides of the border decides); the sides stop pushing it back; c changes its sign while the knot slides, or under a
penalty; the origin of the plane is reached, where the particle has no direction, and is left once one descends.
Mode g < 2s is arc g, mode 2s + k slides along border k, and mode 4s is the origin.

Sources: Williams et al. 2019, eqs. (8) to (12) and (16), corrected; Hairer, Norsett & Wanner 1993, II.5 and II.6.
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
    drive,
    may_rest,
    place,
    release,
    side,
    sign_of,
    still,
    wakes,
)
from knotflow.engine.particles.state import CYLINDER, PLANE

# Dormand and Prince's method of order 5(4): the last row of STEP is also the new value.
TIMES = np.array([0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1])
STEP = np.zeros((7, 6))
STEP[1, :1] = 1 / 5
STEP[2, :2] = 3 / 40, 9 / 40
STEP[3, :3] = 44 / 45, -56 / 15, 32 / 9
STEP[4, :4] = 19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729
STEP[5, :5] = 9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656
STEP[6, :6] = 35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84
WRONG = np.array([71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40])
DENSE = np.array(
    [-12715105075 / 11282082432, 0, 87487479700 / 32700410799, -10690763975 / 1880347072,
     701980252875 / 199316789632, -1453857185 / 822651844, 69997945 / 29380423]
)  # fmt: skip

# More substeps than this in one step mean that the step is too long.
MAX_SUBSTEPS = 2000
# A particle may be wrong by this fraction of the tolerance.
SHARE = 1e-2


# --- moving -----------------------------------------------------------------------------------------------------


@inner
def velocity(q1, q0, sign, y, prob, out):
    """The velocity of the particle y = (c, a, b) under (q1, q0); ``sign`` is that of c, for the penalty."""
    c, a, b = y[0], y[1], y[2]
    if prob.metric == CYLINDER:
        turn = c * (q1 * b + q0 * a)
        out[0] = -(q1 * a - q0 * b) - prob.lam * sign
        out[1] = -turn * b
        out[2] = turn * a
        return
    shrink = prob.lam / max(np.hypot(a, b), prob.tiny) if prob.lam > 0.0 else 0.0
    out[0] = 0.0
    out[1] = -c * q1 - shrink * a
    out[2] = c * q0 - shrink * b


@inner
def _try(now, h, group, sign, dt, prob, work):
    """One substep from work.value to work.next; its estimated error, as an error of c (a x - b)."""
    stage, y, z = work.stage, work.value, work.next
    for i in range(7):
        for p in range(3):
            total = 0.0
            for k in range(i):
                total += STEP[i, k] * stage[k, p]
            z[p] = y[p] + h * dt * total
        t = now + TIMES[i] * h
        q1, q0 = drive(group, t, work.coefs)
        velocity(q1, q0, sign, z, prob, stage[i])
    ec = ea = eb = 0.0
    for i in range(7):
        ec += WRONG[i] * stage[i, 0]
        ea += WRONG[i] * stage[i, 1]
        eb += WRONG[i] * stage[i, 2]
    most = max(abs(y[0]), abs(z[0])) * np.hypot(ea, eb) + abs(ec) * np.hypot(z[1], z[2])
    return h * dt * most * prob.reach


@inner
def _make_dense(h, dt, work):
    """The polynomial of order 4 through the substep (Hairer, Norsett & Wanner 1993, II.6)."""
    d, stage, y, z = work.dense, work.stage, work.value, work.next
    for p in range(3):
        total = 0.0
        for i in range(7):
            total += DENSE[i] * stage[i, p]
        d[0, p] = y[p]
        d[1, p] = z[p] - y[p]
        d[2, p] = h * dt * stage[0, p] - d[1, p]
        d[3, p] = d[1, p] - h * dt * stage[6, p] - d[2, p]
        d[4, p] = h * dt * total


@inner
def _substep(now, end, group, sign, dt, prob, work):
    """Take as long a substep towards ``end`` as the tolerance allows; its length."""
    h, aim = end - now, SHARE * prob.tol
    error = _try(now, h, group, sign, dt, prob, work)
    while not error <= aim and h > 1e-9:
        h *= max(0.2, 0.9 * (aim / error) ** 0.2) if np.isfinite(error) else 0.1
        error = _try(now, h, group, sign, dt, prob, work)
    _make_dense(h, dt, work)
    return h


@inner
def _at(part, work, out):
    """Fill ``out`` with the particle at this fraction of the substep."""
    if part == 1.0:
        for p in range(3):
            out[p] = work.next[p]
        return
    d, rest = work.dense, 1.0 - part
    for p in range(3):
        out[p] = d[0, p] + part * (d[1, p] + rest * (d[2, p] + part * (d[3, p] + rest * d[4, p])))


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
    _at(low, work, y)
    f_low = _clear(what, group, sign, y, prob)
    _at(high, work, y)
    f_high = _clear(what, group, sign, y, prob)
    for n in range(100):
        if high - low <= 2.0 * EPS * high:
            break
        fraction = f_low / (f_low - f_high) if n % 3 < 2 and f_low > f_high else 0.5
        middle = low + min(max(fraction, 1e-3), 1.0 - 1e-3) * (high - low)
        _at(middle, work, y)
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
        _at(part, work, work.probe)
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
        _at(node, work, y)
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
def note(sums, group, weight, y, s):
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
    h = _substep(now, end, group, sign, dt, prob, work)
    part, what = _first_event(group, sign, skip, prob, work)
    part = min(part, 1.0)
    then = end if part == 1.0 and h == end - now else now + part * h
    while node < 3 and NODES[node] <= then:
        _at(min((NODES[node] - now) / h, 1.0), work, work.spot)
        note(work.sums[node], group, weight, work.spot, s)
        node += 1
    _at(part, work, y)
    _tidy(y, group, prob)
    skip = -1
    if what >= 0:
        group, skip = _meet(what, i, then, group, sign, y, prob, work)
    return then, node, skip, group


@inner
def carry(i, group, weight, dt, prob, work):
    """Take particle i, in work.value, through the step, noting it at the nodes; its mode there, or -1.

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
