"""What weights count as: how often a sample was seen, or how precise it is."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from knotflow._checks import choice
from knotflow.data.samples import Samples, given
from knotflow.errors import InputError

__all__ = ["WeightsAre", "sample_count", "weighed"]

WeightsAre = Literal["frequencies", "precisions"]


def weighed(data: Samples, weights_are: WeightsAre) -> Samples:
    """The samples with weights that say how many each of them is: precisions are scaled to the mean 1. O(n)."""
    choice("weights_are", weights_are, get_args(WeightsAre))
    if weights_are == "frequencies":
        return given(data)
    weights = given(data).weights / data.weights.max()  # first: no sum overflows
    return Samples(data.x, data.y, weights / np.mean(weights), x_name=data.x_name, y_name=data.y_name)


def sample_count(data: Samples, weights_are: WeightsAre) -> float:
    """How many samples the weights stand for. Frequencies below one for each distinct x are refused."""
    choice("weights_are", weights_are, get_args(WeightsAre))
    if weights_are == "precisions":
        return float(len(given(data)))
    total, s = float(given(data).weights.sum()), len(data.distinct.x)
    if total < s * (1 - 1e-12):
        raise InputError(
            f'weights_are is "frequencies": the weights must add up to at least {s}, the number of distinct x, but '
            f'their sum is {total:g}; if they are precisions, give weights_are="precisions"'
        )
    return total
