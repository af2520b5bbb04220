"""The views of one network as records: `Canonical`, `BDSO` and `CPWL`. See `knotflow.network`."""

from __future__ import annotations

from knotflow.network import BDSO, CPWL, Canonical

__all__ = ["BDSO", "CPWL", "Canonical"]
