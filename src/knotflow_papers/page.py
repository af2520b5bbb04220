"""What the pages of the reproduction and of the ledger share: their templates lie in this package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from knotflow.report import html

_HERE = Path(__file__).parent


def render(template: str, **values: Any) -> str:
    """The page that a template of this package makes of values, the colours of figures among them."""
    return html.render(template, {"colours": html.COLOURS, **values}, _HERE)


def write_text(path: Path, text: str) -> None:
    """Write a file in UTF-8, whole or not at all."""
    html.write_whole(path, text.encode())
