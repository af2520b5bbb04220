"""Running experiments: trials in processes, kept as they finish; then data, figures and verdicts."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
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
from knotflow_papers.reproduction.verdict import Verdict

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Outcome:
    """What became of one experiment.

    Attributes
    ----------
    experiment : Experiment
    settings : namespace
        The parameters' values.
    quick : bool
        Whether they are the reduced ones.
    verdict : Verdict
        Computed from the data.
    table : tuple, optional
        Header and rows of what is printed under the picture.
    seconds : float
        Processor time of all trials, whenever they were computed.
    files : tuple of Path
        The data (NetCDF) and the picture (PNG, SVG).

    Examples
    --------
    >>> from pathlib import Path
    >>> from knotflow_papers import select
    >>> figure = select(["williams2019-figure-1"])[0]
    >>> outcome = Outcome(figure, figure.settings(), False, Verdict(()), None, 1.5, (Path("a.nc"), Path("a.png")))
    >>> outcome.picture.name
    'a.png'
    """

    experiment: Experiment
    settings: Settings
    quick: bool
    verdict: Verdict
    table: tuple[Sequence[str], Sequence[Sequence[str]]] | None
    seconds: float
    files: tuple[Path, ...]

    @property
    def picture(self) -> Path:
        """The PNG."""
        return next(path for path in self.files if path.suffix == ".png")


@dataclass(frozen=True)
class Step:
    """How far a run of experiments is.

    Attributes
    ----------
    done, total : int
        Units of work. 0 are done while kernels are compiled, and once more when the work begins.
    name : str
        The experiment of the last unit.

    Examples
    --------
    >>> Step(done=3, total=12, name="williams2019-figure-4")
    Step(done=3, total=12, name='williams2019-figure-4')
    """

    done: int
    total: int
    name: str


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
    carry their own seeds; the numbers do not depend on `processes`.

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
    Exception
        Whatever a trial raises.

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
    with pool_of(min(processes, max(len(missing), len(tasks), 1))) as pool:
        return _run(pool, tasks, tell)


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


def _run(pool: ProcessPoolExecutor, tasks: Sequence[_Task], tell: Callable[..., None]) -> list[Outcome]:
    """Compute what is missing; finish an experiment as soon as its trials are there."""
    left: dict[int, int] = {}
    running: dict[Future[Any], tuple[int, bool]] = {}  # -> number of the task, whether it is its end
    outcomes: dict[int, Outcome] = {}
    for k, task in enumerate(tasks):
        jobs = task.missing()
        left[k] = len(jobs)
        for trial, path in jobs:
            running[pool.submit(_compute, task.experiment, task.p, trial, path)] = (k, False)
        if not jobs:
            running[pool.submit(_finish, task)] = (k, True)
    while running:
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            k, last = running.pop(future)
            result = future.result()
            tell(tasks[k].experiment.name)
            if last:
                outcomes[k] = result
                continue
            left[k] -= 1
            if not left[k]:
                running[pool.submit(_finish, tasks[k])] = (k, True)
    return [outcomes[k] for k in range(len(tasks))]


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
