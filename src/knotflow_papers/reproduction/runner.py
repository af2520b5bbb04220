"""Running experiments: trials in processes, kept as they finish; then data, figures and verdicts."""

from __future__ import annotations

import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from knotflow import DivergenceWarning, StabilityWarning
from knotflow._checks import every, flag, function, instance
from knotflow._files import atomic_write
from knotflow._paths import directory
from knotflow_papers.processes import number_of_processes, pool_of
from knotflow_papers.reproduction import dataset
from knotflow_papers.reproduction.experiment import Experiment, Settings, Trial, plain
from knotflow_papers.reproduction.outcome import Outcome, Step
from knotflow_papers.reproduction.verdict import Verdict

if TYPE_CHECKING:
    import xarray as xr


def reproduce(
    experiments: Sequence[Experiment],
    out: str | PathLike[str],
    *,
    quick: bool = False,
    processes: int | None = None,
    progress: Callable[[Step], Any] | None = None,
) -> list[Outcome]:
    """Run experiments and write, for each, ``data/<name>.nc`` and ``figures/<name>.png`` and ``.svg`` under `out`.

    Every trial that finishes is kept in ``trials/`` at once, under its experiment, version, parameters and labels: a
    run that was interrupted goes on there, and one that is repeated computes nothing. Trials are independent and
    carry their own seeds; the numbers do not depend on `processes`. An item is finished as soon as its trials are
    there. An exception in one item makes that item's verdict "error"; the others go on.

    Parameters
    ----------
    experiments : sequence of Experiment
        From `select`.
    out : path
        The directory; it is made if it does not exist.
    quick : bool
        Whether to take the reduced parameters.
    processes : int, optional
        Their number; None for one for each core.
    progress : callable, optional
        Called with a `Step` after each unit of work.

    Returns
    -------
    list of Outcome
        In the order of `experiments`.

    Raises
    ------
    InputError
        If `processes` is not a whole number of at least 1.

    Notes
    -----
    A quick run of one item takes a second or two once the kernels are compiled, a full one less than 15 s.

    Examples
    --------
    Nothing to run gives no outcomes; ``select(["williams2019"])`` in place of the empty list runs all of a paper.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     reproduce([], folder, quick=True, processes=1)
    []
    """
    experiments = every("experiments", experiments, Experiment, "Experiments, as experiments() has them")
    processes, root, quick = number_of_processes(processes), directory("out", out), flag("quick", quick)
    if progress is not None:
        function("progress", progress, "a Step")
    tasks = [_Task(each, each.settings(quick), quick, root) for each in experiments]
    missing = [job for task in tasks for job in task.missing()]
    tell = _teller(len(missing) + len(tasks), progress)
    if missing:
        tell("compiling", 0)
        compile_kernels()
        tell("", 0)
    workers = min(processes, max(len(missing), len(tasks), 1))
    with pool_of(workers) as pool:
        return _Run(pool, tasks, tell).outcomes(2 * workers)


@dataclass(frozen=True)
class _Task:
    """One experiment with its settings and its trials' files."""

    experiment: Experiment
    p: Settings
    quick: bool
    out: Path

    def jobs(self) -> list[tuple[Trial, Path]]:
        trials = self.experiment.trials(self.p)
        return [(trial, dataset.trial_path(self.out, self.experiment, self.p, trial)) for trial in trials]

    def missing(self) -> list[tuple[Trial, Path]]:
        return [job for job in self.jobs() if not job[1].exists()]


@dataclass(frozen=True)
class _Unit:
    """A piece of work for a process: a trial of the k-th task, or its end."""

    k: int
    trial: tuple[Trial, Path] | None  # None for the end


class _Run:
    """The work of all tasks, and what has become of it."""

    def __init__(self, pool: ProcessPoolExecutor, tasks: Sequence[_Task], tell: Callable[..., None]) -> None:
        self.pool, self.tasks, self.tell = pool, tasks, tell
        self.queue: deque[_Unit] = deque()
        self.left: dict[int, int] = {}
        self.found: dict[int, Outcome] = {}
        self.trouble: dict[int, str] = {}

    def outcomes(self, at_once: int) -> list[Outcome]:
        """All units, `at_once` of them with the pool: an end goes before the trials that still wait."""
        for k, task in enumerate(self.tasks):
            units = [_Unit(k, job) for job in task.missing()]
            self.left[k] = len(units)
            self.queue.extend(units or [_Unit(k, None)])
        running: dict[Future[Any], _Unit] = {}
        while self.queue or running:
            while self.queue and len(running) < at_once:
                unit = self.queue.popleft()
                running[self._submit(unit)] = unit
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                self._take(running.pop(future), future)
        return [self.found[k] for k in range(len(self.tasks))]

    def _submit(self, unit: _Unit) -> Future[Any]:
        task = self.tasks[unit.k]
        if unit.trial is None:
            return self.pool.submit(_finish, task)
        return self.pool.submit(_compute, task.experiment, task.p, *unit.trial)

    def _take(self, unit: _Unit, future: Future[Any]) -> None:
        """Keep what a unit gave; the last trial of a task makes way for its end."""
        k, task = unit.k, self.tasks[unit.k]
        try:
            result = future.result()
        except BrokenExecutor:  # no process is left to go on
            raise
        except Exception as error:  # one item's failure must not end the others
            self.trouble.setdefault(k, f"{type(error).__name__}: {error}")
            result = None
        self.tell(task.experiment.name)
        if unit.trial is not None:
            self.left[k] -= 1
            if self.left[k]:
                return
            if k not in self.trouble:
                self.queue.appendleft(_Unit(k, None))
                return
            self.tell(task.experiment.name)  # for its end, which does not come
        if k in self.trouble:
            result = Outcome(task.experiment, task.p, task.quick, Verdict((), self.trouble[k]), None, 0.0, ())
        self.found[k] = result


