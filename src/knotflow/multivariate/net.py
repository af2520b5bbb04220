"""A one-hidden-layer ReLU network of D inputs, and its breakplanes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import get_args

import numpy as np
from numpy.typing import ArrayLike

from knotflow._checks import choice, count, extent, freeze, generator, indices, instance, number, numbers, vector
from knotflow._deprecated import warn
from knotflow._typing import Array, Ints
from knotflow._values import immutable
from knotflow.errors import InputError
from knotflow.network import ReLUNet
from knotflow.network.bdso import Gauge

_UNIT = 1e-9


@dataclass(frozen=True, init=False, eq=False, repr=False)
@immutable
class Net:
    """f(x) = bias + (1/norm) sum_i c_i max(<a_i, x> - b_i, 0), for x in D dimensions: a value, as `ReLUNet`.

    Parameters
    ----------
    a : array_like of shape (m, D)
        Inner weights, m and D >= 1, finite; kept as a read-only float64 copy, as b and c are.
    b, c : array_like of shape (m,)
        Thresholds and outer weights.
    norm : float
        > 0.
    bias : float
        The output bias.

    Raises
    ------
    InputError
        For anything else, naming the argument.

    Notes
    -----
    O(n m D) for n values.

    Examples
    --------
    >>> from knotflow.multivariate import Net
    >>> net = Net([[1.0, 2.0]], [0.5], [3.0], bias=1.0)
    >>> net([[1.0, 0.0], [0.0, 0.0]])
    array([2.5, 1. ])
    """

    a: Array
    b: Array
    c: Array
    norm: float
    bias: float

    def __init__(self, a: ArrayLike, b: ArrayLike, c: ArrayLike, norm: float = 1.0, bias: float = 0.0) -> None:
        rows = matrix("a", a, "(m, D): a row for each neuron")
        freeze(self, a=rows, b=vector("b", b, len(rows), "a"), c=vector("c", c, len(rows), "a"))
        freeze(self, norm=number("norm", norm, above=0.0), bias=number("bias", bias))

    @classmethod
    def of(cls, net: ReLUNet) -> Net:
        """A network of one input, D = 1."""
        instance("net", net, ReLUNet, "a ReLUNet")
        return cls(net.a[:, None], net.b, net.c, net.norm, net.bias)

    def __len__(self) -> int:
        """The number of neurons m."""
        return len(self.b)

    @property
    def dimensions(self) -> int:
        """The number of inputs D."""
        return self.a.shape[1]

    def __repr__(self) -> str:
        return f"Net({len(self)} neurons, {self.dimensions} inputs; norm={self.norm:.6g}, bias={self.bias:.6g})"

    def __call__(self, x: ArrayLike) -> Array:
        """f(x) for x of shape (..., D), in shape (...).

        Parameters
        ----------
        x : array_like of shape (..., D)
            Where.

        Returns
        -------
        ndarray of shape (...)
            The values. O(m D) for each x.

        Raises
        ------
        InputError
            For another D.
        """
        x = numbers("x", x)
        if x.ndim == 0 or x.shape[-1] != self.dimensions:
            raise InputError(f"x has shape {x.shape}: it must be (..., {self.dimensions}), one value for each input")
        return (self.bias + np.maximum(x @ self.a.T - self.b, 0) @ self.c / self.norm)[()]

    def along(self, start: ArrayLike, direction: ArrayLike) -> ReLUNet:
        """The function of t on a line: g(t) = f(start + t direction), exactly, neuron by neuron.

        (a_i, b_i, c_i) becomes (<a_i, direction>, b_i - <a_i, start>, c_i): the knots of g are where the line
        crosses the breakplanes.

        Parameters
        ----------
        start, direction : array_like of shape (D,)
            The point at t = 0, and what is added when t grows by 1; it need not have length 1, but must not be 0.

        Returns
        -------
        ReLUNet
            As many neurons. O(m D).

        Raises
        ------
        InputError
            For other shapes and for direction 0.

        Examples
        --------
        >>> from knotflow.multivariate import Net
        >>> Net([[1.0, 2.0]], [0.5], [3.0]).along([0.0, 0.0], [1.0, 0.0]).knots
        array([0.5])
        """
        start, direction = (
            vector(name, values, self.dimensions, "an input of the network")
            for name, values in (("start", start), ("direction", direction))
        )
        if not direction.any():
            raise InputError("direction is 0: it must have a length > 0")
        return ReLUNet(self.a @ direction, self.b - self.a @ start, self.c, self.norm, self.bias)

    def breakplanes(self) -> Breakplanes:
        """Delta-slopes, directions and offsets; see `Breakplanes`."""
        return Breakplanes.of(self)

    @classmethod
    def from_breakplanes(cls, view: Breakplanes, gauge: Gauge = "unit") -> Net:
        """A network with the planes of a view; for `gauge` see `Breakplanes.network`. O(m D)."""
        return instance("view", view, Breakplanes, "a Breakplanes, as net.breakplanes() is").network(gauge)


@dataclass(frozen=True, init=False, eq=False, repr=False)
@immutable
class Breakplanes:
    """f(x) = bias + sum_i delta_slopes_i max(<directions_i, x> - offsets_i, 0).

    For D = 1 and the BDSO view, directions are the orientations s, offsets s times the knots, and delta_slopes s
    times the delta-slopes there.

    Attributes
    ----------
    delta_slopes : ndarray of shape (k,)
        c |a| / norm: the slope across the plane, on the side where the neuron is active.
    directions : ndarray of shape (k, D)
        a / |a|: unit normals, to the active side.
    offsets : ndarray of shape (k,)
        b / |a|: signed distance of the plane from the origin along its direction.
    bias : float
        The output bias plus what neurons with a = 0 add to it.
    norm : float
        Has no part in f; `network` gives it back.
    live : ndarray of int, shape (k,)
        Indices of the network's neurons with a plane, those with a != 0.

    Raises
    ------
    InputError
        For other shapes and values, and directions that are not of length 1 (to 1e-9; they are then made so to
        rounding).

    References
    ----------
    Sahs et al. 2022, section 2.7, whose b is -b here: eta, xi and gamma.

    Examples
    --------
    >>> from knotflow.multivariate import Net
    >>> planes = Net([[3.0, 4.0]], [10.0], [2.0]).breakplanes()
    >>> planes.offsets, planes.delta_slopes
    (array([2.]), array([10.]))
    """

    delta_slopes: Array
    directions: Array
    offsets: Array
    bias: float
    norm: float
    live: Ints = field(repr=False)

    def __init__(
        self,
        delta_slopes: ArrayLike,
        directions: ArrayLike,
        offsets: ArrayLike,
        bias: float = 0.0,
        norm: float = 1.0,
        live: ArrayLike | None = None,
    ) -> None:
        rows = matrix("directions", directions, "(k, D): a row for each plane")
        length = np.linalg.norm(rows, axis=1)
        if np.any(np.abs(length - 1) > _UNIT):
            i = int(np.argmax(np.abs(length - 1)))
            raise InputError(f"directions[{i}] has length {length[i]:g}: every direction must have length 1")
        units = rows / length[:, None]
        which = indices("live", np.arange(len(rows)) if live is None else live)
        if which.shape != (len(rows),):
            raise InputError(f"live has shape {which.shape}: it must be ({len(rows)},), one number for each plane")
        for values in (units, which):
            values.setflags(write=False)
        freeze(self, delta_slopes=vector("delta_slopes", delta_slopes, len(rows), "directions"))
        freeze(self, directions=units, offsets=vector("offsets", offsets, len(rows), "directions"))
        freeze(self, bias=number("bias", bias), norm=number("norm", norm, above=0.0), live=which)

    @classmethod
    def of(cls, net: Net) -> Breakplanes:
        """The breakplanes of a network. O(m D). Raises InputError if no neuron has one."""
        length = np.linalg.norm(instance("net", net, Net, "a Net of knotflow.multivariate").a, axis=1)
        live = length > 0
        if not live.any():
            raise InputError(f"a is 0 in all {len(net)} neurons: it must not be, or there is no breakplane")
        size = length[live]
        constant = np.sum(net.c[~live] * np.maximum(-net.b[~live], 0)) / net.norm
        return cls(
            net.c[live] * size / net.norm,
            net.a[live] / size[:, None],
            net.b[live] / size,
            net.bias + float(constant),
            net.norm,
            np.flatnonzero(live),
        )

    def __repr__(self) -> str:
        planes = f"{len(self.offsets)} planes in {self.directions.shape[1]} dimensions"
        return f"Breakplanes({planes}; offsets in {extent(self.offsets)}, bias={self.bias:.6g})"

    def __call__(self, x: ArrayLike) -> Array:
        """f(x) for x of shape (..., D), in shape (...)."""
        return self.network()(x)

    def network(self, gauge: Gauge = "unit") -> Net:
        """A network with these planes.

        Parameters
        ----------
        gauge : {"unit", "equal", "balanced"}
            |a_i| is free. "unit": |a| = 1. "equal": |a| = |c|. "balanced": |a|^2 + b^2 = c^2. |a| = 1 where the
            delta-slope is 0.

        Returns
        -------
        Net
            k neurons. O(k D).

        Raises
        ------
        InputError
            For another gauge.
        """
        choice("gauge", gauge, get_args(Gauge))
        product = self.norm * np.abs(self.delta_slopes)  # |c| |a|
        if gauge == "unit":
            size = np.ones_like(product)
        elif gauge == "equal":
            size = np.sqrt(product)
        else:
            size = np.sqrt(product / np.hypot(1.0, self.offsets))
        size = np.where(size == 0, 1.0, size)
        a = size[:, None] * self.directions
        return Net(a, size * self.offsets, self.norm * self.delta_slopes / size, self.norm, self.bias)

    def to_net(self, gauge: Gauge = "unit") -> Net:
        """The former name of `network`."""
        warn("Breakplanes.to_net()", "Breakplanes.network()")
        return self.network(gauge)


def pytorch(m: int, dimensions: int, rng: np.random.Generator, *, norm: float = 1.0) -> Net:
    """The default start of Linear(D, m), ReLU, Linear(m, 1): a, b ~ U(+-1/sqrt(D)), c, bias ~ U(+-1/sqrt(m)).

    Parameters
    ----------
    m, dimensions : int
        The number of neurons and of inputs, at least 1.
    rng : numpy.random.Generator
        Draws a, b, c and bias, in this order.
    norm : float
        > 0.

    Returns
    -------
    Net
        A random network.

    Raises
    ------
    InputError
        For other arguments.

    Notes
    -----
    O(m D).

    References
    ----------
    PyTorch's `kaiming_uniform_` with a = sqrt 5.

    Examples
    --------
    >>> import numpy as np
    >>> from knotflow.multivariate import pytorch
    >>> len(pytorch(5, 3, np.random.default_rng(0)))
    5
    """
    m, dimensions = count("m", m, least=1), count("dimensions", dimensions, least=1)
    generator(rng)
    inner, outer = 1 / np.sqrt(dimensions), 1 / np.sqrt(m)
    a, b = rng.uniform(-inner, inner, (m, dimensions)), rng.uniform(-inner, inner, m)
    return Net(a, b, rng.uniform(-outer, outer, m), norm, float(rng.uniform(-outer, outer)))


def matrix(name: str, values: ArrayLike, shape: str) -> Array:
    """`values` as a read-only float64 copy with two axes, neither empty, or InputError."""
    array = numbers(name, values)
    if array.ndim != 2 or 0 in array.shape:
        raise InputError(f"{name} has shape {array.shape}: it must be {shape}")
    array.setflags(write=False)
    return array
