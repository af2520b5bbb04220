"""The check that what is run is a network, and what it is trained on are samples."""

from __future__ import annotations

from knotflow.network.subject import subject

__all__ = ["subject"]
