"""Kernels in closed form against dense linear algebra, and against a step of training."""

from __future__ import annotations

from statistics import median
from time import perf_counter

import numpy as np

import knotflow as kf
from bench.tables import Table, nanoseconds, verdict

_LARGE, _LARGEST, _DENSE = 100_000, 1_000_000, 2_000
_SECOND = 1e9


def tables(rounds: int) -> list[tuple[Table, dict]]:
    """Interpolation with the kernel of the uniform initialiser, and products with the tangent kernel of a network."""
    return [_interpolation(rounds), _products(rounds)]


def _nanoseconds(call, rounds: int) -> float:
    """Median time of a call; one before the first is thrown away."""
    times = []
    for _ in range(rounds + 1):
        began = perf_counter()
        call()
        times.append(1e9 * (perf_counter() - began))
    return median(times[1:])


def _wave(s: int) -> kf.Samples:
    rng = np.random.default_rng(1)
    x = np.sort(rng.uniform(-1, 1, s))
    data = kf.Samples(x, np.sin(9 * x) + 0.1 * rng.normal(size=s))
    _ = data.distinct  # found once, whatever follows
    return data


def _dense(data: kf.Samples) -> np.ndarray:
    """The coefficients k from the whole Gram matrix, as a general kernel library finds them.

    The matrix has a condition number beyond 1e16 at this many samples, so that only the time of this means anything.
    """
    x = data.x
    gap = np.abs(x[:, None] - x)
    return np.linalg.solve(np.multiply.outer(x, x) / 6 + 1 / 6 + gap * gap * gap / 96, data.y)


def _interpolation(rounds: int) -> tuple[Table, dict]:
    kernel = kf.kernels.rf("uniform")
    rows, values = [], {}
    for s in (_DENSE, _LARGE, _LARGEST):
        data = _wave(s)
        middle = (data.x[1:] + data.x[:-1]) / 2
        solve = _nanoseconds(lambda data=data: kf.kernels.interpolate(kernel, data), rounds)
        f = kf.kernels.interpolate(kernel, data)
        evaluate = _nanoseconds(lambda f=f, z=middle: f(z), rounds)
        rival = _nanoseconds(lambda data=data: _dense(data), min(rounds, 3)) if s == _DENSE else None
        target = "-"
        if rival is not None:
            target = verdict(rival / solve, 100, at_most=False)
        elif s == _LARGE:
            target = f"at most 1 s: {'yes' if solve <= _SECOND else 'NO'}"
        rows.append((f"s={s:,}", nanoseconds(solve), nanoseconds(evaluate), nanoseconds(rival), target))
        values[f"s={s}"] = {"solve_ns": solve, "evaluate_ns": evaluate, "dense_ns": rival}
    columns = ("interpolation, uniform initialiser", "solve", "evaluate at s - 1 points", "dense solve", "target")
    return Table("Kernel interpolation", columns, tuple(rows)), values


def _products(rounds: int) -> tuple[Table, dict]:
    m, data = _LARGEST, _wave(_LARGE)
    net = kf.initial.pytorch(m, np.random.default_rng(0), norm=m**0.5)
    began = perf_counter()
    operator = kf.kernels.empirical_ntk(net).operator(data.x)
    set_up = 1e9 * (perf_counter() - began)
    v = np.random.default_rng(2).normal(size=_LARGE)
    product = _nanoseconds(lambda: operator @ v, max(rounds, 5))
    method = kf.GradientDescent(1e-9)

    def run(steps: int) -> None:
        kf.evolve(net, data, method, steps=steps, save_at=())

    steps = 20
    step = (_nanoseconds(lambda: run(1 + steps), rounds) - _nanoseconds(lambda: run(1), rounds)) / steps
    row = (f"m={m:,} s={_LARGE:,}", nanoseconds(set_up), nanoseconds(product), nanoseconds(step))
    columns = ("tangent kernel of a network", "set up, once", "product", "step of descent", "product / step")
    table = Table("Products with the tangent kernel", columns, ((*row, verdict(product / step, 5, at_most=True)),))
    return table, {"set_up_ns": set_up, "product_ns": product, "step_ns": step}
