"""What knotflow costs besides steps: memory, import, compilation. Each is measured in a fresh process."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
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

_FIRST_CALL = """
from time import perf_counter
import numpy as np
import knotflow as kf
start = perf_counter()
data = kf.Samples(np.linspace(-1.0, 1.0, 5), np.arange(5.0))
kf.evolve(kf.initial.pytorch(20, np.random.default_rng(0)), data, kf.GradientDescent(1e-3), steps=10)
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


def first_call_seconds() -> tuple[float, float]:
    """A process's first `evolve`: with no compiled code on disk, and in the process after that one."""
    with tempfile.TemporaryDirectory() as cache:
        return (
            _fresh_process(_FIRST_CALL, NUMBA_CACHE_DIR=cache),
            _fresh_process(_FIRST_CALL, NUMBA_CACHE_DIR=cache),
        )


def overheads(repeats: int) -> tuple[Table, dict]:
    """Memory, import time and compile time."""
    memory, loading = bytes_per_neuron(), import_seconds(repeats)
    first, second = first_call_seconds()
    rows = (
        ("peak bytes per neuron beyond the trajectory", f"{memory:.0f}", _met(memory <= 100, "at most 100")),
        ("import knotflow", f"{loading:.3f} s", _met(loading < 0.3, "under 0.3 s")),
        ("first evolve, nothing compiled yet", f"{first:.2f} s", "-"),
        ("first evolve of the next process", f"{second:.2f} s", "-"),
    )
    values = {"bytes_per_neuron": memory, "import_s": loading, "first_call_s": first, "second_call_s": second}
    return Table("Overheads", ("what", "measured", "target"), rows), values


def _met(met: bool, target: str) -> str:
    return f"{target}: {'yes' if met else 'NO'}"
