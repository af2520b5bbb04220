"""Random deep networks, and where their knots are, by depth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

import numpy as np

from knotflow._checks import choice, count, extent, generator, items
from knotflow._typing import Array, Ints
from knotflow._values import immutable
from knotflow.deep.layers import Layers, layers_of
from knotflow.deep.propagation import propagated

Start = Literal["pytorch", "he"]


def draw(widths: Sequence[int], rng: np.random.Generator, start: Start = "pytorch") -> Layers:
    """A random network with hidden layers of these widths, all weights and biases of a layer of one law.

    Parameters
    ----------
    widths : sequence of int
        The number of units of each hidden layer, at least 1.
    rng : numpy.random.Generator
        Draws layer by layer, W before b.
    start : {"pytorch", "he"}
        "pytorch": U(-1/sqrt(fan_in), 1/sqrt(fan_in)), the default of torch.nn.Linear. "he": N(0, 2 / fan_in), biases
        too: with biases of 0 every knot would be at 0.

    Returns
    -------
    tuple of (ndarray, ndarray)
        The layers, see `layers_of`.

    Raises
    ------
    InputError
        For other arguments.

    Notes
    -----
    O(the number of weights).

    References
    ----------
    PyTorch's `kaiming_uniform_` with a = sqrt 5; He et al. 2015, equation (10).

    Examples
    --------
    >>> import numpy as np, knotflow as kf
    >>> layers = kf.deep.draw([3, 2], np.random.default_rng(0))
    >>> [weight.shape for weight, bias in layers]
    [(3, 1), (2, 3), (1, 2)]
    """
    choice("start", start, get_args(Start))
    generator(rng)
    sizes = [
        1,
        *(count(f"widths[{k}]", width, least=1) for k, width in enumerate(items("widths", widths, "whole numbers"))),
        1,
    ]

    def values(fan_in: int, shape: tuple[int, ...]) -> Array:
        if start == "he":
            return rng.normal(0.0, np.sqrt(2 / fan_in), shape)
        return rng.uniform(-1.0, 1.0, shape) / np.sqrt(fan_in)

    return layers_of([(values(fan_in, (out, fan_in)), values(fan_in, (out,))) for fan_in, out in pairwise(sizes)])


@dataclass(frozen=True, eq=False, repr=False)
@immutable
class InitialKnots:
    """The k knots of many random networks together; arrays are read-only. Made by `initial_knots`.

    Attributes
    ----------
    knots : ndarray of shape (k,)
        Where.
    jumps : ndarray of shape (k,)
        Change of the slope of f there, left to right: the function's delta-slopes.
    layers : ndarray of int, shape (k,)
        The hidden layer, from 1, that made the knot.

    Examples
    --------
    >>> import numpy as np, knotflow as kf
    >>> found = kf.deep.initial_knots([2], 2, np.random.default_rng(0))
    >>> found.knots.shape, found.layers
    ((4,), array([1, 1, 1, 1]))
    """

    knots: Array
    jumps: Array
    layers: Ints

    def of_layer(self, layer: int) -> tuple[Array, Array]:
        """The knots that hidden layer `layer`, from 1, made, and their jumps."""
        mine = self.layers == count("layer", layer, least=1)
        return self.knots[mine], self.jumps[mine]

    def __repr__(self) -> str:
        if not len(self.knots):
            return "InitialKnots(0 knots)"
        return f"InitialKnots({len(self.knots)} knots in {extent(self.knots)}, jumps in {extent(self.jumps)})"


def initial_knots(
    widths: Sequence[int], networks: int, rng: np.random.Generator, start: Start = "pytorch"
) -> InitialKnots:
    """Knots and delta-slopes of many random networks, by the layer they come from.

    Each hidden layer adds about one knot a unit.

    Parameters
    ----------
    widths : sequence of int
        The number of units of each hidden layer, at least 1.
    networks : int
        How many networks, at least 1.
    rng : numpy.random.Generator
        Draws one network after the other, as `draw` does.
    start : {"pytorch", "he"}
        See `draw`.

    Returns
    -------
    InitialKnots
        Of all networks together.

    Raises
    ------
    InputError
        For other arguments.

    Notes
    -----
    The cost is that of `knots`, once for each network.

    With one hidden layer more the delta-slopes of the whole network are about 1 / sqrt(6) as large under the
    "pytorch" start. Under "he" they stay as large, which corrects Sahs et al. 2022, appendix 1 (ii).

    References
    ----------
    Sahs et al. 2022, figure 12.

    Examples
    --------
    >>> import numpy as np, knotflow as kf
    >>> found = kf.deep.initial_knots([10], 4, np.random.default_rng(0))
    >>> len(found.knots), len(found.of_layer(1)[0])
    (40, 40)
    """
    parts = [propagated(draw(widths, rng, start)) for _ in range(count("networks", networks, least=1))]
    knots = np.concatenate([f.knots for f, _ in parts])
    jumps = np.concatenate([f.jumps for f, _ in parts])
    layers = np.concatenate([origin for _, origin in parts])
    for values in (knots, jumps, layers):
        values.setflags(write=False)
    return InitialKnots(knots, jumps, layers)
