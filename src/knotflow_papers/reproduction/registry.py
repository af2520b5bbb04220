"""The experiments there are, found in the modules of the papers' packages."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from types import ModuleType

from knotflow import InputError
from knotflow._checks import items, text
from knotflow._values import FrozenMapping
from knotflow_papers.reproduction.experiment import Experiment, Paper

_HOME = "knotflow_papers"
_ROOMS = ("figures", "tables")


@cache
def experiments() -> Mapping[str, Experiment]:
    """Every experiment by name, in the order of the papers and their items.

    A package in `knotflow_papers` with a ``PAPER`` is a paper; each module of its ``figures`` and ``tables`` is an
    item, its ``EXPERIMENT``; nothing else is loaded.

    Returns
    -------
    mapping of str to Experiment
        Read-only.

    Examples
    --------
    >>> experiments()["williams2019-figure-4"].title
    'the kernel regime and the natural cubic spline'
    """
    found: list[Experiment] = []
    for home in _packages(importlib.import_module(_HOME)):
        paper = getattr(home, "PAPER", None)
        if isinstance(paper, Paper):
            items = [module for room in _packages(home, _ROOMS) for module in _modules(room)]
            found += [registered(item.EXPERIMENT, paper) for item in items]
    found.sort(key=lambda each: (each.paper.year if each.paper else 0, _order(each.item)))
    return FrozenMapping({each.name: each for each in found})


def _packages(home: ModuleType, names: Iterable[str] = ()) -> list[ModuleType]:
    """The packages in a package; with `names` only those."""
    there = [each.name for each in pkgutil.iter_modules(home.__path__) if each.ispkg]
    return [importlib.import_module(f"{home.__name__}.{name}") for name in there if not names or name in names]


def _modules(home: ModuleType) -> list[ModuleType]:
    return [importlib.import_module(f"{home.__name__}.{each.name}") for each in pkgutil.iter_modules(home.__path__)]


def registered(experiment: Experiment, paper: Paper) -> Experiment:
    """The experiment with its paper and its name."""
    slug = re.sub(r"[^a-z0-9]+", "-", experiment.item.lower()).strip("-")
    return replace(experiment, paper=paper, name=f"{paper.key}-{slug}")


def _order(item: str) -> tuple[str, int]:
    kind, number = re.match(r"(\D*)(\d*)", item).groups()  # type: ignore[union-attr]
    return kind, int(number or 0)


def select(names: Iterable[str]) -> list[Experiment]:
    """The experiments of these names, in the order of `experiments`.

    Parameters
    ----------
    names : iterable of str
        Names of items, or keys of papers for all their items; empty for all there are.

    Returns
    -------
    list of Experiment

    Raises
    ------
    InputError
        For another name; the message lists those there are.

    Notes
    -----
    The first call imports the modules of all figures, about a second.

    Examples
    --------
    >>> [each.item for each in select(["williams2019-figure-2", "williams2019-figure-1"])]
    ['Figure 1', 'Figure 2']
    """
    there = experiments()
    wanted = items("names", names, "names")
    if not wanted:
        return list(there.values())
    chosen: dict[str, Experiment] = {}
    for name in wanted:
        text("names", name)
        matching = {k: e for k, e in there.items() if name == k or (e.paper and name == e.paper.key)}
        if not matching:
            raise InputError(
                f"name is {name!r}: it must be one of {', '.join(there)}, or a paper's key, as williams2019"
            )
        chosen |= matching
    return [each for name, each in there.items() if name in chosen]
