"""What a fit leaves on disk, and how it shows itself.

page    `write`: one self-contained HTML page about fits of the same data; `card`: a fit in a notebook
tables  `save`: a directory with the page, its figures, the functions and knots as CSV, the numbers as JSON, the runs
words   numbers and regimes in words
html    the one Jinja environment and the table of colours; for other pages too
"""

from __future__ import annotations

from knotflow.report.page import card, write
from knotflow.report.tables import save

__all__ = ["card", "save", "write"]
