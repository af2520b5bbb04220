"""The landscape: spectra of the Hessian beside automatic differentiation, products beside gradient steps."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter

import numpy as np

import knotflow as kf
from bench import rivals
from bench.cases import problem, samples
from bench.clock import Stretch, ns_per_step
from bench.tables import Table, nanoseconds, verdict

WIDTHS, SAMPLES = (1_000, 10_000, 100_000), 100
RIVAL_SIZE, WIDE_SIZE = (300, 20), (100_000, 100)
AGREEMENT = 1e-11
MOMENTUM = 0.5


def tables(rounds: int) -> list[tuple[Table, dict]]:
    """Both tables: spectra, and Hessian-vector products."""
    return [spectra(rounds), products(rounds)]


def interpolating(m: int, s: int) -> tuple[kf.ReLUNet, kf.Samples]:
    """A random network and data that it goes through."""
    net, x = problem(m, s).net, samples(s).x
    return net, kf.Samples(x, net(x))


def spectra(rounds: int) -> tuple[Table, dict]:
    """All eigenvalues at an interpolating network and at one that is not, against torch.func.hessian and eigvalsh."""
    m, s = RIVAL_SIZE
    at_zero, away = interpolating(m, s), (problem(m, s).net, samples(s))
    for net, data in (at_zero, away):
        dense = _dense_eigenvalues(net, data)()
        apart = np.abs(np.asarray(kf.landscape.hessian_spectrum(net, data)) - dense).max() / dense[-1]
        if not apart <= AGREEMENT:
            raise AssertionError(f"the spectra differ by {apart:.2g} of the largest eigenvalue")
    runs = {
        "interpolating": lambda: kf.landscape.hessian_spectrum(*at_zero),
        "elsewhere": lambda: kf.landscape.hessian_spectrum(*away),
        "torch": _dense_eigenvalues(*away),
    }
    wide = interpolating(*WIDE_SIZE)
    runs["wide"] = lambda: np.asarray(kf.landscape.hessian_spectrum(*wide))
    times = _medians(runs, min(rounds, 3))  # the rival takes a second
    torch = times["torch"]
    rows = (
        (
            f"m={m} s={s}, interpolating",
            nanoseconds(times["interpolating"]),
            nanoseconds(torch),
            verdict(torch / times["interpolating"], 100, at_most=False),
        ),
        (
            f"m={m} s={s}, elsewhere",
            nanoseconds(times["elsewhere"]),
            nanoseconds(torch),
            f"{torch / times['elsewhere']:,.3g}x",
        ),
        (
            f"m={WIDE_SIZE[0]:,} s={WIDE_SIZE[1]}, interpolating",
            nanoseconds(times["wide"]),
            "-",
            f"{times['wide'] / 1e9:.3g} s (at most 0.2 s: {'yes' if times['wide'] <= 0.2e9 else 'NO'})",
        ),
    )
    return Table(
        "All eigenvalues of the Hessian", ("case", "knotflow", "torch.func and eigvalsh", "faster"), rows
    ), times


def products(rounds: int) -> tuple[Table, dict]:
    """A Hessian-vector product beside a step of gradient descent, and beside one with momentum.

    Plain descent advances neurons far from every sample by the arc, so that its step costs less than a look at each.
    With momentum a step visits every neuron, as the product must: that is the like-for-like comparison.
    """
    rows, values = [], {}
    for m in WIDTHS:
        prob = problem(m, SAMPLES)
        product = kf.landscape.HessianProduct(prob.net, prob.data)
        v = np.cos(np.arange(3.0 * m + 1))
        steps = max(50, 20_000_000 // m)

        def multiply(count: int, product: kf.landscape.HessianProduct = product, v: np.ndarray = v) -> None:
            for _ in range(count):
                product @ v

        times = ns_per_step(
            {
                "product": Stretch(multiply, 1, 1 + steps // 10),
                "step": Stretch(rivals.knotflow(prob), 1, 1 + steps),
                "visiting": Stretch(rivals.knotflow(prob, MOMENTUM), 1, 1 + steps // 10),
                "floor": Stretch(rivals.floor(prob), 1, 1 + steps),
            },
            rounds,
        )
        ratios = (verdict(times["product"] / times[name], 4, at_most=True) for name in ("step", "visiting"))
        rows.append((f"m={m:,} s={SAMPLES}", *(nanoseconds(times[name]) for name in times), *ratios))
        values[f"m={m}"] = times
    columns = (
        "case",
        "Hessian-vector product",
        "gradient step",
        "momentum step, of every neuron",
        "floor of a step",
        "product over step",
        "over momentum step",
    )
    return Table(
        "Hessian-vector products (plain descent steps only the neurons near samples)", columns, tuple(rows)
    ), values


def _dense_eigenvalues(net: kf.ReLUNet, data: kf.Samples) -> Callable[[], np.ndarray]:
    """The same eigenvalues from PyTorch's Hessian of all 3m + 1 parameters."""
    import warnings

    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of torch.jit, on importing torch.func
        import torch.func

    m, x, y = len(net), torch.tensor(data.x.copy()), torch.tensor(data.y.copy())
    start = torch.tensor(np.concatenate([net.a, net.b, net.c, [net.bias]]))

    def loss(p: torch.Tensor) -> torch.Tensor:
        f = torch.relu(torch.outer(x, p[:m]) - p[m : 2 * m]) @ p[2 * m : 3 * m] / net.norm + p[3 * m]
        return 0.5 * torch.sum((f - y) ** 2)

    return lambda: np.linalg.eigvalsh(torch.func.hessian(loss)(start).numpy())


def _medians(runs: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median nanoseconds of each, interleaved, after one round that compiles."""

    def seconds(run: Callable[[], object]) -> float:
        start = perf_counter()
        run()
        return perf_counter() - start

    turns = [{name: 1e9 * seconds(run) for name, run in runs.items()} for _ in range(rounds + 1)]
    return {name: median(turn[name] for turn in turns[1:]) for name in runs}
