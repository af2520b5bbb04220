"""The check that samples are given."""

from __future__ import annotations

from typing import Any

from knotflow.errors import InputError
from knotflow.samples import Samples

__all__ = ["given"]


def given(data: Any) -> Samples:
    """`data`, if it is Samples; else InputError."""
    if not isinstance(data, Samples):
        raise InputError(f"data is of type {type(data).__name__}: it must be Samples, made by Samples(x, y)")
    return data
