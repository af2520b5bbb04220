"""Settings that every test shares."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# No deadline: the first call of a compiled function takes seconds.
settings.register_profile("knotflow", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("knotflow")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With KNOTFLOW_NO_SKIPS set, a skipped test fails the run: nothing may go unchecked unnoticed."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("KNOTFLOW_NO_SKIPS") and reporter and reporter.stats.get("skipped"):
        reporter.write_line("\nerror: tests were skipped, and KNOTFLOW_NO_SKIPS forbids it", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