def _teller(total: int, progress: Callable[[Step], Any] | None) -> Callable[..., None]:
    done = 0

    def tell(name: str, units: int = 1) -> None:
        nonlocal done
        done += units
        if progress:
            progress(Step(done, total, name))

    return tell


# -- in a worker -----------------------------------------------------------------------------------------


@contextmanager
def _quiet() -> Iterator[None]:
    """Without warnings of learning rates: some protocols have one that is too large."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StabilityWarning)
        warnings.simplefilter("ignore", DivergenceWarning)
        yield


def _compute(experiment: Experiment, p: Settings, trial: Trial, path: Path) -> None:
    began = time.process_time()
    with _quiet():
        result = experiment.run(p, trial)
    dataset.save_trial(path, trial, result, time.process_time() - began)


def _finish(task: _Task) -> Outcome:
    """Gather the trials; write data and picture; compute the verdict."""
    experiment, p = task.experiment, task.p
    jobs = task.jobs()
    results, seconds = zip(*(dataset.load_trial(path) for _, path in jobs), strict=True)
    data = gather(experiment, p, [trial for trial, _ in jobs], results)
    files = [task.out / "data" / f"{experiment.name}.nc"]
    dataset.save_dataset(data, files[0])
    figure = experiment.draw(p, data)
    for suffix in ("png", "svg"):
        files.append(task.out / "figures" / f"{experiment.name}.{suffix}")
        with atomic_write(files[-1]) as temporary:
            figure.savefig(temporary)
    table = experiment.table(p, data) if experiment.table else None
    return Outcome(experiment, p, task.quick, experiment.verdict(p, data), table, sum(seconds), tuple(files))


def gather(experiment: Experiment, p: Settings, trials: Sequence[Trial], results: Sequence[Any]) -> xr.Dataset:
    """The labelled dataset of an experiment, with what it is in its attributes."""
    from knotflow import __version__

    data = experiment.gather(p, trials, results) if experiment.gather else dataset.grid(trials, results)
    paper = experiment.paper
    return data.assign_attrs(
        experiment=experiment.name,
        title=experiment.title,
        source=f"{paper.cite}, {experiment.citation}" if paper else experiment.citation,
        parameters=plain(vars(p)),
        knotflow=__version__,
    )


def compute(experiment: Experiment, *, quick: bool = False) -> xr.Dataset:
    """The dataset of an experiment, computed in this process; nothing is written.

    Parameters
    ----------
    experiment : Experiment
        From `experiments` or `select`.
    quick : bool
        Whether to take the reduced parameters.

    Returns
    -------
    xarray.Dataset
        The labels of the trials are dimensions; see `dataset.grid`.

    Raises
    ------
    Exception
        Whatever a trial raises.

    Notes
    -----
    The cost is that of its trials, one after the other.

    Examples
    --------
    >>> from knotflow_papers import Check, chosen, product
    >>> toy = Experiment(
    ...     item="Figure 1",
    ...     title="even numbers",
    ...     claim="Twice 2 is less than 5.",
    ...     citation="section 1",
    ...     parameters={"m": chosen((1, 2), "few")},
    ...     trials=lambda p: product(m=p.m),
    ...     run=lambda p, trial: {"twice": 2 * trial["m"]},
    ...     draw=lambda p, data: None,
    ...     check=lambda p, data: [Check.below("largest", float(data.twice.max()), 5.0)],
    ... )
    >>> data = compute(toy)
    >>> data.twice.dims, data.twice.values.tolist(), toy.verdict(toy.settings(), data).status
    (('m',), [2.0, 4.0], 'reproduced')
    """
    instance("experiment", experiment, Experiment, "an Experiment, as experiments() has them")
    p = experiment.settings(flag("quick", quick))
    trials = experiment.trials(p)
    with _quiet():
        results = [experiment.run(p, trial) for trial in trials]
    return gather(experiment, p, trials, results)


def compile_kernels() -> None:
    """Compile what trials use before the workers start, so that they find it in numba's cache and none writes to it."""
    import numpy as np

    import knotflow as kf

    net = kf.initial.pytorch(8, np.random.default_rng(0))
    data = kf.Samples(np.array([-1.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.5]))
    for method in (kf.GradientDescent(1e-3), kf.GradientDescent(1e-3, momentum=0.5), kf.Adam(1e-3)):
        kf.evolve(net, data, method, steps=2)
    kf.evolve(net, data, kf.SGD(1e-3, batch=2), steps=2)
    kf.evolve(net, data, kf.GradientFlow(), until=0.1)
