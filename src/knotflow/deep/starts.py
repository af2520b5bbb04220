"""Random deep networks, and where their knots are, by depth."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from knotflow._typing import Array
from knotflow.deep.layers import Layers, layers_of
from knotflow.deep.propagation import _propagated
from knotflow.errors import InputError

Start = Literal["pytorch", "he"]


def draw(widths: Sequence[int], rng: np.random.Generator, start: Start = "pytorch") -> Layers:
    """A random network with hidden layers of these widths, all weights and biases of a layer of one law.

    "pytorch"  U(-1/sqrt(fan_in), 1/sqrt(fan_in)), the default of torch.nn.Linear
    "he"       N(0, 2 / fan_in), biases too: with biases of 0 every knot would be at 0

    Drawn layer by layer, W before b. Raises InputError for other widths and starts.
    """
    if start not in get_args(Start):
        raise InputError(f"start is {start!r}: it must be 'pytorch' or 'he'")
    sizes = [1, *(_count(f"widths[{k}]", width) for k, width in enumerate(widths)), 1]

    def values(fan_in: int, shape: tuple[int, ...]) -> Array:
        if start == "he":
            return rng.normal(0.0, np.sqrt(2 / fan_in), shape)
        return rng.uniform(-1.0, 1.0, shape) / np.sqrt(fan_in)

    return layers_of([(values(fan_in, (out, fan_in)), values(fan_in, (out,))) for fan_in, out in pairwise(sizes)])


@dataclass(frozen=True, eq=False)
class InitialKnots:
    """The k knots of many random networks together; arrays are read-only.

    knots   (k,) where
    jumps   (k,) change of the slope of f there, left to right: the function's delta-slopes
    layers  (k,) the hidden layer, from 1, that made the knot
    """

    knots: Array
    jumps: Array
    layers: NDArray[np.int64]

    def of_layer(self, layer: int) -> tuple[Array, Array]:
        """(knots, jumps) that hidden layer `layer` made."""
        mine = self.layers == layer
        return self.knots[mine], self.jumps[mine]


def initial_knots(
    widths: Sequence[int], networks: int, rng: np.random.Generator, start: Start = "pytorch"
) -> InitialKnots:
    """Knots and delta-slopes of `networks` random networks, by the layer they come from.

    Each hidden layer adds about one knot a unit. With one hidden layer more the delta-slopes of the whole network
    are about 1 / sqrt(6) as large under the "pytorch" start; under "he" they stay as large, which corrects Sahs et al.
    2022, appendix 1 (ii). Source: figure 12. Raises InputError for other arguments.
    """
    parts = [_propagated(draw(widths, rng, start)) for _ in range(_count("networks", networks))]
    knots = np.concatenate([f.knots for f, _ in parts])
    jumps = np.concatenate([f.jumps for f, _ in parts])
    layers = np.concatenate([origin for _, origin in parts])
    for values in (knots, jumps, layers):
        values.setflags(write=False)
    return InitialKnots(knots, jumps, layers)


def _count(name: str, value: int) -> int:
    """`value` as an integer >= 1, or InputError."""
    try:
        count = operator.index(value)
    except TypeError:
        count = 0
    if count < 1:
        raise InputError(f"{name} is {value!r}: it must be an integer, at least 1")
    return count
