"""Segments: a piecewise linear fit, continuous or not, and its ways to a network and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from knotflow._checks import extent, number, numbers
from knotflow._typing import Array
from knotflow.data import Samples
from knotflow.errors import InputError
from knotflow.network import CPWL, ReLUNet

_ROUNDING = 64 * np.finfo(np.float64).eps


@dataclass(frozen=True, eq=False, repr=False)
class Segments:
    """k lines: f(x) = levels_p + slopes_p (x - centres_p) for x in piece p, with k - 1 knots between the pieces.

    knots    (k - 1,) ascending, where one piece ends and the next begins; a knot belongs to the piece on its right
    slopes   (k,)
    centres  (k,) the x at which each line is anchored, near its samples
    levels   (k,) its value there
    room     (k - 1,) distance from each knot to the nearest sample
    error    sum_j w_j (f(x_j) - y_j)^2 over the samples it was made for: twice the loss

    All arrays are read-only. Made by `optimal`, `greedy`, `path` and `Segments.of`.
    """

    knots: Array
    slopes: Array
    centres: Array
    levels: Array
    room: Array
    error: float

    def __post_init__(self) -> None:
        for values in (self.knots, self.slopes, self.centres, self.levels, self.room):
            values.setflags(write=False)

    @classmethod
    def of(cls, net: ReLUNet, data: Samples) -> Segments:
        """The function of a network, with its error on `data`. Every knot of it counts, also outside the data.

        O(m log m + n log n). Raises InputError for other arguments.
        """
        if not isinstance(net, ReLUNet):
            raise InputError(f"net is of type {type(net).__name__}: it must be a ReLUNet")
        check_data(data)
        f = net.cpwl()
        left = np.append(f.knots[:1], f.knots) if len(f.knots) else np.zeros(1)
        levels = np.append(f.values[:1], f.values) if len(f.knots) else np.array([f.intercept])
        return cls(f.knots.copy(), f.slopes.copy(), left, levels, nearest(data.distinct.x, f.knots), 2 * net.loss(data))

    @property
    def pieces(self) -> int:
        """The number of pieces k."""
        return len(self.slopes)

    @property
    def loss(self) -> float:
        """1/2 sum_j w_j (f(x_j) - y_j)^2, as `ReLUNet.loss`."""
        return self.error / 2

    @property
    def values(self) -> Array:
        """(k - 1,) f at the knots: where it jumps, the value from the right."""
        return self.levels[1:] + self.slopes[1:] * (self.knots - self.centres[1:])

    @property
    def gaps(self) -> Array:
        """(k - 1,) by how much f jumps at each knot, right minus left; 0 where the lines meet up to rounding."""
        return jump(self.knots, self.slopes, self.centres, self.levels)

    @property
    def continuous(self) -> bool:
        """Whether f has no gap: then a network can be f, on the whole line."""
        return not np.any(self.gaps)

    def __call__(self, x: ArrayLike) -> Array:
        """f(x) for x of any shape, in that shape; the outermost lines go on. O(log k) for each value."""
        x = numbers("x", x)
        p = np.searchsorted(self.knots, x, side="right")
        return (self.levels[p] + self.slopes[p] * (x - self.centres[p]))[()]

    def __repr__(self) -> str:
        knots = f", knots in {extent(self.knots)}" if len(self.knots) else ""
        jumps = int(np.count_nonzero(self.gaps))
        meet = f"{jumps} gap{'s' if jumps > 1 else ''}" if jumps else "continuous"
        return f"Segments({self.pieces} piece{'s' if self.pieces > 1 else ''}, {meet}{knots}; error={self.error:.6g})"

    def cpwl(self, ramp: float | None = None) -> CPWL:
        """The same function as a `CPWL`, if it is continuous.

        No network jumps. With 0 < ramp < 1 every gap becomes a steep line over the part `ramp` of the room
        around its knot, where there is no sample: all values at the samples, and so the error, stay, at the
        cost of one more knot for each gap.

        Raises InputError for a fit with gaps if `ramp` is None, and for a ramp outside (0, 1).
        """
        if ramp is not None and not 0 < number("ramp", ramp) < 1:
            raise InputError(f"ramp is {ramp!r}: it must be between 0 and 1, the part of the room that a ramp takes")
        jumps = self.gaps != 0
        if jumps.any() and ramp is None:
            raise InputError(
                f"the fit jumps at {int(jumps.sum())} of its knots, first at x = {self.knots[jumps][0]:g}, and no "
                "network does: pass ramp, for example ramp=0.5, for a steep line between the two samples there, "
                "or fit with continuous=True"
            )
        half = np.where(jumps, (ramp or 0.0) * self.room, 0.0)
        left, right = self.knots - half, self.knots + half
        if np.any(jumps & ~((left < self.knots) & (self.knots < right))):
            p = int(np.argmax(jumps & ~((left < self.knots) & (self.knots < right))))
            raise InputError(f"the gap at x = {self.knots[p]:g} is between samples too close for a ramp")
        return self._with_ramps(jumps, left, right)

    def _with_ramps(self, jumps: NDArray[np.bool_], left: Array, right: Array) -> CPWL:
        k = len(self.knots)
        ends = self.levels[:-1] + self.slopes[:-1] * (left - self.centres[:-1])
        starts = self.levels[1:] + self.slopes[1:] * (right - self.centres[1:])
        kept = np.ones(2 * k, dtype=bool)
        kept[::2] = jumps  # at a knot without a gap the two ends of the ramp are one point
        knots, values = np.empty(2 * k), np.empty(2 * k)
        knots[::2], knots[1::2], values[::2], values[1::2] = left, right, ends, starts
        slopes = np.zeros(2 * k + 1)
        slopes[::2] = self.slopes
        with np.errstate(divide="ignore", invalid="ignore"):
            slopes[1::2] = (starts - ends) / (right - left)
        intercept = None if k else float(self(0.0))
        return CPWL(knots[kept], values[kept], slopes[np.append(True, kept)] if k else slopes, intercept)

    def net(self, ramp: float | None = None, norm: float = 1.0) -> ReLUNet:
        """A network with this function on the whole line, up to rounding; with gaps, see `cpwl` for `ramp`.

        It has a neuron for each knot and two more; see `CPWL.lift`. With a ramp its values at the samples are
        those of the fit up to rounding of the ramps' slopes. Raises what `cpwl` raises.
        """
        return self.cpwl(ramp).network(norm)


def check_data(data: object) -> None:
    if not isinstance(data, Samples):
        raise InputError(f"data is of type {type(data).__name__}: it must be Samples, made by Samples(x, y)")


def jump(x: Array, slopes: Array, centres: Array, levels: Array) -> Array:
    """(k - 1,) line p + 1 minus line p at x_p, for k lines; 0 where they agree up to rounding."""

    def lines(pieces: slice) -> tuple[Array, Array]:
        rise = np.abs(slopes[pieces]) * (np.abs(x) + np.abs(centres[pieces]))
        at = levels[pieces] + slopes[pieces] * (x - centres[pieces])
        return at, np.abs(levels[pieces]) + rise

    (left, left_size), (right, right_size) = lines(slice(-1)), lines(slice(1, None))
    return np.where(np.abs(right - left) <= _ROUNDING * (left_size + right_size), 0.0, right - left)


def nearest(x: Array, at: Array) -> Array:
    """Distance from each of the points `at` to the nearest of the ascending x."""
    p = np.searchsorted(x, at)
    return np.minimum(np.abs(at - x[np.maximum(p - 1, 0)]), np.abs(x[np.minimum(p, len(x) - 1)] - at))
