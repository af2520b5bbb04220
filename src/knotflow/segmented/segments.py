"""Segments: a piecewise linear fit, continuous or not, and its ways to a network and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from knotflow._checks import extent, number, numbers
from knotflow._deprecated import warn
from knotflow._typing import Array, Flags
from knotflow._values import immutable
from knotflow.data import Samples
from knotflow.errors import InputError
from knotflow.network import CPWL, ReLUNet
from knotflow.network.subject import subject

ROUNDING = 64 * np.finfo(np.float64).eps


@dataclass(frozen=True, eq=False, repr=False)
@immutable
class Segments:
    """A piecewise linear fit: f(x) = levels_p + slopes_p (x - centres_p) for x in piece p.

    Made by `optimal`, `path`, `greedy`, `choose` and `Segments.of`. Calling it gives f(x) in the shape of x, in
    O(log k) for each x; the outermost lines go on outside. All arrays are read-only.

    Attributes
    ----------
    knots : ndarray of shape (k - 1,)
        Where one piece ends and the next begins, ascending; a knot belongs to the piece on its right.
    slopes : ndarray of shape (k,)
        The slope of each line.
    centres : ndarray of shape (k,)
        The x at which each line is anchored, near its samples.
    levels : ndarray of shape (k,)
        The value of each line there.
    room : ndarray of shape (k - 1,)
        Distance from each knot to the nearest sample.
    error : float
        sum_j w_j (f(x_j) - y_j)^2 over the samples it was made for: twice the loss.
    rounding : float
        How far rounding may have moved the levels; lines that are no farther apart at a knot meet there.

    Examples
    --------
    >>> import knotflow as kf
    >>> fit = kf.segmented.optimal(kf.Samples([0, 1, 2, 3, 4], [2, 1, 0, 1, 2]), 2, continuous=True)
    >>> fit.knots
    array([2.])
    >>> fit.slopes.round(12)
    array([-1.,  1.])
    >>> round(float(fit.network()(10)), 12)
    8.0
    """

    knots: Array
    slopes: Array
    centres: Array
    levels: Array
    room: Array
    error: float
    rounding: float = 0.0

    @classmethod
    def of(cls, net: ReLUNet, data: Samples) -> Segments:
        """The function of a network, with its error on `data`.

        Parameters
        ----------
        net : ReLUNet
            m neurons. Every knot of its function counts, also those outside the data.
        data : Samples
            n samples, for the error.

        Returns
        -------
        Segments
            Continuous.

        Raises
        ------
        InputError
            For other arguments.

        Notes
        -----
        O(m log m + n log n).
        """
        subject(net, data)
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
        gaps, hidden = jump(self.knots, self.slopes, self.centres, self.levels)
        return np.where(np.abs(gaps) <= self.rounding + hidden, 0.0, gaps)

    @property
    def continuous(self) -> bool:
        """Whether f has no gap: then a network can be f, on the whole line."""
        return not np.any(self.gaps)

    def __call__(self, x: ArrayLike) -> Array:
        """f(x) for x of any shape, in that shape; the outermost lines go on. O(log k) for each value."""
        x = numbers("x", x)
        p = np.searchsorted(self.knots, x, side="right")
        with np.errstate(over="ignore"):
            return (self.levels[p] + self.slopes[p] * (x - self.centres[p]))[()]

    def __repr__(self) -> str:
        knots = f", knots in {extent(self.knots)}" if len(self.knots) else ""
        jumps = int(np.count_nonzero(self.gaps))
        meet = f"{jumps} gap{'s' if jumps > 1 else ''}" if jumps else "continuous"
        return f"Segments({self.pieces} piece{'s' if self.pieces > 1 else ''}, {meet}{knots}; error={self.error:.6g})"

    def cpwl(self, ramp: float | None = None) -> CPWL:
        """The same function as a `CPWL`; gaps become steep lines if `ramp` is given.

        Parameters
        ----------
        ramp : float, optional
            0 < ramp < 1. No network jumps: every gap becomes a steep line over the part `ramp` of the room around
            its knot, where there is no sample. All values at the samples, and so the error, stay; each gap costs
            one more knot.

        Returns
        -------
        CPWL
            The function alone.

        Raises
        ------
        InputError
            For a fit with gaps if `ramp` is None, and for a ramp outside (0, 1).
        """
        if ramp is not None:
            ramp = number("ramp", ramp, above=0.0, below=1.0)
        jumps = self.gaps != 0
        if jumps.any() and ramp is None:
            raise InputError(
                f"ramp is None: it must be a number, for example 0.5, because the fit jumps at {int(jumps.sum())} of "
                f"its knots, first at x = {self.knots[jumps][0]:g}, and no network does; or fit with continuous=True"
            )
        half = np.full(len(self.knots), 0.0) if ramp is None else ramp * self.room
        left, right = self.knots - half, self.knots + half
        # What is narrower than two numbers on either side may be rounded to a sample, or to the next ramp.
        fits = half >= 2 * np.spacing(np.abs(self.knots))
        fits[1:] &= left[1:] > right[:-1]
        fits[:-1] &= left[1:] > right[:-1]
        if np.any(jumps & ~fits):
            p = int(np.argmax(jumps & ~fits))
            raise InputError(
                f"the gap at x = {self.knots[p]:g} is between samples too close for a ramp: it must be wider"
            )
        # With ramps, also where the lines meet next to the knot only, which x has no number for.
        jumps |= fits & (np.abs(jump(self.knots, self.slopes, self.centres, self.levels)[0]) > self.rounding)
        return self._with_ramps(jumps, np.where(jumps, left, self.knots), np.where(jumps, right, self.knots))

    def _with_ramps(self, jumps: Flags, left: Array, right: Array) -> CPWL:
        k = len(self.knots)
        if not k:
            return CPWL(self.knots, self.knots, self.slopes, float(self(0.0)))
        ends = self.levels[:-1] + self.slopes[:-1] * (left - self.centres[:-1])
        starts = self.levels[1:] + self.slopes[1:] * (right - self.centres[1:])
        kept = np.ones(2 * k, dtype=bool)
        kept[::2] = jumps  # at a knot without a gap the two ends of the ramp are one point
        knots, values = np.empty(2 * k), np.empty(2 * k)
        knots[::2], knots[1::2], values[::2], values[1::2] = left, right, ends, starts
        slopes = np.zeros(2 * k + 1)
        slopes[::2] = self.slopes
        knots, values, slopes = knots[kept], values[kept], slopes[np.append(True, kept)]
        # Through the values, which are right: the slopes of ramps, and those between lines that meet up to rounding.
        slopes[1:-1] = np.diff(values) / np.diff(knots)
        return CPWL(knots, values, slopes)

    def network(self, ramp: float | None = None, norm: float = 1.0) -> ReLUNet:
        """A network with this function on the whole line, up to rounding.

        Parameters
        ----------
        ramp : float, optional
            For a fit with gaps, as in `cpwl`. The values at the samples are then those of the fit up to rounding
            of the ramps' slopes.
        norm : float
            The norm of the network, > 0.

        Returns
        -------
        ReLUNet
            A neuron for each knot and two more; see `ReLUNet.from_cpwl`.

        Raises
        ------
        InputError
            As `cpwl` does.
        """
        return ReLUNet.from_cpwl(self.cpwl(ramp), norm)

    def net(self, ramp: float | None = None, norm: float = 1.0) -> ReLUNet:
        """The former name of `network`."""
        warn("Segments.net()", "Segments.network()")
        return self.network(ramp, norm)


def jump(x: Array, slopes: Array, centres: Array, levels: Array) -> tuple[Array, Array]:
    """(k - 1,) line p + 1 minus line p at x_p, for k lines, 0 where they agree up to rounding; and what x_p hides.

    The second is by how much the gap changes when x_p is rounded.
    """

    def lines(pieces: slice) -> tuple[Array, Array]:
        rise = slopes[pieces] * (x - centres[pieces])  # x and centres are what they are: their distance is right
        return levels[pieces] + rise, np.abs(levels[pieces]) + np.abs(rise)

    (left, left_size), (right, right_size) = lines(slice(-1)), lines(slice(1, None))
    gap = np.where(np.abs(right - left) <= ROUNDING * (left_size + right_size), 0.0, right - left)
    return gap, 2 * np.abs(np.diff(slopes)) * np.spacing(np.abs(x))


def nearest(x: Array, at: Array) -> Array:
    """Distance from each of the points `at` to the nearest of the ascending x."""
    p = np.searchsorted(x, at)
    return np.minimum(np.abs(at - x[np.maximum(p - 1, 0)]), np.abs(x[np.minimum(p, len(x) - 1)] - at))
