"""One step after the other: the order of the integrator, what a step costs to compile, runs in parts."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import knotflow as kf
from knotflow.engine import flow, tangent
from knotflow.engine.compiled import kernel
from knotflow.engine.flow import batch, modes, radau, state

# Run by a process of its own: every compiled function of the engine, and how often it was compiled.
SIGNATURES = """
import sys
import numpy as np
import knotflow as kf

x = np.linspace(-1, 1, 10)
data = kf.Samples(x, np.sign(np.sin(2 * np.pi * x + 0.4)))
net = kf.initial.pytorch(60, np.random.default_rng(0), norm=60**0.5).with_delta(0.5)
for method in (kf.GradientFlow(), kf.CanonicalFlow("cylinder", 0.1), kf.CanonicalFlow("polar", 0.1)):
    kf.evolve(net.replace(bias=0.0), data, method, until=3.0)
for name, module in sorted(sys.modules.items()):
    if name.startswith("knotflow.engine"):
        for function, value in sorted(vars(module).items()):
            if getattr(value, "__module__", "") == name and hasattr(value, "signatures"):
                print(name, function, len(value.signatures))
"""


def begin(net: kf.ReLUNet, data: kf.Samples, tol: float):
    """A run at its start: its records, and the same as compiled code takes them."""
    x, y, weight = (np.array(v) for v in (data.distinct.x, data.distinct.y, data.distinct.weight))
    size = float(max(np.abs(y).max(), np.abs(net(x)).max()))
    prob = flow.problem(x, y, weight, net.norm, frozenset("abc"), tol * size, size)
    run, work = flow.start(np.array(net.a), np.array(net.b), np.array(net.c), net.bias, x)
    times, rows = np.zeros(1000), np.zeros((1000, 3), np.int64)
    flow.enter(run, prob, work, times, rows)
    return run, prob, work, state.bind(prob, run, work._replace(times=times, rows=rows))


def refresh(run, prob, work, bound) -> None:
    sums(*bound)
    root = np.sqrt(prob.weight)
    radau.refresh(run, tangent.matrix(work.s11, work.s12, work.s22, prob.x, root, prob.tbias))


@kernel
def sums(prob, run, work):
    modes.anchor(prob, run, work)
    modes.kernel_sums(prob, run, work)
    work.extra[:] = 0.0


@kernel
def one_step(dt, prob, run, work):
    """A stiff step without crossings; the iterations for its residuals."""
    iterations = modes.solve(dt, True, prob, run, work)
    modes.propagate_to(1.0, dt, prob, run, work)
    batch.move(0, 1.0, dt, prob, run, work)
    modes.gather(prob, run)
    modes.present_residuals(prob, run, work)
    return iterations


@pytest.mark.slow
def test_the_integrator_has_order_five_between_events():
    data = kf.Samples(np.linspace(-1, 1, 6), [0.5, -1.0, 0.3, 2.0, -0.7, 0.1])
    net = kf.initial.pytorch(15, np.random.default_rng(4), norm=15**0.5)
    whole = kf.evolve(net, data, kf.GradientFlow(1e-13), until=0.3, save_at=[])
    assert whole.events.size == 0
    truth = whole.final(data.distinct.x) - data.distinct.y
    errors = []
    for steps in (2, 4, 8, 16):
        run, prob, work, bound = begin(net, data, 1e-13)
        dt = 0.3 / steps
        for _ in range(steps):
            work.nodes[:] = 0.0
            refresh(run, prob, work, bound)
            assert one_step(dt, *bound) > 0
        errors.append(np.abs(run.r - truth).max())
    errors = np.array(errors)
    orders = np.log2(errors[:-1] / errors[1:])[errors[1:] > 1e-12]
    assert orders.size >= 2
    assert abs(orders[-1] - 5) < 0.2, (orders, errors)


@pytest.mark.slow
def test_no_function_of_the_engine_is_compiled_twice(tmp_path):
    """A second signature (a literal, int32 beside int64, another layout) would be compiled at the user's cost."""
    empty = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", SIGNATURES]
    done = subprocess.run(command, env=empty, capture_output=True, text=True, check=True)
    counts = {(name, function): int(n) for name, function, n in map(str.split, done.stdout.splitlines())}
    assert max(counts.values()) == 1, {k: n for k, n in counts.items() if n > 1}
    assert counts["knotflow.engine.flow.modes", "solve"] == 1
    assert counts["knotflow.engine.particles.carry", "carry"] == 1
