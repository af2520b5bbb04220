"""What an experiment is: parameters with their sources, trials, a picture, and checks."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

from knotflow import InputError
from knotflow_papers.reproduction.verdict import Check, Verdict

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

Settings = SimpleNamespace  # the parameters' values, p.lr, p.m, ...
Trial = Mapping[str, Any]  # labels: {"m": 200, "seed": 3}
Result = Mapping[str, Any]  # a number, or (dims, array) with dims a name or a tuple of names


@dataclass(frozen=True)
class Paper:
    """A paper: the ``PAPER`` of its package.

    Attributes
    ----------
    key : str
        Begins the names of its items: "williams2019".
    cite, title, venue, url : str
        As the report shows them.
    year : int
        Papers are listed by it.

    Examples
    --------
    >>> Paper("doe2020", "Doe (2020)", "On knots", "a journal", 2020, "https://example.org").key
    'doe2020'
    """

    key: str
    cite: str
    title: str
    venue: str
    year: int
    url: str


@dataclass(frozen=True)
class Parameter:
    """A value, where it comes from, and what takes its place in a quick run; made by `printed` and `chosen`.

    Attributes
    ----------
    value : number, str or tuple of them
        The value in a full run.
    source : str
        The place in the paper, or why the value was chosen.
    printed : bool
        Whether the paper says it.
    quick : number, str or tuple of them, optional
        The value in a quick run; None for the same.

    Examples
    --------
    >>> Parameter(1e-3, "section 4", printed=True)
    Parameter(value=0.001, source='section 4', printed=True, quick=None)
    """

    value: Any
    source: str
    printed: bool
    quick: Any = None


def printed(value: Any, where: str, quick: Any = None) -> Parameter:
    """A parameter that the paper says.

    Parameters
    ----------
    value : number, str or tuple of them
        The value in a full run.
    where : str
        The place in the paper.
    quick : number, str or tuple of them, optional
        The value in a quick run; None for the same.

    Returns
    -------
    Parameter

    Notes
    -----
    O(1).

    Examples
    --------
    >>> printed((20, 200), "appendix D", quick=(20,)).source
    'appendix D'
    """
    return Parameter(value, where, True, quick)


def chosen(value: Any, why: str, quick: Any = None) -> Parameter:
    """A parameter that the paper does not say.

    Parameters
    ----------
    value : number, str or tuple of them
        The value in a full run.
    why : str
        Why it was chosen.
    quick : number, str or tuple of them, optional
        The value in a quick run; None for the same.

    Returns
    -------
    Parameter

    Notes
    -----
    O(1).

    Examples
    --------
    >>> seeds = chosen(5, "the paper does not say", quick=2)
    >>> seeds.value, seeds.printed, seeds.quick
    (5, False, 2)
    """
    return Parameter(value, why, False, quick)


class Descent(NamedTuple):
    """Training in steps that an experiment asks for.

    Attributes
    ----------
    m, s : int
        Neurons and samples.
    steps, runs : int
        Steps of each run, and the number of runs.

    Examples
    --------
    >>> Descent(m=200, s=10, steps=1000, runs=5)
    Descent(m=200, s=10, steps=1000, runs=5)
    """

    m: int
    s: int
    steps: int
    runs: int = 1


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One figure or table of a paper; made by `experiment`; see the docstring of `knotflow_papers`.

    Attributes
    ----------
    item : str
        "Figure 4", "Table 3"; with the paper's key it makes the name, "williams2019-figure-4".
    title, claim : str
        A few words, and what the paper says in one sentence.
    citation : str
        Where: section, and the numbers in both versions if they differ.
    parameters : mapping of str to Parameter
        By the names that ``p`` has for their values.
    trials : callable
        p -> the independent units, each a mapping of labels.
    run : callable
        (p, trial) -> its results, by name; depends on nothing but the arguments.
    draw : callable
        (p, dataset) -> the figure.
    check : callable
        (p, dataset) -> the checks, which make the `Verdict`.
    note : str
        What is shown in addition to the paper's own, and why; may be empty.
    gather : callable, optional
        (p, trials, results) -> Dataset, in place of `dataset.grid`.
    descents : callable, optional
        p -> the training in steps, for the estimate of what PyTorch would take.
    table : callable, optional
        (p, dataset) -> (header, rows) of strings, shown under the picture.
    film : callable, optional
        p -> a trajectory for ``knotflow video``.
    films : mapping of str to callable
        More of them, by what is added to the name.
    needs : str
        A module of an optional extra, "torch", without which it cannot run.
    version : int
        Raised when `run` changes, so that older results are computed again.
    name, paper
        Filled in by the registry.

    Examples
    --------
    >>> toy = Experiment(
    ...     item="Figure 1",
    ...     title="even numbers",
    ...     claim="Twice 2 is less than 5.",
    ...     citation="section 1",
    ...     parameters={"m": chosen((1, 2, 3), "few", quick=(1, 2))},
    ...     trials=lambda p: product(m=p.m),
    ...     run=lambda p, trial: {"twice": 2 * trial["m"]},
    ...     draw=lambda p, data: None,
    ...     check=lambda p, data: [Check.below("largest", float(data.twice.max()), 5.0)],
    ... )
    >>> toy.settings(quick=True).m
    (1, 2)
    """

    item: str
    title: str
    claim: str
    citation: str
    parameters: Mapping[str, Parameter]
    trials: Callable[[Settings], Sequence[Trial]]
    run: Callable[[Settings, Trial], Result]
    draw: Callable[[Settings, xr.Dataset], Figure]
    check: Callable[[Settings, xr.Dataset], Sequence[Check]]
    note: str = ""
    gather: Callable[[Settings, Sequence[Trial], Sequence[Result]], xr.Dataset] | None = None
    descents: Callable[[Settings], Iterable[Descent]] | None = None
    table: Callable[[Settings, xr.Dataset], tuple[Sequence[str], Sequence[Sequence[str]]]] | None = None
    film: Callable[[Settings], Any] | None = None
    films: Mapping[str, Callable[[Settings], Any]] = field(default_factory=dict)
    needs: str = ""
    version: int = 1
    name: str = field(default="", compare=False)  # filled in by the registry, as is the paper
    paper: Paper | None = field(default=None, compare=False)

    @property
    def all_films(self) -> dict[str, Callable[[Settings], Any]]:
        """Its films by the names that ``knotflow video`` knows: that of the item, and those with what is added."""
        first = {self.name: self.film} if self.film else {}
        return {**first, **{f"{self.name}-{more}": film for more, film in self.films.items()}}

    def settings(self, quick: bool = False) -> Settings:
        """The parameters' values, those of a `quick` run if asked."""
        return SimpleNamespace(
            **{
                name: each.quick if quick and each.quick is not None else each.value
                for name, each in self.parameters.items()
            }
        )

    @property
    def lacking(self) -> str:
        """What must be installed before it can run, in words; "" if nothing."""
        return f"needs {self.needs}: make {self.needs}" if self.needs and find_spec(self.needs) is None else ""

    def verdict(self, p: Settings, data: xr.Dataset) -> Verdict:
        """The verdict on gathered data, from all checks at the settings p."""
        return Verdict(tuple(self.check(p, data)))


