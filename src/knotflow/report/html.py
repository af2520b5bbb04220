"""The one way of this distribution to write an HTML page: templates, colours, pictures inside the page."""

from __future__ import annotations

import base64
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from knotflow._extras import needing_extras
from knotflow._files import atomic_write
from knotflow._version import __version__
from knotflow.plots.style import COLOURS

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["COLOURS", "data_uri", "environment", "render", "write_whole"]

_HERE = Path(__file__).parent


def environment(directory: str | PathLike[str] = _HERE) -> Environment:
    """A Jinja environment for the templates in `directory`; those here, such as ``style.html``, are found too.

    Values are escaped, an unknown name is an error, and `version` is knotflow's.
    """
    with needing_extras():
        from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader([directory, _HERE]), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    made.globals["version"] = __version__
    return made


def render(template: str, values: dict[str, Any], directory: str | PathLike[str] = _HERE) -> str:
    """The page that a template of `directory` makes of these values."""
    return environment(directory).get_template(template).render(values)


def data_uri(png: bytes) -> str:
    """A picture as an address that holds it, so that a page needs no other file."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def write_whole(path: Path, content: bytes) -> Path:
    """Write a file that appears whole or not at all; returns its path."""
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)
    return path
