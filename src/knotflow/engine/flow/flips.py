"""Where descent takes a neuron whose c changes its sign while it slides: both sides of its border then push it away.

Which side it is on then depends on the phase in which its steps arrive; `docs/origin.md` derives the probabilities.
"""

from __future__ import annotations

from knotflow.engine.compiled import entry

# So many phases, and steps before c changes its sign.
PHASES, STEPS = 16384, 128


def odds_of_flip(u: float, w: float) -> float:
    """The probability that descent leaves a border to its active side when c changes its sign; O(1).

    Before that h rose at a rate proportional to u > 0 on the inactive side and fell at one proportional to w > 0 on the
    active side.
    """
    return float(_active_share(u / (u + w), w / (u + w)))


@entry
def _active_share(u, w):
    """The share of phases in which descent is on the active side of a border when c changes its sign.

    Until then h goes round in a band that shrinks with c: in units of the step |c| falls by 1 a step, and h rises by
    |c| u from the inactive side and falls by |c| w from the active one. The phases are h, uniform in the band of afar,
    and |c| modulo 1; they are taken from a sequence of low discrepancy.
    """
    found, first, second = 0, 0.5, 0.5
    for _ in range(PHASES):
        first, second = (first + 0.7548776662466927) % 1.0, (second + 0.5698402909980532) % 1.0
        c = STEPS + first
        h = c * (second * (u + w) - w)
        while c > 0.0:
            h += -c * w if h > 0.0 else c * u
            c -= 1.0
        found += h > 0.0
    return found / PHASES
