"""What the pages of the reproduction and of the ledger share: where templates are found, and the colours of figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from knotflow._files import atomic_write
from knotflow.plots import style

if TYPE_CHECKING:
    from jinja2 import Environment

COLOURS = (
    (style.DATA, "data"),
    (style.NETWORK, "network"),
    (style.CUBIC, "natural cubic spline"),
    (style.LINEAR, "linear interpolant"),
    (style.POSITIVE, "neuron with r > 0"),
    (style.NEGATIVE, "neuron with r < 0"),
)


def environment() -> Environment:
    """Templates of this package by their path in it, those of knotflow by theirs; a missing value is an error."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    loaders = [PackageLoader(package, "") for package in ("knotflow_papers", "knotflow")]
    return Environment(loader=ChoiceLoader(loaders), autoescape=True, undefined=StrictUndefined, trim_blocks=True)


def render(template: str, **values: Any) -> str:
    """The page that a template makes of values; `version` and `colours` are given to all."""
    import knotflow as kf

    return environment().get_template(template).render(colours=COLOURS, version=kf.__version__, **values)


def write_text(path: Path, text: str) -> None:
    """Write a file in UTF-8, whole or not at all."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
