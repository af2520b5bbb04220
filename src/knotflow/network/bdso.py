"""BDSO: breakpoint, delta-slope and orientation of every neuron that has a knot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from knotflow._checks import extent, freeze, number, vector
from knotflow._typing import Array
from knotflow.errors import InputError
from knotflow.network import ReLUNet

Gauge = Literal["unit", "equal", "balanced"]
Indices = NDArray[np.int64]


@dataclass(frozen=True, init=False, eq=False, repr=False)
class BDSO:
    """f(x) = bias + sum_i delta_slopes_i (x - knots_i)_{s_i},   s = orientations,

    where (t)_{+1} = max(t, 0) and (t)_{-1} = min(t, 0): left-facing terms are negative or zero. The slope
    of f changes at knots_i by s_i delta_slopes_i.

    knots, delta_slopes   (k,) finite: b/a and c a/norm of the k live neurons, those with a knot
    orientations          (k,) of +1 and -1: sign a
    bias                  the output bias plus what the constant neurons add to it
    norm                  > 0; it has no part in f, and is what `to_net()` gives back
    live, constant, dead  indices of the network's neurons: with a knot, active everywhere, active nowhere

    A neuron without a knot has a = 0 (or a b/a beyond float64): it is constant if b < 0, and then adds -c
    b/norm to f everywhere, and dead otherwise. Both are dropped from (k,), so that nothing here is ever
    NaN or infinite.

    Source: Sahs et al. 2022, equation (1), whose b is -b here. Raises InputError for other shapes and values.
    """

    knots: Array
    delta_slopes: Array
    orientations: Indices
    bias: float
    norm: float
    live: Indices
    constant: Indices
    dead: Indices

    def __init__(
        self,
        knots: ArrayLike,
        delta_slopes: ArrayLike,
        orientations: ArrayLike,
        bias: float = 0.0,
        norm: float = 1.0,
        live: ArrayLike | None = None,
        constant: ArrayLike = (),
        dead: ArrayLike = (),
    ) -> None:
        knots = vector("knots", knots)
        k = len(knots)
        freeze(self, knots=knots, delta_slopes=vector("delta_slopes", delta_slopes, k, "knots"))
        signs = vector("orientations", orientations, k, "knots")
        if not np.all(np.abs(signs) == 1):
            i = int(np.argmax(np.abs(signs) != 1))
            raise InputError(f"orientations[{i}] is {signs[i]:g}: it must be 1 (right-facing) or -1 (left-facing)")
        freeze(self, orientations=_integers("orientations", signs))
        freeze(self, bias=number("bias", bias), norm=number("norm", norm, above=0.0))
        live = _integers("live", np.arange(k) if live is None else live)
        if len(live) != k:
            raise InputError(f"live has length {len(live)}: it must have length {k}, as knots has")
        freeze(self, live=live, constant=_integers("constant", constant), dead=_integers("dead", dead))

    @classmethod
    def of(cls, net: ReLUNet) -> BDSO:
        """The BDSO view of a network. O(m)."""
        knots = net.knots
        live = np.isfinite(knots)
        constant = ~live & (net.b < 0)
        return cls(
            knots[live],
            net.delta_slopes[live],
            net.orientations[live],
            net.bias - float(np.sum(net.c[constant] * net.b[constant] / net.norm)),
            net.norm,
            live=np.flatnonzero(live),
            constant=np.flatnonzero(constant),
            dead=np.flatnonzero(~live & ~constant),
        )

    def __repr__(self) -> str:
        knots = f": knots in {extent(self.knots)}" if len(self.knots) else ""
        counts = f"{len(self.live)} live, {len(self.constant)} constant, {len(self.dead)} dead"
        return f"BDSO({counts} neurons{knots}; bias={self.bias:.6g})"

    @property
    def jumps(self) -> Array:
        """(k,) orientation times delta-slope: by how much each neuron changes the slope of f at its knot."""
        return self.orientations * self.delta_slopes

    def to_net(self, gauge: Gauge = "unit") -> ReLUNet:
        """A network of the k live neurons with this view. O(k).

        |a_i| is free, and `gauge` fixes it:

            "unit"      |a| = 1
            "equal"     |a| = |c|
            "balanced"  a^2 + b^2 = c^2, that is delta = 0

        A neuron with delta-slope 0 gets |a| = 1 and c = 0 in every gauge, so that its knot and
        orientation stay. Without a live neuron the network has one neuron with a = b = c = 0.

        Raises InputError for another gauge.
        """
        if gauge not in get_args(Gauge):
            raise InputError(f"gauge is {gauge!r}: it must be one of {', '.join(map(repr, get_args(Gauge)))}")
        if len(self.knots) == 0:
            return ReLUNet([0.0], [0.0], [0.0], self.norm, self.bias)
        product = self.norm * np.abs(self.delta_slopes)  # |c a|
        if gauge == "unit":
            size = np.ones_like(product)
        elif gauge == "equal":
            size = np.sqrt(product)
        else:
            size = np.sqrt(product / np.hypot(1.0, self.knots))
        size = np.where(size == 0, 1.0, size)
        a = self.orientations * size
        return ReLUNet(a, self.knots * a, self.norm * self.delta_slopes / a, self.norm, self.bias)


def _integers(name: str, values: ArrayLike) -> Indices:
    array = vector(name, values).astype(np.int64)
    array.setflags(write=False)
    return array
