"""How often a run compiles: each function once, and a small problem only what it needs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

# A run in a process of its own, so that no other test has compiled anything; then what has been compiled.
RUN = """
import gc, json
import numpy as np
import knotflow as kf
from numba.core.dispatcher import Dispatcher

x = np.linspace(-1.0, 1.0, 12)
data = kf.Samples(x, np.sin(4 * x) + x)
net = kf.initial.pytorch({m}, np.random.default_rng(0), norm=7.0)
run = kf.evolve(net, data, kf.{method}, steps=60, save_every=20)
run.resume(steps=20)
found = {{}}
for d in gc.get_objects():
    if isinstance(d, Dispatcher) and d.py_func.__module__.startswith("knotflow"):
        found[d.py_func.__module__ + "." + d.py_func.__name__] = len(d.overloads)
print(json.dumps(found))
"""


def compiled(m: int, method: str, cache) -> dict[str, int]:
    """How many signatures each of knotflow's functions was compiled for."""
    code = RUN.format(m=m, method=method)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment(cache)
    )
    return json.loads(done.stdout)


def environment(cache) -> dict[str, str]:
    import os

    return os.environ | {"NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": os.pathsep.join(sys.path)}


@pytest.mark.parametrize(
    "method", ["GradientDescent(lr=0.01)", "SGD(lr=0.01, batch=3)", "GradientDescent(lr=1e-3, momentum=0.9)", "Adam()"]
)
def test_no_function_is_compiled_for_more_than_one_signature(method, tmp_path_factory):
    cache = tmp_path_factory.getbasetemp() / "signatures"
    found = compiled(50, method, cache)
    assert sum(found.values()) > 10
    assert {name: number for name, number in found.items() if number > 1} == {}


def test_a_small_problem_compiles_no_stores(tmp_path):
    found = compiled(20, "GradientDescent(lr=0.01)", tmp_path)
    assert found["knotflow.engine.descent.all_pairs.run"] == 1
    for file in ("loop", "boundary", "interior", "rebuild"):
        assert not any(number for name, number in found.items() if name.startswith(f"knotflow.engine.descent.{file}."))
