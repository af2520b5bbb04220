"""The HTML report: ``kf.report.write(fits, "report.html")``, one self-contained page with its figures."""

from __future__ import annotations

from knotflow.report.page import write

__all__ = ["write"]
