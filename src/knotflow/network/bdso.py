"""BDSO: breakpoint, delta-slope and orientation of every neuron that has a knot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike

from knotflow._checks import choice, extent, freeze, indices, number, vector
from knotflow._typing import Array, Ints
from knotflow._values import immutable
from knotflow.errors import InputError
from knotflow.network.function import knots_of
from knotflow.network.parameters import Parameters, given_parameters, old_to_net

if TYPE_CHECKING:
    from knotflow.network.relunet import ReLUNet

Gauge = Literal["unit", "equal", "balanced"]


@dataclass(frozen=True, init=False, eq=False, repr=False)
@immutable
class BDSO:
    """Breakpoint, delta-slope and orientation of every neuron that has a knot.

        f(x) = bias + sum_i delta_slopes_i (x - knots_i)_{s_i},   s = orientations,

    where (t)_{+1} = max(t, 0) and (t)_{-1} = min(t, 0): left-facing terms are negative or zero. The slope
    of f changes at knots_i by s_i delta_slopes_i.

    Parameters
    ----------
    knots, delta_slopes : array_like of shape (k,)
        Finite: b/a and c a/norm of the k live neurons, those with a knot.
    orientations : array_like of shape (k,)
        +1 or -1: sign a.
    bias : float, default 0.0
        The output bias plus what the constant neurons add to it.
    norm : float, default 1.0
        Greater than 0. It has no part in f, and is what `network()` gives back.
    live, constant, dead : array_like of int, optional
        Indices of the network's neurons: with a knot, active everywhere, active nowhere.

    Raises
    ------
    InputError
        For other shapes and values.

    Notes
    -----
    A neuron without a knot has a = 0 (or a b/a beyond float64): it is constant if b < 0, and then adds -c
    b/norm to f everywhere, and dead otherwise. Both are dropped from (k,), so that nothing here is ever
    NaN or infinite.

    O(m).

    References
    ----------
    Sahs et al. 2022, equation (1), whose b is -b here.

    Examples
    --------
    >>> import knotflow as kf
    >>> view = kf.ReLUNet([2.0, -1.0], [1.0, 3.0], [1.0, 4.0]).bdso()
    >>> view.knots, view.delta_slopes, view.orientations
    (array([ 0.5, -3. ]), array([ 2., -4.]), array([ 1, -1]))
    >>> view.network("equal").c.round(6)
    array([1.414214, 2.      ])
    """

    knots: Array
    delta_slopes: Array
    orientations: Ints
    bias: float
    norm: float
    live: Ints
    constant: Ints
    dead: Ints

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
        signs = signs.astype(np.int64)
        signs.setflags(write=False)
        freeze(self, orientations=signs)
        freeze(self, bias=number("bias", bias), norm=number("norm", norm, above=0.0))
        live = _integers("live", np.arange(k) if live is None else live)
        if len(live) != k:
            raise InputError(f"live has length {len(live)}: it must have length {k}, as knots has")
        freeze(self, live=live, constant=_integers("constant", constant), dead=_integers("dead", dead))

    @classmethod
    def of(
        cls,
        a: ArrayLike | ReLUNet,
        b: ArrayLike | None = None,
        c: ArrayLike | None = None,
        norm: float = 1.0,
        bias: float = 0.0,
    ) -> BDSO:
        """The BDSO view of the network with parameters a, b, c, `norm` and `bias`, or of a ReLUNet. O(m)."""
        return cls.seen(given_parameters("BDSO", a, b, c, norm, bias))

    @classmethod
    def seen(cls, p: Parameters) -> BDSO:
        """The view of checked parameters."""
        knots = knots_of(p.a, p.b)
        live = np.isfinite(knots)
        constant = ~live & (p.b < 0)
        with np.errstate(over="ignore"):
            delta_slopes = p.c * p.a / p.norm
        return cls(
            knots[live],
            delta_slopes[live],
            np.sign(p.a)[live],
            p.bias - float(np.sum(p.c[constant] * p.b[constant] / p.norm)),
            p.norm,
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

    def lift(self, gauge: Gauge = "unit") -> Parameters:
        """Parameters of the k live neurons with this view. O(k).

        Parameters
        ----------
        gauge : {"unit", "equal", "balanced"}
            What fixes |a_i|, which is free: |a| = 1; |a| = |c|; a^2 + b^2 = c^2, that is delta = 0.

        Raises
        ------
        InputError
            For another gauge.

        Notes
        -----
        A neuron with delta-slope 0 gets |a| = 1 and c = 0 in every gauge, so that its knot and
        orientation stay. Without a live neuron the network has one neuron with a = b = c = 0.
        """
        choice("gauge", gauge, get_args(Gauge))
        if len(self.knots) == 0:
            return Parameters(np.zeros(1), np.zeros(1), np.zeros(1), self.norm, self.bias)
        with np.errstate(over="ignore"):  # refused by name
            product = self.norm * np.abs(self.delta_slopes)  # |c a|
        if gauge == "unit":
            size = np.ones_like(product)
        elif gauge == "equal":
            size = np.sqrt(product)
        else:
            size = np.sqrt(product / np.hypot(1.0, self.knots))
        size = np.where(size == 0, 1.0, size)
        a = self.orientations * size
        with np.errstate(over="ignore"):  # refused by name
            return Parameters(a, self.knots * a, self.norm * self.delta_slopes / a, self.norm, self.bias)

    def network(self, gauge: Gauge = "unit") -> ReLUNet:
        """A network with this view: `ReLUNet.from_bdso` of it; see `lift` for the gauges."""
        return self.lift(gauge).network()

    def to_net(self, gauge: Gauge = "unit") -> ReLUNet:
        """The old name of `network`."""
        old_to_net("BDSO")
        return self.network(gauge)


def _integers(name: str, values: ArrayLike) -> Ints:
    array = indices(name, values)
    if array.ndim != 1:
        raise InputError(f"{name} has shape {array.shape}: it must be one-dimensional")
    array.setflags(write=False)
    return array
