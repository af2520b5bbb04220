"""Gradient descent in O(s) a step, and O(1) for each neuron near a sample. See docs/engine.md.

Neurons near a sample (*boundary* neurons) are stepped one by one. Neurons far from every sample (*interior* neurons)
are advanced together by one 3 x 3 matrix per arc. A rebuild, from time to time, tells which are which. The result is
that of ordinary gradient descent up to rounding; the slow twin is ``engine/dense.py``.

state       the records that the engine keeps, and what stays the same
layout      where each bucket's fields are; sums over samples and over buckets
boundary    boundary neurons: stepped, inserted, removed, migrated
interior    interior neurons: advanced by one matrix per arc, within a skin
rebuild     classify the neurons, choose the rebuild interval, fill both stores
loop        steps until the skin is exceeded or the run ends
all_pairs   few neurons and samples: no structure at all
driver      what a session calls; it chooses between the two
inspection  what a state holds, for tests
"""

from knotflow.engine.codes import DIVERGED, DONE, REACHED
from knotflow.engine.descent.driver import parameters, restored, run, saved, start
from knotflow.engine.descent.state import Batch, Problem, problem

__all__ = [
    "DIVERGED", "DONE", "REACHED", "Batch", "Problem", "parameters", "problem", "restored", "run", "saved", "start",
]  # fmt: skip
