"""How often a run compiles: each function once, and a small problem only what it needs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

# Runs in a process and with a cache of their own, so that everything is compiled here; then what has been compiled.
RUNS = """
import gc, json
import numpy as np
import pytest
import knotflow as kf
from numba.core.dispatcher import Dispatcher

x = np.linspace(-1.0, 1.0, 12)
data = kf.Samples(x, np.sin(4 * x) + x)
net = kf.initial.pytorch({m}, np.random.default_rng(0), norm=7.0)
for method in {methods}:
    kf.evolve(net, data, method, steps=60, save_every=20).resume(steps=20)
found = {{}}
for d in gc.get_objects():
    if isinstance(d, Dispatcher) and d.py_func.__module__.startswith("knotflow"):
        found[d.py_func.__module__ + "." + d.py_func.__name__] = len(d.overloads)
print(json.dumps(found))
"""
ALL = "[kf.GradientDescent(lr=0.01), kf.SGD(lr=0.01, batch=3), kf.GradientDescent(lr=1e-3, momentum=0.9), kf.Adam()]"


def compiled(m: int, methods: str, cache: Path) -> dict[str, int]:
    """How many signatures each of knotflow's functions was compiled for."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": os.pathsep.join(sys.path)}
    code = RUNS.format(m=m, methods=methods)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    return json.loads(done.stdout)


@pytest.mark.slow
def test_no_function_is_compiled_for_more_than_one_signature(tmp_path):
    found = compiled(50, ALL, tmp_path)
    assert sum(found.values()) > 60
    assert {name: number for name, number in found.items() if number > 1} == {}


def test_a_small_problem_compiles_no_stores(tmp_path):
    found = compiled(20, "[kf.GradientDescent(lr=0.01)]", tmp_path)
    assert found["knotflow.engine.descent.all_pairs.run"] == 1
    for file in ("loop", "boundary", "interior", "rebuild"):
        assert not any(number for name, number in found.items() if name.startswith(f"knotflow.engine.descent.{file}."))
