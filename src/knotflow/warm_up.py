"""Fill the cache of compiled code: run a small case of all that is compiled, so that every later first run is quick.

The cases stand in lanes. What shares compiled functions is in one lane, and a lane is one process, so that two
processes hardly ever compile the same function.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from knotflow._checks import count

if TYPE_CHECKING:
    from knotflow.data import Samples
    from knotflow.network import ReLUNet

__all__ = ["LANES", "Case", "Done", "Report", "warm_up"]


class Case(NamedTuple):
    """Something small that needs one part of the compiled code."""

    name: str
    what: str
    run: Callable[[], object]


class Done(NamedTuple):
    """A case that has run: how many functions it compiled, and how long it took."""

    name: str
    what: str
    compiled: int
    seconds: float


class Report(NamedTuple):
    """What `warm_up` did."""

    parts: list[Done]
    seconds: float

    @property
    def compiled(self) -> int:
        """How many functions were compiled in all."""
        return sum(part.compiled for part in self.parts)


def warm_up(*, processes: int | None = None, progress: Callable[[int, int, str], object] | None = None) -> Report:
    """Compile all that is compiled, and keep it.

    What the cache has already takes no time. A script calls it under ``if __name__ == "__main__"``, since the work
    is done in processes of their own.

    Parameters
    ----------
    processes : int, optional
        1 or 2; by default 2, where there are as many cores.
    progress : callable, optional
        Called as ``progress(cases done, cases, name of the last)``.

    Returns
    -------
    Report
        For each case the number of functions compiled and the seconds.

    Raises
    ------
    InputError
        If `processes` is neither 1 nor 2.

    Notes
    -----
    A minute or two from an empty cache, some ten seconds from a full one.
    """
    least = min(len(LANES), os.cpu_count() or 1)
    lanes = count("processes", least if processes is None else processes, least=1, most=len(LANES))
    began = time.monotonic()
    places = [(lane, k) for lane, cases in enumerate(LANES) for k in range(len(cases))]
    workers = [_worker() for _ in range(lanes)]
    try:
        waiting = [workers[lane % lanes].submit(_run, lane, k) for lane, k in places]
        _follow(waiting, progress)
    finally:
        for worker in workers:
            worker.shutdown(cancel_futures=True)
    return Report([each.result() for each in waiting], time.monotonic() - began)


def _worker() -> ProcessPoolExecutor:
    """A process of its own, which Ctrl-C ends at once and without a word."""
    ends = (signal.SIGINT, signal.SIG_DFL)
    return ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn"), initializer=signal.signal, initargs=ends)


def _follow(waiting: list[Future[Done]], progress: Callable[[int, int, str], object] | None) -> None:
    """Wait for all, and tell of each."""
    if progress:
        progress(0, len(waiting), "")
    for done, each in enumerate(as_completed(waiting), 1):
        name = each.result().name
        if progress:
            progress(done, len(waiting), name)


def _run(lane: int, k: int) -> Done:
    """Run one case in this process."""
    from knotflow.engine import compiled

    case, before, began = LANES[lane][k], compiled.misses(), time.monotonic()
    compiled.announce_with(lambda: None)
    case.run()
    return Done(case.name, case.what, compiled.misses() - before, time.monotonic() - began)


# -- the cases -------------------------------------------------------------------------------------------

_X = np.array([-1.0, -0.6, -0.1, 0.4, 0.4, 1.0])
_Y = np.array([0.2, 0.9, -0.4, 0.3, 0.5, -0.7])


def _case(width: int = 8) -> tuple[ReLUNet, Samples]:
    """A network and data."""
    import knotflow as kf

    net = kf.initial.gaussian(width, np.random.default_rng(0), norm=width**0.5)
    return net, kf.Samples(_X, _Y)


def _flow() -> None:
    import knotflow as kf

    for train in (frozenset("abc"), frozenset({"a", "b", "c", "bias"})):
        kf.evolve(*_case(), kf.GradientFlow(1e-6, train), until=20.0)
    for seed in (28, 31):  # a neuron whose c changes its sign while it slides, and one that slides into a = b = 0
        rng = np.random.default_rng(seed)
        a = rng.normal(size=6)
        net = kf.ReLUNet(a, a * rng.choice(np.unique(_X)[1:-1], 6), 0.3 * rng.normal(size=6))
        kf.evolve(net, kf.Samples(_X, _Y), kf.GradientFlow(1e-6), until=3.0)


def _canonical_flow() -> None:
    import knotflow as kf

    for metric in ("cylinder", "polar"):
        kf.evolve(*_case(), kf.CanonicalFlow(metric), until=2.0)


def _mean_field() -> None:
    import knotflow as kf

    for metric in ("full", "cylinder", "polar"):
        kf.evolve(*_case(), kf.MeanFieldFlow(metric), until=1.0)


def _descent() -> None:
    import knotflow as kf

    for width in (8, 200):
        net, data = _case(width)
        kf.evolve(net, data, kf.GradientDescent(1e-3), steps=200)
        kf.stability_limit(net, data)


def _minibatches() -> None:
    import knotflow as kf

    for width in (8, 200):
        kf.evolve(*_case(width), kf.SGD(1e-3, batch=2, rng=np.random.default_rng(0)), steps=50)


def _momentum() -> None:
    import knotflow as kf

    for width in (8, 200):
        kf.evolve(*_case(width), kf.GradientDescent(1e-3, momentum=0.5), steps=50)
        kf.evolve(*_case(width), kf.Adam(1e-3), steps=50)


def _fits() -> None:
    import knotflow as kf

    kf.fit((_X, _Y), width=50, steps=50)


def _pieces() -> None:
    import knotflow as kf

    data = _case()[1]
    kf.segmented.optimal(data, 2)
    kf.segmented.optimal(data, 3, continuous=True)
    kf.segmented.optimal(data, 2, monotone="decreasing")
    kf.segmented.greedy(data, 2)


def _splines() -> None:
    import knotflow as kf

    data = _case()[1]
    kf.splines.smoothing(data, penalty=1e-3).band(0.5)
    kf.splines.smoothing(data)
    kf.splines.weighted(data, lambda x: 1.0 + x * x)
    kf.splines.tv(data, 0.05)
    kf.splines.tv(data, 0.05, weight="canonical")


def _kernels() -> None:
    import knotflow as kf

    data = _case()[1]
    for law in (kf.kernels.Gaussian(), kf.kernels.UniformKnots()):
        kf.kernels.interpolate(kf.kernels.rf(law), data, nugget=0.1)


def _landscape() -> None:
    import knotflow as kf

    net, data = _case()
    product = kf.landscape.HessianProduct(net, data)
    product @ np.ones(product.shape[0])
    kf.landscape.sharpness(net, data)


LANES: tuple[tuple[Case, ...], ...] = (
    (
        Case("flow", "the exact gradient flow, with and without bias", _flow),
        Case("canonical flow", "both metrics", _canonical_flow),
        Case("mean field", "all metrics", _mean_field),
    ),
    (
        Case("descent", "few neurons and many", _descent),
        Case("minibatches", "SGD", _minibatches),
        Case("momentum", "momentum and Adam", _momentum),
        Case("fit", "the short way in", _fits),
        Case("pieces", "piecewise linear fits: optimal, continuous, monotone, greedy", _pieces),
        Case("splines", "smoothing, weighted and total-variation splines", _splines),
        Case("kernels", "interpolants at infinite width", _kernels),
        Case("landscape", "products with the Hessian", _landscape),
    ),
)
