"""What knotflow costs besides steps: memory and import. Each is measured in a fresh process."""

from __future__ import annotations

import os
import subprocess
import sys
from statistics import median

from bench.tables import Table

MEMORY_NEURONS = 1_000_000

# Peak resident memory of `evolve` above what was resident before it, less what the trajectory keeps.
# Every array is its own mapping (see the environment below), so freed memory is returned at once.
_MEMORY = """
import numpy as np
import knotflow as kf
from bench.cases import problem

def status(field):
    with open("/proc/self/status") as lines:
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith(field))

def evolve(p):
    return kf.evolve(p.net, p.data, kf.GradientDescent(p.lr), steps=20, save_at=())

evolve(problem(100, 100))
p = problem({m}, 100)
before = status("VmRSS")
with open("/proc/self/clear_refs", "w") as clear:
    clear.write("5")
traj = evolve(p)
saved = traj.a.nbytes + traj.b.nbytes + traj.c.nbytes
print((status("VmHWM") - before - saved) / {m})
"""

_IMPORT = """
from time import perf_counter
start = perf_counter()
import knotflow
print(perf_counter() - start)
"""


def _fresh_process(code: str, **environment: str) -> float:
    answer = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(answer.stdout)


def bytes_per_neuron() -> float:
    """Peak bytes per neuron of a run beyond what its trajectory saves (Linux; m = 1e6, s = 100)."""
    return _fresh_process(_MEMORY.format(m=MEMORY_NEURONS), MALLOC_MMAP_THRESHOLD_="65536")


def import_seconds(repeats: int) -> float:
    """Median time of `import knotflow` in a fresh process, files cached by the system."""
    _fresh_process(_IMPORT)
    return median(_fresh_process(_IMPORT) for _ in range(repeats))


def overheads(repeats: int) -> tuple[Table, dict]:
    """Memory and import time."""
    memory, loading = bytes_per_neuron(), import_seconds(repeats)
    rows = (
        ("peak bytes per neuron beyond the trajectory", f"{memory:.0f}", _met(memory <= 100, "at most 100")),
        ("import knotflow", f"{loading:.3f} s", _met(loading < 0.3, "under 0.3 s")),
    )
    values = {"bytes_per_neuron": memory, "import_s": loading}
    return Table("Overheads", ("what", "measured", "target"), rows), values


def _met(met: bool, target: str) -> str:
    return f"{target}: {'yes' if met else 'NO'}"
