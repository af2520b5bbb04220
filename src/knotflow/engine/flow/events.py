"""The event log, and quadratics in time: their values and when they first exceed a level. Shared with the particles."""

from __future__ import annotations

from knotflow.engine.compiled import inner


@inner
def value(p0, p1, p2, t):
    """The quadratic p0 + p1 t + p2 t^2."""
    return p0 + t * (p1 + t * p2)


@inner
def first_above(p0, p1, p2, low, high, level):
    """When p0 + p1 t + p2 t^2 passes the level between ``low``, where it is below, and ``high``, where it is above."""
    while True:
        middle = 0.5 * (low + high)
        if not low < middle < high:
            return high
        if p0 + middle * (p1 + middle * p2) > level:
            high = middle
        else:
            low = middle


@inner
def write(times, rows, n, when, neuron, border, kind):
    """Write event n down if there is room; the number of events with it, which counts it in any case."""
    if n < times.size:
        times[n] = when
        rows[n, 0], rows[n, 1], rows[n, 2] = neuron, border, kind
    return n + 1
