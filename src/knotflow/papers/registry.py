"""The experiments there are, found in the modules of the papers' subpackages."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from types import MappingProxyType

from knotflow.errors import InputError
from knotflow.papers.experiment import Experiment, Paper


@cache
def experiments() -> Mapping[str, Experiment]:
    """Every experiment by name, in the order of the papers and their items.

    A subpackage of `knotflow.papers` with a ``PAPER`` is a paper; each of its modules with an ``EXPERIMENT`` is an
    item; nothing else is loaded.
    """
    import knotflow.papers as room

    found: list[Experiment] = []
    for package in pkgutil.iter_modules(room.__path__):
        if not package.ispkg:
            continue
        home = importlib.import_module(f"{room.__name__}.{package.name}")
        paper = getattr(home, "PAPER", None)
        if isinstance(paper, Paper):
            for module in pkgutil.iter_modules(home.__path__):
                entry = getattr(importlib.import_module(f"{home.__name__}.{module.name}"), "EXPERIMENT", None)
                if isinstance(entry, Experiment):
                    found.append(registered(entry, paper))
    found.sort(key=lambda each: (each.paper.year if each.paper else 0, _order(each.item)))
    return MappingProxyType({each.name: each for each in found})


def registered(experiment: Experiment, paper: Paper) -> Experiment:
    """The experiment with its paper and its name."""
    slug = re.sub(r"[^a-z0-9]+", "-", experiment.item.lower()).strip("-")
    return replace(experiment, paper=paper, name=f"{paper.key}-{slug}")


def _order(item: str) -> tuple[str, int]:
    kind, number = re.match(r"(\D*)(\d*)", item).groups()  # type: ignore[union-attr]
    return kind, int(number or 0)


def select(names: Iterable[str]) -> list[Experiment]:
    """The experiments of these names; the key of a paper stands for all of its items; none: all.

    Raises InputError, with the names there are, for another.
    """
    there = experiments()
    wanted = list(names)
    if not wanted:
        return list(there.values())
    chosen: dict[str, Experiment] = {}
    for name in wanted:
        matching = {k: e for k, e in there.items() if name == k or (e.paper and name == e.paper.key)}
        if not matching:
            raise InputError(
                f"name is {name!r}: it must be one of {', '.join(there)}, or a paper's key, as williams2019"
            )
        chosen |= matching
    return [each for name, each in there.items() if name in chosen]
