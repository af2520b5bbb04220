"""The check that samples are given."""

from __future__ import annotations

from typing import Any

from knotflow.errors import InputError
from knotflow.samples import Distinct, Samples

__all__ = ["points_of"]


def points_of(data: Any) -> Distinct:
    """The distinct samples of `data`, or InputError if it is not Samples."""
    if not isinstance(data, Samples):
        raise InputError(f"data is of type {type(data).__name__}: it must be Samples, made by Samples(x, y)")
    return data.distinct
