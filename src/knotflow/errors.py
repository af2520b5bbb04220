"""What knotflow raises and warns: every message names the argument, what it was and what it must be."""

from __future__ import annotations


class KnotflowError(Exception):
    """Base class of every error that knotflow raises on purpose."""


class InputError(KnotflowError, ValueError):
    """An argument, a file or a column is not what it must be; the message says what would be right."""


class MissingLibraryError(KnotflowError, ImportError):
    """A library that only a part of knotflow needs is not installed; the message says how to install it."""


class StabilityWarning(UserWarning):
    """The learning rate is above the stability bound 2 / (largest eigenvalue of the tangent kernel)."""


class DivergenceWarning(UserWarning):
    """A run left the region where its loss means anything and was stopped; the message says when and why."""
