"""CPWL: the function of a network, as a continuous piecewise linear function of one variable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from knotflow._checks import extent, freeze, interval, number, numbers, vector
from knotflow._typing import Array
from knotflow._values import immutable
from knotflow.errors import InputError
from knotflow.network.bdso import BDSO
from knotflow.network.function import evaluated
from knotflow.network.parameters import Parameters, given_parameters, old_to_net

if TYPE_CHECKING:
    from scipy.interpolate import PPoly

    from knotflow.network.relunet import ReLUNet

_EPS = np.finfo(np.float64).eps
_SAME_KNOT = 4 * _EPS  # two roundings in each b / a, and as much again for a rescaled neuron
_CONTINUOUS = 1e-9
_COARSE = 64.0  # roundings that a polynomial may lose beside the function itself
_TINY = np.finfo(np.float64).tiny  # below it, rounding is no longer relative


@dataclass(frozen=True, init=False, eq=False, repr=False)
@immutable
class CPWL:
    """A continuous piecewise linear function: knots, values at them, and the slopes between them.

    It goes through (knots_p, values_p) with slopes_p to the left and slopes_(p+1) to the right.

    Parameters
    ----------
    knots : array_like of shape (k,)
        Finite and ascending; k = 0 is an affine function.
    values : array_like of shape (k,)
        f at the knots.
    slopes : array_like of shape (k + 1,)
        Finite.
    intercept : float, optional
        f(0). May be left out if there is a knot; an affine function needs it.

    Raises
    ------
    InputError
        For other shapes and values, and where values and slopes do not fit together (to 1e-9 of the larger of them).

    Notes
    -----
    O(k) to make, O(k + n log k) for n values.

    References
    ----------
    Sahs et al. 2022, section 2.1.

    Examples
    --------
    >>> import knotflow as kf
    >>> f = kf.ReLUNet([1.0, 2.0], [0.0, 2.0], [1.0, -0.5]).cpwl()
    >>> f
    CPWL(2 knots in [0, 1], values in [0, 1], slopes in [0, 1])
    >>> f.jumps, f.total_variation
    (array([ 1., -1.]), 2.0)
    >>> len(f.network())
    4
    """

    knots: Array
    values: Array
    slopes: Array
    intercept: float

    def __init__(self, knots: ArrayLike, values: ArrayLike, slopes: ArrayLike, intercept: float | None = None) -> None:
        knots = vector("knots", knots)
        k = len(knots)
        values = vector("values", values, k, "knots")
        slopes = vector("slopes", slopes)
        if len(slopes) != k + 1:
            raise InputError(f"slopes has length {len(slopes)}: {k} knots make {k + 1} pieces, one slope for each")
        if np.any(knots[1:] <= knots[:-1]):
            p = int(np.argmax(knots[1:] <= knots[:-1])) + 1
            raise InputError(f"knots[{p}] is {knots[p]:g} after {knots[p - 1]:g}: knots must ascend strictly")
        freeze(self, knots=knots, values=values, slopes=slopes)
        freeze(self, intercept=self._at_zero() if intercept is None else number("intercept", intercept))
        with np.errstate(over="ignore", invalid="ignore"):  # differences of the largest numbers
            self._check_continuity()

    def _at_zero(self) -> float:
        if len(self.knots) == 0:
            raise InputError("intercept is None: a function without knots needs its value at 0")
        near = np.argmin(np.abs(self.knots))
        return float(self.values[near] - self.slopes[np.searchsorted(self.knots, 0.0)] * self.knots[near])

    def _check_continuity(self) -> None:
        x, y, slopes = self._anchors()
        rise = slopes[1:-1] * np.diff(x)
        size = np.abs(y[1:]) + np.abs(y[:-1]) + np.abs(rise)
        wrong = np.abs(np.diff(y) - rise) > _CONTINUOUS * size + _TINY
        if wrong.any():
            p = int(np.argmax(wrong))
            raise InputError(
                f"values and slopes do not fit together: from x = {x[p]:g} to x = {x[p + 1]:g} the "
                f"function goes from {y[p]:g} to {y[p + 1]:g}, which is not slope {slopes[p + 1]:g}"
            )

    @classmethod
    def of(
        cls,
        a: ArrayLike | ReLUNet,
        b: ArrayLike | None = None,
        c: ArrayLike | None = None,
        norm: float = 1.0,
        bias: float = 0.0,
    ) -> CPWL:
        """The function of the network with parameters a, b, c, `norm` and `bias`, or of a ReLUNet. O(m log m).

        Knots that differ by at most 4 roundings (4 * 2.2e-16, relative) from the next one are one knot,
        placed at the smallest of them. A knot is dropped if the changes of slope of its g neurons cancel
        (to g + 4 roundings of the sum of their sizes), or leave no trace in the slopes as float64.

        The values are those of the network up to rounding of sum_i |c_i| (|a_i x| + |b_i|) / norm. Only the
        function is kept: neurons that cancel, parameters and norm are gone.
        """
        return cls.seen(given_parameters("CPWL", a, b, c, norm, bias))

    @classmethod
    def seen(cls, p: Parameters) -> CPWL:
        """The view of checked parameters."""
        view = BDSO.seen(p)
        order = np.argsort(view.knots, kind="stable")
        knots, right = view.knots[order], view.orientations[order] > 0
        mu = view.delta_slopes[order]
        first = np.flatnonzero(np.diff(knots, prepend=-np.inf) > _SAME_KNOT * np.abs(knots))

        def total(term: Array) -> Array:
            return np.add.reduceat(term, first) if len(first) else term

        opening, closing = total(np.where(right, mu, 0.0)), total(np.where(right, 0.0, mu))
        # Only active neurons are summed: right-facing from the left, left-facing from the right.
        slopes = np.append(0.0, np.cumsum(opening)) + np.append(np.cumsum(closing[::-1])[::-1], 0.0)
        count = np.diff(first, append=len(knots))
        kept = np.abs(opening - closing) > (count + 4) * _EPS * total(np.abs(mu))
        kept &= np.diff(slopes) != 0
        slopes = np.append(slopes[0], slopes[1:][kept])
        knots = knots[first][kept]
        intercept = float(evaluated(p, np.zeros(())))
        return cls(knots, values_from_zero(knots, slopes, intercept), slopes, intercept)

    def __repr__(self) -> str:
        if len(self.knots) == 0:
            return f"CPWL(affine: {self.slopes[0]:.6g} x + {self.intercept:.6g})"
        shape = f"{len(self.knots)} knots in {extent(self.knots)}, values in {extent(self.values)}"
        return f"CPWL({shape}, slopes in {extent(self.slopes)})"

    def __call__(self, x: ArrayLike) -> Array:
        """f(x) for x of any shape, in that shape. O(log k) for each value.

        value + slope * (x - point), from the nearest point among the knots and 0: exact at the knots, and as
        accurate between distant knots as far outside. Raises InputError if x is not finite.
        """
        x = numbers("x", x)
        points, values, slopes = self._anchors()
        piece = np.searchsorted(points, x, side="right")
        left, right = np.maximum(piece - 1, 0), np.minimum(piece, len(points) - 1)
        near = np.where(x - points[left] <= points[right] - x, left, right)
        return (values[near] + slopes[piece] * (x - points[near]))[()]

    def _anchors(self) -> tuple[Array, Array, Array]:
        """Knots, values and slopes with the point (0, f(0)) put in, where nothing happens."""
        p = np.searchsorted(self.knots, 0.0)
        return (
            np.insert(self.knots, p, 0.0),
            np.insert(self.values, p, self.intercept),
            np.insert(self.slopes, p, self.slopes[p]),
        )

    @property
    def jumps(self) -> Array:
        """(k,) the change of slope at each knot."""
        return np.diff(self.slopes)

    @property
    def roughness(self) -> float:
        """sum of jumps^2: unlike that of a network, it depends on the function only."""
        return float(np.sum(self.jumps**2))

    @property
    def total_variation(self) -> float:
        """sum of |jumps|: the total variation of f'."""
        return float(np.sum(np.abs(self.jumps)))

    def pieces_in(self, lo: float, hi: float) -> int:
        """How many linear pieces there are inside the open interval (lo, hi); lo and hi may be infinite."""
        lo, hi = number("lo", lo, infinite=True), number("hi", hi, infinite=True)
        if not lo < hi:
            raise InputError(f"the interval ({lo:g}, {hi:g}) is empty: lo must be less than hi")
        return int(np.sum((self.knots > lo) & (self.knots < hi))) + 1

    def to_ppoly(self, lo: float, hi: float) -> PPoly:
        """The same function as a `scipy.interpolate.PPoly`, on the whole line.

        Its breakpoints are the knots and one point on each side of all of them, because SciPy extrapolates the
        outermost pieces: `lo` and `hi`, where they lie outside the knots. SciPy counts from the left end of a piece,
        which rounds to the size of what f does over the piece. Where that is 64 times as much as f is at the right
        end, and does beside it over hi - lo or to the next knot, there are more breakpoints, closer and closer to that
        end: knots far away cost no accuracy. Raises InputError unless lo < hi.
        """
        from scipy.interpolate import PPoly

        lo, hi = interval(lo, hi)
        ends = [lo, hi]
        if len(self.knots):
            first, last = self.knots[0], self.knots[-1]
            beside = np.diff(self.knots[[0, 1, -2, -1]])[[0, -1]] if len(self.knots) > 1 else [hi - lo, hi - lo]
            before, after = np.maximum(np.minimum(beside, hi - lo), 4 * np.spacing(np.abs([first, last])))
            ends = [lo if lo < first else first - before, hi if hi > last else last + after]
        x = np.concatenate([ends[:1], self.knots, ends[1:]])
        x = self._with_near(np.array([lo, 0.0, hi]), x, hi - lo)
        x = np.union1d(x, self._closer(x, hi - lo))
        return PPoly(np.stack([self.slopes[np.searchsorted(self.knots, x[:-1], side="right")], self(x[:-1])]), x)

    def _with_near(self, wanted: Array, x: Array, width: float) -> Array:
        """The breakpoints x, with those of the wanted ones that lie too far from the one on their left."""
        inside = np.unique(wanted[(wanted > x[0]) & (wanted < x[-1]) & ~np.isin(wanted, x)])
        left = x[np.searchsorted(x, inside) - 1]
        slope = np.abs(self.slopes[np.searchsorted(self.knots, inside)])
        coarse = slope * (inside - left) > _COARSE * np.maximum(np.abs(self(inside)), slope * width)
        return np.sort(np.append(x, inside[coarse]))

    def _closer(self, x: Array, near: float) -> Array:
        """Points ever closer to the right ends of pieces, where f is small there and as far as `near` beside it."""
        width = np.diff(x)
        slope = np.abs(self.slopes[np.searchsorted(self.knots, x[:-1], side="right")])
        beside = np.minimum(np.append(width[1:], near), near)
        size = _COARSE * np.maximum(np.abs(self(x[1:])), slope * np.maximum(beside, np.spacing(np.abs(x[1:]))))
        points = []
        for p in np.flatnonzero(slope * width > size):
            step = width[p] / 4
            while slope[p] * step * 4 > size[p]:
                points.append(x[p + 1] - step)
                step /= 4
        return np.array(points)

    def lift(self, norm: float = 1.0) -> Parameters:
        """Parameters of k + 2 neurons with this function, exactly (up to rounding) on the whole line. O(k).

            f(x) = f(0) + slope (x)_{+1} + slope (x)_{-1} + sum_p s_p jump_p (x - knot_p)_{s_p}

        in the notation of `BDSO`: the bias f(0), a pair of opposite-facing neurons at 0 with the slope just
        left of 0, and one neuron of unit |a| at each knot, facing away from 0 (right if knot_p >= 0), so that
        no neuron is active at 0 and only those on the way from 0 to x are active at x. The norm goes into c
        and does not change the function.
        """
        facing = np.where(self.knots >= 0, 1, -1)
        slope = self.slopes[np.searchsorted(self.knots, 0.0)]
        return BDSO(
            np.append([0.0, 0.0], self.knots),
            np.append([slope, slope], facing * self.jumps),
            np.append([1, -1], facing),
            self.intercept,
            norm,
        ).lift()

    def network(self, norm: float = 1.0) -> ReLUNet:
        """A network of this norm with this function: `ReLUNet.from_cpwl` of it; see `lift`."""
        return self.lift(norm).network()

    def to_net(self, norm: float = 1.0) -> ReLUNet:
        """The old name of `network`."""
        old_to_net("CPWL")
        return self.network(norm)


def values_from_zero(knots: Array, slopes: Array, intercept: float) -> Array:
    """f at the knots, summed outwards from f(0): no term is larger than the neurons' own at the knot."""
    p = int(np.searchsorted(knots, 0.0))
    up = slopes[p:-1] * np.diff(knots[p:], prepend=0.0)
    down = slopes[p:0:-1] * np.diff(knots[:p][::-1], prepend=0.0)
    outwards = [np.cumsum(np.append(intercept, steps))[1:] for steps in (down, up)]
    return np.append(outwards[0][::-1], outwards[1])