_REQUIRED = ("PARAMETERS", "trials", "run", "draw", "check")
_OPTIONAL = ("gather", "table", "descents", "film")


def experiment(module: str, *, item: str, title: str, claim: str, where: str, **more: Any) -> Experiment:
    """The experiment that a module's own functions make; the last line of a module of figures or tables.

    Parameters
    ----------
    module : str
        Its ``__name__``. ``PARAMETERS``, ``trials``, ``run``, ``draw`` and ``check`` are taken from it, and ``table``,
        ``descents``, ``film`` and ``gather`` if it has them.
    item, title, claim : str
        As in `Experiment`.
    where : str
        Its citation.
    **more
        ``note``, ``films``, ``needs`` and ``version`` of `Experiment`.

    Returns
    -------
    Experiment

    Raises
    ------
    InputError
        If the module lacks a part that every experiment has; the message names it.

    Notes
    -----
    O(1).

    Examples
    --------
    >>> experiment("math", item="Figure 1", title="", claim="", where="section 1")
    Traceback (most recent call last):
    knotflow.errors.InputError: module is math: it must define PARAMETERS, trials, run, draw, check, ...
    """
    own = vars(sys.modules[module])
    missing = [name for name in _REQUIRED if name not in own]
    if missing:
        raise InputError(f"module is {module}: it must define {', '.join(missing)}, as every experiment does")
    parts = {name.lower(): own[name] for name in _REQUIRED}
    parts |= {name: own[name] for name in _OPTIONAL if name in own}
    return Experiment(item=item, title=title, claim=claim, citation=where, **parts, **more)


def product(**labels: Iterable[Any]) -> list[dict[str, Any]]:
    """Trials for every combination of labels; the last label changes fastest.

    Parameters
    ----------
    **labels : iterables of numbers or str
        The values of each label.

    Returns
    -------
    list of dict
        One trial for each combination.

    Notes
    -----
    O(the number of trials).

    Examples
    --------
    >>> product(m=(20, 200), seed=range(2))
    [{'m': 20, 'seed': 0}, {'m': 20, 'seed': 1}, {'m': 200, 'seed': 0}, {'m': 200, 'seed': 1}]
    """
    return [dict(zip(labels, values, strict=True)) for values in itertools.product(*labels.values())]


def plain(values: Mapping[str, Any]) -> str:
    """Settings or labels as JSON, with sorted keys: equal text means equal values."""
    return json.dumps(dict(values), sort_keys=True, default=lambda v: v.tolist())
