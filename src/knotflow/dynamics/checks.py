"""The checks that the settings of every method share."""

from __future__ import annotations

from knotflow.network.subject import subject

__all__ = ["subject"]
